"""The engine without a broker, a store or workflow code: runs in dicts, and a decider that follows a script.

The script stands for workflow code: what it decides is a function of the events that it was told, in order.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from foldlog.core import decisions, fold
from foldlog.core.decider import NondeterminismError, QueryFailed, WorkflowTaskError
from foldlog.core.decisions import Decision
from foldlog.core.engine import Engine
from foldlog.core.limits import HistoryLimits
from foldlog.core.outcome import CommandEntry, LogEntry, Outcome
from foldlog.core.session import Answer, Session
from foldlog.core.state import DeadlineKind, Run
from foldlog.schemas import event, log
from foldlog.schemas.common import Failure, Payload, RetryPolicy, VersioningBehavior
from foldlog.schemas.event import ParentClosePolicy
from foldlog.schemas.framing import decode, encode
from foldlog.schemas.records import Event

UNTAKEN = "untaken"
"""A signal that the script has no handler for."""


def payload(text: str) -> Payload:
    return Payload(encoding="json/plain", data=text.encode())


class ScriptDecider:
    """Decides by a hash of what it has been told: arbitrary, but the same each time."""

    target_changed: Callable[[], bool] | None = None
    versioning_behavior: VersioningBehavior = "UNSPECIFIED"

    def __init__(self, started: event.WorkflowExecutionStarted, broken: Callable[[], bool]) -> None:
        self.replaying = False
        self.history_size = 0
        self._broken = broken
        self._seed = started.workflow_type
        self._held = started.held
        self._heard: list[str] = []
        self._next = 0
        self._activities: list[str] = []
        self._scheduled: dict[int, str] = {}
        self._timers: list[int] = []
        self._local: list[str] = []
        self._untaken: list[event.WorkflowExecutionSignaled] = []
        self._patched: dict[str, bool] = {}
        self.patches: Collection[str] = ()
        self._updates: list[str] = []
        self.closed = False
        self._kin = started.parent is None
        """Whether it asks something of other workflows. Children do not, so that there is an end."""

    def activate(self, happened: Event) -> list[Decision]:
        if self._broken():
            raise WorkflowTaskError("the script is broken")
        self._heard.append(type(happened).__name__)
        self._forget(happened)
        if isinstance(happened, event.WorkflowExecutionSignaled) and happened.signal_name == UNTAKEN:
            self._untaken.append(happened)
        self._held = self._held and not isinstance(happened, event.WorkflowTaskScheduled)
        if self._held:
            return []
        digest = hashlib.blake2b("/".join([self._seed, *self._heard]).encode(), digest_size=8).digest()
        made: list[Decision] = []
        for byte in digest[: digest[7] % 4]:
            made.extend(self._decide(byte, happened.time_ms))
        made.extend(self._note(digest[4]))
        if isinstance(happened, event.WorkflowExecutionCancelRequested) and (digest[6] % 2 or not self._kin):
            return [*made, decisions.CancelWorkflow()]
        # Children end sooner than their parents, so that there is somebody to hear of it.
        end = digest[5] % (24 if self._kin else 8)
        if end == 0:
            made.append(decisions.CompleteWorkflow(result=payload("1")))
        elif end == 1:
            made.append(decisions.FailWorkflow(failure=Failure(message="scripted")))
        elif end == 2:
            made.append(decisions.ContinueAsNew(args=[payload("2")], workflow_type=f"{self._seed}-"))
        return made

    def _note(self, byte: int) -> Iterator[Decision]:
        """What changes the run without waiting for anything."""
        kind = byte % 12
        if kind == 0:
            yield decisions.ModifyProperties(memo={f"m{byte % 5}": payload(str(byte))})
        elif kind == 1:
            yield decisions.UpsertSearchAttributes(search_attributes={f"a{byte % 5}": payload(str(byte))})
        elif kind == 2:
            yield decisions.UpsertSearchAttributes(search_attributes={"a1": Payload(encoding="binary/null")})
        elif kind == 3:
            name = f"p{byte % 7}"
            if name not in self._patched:
                self._patched[name] = not self.replaying or name in self.patches
                if self._patched[name]:
                    yield decisions.RecordPatch(patch_id=name)

    def foretell(self, signals: Sequence[event.WorkflowExecutionSignaled]) -> None:
        for signaled in signals:
            self._heard.append(type(signaled).__name__)
            if signaled.signal_name == UNTAKEN:
                self._untaken.append(signaled)

    def unhandled_signals(self) -> list[event.WorkflowExecutionSignaled]:
        return self._untaken

    def _forget(self, happened: Any) -> None:
        if isinstance(happened, event.WorkflowExecutionUpdateAccepted):
            self._updates.append(happened.update_id)
        elif isinstance(happened, event.TimerFired):
            self._timers.remove(happened.timer_id)
        elif isinstance(happened, event.LocalActivityCompleted):
            self._local.remove(happened.activity_id)
        elif hasattr(happened, "scheduled_event_id"):
            self._activities.remove(self._scheduled.pop(happened.scheduled_event_id))

    def _decide(self, byte: int, now_ms: int) -> Iterator[Decision]:
        kind = byte % 6 if byte < 176 or not self._kin else 6 + byte % 4
        self._next += 1
        if kind == 0:
            self._activities.append(str(self._next))
            yield decisions.ScheduleActivity(
                activity_id=str(self._next),
                activity_type="work",
                task_queue="q",
                schedule_to_close_timeout_ms=20_000 if byte & 64 else 0,
                schedule_to_start_timeout_ms=5_000 if byte & 32 else 0,
                start_to_close_timeout_ms=3_000,
                heartbeat_timeout_ms=1_000 if byte & 16 else 0,
                retry_policy=RetryPolicy(maximum_attempts=3) if byte & 8 else None,
                eager=byte % 7 < 2,
            )
        elif kind == 1:
            self._timers.append(self._next)
            yield decisions.StartTimer(timer_id=self._next, fire_ms=now_ms + byte * 100)
        elif kind == 2 and self._timers:
            yield decisions.CancelTimer(timer_id=self._timers.pop())
        elif kind == 3 and self._scheduled:
            yield decisions.RequestCancelActivity(activity_id=next(iter(self._scheduled.values())))
        elif kind == 4:
            self._local.append(f"local-{self._next}")
            yield decisions.ScheduleLocalActivity(activity_id=f"local-{self._next}", activity_type="near")
        elif kind >= 6:
            yield _of_others(kind, byte, self._next)
        elif kind == 5 and self._updates:
            failure = Failure(message="scripted") if byte & 64 else None
            result = None if failure else payload("6")
            yield decisions.CompleteUpdate(update_id=self._updates.pop(0), result=result, failure=failure)

    def recorded(self, recorded: Any) -> None:
        if isinstance(recorded, event.ActivityTaskScheduled):
            self._scheduled[recorded.event_id] = recorded.activity_id

    def takes_update(self, update_name: str) -> bool:
        return True

    def validate(self, update: event.WorkflowExecutionUpdateAccepted) -> Failure | None:
        if self._broken():
            raise WorkflowTaskError("the script is broken")
        return Failure(message="the script does not want it") if update.update_name == "refused" else None

    def query(self, query_type: str, args: Sequence[Payload], header: object = None) -> Payload:
        if query_type != "heard":
            raise QueryFailed(Failure(message=f"no query {query_type}"))
        return payload(str(len(self._heard)))

    def failure_of(self, error: NondeterminismError) -> Failure | None:
        return None

    def stack(self) -> str:
        return ""

    def close(self) -> None:
        self.closed = True


def _of_others(kind: int, byte: int, number: int) -> Decision:
    """What a script wants of another workflow: of a child, of one that may be there, of one in no namespace."""
    namespace = "nowhere" if byte & 16 else "test"
    if kind in (6, 7):
        policies: list[ParentClosePolicy] = ["TERMINATE", "ABANDON", "REQUEST_CANCEL"]
        return decisions.StartChildWorkflow(
            namespace=namespace,
            workflow_id=f"child-{byte % 3}",
            workflow_type=f"type-{number}",
            task_queue="q",
            parent_close_policy=policies[number % 3],
            run_timeout_ms=5_000 if byte & 32 else 0,
        )
    name = ["a", "b", "child-0", "nobody"][number % 4]
    if kind == 8:
        return decisions.SignalExternalWorkflow(
            namespace=namespace, workflow_id=name, signal_name="s", child_only=name == "child-0"
        )
    return decisions.RequestCancelExternalWorkflow(
        namespace=namespace, workflow_id=name, child_only=name == "child-0", reason="scripted"
    )


class ScriptFactory:
    """Makes script deciders; while `broken`, none of them can go on."""

    def __init__(self) -> None:
        self.broken = False

    def create(self, workflow_id: str, started: event.WorkflowExecutionStarted) -> ScriptDecider:
        return ScriptDecider(started, lambda: self.broken)


class VersionedScripts(ScriptFactory):
    """Scripts in some versions, which all decide alike."""

    def __init__(self, *hosted: str) -> None:
        super().__init__()
        self.hosted = hosted
        self.made: list[str] = []

    def behavior(self, workflow_type: str, version: str) -> VersioningBehavior:
        assert version in self.hosted
        return "AUTO_UPGRADE" if workflow_type == "type-0" else "PINNED"

    def create_version(self, workflow_id: str, started: event.WorkflowExecutionStarted, version: str) -> ScriptDecider:
        self.made.append(version)
        return self.create(workflow_id, started)


class MemorySessions:
    """Implements `Sessions` over the committed log alone: whatever is not cached is folded again."""

    def __init__(self) -> None:
        self.log: list[LogEntry] = []
        self.live: dict[str, Session] = {}
        self.answers: dict[tuple[str, str], Answer] = {}

    def current(self, workflow_id: str) -> Session | None:
        if workflow_id not in self.live:
            runs = [entry.record.run_id for entry in self.log if self._starts(entry, workflow_id)]
            if not runs:
                return None
            self.live[workflow_id] = Session(self.folded(workflow_id, runs[-1]))
        return self.live[workflow_id]

    def find(self, workflow_id: str, run_id: str) -> Session | None:
        session = self.current(workflow_id)
        if session is None or run_id in ("", session.run.run_id):
            return session
        return Session(self.folded(workflow_id, run_id)) if self._records(workflow_id, run_id) else None

    def is_open(self, workflow_id: str, run_id: str) -> bool:
        session = self.current(workflow_id)
        return session is not None and session.run.run_id == run_id and session.run.is_open

    def add(self, run: Run) -> Session:
        self.live[run.workflow_id] = Session(run)
        return self.live[run.workflow_id]

    def history(self, run: Run) -> Iterator[bytes]:
        return (e.encoded for e in self._records(run.workflow_id, run.run_id) if fold.is_event(e.record))

    def event(self, run: Run, event_id: int) -> bytes | None:
        return next((encoded for number, encoded in enumerate(self.history(run), start=1) if number == event_id), None)

    def deferred(self, run: Run) -> Iterator[tuple[int, bytes]]:
        for entry in self._records(run.workflow_id, run.run_id):
            if isinstance(entry.record, log.CommandDeferred) and entry.record.ordinal > run.handled_ordinal:
                yield entry.record.ordinal, entry.record.command

    def answer(self, workflow_id: str, request_id: str) -> Answer | None:
        return self.answers.get((workflow_id, request_id))

    def folded(self, workflow_id: str, run_id: str) -> Run:
        """The run folded from the bytes of the log, as a restore does it."""
        run: Run | None = None
        for entry in self._records(workflow_id, run_id):
            record = decode(entry.encoded)
            if run is None:
                run = fold.begin(workflow_id, record, entry.encoded)
            else:
                fold.apply(run, record, entry.encoded)
        assert run is not None
        run.deadline_changes = None
        return run

    def records(self, workflow_id: str, run_id: str) -> list[Any]:
        """All records of a run, in order."""
        return [entry.record for entry in self._records(workflow_id, run_id)]

    def _records(self, workflow_id: str, run_id: str) -> list[LogEntry]:
        return [e for e in self.log if e.run is not None and e.workflow_id == workflow_id and e.run.run_id == run_id]

    @staticmethod
    def _starts(entry: LogEntry, workflow_id: str) -> bool:
        return entry.workflow_id == workflow_id and isinstance(entry.record, event.WorkflowExecutionStarted)


@dataclass
class World:
    """One engine, its log, and a clock that only moves when told."""

    factory: ScriptFactory = field(default_factory=ScriptFactory)
    sessions: MemorySessions = field(default_factory=MemorySessions)
    now_ms: int = 1_000_000
    namespace: str = "test"
    reachable: tuple[str, ...] = ("test",)
    outcomes: list[Outcome] = field(default_factory=list)
    sent: deque[CommandEntry] = field(default_factory=deque)
    """Committed commands to other workflows that have not been handled."""
    runs: int = 0
    handled: list[Any] = field(default_factory=list)
    """All commands so far."""
    outlasting: bool = False
    """Whether local activities outlast the transactions that begin them, which the log then says; and whether workers
    of this process take eager tasks."""
    fired: set[DeadlineKind] = field(default_factory=set)
    """What has come due."""
    limits: HistoryLimits = field(default_factory=HistoryLimits)
    local: set[tuple[str, str, str]] = field(default_factory=set)
    """Workflow ID, run ID and activity ID of local activities that run."""

    def __post_init__(self) -> None:
        self.engine = Engine(
            self.factory,
            self.sessions,
            decode=decode,
            new_run_id=self._run_id,
            reserve=lambda task_queue, activity_type, version: self.outlasting,
        )

    def _run_id(self) -> str:
        self.runs += 1
        return f"run-{self.runs}"

    def do(self, step: Callable[[Engine, Outcome], None], *, abort: bool = False) -> Outcome:
        """Run one transaction; if it is aborted, it leaves nothing."""
        outcome = Outcome(
            now_ms=self.now_ms,
            namespace=self.namespace,
            encode=encode,
            limits=self.limits,
            unreachable=self._unreachable,
        )
        step(self.engine, outcome)
        self._run_local(outcome)
        if abort:
            self.engine.aborted()
            self.forget()
            return outcome
        self.sessions.log.extend(outcome.log)
        for entry in outcome.log:
            request_id = getattr(entry.record, "request_id", "")
            if isinstance(entry.record, log.RequestRejected):
                self.sessions.answers[entry.workflow_id, request_id] = Answer(rejected=entry.record.answer)
            elif request_id and entry.run is not None:
                started = isinstance(entry.record, event.WorkflowExecutionStarted)
                self.sessions.answers[entry.workflow_id, request_id] = Answer(entry.run.run_id, started)
        self.engine.committed()
        self.outcomes.append(outcome)
        self.sent.extend(outcome.commands)
        return outcome

    def _run_local(self, outcome: Outcome) -> None:
        """Stop and begin local activities as a processor does, before it is known what becomes of the transaction."""
        stopped = {(run_id, activity_id) for run_id, activity_id in outcome.canceled_local}
        self.local = {each for each in self.local if each[1:] not in stopped}
        for call in outcome.local_calls:
            session = self.sessions.find(call.workflow_id, call.run_id)
            activity_id = call.decision.activity_id
            if session is None or activity_id not in session.local:
                continue
            self.local.add((call.workflow_id, call.run_id, activity_id))
            if self.outlasting and activity_id not in (session.run.local_activities or ()):
                outcome.append(session.run, log.LocalActivityStarted(run_id=call.run_id, activity_id=activity_id))

    def forget(self) -> None:
        """Forget everything but the log, as when a processor takes over, and go on with what only its last owner knew.

        What it ran for others is not lost: it is run again.
        """
        self.sessions.live.clear()
        if not self.outlasting:
            return
        self.local.clear()
        for workflow_id in {entry.workflow_id for entry in self.sessions.log if entry.run is not None}:
            session = self.sessions.current(workflow_id)
            if session is None:
                continue
            for key in [key for key, due_ms in session.run.deadlines.items() if due_ms == fold.UNFINISHED_MS]:
                self.do(
                    lambda engine, outcome, run=session.run, key=key: engine.recover(  # type: ignore[misc]
                        run.workflow_id, run.run_id, key, outcome
                    )
                )

    def _unreachable(self, namespace: str) -> str | None:
        return None if namespace in self.reachable else f"there is no namespace {namespace}"

    def deliver(self, count: int = 1_000_000) -> None:
        """Handle commands that workflows have sent, oldest first, and what they lead to, as many as said."""
        while self.sent and count:
            count -= 1
            entry = self.sent.popleft()
            assert entry.namespace == self.namespace
            self.handle(entry.workflow_id, decode(entry.encoded or encode(entry.command)))

    def handle(self, workflow_id: str, wanted: Any) -> Outcome:
        self.handled.append(wanted)
        return self.do(lambda engine, outcome: engine.handle(workflow_id, wanted, outcome))

    def fire_due(self) -> None:
        """Fire all that has come due, in order of time."""
        for workflow_id in list(self.sessions.live):
            run = self.sessions.live[workflow_id].run
            for key, due_ms in sorted(run.deadlines.items(), key=lambda item: item[1]):
                if due_ms <= self.now_ms:
                    self.fired.add(key[0])
                    self.do(
                        lambda engine, outcome, r=run, k=key, d=due_ms: engine.fire(  # type: ignore[misc]
                            r.workflow_id, r.run_id, k, d, outcome
                        )
                    )
