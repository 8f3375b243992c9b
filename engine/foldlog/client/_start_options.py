"""Options of starting a workflow, wherever one is started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, TypedDict

from foldlog.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy


class RunOptions(TypedDict, total=False):
    """What can be said of the workflow itself, all of it optional."""

    execution_timeout: timedelta | None
    """Limit on the whole chain of runs; at least 1 ms."""
    run_timeout: timedelta | None
    """Limit on one run; at least 1 ms."""
    id_reuse_policy: WorkflowIDReusePolicy
    """What happens if a closed workflow has this ID; ALLOW_DUPLICATE if not given."""
    memo: Mapping[str, Any] | None
    """Notes that are shown with the workflow and do nothing."""


class StartOptions(RunOptions, total=False):
    """Options of starting a workflow, all of them optional."""

    id_conflict_policy: WorkflowIDConflictPolicy
    """What happens if an open workflow has this ID; FAIL if not given, USE_EXISTING with `start_signal`."""
    start_signal: str | None
    """Name of a signal for the workflow, handled before its run method begins; where the policies let an open workflow
    with this ID be, that one gets it."""
    start_signal_args: Sequence[Any]
    """Arguments of that signal."""
    request_id: str | None
    """A repeated start with the same one starts nothing and gives the same answer, for a day. A new one if not given:
    give it where a program that crashed would repeat the start."""
    rpc_timeout: timedelta | None
    """How long to wait for the answer."""
