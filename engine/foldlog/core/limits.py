"""How long the history of one run may become, and from where on that is worth a warning.

There is no bound of its own on how much a run waits for at a time: each activity, child, signal and request to cancel
is an event, so the bound on events is one on these as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from foldlog.core.state import Run

MAXIMUM_HISTORY_EVENTS = 51_200
MAXIMUM_HISTORY_BYTES = 50 * 1024 * 1024
"""Both as with Temporal's server."""

LONG_HISTORY_EVENTS = 10_000
LONG_HISTORY_BYTES = 10 * 1024 * 1024
_WARNINGS = 5
"""A history that nears its end has been warned about at least so many times less one."""


class HistoryLimits(Struct, frozen=True, kw_only=True):
    """How many events, and how many bytes of events, one run may have. None: as many as it likes."""

    events: int | None = MAXIMUM_HISTORY_EVENTS
    bytes: int | None = MAXIMUM_HISTORY_BYTES

    @property
    def events_step(self) -> int:
        """Each time that a history has so many events more, that is worth a warning."""
        return _step(self.events, LONG_HISTORY_EVENTS)

    @property
    def bytes_step(self) -> int:
        """Likewise, in bytes."""
        return _step(self.bytes, LONG_HISTORY_BYTES)

    def exceeded_by(self, run: Run) -> str:
        """Why a run must end, for people; empty: it need not."""
        if self.events is not None and run.last_event_id > self.events:
            return _REASON.format("length", run.last_event_id, "events", self.events, "max_history_events")
        if self.bytes is not None and run.history_size > self.bytes:
            return _REASON.format("size", run.history_size, "bytes", self.bytes, "max_history_bytes")
        return ""

    def __str__(self) -> str:
        bounds = [(self.events, "events"), (self.bytes, "bytes")]
        given = " or ".join(f"{bound} {unit}" for bound, unit in bounds if bound is not None)
        return f"with more than {given} it is terminated" if given else "it has no limit"


_REASON = "history {} exceeds limit: it has {} {}, and {} are allowed ({}): let the workflow continue as new in time"


def _step(maximum: int | None, usual: int) -> int:
    return usual if maximum is None else max(1, min(usual, maximum // _WARNINGS))
