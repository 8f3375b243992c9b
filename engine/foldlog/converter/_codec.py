"""What may be done to payloads on their way to the log and back, such as encryption: the interface, and a chain."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from foldlog.api.common.v1 import Payload, Payloads, plain, shown
from foldlog.converter._context import SerializationContext, WithSerializationContext, in_context
from foldlog.exceptions import PayloadConversionError
from foldlog.schemas import common as records
from foldlog.schemas.common import Failure
from msgspec.structs import replace

Change = Callable[[Sequence[Any]], Awaitable[Sequence[records.Payload]]]
ChangeOne = Callable[[records.Payload], Awaitable[records.Payload]]


class PayloadCodec(ABC):
    """Turns payloads into others before they are written, and back after they were read.

    It is given payloads that belong together: the arguments of one call, the details of one failure; or one payload
    alone, such as a result, a value of a memo, a header. It may wait for other systems. What it returns need not be the
    same each time: replay never looks at it.
    """

    # Class variables of most codecs, and of a chain its own.
    may_wait: bool = True
    """False promises that it never waits for anything, and may be called from several threads. Then the processor calls
    it right where it needs it, which is much faster; otherwise it waits for the worker's event loop to do so."""
    thread_safe: bool = False
    """True promises that it may be called from several threads, up to where it first waits. Then the processor tries
    that first, and begins anew on the event loop only if it does wait."""

    @abstractmethod
    async def encode(self, payloads: Sequence[Payload]) -> Sequence[records.Payload]:
        """Encode payloads; never change the ones given.

        Returns:
            At least one, and not more than were given: as many in the same order, or one for all of them.
        """

    @abstractmethod
    async def decode(self, payloads: Sequence[Payload]) -> Sequence[records.Payload]:
        """Undo `encode`; payloads that it did not make (by their encoding) come back as they are.

        Returns:
            What was given to `encode`: as many, and in the same order.
        """

    async def encode_wrapper(self, payloads: Payloads) -> None:
        """`encode` for a list object, which is changed."""
        payloads.payloads[:] = [shown(payload) for payload in await self.encode(payloads.payloads)]

    async def decode_wrapper(self, payloads: Payloads) -> None:
        """`decode` for a list object, which is changed."""
        payloads.payloads[:] = [shown(payload) for payload in await self.decode(payloads.payloads)]

    async def encode_failure(self, failure: Failure) -> None:
        """Encode all payloads of a failure, and those of its causes. It is changed."""
        await _change_failure(failure, partial(encode_with, self), partial(encode_one_with, self))

    async def decode_failure(self, failure: Failure) -> None:
        """Undo `encode_failure`."""
        await _change_failure(failure, partial(decode_with, self), partial(decode_one_with, self))


class CodecChain(PayloadCodec, WithSerializationContext):
    """Several codecs, one after the other; undone in reverse.

    Compress before you encrypt, and put a claim check last, so that what is kept elsewhere is encrypted:
    `CodecChain(ZstdCodec(), EncryptionCodec(keys), ClaimCheckCodec(store))`.
    """

    def __init__(self, *codecs: PayloadCodec) -> None:
        """Make one.

        Args:
            *codecs: In the order in which payloads go through them to the log.
        """
        self.codecs = codecs
        self.may_wait = any(codec.may_wait for codec in codecs)
        self.thread_safe = all(codec.thread_safe or not codec.may_wait for codec in codecs)

    def with_context(self, context: SerializationContext) -> CodecChain:
        """See base class."""
        return CodecChain(*(in_context(codec, context) for codec in self.codecs))

    def parts_for_context(self) -> Sequence[PayloadCodec]:
        """For foldlog itself: those whose wish for contexts is the chain's."""
        return self.codecs

    async def encode(self, payloads: Sequence[Payload]) -> list[records.Payload]:
        """See base class."""
        changed: list[records.Payload] = list(payloads)
        for codec in self.codecs:
            changed = await encode_with(codec, changed)
        return changed

    async def decode(self, payloads: Sequence[Payload]) -> list[records.Payload]:
        """See base class."""
        changed: list[records.Payload] = list(payloads)
        for codec in reversed(self.codecs):
            changed = await decode_with(codec, changed)
        return changed


async def encode_with(codec: PayloadCodec, payloads: Sequence[records.Payload]) -> list[records.Payload]:
    """What a codec makes of payloads of the log that belong together.

    Raises:
        PayloadConversionError: It returns none, or more than it was given.
    """
    made = await _changed(codec.encode, payloads)
    if 1 <= len(made) <= len(payloads) or not payloads:
        return made
    reason = "arguments would get lost" if not made else "a codec may merge payloads, not add some"
    raise PayloadConversionError(f"{type(codec).__name__} made {len(made)} payloads of {len(payloads)}: {reason}")


async def decode_with(codec: PayloadCodec, payloads: Sequence[records.Payload]) -> list[records.Payload]:
    """Undo `encode_with`.

    Raises:
        PayloadConversionError: It returns none.
    """
    made = await _changed(codec.decode, payloads)
    if made or not payloads:
        return made
    raise PayloadConversionError(f"{type(codec).__name__} made 0 payloads of {len(payloads)}: arguments would get lost")


async def encode_one_with(codec: PayloadCodec, payload: records.Payload) -> records.Payload:
    """What a codec makes of a payload that stands alone.

    Raises:
        PayloadConversionError: It returns none or several.
    """
    return (await encode_with(codec, [payload]))[0]


async def decode_one_with(codec: PayloadCodec, payload: records.Payload) -> records.Payload:
    """Undo `encode_with` for a payload that stands alone.

    Raises:
        PayloadConversionError: It returns none or several.
    """
    made = await decode_with(codec, [payload])
    if len(made) == 1:
        return made[0]
    raise PayloadConversionError(f"{type(codec).__name__} made {len(made)} payloads of a value that stands alone")


async def encode_each_with(codec: PayloadCodec, values: Mapping[str, records.Payload]) -> dict[str, records.Payload]:
    """What a codec makes of payloads that each stand alone, such as headers and memos.

    Raises:
        PayloadConversionError: See `encode_with`.
    """
    made = await asyncio.gather(*(encode_one_with(codec, payload) for payload in values.values()))
    return dict(zip(values, made, strict=True))


async def decode_each_with(codec: PayloadCodec, values: Mapping[str, records.Payload]) -> dict[str, records.Payload]:
    """Undo `encode_each_with`.

    Raises:
        PayloadConversionError: See `decode_one_with`.
    """
    made = await asyncio.gather(*(decode_one_with(codec, payload) for payload in values.values()))
    return dict(zip(values, made, strict=True))


async def encode_failure_with(codec: PayloadCodec, failure: Failure) -> Failure:
    """A failure as a codec writes it; the one given stays as it is."""
    copy = _copied(failure)
    await codec.encode_failure(copy)
    return copy


async def decode_failure_with(codec: PayloadCodec, failure: Failure) -> Failure:
    """Undo `encode_failure_with`."""
    copy = _copied(failure)
    await codec.decode_failure(copy)
    return copy


async def _changed(change: Change, payloads: Sequence[records.Payload]) -> list[records.Payload]:
    changed = await change([shown(payload) for payload in payloads])
    return [plain(payload) for payload in changed]


async def _change_failure(failure: Failure, change: Change, change_one: ChangeOne) -> None:
    if failure.details:
        failure.details = list(await change(failure.details))
    if failure.encoded_attributes is not None:
        failure.encoded_attributes = await change_one(failure.encoded_attributes)
    if failure.cause is not None:
        await _change_failure(failure.cause, change, change_one)


def _copied(failure: Failure) -> Failure:
    return replace(failure, cause=None if failure.cause is None else _copied(failure.cause))
