"""Memo, search attributes and details of a running workflow: what its code sees, and what the log does."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from foldlog import workflow
from foldlog.common import Priority, SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from foldlog.converter import decode_typed_search_attributes, encode_search_attributes
from foldlog.core.views import description, visibility_row
from foldlog.schemas import event
from foldlog.schemas.common import WorkflowOptions

from tests.unit.runtime.chaining import CONVERTER, REPLY, Chain
from tests.unit.runtime.driver import Driver

CITY = SearchAttributeKey.for_keyword("city")
COUNT = SearchAttributeKey.for_int("count")
SINCE = SearchAttributeKey.for_datetime("since")


@workflow.defn
class Changes:
    @workflow.run
    async def run(self) -> list[Any]:
        info = workflow.info()
        seen: list[Any] = [dict(workflow.memo()), [pair.key.name for pair in info.typed_search_attributes]]
        workflow.upsert_memo({"a": None, "b": [2], "none": None})
        workflow.upsert_search_attributes([COUNT.value_set(3), CITY.value_unset()])
        # Seen at once, also by who has asked before.
        seen += [dict(workflow.memo()), workflow.memo_value("b", type_hint=list), workflow.memo_value("a", "gone")]
        seen += [info.typed_search_attributes.get(CITY), info.typed_search_attributes[COUNT]]
        seen += [list(info.raw_memo), dict(info.search_attributes)]
        await asyncio.sleep(1)
        workflow.upsert_search_attributes([])
        workflow.upsert_memo({})
        return seen


def started_with() -> WorkflowOptions:
    attributes = TypedSearchAttributes([SearchAttributePair(CITY, "Bonn")])
    return WorkflowOptions(search_attributes=encode_search_attributes(attributes))


def test_what_is_changed_is_seen_at_once() -> None:
    chain = Chain(Changes).start(options=started_with(), memo={"a": CONVERTER.to_payload(1)})
    for _ in range(2):
        run = chain.run
        assert {name: CONVERTER.from_payload(value) for name, value in run.memo.items()} == {"b": [2]}
        assert list(decode_typed_search_attributes(run.search_attributes)) == [SearchAttributePair(COUNT, 3)]
        chain.evict()
    chain.sleep(1)
    assert chain.result == [{"a": 1}, ["city"], {"b": [2]}, [2], "gone", None, 3, ["b"], {"count": [3]}]
    assert chain.kinds()[1:3] == ["WorkflowPropertiesModified", "UpsertWorkflowSearchAttributes"]
    assert chain.kinds().count("WorkflowPropertiesModified") == 1


def test_descriptions_and_rows_show_them_as_they_are_now() -> None:
    chain = Chain(Changes).start(options=started_with(), memo={"a": CONVERTER.to_payload(1)})
    shown, row = description(REPLY, chain.run), visibility_row(chain.run, 0)
    assert list(shown.memo) == list(row.memo) == ["b"]
    assert shown.options is not None
    assert list(shown.options.search_attributes) == list(row.search_attributes) == ["count"]
    # A row is written again when they change.
    assert chain.world.outcomes[0].visible.keys() == {("workflow-1", chain.run.run_id)}


def test_a_dictionary_of_lists_still_works() -> None:
    @workflow.defn
    class Old:
        @workflow.run
        async def run(self) -> Any:
            with pytest.warns(DeprecationWarning, match="TypedSearchAttributes"):
                workflow.upsert_search_attributes({"city": ["Oslo"], "count": [1], "tags": ["a", "b"], "gone": []})
            return {pair.key.name: pair.value for pair in workflow.info().typed_search_attributes}

    assert Driver(Old).result == {"city": "Oslo", "count": 1, "tags": ["a", "b"]}


UNTYPED: Any = workflow
"""As programs without types see it."""


def wrong(key: Any, value: Any) -> Any:
    return key.value_set(value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda: workflow.upsert_search_attributes([wrong(COUNT, "x")]), "'count' is of type Int"),
        (lambda: workflow.upsert_search_attributes([SINCE.value_set(datetime(2026, 1, 1))]), "time zone"),
        (lambda: workflow.upsert_memo({"good": 1, "bad": object()}), "object"),
        (lambda: UNTYPED.upsert_memo(5), "updates must be a mapping, not 5"),
        (lambda: UNTYPED.upsert_search_attributes("city"), "attributes must be a mapping or a list, not 'city'"),
        (lambda: UNTYPED.set_current_details(5), "description must be a str, not 5"),
    ],
)
def test_what_cannot_be_written_changes_nothing(change: Any, message: str) -> None:
    @workflow.defn
    class Wrong:
        @workflow.run
        async def run(self) -> list[Any]:
            with pytest.raises(Exception, match=message):
                change()
            return [dict(workflow.memo()), len(workflow.info().typed_search_attributes)]

    driver = Driver(Wrong)
    assert driver.result == [{}, 0]
    assert len(driver.events) == 2


@pytest.mark.parametrize("name", ["memo", "attributes"])
def test_what_is_too_large_stalls_and_says_why(name: str) -> None:
    @workflow.defn
    class Large:
        @workflow.run
        async def run(self) -> None:
            if name == "memo":
                workflow.upsert_memo({"m": "x" * 600_000})
            workflow.upsert_search_attributes([CITY.value_set("x" * 3_000)])

    chain = Chain(Large).start()
    assert chain.run.stalled is not None
    assert ("memo: " if name == "memo" else "search attribute 'city' has") in chain.run.stalled.error


def test_details_are_for_people_and_leave_no_event() -> None:
    @workflow.defn
    class Says:
        @workflow.run
        async def run(self) -> str:
            assert workflow.get_current_details() == ""
            workflow.set_current_details("waiting\nfor godot")
            await asyncio.sleep(1)
            return workflow.get_current_details()

    driver = Driver(Says)
    driver.fire()
    assert driver.result == "waiting\nfor godot"
    assert driver.kinds() == ["StartTimer", "CompleteWorkflow"]


@pytest.mark.parametrize("what", ["memo", "attributes", "details"])
def test_a_query_changes_nothing(what: str) -> None:
    @workflow.defn
    class Asks:
        @workflow.run
        async def run(self) -> None:
            await asyncio.sleep(1)

        @workflow.query
        def change(self, what: str) -> None:
            if what == "memo":
                workflow.upsert_memo({"a": 1})
            elif what == "attributes":
                workflow.upsert_search_attributes([COUNT.value_set(1)])
            else:
                workflow.set_current_details("x")

    with pytest.raises(Exception, match=r"change|set"):
        Driver(Asks).query("change", what)


def test_options_of_the_start_are_known() -> None:
    @workflow.defn
    class Looks:
        @workflow.run
        async def run(self) -> list[Any]:
            info = workflow.info()
            return [
                info.priority == Priority(priority_key=2, fairness_key="tenant"),
                info.cron_schedule,
                info.retry_policy,
                info.typed_search_attributes[SINCE].year,
                info.original_execution_run_id == info.run_id,
            ]

    attributes = TypedSearchAttributes([SearchAttributePair(SINCE, datetime(2020, 1, 1, tzinfo=UTC))])
    options = WorkflowOptions(
        priority=Priority(priority_key=2, fairness_key="tenant").to_record(),
        search_attributes=encode_search_attributes(attributes),
    )
    assert Chain(Looks).start(options=options).result == [True, None, None, 2020, True]


def test_a_foreign_value_hides_no_other() -> None:
    attributes = encode_search_attributes(TypedSearchAttributes([SearchAttributePair(CITY, "Bonn")]))
    attributes["odd"] = CONVERTER.to_payload("no type")
    attributes["broken"] = attributes["city"].__class__(encoding="json/plain", data=b"{", metadata={"type": b"Int"})
    assert list(decode_typed_search_attributes(attributes)) == [SearchAttributePair(CITY, "Bonn")]
    assert isinstance(event.UpsertWorkflowSearchAttributes(search_attributes=attributes).search_attributes, dict)
