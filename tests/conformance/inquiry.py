"""Scenarios of what can be asked of workflows, one or many: rejected queries, update handles, histories, counts."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from foldlog import workflow
from foldlog.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHistory,
    WorkflowQueryRejectedError,
    WorkflowUpdateStage,
)
from foldlog.common import QueryRejectCondition
from foldlog.exceptions import ApplicationError, RPCError
from foldlog.schemas.framing import encode
from foldlog.worker import Replayer

from tests.conformance.scenarios import SOON, Place, Scenario
from tests.until import until_asked

Condition, Status = QueryRejectCondition, WorkflowExecutionStatus
ACCEPTED = WorkflowUpdateStage.ACCEPTED


@workflow.defn
class Asked:
    """Ends as it is told, and answers whenever it is asked."""

    def __init__(self) -> None:
        self.how = ""

    @workflow.run
    async def run(self, part: str) -> str:
        await workflow.wait_condition(lambda: bool(self.how))
        if self.how == "fail":
            raise ApplicationError("as told")
        return part

    @workflow.query
    def state(self) -> str:
        return self.how

    @workflow.update
    async def end(self, how: str) -> str:
        await workflow.sleep(0.001)
        self.how = how
        return f"will {how}"


async def rejected_queries(here: Place) -> None:
    """By each condition, in each state, said with the query or by the client."""
    cases = {
        Status.RUNNING: {Condition.NONE},
        Status.COMPLETED: {Condition.NONE, Condition.NOT_COMPLETED_CLEANLY},
        Status.FAILED: {Condition.NONE},
        Status.CANCELED: {Condition.NONE},
        Status.TERMINATED: {Condition.NONE},
    }
    cases[Status.RUNNING] |= {Condition.NOT_OPEN, Condition.NOT_COMPLETED_CLEANLY}
    for status, answered in cases.items():
        handle = await here.start(Asked.run, "x")
        if status is Status.CANCELED:
            await handle.cancel()
        elif status is Status.TERMINATED:
            await handle.terminate()
        elif status is not Status.RUNNING:
            await handle.execute_update(Asked.end, "fail" if status is Status.FAILED else "complete")
        if status not in (Status.RUNNING, Status.COMPLETED):
            with pytest.raises(WorkflowFailureError):
                await handle.result()
        elif status is Status.COMPLETED:
            await handle.result()
        config = here.client.config()
        for condition in Condition:
            config["default_workflow_query_reject_condition"] = condition
            by_default = Client(**config).get_workflow_handle_for(Asked.run, handle.id)
            plain = here.client.get_workflow_handle_for(Asked.run, handle.id)
            for asked, said in ((plain, condition), (by_default, None)):
                if condition in answered:
                    assert isinstance(await asked.query(Asked.state, reject_condition=said), str)
                else:
                    with pytest.raises(WorkflowQueryRejectedError) as rejected:
                        await asked.query(Asked.state, reject_condition=said)
                    assert rejected.value.status is status
        if status is Status.RUNNING:
            await handle.terminate()


async def handles_of_updates(here: Place) -> None:
    handle = await here.start(Asked.run, "x")
    with pytest.raises(ValueError, match="ADMITTED"):
        await handle.start_update(Asked.end, "fail", wait_for_stage=WorkflowUpdateStage.ADMITTED)
    update = await handle.start_update(Asked.end, "complete", wait_for_stage=ACCEPTED, id="u")
    same = handle.get_update_handle("u", workflow_run_id=handle.result_run_id, result_type=str)
    typed = handle.get_update_handle_for(Asked.end, "u", workflow_run_id=handle.result_run_id)
    for each in (update, same, typed):
        assert (each.id, each.workflow_id, each.workflow_run_id) == ("u", handle.id, handle.result_run_id)
        assert await each.result() == "will complete"
    assert await handle.result() == "x"
    done = await handle.start_update(Asked.end, "anything", wait_for_stage=WorkflowUpdateStage.COMPLETED, id="u")
    assert await done.result() == "will complete"
    with pytest.raises(RPCError):
        await handle.get_update_handle("u", workflow_run_id="another run").result()


async def histories_of_many(here: Place) -> None:
    """Listed, written down, read again and replayed; the one that does not fit is named."""
    prefix = uuid.uuid4().hex
    parts = [await here.start(Asked.run, f"part {number}", id=f"{prefix}-{number}") for number in range(3)]
    for each in parts:
        await each.execute_update(Asked.end, "complete")
        await each.result()
    query = f"WorkflowId STARTS_WITH '{prefix}' AND ExecutionStatus = 'Completed'"

    async def listed() -> bool:
        return (await here.client.count_workflows(query, rpc_timeout=SOON)).count == 3

    await until_asked(listed, "all are listed as completed")
    found = [history async for history in here.client.list_workflows(query).map_histories(rpc_timeout=SOON)]
    assert {history.workflow_id for history in found} == {each.id for each in parts}
    counted = await here.client.count_workflows(query + " GROUP BY ExecutionStatus")
    assert [(group.count, list(group.group_values)) for group in counted.groups] == [(3, ["Completed"])]
    for history in found:
        read = [
            WorkflowHistory.from_json(history.workflow_id, history.to_json()),
            WorkflowHistory.from_json(history.workflow_id, history.to_json_dict()),
            WorkflowHistory.from_encoded(history.workflow_id, history.to_encoded()),
        ]
        for again in read:
            assert (again.run_id, list(map(encode, again.events))) == (
                history.run_id,
                list(map(encode, history.events)),
            )

    @workflow.defn(name="Asked")
    class Changed:
        @workflow.run
        async def run(self, part: str) -> str:
            if part == "part 1":
                await workflow.sleep(timedelta(days=1))
            await workflow.wait_condition(lambda: hasattr(self, "how"))
            return part

        @workflow.update
        async def end(self, how: str) -> str:
            await workflow.sleep(0.001)
            self.how = how
            return f"will {how}"

    every = here.client.list_workflows(query).map_histories()
    results = await Replayer(workflows=[Asked]).replay_workflows(every)
    assert results.replay_failures == {}
    changed = Replayer(workflows=[Changed])
    results = await changed.replay_workflows(_each(found), raise_on_replay_failure=False)
    assert set(results.replay_failures) == {history.run_id for history in found if history.workflow_id.endswith("1")}
    async with changed.workflow_replay_iterator(_each(found)) as replayed:
        failed = [one.history.workflow_id async for one in replayed if one.replay_failure is not None]
    assert failed == [f"{prefix}-1"]
    (config,) = [changed.config()["workflows"]]
    assert list(config) == [Changed]


async def _each(histories: list[WorkflowHistory]) -> AsyncIterator[WorkflowHistory]:
    for history in histories:
        yield history


SHARED: list[Scenario] = [rejected_queries, handles_of_updates, histories_of_many]
"""As in `scenarios`."""

WORKFLOWS: list[type] = [Asked]
