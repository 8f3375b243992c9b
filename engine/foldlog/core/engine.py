"""The engine of one partition: takes commands, deadlines and local results, and fills an outcome.

Owns the order of things: finding the run, de-duplication, refusals, telling the run's code, stalling a run whose code
cannot go on and resuming it. What an event means is in `fold`, what a command does to one run in `machine`. It does no
I/O: sessions come from a `Sessions`, and whoever calls it commits the outcome or throws it away with the sessions.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from foldlog.core import decisions, machine
from foldlog.core.decider import Decider, DeciderFactory, QueryFailed, WorkflowTaskError
from foldlog.core.decisions import Decision
from foldlog.core.outcome import Outcome
from foldlog.core.replay import replay
from foldlog.core.session import Answer, Session, Sessions
from foldlog.core.start_policy import StartPolicy, start_policy
from foldlog.core.state import DeadlineKey, DeadlineKind, Run
from foldlog.core.views import closing_result, description, history_page
from foldlog.core.waiters import Waiters
from foldlog.schemas import command, event, log, reply
from foldlog.schemas.common import Failure, Payload, ReplyTo
from foldlog.schemas.framing import DecodeError
from foldlog.schemas.records import Command, Event

STALL_INITIAL_MS = 1_000
STALL_MAXIMUM_MS = 60_000
MAXIMUM_ERROR = 4_000
"""Characters of an error's message that are kept with a stalled run."""
MAXIMUM_STACK = 40_000
"""Characters of its stack that are kept."""


@dataclass(frozen=True, kw_only=True)
class LocalResult:
    """How a local activity ended: either a result or a failure."""

    workflow_id: str
    run_id: str
    activity_id: str
    activity_type: str
    attempt: int
    result: Payload | None = None
    failure: Failure | None = None


class Engine:
    """Handles what is addressed to the workflows of one partition. One thread at a time."""

    def __init__(
        self,
        factory: DeciderFactory,
        sessions: Sessions,
        *,
        decode: Callable[[bytes], Any],
        new_run_id: Callable[[], str],
        reserve: Callable[[str, str], bool] = lambda task_queue, activity_type: False,
        require_queue: Callable[[str], None] = lambda task_queue: None,
        local_activities: bool = True,
        build_id: str = "",
    ) -> None:
        """Make an engine.

        Args:
            factory: Makes the code of runs.
            sessions: The runs of the partition.
            decode: Reads a record of the partition's own log.
            new_run_id: A fresh unique run ID.
            reserve: Takes a slot of a worker in this process for an eager task, if one is free.
            require_queue: Makes sure that tasks can be sent to a task queue; raises WorkflowTaskError if they cannot.
            local_activities: Whether this process can run any.
            build_id: The version of the workflow code, noted where a run stalls.
        """
        self._factory = factory
        self._sessions = sessions
        self._decode = decode
        self._new_run_id = new_run_id
        self._reserve = reserve
        self._require_queue = require_queue
        self._local_activities = local_activities
        self._build_id = build_id
        self.waiters = Waiters()
        self._answers: dict[tuple[str, str], Answer] = {}
        """Answers of the open transaction, which the store does not know yet."""
        self._handlers: dict[type, Callable[[str, Any, Outcome], None]] = {
            command.StartWorkflow: self._start,
            command.SignalWorkflow: self._signal,
            command.QueryWorkflow: self._query,
            command.CancelWorkflow: self._cancel,
            command.TerminateWorkflow: self._terminate,
            command.DescribeWorkflow: self._describe,
            command.GetHistory: self._get_history,
            command.AwaitResult: self._await_result,
            command.ActivityStarted: self._activity,
            command.HeartbeatActivity: self._activity,
            command.CompleteActivity: self._activity,
            command.FailActivity: self._activity,
            command.CancelActivity: self._activity,
        }

    # ---- what comes in

    def handles(self, wanted: Any) -> Callable[[str, Any, Outcome], None]:
        """What handles a record of this type.

        Raises:
            DecodeError: It is no command.
        """
        handler = self._handlers.get(type(wanted))
        if handler is None:
            raise DecodeError(f"{type(wanted).__name__} is no command")
        return handler

    def handle(self, workflow_id: str, wanted: Command, outcome: Outcome) -> None:
        """Handle one command."""
        self._handlers[type(wanted)](workflow_id, wanted, outcome)

    def fire(self, workflow_id: str, run_id: str, key: DeadlineKey, due_ms: int, outcome: Outcome) -> None:
        """Something came due. A deadline that the run no longer has is passed over."""
        session = self._sessions.find(workflow_id, run_id)
        if session is None or session.run.deadlines.get(key) != due_ms:
            return
        if key[0] == DeadlineKind.STALL:
            self.resume(session, outcome)
            return
        try:
            if key[0] == DeadlineKind.RETRY:
                self._require_queue(session.run.activities[key[1]].scheduled.task_queue)
            happened = machine.fire(session.run, key, outcome)
        except WorkflowTaskError as error:
            self._stall(session, error, outcome)
            return
        self._tell(session, happened, outcome)

    def local_ended(self, ended: LocalResult, outcome: Outcome) -> None:
        """A local activity ended. A result that nobody waits for is passed over."""
        session = self._sessions.find(ended.workflow_id, ended.run_id)
        if session is None or not session.run.is_open or session.decider is None:
            return
        if session.local.pop(ended.activity_id, None) is None:
            return
        completed = event.LocalActivityCompleted(
            activity_id=ended.activity_id,
            activity_type=ended.activity_type,
            attempt=ended.attempt,
            result=ended.result,
            failure=ended.failure,
        )
        outcome.append(session.run, completed)
        self._tell(session, completed, outcome)

    def recover(self, workflow_id: str, run_id: str, key: DeadlineKey, outcome: Outcome) -> None:
        """Take over work that only the partition's last owner knew of: eager tasks and local activities."""
        session = self._sessions.find(workflow_id, run_id)
        if session is None or key not in session.run.deadlines:
            return
        try:
            if key[0] == DeadlineKind.EAGER:
                self._require_queue(session.run.activities[key[1]].scheduled.task_queue)
                machine.requeue(session.run, key[1], outcome)
            elif session.decider is None:
                self._rebuild(session, outcome)
        except WorkflowTaskError as error:
            self._stall(session, error, outcome)

    def give_up(self, workflow_id: str, run_id: str, why: str, outcome: Outcome) -> None:
        """What came due for a run cannot be handled: the run stalls, so that all others go on."""
        session = self._sessions.find(workflow_id, run_id)
        if session is not None and session.run.is_open:
            self._stall(session, WorkflowTaskError(why), outcome)

    def committed(self) -> None:
        """The outcome is committed: its answers are in the store."""
        self._answers.clear()
        self.waiters.committed()

    def aborted(self) -> None:
        """The outcome is thrown away, and so are the sessions that it touched."""
        self._answers.clear()
        self.waiters.aborted()

    # ---- commands

    def _start(self, workflow_id: str, wanted: command.StartWorkflow, outcome: Outcome) -> None:
        if self._answered(workflow_id, wanted, outcome):
            return
        existing = self._sessions.current(workflow_id)
        policy = StartPolicy.START if existing is None else start_policy(existing.run, wanted)
        if existing is not None and policy is not StartPolicy.START:
            if policy is StartPolicy.REJECT:
                self._reject_start(workflow_id, wanted, existing.run, outcome)
                return
            if policy is StartPolicy.USE_EXISTING:
                self._accept_start(existing.run, wanted, False, outcome)
                return
            reason = command.TerminateWorkflow(reason="TerminateIfRunning policy: a new run starts")
            self._close(existing.run, lambda run: machine.terminate(run, reason, outcome), outcome)
        try:
            run = machine.start(workflow_id, self._new_run_id(), wanted, outcome)
        except WorkflowTaskError as error:
            self._reject(workflow_id, wanted, outcome, "INVALID_ARGUMENT", str(error))
            return
        session = self._sessions.add(run)
        self._accept_start(run, wanted, True, outcome)
        self._tell(session, run.started, outcome)

    def _accept_start(self, run: Run, wanted: command.StartWorkflow, started: bool, outcome: Outcome) -> None:
        self._remember(run.workflow_id, wanted.request_id, Answer(run.run_id, started))
        if wanted.await_result:
            self._wait_for(run, wanted.reply_to, outcome)
        else:
            outcome.reply(wanted.reply_to, reply.Accepted, run_id=run.run_id, started=started)

    def _reject_start(self, workflow_id: str, wanted: command.StartWorkflow, run: Run, outcome: Outcome) -> None:
        state = "is running" if run.is_open else f"has been used, and its run ended as {run.status}"
        message = f"workflow ID {workflow_id!r} {state} (run {run.run_id})"
        self._reject(workflow_id, wanted, outcome, "ALREADY_STARTED", message, run)

    def _signal(self, workflow_id: str, wanted: command.SignalWorkflow, outcome: Outcome) -> None:
        session = self._open_for(workflow_id, wanted, outcome)
        if session is None:
            return
        self._accept_and_tell(session, machine.signal, wanted, outcome)

    def _cancel(self, workflow_id: str, wanted: command.CancelWorkflow, outcome: Outcome) -> None:
        session = self._open_for(workflow_id, wanted, outcome)
        if session is None:
            return
        self._accept_and_tell(session, machine.request_cancel, wanted, outcome)

    def _terminate(self, workflow_id: str, wanted: command.TerminateWorkflow, outcome: Outcome) -> None:
        session = self._open_for(workflow_id, wanted, outcome, also_stalled=True)
        if session is None:
            return
        try:
            self._close(session.run, lambda run: machine.terminate(run, wanted, outcome), outcome)
        except WorkflowTaskError as error:
            self._reject(workflow_id, wanted, outcome, "INVALID_ARGUMENT", str(error), session.run)
            return
        self._accept(session.run, wanted, outcome)

    def _activity(self, workflow_id: str, wanted: Any, outcome: Outcome) -> None:
        """What a worker says. It waits for no answer: what fits no more is dropped."""
        session = self._sessions.find(workflow_id, wanted.run_id)
        if session is None or not session.run.is_open:
            machine.stale_attempt(wanted.run_id, wanted, outcome)
        elif session.run.stalled is not None:
            self._defer(session.run, wanted, outcome)
        else:
            try:
                happened = _ACTIVITY_COMMANDS[type(wanted)](session.run, wanted, outcome)
            except WorkflowTaskError as error:
                happened = machine.refuse_report(session.run, wanted, str(error), outcome)
            self._tell(session, happened, outcome)

    def _query(self, workflow_id: str, wanted: command.QueryWorkflow, outcome: Outcome) -> None:
        session = self._sessions.find(workflow_id, wanted.run_id)
        if session is None:
            self._reject_unknown(workflow_id, wanted, outcome)
            return
        run = session.run
        clean = run.is_open or run.status == "COMPLETED"
        if (wanted.reject_condition == "NOT_OPEN" and not run.is_open) or (
            wanted.reject_condition == "NOT_COMPLETED_CLEANLY" and not clean
        ):
            message = f"the query was refused, because the workflow is {run.status}"
            self._reject(workflow_id, wanted, outcome, "QUERY_REJECTED", message, run)
            return
        if run.stalled is not None:
            message = f"the workflow is stalled and cannot answer: {run.stalled.error}"
            self._reject(workflow_id, wanted, outcome, "FAILED_PRECONDITION", message, run)
            return
        try:
            decider = session.decider or self._rebuild(session, outcome)
            answer = decider.query(wanted.query_type, wanted.args)
        except QueryFailed as error:
            self._reject(workflow_id, wanted, outcome, "QUERY_FAILED", str(error), run, error.failure)
        except WorkflowTaskError as error:
            if run.is_open:
                self._stall(session, error, outcome)
            message = f"the workflow cannot be replayed to answer: {error}"
            self._reject(workflow_id, wanted, outcome, "FAILED_PRECONDITION", message, run)
        else:
            outcome.reply(wanted.reply_to, reply.QueryAnswer, result=answer)

    def _describe(self, workflow_id: str, wanted: command.DescribeWorkflow, outcome: Outcome) -> None:
        session = self._sessions.find(workflow_id, wanted.run_id)
        if session is None:
            self._reject_unknown(workflow_id, wanted, outcome)
        elif wanted.reply_to is not None:
            outcome.replies.append((wanted.reply_to, description(wanted.reply_to, session.run)))

    def _get_history(self, workflow_id: str, wanted: command.GetHistory, outcome: Outcome) -> None:
        session = self._sessions.find(workflow_id, wanted.run_id)
        if session is None:
            self._reject_unknown(workflow_id, wanted, outcome)
        elif wanted.reply_to is not None:
            events = self._encoded_history(session.run, outcome)
            outcome.replies.append((wanted.reply_to, history_page(wanted.reply_to, session.run, events, wanted)))

    def _await_result(self, workflow_id: str, wanted: command.AwaitResult, outcome: Outcome) -> None:
        session = self._sessions.find(workflow_id, wanted.run_id)
        if session is None:
            self._reject_unknown(workflow_id, wanted, outcome)
        else:
            self._wait_for(session.run, wanted.reply_to, outcome)

    # ---- the run's code

    def _tell(self, session: Session, happened: Event | None, outcome: Outcome) -> None:
        """Run the code on what happened, and record what it decides."""
        run = session.run
        if happened is None or not run.is_open:
            self._answer_waiters(run, outcome)
            return
        try:
            if session.decider is None:
                self._rebuild(session, outcome)
            else:
                session.decider.history_size = run.history_size
                self._decide(session, session.decider.activate(happened), outcome)
        except WorkflowTaskError as error:
            self._stall(session, error, outcome)
        self._answer_waiters(run, outcome)

    def _decide(self, session: Session, made: list[Decision], outcome: Outcome) -> None:
        decider = session.decider
        if not made or decider is None:
            return
        for decision in made:
            if type(decision) is decisions.ScheduleActivity:
                self._require_queue(decision.task_queue or session.run.started.task_queue)
            elif type(decision) is decisions.ScheduleLocalActivity:
                if not self._local_activities:
                    raise WorkflowTaskError(
                        f"local activity {decision.activity_type!r} cannot run: this worker has no activities, and one "
                        "with workflows needs the local activities of all of them"
                    )
                session.local[decision.activity_id] = decision
            elif type(decision) is decisions.CancelLocalActivity:
                session.local.pop(decision.activity_id, None)
        for recorded in machine.decide(session.run, made, outcome, self._reserve):
            decider.recorded(recorded)

    def _rebuild(self, session: Session, outcome: Outcome) -> Decider:
        """Make the run's code anew from its history, and go on where that ends."""
        session.decider, outstanding = self._replayed(session.run, outcome)
        decider = session.decider
        if session.run.is_open:
            self._decide(session, outstanding, outcome)
        return decider

    def _replayed(self, run: Run, outcome: Outcome) -> tuple[Decider, list[Decision]]:
        """The run's code at the end of its history, and what it wants then.

        Raises:
            WorkflowTaskError: It cannot be brought there.
        """
        decider = self._factory.create(run.workflow_id, run.started)
        try:
            if run.last_event_id == 1:
                # A run that has just begun is told, not told again: its logs must be seen.
                decider.history_size = run.history_size
                return decider, decider.activate(run.started)
            outcome.replayed_events.append(run.last_event_id)
            return decider, replay(decider, self._retold(run, decider, outcome))
        except WorkflowTaskError:
            decider.close()
            raise

    def _retold(self, run: Run, decider: Decider, outcome: Outcome) -> Iterator[Event]:
        """The history, with the decider knowing at each event how large it was then."""
        size = 0
        for encoded in self._encoded_history(run, outcome):
            size += len(encoded)
            decider.history_size = size
            yield self._decode(encoded)

    def _encoded_history(self, run: Run, outcome: Outcome) -> Iterator[bytes]:
        """The run's events, those of the open transaction included."""
        yield from self._sessions.history(run)
        for entry in list(outcome.log):
            if entry.run is run and hasattr(entry.record, "event_id"):
                yield entry.encoded

    # ---- stalling

    def _stall(
        self,
        session: Session,
        error: WorkflowTaskError,
        outcome: Outcome,
        before: log.WorkflowStalled | None = None,
    ) -> None:
        """The code cannot go on: keep what there is, and try again later, later each time."""
        run = session.run
        before = before or run.stalled
        if session.decider is not None:
            session.decider.close()
            session.decider = None
        session.local.clear()
        attempts = before.attempts + 1 if before else 1
        delay_ms = min(STALL_INITIAL_MS * 2 ** min(attempts - 1, 16), STALL_MAXIMUM_MS)
        outcome.append(
            run,
            log.WorkflowStalled(
                run_id=run.run_id,
                error=_cut(str(error) or type(error).__name__, MAXIMUM_ERROR),
                stack_trace=_cut(error.stack_trace or "".join(traceback.format_exception(error)), MAXIMUM_STACK),
                attempts=attempts,
                retry_ms=outcome.now_ms + delay_ms,
                since_ms=before.since_ms if before else outcome.now_ms,
                build_id=self._build_id,
            ),
        )

    def resume(self, session: Session, outcome: Outcome) -> None:
        """Try the code of a stalled run again; if it runs, handle what waited for it."""
        run = session.run
        if run.stalled is None:
            return
        stalled = run.stalled
        waiting = list(self._waiting_commands(run, outcome))
        try:
            decider, outstanding = self._replayed(run, outcome)
        except WorkflowTaskError as error:
            self._stall(session, error, outcome)
            return
        outcome.append(run, log.WorkflowResumed(run_id=run.run_id, handled_ordinal=run.handled_ordinal))
        session.decider = decider
        try:
            self._decide(session, outstanding, outcome)
        except WorkflowTaskError as error:
            self._stall(session, error, outcome, before=stalled)
        self._answer_waiters(run, outcome)
        self._handle_waiting(run, waiting, outcome)

    def _handle_waiting(self, run: Run, waiting: list[tuple[int, bytes]], outcome: Outcome) -> None:
        """Handle deferred commands in their order, until the run closes or stalls again."""
        for ordinal, encoded in waiting:
            if not run.is_open or run.stalled is not None:
                return
            outcome.append(run, log.WorkflowResumed(run_id=run.run_id, handled_ordinal=ordinal))
            wanted = self._decode(encoded)
            if hasattr(wanted, "reply_to"):
                wanted.reply_to = None  # Whoever asked was told that the command is kept.
            self.handle(run.workflow_id, wanted, outcome)

    def _waiting_commands(self, run: Run, outcome: Outcome) -> Iterator[tuple[int, bytes]]:
        yield from self._sessions.deferred(run)
        for entry in outcome.log:
            if entry.run is run and isinstance(entry.record, log.CommandDeferred):
                yield entry.record.ordinal, entry.record.command

    def _defer(self, run: Run, wanted: Command, outcome: Outcome) -> None:
        """Keep a command until the run's code runs again."""
        encoded = outcome.encode(wanted)
        ordinal = max(run.deferred_ordinal, run.handled_ordinal) + 1
        outcome.append(run, log.CommandDeferred(run_id=run.run_id, ordinal=ordinal, command=encoded))

    # ---- finding, refusing, answering

    def _open_for(self, workflow_id: str, wanted: Any, outcome: Outcome, also_stalled: bool = False) -> Session | None:
        """The open run that a command is for; otherwise the command is answered or kept here."""
        if self._answered(workflow_id, wanted, outcome):
            return None
        session = self._sessions.find(workflow_id, wanted.run_id)
        if session is None:
            self._reject_unknown(workflow_id, wanted, outcome)
            return None
        run = session.run
        first = getattr(wanted, "first_execution_run_id", "")
        if first and run.started.first_execution_run_id != first:
            message = f"workflow {workflow_id!r}: the chain of runs that began with {first} is not the current one"
            self._reject(workflow_id, wanted, outcome, "NOT_FOUND", message, run)
            return None
        if not run.is_open:
            message = f"workflow {workflow_id!r} run {run.run_id} is closed: {run.status}"
            self._reject(workflow_id, wanted, outcome, "ALREADY_CLOSED", message, run)
            return None
        if run.stalled is not None and not also_stalled:
            self._defer(run, wanted, outcome)
            outcome.reply(wanted.reply_to, reply.Accepted, run_id=run.run_id)
            return None
        return session

    def _answered(self, workflow_id: str, wanted: Any, outcome: Outcome) -> bool:
        """Whether the request was answered before; then it is answered the same again."""
        if not wanted.request_id:
            return False
        key = (workflow_id, wanted.request_id)
        answer = self._answers.get(key) or self._sessions.answer(*key)
        if answer is None:
            return False
        reply_to: ReplyTo | None = wanted.reply_to
        if reply_to is not None:
            if answer.rejected is not None:
                rejected = self._decode(answer.rejected)
                rejected.correlation_id = reply_to.correlation_id
                outcome.replies.append((reply_to, rejected))
            elif getattr(wanted, "await_result", False):
                session = self._sessions.find(workflow_id, answer.run_id)
                if session is None:
                    message = f"run {answer.run_id} of workflow {workflow_id!r} is past its retention"
                    outcome.reply(reply_to, reply.Rejected, code="NOT_FOUND", message=message)
                else:
                    self._wait_for(session.run, reply_to, outcome)
            else:
                outcome.reply(reply_to, reply.Accepted, run_id=answer.run_id, started=answer.started)
        return True

    def _accept_and_tell(
        self, session: Session, record: Callable[[Run, Any, Outcome], Event | None], wanted: Any, outcome: Outcome
    ) -> None:
        """Record what a client says, answer, and tell the code. What cannot be recorded is refused."""
        run = session.run
        try:
            happened = record(run, wanted, outcome)
        except WorkflowTaskError as error:
            self._reject(run.workflow_id, wanted, outcome, "INVALID_ARGUMENT", str(error), run)
            return
        self._accept(run, wanted, outcome)
        self._tell(session, happened, outcome)

    def _accept(self, run: Run, wanted: Any, outcome: Outcome) -> None:
        self._remember(run.workflow_id, wanted.request_id, Answer(run.run_id))
        outcome.reply(wanted.reply_to, reply.Accepted, run_id=run.run_id)

    def _reject_unknown(self, workflow_id: str, wanted: Any, outcome: Outcome) -> None:
        run = f" run {wanted.run_id}" if wanted.run_id else ""
        self._reject(workflow_id, wanted, outcome, "NOT_FOUND", f"workflow {workflow_id!r}{run} is not known")

    def _reject(
        self,
        workflow_id: str,
        wanted: Any,
        outcome: Outcome,
        code: reply.RejectionCode,
        message: str,
        run: Run | None = None,
        failure: Failure | None = None,
    ) -> None:
        reply_to: ReplyTo | None = wanted.reply_to
        rejected = reply.Rejected(
            correlation_id=reply_to.correlation_id if reply_to else 0,
            code=code,
            message=message,
            run_id=run.run_id if run else "",
            status=run.status if run else "",
            failure=failure,
        )
        if reply_to is not None:
            outcome.replies.append((reply_to, rejected))
        request_id = getattr(wanted, "request_id", "")
        if request_id:
            answer = outcome.encode(rejected)
            self._remember(workflow_id, request_id, Answer(rejected=answer))
            record = log.RequestRejected(request_id=request_id, answer=answer, time_ms=outcome.now_ms)
            outcome.append_loose(workflow_id, record)

    def _remember(self, workflow_id: str, request_id: str, answer: Answer) -> None:
        if request_id:
            self._answers[workflow_id, request_id] = answer

    def _wait_for(self, run: Run, reply_to: ReplyTo | None, outcome: Outcome) -> None:
        if reply_to is None:
            return
        if run.is_open:
            self.waiters.add(run.run_id, reply_to, outcome.now_ms)
        else:
            outcome.replies.append((reply_to, closing_result(reply_to, run)))

    def _answer_waiters(self, run: Run, outcome: Outcome) -> None:
        if not run.is_open:
            for reply_to in self.waiters.closing(run.run_id):
                outcome.replies.append((reply_to, closing_result(reply_to, run)))

    def _close(self, run: Run, close: Callable[[Run], None], outcome: Outcome) -> None:
        close(run)
        self._answer_waiters(run, outcome)


def _cut(text: str, maximum: int) -> str:
    """Beginning and end of what is too long."""
    if len(text) <= maximum:
        return text
    return f"{text[: maximum // 2]}\n… {len(text) - maximum} characters left out …\n{text[-(maximum // 2) :]}"


_ACTIVITY_COMMANDS: dict[type, Callable[[Run, Any, Outcome], Event | None]] = {
    command.ActivityStarted: machine.activity_started,
    command.HeartbeatActivity: machine.heartbeat,
    command.CompleteActivity: machine.complete_activity,
    command.FailActivity: machine.fail_activity,
    command.CancelActivity: machine.activity_canceled,
}
