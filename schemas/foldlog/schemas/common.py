"""Records of the namespace `foldlog.common`.

Written by `python -m foldlog.schemas.generate` from avsc/common/*.avsc:
change those, not this.
"""

from __future__ import annotations

from typing import Literal

from foldlog.schemas.names import PayloadMessage
from msgspec import Struct, field

ContinueInitiator = Literal[
    "UNSPECIFIED",
    "WORKFLOW",
    "RETRY",
    "CRON",
]
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
VersioningBehavior = Literal[
    "UNSPECIFIED",
    "PINNED",
    "AUTO_UPGRADE",
]


class ActivityOptions(Struct, kw_only=True):
    """Options of an activity that few have. Where all of them are at their defaults, null stands for the
    record.
    """

    summary: Payload | None = None
    """One line for people."""
    priority: Priority | None = None
    """Of its tasks."""
    header: dict[str, Payload] = field(default_factory=dict)
    """What interceptors pass along with the call."""


class Continuation(Struct, kw_only=True):
    """What a run has from the run before it in its chain."""

    run_id: str
    """The run before it."""
    initiator: ContinueInitiator = "UNSPECIFIED"
    """Why there is another run: the workflow continued as new, failed and is retried, or has a cron
    schedule.
    """
    attempt: int = 1
    """The attempt of a retried workflow, from 1."""
    last_result: Payload | None = None
    """CRON: result of the last run that completed."""
    last_failure: Failure | None = None
    """RETRY, CRON: how the run before it failed."""
    first_start_ms: int = 0
    """When the first run of the chain began."""


class Deployment(Struct, kw_only=True):
    """Which versions of a deployment's workflow code new runs begin on. Each partition keeps its own copy;
    all are told the same.
    """

    deployment_name: str
    """The deployment; no dots."""
    revision: int
    """Orders the changes: a partition takes a change only if its revision is higher than the one it has."""
    change_id: str
    """Of two changes with the same revision, the one with the greater ID wins. So all partitions come to
    the same.
    """
    current_build_id: str = ""
    """The build that runs begin on, and that those with AUTO_UPGRADE are on; empty: the own one of
    whichever worker has the partition.
    """
    ramping_build_id: str = ""
    """The build that a share of them is on instead; empty: none."""
    ramping_percentage: float = 0.0
    """How large that share is, of the workflow IDs, in percent."""
    earlier_build_ids: list[str] = field(default_factory=list)
    """Builds that were current or ramping before, the latest last."""
    changed_ms: int = 0
    """When it was changed, by the clock of whoever did."""
    identity: str = ""
    """Who changed it, for people."""


class Failure(Struct, kw_only=True):
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
    namespace: str = ""
    """CHILD_WORKFLOW: its namespace."""
    started_event_id: int = 0
    """CHILD_WORKFLOW: the event that says that it has begun; 0: it has not."""
    encoded_attributes: Payload | None = None
    """Message and stack trace, where the failure converter hides them from the log."""
    cause: Failure | None = None
    """What caused it."""


class Initiator(Struct, kw_only=True):
    """The workflow that asked something of another one, and where it waits for what comes of that."""

    namespace: str
    """Its namespace."""
    workflow_id: str
    """Its ID."""
    run_id: str
    """Its run."""
    initiated_event_id: int
    """The event in its history that asked."""


class ParentExecution(Struct, kw_only=True):
    """The workflow that started this one as its child."""

    namespace: str
    """Its namespace."""
    workflow_id: str
    """Its ID."""
    run_id: str
    """Its run."""
    initiated_event_id: int
    """The StartChildWorkflowExecutionInitiated event in its history."""
    root_workflow_id: str = ""
    """The topmost workflow above it; empty: it is itself the topmost."""
    root_run_id: str = ""
    """The run of that."""
    first_execution_run_id: str = ""
    """The first run of the parent's chain."""


class Payload(PayloadMessage, kw_only=True):
    """One value, converted to bytes by the data converter at the edge. The engine never looks inside."""

    encoding: str
    """How data is encoded: json/plain, json/pydantic, binary/plain, binary/null, or what a codec made of
    it.
    """
    data: bytes = b""
    """The encoded value."""
    metadata: dict[str, bytes] = field(default_factory=dict)
    """What the converter or codec needs besides, such as a key ID."""


class Priority(Struct, kw_only=True):
    """Which of several waiting tasks comes first. Meanings follow Temporal's Priority."""

    priority_key: int = 0
    """1 is the most urgent, 5 the least; 0: not given, which counts as 3."""
    fairness_key: str = ""
    """Tasks with different keys take turns; empty: none."""
    fairness_weight: float = 0.0
    """A key with twice the weight gets twice the turns; 0 counts as 1."""


class ReplyTo(Struct, kw_only=True):
    """The address of an asker: a partition of <ns>.replies and who reads there."""

    client_id: str
    """The asker; also the key of the reply record."""
    partition: int
    """The partition of <ns>.replies that the asker reads."""
    correlation_id: int
    """The asker's number for this question; comes back in the reply."""


class RetryPolicy(Struct, kw_only=True):
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


class WorkflowOptions(Struct, kw_only=True):
    """Options of a workflow that few starts have. Where all of them are at their defaults, null stands for
    the record.
    """

    retry_policy: RetryPolicy | None = None
    """When and how often a failed run is followed by another; null: never."""
    cron_schedule: str = ""
    """Runs follow each other at these times; empty: none."""
    search_attributes: dict[str, Payload] = field(default_factory=dict)
    """Typed fields by which workflows are found; each payload's metadata names the type."""
    summary: Payload | None = None
    """One line for people; fixed at the start."""
    details: Payload | None = None
    """Several lines for people; fixed at the start."""
    priority: Priority | None = None
    """For its tasks, unless they say otherwise."""
    versioning_behavior: VersioningBehavior = "UNSPECIFIED"
    """PINNED: runs on deployment_version to its end. AUTO_UPGRADE: moves to whichever is current.
    UNSPECIFIED: as its definition says.
    """
    deployment_version: str = ""
    """The version of the code that the run is pinned to, as <deployment>.<build ID>; empty: none."""
    version_given: bool = False
    """Versioning was decided before the start: by whoever asked for it, or by the run before or the
    parent. Retries and scheduled runs keep it then; otherwise it is decided anew for each.
    """
    version_overridden: bool = False
    """Whoever started or changed the workflow has decided its versioning: going on as new does not change
    it.
    """
    declined_revision: int = 0
    """The deployment's revision when the run before went on as new without moving to the version that new
    runs begin on; 0: none has.
    """
    header: dict[str, Payload] = field(default_factory=dict)
    """What interceptors pass along with the call."""
    last_result: Payload | None = None
    """What the last workflow of the same schedule that completed returned; null: none has."""
    last_failure: Failure | None = None
    """How the one before it in the schedule failed; null: it did not."""
