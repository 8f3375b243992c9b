"""Records of the namespace `foldlog.visibility`.

Written by `python -m foldlog.schemas.generate` from avsc/visibility/*.avsc:
change those, not this.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from foldlog.schemas.codecs import Codecs
from foldlog.schemas.common import Payload, payload_from_avro, payload_to_avro


@dataclass(slots=True, kw_only=True)
class WorkflowVisibility:
    """The newest state of a run for lists. Key: workflow ID, a slash, run ID. The topic is compacted."""

    workflow_id: str
    """The workflow."""
    run_id: str
    """The run."""
    workflow_type: str
    """Its type."""
    task_queue: str
    """Its task queue."""
    status: str
    """RUNNING, COMPLETED, FAILED, CANCELED, TERMINATED, TIMED_OUT or CONTINUED_AS_NEW."""
    start_ms: int
    """When it began."""
    close_ms: int = 0
    """When it closed; 0: open."""
    history_length: int
    """Events when the row was written."""
    memo: dict[str, Payload] = field(default_factory=dict)
    """Notes."""
    stalled_error: str = ""
    """Why it is stalled; empty: it is not."""
    partition: int
    """Partition of <ns>.commands and <ns>.events."""


def workflow_visibility_to_avro(record: WorkflowVisibility) -> dict[str, Any]:
    return {
        "workflow_id": record.workflow_id,
        "run_id": record.run_id,
        "workflow_type": record.workflow_type,
        "task_queue": record.task_queue,
        "status": record.status,
        "start_ms": record.start_ms,
        "close_ms": record.close_ms,
        "history_length": record.history_length,
        "memo": {key: payload_to_avro(item) for key, item in record.memo.items()},
        "stalled_error": record.stalled_error,
        "partition": record.partition,
    }


def workflow_visibility_from_avro(values: dict[str, Any]) -> WorkflowVisibility:
    values["memo"] = {key: payload_from_avro(item) for key, item in values["memo"].items()}
    return WorkflowVisibility(**values)


CODECS: Codecs = {
    WorkflowVisibility: (
        "foldlog.visibility.WorkflowVisibility",
        workflow_visibility_to_avro,
        workflow_visibility_from_avro,
    ),
}
"""Record class to Avro name, to dict, from dict."""
