"""Workflow code under the real engine: retries, timeouts, evictions and aborted transactions in any order.

The invariant is that nothing of this shows in the code: no run ever stalls, each ends, and its history replays.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from foldlog.core import fold
from foldlog.core.engine import LocalResult
from foldlog.core.session import Session
from foldlog.runtime import WorkflowRuntime
from foldlog.schemas import command, log
from foldlog.schemas.common import Failure, ReplyTo
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.core.harness import World
from tests.unit.runtime.driver import CONVERTER
from tests.unit.runtime.scenarios import Busy

ID = "workflow-1"


class Play:
    """One run of `Busy` in a world that does at random whatever can happen next."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.world = World(WorkflowRuntime([Busy], namespace="test"))  # type: ignore[arg-type]  # any factory will do
        start = command.StartWorkflow(workflow_type="Busy", task_queue="q", args=CONVERTER.to_payloads([2]))
        self.world.handle(ID, start)
        self.sent: set[int] = set()

    @property
    def session(self) -> Session:
        session = self.world.sessions.current(ID)
        assert session is not None
        return session

    def run(self, limit: int = 3000) -> None:
        steps: list[Callable[[], None]] = [self.activity] * 8 + [self.time] * 3 + [self.local] * 2
        steps += [self.signal, self.update, self.evict, self.abort]
        for _ in range(limit):
            if not self.session.run.is_open:
                return
            self.chance.choice(steps)()
        raise AssertionError("it never ends")

    def activity(self) -> None:
        activities = self.session.run.activities
        if not activities:
            return
        event_id = self.chance.choice(sorted(activities))
        attempt = activities[event_id].attempt
        about: dict[str, Any] = {
            "run_id": self.session.run.run_id,
            "scheduled_event_id": event_id,
            "attempt": attempt,
        }
        how = self.chance.random()
        wanted: Any
        if how < 0.75:
            wanted = command.CompleteActivity(**about, result=CONVERTER.to_payload(self.chance.randrange(9)))
        elif how < 0.9:
            wanted = command.FailActivity(**about, failure=Failure(message="no"))
        else:
            wanted = command.CancelActivity(**about)
        self.world.handle(ID, wanted)

    def time(self) -> None:
        self.world.now_ms += self.chance.randrange(3000)
        self.world.fire_due()

    def signal(self) -> None:
        number = CONVERTER.to_payloads([2 * self.chance.randrange(5)])
        self.world.handle(ID, command.SignalWorkflow(signal_name="add", args=number))

    def update(self) -> None:
        number = self.chance.randrange(10)
        wanted = command.UpdateWorkflow(
            update_id=f"u{number}",
            update_name="put",
            args=CONVERTER.to_payloads([number]),
            await_completed=True,
            reply_to=ReplyTo(client_id="c", partition=0, correlation_id=number),
        )
        self.world.handle(ID, wanted)
        self.sent.add(number)

    def local(self) -> None:
        session = self.session
        if not session.local:
            return
        activity_id, decision = self.chance.choice(sorted(session.local.items()))
        ended = LocalResult(
            workflow_id=ID,
            run_id=session.run.run_id,
            activity_id=activity_id,
            activity_type=decision.activity_type,
            attempt=1,
            result=CONVERTER.to_payload(1),
        )
        self.world.do(lambda engine, outcome: engine.local_ended(ended, outcome))

    def evict(self) -> None:
        decider = self.session.decider
        if decider is not None:
            decider.close()
        self.world.sessions.live.clear()

    def abort(self) -> None:
        signal = command.SignalWorkflow(signal_name="add", args=CONVERTER.to_payloads([1]))
        decider = self.session.decider
        self.world.do(lambda engine, outcome: engine.handle(ID, signal, outcome), abort=True)
        if decider is not None:
            decider.close()


@given(seed=st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_no_run_ever_stalls_whatever_happens_around_it(seed: int) -> None:
    play = Play(seed)
    play.run()
    records = [entry.record for entry in play.world.sessions.log]
    assert not [record.error for record in records if isinstance(record, log.WorkflowStalled)]
    history = [record for record in records if fold.is_event(record)]
    assert [record.event_id for record in history] == list(range(1, len(history) + 1))
    assert play.session.run.status in ("COMPLETED", "FAILED")
    # Whoever sent an update has its answer: its result, its refusal, or that the workflow ended before.
    answered = {to.correlation_id for outcome in play.world.outcomes for to, _ in outcome.replies}
    assert play.sent <= answered
    play.evict()
    play.world.handle(ID, command.QueryWorkflow(query_type="__stack_trace"))


@pytest.mark.parametrize("seed", range(3))
def test_the_same_world_leads_to_the_same_log(seed: int) -> None:
    logs = []
    for _ in range(2):
        play = Play(seed)
        play.run()
        logs.append([entry.encoded for entry in play.world.sessions.log])
        play.evict()
    assert logs[0] == logs[1]
