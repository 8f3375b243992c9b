"""Search attributes to what is in the log, and back.

They are written by the default converter and no codec, whatever the values of a workflow are written by: lists and
read models must be able to read them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from foldlog._search_attributes import (
    METADATA_TYPES,
    SearchAttributeIndexedValueType,
    SearchAttributeKey,
    SearchAttributePair,
    SearchAttributes,
    SearchAttributeUpdate,
    SearchAttributeValues,
    TypedSearchAttributes,
    guessed_key,
)
from foldlog.converter._payload import DefaultPayloadConverter
from foldlog.schemas.common import Payload

_CONVERTER = DefaultPayloadConverter()
_TYPE = "type"
_INDEXED_TYPES = {name: kind for kind, name in METADATA_TYPES.items()}
_LIST = SearchAttributeIndexedValueType.KEYWORD_LIST


def removal() -> Payload:
    """A payload that removes what is there."""
    return _CONVERTER.to_payload(None)


def encode_search_attributes(attributes: SearchAttributes | TypedSearchAttributes | None) -> dict[str, Payload]:
    """Attributes as they are written.

    Raises:
        TypeError: A value is not of its attribute's type, or values without a type are no list of one type.
        ValueError: A time has no time zone, or a whole number does not fit into 64 bits.
    """
    if not attributes:
        return {}
    if isinstance(attributes, TypedSearchAttributes):
        return {key.name: encode_typed_value(key, value) for key, value in attributes}
    return {name: encode_untyped_values(name, values) for name, values in attributes.items()}


def encode_search_attribute_updates(
    updates: SearchAttributes | Sequence[SearchAttributeUpdate[Any]],
) -> dict[str, Payload]:
    """Changes as they are written. Raises what `encode_search_attributes` does."""
    if isinstance(updates, Mapping):
        return {name: encode_untyped_values(name, values) for name, values in updates.items()}
    return {update.key.name: encode_typed_value(update.key, update.value) for update in updates}


def encode_typed_value(key: SearchAttributeKey[Any], value: Any) -> Payload:
    """One value; None: what removes it. Raises what `encode_search_attributes` does."""
    if value is None:
        return removal()
    _require_type(key, value)
    return _payload(key, value.isoformat() if isinstance(value, datetime) else value)


def _require_type(key: SearchAttributeKey[Any], value: Any) -> None:
    kind = key.indexed_value_type
    wanted: Any = (int, float) if kind is SearchAttributeIndexedValueType.DOUBLE else key.origin_value_type
    fits = isinstance(value, wanted)
    if kind in (SearchAttributeIndexedValueType.INT, SearchAttributeIndexedValueType.DOUBLE):
        fits = fits and not isinstance(value, bool)
    elif kind is _LIST:
        fits = fits and not isinstance(value, str)
    if not fits:
        raise TypeError(
            f"search attribute {key.name!r} is of type {METADATA_TYPES[kind]}, which {value!r} "
            f"({type(value).__name__}) does not fit"
        )
    if kind is _LIST and not all(isinstance(item, str) for item in value):
        raise TypeError(f"search attribute {key.name!r}: all values of a keyword list must be strings")
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ValueError(f"search attribute {key.name!r}: a time must have a time zone")
    if kind is SearchAttributeIndexedValueType.INT and not -(2**63) <= value < 2**63:
        raise ValueError(f"search attribute {key.name!r}: a whole number must fit into 64 bits, and {value} does not")


def encode_untyped_values(name: str, values: SearchAttributeValues) -> Payload:
    """Values whose type is told by themselves; none of them: what removes the attribute."""
    if not isinstance(values, list):
        raise TypeError(f"search attribute {name!r}: values must be a list, not {type(values).__name__}")
    for value in values:
        if not isinstance(value, str | int | float | datetime):
            raise TypeError(
                f"search attribute {name!r}: a value of type {type(value).__name__} is not one of str, int, float, "
                "bool, datetime"
            )
        if type(value) is not type(values[0]):
            raise TypeError(f"search attribute {name!r}: all values must be of one type")
    if not values:
        return removal()
    key = guessed_key(name, values)
    if key is None:
        raise TypeError(f"search attribute {name!r}: only strings may be several")
    return encode_typed_value(key, values if key.indexed_value_type is _LIST else values[0])


def _payload(key: SearchAttributeKey[Any], value: Any) -> Payload:
    payload = _CONVERTER.to_payload(list(value) if key.indexed_value_type is _LIST else value)
    payload.metadata = {**payload.metadata, _TYPE: METADATA_TYPES[key.indexed_value_type].encode()}
    return payload


def decode_typed_search_attributes(attributes: Mapping[str, Payload]) -> TypedSearchAttributes:
    """Attributes as they are read. What has no type, or a value that does not fit it, is left out."""
    pairs = []
    for name, payload in attributes.items():
        kind = _INDEXED_TYPES.get(payload.metadata.get(_TYPE, b"").decode(errors="replace"))
        if kind is None:
            continue
        key: SearchAttributeKey[Any] = SearchAttributeKey(name, kind)
        try:
            value = _value(payload, kind)
            _require_type(key, value)
        except Exception:
            # Any program can write attributes; one that cannot be read must not hide the others.
            continue
        pairs.append(SearchAttributePair(key, value))
    return TypedSearchAttributes(pairs)


def decode_search_attributes(attributes: Mapping[str, Payload]) -> SearchAttributes:
    """Attributes as they are read, each as a list of values."""
    decoded: dict[str, Any] = {}
    for key, value in decode_typed_search_attributes(attributes):
        decoded[key.name] = list(value) if key.indexed_value_type is _LIST else [value]
    return decoded


def _value(payload: Payload, kind: SearchAttributeIndexedValueType) -> Any:
    value = _CONVERTER.from_payload(payload)
    if isinstance(value, list) and kind is not _LIST:
        (value,) = value
    if kind is SearchAttributeIndexedValueType.DATETIME:
        return datetime.fromisoformat(value)
    return float(value) if kind is SearchAttributeIndexedValueType.DOUBLE and type(value) is int else value
