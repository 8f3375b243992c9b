"""Asks a supplier of slots for permits, and sees to it that each comes back to it exactly once.

Owns how many permits are asked for ahead of the tasks, what becomes of each, and what a supplier's errors mean. Stands
in for `limits.Slots` in workers that have such a supplier; knows no task and no topic.

A permit is in one place at a time: asked for (a task of the event loop), free, taken for a task that is about to begin,
given to an eager one that is to be committed first, or used by an attempt.

Several may ask one supplier: both kinds of activities, and other workers. A permit is of the kind that it was asked
for, so none takes another's. While tasks of one wait, the others on its event loop hold one permit at most for tasks to
come, and none if it has none in use: else what they hold could be all that the supplier has.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Hashable
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple
from weakref import WeakSet

from foldlog.common import WorkerDeploymentVersion
from foldlog.worker.slots import CustomSlotSupplier, SlotInfo, SlotPermit, SlotReleaseContext, SlotReserveContext

_log = logging.getLogger(__name__)

ASKED_AHEAD = 5
"""Permits that a worker asks for before it has a use for them: as many as a worker of Temporal has polls."""

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0
_CANCELLATION_SECONDS = 5.0
"""How long a supplier may take to let go of a worker that shuts down."""


@dataclass
class _Reserve:
    """Implements `SlotReserveContext`."""

    slot_type: Literal["workflow", "activity", "local-activity"]
    task_queue: str
    worker_identity: str
    worker_build_id: str
    worker_deployment_version: WorkerDeploymentVersion | None
    is_sticky: bool = False


@dataclass
class _Activity:
    """Implements `ActivitySlotInfo` and `LocalActivitySlotInfo`."""

    activity_type: str


@dataclass
class _MarkUsed:
    """Implements `SlotMarkUsedContext`."""

    slot_info: SlotInfo
    permit: SlotPermit


class SlotSource(NamedTuple):
    """Where a worker gets slots from, and who it says that it is."""

    supplier: CustomSlotSupplier
    task_queue: str
    identity: str
    build_id: str
    version: WorkerDeploymentVersion | None

    def context(self, slot_type: Literal["activity", "local-activity"]) -> SlotReserveContext:
        """What the supplier is told."""
        return _Reserve(slot_type, self.task_queue, self.identity, self.build_id, self.version)


class Permits:
    """The permits of one worker, for one kind of activities.

    On the event loop where it was made; `take_eager`, `give_back_eager` and the numbers from any thread.
    """

    def __init__(
        self,
        source: SlotSource,
        slot_type: Literal["activity", "local-activity"],
        *,
        wanted: Callable[[], int],
        freed: Callable[[], None],
        needed: Callable[[], int] | None = None,
    ) -> None:
        """Make a place for permits; nothing is asked before `refill`.

        Args:
            source: Who gives them.
            slot_type: What they are for.
            wanted: How many there should be free.
            freed: Is told of a permit that has come.
            needed: How many tasks wait for one; None: as many as are wanted.
        """
        self._supplier = source.supplier
        self._context = source.context(slot_type)
        self._wanted = wanted
        self._freed = freed
        self._needed = needed or wanted
        self._loop = asyncio.get_running_loop()
        self._surroundings = copy_context()
        self._asking: set[asyncio.Task[None]] = set()
        self._free: deque[SlotPermit] = deque()
        """Eager tasks take from here too, in another thread: only `_take_free` takes."""
        self._taken: list[SlotPermit] = []
        self._eager: deque[SlotPermit] = deque()
        self._used: dict[Hashable, tuple[SlotPermit, SlotInfo]] = {}
        self._lock = threading.Lock()
        """Of the eager ones, which have to do with another thread."""
        self._closing = False
        self._told_hunger = 0
        """What the others of this supplier have heard of."""
        with _made_lock:
            self._others = [
                each
                for each in _made
                if each._supplier is self._supplier and each._loop is self._loop and not each._closing
            ]
            _made.add(self)
        for each in self._others:
            each._others.append(self)

    @property
    def free(self) -> int:
        """Permits without a use."""
        return len(self._free)

    @property
    def used(self) -> int:
        """Permits with a use, or about to have one."""
        return len(self._used) + len(self._taken) + len(self._eager)

    @property
    def total(self) -> int:
        """All that there are now."""
        return self.used + self.free

    @property
    def asking(self) -> bool:
        """Whether the supplier is being asked."""
        return bool(self._asking)

    def refill(self) -> None:
        """Ask for as many as are wanted, and give back those that are not."""
        wanted = self._wanted_now()
        for _ in range(min(wanted, ASKED_AHEAD) - len(self._free) - len(self._asking)):
            # A context of its own: this may be called on behalf of an attempt that has just ended.
            task = self._loop.create_task(self._ask(), context=self._surroundings.copy(), name="foldlog-reserve-slot")
            self._asking.add(task)
        while len(self._free) > wanted and (surplus := self._take_free()) is not None:
            self._release(surplus, None)
        self._tell_hunger()

    def take(self) -> bool:
        """Take a permit for a task, if one is free; `begin` or `give_back` is next."""
        permit = self._take_free()
        if permit is None:
            return False
        self._taken.append(permit)
        return True

    def give_back(self) -> None:
        """The task for which one was taken does not begin yet."""
        self._free.appendleft(self._taken.pop())

    def take_eager(self) -> bool:
        """Take one for an eager task, if the supplier has one now, or one is free. Any thread."""
        try:
            permit = self._run(self._supplier.try_reserve_slot, self._context)
        except (Exception, asyncio.CancelledError):
            _log.warning("try_reserve_slot of a slot supplier failed: it counts as no", exc_info=True)
            return False
        if permit is None:
            # It may have none because we hold them for tasks to come. `begin`, or the next task, asks for another.
            permit = self._take_free()
        if permit is None:
            return False
        with self._lock:
            self._eager.append(permit)
        return True

    def give_back_eager(self) -> None:
        """The eager task for which one was taken does not begin. Any thread."""
        with self._lock:
            permit = self._eager.pop()
        self._release(permit, None)

    def begin(self, attempt: Hashable, activity_type: str, *, eager: bool = False) -> None:
        """An attempt uses what was taken for it."""
        if eager:
            with self._lock:
                permit = self._eager.popleft()
        else:
            permit = self._taken.pop()
        info = _Activity(activity_type)
        self._used[attempt] = permit, info
        try:
            self._run(self._supplier.mark_slot_used, _MarkUsed(info, permit))
        except (Exception, asyncio.CancelledError):
            _log.warning("mark_slot_used of a slot supplier failed", exc_info=True)
        self.refill()

    def end(self, attempt: Hashable) -> None:
        """The code of an attempt has ended."""
        permit, info = self._used.pop(attempt)
        self._release(permit, info)
        self._tell_hunger()

    def close(self) -> None:
        """Ask for nothing more, and give back what has no use. What is in use still comes back by `end`."""
        self._closing = True
        for task in self._asking:
            task.cancel("the worker is shut down")
        self.refill()
        for other in self._others:
            other._others.remove(self)
        self._others.clear()

    async def closed(self) -> None:
        """Close, wait for suppliers that are being asked, and give back what eager tasks have left."""
        self.close()
        if self._asking:
            _, late = await asyncio.wait(set(self._asking), timeout=_CANCELLATION_SECONDS)
            if late:
                _log.warning(
                    "reserve_slot of a slot supplier ignores its cancellation; the worker does not wait for it"
                )
        while self._eager:
            self.give_back_eager()

    @property
    def _hunger(self) -> int:
        """0: no task waits; 1: some do; 2: some do, and there is no permit in use that will come back."""
        if self._closing or min(self._wanted(), self._needed()) <= len(self._free):
            return 0
        return 1 if self.used else 2

    def _tell_hunger(self) -> None:
        if self._others and self._told_hunger != (hunger := self._hunger):
            self._told_hunger = hunger
            for other in self._others:
                self._loop.call_soon(other.refill)

    def _wanted_now(self) -> int:
        if self._closing:
            return 0
        wanted = self._wanted()
        hunger = max((other._hunger for other in self._others), default=0)
        return min(wanted, max(self._needed(), 2 - hunger)) if hunger else wanted

    def _take_free(self) -> SlotPermit | None:
        try:
            return self._free.popleft()
        except IndexError:
            return None

    # ---- the supplier

    async def _ask(self) -> None:
        """Get one permit, however often that takes."""
        pause = _FIRST_PAUSE_SECONDS
        try:
            while (permit := await self._reserved()) is None:
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
        finally:
            task = asyncio.current_task()
            assert task is not None  # this runs as one
            self._asking.discard(task)
        # It asks no more, and may be replaced from here on.
        self._come(permit)

    async def _reserved(self) -> SlotPermit | None:
        try:
            permit: Any = await self._supplier.reserve_slot(self._context)
            if permit is None:
                raise TypeError("reserve_slot must return a permit, not None")
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._closing or (task is not None and task.cancelling()):
                raise
            # Something that the supplier waited for was cancelled, not we.
            _log.warning("reserve_slot of a slot supplier failed: it is asked again", exc_info=True)
            return None
        except Exception:
            _log.warning("reserve_slot of a slot supplier failed: it is asked again", exc_info=True)
            return None
        return permit  # type: ignore[no-any-return]  # whatever a supplier gives

    def _come(self, permit: SlotPermit) -> None:
        if self._closing:
            self._release(permit, None)
            return
        self._free.append(permit)
        self._freed()
        # What nobody wants any more goes back.
        self.refill()

    def _release(self, permit: SlotPermit, info: SlotInfo | None) -> None:
        try:
            self._run(self._supplier.release_slot, SlotReleaseContext(info, permit))
        except (Exception, asyncio.CancelledError):
            _log.warning("release_slot of a slot supplier failed", exc_info=True)

    def _run(self, function: Callable[[Any], Any], argument: Any) -> Any:
        """Call a supplier, outside of any activity."""
        return self._surroundings.copy().run(function, argument)


_made: WeakSet[Permits] = WeakSet()
_made_lock = threading.Lock()
"""Of the above: workers may be made on several event loops."""
