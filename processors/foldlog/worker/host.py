"""Activities for a workflow processor of the same process: eager tasks and local activities.

The processor calls from its own thread, the activities run on the worker's event loop: user code has one event loop,
whatever way a task came, so connection pools, locks and clients that it shares between activities are safe. What is
handed over is queued, and the loop is woken once for all that is queued when it gets there.

A hop there and back costs some 0.1 ms when the loop is idle, and is shared by all that a batch hands over.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Protocol

from foldlog.core.engine import LocalResult
from foldlog.core.outcome import LocalCall
from foldlog.processors.host import ActivityHost
from foldlog.schemas.records import Command
from foldlog.schemas.reply import ActivityCancelRequested
from foldlog.schemas.task import ActivityTask
from foldlog.worker.local import CallKey, Done, LocalActivities

_log = logging.getLogger(__name__)

Send = Callable[[str, Command], None]


class Handover:
    """Takes calls from other threads to an event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._thread = threading.get_ident()
        self._calls: deque[tuple[Callable[..., Any], tuple[Any, ...]]] = deque()
        self._scheduled = False

    def call(self, function: Callable[..., Any], *args: Any) -> None:
        """Have the loop call something soon, after all that was handed over before; at once, if this is its thread.
        Any thread."""
        self._calls.append((function, args))
        if threading.get_ident() == self._thread:
            self._run()
        elif not self._scheduled:
            self._scheduled = True
            try:
                self._loop.call_soon_threadsafe(self._run)
            except RuntimeError:
                # The loop has ended, and with it everything that could be called.
                self._calls.clear()

    def _run(self) -> None:
        # First: whatever is queued from here on either is seen below or schedules another run.
        self._scheduled = False
        while self._calls:
            function, args = self._calls.popleft()
            try:
                function(*args)
            except Exception:
                _log.exception("%s failed on the worker's event loop", function)


class EagerTasks(Protocol):
    """Who runs eager tasks. The first three come from any thread, the others on the event loop."""

    def cannot_run(self, activity_type: str, version: str) -> str:
        """Why an activity of this name and version cannot run here; empty: it can."""

    def reserve(self, task_queue: str, activity_type: str, version: str) -> bool:
        """Take a slot, if there is one."""

    def release(self, task_queue: str) -> None:
        """Give a slot back."""

    def run_eager(self, workflow_id: str, task: ActivityTask, send: Send) -> None:
        """Run a task on a slot that was taken."""

    def cancel(self, notice: ActivityCancelRequested) -> None:
        """Ask an attempt to stop."""


class _Lent(NamedTuple):
    """A local call that a colleague runs."""

    colleague: WorkerHost | None
    """None: nobody can, until a worker comes that has the activity."""
    call: LocalCall
    done: Done


class WorkerHost(ActivityHost):
    """The activities of one worker, for a processor in another thread."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        eager: EagerTasks,
        has: Callable[[str, str], bool] = lambda name, version: True,
    ) -> None:
        """Make a host.

        Args:
            loop: The worker's event loop.
            eager: Who runs eager tasks.
            has: Whether it has an activity of a name and a version.
        """
        self.has = has
        self.colleague: Callable[[str, str, object], WorkerHost | None] | None = None
        """Who in this process runs a local activity of a name: see `foldlog.worker.team.Team.host_of`."""
        self.gone = False
        """Whether it has left its colleagues."""
        self._lending = threading.Lock()
        self._elsewhere: dict[CallKey, _Lent] = {}
        """Local calls that colleagues run."""
        self._handover = Handover(loop)
        self._eager = eager
        self._local: LocalActivities | None = None
        self._awaited: set[CallKey] = set()
        """Local calls begun since the last `poll_local` that have neither ended nor failed once."""
        self._idle = threading.Event()
        self._pause: asyncio.Future[None] | None = None
        """Who waits on the event loop for `_awaited` to become empty."""

    def attach(self, local: LocalActivities) -> None:
        """Say who runs local activities; before the processor begins."""
        self._local = local

    def paused(self, key: CallKey) -> None:
        """A local call has ended, or waits for its next attempt. On the event loop."""
        self._awaited.discard(key)
        if not self._awaited:
            self._idle.set()
            self._end_pause()

    def _end_pause(self) -> None:
        if self._pause is not None and not self._pause.done():
            self._pause.set_result(None)

    async def local_paused(self, timeout_seconds: float) -> None:
        """As `poll_local`, for a processor on the worker's own event loop."""
        if not self._awaited:
            return
        loop = asyncio.get_running_loop()
        self._pause = loop.create_future()
        timer = loop.call_later(timeout_seconds, self._end_pause)
        try:
            await self._pause
        finally:
            timer.cancel()
            self._pause = None
        # See `poll_local`.
        self._awaited.clear()

    # ActivityHost, on the processor's thread

    def reserve(self, task_queue: str, activity_type: str, version: str) -> bool:
        return self._eager.reserve(task_queue, activity_type, version)

    def cannot_run_local(self, activity_type: str, version: str) -> str:
        if self.colleague is not None and self.colleague(activity_type, version, None) is not None:
            return ""
        return self._eager.cannot_run(activity_type, version)

    def release(self, task_queue: str) -> None:
        self._eager.release(task_queue)

    def run_eager(self, workflow_id: str, task: ActivityTask, send: Send) -> None:
        self._handover.call(self._eager.run_eager, workflow_id, task, send)

    def cancel(self, notice: ActivityCancelRequested) -> None:
        self._handover.call(self._eager.cancel, notice)

    def run_local(self, call: LocalCall, done: Done) -> None:
        if self._local is None:
            raise RuntimeError("this worker runs no local activities")
        if self.colleague is not None:
            colleague = self.colleague(call.decision.activity_type, call.deployment_version, call.decision.origin)
            if colleague is not self:
                self._run_elsewhere(call, done, colleague)
                return
        self._awaited.add((call.run_id, call.decision.activity_id))
        self._handover.call(self._local.begin, call, done)

    def _run_elsewhere(self, call: LocalCall, done: Done, colleague: WorkerHost | None) -> None:
        """For a workflow of a colleague's. It is not waited for: its end comes with a later transaction."""
        key = (call.run_id, call.decision.activity_id)
        lent = _Lent(colleague, call, done)
        with self._lending:
            self._elsewhere[key] = lent
        if colleague is None:
            _log.warning(
                "local activity %r waits for a worker of this process that has it", call.decision.activity_type
            )
            return
        colleague.begin(call, partial(self._ended_elsewhere, key, lent))
        if colleague.gone:  # perhaps before it could be seen that it has this one
            self.take_back(colleague)

    def _ended_elsewhere(self, key: CallKey, lent: _Lent, result: LocalResult) -> None:
        with self._lending:
            if self._elsewhere.get(key) is not lent:
                return
            del self._elsewhere[key]
        lent.done(result)

    def begin(self, call: LocalCall, done: Done) -> None:
        """Run a local activity that no processor is to wait for. Any thread."""
        assert self._local is not None  # it is attached when the worker is made
        self._handover.call(self._local.begin, call, done)

    def take_back(self, colleague: WorkerHost | None) -> None:
        """A colleague leaves: what it runs for us begins anew, with somebody else. Any thread.

        Args:
            colleague: Who leaves; None: one has come, so try what nobody could run.
        """
        with self._lending:
            found = {key: lent for key, lent in self._elsewhere.items() if lent.colleague is colleague}
            for key in found:
                del self._elsewhere[key]
        for key, lent in found.items():
            if colleague is not None:
                colleague.cancel_local(*key)
            decision, version = lent.call.decision, lent.call.deployment_version
            another = self.colleague(decision.activity_type, version, decision.origin) if self.colleague else None
            if another is self:
                self.begin(lent.call, lent.done)
            else:
                self._run_elsewhere(lent.call, lent.done, another)

    def poll_local(self, timeout_seconds: float) -> None:
        if self._awaited:
            self._idle.clear()
            if self._awaited and not self._idle.wait(timeout_seconds):
                # Whoever is that slow is not waited for again: its end comes with a later transaction.
                self._awaited.clear()

    def cancel_local(self, run_id: str, activity_id: str) -> None:
        with self._lending:
            lent = self._elsewhere.pop((run_id, activity_id), None)
        if lent is None:
            if self._local is not None:
                self._handover.call(self._local.cancel, (run_id, activity_id))
        elif lent.colleague is not None:
            lent.colleague.cancel_local(run_id, activity_id)

    def stop_local(self, run_id: str, activity_id: str) -> None:
        lent = self._elsewhere.get((run_id, activity_id))
        if lent is None:
            if self._local is not None:
                self._handover.call(self._local.stop, (run_id, activity_id))
        elif lent.colleague is not None:
            lent.colleague.stop_local(run_id, activity_id)
