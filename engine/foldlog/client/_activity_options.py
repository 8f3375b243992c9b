"""Options of an open activity that can be changed: typed keys, changes, and what they come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Generic, TypeVar

from foldlog.client._description import PendingActivity
from foldlog.common import Priority, RetryPolicy

ActivityOptionValueType = TypeVar("ActivityOptionValueType")


@dataclass(frozen=True)
class ActivityOptionsKey(Generic[ActivityOptionValueType]):
    """Names one option. See `ActivityOptionsKeys`."""

    name: str
    """The field's path, as Temporal's API has it."""

    def value_set(self, value: ActivityOptionValueType) -> ActivityOptionsUpdate[ActivityOptionValueType]:
        """A change to this value."""
        return ActivityOptionsUpdate(self, value)

    def value_unset(self) -> ActivityOptionsUpdate[ActivityOptionValueType]:
        """A change to none: no limit, or what is the default."""
        return ActivityOptionsUpdate(self, None)


@dataclass(frozen=True)
class ActivityOptionsUpdate(Generic[ActivityOptionValueType]):
    """One change. Options that are not named stay as they are."""

    key: ActivityOptionsKey[ActivityOptionValueType]
    """Of what."""
    value: ActivityOptionValueType | None
    """To what; None: to none."""


class ActivityOptionsKeys:
    """The options that `ActivityHandle.update_options` changes."""

    task_queue: ActivityOptionsKey[str] = ActivityOptionsKey("task_queue.name")
    schedule_to_close_timeout: ActivityOptionsKey[timedelta] = ActivityOptionsKey("schedule_to_close_timeout")
    schedule_to_start_timeout: ActivityOptionsKey[timedelta] = ActivityOptionsKey("schedule_to_start_timeout")
    start_to_close_timeout: ActivityOptionsKey[timedelta] = ActivityOptionsKey("start_to_close_timeout")
    heartbeat_timeout: ActivityOptionsKey[timedelta] = ActivityOptionsKey("heartbeat_timeout")
    start_delay: ActivityOptionsKey[timedelta] = ActivityOptionsKey("start_delay")
    """Refused: an activity that can be changed has begun."""
    retry_policy: ActivityOptionsKey[RetryPolicy] = ActivityOptionsKey("retry_policy")
    priority: ActivityOptionsKey[Priority] = ActivityOptionsKey("priority")


@dataclass(frozen=True)
class ActivityExecutionOptions:
    """The options of an open activity as they are now; None: there is no such limit."""

    task_queue: str | None
    schedule_to_close_timeout: timedelta | None
    schedule_to_start_timeout: timedelta | None
    start_to_close_timeout: timedelta | None
    heartbeat_timeout: timedelta | None
    start_delay: timedelta | None
    """Always None: it has begun."""
    retry_policy: RetryPolicy | None
    priority: Priority | None


def check_updates(updates: Sequence[ActivityOptionsUpdate[Any]]) -> None:
    """See to it that there are some, and one of each kind at most.

    Raises:
        ValueError: There are none, or several of a kind.
        TypeError: One is no update, or its value is of the wrong type.
    """
    for update in updates:
        if not isinstance(update, ActivityOptionsUpdate):
            raise TypeError(f"an update is made by a key of ActivityOptionsKeys, and not {update!r}")
        check_types({update.key.name.removesuffix(".name"): update.value})
    if not updates:
        raise ValueError("update_options needs at least one update; restore_original_options takes all changes back")
    names = [update.key.name for update in updates]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"update_options was given more than one update for {name}")


def check_types(options: Mapping[str, Any]) -> None:
    """See to it that values are what their options take, or None.

    Raises:
        TypeError: One is not.
    """
    for name, value in options.items():
        expected = _TYPES.get(name, timedelta)
        if value is not None and not isinstance(value, expected):
            raise TypeError(f"{name} must be a {expected.__name__}, not {value!r}")


def changes(updates: Sequence[ActivityOptionsUpdate[Any]]) -> dict[str, Any]:
    """Changes as arguments of `WorkflowHandle.update_activity_options`.

    Raises:
        ValueError: There is no such option, it cannot be changed any more, or cannot be none.
    """
    found: dict[str, Any] = {}
    for update in updates:
        name = update.key.name
        if name not in _NOTHING:
            raise ValueError(f"{name} of an activity that has begun cannot be changed")
        value = _NOTHING[name] if update.value is None else update.value
        if value is None:
            raise ValueError(f"{name} cannot be unset: an activity needs one")
        found[name.removesuffix(".name")] = value
    return found


def options_of(pending: PendingActivity) -> ActivityExecutionOptions:
    """What an activity's description says of its options."""
    return ActivityExecutionOptions(
        task_queue=pending.task_queue,
        schedule_to_close_timeout=pending.schedule_to_close_timeout,
        schedule_to_start_timeout=pending.schedule_to_start_timeout,
        start_to_close_timeout=pending.start_to_close_timeout,
        heartbeat_timeout=pending.heartbeat_timeout,
        start_delay=None,
        retry_policy=pending.retry_policy,
        priority=pending.priority,
    )


def with_changes(options: ActivityExecutionOptions, changed: Mapping[str, Any]) -> ActivityExecutionOptions:
    """What options have come to by `changes`."""
    return replace(options, **{name: None if value == timedelta() else value for name, value in changed.items()})


_TYPES: dict[str, type] = {"task_queue": str, "retry_policy": RetryPolicy, "priority": Priority}
"""Of options that are no durations."""

_NOTHING: dict[str, Any] = {
    "task_queue.name": None,
    "schedule_to_close_timeout": timedelta(),
    "schedule_to_start_timeout": timedelta(),
    "start_to_close_timeout": timedelta(),
    "heartbeat_timeout": timedelta(),
    "retry_policy": RetryPolicy(),
    "priority": Priority.default,
}
"""What stands for none."""
