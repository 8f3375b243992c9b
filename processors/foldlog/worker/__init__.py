"""Workers: run workflows and activities. Names and meanings follow Temporal's `temporalio.worker`.

`Replayer` runs workflow code on recorded histories, to see whether it still decides what it decided then.
"""

from foldlog.worker.options import WorkerDeploymentConfig
from foldlog.worker.replayer import Replayer, WorkflowReplayError, WorkflowReplayResult, WorkflowReplayResults
from foldlog.worker.shared_state import SharedStateManager
from foldlog.worker.worker import Worker

__all__ = [
    "Replayer",
    "SharedStateManager",
    "Worker",
    "WorkerDeploymentConfig",
    "WorkflowReplayError",
    "WorkflowReplayResult",
    "WorkflowReplayResults",
]
