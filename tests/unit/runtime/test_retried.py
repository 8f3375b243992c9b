"""Workflow retries, cron schedules, start delays: which run follows, when its code begins, what it is told."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from foldlog import workflow
from foldlog.exceptions import ApplicationError
from foldlog.schemas import command, event
from foldlog.schemas.common import Payload, RetryPolicy, WorkflowOptions

from tests.unit.runtime.chaining import ID, REPLY, Chain

THRICE = WorkflowOptions(retry_policy=RetryPolicy(initial_interval_ms=10_000, maximum_attempts=3))


@workflow.defn
class Fails:
    @workflow.run
    async def run(self, until: int) -> list[Any]:
        attempt = workflow.info().attempt
        if attempt < until:
            raise ApplicationError(f"attempt {attempt}", type="Broken")
        failure = workflow.get_last_failure()
        policy = workflow.info().retry_policy
        return [attempt, str(failure), policy and policy.maximum_attempts]


def test_a_failed_run_is_followed_by_another_after_the_backoff() -> None:
    chain = Chain(Fails).start(3, options=THRICE)
    begun = [chain.started[0].time_ms]
    assert chain.kinds() == ["WorkflowExecutionStarted", "WorkflowExecutionFailed", "WorkflowExecutionStarted"]
    chain.sleep(100)
    assert chain.ends() == ["WorkflowExecutionFailed", "WorkflowExecutionFailed", "WorkflowExecutionCompleted"]
    assert chain.result == [3, "Broken: attempt 2", 3]
    tasks = [found.time_ms for found in chain.events() if isinstance(found, event.WorkflowTaskScheduled)]
    assert [task - begun[0] for task in tasks] == [10_000, 30_000]
    failed = [found for found in chain.events() if isinstance(found, event.WorkflowExecutionFailed)]
    assert [found.new_run_id for found in failed] == [started.run_id for started in chain.started[1:]]
    assert [found.retry_state for found in failed] == ["IN_PROGRESS", "IN_PROGRESS"]


def test_the_last_attempt_ends_the_chain() -> None:
    chain = Chain(Fails).start(9, options=THRICE, reply_to=REPLY, await_result=True)
    chain.sleep(100)
    assert len(chain.started) == 3
    last = chain.events()[-1]
    assert (last.retry_state, last.new_run_id) == ("MAXIMUM_ATTEMPTS_REACHED", "")
    (answer,) = chain.replies()
    assert (answer.status, answer.run_id, answer.retry_state) == ("FAILED", chain.run.run_id, last.retry_state)


@pytest.mark.parametrize(
    ("policy", "state"),
    [
        (RetryPolicy(non_retryable_error_types=["Broken"]), "NON_RETRYABLE_FAILURE"),
        (RetryPolicy(maximum_attempts=1), "MAXIMUM_ATTEMPTS_REACHED"),
        (None, "RETRY_POLICY_NOT_SET"),
    ],
)
def test_why_no_run_follows(policy: RetryPolicy | None, state: str) -> None:
    chain = Chain(Fails).start(9, options=WorkflowOptions(retry_policy=policy, cron_schedule=""))
    assert len(chain.started) == 1
    assert chain.events()[-1].retry_state == state


def test_the_execution_timeout_bounds_the_retries() -> None:
    chain = Chain(Fails).start(9, options=THRICE, execution_timeout_ms=25_000)
    chain.sleep(100)
    assert len(chain.started) == 2
    assert chain.events()[-1].retry_state == "TIMEOUT"


def test_a_run_that_timed_out_is_followed_with_the_signals_that_it_left() -> None:
    @workflow.defn
    class Slow:
        def __init__(self) -> None:
            self.heard: list[str] = []

        @workflow.run
        async def run(self) -> list[str]:
            if workflow.info().attempt == 1:
                await asyncio.sleep(1000)
            workflow.set_signal_handler("late", self.heard.append)
            failure = str(workflow.get_last_failure())
            await workflow.wait_condition(lambda: bool(self.heard))
            return [*self.heard, failure]

    for evict in (False, True):
        chain = Chain(Slow).start(options=THRICE, run_timeout_ms=5_000)
        chain.signal("late", "hello")
        if evict:
            chain.evict()
        chain.sleep(5)
        assert chain.ends() == ["WorkflowExecutionTimedOut"]
        # The time of the new run counts from when its code begins.
        chain.sleep(10)
        assert chain.ends() == ["WorkflowExecutionTimedOut", "WorkflowExecutionCompleted"]
        assert chain.result == ["hello", "workflow run timeout"]


def test_what_waited_for_a_stalled_run_is_for_the_one_that_follows_its_timeout() -> None:
    @workflow.defn
    class StallsOnce:
        def __init__(self) -> None:
            self.heard = ""

        @workflow.run
        async def run(self) -> str:
            if workflow.info().attempt == 1:
                raise ValueError("not yet mended")
            await workflow.wait_condition(lambda: bool(self.heard))
            return self.heard

        @workflow.signal
        def say(self, what: str) -> None:
            self.heard = what

    chain = Chain(StallsOnce).start(options=THRICE, run_timeout_ms=5_000)
    chain.signal("say", "hello")
    assert chain.run.stalled is not None
    chain.sleep(20)
    assert chain.ends() == ["WorkflowExecutionTimedOut", "WorkflowExecutionCompleted"]
    assert chain.result == "hello"


def test_cancelled_and_terminated_runs_are_not_followed() -> None:
    @workflow.defn
    class Waits:
        @workflow.run
        async def run(self) -> None:
            await asyncio.sleep(1000)

    both = WorkflowOptions(retry_policy=RetryPolicy(), cron_schedule="* * * * *")
    for wanted in (command.CancelWorkflow(), command.TerminateWorkflow()):
        chain = Chain(Waits).start(options=both)
        chain.sleep(60)
        chain.world.handle(ID, wanted)
        assert not chain.run.is_open
        assert len(chain.started) == 1


@workflow.defn
class Sums:
    @workflow.run
    async def run(self) -> list[Any]:
        before = workflow.get_last_completion_result(list) if workflow.has_last_completion_result() else [0]
        assert before is not None
        if before[0] == 1 and workflow.get_last_failure() is None:
            raise ApplicationError("every second time")
        return [before[0] + 1, str(workflow.get_last_failure()), workflow.info().cron_schedule]


def test_a_schedule_goes_on_with_what_the_last_run_returned() -> None:
    chain = Chain(Sums)
    chain.world.now_ms = 1_700_000_000_000  # 22:13:20
    chain.start(options=WorkflowOptions(cron_schedule="*/10 * * * *"))
    assert chain.kinds() == ["WorkflowExecutionStarted"]
    chain.sleep(45 * 60)
    assert chain.ends() == [
        "WorkflowExecutionCompleted",
        "WorkflowExecutionFailed",
        "WorkflowExecutionCompleted",
        "WorkflowExecutionCompleted",
    ]
    tasks = [found.time_ms for found in chain.events() if isinstance(found, event.WorkflowTaskScheduled)]
    assert [datetime.fromtimestamp(task / 1000, UTC).strftime("%H:%M:%S") for task in tasks] == [
        "22:20:00",
        "22:30:00",
        "22:40:00",
        "22:50:00",
    ]
    continuations = [started.continuation for started in chain.started[1:]]
    assert {found.initiator for found in continuations if found is not None} == {"CRON"}
    last = continuations[-1]
    assert last is not None
    assert last.last_result == Payload(encoding="json/plain", data=b'[3,"None","*/10 * * * *"]')


def test_times_that_pass_while_a_run_is_under_way_are_skipped() -> None:
    @workflow.defn
    class TakesLong:
        @workflow.run
        async def run(self) -> None:
            await asyncio.sleep(150)

    chain = Chain(TakesLong)
    chain.world.now_ms = 1_700_000_000_000
    chain.start(options=WorkflowOptions(cron_schedule="* * * * *"))
    chain.sleep(600)
    tasks = [found.time_ms for found in chain.events() if isinstance(found, event.WorkflowTaskScheduled)]
    assert [(task - tasks[0]) // 1000 for task in tasks] == [0, 180, 360, 540]


def test_a_schedule_retries_first_where_it_may() -> None:
    options = WorkflowOptions(
        retry_policy=RetryPolicy(initial_interval_ms=1_000, maximum_attempts=2), cron_schedule="@hourly"
    )
    chain = Chain(Fails).start(9, options=options)
    chain.sleep(2 * 3600)
    initiators = [started.continuation and started.continuation.initiator for started in chain.started]
    assert initiators[:5] == [None, "RETRY", "CRON", "RETRY", "CRON"]
    attempts = [started.continuation.attempt if started.continuation else 1 for started in chain.started]
    assert attempts[:5] == [1, 2, 1, 2, 1]


def test_a_schedule_ends_with_the_execution_timeout() -> None:
    chain = Chain(Sums).start(options=WorkflowOptions(cron_schedule="@every 10s"), execution_timeout_ms=25_000)
    chain.sleep(100)
    assert len(chain.started) == 2
    assert not chain.run.is_open
    assert chain.events()[-1].new_run_id == ""


@workflow.defn
class Heard:
    def __init__(self) -> None:
        self.heard = 0

    @workflow.run
    async def run(self) -> list[Any]:
        return [self.heard, (workflow.info().start_time - workflow.info().workflow_start_time) / timedelta(seconds=1)]

    @workflow.signal
    def poke(self) -> None:
        self.heard += 1


def test_a_start_delay_ends_at_its_time_or_with_a_start_that_brings_a_signal() -> None:
    chain = Chain(Heard).start(start_delay_ms=60_000)
    chain.sleep(59)
    assert chain.kinds() == ["WorkflowExecutionStarted"]
    chain.sleep(1)
    assert chain.result == [0, 60.0]
    chain = Chain(Heard).start(start_delay_ms=60_000)
    chain.sleep(10)
    chain.evict()
    chain.signal("poke")
    assert chain.kinds() == ["WorkflowExecutionStarted", "WorkflowExecutionSignaled"]
    again = command.StartWorkflow(
        workflow_type=chain.workflow_type,
        task_queue="q",
        id_conflict_policy="USE_EXISTING",
        start_delay_ms=60_000,
        signal=command.SignalInput(signal_name="poke"),
    )
    chain.world.handle(ID, again)
    assert chain.result == [2, 10.0]
    assert chain.run.deadlines == {}
    chain = Chain(Heard).start(start_delay_ms=60_000, signal=command.SignalInput(signal_name="poke"))
    chain.sleep(59)
    assert "WorkflowTaskScheduled" not in chain.kinds()
    chain.sleep(1)
    assert chain.result == [1, 60.0]


def test_a_signal_does_not_hurry_a_schedule_but_a_request_to_cancel_does() -> None:
    chain = Chain(Heard).start(options=WorkflowOptions(cron_schedule="@every 60s"))
    chain.signal("poke")
    assert chain.kinds() == ["WorkflowExecutionStarted", "WorkflowExecutionSignaled"]
    chain.sleep(60)
    assert chain.ends() == ["WorkflowExecutionCompleted"]

    @workflow.defn
    class Waits:
        @workflow.run
        async def run(self) -> None:
            await asyncio.sleep(1000)

    chain = Chain(Waits).start(start_delay_ms=60_000)
    chain.world.handle(ID, command.CancelWorkflow())
    assert chain.ends() == ["WorkflowExecutionCanceled"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"options": WorkflowOptions(cron_schedule="every day")}, "cron schedule 'every day'"),
        ({"options": WorkflowOptions(cron_schedule="CRON_TZ=Mars/Base * * * * *")}, "time zone 'Mars/Base'"),
        ({"options": WorkflowOptions(cron_schedule="@daily"), "start_delay_ms": 5}, "together"),
        ({"start_delay_ms": -1}, "start_delay"),
        ({"options": WorkflowOptions(retry_policy=RetryPolicy(initial_interval_ms=0))}, "initial_interval"),
        ({"options": WorkflowOptions(retry_policy=RetryPolicy(backoff_coefficient=0.5))}, "backoff_coefficient"),
        ({"options": WorkflowOptions(retry_policy=RetryPolicy(backoff_coefficient=float("nan")))}, "coefficient"),
        ({"options": WorkflowOptions(retry_policy=RetryPolicy(maximum_interval_ms=10))}, "maximum_interval"),
        ({"options": WorkflowOptions(retry_policy=RetryPolicy(maximum_attempts=-1))}, "maximum_attempts"),
        ({"memo": {"m": Payload(encoding="x", data=b"x" * 500_001)}}, "memo"),
        ({"options": WorkflowOptions(search_attributes={"a": Payload(encoding="x", data=b"x" * 2_049)})}, "'a' has"),
        ({"options": WorkflowOptions(summary=Payload(encoding="x", data=b"x" * 4_001))}, "static_summary"),
    ],
)
def test_a_start_that_cannot_be_is_refused(fields: dict[str, Any], message: str) -> None:
    chain = Chain(Heard).start(**fields, reply_to=REPLY, request_id="r")
    (answer,) = chain.replies()
    assert answer.code == "INVALID_ARGUMENT"
    assert message in answer.message
    assert chain.events() == []
