"""Pause, unpause, reset and changed options of open activities, each also after a restart."""

from __future__ import annotations

import pytest
from foldlog.core.state import DeadlineKind
from foldlog.schemas import command, event, reply
from foldlog.schemas.common import Failure, ReplyTo, RetryPolicy

from .harness import payload
from .one_activity import ASKER, WORKER, ActivityWorld, completed

OPERATIONS = [
    command.PauseActivity,
    command.UnpauseActivity,
    command.ResetActivity,
    command.UpdateActivityOptions,
]


def notices(world: ActivityWorld) -> list[str]:
    return [
        answer.reason
        for outcome in world.outcomes
        for _, answer in outcome.replies
        if isinstance(answer, reply.ActivityCancelRequested)
    ]


def test_a_paused_activity_is_not_retried_until_it_is_unpaused() -> None:
    world = ActivityWorld()
    world.started()
    assert isinstance(world.operate(command.PauseActivity, reason="bank is down", identity="me"), reply.Accepted)
    world.failed()
    world.forget()
    world.advance(1_000_000)
    assert world.tasks() == [1]
    pause = world.activity.pause
    assert pause is not None
    assert (pause.reason, pause.by) == ("bank is down", "me")
    assert isinstance(world.operate(command.UnpauseActivity), reply.Accepted)
    world.forget()
    world.advance(0)
    assert world.tasks() == [1, 2]
    assert world.activity.pause is None


def test_pausing_in_the_backoff_holds_the_attempt_that_was_planned() -> None:
    world = ActivityWorld()
    world.failed()
    world.operate(command.PauseActivity)
    world.advance(1_000_000)
    assert world.tasks() == [1]
    world.operate(command.UnpauseActivity, reset_attempts=True, reset_heartbeat=True)
    world.advance(0)
    assert world.tasks() == [1, 1]


def test_a_running_attempt_of_a_paused_activity_is_told_when_it_sends_a_heartbeat_and_may_complete() -> None:
    world = ActivityWorld()
    world.started()
    world.operate(command.PauseActivity)
    assert notices(world) == []
    world.say(command.HeartbeatActivity, reply_to=WORKER)
    assert notices(world) == ["PAUSED"]
    assert world.by_id(command.HeartbeatActivity).notice == "PAUSED"
    world.say(command.CompleteActivity, **completed())
    assert isinstance(world.run.closing, event.WorkflowExecutionCompleted)


def test_the_attempt_that_a_pause_has_ended_is_not_the_last_one() -> None:
    world = ActivityWorld(retry_policy=RetryPolicy(maximum_attempts=1))
    world.started()
    world.operate(command.PauseActivity)
    world.failed(type="ActivityPause")
    assert (world.activity.phase, world.activity.attempt) == ("BACKOFF", 2)
    world.operate(command.UnpauseActivity)
    world.advance(0)
    world.failed()
    assert isinstance(world.run.closing, event.WorkflowExecutionFailed)


def test_a_failure_of_its_own_ends_a_paused_activity_that_has_no_attempt_left() -> None:
    world = ActivityWorld(retry_policy=RetryPolicy(maximum_attempts=1))
    world.started()
    world.operate(command.PauseActivity)
    world.failed()
    assert isinstance(world.run.closing, event.WorkflowExecutionFailed)


def test_schedule_to_close_counts_while_it_is_paused() -> None:
    world = ActivityWorld(schedule_to_close_timeout_ms=60_000)
    world.failed()
    world.operate(command.PauseActivity)
    world.forget()
    world.advance(60_000)
    assert isinstance(world.run.closing, event.WorkflowExecutionFailed)


def test_an_eager_activity_that_is_paused_goes_to_its_topic_only_when_it_is_unpaused() -> None:
    world = ActivityWorld()
    world.engine._driver._reserve = lambda task_queue, activity_type, version: True  # a worker in this process
    world.handle("eager", command.StartWorkflow(workflow_type="One", task_queue="q"))
    session = world.sessions.current("eager")
    assert session is not None
    key = (DeadlineKind.EAGER, 2)
    assert key in session.run.deadlines
    world.handle("eager", command.PauseActivity(activity_id="act", reply_to=ASKER))
    assert key in session.run.deadlines
    world.forget()
    before = world.tasks()
    run_id = session.run.run_id
    world.now_ms += 5
    world.do(lambda engine, outcome: engine.recover("eager", run_id, key, outcome))
    assert world.tasks() == before
    world.handle("eager", command.UnpauseActivity(activity_id="act", reply_to=ASKER))
    world.fire_due()
    assert world.tasks() == [*before, 1]
    recovered = world.sessions.current("eager")
    assert recovered is not None
    assert key not in recovered.run.deadlines


def test_resetting_in_the_backoff_begins_with_the_first_attempt_at_once() -> None:
    world = ActivityWorld()
    world.say(command.HeartbeatActivity, reply_to=WORKER, details=[payload("5")])
    world.failed()
    world.operate(command.ResetActivity)
    world.forget()
    world.advance(0)
    assert world.tasks() == [1, 1]
    assert world.activity.heartbeat_details == [payload("5")]


def test_a_running_attempt_goes_on_after_a_reset_and_the_next_one_is_the_first() -> None:
    world = ActivityWorld()
    world.failed()
    world.advance(1_000)
    world.started()
    world.operate(command.ResetActivity, reset_heartbeat=True)
    world.forget()
    assert world.activity.attempt == 2
    world.say(command.HeartbeatActivity, reply_to=WORKER, details=[payload("5")])
    assert notices(world) == ["RESET"]
    world.failed(type="ActivityReset")
    world.advance(0)
    assert world.tasks() == [1, 2, 1]
    assert world.activity.heartbeat_details == []
    assert not world.activity.reset


@pytest.mark.parametrize("waits", [True, False])
def test_what_is_said_about_the_first_attempt_does_not_fit_the_first_one_after_a_reset(waits: bool) -> None:
    world = ActivityWorld(retry_policy=RetryPolicy(maximum_attempts=2))
    world.started()
    if waits:
        world.failed()
        world.operate(command.ResetActivity)
    else:
        world.operate(command.ResetActivity)
        world.failed()
    world.advance(0)
    world.forget()
    assert (world.tasks(), world.activity.attempt_number) == ([1, 1], 1)
    for kind, fields in (
        (command.CompleteActivity, completed()),
        (command.FailActivity, {"failure": Failure(message="late")}),
        (command.CancelActivity, {}),
        (command.HeartbeatActivity, {}),
    ):
        answer = world.answer(world.say(kind, attempt=1, reply_to=ASKER, **fields))
        assert answer.code == "NOT_FOUND", kind
    # Attempts count from the reset: there is a second one, and no third.
    world.failed()
    world.advance(1_000)
    assert world.tasks() == [1, 1, 2]
    world.failed()
    closing = world.run.closing
    assert isinstance(closing, event.WorkflowExecutionFailed)
    history = [record for record in world.sessions.records("wf", world.run.run_id)]
    failed = next(record for record in history if isinstance(record, event.ActivityTaskFailed))
    assert (failed.attempt, failed.retry_state) == (2, "MAXIMUM_ATTEMPTS_REACHED")


def test_a_reset_unpauses_unless_it_is_to_stay_paused() -> None:
    world = ActivityWorld()
    world.failed()
    world.operate(command.PauseActivity)
    world.operate(command.ResetActivity, keep_paused=True)
    world.advance(1_000)
    assert world.tasks() == [1]
    world.operate(command.ResetActivity, jitter_ms=500)
    world.advance(500)
    assert world.tasks() == [1, 1]


def test_changed_options_are_those_of_the_next_attempt() -> None:
    world = ActivityWorld()
    world.failed()
    policy = RetryPolicy(maximum_attempts=9, initial_interval_ms=50)
    answer = world.operate(
        command.UpdateActivityOptions, task_queue="other", heartbeat_timeout_ms=500, retry_policy=policy
    )
    assert isinstance(answer, reply.Accepted)
    world.forget()
    world.advance(1_000)
    entry = world.outcomes[-1].tasks[0]
    assert (entry.task_queue, entry.task.heartbeat_timeout_ms) == ("other", 500)
    assert entry.task.retry_policy == policy
    assert entry.task.start_to_close_timeout_ms == 10_000
    world.operate(command.UpdateActivityOptions, restore_original=True, start_to_close_timeout_ms=3_000)
    assert world.activity.terms.task_queue == "q"
    assert world.activity.terms.start_to_close_timeout_ms == 3_000


def test_a_task_that_nobody_has_taken_goes_to_the_new_queue() -> None:
    world = ActivityWorld()
    world.operate(command.UpdateActivityOptions, task_queue="other")
    entry = world.outcomes[-1].tasks[0]
    assert (entry.task_queue, entry.task.attempt, world.activity.phase) == ("other", 1, "SCHEDULED")
    world.operate(command.UpdateActivityOptions, task_queue="other", heartbeat_timeout_ms=500)
    assert world.outcomes[-1].tasks == []
    world.operate(command.ResetActivity, restore_original_options=True)
    assert [entry.task_queue for entry in world.outcomes[-1].tasks] == ["q"]
    world.started()
    world.operate(command.UpdateActivityOptions, task_queue="other")
    assert world.outcomes[-1].tasks == []


def test_a_paused_task_goes_to_the_new_queue_when_it_is_unpaused() -> None:
    world = ActivityWorld()
    world.operate(command.PauseActivity)
    world.operate(command.UpdateActivityOptions, task_queue="other")
    assert world.outcomes[-1].tasks == []
    world.forget()
    world.operate(command.UnpauseActivity)
    world.advance(0)
    assert [(entry.task_queue, entry.task.attempt) for entry in world.outcomes[-1].tasks] == [("other", 1)]


def test_changed_timeouts_count_at_once() -> None:
    world = ActivityWorld(retry_policy=None)
    world.started()
    world.operate(command.UpdateActivityOptions, start_to_close_timeout_ms=2_000, schedule_to_close_timeout_ms=90_000)
    assert world.run.deadlines[DeadlineKind.SCHEDULE_TO_CLOSE, 2] == world.activity.scheduled.time_ms + 90_000
    world.advance(2_000)
    assert isinstance(world.run.closing, event.WorkflowExecutionFailed)


def test_a_reset_may_take_the_original_options_back() -> None:
    world = ActivityWorld()
    world.operate(command.UpdateActivityOptions, task_queue="other")
    world.failed()
    world.operate(command.ResetActivity, restore_original_options=True)
    world.advance(0)
    assert [entry.task_queue for entry in world.outcomes[-1].tasks] == ["q"]


@pytest.mark.parametrize("kind", OPERATIONS)
def test_operations_find_activities_by_type_and_refuse_what_is_not_there(kind: type) -> None:
    world = ActivityWorld()
    named = {"activity_id": "", "activity_type": "work"}
    assert isinstance(world.operate(kind, **named), reply.Accepted)
    assert world.operate(kind, activity_id="other").code == "NOT_FOUND"
    assert world.operate(kind, activity_id="", activity_type="other").code == "NOT_FOUND"
    assert world.operate(kind, activity_id="").code == "INVALID_ARGUMENT"
    assert world.operate(kind, activity_type="work").code == "INVALID_ARGUMENT"
    assert world.answer(world.handle("nobody", kind(activity_id="act", reply_to=ASKER))).code == "NOT_FOUND"
    world.handle("wf", command.SignalWorkflow(signal_name="cancel it"))
    assert world.operate(kind).code == "FAILED_PRECONDITION"
    world.say(command.CancelActivity)
    assert world.operate(kind).code == "ALREADY_CLOSED"


def test_options_that_cannot_work_change_nothing() -> None:
    world = ActivityWorld()
    length = len(world.sessions.log)
    assert world.operate(command.UpdateActivityOptions, start_to_close_timeout_ms=0).code == "INVALID_ARGUMENT"
    assert world.operate(command.UpdateActivityOptions, heartbeat_timeout_ms=-1).code == "INVALID_ARGUMENT"
    assert world.operate(command.UpdateActivityOptions, task_queue="").code == "INVALID_ARGUMENT"
    assert len(world.sessions.log) == length


def test_operations_reach_a_stalled_run() -> None:
    world = ActivityWorld()
    run_id = world.run.run_id
    world.do(lambda engine, outcome: engine.give_up("wf", run_id, "broken", outcome))
    assert isinstance(world.operate(command.PauseActivity), reply.Accepted)
    assert world.run.stalled is not None
    assert world.activity.pause is not None


def test_a_description_says_that_it_is_paused() -> None:
    world = ActivityWorld()
    world.operate(command.PauseActivity, reason="why", identity="me")
    asker = ReplyTo(client_id="asker", partition=0, correlation_id=8)
    found = world.answer(world.handle("wf", command.DescribeWorkflow(reply_to=asker)))
    shown = found.pending_activities[0]
    assert (shown.paused, shown.pause_reason, shown.paused_by, shown.paused_ms) == (True, "why", "me", world.now_ms)
