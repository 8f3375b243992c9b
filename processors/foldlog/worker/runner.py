"""Runs attempts: calls the activity's code, converts what goes in and comes out, and says how it ended.

Owns the asyncio task of each attempt that needs one. Async activities run on the worker's event loop, in a task of
their own, since code in them may ask for the current task (`asyncio.timeout` does). Sync ones run in an executor. Knows
no Kafka.

Nothing that an activity raises gets past the runner, KeyboardInterrupt excepted.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from concurrent.futures import BrokenExecutor
from contextvars import Context, copy_context
from functools import partial
from typing import Any

from foldlog._texts import text_of, writable
from foldlog.activity._context import CompleteAsyncError
from foldlog.core.activities import PAUSED_TYPE, RESET_TYPE
from foldlog.exceptions import ApplicationError, ApplicationErrorCategory, CancelledError
from foldlog.schemas.common import Failure, Payload
from foldlog.worker import intercepted
from foldlog.worker.attempt import Attempt, AttemptKey, CancelReason, HeartbeatIntervals, Watch, timed_out
from foldlog.worker.calls import Calls
from foldlog.worker.clock import Clock, LoopClock
from foldlog.worker.conversion import Conversion
from foldlog.worker.outcome import Canceled, Completed, Dropped, Failed, Interrupted, LeftOpen, Outcome
from foldlog.worker.pool import ThreadCall
from foldlog.worker.registry import Registry

_log = logging.getLogger("foldlog.activity")

_ENDED_ELSEWHERE = ("TIMED_OUT", "NOT_FOUND", "WORKFLOW_CLOSED")
_HALTS = {"PAUSED": PAUSED_TYPE, "RESET": RESET_TYPE}
"""Reasons after which the activity goes on with a further attempt, and what type of failure ends this one."""


class Runner:
    """Runs attempts on one event loop. All methods belong to that loop's thread."""

    def __init__(
        self,
        registry: Registry,
        conversion: Conversion,
        calls: Calls,
        *,
        intervals: HeartbeatIntervals,
        on_broken: Callable[[BaseException], None],
        clock: Clock | None = None,
    ) -> None:
        """Make a runner; call it on the event loop.

        Args:
            registry: The activities that there are.
            conversion: Payloads to values and back.
            calls: How code is called, with its context.
            intervals: How heartbeats are throttled.
            on_broken: Is told of an executor that broke: no sync activity will run any more.
            clock: Times attempts; None: the event loop's.
        """
        self._registry = registry
        self._conversion = conversion
        self._calls = calls
        self._intervals = intervals
        self._on_broken = on_broken
        self._loop = asyncio.get_running_loop()
        self.clock = clock or LoopClock(self._loop)
        self._watch = Watch(self.clock)
        self._surroundings = copy_context()
        # Cancelled with all else when the event loop ends: so that is told from code that cancels its own task.
        self._loop_lives = self._loop.create_task(asyncio.Event().wait(), name="foldlog-loop-lives")
        self._encoding: set[asyncio.Task[None]] = set()
        self.running: dict[AttemptKey, Attempt] = {}
        """The newest of each key."""

    def start(self, attempt: Attempt) -> None:
        """Run an attempt; its listener hears the rest."""
        self.running[attempt.key] = attempt
        attempt.conversion = self._conversion
        attempt.begin(self._loop, self.clock, self._intervals, self._watch.sooner, self._with_details)
        self._watch.add(attempt)
        # A context of its own: this may be called on behalf of an attempt that has just ended.
        context = self._surroundings.copy()
        try:
            call = context.run(self._begin_in_thread, attempt)
        except BaseException as error:
            attempt.work = self._loop.create_task(self._run(attempt, error), context=context)
            return
        if call is None:
            attempt.work = self._loop.create_task(self._run(attempt), context=context)
        else:
            call.add_done_callback(partial(self._thread_ended, attempt, context), context=context)

    def cancel(self, key: AttemptKey, reason: CancelReason) -> bool:
        """Ask a running attempt to stop. False: it is not running here."""
        attempt = self.running.get(key)
        if attempt is None:
            return False
        attempt.cancel(reason)
        return True

    def cancel_all(self, reason: CancelReason) -> None:
        """Ask everything to stop."""
        for attempt in self.attempts:
            attempt.cancel(reason)

    def interrupt_codecs(self) -> None:
        """Wait no longer for codecs that still convert what attempts came to which were asked to stop."""
        for attempt in self.attempts:
            if attempt.cancel_reason is not None and not attempt.inside and attempt.work is not None:
                attempt.work.cancel("Activity cancelled")

    @property
    def attempts(self) -> list[Attempt]:
        """All that run now. There may be two of one key: a task that was read again is run again."""
        return list(self._watch.attempts)

    @property
    def open_attempts(self) -> int:
        """How many of them have not ended."""
        count = 0
        for attempt in self._watch.attempts:
            if not attempt.ended:
                count += 1
        return count

    def close(self) -> None:
        """Look after nothing any more."""
        self._watch.close()
        self._loop_lives.cancel()

    def _begin_in_thread(self, attempt: Attempt) -> ThreadCall | None:
        """Begin at once what needs nothing but a thread: without a task, that costs less.

        Returns:
            The call. None: it needs a task.

        Raises:
            BaseException: What ends the attempt before its code could begin.
        """
        task = attempt.task
        if self._calls.own_threads is None or attempt.cancel_reason is not None or task.heartbeat_details:
            return None
        activity = self._registry.get(task.activity_type, task.deployment_version)
        if activity is None or activity.is_async or activity.dynamic:
            return None
        conversion = self._conversion_for(attempt)
        if not conversion.is_sync:
            return None
        args = conversion.decode_now(task.args, activity.arg_types) if task.args else []
        call = self._calls.begin_in_own_thread(attempt, activity, args)
        attempt.inside = True
        return call

    def _thread_ended(self, attempt: Attempt, context: Context, call: ThreadCall) -> None:
        attempt.inside = False
        try:
            outcome = Completed(attempt.conversion.encode_now(call.result()))
        except BaseException as error:
            # A failure may take a while to tell.
            attempt.work = self._loop.create_task(self._run(attempt, error), context=context)
            return
        self._forget(attempt)
        self._report(attempt, outcome)

    async def _run(self, attempt: Attempt, raised: BaseException | None = None) -> None:
        """See an attempt to its end.

        Args:
            attempt: The attempt.
            raised: What has ended its code already, or kept it from running; None: that is still to run.
        """
        try:
            if raised is None:
                outcome = await self._outcome(attempt)
            elif self._is_the_end(attempt, raised):
                raise raised
            else:
                outcome = await self._ended_by(attempt, raised)
        finally:
            # Also when the event loop ends in the midst of it: then nothing is reported, and the task is repeated.
            self._forget(attempt)
        self._report(attempt, outcome)

    def _forget(self, attempt: Attempt) -> None:
        self._watch.discard(attempt)
        if self.running.get(attempt.key) is attempt:
            del self.running[attempt.key]
        # Without these cycles all of it goes at once; the garbage collector would have to find it.
        attempt.work = attempt.context = attempt.take_back = None

    def _report(self, attempt: Attempt, outcome: Outcome) -> None:
        try:
            attempt.end(outcome)
        finally:
            # Its place is free, whatever became of the report.
            attempt.listener.released(attempt)

    def _conversion_for(self, attempt: Attempt) -> Conversion:
        """Converters that know the attempt. A data converter may refuse that, as anything else of the user's may."""
        made = attempt.conversion = self._conversion.of_activity(
            attempt.workflow_id, attempt.task, self._calls.task_queue, attempt.is_local
        )
        return made

    async def _outcome(self, attempt: Attempt) -> Outcome:
        try:
            conversion = self._conversion_for(attempt)
            value = await self._execute(attempt)
            if conversion.is_sync:
                return Completed(conversion.encode_now(value))
            return Completed(await conversion.encode(value))
        except BaseException as error:
            if self._is_the_end(attempt, error):
                raise
            return await self._ended_by(attempt, error)

    async def _execute(self, attempt: Attempt) -> Any:
        if attempt.cancel_reason is not None:
            raise asyncio.CancelledError
        # From here on, also while arguments are decoded: a codec may wait for long.
        attempt.inside = True
        try:
            return await self._call(attempt)
        finally:
            attempt.inside = False

    async def _call(self, attempt: Attempt) -> Any:
        task = attempt.task
        activity = self._registry.find(task.activity_type, task.deployment_version)
        conversion: Conversion = attempt.conversion
        args: list[Any] = []
        if activity.dynamic:
            args = [await conversion.decode_raw(task.args)]
        elif not task.args:
            pass
        elif conversion.is_sync:
            args = conversion.decode_now(task.args, activity.arg_types)
        else:
            args = await conversion.decode(task.args, activity.arg_types)
        details: list[Any] = await conversion.decode(task.heartbeat_details, None) if task.heartbeat_details else []
        if attempt.cancel_reason is not None:
            raise asyncio.CancelledError
        if self._calls.interceptors:
            header = task.options.header if task.options is not None else {}
            headers = await conversion.decode_header(header) if header else header
            return await intercepted.call(self._calls, attempt, activity, args, details, headers)
        if activity.is_async:
            self._calls.enter(attempt, details)
            return await activity.function(*args)
        return await self._calls.in_executor(attempt, activity, args, details)

    async def _ended_by(self, attempt: Attempt, error: BaseException) -> Outcome:
        """What an exception means."""
        try:
            if isinstance(error, CompleteAsyncError):
                return LeftOpen(None if attempt.new_details is None else await self._details(attempt))
            if isinstance(error, asyncio.CancelledError | CancelledError) and attempt.cancel_reason is not None:
                return await self._cancelled(attempt, attempt.cancel_reason, error)
            if isinstance(error, CancelledError):
                return Canceled(await self._said(attempt, error))
            if isinstance(error, asyncio.CancelledError):
                # Something that it waited for was cancelled, not the activity.
                error = _with_cause("an awaited task was cancelled", error)
            elif isinstance(error, BrokenExecutor):
                self._on_broken(error)
            self._note(attempt, error)
            return Failed(await attempt.conversion.encode_failure(error), await self._details(attempt))
        except BaseException as problem:
            if self._is_the_end(attempt, problem):
                raise
            _tell(attempt, problem, logging.ERROR, "the failure of an activity cannot be converted")
            raised = writable(repr(problem))
            message = f"{type(error).__name__}: {text_of(error)} (and the failure converter raised {raised})"
            return Failed(Failure(message=message, type=type(error).__name__), attempt.task.heartbeat_details)

    async def _cancelled(self, attempt: Attempt, reason: CancelReason, error: BaseException) -> Outcome:
        if attempt.overstayed:
            return timed_out(await self._details(attempt))
        if reason in _ENDED_ELSEWHERE:
            return Dropped()
        if reason in _HALTS:
            failure = Failure(message=f"the activity was {reason.lower()}", type=_HALTS[reason])
            return Failed(failure, await self._details(attempt))
        if reason == "WORKER_SHUTDOWN":
            failure = Failure(message="the worker was shut down", type="WorkerShutdown")
            return Interrupted(failure, await self._details(attempt))
        return Canceled(await self._said(attempt, error) if isinstance(error, CancelledError) else [])

    async def _said(self, attempt: Attempt, error: CancelledError) -> list[Payload]:
        """Details of a cancellation."""
        return await self._encoded(attempt, attempt.conversion.encode_all(error.details), [])

    async def _details(self, attempt: Attempt) -> list[Payload]:
        """What the next attempt should know: the last heartbeat of this one, else of the one before."""
        before = attempt.task.heartbeat_details
        if attempt.new_details is None:
            return before
        return await self._encoded(attempt, attempt.conversion.encode_payloads(attempt.new_details), before)

    async def _encoded(
        self, attempt: Attempt, encoding: Awaitable[list[Payload]], otherwise: list[Payload]
    ) -> list[Payload]:
        """Details; something else if they cannot be encoded: how the attempt ended is worth more than they are."""
        try:
            return await encoding
        except BaseException as problem:
            if self._is_the_end(attempt, problem):
                raise
            _tell(attempt, problem, logging.ERROR, "details of an activity cannot be encoded")
            return otherwise

    def _with_details(self, attempt: Attempt, then: Callable[[list[Payload]], None]) -> None:
        """Pass on the same, at once if there is no codec."""
        if attempt.new_details is None:
            then(attempt.task.heartbeat_details)
        elif attempt.conversion.is_sync:
            then(attempt.new_details)
        else:
            task = self._loop.create_task(self._pass_on(attempt, then))
            self._encoding.add(task)
            task.add_done_callback(self._encoding.discard)

    async def _pass_on(self, attempt: Attempt, then: Callable[[list[Payload]], None]) -> None:
        then(await self._details(attempt))

    def _is_the_end(self, attempt: Attempt, error: BaseException) -> bool:
        """Whether it is not this attempt that ends, but the event loop."""
        if isinstance(error, GeneratorExit):
            # Its coroutine is closed from outside of its task; code may raise this itself, too.
            return not _is_current(attempt.work)
        if isinstance(error, asyncio.CancelledError):
            return attempt.cancel_reason is None and self._loop_lives.cancelling() > 0
        return isinstance(error, KeyboardInterrupt)

    def _note(self, attempt: Attempt, error: BaseException) -> None:
        benign = isinstance(error, ApplicationError) and error.category == ApplicationErrorCategory.BENIGN
        level = logging.DEBUG if benign else logging.WARNING
        said = ("activity %s failed: %s", attempt.task.activity_type, text_of(error))
        _tell(attempt, error, level, *said, __temporal_error_identifier="ActivityFailure")


def _tell(attempt: Attempt, error: BaseException, level: int, message: str, *args: str, **extra: str) -> None:
    """Log an error. A handler of the application's may raise; that must not decide how the attempt ends."""
    try:
        _log.log(level, message, *args, exc_info=error, extra={**_details(attempt), **extra})
    except Exception:
        if logging.raiseExceptions:  # logging's own handlers treat what goes wrong in them so
            traceback.print_exc()


def _with_cause(message: str, cause: BaseException) -> ApplicationError:
    error = ApplicationError(message, type="CancelledError")
    error.__cause__ = cause
    return error


def _is_current(task: asyncio.Task[None] | None) -> bool:
    try:
        return asyncio.current_task() is task
    except RuntimeError:  # no event loop runs
        return False


def _details(attempt: Attempt) -> dict[str, Any]:
    task = attempt.task
    return {
        "workflow_id": attempt.workflow_id,
        "run_id": task.run_id,
        "activity_id": task.activity_id,
        "activity_type": task.activity_type,
        "attempt": task.attempt - task.attempts_before_reset,
    }
