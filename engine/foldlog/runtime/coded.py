"""A run whose payloads go through a codec: its code sees them decoded, the log encoded.

Only made where the data converter has a codec. The state machine, in between, never looks into payloads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from foldlog.core.decider import QueryFailed, WorkflowTaskError
from foldlog.core.decisions import Decision
from foldlog.runtime.coder import Coder
from foldlog.runtime.environment import Environment
from foldlog.runtime.instance import WorkflowInstance
from foldlog.schemas.common import Failure, Payload
from foldlog.schemas.event import (
    WorkflowExecutionSignaled,
    WorkflowExecutionStarted,
    WorkflowExecutionUpdateAccepted,
)
from foldlog.schemas.records import Event


class CodedInstance(WorkflowInstance):
    """The code of one run, behind a codec. What it decides is encoded by `WorkflowRuntime.seal`."""

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
        made = super().activate(self._coder.decoded(event))
        if type(event) is WorkflowExecutionSignaled:
            self._encoded_signals[event.event_id] = event
            if self._held is None and not self.handlers.has_unhandled_signals:
                self._encoded_signals.clear()
        return made

    def unhandled_signals(self) -> Sequence[WorkflowExecutionSignaled]:
        """See `Decider.unhandled_signals`."""
        return [self._encoded_signals[decoded.event_id] for decoded in super().unhandled_signals()]

    def validate(self, update: WorkflowExecutionUpdateAccepted) -> Failure | None:
        """See `Decider.validate`."""
        failure = super().validate(self._coder.decoded(update))
        if failure is None:
            return None
        encoded: Failure = self._coder.encoded([failure])[0]
        return encoded

    def query(self, query_type: str, args: Sequence[Payload], header: Mapping[str, Payload] | None = None) -> Payload:
        """See `Decider.query`."""
        try:
            answer = super().query(query_type, self._coder.decode(args) if args else args, self._header(header))
            return self._coder.encode([answer])[0]
        except WorkflowTaskError as error:
            raise QueryFailed(Failure(message=str(error), type="CodecError")) from error
        except QueryFailed as error:
            raise QueryFailed(self._coder.encoded([error.failure])[0]) from error

    def _header(self, header: Mapping[str, Payload] | None) -> Mapping[str, Payload] | None:
        if not header or not self._coder.codes_headers:
            return header
        return dict(zip(header, self._coder.decode(list(header.values())), strict=True))
