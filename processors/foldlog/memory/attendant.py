"""Stands in for workers with workflows while a namespace has none: starts and signals are taken, no code runs.

Tests written for Temporal start workflows before there is any worker. Here it takes a processor to begin a workflow,
so there is one without code: what it begins is stalled until a worker comes, which takes its partitions over. Only
schedules need no worker's code, and go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from foldlog.core.decider import Decider, WorkflowTaskError
from foldlog.memory.processor import MemoryProcessor
from foldlog.processors.options import ProcessorOptions
from foldlog.runtime import WorkflowRuntime
from foldlog.schedules.model import INTERNAL
from foldlog.schemas import command
from foldlog.schemas.event import WorkflowExecutionStarted
from foldlog.sensor import Sensor

if TYPE_CHECKING:  # it imports this
    from foldlog.memory.broker import MemoryBroker, MemoryNamespace

_NEED_CODE = (command.QueryWorkflow, command.UpdateWorkflow)
FOR_EVER_SECONDS = 1_000 * 365 * 86_400.0
"""Skipped time must not make an environment forget."""


class NoCode:
    """Implements `DeciderFactory` for foldlog's own workflows, those of schedules, and for no other one."""

    without_code = True
    """The engine holds what it starts back, so that whatever comes before there is code comes before the code runs."""

    def __init__(self, namespace: str) -> None:
        self._own = WorkflowRuntime((), namespace=namespace)

    def create(self, workflow_id: str, started: WorkflowExecutionStarted) -> Decider:
        """See `DeciderFactory.create`."""
        if started.workflow_type.startswith(INTERNAL):
            return self._own.create(workflow_id, started)
        raise WorkflowTaskError("no worker with workflows runs in this environment")


def attend(broker: MemoryBroker, namespace: MemoryNamespace, wanted: Any) -> None:
    """Let a command be taken although there is no worker, unless it needs the workflow's code: then it waits."""
    if namespace.members or namespace.attendant is not None or isinstance(wanted, _NEED_CODE):
        return
    options = ProcessorOptions(
        namespace=namespace.topics.namespace,
        identity="environment",
        request_retention_seconds=FOR_EVER_SECONDS,
        closed_retention_seconds=FOR_EVER_SECONDS,
    )
    code = NoCode(options.namespace)
    namespace.attendant = MemoryProcessor(broker, namespace, options, code, broker.codec, None, Sensor())
    namespace.attendant.start(broker.failed)
