"""Activities of one run: decisions to schedule and to cancel them, and what their ends mean to the code that waits."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, cast

from foldlog.api.common.v1 import plain
from foldlog.common import Priority
from foldlog.common import RetryPolicy as UserRetryPolicy
from foldlog.core import decisions
from foldlog.exceptions import PayloadConversionError
from foldlog.runtime.called import under_name
from foldlog.runtime.durations import milliseconds
from foldlog.runtime.environment import Environment, misfit
from foldlog.runtime.loop import uncancel
from foldlog.runtime.priorities import inherit
from foldlog.runtime.stack import made_at
from foldlog.schemas import event as events
from foldlog.schemas.common import ActivityOptions, Failure, Payload, RetryPolicy, RetryState
from foldlog.workflow._activity_types import (
    ActivityCancellationType,
    ActivityConfig,
    ActivityHandle,
    LocalActivityConfig,
)
from msgspec.structs import replace

if TYPE_CHECKING:
    from foldlog.converter import PayloadConverter
    from foldlog.runtime.instance import WorkflowInstance

_DEFAULT_RETRY_POLICY = RetryPolicy()
"""After 1 s, each wait twice the one before, at most 100 s, without limit. Nobody may change it."""
_DEFAULT_THRESHOLD_MS = 60_000
"""A local activity whose next attempt is further away waits on a timer of its workflow."""
_TRY_CANCEL = ActivityCancellationType.TRY_CANCEL
_OPTIONS = frozenset(ActivityConfig.__annotations__)
_LOCAL_OPTIONS = frozenset(LocalActivityConfig.__annotations__)


class ActivityOperation:
    """One activity that has been decided on, and the future that its end is told to."""

    __slots__ = (
        "activities",
        "activity_id",
        "activity_type",
        "awaited",
        "batch",
        "cancel_requested",
        "cancellation_type",
        "decision",
        "environment",
        "event_id",
        "future",
        "index",
        "local",
        "result_type",
        "timer",
    )

    def __init__(
        self,
        activities: Activities,
        activity_type: str,
        activity_id: str,
        result_type: Any,
        cancellation_type: ActivityCancellationType,
        local: bool,
    ) -> None:
        self.activities = activities
        self.activity_type = activity_type
        self.activity_id = activity_id
        self.result_type = result_type
        self.cancellation_type = cancellation_type
        self.local = local
        self.environment: Environment = activities.host.environment
        """Converters for its payloads."""
        self.event_id = 0
        self.future: asyncio.Future[Any] = asyncio.Future(loop=activities.host.loop)
        self.awaited = False
        self.cancel_requested = False
        self.batch = activities.host.batch
        self.index = -1
        self.decision: decisions.ScheduleLocalActivity | None = None
        """What is decided again after a backoff, of a local activity."""
        self.timer: asyncio.TimerHandle | None = None
        """When that will be."""

    async def wait(self) -> Any:
        """Wait for its result; the cancellation of whoever waits cancels it."""
        self.awaited = True
        try:
            return await self.future
        except asyncio.CancelledError:
            if not self.future.cancelled():
                raise  # it has just ended; the task is cancelled all the same
        return await self.wait_cancelled()

    async def wait_cancelled(self) -> Any:
        """Go on waiting for it after whoever waits was cancelled."""
        while self.request_cancel():
            uncancel()
            self.future = asyncio.Future(loop=self.activities.host.loop)
            try:
                return await self.future
            except asyncio.CancelledError:
                if not self.future.cancelled():
                    raise
        uncancel()
        # As with Temporal's SDK, plain awaits that are cancelled together with this one have raised before.
        await self.activities.host.loop.until_idle()
        raise self.cancelled_error()

    def request_cancel(self) -> bool:
        """Do what the cancellation type says.

        Returns:
            Whether its end is still to be waited for.
        """
        first = not self.cancel_requested
        self.cancel_requested = True
        if self.timer is not None:
            # Between two attempts there is nothing that could be asked to stop, or left alone.
            self.timer.cancel()
            self.activities.forget(self)
            return False
        host = self.activities.host
        if self.batch == host.batch:
            host.withdraw(self.index)
            self.activities.forget(self)
            return False
        if self.cancellation_type is ActivityCancellationType.ABANDON:
            self.activities.forget(self)
            return False
        waits = self.awaited and self.cancellation_type is not ActivityCancellationType.TRY_CANCEL
        if first and self.local:
            host.decide(decisions.CancelLocalActivity(activity_id=self.activity_id, wait=waits))
        elif first:
            host.decide(decisions.RequestCancelActivity(activity_id=self.activity_id))
        if not waits:
            self.activities.forget(self)
        return waits

    def back_off(self, ended: events.LocalActivityCompleted) -> None:
        """Its next attempt is further away than what is waited for in memory: a timer of the workflow waits."""
        assert self.decision is not None
        again = replace(self.decision, attempt=ended.attempt + 1, scheduled_ms=ended.scheduled_ms)
        self.timer = self.activities.host.loop.call_later(ended.backoff_ms / 1000, self._again, again)

    def _again(self, decision: decisions.ScheduleLocalActivity) -> None:
        host = self.activities.host
        self.timer = None
        self.decision = decision
        self.batch = host.batch
        self.index = host.decide(decision)

    def cancelled_error(self) -> BaseException:
        """The exception for its cancellation, where nobody else reports that."""
        return self.error("activity canceled", Failure(kind="CANCELED", message="Cancelled"), "", "CANCEL_REQUESTED")

    def error(self, message: str, cause: Failure, identity: str, retry_state: str) -> BaseException:
        """The exception for its end."""
        failure = Failure(
            kind="ACTIVITY",
            message=message,
            activity_id=self.activity_id,
            activity_type=self.activity_type,
            scheduled_event_id=self.event_id,
            identity=identity,
            retry_state=cast(RetryState, retry_state),
            cause=cause,
        )
        return self.environment.exception(failure)


class _Handle(ActivityHandle[Any]):
    """The task of an activity that was started, not only executed."""

    __slots__ = ("_operation",)

    def __init__(self, operation: ActivityOperation) -> None:
        self._operation = operation
        loop = operation.activities.host.loop
        name = f"{'local activity' if operation.local else 'activity'}: {operation.activity_type}"
        super().__init__(operation.wait(), loop=loop, order=loop.next_order(), name=name)
        self.made_at = made_at(sys._getframe(1))
        loop.add_task(self)

    @property
    def call(self) -> str:
        """The call that made it, for people."""
        function = "start_local_activity" if self._operation.local else "start_activity"
        return f"workflow.{function}({self._operation.activity_type!r})"

    def cancel(self, msg: Any | None = None) -> bool:
        """Cancel the activity as its cancellation type says."""
        if not self._operation.awaited and not self.done():
            self._operation.request_cancel()  # the task will never begin, so it could not do this itself
        return super().cancel(msg)


class Activities:
    """The activities of one run that have not ended."""

    __slots__ = ("_number", "_open", "host")

    def __init__(self, host: WorkflowInstance) -> None:
        self.host: Any = host
        self._open: dict[int | str, ActivityOperation] = {}
        """By scheduled event ID; until that is known, and for local ones, by activity ID."""
        self._number = 0

    def start(
        self,
        activity_type: str,
        args: Sequence[Any],
        result_type: Any,
        options: Mapping[str, Any],
        local: bool,
        header: Mapping[str, Payload] | None = None,
    ) -> ActivityHandle[Any]:
        """Schedule an activity and make a task that waits for it."""
        return _Handle(self._schedule(activity_type, args, result_type, options, local, "", header))

    def execute(
        self, activity_type: str, args: Sequence[Any], result_type: Any, options: Mapping[str, Any], local: bool
    ) -> Coroutine[Any, Any, Any]:
        """Schedule an activity when first awaited, and wait for it."""
        self.host.check_may_decide("run an activity")
        source = self.host.call_source() if self.host.replaying else ""
        execute = self._execute_local if local else self._execute
        return execute(activity_type, args, result_type, options, local, source)

    async def _execute(
        self,
        activity_type: str,
        args: Sequence[Any],
        result_type: Any,
        options: Mapping[str, Any],
        local: bool,
        source: str,
    ) -> Any:
        operation = self._schedule(activity_type, args, result_type, options, local, source)
        del args, options  # there may be thousands of these frames, waiting for days
        # As in ActivityOperation.wait, without a coroutine more.
        operation.awaited = True
        try:
            return await operation.future
        except asyncio.CancelledError:
            if not operation.future.cancelled():
                raise
        return await operation.wait_cancelled()

    _execute_local = under_name(_execute, "workflow.execute_local_activity")

    def _schedule(
        self,
        activity_type: str,
        args: Sequence[Any],
        result_type: Any,
        options: Mapping[str, Any],
        local: bool,
        source: str,
        header: Mapping[str, Payload] | None = None,
    ) -> ActivityOperation:
        host = self.host
        host.check_may_decide("run an activity")
        given = options.get("cancellation_type")
        # A number, too: those are Temporal's. A word must not come to mean one of them by chance.
        cancellation_type = _TRY_CANCEL if given is None else ActivityCancellationType(given)
        environment = self._environment(activity_type, options, local)
        make = self._local_decision if local else self._decision
        decision = make(activity_type, args, options, environment.payload_converter)
        decision.source = source
        if header:
            decision.options = with_header(decision.options, header)
        operation = ActivityOperation(self, activity_type, decision.activity_id, result_type, cancellation_type, local)
        operation.environment = environment
        operation.index = host.decide(decision)
        if local:
            operation.decision = decision
        self._open[decision.activity_id] = operation
        return operation

    def _environment(self, activity_type: str, options: Mapping[str, Any], local: bool) -> Environment:
        """Converters for the next activity."""
        host = self.host
        environment: Environment = host.environment
        if not environment.wants_context:
            return environment
        return environment.of_activity(
            options.get("activity_id") or str(self._number + 1),
            activity_type,
            (not local and options.get("task_queue")) or host.started.task_queue,
            host.workflow_id,
            host.started.workflow_type,
            local,
        )

    def _decision(
        self, activity_type: str, args: Sequence[Any], options: Mapping[str, Any], converter: PayloadConverter
    ) -> Any:
        if not _OPTIONS.issuperset(options):
            _refuse_options(options, _OPTIONS)
        start_to_close = options.get("start_to_close_timeout")
        schedule_to_close = options.get("schedule_to_close_timeout")
        schedule_to_start = options.get("schedule_to_start_timeout")
        heartbeat = options.get("heartbeat_timeout")
        if not start_to_close and not schedule_to_close:
            raise ValueError(_NO_TIMEOUT.format(activity_type))
        policy = options.get("retry_policy")
        return decisions.ScheduleActivity(
            activity_type=activity_type,
            task_queue=_text(options, "task_queue") or self.host.started.task_queue,
            args=converter.to_payloads(args) if args else [],
            schedule_to_close_timeout_ms=milliseconds("schedule_to_close_timeout", schedule_to_close),
            schedule_to_start_timeout_ms=milliseconds("schedule_to_start_timeout", schedule_to_start),
            start_to_close_timeout_ms=milliseconds("start_to_close_timeout", start_to_close),
            heartbeat_timeout_ms=milliseconds("heartbeat_timeout", heartbeat),
            retry_policy=_DEFAULT_RETRY_POLICY if policy is None else _policy_record(policy),
            eager=self.host.environment.eager_activities,
            options=self._rare_options(options, converter),
            activity_id=self._next_id(options),
        )

    def _rare_options(self, options: Mapping[str, Any], converter: PayloadConverter) -> ActivityOptions | None:
        """What few activities have; None: nothing of it."""
        host = self.host
        own = options.get("priority")
        of_workflow = host.started.options
        inherited = None if of_workflow is None else of_workflow.priority
        summary = options.get("summary")
        if own is None and inherited is None and summary is None:
            return None
        if own is not None and not isinstance(own, Priority):
            raise TypeError(f"priority must be a Priority, not {type(own).__name__}")
        priority = inherit(own, inherited)
        if priority is None and summary is None:
            return None
        payload = None if summary is None else converter.to_payload(summary)
        return ActivityOptions(summary=payload, priority=priority)

    def _local_decision(
        self, activity_type: str, args: Sequence[Any], options: Mapping[str, Any], converter: PayloadConverter
    ) -> Any:
        if not _LOCAL_OPTIONS.issuperset(options):
            _refuse_options(options, _LOCAL_OPTIONS)
        start_to_close = options.get("start_to_close_timeout")
        schedule_to_close = options.get("schedule_to_close_timeout")
        if not start_to_close and not schedule_to_close:
            raise ValueError(_NO_TIMEOUT.format(activity_type))
        policy = options.get("retry_policy")
        threshold = options.get("local_retry_threshold")
        summary = options.get("summary")
        return decisions.ScheduleLocalActivity(
            activity_type=activity_type,
            args=converter.to_payloads(args) if args else [],
            schedule_to_close_timeout_ms=milliseconds("schedule_to_close_timeout", schedule_to_close),
            schedule_to_start_timeout_ms=milliseconds(
                "schedule_to_start_timeout", options.get("schedule_to_start_timeout")
            ),
            start_to_close_timeout_ms=milliseconds("start_to_close_timeout", start_to_close),
            retry_policy=_DEFAULT_RETRY_POLICY if policy is None else _policy_record(policy),
            retry_threshold_ms=_DEFAULT_THRESHOLD_MS
            if threshold is None
            else max(milliseconds("local_retry_threshold", threshold), 1),
            options=None if summary is None else ActivityOptions(summary=converter.to_payload(summary)),
            activity_id=self._next_id(options),
            origin=self.host.environment.origin,
        )

    def _next_id(self, options: Mapping[str, Any]) -> str:
        """An ID for the next activity. Called last of all, so that a call that is refused uses up no number.

        Raises:
            ValueError: An open one has it that is not in the history by now: its end would be taken for this one's.
        """
        activity_id = _text(options, "activity_id") or str(self._number + 1)
        if activity_id in self._open:
            raise ValueError(f"the workflow has an open activity with ID {activity_id!r} already")
        self._number += 1
        return activity_id

    def close(self) -> None:
        """Let go of everything."""
        self._open.clear()
        self.host = None

    def forget(self, operation: ActivityOperation) -> None:
        """Nobody waits for it any more: what still comes of it is passed over."""
        self._open.pop(operation.event_id or operation.activity_id, None)

    def waits_for(self, future: Any) -> str:
        """In words, which activity a future stands for; empty if none."""
        for operation in self._open.values():
            if operation.future is future:
                kind = "local activity" if operation.local else "activity"
                return f"{kind} {operation.activity_type!r} (ID {operation.activity_id})"
        return ""

    def environment_of(self, key: int | str) -> Environment | None:
        """Converters for the payloads of an activity; None: there is none."""
        operation = self._open.get(key)
        return None if operation is None else operation.environment

    # ---- events

    def scheduled(self, recorded: events.ActivityTaskScheduled) -> None:
        """The history has an activity now, under this event ID."""
        operation = self._open.pop(recorded.activity_id, None)
        if operation is not None:
            operation.event_id = recorded.event_id
            self._open[recorded.event_id] = operation

    def completed(self, ended: events.ActivityTaskCompleted) -> None:
        """An activity has a result."""
        operation = self._open.pop(ended.scheduled_event_id, None)
        if operation is not None:
            self._succeed(operation, ended.result)

    def failed(self, ended: events.ActivityTaskFailed) -> None:
        """An activity failed for good."""
        self._fail(ended, "activity failed", ended.failure, ended.identity, ended.retry_state)

    def timed_out(self, ended: events.ActivityTaskTimedOut) -> None:
        """An activity timed out for good."""
        self._fail(ended, "activity timed out", ended.failure, "", ended.retry_state)

    def canceled(self, ended: events.ActivityTaskCanceled) -> None:
        """An activity ended by its cancellation."""
        failure = Failure(kind="CANCELED", message="Cancelled", details=ended.details)
        self._fail(ended, "activity canceled", failure, ended.identity, "CANCEL_REQUESTED")

    def local_completed(self, ended: events.LocalActivityCompleted) -> None:
        """A local activity ended, or waits for its next attempt."""
        operation = self._open.pop(ended.activity_id, None)
        if operation is None:
            return
        if ended.backoff_ms and operation.cancel_requested:
            _settle(operation.future.set_exception, operation, operation.cancelled_error())
            return
        if ended.backoff_ms:
            self._open[ended.activity_id] = operation
            operation.back_off(ended)
            return
        if ended.failure is not None:
            _settle(operation.future.set_exception, operation, _local_error(operation, ended.failure))
        elif ended.result is not None:
            self._succeed(operation, ended.result)

    def _succeed(self, operation: ActivityOperation, payload: Payload) -> None:
        try:
            value = operation.environment.payload_converter.from_payload(payload, operation.result_type)
        except PayloadConversionError as error:
            raise misfit(error, operation.activity_type, operation.activity_id) from error.__cause__
        _settle(operation.future.set_result, operation, value)

    def _fail(self, ended: Any, message: str, cause: Failure, identity: str, retry_state: str) -> None:
        operation = self._open.pop(ended.scheduled_event_id, None)
        if operation is not None:
            error = operation.error(message, cause, identity, retry_state)
            _settle(operation.future.set_exception, operation, error)


def with_header(options: ActivityOptions | None, header: Mapping[str, Payload]) -> ActivityOptions:
    """Options with what interceptors pass along."""
    payloads = {name: plain(payload) for name, payload in header.items()}
    return ActivityOptions(header=payloads) if options is None else replace(options, header=payloads)


def _local_error(operation: ActivityOperation, failure: Failure) -> BaseException:
    """What a local activity raised is raised as it is, as with Temporal's SDK; what else ended it is wrapped."""
    if failure.kind == "TIMEOUT":
        return operation.error("local activity timed out", failure, "", "TIMEOUT")
    if failure.kind == "CANCELED":
        return operation.error("local activity canceled", failure, "", "CANCEL_REQUESTED")
    return operation.environment.exception(failure)


def _settle(settle: Callable[[Any], None], operation: ActivityOperation, value: Any) -> None:
    if not operation.future.done():
        settle(value)


def _text(options: Mapping[str, Any], name: str) -> str:
    value = options.get(name) or ""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    return value


def _policy_record(policy: Any) -> RetryPolicy:
    if not isinstance(policy, UserRetryPolicy):
        raise TypeError(f"retry_policy must be a RetryPolicy, not {type(policy).__name__}")
    return policy.to_record()


_NO_TIMEOUT = "activity {!r} must have start_to_close_timeout or schedule_to_close_timeout"


def _refuse_options(options: Mapping[str, Any], known: frozenset[str]) -> NoReturn:
    unknown = ", ".join(sorted(set(options) - known))
    raise TypeError(f"unknown activity option: {unknown}; there are {', '.join(sorted(known))}")


# What Python names when it warns that a coroutine was never awaited.
Activities._execute.__qualname__ = "workflow.execute_activity"
