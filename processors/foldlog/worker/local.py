"""Local activities: run in the processor's own process, retried in memory, ended by their timeouts.

Owns their attempts one after another and the limit on how many run at a time. A local activity leaves no trace before
it has ended, or waits for its next attempt for long: then its workflow waits on a timer. A processor that crashes runs
it again. Lives on the event loop.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable

from foldlog.core.engine import LocalResult
from foldlog.core.outcome import LocalCall
from foldlog.core.retry import next_delay_ms
from foldlog.schemas.common import Failure, Payload, TimeoutType
from foldlog.schemas.task import ActivityTask
from foldlog.worker.attempt import Attempt, AttemptKey
from foldlog.worker.clock import Timer
from foldlog.worker.outcome import Canceled, Completed, Dropped, Failed, Interrupted, Outcome
from foldlog.worker.permits import Permits, SlotSource
from foldlog.worker.runner import Runner

_log = logging.getLogger(__name__)

Done = Callable[[LocalResult], None]
CallKey = tuple[str, str]
"""Run ID and activity ID."""


class _Call:
    """One local activity, over all its attempts."""

    __slots__ = (
        "attempt",
        "call",
        "done",
        "expiry",
        "heartbeat_details",
        "key",
        "number",
        "started_at",
        "stopping",
        "timer",
    )

    def __init__(self, call: LocalCall, done: Done, now: float) -> None:
        self.call = call
        self.done = done
        self.key: CallKey = (call.run_id, call.decision.activity_id)
        self.number = call.decision.attempt
        self.started_at = now - call.elapsed_ms / 1000
        self.attempt: Attempt | None = None
        self.timer: Timer | None = None
        """When the next attempt begins, or must have begun."""
        self.stopping = call.decision.cancel_requested
        """Whether its cancellation was asked for and its end is waited for."""
        self.expiry: Timer | None = None
        """When schedule-to-close is over."""
        self.heartbeat_details: list[Payload] = []


class LocalActivities:
    """The local activities of one worker."""

    def __init__(
        self,
        runner: Runner,
        namespace: str,
        maximum: int,
        paused: Callable[[CallKey], None],
        released: Callable[[], None],
        slot_source: SlotSource | None = None,
    ) -> None:
        """Make the place where they run.

        Args:
            runner: Runs their attempts.
            namespace: Of the workflows.
            maximum: How many attempts may run at a time; further ones wait.
            paused: Is told of a call that has ended, or waits for its next attempt: nobody should wait for it.
            released: Is told of an attempt whose code is over.
            slot_source: Says when another attempt may run, in place of `maximum`.
        """
        self._runner = runner
        self._namespace = namespace
        self._free = maximum
        self._paused = paused
        self._released = released
        self._clock = runner.clock
        self._calls: dict[CallKey, _Call] = {}
        self._waiting: deque[_Call] = deque()
        self._permits: Permits | None = None
        if slot_source is not None:
            self._permits = Permits(
                slot_source, "local-activity", wanted=self._count_waiting, freed=self._start_waiting
            )

    @property
    def open(self) -> int:
        """Calls that have not ended."""
        return len(self._calls)

    @property
    def waiting_for_permits(self) -> int:
        """Calls that wait for a supplier of slots."""
        return len(self._waiting) if self._permits is not None else 0

    def begin(self, call: LocalCall, done: Done) -> None:
        """Run a call to its end."""
        state = _Call(call, done, self._clock.time())
        previous = self._calls.get(state.key)
        if previous is not None:
            # The transaction that began it was aborted, and the workflow decided the same again.
            self._forget(previous)
        self._calls[state.key] = state
        limit_ms = call.decision.schedule_to_close_timeout_ms
        if limit_ms:
            left_ms = max(limit_ms - call.elapsed_ms, 0)
            state.expiry = self._clock.call_later(left_ms / 1000, self._expire, state)
        if state.stopping:
            self._finish(state, None, _canceled())
        else:
            self._start(state)

    def stop(self, key: CallKey) -> None:
        """Ask a call to stop; its end is still wanted."""
        state = self._calls.get(key)
        if state is None or state.stopping:
            return
        state.stopping = True
        if state.attempt is not None:
            state.attempt.cancel("CANCEL_REQUESTED")
        else:
            self._finish(state, None, _canceled())

    def cancel(self, key: CallKey) -> None:
        """Stop a call; its result is not wanted any more."""
        state = self._calls.get(key)
        if state is not None:
            self._forget(state)
            self._paused(key)

    def close(self) -> None:
        """Stop all of them. Whoever has the workflows next runs them again."""
        for state in list(self._calls.values()):
            self._forget(state, shutdown=True)
            self._paused(state.key)

    async def closed(self) -> None:
        """Wait until its supplier of slots, if it has one, has all of them back. After all attempts have ended."""
        self._waiting.clear()
        if self._permits is not None:
            await self._permits.closed()

    def _start(self, state: _Call) -> None:
        state.timer = None
        if not self._take_slot():
            self._waiting.append(state)
            limit_ms = state.call.decision.schedule_to_start_timeout_ms
            if limit_ms:
                state.timer = self._clock.call_later(limit_ms / 1000, self._never_started, state)
            if self._permits is not None:
                self._permits.refill()
            return
        attempt = state.attempt = Attempt(
            self._attempt_key(state), state.call.workflow_id, self._task(state), self, state, is_local=True
        )
        if self._permits is not None:
            self._permits.begin(attempt, attempt.task.activity_type)
        self._runner.start(attempt)

    def _take_slot(self) -> bool:
        if self._permits is not None:
            return self._permits.take()
        if not self._free:
            return False
        self._free -= 1
        return True

    def _count_waiting(self) -> int:
        return len(self._waiting)

    def _attempt_key(self, state: _Call) -> AttemptKey:
        return (*state.key, 0)

    def _task(self, state: _Call) -> ActivityTask:
        call, decision = state.call, state.call.decision
        return ActivityTask(
            namespace=self._namespace,
            run_id=call.run_id,
            workflow_type=call.workflow_type,
            activity_id=decision.activity_id,
            activity_type=decision.activity_type,
            scheduled_event_id=0,
            attempt=state.number,
            args=decision.args,
            scheduled_ms=call.scheduled_ms,
            attempt_scheduled_ms=call.scheduled_ms,
            schedule_to_close_timeout_ms=decision.schedule_to_close_timeout_ms,
            start_to_close_timeout_ms=decision.start_to_close_timeout_ms,
            retry_policy=decision.retry_policy,
            options=decision.options,
            heartbeat_details=state.heartbeat_details,
            deployment_version=call.deployment_version,
        )

    # AttemptListener

    def started(self, attempt: Attempt, running_seconds: float) -> None:
        """Nobody asks when a local activity began."""

    def heartbeat(self, attempt: Attempt, details: list[Payload]) -> None:
        """Nobody asks whether it lives; what it said is for its next attempt."""

    def ended(self, attempt: Attempt, outcome: Outcome) -> None:
        state: _Call = attempt.origin
        if self._calls.get(state.key) is not state:
            return
        if isinstance(outcome, Completed):
            self._finish(state, outcome.result, None)
        elif isinstance(outcome, Failed):
            self._failed(state, outcome)
        elif isinstance(outcome, Canceled):
            self._finish(state, None, _canceled("Cancelled" if state.stopping else "activity canceled itself"))
        elif isinstance(outcome, Interrupted | Dropped):
            self._forget(state)
        else:
            message = "a local activity cannot be completed from outside (raise_complete_async)"
            self._failed(state, Failed(Failure(message=message, type="IllegalState", non_retryable=True)))

    def released(self, attempt: Attempt) -> None:
        if self._permits is not None:
            self._permits.end(attempt)
        else:
            self._free += 1
            self._start_waiting()
        self._released()

    def _start_waiting(self) -> None:
        """Start what waits for a slot, as long as there is one."""
        while self._waiting and (self._permits.free if self._permits is not None else self._free):
            state = self._waiting.popleft()
            if self._calls.get(state.key) is state:
                if state.timer is not None:
                    state.timer.cancel()
                self._start(state)

    # How calls end

    def _failed(self, state: _Call, outcome: Failed) -> None:
        decision = state.call.decision
        elapsed_ms = int((self._clock.time() - state.started_at) * 1000)
        delay_ms, _ = next_delay_ms(
            decision.retry_policy,
            state.number,
            outcome.failure,
            elapsed_ms,
            decision.schedule_to_close_timeout_ms,
        )
        if delay_ms is None or state.stopping:
            self._finish(state, None, outcome.failure)
            return
        if 0 < decision.retry_threshold_ms < delay_ms:
            self._finish(state, None, outcome.failure, backoff_ms=delay_ms)
            return
        state.number += 1
        state.heartbeat_details = outcome.heartbeat_details
        state.attempt = None
        state.timer = self._clock.call_later(delay_ms / 1000, self._start, state)
        self._paused(state.key)

    def _expire(self, state: _Call) -> None:
        state.expiry = None
        timeout_type: TimeoutType = "SCHEDULE_TO_CLOSE"
        failure = Failure(kind="TIMEOUT", message="activity schedule-to-close timeout", timeout_type=timeout_type)
        attempt = state.attempt
        self._finish(state, None, failure)
        if attempt is not None:
            attempt.cancel("TIMED_OUT")

    def _never_started(self, state: _Call) -> None:
        message = "activity schedule-to-start timeout"
        self._finish(state, None, Failure(kind="TIMEOUT", message=message, timeout_type="SCHEDULE_TO_START"))

    def _finish(self, state: _Call, result: Payload | None, failure: Failure | None, *, backoff_ms: int = 0) -> None:
        self._drop(state)
        call = state.call
        ended = LocalResult(
            workflow_id=call.workflow_id,
            run_id=call.run_id,
            activity_id=call.decision.activity_id,
            activity_type=call.decision.activity_type,
            attempt=state.number,
            result=result,
            failure=failure,
            scheduled_ms=call.scheduled_ms if backoff_ms else 0,
            backoff_ms=backoff_ms,
        )
        try:
            state.done(ended)
        finally:
            self._paused(state.key)

    def _forget(self, state: _Call, *, shutdown: bool = False) -> None:
        """Stop a call and tell nobody."""
        self._drop(state)
        if state.attempt is not None:
            state.attempt.cancel("WORKER_SHUTDOWN" if shutdown else "CANCEL_REQUESTED")

    def _drop(self, state: _Call) -> None:
        if self._calls.get(state.key) is state:
            del self._calls[state.key]
        for timer in (state.timer, state.expiry):
            if timer is not None:
                timer.cancel()
        state.timer = state.expiry = None


def _canceled(message: str = "Cancelled") -> Failure:
    return Failure(kind="CANCELED", message=message)
