"""A schedule as it is in the log: argument, answers and memo of the workflow that it is.

Always converted by the default payload converter, whatever the application's own one is; values of users are in it as
payloads. Times are Unix milliseconds, durations milliseconds. Fields may be added if they have defaults: schedules that
are open have the old form.
"""

from __future__ import annotations

from foldlog.schemas.common import Failure, Payload, Priority, RetryPolicy
from msgspec import Struct, field

SCHEDULE_TYPE = "foldlog.schedule"
"""Type of the workflow that is a schedule."""
ACTION_TYPE = "foldlog.schedule.action"
"""Type of the workflow that takes one action of it."""
INTERNAL = "foldlog."
"""How the names of built-in workflow types begin."""
SHOWN = "foldlog.schedule"
"""Key in the memo: what lists show."""
BUILT_IN_QUEUE = "foldlog.schedules"
"""They have no activities; a workflow has a task queue all the same."""

SKIP, BUFFER_ONE, BUFFER_ALL, CANCEL_OTHER, TERMINATE_OTHER, ALLOW_ALL = range(1, 7)
DEFAULT_CATCHUP_MS = 365 * 24 * 3_600_000
LEAST_CATCHUP_MS = 10_000
RECENT = 10
"""So many actions that were taken are remembered."""
MOST_BUFFERED = 1_000
"""What comes while so many actions wait is dropped."""


def schedule_workflow_id(schedule_id: str) -> str:
    """ID of the workflow that a schedule is."""
    return f"{SCHEDULE_TYPE}:{schedule_id}"


MOST_HANDED_ON = 200_000
"""A result or a failure of more bytes is not handed to the next action, and neither to one with arguments and memo of
more: all of it is in one record, in JSON."""


class Range(Struct):
    """Numbers from `start` to `end`, both included."""

    start: int
    end: int
    step: int = 1


class Calendar(Struct):
    """Times that match one range of each field; no range of years matches every year."""

    second: list[Range]
    minute: list[Range]
    hour: list[Range]
    day_of_month: list[Range]
    month: list[Range]
    year: list[Range]
    day_of_week: list[Range]
    comment: str | None = None


class Interval(Struct):
    """Times at which the epoch lies a whole number of periods back, the offset aside."""

    every_ms: int
    offset_ms: int = 0


class Spec(Struct):
    """When actions are due."""

    calendars: list[Calendar] = field(default_factory=list)
    intervals: list[Interval] = field(default_factory=list)
    crons: list[str] = field(default_factory=list)
    skip: list[Calendar] = field(default_factory=list)
    start_ms: int | None = None
    end_ms: int | None = None
    jitter_ms: int = 0
    time_zone: str | None = None


class Action(Struct):
    """The workflow that is started."""

    workflow_type: str
    id: str
    task_queue: str
    args: list[Payload] = field(default_factory=list)
    execution_timeout_ms: int = 0
    run_timeout_ms: int = 0
    retry_policy: RetryPolicy | None = None
    memo: dict[str, Payload] = field(default_factory=dict)
    search_attributes: dict[str, Payload] = field(default_factory=dict)
    summary: Payload | None = None
    details: Payload | None = None
    priority: Priority | None = None
    header: dict[str, Payload] = field(default_factory=dict)


class Policy(Struct):
    """What to do when actions overlap, are late, or fail."""

    overlap: int = SKIP
    catchup_ms: int = DEFAULT_CATCHUP_MS
    pause_on_failure: bool = False


class State(Struct):
    """What people do to a schedule."""

    note: str | None = None
    paused: bool = False
    limited_actions: bool = False
    remaining_actions: int = 0

    @property
    def rests(self) -> bool:
        """Whether no action is taken by time, whatever time it is: then it need not wake up for any."""
        return self.paused or (self.limited_actions and self.remaining_actions <= 0)


class Schedule(Struct):
    """All that a user says of a schedule."""

    action: Action
    spec: Spec
    policy: Policy
    state: State


class Start(Struct):
    """An action that is to be taken."""

    nominal_ms: int
    """The time that it is for."""
    due_ms: int
    """The same with jitter."""
    overlap: int = 0
    """0: as the schedule's policy says."""
    manual: bool = False
    """Somebody asked for it: a pause and a limit do not hold it."""


class Running(Struct):
    """An action that was begun and has not ended."""

    workflow_id: str
    run_id: str = ""
    """Empty: not known yet."""
    alone: bool = True
    """It did not run beside another one on purpose, so its result is the last one for the next."""
    asked: int = 0
    """`CANCEL_OTHER` or `TERMINATE_OTHER`, once it was asked for that."""


class Taken(Struct):
    """An action that was taken."""

    scheduled_ms: int
    started_ms: int
    workflow_id: str
    run_id: str


class Backfill(Struct):
    """Times that are to be gone through as if they passed now; both ends are included."""

    start_ms: int
    end_ms: int
    overlap: int = 0


class Progress(Struct):
    """A schedule and all that has become of it: what one run of its workflow hands to the next."""

    id: str
    schedule: Schedule
    created_ms: int = 0
    updated_ms: int = 0
    version: int = 0
    """Counts changes of the schedule from outside: an update is refused if there was one since it was read."""
    seen_ms: int = 0
    """Times up to here were gone through."""
    buffer: list[Start] = field(default_factory=list)
    backfills: list[Backfill] = field(default_factory=list)
    running: list[Running] = field(default_factory=list)
    recent: list[Taken] = field(default_factory=list)
    num_actions: int = 0
    num_missed: int = 0
    num_skipped: int = 0
    last_result: Payload | None = None
    last_failure: Failure | None = None
    memo: dict[str, Payload] = field(default_factory=dict)
    search_attributes: dict[str, Payload] = field(default_factory=dict)


class Change(Struct):
    """An update of a schedule."""

    schedule: Schedule
    version: int
    """The one that it was made from."""
    search_attributes: dict[str, Payload] | None = None
    """None: as they are."""


class Shown(Struct):
    """What lists show."""

    workflow_type: str
    spec: Spec
    note: str | None
    paused: bool
    recent: list[Taken] = field(default_factory=list)
    next_ms: list[int] = field(default_factory=list)


class Job(Struct):
    """What takes an action is told."""

    schedule_id: str
    workflow_id: str
    action: Action
    nominal_ms: int
    due_ms: int
    last_result: Payload | None = None
    last_failure: Failure | None = None


class Ended(Struct):
    """How an action ended."""

    workflow_id: str
    status: str
    """COMPLETED, FAILED, TIMED_OUT, CANCELED or TERMINATED; REFUSED: it did not begin."""
    result: Payload | None = None
    failure: Failure | None = None
