"""What handling comes to: the buffer between the engine and whoever commits.

One outcome collects all that the commands of one transaction lead to: records for `<ns>.events` in order, tasks,
replies, and what is to be done once it is committed. It is written only by the engine and thrown away whole when the
transaction is aborted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from foldlog.core import fold
from foldlog.core.decider import WorkflowTaskError
from foldlog.core.decisions import ScheduleLocalActivity
from foldlog.core.limits import HistoryLimits
from foldlog.core.state import Run
from foldlog.schemas import event, log
from foldlog.schemas.common import ReplyTo
from foldlog.schemas.framing import EncodeError
from foldlog.schemas.records import Reply
from foldlog.schemas.task import ActivityTask
from msgspec import Struct, field

MAXIMUM_RECORD_BYTES = 1_000_000
"""Bound on one encoded event: librdkafka's default for a message. The processor's producer takes a little more, so that
whatever is made of an event (a task, a result) still fits."""

NUMBERED_BYTES = 100
"""Room for what a record gets when it is appended: run ID, number, time and chain, and when a following run begins."""

MAXIMUM_COMMAND_BYTES = MAXIMUM_RECORD_BYTES + 20_000
"""The same for a command to another workflow, which carries what is in an event, and addresses."""

MAXIMUM_DEFERRED_BYTES = MAXIMUM_COMMAND_BYTES + 10_000
"""The same for a record that keeps a whole command, whoever sent it."""

LARGE_RECORD_BYTES = 256 * 1024
"""From here on a record is worth a warning: what it holds may grow further, and then it is refused."""

MAXIMUM_WORKFLOW_ID_BYTES = 1_000
"""Bound on a workflow ID in UTF-8: it is the key of every record of its workflow."""

VISIBLE = frozenset(
    {
        event.WorkflowExecutionStarted,
        event.PatchRecorded,
        event.UpsertWorkflowSearchAttributes,
        event.WorkflowPropertiesModified,
        log.WorkflowStalled,
        log.WorkflowResumed,
        log.WorkflowOptionsChanged,
    }
)
"""Records, besides those that close a run, after which its visibility row is written again."""


def check_workflow_id(workflow_id: str) -> None:
    """Refuse an ID that no workflow can have.

    Raises:
        WorkflowTaskError: It is empty or too long.
    """
    length = len(workflow_id.encode())
    if not 0 < length <= MAXIMUM_WORKFLOW_ID_BYTES:
        raise WorkflowTaskError(
            f"a workflow ID may have 1 to {MAXIMUM_WORKFLOW_ID_BYTES} bytes in UTF-8, and {workflow_id[:80]!r} has "
            f"{length}"
        )


class LogEntry(NamedTuple):
    """One record for `<ns>.events`."""

    workflow_id: str
    record: Any
    encoded: bytes
    run: Run | None
    """The run after the record; None for a record that belongs to none."""


class Growth(NamedTuple):
    """A record or a history that may become too large."""

    workflow_id: str
    workflow_type: str
    record: Any
    """The large record; of a long history, the one that made it so."""
    record_bytes: int
    """0: it is the history that is long."""
    history_events: int
    history_bytes: int
    ended: str = ""
    """Why the run was terminated for it; empty: it goes on."""


class TaskEntry(NamedTuple):
    """One activity task, for its topic or for a worker of this process."""

    workflow_id: str
    task_queue: str
    task: ActivityTask


class CommandEntry(NamedTuple):
    """A command to another workflow, of this namespace or of another one."""

    namespace: str
    workflow_id: str
    command: Any
    encoded: bytes = b""
    """The same as bytes; empty: not encoded yet."""


class LocalCall(NamedTuple):
    """A local activity to run in this process."""

    workflow_id: str
    run_id: str
    workflow_type: str
    decision: ScheduleLocalActivity
    scheduled_ms: int
    """When its first attempt was scheduled."""
    elapsed_ms: int = 0
    """How long ago that was."""
    deployment_version: str = ""
    """The version that the run is pinned to; empty: none."""


class Outcome(Struct):
    """The buffer of one transaction on one partition."""

    now_ms: int
    """The time of all that is handled, in Unix milliseconds."""
    namespace: str
    encode: Callable[[Any], bytes]
    limits: HistoryLimits = HistoryLimits()
    """What the history of each run may come to."""
    log: list[LogEntry] = field(default_factory=list)
    tasks: list[TaskEntry] = field(default_factory=list)
    """For the task topics."""
    eager: list[TaskEntry] = field(default_factory=list)
    """For workers of this process, after the commit; each holds a reserved slot."""
    unused_slots: list[str] = field(default_factory=list)
    """Task queues of slots that were reserved for eager tasks which could not be recorded."""
    unreachable: Callable[[str], str | None] = lambda namespace: None
    """Why nothing can be sent to another namespace; None: it can."""
    commands: list[CommandEntry] = field(default_factory=list)
    """For other workflows."""
    begun: dict[str, int] = field(default_factory=dict)
    """Where in `commands` the word is that a child has begun, by its run ID."""
    replies: list[tuple[ReplyTo, Reply]] = field(default_factory=list)
    visible: dict[tuple[str, str], Run] = field(default_factory=dict)
    """Runs whose visibility row is out of date."""
    local_calls: list[LocalCall] = field(default_factory=list)
    """For this process, at once."""
    replayed_events: list[int] = field(default_factory=list)
    """How many events each replay told again."""
    grown: list[Growth] = field(default_factory=list)
    """Worth a warning: nothing is refused yet, unless it says so."""
    canceled_local: list[tuple[str, str]] = field(default_factory=list)
    """Run ID and activity ID of local activities that nobody waits for any more."""
    stopped_local: list[tuple[str, str]] = field(default_factory=list)
    """The same of those that are to stop and whose end is waited for."""
    canceled_eager: list[tuple[str, int, int]] = field(default_factory=list)
    """Run ID, scheduled event ID and attempt of eager activities whose cancellation was asked for."""
    long_events: int = 0
    """So many events make a history long, which is worth a look at its limits. Follows from these, as the next one."""
    long_bytes: int = 0

    def __post_init__(self) -> None:
        self.long_events = self.limits.events_step
        self.long_bytes = self.limits.bytes_step

    def append(self, run: Run, record: Any, maximum_bytes: int = MAXIMUM_RECORD_BYTES) -> None:
        """Add the next record of a run, and change the run by it.

        An event gets its number, time and chain here; everything else about it is the caller's.

        Args:
            run: The run.
            record: The record.
            maximum_bytes: Bound on its encoded form.

        Raises:
            WorkflowTaskError: The record is too large. The run is as it was.
        """
        if fold.is_event(record):
            record.run_id = run.run_id
            record.event_id = run.last_event_id + 1
            record.time_ms = self.now_ms
            record.chain = run.chain
        encoded = self._encode(record, maximum_bytes)
        fold.apply(run, record, encoded)
        self._add(run, record, encoded)

    def begin(self, workflow_id: str, run_id: str, started: event.WorkflowExecutionStarted) -> Run:
        """Add the first event of a run."""
        started.run_id = run_id
        started.event_id = 1
        started.time_ms = self.now_ms
        encoded = self._encode(started)
        run = fold.begin(workflow_id, started, encoded)
        self._add(run, started, encoded)
        return run

    def check_fits(self, record: Any) -> None:
        """Make sure that a record can be appended later.

        Raises:
            WorkflowTaskError: It is too large, or will be.
        """
        self._encode(record, MAXIMUM_RECORD_BYTES - NUMBERED_BYTES)

    def append_loose(self, workflow_id: str, record: Any) -> None:
        """Add a record that belongs to no run."""
        self.log.append(LogEntry(workflow_id, record, self.encode(record), None))

    def reply(self, reply_to: ReplyTo | None, make: Callable[..., Reply], **fields: Any) -> None:
        """Answer, if anybody asked."""
        if reply_to is not None:
            self.replies.append((reply_to, make(correlation_id=reply_to.correlation_id, **fields)))

    def addressed(self, namespace: str, workflow_id: str, command: Any) -> CommandEntry:
        """A command to another workflow, to be put into `commands`.

        Raises:
            WorkflowTaskError: It is too large, or there can be no workflow of that ID.
        """
        check_workflow_id(workflow_id)
        return CommandEntry(namespace, workflow_id, command, self._encode(command, MAXIMUM_COMMAND_BYTES))

    def _encode(self, record: Any, maximum_bytes: int = MAXIMUM_RECORD_BYTES) -> bytes:
        try:
            encoded = self.encode(record)
        except EncodeError as error:
            raise WorkflowTaskError(str(error)) from error
        if len(encoded) > maximum_bytes:
            raise WorkflowTaskError(
                f"{type(record).__name__} has {len(encoded)} bytes, and a record may have {maximum_bytes}: "
                "keep large data elsewhere and pass a reference"
            )
        return encoded

    def _add(self, run: Run, record: Any, encoded: bytes) -> None:
        self.log.append(LogEntry(run.workflow_id, record, encoded, run))
        if len(encoded) > LARGE_RECORD_BYTES:
            self._note_growth(run, record, len(encoded))
        if run.last_event_id >= self.long_events or run.history_size >= self.long_bytes:
            self._note_history(run, record, len(encoded))
        if type(record) in VISIBLE or not run.is_open:
            self.visible[run.workflow_id, run.run_id] = run

    def _note_history(self, run: Run, record: Any, size: int) -> None:
        """Note a history that has just got over a bound; it is long already."""
        if fold.is_event(record) and (
            run.last_event_id % self.long_events == 0
            or run.history_size // self.long_bytes != (run.history_size - size) // self.long_bytes
        ):
            self._note_growth(run, record, 0)

    def note_end(self, run: Run, reason: str) -> None:
        """Note that a run was terminated because of its history, which its last event says too."""
        self._note_growth(run, run.closing, 0, reason)

    def _note_growth(self, run: Run, record: Any, size: int, ended: str = "") -> None:
        workflow_type = run.started.workflow_type
        self.grown.append(
            Growth(run.workflow_id, workflow_type, record, size, run.last_event_id, run.history_size, ended)
        )
