"""What is said about an activity and does not fit into a record: it never stalls its workflow, nor blocks others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from foldlog.core import decisions, fields
from foldlog.core.activities import attempt_record
from foldlog.core.decider import WorkflowTaskError
from foldlog.core.decisions import Decision
from foldlog.core.engine import LocalResult
from foldlog.core.fields import MAXIMUM_MEMO_BYTES
from foldlog.core.outcome import MAXIMUM_COMMAND_BYTES, MAXIMUM_RECORD_BYTES, Outcome
from foldlog.core.views import description
from foldlog.schemas import command, event, reply
from foldlog.schemas.common import ActivityOptions, Failure, Payload, RetryPolicy, WorkflowOptions
from foldlog.schemas.framing import encode
from foldlog.schemas.records import Event
from msgspec.structs import replace

from .harness import ScriptDecider, ScriptFactory, World, payload
from .one_activity import ASKER, ActivityWorld, completed

MOST = payload("x" * (MAXIMUM_RECORD_BYTES * 6 // 10))
"""Fits into a record once, but not twice."""
TOO_LARGE = payload("x" * MAXIMUM_RECORD_BYTES)


class OneLocal(ScriptDecider):
    """Runs one local activity, and ends as it ends."""

    def activate(self, happened: Event) -> list[Decision]:
        if isinstance(happened, event.WorkflowExecutionStarted):
            return [decisions.ScheduleLocalActivity(activity_id="1", activity_type="near")]
        assert isinstance(happened, event.LocalActivityCompleted)
        if happened.failure is not None:
            return [decisions.FailWorkflow(failure=happened.failure)]
        assert happened.result is not None
        return [decisions.CompleteWorkflow(result=happened.result)]


class OneLocalFactory(ScriptFactory):
    def create(self, workflow_id: str, started: event.WorkflowExecutionStarted) -> OneLocal:
        return OneLocal(started, lambda: self.broken)


@pytest.mark.parametrize(
    "ended",
    [
        {"result": TOO_LARGE},
        {"failure": Failure(message="no", details=[TOO_LARGE])},
        {"failure": Failure(message="no", details=[TOO_LARGE]), "backoff_ms": 60_000, "scheduled_ms": 1},
    ],
    ids=["result", "failure", "failure of an attempt"],
)
def test_the_end_of_a_local_activity_becomes_a_failure(ended: dict[str, Any]) -> None:
    world = World(factory=OneLocalFactory())
    world.handle("a", command.StartWorkflow(workflow_type="t", task_queue="q"))
    said = LocalResult(
        workflow_id="a", run_id="run-1", activity_id="1", activity_type="near", attempt=1, **({"result": None} | ended)
    )
    world.do(lambda engine, outcome: engine.local_ended(said, outcome))
    session = world.sessions.current("a")
    assert session is not None
    assert isinstance(session.run.closing, event.WorkflowExecutionFailed)
    failure = session.run.closing.failure
    assert (failure.type, failure.non_retryable) == ("ReportRefused", True)
    assert "LocalActivityCompleted has 1000" in failure.message


@pytest.mark.parametrize("timeout", ["START_TO_CLOSE", "HEARTBEAT"])
def test_an_attempt_with_a_large_heartbeat_times_out_and_the_next_one_has_it(timeout: str) -> None:
    world = ActivityWorld(heartbeat_timeout_ms=1_000 if timeout == "HEARTBEAT" else 0)
    world.started()
    world.say(command.HeartbeatActivity, details=[MOST])
    world.advance(10_000 if timeout == "START_TO_CLOSE" else 1_000)
    assert (world.activity.attempt, world.activity.phase) == (2, "BACKOFF")
    assert world.activity.heartbeat_details == [MOST]
    assert world.activity.last_failure is not None
    assert (world.activity.last_failure.timeout_type, world.activity.last_failure.details) == (timeout, [])
    world.forget()
    world.advance(1_000)
    assert world.outcomes[-1].tasks[0].task.heartbeat_details == [MOST]
    world.started()
    world.say(command.HeartbeatActivity, details=[MOST, payload("1")])
    assert world.activity.heartbeat_details == [MOST, payload("1")]


def test_a_failure_and_a_heartbeat_that_do_not_fit_together() -> None:
    world = ActivityWorld()
    world.started()
    world.say(command.HeartbeatActivity, details=[MOST])
    world.failed(details=[MOST])
    assert world.activity.last_failure is not None
    assert (world.activity.last_failure.message, world.activity.last_failure.details) == ("no", [])
    assert world.activity.heartbeat_details == [MOST]


def test_a_heartbeat_is_taken_after_a_failure_that_leaves_no_room_for_it() -> None:
    world = ActivityWorld()
    world.started()
    world.failed(details=[MOST])
    world.advance(1_000)
    world.started()
    world.say(command.HeartbeatActivity, details=[MOST])
    assert world.activity.heartbeat_details == [MOST]


def test_the_end_of_an_activity_whose_heartbeat_just_fits_is_recorded_without_it() -> None:
    world = ActivityWorld(retry_policy=None)
    world.started()
    left = MAXIMUM_RECORD_BYTES - len(world.sessions.log[-1].encoded)
    beats = [payload("x" * (left - more)) for more in range(50)]
    for details in beats:  # the largest comes first, and is refused
        world.say(command.HeartbeatActivity, details=[details])
        if world.activity.heartbeat_details:
            break
    assert world.activity.heartbeat_details not in ([], [beats[0]])
    run = world.run
    world.advance(10_000)
    assert isinstance(run.closing, event.WorkflowExecutionFailed)
    assert (run.closing.failure.timeout_type, run.closing.failure.details) == ("START_TO_CLOSE", [])


def stalled(world: ActivityWorld) -> None:
    run = world.run
    world.do(lambda engine, outcome: engine.give_up("wf", run.run_id, "broken", outcome))


def of_size(size: int) -> Payload:
    """A payload that makes a completion of about so many bytes."""
    return payload("x" * (size - 200))


@pytest.mark.parametrize("size", [MAXIMUM_RECORD_BYTES, MAXIMUM_COMMAND_BYTES])
def test_a_stalled_run_keeps_whatever_command_it_may_be_sent(size: int) -> None:
    world = ActivityWorld()
    stalled(world)
    world.say(command.CompleteActivity, result=of_size(size))
    assert world.run.deferred_ordinal == 1
    world.advance(60_000)
    closing = world.run.closing
    assert isinstance(closing, event.WorkflowExecutionFailed | event.WorkflowExecutionCompleted)
    assert isinstance(closing, event.WorkflowExecutionFailed) == (size > MAXIMUM_RECORD_BYTES)


def test_the_end_of_an_eager_task_that_a_stalled_run_cannot_keep_becomes_a_failure() -> None:
    world = ActivityWorld()
    stalled(world)
    world.say(command.HeartbeatActivity, details=[payload("x" * 2_000_000)])
    assert world.run.deferred_ordinal == 0
    world.say(command.CompleteActivity, result=payload("x" * 2_000_000))
    world.advance(60_000)
    assert isinstance(world.run.closing, event.WorkflowExecutionFailed)
    assert world.run.closing.failure.type == "ReportRefused"


def test_whoever_waits_for_an_answer_of_a_stalled_run_is_told() -> None:
    world = ActivityWorld()
    stalled(world)
    refused = world.by_id(command.CompleteActivity, result=payload("x" * 2_000_000))
    assert refused.code == "INVALID_ARGUMENT"
    signal = command.SignalWorkflow(signal_name="s", args=[payload("x" * 2_000_000)], request_id="r", reply_to=ASKER)
    assert world.answer(world.handle("wf", signal)).code == "INVALID_ARGUMENT"
    assert isinstance(world.by_id(command.CompleteActivity, **completed()), reply.Accepted)
    assert world.run.deferred_ordinal == 1


class Failing(ScriptDecider):
    """Fails with more than a record can hold."""

    def activate(self, happened: Event) -> list[Decision]:
        return [decisions.FailWorkflow(failure=Failure(message="no", details=[TOO_LARGE]))]


class FailingFactory(ScriptFactory):
    def create(self, workflow_id: str, started: event.WorkflowExecutionStarted) -> Failing:
        return Failing(started, lambda: self.broken)


def test_no_run_follows_one_whose_failure_did_not_fit_and_that_was_terminated() -> None:
    world = World(factory=FailingFactory())
    retried = WorkflowOptions(retry_policy=RetryPolicy(initial_interval_ms=1_000))
    world.handle("a", command.StartWorkflow(workflow_type="t", task_queue="q", options=retried))
    session = world.sessions.current("a")
    assert session is not None
    assert session.run.stalled is not None
    assert "WorkflowExecutionFailed has 1000" in session.run.stalled.error
    world.handle("a", command.TerminateWorkflow(reason="enough"))
    assert isinstance(session.run.closing, event.WorkflowExecutionTerminated)
    assert world.sessions.current("a") is session


@pytest.mark.parametrize("message", [10, 2_000])
def test_a_description_fits_however_many_activities_tell_of_their_failures(message: int) -> None:
    outcome = Outcome(now_ms=1, namespace="n", encode=encode)
    memo = {"m": Payload(encoding="json/plain", data=b"1", metadata={"key": b"m" * 400_000})}
    started = event.WorkflowExecutionStarted(workflow_type="w", task_queue="q", first_execution_run_id="r", memo=memo)
    run = outcome.begin("workflow-1", "r", started)
    options = ActivityOptions(summary=payload("for people"))
    for number in range(1_000):
        scheduled = event.ActivityTaskScheduled(
            activity_id=f"{number}", activity_type="fails", task_queue="q", start_to_close_timeout_ms=1, options=options
        )
        outcome.append(run, scheduled)
        activity = run.activities[scheduled.event_id]
        failure = Failure(message="é" * message, cause=Failure(message="c", details=[payload("d")]))
        changes: dict[str, Any] = {"last_failure": failure, "heartbeat_details": [payload("h")]}
        outcome.append(run, attempt_record(run, activity, phase="BACKOFF", attempt=2, **changes))
    found = description(ASKER, run)
    assert len(encode(found)) < MAXIMUM_RECORD_BYTES
    told = [each.last_failure is not None for each in found.pending_activities]
    assert len(told) == 1_000
    assert told == sorted(told, reverse=True), "the oldest tell"
    assert sum(told) == 1_000 if message == 10 else 30 < sum(told) < 100
    last = found.pending_activities[-1]
    assert last.options is not None
    assert bool(last.options.summary) == bool(last.heartbeat_details) == (message == 10)


# ---- what must not happen before it is known that a record fits


def test_no_worker_is_told_of_an_end_that_does_not_fit() -> None:
    world = ActivityWorld()
    world.started()
    told = world.handle("wf", command.TerminateWorkflow(details=[TOO_LARGE], reply_to=ASKER))
    assert ([type(each) for _, each in told.replies], world.run.is_open) == ([reply.Rejected], True)
    told = world.handle("wf", command.TerminateWorkflow(details=[payload("1")]))
    assert ([type(each) for _, each in told.replies], world.run.is_open) == ([reply.ActivityCancelRequested], False)


def test_a_start_that_does_not_fit_terminates_nobody() -> None:
    world = ActivityWorld()
    start = command.StartWorkflow(
        workflow_type="One", task_queue="q", id_conflict_policy="TERMINATE_EXISTING", reply_to=ASKER
    )
    before = world.run
    refused = world.answer(world.handle("wf", replace(start, args=[TOO_LARGE])))
    assert (refused.code, before.is_open, world.run is before) == ("INVALID_ARGUMENT", True, True)
    assert world.answer(world.handle("wf", start)).started
    assert (before.status, world.run is before) == ("TERMINATED", False)


class GoesOn(ScriptDecider):
    """Continues as new once, with as much as it was started with."""

    def __init__(self, started: event.WorkflowExecutionStarted, broken: Callable[[], bool]) -> None:
        super().__init__(started, broken)
        self._started = started

    def activate(self, happened: Event) -> list[Decision]:
        if happened is not self._started or self._started.continuation is not None:
            return []
        return [decisions.ContinueAsNew(args=self._started.args)]


class GoesOnFactory(ScriptFactory):
    def create(self, workflow_id: str, started: event.WorkflowExecutionStarted) -> GoesOn:
        return GoesOn(started, lambda: self.broken)


def test_a_run_follows_or_its_code_stalls_however_near_to_the_bound_it_is() -> None:
    """The first event of a run grows after it is looked at: it is numbered, and may be held for a moment."""
    ends = set()
    for left in (*range(60, 80, 2), 200):
        world = World(factory=GoesOnFactory())
        args = [payload("x" * (MAXIMUM_RECORD_BYTES - left))]
        world.handle("a", command.StartWorkflow(workflow_type="t", task_queue="q", args=args))
        session = world.sessions.current("a")
        if session is not None:
            ends.add(session.run.stalled is not None)
    assert ends == {True, False}


def test_an_update_that_a_stalled_run_cannot_keep_is_refused() -> None:
    world = ActivityWorld()
    stalled(world)
    update = command.UpdateWorkflow(update_id="u", update_name="n", args=[payload("x" * 2_000_000)], reply_to=ASKER)
    refused = world.answer(world.handle("wf", update))
    assert refused.failure.type == "UpdateTooLarge"
    assert world.run.deferred_ordinal == 0


@pytest.mark.parametrize(
    "options",
    [WorkflowOptions(cron_schedule="@every " + "\x01" * 200_000), WorkflowOptions(deployment_version="\x01" * 300_000)],
    ids=["cron", "version"],
)
def test_a_refusal_that_quotes_what_it_refuses_can_be_recorded(options: WorkflowOptions) -> None:
    world = World()
    start = command.StartWorkflow(workflow_type="t", task_queue="q", options=options, request_id="r", reply_to=ASKER)
    outcome = world.handle("a", start)
    ((_, refused),) = outcome.replies
    assert isinstance(refused, reply.Rejected)
    assert refused.code == "INVALID_ARGUMENT"
    assert "characters left out" in refused.message
    (entry,) = outcome.log
    assert len(entry.encoded) < MAXIMUM_RECORD_BYTES


def test_all_that_a_memo_is_counts_since_rows_have_all_of_it() -> None:
    """A row that the broker does not take would abort each transaction for ever."""
    memo = {"é" * 100: Payload(encoding="json/plain", data=b"12", metadata={"key": b"x" * (MAXIMUM_MEMO_BYTES - 205)})}
    fields.check_memo(memo)
    memo["more"] = payload("1")
    with pytest.raises(WorkflowTaskError, match="memo: 500005 bytes"):
        fields.check_memo(memo)


@pytest.mark.parametrize(("name", "begins"), [("é" * 500, True), ("é" * 501, False)], ids=["fits", "too large"])
def test_the_name_of_a_workflow_type_leaves_room_for_what_is_beside_it(name: str, begins: bool) -> None:
    world = World()
    start = command.StartWorkflow(workflow_type=name, task_queue="q", reply_to=ASKER)
    ((_, answer),) = world.handle("a", start).replies
    assert isinstance(answer, reply.Accepted) == begins
