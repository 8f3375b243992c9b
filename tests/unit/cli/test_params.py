"""How values are written on the command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click
import pytest
from foldlog.cli._params import duration, json_by_name, json_values, not_empty, search_attributes

CONTEXT = click.Context(click.Command("test"))
PARAM = click.Option(["--test"])


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90.0), ("1.5", 1.5), ("500ms", 0.5), ("90s", 90.0), ("5m", 300.0), ("2h", 7200.0), ("7d", 604800.0)],
)
def test_time_spans(text: str, seconds: float) -> None:
    assert duration(CONTEXT, PARAM, text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "x", "-5", "5 weeks", "1e3", "m"])
def test_what_is_no_time_span_says_how_one_is_written(text: str) -> None:
    with pytest.raises(click.BadParameter, match="500ms, 90s, 5m, 2h, 7d"):
        duration(CONTEXT, PARAM, text)


def test_a_time_span_beyond_what_can_be_counted_is_refused() -> None:
    with pytest.raises(click.BadParameter, match="leave the option out"):
        duration(CONTEXT, PARAM, "99999999999999d")


def test_an_empty_name_is_refused_and_none_stays_none() -> None:
    with pytest.raises(click.BadParameter, match="must not be empty"):
        not_empty(CONTEXT, PARAM, "")
    assert not_empty(CONTEXT, PARAM, "order-1") == "order-1"
    assert not_empty(CONTEXT, PARAM, None) is None


def test_no_time_span_stays_none() -> None:
    assert duration(CONTEXT, PARAM, None) is None


def test_json_values_keep_their_order_and_types() -> None:
    assert json_values(CONTEXT, PARAM, ['{"a": [1, null]}', '"text"', "3"]) == [{"a": [1, None]}, "text", 3]


def test_a_bare_word_is_no_json_and_the_message_shows_the_quotes() -> None:
    with pytest.raises(click.BadParameter, match="'\"text\"'"):
        json_values(CONTEXT, PARAM, ["text"])


def test_json_by_name() -> None:
    assert json_by_name(CONTEXT, PARAM, ["a=1", 'b="x=y"']) == {"a": 1, "b": "x=y"}
    with pytest.raises(click.BadParameter, match="not written NAME=JSON"):
        json_by_name(CONTEXT, PARAM, ["1"])


def test_search_attributes_have_the_type_of_their_json_or_the_one_that_is_written() -> None:
    texts = ['city="Bonn"', "count=3", 'tags=["a"]', 'note:Text="two words"', 'at:datetime="2026-08-01T12:00:00Z"']
    found = {
        pair.key.name: (pair.key.indexed_value_type.name, pair.value)
        for pair in search_attributes(CONTEXT, PARAM, texts)
    }
    assert found == {
        "city": ("KEYWORD", "Bonn"),
        "count": ("INT", 3),
        "tags": ("KEYWORD_LIST", ["a"]),
        "note": ("TEXT", "two words"),
        "at": ("DATETIME", datetime(2026, 8, 1, 12, tzinfo=UTC)),
    }


@pytest.mark.parametrize("text", ["a", "a=x", "a=null", "a:Colour=1", 'a:Int="x"', 'a:Datetime="noon"', "a=[1, 2]"])
def test_what_is_no_search_attribute(text: str) -> None:
    with pytest.raises(click.BadParameter):
        search_attributes(CONTEXT, PARAM, [text])
