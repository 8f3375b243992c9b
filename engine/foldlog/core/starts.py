"""Starts: which one begins a run, which one is refused, and what becomes of what comes with it.

Owns the order in which a start is checked against what is there, recorded, answered and told to the run's code. What
the policies say is in `start_policy`, what a start records in `machine`. A repeated start changes nothing and gets the
answer of the first; a signal or an update that comes with it goes to the run that it comes to, before its code begins
where that run is new. It knows nothing of other commands, and nothing of how code is run.
"""

from __future__ import annotations

from collections.abc import Callable

from foldlog.core import children, initiators, machine
from foldlog.core.answers import Answers
from foldlog.core.decider import WorkflowTaskError
from foldlog.core.driver import Driver
from foldlog.core.outcome import Outcome
from foldlog.core.session import Answer, Session, Sessions
from foldlog.core.start_options import waits_for_code
from foldlog.core.start_policy import StartPolicy, start_policy
from foldlog.core.state import Run
from foldlog.core.updates import Updates
from foldlog.core.versioning import Versions
from foldlog.schemas import command, reply


class Starts:
    """Handles starts of workflows, from clients and from parents. One thread at a time."""

    def __init__(
        self,
        sessions: Sessions,
        answers: Answers,
        driver: Driver,
        updates: Updates,
        versions: Versions,
        *,
        new_run_id: Callable[[], str],
        without_code: bool,
    ) -> None:
        """Make an object; its arguments are the engine's. Without code, runs are held until a process has some."""
        self._sessions = sessions
        self._answers = answers
        self._driver = driver
        self._updates = updates
        self._versions = versions
        self._new_run_id = new_run_id
        self._without_code = without_code

    def start(self, workflow_id: str, wanted: command.StartWorkflow, outcome: Outcome) -> None:
        """Handle a start."""
        if wanted.update is not None and self._update_known(workflow_id, wanted, outcome):
            return
        if self._answers.answered(workflow_id, wanted, outcome):
            return
        existing = self._sessions.current(workflow_id)
        if existing is not None and self._has_begun_before(workflow_id, wanted, outcome):
            return
        policy = StartPolicy.START if existing is None else start_policy(existing.run, wanted)
        if existing is not None and policy is StartPolicy.REJECT:
            self._reject_start(workflow_id, wanted, existing.run, outcome)
            return
        try:
            machine.check_start(wanted, outcome)
        except WorkflowTaskError as error:
            self._answers.reject(workflow_id, wanted, outcome, "INVALID_ARGUMENT", str(error))
            return
        if existing is not None and policy is StartPolicy.USE_EXISTING:
            self._use_existing(existing, wanted, outcome)
            return
        terminated = existing.run if existing is not None and policy is StartPolicy.TERMINATE_EXISTING else None
        self._begin(workflow_id, wanted, terminated, outcome)

    def _begin(self, workflow_id: str, wanted: command.StartWorkflow, instead_of: Run | None, outcome: Outcome) -> None:
        """Begin a run: its code gets what came with the start first, and begins unless it is held for a time.

        Args:
            workflow_id: The workflow.
            wanted: The start.
            instead_of: Is terminated first, unless the new run cannot be; None: there is none.
            outcome: The open transaction.
        """
        wanted.options = self._versions.of_start(workflow_id, wanted.workflow_type, wanted.options)
        run_id = self._new_run_id() if wanted.parent is None else children.first_run_id(wanted.parent)
        try:
            started = machine.first_event(run_id, wanted, outcome, without_code=self._without_code)
            if instead_of is not None:
                outcome.check_fits(started)
                reason = command.TerminateWorkflow(reason="TerminateIfRunning policy: a new run starts")
                self._driver.close(instead_of, machine.terminated(reason), outcome)
            run = outcome.begin(workflow_id, run_id, started)
        except WorkflowTaskError as error:
            self._answers.reject(workflow_id, wanted, outcome, "INVALID_ARGUMENT", str(error))
            return
        session = self._sessions.add(run)
        self._accept_start(run, wanted, True, outcome)
        self._driver.tell(session, run.started, outcome)
        if run.started.held:
            self._begin_held(session, wanted, outcome)
        if waits_for_code(run.started) and run.stalled is None:
            try:
                self._driver.rebuild(session, outcome)
            except WorkflowTaskError as error:
                self._driver.stall(session, error, outcome)

    def _begin_held(self, session: Session, wanted: command.StartWorkflow, outcome: Outcome) -> None:
        """Hand over what came with the start of a run, before its code begins."""
        run = session.run
        if wanted.signal is not None:
            self._driver.tell(session, machine.signal(run, machine.signal_with_start(wanted, True), outcome), outcome)
        update = wanted.update
        # Where there is no handler yet, the code may set one before it first waits.
        early = update is not None and self._updates.taken_by(session, update.update_name, outcome)
        if early:
            self._updates.offer(session, machine.update_with_start(wanted, run.run_id, True), outcome)
        if not run.started.first_task_ms or update is not None:
            self._driver.begin(session, outcome)
        if update is not None and not early:
            self._updates.offer(session, machine.update_with_start(wanted, run.run_id, True), outcome)
        if wanted.update is not None:
            # Only now, so that the one answer of a handler that ends at once has its result.
            self._answers.updates.accepted(run, wanted.update.update_id, outcome)

    def _update_known(self, workflow_id: str, wanted: command.StartWorkflow, outcome: Outcome) -> bool:
        """Whether the update that comes with a start, or the start itself, was here before; then it is answered."""
        assert wanted.update is not None
        before = self._answers.recall(workflow_id, wanted.request_id)
        if before is not None and before.rejected is None:
            run_id = before.run_id
        else:
            session = self._sessions.current(workflow_id)
            if before is not None or session is None or wanted.update.update_id not in session.run.updates:
                return False
            if not session.run.is_open and not session.run.updates[wanted.update.update_id].completed_event_id:
                return False  # It came to nothing there: the start decides, by its policies.
            run_id = session.run.run_id
        self._updates.update(workflow_id, machine.update_with_start(wanted, run_id, True), outcome)
        return True

    def _use_existing(self, session: Session, wanted: command.StartWorkflow, outcome: Outcome) -> None:
        """A start that comes to an open run: what came with it is for that run."""
        run = session.run
        self._accept_start(run, wanted, False, outcome)
        if wanted.signal is not None:
            signal = machine.signal_with_start(wanted, False)
            if run.stalled is not None:
                self._driver.defer(run, signal, outcome)
            else:
                self._driver.tell_with_start(session, machine.signal(run, signal, outcome), outcome)
        if wanted.update is not None:
            self._updates.update(run.workflow_id, machine.update_with_start(wanted, run.run_id, False), outcome)

    def _accept_start(self, run: Run, wanted: command.StartWorkflow, started: bool, outcome: Outcome) -> None:
        self._answers.remember(run.workflow_id, wanted.request_id, Answer(run.run_id, started))
        initiators.tell_accepted(wanted, run.run_id, outcome)
        if wanted.await_result:
            self._answers.wait_for(run, wanted.reply_to, outcome)
        elif wanted.update is None:
            outcome.reply(wanted.reply_to, reply.Accepted, run_id=run.run_id, started=started)

    def _has_begun_before(self, workflow_id: str, wanted: command.StartWorkflow, outcome: Outcome) -> bool:
        """Whether this very child was started before, also if that was too long ago for its request to be known."""
        if wanted.parent is None:
            return False
        run_id = children.first_run_id(wanted.parent)
        if self._sessions.find(workflow_id, run_id) is None:
            return False
        initiators.tell_accepted(wanted, run_id, outcome)
        return True

    def _reject_start(self, workflow_id: str, wanted: command.StartWorkflow, run: Run, outcome: Outcome) -> None:
        state = "is running" if run.is_open else f"has been used, and its run ended as {run.status}"
        message = f"workflow ID {workflow_id!r} {state} (run {run.run_id})"
        self._answers.reject(workflow_id, wanted, outcome, "ALREADY_STARTED", message, run)
