"""Updates that start their workflow, if it does not run: one command, one answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Concatenate, Generic, Unpack, cast, overload

from foldlog.client._asking import Asking
from foldlog.client._handle import WorkflowHandle
from foldlog.client._headers import put
from foldlog.client._intercepted import WITH_START_FIELDS, one_or_all
from foldlog.client._interceptor import (
    Headers,
    StartWorkflowUpdateWithStartInput,
    UpdateWithStartStartWorkflowInput,
    UpdateWithStartUpdateWorkflowInput,
)
from foldlog.client._start_options import RunOptions, StartOptions, start_command
from foldlog.client._types import (
    NO_METADATA,
    UNSET,
    LocalReturnType,
    MethodAsyncNoParam,
    MethodAsyncSingleParam,
    MultiParamSpec,
    ParamType,
    ReturnType,
    RPCMetadata,
    SelfType,
)
from foldlog.client._updates import WorkflowUpdateHandle, WorkflowUpdateStage, ask_of_update, update_command
from foldlog.common import WorkflowIDConflictPolicy
from foldlog.schemas.command import UpdateInput
from foldlog.schemas.reply import UpdateReply
from foldlog.workflow._definition import Definition
from foldlog.workflow._updates import UpdateDefinition, UpdateMethodMultiParam


class WithStartWorkflowOperation(Generic[SelfType, ReturnType]):
    """The start of an update-with-start: what is started if the workflow does not run. To be used once."""

    @overload
    def __init__(
        self,
        workflow: MethodAsyncNoParam[SelfType, ReturnType],
        *,
        id: str,
        task_queue: str,
        id_conflict_policy: WorkflowIDConflictPolicy,
        **options: Unpack[RunOptions],
    ) -> None: ...
    @overload
    def __init__(
        self,
        workflow: MethodAsyncSingleParam[SelfType, ParamType, ReturnType],
        arg: ParamType,
        *,
        id: str,
        task_queue: str,
        id_conflict_policy: WorkflowIDConflictPolicy,
        **options: Unpack[RunOptions],
    ) -> None: ...
    @overload
    def __init__(
        self,
        workflow: Callable[Concatenate[SelfType, MultiParamSpec], Awaitable[ReturnType]],
        *,
        args: Sequence[Any],
        id: str,
        task_queue: str,
        id_conflict_policy: WorkflowIDConflictPolicy,
        **options: Unpack[RunOptions],
    ) -> None: ...
    @overload
    def __init__(
        self,
        workflow: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        id: str,
        task_queue: str,
        id_conflict_policy: WorkflowIDConflictPolicy,
        result_type: Any = None,
        **options: Unpack[RunOptions],
    ) -> None: ...
    def __init__(
        self,
        workflow: str | Callable[..., Awaitable[Any]],
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        id: str,
        task_queue: str,
        id_conflict_policy: WorkflowIDConflictPolicy,
        result_type: Any = None,
        **options: Unpack[RunOptions],
    ) -> None:
        """Say what is to be started.

        Args:
            workflow: Its run method, or its name.
            arg: Its one argument.
            args: Its arguments, if there are several.
            id: Its ID.
            task_queue: Where its activities' tasks go, unless they say otherwise.
            id_conflict_policy: If it runs already: USE_EXISTING updates that one, FAIL refuses both, TERMINATE_EXISTING
                terminates it first.
            result_type: Type of its result, where the workflow is given by name.
            **options: As for `Client.start_workflow`.

        Raises:
            ValueError: `id_conflict_policy` is UNSPECIFIED.
        """
        if id_conflict_policy == WorkflowIDConflictPolicy.UNSPECIFIED:
            raise ValueError("an update-with-start needs an id_conflict_policy: USE_EXISTING, FAIL …")
        name, known_type = Definition.name_and_result_type(workflow)
        self._workflow = name
        self._result_type = known_type if result_type is None else result_type
        self._arg = arg
        self._args = args
        self._id = id
        self._task_queue = task_queue
        self._options: dict[str, Any] = {**options, "id_conflict_policy": id_conflict_policy}
        self._used = False
        self._handle: asyncio.Future[WorkflowHandle[SelfType, ReturnType]] | None = None

    async def workflow_handle(self) -> WorkflowHandle[SelfType, ReturnType]:
        """Waits until the workflow runs, and gives its handle.

        Raises:
            RPCError, WorkflowAlreadyStartedError: What the update-with-start raises, if nothing runs then.
        """
        return await asyncio.shield(self._future())

    def _future(self) -> asyncio.Future[WorkflowHandle[SelfType, ReturnType]]:
        # Not in __init__: there may be no event loop yet.
        if self._handle is None:
            self._handle = asyncio.get_running_loop().create_future()
        return self._handle

    def _input(self) -> UpdateWithStartStartWorkflowInput:
        known = {name: value for name, value in self._options.items() if name in WITH_START_FIELDS}
        if len(known) < len(self._options):
            raise TypeError(f"unknown options: {', '.join(sorted(set(self._options) - set(known)))}")
        return UpdateWithStartStartWorkflowInput(
            workflow=self._workflow,
            args=one_or_all(self._arg, self._args),
            id=self._id,
            task_queue=self._task_queue,
            ret_type=self._result_type,
            given=frozenset(known),
            **known,
        )

    def _use(self) -> None:
        if self._used:
            raise RuntimeError("WithStartWorkflowOperation cannot be reused: make another one")
        self._used = True

    def _started(self, asking: Asking, found: UpdateReply) -> None:
        if self._future().done():
            return
        self._future().set_result(
            WorkflowHandle(
                asking,
                self._id,
                result_run_id=found.run_id,
                first_execution_run_id=found.first_execution_run_id or None,
                result_type=self._result_type,
            )
        )

    def _failed(self, error: BaseException) -> None:
        future = self._future()
        if future.done():
            return
        future.set_exception(error)
        future.exception()  # whoever does not ask for the handle need not hear of it a second time


class ClientUpdatesWithStart:
    """Base class of `Client`."""

    _asking: Asking

    @overload
    async def execute_update_with_start_workflow(
        self,
        update: UpdateMethodMultiParam[[SelfType], LocalReturnType],
        *,
        start_workflow_operation: WithStartWorkflowOperation[SelfType, Any],
        id: str | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> LocalReturnType: ...
    @overload
    async def execute_update_with_start_workflow(
        self,
        update: UpdateMethodMultiParam[[SelfType, ParamType], LocalReturnType],
        arg: ParamType,
        *,
        start_workflow_operation: WithStartWorkflowOperation[SelfType, Any],
        id: str | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> LocalReturnType: ...
    @overload
    async def execute_update_with_start_workflow(
        self,
        update: UpdateMethodMultiParam[Concatenate[SelfType, MultiParamSpec], LocalReturnType],
        *,
        args: Sequence[Any],
        start_workflow_operation: WithStartWorkflowOperation[SelfType, Any],
        id: str | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> LocalReturnType: ...
    @overload
    async def execute_update_with_start_workflow(
        self,
        update: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        start_workflow_operation: WithStartWorkflowOperation[Any, Any],
        id: str | None = None,
        result_type: Any = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> Any: ...
    async def execute_update_with_start_workflow(
        self,
        update: str | Callable[..., Any],
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        start_workflow_operation: WithStartWorkflowOperation[Any, Any],
        id: str | None = None,
        result_type: Any = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> Any:
        """Sends an update to a workflow, which is started if it does not run, and waits for its result.

        A workflow that is started handles the update before its run method begins.

        Args:
            update: The update's method, or its name.
            arg: Its one argument.
            args: Its arguments, if there are several.
            start_workflow_operation: What is started.
            id: Its ID, as for `WorkflowHandle.execute_update`.
            result_type: The result's type, where the update is given by name.
            rpc_metadata: For interceptors only.
            rpc_timeout: How long to wait; None: without limit.

        Raises:
            WorkflowUpdateFailedError: The update was refused or failed. The workflow has been started all the same.
            WorkflowAlreadyStartedError: It runs, or has run, and the policies refuse another one.
            WorkflowUpdateRPCTimeoutOrCancelledError: The time is over, or the waiting task was cancelled.
            RPCError: It could not be sent.
        """
        handle = await self._start_update_with_start(
            start_workflow_operation,
            update,
            arg,
            args,
            WorkflowUpdateStage.COMPLETED,
            id,
            result_type,
            rpc_timeout,
            rpc_metadata,
        )
        return await handle.result()

    @overload
    async def start_update_with_start_workflow(
        self,
        update: UpdateMethodMultiParam[[SelfType], LocalReturnType],
        *,
        start_workflow_operation: WithStartWorkflowOperation[SelfType, Any],
        wait_for_stage: WorkflowUpdateStage,
        id: str | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> WorkflowUpdateHandle[LocalReturnType]: ...
    @overload
    async def start_update_with_start_workflow(
        self,
        update: UpdateMethodMultiParam[[SelfType, ParamType], LocalReturnType],
        arg: ParamType,
        *,
        start_workflow_operation: WithStartWorkflowOperation[SelfType, Any],
        wait_for_stage: WorkflowUpdateStage,
        id: str | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> WorkflowUpdateHandle[LocalReturnType]: ...
    @overload
    async def start_update_with_start_workflow(
        self,
        update: UpdateMethodMultiParam[Concatenate[SelfType, MultiParamSpec], LocalReturnType],
        *,
        args: Sequence[Any],
        start_workflow_operation: WithStartWorkflowOperation[SelfType, Any],
        wait_for_stage: WorkflowUpdateStage,
        id: str | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> WorkflowUpdateHandle[LocalReturnType]: ...
    @overload
    async def start_update_with_start_workflow(
        self,
        update: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        start_workflow_operation: WithStartWorkflowOperation[Any, Any],
        wait_for_stage: WorkflowUpdateStage,
        id: str | None = None,
        result_type: Any = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> WorkflowUpdateHandle[Any]: ...
    async def start_update_with_start_workflow(
        self,
        update: str | Callable[..., Any],
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        start_workflow_operation: WithStartWorkflowOperation[Any, Any],
        wait_for_stage: WorkflowUpdateStage,
        id: str | None = None,
        result_type: Any = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> WorkflowUpdateHandle[Any]:
        """As `execute_update_with_start_workflow`, waiting until the update has come as far as wanted.

        A refusal, or a failure, of the update is raised by the handle's `result`.

        Args:
            update: The update's method, or its name.
            arg: Its one argument.
            args: Its arguments, if there are several.
            start_workflow_operation: What is started.
            wait_for_stage: ACCEPTED or COMPLETED.
            id: Its ID, as for `WorkflowHandle.execute_update`.
            result_type: The result's type, where the update is given by name.
            rpc_metadata: For interceptors only.
            rpc_timeout: How long to wait; None: without limit.

        Raises:
            ValueError: `wait_for_stage` is ADMITTED.
            WorkflowAlreadyStartedError: It runs, or has run, and the policies refuse another one.
            WorkflowUpdateRPCTimeoutOrCancelledError: The time is over, or the waiting task was cancelled.
            RPCError: It could not be sent.
        """
        return await self._start_update_with_start(
            start_workflow_operation, update, arg, args, wait_for_stage, id, result_type, rpc_timeout, rpc_metadata
        )

    async def _start_update_with_start(
        self,
        operation: WithStartWorkflowOperation[Any, Any],
        update: str | Callable[..., Any],
        arg: Any,
        args: Sequence[Any],
        wait_for_stage: WorkflowUpdateStage,
        id: str | None,
        result_type: Any,
        rpc_timeout: timedelta | None,
        rpc_metadata: RPCMetadata,
    ) -> WorkflowUpdateHandle[Any]:
        operation._use()
        name, known_type = UpdateDefinition.name_and_result_type(update)
        result_type = known_type if result_type is None else result_type
        outbound = self._asking.outbound
        try:
            if outbound is None:
                return await self._send_update_with_start(
                    operation, name, arg, args, wait_for_stage, id, result_type, rpc_timeout, operation._started
                )
            offered = UpdateWithStartUpdateWorkflowInput(
                update_id=id,
                update=name,
                args=one_or_all(arg, args),
                wait_for_stage=wait_for_stage,
                ret_type=result_type,
            )
            return await outbound.start_update_with_start_workflow(
                StartWorkflowUpdateWithStartInput(
                    start_workflow_input=operation._input(),
                    update_workflow_input=offered,
                    rpc_metadata=rpc_metadata,
                    rpc_timeout=rpc_timeout,
                    _on_start=partial(operation._started, self._asking),
                    _on_start_error=operation._failed,
                )
            )
        except BaseException as error:
            operation._failed(error)
            raise

    async def _send_update_with_start(
        self,
        operation: WithStartWorkflowOperation[Any, Any],
        name: str,
        arg: Any,
        args: Sequence[Any],
        wait_for_stage: WorkflowUpdateStage,
        id: str | None,
        result_type: Any,
        rpc_timeout: timedelta | None,
        on_start: Callable[[Asking, UpdateReply], None],
        start_headers: Headers | None = None,
        update_headers: Headers | None = None,
    ) -> WorkflowUpdateHandle[Any]:
        """Past all interceptors. `on_start` is called as soon as the workflow is known to run."""
        asking = self._asking.of_workflow(operation._id)
        offered = await update_command(asking, name, arg, args, wait_for_stage, id)
        wanted = await start_command(
            self._asking,
            operation._workflow,
            operation._arg,
            operation._args,
            operation._id,
            operation._task_queue,
            cast(StartOptions, operation._options),
        )
        for headers, of in ((start_headers, wanted), (update_headers, offered)):
            if headers:
                await put(headers, of, asking.converter, asking.headers_coded)
        # For its acceptance only, at first: so the workflow's handle is known as soon as it can be.
        wanted.update = UpdateInput(
            update_id=offered.update_id,
            update_name=name,
            args=offered.args,
            header=offered.header,
            await_completed=False,
        )
        found = await ask_of_update(asking, operation._id, wanted, rpc_timeout)
        on_start(asking, found)
        handle = WorkflowUpdateHandle[Any](
            asking,
            offered.update_id,
            operation._id,
            workflow_run_id=found.run_id,
            result_type=result_type,
            known=found,
        )
        if offered.await_completed:
            await handle._wait(rpc_timeout)
        return handle
