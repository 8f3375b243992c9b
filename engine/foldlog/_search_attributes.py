"""Typed fields by which workflows are found: keys, values, updates. Names and meanings follow `temporalio.common`.

Public through `foldlog.common`. How they look in the log is `foldlog.converter._search_attributes`'s.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from itertools import pairwise
from typing import Any, ClassVar, Generic, NamedTuple, TypeAlias, TypeVar, cast, get_origin, overload

Default = TypeVar("Default")
SearchAttributeValues: TypeAlias = list[str] | list[int] | list[float] | list[bool] | list[datetime]
"""The values of one attribute where its type is not given."""
SearchAttributes: TypeAlias = Mapping[str, SearchAttributeValues]
"""Attributes without types. Deprecated: use `TypedSearchAttributes`."""
SearchAttributeValue: TypeAlias = str | int | float | bool | datetime | Sequence[str]
SearchAttributeValueType = TypeVar("SearchAttributeValueType", str, int, float, bool, datetime, Sequence[str])


class SearchAttributeIndexedValueType(IntEnum):
    """How an attribute is searched. Numbers are Temporal's."""

    TEXT = 1
    """By words."""
    KEYWORD = 2
    """As a whole."""
    INT = 3
    DOUBLE = 4
    BOOL = 5
    DATETIME = 6
    KEYWORD_LIST = 7
    """By each of several keywords."""


METADATA_TYPES = {
    SearchAttributeIndexedValueType.TEXT: "Text",
    SearchAttributeIndexedValueType.KEYWORD: "Keyword",
    SearchAttributeIndexedValueType.INT: "Int",
    SearchAttributeIndexedValueType.DOUBLE: "Double",
    SearchAttributeIndexedValueType.BOOL: "Bool",
    SearchAttributeIndexedValueType.DATETIME: "Datetime",
    SearchAttributeIndexedValueType.KEYWORD_LIST: "KeywordList",
}
"""What the metadata `type` of a payload says."""

_VALUE_TYPES: dict[SearchAttributeIndexedValueType, Any] = {
    SearchAttributeIndexedValueType.TEXT: str,
    SearchAttributeIndexedValueType.KEYWORD: str,
    SearchAttributeIndexedValueType.INT: int,
    SearchAttributeIndexedValueType.DOUBLE: float,
    SearchAttributeIndexedValueType.BOOL: bool,
    SearchAttributeIndexedValueType.DATETIME: datetime,
    SearchAttributeIndexedValueType.KEYWORD_LIST: Sequence[str],
}


@dataclass(frozen=True)
class SearchAttributeKey(Generic[SearchAttributeValueType]):
    """Name and type of an attribute. Make one with the `for_…` methods."""

    name: str
    indexed_value_type: SearchAttributeIndexedValueType

    @property
    def value_type(self) -> type[SearchAttributeValueType]:
        """The Python type of its values; `Sequence[str]` for a keyword list."""
        return cast(type[SearchAttributeValueType], _VALUE_TYPES[self.indexed_value_type])

    @property
    def origin_value_type(self) -> type:
        """The same without type arguments, for `isinstance`."""
        return get_origin(self.value_type) or self.value_type

    def value_set(self, value: SearchAttributeValueType) -> SearchAttributeUpdate[SearchAttributeValueType]:
        """An update that sets it."""
        return SearchAttributeUpdate(self, value)

    def value_unset(self) -> SearchAttributeUpdate[SearchAttributeValueType]:
        """An update that removes it."""
        return SearchAttributeUpdate(self, None)

    @staticmethod
    def for_text(name: str) -> SearchAttributeKey[str]:
        """A text, found by its words."""
        return SearchAttributeKey(name, SearchAttributeIndexedValueType.TEXT)

    @staticmethod
    def for_keyword(name: str) -> SearchAttributeKey[str]:
        """A text, found as a whole."""
        return SearchAttributeKey(name, SearchAttributeIndexedValueType.KEYWORD)

    @staticmethod
    def for_int(name: str) -> SearchAttributeKey[int]:
        """A whole number."""
        return SearchAttributeKey(name, SearchAttributeIndexedValueType.INT)

    @staticmethod
    def for_float(name: str) -> SearchAttributeKey[float]:
        """A number."""
        return SearchAttributeKey(name, SearchAttributeIndexedValueType.DOUBLE)

    @staticmethod
    def for_bool(name: str) -> SearchAttributeKey[bool]:
        """True or false."""
        return SearchAttributeKey(name, SearchAttributeIndexedValueType.BOOL)

    @staticmethod
    def for_datetime(name: str) -> SearchAttributeKey[datetime]:
        """A time; it must have a time zone."""
        return SearchAttributeKey(name, SearchAttributeIndexedValueType.DATETIME)

    @staticmethod
    def for_keyword_list(name: str) -> SearchAttributeKey[Sequence[str]]:
        """Several texts, each found as a whole."""
        return SearchAttributeKey(name, SearchAttributeIndexedValueType.KEYWORD_LIST)


@dataclass(frozen=True)
class SearchAttributeUpdate(Generic[SearchAttributeValueType]):
    """A change of one attribute. Make one with `SearchAttributeKey.value_set` or `value_unset`."""

    key: SearchAttributeKey[SearchAttributeValueType]
    value: SearchAttributeValueType | None
    """None removes it."""


class SearchAttributePair(NamedTuple, Generic[SearchAttributeValueType]):
    """An attribute and its value."""

    key: SearchAttributeKey[SearchAttributeValueType]
    value: SearchAttributeValueType


@dataclass(frozen=True)
class TypedSearchAttributes(Collection[SearchAttributePair[Any]]):
    """Attributes with their values. Never changes; `updated` makes another one.

    Raises:
        ValueError: A name is there twice.
    """

    search_attributes: Sequence[SearchAttributePair[Any]]
    """The pairs, sorted by name. Do not change it."""

    empty: ClassVar[TypedSearchAttributes]
    """No attributes."""

    def __post_init__(self) -> None:
        pairs = sorted(self.search_attributes, key=lambda pair: pair.key.name)
        object.__setattr__(self, "search_attributes", pairs)
        for one, other in pairwise(pairs):
            if one.key.name == other.key.name:
                raise ValueError(f"Duplicate search attribute entries found for key {one.key.name}")

    def __len__(self) -> int:
        """How many there are."""
        return len(self.search_attributes)

    def __iter__(self) -> Iterator[SearchAttributePair[Any]]:
        """The pairs, by name."""
        return iter(self.search_attributes)

    def __contains__(self, key: object) -> bool:
        """Whether there is an attribute of this name and type."""
        return any(pair.key == key for pair in self.search_attributes)

    def __getitem__(self, key: SearchAttributeKey[SearchAttributeValueType]) -> SearchAttributeValueType:
        """A value.

        Raises:
            KeyError: There is no attribute of this name and type.
        """
        for pair in self.search_attributes:
            if pair.key == key:
                return cast(SearchAttributeValueType, pair.value)
        raise KeyError(key.name)

    @overload
    def get(self, key: SearchAttributeKey[SearchAttributeValueType]) -> SearchAttributeValueType | None: ...
    @overload
    def get(
        self, key: SearchAttributeKey[SearchAttributeValueType], default: Default
    ) -> SearchAttributeValueType | Default: ...
    def get(self, key: SearchAttributeKey[SearchAttributeValueType], default: Any = None) -> Any:
        """A value, or `default` if there is no attribute of this name and type."""
        try:
            return self[key]
        except KeyError:
            return default

    def updated(self, *search_attributes: SearchAttributePair[Any]) -> TypedSearchAttributes:
        """These, with others in the place of those of the same name."""
        pairs = {pair.key.name: pair for pair in self.search_attributes}
        pairs.update((pair.key.name, pair) for pair in search_attributes)
        return TypedSearchAttributes(list(pairs.values()))


TypedSearchAttributes.empty = TypedSearchAttributes([])


def guessed_key(name: str, values: SearchAttributeValues) -> SearchAttributeKey[Any] | None:
    """The key that values without a type most likely have; None if nothing can be said."""
    if not values:
        return None
    first = values[0]
    if isinstance(first, str):
        return SearchAttributeKey.for_keyword_list(name) if len(values) > 1 else SearchAttributeKey.for_keyword(name)
    if len(values) > 1:
        return None
    if isinstance(first, bool):
        return SearchAttributeKey.for_bool(name)
    if isinstance(first, int):
        return SearchAttributeKey.for_int(name)
    if isinstance(first, float):
        return SearchAttributeKey.for_float(name)
    return SearchAttributeKey.for_datetime(name) if isinstance(first, datetime) else None


def warn_of_untyped(attributes: object) -> None:
    """Say that attributes without types are deprecated; to be called by the public function that takes them."""
    if attributes and isinstance(attributes, Mapping):
        message = "search attributes as a dictionary are deprecated: use TypedSearchAttributes"
        warnings.warn(message, DeprecationWarning, stacklevel=3)
