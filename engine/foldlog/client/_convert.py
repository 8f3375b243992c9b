"""Arguments, memos and results on their way to and from payloads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from foldlog._durations import in_milliseconds
from foldlog._option_types import check_option
from foldlog.client._errors import WorkflowContinuedAsNewError, WorkflowFailureError
from foldlog.client._types import UNSET
from foldlog.converter import DataConverter
from foldlog.converter._codec import decode_each_with, decode_one_with, encode_each_with, encode_with
from foldlog.converter._payload import not_given
from foldlog.exceptions import RPCError, RPCStatusCode
from foldlog.schemas.common import Payload
from foldlog.schemas.reply import WorkflowResult


async def encode_args(converter: DataConverter, arg: Any, args: Sequence[Any]) -> list[Payload]:
    """One argument, or several, or none.

    Raises:
        ValueError: Both were given.
    """
    if arg is UNSET:
        return await converter.encode(args) if args else []
    if args:
        raise ValueError("give either one argument or args, not both")
    return await converter.encode([arg])


async def encode_result(converter: DataConverter, result: Any) -> Payload:
    """A result, or that none was given."""
    if result is not UNSET:
        return (await converter.encode([result]))[0]
    payloads = [not_given(converter.payload_converter)]
    if converter.payload_codec is not None:
        payloads = await encode_with(converter.payload_codec, payloads)
    return payloads[0]


async def encode_memo(converter: DataConverter, memo: Mapping[str, Any] | None) -> dict[str, Payload]:
    """A memo's values, each by itself."""
    if not memo:
        return {}
    payloads = dict(zip(memo, converter.payload_converter.to_payloads(list(memo.values())), strict=True))
    return payloads if converter.payload_codec is None else await encode_each_with(converter.payload_codec, payloads)


async def decode_memo(converter: DataConverter, memo: Mapping[str, Payload]) -> dict[str, Any]:
    """Undo `encode_memo`; values are what they look like."""
    if not memo:
        return {}
    payloads = memo if converter.payload_codec is None else await decode_each_with(converter.payload_codec, memo)
    return dict(zip(memo, converter.payload_converter.from_payloads(list(payloads.values())), strict=True))


async def decode_one(converter: DataConverter, payload: Payload, type_hint: Any) -> Any:
    """One value; `type_hint` None: whatever it looks like."""
    if converter.payload_codec is not None:
        payload = await decode_one_with(converter.payload_codec, payload)
    return converter.payload_converter.from_payloads([payload], None if type_hint is None else [type_hint])[0]


async def value_of(converter: DataConverter, result: WorkflowResult, type_hint: Any) -> Any:
    """What a workflow returned.

    Raises:
        WorkflowFailureError: It ended otherwise.
        WorkflowContinuedAsNewError: It goes on in a run that was not to be followed.
    """
    if result.status == "COMPLETED":
        return None if result.result is None else await decode_one(converter, result.result, type_hint)
    if result.status == "CONTINUED_AS_NEW":
        raise WorkflowContinuedAsNewError(result.new_run_id)
    if result.failure is None:
        raise RPCError(f"the run ended as {result.status}, and nothing says why", RPCStatusCode.DATA_LOSS)
    raise WorkflowFailureError(cause=await converter.decode_failure(result.failure))


def milliseconds(duration: timedelta | None, name: str) -> int:
    """A timeout as in records: whole milliseconds, rounded up, 0 for none, 250 years at most.

    Raises:
        ValueError: It is negative.
    """
    if duration is None:
        return 0
    if duration < timedelta(0):
        raise ValueError(f"{name} must not be negative: {duration}")
    return in_milliseconds(duration)


def seconds(duration: timedelta, name: str = "rpc_timeout") -> float:
    """A time limit of a call.

    Raises:
        ConfigurationError: It is no timedelta.
    """
    check_option(name, duration, timedelta | None)
    return duration.total_seconds()
