"""Scenarios of runs that follow each other: continue-as-new with all it takes, retries, and how long a history gets."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from foldlog import workflow
from foldlog.client import WorkflowContinuedAsNewError, WorkflowExecutionStatus, WorkflowFailureError, WorkflowHandle
from foldlog.common import RetryPolicy, SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from foldlog.exceptions import (
    ApplicationError,
    ChildWorkflowError,
    TerminatedError,
    TimeoutError,
    WorkflowNotFoundError,
)
from foldlog.schemas.event import WorkflowExecutionFailed, WorkflowExecutionTerminated

from tests.conformance.scenarios import REMOTE, Place, Scenario, names
from tests.until import until_asked

HOUR = timedelta(hours=1)
STEP = SearchAttributeKey.for_int("step")
POLICY = RetryPolicy(initial_interval=timedelta(milliseconds=10), backoff_coefficient=1.0, maximum_attempts=3)


@workflow.defn
class First:
    """Goes on as another workflow, with everything else, and takes nothing along but its messages."""

    @workflow.run
    async def run(self, how: str) -> list[Any]:
        await workflow.wait_condition(lambda: bool(self.told))
        if how == "as it was":
            workflow.continue_as_new(args=["changed"])
        workflow.continue_as_new(
            args=[self.told, workflow.info().run_id],
            workflow=Second.run,
            task_queue=REMOTE,
            run_timeout=HOUR,
            task_timeout=timedelta(seconds=7),
            retry_policy=POLICY,
            memo={"step": 2},
            search_attributes=TypedSearchAttributes([SearchAttributePair(STEP, 2)]),
            backoff_start_interval=timedelta(milliseconds=20),
        )

    @workflow.init
    def __init__(self, how: str) -> None:
        self.told: list[str] = ["at once"] if how == "changed" else []

    @workflow.signal
    def tell(self, word: str) -> None:
        self.told.append(word)


@workflow.defn
class Second:
    """Tells what it began with."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    @workflow.run
    async def run(self, told: list[str], before: str) -> list[Any]:
        info = workflow.info()
        workflow.set_signal_handler("later", self.heard.append)
        return [
            told,
            info.continued_run_id == before,
            info.first_execution_run_id == before,
            str(info.run_timeout),
            info.task_queue,
            info.retry_policy == POLICY,
            workflow.memo(),
            info.typed_search_attributes.get(STEP),
            info.start_time - info.workflow_start_time >= timedelta(milliseconds=20),
            self.heard,
        ]


@workflow.defn
class Flaky:
    """Fails until its last attempt, each time in another way."""

    @workflow.run
    async def run(self, how: str) -> list[Any]:
        attempt = workflow.info().attempt
        if how == "for good":
            raise ApplicationError("no", type="Listed")
        if attempt == 1:
            raise ApplicationError("first", next_retry_delay=timedelta(milliseconds=1))
        if attempt == 2:
            await workflow.sleep(1000)
        failure = workflow.get_last_failure()
        return [attempt, type(failure).__name__, workflow.has_last_completion_result()]


@workflow.defn
class Grows:
    """Asks whether its history is long, for as long as it is not."""

    def __init__(self) -> None:
        self.count = 0

    @workflow.run
    async def run(self) -> list[Any]:
        info = workflow.info()
        seen = info.is_continue_as_new_suggested()
        await workflow.wait_condition(lambda: self.count == 1)
        return [seen, info.get_current_history_length(), info.get_current_history_size() > 0]

    @workflow.signal
    def add(self) -> None:
        self.count += 1

    @workflow.query
    def suggested(self) -> bool:
        return workflow.info().is_continue_as_new_suggested()


@workflow.defn
class Renews:
    """Goes on as new when the handler of a signal says so, at once or later."""

    @workflow.init
    def __init__(self, number: int) -> None:
        self.number, self.over = number, False

    @workflow.run
    async def run(self, number: int) -> int:
        await workflow.wait_condition(lambda: self.over)
        return number

    @workflow.signal
    def renew(self) -> None:
        workflow.continue_as_new(self.number + 1)

    @workflow.signal
    async def renew_later(self) -> None:
        await workflow.sleep(0.001)
        workflow.continue_as_new(self.number + 1)

    @workflow.signal
    def end(self) -> None:
        self.over = True

    @workflow.query
    def which(self) -> int:
        return self.number


@workflow.defn
class Minds:
    """Has a child whose history grows, and says what becomes of it."""

    @workflow.run
    async def run(self, child_id: str) -> str:
        try:
            await workflow.execute_child_workflow(Grows.run, id=child_id)
        except ChildWorkflowError as error:
            return f"{type(error.cause).__name__}: {error.cause}"
        return "it went on"


async def a_run_goes_on_as_another_workflow(here: Place) -> None:
    handle = await here.start(First.run, "as another", memo={"step": 1, "other": True})
    first = here.client.get_workflow_handle(handle.id, run_id=handle.result_run_id)
    for word in ("kept", "in order"):
        await handle.signal("later", word)
    await handle.signal(First.tell, "go")
    with pytest.raises(WorkflowContinuedAsNewError) as continued:
        await handle.result(follow_runs=False)
    found = await handle.result()
    assert found == [["go"], True, True, "1:00:00", REMOTE, True, {"step": 2}, 2, True, ["kept", "in order"]]
    described = await here.client.get_workflow_handle(handle.id).describe()
    assert described.run_id == continued.value.new_execution_run_id
    assert (described.workflow_type, described.continued_run_id) == ("Second", handle.result_run_id)
    assert (await first.describe()).status is WorkflowExecutionStatus.CONTINUED_AS_NEW
    same = await here.start(First.run, "as it was", run_timeout=HOUR, memo={"kept": 1}, retry_policy=POLICY)
    await same.signal(First.tell, "go")
    assert (await same.result())[:7] == [["at once"], True, False, "1:00:00", REMOTE, True, {"step": 2}]


async def a_signals_handler_lets_it_go_on_as_new(here: Place) -> None:
    handle = await here.start(Renews.run, 1, start_signal="renew")
    await handle.signal(Renews.renew_later)
    current = here.client.get_workflow_handle_for(Renews.run, handle.id)

    async def is_third() -> bool:
        return await current.query(Renews.which) == 3

    await until_asked(is_third, "the third run begins")
    await handle.signal(Renews.end)
    assert await handle.result() == 3


async def retry_state(closed: WorkflowHandle[Any, Any]) -> str:
    """What the last event of a run says of a further one."""
    last = (await closed.fetch_history()).events[-1]
    assert isinstance(last, WorkflowExecutionFailed)
    return last.retry_state


async def failed_runs_are_retried(here: Place) -> None:
    handle = await here.start(Flaky.run, "twice", retry_policy=POLICY, run_timeout=timedelta(milliseconds=200))
    with pytest.raises(WorkflowFailureError) as failed:
        await handle.result(follow_runs=False)
    assert str(failed.value.cause) == "first"
    assert await handle.result() == [3, "TimeoutError", False]
    first = here.client.get_workflow_handle(handle.id, run_id=handle.result_run_id)
    assert await retry_state(first) == "IN_PROGRESS"
    assert (await here.client.get_workflow_handle(handle.id).describe()).attempt == 3
    once = RetryPolicy(initial_interval=timedelta(milliseconds=10), non_retryable_error_types=["Listed"])
    given_up = await here.start(Flaky.run, "for good", retry_policy=once)
    with pytest.raises(WorkflowFailureError) as failed:
        await given_up.result()
    assert isinstance(failed.value.cause, ApplicationError)
    assert (await given_up.describe()).attempt == 1
    assert await retry_state(given_up) == "NON_RETRYABLE_FAILURE"
    limited = await here.start(
        Flaky.run,
        "twice",
        retry_policy=RetryPolicy(initial_interval=HOUR),
        execution_timeout=timedelta(milliseconds=300),
    )
    with pytest.raises(WorkflowFailureError) as failed:
        await limited.result()
    assert isinstance(failed.value.cause, (ApplicationError, TimeoutError))


async def a_long_history_suggests_to_continue_as_new(here: Place) -> None:
    """The workers of `Place.workers` say from 200 events on."""
    handle = await here.start(Grows.run)
    assert await handle.query(Grows.suggested) is False
    await asyncio.gather(*(handle.signal("nobody takes it", number) for number in range(200)))
    assert await handle.query(Grows.suggested) is True
    await handle.signal(Grows.add)
    assert await handle.result() == [False, 202, True]
    assert len(await names(handle)) == 203


async def a_history_above_its_limit_ends_its_run(here: Place) -> None:
    """The workers of `Place.workers` say above 5 MiB."""
    child_id = uuid.uuid4().hex
    parent = await here.start(Minds.run, child_id)
    child: WorkflowHandle[Any, Any] = here.client.get_workflow_handle(child_id)
    await until_asked(partial(_begun, child), "the child begins")
    for number in range(6):
        assert (await child.describe()).status is WorkflowExecutionStatus.RUNNING, number
        await child.signal("nobody takes it", "x" * 900_000)
    with pytest.raises(WorkflowFailureError) as failed:
        await child.result()
    assert isinstance(failed.value.cause, TerminatedError)
    reason = str(failed.value.cause)
    assert re.fullmatch(r"history size exceeds limit: it has 54\d{5} bytes, and 5242880 are allowed .*", reason)
    assert await parent.result() == f"TerminatedError: {reason}"
    described = await child.describe()
    assert described.status is WorkflowExecutionStatus.TERMINATED
    *_, last = (await child.fetch_history()).events
    assert isinstance(last, WorkflowExecutionTerminated)
    assert (last.reason, last.identity, last.event_id) == (reason, "foldlog", described.history_length)
    assert await child.query(Grows.suggested) is True, "it replays"


async def _begun(child: WorkflowHandle[Any, Any]) -> bool:
    try:
        return (await child.describe()).status is WorkflowExecutionStatus.RUNNING
    except WorkflowNotFoundError:
        return False


SHARED: list[Scenario] = [
    a_run_goes_on_as_another_workflow,
    a_signals_handler_lets_it_go_on_as_new,
    failed_runs_are_retried,
    a_long_history_suggests_to_continue_as_new,
    a_history_above_its_limit_ends_its_run,
]
"""As in `scenarios`."""

WORKFLOWS: Sequence[type] = [First, Second, Flaky, Grows, Renews, Minds]
