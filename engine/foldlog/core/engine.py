"""The engine of one partition: takes commands, deadlines and local results, and fills an outcome.

Owns which command does what: finding the run, refusing what does not fit, and in which order a command is recorded,
answered and told to the run's code; of starts and updates, `starts` and `updates` do. What an event means is in `fold`,
what a command does to one run in `machine` and `activities`, how code is run in `driver`, how askers are answered in
`answers`. It does no I/O: sessions come from a `Sessions`, and whoever calls it commits the outcome or throws it away
with the sessions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from foldlog.core import activities, activity_operations, children, external, initiators, machine
from foldlog.core.answers import Answers
from foldlog.core.chains import Chains
from foldlog.core.decider import DeciderFactory, QueryFailed, WorkflowTaskError
from foldlog.core.driver import Driver
from foldlog.core.outcome import Outcome
from foldlog.core.session import Session, Sessions
from foldlog.core.start_options import waits_for_code
from foldlog.core.starts import Starts
from foldlog.core.state import DeadlineKey, DeadlineKind, Run
from foldlog.core.updates import Updates
from foldlog.core.versioning import Versions, check_deployment
from foldlog.core.views import description, history_page
from foldlog.core.waiters import LONG_POLL_MS
from foldlog.schemas import command, event, log, reply
from foldlog.schemas.common import Deployment, Failure, Payload
from foldlog.schemas.framing import DecodeError
from foldlog.schemas.records import Command, Event


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
    scheduled_ms: int = 0
    """When its first attempt was scheduled, in Unix milliseconds."""
    backoff_ms: int = 0
    """Not its end: the next attempt is so many milliseconds away, further than what is waited for in memory."""


class Engine:
    """Handles what is addressed to the workflows of one partition. One thread at a time."""

    def __init__(
        self,
        factory: DeciderFactory,
        sessions: Sessions,
        *,
        decode: Callable[[bytes], Any],
        new_run_id: Callable[[], str],
        reserve: Callable[[str, str, str], bool] = lambda task_queue, activity_type, version: False,
        require_queue: Callable[[str], None] = lambda task_queue: None,
        cannot_run_local: Callable[[str, str], str] = lambda activity_type, version: "",
        build_id: str = "",
        deployments: Iterable[Deployment] = (),
        long_poll_ms: int = LONG_POLL_MS,
    ) -> None:
        """Make an engine.

        Args:
            factory: Makes the code of runs.
            sessions: The runs of the partition.
            decode: Reads a record of the partition's own log.
            new_run_id: A fresh unique run ID.
            reserve: Takes a slot of a worker in this process for an eager task, given task queue, activity type and the
                version that the run is pinned to (or an empty text); false if none is free.
            require_queue: Makes sure that tasks can be sent to a task queue; raises WorkflowTaskError if they cannot.
            cannot_run_local: Why a local activity cannot run here, given its name and that version; empty: it can.
            build_id: The version of the workflow code, noted where a run stalls.
            deployments: What the partition's log says of which versions new runs begin on.
            long_poll_ms: After how long a waiter that has not asked again is forgotten.
        """
        self._sessions = sessions
        self._require_queue = require_queue
        self._answers = Answers(sessions, decode, long_poll_ms)
        self._versions = Versions(factory, deployments)
        self._chains = Chains(sessions, new_run_id, self._versions)
        self._driver = Driver(
            self._versions,
            sessions,
            self._answers,
            self._chains,
            decode=decode,
            handle=self.handle,
            reserve=reserve,
            require_queue=require_queue,
            cannot_run_local=cannot_run_local,
            build_id=build_id,
        )
        updates = Updates(sessions, self._answers, self._driver)
        starts = Starts(
            sessions,
            self._answers,
            self._driver,
            updates,
            self._versions,
            new_run_id=new_run_id,
            without_code=getattr(factory, "without_code", False),
        )
        self._handlers: dict[type, Callable[[str, Any, Outcome], None]] = {
            command.StartWorkflow: starts.start,
            command.SignalWorkflow: self._signal,
            command.QueryWorkflow: self._query,
            command.CancelWorkflow: self._cancel,
            command.TerminateWorkflow: self._terminate,
            command.UpdateWorkflowOptions: self._update_options,
            command.DescribeWorkflow: self._describe,
            command.GetHistory: self._get_history,
            command.AwaitResult: self._await_result,
            command.UpdateWorkflow: updates.update,
            command.AwaitUpdate: updates.wait,
            command.ActivityStarted: self._activity,
            command.HeartbeatActivity: self._activity,
            command.CompleteActivity: self._activity,
            command.FailActivity: self._activity,
            command.CancelActivity: self._activity,
            command.SetDeployment: self._set_deployment,
            command.DescribeDeployments: self._describe_deployments,
            command.ChildWorkflowStarted: self._from_workflow,
            command.ChildWorkflowClosed: self._from_workflow,
            command.ResolveExternalWorkflow: self._from_workflow,
            **dict.fromkeys(activity_operations.OPERATIONS, self._operate),
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
            self._driver.resume(session, outcome)
            return
        if key[0] == DeadlineKind.RUN_TIMEOUT:
            self._driver.time_out(session, outcome)
            return
        if key[0] == DeadlineKind.EXECUTION_TIMEOUT:
            self._driver.close(session.run, machine.execution_timed_out(), outcome)
            return
        try:
            if key[0] == DeadlineKind.RETRY:
                self._require_queue(session.run.activities[key[1]].terms.task_queue)
            happened = machine.fire(session.run, key, outcome)
        except WorkflowTaskError as error:
            self._driver.stall(session, error, outcome)
            return
        self._driver.tell(session, happened, outcome)
        if key[0] == DeadlineKind.FIRST_TASK:
            self._driver.handle_kept(session.run, outcome)

    def local_ended(self, ended: LocalResult, outcome: Outcome) -> None:
        """A local activity ended. A result that nobody waits for is passed over."""
        session = self._sessions.find(ended.workflow_id, ended.run_id)
        if session is None or not session.run.is_open or session.decider is None:
            return
        if (decided := session.local.pop(ended.activity_id, None)) is None:
            return
        completed = event.LocalActivityCompleted(
            activity_id=ended.activity_id,
            activity_type=ended.activity_type,
            attempt=ended.attempt,
            result=ended.result,
            failure=ended.failure,
            scheduled_ms=ended.scheduled_ms,
            backoff_ms=ended.backoff_ms,
            summary=decided.options.summary if decided.options else None,
        )
        self._driver.tell(session, activities.end_local(session.run, completed, outcome), outcome)

    def recover(self, workflow_id: str, run_id: str, key: DeadlineKey, outcome: Outcome) -> None:
        """Take over work that only the partition's last owner knew of: eager tasks and local activities."""
        session = self._sessions.find(workflow_id, run_id)
        if session is None or key not in session.run.deadlines:
            return
        try:
            if key[0] == DeadlineKind.EAGER:
                self._require_queue(session.run.activities[key[1]].terms.task_queue)
                activities.requeue(session.run, key[1], outcome)
            elif session.decider is None:
                self._driver.rebuild(session, outcome)
        except WorkflowTaskError as error:
            self._driver.stall(session, error, outcome)

    def give_up(self, workflow_id: str, run_id: str, why: str, outcome: Outcome) -> None:
        """What came due for a run cannot be handled: the run stalls, so that all others go on."""
        session = self._sessions.find(workflow_id, run_id)
        if session is not None and session.run.is_open:
            self._driver.stall(session, WorkflowTaskError(why), outcome)

    def resume(self, session: Session, outcome: Outcome) -> None:
        """Try the code of a stalled run again; if it runs, handle what waited for it."""
        self._driver.resume(session, outcome)

    def committed(self) -> None:
        """The outcome is committed: its answers are in the store."""
        self._answers.committed()
        self._versions.committed()

    def aborted(self) -> None:
        """The outcome is thrown away, and so are the sessions that it touched."""
        self._answers.aborted()
        self._chains.aborted()
        self._versions.aborted()

    @property
    def deployment_changed(self) -> bool:
        """Whether the open transaction changes which versions new runs begin on: stalled runs may go on."""
        return self._versions.changed

    # ---- commands

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
            self._driver.close(session.run, machine.terminated(wanted), outcome)
        except WorkflowTaskError as error:
            self._answers.reject(workflow_id, wanted, outcome, "INVALID_ARGUMENT", str(error), session.run)
            return
        self._answers.accept(session.run, wanted, outcome)

    def _update_options(self, workflow_id: str, wanted: command.UpdateWorkflowOptions, outcome: Outcome) -> None:
        session = self._open_for(workflow_id, wanted, outcome, also_stalled=True)
        if session is None:
            return
        run = session.run
        try:
            versioning = self._versions.of_change(run, wanted.versioning)
            changed = log.WorkflowOptionsChanged(
                run_id=run.run_id, versioning=versioning, time_ms=outcome.now_ms, identity=wanted.identity
            )
            outcome.append(run, changed)
        except WorkflowTaskError as error:
            self._answers.reject(workflow_id, wanted, outcome, "INVALID_ARGUMENT", str(error), run)
            return
        self._answers.accept(run, wanted, outcome)
        self._driver.refresh(session)
        # It may have stalled because nobody hosts the version that it was on.
        self._driver.resume(session, outcome)

    def _activity(self, workflow_id: str, wanted: Any, outcome: Outcome) -> None:
        """What a worker says, or whoever completes activities from outside. A worker waits for no answer: what fits
        no more is dropped."""
        session = self._sessions.find(workflow_id, wanted.run_id)
        if session is None or not session.run.is_open:
            activities.stale_attempt(wanted.run_id, wanted, outcome)
        elif session.run.stalled is not None:
            self._driver.defer_report(session, wanted, outcome)
        else:
            if not wanted.scheduled_event_id:
                activities.resolve(session.run, wanted)
            try:
                happened = _ACTIVITY_COMMANDS[type(wanted)](session.run, wanted, outcome)
            except WorkflowTaskError as error:
                happened = activities.refuse_report(session.run, wanted, str(error), outcome)
            self._driver.tell(session, happened, outcome)

    def _from_workflow(self, workflow_id: str, wanted: Any, outcome: Outcome) -> None:
        """What another workflow answers. A run that is closed waits for nothing."""
        if not self._sessions.is_open(workflow_id, wanted.run_id):
            return
        session = self._sessions.find(workflow_id, wanted.run_id)
        if session is None:
            return
        if session.run.stalled is not None:
            self._driver.defer(session.run, wanted, outcome)
            return
        happened = _ANSWERS[type(wanted)](session.run, wanted, outcome)
        self._driver.tell(session, happened, outcome)
        if type(wanted) is command.ChildWorkflowClosed and type(happened) is event.ChildWorkflowExecutionStarted:
            self._from_workflow(workflow_id, wanted, outcome)

    def _operate(self, workflow_id: str, wanted: Any, outcome: Outcome) -> None:
        """What people do to open activities. The run's code is not asked, so a stalled run is no obstacle."""
        session = self._open_for(workflow_id, wanted, outcome, also_stalled=True)
        if session is None:
            return
        run = session.run
        try:
            code, message = activity_operations.operate(run, wanted, outcome, self._require_queue)
        except WorkflowTaskError as error:
            code, message = "INVALID_ARGUMENT", str(error)
        if code is None:
            self._answers.accept(run, wanted, outcome)
        else:
            self._answers.reject(workflow_id, wanted, outcome, code, message, run)

    def _query(self, workflow_id: str, wanted: command.QueryWorkflow, outcome: Outcome) -> None:
        session = self._sessions.find(workflow_id, wanted.run_id)
        if session is None:
            self._answers.reject_unknown(workflow_id, wanted, outcome)
            return
        run = session.run
        refusal = _why_not_asked(run, wanted)
        if refusal is not None and refusal[0] == "NOT_BEGUN" and waits_for_code(run.started):
            self._driver.begin(session, outcome)
            self._query(workflow_id, wanted, outcome)  # of what is current then: it may have gone on as new
            return
        if refusal is not None:
            self._answers.reject(workflow_id, wanted, outcome, *refusal, run)
            return
        try:
            self._driver.refresh(session)
            decider = session.decider or self._driver.rebuild(session, outcome)
            if wanted.header:
                answer = decider.query(wanted.query_type, wanted.args, wanted.header)
            else:
                answer = decider.query(wanted.query_type, wanted.args)
        except QueryFailed as error:
            self._answers.reject(workflow_id, wanted, outcome, "QUERY_FAILED", str(error), run, error.failure)
        except WorkflowTaskError as error:
            if run.is_open:
                self._driver.stall(session, error, outcome)
            message = f"the workflow cannot be replayed to answer: {error}"
            self._answers.reject(workflow_id, wanted, outcome, "FAILED_PRECONDITION", message, run)
        else:
            outcome.reply(wanted.reply_to, reply.QueryAnswer, result=answer)

    def _describe(self, workflow_id: str, wanted: command.DescribeWorkflow, outcome: Outcome) -> None:
        session = self._sessions.find(workflow_id, wanted.run_id)
        if session is None:
            self._answers.reject_unknown(workflow_id, wanted, outcome)
        elif wanted.reply_to is not None:
            found = description(wanted.reply_to, session.run)
            self._versions.describe(session.run, found)
            outcome.replies.append((wanted.reply_to, found))

    def _get_history(self, workflow_id: str, wanted: command.GetHistory, outcome: Outcome) -> None:
        session = self._sessions.find(workflow_id, wanted.run_id)
        if session is None:
            self._answers.reject_unknown(workflow_id, wanted, outcome)
        elif wanted.reply_to is not None:
            events = self._driver.encoded_history(session.run, outcome)
            outcome.replies.append((wanted.reply_to, history_page(wanted.reply_to, session.run, events, wanted)))

    def _await_result(self, workflow_id: str, wanted: command.AwaitResult, outcome: Outcome) -> None:
        session = self._sessions.find(workflow_id, wanted.run_id)
        if session is None and wanted.follow_runs:
            # The first run of a chain may be forgotten while the chain goes on.
            session = self._answers.current_of_chain(workflow_id, wanted.run_id)
        if session is None:
            self._answers.reject_unknown(workflow_id, wanted, outcome)
        else:
            self._answers.wait_for(session.run, wanted.reply_to, outcome, follow_runs=wanted.follow_runs)

    def _set_deployment(self, _: str, wanted: command.SetDeployment, outcome: Outcome) -> None:
        """Every partition gets this command, with a key that means nothing."""
        try:
            check_deployment(wanted.deployment)
        except ValueError as error:
            outcome.reply(wanted.reply_to, reply.Rejected, code="INVALID_ARGUMENT", message=str(error))
            return
        if self._versions.change(wanted.deployment):
            outcome.append_loose("", log.DeploymentChanged(deployment=wanted.deployment, time_ms=outcome.now_ms))
        self._describe_deployments("", wanted, outcome)

    def _describe_deployments(
        self, _: str, wanted: command.DescribeDeployments | command.SetDeployment, outcome: Outcome
    ) -> None:
        versions = self._versions
        outcome.reply(
            wanted.reply_to, reply.Deployments, deployments=versions.deployments, hosted=list(versions.hosted)
        )

    # ---- finding, recording

    def _open_for(self, workflow_id: str, wanted: Any, outcome: Outcome, also_stalled: bool = False) -> Session | None:
        """The open run that a command is for; otherwise the command is answered or kept here."""
        if self._answers.answered(workflow_id, wanted, outcome):
            return None
        session = self._sessions.find(workflow_id, wanted.run_id)
        if session is None:
            self._answers.reject_unknown(workflow_id, wanted, outcome)
            return None
        run = session.run
        first = getattr(wanted, "first_execution_run_id", "")
        if first and run.started.first_execution_run_id != first:
            message = f"workflow {workflow_id!r}: the chain of runs that began with {first} is not the current one"
            self._answers.reject(workflow_id, wanted, outcome, "NOT_FOUND", message, run)
            return None
        if getattr(wanted, "child_only", False) and not external.is_childs_parent(run, wanted.initiator):
            message = f"workflow {workflow_id!r} is no child of the workflow that asks"
            self._answers.reject(workflow_id, wanted, outcome, "NOT_FOUND", message)
            return None
        if run.is_open and (run.stalled is None or also_stalled):
            return session
        if run.is_open:
            try:
                self._driver.defer(run, wanted, outcome)
            except WorkflowTaskError as error:
                self._answers.reject(workflow_id, wanted, outcome, "INVALID_ARGUMENT", str(error), run)
                return None
        elif not isinstance(wanted, command.CancelWorkflow) or wanted.child_only:
            message = f"workflow {workflow_id!r} run {run.run_id} is closed: {run.status}"
            self._answers.reject(workflow_id, wanted, outcome, "ALREADY_CLOSED", message, run)
            return None
        # Whoever wants a workflow cancelled that has ended meanwhile has no reason to complain.
        initiators.tell_accepted(wanted, run.run_id, outcome)
        outcome.reply(wanted.reply_to, reply.Accepted, run_id=run.run_id)
        return None

    def _accept_and_tell(
        self, session: Session, record: Callable[[Run, Any, Outcome], Event | None], wanted: Any, outcome: Outcome
    ) -> None:
        """Record what a client says, answer, and tell the code. What cannot be recorded is refused."""
        run = session.run
        try:
            happened = record(run, wanted, outcome)
        except WorkflowTaskError as error:
            self._answers.reject(run.workflow_id, wanted, outcome, "INVALID_ARGUMENT", str(error), run)
            return
        self._answers.accept(run, wanted, outcome)
        self._driver.tell(session, happened, outcome)
        self._driver.wake(session, wanted, outcome)


def _why_not_asked(run: Run, wanted: command.QueryWorkflow) -> tuple[reply.RejectionCode, str] | None:
    """Why the code of a run is not asked a query: a code and a message; None: it is."""
    clean = run.is_open or run.status == "COMPLETED"
    if (wanted.reject_condition == "NOT_OPEN" and not run.is_open) or (
        wanted.reject_condition == "NOT_COMPLETED_CLEANLY" and not clean
    ):
        return "QUERY_REJECTED", f"the query was refused, because the workflow is {run.status}"
    if run.stalled is not None:
        return "FAILED_PRECONDITION", f"the workflow is stalled and cannot answer: {run.stalled.error}"
    if not run.first_task:
        held = "it is held until its start delay, backoff or cron schedule is over"
        return "NOT_BEGUN", f"the workflow has not begun: {held}"
    return None


_ACTIVITY_COMMANDS: dict[type, Callable[[Run, Any, Outcome], Event | None]] = {
    command.ActivityStarted: activities.activity_started,
    command.HeartbeatActivity: activities.heartbeat,
    command.CompleteActivity: activities.complete_activity,
    command.FailActivity: activities.fail_activity,
    command.CancelActivity: activities.activity_canceled,
}
_ANSWERS: dict[type, Callable[[Run, Any, Outcome], Event | None]] = {
    command.ChildWorkflowStarted: children.child_started,
    command.ChildWorkflowClosed: children.child_closed,
    command.ResolveExternalWorkflow: external.resolved,
}
"""What other workflows answer."""
