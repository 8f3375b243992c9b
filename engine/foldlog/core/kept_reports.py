"""What is said about the activities of a stalled run: kept until its code runs again, or refused at once.

Whoever waits for an answer is told that a report is kept only if it will count then, as far as that is known by now:
the attempt does count, and nobody has ended it by a report that is kept already.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from typing import Any

from foldlog.core import activities
from foldlog.core.outcome import Outcome
from foldlog.core.state import Run
from foldlog.schemas import command
from foldlog.schemas import reply as replies

_ENDS = (command.CompleteActivity, command.FailActivity, command.CancelActivity)


class KeptReports:
    """Which attempts have ended by reports that are kept."""

    __slots__ = ("_ended", "_over", "handled_ordinal")

    def __init__(self, run: Run, kept: Iterable[Any]) -> None:
        """Make them of the commands that wait for a run's code."""
        self.handled_ordinal = run.handled_ordinal
        """They are those that come after this one."""
        self._ended: set[tuple[int, int]] = set()
        self._over: set[int] = set()
        for wanted in kept:
            self.add(run, wanted)

    def add(self, run: Run, wanted: Any) -> None:
        """One more command is kept."""
        if not isinstance(wanted, _ENDS):
            return
        if self.answer(run, wanted) is not None:
            return  # it will not count
        meant = _meant(run, wanted)
        self._ended.add((meant.scheduled_event_id, meant.attempt))
        if not isinstance(wanted, command.FailActivity):
            self._over.add(meant.scheduled_event_id)  # after a failure there may be another attempt

    def answer(self, run: Run, wanted: Any) -> tuple[str, str] | None:
        """Code and message for a report that will not count; None: it will, as far as is known."""
        meant = _meant(run, wanted)
        activity = activities.fitting(run, meant)
        by_id = not wanted.scheduled_event_id
        event_id = meant.scheduled_event_id
        ended = event_id in self._over if by_id else (event_id, meant.attempt) in self._ended
        if activity is None or ended:
            return "NOT_FOUND", activities.not_open(wanted)
        if isinstance(wanted, command.CancelActivity) and not activity.cancel_requested and activities.asks(wanted):
            return "INVALID_ARGUMENT", activities.not_asked(activity)
        return None


def refused(run: Run, kept: KeptReports, wanted: Any, outcome: Outcome) -> bool:
    """Tell whoever waits for an answer that a report will not count; whether it was told so."""
    if not activities.asks(wanted) or (refusal := kept.answer(run, wanted)) is None:
        return False
    code, message = refusal
    outcome.reply(wanted.reply_to, replies.Rejected, code=code, message=message, run_id=run.run_id)
    return True


def accept(run: Run, wanted: Any, outcome: Outcome) -> None:
    """Tell whoever waits for an answer that a report is kept, and whether the attempt is to stop."""
    if activities.asks(wanted):
        activity = run.activities.get(_meant(run, wanted).scheduled_event_id)
        beats = isinstance(wanted, command.HeartbeatActivity) and activity is not None
        notice = activities.why_to_stop(activity, True) if beats and activity is not None else ""
        outcome.reply(wanted.reply_to, replies.Accepted, run_id=run.run_id, notice=notice)


def _meant(run: Run, wanted: Any) -> Any:
    """A report with the attempt that it means by now; the one that is kept means the one that there is then."""
    if wanted.scheduled_event_id:
        return wanted
    meant = copy(wanted)
    activities.resolve(run, meant)
    return meant
