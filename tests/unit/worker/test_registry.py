"""Which activities a worker accepts."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from foldlog import activity
from foldlog.common import RawValue
from foldlog.exceptions import ApplicationError, ConfigurationError, DefinitionError
from foldlog.worker.registry import Registry


@activity.defn
async def first() -> None: ...


@activity.defn(name="first")
def also_first() -> None: ...


@activity.defn(dynamic=True)
async def anything(args: Sequence[RawValue]) -> None: ...


@activity.defn(dynamic=True)
async def everything(args: Sequence[RawValue]) -> None: ...


class Shop:
    @activity.defn
    def sell(self, amount: int) -> int:
        return amount


def test_names_and_kinds() -> None:
    registry = Registry([first, Shop().sell])
    assert registry.names == ["first", "sell"]
    assert [one.name for one in registry.sync] == ["sell"]
    assert registry.find("sell").arg_types == (int,)
    assert registry.has("first")
    assert not registry.has("other")


def test_the_dynamic_one_takes_all_other_names() -> None:
    registry = Registry([first, anything])
    assert registry.has("other")
    assert registry.find("other").dynamic
    assert not registry.find("first").dynamic


def test_unknown_names_may_be_retried() -> None:
    with pytest.raises(ApplicationError, match="available activities: first") as caught:
        Registry([first]).find("other")
    assert not caught.value.non_retryable


@pytest.mark.parametrize(
    ("activities", "message"),
    [
        ([first, also_first], "more than one activity is named first"),
        ([anything, everything], "two activities are dynamic"),
        ([Shop.sell], "is a class instead of an instance, or a method of a class"),
    ],
)
def test_refused(activities: Sequence[object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Registry(activities)  # type: ignore[arg-type]  # callables all of them


def test_undecorated_functions_are_refused() -> None:
    with pytest.raises(DefinitionError, match=r"activity\.defn"):
        Registry([lambda: None])
