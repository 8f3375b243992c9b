"""Replay: a run's history is told to its code again, and each decision is held against the event recorded for it.

Owns the comparison and the message about the first difference. It knows events and decisions, not what a decider is
made of.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, cast

from foldlog.core import decisions
from foldlog.core.decider import Decider, NondeterminismError
from foldlog.core.decisions import Decision
from foldlog.schemas import event
from foldlog.schemas.records import Event


def replay(decider: Decider, history: Iterable[Event], *, fresh: bool = False) -> list[Decision]:
    """Bring a fresh decider to the end of a history.

    Args:
        decider: A decider of the run that has not been activated yet.
        history: All events of the run, in order. Whoever gives them may set the decider's `history_size` before each.
        fresh: Whether the last event has not been told to any code yet, if it is one that comes from outside: then it
            is told as news.

    Returns:
        What the history has no answer to yet: local activities that are still open, then the decisions of the last
        event, if nothing was recorded for them.

    Raises:
        NondeterminismError: The code decides otherwise than it did. The message names the first difference.
        WorkflowTaskError: The code raised something that is no workflow failure.
    """
    comparison = _replayed(decider, history, fresh)
    return [*comparison.local.values(), *comparison.pending]


def replay_whole(decider: Decider, history: Iterable[Event]) -> None:
    """Replay a history as a test of the code: as `replay`, and what the code wants beyond its end is looked at too.

    Events of one activation are written together. So where the last events are of decisions, all decisions that were
    made then are there, and any more of them is a difference. Where the last event came from outside, the code may not
    have been run on it yet, and whatever it decides now is right.

    Args:
        decider: A decider of the run that has not been activated yet.
        history: All events of the run, in order; at least one.

    Raises:
        NondeterminismError: See `replay`.
        WorkflowTaskError: See there.
    """
    comparison = _replayed(decider, history)
    last = comparison.last
    if comparison.pending and last is not None:
        raise NondeterminismError(
            f"the history ends after {_name(last)}, but the workflow code now also decides "
            f"{_describe(comparison.pending[0])}; or the end of the history is missing"
        )


def _replayed(decider: Decider, history: Iterable[Event], fresh: bool = False) -> _Comparison:
    comparison = _Comparison(decider)
    decider.replaying = True
    happened: Event | None = None
    size = 0
    decided: list[Event] = []
    before: list[event.WorkflowExecutionSignaled] = []
    following = unheard = 0
    for found in history:
        if type(found) in _EXPECTED:
            decided.append(found)
        elif following:
            before.append(cast("event.WorkflowExecutionSignaled", found))
            following -= 1
        elif unheard:
            unheard -= 1
        elif type(found) is event.WorkflowTaskScheduled and found.signals:
            following, unheard = max(found.signals, 0), max(-found.signals, 0)
        elif type(found) not in _OUTSIDE:
            size_now = decider.history_size  # before the code is told of the event before, with the size of that time
            if happened is not None:
                comparison.activation(decider, happened, size, decided, before)
                decided, before = [], []
            happened, size = found, size_now
        # An end that came from outside (terminated, timed out) was never told to the code.
    if happened is not None:
        decider.replaying = bool(decided) or not fresh
        comparison.activation(decider, happened, size, decided, before)
    decider.replaying = False
    return comparison


class _Comparison:
    """What the code has decided and the history has not confirmed yet."""

    def __init__(self, decider: Decider) -> None:
        self._decider = decider
        self.last: Event | None = None
        """The last event of a decision of the last activation; None: nothing was recorded for that."""
        self.pending: deque[Decision] = deque()
        self.local: dict[str, Decision] = {}
        self._scheduled: dict[int, str] = {}
        """Activity IDs, by the event that scheduled each."""
        self._deprecated: set[str] = set()
        """Patches that were recorded as deprecated: the code may ask for them anywhere, or nowhere."""

    def activation(
        self,
        decider: Decider,
        happened: Event,
        size: int,
        decided: list[Event],
        signals: list[event.WorkflowExecutionSignaled],
    ) -> None:
        """Tell an event that came from outside, after the signals that are told with it, and hold what the code decides
        against the events that follow."""
        self.before(happened)
        self.last = decided[-1] if decided else None
        decider.history_size = size
        if signals:
            if type(happened) is event.WorkflowExecutionSignaled:  # it came before them
                signals = [happened, *signals]
                happened = signals.pop()
            decider.foretell(signals)
        if decided:
            # The code must know before it runs which of its ways it took.
            patches = [found for found in decided if type(found) is event.PatchRecorded]
            self._deprecated.update(found.patch_id for found in patches if found.deprecated)
            decider.patches = [*(found.patch_id for found in patches), *self._deprecated]
        elif self._deprecated:
            decider.patches = list(self._deprecated)
        self.add(decider.activate(happened))
        for recorded in decided:
            if self.match(recorded):
                decider.recorded(recorded)
        decider.patches = ()
        if self._deprecated:
            self._pass_over()

    def add(self, made: list[Decision]) -> None:
        for decision in made:
            if isinstance(decision, decisions.ScheduleLocalActivity):
                self.local[decision.activity_id] = decision
            elif isinstance(decision, decisions.CancelLocalActivity):
                waiting = self.local.get(decision.activity_id) if decision.wait else None
                if isinstance(waiting, decisions.ScheduleLocalActivity):
                    waiting.cancel_requested = True
                else:
                    self.local.pop(decision.activity_id, None)
            else:
                self.pending.append(decision)

    def match(self, recorded: Any) -> bool:
        """The next decision must be the one that led to this event; false: none need be, and none is."""
        kind, same = _EXPECTED[type(recorded)]
        if self._deprecated:
            self._pass_over(recorded)
        if kind is decisions.RecordPatch and recorded.deprecated:
            following = self.pending[0] if self.pending else None
            if type(following) is not kind or not same(following, recorded):
                return False
        if not self.pending:
            raise NondeterminismError(
                f"{_name(recorded)} is in the history, but the workflow code no longer decides {_wanted(recorded)} "
                f"here{self._waits()}"
            )
        decision = self.pending.popleft()
        detail = ""
        if kind is decisions.ScheduleActivity:
            self._scheduled[recorded.event_id] = recorded.activity_id
        elif kind is decisions.RequestCancelActivity:
            activity_id = self._scheduled.get(recorded.scheduled_event_id)
            detail = f"(activity_id={activity_id!r})"
            if getattr(decision, "activity_id", None) != activity_id:
                kind = Decision  # the event says only which event scheduled it
        if type(decision) is not kind or not same(decision, recorded):
            raise NondeterminismError(
                f"{_name(recorded)}{detail} is in the history, but the workflow code now decides {_describe(decision)}"
            )
        return True

    def _pass_over(self, recorded: Any = None) -> None:
        """Leave out what the code says of deprecated patches where the history does not say it next."""
        wanted = recorded.patch_id if type(recorded) is event.PatchRecorded else None
        while self.pending:
            first = self.pending[0]
            if type(first) is not decisions.RecordPatch or first.patch_id not in self._deprecated - {wanted}:
                return
            self.pending.popleft()

    def _waits(self) -> str:
        """Where the code is instead: no decision says so."""
        stack = self._decider.stack()
        return f"; it waits here:\n{stack}" if stack else ""

    def before(self, recorded: Event) -> None:
        """An event from outside: all decisions before it must have been confirmed."""
        if self.pending:
            raise NondeterminismError(
                f"{_name(recorded)} comes next in the history, but before it the workflow code now decides "
                f"{_describe(self.pending[0])}"
            )
        if isinstance(recorded, event.LocalActivityCompleted):
            decision = self.local.pop(recorded.activity_id, None)
            if decision is None or getattr(decision, "activity_type", None) != recorded.activity_type:
                now = "nothing of the kind" if decision is None else _describe(decision)
                raise NondeterminismError(
                    f"{_name(recorded)} for local activity {recorded.activity_type!r} with ID {recorded.activity_id!r} "
                    f"is in the history, but the workflow code now decides {now}"
                )


_NAMED = (
    "activity_type",
    "activity_id",
    "timer_id",
    "workflow_type",
    "workflow_id",
    "signal_name",
    "patch_id",
    "update_id",
)
"""The fields that a decision and its event must share."""


def is_from_outside(recorded: Event) -> bool:
    """Whether an event came to the code, and not from it."""
    return type(recorded) not in _EXPECTED


def _name(recorded: Any) -> str:
    return f"event {recorded.event_id} {type(recorded).__name__}{_detail(recorded)}"


def _detail(item: Any) -> str:
    """What tells a decision or an event from others of its kind."""
    shown = [f"{name}={getattr(item, name)!r}" for name in _NAMED if getattr(item, name, None) not in (None, "")]
    return f"({', '.join(shown)})" if shown else ""


def _wanted(recorded: Any) -> str:
    return _EXPECTED[type(recorded)][0].__name__


def _describe(decision: Decision) -> str:
    place = f" at {decision.source}" if decision.source else ""
    return f"{type(decision).__name__}{_detail(decision)}{place}"


def _same_activity(decision: Any, recorded: Any) -> bool:
    return bool(decision.activity_id == recorded.activity_id and decision.activity_type == recorded.activity_type)


def _same_timer(decision: Any, recorded: Any) -> bool:
    return bool(decision.timer_id == recorded.timer_id)


def _same_child(decision: Any, recorded: Any) -> bool:
    return bool(decision.workflow_id == recorded.workflow_id and decision.workflow_type == recorded.workflow_type)


def _same_signal(decision: Any, recorded: Any) -> bool:
    return bool(decision.workflow_id == recorded.workflow_id and decision.signal_name == recorded.signal_name)


def _same_workflow(decision: Any, recorded: Any) -> bool:
    return bool(decision.workflow_id == recorded.workflow_id)


def _same_patch(decision: Any, recorded: Any) -> bool:
    return bool(decision.patch_id == recorded.patch_id)


def _same_update(decision: Any, recorded: Any) -> bool:
    return bool(decision.update_id == recorded.update_id)


def _same_kind(decision: Any, recorded: Any) -> bool:
    return True


_EXPECTED: dict[type, tuple[type[Decision], Callable[[Any, Any], bool]]] = {
    event.ActivityTaskScheduled: (decisions.ScheduleActivity, _same_activity),
    event.ActivityTaskCancelRequested: (decisions.RequestCancelActivity, _same_kind),
    event.TimerStarted: (decisions.StartTimer, _same_timer),
    event.TimerCanceled: (decisions.CancelTimer, _same_timer),
    event.StartChildWorkflowExecutionInitiated: (decisions.StartChildWorkflow, _same_child),
    event.SignalExternalWorkflowExecutionInitiated: (decisions.SignalExternalWorkflow, _same_signal),
    event.RequestCancelExternalWorkflowExecutionInitiated: (decisions.RequestCancelExternalWorkflow, _same_workflow),
    event.PatchRecorded: (decisions.RecordPatch, _same_patch),
    event.UpsertWorkflowSearchAttributes: (decisions.UpsertSearchAttributes, _same_kind),
    event.WorkflowPropertiesModified: (decisions.ModifyProperties, _same_kind),
    event.WorkflowExecutionUpdateCompleted: (decisions.CompleteUpdate, _same_update),
    event.WorkflowExecutionCompleted: (decisions.CompleteWorkflow, _same_kind),
    event.WorkflowExecutionFailed: (decisions.FailWorkflow, _same_kind),
    event.WorkflowExecutionCanceled: (decisions.CancelWorkflow, _same_kind),
    event.WorkflowExecutionContinuedAsNew: (decisions.ContinueAsNew, _same_kind),
}
"""For each event that a decision leaves: that decision, and whether the two are the same."""

_OUTSIDE = (event.WorkflowExecutionTerminated, event.WorkflowExecutionTimedOut)
