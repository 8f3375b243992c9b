"""What one run asks of other workflows, signals and cancellations, and what the answers mean to the waiting code."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from foldlog import exceptions
from foldlog.api.common.v1 import plain
from foldlog.core import decisions
from foldlog.runtime.loop import uncancel
from foldlog.schemas.common import Failure, Payload

if TYPE_CHECKING:
    from foldlog.runtime.environment import Environment
    from foldlog.runtime.instance import WorkflowInstance


class Asked:
    """One signal or request to cancel that has been decided on, and the future that its answer is told to."""

    __slots__ = ("batch", "environment", "event_id", "future", "index", "on_delivered", "what", "withdrawn")

    def __init__(self, what: str, loop: Any, batch: int, index: int) -> None:
        self.what = what
        self.future: asyncio.Future[None] = asyncio.Future(loop=loop)
        self.batch = batch
        self.index = index
        self.event_id = 0
        self.withdrawn = False
        self.environment: Environment | None = None
        """Converters for what was refused; None: the asking workflow's own."""
        self.on_delivered: Callable[[], None] | None = None
        """Called once the other one has it, instead of the future."""


class External:
    """What has been asked of other workflows and not been answered. Made when something first is."""

    __slots__ = ("_open", "_unrecorded", "host")

    def __init__(self, host: WorkflowInstance) -> None:
        self.host: Any = host
        self._unrecorded: deque[Asked] = deque()
        """In the order of their decisions; the history has no event of them yet."""
        self._open: dict[int, Asked] = {}
        """By the event that asked."""

    def signal(
        self,
        namespace: str | None,
        workflow_id: str,
        run_id: str,
        child_only: bool,
        name: str,
        args: Sequence[Any],
        header: Mapping[str, Payload] | None = None,
    ) -> Coroutine[Any, Any, None]:
        """Send a signal when first awaited, and wait until it is delivered."""
        self.host.check_may_decide("send a signal")
        source = self.host.call_source() if self.host.replaying else ""
        return self._signal(namespace, workflow_id, run_id, child_only, name, args, source, header)

    async def _signal(
        self,
        namespace: str | None,
        workflow_id: str,
        run_id: str,
        child_only: bool,
        name: str,
        args: Sequence[Any],
        source: str,
        header: Mapping[str, Payload] | None,
    ) -> None:
        host = self.host
        host.check_may_decide("send a signal")
        namespace = namespace or host.environment.namespace
        environment = host.environment.of_workflow(namespace, workflow_id)
        asked = self.ask(
            decisions.SignalExternalWorkflow(
                namespace=namespace,
                workflow_id=workflow_id,
                run_id=run_id,
                child_only=child_only,
                signal_name=name,
                args=environment.payload_converter.to_payloads(args) if args else [],
                header={key: plain(payload) for key, payload in header.items()} if header else {},
                source=source,
            ),
            f"signal {name!r} to workflow {workflow_id!r}",
        )
        asked.environment = environment
        del args
        while True:
            try:
                return await asked.future
            except asyncio.CancelledError:
                if not asked.future.cancelled():
                    raise  # it has just been answered; the task is cancelled all the same
            if asked.batch == host.batch:
                host.withdraw(asked.index)
                asked.withdrawn = True
                raise exceptions.CancelledError("Signal was cancelled before being sent")
            # It is on its way, and nobody can call it back: what became of it is worth waiting for.
            uncancel()
            asked.future = asyncio.Future(loop=host.loop)

    def cancel(self, namespace: str | None, workflow_id: str, run_id: str, reason: str) -> Coroutine[Any, Any, None]:
        """Ask a workflow to cancel itself when first awaited, and wait until it is told."""
        self.host.check_may_decide("cancel a workflow")
        source = self.host.call_source() if self.host.replaying else ""
        return self._cancel(namespace, workflow_id, run_id, reason, source)

    async def _cancel(self, namespace: str | None, workflow_id: str, run_id: str, reason: str, source: str) -> None:
        host = self.host
        host.check_may_decide("cancel a workflow")
        asked = self.ask(
            decisions.RequestCancelExternalWorkflow(
                namespace=namespace or host.environment.namespace,
                workflow_id=workflow_id,
                run_id=run_id,
                reason=reason,
                source=source,
            ),
            f"cancellation of workflow {workflow_id!r}",
        )
        await asked.future

    def ask(self, decision: Any, what: str) -> Asked:
        """Decide on a signal or a request to cancel."""
        asked = Asked(what, self.host.loop, self.host.batch, self.host.decide(decision))
        self._unrecorded.append(asked)
        return asked

    def close(self) -> None:
        """Let go of everything."""
        self._unrecorded.clear()
        self._open.clear()
        self.host = None

    def waits_for(self, future: Any) -> str:
        """In words, what a future stands for; empty if it is none of these."""
        for asked in self._open.values():
            if asked.future is future:
                return f"the delivery of {asked.what}"
        return ""

    def environment_of(self, event_id: int) -> Environment | None:
        """Converters for what was asked; None: nothing of the kind, or the asking workflow's own."""
        asked = self._open.get(event_id)
        return None if asked is None else asked.environment

    # ---- events

    def recorded(self, recorded: Any) -> None:
        """The history has the next of them now, under this event ID."""
        asked = next_recorded(self._unrecorded)
        if asked is not None:
            asked.event_id = recorded.event_id
            self._open[recorded.event_id] = asked

    def delivered(self, answer: Any) -> None:
        """The other workflow has it."""
        asked = self._open.pop(answer.initiated_event_id, None)
        if asked is None:
            return
        if asked.on_delivered is not None:
            asked.on_delivered()
        elif not asked.future.done():
            asked.future.set_result(None)

    def refused(self, answer: Any) -> None:
        """The other workflow cannot take it."""
        asked = self._open.pop(answer.initiated_event_id, None)
        # A child that was to be cancelled and is gone: its end is on its way, and says more.
        if asked is not None and asked.on_delivered is None and not asked.future.done():
            failure: Failure = answer.failure
            environment: Environment = asked.environment or self.host.environment
            asked.future.set_exception(environment.exception(failure))


def next_recorded(unrecorded: deque[Any]) -> Any:
    """Take the operation that the next event belongs to out of those that wait for theirs, in order."""
    while unrecorded:
        operation = unrecorded.popleft()
        if not operation.withdrawn:
            return operation
    return None


# What Python names when it warns that a coroutine was never awaited.
External._signal.__qualname__ = "workflow.ExternalWorkflowHandle.signal"
External._cancel.__qualname__ = "workflow.ExternalWorkflowHandle.cancel"
