"""Held runs in the engine: what comes before the code begins, when it begins, and what a store makes of it."""

from __future__ import annotations

from typing import Any

from foldlog.core.engine import Engine
from foldlog.core.outcome import Outcome
from foldlog.core.state import DeadlineKind
from foldlog.schemas import command, event, reply
from foldlog.schemas.common import ReplyTo, WorkflowOptions

from .harness import World, payload

REPLY = ReplyTo(client_id="c", partition=0, correlation_id=1)


def kinds(world: World) -> list[str]:
    return [type(entry.record).__name__ for entry in world.sessions.log]


def replies(world: World) -> list[Any]:
    return [answer for outcome in world.outcomes for _, answer in outcome.replies]


def start(request_id: str = "", **fields: Any) -> command.StartWorkflow:
    return command.StartWorkflow(
        workflow_type="type-2",
        task_queue="q",
        request_id=request_id,
        reply_to=REPLY,
        signal=command.SignalInput(signal_name="s", args=[payload("1")]),
        **fields,
    )


def delayed(world: World, first_task_ms: int) -> None:
    """A run whose code begins later, whatever comes before: it has a cron schedule."""

    def step(engine: Engine, outcome: Outcome) -> None:
        started = event.WorkflowExecutionStarted(
            workflow_type="type-2",
            task_queue="q",
            held=True,
            first_task_ms=first_task_ms,
            options=WorkflowOptions(cron_schedule="@hourly"),
        )
        world.sessions.add(outcome.begin("a", "run-1", started))

    world.do(step)


def test_a_signal_that_comes_with_a_start_is_before_the_first_task() -> None:
    world = World()
    world.handle("a", start())
    assert kinds(world)[:3] == ["WorkflowExecutionStarted", "WorkflowExecutionSignaled", "WorkflowTaskScheduled"]
    assert [answer.started for answer in replies(world)] == [True]


def test_it_goes_to_the_run_that_is_there() -> None:
    world = World()
    world.handle("a", start("r1"))
    world.handle("a", start("r2"))
    world.handle("a", start("r2"))
    world.handle("a", start("r1"))
    assert kinds(world).count("WorkflowExecutionStarted") == 1
    assert kinds(world).count("WorkflowExecutionSignaled") == 2
    assert [answer.started for answer in replies(world)] == [True, False, False, True]


def test_the_conflict_policy_fail_makes_no_sense_with_a_signal() -> None:
    world = World()
    world.handle("a", start(id_conflict_policy="FAIL"))
    assert [answer.code for answer in replies(world)] == ["INVALID_ARGUMENT"]
    assert kinds(world) == []


def test_the_open_run_may_be_terminated_for_it() -> None:
    world = World()
    world.handle("a", start())
    world.handle("a", start(id_conflict_policy="TERMINATE_EXISTING"))
    assert kinds(world).count("WorkflowExecutionTerminated") == 1
    assert kinds(world).count("WorkflowExecutionSignaled") == 2


def test_a_signal_for_a_stalled_run_is_kept_for_it() -> None:
    world = World()
    world.factory.broken = True
    world.handle("a", start())
    world.handle("a", start("r2"))
    assert kinds(world) == [
        "WorkflowExecutionStarted",
        "WorkflowExecutionSignaled",
        "WorkflowTaskScheduled",
        "WorkflowStalled",
        "CommandDeferred",
    ]
    world.factory.broken = False
    world.now_ms += 60_000
    world.fire_due()
    assert kinds(world).count("WorkflowExecutionSignaled") == 2
    assert kinds(world).count("WorkflowResumed") == 2


def test_the_code_of_a_delayed_run_begins_at_its_time() -> None:
    world = World()
    delayed(world, world.now_ms + 5_000)
    world.handle("a", command.SignalWorkflow(signal_name="s"))
    world.handle("a", command.QueryWorkflow(query_type="heard", reply_to=REPLY))
    assert [answer.code for answer in replies(world)] == ["NOT_BEGUN"]
    world.fire_due()
    assert kinds(world) == ["WorkflowExecutionStarted", "WorkflowExecutionSignaled"]
    world.sessions.live.clear()
    world.sessions.current("a")
    world.now_ms += 5_000
    world.fire_due()
    assert kinds(world)[:3] == ["WorkflowExecutionStarted", "WorkflowExecutionSignaled", "WorkflowTaskScheduled"]
    session = world.sessions.current("a")
    assert session is not None
    assert (DeadlineKind.FIRST_TASK, 0) not in session.run.deadlines
    assert session.run.first_task == 3


def test_a_delayed_run_can_be_terminated_before_it_begins() -> None:
    world = World()
    delayed(world, world.now_ms + 5_000)
    world.handle("a", command.TerminateWorkflow(reason="not needed"))
    world.handle("a", command.QueryWorkflow(query_type="heard", reply_to=REPLY))
    world.now_ms += 5_000
    world.fire_due()
    assert kinds(world) == ["WorkflowExecutionStarted", "WorkflowExecutionTerminated"]
    assert isinstance(replies(world)[-1], reply.Rejected)
