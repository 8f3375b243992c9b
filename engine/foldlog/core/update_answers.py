"""What askers of updates are told, and who waits for which update. Long polls: kept in memory only.

Whoever waits is told once: when the update is accepted or when its handler has ended, whichever was asked for, or when
it can no longer be. As with results, whom a transaction has told stays known until it is committed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from foldlog.core.outcome import Outcome
from foldlog.core.session import Sessions
from foldlog.core.state import Run
from foldlog.schemas import event, reply
from foldlog.schemas.common import Failure, ReplyTo

_Key = tuple[str, str, str, int]
"""Run ID, update ID, client ID and correlation ID."""


class _Waiter(NamedTuple):
    reply_to: ReplyTo
    await_completed: bool
    until_ms: int


class UpdateAnswers:
    """The answers to updates of one partition."""

    def __init__(self, sessions: Sessions, decode: Callable[[bytes], Any], long_poll_ms: int) -> None:
        """Make an object that nobody waits with; the arguments are those of `Answers`."""
        self._sessions = sessions
        self._long_poll_ms = long_poll_ms
        self._decode = decode
        self._waiting: dict[str, dict[str, dict[_Key, _Waiter]]] = {}
        """By run ID and update ID."""
        self._told: set[_Key] = set()
        """Whom the open transaction has told."""
        self._swept_ms = 0

    def committed(self) -> None:
        """What was told has been sent."""
        for key in self._told:
            self._forget(key)
        self._told.clear()

    def aborted(self) -> None:
        """What was told has not been sent."""
        self._told.clear()

    def wait(self, run: Run, update_id: str, reply_to: ReplyTo | None, await_completed: bool, now_ms: int) -> None:
        """Wait for an update; asking again replaces the first ask."""
        if reply_to is None:
            return
        key = (run.run_id, update_id, reply_to.client_id, reply_to.correlation_id)
        waiter = _Waiter(reply_to, await_completed, now_ms + self._long_poll_ms)
        self._waiting.setdefault(run.run_id, {}).setdefault(update_id, {})[key] = waiter
        if now_ms - self._swept_ms > self._long_poll_ms:
            self._sweep(now_ms)

    def answer(
        self, run: Run, update_id: str, reply_to: ReplyTo | None, await_completed: bool, outcome: Outcome
    ) -> None:
        """Answer about an update that was accepted, now or when its handler has ended."""
        if reply_to is None:
            return
        update = run.updates[update_id]
        if update.completed_event_id:
            completed = self._completed_event(run, update.completed_event_id, outcome)
            _tell(run, update_id, reply_to, outcome, "COMPLETED", completed.result, completed.failure)
        elif not run.is_open:
            _tell(run, update_id, reply_to, outcome, "COMPLETED", failure=_too_late())
        elif await_completed:
            self.wait(run, update_id, reply_to, True, outcome.now_ms)
        else:
            _tell(run, update_id, reply_to, outcome, "ACCEPTED")

    def accepted(self, run: Run, update_id: str, outcome: Outcome) -> None:
        """Tell those who wait for no more than that; nobody, if it was not accepted."""
        if update_id in run.updates:
            for waiter in self._to_tell(run, update_id, also_completed=False):
                _tell(run, update_id, waiter.reply_to, outcome, "ACCEPTED")

    def completed(self, run: Run, ended: event.WorkflowExecutionUpdateCompleted, outcome: Outcome) -> None:
        """The handler of an update has ended."""
        for waiter in self._to_tell(run, ended.update_id):
            _tell(run, ended.update_id, waiter.reply_to, outcome, "COMPLETED", ended.result, ended.failure)

    def refused(self, run: Run, update_id: str, failure: Failure, outcome: Outcome) -> None:
        """The code does not take an update."""
        for waiter in self._to_tell(run, update_id):
            _tell(run, update_id, waiter.reply_to, outcome, "COMPLETED", failure=failure)

    def closed(self, run: Run, outcome: Outcome) -> None:
        """The run has closed: what has not ended never will."""
        for update_id in list(self._waiting.get(run.run_id, ())):
            for waiter in self._to_tell(run, update_id):
                if update_id in run.updates:
                    self.answer(run, update_id, waiter.reply_to, True, outcome)
                else:
                    message = f"workflow {run.workflow_id!r} run {run.run_id} closed before it took the update"
                    status = run.status
                    outcome.reply(
                        waiter.reply_to,
                        reply.Rejected,
                        code="ALREADY_CLOSED",
                        message=message,
                        run_id=run.run_id,
                        status=status,
                    )

    def _completed_event(self, run: Run, event_id: int, outcome: Outcome) -> event.WorkflowExecutionUpdateCompleted:
        encoded = self._sessions.event(run, event_id)
        if encoded is None:
            encoded = next(
                entry.encoded
                for entry in reversed(outcome.log)
                if entry.run is run and getattr(entry.record, "event_id", 0) == event_id
            )
        ended: event.WorkflowExecutionUpdateCompleted = self._decode(encoded)
        return ended

    def _to_tell(self, run: Run, update_id: str, also_completed: bool = True) -> Iterator[_Waiter]:
        waiting = self._waiting.get(run.run_id, {}).get(update_id, {})
        for key, waiter in list(waiting.items()):
            if key not in self._told and (also_completed or not waiter.await_completed):
                self._told.add(key)
                yield waiter

    def _forget(self, key: _Key) -> None:
        run_id, update_id = key[:2]
        of_run = self._waiting.get(run_id, {})
        waiting = of_run.get(update_id, {})
        waiting.pop(key, None)
        if not waiting:
            of_run.pop(update_id, None)
            if not of_run:
                self._waiting.pop(run_id, None)

    def _sweep(self, now_ms: int) -> None:
        self._swept_ms = now_ms
        everybody = [item for of_run in self._waiting.values() for some in of_run.values() for item in some.items()]
        for key, waiter in everybody:
            if waiter.until_ms <= now_ms:
                self._forget(key)


def _tell(
    run: Run,
    update_id: str,
    reply_to: ReplyTo,
    outcome: Outcome,
    stage: str,
    result: Any = None,
    failure: Failure | None = None,
) -> None:
    outcome.reply(
        reply_to,
        reply.UpdateReply,
        run_id=run.run_id,
        update_id=update_id,
        stage=stage,
        result=result,
        failure=failure,
        first_execution_run_id=run.started.first_execution_run_id,
    )


def _too_late() -> Failure:
    """What Temporal says of an update whose run closed before its handler ended."""
    return Failure(
        kind="APPLICATION",
        type="AcceptedUpdateCompletedWorkflow",
        message="Workflow Update failed because the Workflow completed before the Update completed.",
        non_retryable=True,
    )
