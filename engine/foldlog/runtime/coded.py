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
from foldlog.runtime.intercepted import InterceptedInstance
from foldlog.schemas.common import Failure, Payload
from foldlog.schemas.event import WorkflowExecutionStarted
from foldlog.schemas.records import Event


class CodedInstance(WorkflowInstance):
    """The code of one run, behind a codec. What it decides is encoded by `WorkflowRuntime.seal`."""

    __slots__ = ()

    def __init__(self, environment: Environment, workflow_id: str, started: WorkflowExecutionStarted) -> None:
        super().__init__(environment, workflow_id, environment.coder.decoded(started))

    @property
    def _coder(self) -> Coder:
        coder: Coder = self.environment.coder
        return coder

    def activate(self, event: Event) -> list[Decision]:
        """See `Decider.activate`."""
        if type(event) is WorkflowExecutionStarted:
            return super().activate(self.started)
        return super().activate(self._coder.decoded(event))

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


class CodedInterceptedInstance(CodedInstance, InterceptedInstance):
    """The code of one run, with interceptors around it, behind a codec."""

    __slots__ = ()
