"""One run of a workflow: its code, told what happened and asked what to do.

It owns what the code waits for, and turns what the code does into decisions. It holds no history and makes no events:
that is the state machine's part, on the other side of `foldlog.core.decider`. Used by one thread at a time.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from types import FrameType
from typing import Any

from foldlog import exceptions
from foldlog._texts import text_of
from foldlog.converter._payload import raw_values
from foldlog.core import decisions
from foldlog.core.decider import NondeterminismError, WorkflowTaskError
from foldlog.core.decisions import Decision
from foldlog.runtime import leaks
from foldlog.runtime.calling import HandlerCalls
from foldlog.runtime.children import CHILD_EVENTS
from foldlog.runtime.conditions import Conditions
from foldlog.runtime.configured import configured
from foldlog.runtime.dropping import RunDropped
from foldlog.runtime.environment import Environment, is_cancellation
from foldlog.runtime.errands import Errands
from foldlog.runtime.handlers import Handlers
from foldlog.runtime.loop import DeterministicLoop, DurableTimer, Mode
from foldlog.runtime.properties import ContinuedAsNew
from foldlog.runtime.stack import call_source, format_error, format_tasks, raised_at, returned_at
from foldlog.runtime.watchdog import Interrupted
from foldlog.schemas import event as events
from foldlog.schemas.common import Failure, Payload
from foldlog.schemas.records import Event


class WorkflowInstance(Conditions, Errands, HandlerCalls):
    """The code of one run. Implements `foldlog.core.decider.Decider`."""

    __slots__ = (
        "_cancel_reason",
        "_closed",
        "_conditions",
        "_decisions",
        "_error",
        "_frame",
        "_handlers",
        "_held",
        "_main",
        "_object",
        "_prepared",
        "_timer_number",
        "batch",
        "loop",
    )

    def __init__(self, environment: Environment, workflow_id: str, started: events.WorkflowExecutionStarted) -> None:
        super().__init__(environment, workflow_id, started)
        self.batch = 0
        """Number of the activation that is under way."""
        self._object: Any = None
        self._main: asyncio.Task[Any] | None = None
        self._decisions: list[Any] = []
        """Decisions of the activation that is under way; None for those that were withdrawn."""
        self._closed = False
        self._cancel_reason: str | None = None
        self._error: BaseException | None = None
        self._frame: FrameType | None = None
        """That of the run method, which knows where it returns; kept only in replay."""
        self._timer_number = 0
        self._handlers: Handlers | None = None
        self._held: list[Event] | None = None
        """What came while the run was held; None: it is not."""
        self._prepared: tuple[Context, list[Any]] | None = None
        """Context and arguments of the run method, from when the workflow object is made until the method begins."""
        self._conditions: dict[asyncio.Future[bool], Callable[[], bool]] = {}
        self.loop = DeterministicLoop(self, seed=zlib.crc32(started.run_id.encode()))

    # ---- Decider

    def activate(self, event: Event) -> list[Decision]:
        """See `Decider.activate`."""
        if self._closed:
            return []
        self.batch += 1
        self.advance(event)
        if self._frame is not None and not self.replaying:
            self._frame = None
        if self._held is not None and type(event) is not events.WorkflowTaskScheduled:
            self._held.append(event)
            return []
        self._tell(event)
        if self._error is not None or self._closed:
            self._check_end()
        made, self._decisions = self._decisions, []
        if None in made:
            made = [decision for decision in made if decision is not None]
        return made

    def _tell(self, event: Event) -> None:
        loop = self.loop
        outer = loop.enter()
        try:
            _APPLY[type(event)](self, event)
            loop.run_ready()
            if self._conditions:
                self._settle_conditions()
            while loop.idle:
                loop.wake_idle()
                loop.run_ready()
                self._settle_conditions()
        except (Interrupted, KeyboardInterrupt):
            raise
        except BaseException as error:
            self.end_with(error)
        finally:
            loop.leave(outer)

    def _check_end(self) -> None:
        if self._error is not None:
            raise self._stalled(self._error)
        if len(self._decisions) > 1:
            decisions.put_closing_last(self._decisions)
        try:
            if self._handlers is not None:
                leaks.warn_of_abandoned(self, self._handlers)
            leaks.warn_of_unfinished(self, self._decisions)
        except Warning as warning:  # where warnings are errors, as in many test suites
            raise self._stalled(warning) from None

    def recorded(self, event: Event) -> None:
        """See `Decider.recorded`."""
        if type(event) is events.ActivityTaskScheduled:
            self.activities.scheduled(event)
        elif type(event) is events.StartChildWorkflowExecutionInitiated:
            self.children.recorded(event)
        elif type(event) in _ASKED:
            self.external.recorded(event)

    def validate(self, update: events.WorkflowExecutionUpdateAccepted) -> Failure | None:
        """See `Decider.validate`."""
        loop = self.loop
        outer = loop.enter()
        try:
            self._make_object()
            return self.handlers.updates.validate(update)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise self._stalled(error) from error
        finally:
            loop.leave(outer)

    def query(self, query_type: str, args: Sequence[Payload], header: Mapping[str, Payload] | None = None) -> Payload:
        """See `Decider.query`. Only interceptors look at headers."""
        return self.handlers.query(query_type, args)

    def unhandled_signals(self) -> Sequence[events.WorkflowExecutionSignaled]:
        """See `Decider.unhandled_signals`."""
        if self._held is not None:
            return [event for event in self._held if isinstance(event, events.WorkflowExecutionSignaled)]
        return () if self._handlers is None else self._handlers.unhandled_signals()

    def failure_of(self, error: NondeterminismError) -> Failure | None:
        """See `Decider.failure_of`: as with any exception, it depends on the types that fail workflows."""
        environment = self.environment
        if not isinstance(error, environment.failure_exception_types):
            return None
        return environment.failure_to_tell(NondeterminismError(f"Nondeterminism error: {error}"))

    def stack(self) -> str:
        """See `Decider.stack`."""
        return format_tasks(self.loop.unfinished_tasks(), self._waits_for)

    def close(self) -> None:
        """See `Decider.close`. `finally` blocks run up to their first await, and nothing they ask for is done."""
        if self.loop.mode is Mode.DROPPING:
            return
        self._closed = True
        self.replaying = True
        self.loop.drop()
        # Without these cycles all of it goes at once; the garbage collector would let thousands of dead runs pile up.
        self._conditions.clear()
        if self._activities is not None:
            self._activities.close()
        if self._children is not None:
            self._children.close()
        if self._external is not None:
            self._external.close()
        self._main = self._handlers = self._object = self._error = self._frame = None

    def __del__(self) -> None:
        # Whoever forgets to close it must not have its finally blocks run in the middle of another workflow, which is
        # what happens if the garbage collector finds its coroutines on its own.
        if hasattr(self, "loop"):
            WorkflowInstance.close(self)

    def _stalled(self, error: BaseException) -> WorkflowTaskError:
        """What to raise for an error that is no workflow failure. It cannot be run on after that."""
        stack = format_error(error)
        self.close()
        if isinstance(error, WorkflowTaskError):
            error.stack_trace = error.stack_trace or stack
            return error
        return WorkflowTaskError(f"{type(error).__name__}: {text_of(error)}", stack)

    # ---- what happened

    def _started(self, started: events.WorkflowExecutionStarted) -> None:
        if started.held:
            self._held = []
        else:
            self._make_object()
            self._start_main()

    def _first_task(self, begun: events.WorkflowTaskScheduled) -> None:
        """A held run begins. Handlers of what came before go first, each up to its first await."""
        held, self._held = self._held, None
        self._begun_ms = begun.time_ms
        self._make_object()
        if held:
            for event in held:
                _APPLY[type(event)](self, event)
            self.loop.run_ready()
        if self._closed or self._error is not None:
            return
        self._start_main()
        if self._cancel_reason is not None and self._main is not None:
            # Not at once: a task that is cancelled before its first step never sees it.
            self.loop.call_soon(self._main.cancel)

    def _make_object(self) -> None:
        """Make the workflow object, if there is none yet: a held run may need it before it begins."""
        if self._object is not None:
            return
        started = self.started
        definition = self.environment.definition
        if definition.name is None:
            args: list[Any] = [raw_values(started.args)]
        else:
            if not definition.signature.accepts(len(started.args)):
                raise WorkflowTaskError(
                    f"workflow type {started.workflow_type} takes {definition.signature.expected()} arguments, "
                    f"but was started with {len(started.args)}"
                )
            args = self.environment.values(started.args, definition.signature)
        context = Context()
        self._object = context.run(definition.cls, *(args if definition.takes_arguments_in_init else ()))
        self._prepared = context, args
        if definition.dynamic_config_fn is not None:
            self.environment = context.run(configured, self)

    def _start_main(self) -> None:
        assert self._prepared is not None
        context, args = self._prepared
        self._prepared = None
        body: Any = self.run_body(args)
        if self.replaying:
            self._frame = getattr(body, "cr_frame", None)
        self._main = self.loop.start_task(body, "run", context)
        self._main.add_done_callback(self._returned, context=context)

    def run_body(self, args: list[Any]) -> Any:
        """What the main task runs."""
        return self.environment.definition.run_fn(self._object, *args)

    def _returned(self, main: asyncio.Task[Any]) -> None:
        """The run method is done."""
        error = asyncio.CancelledError() if main.cancelled() else main.exception()
        if error is not None:
            self.end_with(error)
        elif not self._closed:
            try:
                result = self.environment.payload_converter.to_payload(main.result())
            except Exception as unfit:
                self.end_with(unfit)
            else:
                source = returned_at(self.environment.definition.run_fn, self._frame) if self.replaying else ""
                self._end(decisions.CompleteWorkflow(result=result, source=source))

    def end_with(self, error: BaseException) -> None:
        """Close the run with an exception of its code, or stall it if the exception is no workflow failure."""
        if self._closed or isinstance(error, RunDropped):
            return
        source = raised_at(error) if self.replaying else ""
        if isinstance(error, ContinuedAsNew):
            self._end(error.decision)
            return
        if isinstance(error, asyncio.CancelledError):
            error = exceptions.CancelledError(str(error) or "Cancelled")
        cancelled = self._cancel_reason is not None and is_cancellation(error)
        if cancelled and not (isinstance(error, exceptions.CancelledError) and error.details):
            self._end(decisions.CancelWorkflow(source=source))
        elif cancelled or self.is_failure_exception(error):
            try:
                failure = self.environment.failure(error)
            except Exception as unfit:
                self._error = self._error or unfit
            else:
                told = decisions.CancelWorkflow(details=failure.details, source=source)
                self._end(told if cancelled else decisions.FailWorkflow(failure=failure, source=source))
        else:
            self.stall_with(error)

    def stall_with(self, error: BaseException) -> None:
        """Stall the run with an exception of its code that is no workflow failure."""
        self._error = self._error or error

    def _end(self, closing: Decision) -> None:
        self.decide(closing)
        self._closed = True

    @property
    def has_ended(self) -> bool:
        """Whether the code has decided how the run ends."""
        return self._closed

    def _signaled(self, signaled: events.WorkflowExecutionSignaled) -> None:
        self.handlers.signal(signaled)

    def _update_accepted(self, accepted: events.WorkflowExecutionUpdateAccepted) -> None:
        self.handlers.updates.accepted(accepted)

    def _cancel_requested(self, requested: events.WorkflowExecutionCancelRequested) -> None:
        self._cancel_reason = requested.reason
        if self._main is not None:
            self._main.cancel()

    def _timer_fired(self, fired: events.TimerFired) -> None:
        self.loop.fire_timer(fired.timer_id)

    def _activity_completed(self, ended: events.ActivityTaskCompleted) -> None:
        self.activities.completed(ended)

    def _activity_failed(self, ended: events.ActivityTaskFailed) -> None:
        self.activities.failed(ended)

    def _activity_timed_out(self, ended: events.ActivityTaskTimedOut) -> None:
        self.activities.timed_out(ended)

    def _activity_canceled(self, ended: events.ActivityTaskCanceled) -> None:
        self.activities.canceled(ended)

    def _local_activity_completed(self, ended: events.LocalActivityCompleted) -> None:
        self.activities.local_completed(ended)

    def _of_child(self, happened: Any) -> None:
        CHILD_EVENTS[type(happened)](self.children, happened)

    def _delivered(self, answer: Any) -> None:
        self.external.delivered(answer)

    def _undeliverable(self, answer: Any) -> None:
        self.external.refused(answer)

    # ---- deciding

    @property
    def handlers(self) -> Handlers:
        """The handlers of its signals and queries."""
        if self._handlers is None:
            self._handlers = Handlers(self)
        return self._handlers

    def check_may_decide(self, what: str) -> None:
        """Refuse to decide where nothing may be decided.

        Raises:
            ReadOnlyContextError: A query handler runs.
            RunDropped: The run is being dropped.
        """
        if self.loop.mode:
            self.loop.refuse(what)

    def decide(self, decision: Decision) -> int:
        """Add a decision to those of this activation; after the closing one it comes to nothing.

        Returns:
            Its place among them, for `withdraw`.
        """
        if self.loop.mode:
            self.loop.refuse(f"decide {type(decision).__name__}")
        if self._closed:
            return -1
        if self.replaying and not decision.source:
            decision.source = self.call_source()
        self._decisions.append(decision)
        return len(self._decisions) - 1

    def complete_update(self, decision: decisions.CompleteUpdate) -> None:
        """Add the end of an update's handler. It counts also after the closing decision of the same activation."""
        self._decisions.append(decision)

    def withdraw(self, index: int) -> None:
        """Take back a decision of this activation: what was begun and cancelled at once leaves no event."""
        if 0 <= index < len(self._decisions):  # else the garbage collector closes a coroutine, and it is over
            self._decisions[index] = None

    def start_timer(self, timer: DurableTimer, fire_ms: int) -> int:
        """Decide to start a timer; its ID."""
        self._timer_number += 1
        timer.batch = self.batch
        timer.index = self.decide(decisions.StartTimer(timer_id=self._timer_number, fire_ms=fire_ms))
        return self._timer_number

    def cancel_timer(self, timer: DurableTimer) -> None:
        """Decide to cancel a timer."""
        if timer.batch == self.batch:
            self.withdraw(timer.index)
        else:
            self.decide(decisions.CancelTimer(timer_id=timer.timer_id))

    def call_source(self) -> str:
        """Where in the workflow's code the running call comes from."""
        return call_source(DeterministicLoop.run_ready.__code__)

    def _waits_for(self, future: Any) -> str:
        if future in self._conditions:
            return "a condition"
        found = self.activities.waits_for(future)
        if not found and self._children is not None:
            found = self._children.waits_for(future)
        if not found and self._external is not None:
            found = self._external.waits_for(future)
        return found

    # ---- Runtime

    def instance(self) -> Any:
        """See base class."""
        return self._object

    def cancellation_reason(self) -> str | None:
        """See base class."""
        return self._cancel_reason

    def is_read_only(self) -> bool:
        """See base class."""
        return self.loop.mode is Mode.READ_ONLY

    def handler(self, kind: str, name: str | None) -> Callable[..., Any] | None:
        """See base class."""
        return self.handlers.get(kind, name)

    def set_handler(self, kind: str, name: str | None, handler: Callable[..., Any] | None) -> None:
        """See base class."""
        self.handlers.set(kind, name, handler)

    def set_update_handler(
        self, name: str | None, handler: Callable[..., Any] | None, validator: Callable[..., None] | None
    ) -> None:
        """See base class."""
        self.handlers.set_update(name, handler, validator)

    def all_handlers_finished(self) -> bool:
        """See base class."""
        return self._handlers is None or self._handlers.all_finished


_APPLY: dict[type, Callable[[WorkflowInstance, Any], None]] = {
    events.WorkflowExecutionStarted: WorkflowInstance._started,
    events.WorkflowExecutionSignaled: WorkflowInstance._signaled,
    events.WorkflowExecutionUpdateAccepted: WorkflowInstance._update_accepted,
    events.WorkflowExecutionCancelRequested: WorkflowInstance._cancel_requested,
    events.ActivityTaskCompleted: WorkflowInstance._activity_completed,
    events.ActivityTaskFailed: WorkflowInstance._activity_failed,
    events.ActivityTaskTimedOut: WorkflowInstance._activity_timed_out,
    events.ActivityTaskCanceled: WorkflowInstance._activity_canceled,
    events.TimerFired: WorkflowInstance._timer_fired,
    events.LocalActivityCompleted: WorkflowInstance._local_activity_completed,
    **dict.fromkeys(CHILD_EVENTS, WorkflowInstance._of_child),
    events.ExternalWorkflowExecutionSignaled: WorkflowInstance._delivered,
    events.ExternalWorkflowExecutionCancelRequested: WorkflowInstance._delivered,
    events.SignalExternalWorkflowExecutionFailed: WorkflowInstance._undeliverable,
    events.RequestCancelExternalWorkflowExecutionFailed: WorkflowInstance._undeliverable,
    events.WorkflowTaskScheduled: WorkflowInstance._first_task,
}
"""What each event from outside the code does."""

_ASKED = (
    events.SignalExternalWorkflowExecutionInitiated,
    events.RequestCancelExternalWorkflowExecutionInitiated,
)
"""Events of what the code asks of other workflows, but for children."""
