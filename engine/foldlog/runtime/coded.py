"""A run whose payloads go through a codec: its code sees them decoded, the log encoded.

Only made where the data converter has a codec. The state machine, in between, never looks into payloads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from foldlog.core import decisions
from foldlog.core.decider import NondeterminismError, QueryFailed, WorkflowTaskError
from foldlog.core.decisions import Decision
from foldlog.runtime.coder import Coder
from foldlog.runtime.environment import Environment
from foldlog.runtime.instance import WorkflowInstance
from foldlog.schemas.common import Failure, Payload
from foldlog.schemas.event import (
    LocalActivityCompleted,
    WorkflowExecutionSignaled,
    WorkflowExecutionStarted,
    WorkflowExecutionUpdateAccepted,
)
from foldlog.schemas.records import Event

_ACTIVITIES = (decisions.ScheduleActivity, decisions.ScheduleLocalActivity)


class CodedInstance(WorkflowInstance):
    """The code of one run, behind a codec. What it decides is encoded by `sealed`."""

    # No __slots__ with names in it: this class and InterceptedInstance could not have a common child then.

    def __init__(self, environment: Environment, workflow_id: str, started: WorkflowExecutionStarted) -> None:
        super().__init__(environment, workflow_id, environment.coder.decoded(started))
        self._encoded_signals: dict[int, WorkflowExecutionSignaled] = {}
        """By event ID, those that no handler has taken among them: the run that follows gets them as they are."""

    @property
    def _coder(self) -> Coder:
        coder: Coder = self.environment.coder
        return coder

    def activate(self, event: Event) -> list[Decision]:
        """See `Decider.activate`."""
        if type(event) is WorkflowExecutionStarted:
            return super().activate(self.started)
        coder = self._coder_of(event) if self.environment.wants_context else self._coder
        made = super().activate(coder.decoded(event))
        if type(event) is WorkflowExecutionSignaled:
            self._encoded_signals[event.event_id] = event
            if self._held is None and not self.handlers.has_unhandled_signals:
                self._encoded_signals.clear()
        return made

    @staticmethod
    def sealed(made: Sequence[Decision], decider: Any) -> list[Decision]:
        """Decisions of a run for the log: see `DeciderFactory`."""
        coder: Coder = decider.environment.coder
        if not coder.wants_context:
            return coder.encoded(made)
        sealed: list[Decision] = decider._sealed_in_context(made)
        return sealed

    def _sealed_in_context(self, made: Sequence[Decision]) -> list[Decision]:
        """Where the codec wants to know what payloads belong to."""
        environment = self.environment
        pairs: list[tuple[Coder, Decision]] = []
        for decision in made:
            coder = self._coder
            if type(decision) in _ACTIVITIES:
                found = self.activities.environment_of(cast("Any", decision).activity_id)
                coder = coder if found is None else found.coder
            elif isinstance(decision, decisions.StartChildWorkflow | decisions.SignalExternalWorkflow):
                coder = environment.of_workflow(decision.namespace, decision.workflow_id).coder
            pairs.append((coder, decision))
        return self._coder.encoded_each(pairs)

    def _coder_of(self, event: Event) -> Coder:
        """That of what an event's payloads belong to."""
        found = None
        if isinstance(event, LocalActivityCompleted):
            found = self.activities.environment_of(event.activity_id)
        elif (scheduled := getattr(event, "scheduled_event_id", 0)) != 0:
            found = self.activities.environment_of(scheduled)
        elif (initiated := getattr(event, "initiated_event_id", 0)) != 0:
            found = None if self._children is None else self._children.environment_of(initiated)
            if found is None and self._external is not None:
                found = self._external.environment_of(initiated)
        return self._coder if found is None else cast("Coder", found.coder)

    def unhandled_signals(self) -> Sequence[WorkflowExecutionSignaled]:
        """See `Decider.unhandled_signals`."""
        return [self._encoded_signals[decoded.event_id] for decoded in super().unhandled_signals()]

    def validate(self, update: WorkflowExecutionUpdateAccepted) -> Failure | None:
        """See `Decider.validate`."""
        return self._encoded_failure(super().validate(self._coder.decoded(update)))

    def failure_of(self, error: NondeterminismError) -> Failure | None:
        """See `Decider.failure_of`."""
        return self._encoded_failure(super().failure_of(error))

    def _encoded_failure(self, failure: Failure | None) -> Failure | None:
        return None if failure is None else self._coder.encoded([failure])[0]

    def query(self, query_type: str, args: Sequence[Payload], header: Mapping[str, Payload] | None = None) -> Payload:
        """See `Decider.query`."""
        try:
            try:
                answer = super().query(query_type, self._coder.decode(args) if args else args, self._header(header))
            except QueryFailed as error:
                raise QueryFailed(self._coder.encoded([error.failure])[0]) from error
            return self._coder.encode([answer])[0]
        except WorkflowTaskError as error:
            raise QueryFailed(Failure(message=str(error), type="CodecError")) from error

    def _header(self, header: Mapping[str, Payload] | None) -> Mapping[str, Payload] | None:
        if not header or not self._coder.codes_headers:
            return header
        return self._coder.decode_each(header)
