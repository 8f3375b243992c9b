"""Long polls and short asks, as a client does them: deadlines, asking again, and refusals as exceptions.

Knows replies as records; what is in their payloads is for the caller.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TypeVar

from foldlog.client._convert import seconds
from foldlog.client._errors import raise_rejected, unexpected
from foldlog.client._headers import put
from foldlog.client._interceptor import OutboundInterceptor
from foldlog.common import QueryRejectCondition
from foldlog.converter import DataConverter, SerializationContext, WorkflowSerializationContext
from foldlog.exceptions import DeadlineExceededError
from foldlog.schemas.command import AwaitResult, AwaitUpdate, StartWorkflow, UpdateWorkflow
from foldlog.schemas.common import Payload
from foldlog.schemas.records import Command
from foldlog.schemas.reply import Accepted, Rejected, UpdateReply, WorkflowResult
from foldlog.schemas.visibility import WorkflowVisibility
from foldlog.transport import Transport
from foldlog.transport.errors import BrokerUnreachableError, NoAnswerError, QueueFullError

LONG_POLL_SECONDS = 30.0
"""A waiter asks again after so long: half of the time after which a processor forgets it."""
START_TRIES = 6
"""How often a start is sent that has no time limit of its own; each waits for the client's 10 s."""
FIRST_POLL_SECONDS = 10.0
"""The first time sooner, so that a missing processor is noticed."""

logger = logging.getLogger("foldlog.client")

ReplyType = TypeVar("ReplyType")


@dataclass(frozen=True, slots=True)
class Asking:
    """How one client asks.

    Attributes:
        transport: The way to the processors.
        converter: Reads failures.
        identity: Who asks, for people.
        timeout: For answers that do not wait for a workflow to end, in seconds.
        outbound: The client's interceptors; None: it has none, or they have been passed.
        headers: To be put on all commands that can have some.
        headers_coded: Whether headers go through the payload codec.
        starts_wait: Whether starts without a time limit of their own wait until a processor is there.
        query_reject_condition: In which states of workflows queries are refused that do not say so themselves.
        context_free: The client's own converter, where `converter` is it in a context.
    """

    transport: Transport
    converter: DataConverter
    identity: str
    timeout: float
    outbound: OutboundInterceptor | None = None
    headers: Mapping[str, Payload] = field(default_factory=dict)
    headers_coded: bool = False
    starts_wait: bool = False
    query_reject_condition: QueryRejectCondition | None = None
    context_free: DataConverter | None = None

    def of_workflow(self, workflow_id: str) -> Asking:
        """Asking of one workflow: its converter knows so, if it wants to."""
        if not self.converter.wants_context:
            return self
        return self.in_context(WorkflowSerializationContext(self.transport.namespace, workflow_id))

    def without_outbound(self) -> Asking:
        """Asking past interceptors."""
        return self if self.outbound is None else replace(self, outbound=None)

    def with_converter(self, converter: DataConverter) -> Asking:
        """Asking with another converter, which is in no context."""
        return replace(self, converter=converter, context_free=None)

    def in_context(self, context: SerializationContext) -> Asking:
        """Asking with a converter in a context."""
        own = self.context_free or self.converter
        changed = own.with_context(context)
        return self if changed is own else replace(self, converter=changed, context_free=own)

    async def ask(
        self, workflow_id: str, command: Command, wanted: type[ReplyType], rpc_timeout: timedelta | None
    ) -> ReplyType:
        """The answer of the type that the question has.

        Raises:
            RPCError, WorkflowAlreadyStartedError, WorkflowQueryFailedError, WorkflowQueryRejectedError: The question
                was refused, or there was no answer in time.
        """
        timeout = self.timeout if rpc_timeout is None else seconds(rpc_timeout)
        if self.headers:
            await put(self.headers, command, self.converter, self.headers_coded)
        reply = await self.transport.ask(workflow_id, command, timeout=timeout)
        if isinstance(reply, wanted):
            return reply
        if isinstance(reply, Rejected):
            await raise_rejected(reply, workflow_id, self.converter, getattr(command, "workflow_type", ""))
        raise unexpected(reply)

    async def rows(
        self, matches: Callable[[WorkflowVisibility], bool], rpc_timeout: timedelta | None
    ) -> list[WorkflowVisibility]:
        """The visibility rows that match.

        Args:
            matches: Which are wanted.
            rpc_timeout: How long reading them may take; None: as long as it does.

        Raises:
            DeadlineExceededError: The time is over.
            TransportError: The visibility topic cannot be read.
        """
        if rpc_timeout is None:
            return await self.transport.visibility(matches)
        try:
            return await asyncio.wait_for(self.transport.visibility(matches), seconds(rpc_timeout))
        except TimeoutError:
            raise DeadlineExceededError(
                f"the list could not be read within {rpc_timeout.total_seconds():g} s"
            ) from None

    async def start(self, workflow_id: str, command: StartWorkflow, rpc_timeout: timedelta | None) -> Accepted:
        """Starts a workflow. Without a limit it waits a minute, as people start programs in any order.

        Args:
            workflow_id: Its ID.
            command: Its request ID makes it harmless to send it again.
            rpc_timeout: None: as the client says.

        Raises:
            RPCError, WorkflowAlreadyStartedError: The start was refused, or there was no answer in time.
        """
        if rpc_timeout is not None or not self.starts_wait:
            return await self.ask(workflow_id, command, Accepted, rpc_timeout)
        for _ in range(START_TRIES - 1):
            try:
                return await self.ask(workflow_id, command, Accepted, None)
            except NoAnswerError as error:
                logger.warning("the start of workflow %r still waits for a processor: %s", workflow_id, error)
        return await self.ask(workflow_id, command, Accepted, None)

    async def result_of_start(
        self, workflow_id: str, command: StartWorkflow, rpc_timeout: timedelta | None
    ) -> WorkflowResult:
        """Starts a workflow and waits for its end: one command and one answer, if it ends soon.

        Args:
            workflow_id: Its ID.
            command: With `await_result`.
            rpc_timeout: For all of it; None: for as long as it takes.

        Raises:
            RPCError, WorkflowAlreadyStartedError: The start was refused, or the time is over.
        """
        waiting = _Waiting(workflow_id, rpc_timeout)
        result = await self._poll(waiting, command, WorkflowResult, FIRST_POLL_SECONDS)
        if result is not None and result.new_run_id:
            return await self._result(waiting, result.new_run_id, follow_runs=True)
        if result is not None:
            return result
        # It takes longer. The same start again tells which run it is (and that somebody is there); from here on,
        # that run is waited for, so that a start is never repeated after its request ID has been forgotten.
        repeated = copy.copy(command)
        repeated.await_result = False
        while True:
            try:
                left = timedelta(seconds=waiting.at_most(self.timeout))
                accepted = await self.ask(workflow_id, repeated, Accepted, left)
                break
            except (NoAnswerError, BrokerUnreachableError, QueueFullError) as error:
                waiting.go_on_after(error)
        return await self._result(waiting, accepted.run_id, follow_runs=True)

    async def result_of_run(
        self, workflow_id: str, run_id: str, follow_runs: bool, rpc_timeout: timedelta | None
    ) -> WorkflowResult:
        """How a run ended, once it has.

        Args:
            workflow_id: The workflow.
            run_id: The run; empty: the current one.
            follow_runs: Whether to wait for the end of the chain of runs.
            rpc_timeout: None: for as long as it takes.

        Raises:
            RPCError: It is not known, or the time is over.
        """
        return await self._result(_Waiting(workflow_id, rpc_timeout), run_id, follow_runs)

    async def _result(self, waiting: _Waiting, run_id: str, follow_runs: bool) -> WorkflowResult:
        while True:
            command = AwaitResult(identity=self.identity, run_id=run_id, follow_runs=follow_runs)
            result = await self._poll(waiting, command, WorkflowResult, LONG_POLL_SECONDS)
            if result is None:
                continue
            if not result.new_run_id or not follow_runs:
                return result
            run_id = result.new_run_id

    async def update(
        self,
        workflow_id: str,
        command: UpdateWorkflow | AwaitUpdate | StartWorkflow,
        rpc_timeout: timedelta | None,
    ) -> UpdateReply:
        """How far an update has come, once that is as far as the command waits for.

        The same command is sent again and again until it is accepted: its IDs make that harmless. From then on its run
        is asked, so that it is never repeated after its request ID has been forgotten.

        Args:
            workflow_id: The workflow.
            command: About an update, or a start that has one with it.
            rpc_timeout: None: for as long as it takes.

        Raises:
            RPCError, WorkflowAlreadyStartedError: It was refused, or the time is over.
        """
        waiting = _Waiting(workflow_id, rpc_timeout, "answer about the update")
        if self.headers:
            await put(self.headers, command, self.converter, self.headers_coded)
        found = await self._poll(waiting, command, UpdateReply, FIRST_POLL_SECONDS)
        if found is None and isinstance(command, UpdateWorkflow) and command.await_completed:
            repeated = copy.copy(command)
            repeated.await_completed = False
            found = await self._until_told(waiting, repeated)
            if found.stage != "COMPLETED":
                command = AwaitUpdate(
                    identity=self.identity, run_id=found.run_id, update_id=command.update_id, await_completed=True
                )
                found = None
        return found or await self._until_told(waiting, command)

    async def _until_told(
        self, waiting: _Waiting, command: UpdateWorkflow | AwaitUpdate | StartWorkflow
    ) -> UpdateReply:
        while True:
            found = await self._poll(waiting, command, UpdateReply, LONG_POLL_SECONDS)
            if found is not None:
                return found

    async def _poll(
        self, waiting: _Waiting, command: Command, wanted: type[ReplyType], seconds: float
    ) -> ReplyType | None:
        """One long poll; None: ask again."""
        wait = waiting.at_most(seconds)
        try:
            reply = await self.transport.poll(waiting.workflow_id, command, wait=wait)
        except (BrokerUnreachableError, QueueFullError) as error:
            waiting.go_on_after(error)
            return None
        if reply is None:
            waiting.check()
            return None
        if isinstance(reply, wanted):
            return reply
        if isinstance(reply, Rejected):
            workflow_type = getattr(command, "workflow_type", "")
            await raise_rejected(reply, waiting.workflow_id, self.converter, workflow_type)
        raise unexpected(reply)


class _Waiting:
    """The deadline of waiting for a workflow, if there is one."""

    def __init__(self, workflow_id: str, timeout: timedelta | None, what: str = "end") -> None:
        self.workflow_id = workflow_id
        self._what = what
        self._timeout = timeout
        self._deadline = None if timeout is None else time.monotonic() + seconds(timeout)

    def at_most(self, seconds: float) -> float:
        """So long, or less if the deadline is nearer."""
        if self._deadline is None:
            return seconds
        return min(seconds, max(self._deadline - time.monotonic(), 0.0))

    def is_over(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline

    def check(self) -> None:
        """Raises if the deadline has passed."""
        if self.is_over():
            assert self._timeout is not None
            raise DeadlineExceededError(
                f"workflow {self.workflow_id!r} did not {self._what} within {self._timeout.total_seconds():g} s;"
                " it may still be running (describe() tells), or perhaps no processor is"
            )

    def go_on_after(self, error: Exception) -> None:
        """Nobody was there: raises if the deadline has passed, otherwise it is worth a warning."""
        if self.is_over():
            raise error
        logger.warning("still waiting for workflow %r: %s", self.workflow_id, error)
