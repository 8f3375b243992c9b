"""Events under the names of Temporal's API."""

from __future__ import annotations

import copy
import pickle
from typing import Any, get_args

import pytest
from foldlog.api.common.v1 import Payload
from foldlog.api.enums.v1 import EventType
from foldlog.schemas import common, event
from foldlog.schemas.names import MARKERS, HistoryEvent
from foldlog.schemas.records import Event

TEXT = common.Payload(encoding="json/plain", data=b'"x"')
EVENTS: list[Any] = list(get_args(Event))


def test_every_event_has_a_kind() -> None:
    kinds = {each.__name__: object.__new__(each).event_type for each in EVENTS}
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
