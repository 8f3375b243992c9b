"""Retry policies and the policies of workflow IDs."""

from __future__ import annotations

from datetime import timedelta
from enum import IntEnum
from typing import Any, get_args

import pytest
from foldlog.common import Priority, QueryRejectCondition, RetryPolicy, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from foldlog.core.retry import next_delay_ms
from foldlog.exceptions import ApplicationErrorCategory, ConfigurationError, RetryState, TimeoutType
from foldlog.schemas import command, common
from foldlog.schemas.common import Failure
from hypothesis import given, settings
from hypothesis import strategies as st


@st.composite
def policies(draw: st.DrawFn) -> RetryPolicy:
    """Any policy whose intervals are whole milliseconds."""
    initial_ms = draw(st.integers(1, 10**7))
    maximum_ms = draw(st.none() | st.integers(initial_ms, 10**9))
    return RetryPolicy(
        initial_interval=timedelta(milliseconds=initial_ms),
        backoff_coefficient=draw(st.floats(1, 1000)),
        maximum_interval=None if maximum_ms is None else timedelta(milliseconds=maximum_ms),
        maximum_attempts=draw(st.integers(0, 1000)),
        non_retryable_error_types=draw(st.none() | st.lists(st.text("AB", min_size=1), min_size=1, max_size=3)),
    )


@settings(deadline=None)
@given(policies())
def test_policies_come_back_from_their_records(policy: RetryPolicy) -> None:
    assert RetryPolicy.from_record(policy.to_record()) == policy


def test_the_defaults_are_the_records_defaults() -> None:
    assert RetryPolicy().to_record() == common.RetryPolicy()
    assert RetryPolicy.from_record(common.RetryPolicy()) == RetryPolicy()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("initial_interval", timedelta(0)),
        ("initial_interval", timedelta(microseconds=999)),
        ("initial_interval", timedelta(seconds=-1)),
        ("backoff_coefficient", 0.9),
        ("backoff_coefficient", float("nan")),
        ("backoff_coefficient", float("inf")),
        ("maximum_interval", timedelta(milliseconds=999)),
        ("maximum_attempts", -1),
        ("non_retryable_error_types", "ValueError"),
    ],
)
def test_values_that_cannot_work_are_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"^RetryPolicy\.{field} must") as caught:
        RetryPolicy(**{field: value})
    assert caught.value.option == field


@pytest.mark.parametrize(
    ("cls", "field", "value", "message"),
    [
        (RetryPolicy, "initial_interval", 5, "RetryPolicy.initial_interval must be a timedelta"),
        (RetryPolicy, "maximum_interval", 5.0, "RetryPolicy.maximum_interval must be a timedelta"),
        (RetryPolicy, "backoff_coefficient", "2", "RetryPolicy.backoff_coefficient must be a number, not '2'"),
        (RetryPolicy, "maximum_attempts", "3", "RetryPolicy.maximum_attempts must be a whole number, not '3'"),
        (Priority, "priority_key", "1", "Priority.priority_key must be a whole number, not '1'"),
        (Priority, "fairness_key", 5, "Priority.fairness_key must be a str, not 5"),
        (Priority, "fairness_weight", "2", "Priority.fairness_weight must be a number, not '2'"),
    ],
)
def test_a_field_of_a_wrong_type_is_named(cls: type, field: str, value: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        cls(**{field: value})
    assert caught.value.option == field


def test_a_field_that_is_set_to_a_wrong_type_later_is_named_when_the_policy_is_used() -> None:
    policy = RetryPolicy()
    policy.initial_interval = 5  # type: ignore[assignment]  # as an untyped program may
    with pytest.raises(ConfigurationError, match=r"RetryPolicy\.initial_interval must be a timedelta"):
        policy.to_record()


def test_what_a_policy_means_for_the_engine() -> None:
    policy = RetryPolicy(
        initial_interval=timedelta(milliseconds=100),
        maximum_interval=timedelta(milliseconds=350),
        maximum_attempts=5,
        non_retryable_error_types=["Declined"],
    ).to_record()

    def after(attempt: int, failure: Failure, limit_ms: int = 0) -> Any:
        delay_ms, state = next_delay_ms(policy, attempt, failure, elapsed_ms=1_000, limit_ms=limit_ms)
        return delay_ms if state is None else RetryState[state]

    assert [after(attempt, Failure(type="Busy")) for attempt in (1, 2, 3, 4)] == [100, 200, 350, 350]
    assert after(5, Failure(type="Busy")) is RetryState.MAXIMUM_ATTEMPTS_REACHED
    assert after(1, Failure(type="Declined")) is RetryState.NON_RETRYABLE_FAILURE
    assert after(1, Failure(non_retryable=True)) is RetryState.NON_RETRYABLE_FAILURE
    assert after(1, Failure(next_retry_delay_ms=7)) == 7
    assert after(1, Failure(), limit_ms=1_050) is RetryState.TIMEOUT
    assert after(1, Failure(), limit_ms=1_101) == 100


@pytest.mark.parametrize(
    ("enum", "symbols"),
    [
        (WorkflowIDReusePolicy, command.WorkflowIdReusePolicy),
        (WorkflowIDConflictPolicy, command.WorkflowIdConflictPolicy),
        (QueryRejectCondition, command.QueryRejectCondition),
        (RetryState, common.RetryState),
        (TimeoutType, common.TimeoutType),
        (ApplicationErrorCategory, common.FailureCategory),
    ],
)
def test_enum_names_are_the_symbols_in_the_log(enum: type[IntEnum], symbols: Any) -> None:
    assert {member.name for member in enum} == set(get_args(symbols))
