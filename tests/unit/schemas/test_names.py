"""Events under the names of Temporal's API."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from foldlog.api.common.v1 import Payload
from foldlog.api.enums.v1 import EventType
from foldlog.schemas import common, event
from foldlog.schemas.framing import BY_CLASS
from foldlog.schemas.names import MARKERS, HistoryEvent
from foldlog.schemas.records import Event

from tests.unit.schemas.samples import least_record

TEXT = common.Payload(encoding="json/plain", data=b'"x"')
EVENTS: list[Any] = list(get_args(Event))


def test_every_event_has_a_kind() -> None:
    kinds = {each.__name__: least_record(BY_CLASS[each].full_name).event_type for each in EVENTS}
    assert {name for name, kind in kinds.items() if kind is EventType.EVENT_TYPE_MARKER_RECORDED} == set(MARKERS)
    assert len({kind for name, kind in kinds.items() if name not in MARKERS}) == len(kinds) - len(MARKERS)
    assert kinds["TimerFired"] == 18
    assert EventType.Name(18) == "EVENT_TYPE_TIMER_FIRED"


def test_what_is_in_an_event_is_found_under_the_name_of_its_attributes() -> None:
    scheduled: Any = event.ActivityTaskScheduled(activity_id="1", activity_type="pay", task_queue="q", args=[TEXT])
    assert scheduled.HasField("activity_task_scheduled_event_attributes")
    assert not scheduled.HasField("activity_task_completed_event_attributes")
    attributes = scheduled.activity_task_scheduled_event_attributes
    assert attributes.input.payloads == [Payload(metadata={"encoding": b"json/plain"}, data=b'"x"')]
    assert (attributes.activity_type.name, attributes.task_queue.name, attributes.activity_id) == ("pay", "q", "1")
    completed: Any = event.WorkflowExecutionUpdateCompleted(update_id="u", accepted_event_id=3, result=TEXT)
    attributes = completed.workflow_execution_update_completed_event_attributes
    assert attributes.meta.update_id == "u"
    assert attributes.result.payloads[0].metadata == {"encoding": b"json/plain"}


def test_times_durations_and_fields_are_as_in_protobuf() -> None:
    options = common.ActivityOptions(header={"trace": TEXT}, priority=common.Priority(priority_key=2))
    policy = common.RetryPolicy(initial_interval_ms=1500, maximum_attempts=4)
    scheduled: Any = event.ActivityTaskScheduled(
        activity_id="1",
        activity_type="pay",
        task_queue="q",
        time_ms=1_700_000_000_250,
        start_to_close_timeout_ms=2500,
        retry_policy=policy,
        options=options,
    )
    assert scheduled.event_time.ToDatetime() == datetime(2023, 11, 14, 22, 13, 20, 250_000)
    assert scheduled.event_time.ToDatetime(tzinfo=UTC).tzinfo is UTC
    assert (scheduled.event_time.seconds, scheduled.event_time.nanos) == (1_700_000_000, 250_000_000)
    attributes = scheduled.activity_task_scheduled_event_attributes
    assert attributes.start_to_close_timeout.ToTimedelta() == timedelta(seconds=2.5)
    assert attributes.start_to_close_timeout.ToSeconds() == 2
    assert attributes.start_to_close_timeout.ToMicroseconds() == 2_500_000
    assert scheduled.event_time.ToNanoseconds() == 1_700_000_000_250_000_000
    assert attributes.heartbeat_timeout.ToMilliseconds() == 0
    assert attributes.start_to_close_timeout_ms == 2500
    assert attributes.retry_policy.initial_interval.ToMilliseconds() == 1500
    assert attributes.retry_policy.maximum_attempts == 4
    assert attributes.header.fields["trace"].metadata == {"encoding": b"json/plain"}
    assert attributes.priority.priority_key == 2
    with pytest.raises(AttributeError, match="weather"):
        _ = attributes.weather


def test_what_a_start_and_a_timer_have() -> None:
    started: Any = event.WorkflowExecutionStarted(
        workflow_type="w",
        task_queue="q",
        time_ms=1000,
        first_task_ms=4000,
        run_timeout_ms=9000,
        memo={"m": TEXT},
        options=common.WorkflowOptions(cron_schedule="* * * * *", search_attributes={"a": TEXT}),
        continuation=common.Continuation(run_id="before"),
    )
    attributes = started.workflow_execution_started_event_attributes
    assert attributes.first_workflow_task_backoff.ToTimedelta() == timedelta(seconds=3)
    assert attributes.workflow_run_timeout.ToSeconds() == 9
    assert attributes.workflow_execution_timeout.ToSeconds() == 0
    assert attributes.cron_schedule == "* * * * *"
    assert list(attributes.memo.fields) == list(attributes.memo) == ["m"]
    assert list(attributes.search_attributes.indexed_fields) == ["a"]
    assert attributes.continued_execution_run_id == "before"
    timer: Any = event.TimerStarted(timer_id=1, time_ms=5, fire_ms=1005)
    assert timer.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta() == timedelta(seconds=1)
    signal: Any = event.SignalExternalWorkflowExecutionInitiated(workflow_id="w", target_run_id="r", signal_name="s")
    execution = signal.signal_external_workflow_execution_initiated_event_attributes.workflow_execution
    assert (execution.workflow_id, execution.run_id) == ("w", "r")


def test_patches_and_local_activities_are_markers() -> None:
    patch: Any = event.PatchRecorded(patch_id="insured")
    attributes = patch.marker_recorded_event_attributes
    assert (attributes.marker_name, attributes.patch_id) == ("core_patch", "insured")
    assert patch.HasField("marker_recorded_event_attributes")


def test_failures_are_shown_with_their_payloads() -> None:
    inner = common.Failure(message="inner", encoded_attributes=TEXT)
    failed: Any = event.WorkflowExecutionFailed(failure=common.Failure(message="outer", cause=inner))
    failure = failed.workflow_execution_failed_event_attributes.failure
    assert (failure.message, failure.encoded_attributes, failure.cause.message) == ("outer", None, "inner")
    assert failure.cause.encoded_attributes.metadata == {"encoding": b"json/plain"}
    assert failure.cause.cause is None


def test_an_event_stays_what_it_is() -> None:
    fired: Any = event.TimerFired(timer_id=1, started_event_id=2)
    assert isinstance(fired, HistoryEvent)
    assert not hasattr(fired, "__dict__")
    assert copy.copy(fired) == pickle.loads(pickle.dumps(fired)) == fired
    for name in ("timer_started_event_attributes", "timer"):
        with pytest.raises(AttributeError, match=name):
            getattr(fired, name)
