"""What askers are told: acceptance, refusal, results; and that a repeated request is told the same again.

Owns the answers to request IDs and who waits for which result. It decides nothing about runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from foldlog._texts import cut
from foldlog.core import initiators
from foldlog.core.outcome import Outcome
from foldlog.core.session import Answer, Session, Sessions
from foldlog.core.state import Run
from foldlog.core.update_answers import UpdateAnswers
from foldlog.core.views import closing_result, following_run_id
from foldlog.core.waiters import Waiters
from foldlog.schemas import log, reply
from foldlog.schemas.common import Failure, ReplyTo

MAXIMUM_MESSAGE = 10_000
"""Characters of a refusal, as of a failure. It may quote what was refused, twice and each byte as four characters, and
the record that remembers it must be one that the broker takes."""


class Answers:
    """The answers of one partition."""

    def __init__(self, sessions: Sessions, decode: Callable[[bytes], Any], long_poll_ms: int) -> None:
        """Make an object without answers of its own.

        Args:
            sessions: Knows what was answered before.
            decode: Reads a record of the partition's own log.
            long_poll_ms: See `Engine`.
        """
        self._sessions = sessions
        self._decode = decode
        self._waiters = Waiters(long_poll_ms)
        self.updates = UpdateAnswers(sessions, decode, long_poll_ms)
        self._answers: dict[tuple[str, str], Answer] = {}
        """Answers of the open transaction, which the store does not know yet."""

    def committed(self) -> None:
        """The answers are sent, and in the store."""
        self._answers.clear()
        self._waiters.committed()
        self.updates.committed()

    def aborted(self) -> None:
        """The answers are not sent."""
        self._answers.clear()
        self._waiters.aborted()
        self.updates.aborted()

    def recall(self, workflow_id: str, request_id: str) -> Answer | None:
        """What a request was answered before; None: nothing is known of it."""
        if not request_id:
            return None
        return self._answers.get((workflow_id, request_id)) or self._sessions.answer(workflow_id, request_id)

    def answered(self, workflow_id: str, wanted: Any, outcome: Outcome) -> bool:
        """Whether the request was answered before; then it is answered the same again."""
        answer = self.recall(workflow_id, wanted.request_id)
        if answer is None:
            return False
        rejected = None if answer.rejected is None else self._decode(answer.rejected)
        initiators.tell_again(wanted, answer, rejected, outcome)
        reply_to: ReplyTo | None = wanted.reply_to
        if reply_to is not None:
            if rejected is not None:
                rejected.correlation_id = reply_to.correlation_id
                outcome.replies.append((reply_to, rejected))
            elif getattr(wanted, "await_result", False):
                session = self._sessions.find(workflow_id, answer.run_id)
                session = session or self.current_of_chain(workflow_id, answer.run_id)
                if session is None:
                    message = f"run {answer.run_id} of workflow {workflow_id!r} is past its retention"
                    outcome.reply(reply_to, reply.Rejected, code="NOT_FOUND", message=message)
                else:
                    self.wait_for(session.run, reply_to, outcome)
            else:
                outcome.reply(reply_to, reply.Accepted, run_id=answer.run_id, started=answer.started)
        return True

    def accept(self, run: Run, wanted: Any, outcome: Outcome) -> None:
        """Say that a request was handled, now and whenever it is repeated."""
        self.remember(run.workflow_id, wanted.request_id, Answer(run.run_id))
        initiators.tell_accepted(wanted, run.run_id, outcome)
        outcome.reply(wanted.reply_to, reply.Accepted, run_id=run.run_id)

    def reject_unknown(self, workflow_id: str, wanted: Any, outcome: Outcome) -> None:
        """Refuse a command for a run that is not there."""
        run = f" run {wanted.run_id}" if wanted.run_id else ""
        self.reject(workflow_id, wanted, outcome, "NOT_FOUND", f"workflow {workflow_id!r}{run} is not known")

    def reject(
        self,
        workflow_id: str,
        wanted: Any,
        outcome: Outcome,
        code: reply.RejectionCode,
        message: str,
        run: Run | None = None,
        failure: Failure | None = None,
    ) -> None:
        """Refuse a command, now and whenever it is repeated."""
        message = cut(message, MAXIMUM_MESSAGE)
        initiators.tell_refused(wanted, code, message, outcome)
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
            self.remember(workflow_id, request_id, Answer(rejected=answer))
            record = log.RequestRejected(request_id=request_id, answer=answer, time_ms=outcome.now_ms)
            outcome.append_loose(workflow_id, record)

    def remember(self, workflow_id: str, request_id: str, answer: Answer) -> None:
        """Keep the answer to a request; an event or a record of the log must keep it too."""
        if request_id:
            self._answers[workflow_id, request_id] = answer

    def wait_for(self, run: Run, reply_to: ReplyTo | None, outcome: Outcome, *, follow_runs: bool = True) -> None:
        """Answer with the result of the run, or of the last one that follows it, now or when there is one."""
        if reply_to is None:
            return
        if follow_runs and not run.is_open:
            run = self._last_of_chain(run)
        if run.is_open:
            self._waiters.add(run.run_id, reply_to, outcome.now_ms, follow_runs)
        else:
            outcome.replies.append((reply_to, closing_result(reply_to, run)))

    def _last_of_chain(self, run: Run) -> Run:
        """The last run that follows a closed one, as far as they are known."""
        if not following_run_id(run):
            return run
        current = self.current_of_chain(run.workflow_id, run.started.first_execution_run_id)
        if current is not None:
            return current.run
        # The workflow ID has gone to another chain since: this one is followed from run to run.
        while (new_run_id := following_run_id(run)) and (found := self._sessions.find(run.workflow_id, new_run_id)):
            run = found.run
        return run

    def current_of_chain(self, workflow_id: str, first_execution_run_id: str) -> Session | None:
        """The current run of a workflow ID, if it is of the chain that began with a run; None: it is not."""
        session = self._sessions.current(workflow_id)
        if session is None or session.run.started.first_execution_run_id != first_execution_run_id:
            return None
        return session

    def answer_waiters(self, run: Run, outcome: Outcome) -> None:
        """Tell who waits for a run that has just closed, or for an update of it."""
        self.updates.closed(run, outcome)
        for reply_to in self._waiters.closing(run.run_id, following_run_id(run)):
            outcome.replies.append((reply_to, closing_result(reply_to, run)))
