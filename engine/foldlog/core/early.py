"""Signals that a stalled run has accepted, where its code would end the run without having seen them.

They came after the event at which the code could not go on, so they are told after it, and to code that ends with that
event not at all: nobody would ever take them, though their senders were told that they are kept. So they are recorded
behind a `WorkflowTaskScheduled` that counts them, and the code is told of the event anew with the signals before it.
Replay does the same by that count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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

Waiting = tuple[int, bytes]
"""Ordinal and bytes of a deferred command."""


class EarlySignals:
    """Puts the signals of stalled runs before the end of these. One thread at a time."""

    def __init__(self, sessions: Sessions, answers: Answers, decode: Callable[[bytes], Any]) -> None:
        """Make an object; its arguments are the driver's."""
        self._sessions = sessions
        self._answers = answers
        self._decode = decode

    def are_needed(
        self, run: Run, made: Sequence[Decision], waiting: Sequence[Waiting], outcome: Outcome
    ) -> dict[int, command.SignalWorkflow]:
        """By ordinal, the signals without which a run must not end as its code wants now; none, if it may, or goes on.

        Args:
            run: The run, whose code has just been told again of what it had stalled at.
            made: What the code decides.
            waiting: What the run has accepted since it stalled.
            outcome: The open transaction.
        """
        if not made or not isinstance(made[-1], ClosingDecision) or isinstance(made[-1], decisions.ContinueAsNew):
            return {}  # the run that follows gets them
        last = self._sessions.event(run, run.last_event_id)
        if last is None or not is_from_outside(self._decode(last)):
            return {}  # the code had been through the last step already, at least in part
        signals: dict[int, command.SignalWorkflow] = {}
        seen: set[str] = set()
        for ordinal, encoded in waiting:
            wanted = self._decode(encoded)
            if isinstance(wanted, command.SignalWorkflow) and self._can_be_told(run, wanted, seen, outcome):
                signals[ordinal] = wanted
        return signals

    def _can_be_told(self, run: Run, wanted: command.SignalWorkflow, seen: set[str], outcome: Outcome) -> bool:
        request_id = wanted.request_id
        if request_id and (request_id in seen or self._answers.recall(run.workflow_id, request_id) is not None):
            return False
        try:
            outcome.check_fits(machine.signaled(wanted))
        except WorkflowTaskError:
            return False
        seen.add(request_id)
        return True

    def record(
        self,
        run: Run,
        signals: Mapping[int, command.SignalWorkflow],
        waiting: Sequence[Waiting],
        outcome: Outcome,
        defer: Callable[[Run, Any, Outcome], None],
    ) -> None:
        """Record signals as told together with the last event. What else waits goes on waiting."""
        outcome.append(run, event.WorkflowTaskScheduled(signals=len(signals)))
        for wanted in signals.values():
            wanted.reply_to = None  # Whoever asked was told that it is kept.
            machine.signal(run, wanted, outcome)
            self._answers.accept(run, wanted, outcome)
        outcome.append(run, log.WorkflowResumed(run_id=run.run_id, handled_ordinal=waiting[-1][0]))
        for ordinal, encoded in waiting:
            if ordinal not in signals:
                defer(run, self._decode(encoded), outcome)
