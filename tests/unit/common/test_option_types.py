"""Options of a wrong type are named, with the type that they must have, before anything stumbles over them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

import pytest
from foldlog._option_types import check_arguments, check_option
from foldlog.exceptions import ConfigurationError


class Colour(Enum):
    RED = 1
    BLUE = 2


class Speaks(Protocol):
    def speak(self) -> str: ...


class Dog:
    def speak(self) -> str:
        return "wuff"


FITS: list[tuple[Any, Any]] = [
    ("text", str),
    (5, int),
    (5, float),
    (0.5, float),
    (True, bool),
    (None, str | None),
    (timedelta(seconds=1), timedelta | None),
    ([int, str], Sequence[type]),
    ((), Sequence[type]),
    ({print}, Iterable[Callable[..., Any]]),
    (iter(["not", "looked", "at"]), Sequence[int]),
    ({"a": "b"}, Mapping[str, str] | Iterable[str]),
    (print, Callable[[int], Awaitable[None]]),
    (Path("x"), str | Path),
    (Colour.RED, Colour),
    (Dog(), Speaks),
    (object(), Any),
    (ValueError, type[BaseException]),
]
DOES_NOT: list[tuple[Any, Any, str]] = [
    (5, str, "a str, not 5"),
    ("5", int, "a whole number, not '5'"),
    (True, int, "a whole number, not True"),
    (1.5, int, "a whole number, not 1.5"),
    (False, float | None, "a number or None, not False"),
    (1, bool, "True or False, not 1"),
    (None, str, "a str, not None"),
    (5, timedelta, "a timedelta (as in timedelta(seconds=30)), not 5"),
    ("abc", Sequence[str], "a list, with a str for each element, not 'abc'"),
    ({"a": 1}, Sequence[str], "a list, with a str for each element, not {'a': 1}"),
    ([print, 5], Sequence[Callable[..., Any]], "a list, with a function for each element, not [<built-in function"),
    (["a"], Sequence[type], "a list, with a class for each element, not ['a']"),
    (["a"], Mapping[str, str], "a mapping, not ['a']"),
    (5, Callable[..., Any], "a function, not 5"),
    ("RED", Colour, "one of Colour.RED, Colour.BLUE, not 'RED'"),
    (5, Executor | None, "an Executor or None, not 5"),
    (5, Speaks, "a Speaks, not 5"),
    ("ValueError", type[BaseException], "a class, not 'ValueError'"),
    ("x" * 500, int, "…"),
]


@pytest.mark.parametrize(("value", "hint"), FITS)
def test_what_fits(value: Any, hint: Any) -> None:
    check_option("option", value, hint)


@pytest.mark.parametrize(("value", "hint", "message"), DOES_NOT)
def test_what_does_not(value: Any, hint: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        check_option("colour", value, hint)
    assert str(raised.value).startswith("colour must be ")
    assert message in str(raised.value)
    assert len(str(raised.value)) < 200
    assert raised.value.option == "colour"


UNLIMITED: Any = object()


def configure(first: str, *, executor: Executor | None = None, limit: int = UNLIMITED, **rest: Any) -> None:
    """A function with options, one with a default that is not of its type."""


def test_arguments_are_checked_by_name_and_defaults_are_not() -> None:
    with ThreadPoolExecutor(1) as executor:
        check_arguments(configure, {"first": "a", "executor": executor, "limit": UNLIMITED, "other": 5, "rest": 7})
    with pytest.raises(ConfigurationError, match="executor must be an Executor or None"):
        check_arguments(configure, {"first": "a", "executor": "threads"})


def late(option: Ledger | None = None) -> None:  # type: ignore[name-defined]  # noqa: F821
    """A function whose annotation its module does not know."""


def test_a_name_that_only_type_checkers_know_is_imported_when_it_is_needed() -> None:
    check_arguments(late, {"option": None}, Ledger="no.such.module")
    with pytest.raises(ConfigurationError, match="option must be a Ledger or None"):
        check_arguments(late, {"option": 5}, Ledger="examples.order.ledger")
