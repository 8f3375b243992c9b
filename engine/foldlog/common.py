"""What clients, workflows and activities share: retry policy, priority, policies for workflow IDs, attributes.

Names and meanings follow Temporal's `temporalio.common`. When a retry comes, and whether, is decided in
`foldlog.core.retry`, on the record that `RetryPolicy.to_record` makes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import ClassVar, get_type_hints

from foldlog._durations import LONGEST
from foldlog._metrics import (
    MetricAttributes,
    MetricCommon,
    MetricCounter,
    MetricGauge,
    MetricGaugeFloat,
    MetricHistogram,
    MetricHistogramFloat,
    MetricHistogramTimedelta,
    MetricMeter,
)
from foldlog._option_types import check_option
from foldlog._search_attributes import (
    SearchAttributeIndexedValueType,
    SearchAttributeKey,
    SearchAttributePair,
    SearchAttributes,
    SearchAttributeUpdate,
    SearchAttributeValue,
    SearchAttributeValues,
    TypedSearchAttributes,
)
from foldlog._versioning import (
    AutoUpgradeVersioningOverride,
    OneTimeVersioningOverride,
    PinnedVersioningOverride,
    VersioningBehavior,
    VersioningOverride,
    WorkerDeploymentVersion,
)
from foldlog.exceptions import ConfigurationError
from foldlog.schemas import common as records

__all__ = [
    "ActivityIDConflictPolicy",
    "ActivityIDReusePolicy",
    "AutoUpgradeVersioningOverride",
    "HeaderCodecBehavior",
    "MetricAttributes",
    "MetricCommon",
    "MetricCounter",
    "MetricGauge",
    "MetricGaugeFloat",
    "MetricHistogram",
    "MetricHistogramFloat",
    "MetricHistogramTimedelta",
    "MetricMeter",
    "OneTimeVersioningOverride",
    "PinnedVersioningOverride",
    "Priority",
    "QueryRejectCondition",
    "RawValue",
    "RetryPolicy",
    "SearchAttributeIndexedValueType",
    "SearchAttributeKey",
    "SearchAttributePair",
    "SearchAttributeUpdate",
    "SearchAttributeValue",
    "SearchAttributeValues",
    "SearchAttributes",
    "TypedSearchAttributes",
    "VersioningBehavior",
    "VersioningOverride",
    "WorkerDeploymentVersion",
    "WorkflowIDConflictPolicy",
    "WorkflowIDReusePolicy",
]

_MILLISECOND = timedelta(milliseconds=1)


@dataclass
class RetryPolicy:
    """When and how often a failed attempt is repeated.

    Raises:
        ConfigurationError: A value cannot work; the message names the field. Values that are set later are checked
            when the policy is used.
    """

    initial_interval: timedelta = timedelta(seconds=1)
    """Wait before the second attempt."""
    backoff_coefficient: float = 2.0
    """Each further wait is the one before times this; at least 1."""
    maximum_interval: timedelta | None = None
    """No wait is longer; None: 100 times the initial interval."""
    maximum_attempts: int = 0
    """Attempts in all, the first included; 0: no limit."""
    non_retryable_error_types: Sequence[str] | None = None
    """Types of `ApplicationError` that end the retries at once; for other exceptions, the name of the class."""

    def __post_init__(self) -> None:
        self._check()

    def _check(self) -> None:
        try:
            self._check_values()
        except TypeError:
            # Looked for only then: policies are checked for each activity.
            for name, hint in get_type_hints(RetryPolicy).items():
                _check_type("RetryPolicy", name, getattr(self, name), hint)
            raise

    def _check_values(self) -> None:
        if self.initial_interval < _MILLISECOND:
            raise _bad("initial_interval", f"must be at least 1 ms, not {self.initial_interval}")
        if not (math.isfinite(self.backoff_coefficient) and self.backoff_coefficient >= 1):
            raise _bad("backoff_coefficient", f"must be a number of at least 1, not {self.backoff_coefficient}")
        if self.maximum_interval is not None and self.maximum_interval < self.initial_interval:
            raise _bad("maximum_interval", f"must not be less than initial_interval ({self.initial_interval})")
        if self.maximum_attempts < 0:
            raise _bad("maximum_attempts", f"must not be negative: {self.maximum_attempts} (0 means no limit)")
        if isinstance(self.non_retryable_error_types, str):
            raise _bad("non_retryable_error_types", "must be a list of names, not a single string")

    def to_record(self) -> records.RetryPolicy:
        """As it is written to the log; intervals in whole milliseconds."""
        self._check()
        longest = self.maximum_interval
        return records.RetryPolicy(
            initial_interval_ms=min(self.initial_interval, LONGEST) // _MILLISECOND,
            backoff_coefficient=self.backoff_coefficient,
            maximum_interval_ms=0 if longest is None else min(longest, LONGEST) // _MILLISECOND,
            maximum_attempts=self.maximum_attempts,
            non_retryable_error_types=list(self.non_retryable_error_types or ()),
        )

    @classmethod
    def from_record(cls, record: records.RetryPolicy) -> RetryPolicy:
        """As it was read from the log.

        Raises:
            ConfigurationError: Whoever wrote the record put in a value that cannot work.
        """
        return cls(
            initial_interval=timedelta(milliseconds=record.initial_interval_ms),
            backoff_coefficient=record.backoff_coefficient,
            maximum_interval=timedelta(milliseconds=record.maximum_interval_ms) if record.maximum_interval_ms else None,
            maximum_attempts=record.maximum_attempts,
            non_retryable_error_types=record.non_retryable_error_types or None,
        )


def _bad(field: str, what: str, of: str = "RetryPolicy") -> ConfigurationError:
    return ConfigurationError(f"{of}.{field} {what}", option=field)


def _check_type(of: str, field: str, value: object, hint: object) -> None:
    try:
        check_option(f"{of}.{field}", value, hint)
    except ConfigurationError as error:
        error.option = field
        raise


@dataclass(frozen=True)
class Priority:
    """Which of several waiting tasks comes first. What activities and children do not say, their workflow says.

    Raises:
        ConfigurationError: A value cannot work; the message names the field.
    """

    priority_key: int | None = None
    """From 1, the most urgent, to 5; None: 3."""
    fairness_key: str | None = None
    """Tasks with different keys take turns; at most 64 bytes."""
    fairness_weight: float | None = None
    """A key with twice the weight gets twice the turns; None: 1."""

    default: ClassVar[Priority]
    """Nothing said."""

    def __post_init__(self) -> None:
        key = self.priority_key
        if key is not None and (isinstance(key, bool) or not isinstance(key, int)):
            raise _bad("priority_key", f"must be a whole number, not {key!r}", "Priority")
        if key is not None and key < 1:
            raise _bad("priority_key", f"must be at least 1, not {key}", "Priority")
        if self.fairness_key is not None:
            _check_type("Priority", "fairness_key", self.fairness_key, str)
        if self.fairness_weight is not None:
            _check_type("Priority", "fairness_weight", self.fairness_weight, float)
        if self.fairness_key is not None and len(self.fairness_key.encode()) > 64:
            raise _bad("fairness_key", "must not be longer than 64 bytes", "Priority")
        if self.fairness_weight is not None and not self.fairness_weight > 0:
            raise _bad("fairness_weight", f"must be more than 0, not {self.fairness_weight}", "Priority")

    def to_record(self) -> records.Priority:
        """As it is written to the log."""
        return records.Priority(
            priority_key=self.priority_key or 0,
            fairness_key=self.fairness_key or "",
            fairness_weight=self.fairness_weight or 0.0,
        )

    @classmethod
    def from_record(cls, record: records.Priority | None) -> Priority:
        """As it was read from the log; values that cannot be are left out."""
        if record is None:
            return cls.default
        return cls(
            priority_key=record.priority_key if record.priority_key > 0 else None,
            fairness_key=record.fairness_key if 0 < len(record.fairness_key.encode()) <= 64 else None,
            fairness_weight=record.fairness_weight if record.fairness_weight > 0 else None,
        )


Priority.default = Priority()


class ActivityIDReusePolicy(IntEnum):
    """Whether an activity may be started whose ID belonged to one that has ended, where no workflow asks for it."""

    UNSPECIFIED = 0
    """As ALLOW_DUPLICATE."""
    ALLOW_DUPLICATE = 1
    """Always."""
    ALLOW_DUPLICATE_FAILED_ONLY = 2
    """Only if the one before did not complete."""
    REJECT_DUPLICATE = 3
    """Never, as long as the one before is remembered."""


class ActivityIDConflictPolicy(IntEnum):
    """What happens if an activity is started whose ID an open one has, where no workflow asks for it."""

    UNSPECIFIED = 0
    """As FAIL."""
    FAIL = 1
    """It is refused."""
    USE_EXISTING = 2
    """Nothing is started; the handle is of the open one."""


class WorkflowIDReusePolicy(IntEnum):
    """Whether a workflow may be started whose ID belonged to one that is closed. Names are the symbols in the log."""

    ALLOW_DUPLICATE = 1
    """Always."""
    ALLOW_DUPLICATE_FAILED_ONLY = 2
    """Only if the one before failed, was cancelled or terminated, or timed out."""
    REJECT_DUPLICATE = 3
    """Never, as long as the one before is remembered."""
    TERMINATE_IF_RUNNING = 4
    """Always; one that is running is terminated. Better: `WorkflowIDConflictPolicy.TERMINATE_EXISTING`."""


class WorkflowIDConflictPolicy(IntEnum):
    """What to do when a workflow of this ID is running. Names are the symbols in the log."""

    UNSPECIFIED = 0
    """As `FAIL`."""
    FAIL = 1
    """Refuse the start: `WorkflowAlreadyStartedError`."""
    USE_EXISTING = 2
    """Start nothing, and give a handle of the one that is running."""
    TERMINATE_EXISTING = 3
    """Terminate the one that is running, and start."""


class HeaderCodecBehavior(IntEnum):
    """Whether headers go through the payload codec."""

    NO_CODEC = 1
    """They do not: whoever reads them may not have it."""
    CODEC = 2
    """They do, as everything else."""
    WORKFLOW_ONLY_CODEC = 3
    """They do in workflows, so clients and activities see them as the codec left them."""


class QueryRejectCondition(IntEnum):
    """When a query is refused because of the workflow's status. Names are the symbols in the log."""

    NONE = 1
    """Never."""
    NOT_OPEN = 2
    """When it is closed."""
    NOT_COMPLETED_CLEANLY = 3
    """When it is closed otherwise than by completing."""


@dataclass(frozen=True)
class RawValue:
    """A value as it is in the log, not converted.

    As a type hint it takes any payload unconverted, which is how dynamic activities and handlers are given their
    arguments; as a value it is written as it is. Convert it with a payload converter's `from_payload`.
    """

    payload: records.Payload
