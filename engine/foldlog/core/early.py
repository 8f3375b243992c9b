"""Signals that a stalled run has accepted, where it would end without its code having seen them.

They came after an event at which the code could not go on, so they are told after it, and to code that ends with that
event not at all: nobody would ever take them, though their senders were told that they are kept. So they are recorded
behind a `WorkflowTaskScheduled` that counts them, and the code is told of the event anew with the signals before it, or
after it if it is a signal too. Replay does the same by that count.

Where the run is closed from outside, no code hears them. They are recorded all the same, for whoever reads its history,
and so that its code, brought back for a query, knows them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from foldlog.core import decisions, machine
from foldlog.core.answers import Answers
from foldlog.core.decider import WorkflowTaskError
from foldlog.core.decisions import ClosingDecision, Decision
from foldlog.core.outcome import Outcome
from foldlog.core.replay import is_from_outside
from foldlog.core.session import Sessions
from foldlog.core.state import Run
from foldlog.schemas import command, event, log
from foldlog.schemas.records import Event


class Waiting:
    """The deferred commands of a run that have not been handled."""

    __slots__ = ("left", "run")

    def __init__(self, run: Run, left: Iterable[tuple[int, bytes]]) -> None:
        """Make an object.

        Args:
            run: The run.
            left: Ordinals and bytes of the commands.
        """
        self.run = run
        self.left = deque(left)


class EarlySignals:
    """Puts the signals of stalled runs before the end of these. One thread at a time."""

    def __init__(self, sessions: Sessions, answers: Answers, decode: Callable[[bytes], Any]) -> None:
        """Make an object; its arguments are the driver's."""
        self._sessions = sessions
        self._answers = answers
        self._decode = decode

    def are_needed(
        self, run: Run, made: Sequence[Decision], waiting: Waiting, outcome: Outcome
    ) -> dict[int, command.SignalWorkflow]:
        """By ordinal, the signals without which a run must not end as its code wants now; none, if it may, or goes on.

        Args:
            run: The run, whose code has just been told of its last event.
            made: What the code decides.
            waiting: What the run has accepted since it stalled and not been told.
            outcome: The open transaction.
        """
        if not waiting.left or not made:
            return {}
        if not isinstance(made[-1], ClosingDecision) or isinstance(made[-1], decisions.ContinueAsNew):
            return {}  # the run that follows gets them
        return self._can_be_told(waiting, outcome)

    def may_differ(self, run: Run, outcome: Outcome) -> bool:
        """Whether something may be recorded of the last step, which stalled in the middle: a decision did not fit."""
        last = self._last_event(run, outcome)
        # A signal may have been told together with an event before it.
        return not is_from_outside(last) or isinstance(last, event.WorkflowExecutionSignaled)

    def _last_event(self, run: Run, outcome: Outcome) -> Any:
        return self._event(run, run.last_event_id, outcome)

    def _event(self, run: Run, event_id: int, outcome: Outcome) -> Any:
        for entry in reversed(outcome.log):
            if entry.run is run and getattr(entry.record, "event_id", 0) == event_id:
                return entry.record
        found = self._sessions.event(run, event_id)
        assert found is not None
        return self._decode(found)

    def _can_be_told(self, waiting: Waiting, outcome: Outcome) -> dict[int, command.SignalWorkflow]:
        """The signals among what waits, by ordinal: each once, without those that are too large."""
        signals: dict[int, command.SignalWorkflow] = {}
        seen: set[str] = set()
        for ordinal, encoded in waiting.left:
            wanted = self._decode(encoded)
            if not isinstance(wanted, command.SignalWorkflow) or wanted.request_id in seen:
                continue
            if self._answers.recall(waiting.run.workflow_id, wanted.request_id) is not None:
                continue
            try:
                outcome.check_fits(machine.signaled(wanted))
            except WorkflowTaskError:
                continue
            signals[ordinal] = wanted
            if wanted.request_id:
                seen.add(wanted.request_id)
        return signals

    def as_recorded(self, signals: Mapping[int, command.SignalWorkflow], now_ms: int) -> list[Event]:
        """What `record` would leave, not numbered."""
        found: list[Event] = [
            event.WorkflowTaskScheduled(signals=len(signals)),
            *map(machine.signaled, signals.values()),
        ]
        for each in found:
            each.time_ms = now_ms
        return found

    def record(
        self, run: Run, signals: Mapping[int, command.SignalWorkflow], outcome: Outcome, *, heard: bool = True
    ) -> None:
        """Record signals as told together with the last event of a run, or as told to nobody."""
        outcome.append(run, event.WorkflowTaskScheduled(signals=len(signals) if heard else -len(signals)))
        for wanted in signals.values():
            self._record(run, wanted, outcome)

    def take_out(
        self,
        waiting: Waiting,
        signals: Mapping[int, command.SignalWorkflow],
        outcome: Outcome,
        defer: Callable[[Run, Any, Outcome], None],
    ) -> None:
        """Take signals out of what waits. The rest goes on waiting; that of an open run gets new ordinals."""
        run, last = waiting.run, waiting.left[-1][0]
        waiting.left = deque(each for each in waiting.left if each[0] not in signals)
        if not run.is_open:
            return  # it is being handed over to the runs that follow
        outcome.append(run, log.WorkflowResumed(run_id=run.run_id, handled_ordinal=last))
        encoded = [encoded for _, encoded in waiting.left]
        waiting.left.clear()
        for each in encoded:
            defer(run, self._decode(each), outcome)
            waiting.left.append((run.deferred_ordinal, each))

    def record_unheard(
        self,
        waiting: Waiting,
        stalled: log.WorkflowStalled,
        outcome: Outcome,
        can_hear: Callable[[Mapping[int, command.SignalWorkflow]], bool],
    ) -> None:
        """Record the signals that wait for a run which is about to be closed without its code.

        Replay tells the first one after the last step only if nothing of that can be missing: in the middle of a step
        the code has more to decide first.

        Args:
            waiting: What the run has accepted since it stalled.
            stalled: Since when.
            outcome: The open transaction.
            can_hear: Whether the code decides what is recorded of its last step also with signals before it; raises
                `WorkflowTaskError` if that cannot be known.
        """
        run = waiting.run
        signals = self._can_be_told(waiting, outcome)
        if not signals:
            return
        if not run.first_task:
            for wanted in signals.values():
                self._record(run, wanted, outcome)
        elif is_from_outside(self._last_but_early(run, outcome)):
            self.record(run, signals, outcome)  # nothing is recorded that they could make different
        elif stalled.since_ms > self._last_event(run, outcome).time_ms:
            # The code did not fail at its last step, which is whole then, but afterwards: at a query, or at a replay.
            first, *others = signals
            self._record(run, signals[first], outcome)
            if others:
                self.record(run, {ordinal: signals[ordinal] for ordinal in others}, outcome)
        else:
            try:
                heard = can_hear(signals)
            except WorkflowTaskError:
                heard = False  # which can be replayed in any case
            self.record(run, signals, outcome, heard=heard)

    def _last_but_early(self, run: Run, outcome: Outcome) -> Any:
        """The last event before the signals that are recorded as early, if the history ends with such.

        It is of a decision if something of the last step is recorded.
        """
        event_id = run.last_event_id
        while True:
            found, count = self._event(run, event_id, outcome), 0
            while isinstance(found, event.WorkflowExecutionSignaled):
                count += 1
                found = self._event(run, event_id - count, outcome)
            if not isinstance(found, event.WorkflowTaskScheduled) or not count or abs(found.signals) != count:
                return self._event(run, event_id, outcome)
            event_id = found.event_id - 1

    def _record(self, run: Run, wanted: command.SignalWorkflow, outcome: Outcome) -> None:
        wanted.reply_to = None  # Whoever asked was told that it is kept.
        machine.signal(run, wanted, outcome)
        self._answers.accept(run, wanted, outcome)
