"""Times, durations and fields as messages of Temporal's API have them, made of what events have.

`foldlog.schemas.names` shows events with them. Nothing here is recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Millis:
    """Milliseconds, since 1970 or of a duration, with the methods that protobuf has for both."""

    __slots__ = ("_ms",)

    def __init__(self, ms: int) -> None:
        self._ms = ms

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._ms} ms)"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._ms == other._ms

    def __hash__(self) -> int:
        return hash(self._ms)

    @property
    def seconds(self) -> int:
        """Whole ones."""
        return self._ms // 1000

    @property
    def nanos(self) -> int:
        """The rest, in nanoseconds."""
        return self._ms % 1000 * 1_000_000

    # The names are those of protobuf's messages.

    def ToNanoseconds(self) -> int:
        """All of it, in nanoseconds."""
        return self._ms * 1_000_000

    def ToMicroseconds(self) -> int:
        """All of it, in microseconds."""
        return self._ms * 1000

    def ToMilliseconds(self) -> int:
        """All of it, in milliseconds."""
        return self._ms

    def ToSeconds(self) -> int:
        """All of it, in whole seconds."""
        return self._ms // 1000


class Timestamp(Millis):
    """A time."""

    __slots__ = ()

    def ToDatetime(self, tzinfo: tzinfo | None = None) -> datetime:
        """The time: in a time zone, or in UTC without one."""
        time = _EPOCH + timedelta(milliseconds=self._ms)
        return time.replace(tzinfo=None) if tzinfo is None else time.astimezone(tzinfo)


class Duration(Millis):
    """A duration."""

    __slots__ = ()

    def ToTimedelta(self) -> timedelta:
        """The duration."""
        return timedelta(milliseconds=self._ms)


class Fields(dict[str, Any]):
    """Payloads by name; under `fields` and `indexed_fields` as well."""

    @property
    def fields(self) -> Fields:
        """Those of a header or a memo."""
        return self

    @property
    def indexed_fields(self) -> Fields:
        """Those that are search attributes."""
        return self


class Execution:
    """Which run of which workflow."""

    __slots__ = ("run_id", "workflow_id")

    def __init__(self, workflow_id: str, run_id: str) -> None:
        self.workflow_id = workflow_id
        self.run_id = run_id


class Message:
    """A record whose durations can be had under their names without `_ms`."""

    __slots__ = ("_record",)

    def __init__(self, record: Any) -> None:
        self._record = record

    def __getattr__(self, name: str) -> Any:
        milliseconds = getattr(self._record, f"{name}_ms", None)
        return getattr(self._record, name) if milliseconds is None else Duration(milliseconds)


def found(event: Any, name: str, show: Callable[[Any], Any]) -> Any:
    """What an event has under the name that Temporal's API has for it.

    Args:
        event: The event.
        name: The name.
        show: Makes payloads look as there.

    Raises:
        AttributeError: It has nothing of that name.
    """
    options = getattr(event, "options", None)
    if name in ("header", "search_attributes", "memo"):
        payloads: Mapping[str, Any] = getattr(event, name, None) or getattr(options, name, None) or {}
        return Fields({key: show(payload) for key, payload in payloads.items()})
    if name == "retry_policy":
        return Message(getattr(event, name, None) or getattr(options, name, None))
    if name in _COMPUTED:
        return _COMPUTED[name](event)
    milliseconds = getattr(event, f"{name.removeprefix('workflow_')}_ms", None)
    if milliseconds is not None:
        return Duration(milliseconds)
    return getattr(event if options is None or hasattr(event, name) else options, name)


_COMPUTED: dict[str, Callable[[Any], Any]] = {
    "start_to_fire_timeout": lambda event: Duration(event.fire_ms - event.time_ms),
    "first_workflow_task_backoff": lambda event: Duration(max(event.first_task_ms - event.time_ms, 0)),
    "workflow_execution": lambda event: Execution(
        getattr(event, "workflow_id", ""), getattr(event, "child_run_id", "") or getattr(event, "target_run_id", "")
    ),
    "continued_execution_run_id": lambda event: "" if event.continuation is None else event.continuation.run_id,
    "new_execution_run_id": lambda event: event.new_run_id,
}
