"""Workers: run workflows and activities. Names and meanings follow Temporal's `temporalio.worker`."""

from foldlog.worker.worker import Worker

__all__ = ["Worker"]
