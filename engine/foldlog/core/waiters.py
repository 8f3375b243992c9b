"""Who waits for the result of which run: long polls, kept in memory only and asked again by the asker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from foldlog.schemas.common import ReplyTo

LONG_POLL_MS = 60_000
"""A waiter that has not asked again for so long is forgotten; clients ask every 30 s."""

_Key = tuple[str, int]


class _Waiter(NamedTuple):
    reply_to: ReplyTo
    until_ms: int
    follow_runs: bool


class Waiters:
    """The waiters of one partition."""

    def __init__(self, long_poll_ms: int) -> None:
        self._long_poll_ms = long_poll_ms
        self._by_run: dict[str, dict[_Key, _Waiter]] = {}
        self._closed: list[tuple[str, str]] = []
        """Runs that the open transaction closes, each with the run that follows it."""
        self._before: dict[str, str] = {}
        """The run before, for each run that follows one of those."""
        self._swept_ms = 0

    def add(self, run_id: str, reply_to: ReplyTo, now_ms: int, follow_runs: bool = True) -> None:
        """Wait for a run; asking again replaces the first ask."""
        waiting = self._by_run.setdefault(run_id, {})
        waiting[reply_to.client_id, reply_to.correlation_id] = _Waiter(
            reply_to, now_ms + self._long_poll_ms, follow_runs
        )
        if now_ms - self._swept_ms > self._long_poll_ms:
            self._sweep(now_ms)

    def closing(self, run_id: str, new_run_id: str = "") -> Iterator[ReplyTo]:
        """Whom to tell that the run closes. They stay known until that is committed.

        Args:
            run_id: The run.
            new_run_id: The run that follows it: who follows the chain waits for that one from here on.
        """
        waiting = self._waiting(run_id)
        if waiting:
            self._closed.append((run_id, new_run_id))
            if new_run_id:
                self._before[new_run_id] = run_id
            for waiter in waiting.values():
                if not (new_run_id and waiter.follow_runs):
                    yield waiter.reply_to

    def _waiting(self, run_id: str) -> dict[_Key, _Waiter]:
        """Who waits for a run, with those who come to it from a run that the open transaction closes."""
        waiting = self._by_run.get(run_id, {})
        before = self._before.get(run_id)
        return waiting if before is None else {**_followers(self._waiting(before)), **waiting}

    def committed(self) -> None:
        """What `closing` named has been told."""
        for run_id, new_run_id in self._closed:
            waiting = self._by_run.pop(run_id, {})
            if new_run_id and (followers := _followers(waiting)):
                self._by_run[new_run_id] = {**followers, **self._by_run.get(new_run_id, {})}
        self._closed.clear()
        self._before.clear()

    def aborted(self) -> None:
        """What `closing` named has not been told."""
        self._closed.clear()
        self._before.clear()

    def _sweep(self, now_ms: int) -> None:
        self._swept_ms = now_ms
        for run_id in list(self._by_run):
            alive = {key: waiter for key, waiter in self._by_run[run_id].items() if waiter.until_ms > now_ms}
            if alive:
                self._by_run[run_id] = alive
            else:
                del self._by_run[run_id]


def _followers(waiting: dict[_Key, _Waiter]) -> dict[_Key, _Waiter]:
    return {key: waiter for key, waiter in waiting.items() if waiter.follow_runs}
