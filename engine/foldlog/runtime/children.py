"""Child workflows of one run: decisions to start and to cancel them, and what answers mean to the code that waits."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from foldlog import exceptions
from foldlog.api.common.v1 import plain
from foldlog.core import decisions
from foldlog.core.children import ALREADY_STARTED
from foldlog.core.versioning import INVALID_OVERRIDE
from foldlog.runtime.child_options import child_decision
from foldlog.runtime.environment import Environment, misfit
from foldlog.runtime.external import next_recorded
from foldlog.runtime.loop import uncancel
from foldlog.schemas import event as events
from foldlog.schemas.common import Failure, Payload, RetryState, WorkflowOptions
from foldlog.types import UNSET
from foldlog.workflow._child_types import ChildWorkflowCancellationType, ChildWorkflowHandle
from foldlog.workflow._external import arguments
from foldlog.workflow._handlers import SignalDefinition
from msgspec.structs import replace

if TYPE_CHECKING:
    from foldlog.runtime.instance import WorkflowInstance

_WAIT_COMPLETED = ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED
_WAITS = (
    _WAIT_COMPLETED,
    ChildWorkflowCancellationType.WAIT_CANCELLATION_REQUESTED,
)
_CANCELLED = "Child Workflow execution cancelled"


class ChildOperation:
    """One child that has been decided on, and the futures that its beginning and its end are told to.

    Where nobody waits for its beginning there is no future for that; and the other one is told if it cannot begin.
    """

    __slots__ = (
        "batch",
        "cancel_requested",
        "cancellation_type",
        "children",
        "ended",
        "event_id",
        "index",
        "namespace",
        "result_type",
        "run_id",
        "started",
        "started_event_id",
        "withdrawn",
        "workflow_id",
        "workflow_type",
    )

    def __init__(
        self,
        children: Children,
        decision: Any,
        result_type: Any,
        cancellation_type: ChildWorkflowCancellationType,
        waits_for_start: bool,
    ) -> None:
        self.children = children
        self.namespace: str = decision.namespace
        self.workflow_id: str = decision.workflow_id
        self.workflow_type: str = decision.workflow_type
        self.result_type = result_type
        self.cancellation_type = cancellation_type
        self.event_id = 0
        self.started_event_id = 0
        self.run_id = ""
        self.started: asyncio.Future[None] | None = None
        if waits_for_start:
            self.started = asyncio.Future(loop=children.host.loop)
        self.ended: asyncio.Future[Any] = asyncio.Future(loop=children.host.loop)
        self.cancel_requested = False
        self.withdrawn = False
        self.batch = children.host.batch
        self.index = -1

    async def wait_started(self) -> None:
        """Wait until it has begun; the cancellation of whoever waits cancels it."""
        while True:
            started = self.started = self.started or asyncio.Future(loop=self.children.host.loop)
            try:
                return await started
            except asyncio.CancelledError as cancelled:
                if not started.cancelled():
                    raise  # it has just begun; the task is cancelled all the same
                self.started = None
                reason = _reason(cancelled)
                waits = self._request_cancel(reason)
                if waits and self.children.host.cancellation_reason() is not None:
                    self._let_go()
                    raise
            uncancel()
            if not waits:
                self._let_go()
                await self.children.host.loop.until_idle()  # as for activities
                raise self._cancelled_error(reason)

    async def wait_ended(self) -> Any:
        """Wait for its result; the cancellation of whoever waits cancels it."""
        while True:
            try:
                return await self.ended
            except asyncio.CancelledError as cancelled:
                if not self.ended.cancelled():
                    raise  # it has just ended; the task is cancelled all the same
                reason = _reason(cancelled)
                waits = self._request_cancel(reason)
                if waits and not self.run_id and self.children.host.cancellation_reason() is not None:
                    self.children.forget(self)
                    raise  # as while waiting for its beginning
            uncancel()
            if not waits:
                await self.children.host.loop.until_idle()
                raise self._cancelled_error(reason)
            self.ended = asyncio.Future(loop=self.children.host.loop)

    def _request_cancel(self, reason: str) -> bool:
        """Do what the cancellation type says.

        Returns:
            Whether its end is still to be waited for.
        """
        first = not self.cancel_requested
        self.cancel_requested = True
        host = self.children.host
        if self.batch == host.batch:
            host.withdraw(self.index)
            self.withdrawn = True
            return False
        if self.cancellation_type is not ChildWorkflowCancellationType.ABANDON and first:
            asked = host.external.ask(
                decisions.RequestCancelExternalWorkflow(
                    namespace=self.namespace, workflow_id=self.workflow_id, child_only=True, reason=reason
                ),
                f"cancellation of child {self.workflow_id!r}",
            )
            wants_receipt = self.cancellation_type is ChildWorkflowCancellationType.WAIT_CANCELLATION_REQUESTED
            asked.on_delivered = self._cancel_delivered if wants_receipt else _nothing
        if self.cancellation_type in _WAITS:
            return True
        self.children.forget(self)
        return False

    def _cancel_delivered(self) -> None:
        """The child knows that it is to cancel itself: that is all that was to be waited for."""
        if self.children.forget(self):
            self.fail(self._cancelled_error(""))

    def _let_go(self) -> None:
        """Nobody will have a handle of it."""
        self.children.forget(self)
        if not self.ended.done():
            self.ended.set_result(None)

    def succeed(self, value: Any) -> None:
        """It has a result."""
        if not self.ended.done():
            self.ended.set_result(value)

    def fail(self, error: BaseException) -> None:
        """It ended otherwise, or could not begin."""
        if self.started is None or self.run_id:
            if not self.ended.done():
                self.ended.set_exception(error)
        else:
            if not self.started.done():
                self.started.set_exception(error)
            self.succeed(None)

    def _cancelled_error(self, reason: str) -> BaseException:
        message = _CANCELLED
        if self.withdrawn:
            message = f"Child Workflow Execution cancelled before scheduled: {reason}"
        return self.error(message, Failure(kind="CANCELED", message="Cancelled"), "NON_RETRYABLE_FAILURE")

    def error(self, message: str, cause: Failure, retry_state: str) -> BaseException:
        """The exception for its end."""
        failure = Failure(
            kind="CHILD_WORKFLOW",
            message=message,
            namespace=self.namespace,
            workflow_id=self.workflow_id,
            run_id=self.run_id,
            workflow_type=self.workflow_type,
            scheduled_event_id=self.event_id,
            started_event_id=self.started_event_id,
            retry_state=cast(RetryState, retry_state),
            cause=cause,
        )
        return self.environment.exception(failure)

    @property
    def environment(self) -> Environment:
        """Converters for its payloads."""
        own: Environment = self.children.host.environment
        return own.of_workflow(self.namespace, self.workflow_id)


class _Handle(ChildWorkflowHandle[Any, Any]):
    """The task of a child that was started, not only executed."""

    __slots__ = ("_operation",)

    def __init__(self, operation: ChildOperation) -> None:
        self._operation = operation
        loop = operation.children.host.loop
        name = f"child: {operation.workflow_type}"
        super().__init__(operation.wait_ended(), loop=loop, order=loop.next_order(), name=name)
        loop.add_task(self)

    @property
    def id(self) -> str:
        """See base class."""
        return self._operation.workflow_id

    @property
    def first_execution_run_id(self) -> str | None:
        """See base class."""
        return self._operation.run_id or None

    async def signal(self, signal: Any, arg: Any = UNSET, *, args: Sequence[Any] = ()) -> None:
        """See base class."""
        operation = self._operation
        name = SignalDefinition.name_of(signal)
        values = arguments(arg, args)
        await operation.children.host.signal_external_workflow(
            operation.namespace, operation.workflow_id, "", True, name, values
        )


class Children:
    """The children of one run that have not ended. Made when the first is started."""

    __slots__ = ("_open", "_unrecorded", "host")

    def __init__(self, host: WorkflowInstance) -> None:
        self.host: Any = host
        self._unrecorded: deque[ChildOperation] = deque()
        """In the order of their decisions; the history has no event of them yet."""
        self._open: dict[int, ChildOperation] = {}
        """By the event that asked for it."""

    def start(
        self,
        workflow_type: str,
        args: Sequence[Any],
        result_type: Any,
        options: Mapping[str, Any],
        header: Mapping[str, Payload] | None = None,
    ) -> Coroutine[Any, Any, ChildWorkflowHandle[Any, Any]]:
        """Start a child when first awaited, wait until it has begun, and give a task that waits for its end."""
        self.host.check_may_decide("start a child workflow")
        source = self.host.call_source() if self.host.replaying else ""
        return self._start(workflow_type, args, result_type, options, source, header)

    async def _start(
        self,
        workflow_type: str,
        args: Sequence[Any],
        result_type: Any,
        options: Mapping[str, Any],
        source: str,
        header: Mapping[str, Payload] | None,
    ) -> ChildWorkflowHandle[Any, Any]:
        operation = self._initiate(
            workflow_type, args, result_type, options, source, waits_for_start=True, header=header
        )
        del args, options  # there may be thousands of these frames, waiting for days
        handle = _Handle(operation)
        await operation.wait_started()
        return handle

    def execute(
        self, workflow_type: str, args: Sequence[Any], result_type: Any, options: Mapping[str, Any]
    ) -> Coroutine[Any, Any, Any]:
        """Start a child when first awaited, and wait for its end."""
        self.host.check_may_decide("start a child workflow")
        source = self.host.call_source() if self.host.replaying else ""
        return self._execute(workflow_type, args, result_type, options, source)

    async def _execute(
        self, workflow_type: str, args: Sequence[Any], result_type: Any, options: Mapping[str, Any], source: str
    ) -> Any:
        operation = self._initiate(workflow_type, args, result_type, options, source, waits_for_start=False)
        del args, options
        return await operation.wait_ended()

    def _initiate(
        self,
        workflow_type: str,
        args: Sequence[Any],
        result_type: Any,
        options: Mapping[str, Any],
        source: str,
        waits_for_start: bool,
        header: Mapping[str, Payload] | None = None,
    ) -> ChildOperation:
        host = self.host
        host.check_may_decide("start a child workflow")
        given = options.get("cancellation_type")
        # Before the decision, so that a call that is refused uses up no random numbers.
        cancellation_type = _WAIT_COMPLETED if given is None else ChildWorkflowCancellationType(given)
        decision = child_decision(host, workflow_type, args, options)
        decision.source = source
        if header:
            payloads = {name: plain(payload) for name, payload in header.items()}
            decision.options = replace(decision.options or WorkflowOptions(), header=payloads)
        operation = ChildOperation(self, decision, result_type, cancellation_type, waits_for_start)
        operation.index = host.decide(decision)
        self._unrecorded.append(operation)
        return operation

    def forget(self, operation: ChildOperation) -> bool:
        """Nobody waits for it any more: what still comes of it is passed over.

        Returns:
            Whether it was waited for until now.
        """
        return self._open.pop(operation.event_id, None) is not None

    def close(self) -> None:
        """Let go of everything."""
        self._unrecorded.clear()
        self._open.clear()
        self.host = None

    def waits_for(self, future: Any) -> str:
        """In words, which child a future stands for; empty if none."""
        for operation in self._open.values():
            if future is operation.started or future is operation.ended:
                what = "child" if operation.run_id else "the start of child"
                return f"{what} {operation.workflow_type!r} (ID {operation.workflow_id})"
        return ""

    def environment_of(self, event_id: int) -> Environment | None:
        """Converters for the payloads of a child; None: there is none."""
        operation = self._open.get(event_id)
        return None if operation is None else operation.environment

    # ---- events

    def recorded(self, recorded: events.StartChildWorkflowExecutionInitiated) -> None:
        """The history has the next of them now, under this event ID."""
        operation = next_recorded(self._unrecorded)
        if operation is not None:
            operation.event_id = recorded.event_id
            self._open[recorded.event_id] = operation

    def begun(self, begun: events.ChildWorkflowExecutionStarted) -> None:
        """A child has begun."""
        operation = self._open.get(begun.initiated_event_id)
        if operation is not None:
            operation.run_id = begun.child_run_id
            operation.started_event_id = begun.event_id
            if operation.started is not None and not operation.started.done():
                operation.started.set_result(None)

    def refused(self, refused: events.StartChildWorkflowExecutionFailed) -> None:
        """A child cannot begin."""
        operation = self._open.pop(refused.initiated_event_id, None)
        if operation is None:
            return
        if refused.failure.type == ALREADY_STARTED:
            operation.fail(exceptions.WorkflowAlreadyStartedError(operation.workflow_id, operation.workflow_type))
        elif refused.failure.type == INVALID_OVERRIDE:
            invalid = exceptions.InvalidVersioningOverrideError()
            invalid.__cause__ = operation.environment.exception(refused.failure)
            operation.fail(invalid)
        else:
            operation.fail(
                operation.error("Child Workflow execution could not start", refused.failure, "NON_RETRYABLE_FAILURE")
            )

    def completed(self, ended: events.ChildWorkflowExecutionCompleted) -> None:
        """A child has a result."""
        operation = self._open.pop(ended.initiated_event_id, None)
        if operation is not None:
            converter = operation.environment.payload_converter
            try:
                result = converter.from_payload(ended.result, operation.result_type)
            except exceptions.PayloadConversionError as error:
                raise misfit(error, operation.workflow_type, operation.workflow_id) from error.__cause__
            operation.succeed(result)

    def ended(self, ended: Any) -> None:
        """A child ended otherwise."""
        operation = self._open.pop(ended.initiated_event_id, None)
        if operation is not None:
            message, retry_state = _ENDS[type(ended)]
            operation.fail(operation.error(message, ended.failure, retry_state or ended.retry_state))


def _reason(cancelled: asyncio.CancelledError) -> str:
    """The message that a task was cancelled with."""
    return cancelled.args[0] if cancelled.args and isinstance(cancelled.args[0], str) else ""


def _nothing() -> None:
    """That a child was asked to cancel itself needs no answer, nor that it could not be asked."""


_ENDS: dict[type, tuple[str, str]] = {
    events.ChildWorkflowExecutionFailed: ("Child Workflow execution failed", ""),
    events.ChildWorkflowExecutionCanceled: (_CANCELLED, "NON_RETRYABLE_FAILURE"),
    events.ChildWorkflowExecutionTimedOut: ("Child Workflow execution timed out", ""),
    events.ChildWorkflowExecutionTerminated: ("Child Workflow execution terminated", "NON_RETRYABLE_FAILURE"),
}
"""For each way in which a child ends but with a result: what is said of it, and its retry state if that is fixed."""

CHILD_EVENTS: dict[type, Callable[[Children, Any], None]] = {
    events.StartChildWorkflowExecutionFailed: Children.refused,
    events.ChildWorkflowExecutionStarted: Children.begun,
    events.ChildWorkflowExecutionCompleted: Children.completed,
    events.ChildWorkflowExecutionFailed: Children.ended,
    events.ChildWorkflowExecutionCanceled: Children.ended,
    events.ChildWorkflowExecutionTimedOut: Children.ended,
    events.ChildWorkflowExecutionTerminated: Children.ended,
}
"""What each event about a child does."""


# What Python names when it warns that a coroutine was never awaited.
Children._execute.__qualname__ = "workflow.execute_child_workflow"
Children._start.__qualname__ = "workflow.start_child_workflow"
_Handle.signal.__qualname__ = "workflow.ChildWorkflowHandle.signal"
