"""The seam between a workflow processor and the activities of its own process: eager tasks and local activities.

Owns the protocol only. The worker implements it, the processor calls it. All methods are called from the processor's
thread and return at once, save `poll_local`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from foldlog.core.engine import LocalResult
from foldlog.core.outcome import LocalCall
from foldlog.schemas.records import Command
from foldlog.schemas.reply import ActivityCancelRequested
from foldlog.schemas.task import ActivityTask

__all__ = ["ActivityHost", "LocalCall", "LocalResult", "missing_activity"]


def missing_activity(name: str, known: Sequence[str] = ()) -> str:
    """What to say of an activity that a worker does not have."""
    have = f"available activities: {', '.join(known)}" if known else "no available activities"
    return f"Activity function {name} is not registered on this worker, {have}"


class ActivityHost(Protocol):
    """Runs activities for a processor of the same process."""

    def reserve(self, task_queue: str, activity_type: str, version: str) -> bool:
        """Take one free slot for an eager task; false if there is none, or the activity is not registered.

        Args:
            task_queue: Where its tasks go otherwise.
            activity_type: Its name.
            version: The version that its run is pinned to, and whose activity it is; empty: none.
        """

    def cannot_run_local(self, activity_type: str, version: str) -> str:
        """Why a local activity of this name and version cannot run here; empty: it can. From any thread."""

    def release(self, task_queue: str) -> None:
        """Give back a slot that was reserved and not used."""

    def run_eager(self, workflow_id: str, task: ActivityTask, send: Callable[[str, Command], None]) -> None:
        """Run a task on a reserved slot.

        Args:
            workflow_id: The workflow of the task.
            task: The task, whose scheduling has been committed.
            send: Takes what a worker would write to the commands topic (start, heartbeats, end), from any thread.
        """

    def run_local(self, call: LocalCall, done: Callable[[LocalResult], None]) -> None:
        """Run a local activity, with its retries and timeouts, and hand over how it ended, from any thread."""

    def poll_local(self, timeout_seconds: float) -> None:
        """Wait until the local activities begun since the last call have ended, or until the time is over.

        One that waits for its next attempt, or that was still running when the time of an earlier call was over, is not
        waited for: its end comes to `done` later. Call it after each batch of `run_local`.
        """

    async def local_paused(self, timeout_seconds: float) -> None:
        """As `poll_local`, for a processor on the event loop that runs the activities."""

    def cancel_local(self, run_id: str, activity_id: str) -> None:
        """Cancel a local activity; its result is not wanted any more."""

    def stop_local(self, run_id: str, activity_id: str) -> None:
        """Cancel a local activity whose end is waited for."""

    def cancel(self, notice: ActivityCancelRequested) -> None:
        """Ask a running eager activity to stop."""
