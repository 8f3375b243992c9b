"""A run whose code is interrupted if it does not yield: every call that may run such code is watched."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from foldlog.core.decider import QueryFailed, WorkflowTaskError
from foldlog.runtime.instance import WorkflowInstance
from foldlog.runtime.loop import Mode
from foldlog.runtime.watchdog import Watchdog
from foldlog.schemas import event as events
from foldlog.schemas.common import Failure, Payload
from foldlog.schemas.records import Event

_LOGGER = logging.getLogger("foldlog.workflow")


class WatchedInstance(WorkflowInstance):
    """As `WorkflowInstance`, with a watchdog. Replay is watched too, with more patience, each event by itself."""

    __slots__ = ()

    @property
    def _watchdog(self) -> Watchdog:
        watchdog: Watchdog = self.environment.watchdog
        return watchdog

    def _tell(self, event: Event) -> None:
        try:
            # Not by way of the property, nor of `super`: it is called for every event.
            self.environment.watchdog.call(self._label, self._tell_unwatched, event, self.replaying)
        except WorkflowTaskError as stuck:
            self._error = stuck

    _tell_unwatched = WorkflowInstance._tell

    def validate(self, update: events.WorkflowExecutionUpdateAccepted) -> Failure | None:
        """See `Decider.validate`."""
        try:
            return self._watchdog.call(self._label, super().validate, update)
        except WorkflowTaskError as error:
            raise self._stalled(error) from error

    def query(self, query_type: str, args: Sequence[Payload], header: Mapping[str, Payload] | None = None) -> Payload:
        """See `Decider.query`."""
        answer = super().query
        try:
            return self._watchdog.call(self._label, lambda query: answer(*query), (query_type, args))
        except WorkflowTaskError as stuck:
            self.loop.mode = Mode.NORMAL  # it may have been interrupted before it set that itself
            raise QueryFailed(self.environment.failure(stuck)) from stuck

    def close(self) -> None:
        """See `Decider.close`."""
        drop = super().close
        try:
            self._watchdog.call(self._label, lambda _: drop(), None)
        except WorkflowTaskError as stuck:
            _LOGGER.error("%s was dropped, but not cleaned up: %s\n%s", self._label(), stuck, stuck.stack_trace)

    def _label(self) -> str:
        """What logs call it."""
        return f"workflow {self.workflow_id} ({self.started.workflow_type})"
