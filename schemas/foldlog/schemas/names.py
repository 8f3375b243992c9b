"""History events under the names of Temporal's API: their kinds as numbers, what is in them as attributes of a message.

Programs that come from Temporal read histories by these names. Nothing of it is recorded, and nothing here reads
anything but the events themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import IntEnum, nonmember
from functools import cache
from typing import TYPE_CHECKING, Any

from foldlog.schemas.messages import Timestamp, found
from msgspec import Struct

if TYPE_CHECKING:  # its events inherit from this
    from foldlog.schemas.common import Failure, Payload


class EventType(IntEnum):
    """Kinds of events. Names and numbers are Temporal's; many of them never occur here."""

    ValueType = nonmember(int)

    EVENT_TYPE_UNSPECIFIED = 0
    EVENT_TYPE_WORKFLOW_EXECUTION_STARTED = 1
    EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED = 2
    EVENT_TYPE_WORKFLOW_EXECUTION_FAILED = 3
    EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT = 4
    EVENT_TYPE_WORKFLOW_TASK_SCHEDULED = 5
    EVENT_TYPE_WORKFLOW_TASK_STARTED = 6
    EVENT_TYPE_WORKFLOW_TASK_COMPLETED = 7
    EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT = 8
    EVENT_TYPE_WORKFLOW_TASK_FAILED = 9
    EVENT_TYPE_ACTIVITY_TASK_SCHEDULED = 10
    EVENT_TYPE_ACTIVITY_TASK_STARTED = 11
    EVENT_TYPE_ACTIVITY_TASK_COMPLETED = 12
    EVENT_TYPE_ACTIVITY_TASK_FAILED = 13
    EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT = 14
    EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED = 15
    EVENT_TYPE_ACTIVITY_TASK_CANCELED = 16
    EVENT_TYPE_TIMER_STARTED = 17
    EVENT_TYPE_TIMER_FIRED = 18
    EVENT_TYPE_TIMER_CANCELED = 19
    EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED = 20
    EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED = 21
    EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED = 22
    EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED = 23
    EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED = 24
    EVENT_TYPE_MARKER_RECORDED = 25
    EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED = 26
    EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED = 27
    EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW = 28
    EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED = 29
    EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED = 30
    EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED = 31
    EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED = 32
    EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED = 33
    EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED = 34
    EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT = 35
    EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED = 36
    EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED = 37
    EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED = 38
    EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED = 39
    EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES = 40
    EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED = 41
    EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_REJECTED = 42
    EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED = 43
    EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED_EXTERNALLY = 44
    EVENT_TYPE_ACTIVITY_PROPERTIES_MODIFIED_EXTERNALLY = 45
    EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED = 46
    EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ADMITTED = 47
    EVENT_TYPE_NEXUS_OPERATION_SCHEDULED = 48
    EVENT_TYPE_NEXUS_OPERATION_STARTED = 49
    EVENT_TYPE_NEXUS_OPERATION_COMPLETED = 50
    EVENT_TYPE_NEXUS_OPERATION_FAILED = 51
    EVENT_TYPE_NEXUS_OPERATION_CANCELED = 52
    EVENT_TYPE_NEXUS_OPERATION_TIMED_OUT = 53
    EVENT_TYPE_NEXUS_OPERATION_CANCEL_REQUESTED = 54
    EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED = 55
    EVENT_TYPE_NEXUS_OPERATION_CANCEL_REQUEST_COMPLETED = 56
    EVENT_TYPE_NEXUS_OPERATION_CANCEL_REQUEST_FAILED = 57
    EVENT_TYPE_WORKFLOW_EXECUTION_PAUSED = 58
    EVENT_TYPE_WORKFLOW_EXECUTION_UNPAUSED = 59
    EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED = 60

    @classmethod
    def Name(cls, number: int) -> str:  # the name that protobuf gives it
        """The name of a number."""
        return cls(number).name


MARKERS = {"LocalActivityCompleted": "core_local_activity", "PatchRecorded": "core_patch"}
"""Events that Temporal has as markers, and what it calls them."""


class HistoryEvent(Struct):
    """What all events of a history have in common."""

    @property
    def event_type(self) -> EventType:
        """Its kind, as Temporal numbers it."""
        return _kind(type(self).__name__)

    @property
    def event_time(self) -> Timestamp:
        """When it happened."""
        return Timestamp(self.time_ms)  # type: ignore[attr-defined]  # all events have it

    @property
    def user_metadata(self) -> UserMetadata:
        """What people are told of what it begins: of a workflow, an activity, a timer, a child workflow."""
        return UserMetadata(self)

    def HasField(self, name: str) -> bool:  # the name that protobuf gives it
        """Whether its attributes are those of this name, such as `workflow_execution_started_event_attributes`."""
        return name == _attributes_name(type(self).__name__)

    if not TYPE_CHECKING:  # attributes that are misspelt are to be noticed

        def __getattr__(self, name: str) -> EventAttributes:
            kind = type(self).__name__
            if name != _attributes_name(kind):
                raise AttributeError(f"{kind!r} object has no attribute {name!r}", name=name, obj=self)
            return EventAttributes(self)


class UserMetadata:
    """Lines for people, as payloads; empty ones where there are none."""

    __slots__ = ("_event",)

    def __init__(self, event: Any) -> None:
        self._event = event

    @property
    def summary(self) -> Any:
        """One line."""
        return _show(self._found("summary") or _nothing())

    @property
    def details(self) -> Any:
        """More of them."""
        return _show(self._found("details") or _nothing())

    def HasField(self, name: str) -> bool:  # the name that protobuf gives it
        """Whether there is a `summary`, or `details`."""
        return name in ("summary", "details") and self._found(name) is not None

    def _found(self, name: str) -> Payload | None:
        # Some have it themselves, others among the options that few have. Details of an end are something else: a list.
        own = getattr(self._event, name, None)
        found: Payload | None = None if isinstance(own, list) else own
        return found or getattr(getattr(self._event, "options", None), name, None)


def _nothing() -> Payload:
    from foldlog.schemas.common import Payload

    return Payload(encoding="")


class EventAttributes:
    """What is in an event.

    Payloads are in lists, or by name under `fields`; names are messages with a name, and durations protobuf's. All else
    is as in the event.
    """

    __slots__ = ("_event",)

    def __init__(self, event: Any) -> None:
        self._event = event

    def __repr__(self) -> str:
        return f"EventAttributes({self._event!r})"

    def __getattr__(self, name: str) -> Any:
        return found(self._event, name, _show)

    @property
    def input(self) -> PayloadList:
        """Arguments."""
        return PayloadList(self._event.args)

    @property
    def result(self) -> PayloadList:
        """What was returned."""
        return PayloadList([self._event.result])

    @property
    def details(self) -> PayloadList:
        """What was said besides."""
        return PayloadList(self._event.details)

    @property
    def failure(self) -> FailureView:
        """Why it failed."""
        return FailureView(self._event.failure)

    @property
    def activity_type(self) -> Named:
        """Of an activity."""
        return Named(self._event.activity_type)

    @property
    def workflow_type(self) -> Named:
        """Of a workflow."""
        return Named(self._event.workflow_type)

    @property
    def task_queue(self) -> Named:
        """Of an activity or a workflow."""
        return Named(self._event.task_queue)

    @property
    def marker_name(self) -> str:
        """Of a marker."""
        return MARKERS[type(self._event).__name__]

    @property
    def meta(self) -> EventAttributes:
        """Of an update: its `update_id`."""
        return self


class Named(str):
    """A name that is a message with a name, too."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The name."""
        return str(self)


class PayloadList:
    """Payloads, as Temporal's SDK shows them."""

    __slots__ = ("payloads",)

    def __init__(self, payloads: Iterable[Payload | None]) -> None:
        self.payloads = [_show(payload) for payload in payloads if payload is not None]


class PayloadMessage(Struct):
    """What a payload of the log can do as the message that Temporal's SDK has in its place.

    Whoever wants to change one, or its encoding among the metadata, takes `foldlog.api.common.v1.Payload`.
    """

    # The names are those of protobuf's messages.

    def SerializeToString(self, *, deterministic: bool = True) -> bytes:
        """As a protobuf message; always the same bytes for equal payloads."""
        written: bytes = _shown[0](self).SerializeToString(deterministic=deterministic)
        return written

    def ByteSize(self) -> int:
        """Bytes of `SerializeToString`."""
        return len(self.SerializeToString())


class FailureView:
    """A failure whose payloads are shown likewise."""

    __slots__ = ("_failure",)

    def __init__(self, failure: Failure) -> None:
        self._failure = failure

    def __getattr__(self, name: str) -> Any:
        return getattr(self._failure, name)

    @property
    def encoded_attributes(self) -> Any:
        """Message and stack, if a converter has put them into a payload."""
        found = self._failure.encoded_attributes
        return None if found is None else _show(found)

    @property
    def cause(self) -> FailureView | None:
        """What led to it."""
        return None if self._failure.cause is None else FailureView(self._failure.cause)


_shown: list[Callable[[Any], Any]] = []


def show_payloads(how: Callable[[Payload], Any]) -> None:
    """Say how payloads are shown to whoever reads them under Temporal's names."""
    _shown[:] = [how]


def _show(payload: Payload) -> Any:
    return _shown[0](payload) if _shown else payload


@cache
def _kind(name: str) -> EventType:
    return EventType.EVENT_TYPE_MARKER_RECORDED if name in MARKERS else EventType[f"EVENT_TYPE_{_snake(name).upper()}"]


@cache
def _attributes_name(name: str) -> str:
    return f"{'marker_recorded' if name in MARKERS else _snake(name)}_event_attributes"


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
