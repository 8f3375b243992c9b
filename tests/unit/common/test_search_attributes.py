"""Search attributes: keys, values, what fits which type, and what it looks like in the log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from foldlog.common import (
    Priority,
    SearchAttributeIndexedValueType,
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
)
from foldlog.converter import decode_search_attributes, decode_typed_search_attributes, encode_search_attributes
from foldlog.exceptions import ConfigurationError
from foldlog.schemas.common import Priority as PriorityRecord

NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)
VALUES: list[tuple[SearchAttributeKey[Any], Any, bytes]] = [
    (SearchAttributeKey.for_text("text"), "two words", b"Text"),
    (SearchAttributeKey.for_keyword("keyword"), "one", b"Keyword"),
    (SearchAttributeKey.for_int("int"), 7, b"Int"),
    (SearchAttributeKey.for_float("float"), 1.5, b"Double"),
    (SearchAttributeKey.for_bool("bool"), True, b"Bool"),
    (SearchAttributeKey.for_datetime("time"), NOW, b"Datetime"),
    (SearchAttributeKey.for_keyword_list("list"), ["a", "b"], b"KeywordList"),
]


def test_values_of_each_type_come_back() -> None:
    attributes = TypedSearchAttributes([SearchAttributePair(key, value) for key, value, _ in VALUES])
    encoded = encode_search_attributes(attributes)
    assert {name: payload.metadata["type"] for name, payload in encoded.items()} == {
        key.name: name for key, _, name in VALUES
    }
    assert decode_typed_search_attributes(encoded) == attributes
    assert decode_search_attributes(encoded)["list"] == ["a", "b"]
    assert decode_search_attributes(encoded)["int"] == [7]


def test_a_whole_number_is_a_number() -> None:
    key = SearchAttributeKey.for_float("float")
    encoded = encode_search_attributes(TypedSearchAttributes([SearchAttributePair(key, 2)]))
    value = decode_typed_search_attributes(encoded)[key]
    assert (value, type(value)) == (2.0, float)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (SearchAttributeKey.for_int("a"), "1"),
        (SearchAttributeKey.for_int("a"), True),
        (SearchAttributeKey.for_float("a"), False),
        (SearchAttributeKey.for_keyword("a"), 1),
        (SearchAttributeKey.for_keyword_list("a"), "text"),
        (SearchAttributeKey.for_keyword_list("a"), ["text", 1]),
        (SearchAttributeKey.for_datetime("a"), "2026-08-01"),
    ],
)
def test_a_value_of_another_type_is_refused(key: SearchAttributeKey[Any], value: Any) -> None:
    with pytest.raises(TypeError, match="search attribute 'a'"):
        encode_search_attributes(TypedSearchAttributes([SearchAttributePair(key, value)]))


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1])
def test_a_whole_number_beyond_64_bits_is_refused(value: int) -> None:
    key = SearchAttributeKey.for_int("a")
    with pytest.raises(ValueError, match=r"search attribute 'a'.*64 bits"):
        encode_search_attributes(TypedSearchAttributes([SearchAttributePair(key, value)]))
    assert encode_search_attributes(TypedSearchAttributes([SearchAttributePair(key, 2**63 - 1)]))


@pytest.mark.parametrize("values", ["text", [1, "a"], [b"x"], [1, 2]])
def test_untyped_values_that_cannot_be_are_refused(values: Any) -> None:
    with pytest.raises(TypeError, match="search attribute 'a'"):
        encode_search_attributes({"a": values})


def test_untyped_values_tell_their_type() -> None:
    encoded = encode_search_attributes({"a": ["x"], "b": ["x", "y"], "c": [True], "d": [1.0], "e": [NOW]})
    types = {name: payload.metadata["type"] for name, payload in encoded.items()}
    assert types == {"a": b"Keyword", "b": b"KeywordList", "c": b"Bool", "d": b"Double", "e": b"Datetime"}


def test_collections_are_sorted_and_have_each_name_once() -> None:
    b, a = SearchAttributeKey.for_int("b"), SearchAttributeKey.for_int("a")
    attributes = TypedSearchAttributes([SearchAttributePair(b, 2), SearchAttributePair(a, 1)])
    assert [pair.key.name for pair in attributes] == ["a", "b"]
    as_text: Any = SearchAttributeKey.for_text("a")
    known: Any = a
    assert (len(attributes), known in attributes, attributes[b], attributes.get(a)) == (2, True, 2, 1)
    assert as_text not in attributes
    assert attributes.get(as_text) is None
    assert attributes.get(as_text, "default") == "default"
    with pytest.raises(KeyError, match="a"):
        attributes[as_text]
    assert attributes.updated(SearchAttributePair(a, 5))[a] == 5
    with pytest.raises(ValueError, match=r"Duplicate.*a"):
        TypedSearchAttributes([SearchAttributePair(a, 1), SearchAttributePair(as_text, "x")])
    assert len(TypedSearchAttributes.empty) == 0


def test_keys_know_their_types() -> None:
    key = SearchAttributeKey.for_keyword_list("list")
    assert key.indexed_value_type is SearchAttributeIndexedValueType.KEYWORD_LIST
    assert isinstance(["a"], key.origin_value_type)
    assert (key.value_set(["a"]).value, key.value_unset().value) == (["a"], None)


def test_priorities() -> None:
    priority = Priority(priority_key=1, fairness_key="tenant", fairness_weight=2.0)
    assert Priority.from_record(priority.to_record()) == priority
    assert Priority.from_record(None) == Priority.from_record(PriorityRecord()) == Priority.default == Priority()
    wrong: list[dict[str, Any]] = [{"priority_key": 0}, {"priority_key": "1"}, {"fairness_key": "x" * 65}]
    for given in [*wrong, {"fairness_weight": 0}]:
        with pytest.raises(ConfigurationError, match="Priority"):
            Priority(**given)
