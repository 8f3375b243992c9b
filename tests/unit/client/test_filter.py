"""List filters: which rows they give, and what is said of filters that cannot be read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from foldlog.client import (
    Client,
    CountWorkflowsInput,
    Interceptor,
    ListWorkflowsInput,
    OutboundInterceptor,
    WorkflowExecution,
    WorkflowExecutionCount,
    WorkflowExecutionCountAggregationGroup,
)
from foldlog.client._filter import parse
from foldlog.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from foldlog.converter import encode_search_attributes
from foldlog.exceptions import InvalidArgumentError
from foldlog.schemas.visibility import WorkflowVisibility

from .test_client import accepted, client_with

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
ATTRIBUTES = TypedSearchAttributes(
    [
        SearchAttributePair(SearchAttributeKey.for_keyword("city"), "Bonn"),
        SearchAttributePair(SearchAttributeKey.for_int("items"), 3),
        SearchAttributePair(SearchAttributeKey.for_float("price"), 2.5),
        SearchAttributePair(SearchAttributeKey.for_bool("gift"), True),
        SearchAttributePair(SearchAttributeKey.for_datetime("due"), NOON),
        SearchAttributePair(SearchAttributeKey.for_keyword_list("tags"), ["new", "red"]),
    ]
)


def row(**changes: Any) -> WorkflowVisibility:
    fields: dict[str, Any] = {
        "workflow_id": "order-1",
        "run_id": "r",
        "workflow_type": "Order",
        "task_queue": "q",
        "status": "TIMED_OUT",
        "start_ms": int(NOON.timestamp() * 1000),
        "close_ms": int(NOON.timestamp() * 1000) + 90_000,
        "history_length": 7,
        "partition": 0,
        "parent_workflow_id": "shop",
        "search_attributes": encode_search_attributes(ATTRIBUTES),
    }
    return WorkflowVisibility(**{**fields, **changes})


@pytest.mark.parametrize(
    "query",
    [
        "",
        "WorkflowId = 'order-1'",
        'WorkflowId="order-1"',
        "`WorkflowId` = 'order-1'",
        "WorkflowId != 'other'",
        "WorkflowId starts_with 'order'",
        "WorkflowId NOT STARTS_WITH 'x'",
        "WorkflowType IN ('Refund', 'Order')",
        "WorkflowType NOT IN ('Refund')",
        "ExecutionStatus = 'TimedOut'",
        "ExecutionStatus = 'TIMED_OUT' AND TaskQueue = 'q'",
        "StartTime = '2026-01-31T12:00:00Z'",
        "StartTime > '2026-01-31T13:59:00+02:00'",
        "StartTime BETWEEN '2026-01-31T00:00:00Z' AND '2026-02-01T00:00:00Z'",
        "StartTime <= 1769860800000000000",
        "CloseTime IS NOT NULL AND CloseTime > '2026-01-31 12:01:00'",
        "ExecutionDuration = '1m30s' AND ExecutionDuration < '00:02:00' AND ExecutionDuration >= 90000000000",
        "HistoryLength > 6 and HistoryLength < 7.5",
        "ParentWorkflowId = 'shop' AND RootWorkflowId = 'order-1'",
        "city = 'Bonn'",
        "items >= 3 AND items <> 4",
        "price BETWEEN 2 AND 3",
        "gift = true",
        "due < '2026-02-01T00:00:00Z'",
        "tags = 'red' AND tags != 'blue' AND tags IN ('blue', 'new')",
        "absent IS NULL",
        "city = 'Köln' OR NOT (city = 'Bonn' AND items = 4)",
        "city = 'x' AND city = 'y' OR city = 'Bonn'",
    ],
)
def test_what_is_true_of_a_row(query: str) -> None:
    assert parse(query)(row()) is True


@pytest.mark.parametrize(
    "query",
    [
        "WorkflowId = 'order'",
        "NOT WorkflowId = 'order-1'",
        "ExecutionStatus = 'Completed'",
        "StartTime > '2026-01-31T12:00:00Z'",
        "city IS NULL",
        "tags = 'blue'",
        "tags != 'red'",
        "city = 'x' AND (city = 'y' OR city = 'Bonn')",
        # What is not there, or of another type, is neither so nor otherwise.
        "absent = 'a'",
        "absent != 'a'",
        "NOT absent = 'a'",
        "absent NOT IN ('a')",
        "NOT (absent = 'a' AND city = 'Bonn')",
        "items = '3'",
        "items != '3'",
        "due > 'soon'",
        "gift = 1",
        "due STARTS_WITH '2026'",
        "items STARTS_WITH '3'",
    ],
)
def test_what_is_not_true_of_a_row(query: str) -> None:
    assert parse(query)(row()) is not True


def test_text_with_quotes() -> None:
    quoted = row(workflow_id='it\'s "so"')
    for query in ("WorkflowId = 'it''s \"so\"'", r"WorkflowId = 'it\'s " + '"so"' + "'", 'WorkflowId = "it\'s ""so"""'):
        assert parse(query)(quoted) is True


def test_doubled_quotes_of_the_other_kind_are_text() -> None:
    assert parse('WorkflowId = \'say ""hi""\'')(row(workflow_id='say ""hi""')) is True


def test_what_is_still_open_has_no_end() -> None:
    still = row(close_ms=0)
    assert parse("CloseTime IS NULL")(still) is True
    assert parse("ExecutionDuration < '1h'")(still) is None


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("WorkflowId", "a comparison is missing: =, .*, at position 11"),
        ("WorkflowId = order", "a value for WorkflowId is missing: texts and times stand in quotes, at position 14"),
        ("WorkflowId = 3", "WorkflowId is compared with text.*, at position 14"),
        ("ExecutionStatus = 'Gone'", "ExecutionStatus cannot be 'Gone'"),
        ("ExecutionStatus > 'Running'", "ExecutionStatus has no order"),
        ("StartTime > 'noon'", "a time such as"),
        ("StartTime > 1e", "one word too many"),
        ("ExecutionDuration > '1 hour'", "a duration such as"),
        ("HistoryLength > 'x'", "a number"),
        ("HistoryLength STARTS_WITH 7", "wants text"),
        ("city = 'a' city = 'b'", "one word too many, at position 12"),
        ("city = 'a' ORDER BY city", "an order of their own"),
        ("(city = 'a'", r"\) is missing"),
        ("city IN ('a'", r"\) is missing"),
        ("city BETWEEN 1, 2", "AND is missing"),
        ("city IS 3", "NULL is missing"),
        ("city NOT = 'a'", "a comparison is missing"),
        ("AND", "the name of a field is missing"),
        ("city = 'a", "cannot be read, at position 7"),
        ("city ; 'a'", "cannot be read, at position 5"),
    ],
)
def test_what_cannot_be_understood_is_named_with_its_place(query: str, says: str) -> None:
    with pytest.raises(InvalidArgumentError, match=says):
        parse(query)


async def test_lists_and_counts_take_filters() -> None:
    client, transport = client_with(accepted)
    transport.rows = [
        row(),
        row(workflow_id="order-2", status="COMPLETED"),
        row(workflow_id="order-3", status="COMPLETED", search_attributes={}),
    ]
    found = [run.id async for run in client.list_workflows("city = 'Bonn' AND ExecutionStatus = 'Completed'")]
    assert found == ["order-2"]
    assert [run.id async for run in client.list_workflows("city IS NULL", id_prefix="order-")] == ["order-3"]
    with pytest.raises(InvalidArgumentError):
        client.list_workflows("city")
    assert await client.count_workflows() == WorkflowExecutionCount(3, ())
    assert (await client.count_workflows("city = 'Bonn'")).count == 2
    groups = [
        WorkflowExecutionCountAggregationGroup(2, ["Completed"]),
        WorkflowExecutionCountAggregationGroup(1, ["TimedOut"]),
    ]
    assert await client.count_workflows("GROUP BY ExecutionStatus") == WorkflowExecutionCount(3, groups)
    assert (await client.count_workflows("city = 'Bonn' group by ExecutionStatus")).count == 2
    with pytest.raises(InvalidArgumentError, match="ExecutionStatus only"):
        await client.count_workflows("GROUP BY city")


class InBonn(Interceptor):
    """Lists and counts what is in Bonn only."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return InBonnOutbound(next)


class InBonnOutbound(OutboundInterceptor):
    def list_workflows(self, input: ListWorkflowsInput) -> AsyncIterator[WorkflowExecution]:
        input.query = f"({input.query}) AND city = 'Bonn'"
        return super().list_workflows(input)

    async def count_workflows(self, input: CountWorkflowsInput) -> WorkflowExecutionCount:
        input.query = f"({input.query}) AND city = 'Bonn'"
        return await super().count_workflows(input)


async def test_interceptors_see_filters() -> None:
    _, transport = client_with(accepted)
    transport.rows = [row(), row(workflow_id="order-2", search_attributes={})]
    client = Client(transport, interceptors=[InBonn()])
    assert [run.id async for run in client.list_workflows("TaskQueue = 'q'")] == ["order-1"]
    assert (await client.count_workflows("TaskQueue = 'q'")).count == 1
