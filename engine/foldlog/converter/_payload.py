"""The converter that tries one encoding after the other, and the encodings of None and of bytes."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial, wraps
from types import UnionType
from typing import Annotated, Any, ClassVar, NewType, Self, TypeVar, Union, cast, get_args, get_origin

from foldlog.api.common.v1 import plain, shown
from foldlog.common import RawValue
from foldlog.converter._base import EncodingPayloadConverter, PayloadConverter
from foldlog.converter._context import SerializationContext, WithSerializationContext, in_context
from foldlog.converter._json import JSONPlainPayloadConverter
from foldlog.converter._names import type_name
from foldlog.converter._protobuf import BinaryProtoPayloadConverter, JSONProtoPayloadConverter
from foldlog.converter._transfer import Transfer, converter_of, transfer_of, transfers
from foldlog.exceptions import PayloadConversionError
from foldlog.schemas.common import Payload

_NOT_GIVEN = "not-given"
"""Metadata of a None that stands for a value that was not given."""
_GIVEN_SHOWN = "_foldlog_given_shown"
"""What marks a method that is given payloads in Temporal's shape already."""


def not_given(converter: PayloadConverter) -> Payload:
    """What is sent where a result may be left out: None to whoever reads it, also where None stands for a value.

    A class may have None as its transfer type, and make something of it.
    """
    (payload,) = converter.to_payloads([None])
    if payload.encoding == "binary/null":
        payload = Payload(encoding="binary/null", metadata={**payload.metadata, _NOT_GIVEN: b""})
    return payload


def raw_values(payloads: Iterable[Payload]) -> list[RawValue]:
    """What dynamic code is given: each payload in Temporal's shape, with its encoding among the metadata."""
    return [RawValue(shown(payload)) for payload in payloads]


class CompositePayloadConverter(PayloadConverter, WithSerializationContext):
    """Converts with the first of several encodings that takes the value.

    Derive from it to add encodings of your own:
    `super().__init__(Mine(), *DefaultPayloadConverter.default_encoding_payload_converters)`.

    Attributes:
        converters: The converters, by encoding.
    """

    converters: Mapping[bytes, EncodingPayloadConverter]

    def __init_subclass__(cls, **options: Any) -> None:
        # What converts one value is a way around what converts several, so a class with its own of those is asked
        # there, as with Temporal. Seen once for each class: no value pays for it.
        super().__init_subclass__(**options)
        if cls.to_payloads is not CompositePayloadConverter.to_payloads and (
            cls.to_payload is CompositePayloadConverter.to_payload
        ):
            cls.to_payload = _first_to_payload  # type: ignore[method-assign, assignment]  # of this class, not the base
        read = cls.from_payloads  # its own, or that of a class beside this one
        if read is not CompositePayloadConverter.from_payloads and not hasattr(read, _GIVEN_SHOWN):
            cls.from_payloads = _given_shown(read)  # type: ignore[method-assign]  # the same
        if cls.from_payloads is not CompositePayloadConverter.from_payloads and (
            cls.from_payload is CompositePayloadConverter.from_payload
        ):
            cls.from_payload = PayloadConverter.from_payload  # type: ignore[method-assign, assignment]  # same

    def __init__(self, *converters: EncodingPayloadConverter) -> None:
        """Make one.

        Args:
            *converters: In the order in which they are tried. No two may have the same encoding.
        """
        self.converters = {converter.encoding.encode(): converter for converter in converters}
        if len(self.converters) < len(converters):
            raise ValueError("two converters have the same encoding")
        self._order = tuple(self.converters.values())
        self._readers = {converter.encoding: _reader(converter) for converter in converters}
        self._known: dict[type, Callable[[Any], Any]] = {}
        """What makes payloads of values of these very classes: no other converter needs to be asked."""

    def with_context(self, context: SerializationContext) -> Self:
        """See base class."""
        converters = self.get_converters_with_context(context)
        if all(new is old for new, old in zip(converters, self.converters.values(), strict=True)):
            return self
        made = copy.copy(self)
        made.converters = {converter.encoding.encode(): converter for converter in converters}
        tried = {converter.encoding for converter in self._order}
        made._order = tuple(converter for converter in converters if converter.encoding in tried)
        made._readers = {converter.encoding: _reader(converter) for converter in converters}
        made._known = {}
        return made

    def get_converters_with_context(self, context: SerializationContext) -> list[EncodingPayloadConverter]:
        """The converters, in their order, in a context."""
        return [in_context(converter, context) for converter in self.converters.values()]

    def parts_for_context(self) -> Iterable[object]:
        """For foldlog itself: those whose wish for contexts is this one's; itself, if it has changed what is done."""
        own = type(self)
        if own.with_context is CompositePayloadConverter.with_context and (
            own.get_converters_with_context is CompositePayloadConverter.get_converters_with_context
        ):
            return self.converters.values()
        return [_Wanting()]

    def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
        """See base class."""
        payloads = []
        for index, value in enumerate(values):
            try:
                payloads.append(self._to_payload(value))
            except PayloadConversionError as error:
                raise error.within(f"args[{index}]") from error.__cause__
        return payloads

    def to_payload(self, value: Any) -> Payload:
        """See base class."""
        try:
            return self._to_payload(value)
        except PayloadConversionError as error:
            raise error.within("value") from error.__cause__

    def from_payloads(self, payloads: Sequence[Payload], type_hints: Sequence[Any] | None = None) -> list[Any]:
        """See base class."""
        values = []
        hinted = 0 if type_hints is None else len(type_hints)
        for index, payload in enumerate(payloads):
            hint = type_hints[index] if type_hints is not None and index < hinted else None
            try:
                values.append(self._from_payload(payload, hint))
            except PayloadConversionError as error:
                raise error.within(f"args[{index}]") from error.__cause__
        return values

    def from_payload(self, payload: Payload, type_hint: Any = None) -> Any:
        """See base class."""
        try:
            return self._from_payload(payload, type_hint)
        except PayloadConversionError as error:
            raise error.within("value") from error.__cause__

    def _to_payload(self, value: Any) -> Payload:
        known = self._known.get(value.__class__)
        if known is not None:
            made: Payload = known(value)
            return made
        if value.__class__ is RawValue:
            return plain(value.payload)
        if transfers and (transfer := converter_of(value.__class__)) is not None:
            return self._to_payload(transfer.to_transfer_type(value))
        for converter in self._order:
            payload = converter.to_payload(value)
            if payload is not None:
                return payload if payload.__class__ is Payload and not payload.metadata else plain(payload)
        raise PayloadConversionError(f"no converter takes a {type(value).__qualname__}")

    def _from_payload(self, payload: Payload, type_hint: Any) -> Any:
        if type_hint is RawValue:
            return RawValue(shown(payload))
        if transfers and (transfer := transfer_of(type_hint)) is not None:
            return self._from_transfer(payload, transfer)
        reader = self._readers.get(payload.encoding)
        if reader is None:
            raise PayloadConversionError(
                f"unknown encoding {payload.encoding!r}: this side needs the codec or the converter that wrote it"
            )
        return reader(payload, type_hint)

    def _from_transfer(self, payload: Payload, transfer: Transfer) -> Any:
        if payload.encoding == "binary/null" and _NOT_GIVEN in payload.metadata:
            return None
        return transfer.read(self._from_payload(payload, transfer.read_as))


def _first_to_payload(converter: CompositePayloadConverter, value: Any) -> Payload:
    return plain(converter.to_payloads([value])[0])


def _given_shown(read: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """A class's own `from_payloads`, given payloads in Temporal's shape."""

    @wraps(read)
    def from_payloads(
        self: PayloadConverter, payloads: Sequence[Payload], type_hints: Sequence[Any] | None = None
    ) -> list[Any]:
        return read(self, [shown(payload) for payload in payloads], type_hints)

    setattr(from_payloads, _GIVEN_SHOWN, True)
    return from_payloads


def _reader(converter: EncodingPayloadConverter) -> Callable[[Payload, Any], Any]:
    """How a converter is given payloads. One of foldlog's own takes them as they are."""
    if type(converter).__module__.startswith("foldlog."):
        return cast("Callable[[Payload, Any], Any]", converter.from_payload)
    return partial(_read_shown, converter)


def _read_shown(converter: EncodingPayloadConverter, payload: Payload, type_hint: Any) -> Any:
    return converter.from_payload(shown(payload), type_hint)


class BinaryNullPayloadConverter(EncodingPayloadConverter):
    """None, as no bytes."""

    @property
    def encoding(self) -> str:
        """See base class."""
        return "binary/null"

    def to_payload(self, value: Any) -> Payload | None:
        """See base class."""
        return Payload(encoding="binary/null") if value is None else None

    def from_payload(self, payload: Payload, type_hint: Any = None) -> Any:
        """None, whatever is wanted, as with Temporal: code that promises more may still give nothing."""
        return None


class BinaryPlainPayloadConverter(EncodingPayloadConverter):
    """Bytes as they are."""

    @property
    def encoding(self) -> str:
        """See base class."""
        return "binary/plain"

    def to_payload(self, value: Any) -> Payload | None:
        """See base class."""
        if isinstance(value, (bytes, bytearray, memoryview)):
            return Payload(encoding="binary/plain", data=bytes(value))
        return None

    def from_payload(self, payload: Payload, type_hint: Any = None) -> Any:
        """See base class."""
        if type_hint is None or _takes(type_hint, bytes):
            return payload.data
        if _takes(type_hint, bytearray):
            return bytearray(payload.data)
        raise PayloadConversionError(f"expected {type_name(type_hint)}, got bytes")


def _takes(hint: Any, kind: type) -> bool:
    """Whether a type hint allows values of a kind that JSON has no part in."""
    if hint is kind or hint is Any or hint is object or isinstance(hint, TypeVar):
        return True
    origin = get_origin(hint)
    if origin is Union or origin is UnionType:
        return any(_takes(member, kind) for member in get_args(hint))
    if origin is Annotated:
        return _takes(get_args(hint)[0], kind)
    if isinstance(hint, NewType):
        return _takes(hint.__supertype__, kind)
    # `type Alias = …` of Python 3.12.
    alias = getattr(hint, "__value__", None)
    return alias is not None and _takes(alias, kind)


class DefaultPayloadConverter(CompositePayloadConverter):
    """None, bytes and protobuf messages in encodings of their own, everything else as `json/plain`."""

    default_encoding_payload_converters: ClassVar[tuple[EncodingPayloadConverter, ...]] = (
        BinaryNullPayloadConverter(),
        BinaryPlainPayloadConverter(),
        JSONProtoPayloadConverter(),
        BinaryProtoPayloadConverter(),
        JSONPlainPayloadConverter(),
    )

    def __init__(self) -> None:
        """Make one."""
        super().__init__(*self.default_encoding_payload_converters)
        # JSON has taken every message before: asking the second one costs each value some time.
        self._order = tuple(each for each in self._order if not isinstance(each, BinaryProtoPayloadConverter))
        last = self._order[-1]
        if self.default_encoding_payload_converters is DefaultPayloadConverter.default_encoding_payload_converters:
            self._known = dict.fromkeys((str, int, float, bool, dict, list, tuple), last.to_payload)


PayloadConverter.default = DefaultPayloadConverter()


class _Wanting(WithSerializationContext):
    """Stands for something that is to be told of contexts."""

    def with_context(self, context: SerializationContext) -> Self:
        return self


class _Adapted(PayloadConverter, WithSerializationContext):
    """A payload converter that somebody wrote from the ground up, between payloads of the log."""

    def __init__(self, inner: PayloadConverter) -> None:
        self._inner = inner

    def with_context(self, context: SerializationContext) -> Self:
        return type(self)(in_context(self._inner, context))

    def parts_for_context(self) -> Iterable[object]:
        return [self._inner]

    def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
        if transfers:
            found = [converter_of(value.__class__) for value in values]
            pairs = zip(values, found, strict=True)
            values = [value if transfer is None else transfer.to_transfer_type(value) for value, transfer in pairs]
        return [plain(payload) for payload in self._inner.to_payloads(values)]

    def from_payloads(self, payloads: Sequence[Payload], type_hints: Sequence[Any] | None = None) -> list[Any]:
        hints = None if type_hints is None else list(type_hints)
        found = [] if hints is None or not transfers else [transfer_of(hint) for hint in hints]
        if hints is not None and any(found):
            pairs = zip(hints, found, strict=True)
            read_as = [hint if transfer is None else transfer.read_as for hint, transfer in pairs]
            values = self._inner.from_payloads([shown(payload) for payload in payloads], read_as)
            for index, transfer in enumerate(found[: len(values)]):
                if transfer is not None:
                    values[index] = transfer.read(values[index])
            return values
        return self._inner.from_payloads([shown(payload) for payload in payloads], hints)


def adapted(converter: PayloadConverter) -> PayloadConverter:
    """A converter that takes and makes payloads of the log."""
    return converter if isinstance(converter, CompositePayloadConverter) else _Adapted(converter)
