"""Exceptions to failures in the log, and back."""

from __future__ import annotations

import asyncio
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from copy import copy
from datetime import timedelta
from typing import Any, ClassVar, cast

from foldlog import exceptions as errors
from foldlog._durations import LONGEST
from foldlog._texts import text_of, writable
from foldlog.api.common.v1 import shown
from foldlog.common import RawValue
from foldlog.converter._base import PayloadConverter
from foldlog.schemas import common as records
from foldlog.schemas.common import Failure, Payload
from msgspec.structs import replace

MAX_STACK_FRAMES = 40
"""Innermost frames of a stack trace that are kept."""
MAX_STACK_CHARACTERS = 8_000
MAX_MESSAGE_CHARACTERS = 10_000
"""A failure is repeated in events, rows and answers, so a log of megabytes in a message would go around as well."""
MAX_CAUSES = 20
"""Causes of causes that are kept."""

_causes_left = ContextVar("causes_left", default=MAX_CAUSES)
"""How many more causes of the exception that is being converted are kept. No argument, for `to_failure` has none."""

_HIDDEN_MESSAGE = "Encoded failure"


class FailureConverter(ABC):
    """Converts exceptions to failures in the log and back. Implementations are pure."""

    default: ClassVar[FailureConverter]
    """The converter that is used where none was chosen."""

    @abstractmethod
    def to_failure(
        self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure | None = None
    ) -> Failure:
        """Make a failure of an exception and its causes.

        Its cause is `__cause__`; where a `FailureError` has none, what was being handled when it was raised, unless it
        was raised `from None`.

        Never raises because of what the exception carries: a failure must be reported even then.

        Args:
            exception: The exception.
            payload_converter: For its details.
            failure: Is filled in and returned, if given. foldlog always gives one, and asks for no return.
        """

    @abstractmethod
    def from_failure(self, failure: Failure, payload_converter: PayloadConverter) -> BaseException:
        """Make an exception, with its causes, of a failure."""


class DefaultFailureConverter(FailureConverter):
    """Knows foldlog's failures; any other exception becomes an ApplicationError whose type is the name of its class.

    An exception that was itself made of a failure becomes that very failure again. Messages longer than 10,000
    characters, stack traces of more than 40 frames or 8,000 characters, and more than 20 causes are cut.
    """

    def __init__(self, *, encode_common_attributes: bool = False) -> None:
        """Make one.

        Args:
            encode_common_attributes: Whether message and stack trace are put into a payload, where a codec can
                encrypt them, and left out otherwise.
        """
        self._hide = encode_common_attributes

    def to_failure(
        self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure | None = None
    ) -> Failure:
        """See base class. Each cause is converted by `to_failure` as well, so by that of a subclass."""
        made = self._to_failure(exception, payload_converter)
        return made if failure is None else fill_in(failure, made)

    def _to_failure(self, exception: BaseException, converter: PayloadConverter) -> Failure:
        if isinstance(exception, errors.FailureError) and exception.failure is not None:
            return self._again(exception.failure, converter)
        failure = Failure(message=_cut(_message(exception), MAX_MESSAGE_CHARACTERS), stack_trace=_stack(exception))
        _fill(failure, exception, converter)
        cause = exception.__cause__
        if cause is None and isinstance(exception, BaseExceptionGroup):
            cause = exception.exceptions[0]
        if cause is None and isinstance(exception, errors.FailureError) and not exception.__suppress_context__:
            # Raised where another exception was handled, without `from`.
            cause = exception.__context__
        if cause is not None and (left := _causes_left.get()):
            token = _causes_left.set(left - 1)
            try:
                failure.cause = failure_of(self, cause, converter)
            finally:
                _causes_left.reset(token)
        if self._hide:
            _hide(failure, converter)
        return failure

    def _again(self, failure: Failure, converter: PayloadConverter) -> Failure:
        """A copy of a failure that was read, since whoever gets it may cut it; details are shared, nobody changes them.

        What was hidden when it was read is hidden again.
        """
        again = copy(failure)
        if again.cause is not None:
            again.cause = self._again(again.cause, converter)
        if self._hide or again.encoded_attributes is not None:
            _hide(again, converter)
        return again

    def from_failure(self, failure: Failure, payload_converter: PayloadConverter) -> BaseException:
        """See base class."""
        failure = _unhidden(failure, payload_converter)
        error = _MAKERS[failure.kind](failure, payload_converter)
        error._failure = failure
        if failure.cause is not None:
            error.__cause__ = self.from_failure(failure.cause, payload_converter)
        return error


class DefaultFailureConverterWithEncodedAttributes(DefaultFailureConverter):
    """As the default one, with message and stack trace in a payload, where a codec can encrypt them."""

    def __init__(self) -> None:
        """Make one."""
        super().__init__(encode_common_attributes=True)


FailureConverter.default = DefaultFailureConverter()


def failure_of(converter: FailureConverter, exception: BaseException, payload_converter: PayloadConverter) -> Failure:
    """What any failure converter makes of an exception."""
    if converter.__class__ is DefaultFailureConverter:
        return converter.to_failure(exception, payload_converter)
    failure = Failure()
    converter.to_failure(exception, payload_converter, failure)
    return failure


def fill_in(failure: Failure, made: Failure) -> Failure:
    """Make one failure what another one is."""
    for name in Failure.__struct_fields__:
        setattr(failure, name, getattr(made, name))
    return failure


# Exceptions to failures


def _fill(failure: Failure, exception: BaseException, converter: PayloadConverter) -> None:
    """Set what depends on the kind of exception."""
    match exception:
        case errors.ApplicationError():
            failure.type = writable(exception.type or "")
            failure.non_retryable = bool(exception.non_retryable)
            if isinstance(exception.next_retry_delay, timedelta):
                failure.next_retry_delay_ms = _milliseconds(exception.next_retry_delay)
            if isinstance(exception.category, errors.ApplicationErrorCategory):
                failure.category = cast(records.FailureCategory, exception.category.name)
            failure.details = _payloads(exception.details, converter)
        case errors.CancelledError() | errors.TerminatedError():
            failure.kind = "CANCELED" if isinstance(exception, errors.CancelledError) else "TERMINATED"
            failure.details = _payloads(exception.details, converter)
        case errors.TimeoutError():
            failure.kind = "TIMEOUT"
            failure.timeout_type = cast(records.TimeoutType, (exception.type or errors.TimeoutType.UNSPECIFIED).name)
            failure.details = _payloads(exception.last_heartbeat_details, converter)
        case errors.ServerError():
            failure.kind = "SERVER"
            failure.non_retryable = exception.non_retryable
        case errors.ActivityError():
            failure.kind = "ACTIVITY"
            failure.scheduled_event_id = exception.scheduled_event_id
            failure.identity = exception.identity
            failure.activity_type = exception.activity_type
            failure.activity_id = exception.activity_id
            failure.retry_state = _retry_state(exception.retry_state)
        case errors.ChildWorkflowError():
            failure.kind = "CHILD_WORKFLOW"
            failure.scheduled_event_id = exception.initiated_event_id
            failure.started_event_id = exception.started_event_id
            failure.namespace = exception.namespace
            failure.workflow_id = exception.workflow_id
            failure.run_id = exception.run_id
            failure.workflow_type = exception.workflow_type
            failure.retry_state = _retry_state(exception.retry_state)
        case asyncio.CancelledError():
            failure.kind = "CANCELED"
        case _:
            failure.type = writable(type(exception).__name__)


def _message(exception: BaseException) -> str:
    if isinstance(exception, errors.FailureError):
        return text_of(exception.message)
    return text_of(exception) or ("Cancelled" if isinstance(exception, asyncio.CancelledError) else "")


def _stack(exception: BaseException) -> str:
    # Only where it was raised, not what it is: type and message stand elsewhere.
    if exception.__traceback__ is None:
        return ""
    frames = traceback.extract_tb(exception.__traceback__)
    left_out = len(frames) - MAX_STACK_FRAMES
    text = "".join(traceback.StackSummary.from_list(frames[-MAX_STACK_FRAMES:]).format())
    if left_out > 0:
        text = f"  ({left_out} outer frames left out)\n{text}"
    return _cut(writable(text), MAX_STACK_CHARACTERS)


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n… {len(text) - 2 * half} characters left out …\n{text[-half:]}"


def _payloads(values: Sequence[Any], converter: PayloadConverter) -> list[Payload]:
    try:
        return converter.to_payloads(values)
    except Exception:
        # Their text is worth more than an error about the error.
        return converter.to_payloads([_text(value) for value in values])


def _hide(failure: Failure, converter: PayloadConverter) -> None:
    if failure.message == _HIDDEN_MESSAGE and failure.encoded_attributes is not None:
        return
    hidden = {"message": failure.message, "stack_trace": failure.stack_trace}
    failure.encoded_attributes = converter.to_payload(hidden)
    failure.message, failure.stack_trace = _HIDDEN_MESSAGE, ""


def _text(value: Any) -> str:
    try:
        return _cut(writable(repr(value)), MAX_MESSAGE_CHARACTERS)
    except Exception as error:
        return f"(a {type(value).__name__} whose text cannot be made: {type(error).__name__})"


def _milliseconds(delay: timedelta) -> int:
    # 0 would mean "as the policy says".
    return max(1, min(delay, LONGEST) // timedelta(milliseconds=1))


def _retry_state(state: errors.RetryState | None) -> records.RetryState:
    return cast(records.RetryState, (state or errors.RetryState.UNSPECIFIED).name)


# Failures to exceptions


def _unhidden(failure: Failure, converter: PayloadConverter) -> Failure:
    if failure.encoded_attributes is None:
        return failure
    hidden = _value(failure.encoded_attributes, converter)
    if not isinstance(hidden, dict):
        return failure
    return replace(
        failure,
        message=str(hidden.get("message", failure.message)),
        stack_trace=str(hidden.get("stack_trace", failure.stack_trace)),
    )


def _values(failure: Failure, converter: PayloadConverter) -> list[Any]:
    return [_value(payload, converter) for payload in failure.details]


def _value(payload: Payload, converter: PayloadConverter) -> Any:
    try:
        return converter.from_payload(payload)
    except errors.PayloadConversionError:
        # Such as one that a codec wrote which this side does not have: the failure itself must still be told.
        return RawValue(shown(payload))


def _application(failure: Failure, converter: PayloadConverter) -> errors.FailureError:
    delay = failure.next_retry_delay_ms
    return errors.ApplicationError(
        failure.message,
        *_values(failure, converter),
        type=failure.type or None,
        non_retryable=failure.non_retryable,
        next_retry_delay=timedelta(milliseconds=delay) if delay else None,
        category=errors.ApplicationErrorCategory[failure.category],
    )


def _canceled(failure: Failure, converter: PayloadConverter) -> errors.FailureError:
    return errors.CancelledError(failure.message or "Cancelled", *_values(failure, converter))


def _terminated(failure: Failure, converter: PayloadConverter) -> errors.FailureError:
    return errors.TerminatedError(failure.message or "Terminated", *_values(failure, converter))


def _timeout(failure: Failure, converter: PayloadConverter) -> errors.FailureError:
    return errors.TimeoutError(
        failure.message or "Timeout",
        type=errors.TimeoutType[failure.timeout_type],
        last_heartbeat_details=_values(failure, converter),
    )


def _server(failure: Failure, _converter: PayloadConverter) -> errors.FailureError:
    return errors.ServerError(failure.message, non_retryable=failure.non_retryable)


def _activity(failure: Failure, _converter: PayloadConverter) -> errors.FailureError:
    return errors.ActivityError(
        failure.message or "Activity error",
        scheduled_event_id=failure.scheduled_event_id,
        identity=failure.identity,
        activity_type=failure.activity_type,
        activity_id=failure.activity_id,
        retry_state=errors.RetryState[failure.retry_state],
    )


def _child_workflow(failure: Failure, _converter: PayloadConverter) -> errors.FailureError:
    return errors.ChildWorkflowError(
        failure.message or "Child workflow error",
        namespace=failure.namespace,
        workflow_id=failure.workflow_id,
        run_id=failure.run_id,
        workflow_type=failure.workflow_type,
        initiated_event_id=failure.scheduled_event_id,
        started_event_id=failure.started_event_id,
        retry_state=errors.RetryState[failure.retry_state],
    )


_MAKERS: dict[str, Callable[[Failure, PayloadConverter], errors.FailureError]] = {
    "APPLICATION": _application,
    "TIMEOUT": _timeout,
    "CANCELED": _canceled,
    "TERMINATED": _terminated,
    "ACTIVITY": _activity,
    "CHILD_WORKFLOW": _child_workflow,
    "SERVER": _server,
}
