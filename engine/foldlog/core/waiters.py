"""Who waits for the result of which run: long polls, kept in memory only and asked again by the asker."""

from __future__ import annotations

from collections.abc import Iterator

from foldlog.schemas.common import ReplyTo

LONG_POLL_MS = 60_000
"""A waiter that has not asked again for so long is forgotten; clients ask every 30 s."""


class Waiters:
    """The waiters of one partition."""

    def __init__(self, long_poll_ms: int) -> None:
        self._long_poll_ms = long_poll_ms
        self._by_run: dict[str, dict[tuple[str, int], tuple[ReplyTo, int]]] = {}
        self._closed: list[str] = []
        self._swept_ms = 0

    def add(self, run_id: str, reply_to: ReplyTo, now_ms: int) -> None:
        """Wait for a run; asking again replaces the first ask."""
        waiting = self._by_run.setdefault(run_id, {})
        waiting[reply_to.client_id, reply_to.correlation_id] = (reply_to, now_ms + self._long_poll_ms)
        if now_ms - self._swept_ms > self._long_poll_ms:
            self._sweep(now_ms)

    def closing(self, run_id: str) -> Iterator[ReplyTo]:
        """Whom to tell that the run closes. They stay known until that is committed."""
        waiting = self._by_run.get(run_id)
        if waiting:
            self._closed.append(run_id)
            for reply_to, _ in waiting.values():
                yield reply_to

    def committed(self) -> None:
        """What `closing` named has been told."""
        for run_id in self._closed:
            self._by_run.pop(run_id, None)
        self._closed.clear()

    def aborted(self) -> None:
        """What `closing` named has not been told."""
        self._closed.clear()

    def _sweep(self, now_ms: int) -> None:
        self._swept_ms = now_ms
        for run_id in list(self._by_run):
            alive = {key: entry for key, entry in self._by_run[run_id].items() if entry[1] > now_ms}
            if alive:
                self._by_run[run_id] = alive
            else:
                del self._by_run[run_id]
