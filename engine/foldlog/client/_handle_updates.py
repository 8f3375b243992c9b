"""The part of a workflow's handle that is about updates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Concatenate, Generic, overload

from foldlog.client._asking import Asking
from foldlog.client._intercepted import one_or_all
from foldlog.client._interceptor import StartWorkflowUpdateInput
from foldlog.client._types import (
    NO_METADATA,
    UNSET,
    LocalReturnType,
    MultiParamSpec,
    ParamType,
    RPCMetadata,
    SelfType,
)
from foldlog.client._updates import WorkflowUpdateHandle, WorkflowUpdateStage, ask_of_update, update_command
from foldlog.workflow._updates import UpdateDefinition, UpdateMethodMultiParam


class HandleUpdates(Generic[SelfType]):
    """Base class of `WorkflowHandle`."""

    _asking: Asking
    _id: str
    _run_id: str | None
    _first_execution_run_id: str | None

    @overload
    async def execute_update(
        self,
        update: UpdateMethodMultiParam[[SelfType], LocalReturnType],
        *,
        id: str | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> LocalReturnType: ...
    @overload
    async def execute_update(
        self,
        update: UpdateMethodMultiParam[[SelfType, ParamType], LocalReturnType],
        arg: ParamType,
        *,
        id: str | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> LocalReturnType: ...
    @overload
    async def execute_update(
        self,
        update: UpdateMethodMultiParam[Concatenate[SelfType, MultiParamSpec], LocalReturnType],
        *,
        args: Sequence[Any],
        id: str | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> LocalReturnType: ...
    @overload
    async def execute_update(
        self,
        update: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        id: str | None = None,
        result_type: Any = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> Any: ...
    async def execute_update(
        self,
        update: str | Callable[..., Any],
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        id: str | None = None,
        result_type: Any = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> Any:
        """Sends an update, waits until its handler has ended, and gives what it returned.

        Args:
            update: The update's method, or its name.
            arg: Its one argument.
            args: Its arguments, if there are several.
            id: Its ID. A second update of the run with the same one changes nothing and gets the answer of the first;
                None: a new one.
            result_type: The result's type, where the update is given by name.
            rpc_metadata: For interceptors only.
            rpc_timeout: How long to wait; None: without limit.

        Raises:
            WorkflowUpdateFailedError: It was refused, its handler failed, or the workflow ended before it; `cause` says
                which.
            WorkflowUpdateRPCTimeoutOrCancelledError: The time is over, or the waiting task was cancelled. The update
                itself may go on.
            WorkflowNotFoundError: There is no such workflow, or it has ended.
            RPCError: It could not be sent.
        """
        handle = await self._start_update(
            update, arg, args, WorkflowUpdateStage.COMPLETED, id, result_type, rpc_timeout, rpc_metadata
        )
        return await handle.result()

    @overload
    async def start_update(
        self,
        update: UpdateMethodMultiParam[[SelfType], LocalReturnType],
        *,
        wait_for_stage: WorkflowUpdateStage,
        id: str | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> WorkflowUpdateHandle[LocalReturnType]: ...
    @overload
    async def start_update(
        self,
        update: UpdateMethodMultiParam[[SelfType, ParamType], LocalReturnType],
        arg: ParamType,
        *,
        wait_for_stage: WorkflowUpdateStage,
        id: str | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> WorkflowUpdateHandle[LocalReturnType]: ...
    @overload
    async def start_update(
        self,
        update: UpdateMethodMultiParam[Concatenate[SelfType, MultiParamSpec], LocalReturnType],
        *,
        args: Sequence[Any],
        wait_for_stage: WorkflowUpdateStage,
        id: str | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> WorkflowUpdateHandle[LocalReturnType]: ...
    @overload
    async def start_update(
        self,
        update: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        wait_for_stage: WorkflowUpdateStage,
        id: str | None = None,
        result_type: Any = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> WorkflowUpdateHandle[Any]: ...
    async def start_update(
        self,
        update: str | Callable[..., Any],
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        wait_for_stage: WorkflowUpdateStage,
        id: str | None = None,
        result_type: Any = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> WorkflowUpdateHandle[Any]:
        """Sends an update and waits until it has come as far as wanted.

        A refusal, or a failure, is not raised here but by the handle's `result`.

        Args:
            update: The update's method, or its name.
            arg: Its one argument.
            args: Its arguments, if there are several.
            wait_for_stage: ACCEPTED or COMPLETED.
            id: Its ID, as for `execute_update`.
            result_type: The result's type, where the update is given by name.
            rpc_metadata: For interceptors only.
            rpc_timeout: How long to wait; None: without limit.

        Raises:
            ValueError: `wait_for_stage` is ADMITTED.
            WorkflowUpdateRPCTimeoutOrCancelledError: The time is over, or the waiting task was cancelled. The update
                itself may go on.
            WorkflowNotFoundError: There is no such workflow, or it has ended.
            RPCError: It could not be sent.
        """
        return await self._start_update(update, arg, args, wait_for_stage, id, result_type, rpc_timeout, rpc_metadata)

    async def _start_update(
        self,
        update: str | Callable[..., Any],
        arg: Any,
        args: Sequence[Any],
        wait_for_stage: WorkflowUpdateStage,
        id: str | None,
        result_type: Any,
        rpc_timeout: timedelta | None,
        rpc_metadata: RPCMetadata,
    ) -> WorkflowUpdateHandle[Any]:
        name, known_type = UpdateDefinition.name_and_result_type(update)
        result_type = known_type if result_type is None else result_type
        if (outbound := self._asking.outbound) is not None:
            offered = StartWorkflowUpdateInput(
                id=self._id,
                run_id=self._run_id,
                first_execution_run_id=self._first_execution_run_id,
                update_id=id,
                update=name,
                args=one_or_all(arg, args),
                wait_for_stage=wait_for_stage,
                ret_type=result_type,
                rpc_metadata=rpc_metadata,
                rpc_timeout=rpc_timeout,
            )
            return await outbound.start_workflow_update(offered)
        wanted = await update_command(
            self._asking,
            name,
            arg,
            args,
            wait_for_stage,
            id,
            run_id=self._run_id or "",
            first_execution_run_id=self._first_execution_run_id or "",
        )
        found = await ask_of_update(self._asking, self._id, wanted, rpc_timeout)
        return WorkflowUpdateHandle(
            self._asking,
            wanted.update_id,
            self._id,
            workflow_run_id=found.run_id,
            result_type=result_type,
            known=found,
        )

    def get_update_handle(
        self, id: str, *, workflow_run_id: str | None = None, result_type: Any = None
    ) -> WorkflowUpdateHandle[Any]:
        """A handle of an update by its ID. Asks nobody whether there is one.

        Args:
            id: The update's ID.
            workflow_run_id: The run that it is for; None: that of this handle.
            result_type: Type of its result.
        """
        return WorkflowUpdateHandle(
            self._asking,
            id,
            self._id,
            workflow_run_id=workflow_run_id or self._run_id,
            result_type=result_type,
        )

    def get_update_handle_for(
        self,
        update: UpdateMethodMultiParam[Concatenate[SelfType, MultiParamSpec], LocalReturnType],
        id: str,
        *,
        workflow_run_id: str | None = None,
    ) -> WorkflowUpdateHandle[LocalReturnType]:
        """As `get_update_handle`, with the type of an update's method.

        Raises:
            DefinitionError: The method has no `@workflow.update`.
        """
        _, result_type = UpdateDefinition.name_and_result_type(update)
        return self.get_update_handle(id, workflow_run_id=workflow_run_id, result_type=result_type)
