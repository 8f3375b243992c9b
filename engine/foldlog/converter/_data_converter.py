"""The three steps between values and the log in one object: payload converter, failure converter, codec."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

from foldlog.api.common.v1 import Payloads
from foldlog.converter._base import PayloadConverter
from foldlog.converter._codec import (
    PayloadCodec,
    decode_failure_with,
    decode_with,
    encode_failure_with,
    encode_with,
)
from foldlog.converter._context import SerializationContext, WithSerializationContext, in_context, wants_context
from foldlog.converter._external_storage import ExternalStorage, with_storage
from foldlog.converter._failure import DefaultFailureConverter, FailureConverter, failure_of, fill_in
from foldlog.converter._payload import DefaultPayloadConverter, adapted
from foldlog.schemas.common import Failure, Payload


@dataclass(frozen=True)
class DataConverter(WithSerializationContext):
    """Converts values and exceptions to what is in the log, and back.

    Clients and workers of a namespace must be given the same one. `dataclasses.replace` makes variants.
    """

    payload_converter_class: type[PayloadConverter] = DefaultPayloadConverter
    """Made once, without arguments."""
    payload_codec: PayloadCodec | None = None
    """Applied after converting and before reading, at the edge only."""
    failure_converter_class: type[FailureConverter] = DefaultFailureConverter
    """Made once, without arguments."""
    external_storage: ExternalStorage | None = None
    """Keeps large payloads elsewhere, after the codec has had them; it becomes a part of `payload_codec`."""
    payload_converter: PayloadConverter = field(init=False, compare=False)
    """The payload converter; all that workflow code sees. One that is not made of encodings is wrapped, so that it is
    given payloads in Temporal's shape."""
    failure_converter: FailureConverter = field(init=False, compare=False)
    """The failure converter."""
    wants_context: bool = field(init=False, compare=False, repr=False)
    """Whether one of the three derives from `WithSerializationContext`."""

    default: ClassVar[DataConverter]
    """The converter that is used where none was chosen."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "payload_codec", with_storage(self.payload_codec, self.external_storage))
        object.__setattr__(self, "payload_converter", adapted(self.payload_converter_class()))
        object.__setattr__(self, "failure_converter", self.failure_converter_class())
        parts = (self.payload_converter, self.payload_codec, self.failure_converter)
        object.__setattr__(self, "wants_context", any(map(wants_context, parts)))

    def with_context(self, context: SerializationContext) -> Self:
        """See base class. What derives from `WithSerializationContext` is replaced by what its `with_context` gives."""
        if not self.wants_context:
            return self
        made = replace(self)
        object.__setattr__(made, "payload_codec", in_context(self.payload_codec, context))
        object.__setattr__(made, "payload_converter", in_context(self.payload_converter, context))
        object.__setattr__(made, "failure_converter", in_context(self.failure_converter, context))
        object.__setattr__(made, "wants_context", True)
        return made

    async def encode(self, values: Sequence[Any]) -> list[Payload]:
        """Convert values, one payload each, and apply the codec.

        Raises:
            PayloadConversionError: A value cannot be converted; the message says which.
        """
        payloads = self.payload_converter.to_payloads(values)
        if self.payload_codec is not None and payloads:
            payloads = await encode_with(self.payload_codec, payloads)
        return payloads

    async def decode(self, payloads: Sequence[Payload], type_hints: Sequence[Any] | None = None) -> list[Any]:
        """Undo the codec and convert payloads, one value each.

        Args:
            payloads: What to convert.
            type_hints: The wanted types, in the same order.

        Raises:
            PayloadConversionError: A payload does not fit its type; the message says where.
        """
        if self.payload_codec is not None and payloads:
            payloads = await decode_with(self.payload_codec, payloads)
        return self.payload_converter.from_payloads(payloads, type_hints)

    async def encode_wrapper(self, values: Sequence[Any]) -> Payloads:
        """`encode`, as a list object."""
        return Payloads(payloads=await self.encode(values))

    async def decode_wrapper(self, payloads: Payloads | None, type_hints: Sequence[Any] | None = None) -> list[Any]:
        """`decode` of a list object; None: no values."""
        if payloads is None or not payloads.payloads:
            return []
        return await self.decode(payloads.payloads, type_hints)

    async def encode_failure(self, exception: BaseException, failure: Failure | None = None) -> Failure:
        """Make a failure of an exception, and apply the codec.

        Args:
            exception: The exception.
            failure: Is filled in, if given.
        """
        made = failure_of(self.failure_converter, exception, self.payload_converter)
        if self.payload_codec is not None:
            made = await encode_failure_with(self.payload_codec, made)
        return made if failure is None else fill_in(failure, made)

    async def decode_failure(self, failure: Failure) -> BaseException:
        """Undo the codec and make an exception of a failure."""
        if self.payload_codec is not None:
            failure = await decode_failure_with(self.payload_codec, failure)
        return self.failure_converter.from_failure(failure, self.payload_converter)


DataConverter.default = DataConverter()


def default() -> DataConverter:
    """The converter that is used where none was chosen."""
    return DataConverter.default
