"""Records of the namespace `foldlog.visibility`.

Written by `python -m foldlog.schemas.generate` from avsc/visibility/*.avsc:
change those, not this.
"""

from __future__ import annotations

from foldlog.schemas.common import Payload
from msgspec import Struct, field


class WorkflowVisibility(Struct, kw_only=True):
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
    partition: int
    """Partition of <ns>.commands and <ns>.events."""
    history_size: int = 0
    """Bytes of its events when the row was written."""
    memo: dict[str, Payload] = field(default_factory=dict)
    """Notes."""
    search_attributes: dict[str, Payload] = field(default_factory=dict)
    """Typed fields by which workflows are found; each payload's metadata names the type."""
    summary: Payload | None = None
    """One line for people."""
    stalled_error: str = ""
    """Why it is stalled; empty: it is not."""
    execution_start_ms: int = 0
    """When the chain of runs began; 0: with this run."""
    first_task_ms: int = 0
    """The code did not run before then; 0: it ran at once."""
    parent_namespace: str = ""
    """Namespace of its parent; empty: it has none."""
    parent_workflow_id: str = ""
    """Its parent."""
    parent_run_id: str = ""
    """The parent's run."""
    root_workflow_id: str = ""
    """The topmost workflow above it; empty: itself."""
    root_run_id: str = ""
    """The run of that."""
    deployment_version: str = ""
    """The version of the code that it is pinned to, as <deployment>.<build ID>; empty: none."""
    versioning_behavior: str = ""
    """PINNED to that version, or AUTO_UPGRADE: moves to whichever is current; empty: neither."""
