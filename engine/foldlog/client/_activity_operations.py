"""What a workflow handle can do to open activities: pause, unpause, reset, change options."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from foldlog._option_types import check_arguments, check_option
from foldlog.client._activity_inputs import (
    PauseActivityInput,
    ResetActivityInput,
    UnpauseActivityInput,
    UpdateActivityOptionsInput,
)
from foldlog.client._activity_options import check_types
from foldlog.client._asking import Asking
from foldlog.client._convert import milliseconds
from foldlog.client._types import NO_METADATA, RPCMetadata
from foldlog.common import Priority, RetryPolicy
from foldlog.schemas import command
from foldlog.schemas.records import Command
from foldlog.schemas.reply import Accepted

_NO_TIME = timedelta()


class ActivityOperations:
    """The part of a workflow handle that is about its open activities.

    Each method takes either the ID of an activity or a type, which stands for all open ones of that type. Each raises
    `WorkflowNotFoundError` if there is no such workflow or no such open activity, `FailedPreconditionError` for an
    activity whose cancellation was asked for, `InvalidArgumentError` where an option cannot work, `ConfigurationError`
    where something has another type than it must have, and `RPCError` if there was no answer in time.
    """

    _asking: Asking
    _id: str
    _run_id: str | None

    async def pause_activity(
        self,
        activity_id: str | None = None,
        *,
        activity_type: str | None = None,
        reason: str = "",
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Lets no further attempt begin until the activity is unpaused.

        A running attempt goes on. When it sends a heartbeat, it is asked to stop
        (`activity.cancellation_details().paused`). Schedule-to-close goes on too. A task that is waiting in its topic
        is not taken back.

        Args:
            activity_id: The activity.
            activity_type: All open ones of this type, instead.
            reason: For people; `describe` shows it.
            rpc_metadata: For interceptors only.
            rpc_timeout: How long to wait for the answer.
        """
        check_arguments(ActivityOperations.pause_activity, locals())
        if (outbound := self._asking.outbound) is not None:
            told = PauseActivityInput(
                **self._which(activity_id, activity_type),
                reason=reason,
                rpc_metadata=rpc_metadata,
                rpc_timeout=rpc_timeout,
            )
            await outbound.pause_activity(told)
            return
        await self._operate(command.PauseActivity, activity_id, activity_type, rpc_timeout, reason=reason)

    async def unpause_activity(
        self,
        activity_id: str | None = None,
        *,
        activity_type: str | None = None,
        reset_attempts: bool = False,
        reset_heartbeat: bool = False,
        jitter: timedelta = _NO_TIME,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Lets a paused activity go on; an attempt that waits begins at once. One that is not paused stays as it is.

        Args:
            activity_id: The activity.
            activity_type: All open ones of this type, instead.
            reset_attempts: Whether its attempts are counted from 1 again.
            reset_heartbeat: Whether its next attempt knows no details of heartbeats.
            jitter: An attempt that waits begins up to so much later, each at a time of its own.
            rpc_metadata: For interceptors only.
            rpc_timeout: How long to wait for the answer.
        """
        check_arguments(ActivityOperations.unpause_activity, locals())
        if (outbound := self._asking.outbound) is not None:
            told = UnpauseActivityInput(
                **self._which(activity_id, activity_type),
                reset_attempts=reset_attempts,
                reset_heartbeat=reset_heartbeat,
                jitter=jitter,
                rpc_metadata=rpc_metadata,
                rpc_timeout=rpc_timeout,
            )
            await outbound.unpause_activity(told)
            return
        await self._operate(
            command.UnpauseActivity,
            activity_id,
            activity_type,
            rpc_timeout,
            reset_attempts=reset_attempts,
            reset_heartbeat=reset_heartbeat,
            jitter_ms=milliseconds(jitter, "jitter"),
        )

    async def reset_activity(
        self,
        activity_id: str | None = None,
        *,
        activity_type: str | None = None,
        keep_paused: bool = False,
        reset_heartbeat: bool = False,
        restore_original_options: bool = False,
        jitter: timedelta = _NO_TIME,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Counts an activity's attempts from 1 again; an attempt that waits begins at once.

        A running attempt goes on. When it sends a heartbeat, it is asked to stop
        (`activity.cancellation_details().reset`), and the attempt after it is the first.

        Args:
            activity_id: The activity.
            activity_type: All open ones of this type, instead.
            keep_paused: Whether a paused one stays paused.
            reset_heartbeat: Whether its next attempt knows no details of heartbeats.
            restore_original_options: Whether options are taken back that `update_activity_options` has changed.
            jitter: An attempt that waits begins up to so much later, each at a time of its own.
            rpc_metadata: For interceptors only.
            rpc_timeout: How long to wait for the answer.
        """
        check_arguments(ActivityOperations.reset_activity, locals())
        if (outbound := self._asking.outbound) is not None:
            told = ResetActivityInput(
                **self._which(activity_id, activity_type),
                keep_paused=keep_paused,
                reset_heartbeat=reset_heartbeat,
                restore_original_options=restore_original_options,
                jitter=jitter,
                rpc_metadata=rpc_metadata,
                rpc_timeout=rpc_timeout,
            )
            await outbound.reset_activity(told)
            return
        await self._operate(
            command.ResetActivity,
            activity_id,
            activity_type,
            rpc_timeout,
            keep_paused=keep_paused,
            reset_heartbeat=reset_heartbeat,
            restore_original_options=restore_original_options,
            jitter_ms=milliseconds(jitter, "jitter"),
        )

    async def update_activity_options(
        self,
        activity_id: str | None = None,
        *,
        activity_type: str | None = None,
        task_queue: str | None = None,
        schedule_to_close_timeout: timedelta | None = None,
        schedule_to_start_timeout: timedelta | None = None,
        start_to_close_timeout: timedelta | None = None,
        heartbeat_timeout: timedelta | None = None,
        retry_policy: RetryPolicy | None = None,
        priority: Priority | None = None,
        restore_original: bool = False,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Changes options of an open activity. What is None stays as it is.

        Timeouts count at once, and for a running attempt too, whose worker does not know of them: a heartbeat timeout
        that is shorter than before may end it. The rest is for the attempts that follow.

        Args:
            activity_id: The activity.
            activity_type: All open ones of this type, instead.
            task_queue: Where its next attempts go.
            schedule_to_close_timeout: Limit on all attempts together; zero: none.
            schedule_to_start_timeout: Limit on waiting for a worker; zero: none.
            start_to_close_timeout: Limit on one attempt; zero: none.
            heartbeat_timeout: Limit between two heartbeats; zero: none.
            retry_policy: How failed attempts are repeated.
            priority: Which of several waiting tasks comes first.
            restore_original: Whether the options are taken back that it was scheduled with, before the others here.
            rpc_metadata: For interceptors only.
            rpc_timeout: How long to wait for the answer.

        Raises:
            TypeError: An option is of the wrong type.
        """
        timeouts = {
            "schedule_to_close_timeout": schedule_to_close_timeout,
            "schedule_to_start_timeout": schedule_to_start_timeout,
            "start_to_close_timeout": start_to_close_timeout,
            "heartbeat_timeout": heartbeat_timeout,
        }
        options = {"task_queue": task_queue, **timeouts, "retry_policy": retry_policy, "priority": priority}
        check_types(options)
        check_option("restore_original", restore_original, bool)
        if (outbound := self._asking.outbound) is not None:
            told = UpdateActivityOptionsInput(
                **self._which(activity_id, activity_type),
                options={name: value for name, value in options.items() if value is not None},
                restore_original=restore_original,
                rpc_metadata=rpc_metadata,
                rpc_timeout=rpc_timeout,
            )
            await outbound.update_activity_options(told)
            return
        await self._operate(
            command.UpdateActivityOptions,
            activity_id,
            activity_type,
            rpc_timeout,
            task_queue=task_queue,
            retry_policy=None if retry_policy is None else retry_policy.to_record(),
            priority=None if priority is None else priority.to_record(),
            restore_original=restore_original,
            **{f"{name}_ms": None if limit is None else milliseconds(limit, name) for name, limit in timeouts.items()},
        )

    def _which(self, activity_id: str | None, activity_type: str | None) -> dict[str, Any]:
        return {"activity_id": activity_id, "activity_type": activity_type, "id": self._id, "run_id": self._run_id}

    async def _operate(
        self,
        kind: Callable[..., Command],
        activity_id: str | None,
        activity_type: str | None,
        rpc_timeout: timedelta | None,
        **fields: Any,
    ) -> None:
        check_option("activity_id", activity_id, str | None)
        check_option("activity_type", activity_type, str | None)
        if bool(activity_id) == bool(activity_type):
            raise ValueError("give either an activity_id or an activity_type")
        wanted = kind(
            identity=self._asking.identity,
            run_id=self._run_id or "",
            activity_id=activity_id or "",
            activity_type=activity_type or "",
            **fields,
        )
        await self._asking.ask(self._id, wanted, Accepted, rpc_timeout)
