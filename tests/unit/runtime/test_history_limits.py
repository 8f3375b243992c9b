"""A run whose history gets over its limit is terminated, is warned about before, and nothing else changes."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from foldlog import workflow
from foldlog.core.limits import HistoryLimits
from foldlog.exceptions import ChildWorkflowError
from foldlog.processors.measure import tell_rare
from foldlog.processors.partition import Work
from foldlog.schemas import command, event, reply
from foldlog.schemas.common import RetryPolicy, WorkflowOptions
from foldlog.sensor import Sensor

from tests.unit.runtime.chaining import ID, REPLY, Chain

EVENTS = 40


@workflow.defn
class Listens:
    """Takes signals until it is told otherwise, or cancelled."""

    def __init__(self) -> None:
        self.heard = 0
        self.end = ""

    @workflow.run
    async def run(self, cleans_up: bool = False) -> int:
        try:
            await workflow.wait_condition(lambda: bool(self.end))
        except asyncio.CancelledError:
            if cleans_up:
                await asyncio.sleep(1)
            raise
        if self.end == "as new":
            workflow.continue_as_new(cleans_up)
        return self.heard

    @workflow.signal
    def add(self, what: str = "") -> None:
        self.heard += 1

    @workflow.signal
    def finish(self, how: str) -> None:
        if how == "broken":
            raise KeyError(how)
        self.end = how

    @workflow.query
    def count(self) -> int:
        return self.heard

    @workflow.update
    async def ask(self) -> int:
        return self.heard


@workflow.defn
class Watches:
    """Has a child that listens, and says what becomes of it."""

    @workflow.run
    async def run(self) -> str:
        try:
            await workflow.execute_child_workflow(Listens.run, id="child")
        except ChildWorkflowError as error:
            return f"{type(error.cause).__name__}: {error.cause}"
        return "it ended"


class Heard(Sensor):
    def __init__(self) -> None:
        self.said: list[tuple[Any, ...]] = []

    def long_history(self, workflow_type: str, events: int, size: int) -> None:
        self.said.append(("long", workflow_type, events))

    def history_limit_exceeded(self, workflow_type: str, events: int, size: int) -> None:
        self.said.append(("exceeded", workflow_type, events))


def chain(limits: HistoryLimits = HistoryLimits(events=EVENTS), *more: type) -> Chain:  # noqa: B008  # it never changes
    made = Chain(*more, Listens)
    made.world.limits = limits
    return made


def grown_to(events: int, **fields: Any) -> Chain:
    """A run with so many events; it may have `EVENTS`."""
    made = chain().start(**fields)
    for _ in range(events - 1):
        made.signal("add")
    assert made.run.last_event_id == events
    return made


def closing(of: Chain) -> Any:
    return of.world.sessions.folded(ID, of.run.run_id).closing


def test_one_event_too_many_terminates_and_says_why(caplog: pytest.LogCaptureFixture) -> None:
    at_limit = grown_to(EVENTS)
    assert at_limit.run.is_open
    at_limit.world.handle(ID, command.AwaitResult(reply_to=REPLY))
    at_limit.signal("add")
    closed = closing(at_limit)
    assert isinstance(closed, event.WorkflowExecutionTerminated)
    assert closed.reason == (
        f"history length exceeds limit: it has {EVENTS + 1} events, and {EVENTS} are allowed (max_history_events): "
        "let the workflow continue as new in time"
    )
    assert closed.identity == "foldlog"
    ((_, ended),) = at_limit.world.outcomes[-1].replies
    assert isinstance(ended, reply.WorkflowResult)
    assert (ended.status, ended.failure and ended.failure.message) == ("TERMINATED", closed.reason)
    sensor = Heard()
    with caplog.at_level(logging.WARNING):
        tell_rare([Work(outcome) for outcome in at_limit.world.outcomes], "commands", sensor)
    assert sensor.said == [
        *(("long", "Listens", events) for events in (8, 16, 24, 32, 40)),
        ("exceeded", "Listens", EVENTS + 2),
    ]
    assert "let it continue as new; with more than 40 events or 52428800 bytes it is terminated" in caplog.messages[0]
    assert caplog.messages[-1] == f"workflow {ID!r} (Listens) was terminated: {closed.reason}"
    assert caplog.records[-1].levelno == logging.ERROR


def test_bytes_count_too() -> None:
    large = chain(HistoryLimits(events=None, bytes=50_000)).start()
    for _ in range(4):
        large.signal("add", "x" * 11_000)
    assert large.run.is_open
    large.signal("add", "x" * 11_000)
    assert large.run.status == "TERMINATED"
    assert "and 50000 are allowed (max_history_bytes)" in closing(large).reason


def test_without_a_limit_nothing_ends() -> None:
    endless = chain(HistoryLimits(events=None, bytes=None)).start()
    for _ in range(200):
        endless.signal("add", "x" * 1_000)
    assert endless.run.is_open


@pytest.mark.parametrize("later", [5, 1_000])
def test_what_is_recorded_stands_whatever_the_limit_is_later(later: int) -> None:
    ended = grown_to(EVENTS)
    ended.signal("add")
    before = [entry.encoded for entry in ended.world.sessions.log]
    ended.world.limits = HistoryLimits(events=later)
    ended.world.forget()
    assert ended.run.status == "TERMINATED"
    assert ended.query("count") == EVENTS, "it replays"
    assert [entry.encoded for entry in ended.world.sessions.log] == before


def test_a_run_above_a_limit_that_is_new_ends_with_its_next_event() -> None:
    grown = grown_to(EVENTS)
    grown.world.limits = HistoryLimits(events=20)
    grown.world.forget()
    assert grown.query("count") == EVENTS - 1
    assert grown.run.is_open, "nothing has happened to it"
    grown.signal("add")
    assert grown.run.status == "TERMINATED"


def test_code_that_continues_as_new_in_the_same_step_goes_on() -> None:
    just = grown_to(EVENTS)
    first = just.run.run_id
    just.signal("finish", "as new")
    assert just.world.sessions.folded(ID, first).status == "CONTINUED_AS_NEW"
    assert (just.run.is_open, just.run.last_event_id) == (True, 1)


@pytest.mark.parametrize(("cleans_up", "status"), [(False, "CANCELED"), (True, "TERMINATED")])
def test_a_run_at_its_limit_can_still_be_cancelled(cleans_up: bool, status: str) -> None:
    """The code is told first; what takes time after that is too late."""
    made = chain().start(cleans_up)
    for _ in range(EVENTS - 1):
        made.signal("add")
    made.world.handle(ID, command.CancelWorkflow(reply_to=REPLY))
    assert made.run.status == status


def test_a_run_at_its_limit_can_still_be_terminated() -> None:
    made = grown_to(EVENTS)
    made.world.handle(ID, command.TerminateWorkflow(reason="mine", reply_to=REPLY))
    assert closing(made).reason == "mine"


def test_an_update_that_ends_a_run_before_its_code_begins_is_answered() -> None:
    held = Chain(Listens)
    held.world.limits = HistoryLimits(events=EVENTS)
    held.start(start_delay_ms=60_000)
    for _ in range(EVENTS - 1):
        held.signal("add")
    asked = command.UpdateWorkflow(update_id="u", update_name="ask", await_completed=True, reply_to=REPLY)
    outcome = held.world.handle(ID, asked)
    assert held.run.status == "TERMINATED"
    [(_, answer)] = outcome.replies
    assert isinstance(answer, reply.UpdateReply)
    assert answer.failure is not None
    assert answer.failure.type == "AcceptedUpdateCompletedWorkflow"


def test_no_run_follows_one_that_is_terminated() -> None:
    retried = grown_to(EVENTS, options=WorkflowOptions(retry_policy=RetryPolicy(), cron_schedule="* * * * *"))
    retried.signal("add")
    assert retried.run.status == "TERMINATED"


def test_what_a_stalled_run_has_accepted_is_recorded_before_it_ends() -> None:
    stalled = grown_to(EVENTS)
    stalled.signal("finish", "broken")
    assert stalled.run.stalled is not None
    assert stalled.run.is_open, "mended code may still continue as new"
    for _ in range(5):
        stalled.signal("add")
    finish: Any = Listens.finish
    code = finish.__code__
    try:
        finish.__code__ = (lambda self, how: None).__code__
        stalled.sleep(2)
    finally:
        finish.__code__ = code
    assert stalled.run.status == "TERMINATED"
    history = [type(record).__name__ for record in stalled.world.sessions.records(ID, stalled.run.run_id)]
    assert history.count("WorkflowExecutionSignaled") == EVENTS + 5
    assert history[-1] == "WorkflowExecutionTerminated"


def test_a_parent_sees_a_terminated_child() -> None:
    parent = chain(HistoryLimits(events=EVENTS), Watches).start()
    parent.world.deliver()
    for _ in range(EVENTS):
        parent.world.handle("child", command.SignalWorkflow(signal_name="add"))
    parent.world.deliver()
    assert parent.result.startswith("TerminatedError: history length exceeds limit")
