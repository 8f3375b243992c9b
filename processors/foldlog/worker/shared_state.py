"""What Temporal's worker wants for activities in a process pool: a manager, as a worker would make one of its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # few have a pool of processes, and all would import it
    from multiprocessing.managers import SyncManager


class SharedStateManager:
    """A multiprocessing manager for heartbeats and cancellation: `Worker(shared_state_manager=…)`.

    A worker whose `activity_executor` is a process pool makes one itself if it is given none.

    Attributes:
        manager: The manager. Whoever made it ends it, after the worker.
    """

    def __init__(self, manager: SyncManager) -> None:
        """See `create_from_multiprocessing`."""
        self.manager = manager

    @staticmethod
    def create_from_multiprocessing(
        mgr: SyncManager, queue_poller_executor: ThreadPoolExecutor | None = None
    ) -> SharedStateManager:
        """One that uses a manager.

        Args:
            mgr: A multiprocessing manager.
            queue_poller_executor: Has no meaning: the worker has a thread of its own for the queue.
        """
        return SharedStateManager(mgr)
