"""An activity without a workflow as it is in the log: argument, answer and memo of the workflow that carries it out.

Always converted by the default payload converter, whatever the application's own one is; values of users are in it as
payloads. Durations are milliseconds. Fields may be added if they have defaults: activities that are open have the old
form.
"""

from __future__ import annotations

from foldlog.schemas.common import Payload, Priority, RetryPolicy
from msgspec import Struct, field

ACTIVITY_TYPE = "foldlog.activity"
"""Type of the workflow that carries out one activity."""
SHOWN = "foldlog.activity"
"""Key in the memo: the job without its arguments, for lists and descriptions."""


def activity_workflow_id(activity_id: str) -> str:
    """ID of the workflow that carries out an activity."""
    return f"{ACTIVITY_TYPE}:{activity_id}"


def is_standalone(workflow_id: str | None) -> bool:
    """Whether a workflow does nothing but carry out an activity."""
    return workflow_id is not None and workflow_id.startswith(f"{ACTIVITY_TYPE}:")


class Job(Struct):
    """One activity."""

    activity_id: str
    activity_type: str
    task_queue: str
    args: list[Payload] = field(default_factory=list)
    schedule_to_close_timeout_ms: int = 0
    schedule_to_start_timeout_ms: int = 0
    start_to_close_timeout_ms: int = 0
    heartbeat_timeout_ms: int = 0
    retry_policy: RetryPolicy | None = None
    summary: Payload | None = None
    priority: Priority | None = None
    header: dict[str, Payload] = field(default_factory=dict)


class Described(Struct):
    """The answer to the question what it is."""

    job: Job
    timed_out: bool = False
    """Whether it ended so; its workflow failed then."""
