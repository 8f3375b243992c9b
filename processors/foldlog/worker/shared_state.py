"""What Temporal's worker wants for activities in a process pool. Here, a worker needs nothing of the kind."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from multiprocessing.managers import SyncManager


class SharedStateManager:
    """Taken as `Worker(shared_state_manager=…)` so that code moves over; nothing is done with it.

    A worker whose `activity_executor` is a process pool starts a manager of its own for heartbeats and cancellation.
    """

    @staticmethod
    def create_from_multiprocessing(
        mgr: SyncManager, queue_poller_executor: ThreadPoolExecutor | None = None
    ) -> SharedStateManager:
        """An object that stands for a manager.

        Args:
            mgr: A multiprocessing manager.
            queue_poller_executor: Would poll its queue.
        """
        return SharedStateManager()
