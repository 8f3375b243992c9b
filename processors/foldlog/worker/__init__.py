"""Workers: run workflows and activities. Names and meanings follow Temporal's `temporalio.worker`."""

from foldlog.worker.shared_state import SharedStateManager
from foldlog.worker.worker import Worker

__all__ = ["SharedStateManager", "Worker"]
