"""Exceptions to failures and back."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from foldlog.common import RawValue
from foldlog.converter import (
    DefaultFailureConverter,
    DefaultFailureConverterWithEncodedAttributes,
    FailureConverter,
    PayloadConverter,
)
from foldlog.exceptions import (
    ActivityError,
    ApplicationError,
    ApplicationErrorCategory,
    CancelledError,
    ChildWorkflowError,
    FailureError,
    RetryState,
    ServerError,
    TerminatedError,
    TimeoutError,
    TimeoutType,
)
from foldlog.schemas.codec import SingleObjectCodec
from foldlog.schemas.common import Failure, Payload
from foldlog.schemas.event import WorkflowExecutionFailed
from hypothesis import given, settings
from hypothesis import strategies as st

VALUES = PayloadConverter.default
CONVERTER = FailureConverter.default

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
# What JSON gives back as it was, without type hints.
details = st.lists(st.none() | st.booleans() | st.integers() | texts | st.lists(texts, max_size=2), max_size=3)
names = st.text("abcXYZ", min_size=1, max_size=8)

errors: st.SearchStrategy[FailureError] = st.one_of(
    st.builds(
        lambda message, details, options: ApplicationError(message, *details, **options),
        texts,
        details,
        st.fixed_dictionaries(
            {},
            optional={
                "type": names,
                "non_retryable": st.booleans(),
                "next_retry_delay": st.integers(1, 10**9).map(lambda ms: timedelta(milliseconds=ms)),
                "category": st.sampled_from(ApplicationErrorCategory),
            },
        ),
    ),
    st.builds(lambda message, details: CancelledError(message, *details), names, details),
    st.builds(lambda message, details: TerminatedError(message, *details), names, details),
    st.builds(TimeoutError, names, type=st.sampled_from(TimeoutType), last_heartbeat_details=details),
    st.builds(ServerError, texts, non_retryable=st.booleans()),
    st.builds(
        ActivityError,
        names,
        scheduled_event_id=st.integers(0, 10**6),
        identity=texts,
        activity_type=names,
        activity_id=names,
        retry_state=st.sampled_from(RetryState),
    ),
    st.builds(
        ChildWorkflowError,
        names,
        namespace=texts,
        workflow_id=names,
        run_id=names,
        workflow_type=names,
        initiated_event_id=st.integers(0, 10**6),
        started_event_id=st.integers(0, 10**6),
        retry_state=st.sampled_from(RetryState),
    ),
)


@st.composite
def chains(draw: st.DrawFn) -> FailureError:
    """A failure with causes."""
    chain = draw(st.lists(errors, min_size=1, max_size=4))
    for error, cause in pairwise(chain):
        error.__cause__ = cause
    return chain[0]


def facts(error: BaseException | None) -> Any:
    """All that can be seen of an exception and its causes, but for the record that it was read from."""
    if error is None:
        return None
    own = {name: value for name, value in vars(error).items() if name != "_failure"}
    return type(error), error.args, {**own, **_lists(own)}, facts(error.__cause__)


def _lists(attributes: dict[str, Any]) -> dict[str, Any]:
    return {name: list(value) for name, value in attributes.items() if isinstance(value, tuple | list)}


@settings(deadline=None)
@given(chains())
def test_failures_come_back_as_they_were(error: FailureError) -> None:
    assert facts(CONVERTER.from_failure(CONVERTER.to_failure(error, VALUES), VALUES)) == facts(error)


@settings(deadline=None)
@given(chains())
def test_failures_pass_through_the_log_and_become_the_same_failure_again(error: FailureError) -> None:
    failure = CONVERTER.to_failure(error, VALUES)
    codec = SingleObjectCodec()
    event = WorkflowExecutionFailed(event_id=1, time_ms=1, failure=failure)
    read = codec.decode(codec.encode(event)).failure
    assert read == failure
    assert CONVERTER.to_failure(CONVERTER.from_failure(read, VALUES), VALUES) == failure


@settings(deadline=None)
@given(chains())
def test_failures_can_be_pickled(error: FailureError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert facts(again) == facts(error)
    assert str(again) == str(error)


class StockError(Exception):
    """Of an application."""


def raised(cause: BaseException | None = None, depth: int = 0) -> StockError:
    def fail(left: int) -> None:
        if left:
            fail(left - 1)
        raise StockError("none left") from cause

    try:
        fail(depth)
    except StockError as error:
        return error
    raise AssertionError


def test_other_exceptions_become_application_errors() -> None:
    failure = CONVERTER.to_failure(raised(cause=KeyError("sku")), VALUES)
    assert (failure.kind, failure.type, failure.message) == ("APPLICATION", "StockError", "none left")
    assert not failure.non_retryable
    assert 'raise StockError("none left") from cause' in failure.stack_trace
    assert failure.cause == Failure(kind="APPLICATION", type="KeyError", message="'sku'")
    error = CONVERTER.from_failure(failure, VALUES)
    assert isinstance(error, ApplicationError)
    assert str(error) == "StockError: none left"
    assert error.failure == failure
    assert str(error.cause) == "KeyError: 'sku'"


def test_what_was_handled_when_a_failure_was_raised_is_its_cause() -> None:
    def fail(error: Exception, *, silent: bool = False) -> Exception:
        try:
            try:
                raise KeyError("first")
            except KeyError:
                if silent:
                    raise error from None
                raise error  # noqa: B904  # this is what is tested
        except type(error) as raised:
            return raised

    cause = CONVERTER.to_failure(fail(ApplicationError("second")), VALUES).cause
    assert cause is not None
    assert (cause.type, cause.message) == ("KeyError", "'first'")
    assert CONVERTER.to_failure(fail(ApplicationError("second"), silent=True), VALUES).cause is None
    # Of other exceptions only what they were raised from.
    assert CONVERTER.to_failure(fail(StockError("second")), VALUES).cause is None


def test_a_cancelled_task_is_a_cancellation() -> None:
    assert CONVERTER.to_failure(asyncio.CancelledError(), VALUES) == Failure(kind="CANCELED", message="Cancelled")


def test_the_first_error_of_a_group_is_its_cause() -> None:
    failure = CONVERTER.to_failure(ExceptionGroup("two", [StockError("a"), StockError("b")]), VALUES)
    assert (failure.type, failure.message) == ("ExceptionGroup", "two (2 sub-exceptions)")
    assert failure.cause is not None
    assert failure.cause.message == "a"


def test_long_texts_are_cut() -> None:
    failure = CONVERTER.to_failure(StockError("x" * 50_000), VALUES)
    assert len(failure.message) < 10_100
    assert "40000 characters left out" in failure.message
    deep = CONVERTER.to_failure(raised(depth=200), VALUES).stack_trace
    assert "outer frames left out" in deep
    assert len(deep) < 8_200
    assert deep.rstrip().endswith('raise StockError("none left") from cause')


def test_causes_are_cut_even_if_they_go_in_a_circle() -> None:
    first, second = StockError("a"), StockError("b")
    first.__cause__, second.__cause__ = second, first
    failure: Failure | None = CONVERTER.to_failure(first, VALUES)
    length = 0
    while failure is not None:
        failure, length = failure.cause, length + 1
    assert length == 21


class Stubborn:
    """Has no text, and is nothing that JSON could have."""

    def __repr__(self) -> str:
        raise RuntimeError


class Speechless(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def test_a_failure_is_told_even_if_its_parts_cannot_be() -> None:
    failure = CONVERTER.to_failure(ApplicationError("m", object, Stubborn(), type="T"), VALUES)
    assert (failure.message, failure.type) == ("m", "T")
    assert [VALUES.from_payload(payload) for payload in failure.details] == [
        "<class 'object'>",
        "(a Stubborn whose text cannot be made: RuntimeError)",
    ]
    assert "no words" in CONVERTER.to_failure(Speechless(), VALUES).message


def test_details_of_an_unknown_encoding_stay_raw() -> None:
    payload = Payload(encoding="acme/encrypted", data=b"\x01")
    error = CONVERTER.from_failure(Failure(message="m", details=[payload]), VALUES)
    assert isinstance(error, ApplicationError)
    assert error.details == (RawValue(payload),)


def test_a_failure_that_is_read_is_not_shared_with_who_writes_it_again() -> None:
    failure = Failure(message="outer", cause=Failure(message="inner"))
    again = CONVERTER.to_failure(CONVERTER.from_failure(failure, VALUES), VALUES)
    assert again == failure
    assert again.cause is not None
    again.cause.message = "changed"
    assert failure.cause == Failure(message="inner")


@pytest.mark.parametrize("make", [DefaultFailureConverterWithEncodedAttributes, DefaultFailureConverter])
def test_messages_and_stacks_can_be_hidden(make: Callable[[], DefaultFailureConverter]) -> None:
    hiding = DefaultFailureConverterWithEncodedAttributes()
    failure = hiding.to_failure(raised(cause=StockError("secret cause")), VALUES)
    assert failure.cause is not None
    for part in (failure, failure.cause):
        assert (part.message, part.stack_trace) == ("Encoded failure", "")
        assert part.encoded_attributes is not None
    reader = make()
    error = reader.from_failure(failure, VALUES)
    assert isinstance(error, ApplicationError)
    assert error.message == "none left"
    assert error.failure is not None
    assert "raise StockError" in error.failure.stack_trace
    assert isinstance(error.cause, ApplicationError)
    assert error.cause.message == "secret cause"
    # Whoever read it hides it again, whether or not that one hides failures of its own.
    assert reader.to_failure(error, VALUES) == failure


def test_zero_delay_is_not_taken_for_none() -> None:
    failure = CONVERTER.to_failure(ApplicationError("m", next_retry_delay=timedelta(0)), VALUES)
    assert failure.next_retry_delay_ms == 1
