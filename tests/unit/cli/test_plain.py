"""Events, failures and descriptions as the values that scripts read."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from foldlog import converter
from foldlog.cli import _plain
from foldlog.cli._output import attached, iso, write_facts, write_json, write_table
from foldlog.client import WorkflowExecutionDescription
from foldlog.exceptions import (
    ActivityError,
    ApplicationError,
    CancelledError,
    RetryState,
    TerminatedError,
    TimeoutError,
)
from foldlog.schemas import event, reply
from foldlog.schemas.common import Failure, ParentExecution, Payload

JSON = converter.default()


async def payloads(*values: object) -> list[Payload]:
    return list(await JSON.encode(list(values)))


async def test_an_event_has_its_number_type_and_time_and_only_fields_that_say_something() -> None:
    record = event.WorkflowExecutionStarted(
        run_id="r1",
        event_id=1,
        time_ms=1_700_000_000_123,
        workflow_type="Order",
        task_queue="q",
        args=await payloads({"dollars": "29.33"}, 7),
        request_id="q1",
    )
    shown = await _plain.event(record, JSON)
    assert list(shown)[:3] == ["event_id", "type", "time"]
    assert shown["type"] == "WorkflowExecutionStarted"
    assert shown["time"] == "2023-11-14T22:13:20.123Z"
    assert shown["args"] == [{"dollars": "29.33"}, 7]
    assert "run_timeout_ms" not in shown
    json.dumps(shown)


async def test_a_payload_that_nobody_here_can_read_is_shown_as_it_is() -> None:
    secret = Payload(encoding="binary/encrypted", data=b"\x00\xff")
    assert await _plain.payload(secret, JSON) == {"encoding": "binary/encrypted", "data": "AP8="}


async def test_falsy_values_inside_payloads_are_shown() -> None:
    record = event.WorkflowExecutionCompleted(event_id=5, time_ms=1, result=(await payloads(0))[0])
    assert (await _plain.event(record, JSON))["result"] == 0


def test_a_failure_is_shown_with_its_causes() -> None:
    cause = ApplicationError("card declined", 402, type="Declined")
    error = ActivityError(
        "activity failed",
        scheduled_event_id=3,
        identity="w",
        activity_type="charge",
        activity_id="1",
        retry_state=RetryState.NON_RETRYABLE_FAILURE,
    )
    error.__cause__ = cause
    shown = _plain.failure(error)
    assert shown == {
        "type": "ActivityError",
        "message": "activity failed",
        "activity_type": "charge",
        "activity_id": "1",
        "cause": {"type": "Declined", "message": "card declined", "details": [402]},
    }
    assert _plain.failure_text(shown) == "ActivityError (charge): activity failed\n  caused by Declined: card declined"
    assert _plain.failure_text(None) == ""


@pytest.mark.parametrize(
    ("cause", "status"),
    [
        (ApplicationError("x"), "FAILED"),
        (CancelledError(), "CANCELED"),
        (TerminatedError("x"), "TERMINATED"),
        (TimeoutError("x"), "TIMED_OUT"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else value,
)
def test_the_status_follows_from_the_cause(cause: BaseException, status: str) -> None:
    assert _plain.status_of(cause) == status


async def test_a_description_is_json_through_and_through() -> None:
    record = reply.Description(
        correlation_id=1,
        run_id="r1",
        workflow_type="Order",
        task_queue="q",
        status="RUNNING",
        start_ms=1_700_000_000_000,
        history_length=4,
        history_size=900,
        memo=dict(zip(["note"], await payloads({"a": 1}), strict=True)),
        stalled_error="ValueError: no",
        pending_activities=[
            reply.PendingActivity(
                activity_id="1",
                activity_type="charge",
                task_queue="q",
                state="BACKOFF",
                attempt=3,
                scheduled_ms=1_700_000_000_000,
                next_attempt_ms=1_700_000_010_000,
                last_failure=Failure(kind="APPLICATION", message="down", type="Down"),
                heartbeat_details=await payloads(50),
            )
        ],
        parent=ParentExecution(namespace="n", workflow_id="p", run_id="pr", initiated_event_id=2),
        pending_children=[reply.PendingChild(workflow_id="c", workflow_type="Parcel", initiated_event_id=3)],
        pending_timers=[reply.PendingTimer(timer_id=2, fire_ms=1_700_000_060_000)],
        pending_updates=["u1"],
    )
    shown = await _plain.description(WorkflowExecutionDescription("order-1", record, JSON))
    assert json.loads(json.dumps(shown)) == shown
    assert (shown["workflow_id"], shown["status"], shown["stalled_error"]) == ("order-1", "RUNNING", "ValueError: no")
    assert shown["memo"] == {"note": {"a": 1}}
    (activity,) = shown["pending_activities"]
    assert (activity["state"], activity["attempt"], activity["heartbeat_details"]) == ("BACKOFF", 3, [50])
    assert activity["last_failure"]["type"] == "Down"
    assert activity["next_attempt_time"] == "2023-11-14T22:13:30.000Z"
    assert shown["pending_updates"] == ["u1"]
    assert shown["pending_timers"] == [{"timer_id": 2, "fire_time": "2023-11-14T22:14:20.000Z"}]
    assert shown["close_time"] is None
    assert shown["parent"] == {"workflow_id": "p", "run_id": "pr", "namespace": "n"}
    (child,) = shown["pending_children"]
    assert (child["workflow_id"], child["run_id"], child["parent_close_policy"]) == ("c", None, "TERMINATE")


def test_times_are_utc_with_milliseconds() -> None:
    assert iso(0) is None
    assert _plain.time(datetime(2026, 1, 2, 3, 4, 5, 6000, UTC)) == "2026-01-02T03:04:05.006Z"


def test_tables_are_not_cut_off_outside_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    long = "x" * 500
    write_table(["a", "b"], [[long, "[bold]no markup[/bold]"]])
    out = capsys.readouterr().out
    assert long in out
    assert "[bold]no markup[/bold]" in out


def test_facts_are_aligned_and_empty_ones_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    write_facts([("id", "x"), ("nothing", None), ("error", "one\ntwo")])
    assert capsys.readouterr().out == "id     x\nerror  one\n       two\n"


def test_facts_that_somebody_has_set_are_shown_also_where_they_say_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    given = {"memo": {"tries": 0, "note": ""}, "search_attributes": {"vip": False, "city": None}}
    write_facts([("attempt", 0)], given=attached(given))
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["memo", "tries", "0"],
        ["memo", "note"],
        ["search", "attribute", "vip", "false"],
        ["search", "attribute", "city", "null"],
    ]


def test_json_is_one_line_and_keeps_unicode(capsys: pytest.CaptureFixture[str]) -> None:
    write_json({"name": "Zoë", "bytes": b"\x01"})
    assert capsys.readouterr().out == '{"name": "Zoë", "bytes": "01"}\n'
