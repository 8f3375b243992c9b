"""What is known of a schedule: all of it, and what lists show."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from foldlog.client._convert import decode_one
from foldlog.client._memo import WithMemo
from foldlog.client._schedule_action import Payloads
from foldlog.client._schedule_spec import ScheduleSpec, from_ms, spec_from_model
from foldlog.client._schedule_types import Schedule, schedule_from_model
from foldlog.common import SearchAttributes, TypedSearchAttributes
from foldlog.converter import DataConverter, decode_search_attributes, decode_typed_search_attributes
from foldlog.schedules import model
from foldlog.schedules.times import following
from foldlog.schemas.common import Payload
from foldlog.schemas.visibility import WorkflowVisibility

logger = logging.getLogger(__name__)

_NEXT = 10


class ScheduleActionExecution:
    """Base class of actions that were taken."""


@dataclass
class ScheduleActionExecutionStartWorkflow(ScheduleActionExecution):
    """A workflow that was started."""

    workflow_id: str
    """Its ID."""
    first_execution_run_id: str
    """The run that it began with."""


@dataclass
class ScheduleActionResult:
    """An action that was taken."""

    scheduled_at: datetime
    """When it was due, jitter included."""
    started_at: datetime
    """When it began."""
    action: ScheduleActionExecution
    """What it was."""


@dataclass
class ScheduleInfo:
    """What has become of a schedule."""

    num_actions: int
    """So many actions were taken."""
    num_actions_missed_catchup_window: int
    """So many were not, being too late."""
    num_actions_skipped_overlap: int
    """So many were not, others running."""
    running_actions: Sequence[ScheduleActionExecution]
    """Those that have not ended."""
    recent_actions: Sequence[ScheduleActionResult]
    """The last 10, oldest first."""
    next_action_times: Sequence[datetime]
    """The next 10 times, jitter included; whether it is paused does not matter."""
    created_at: datetime
    """When it was made."""
    last_updated_at: datetime | None
    """When it was last updated; None: never."""


@dataclass
class _WithMemo(WithMemo):
    """What has the memo of a schedule."""

    data_converter: DataConverter
    """Reads the memo."""
    _memo: Mapping[str, Payload] = field(repr=False)


@dataclass
class ScheduleDescription(_WithMemo):
    """All that is known of a schedule."""

    id: str
    """Its ID."""
    schedule: Schedule
    """What may be changed by an update."""
    info: ScheduleInfo
    """What has become of it."""
    typed_search_attributes: TypedSearchAttributes
    """Its search attributes."""
    search_attributes: SearchAttributes
    """The same without types. Deprecated."""
    raw_description: model.Progress = field(repr=False)
    """As it is in the log, with the codec undone."""


@dataclass
class ScheduleUpdateInput:
    """What the function of an update is given."""

    description: ScheduleDescription
    """The schedule as it is."""


@dataclass
class ScheduleUpdate:
    """What the function of an update returns."""

    schedule: Schedule
    """The schedule as it is to be."""
    search_attributes: TypedSearchAttributes | None = None
    """Its search attributes; None: as they are."""


@dataclass
class ScheduleListState:
    """The state of a schedule in a list."""

    note: str | None
    """For people."""
    paused: bool
    """Whether no actions are taken by time."""


class ScheduleListAction:
    """Base class of actions in a list."""


@dataclass
class ScheduleListActionStartWorkflow(ScheduleListAction):
    """A workflow is started."""

    workflow: str
    """The name of its type."""


@dataclass
class ScheduleListSchedule:
    """A schedule in a list."""

    action: ScheduleListAction
    """What is done."""
    spec: ScheduleSpec
    """When."""
    state: ScheduleListState
    """Whether it is paused."""


@dataclass
class ScheduleListInfo:
    """What has become of a schedule, in a list: as it was when it last did something."""

    recent_actions: Sequence[ScheduleActionResult]
    """The last 5, oldest first."""
    next_action_times: Sequence[datetime]
    """The next 5 times."""


@dataclass
class ScheduleListDescription(_WithMemo):
    """A schedule in a list."""

    id: str
    """Its ID."""
    schedule: ScheduleListSchedule | None
    """What it does; None: it has just been made."""
    info: ScheduleListInfo | None
    """What has become of it; None: likewise."""
    typed_search_attributes: TypedSearchAttributes
    """Its search attributes."""
    search_attributes: SearchAttributes
    """The same without types. Deprecated."""
    raw_entry: WorkflowVisibility = field(repr=False)
    """The row of its workflow."""


async def description(progress: model.Progress, now_ms: int, payloads: Payloads) -> ScheduleDescription:
    """What users see of a schedule.

    Args:
        progress: It.
        now_ms: Now, in Unix milliseconds: a paused schedule does not follow the time.
        payloads: How values of users are shown.
    """
    spec = progress.schedule.spec
    times = following(spec, progress.id, max(progress.seen_ms, now_ms), _NEXT)
    return ScheduleDescription(
        id=progress.id,
        schedule=await schedule_from_model(progress.schedule, payloads),
        info=ScheduleInfo(
            num_actions=progress.num_actions,
            num_actions_missed_catchup_window=progress.num_missed,
            num_actions_skipped_overlap=progress.num_skipped,
            running_actions=[
                ScheduleActionExecutionStartWorkflow(one.workflow_id, one.run_id)
                for one in progress.running
                if one.run_id
            ],
            recent_actions=[_result(taken) for taken in progress.recent],
            next_action_times=[from_ms(time_ms) for time_ms in times],
            created_at=from_ms(progress.created_ms),
            last_updated_at=from_ms(progress.updated_ms) if progress.updated_ms else None,
        ),
        typed_search_attributes=decode_typed_search_attributes(progress.search_attributes),
        search_attributes=decode_search_attributes(progress.search_attributes),
        data_converter=payloads.converter,
        _memo={name: await payloads.from_model(value) for name, value in progress.memo.items()},
        raw_description=progress,
    )


async def list_description(
    row: WorkflowVisibility, converter: DataConverter, own_converter: DataConverter
) -> ScheduleListDescription:
    """What users see of a row.

    Args:
        row: The row of the schedule's workflow.
        converter: The client's, likewise.
        own_converter: Reads what is foldlog's own.
    """
    payload = row.memo.get(model.SHOWN)
    try:
        shown: model.Shown | None = None if payload is None else await decode_one(own_converter, payload, model.Shown)
    except Exception as error:  # whatever another codec's bytes lead to
        logger.warning("schedule %r: what it does cannot be read: %s", row.workflow_id, error)
        shown = None
    schedule, info = None, None
    if shown is not None:
        schedule = ScheduleListSchedule(
            ScheduleListActionStartWorkflow(shown.workflow_type),
            spec_from_model(shown.spec),
            ScheduleListState(shown.note, shown.paused),
        )
        info = ScheduleListInfo(
            [_result(taken) for taken in shown.recent], [from_ms(time_ms) for time_ms in shown.next_ms]
        )
    return ScheduleListDescription(
        id=row.workflow_id.removeprefix(model.schedule_workflow_id("")),
        schedule=schedule,
        info=info,
        typed_search_attributes=decode_typed_search_attributes(row.search_attributes),
        search_attributes=decode_search_attributes(row.search_attributes),
        data_converter=converter,
        _memo={name: value for name, value in row.memo.items() if name != model.SHOWN},
        raw_entry=row,
    )


def _result(taken: model.Taken) -> ScheduleActionResult:
    return ScheduleActionResult(
        from_ms(taken.scheduled_ms),
        from_ms(taken.started_ms),
        ScheduleActionExecutionStartWorkflow(taken.workflow_id, taken.run_id),
    )
