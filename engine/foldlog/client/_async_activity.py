"""Handles of activities that are ended from outside, by the program that knows when they are done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self, overload

from foldlog._option_types import check_option
from foldlog.activity import ActivityCancellationDetails
from foldlog.client._activity_inputs import (
    CompleteAsyncActivityInput,
    FailAsyncActivityInput,
    HeartbeatAsyncActivityInput,
    ReportCancellationAsyncActivityInput,
)
from foldlog.client._asking import Asking
from foldlog.client._convert import encode_args, encode_result
from foldlog.client._errors import AsyncActivityCancelledError
from foldlog.client._types import (
    NO_METADATA,
    UNSET,
    RPCMetadata,
)
from foldlog.converter import DataConverter, SerializationContext, WithSerializationContext
from foldlog.exceptions import InvalidArgumentError, RPCError, RPCStatusCode, WorkflowNotFoundError
from foldlog.schemas import command
from foldlog.schemas.framing import DecodeError, decode
from foldlog.schemas.records import Command
from foldlog.schemas.reply import Accepted
from foldlog.schemas.task import TaskToken
from foldlog.standalone.model import activity_workflow_id

if TYPE_CHECKING:
    from foldlog.client._client import Client


@dataclass(frozen=True)
class AsyncActivityIDReference:
    """An activity by its ID, whatever attempt is the current one."""

    workflow_id: str
    run_id: str | None
    activity_id: str


class AsyncActivityHandle(WithSerializationContext):
    """One activity, by its ID or by the task token of an attempt. Made by the client; making one asks nobody anything.

    Each method raises `RPCError` with status NOT_FOUND if the activity is not open, or if the attempt of the task token
    counts no longer: it ended, timed out, or is repeated already.
    """

    def __init__(
        self,
        client: Client | Asking,
        id_or_token: AsyncActivityIDReference | bytes,
        data_converter_override: DataConverter | None = None,
    ) -> None:
        """Private, except for classes derived from it: use `Client.get_async_activity_handle`."""
        asking = client if isinstance(client, Asking) else client._asking
        self._context_free = asking
        self._asking = asking
        if data_converter_override is not None:
            self._asking = replace(asking, converter=data_converter_override)
        self._id_or_token = id_or_token
        self._converter_override = data_converter_override

    def with_context(self, context: SerializationContext) -> Self:
        """A handle whose payloads are converted in a context: what the activity is, this side does not know by itself.

        Args:
            context: An `ActivitySerializationContext`, as the worker has it.

        Raises:
            TypeError: A derived class has a constructor of its own.
        """
        own = self._context_free.converter
        changed = own.with_context(context)
        if changed is own:
            return self
        if type(self).__init__ is not AsyncActivityHandle.__init__:
            raise TypeError(
                f"{type(self).__name__} has its own __init__: you must override with_context to return an instance "
                "of your class"
            )
        return type(self)(self._context_free, self._id_or_token, changed)

    async def heartbeat(
        self, *details: Any, rpc_metadata: RPCMetadata = NO_METADATA, rpc_timeout: timedelta | None = None
    ) -> None:
        """Tells that the activity is alive. Nothing is throttled here: each call is a record.

        Args:
            *details: What the next attempt should know.
            rpc_metadata: For interceptors only.
            rpc_timeout: How long to wait for the answer.

        Raises:
            AsyncActivityCancelledError: It is to stop. The heartbeat counts all the same.
            InvalidArgumentError: The task token is none, or of another namespace.
            RPCError: It is not open (NOT_FOUND), or there was no answer in time.
        """
        if (outbound := self._asking.outbound) is not None:
            told = HeartbeatAsyncActivityInput(
                id_or_token=self._id_or_token,
                details=details,
                data_converter_override=self._converter_override,
                rpc_metadata=rpc_metadata,
                rpc_timeout=rpc_timeout,
            )
            await outbound.heartbeat_async_activity(told)
            return
        payloads = await encode_args(self._asking.converter, UNSET, details)
        notice = await self._ask(rpc_timeout, command.HeartbeatActivity, details=payloads)
        if notice:
            raise AsyncActivityCancelledError(
                ActivityCancellationDetails(
                    cancel_requested=notice == "CANCEL_REQUESTED",
                    paused=notice == "PAUSED",
                    reset=notice == "RESET",
                )
            )

    async def complete(
        self, result: Any = UNSET, *, rpc_metadata: RPCMetadata = NO_METADATA, rpc_timeout: timedelta | None = None
    ) -> None:
        """Completes the activity.

        Args:
            result: What it returns. If it is not given, the workflow gets None, whatever the activity's type says.
            rpc_metadata: For interceptors only.
            rpc_timeout: How long to wait for the answer.

        Raises:
            PayloadConversionError: The result cannot be converted.
            InvalidArgumentError: The task token is none, or the result is too large.
            RPCError: It is not open (NOT_FOUND), or there was no answer in time.
        """
        if (outbound := self._asking.outbound) is not None:
            told = CompleteAsyncActivityInput(
                id_or_token=self._id_or_token,
                result=result,
                data_converter_override=self._converter_override,
                rpc_metadata=rpc_metadata,
                rpc_timeout=rpc_timeout,
            )
            await outbound.complete_async_activity(told)
            return
        payload = await encode_result(self._asking.converter, result)
        await self._ask(rpc_timeout, command.CompleteActivity, result=payload)

    async def fail(
        self,
        error: Exception,
        *,
        last_heartbeat_details: Sequence[Any] = (),
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Fails the attempt. Whether there is another one, the retry policy and the error say.

        Args:
            error: Why.
            last_heartbeat_details: What the next attempt should know.
            rpc_metadata: For interceptors only.
            rpc_timeout: How long to wait for the answer.

        Raises:
            ConfigurationError: The error is no exception.
            InvalidArgumentError: The task token is none, or the error is too large.
            RPCError: It is not open (NOT_FOUND), or there was no answer in time.
        """
        if (outbound := self._asking.outbound) is not None:
            told = FailAsyncActivityInput(
                id_or_token=self._id_or_token,
                error=error,
                last_heartbeat_details=last_heartbeat_details,
                data_converter_override=self._converter_override,
                rpc_metadata=rpc_metadata,
                rpc_timeout=rpc_timeout,
            )
            await outbound.fail_async_activity(told)
            return
        check_option("error", error, BaseException)
        failure = await self._asking.converter.encode_failure(error)
        details = await encode_args(self._asking.converter, UNSET, last_heartbeat_details)
        await self._ask(rpc_timeout, command.FailActivity, failure=failure, heartbeat_details=details)

    async def report_cancellation(
        self, *details: Any, rpc_metadata: RPCMetadata = NO_METADATA, rpc_timeout: timedelta | None = None
    ) -> None:
        """Ends the activity as cancelled, after its cancellation was asked for.

        Args:
            *details: What the workflow sees as `CancelledError.details`.
            rpc_metadata: For interceptors only.
            rpc_timeout: How long to wait for the answer.

        Raises:
            InvalidArgumentError: The task token is none, or nobody has asked for the activity's cancellation.
            RPCError: It is not open (NOT_FOUND), or there was no answer in time.
        """
        if (outbound := self._asking.outbound) is not None:
            told = ReportCancellationAsyncActivityInput(
                id_or_token=self._id_or_token,
                details=details,
                data_converter_override=self._converter_override,
                rpc_metadata=rpc_metadata,
                rpc_timeout=rpc_timeout,
            )
            await outbound.report_cancellation_async_activity(told)
            return
        payloads = await encode_args(self._asking.converter, UNSET, details)
        await self._ask(rpc_timeout, command.CancelActivity, details=payloads)

    async def _ask(self, rpc_timeout: timedelta | None, kind: Callable[..., Command], **fields: Any) -> str:
        """Send a report; returns what a heartbeat is told."""
        workflow_id, about = self._about()
        wanted = kind(**about, identity=self._asking.identity, **fields)
        try:
            accepted = await self._asking.ask(workflow_id, wanted, Accepted, rpc_timeout)
        except WorkflowNotFoundError as error:
            raise RPCError(error.message, RPCStatusCode.NOT_FOUND) from None
        return accepted.notice

    def _about(self) -> tuple[str, dict[str, Any]]:
        """The workflow, and the fields that say which attempt is meant."""
        reference = self._id_or_token
        if isinstance(reference, AsyncActivityIDReference):
            about = {"run_id": reference.run_id or "", "scheduled_event_id": 0, "attempt": 0}
            return reference.workflow_id, about | {"activity_id": reference.activity_id}
        try:
            token = decode(reference)
        except (DecodeError, TypeError) as error:
            raise InvalidArgumentError(f"this is no task token: {error}") from None
        if not isinstance(token, TaskToken):
            raise InvalidArgumentError(f"this is no task token: it is a {type(token).__name__}")
        own = self._asking.transport.namespace
        if token.namespace != own:
            raise InvalidArgumentError(f"the task token is of namespace {token.namespace!r}, the client of {own!r}")
        about = {
            "run_id": token.run_id,
            "scheduled_event_id": token.scheduled_event_id,
            "attempt": token.attempt,
        }
        return token.workflow_id, about


class ClientAsyncActivities:
    """The part of a client that is about activities that are ended from outside."""

    _asking: Asking

    @overload
    def get_async_activity_handle(
        self, *, workflow_id: str, run_id: str | None, activity_id: str
    ) -> AsyncActivityHandle: ...
    @overload
    def get_async_activity_handle(self, *, activity_id: str, run_id: str | None) -> AsyncActivityHandle: ...
    @overload
    def get_async_activity_handle(self, *, task_token: bytes) -> AsyncActivityHandle: ...
    def get_async_activity_handle(
        self,
        *,
        workflow_id: str | None = None,
        run_id: str | None = None,
        activity_id: str | None = None,
        task_token: bytes | None = None,
    ) -> AsyncActivityHandle:
        """A handle of an activity that this program ends, see `activity.raise_complete_async`. Asks nobody.

        Args:
            workflow_id: Its workflow; None: no workflow asked for it.
            run_id: The run; None: the current one.
            activity_id: The activity. The handle is then for whatever attempt is the current one.
            task_token: `activity.info().task_token` of the attempt.

        Raises:
            ConfigurationError: One has another type than it must have; the message names it.
            ValueError: There is neither or both of a task token and IDs.
        """
        check_option("task_token", task_token, bytes | None)
        for name, value in (("workflow_id", workflow_id), ("run_id", run_id), ("activity_id", activity_id)):
            check_option(name, value, str | None)
        if task_token is not None:
            if workflow_id is not None or run_id is not None or activity_id is not None:
                raise ValueError("give either a task token or IDs, not both")
            return AsyncActivityHandle(self._asking, task_token)
        if not activity_id:
            raise ValueError(
                "give a task token, or an activity_id, with the workflow_id unless no workflow asked for it"
            )
        workflow_id = workflow_id or activity_workflow_id(activity_id)
        reference = AsyncActivityIDReference(workflow_id=workflow_id, run_id=run_id, activity_id=activity_id)
        return AsyncActivityHandle(self._asking, reference)
