"""One partition that this process owns: its store, its live runs and its engine.

Owns the step from input to an outcome, and from a committed outcome to the store. It knows no Kafka: the processor
feeds it and commits what it comes to.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from foldlog._random_ids import random_id
from foldlog.core.decider import DeciderFactory
from foldlog.core.engine import Engine, LocalResult
from foldlog.core.limits import HistoryLimits
from foldlog.core.outcome import MAXIMUM_WORKFLOW_ID_BYTES, LocalCall, LogEntry, Outcome
from foldlog.core.session import Session
from foldlog.core.state import DeadlineKind
from foldlog.processors.sessions import CachedSessions
from foldlog.processors.store.batch import StoreBatch
from foldlog.processors.store.errors import StoreError
from foldlog.processors.store.partition import PartitionStore
from foldlog.schemas import log
from foldlog.schemas.codec import Codec
from foldlog.schemas.framing import DecodeError
from foldlog.schemas.registry import SchemaLookupError
from foldlog.schemas.reply import PartitionMoved
from foldlog.transport._headers import headers_of
from msgspec import Struct, field

logger = logging.getLogger("foldlog.processor")

DUE_AT_ONCE = 1_000
"""Deadlines handled in one transaction, at most: commands must not wait for a flood of timers."""


class PoisonedInput(Exception):
    """Handling one input raised what it never should. The transaction must be thrown away; the next time, the
    partition knows that input and sets it aside."""


class NotNow(Exception):
    """Handling cannot go on now, for no fault of the input. The transaction must be thrown away and repeated."""


class StoreFailed(Exception):
    """A partition's store cannot be used any more.

    Attributes:
        partition: Which one.
        error: Why.
    """

    def __init__(self, partition: int, error: StoreError) -> None:
        super().__init__(f"partition {partition}: {error}")
        self.partition = partition
        self.error = error


_NO_FAULT = (NotNow, SchemaLookupError, StoreError)
"""Raised while handling: the input may be handled the next time."""

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def _on_store(
    method: Callable[Concatenate[Partition, Arguments], Result],
) -> Callable[Concatenate[Partition, Arguments], Result]:
    """Make the store's errors say whose they are."""

    @functools.wraps(method)
    def wrapped(self: Partition, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        try:
            return method(self, *args, **kwargs)
        except StoreError as error:
            raise StoreFailed(self.number, error) from error

    return wrapped


class DeadLetter(Struct):
    """A command that cannot be decoded or handled, as it was found."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, Any]]
    offset: int
    error: str


class Record(Protocol):
    """One record of the commands topic, as a Kafka client hands it over."""

    def key(self) -> Any: ...
    def value(self) -> Any: ...
    def headers(self) -> Any: ...
    def offset(self) -> Any: ...


class Work(Struct):
    """What one transaction comes to on this partition."""

    outcome: Outcome
    dead_letters: list[DeadLetter] = field(default_factory=list)
    moved: PartitionMoved | None = None
    """To be told to all clients."""
    commands: dict[str, int] = field(default_factory=dict)
    """How many commands of each type."""
    timers_fired: int = 0
    latest_timer_ms: int = 0
    """By how much the latest of them was late."""
    produced: int = 0
    """How many records of the log are produced already, since the transaction was begun ahead."""


class Partition:
    """One partition of `<ns>.commands` and `<ns>.events`."""

    def __init__(
        self,
        number: int,
        store: PartitionStore,
        codec: Codec,
        factory: DeciderFactory,
        *,
        namespace: str,
        build_id: str,
        reserve: Callable[[str, str, str], bool],
        release: Callable[[str], None],
        require_queue: Callable[[str], None],
        unreachable: Callable[[str], str | None] = lambda namespace: None,
        cannot_run_local: Callable[[str, str], str],
        partition_of: Callable[[str], int],
        long_poll_ms: int,
        limits: HistoryLimits,
    ) -> None:
        self.number = number
        self.store = store
        self.next_offset = store.position.commands_offset
        """The next command to handle."""
        self.sessions = CachedSessions(store)
        self._codec = codec
        self._foresee: Callable[[Iterable[Any]], None] | None = getattr(factory, "foresee", None)
        self._code_here: Callable[[], object] = getattr(factory, "code_here", lambda: None)
        self._code = self._code_here()
        self._namespace = namespace
        self._limits = limits
        self._unreachable = unreachable
        self._release = release
        self._engine = Engine(
            factory,
            self.sessions,
            decode=codec.decode,
            new_run_id=random_id,
            reserve=reserve,
            require_queue=require_queue,
            cannot_run_local=cannot_run_local,
            build_id=build_id,
            deployments=store.deployments(),
            long_poll_ms=long_poll_ms,
        )
        self._partition_of = partition_of
        self._poisoned: dict[object, str] = {}
        """Why inputs cannot be handled, by the offset of a command, or by what came due."""
        self._set_aside: list[object] = []
        """Those of them that the open transaction has set aside. They are known until it is committed: if another one
        aborted it and these were unknown again, each further one would double the number of aborts."""
        self._unannounced: PartitionMoved | None = None
        """The takeover that is not committed yet."""
        self._forgotten: set[tuple[str, str]] = set()
        """Workflow ID and run ID of runs whose local activities an aborted transaction has made this process forget."""
        self._work: Work | None = None
        self._staged: StoreBatch | None = None
        """What the open transaction's work changes in the store."""

    # ---- input

    def work(self, now_ms: int) -> Work:
        """The open transaction's work on this partition, begun if need be."""
        if self._work is None:
            self._work = Work(
                Outcome(
                    now_ms=now_ms,
                    namespace=self._namespace,
                    encode=self._codec.encode,
                    limits=self._limits,
                    unreachable=self._unreachable,
                )
            )
        return self._work

    def begun_ahead(self, begun: log.BatchBegun, encoded: bytes) -> None:
        """The transaction is begun, with this record, before there is anything to handle."""
        work = self.work(begun.time_ms)
        work.outcome.log.append(LogEntry("", begun, encoded, None))
        work.produced = 1

    @_on_store
    def handle(self, records: Iterable[Record], now_ms: int) -> None:
        """Handle commands in their order.

        Raises:
            PoisonedInput: One of them cannot be handled; the next time it goes to the dead letters.
        """
        work = self.work(now_ms)
        counts = work.commands
        if self._foresee is not None:
            records = list(records)
            self._foresee(self._readable(records))
        for record in records:
            offset = record.offset()
            if offset < self.next_offset:
                continue
            self.next_offset = offset + 1
            if self._poisoned and (why := self._why_poisoned(offset)) is not None:
                self._dead_letter(work, record, why)
                continue
            try:
                workflow_id = self._workflow_id(record.key())
                command = self._codec.decode(record.value())
                handle = self._engine.handles(command)
            except DecodeError as error:
                self._dead_letter(work, record, str(error))
                continue
            name = type(command).__name__
            counts[name] = counts.get(name, 0) + 1
            try:
                handle(workflow_id, command, work.outcome)
            except _NO_FAULT:
                raise
            except Exception as error:
                logger.exception("command at offset %d of partition %d failed", offset, self.number)
                message = f"{name} for workflow {workflow_id!r}: {type(error).__name__}: {error}"
                self._poisoned[offset] = message
                raise PoisonedInput(message) from error
        if self._engine.deployment_changed:
            self._resume_stalled(work)

    def _readable(self, records: Iterable[Record]) -> Iterator[Any]:
        """The commands among records."""
        for record in records:
            try:
                yield self._codec.decode(record.value())
            except DecodeError:
                continue  # `handle` sees to it

    @_on_store
    def handle_local(self, workflow_id: str, command: Any, now_ms: int) -> None:
        """Handle what an eager activity of this process says."""
        work = self.work(now_ms)
        name = type(command).__name__
        work.commands[name] = work.commands.get(name, 0) + 1
        self._guarded(None, name, self._engine.handle, workflow_id, command, work.outcome)

    @_on_store
    def local_ended(self, ended: LocalResult, now_ms: int) -> None:
        """Handle the end of a local activity.

        Raises:
            PoisonedInput: It cannot be handled. The activity runs again, and if that end cannot be handled either, its
                workflow stalls: it would run again and again, and no transaction of this partition be committed.
        """
        work = self.work(now_ms)
        where = (ended.workflow_id, ended.run_id, ended.activity_id)
        if (why := self._why_poisoned(where)) is not None:
            self._engine.give_up(ended.workflow_id, ended.run_id, why, work.outcome)
            return
        what = f"end of local activity {ended.activity_type} of workflow {ended.workflow_id!r}"
        self._guarded(where, what, self._engine.local_ended, ended, work.outcome)

    @_on_store
    def fire_due(self, now_ms: int) -> None:
        """Handle what has come due."""
        next_due_ms = self.store.next_due_ms()
        if next_due_ms is None or next_due_ms > now_ms:
            return
        work = self.work(now_ms)
        for due in self.store.due(now_ms, DUE_AT_ONCE):
            work.timers_fired += 1
            work.latest_timer_ms = max(work.latest_timer_ms, now_ms - due.due_ms)
            where = (due.workflow_id, due.run_id, due.key)
            if (why := self._why_poisoned(where)) is not None:
                self._engine.give_up(due.workflow_id, due.run_id, why, work.outcome)
                continue
            what = f"what came due for workflow {due.workflow_id!r}, {due.key[0].name}"
            args = (due.workflow_id, due.run_id, due.key, due.due_ms, work.outcome)
            self._guarded(where, what, self._engine.fire, *args)

    def opened(self, moved: PartitionMoved) -> None:
        """The partition has just been taken over; see `begin_turn`."""
        self._unannounced = moved

    @_on_store
    def begin_turn(self, now_ms: int) -> None:
        """What is handled from here on happens at this time, also in a transaction that was begun ahead.

        After a takeover, and until that is committed, go on with what only the last owner knew of: eager tasks go to
        their topic, local activities run again, and stalled runs are tried, since the code may be another than the one
        that stalled.
        """
        if self._work is not None:
            self._work.outcome.now_ms = now_ms
        self._recover_forgotten(now_ms)
        if self._unannounced is None:
            if (code := self._code_here()) is not self._code:
                # Workers of this process have each other's versions.
                self._code = code
                if self.store.counts().stalled_runs:
                    self._resume_stalled(self.work(now_ms))
            return
        work = self.work(now_ms)
        if work.moved is not None:
            return
        work.moved = self._unannounced
        for due in self.store.unfinished():
            where = (due.workflow_id, due.run_id, due.key)
            self._guarded_once(where, self._engine.recover, due.workflow_id, due.run_id, due.key, work.outcome)
        self._resume_stalled(work)

    def _resume_stalled(self, work: Work) -> None:
        """Try all stalled runs, those of the open transaction included: their code may be another by now."""
        just_now = [name for name, run in work.outcome.visible.items() if run.stalled is not None]
        for workflow_id, run_id in (*self.store.stalled_runs(), *just_now):
            session = self.sessions.find(workflow_id, run_id)
            if session is not None:
                self._guarded_once((workflow_id, run_id), self._engine.resume, session, work.outcome)

    def _recover_forgotten(self, now_ms: int) -> None:
        """Run local activities again that an aborted transaction has made this process forget.

        Not where it is aborted: what goes wrong with one of them must not get in the way of that.
        """
        key = (DeadlineKind.LOCAL, 0)
        for workflow_id, run_id in self._forgotten:
            where, outcome = (workflow_id, run_id, key), self.work(now_ms).outcome
            self._guarded_once(where, self._engine.recover, workflow_id, run_id, key, outcome)

    @property
    def open_work(self) -> Work | None:
        """The work of the open transaction, if there is one."""
        return self._work

    def _guarded(self, where: object, what: str, step: Callable[..., None], *args: Any) -> None:
        """Do a step that must not fail; if it does, remember it under `where`.

        Raises:
            PoisonedInput: It failed.
        """
        try:
            step(*args)
        except _NO_FAULT:
            raise
        except Exception as error:
            logger.exception("%s on partition %d failed", what, self.number)
            message = f"{what}: {type(error).__name__}: {error}"
            if where is not None:
                self._poisoned[where] = message
            raise PoisonedInput(message) from error

    def _why_poisoned(self, where: object) -> str | None:
        """Why an input is to be set aside, which the open transaction then does; None: it is not."""
        why = self._poisoned.get(where)
        if why is not None:
            self._set_aside.append(where)
        return why

    def _guarded_once(self, where: object, step: Callable[..., None], *args: Any) -> None:
        """Do a step that may be left out, and is, once it has failed."""
        if where not in self._poisoned:
            self._guarded(where, f"taking over {where}", step, *args)

    def _workflow_id(self, key: bytes | None) -> str:
        """The workflow ID in a command's key.

        Raises:
            DecodeError: There is none, or none that can be in this partition.
        """
        workflow_id = _workflow_id(key)
        home = self._partition_of(workflow_id)
        if home != self.number:
            raise DecodeError(
                f"workflow {workflow_id!r} lives in partition {home}, and the record is in partition {self.number}: "
                "its producer must choose the partition by murmur2 of the key"
            )
        return workflow_id

    def _dead_letter(self, work: Work, record: Record, error: str) -> None:
        logger.warning(
            "the command at offset %d of partition %d goes to the dead letters: %s", record.offset(), self.number, error
        )
        letter = DeadLetter(record.key(), record.value(), headers_of(record), record.offset(), error)
        work.dead_letters.append(letter)

    # ---- output

    @_on_store
    def waits_for(self, call: LocalCall) -> bool:
        """Whether a local activity that was decided in the open transaction is still wanted."""
        return self._waiting_for(call) is not None

    def _waiting_for(self, call: LocalCall) -> Session | None:
        session = self.sessions.find(call.workflow_id, call.run_id)
        return session if session is not None and call.decision.activity_id in session.local else None

    @_on_store
    def take(self) -> Work | None:
        """The work of the open transaction, to be committed; None if there is none.

        Local activities that outlast the transaction, and its end, are written to the log here.
        """
        work = self._work
        if work is None:
            return None
        outcome = work.outcome
        for call in outcome.local_calls:
            session = self._waiting_for(call)
            activity_id = call.decision.activity_id
            if session is None or activity_id in (session.run.local_activities or ()):
                continue
            outcome.append(session.run, log.LocalActivityStarted(run_id=call.run_id, activity_id=activity_id))
        outcome.append_loose("", log.BatchCommitted(commands_offset=self.next_offset, time_ms=outcome.now_ms))
        return work

    @_on_store
    def stage(self) -> None:
        """Get ready what the work changes in the store. Nothing is written before it is committed."""
        if self._work is not None:
            self._staged = self.store.stage()
            for entry in self._work.outcome.log:
                self._staged.add(entry.workflow_id, entry.record, entry.encoded, entry.run)

    @_on_store
    def committed(self, events_offset: int) -> None:
        """The work is committed: apply it to the store, as it was staged.

        Args:
            events_offset: Next offset of `<ns>.events` after what was written.

        Raises:
            StoreFailed: The log has it, and the store perhaps not.
        """
        work, self._work = self._work, None
        batch, self._staged = self._staged, None
        if work is None or batch is None:
            return
        if work.moved is not None:
            self._unannounced = None
        self._forgotten.clear()
        while self._set_aside:
            self._poisoned.pop(self._set_aside.pop(), None)
        self.store.commit(batch, events_offset)
        self._engine.committed()
        self.sessions.committed()

    def unapplied(self) -> None:
        """The work is committed, but this store will not take it: whoever opens the partition again reads it back."""
        self._work = self._staged = None

    def aborted(self) -> None:
        """The work did not happen: go back to what the store says. The next turn runs the local activities again that
        were forgotten with their sessions."""
        self._forget_work()
        self._engine.aborted()
        self.next_offset = self.store.position.commands_offset
        self._forgotten.update(self.sessions.aborted())

    def close(self) -> None:
        """Drop the live runs and close the store; its files stay."""
        self._forget_work()
        self.sessions.clear()
        self.store.close()

    def _forget_work(self) -> None:
        """The open transaction is not to be: its eager tasks give their slots back."""
        work, self._work = self._work, None
        self._staged = None
        self._set_aside.clear()
        if work is not None:
            for task_queue in (*(entry.task_queue for entry in work.outcome.eager), *work.outcome.unused_slots):
                self._release(task_queue)


def _workflow_id(key: bytes | None) -> str:
    """The workflow ID in a record's key.

    Raises:
        DecodeError: There is none.
    """
    if not key:
        raise DecodeError("the record has no key: the key of a command is the workflow ID, in UTF-8")
    if len(key) > MAXIMUM_WORKFLOW_ID_BYTES:
        raise DecodeError(f"the key has {len(key)} bytes, and a workflow ID may have {MAXIMUM_WORKFLOW_ID_BYTES}")
    try:
        return key.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DecodeError(f"the record's key is no UTF-8: {error}") from error
