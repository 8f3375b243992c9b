"""How far a worker has come, and the parts that it has made on the way.

Owns no order: in which order parts are made and taken down is for the worker. It may be looked at from any thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from concurrent.futures import Executor

from foldlog.worker.activities import ActivityWorker
from foldlog.worker.backend import RunningProcessor
from foldlog.worker.calls import Calls
from foldlog.worker.team import Member


class WorkerState:
    """What a worker has once it runs."""

    def __init__(self) -> None:
        self.started = False
        self.running = asyncio.Event()
        """It takes tasks, or has failed to."""
        self.stopping = asyncio.Event()
        self.ended = asyncio.Event()
        self.fatal: BaseException | None = None
        self.left = False
        """The `async with` block has ended."""
        self.block_cancelled = False
        self.task: asyncio.Task[None] | None = None
        self.activities: ActivityWorker | None = None
        self.calls: Calls | None = None
        self.own_executor: Executor | None = None
        self.processor: RunningProcessor | None = None
        self.member: Member | None = None

    @property
    def parts(self) -> list[ActivityWorker | RunningProcessor]:
        """What there is of it, for questions after its health."""
        return [part for part in (self.activities, self.processor) if part is not None]

    def fail(self, error: BaseException) -> None:
        """Remember what makes it impossible to go on, and shut down."""
        if self.fatal is None:
            self.fatal = error
            self.stopping.set()


async def to_the_end(work: Awaitable[None]) -> None:
    """Await something to its end, also if the waiting task is cancelled meanwhile; that comes up afterwards."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.cancelled():
                raise
            cancelled = error
        except Exception:
            break
    task.result()
    if cancelled is not None:
        raise cancelled
