"""Settings of a workflow processor, checked when they are made."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from pathlib import Path

from foldlog.core.limits import HistoryLimits
from foldlog.exceptions import FoldlogError


class ProcessorOptionError(FoldlogError):
    """An option of the processor has a value that cannot work; the message names it."""


@dataclass(frozen=True, kw_only=True)
class ProcessorOptions:
    """Settings of one workflow processor."""

    namespace: str
    """Prefix of its topics, and name of its consumer group."""
    state_dir: Path = Path(".foldlog/state")
    """Where its stores are; a folder that outlives the process saves reading the events again."""
    instance_id: str = ""
    """Stable name of this processor where the deployment has one, such as a StatefulSet's pod name: a restart then gets
    its partitions back at once. Empty: a new name at each start."""
    build_id: str = ""
    """Version of the workflow code; noted in the log."""
    max_cached_workflows: int = 10_000
    """Workflows whose coroutine is kept in memory; any other is rebuilt from its history when it is needed.
    0: none, which shows in tests whether the code can be replayed."""
    max_cached_history_bytes: int = 256 * 1024 * 1024
    """Bound on the histories of those workflows together, in bytes: what they hold in memory grows with it."""
    history_limits: HistoryLimits = field(default_factory=HistoryLimits)
    """What the history of one run may come to; then it is terminated."""
    store_memory_bytes: int = 256 * 1024 * 1024
    """Bound on what the stores of all partitions keep in memory together, in bytes."""
    max_batch_commands: int = 1_000
    """Commands handled in one transaction, at most."""
    session_timeout_seconds: float = 8.0
    """A processor that is silent for so long loses its partitions."""
    transaction_timeout_seconds: float = 10.0
    """A transaction that is open for so long is aborted by the broker."""
    request_retention_seconds: float = 24 * 3600.0
    """How long a request ID is remembered."""
    closed_retention_seconds: float = 7 * 24 * 3600.0
    """How long a closed run can be described, queried and awaited; its events stay in the topic."""
    local_activity_wait_seconds: float = 0.2
    """How long a transaction waits for the local activities that it began; a longer one ends in a later one."""
    identity: str = field(default_factory=lambda: f"{socket.gethostname()}")
    """Who this is, for people."""

    def __post_init__(self) -> None:
        if self.max_cached_workflows < 0:
            raise ProcessorOptionError(f"option max_cached_workflows must not be negative: {self.max_cached_workflows}")
        for name in (
            "max_cached_history_bytes",
            "store_memory_bytes",
            "max_batch_commands",
            "session_timeout_seconds",
            "transaction_timeout_seconds",
            "request_retention_seconds",
            "closed_retention_seconds",
        ):
            if getattr(self, name) <= 0:
                raise ProcessorOptionError(f"option {name} must be more than 0, and is {getattr(self, name)!r}")
        if not self.namespace:
            raise ProcessorOptionError("option namespace must not be empty")
