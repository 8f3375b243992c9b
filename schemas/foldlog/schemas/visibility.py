"""Records of the namespace `foldlog.visibility`.

Written by `python -m foldlog.schemas.generate` from avsc/visibility/*.avsc:
change those, not this.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from foldlog.schemas.common import Payload


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
