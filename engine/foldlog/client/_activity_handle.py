"""A handle of an activity that no workflow asked for: its result, its end before that, and what is known of it."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from datetime import timedelta
from typing import Any, Generic, TypeVar, cast

from foldlog.client._activity_description import ActivityExecutionDescription, description
from foldlog.client._activity_inputs import (
    CancelActivityInput,
    DescribeActivityInput,
    PauseActivityInput,
    TerminateActivityInput,
    UnpauseActivityInput,
    UpdateActivityOptionsInput,
)
from foldlog.client._activity_options import (
    ActivityExecutionOptions,
    ActivityOptionsUpdate,
    changes,
    check_updates,
    options_of,
)
from foldlog.client._asking import Asking
from foldlog.client._description import WorkflowExecutionStatus
from foldlog.client._errors import ActivityFailureError
from foldlog.client._handle import WorkflowHandle
from foldlog.client._schedules import own_converter
from foldlog.client._types import NO_METADATA, RPCMetadata
from foldlog.common import QueryRejectCondition
from foldlog.converter import ActivitySerializationContext
from foldlog.converter._codec import decode_failure_with, decode_one_with
from foldlog.exceptions import ActivityError, RPCError, RPCStatusCode, WorkflowNotFoundError
from foldlog.schemas.reply import WorkflowResult
from foldlog.standalone.model import SHOWN, Described, Job, activity_workflow_id

ReturnType = TypeVar("ReturnType")
_Answer = TypeVar("_Answer")
_NO_TIME = timedelta()


class ActivityHandle(Generic[ReturnType]):
    """One activity, by its ID and maybe a run. Made by the client; making one asks nobody anything.

    Each method raises an `RPCError` with status NOT_FOUND if there is no such activity, and another one if there was no
    answer in time. `rpc_metadata` is for interceptors only; `rpc_timeout` is how long to wait for the answer.
    """

    def __init__(self, asking: Asking, id: str, *, run_id: str | None = None, result_type: Any = None) -> None:
        """Private: use `Client.start_activity` or `Client.get_activity_handle`."""
        self._id = id
        self._run_id = run_id
        self._result_type = result_type
        self._outbound = asking.outbound
        self._workflow_id = activity_workflow_id(id)
        # Past interceptors: to them it is an activity, and no workflow.
        self._asking = asking.in_context(context_of(asking, id)).without_outbound()
        own = asking.without_outbound().with_converter(own_converter(asking.converter))
        self._workflow: WorkflowHandle[Any, Any] = WorkflowHandle(own, self._workflow_id, run_id=run_id)
        self._ended: WorkflowResult | None = None

    def __repr__(self) -> str:
        return f"ActivityHandle({self._id!r})"

    @property
    def id(self) -> str:
        """The activity's ID."""
        return self._id

    @property
    def run_id(self) -> str | None:
        """The run; None: the last one."""
        return self._run_id

    async def result(
        self, *, rpc_metadata: RPCMetadata = NO_METADATA, rpc_timeout: timedelta | None = None
    ) -> ReturnType:
        """Waits until the activity ends, however long that takes, and gives what it returned.

        Args:
            rpc_metadata: Taken for the sake of Temporal's signature.
            rpc_timeout: How long to wait; None: without limit.

        Raises:
            ActivityFailureError: It failed, was cancelled or terminated, or timed out; `cause` says which.
            DeadlineExceededError: `rpc_timeout` is over.
        """
        if self._ended is None:
            asked = self._asking.result_of_run(self._workflow_id, self._run_id or "", False, rpc_timeout)
            self._ended = await self._found(asked)
        ended, converter = self._ended, self._asking.converter
        codec = self._workflow._asking.converter.payload_codec
        if ended.status == "COMPLETED" and ended.result is not None:
            payload = ended.result if codec is None else await decode_one_with(codec, ended.result)
            return cast(ReturnType, converter.payload_converter.from_payloads([payload], [self._result_type])[0])
        if ended.failure is None:
            raise RPCError(f"activity {self._id!r} ended as {ended.status}", RPCStatusCode.DATA_LOSS)
        failure = ended.failure if codec is None else await decode_failure_with(codec, ended.failure)
        error = converter.failure_converter.from_failure(failure, converter.payload_converter)
        if isinstance(error, ActivityError) and error.cause is not None:
            error = error.cause
        raise ActivityFailureError(cause=error)

    async def cancel(
        self,
        *,
        reason: str | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Asks the activity to stop. Its code hears of it with its next heartbeat, and may go on all the same.

        Does nothing if it has ended.

        Args:
            reason: For people.
            rpc_metadata: See the class.
            rpc_timeout: Likewise.
        """
        if self._outbound is not None:
            told = CancelActivityInput(
                activity_id=self._id,
                activity_run_id=self._run_id,
                reason=reason,
                rpc_metadata=rpc_metadata,
                rpc_timeout=rpc_timeout,
            )
            await self._outbound.cancel_activity(told)
            return
        await self._found(self._workflow.cancel(reason=reason or "", rpc_timeout=rpc_timeout))

    async def terminate(
        self,
        *,
        reason: str | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Ends the activity at once, whatever its code does; that is asked to stop with its next heartbeat.

        Args:
            reason: For people.
            rpc_metadata: See the class.
            rpc_timeout: Likewise.
        """
        if self._outbound is not None:
            told = TerminateActivityInput(
                activity_id=self._id,
                activity_run_id=self._run_id,
                reason=reason,
                rpc_metadata=rpc_metadata,
                rpc_timeout=rpc_timeout,
            )
            await self._outbound.terminate_activity(told)
            return
        await self._found(self._workflow.terminate(reason=reason or "", rpc_timeout=rpc_timeout))

    async def pause(
        self,
        *,
        reason: str | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Lets no further attempt begin until it is unpaused. See `WorkflowHandle.pause_activity`."""
        if self._outbound is not None:
            told = PauseActivityInput(
                activity_id=self._id,
                activity_run_id=self._run_id,
                reason=reason,
                rpc_metadata=rpc_metadata,
                rpc_timeout=rpc_timeout,
            )
            await self._outbound.pause_activity(told)
            return
        await self._found(self._workflow.pause_activity(self._id, reason=reason or "", rpc_timeout=rpc_timeout))

    async def unpause(
        self,
        *,
        reason: str | None = None,
        jitter: timedelta | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Lets a paused activity go on. See `WorkflowHandle.unpause_activity`.

        Args:
            reason: For interceptors only: nothing shows why it goes on.
            jitter: It begins at some time within this span.
            rpc_metadata: See the class.
            rpc_timeout: See the class.
        """
        if self._outbound is not None:
            told = UnpauseActivityInput(
                activity_id=self._id,
                activity_run_id=self._run_id,
                reason=reason,
                jitter=jitter,
                rpc_metadata=rpc_metadata,
                rpc_timeout=rpc_timeout,
            )
            await self._outbound.unpause_activity(told)
            return
        jitter = jitter or _NO_TIME
        await self._found(self._workflow.unpause_activity(self._id, jitter=jitter, rpc_timeout=rpc_timeout))

    async def update_options(
        self,
        updates: Sequence[ActivityOptionsUpdate[Any]],
        *,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> ActivityExecutionOptions:
        """Changes options while the activity is open. See `WorkflowHandle.update_activity_options`.

        Args:
            updates: Made by the keys in `ActivityOptionsKeys`. What is not named stays as it is.
            rpc_metadata: See the class.
            rpc_timeout: See the class, for the change and again for what it came to.

        Returns:
            All its options, as they are then.

        Raises:
            ValueError: There are no updates, several of one option, or one that cannot be.
            TypeError: A value is of the wrong type.
            InvalidArgumentError: An activity cannot have these.
        """
        check_updates(updates)
        return await self._change(updates, False, rpc_metadata, rpc_timeout)

    async def restore_original_options(
        self, *, rpc_metadata: RPCMetadata = NO_METADATA, rpc_timeout: timedelta | None = None
    ) -> ActivityExecutionOptions:
        """Takes back all that `update_options` has changed. As that."""
        return await self._change((), True, rpc_metadata, rpc_timeout)

    async def _change(
        self,
        updates: Sequence[ActivityOptionsUpdate[Any]],
        restore_original: bool,
        rpc_metadata: RPCMetadata,
        rpc_timeout: timedelta | None,
    ) -> ActivityExecutionOptions:
        if self._outbound is None:
            return await self.change_options(updates, restore_original, rpc_timeout)
        asked = UpdateActivityOptionsInput(
            activity_id=self._id,
            activity_run_id=self._run_id,
            updates=updates,
            restore_original=restore_original,
            rpc_metadata=rpc_metadata,
            rpc_timeout=rpc_timeout,
        )
        return await self._outbound.update_activity_options(asked)

    async def change_options(
        self, updates: Sequence[ActivityOptionsUpdate[Any]], restore_original: bool, rpc_timeout: timedelta | None
    ) -> ActivityExecutionOptions:
        """For foldlog itself: past interceptors."""
        if restore_original and updates:
            raise ValueError("restore_original goes without updates")
        asked = self._workflow.update_activity_options(
            self._id, restore_original=restore_original, rpc_timeout=rpc_timeout, **changes(updates)
        )
        await self._found(asked)
        found = await self._found(self._workflow.describe(rpc_timeout=rpc_timeout))
        for pending in found.pending_activities:
            return options_of(pending)
        raise RPCError(f"activity {self._id!r} has ended", RPCStatusCode.NOT_FOUND)

    async def describe(
        self, *, rpc_metadata: RPCMetadata = NO_METADATA, rpc_timeout: timedelta | None = None
    ) -> ActivityExecutionDescription:
        """All that is known of it."""
        if self._outbound is not None:
            asked = DescribeActivityInput(
                activity_id=self._id,
                activity_run_id=self._run_id,
                rpc_metadata=rpc_metadata,
                rpc_timeout=rpc_timeout,
            )
            return await self._outbound.describe_activity(asked)
        found = await self._found(self._workflow.describe(rpc_timeout=rpc_timeout))
        described = Described(await found.memo_value(SHOWN, type_hint=Job))
        if found.status is WorkflowExecutionStatus.FAILED:
            described = await self._workflow.query(
                "describe",
                result_type=Described,
                reject_condition=QueryRejectCondition.NONE,  # whatever the client's default is
                rpc_timeout=rpc_timeout,
            )
        pending = next(iter(found.pending_activities), None)
        if pending is not None:
            pending._converter = self._asking.converter
        return description(found, described, pending)

    async def _found(self, asked: Awaitable[_Answer]) -> _Answer:
        """An answer, with errors that speak of the activity."""
        try:
            return await asked
        except WorkflowNotFoundError as error:
            what = "has ended" if error.closed else "is not known"
            raise RPCError(f"activity {self._id!r} {what}", RPCStatusCode.NOT_FOUND) from error


def context_of(
    asking: Asking, id: str, activity_type: str | None = None, task_queue: str | None = None
) -> ActivitySerializationContext:
    """What the payloads of an activity without a workflow belong to."""
    return ActivitySerializationContext(
        namespace=asking.transport.namespace,
        activity_id=id,
        activity_type=activity_type,
        activity_task_queue=task_queue,
        workflow_id=None,
        workflow_type=None,
        is_local=False,
    )
