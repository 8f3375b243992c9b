"""What a start does where the workflow ID is in use: Temporal's reuse and conflict policies."""

from __future__ import annotations

from enum import Enum

from foldlog.core.state import Run
from foldlog.schemas.command import StartWorkflow


class StartPolicy(Enum):
    """What a start comes to."""

    START = "start a new run"
    REJECT = "refuse"
    USE_EXISTING = "answer with the run that is there"
    TERMINATE_EXISTING = "terminate the open run, then start a new one"


def start_policy(existing: Run, wanted: StartWorkflow) -> StartPolicy:
    """What `wanted` does, given the current run of its workflow ID."""
    if not existing.is_open:
        reuse = wanted.id_reuse_policy
        if reuse == "REJECT_DUPLICATE":
            return StartPolicy.REJECT
        if reuse == "ALLOW_DUPLICATE_FAILED_ONLY" and existing.status == "COMPLETED":
            return StartPolicy.REJECT
        return StartPolicy.START
    if wanted.id_conflict_policy == "USE_EXISTING":
        return StartPolicy.USE_EXISTING
    if wanted.id_conflict_policy == "TERMINATE_EXISTING" or wanted.id_reuse_policy == "TERMINATE_IF_RUNNING":
        return StartPolicy.TERMINATE_EXISTING
    if wanted.signal is not None and wanted.id_conflict_policy == "UNSPECIFIED":
        return StartPolicy.USE_EXISTING
    return StartPolicy.REJECT
