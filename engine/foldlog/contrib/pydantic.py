"""A data converter that leaves JSON to pydantic, for programs whose values are pydantic's throughout.

The default converter knows pydantic's models too, and is faster for everything else. This one writes and reads exactly
as pydantic does, with its leniency: text becomes a number where a number is wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from foldlog.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultPayloadConverter,
    EncodingPayloadConverter,
    JSONPlainPayloadConverter,
)
from foldlog.exceptions import PayloadConversionError
from foldlog.schemas.common import Payload
from pydantic import PydanticUserError, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, SchemaSerializer, to_json
from pydantic_core.core_schema import any_schema

__all__ = [
    "PydanticJSONPlainPayloadConverter",
    "PydanticPayloadConverter",
    "ToJsonOptions",
    "pydantic_data_converter",
]


@dataclass
class ToJsonOptions:
    """How pydantic writes JSON."""

    exclude_unset: bool = False
    """Whether fields that were never set are left out."""


class PydanticJSONPlainPayloadConverter(EncodingPayloadConverter):
    """All that pydantic can write and read, as `json/plain`."""

    def __init__(
        self, to_json_options: ToJsonOptions | None = None, *, max_cached_type_adapters: int | None = 1024
    ) -> None:
        """Make one.

        Args:
            to_json_options: How to write; None: as pydantic does by default.
            max_cached_type_adapters: Readers that are kept, one for each type hint; None: all.

        Raises:
            ValueError: It is a negative number of readers.
        """
        if max_cached_type_adapters is not None and max_cached_type_adapters < 0:
            raise ValueError(f"max_cached_type_adapters must not be negative: {max_cached_type_adapters}")
        self._options = to_json_options
        self._maximum = max_cached_type_adapters
        self._prepare()

    def _prepare(self) -> None:
        self._serializer = SchemaSerializer(any_schema())
        self._adapter: Callable[[Any], TypeAdapter[Any]] = lru_cache(maxsize=self._maximum)(TypeAdapter)

    def __getstate__(self) -> dict[str, Any]:
        return {"_options": self._options, "_maximum": self._maximum}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._prepare()

    @property
    def encoding(self) -> str:
        """See base class."""
        return "json/plain"

    def to_payload(self, value: Any) -> Payload | None:
        """See base class."""
        try:
            if self._options is None:
                data = to_json(value)
            else:
                data = self._serializer.to_json(value, exclude_unset=self._options.exclude_unset)
        except (PydanticSerializationError, ValueError, TypeError) as error:
            raise PayloadConversionError(str(error)) from error
        return Payload(encoding="json/plain", data=data)

    def from_payload(self, payload: Payload, type_hint: Any = None) -> Any:
        """See base class."""
        hint = Any if type_hint is None else type_hint
        try:
            return self._adapter_of(hint).validate_json(payload.data)
        except (ValidationError, PydanticUserError, NameError) as error:
            raise PayloadConversionError(str(error)) from error

    def _adapter_of(self, hint: Any) -> TypeAdapter[Any]:
        try:
            hash(hint)
        except TypeError:
            return TypeAdapter(hint)
        return self._adapter(hint)


class PydanticPayloadConverter(CompositePayloadConverter):
    """The default encodings, with pydantic in the place of msgspec."""

    def __init__(
        self, to_json_options: ToJsonOptions | None = None, *, max_cached_type_adapters: int | None = 1024
    ) -> None:
        """Make one; see `PydanticJSONPlainPayloadConverter`."""
        by_pydantic = PydanticJSONPlainPayloadConverter(
            to_json_options, max_cached_type_adapters=max_cached_type_adapters
        )
        super().__init__(
            *(
                by_pydantic if isinstance(converter, JSONPlainPayloadConverter) else converter
                for converter in DefaultPayloadConverter.default_encoding_payload_converters
            )
        )


pydantic_data_converter = DataConverter(payload_converter_class=PydanticPayloadConverter)
"""For `Client.connect(data_converter=…)`."""
