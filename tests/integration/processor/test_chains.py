"""Chains of runs on a real broker: over a restart in their middle, each run begins once and nothing is left behind."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from foldlog import workflow
from foldlog.client import (
    WorkflowContinuedAsNewError,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHistory,
)
from foldlog.common import RetryPolicy, SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from foldlog.core.fold import is_event
from foldlog.exceptions import ApplicationError, InvalidArgumentError
from foldlog.schemas.common import WorkflowOptions
from foldlog.schemas.framing import decode
from foldlog.worker import Replayer

from tests.until import until_asked

from .logs import Audit
from .running import SOON, Place, place
from .workloads import QUEUE

STEP = SearchAttributeKey.for_int("step")
CITY = SearchAttributeKey.for_keyword("city")


@workflow.defn
class Subscription:
    """Goes on as new after each two signals; one kind of them has a handler in the last run only."""

    def __init__(self) -> None:
        self.paid = 0
        self.letters: list[str] = []

    @workflow.run
    async def run(self, left: int, before: int = 0) -> list[Any]:
        workflow.upsert_search_attributes([STEP.value_set(before)])
        if left == 0:
            workflow.set_signal_handler("letter", self.letters.append)
            await workflow.wait_condition(lambda: len(self.letters) == 3)
            return [before, *self.letters, workflow.memo_value("note")]
        await workflow.wait_condition(lambda: self.paid == 2)
        workflow.upsert_memo({"note": f"run {left}"})
        workflow.continue_as_new(args=[left - 1, before + self.paid])

    @workflow.signal
    def pay(self) -> None:
        self.paid += 1


@workflow.defn
class Flaky:
    """Fails as often as it is told."""

    @workflow.run
    async def run(self, failures: int) -> list[Any]:
        attempt = workflow.info().attempt
        if attempt <= failures:
            raise ApplicationError(f"attempt {attempt}")
        return [attempt, str(workflow.get_last_failure())]


@workflow.defn
class Ticks:
    """Counts over the runs of its schedule."""

    @workflow.run
    async def run(self) -> int:
        last = workflow.get_last_completion_result(int) or 0
        if last == 2:
            raise ApplicationError("enough", non_retryable=True)
        return last + 1


@workflow.defn
class Delayed:
    """Tells how long its code was held."""

    def __init__(self) -> None:
        self.poked = False

    @workflow.run
    async def run(self) -> list[Any]:
        info = workflow.info()
        return [self.poked, info.start_time > info.workflow_start_time]

    @workflow.signal
    def poke(self) -> None:
        self.poked = True


@workflow.defn
class Patched:
    """A workflow whose code has changed while it waits."""

    def __init__(self) -> None:
        self.steps = 0

    @workflow.run
    async def run(self) -> bool:
        first = workflow.patched("first")
        await workflow.wait_condition(lambda: self.steps == 1)
        return first and workflow.patched("second")

    @workflow.signal
    def step(self) -> None:
        self.steps += 1


WORKFLOWS = [Subscription, Flaky, Ticks, Delayed, Patched]


async def test_chains_go_on_over_a_restart(kafka: str, namespace: str, tmp_path: Path) -> None:
    async with place(kafka, namespace, tmp_path, partitions=1) as here:
        first = await begin(here)
        results = await finish(here, first)
        audit = await here.check()
    await replay(audit)
    assert results["subscription"] == [4, "a", "b", "c", "run 1"]
    assert results["flaky"] == [3, "attempt 2"]
    assert results["patched"] is True
    assert results["delayed"] == [True, True]
    runs = {run_id: events for (workflow_id, run_id), events in audit.events.items() if workflow_id == "subscription"}
    assert len(runs) == 3
    # Each run is named by the end of the one before, and nobody else begins one.
    ends = [getattr(events[-1], "new_run_id", "") for events in runs.values()]
    assert {first, *filter(None, ends)} == set(runs)
    assert not [run for run in audit.events if run[0] == "never"]


async def replay(found: Audit) -> None:
    """Each run, from the records of the topic: any program may read them."""
    encoded: dict[tuple[str, str], list[bytes]] = defaultdict(list)
    for record in found.records[0]:
        value = record.value or b""
        read: Any = decode(value)
        if is_event(read):
            encoded[(record.key or b"").decode(), read.run_id].append(value)
    assert set(encoded) == set(found.events)
    for (workflow_id, _), records in encoded.items():
        await Replayer(workflows=WORKFLOWS).replay_workflow(WorkflowHistory.from_encoded(workflow_id, records))


async def begin(here: Place) -> str:
    """All of it under way, and the worker gone."""
    attributes = TypedSearchAttributes([SearchAttributePair(CITY, "Bonn")])
    async with here.worker(workflows=WORKFLOWS):
        handle = await here.start(
            Subscription.run,
            2,
            id="subscription",
            search_attributes=attributes,
            memo={"kept": 1},
            static_summary="a subscription",
            execution_timeout=timedelta(hours=1),
        )
        for letter in ("a", "b"):
            await handle.signal("letter", letter)
        for _ in range(3):
            await handle.signal(Subscription.pay)
        with pytest.raises(WorkflowContinuedAsNewError) as continued:
            await handle.result(follow_runs=False)
        assert continued.value.new_execution_run_id != handle.result_run_id
        policy = RetryPolicy(initial_interval=timedelta(seconds=1), backoff_coefficient=1.0, maximum_attempts=3)
        await here.start(Flaky.run, 2, id="flaky", retry_policy=policy)
        await here.start(Ticks.run, id="ticks", cron_schedule="@every 1s")
        await here.start(Delayed.run, id="delayed", start_delay=timedelta(hours=1))
        await here.start(Patched.run, id="patched")
        shown = await described(here, "delayed")
        assert shown.status is WorkflowExecutionStatus.RUNNING
        assert shown.execution_time is not None
        assert shown.execution_time - shown.start_time == timedelta(hours=1)
        with pytest.raises(InvalidArgumentError, match="cron"):
            await here.start(Ticks.run, id="never", cron_schedule="now and then")
        await here.begin("never", "Ticks", options=WorkflowOptions(cron_schedule="now and then"), request_id="r")
        here.flush()
        return str(handle.first_execution_run_id)


async def finish(here: Place, first: str) -> dict[str, Any]:
    """After a restart, the rest of it."""
    async with here.worker(workflows=WORKFLOWS):
        handle = here.client.get_workflow_handle("subscription", first_execution_run_id=first)
        shown = await described(here, "subscription")
        assert shown.first_execution_run_id == first
        assert shown.continued_run_id == first
        assert dict(await shown.memo()) == {"kept": 1, "note": "run 2"}
        assert await shown.static_summary() == "a subscription"
        assert {pair.key.name: pair.value for pair in shown.typed_search_attributes} == {"city": "Bonn", "step": 2}
        await handle.signal(Subscription.pay)
        await handle.signal("letter", "c")
        await here.tell("delayed", "poke")
        await here.client.start_workflow("Delayed", id="delayed", task_queue=QUEUE, start_signal="poke")
        await here.tell("patched", "step")
        results = {
            name: await here.client.get_workflow_handle(name).result(rpc_timeout=SOON)
            for name in ("delayed", "patched", "flaky")
        }
        results["subscription"] = await here.client.get_workflow_handle("subscription", run_id=first).result()
        with pytest.raises(WorkflowFailureError) as failed:
            await here.client.get_workflow_handle("flaky", run_id=await first_run(here, "flaky")).result(
                follow_runs=False
            )
        assert str(failed.value.cause) == "attempt 1"
        await end_schedule(here)
        return results


async def end_schedule(here: Place) -> None:
    """The schedule has gone through its runs, and goes on until it is terminated."""

    async def has_failed() -> bool:
        rows = [row async for row in here.client.list_workflows(id_prefix="ticks")]
        return any(row.status is WorkflowExecutionStatus.FAILED for row in rows)

    await until_asked(has_failed, "a run of the schedule has failed")
    shown = await described(here, "ticks")
    assert shown.cron_schedule == "@every 1s"
    await here.client.get_workflow_handle("ticks").terminate()


async def described(here: Place, workflow_id: str) -> WorkflowExecutionDescription:
    return await here.client.get_workflow_handle(workflow_id).describe(rpc_timeout=SOON)


async def first_run(here: Place, workflow_id: str) -> str:
    return (await described(here, workflow_id)).first_execution_run_id
