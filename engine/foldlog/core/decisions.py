"""What workflow code may decide, as data: the vocabulary between a decider and the state machine.

A decision says what the code wants; the state machine makes events of it. All of one activation are handed over
together, in the order in which the code made them. Nothing here knows how decisions come about or what follows.
"""

from __future__ import annotations

from typing import Any

from foldlog.schemas.command import WorkflowIdReusePolicy
from foldlog.schemas.common import ActivityOptions, Failure, Payload, RetryPolicy, RetryState, WorkflowOptions
from foldlog.schemas.event import ParentClosePolicy
from msgspec import Struct, field


class Decision(Struct, kw_only=True):
    """The base of all decisions."""

    source: str = ""
    """Where in the workflow's code it was made, as `file:line in function`; kept only while replaying."""


class ScheduleActivity(Decision, kw_only=True):
    """Run an activity on a task queue. Timeouts are in milliseconds, 0 means none."""

    activity_id: str
    activity_type: str
    task_queue: str
    args: list[Payload] = field(default_factory=list)
    schedule_to_close_timeout_ms: int = 0
    schedule_to_start_timeout_ms: int = 0
    start_to_close_timeout_ms: int = 0
    heartbeat_timeout_ms: int = 0
    retry_policy: RetryPolicy | None = None
    """None: a failed attempt is not repeated. The runtime fills in the default policy before it comes here."""
    eager: bool = True
    """Whether the task may be handed to a worker of the same process, past the topic."""
    options: ActivityOptions | None = None
    """What few activities have; None: nothing of it."""


class ScheduleLocalActivity(Decision, kw_only=True):
    """Run an activity in the processor's own process; only its end is recorded.

    Where its next attempt is further away than `retry_threshold_ms`, it ends with a backoff: the code then waits on a
    timer and decides the same again, with the next attempt's number.
    """

    activity_id: str
    activity_type: str
    args: list[Payload] = field(default_factory=list)
    schedule_to_close_timeout_ms: int = 0
    schedule_to_start_timeout_ms: int = 0
    start_to_close_timeout_ms: int = 0
    retry_policy: RetryPolicy | None = None
    options: ActivityOptions | None = None
    """What few activities have; None: nothing of it."""
    retry_threshold_ms: int = 0
    """Waits up to this one are spent in memory; 0: all of them are."""
    attempt: int = 1
    """The attempt to begin with."""
    scheduled_ms: int = 0
    """When the first attempt was scheduled; 0: now."""
    cancel_requested: bool = False
    """Whether its cancellation was asked for and its end is awaited."""
    origin: object = None
    """Whose code decided it: its worker is the first that may run it."""


class CancelLocalActivity(Decision, kw_only=True):
    """Ask a local activity to stop. Leaves no event."""

    activity_id: str
    wait: bool = False
    """Whether the code waits for how it ends. False: a result that still comes is dropped."""


class RequestCancelActivity(Decision, kw_only=True):
    """Ask for the cancellation of an activity that is open."""

    activity_id: str


class StartTimer(Decision, kw_only=True):
    """Wake the code at a time. IDs count up from 1 within a run."""

    timer_id: int
    fire_ms: int
    """When, in Unix milliseconds of the workflow's clock."""
    summary: Payload | None = None
    """One line for people."""


class CancelTimer(Decision, kw_only=True):
    """The code no longer waits for a timer that is open."""

    timer_id: int


class StartChildWorkflow(Decision, kw_only=True):
    """Start a workflow as a child of this one. Timeouts are in milliseconds, 0 means none."""

    namespace: str
    workflow_id: str
    workflow_type: str
    task_queue: str
    args: list[Payload] = field(default_factory=list)
    parent_close_policy: ParentClosePolicy = "TERMINATE"
    id_reuse_policy: WorkflowIdReusePolicy = "ALLOW_DUPLICATE"
    execution_timeout_ms: int = 0
    run_timeout_ms: int = 0
    memo: dict[str, Payload] = field(default_factory=dict)
    options: WorkflowOptions | None = None


class SignalExternalWorkflow(Decision, kw_only=True):
    """Send a signal to another workflow."""

    namespace: str
    workflow_id: str
    run_id: str = ""
    """Empty: the current run."""
    child_only: bool = False
    """Refuse it unless the other one is a child of this run."""
    signal_name: str
    args: list[Payload] = field(default_factory=list)
    header: dict[str, Payload] = field(default_factory=dict)
    """What interceptors pass along; only the command has it."""


class RequestCancelExternalWorkflow(Decision, kw_only=True):
    """Ask another workflow to cancel itself."""

    namespace: str
    workflow_id: str
    run_id: str = ""
    """Empty: the current run."""
    child_only: bool = False
    """Refuse it unless the other one is a child of this run."""
    reason: str = ""


class CompleteUpdate(Decision, kw_only=True):
    """The handler of an update ended: with a result, or with a failure."""

    update_id: str
    result: Payload | None = None
    failure: Failure | None = None


class RecordPatch(Decision, kw_only=True):
    """The code passed a patch for the first time and takes its new way."""

    patch_id: str
    deprecated: bool = False


class UpsertSearchAttributes(Decision, kw_only=True):
    """Change search attributes; a payload with the encoding binary/null removes one."""

    search_attributes: dict[str, Payload]


class ModifyProperties(Decision, kw_only=True):
    """Change the memo; a payload with the encoding binary/null removes a value."""

    memo: dict[str, Payload]


class ClosingDecision(Decision, kw_only=True):
    """The base of what ends a run. Always the last decision of its activation."""

    new_run_id: str = ""
    """The run that follows; filled in by the engine where one does."""
    retry_state: RetryState = "UNSPECIFIED"
    """Why none follows; likewise."""


class CompleteWorkflow(ClosingDecision, kw_only=True):
    """The run method returned."""

    result: Payload


class FailWorkflow(ClosingDecision, kw_only=True):
    """The run method raised a workflow failure."""

    failure: Failure


class ContinueAsNew(ClosingDecision, kw_only=True):
    """Go on in a new run with a fresh history. None, and an empty string: as in this run."""

    args: list[Payload] = field(default_factory=list)
    workflow_type: str = ""
    task_queue: str = ""
    run_timeout_ms: int | None = None
    retry_policy: RetryPolicy | None = None
    memo: dict[str, Payload] | None = None
    search_attributes: dict[str, Payload] | None = None
    header: dict[str, Payload] = field(default_factory=dict)
    backoff_ms: int = 0
    """Wait before the code of the new run begins, in milliseconds."""
    upgrade: bool = False
    """Whether the new run is on the version that new runs begin on, also where this run is pinned to another."""
    ramping: bool = False
    """Whether that is the ramping version, if there is one."""


class CancelWorkflow(ClosingDecision, kw_only=True):
    """The run method let its own cancellation through."""

    details: list[Payload] = field(default_factory=list)


def put_closing_last(made: list[Any]) -> None:
    """Updates whose handlers ended in the activation that closed the run, but after that, ended all the same."""
    for index, decision in enumerate(made):
        if isinstance(decision, CompleteWorkflow | FailWorkflow | CancelWorkflow):
            made.append(made.pop(index))
            return
