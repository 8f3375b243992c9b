"""A handle of an activity that no workflow asked for: its result, its end before that, and what is known of it."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from datetime import timedelta
from typing import Any, Generic, TypeVar, cast

from foldlog._option_types import check_option
from foldlog.client._activity_description import ActivityExecutionDescription, Recorded, as_scheduled, description
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
    with_changes,
)
from foldlog.client._activity_outcome import ActivityOutcome
from foldlog.client._asking import Asking
from foldlog.client._convert import decode_one
from foldlog.client._description import PendingActivity, PendingActivityState, WorkflowExecutionStatus
from foldlog.client._errors import ActivityFailureError
from foldlog.client._handle import WorkflowHandle
from foldlog.client._schedules import own_converter
from foldlog.client._types import NO_METADATA, RPCMetadata
from foldlog.common import QueryRejectCondition
from foldlog.converter import ActivitySerializationContext
from foldlog.exceptions import RPCError, RPCStatusCode, WorkflowNotFoundError
from foldlog.schemas.event import (
    ActivityTaskCanceled,
    ActivityTaskCompleted,
    ActivityTaskFailed,
    ActivityTaskTimedOut,
    WorkflowExecutionCancelRequested,
    WorkflowExecutionStarted,
)
from foldlog.standalone.model import SHOWN, Described, Job, activity_workflow_id

ReturnType = TypeVar("ReturnType")
_Answer = TypeVar("_Answer")
_NO_TIME = timedelta()
_ENDS = (ActivityTaskCompleted, ActivityTaskFailed, ActivityTaskCanceled, ActivityTaskTimedOut)


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
        self._ended: ActivityOutcome | None = None

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
            self._ended = await self._outcome(self._run_id or "", rpc_timeout)
        if self._ended.completed:
            return cast(ReturnType, await self._ended.result(self._result_type))
        raise ActivityFailureError(cause=await self._ended.failure(f"activity {self._id!r}"))

    async def _outcome(self, run_id: str, rpc_timeout: timedelta | None) -> ActivityOutcome:
        """How a run ends, once it has."""
        ended = await self._found(self._asking.result_of_run(self._workflow_id, run_id, False, rpc_timeout))
        return ActivityOutcome(ended, self._asking.converter, self._workflow._asking.converter.payload_codec)

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
        check_option("reason", reason, str | None)
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
        check_option("reason", reason, str | None)
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
        check_option("reason", reason, str | None)
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
        check_option("reason", reason, str | None)
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
        changed = changes(updates)
        before = await self._open(rpc_timeout)
        asked = self._workflow.update_activity_options(
            self._id, restore_original=restore_original, rpc_timeout=rpc_timeout, **changed
        )
        await self._found(asked)
        after = await self._open(rpc_timeout)
        if after is not None:
            return options_of(after)
        # It may have ended since, just because of the change: moved to where somebody takes it, for one.
        if before is None:
            raise RPCError(f"activity {self._id!r} has ended", RPCStatusCode.NOT_FOUND)
        if restore_original:
            found = await self._workflow.describe(rpc_timeout=rpc_timeout)
            job = await found.memo_value(SHOWN, type_hint=Job)
            return ActivityExecutionOptions(task_queue=job.task_queue, **as_scheduled(job))
        return with_changes(options_of(before), changed)

    async def _open(self, rpc_timeout: timedelta | None) -> PendingActivity | None:
        found = await self._found(self._workflow.describe(rpc_timeout=rpc_timeout))
        return next(iter(found.pending_activities), None)

    async def describe(
        self,
        *,
        include_input: bool = False,
        include_outcome: bool = False,
        include_heartbeat_details: bool = False,
        include_last_failure: bool = False,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> ActivityExecutionDescription:
        """All that is known of it.

        Args:
            include_input: Whether its arguments are to be asked for as well.
            include_outcome: Whether its result or failure is, if it has ended.
            include_heartbeat_details: Whether what its last heartbeat said is given.
            include_last_failure: Whether what ended the attempt before is.
            rpc_metadata: See the class.
            rpc_timeout: Likewise.

        Raises:
            ConfigurationError: An option is neither true nor false; the message names it.
        """
        wanted = {
            "include_input": include_input,
            "include_outcome": include_outcome,
            "include_heartbeat_details": include_heartbeat_details,
            "include_last_failure": include_last_failure,
        }
        for name, value in wanted.items():
            check_option(name, value, bool)
        if self._outbound is not None:
            asked = DescribeActivityInput(
                activity_id=self._id,
                activity_run_id=self._run_id,
                **wanted,
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
        canceled = pending is not None and pending.state is PendingActivityState.CANCEL_REQUESTED
        recorded = Recorded()
        if include_input or canceled or found.close_time is not None:
            recorded = await self._recorded(found.run_id, rpc_timeout)
        outcome = None
        if include_outcome and found.close_time is not None:
            outcome = await self._outcome(found.run_id, rpc_timeout)
        return description(
            found,
            described,
            pending,
            data_converter=self._asking.converter,
            recorded=recorded,
            with_input=include_input,
            outcome=outcome,
            heartbeats=include_heartbeat_details,
            failures=include_last_failure,
        )

    async def _recorded(self, run_id: str, rpc_timeout: timedelta | None) -> Recorded:
        """What only the history of its workflow has."""
        workflow: WorkflowHandle[Any, Any] = WorkflowHandle(self._workflow._asking, self._workflow_id, run_id=run_id)
        found = Recorded()
        async for happened in workflow.fetch_history_events(rpc_timeout=rpc_timeout):
            if isinstance(happened, WorkflowExecutionStarted):
                job: Job = await decode_one(workflow._asking.converter, happened.args[0], Job)
                found = found._replace(args=job.args)
            elif isinstance(happened, WorkflowExecutionCancelRequested):
                found = found._replace(canceled_reason=happened.reason)
            elif isinstance(happened, _ENDS):
                found = found._replace(attempt=happened.attempt, identity=getattr(happened, "identity", ""))
        return found

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
