"""What interceptors see of calls that are about schedules. Names and meanings follow Temporal's `temporalio.client`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from foldlog.client._interceptor_base import Input

if TYPE_CHECKING:
    from foldlog.client._schedule_description import ScheduleUpdate, ScheduleUpdateInput
    from foldlog.client._schedule_types import Schedule, ScheduleBackfill, ScheduleOverlapPolicy
    from foldlog.common import SearchAttributes, TypedSearchAttributes


@dataclass(kw_only=True)
class CreateScheduleInput(Input):
    """For `OutboundInterceptor.create_schedule`."""

    id: str
    schedule: Schedule
    trigger_immediately: bool
    backfill: Sequence[ScheduleBackfill]
    memo: Mapping[str, Any] | None
    search_attributes: TypedSearchAttributes | SearchAttributes | None


@dataclass(kw_only=True)
class ListSchedulesInput(Input):
    """For `OutboundInterceptor.list_schedules`."""

    page_size: int
    next_page_token: bytes | None
    query: str | None = None


@dataclass(kw_only=True)
class BackfillScheduleInput(Input):
    """For `OutboundInterceptor.backfill_schedule`."""

    id: str
    backfills: Sequence[ScheduleBackfill]


@dataclass(kw_only=True)
class DeleteScheduleInput(Input):
    """For `OutboundInterceptor.delete_schedule`."""

    id: str


@dataclass(kw_only=True)
class DescribeScheduleInput(Input):
    """For `OutboundInterceptor.describe_schedule`."""

    id: str


@dataclass(kw_only=True)
class PauseScheduleInput(Input):
    """For `OutboundInterceptor.pause_schedule`."""

    id: str
    note: str | None


@dataclass(kw_only=True)
class TriggerScheduleInput(Input):
    """For `OutboundInterceptor.trigger_schedule`."""

    id: str
    overlap: ScheduleOverlapPolicy | None


@dataclass(kw_only=True)
class UnpauseScheduleInput(Input):
    """For `OutboundInterceptor.unpause_schedule`."""

    id: str
    note: str | None


@dataclass(kw_only=True)
class UpdateScheduleInput(Input):
    """For `OutboundInterceptor.update_schedule`."""

    id: str
    updater: Callable[[ScheduleUpdateInput], ScheduleUpdate | Awaitable[ScheduleUpdate | None] | None]
