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


@activity.defn(name="first")
def first_of_another_version() -> None: ...


def test_each_version_has_its_own_and_for_the_rest_those_of_the_worker() -> None:
    registry = Registry(
        [first, Shop().sell], version="shop.2", earlier={"shop.1": [first_of_another_version], "shop.0": []}
    )
    assert len(registry) == 2
    assert registry.versions == ["shop.2", "shop.1", "shop.0"]
    assert [registry.find("first", version).function for version in ("", "shop.2", "shop.1", "shop.0")] == [
        first,
        first,
        first_of_another_version,
        first,
    ]
    assert registry.has("sell", "shop.1")
    assert {each.name for each in registry.sync} == {"first", "sell"}


def test_a_version_that_is_not_there_is_named() -> None:
    registry = Registry([first], version="shop.2", earlier={"shop.1": []})
    assert not registry.hosts("shop.3")
    assert not registry.has("first", "shop.3")
    message = "of version shop.3 is not registered on this worker, which has the versions shop.2, shop.1"
    with pytest.raises(ApplicationError, match=message):
        registry.find("first", "shop.3")


@pytest.mark.parametrize("own", ["", "till.9"])
def test_versions_of_other_deployments_mean_nothing(own: str) -> None:
    registry = Registry([first], version=own)
    assert registry.hosts("shop.3")
    assert registry.find("first", "shop.3").function is first
    assert registry.missing("second", "shop.3").startswith("Activity function second is not registered on this worker")


def test_a_dynamic_one_of_an_earlier_version_is_for_all_names_that_are_not_listed() -> None:
    registry = Registry([first, Shop().sell], version="shop.2", earlier={"shop.1": [anything]})
    assert registry.find("sell", "shop.1").dynamic
    assert not registry.find("sell", "shop.2").dynamic


def test_a_worker_must_not_have_activities_of_earlier_versions_alone() -> None:
    with pytest.raises(ConfigurationError, match="the worker has none of its own"):
        Registry([], version="shop.2", earlier={"shop.1": [first]})
    assert len(Registry([], version="shop.2", earlier={"shop.1": []})) == 0
