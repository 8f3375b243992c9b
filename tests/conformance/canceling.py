"""Scenarios of cancellation: before the code begins, while it cannot go on, and of parts of what it waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from foldlog import workflow
from foldlog.client import WorkflowExecutionStatus, WorkflowFailureError, WorkflowHandle
from foldlog.common import RetryPolicy
from foldlog.exceptions import ActivityError, ApplicationError, CancelledError, ChildWorkflowError

from tests.conformance.handlers import stalled
from tests.conformance.scenarios import SOON, Place, Scenario, names
from tests.until import until_asked

HOUR = timedelta(hours=1)


@workflow.defn
class Explains:
    """Waits, unless it is to fail, or to go on later, at first; says why it is cancelled, and in which attempt."""

    @workflow.run
    async def run(self, first: str = "") -> None:
        info = workflow.info()
        if first == "fail" and info.attempt == 1:
            raise ApplicationError("at first")
        if first == "go on" and info.continued_run_id is None:
            workflow.continue_as_new(first, backoff_start_interval=HOUR)
        try:
            await workflow.sleep(HOUR)
        except asyncio.CancelledError:
            raise CancelledError("not told", workflow.cancellation_reason(), info.attempt) from None


@workflow.defn
class Lame:
    """Cannot go on until it is mended, and waits then."""

    mended = False

    @workflow.run
    async def run(self) -> str:
        if not Lame.mended:
            raise KeyError("lame")
        try:
            await workflow.sleep(HOUR)
        except asyncio.CancelledError:
            await workflow.sleep(0.01)  # a second request would end this
            return f"cancelled: {workflow.cancellation_reason()}"
        return "slept"


@workflow.defn
class Scopes:
    """Cancels parts of what it waits for: an activity, a child and a timer in a group, a timer by a timeout."""

    def __init__(self) -> None:
        self.told = False

    @workflow.run
    async def run(self) -> list[Any]:
        found: list[Any] = []

        async def of(name: str, waited: Any) -> None:
            try:
                await waited
            except (ActivityError, ChildWorkflowError, asyncio.CancelledError) as error:
                found.append([name, type(getattr(error, "cause", error)).__name__])
                raise

        async def fail() -> None:
            await workflow.wait_condition(lambda: self.told)
            raise ApplicationError("one of them fails")

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(of("timer", workflow.sleep(HOUR)))
                group.create_task(of("activity", workflow.execute_activity("leave_open", start_to_close_timeout=HOUR)))
                group.create_task(of("child", workflow.execute_child_workflow(Explains.run)))
                group.create_task(fail())
        except BaseExceptionGroup as errors:
            found.append(sorted(type(error).__name__ for error in errors.exceptions))
        for limited in (asyncio.wait_for(workflow.sleep(HOUR), 0.01), self.in_time()):
            try:
                await limited
            except TimeoutError:
                found.append("timeout")
        return found

    async def in_time(self) -> None:
        async with asyncio.timeout(0.01):
            await workflow.wait_condition(lambda: False)

    @workflow.signal
    def go(self) -> None:
        self.told = True


async def explained(handle: WorkflowHandle[Any, Any]) -> list[Any]:
    """What a cancelled workflow says of it: the details of its error."""
    with pytest.raises(WorkflowFailureError) as failed:
        await handle.result(rpc_timeout=SOON)
    cause = failed.value.cause
    assert isinstance(cause, CancelledError)
    assert (await handle.describe()).status is WorkflowExecutionStatus.CANCELED
    return list(cause.details)


async def cancelled_before_the_code_begins(here: Place) -> None:
    """Whatever holds it back: it begins at once, and its first await is cancelled."""
    cases: list[tuple[str, int, dict[str, Any]]] = [
        ("", 1, {"start_delay": HOUR}),
        ("", 1, {"cron_schedule": "@every 1h"}),
        ("fail", 2, {"retry_policy": RetryPolicy(initial_interval=HOUR)}),
        ("go on", 1, {}),
    ]
    for first, attempt, options in cases:
        handle = await here.start(Explains.run, first, **options)
        current = here.client.get_workflow_handle(handle.id)
        assert await names(current) == ["WorkflowExecutionStarted"], "it is held"
        await current.cancel(reason="early")
        assert await explained(current) == ["early", attempt]
        found = await current.describe()
        assert found.close_time is not None
        assert found.close_time - found.start_time < HOUR / 2
        assert await names(current) == [
            "WorkflowExecutionStarted",
            "WorkflowExecutionCancelRequested",
            "WorkflowTaskScheduled",
            "WorkflowExecutionCanceled",
        ]


async def a_stalled_run_is_cancelled_once_it_goes_on(here: Place) -> None:
    Lame.mended = False
    handle = await here.start(Lame.run)
    await until_asked(lambda: stalled(handle), "it stalls")
    await handle.cancel(reason="enough")
    await handle.cancel(reason="a second one changes nothing")
    assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
    Lame.mended = True
    assert await handle.result(rpc_timeout=SOON) == "cancelled: enough"
    assert (await names(handle)).count("WorkflowExecutionCancelRequested") == 1


async def scopes_that_are_cancelled(here: Place) -> None:
    handle = await here.start(Scopes.run)

    async def all_wait() -> bool:
        found = await handle.describe()
        begun = [child.run_id for child in found.pending_children]
        return all(begun) and len(begun) == len(found.pending_activities) == len(found.pending_timers) == 1

    await until_asked(all_wait, "all wait")
    (child,) = (await handle.describe()).pending_children
    await handle.signal(Scopes.go)
    *parts, errors, first, second = await handle.result(rpc_timeout=SOON)
    # The child is waited for, and has ended last.
    assert parts == [["timer", "CancelledError"], ["activity", "CancelledError"], ["child", "CancelledError"]]
    assert errors == ["ActivityError", "ApplicationError", "ChildWorkflowError"]
    assert (first, second) == ("timeout", "timeout")
    assert await explained(here.client.get_workflow_handle(child.workflow_id)) == ["", 1]
    kinds = await names(handle)
    # That of the group, and the one within `wait_for`.
    assert [kinds.count(kind) for kind in ("TimerCanceled", "ActivityTaskCancelRequested")] == [2, 1]


SHARED: list[Scenario] = [
    cancelled_before_the_code_begins,
    a_stalled_run_is_cancelled_once_it_goes_on,
    scopes_that_are_cancelled,
]
"""As in `scenarios`."""

WORKFLOWS: Sequence[type] = [Explains, Lame, Scopes]
