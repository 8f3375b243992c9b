"""Histories as JSON, and back."""

from __future__ import annotations

import json
import re
from typing import Any, get_args

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient
from foldlog.client import HistoryFormatError, WorkflowHistory
from foldlog.schemas import event, framing, log
from foldlog.schemas.codec import ConfluentCodec
from foldlog.schemas.common import Failure, Payload
from foldlog.schemas.records import Event

HISTORY = WorkflowHistory(
    workflow_id="order-1",
    events=[
        event.WorkflowExecutionStarted(
            run_id="r",
            event_id=1,
            time_ms=1_700_000_000_000,
            workflow_type="orders",
            task_queue="q",
            args=[Payload(encoding="json/plain", data=b'{"a":"\xc3\xa9"}', metadata={"key": b"\x00\xff"})],
            memo={"why": Payload(encoding="binary/null")},
        ),
        event.WorkflowExecutionFailed(
            run_id="r",
            event_id=2,
            chain=bytes(range(16)),
            failure=Failure(message="outer", cause=Failure(kind="TIMEOUT", timeout_type="HEARTBEAT", message="inner")),
        ),
    ],
)


def test_round_trip_keeps_every_byte() -> None:
    again = WorkflowHistory.from_json(HISTORY.workflow_id, HISTORY.to_json())
    assert again == HISTORY
    assert [framing.encode(one) for one in again.events] == [framing.encode(one) for one in HISTORY.events]
    assert WorkflowHistory.from_json(HISTORY.workflow_id, HISTORY.to_json_dict()) == HISTORY


def test_every_event_type_has_a_name_that_is_found_again() -> None:
    for cls in get_args(Event):
        assert framing.BY_CLASS[cls].full_name == f"foldlog.event.{cls.__name__}"


def test_text_is_readable() -> None:
    text = HISTORY.to_json()
    assert '"type": "WorkflowExecutionStarted"' in text
    assert "1700000000000" in text


def test_fields_that_a_file_lacks_take_their_defaults() -> None:
    values = HISTORY.to_json_dict()
    del values["events"][0]["event"]["memo"]
    del values["events"][0]["event"]["identity"]
    first = WorkflowHistory.from_json(HISTORY.workflow_id, values).events[0]
    assert isinstance(first, event.WorkflowExecutionStarted)
    assert (first.memo, first.identity) == ({}, "")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("no json", "this is no JSON"),
        ("[]", "JSON object with a list of 'events', .*: this is a list"),
        ('"text"', "this is a string"),
        ("true", "this is true or false"),
        ('{"events": {}}', "its events are an object"),
        ('{"events": null}', "its events are null"),
        ('{"events": [3]}', "event 1 is no JSON object but a number"),
        ('{"events": [{"type": [], "event": {}}]}', "event 1 is of type"),
        ('{"events": [{"type": "TimerFired"}]}', "event 1 has no 'event'"),
        ('{"events": [{"eventType": "EVENT_TYPE_TIMER_FIRED"}]}', "a history of Temporal"),
        ("{}", "this one has none"),
        ('{"workflow_id": "a", "run_id": "r", "events": [{"type": "Else", "event": {}}]}', "event 1 .*Else"),
        ('{"workflow_id": "a", "run_id": "r", "events": [{"type": "TimerFired", "event": 3}]}', "event 1 .*TimerFired"),
    ],
)
def test_what_is_no_history_is_told(text: str, match: str) -> None:
    with pytest.raises(HistoryFormatError, match=match):
        WorkflowHistory.from_json("w", text)


@pytest.mark.parametrize(
    ("changed", "flaw"),
    [
        ({"workflow_type": ...}, "workflow_type is missing"),
        ({"task_queue": 7}, "task_queue must be a string, not 7"),
        ({"event_id": "1"}, 'event_id must be a whole number, not "1"'),
        ({"chain": None}, "chain must be a string, not null"),
        ({"args": 7}, "args must be a list, not 7"),
        ({"args": [{"encoding": "json/plain"}, {"data": "1"}]}, "args[1].encoding is missing"),
        ({"memo": {"by": {"encoding": 5}}}, "memo.by.encoding must be a string, not 5"),
        ({"memo": ["x" * 99]}, f'memo must be an object, not ["{"x" * 58}…'),
        ({"options": {}}, 'options must be null or {"foldlog.common.WorkflowOptions": …}, not {}'),
        (
            {"options": {"foldlog.common.WorkflowOptions": {"cron_schedule": 1}}},
            "options.cron_schedule must be a string",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_the_field_of_an_event_that_cannot_be_is_named(changed: dict[str, Any], flaw: str) -> None:
    values = HISTORY.to_json_dict()
    fields = values["events"][0]["event"] | changed
    values["events"][0]["event"] = {name: value for name, value in fields.items() if value is not ...}
    with pytest.raises(HistoryFormatError, match=re.escape(f"event 1 is no WorkflowExecutionStarted: {flaw}")):
        WorkflowHistory.from_json("w", values)


def test_json_dict_is_plain_json() -> None:
    assert json.loads(json.dumps(HISTORY.to_json_dict())) == HISTORY.to_json_dict()


def test_the_run_is_that_of_the_events() -> None:
    assert HISTORY.run_id == "r"
    with pytest.raises(HistoryFormatError, match="no events"):
        _ = WorkflowHistory("w", []).run_id
    assert WorkflowHistory("w", []).to_json_dict()["run_id"] == ""


def test_records_of_the_log_make_a_history() -> None:
    assert WorkflowHistory.from_encoded("order-1", HISTORY.to_encoded()) == HISTORY


def test_so_do_those_in_the_wire_format_of_a_registry() -> None:
    codec = ConfluentCodec(SchemaRegistryClient.new_client({"url": "mock://"}))
    encoded = [codec.encode(each) for each in HISTORY.events]
    assert WorkflowHistory.from_encoded("order-1", encoded, codec=codec) == HISTORY
    assert WorkflowHistory.from_encoded("order-1", HISTORY.to_encoded(), codec=codec) == HISTORY
    with pytest.raises(HistoryFormatError, match="event 1 cannot be read"):
        WorkflowHistory.from_encoded("order-1", encoded)


@pytest.mark.parametrize(
    ("record", "match"),
    [
        (b"garbage", "event 2 cannot be read"),
        (framing.encode(log.WorkflowResumed(run_id="r", handled_ordinal=1)), "record 2 is a WorkflowResumed"),
    ],
)
def test_records_that_are_no_events_are_told(record: bytes, match: str) -> None:
    with pytest.raises(HistoryFormatError, match=match):
        WorkflowHistory.from_encoded("order-1", [HISTORY.to_encoded()[0], record])
