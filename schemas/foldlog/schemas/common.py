"""Records of the namespace `foldlog.common`.

Written by `python -m foldlog.schemas.generate` from avsc/common/*.avsc:
change those, not this.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

FailureCategory = Literal[
    "UNSPECIFIED",
    "BENIGN",
]
FailureKind = Literal[
    "APPLICATION",
    "TIMEOUT",
    "CANCELED",
    "TERMINATED",
    "ACTIVITY",
    "CHILD_WORKFLOW",
    "SERVER",
]
RetryState = Literal[
    "UNSPECIFIED",
    "IN_PROGRESS",
    "NON_RETRYABLE_FAILURE",
    "TIMEOUT",
    "MAXIMUM_ATTEMPTS_REACHED",
    "RETRY_POLICY_NOT_SET",
    "INTERNAL_SERVER_ERROR",
    "CANCEL_REQUESTED",
]
TimeoutType = Literal[
    "UNSPECIFIED",
    "START_TO_CLOSE",
    "SCHEDULE_TO_START",
    "SCHEDULE_TO_CLOSE",
    "HEARTBEAT",
]


@dataclass(slots=True, kw_only=True)
class Failure:
    """What went wrong, as data: an exception in any language, with its causes."""

    kind: FailureKind = "APPLICATION"
    """Which family of failure this is; decides which of the fields below count."""
    message: str = ""
    """For people."""
    stack_trace: str = ""
    """Stack of the code that raised, in its own language's format."""
    type: str = ""
    """APPLICATION: the error type that retry policies name."""
    non_retryable: bool = False
    """APPLICATION: never retry."""
    next_retry_delay_ms: int = 0
    """APPLICATION: wait this long before the next attempt instead of what the policy says; 0: as the
    policy says.
    """
    category: FailureCategory = "UNSPECIFIED"
    """APPLICATION: BENIGN errors are expected and are not logged or counted as errors."""
    details: list[Payload] = field(default_factory=list)
    """APPLICATION, CANCELED: the error's details. TIMEOUT: the last heartbeat's details."""
    timeout_type: TimeoutType = "UNSPECIFIED"
    """TIMEOUT: which one passed."""
    activity_id: str = ""
    """ACTIVITY: the activity that failed."""
    activity_type: str = ""
    """ACTIVITY: its type."""
    scheduled_event_id: int = 0
    """ACTIVITY: the event that scheduled it; CHILD_WORKFLOW: the event that initiated it."""
    identity: str = ""
    """ACTIVITY: the worker that ran the last attempt."""
    retry_state: RetryState = "UNSPECIFIED"
    """ACTIVITY, CHILD_WORKFLOW: why there was no further attempt."""
    workflow_id: str = ""
    """CHILD_WORKFLOW: the child."""
    run_id: str = ""
    """CHILD_WORKFLOW: its run."""
    workflow_type: str = ""
    """CHILD_WORKFLOW: its type."""
    encoded_attributes: Payload | None = None
    """Message and stack trace, where the failure converter hides them from the log."""
    cause: Failure | None = None
    """What caused it."""


@dataclass(slots=True, kw_only=True)
class Payload:
    """One value, converted to bytes by the data converter at the edge. The engine never looks inside."""

    encoding: str
    """How data is encoded: json/plain, json/pydantic, binary/plain, binary/null, or what a codec made of
    it.
    """
    data: bytes = b""
    """The encoded value."""
    metadata: dict[str, bytes] = field(default_factory=dict)
    """What the converter or codec needs besides, such as a key ID."""


@dataclass(slots=True, kw_only=True)
class ReplyTo:
    """The address of an asker: a partition of <ns>.replies and who reads there."""

    client_id: str
    """The asker; also the key of the reply record."""
    partition: int
    """The partition of <ns>.replies that the asker reads."""
    correlation_id: int
    """The asker's number for this question; comes back in the reply."""


@dataclass(slots=True, kw_only=True)
class RetryPolicy:
    """When and how often a failed attempt is repeated. Meanings follow Temporal's RetryPolicy."""

    initial_interval_ms: int = 1000
    """Wait before the second attempt, in milliseconds."""
    backoff_coefficient: float = 2.0
    """Each further wait is the one before times this."""
    maximum_interval_ms: int = 0
    """No wait is longer, in milliseconds; 0 means 100 times the initial interval."""
    maximum_attempts: int = 0
    """Attempts in all; 0 means no limit."""
    non_retryable_error_types: list[str] = field(default_factory=list)
    """Application error types that end the retries at once."""
