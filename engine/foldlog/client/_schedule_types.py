"""A schedule and its parts, in the words of its users. Names and defaults are those of `temporalio.client`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum

from foldlog._durations import LONGEST
from foldlog.client._schedule_action import Payloads, ScheduleAction, action_from_model, action_to_model
from foldlog.client._schedule_check import check_parts
from foldlog.client._schedule_spec import ScheduleSpec, spec_from_model, spec_to_model, to_ms
from foldlog.exceptions import ConfigurationError, FoldlogError, InvalidArgumentError
from foldlog.schedules import model
from foldlog.schedules.times import check_spec

_MILLISECOND = timedelta(milliseconds=1)


class ScheduleAlreadyRunningError(FoldlogError):
    """There is a schedule with this ID."""

    def __init__(self) -> None:
        """Make one."""
        super().__init__("Schedule already running")


class ScheduleOverlapPolicy(IntEnum):
    """What to do when an action is due while another one is running. The numbers are Temporal's."""

    SKIP = 1
    """Do not take it."""
    BUFFER_ONE = 2
    """Take it when the other one has ended; only one waits so, the first."""
    BUFFER_ALL = 3
    """Likewise, and any number may wait; they are taken one after the other."""
    CANCEL_OTHER = 4
    """Ask the other one to cancel itself, and take it when that has ended."""
    TERMINATE_OTHER = 5
    """Terminate the other one, and take it."""
    ALLOW_ALL = 6
    """Take it beside the other one. It does not see what those before it returned."""


@dataclass
class ScheduleBackfill:
    """A period whose actions are to be taken now."""

    start_at: datetime
    """From here on; a time that is just this one belongs to it."""
    end_at: datetime
    """Until here, likewise."""
    overlap: ScheduleOverlapPolicy | None = None
    """None: as the schedule's policy says."""


@dataclass
class SchedulePolicy:
    """What to do when actions overlap, are late or fail."""

    overlap: ScheduleOverlapPolicy = ScheduleOverlapPolicy.SKIP
    """When one is due while another is running."""
    catchup_window: timedelta | None = None
    """An action that was due while no worker was there is taken if it is late by no more than this; at least 10 s.
    None: one year."""
    pause_on_failure: bool = False
    """Whether to pause when an action fails or times out, its retries included."""


@dataclass
class ScheduleState:
    """What people do to a schedule."""

    note: str | None = None
    """For people. A pause on failure changes it."""
    paused: bool = False
    """Whether no actions are taken by time."""
    limited_actions: bool = False
    """Whether `remaining_actions` counts."""
    remaining_actions: int = 0
    """So many actions are still taken by time."""


@dataclass
class Schedule:
    """An action that is taken again and again."""

    action: ScheduleAction
    """What is done."""
    spec: ScheduleSpec
    """When."""
    policy: SchedulePolicy = field(default_factory=SchedulePolicy)
    """What to do when actions overlap, are late or fail."""
    state: ScheduleState = field(default_factory=ScheduleState)
    """Whether it is paused, and how many are left."""


async def schedule_to_model(schedule: Schedule, payloads: Payloads, schedule_id: str) -> model.Schedule:
    """As it is in the log.

    Raises:
        ConfigurationError: A part of it has another type than it must have, or cannot be; the message names it.
        InvalidArgumentError: It can never be due as it is written, for example for its time zone, or its action could
            never begin.
        TypeError, ValueError: A value of the action cannot be converted.
    """
    check_parts("schedule", schedule, Schedule)
    spec, policy, state = spec_to_model(schedule.spec), schedule.policy, schedule.state
    try:
        check_spec(spec)
    except ValueError as error:
        raise InvalidArgumentError(f"invalid schedule spec: {error}") from error
    catchup_ms = model.DEFAULT_CATCHUP_MS
    if policy.catchup_window is not None:
        if policy.catchup_window < timedelta(0):
            raise ConfigurationError(
                f"catchup_window must not be negative: {policy.catchup_window}", option="catchup_window"
            )
        catchup_ms = max(min(policy.catchup_window, LONGEST) // _MILLISECOND, model.LEAST_CATCHUP_MS)
    if state.remaining_actions < 0:
        raise ConfigurationError(
            f"remaining_actions must not be negative: {state.remaining_actions}", option="remaining_actions"
        )
    return model.Schedule(
        action=await action_to_model(schedule.action, payloads, schedule_id),
        spec=spec,
        policy=model.Policy(overlap_to_model(policy.overlap) or model.SKIP, catchup_ms, policy.pause_on_failure),
        state=model.State(state.note or None, state.paused, state.limited_actions, state.remaining_actions),
    )


async def schedule_from_model(schedule: model.Schedule, payloads: Payloads) -> Schedule:
    """As users see it."""
    policy, state = schedule.policy, schedule.state
    return Schedule(
        action=await action_from_model(schedule.action, payloads),
        spec=spec_from_model(schedule.spec),
        policy=SchedulePolicy(
            ScheduleOverlapPolicy(policy.overlap), policy.catchup_ms * _MILLISECOND, policy.pause_on_failure
        ),
        state=ScheduleState(state.note, state.paused, state.limited_actions, state.remaining_actions),
    )


def backfills_to_model(backfills: Sequence[ScheduleBackfill]) -> list[model.Backfill]:
    """As they are in the log.

    Raises:
        ConfigurationError: One is none, or ends before it begins.
    """
    check_parts("backfill", backfills, Sequence[ScheduleBackfill])
    made = [model.Backfill(to_ms(one.start_at), to_ms(one.end_at), overlap_to_model(one.overlap)) for one in backfills]
    for one, period in zip(backfills, made, strict=True):
        if period.end_ms < period.start_ms:
            raise ConfigurationError(
                f"a backfill's end_at must not be before its start_at: {one.start_at} to {one.end_at}",
                option="backfill",
            )
    return made


def overlap_to_model(overlap: ScheduleOverlapPolicy | None) -> int:
    """As it is in the log; 0: as the schedule says.

    Raises:
        ConfigurationError: There is no such policy.
    """
    check_parts("overlap", overlap, ScheduleOverlapPolicy | None)
    return int(overlap or 0)
