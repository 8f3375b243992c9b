"""Activities that are ended from outside: by their ID, or by what a task token says."""

from __future__ import annotations

from typing import Any

import pytest
from foldlog.schemas import command, event, reply
from foldlog.schemas.common import Failure, ReplyTo

from .harness import payload
from .one_activity import ASKER, ActivityWorld, completed


def test_by_id_the_current_attempt_is_completed() -> None:
    world = ActivityWorld()
    world.started()
    world.forget()
    answer = world.by_id(command.CompleteActivity, **completed())
    assert isinstance(answer, reply.Accepted)
    assert isinstance(world.run.closing, event.WorkflowExecutionCompleted)
    assert world.run.closing.result == payload('"done"')


def test_by_token_the_attempt_must_be_the_current_one() -> None:
    world = ActivityWorld()
    world.started()
    world.failed()
    world.advance(1_000)
    late = world.answer(world.say(command.CompleteActivity, attempt=1, reply_to=ASKER, **completed()))
    assert (late.code, world.run.is_open) == ("NOT_FOUND", True)
    now = world.answer(world.say(command.CompleteActivity, attempt=2, reply_to=ASKER, **completed()))
    assert isinstance(now, reply.Accepted)


@pytest.mark.parametrize("kind", [command.CompleteActivity, command.FailActivity, command.CancelActivity])
def test_what_ended_before_is_not_found(kind: type[Any]) -> None:
    world = ActivityWorld()
    world.by_id(command.CompleteActivity, **completed())
    fields: dict[type, dict[str, Any]] = {
        command.CompleteActivity: completed(),
        command.FailActivity: {"failure": Failure(message="no")},
        command.CancelActivity: {},
    }
    assert world.by_id(kind, **fields[kind]).code == "NOT_FOUND"


def test_an_unknown_activity_and_an_unknown_workflow_are_not_found() -> None:
    world = ActivityWorld()
    assert world.by_id(command.CompleteActivity, activity_id="other", **completed()).code == "NOT_FOUND"
    wanted = command.HeartbeatActivity(run_id="", scheduled_event_id=0, attempt=0, activity_id="act", reply_to=ASKER)
    assert world.answer(world.handle("nobody", wanted)).code == "NOT_FOUND"


def test_after_its_timeout_it_is_not_found() -> None:
    world = ActivityWorld(retry_policy=None)
    world.started()
    world.forget()
    world.advance(10_000)
    assert world.by_id(command.CompleteActivity, **completed()).code == "NOT_FOUND"
    assert isinstance(world.run.closing, event.WorkflowExecutionFailed)


def test_a_failure_from_outside_is_retried_as_any_other() -> None:
    world = ActivityWorld()
    answer = world.by_id(command.FailActivity, failure=Failure(kind="APPLICATION", message="no"))
    assert isinstance(answer, reply.Accepted)
    assert (world.activity.phase, world.activity.attempt) == ("BACKOFF", 2)


def test_what_waits_for_its_next_attempt_can_be_ended_by_its_id_but_does_not_live() -> None:
    world = ActivityWorld()
    world.failed()
    assert world.by_id(command.HeartbeatActivity).code == "NOT_FOUND"
    assert isinstance(world.by_id(command.CompleteActivity, **completed()), reply.Accepted)
    assert not world.run.is_open


def test_heartbeats_from_outside_keep_it_alive_and_leave_the_workers_address() -> None:
    world = ActivityWorld(heartbeat_timeout_ms=1_000, start_to_close_timeout_ms=100_000)
    world.started()
    worker = world.activity.worker
    for _ in range(3):
        world.advance(900)
        answer = world.by_id(command.HeartbeatActivity, details=[payload("1")])
        assert isinstance(answer, reply.Accepted)
        assert answer.notice == ""
    assert world.activity.attempt == 1
    assert world.activity.worker == worker
    assert world.activity.heartbeat_details == [payload("1")]
    world.advance(1_000)
    assert world.activity.attempt == 2


def test_a_heartbeat_is_told_of_the_cancellation_which_is_then_reported() -> None:
    world = ActivityWorld()
    world.started()
    refused = world.by_id(command.CancelActivity)
    assert (refused.code, world.run.is_open) == ("INVALID_ARGUMENT", True)
    world.handle("wf", command.SignalWorkflow(signal_name="cancel it"))
    world.forget()
    assert world.by_id(command.HeartbeatActivity).notice == "CANCEL_REQUESTED"
    assert isinstance(world.by_id(command.CancelActivity, details=[payload("2")]), reply.Accepted)
    assert isinstance(world.run.closing, event.WorkflowExecutionCanceled)


def test_while_the_run_is_stalled_a_completion_is_kept_for_it() -> None:
    world = ActivityWorld()
    run = world.run
    world.do(lambda engine, outcome: engine.give_up("wf", run.run_id, "broken", outcome))
    assert isinstance(world.by_id(command.CompleteActivity, **completed()), reply.Accepted)
    assert world.run.is_open
    world.advance(60_000)
    assert isinstance(world.run.closing, event.WorkflowExecutionCompleted)


def stalled(**options: Any) -> ActivityWorld:
    """One whose run's code cannot go on for now."""
    world = ActivityWorld(**options)
    world.started()
    stall(world)
    return world


def by_token(world: ActivityWorld, kind: type, **fields: Any) -> Any:
    """The answer to a report by somebody outside, who knows the task token of an attempt."""
    return world.answer(world.say(kind, reply_to=ASKER, **fields))


def stall(world: ActivityWorld) -> None:
    world.do(lambda engine, outcome: engine.give_up("wf", world.run.run_id, "broken", outcome))


@pytest.mark.parametrize("remembered", [True, False])
def test_while_the_run_is_stalled_only_the_first_end_is_kept(remembered: bool) -> None:
    """The others are told so, as they are otherwise: whoever completes it knows that it was he who did."""
    world = stalled()
    assert isinstance(world.by_id(command.CompleteActivity, result=payload('"one"')), reply.Accepted)
    if not remembered:
        world.forget()
    reports: list[tuple[type, dict[str, Any]]] = [
        (command.CompleteActivity, completed()),
        (command.FailActivity, {"failure": Failure(kind="APPLICATION", message="no")}),
        (command.CancelActivity, {}),
        (command.HeartbeatActivity, {}),
    ]
    for end, fields in reports:
        assert world.by_id(end, **fields).code == "NOT_FOUND"
        assert by_token(world, end, **fields).code == "NOT_FOUND"
    world.advance(60_000)
    closing = world.run.closing
    assert isinstance(closing, event.WorkflowExecutionCompleted)
    assert world.run.deferred_ordinal == world.run.handled_ordinal == 1


def test_while_the_run_is_stalled_an_activity_that_is_none_is_refused() -> None:
    world = stalled()
    assert world.by_id(command.CompleteActivity, activity_id="other", **completed()).code == "NOT_FOUND"
    assert by_token(world, command.CompleteActivity, attempt=7, **completed()).code == "NOT_FOUND"
    refused = world.by_id(command.CancelActivity)
    assert (refused.code, refused.message) == (
        "INVALID_ARGUMENT",
        "nobody has asked for the cancellation of activity 'act'",
    )
    assert world.run.deferred_ordinal == 0


def test_while_the_run_is_stalled_a_failed_attempt_has_ended_and_the_activity_has_not() -> None:
    world = stalled()
    failed = Failure(kind="APPLICATION", message="no")
    assert isinstance(by_token(world, command.FailActivity, failure=failed), reply.Accepted)
    assert by_token(world, command.CompleteActivity, **completed()).code == "NOT_FOUND"
    assert isinstance(world.by_id(command.CompleteActivity, **completed()), reply.Accepted)
    world.advance(60_000)
    assert isinstance(world.run.closing, event.WorkflowExecutionCompleted)


def test_while_the_run_is_stalled_a_heartbeat_hears_of_a_cancellation_and_of_a_pause() -> None:
    world = ActivityWorld()
    world.started()
    world.handle("wf", command.SignalWorkflow(signal_name="cancel it"))
    stall(world)
    assert world.by_id(command.HeartbeatActivity).notice == "CANCEL_REQUESTED"
    assert isinstance(world.by_id(command.CancelActivity), reply.Accepted)
    assert world.by_id(command.HeartbeatActivity).code == "NOT_FOUND"
    world.advance(60_000)
    assert isinstance(world.run.closing, event.WorkflowExecutionCanceled)


def test_a_run_that_stalls_again_keeps_another_end() -> None:
    world = stalled()
    failed = Failure(kind="APPLICATION", message="no")
    assert isinstance(by_token(world, command.FailActivity, failure=failed), reply.Accepted)
    world.advance(10_000)
    world.advance(1_000)
    assert world.run.stalled is None
    assert (world.activity.attempt, world.activity.phase) == (2, "SCHEDULED")
    stall(world)
    assert isinstance(by_token(world, command.CompleteActivity, attempt=2, **completed()), reply.Accepted)
    assert by_token(world, command.CompleteActivity, attempt=2, **completed()).code == "NOT_FOUND"


def test_what_is_too_large_is_refused_and_the_activity_stays_open() -> None:
    world = ActivityWorld()
    answer = world.by_id(command.CompleteActivity, result=payload("x" * 2_000_000))
    assert answer.code == "INVALID_ARGUMENT"
    assert world.run.is_open
    assert world.activity.phase == "SCHEDULED"


def test_a_workers_report_about_what_is_over_is_a_notice_not_an_answer() -> None:
    world = ActivityWorld()
    world.by_id(command.CompleteActivity, **completed())
    worker = ReplyTo(client_id="worker", partition=0, correlation_id=0)
    outcome = world.say(command.HeartbeatActivity, reply_to=worker)
    assert [type(answer) for _, answer in outcome.replies] == [reply.ActivityCancelRequested]
