"""Updates: which command does what to which run, in which order an update is checked, recorded, told and answered.

An update is shown to the run's code before anything is recorded: what its validator refuses leaves no event. What is
taken becomes an event from outside, like a signal; the end of its handler is a decision. A repeated update ID changes
nothing and gets the answer of the first. Updates of a stalled run are kept like all commands, and so are those of a
run that waits for its next attempt or its time; their askers wait.
"""

from __future__ import annotations

from collections.abc import Iterator

from foldlog.core import machine
from foldlog.core.answers import Answers
from foldlog.core.decider import WorkflowTaskError
from foldlog.core.driver import Driver
from foldlog.core.outcome import Outcome
from foldlog.core.session import Answer, Session, Sessions
from foldlog.core.start_options import waits_for_code
from foldlog.core.state import RESERVED, Run
from foldlog.schedules.model import INTERNAL
from foldlog.schemas import command, reply
from foldlog.schemas.common import Failure

MAXIMUM_IN_FLIGHT = 10
"""Updates of one run whose handlers have not ended, or that wait for it to begin or to run again."""
MAXIMUM_UPDATES = 2_000
"""Updates of one run in all. Neither counts updates whose names are reserved: a poll of a stream is one, its readers
may be many, and each asks again and again."""


class Updates:
    """Handles what clients say about updates. One thread at a time."""

    def __init__(self, sessions: Sessions, answers: Answers, driver: Driver) -> None:
        """Make an object; its arguments are the engine's."""
        self._sessions = sessions
        self._answers = answers
        self._driver = driver

    def update(self, workflow_id: str, wanted: command.UpdateWorkflow, outcome: Outcome) -> None:
        """Offer an update to a run, unless it has had it."""
        session = self._session_for(workflow_id, wanted, outcome)
        if session is None:
            return
        run = session.run
        if wanted.update_id in run.updates:
            answers = self._answers.updates
            answers.answer(run, wanted.update_id, wanted.reply_to, wanted.await_completed, outcome)
            return
        if not run.is_open:
            message = f"workflow {workflow_id!r} run {run.run_id} is closed: {run.status}"
            self._answers.reject(workflow_id, wanted, outcome, "ALREADY_CLOSED", message, run)
            return
        early = False
        if not run.first_task and run.stalled is None and not self._comes_before_code(session, wanted, outcome):
            if not _may_begin_early(run):
                if self._refused_as_one_too_many(run, wanted, outcome):
                    return
                self._answers.updates.wait(
                    run, wanted.update_id, wanted.reply_to, wanted.await_completed, outcome.now_ms
                )
                self._keep(run, wanted, outcome)
                return
            # As one that comes with a start: code that ends at once would end before it.
            early = self.taken_by(session, wanted.update_name, outcome)
            if not early:
                self._driver.begin(session, outcome)
        if self._refused_as_one_too_many(run, wanted, outcome):
            return
        self.offer(session, wanted, outcome)
        if early and wanted.update_id in run.updates:
            self._driver.begin(session, outcome)
        self._answers.updates.accepted(run, wanted.update_id, outcome)

    def offer(self, session: Session, wanted: command.UpdateWorkflow, outcome: Outcome) -> None:
        """Offer an update to a run that has not had it. That it is accepted is for the caller to answer."""
        run = session.run
        answers = self._answers.updates
        answers.wait(run, wanted.update_id, wanted.reply_to, wanted.await_completed, outcome.now_ms)
        if run.stalled is not None:
            self._keep(run, wanted, outcome)
            return
        if not run.is_open:
            answers.closed(run, outcome)
            return
        accepted = machine.update_accepted(wanted)
        try:
            self._driver.refresh(session)
            decider = session.decider or self._driver.rebuild(session, outcome)
            if run.status != "RUNNING":  # what the code had not decided yet closed it
                return
            failure = decider.validate(accepted)
        except WorkflowTaskError as error:
            self._driver.stall(session, error, outcome)
            self._keep(run, wanted, outcome)
            return
        if failure is None:
            try:
                outcome.append(run, accepted)
            except WorkflowTaskError as error:
                failure = _too_large(error)
        if failure is not None:
            answers.refused(run, wanted.update_id, failure, outcome)
            return
        self._answers.remember(run.workflow_id, wanted.request_id, Answer(run.run_id))
        self._driver.tell(session, accepted, outcome)

    def taken_by(self, session: Session, update_name: str, outcome: Outcome) -> bool:
        """Whether a run has a handler for an update now. Of code that cannot run, it is not known that it has not."""
        try:
            decider = session.decider or self._driver.rebuild(session, outcome)
        except WorkflowTaskError:
            return True
        return decider.takes_update(update_name)

    def wait(self, workflow_id: str, wanted: command.AwaitUpdate, outcome: Outcome) -> None:
        """Answer about an update that was sent before."""
        session = self._sessions.find(workflow_id, wanted.run_id)
        if session is None:
            self._answers.reject_unknown(workflow_id, wanted, outcome)
            return
        run = session.run
        answers = self._answers.updates
        if wanted.update_id in run.updates:
            answers.answer(run, wanted.update_id, wanted.reply_to, wanted.await_completed, outcome)
        elif self._is_kept(run, wanted.update_id, outcome):
            answers.wait(run, wanted.update_id, wanted.reply_to, wanted.await_completed, outcome.now_ms)
        else:
            message = f"workflow {workflow_id!r} run {run.run_id} has no update {wanted.update_id!r}"
            self._answers.reject(workflow_id, wanted, outcome, "NOT_FOUND", message, run)

    def _session_for(self, workflow_id: str, wanted: command.UpdateWorkflow, outcome: Outcome) -> Session | None:
        """The run that an update is for, closed or not; otherwise it is answered here."""
        before = self._answers.recall(workflow_id, wanted.request_id)
        if before is not None:
            if before.rejected is not None:
                self._answers.answered(workflow_id, wanted, outcome)
                return None
            # Also where another run has become current since: the request is that run's.
            wanted.run_id = before.run_id
        session = self._sessions.find(workflow_id, wanted.run_id)
        if session is None:
            self._answers.reject_unknown(workflow_id, wanted, outcome)
            return None
        first = wanted.first_execution_run_id
        if first and session.run.started.first_execution_run_id != first:
            message = f"workflow {workflow_id!r}: the chain of runs that began with {first} is not the current one"
            self._answers.reject(workflow_id, wanted, outcome, "NOT_FOUND", message, session.run)
            return None
        return session

    def _refused_as_one_too_many(self, run: Run, wanted: command.UpdateWorkflow, outcome: Outcome) -> bool:
        """Whether an update is refused because the run has, or has had, too many. One that was kept is not."""
        if wanted.reply_to is None:
            return False
        if wanted.update_name.startswith(RESERVED) or run.started.workflow_type.startswith(INTERNAL):
            return False
        in_flight, total = run.open_updates, run.counted_updates
        if run.deferred_ordinal > run.handled_ordinal:
            counted = {each.update_id for each in self._kept(run, outcome) if not each.update_name.startswith(RESERVED)}
            kept = len(counted - {wanted.update_id})
            in_flight, total = in_flight + kept, total + kept
        if in_flight < MAXIMUM_IN_FLIGHT and total < MAXIMUM_UPDATES:
            return False
        if in_flight >= MAXIMUM_IN_FLIGHT:
            code: reply.RejectionCode = "RESOURCE_EXHAUSTED"
            message = (
                f"{MAXIMUM_IN_FLIGHT} updates of workflow {run.workflow_id!r} have not ended yet: no more at a time"
            )
        else:
            code = "FAILED_PRECONDITION"
            message = (
                f"workflow {run.workflow_id!r} run {run.run_id} has taken {MAXIMUM_UPDATES} updates, and one run takes "
                "no more: let it continue as new in time, and give repeated updates the same ID"
            )
        # Not remembered: the same command may come again once others have ended.
        outcome.reply(wanted.reply_to, reply.Rejected, code=code, message=message, run_id=run.run_id, status=run.status)
        return True

    def _comes_before_code(self, session: Session, wanted: command.UpdateWorkflow, outcome: Outcome) -> bool:
        """Whether its handler is to begin before the code of the run does, as that of one that comes with a start."""
        return waits_for_code(session.run.started) and self.taken_by(session, wanted.update_name, outcome)

    def _keep(self, run: Run, wanted: command.UpdateWorkflow, outcome: Outcome) -> None:
        """Keep an update for when the run's code runs again; one that is kept already is not kept twice."""
        if not self._is_kept(run, wanted.update_id, outcome):
            try:
                self._driver.defer(run, wanted, outcome)
            except WorkflowTaskError as error:
                self._answers.updates.refused(run, wanted.update_id, _too_large(error), outcome)

    def _is_kept(self, run: Run, update_id: str, outcome: Outcome) -> bool:
        if run.deferred_ordinal <= run.handled_ordinal:
            return False
        return any(kept.update_id == update_id for kept in self._kept(run, outcome))

    def _kept(self, run: Run, outcome: Outcome) -> Iterator[command.UpdateWorkflow]:
        """Updates that wait until the run's code runs."""
        for kept in self._driver.deferred_commands(run, outcome):
            if isinstance(kept, command.UpdateWorkflow):
                yield kept


def _too_large(error: WorkflowTaskError) -> Failure:
    return Failure(kind="APPLICATION", type="UpdateTooLarge", message=str(error), non_retryable=True)


def _may_begin_early(run: Run) -> bool:
    """Whether an update ends the hold of a run: that of a start delay, not that between runs of a chain."""
    options = run.started.options
    return run.started.continuation is None and not (options is not None and options.cron_schedule)
