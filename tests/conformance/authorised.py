"""Scenarios of interceptors around updates: headers say who asks, and who may not is refused. They bring workers."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from foldlog import client, converter, worker, workflow
from foldlog.client import Client, WithStartWorkflowOperation, WorkflowUpdateFailedError, WorkflowUpdateStage
from foldlog.common import WorkflowIDConflictPolicy
from foldlog.exceptions import ApplicationError

from tests.conformance.scenarios import QUEUE, SOON, Place, Scenario, names
from tests.conformance.workers import start, worker_of

PAYLOADS = converter.DataConverter.default.payload_converter
checked: list[tuple[str, str]] = []
"""Update IDs and roles that came to the interceptor of validators."""


class Badge(client.Interceptor, worker.Interceptor):
    """Shows the role of whoever asks, and lets only bosses in."""

    def __init__(self, role: str) -> None:
        self.role = role

    def intercept_client(self, next: client.OutboundInterceptor) -> client.OutboundInterceptor:
        return ShowsBadge(next, self.role)

    def workflow_interceptor_class(
        self, input: worker.WorkflowInterceptorClassInput
    ) -> type[worker.WorkflowInboundInterceptor]:
        return ChecksBadge


class ShowsBadge(client.OutboundInterceptor):
    def __init__(self, next: client.OutboundInterceptor, role: str) -> None:
        super().__init__(next)
        self.role = {"role": PAYLOADS.to_payload(role)}

    async def start_workflow_update(self, input: client.StartWorkflowUpdateInput) -> Any:
        input.headers = {**input.headers, **self.role}
        return await super().start_workflow_update(input)

    async def start_update_with_start_workflow(self, input: client.StartWorkflowUpdateWithStartInput) -> Any:
        update = input.update_workflow_input
        update.headers = {**update.headers, **self.role}
        return await super().start_update_with_start_workflow(input)


class ChecksBadge(worker.WorkflowInboundInterceptor):
    def handle_update_validator(self, input: worker.HandleUpdateInput) -> None:
        role = PAYLOADS.from_payload(input.headers["role"], str) if "role" in input.headers else "nobody"
        with workflow.unsafe.sandbox_unrestricted():
            checked.append((input.id, role))
        if role != "boss":
            raise ApplicationError(f"{input.update} is not for {role}", type="Forbidden")
        super().handle_update_validator(input)

    async def handle_update_handler(self, input: worker.HandleUpdateInput) -> Any:
        if input.args[0] == 13:
            raise ApplicationError("an unlucky number", type="Unlucky")
        input.args = [input.args[0] * 2]
        return await super().handle_update_handler(input) + 1000


@workflow.defn
class Safe:
    """Holds an amount that updates change."""

    def __init__(self) -> None:
        self.amount = 0
        self.over = False

    @workflow.run
    async def run(self) -> int:
        await workflow.wait_condition(lambda: self.over)
        return self.amount

    @workflow.update
    async def put(self, amount: int) -> int:
        await workflow.sleep(0.001)
        self.amount += amount
        return self.amount

    @put.validator
    def check(self, amount: int) -> None:
        if amount < 0:
            raise ApplicationError("less than nothing", type="Negative")

    @workflow.update
    def tip(self, amount: int) -> int:
        """Anybody may: it has no validator, and so nothing stands around one."""
        self.amount += amount
        return self.amount

    @workflow.signal
    def end(self) -> None:
        self.over = True


def client_of(here: Place, *interceptors: client.Interceptor) -> Client:
    config: Any = {**here.elsewhere.config(), "interceptors": interceptors}
    return Client(**config)


async def refused(update: Any, kind: str) -> None:
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await update
    assert isinstance(failed.value.cause, ApplicationError)
    assert failed.value.cause.type == kind


async def updates_are_authorised_by_their_headers(here: Place) -> None:
    """Before they are taken, so that a refused one leaves nothing; and once only, however often a run is rebuilt."""
    boss, clerk, nobody = client_of(here, Badge("boss")), client_of(here, Badge("clerk")), client_of(here)
    fast: dict[str, Any] = {"rpc_timeout": SOON}
    checked.clear()
    async with worker_of(here, boss, workflows=[Safe], max_cached_workflows=0):
        handle = await start(boss, Safe.run)

        def to(other: Client) -> client.WorkflowHandle[Any, Any]:
            return other.get_workflow_handle(handle.id)

        for other in (clerk, nobody):
            await refused(to(other).execute_update("put", 1, id="first", **fast), "Forbidden")
            accepted = WorkflowUpdateStage.ACCEPTED
            begun = await to(other).start_update("put", 1, id="first", wait_for_stage=accepted, **fast)
            await refused(begun.result(**fast), "Forbidden")
        await refused(handle.execute_update(Safe.put, -1, id="first", **fast), "Negative")
        assert await names(handle) == ["WorkflowExecutionStarted"]
        # Its ID is still free, and the interceptor changes what the handler gets and gives.
        assert await handle.execute_update(Safe.put, 1, id="first", **fast) == 1002
        assert await to(clerk).execute_update("put", 5, id="first", **fast) == 1002, "it has its answer already"
        await refused(handle.execute_update(Safe.put, 13, id="second", **fast), "Unlucky")
        assert await to(clerk).execute_update("tip", 4, id="third", **fast) == 1010
        await handle.signal(Safe.end, **fast)
        assert await handle.result(**fast) == 10
        history = await handle.fetch_history()
        taken = [event for event in history.events if type(event).__name__ == "WorkflowExecutionUpdateAccepted"]
        assert [event.update_id for event in taken] == ["first", "second", "third"]  # type: ignore[union-attr]
        await with_start(boss, clerk)
        roles = ["clerk", "clerk", "nobody", "nobody", "boss", "boss"]
        assert checked[:7] == [*(("first", role) for role in roles), ("second", "boss")]
        assert checked[7:] == [("begins", "clerk"), ("begins", "boss")]
        await worker.Replayer(workflows=[Safe], interceptors=[Badge("")]).replay_workflow(history)
    assert len(checked) == 9


async def with_start(boss: Client, clerk: Client) -> None:
    """The same for updates that begin their workflow: it does begin, and the update is refused."""
    id = uuid.uuid4().hex

    def operation() -> WithStartWorkflowOperation[Any, Any]:
        return WithStartWorkflowOperation(
            Safe.run, id=id, task_queue=QUEUE, id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING
        )

    def put(by: Client) -> Any:
        return by.execute_update_with_start_workflow(
            Safe.put, 3, id="begins", start_workflow_operation=operation(), rpc_timeout=SOON
        )

    await refused(put(clerk), "Forbidden")
    handle = boss.get_workflow_handle_for(Safe.run, id)
    assert await names(handle) == ["WorkflowExecutionStarted", "WorkflowTaskScheduled"]
    assert await put(boss) == 1006
    await handle.terminate(rpc_timeout=SOON)


ALONE: list[Scenario] = [updates_are_authorised_by_their_headers]
"""Scenarios that bring their own workers."""
