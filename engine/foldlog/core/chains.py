"""Runs that follow each other: continue-as-new, workflow retries, cron schedules.

Owns whether a closing run is followed by another, what that one takes over, and that it begins in the same
transaction: the closing event names it, so nobody ever sees a chain with a link missing. It runs no code: the driver
does, once the new run is there.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import NamedTuple

from foldlog.core import decisions
from foldlog.core.cron import next_cron_ms
from foldlog.core.decider import WorkflowTaskError
from foldlog.core.decisions import ClosingDecision
from foldlog.core.fields import check_memo, check_search_attributes, without_patches
from foldlog.core.outcome import Outcome
from foldlog.core.retry import next_delay_ms
from foldlog.core.session import Session, Sessions
from foldlog.core.state import Run
from foldlog.core.versioning import NO_OPTIONS, Versions
from foldlog.core.views import following_run_id
from foldlog.schemas import event
from foldlog.schemas.common import Continuation, ContinueInitiator, Failure, Payload, RetryState, WorkflowOptions
from foldlog.schemas.event import WorkflowExecutionSignaled, WorkflowExecutionStarted
from msgspec.structs import replace

MAXIMUM_FAILURE_MESSAGE = 4_000
"""Characters that are kept of a failure which is too large for the run that follows it."""


class _Following(NamedTuple):
    """A run that is to follow."""

    started: WorkflowExecutionStarted
    signals: Sequence[WorkflowExecutionSignaled]
    """Those that no handler of the run before has taken."""


class Chains:
    """The chains of one partition."""

    def __init__(self, sessions: Sessions, new_run_id: Callable[[], str], versions: Versions) -> None:
        """Make an object that knows of no run to follow.

        Args:
            sessions: Takes the runs that begin.
            new_run_id: A fresh unique run ID.
            versions: Decides which version of the code they are on.
        """
        self._sessions = sessions
        self._versions = versions
        self._new_run_id = new_run_id
        self._following: dict[str, _Following] = {}
        """What follows a run that is being closed, by its run ID."""

    def aborted(self) -> None:
        """No run has closed after all."""
        self._following.clear()

    # ---- whether another run follows

    def decided(self, session: Session, decision: ClosingDecision, outcome: Outcome) -> None:
        """The code ends its run: see whether another follows, and say so in the decision.

        Raises:
            WorkflowTaskError: The run that should follow cannot begin.
        """
        run = session.run
        kind = type(decision)
        options = run.started.options
        started: WorkflowExecutionStarted | None = None
        if kind is decisions.ContinueAsNew:
            assert isinstance(decision, decisions.ContinueAsNew)
            started = self._continued(run, decision, outcome)
        elif isinstance(decision, decisions.FailWorkflow):
            started, decision.retry_state = self._after_failure(run, decision.failure, outcome)
        elif options is not None and options.cron_schedule and isinstance(decision, decisions.CompleteWorkflow):
            started = self._next_of_schedule(run, options.cron_schedule, decision.result, None, outcome)
        if started is not None:
            decision.new_run_id = started.run_id
            assert session.decider is not None
            self._expect(run, started, session.decider.unhandled_signals(), outcome)

    def timed_out(
        self, run: Run, signals: Sequence[WorkflowExecutionSignaled], outcome: Outcome
    ) -> event.WorkflowExecutionTimedOut:
        """The event that closes a run whose run timeout has passed; it names the run that follows, if one does.

        Args:
            run: The run.
            signals: Those that no handler of it has taken.
            outcome: The open transaction.
        """
        failure = Failure(kind="TIMEOUT", message="workflow run timeout", timeout_type="START_TO_CLOSE")
        new_run_id, retry_state = self._after_end(run, failure, signals, outcome)
        return event.WorkflowExecutionTimedOut(new_run_id=new_run_id, retry_state=retry_state)

    def failed(self, run: Run, failure: Failure, outcome: Outcome) -> event.WorkflowExecutionFailed:
        """The event that fails a run whose code cannot be run any more; it names the run that follows, if one does."""
        new_run_id, retry_state = self._after_end(run, failure, (), outcome)
        return event.WorkflowExecutionFailed(failure=failure, new_run_id=new_run_id, retry_state=retry_state)

    def _after_end(
        self, run: Run, failure: Failure, signals: Sequence[WorkflowExecutionSignaled], outcome: Outcome
    ) -> tuple[str, RetryState]:
        """The ID of the run that follows one which ends without its code, empty if none does; and why."""
        try:
            started, retry_state = self._after_failure(run, failure, outcome)
        except WorkflowTaskError:
            # The run that should follow cannot be. This one must end all the same, or it would be due for ever.
            return "", "INTERNAL_SERVER_ERROR"
        if started is None:
            return "", retry_state
        self._expect(run, started, signals, outcome)
        return started.run_id, retry_state

    def may_follow_timeout(self, run: Run) -> bool:
        """Whether a run might be followed by another when it times out."""
        options = run.started.options
        return options is not None and (options.retry_policy is not None or bool(options.cron_schedule))

    def _after_failure(
        self, run: Run, failure: Failure, outcome: Outcome
    ) -> tuple[WorkflowExecutionStarted | None, RetryState]:
        options = run.started.options
        if options is None:
            return None, "RETRY_POLICY_NOT_SET"
        attempt = _attempt(run)
        expiration_ms = run.started.execution_expiration_ms
        left_ms = max(expiration_ms - outcome.now_ms, 1) if expiration_ms else 0
        delay_ms, state = next_delay_ms(options.retry_policy, attempt, failure, 0, left_ms)
        last_result = run.started.continuation.last_result if run.started.continuation is not None else None
        if delay_ms is not None:
            continuation = self._continuation(run, "RETRY", attempt + 1, last_result, failure)
            return self._starting(run, continuation, outcome.now_ms + delay_ms, outcome), "IN_PROGRESS"
        started = None
        if options.cron_schedule:
            started = self._next_of_schedule(run, options.cron_schedule, last_result, failure, outcome)
        return started, state or "UNSPECIFIED"

    def _next_of_schedule(
        self, run: Run, schedule: str, result: Payload | None, failure: Failure | None, outcome: Outcome
    ) -> WorkflowExecutionStarted | None:
        began_ms = max(run.started.time_ms, run.started.first_task_ms)
        next_ms = next_cron_ms(schedule, began_ms, outcome.now_ms)
        expiration_ms = run.started.execution_expiration_ms
        if expiration_ms and next_ms >= expiration_ms:
            return None
        return self._starting(run, self._continuation(run, "CRON", 1, result, failure), next_ms, outcome)

    # ---- what the run that follows takes over

    def _continued(self, run: Run, decision: decisions.ContinueAsNew, outcome: Outcome) -> WorkflowExecutionStarted:
        if decision.memo is not None:
            check_memo(decision.memo)
        if decision.search_attributes is not None:
            check_search_attributes(decision.search_attributes)
        before = run.started
        last_result = before.continuation.last_result if before.continuation is not None else None
        first_task_ms = outcome.now_ms + decision.backoff_ms if decision.backoff_ms else 0
        started = self._starting(
            run, self._continuation(run, "WORKFLOW", 1, last_result, None), first_task_ms, outcome, check=False
        )
        started.workflow_type = decision.workflow_type or before.workflow_type
        started.task_queue = decision.task_queue or before.task_queue
        started.args = decision.args
        if decision.run_timeout_ms is not None:
            started.run_timeout_ms = decision.run_timeout_ms
        if decision.memo is not None:
            started.memo = decision.memo
        changes: dict[str, object] = {"header": decision.header}
        if decision.retry_policy is not None:
            changes["retry_policy"] = decision.retry_policy
        if decision.search_attributes is not None:
            changes["search_attributes"] = decision.search_attributes
        started.options = self._versions.of_following(
            run,
            started.workflow_type,
            _changed(started.options, **changes),
            "WORKFLOW",
            upgrade=decision.upgrade,
            ramping=decision.ramping,
        )
        outcome.check_fits(started)
        return started

    def _continuation(
        self,
        run: Run,
        initiator: ContinueInitiator,
        attempt: int,
        last_result: Payload | None,
        last_failure: Failure | None,
    ) -> Continuation:
        before = run.started.continuation
        return Continuation(
            run_id=run.run_id,
            initiator=initiator,
            attempt=attempt,
            last_result=last_result,
            last_failure=last_failure,
            first_start_ms=before.first_start_ms if before is not None else run.started.time_ms,
        )

    def _starting(
        self, run: Run, continuation: Continuation, first_task_ms: int, outcome: Outcome, check: bool = True
    ) -> WorkflowExecutionStarted:
        """The first event of a run like this one."""
        before = run.started
        started = WorkflowExecutionStarted(
            run_id=self._new_run_id(),
            workflow_type=before.workflow_type,
            task_queue=before.task_queue,
            args=before.args,
            execution_timeout_ms=before.execution_timeout_ms,
            run_timeout_ms=before.run_timeout_ms,
            execution_expiration_ms=before.execution_expiration_ms,
            memo=run.memo,
            first_execution_run_id=before.first_execution_run_id or run.run_id,
            identity=before.identity,
            options=_changed(before.options, search_attributes=without_patches(run.search_attributes)),
            parent=before.parent,
            continuation=continuation,
            held=first_task_ms > 0,
            first_task_ms=first_task_ms,
        )
        if check:
            started.options = self._versions.of_following(
                run, started.workflow_type, started.options, continuation.initiator
            )
            _make_fit(started, outcome)
        return started

    # ---- the new run

    def _expect(
        self,
        run: Run,
        started: WorkflowExecutionStarted,
        signals: Sequence[WorkflowExecutionSignaled],
        outcome: Outcome,
    ) -> None:
        if not started.held and run.started.time_ms == outcome.now_ms and run.started.continuation is not None:
            # A workflow that goes on and on without waiting must not keep a whole partition in one transaction.
            started.held = True
            started.first_task_ms = outcome.now_ms
        started.held = started.held or bool(signals)
        self._following[run.run_id] = _Following(started, signals)

    def begin(self, run: Run, outcome: Outcome) -> Session | None:
        """Begin the run that follows a closed one, with what the one before left over; None: none follows."""
        following = self._following.pop(run.run_id, None)
        if following is None or following.started.run_id != following_run_id(run):
            # The event that named it did not fit into a record, and another one has closed the run.
            return None
        started = following.started
        new = outcome.begin(run.workflow_id, started.run_id, started)
        session = self._sessions.add(new)
        for signaled in following.signals:
            carried = copy.copy(signaled)
            # The answer to the request is remembered already, with the run that it came to.
            carried.request_id = ""
            outcome.append(new, carried)
        return session


def _attempt(run: Run) -> int:
    return run.started.continuation.attempt if run.started.continuation is not None else 1


def _changed(options: WorkflowOptions | None, **changes: object) -> WorkflowOptions | None:
    """Options with changes; None for those that are all at their defaults."""
    changed = replace(options or NO_OPTIONS, **changes)
    return None if changed == NO_OPTIONS else changed


def _make_fit(started: WorkflowExecutionStarted, outcome: Outcome) -> None:
    """Cut the failure of the run before, if there is no room for it: a retry must not fail for its reason."""
    try:
        outcome.check_fits(started)
    except WorkflowTaskError:
        continuation = started.continuation
        failure = continuation.last_failure if continuation is not None else None
        if continuation is None or failure is None:
            raise
        message = failure.message[:MAXIMUM_FAILURE_MESSAGE]
        continuation.last_failure = Failure(kind=failure.kind, message=message, type=failure.type)
        outcome.check_fits(started)
