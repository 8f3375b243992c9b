"""What the workflows of `waiting` wait for: activities, children, and a gate that opens when a restart is over."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from foldlog import activity, workflow
from foldlog.common import VersioningBehavior
from foldlog.exceptions import ApplicationError

QUEUE = "waits"
LATER = "waits-later"
"""A task queue that is served only after the restart."""
NOBODY = "waits-nobody"
"""One that never is."""
AWHILE = timedelta(seconds=8)
"""Longer than it takes to bring all of them to where they wait."""
LIMIT = timedelta(seconds=300)


class Gate:
    """Closed before the restart, and open after it."""

    open = False


@activity.defn
async def pass_gate(local: bool) -> str:
    """Stays in its first process for ever."""
    while not Gate.open:
        if not local:
            activity.heartbeat()
        await asyncio.sleep(0.01)
    return "passed"


@activity.defn
async def fail_once() -> int:
    if activity.info().attempt == 1:
        raise ApplicationError("once")
    return activity.info().attempt


@activity.defn
async def say_where() -> list[Any]:
    """Fails before the restart."""
    info = activity.info()
    if not Gate.open:
        raise ApplicationError("not yet")
    return [info.task_queue, info.attempt, str(info.heartbeat_timeout)]


@activity.defn
async def fail_for_good() -> None:
    raise ApplicationError("refused", non_retryable=True)


@activity.defn
async def leave_open() -> str:
    activity.raise_complete_async()


@activity.defn
async def work() -> str:
    return "worked"


@workflow.defn
class Kid:
    """Ends once it is told a word; when it is cancelled, it waits for another."""

    def __init__(self) -> None:
        self.words: list[str] = []

    @workflow.run
    async def run(self, word: str = "") -> str:
        try:
            await workflow.wait_condition(lambda: bool(word or self.words))
        except asyncio.CancelledError:
            await workflow.wait_condition(lambda: bool(self.words))
            raise
        return word or self.words[0]

    @workflow.signal
    def tell(self, word: str) -> None:
        self.words.append(word)


@workflow.defn(versioning_behavior=VersioningBehavior.PINNED)
class Pinned:
    """Ends on the version of the code on which it began."""

    def __init__(self) -> None:
        self.told = False

    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: self.told)
        return workflow.info().get_current_build_id()

    @workflow.signal
    def tell(self, word: str) -> None:
        self.told = True
