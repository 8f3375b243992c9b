"""The tree of exceptions."""

from __future__ import annotations

import asyncio
import builtins

import pytest
from foldlog import exceptions
from foldlog.exceptions import (
    ActivityError,
    ApplicationError,
    CancelledError,
    ChildWorkflowError,
    DeadlineExceededError,
    FailureError,
    FoldlogError,
    RetryState,
    RPCError,
    RPCStatusCode,
    UnavailableError,
    WorkflowAlreadyStartedError,
    WorkflowNotFoundError,
    is_cancelled_exception,
)


def activity_error(cause: BaseException | None) -> ActivityError:
    error = ActivityError(
        "failed", scheduled_event_id=1, identity="me", activity_type="t", activity_id="1", retry_state=None
    )
    error.__cause__ = cause
    return error


def child_error(cause: BaseException | None) -> ChildWorkflowError:
    error = ChildWorkflowError(
        "failed",
        namespace="n",
        workflow_id="w",
        run_id="r",
        workflow_type="t",
        initiated_event_id=1,
        started_event_id=2,
        retry_state=RetryState.TIMEOUT,
    )
    error.__cause__ = cause
    return error


def test_everything_has_one_root() -> None:
    found = [value for value in vars(exceptions).values() if isinstance(value, type) and issubclass(value, Exception)]
    assert len(found) > 15
    assert all(issubclass(error, FoldlogError) for error in found)


def test_names_of_builtins_are_classes_of_their_own() -> None:
    assert not issubclass(exceptions.TimeoutError, builtins.TimeoutError)
    assert not issubclass(CancelledError, asyncio.CancelledError)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (asyncio.CancelledError(), True),
        (CancelledError(), True),
        (activity_error(CancelledError()), True),
        (child_error(CancelledError()), True),
        (activity_error(ApplicationError("x")), False),
        (activity_error(None), False),
        (ApplicationError("x"), False),
    ],
)
def test_which_exceptions_are_cancellations(error: BaseException, expected: bool) -> None:
    assert is_cancelled_exception(error) is expected


def test_texts() -> None:
    assert str(ApplicationError("none left", type="Stock")) == "Stock: none left"
    assert ApplicationError("none left", type="Stock").message == "none left"
    assert str(ApplicationError("none left")) == "none left"
    started = WorkflowAlreadyStartedError("order-1", "Order", run_id="r")
    assert "order-1" in str(started)
    assert isinstance(started, FailureError)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (WorkflowNotFoundError("x"), RPCStatusCode.NOT_FOUND),
        (UnavailableError("x"), RPCStatusCode.UNAVAILABLE),
        (DeadlineExceededError("x"), RPCStatusCode.DEADLINE_EXCEEDED),
        (RPCError("x", RPCStatusCode.ABORTED), RPCStatusCode.ABORTED),
        (RPCError("x"), RPCStatusCode.UNKNOWN),
    ],
)
def test_requests_that_fail_have_a_status(error: RPCError, status: RPCStatusCode) -> None:
    assert error.status is status
    assert error.message == "x"
