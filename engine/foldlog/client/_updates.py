"""Updates as a client sends them: how far to wait, the handle of one, and its outcome."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta
from enum import IntEnum
from typing import Any, Generic, cast

from foldlog._random_ids import random_id
from foldlog.client._asking import Asking
from foldlog.client._convert import decode_one, encode_args, seconds
from foldlog.client._errors import WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from foldlog.client._types import (
    NO_METADATA,
    LocalReturnType,
    RPCMetadata,
)
from foldlog.exceptions import RPCError, RPCStatusCode
from foldlog.schemas.command import AwaitUpdate, StartWorkflow, UpdateWorkflow
from foldlog.schemas.reply import UpdateReply

FIRST_RETRY_SECONDS = 0.05
LONGEST_RETRY_SECONDS = 1.0
RETRIED_SECONDS = 10.0
"""So long, an update is sent again that was refused because too many others of the workflow had not ended."""


class WorkflowUpdateStage(IntEnum):
    """How far an update has come. The numbers are Temporal's."""

    ADMITTED = 1
    """It is in the log. Not to be waited for."""
    ACCEPTED = 2
    """Its validator has let it through, it is in the workflow's history, and its handler has begun."""
    COMPLETED = 3
    """Its handler has ended, or it was refused."""


class WorkflowUpdateHandle(Generic[LocalReturnType]):
    """One update of a workflow. Made by `start_update` and `get_update_handle`; making one asks nobody anything."""

    def __init__(
        self,
        asking: Asking,
        id: str,
        workflow_id: str,
        *,
        workflow_run_id: str | None = None,
        result_type: Any = None,
        known: UpdateReply | None = None,
    ) -> None:
        """Private: use `WorkflowHandle.start_update` or `WorkflowHandle.get_update_handle`."""
        self._asking = asking.of_workflow(workflow_id)
        self._id = id
        self._workflow_id = workflow_id
        self._workflow_run_id = workflow_run_id
        self._result_type = result_type
        self._outcome = known if known is not None and known.stage == "COMPLETED" else None

    def __repr__(self) -> str:
        return f"WorkflowUpdateHandle({self._id!r}, workflow_id={self._workflow_id!r})"

    @property
    def id(self) -> str:
        """The update's ID."""
        return self._id

    @property
    def workflow_id(self) -> str:
        """The workflow that it is for."""
        return self._workflow_id

    @property
    def workflow_run_id(self) -> str | None:
        """The run that it is for; None: the one that is current when it is asked."""
        return self._workflow_run_id

    async def result(
        self, *, rpc_metadata: RPCMetadata = NO_METADATA, rpc_timeout: timedelta | None = None
    ) -> LocalReturnType:
        """Waits until the update's handler has ended, however long that takes, and gives what it returned.

        Processors and brokers may come and go meanwhile. An outcome that is known is given at once.

        Args:
            rpc_metadata: Taken for the sake of Temporal's signature.
            rpc_timeout: How long to wait; None: without limit.

        Raises:
            WorkflowUpdateFailedError: It was refused, its handler failed, or the workflow ended before it; `cause` says
                which.
            WorkflowUpdateRPCTimeoutOrCancelledError: The time is over, or the waiting task was cancelled. The update
                goes on.
            RPCError: The workflow, or the update, is not known.
        """
        outcome = await self._wait(rpc_timeout)
        if outcome.failure is not None:
            raise WorkflowUpdateFailedError(await self._asking.converter.decode_failure(outcome.failure))
        if outcome.result is None:
            raise RPCError(f"update {self._id!r} has ended, and nothing says how", RPCStatusCode.DATA_LOSS)
        return cast(LocalReturnType, await decode_one(self._asking.converter, outcome.result, self._result_type))

    async def _wait(self, rpc_timeout: timedelta | None) -> UpdateReply:
        if self._outcome is None:
            wanted = AwaitUpdate(
                identity=self._asking.identity,
                run_id=self._workflow_run_id or "",
                update_id=self._id,
                await_completed=True,
            )
            self._outcome = await ask_of_update(self._asking, self._workflow_id, wanted, rpc_timeout)
        return self._outcome


async def ask_of_update(
    asking: Asking,
    workflow_id: str,
    wanted: UpdateWorkflow | AwaitUpdate | StartWorkflow,
    rpc_timeout: timedelta | None,
) -> UpdateReply:
    """How far an update has come, once that is as far as the command waits for.

    One that is refused as one too many at a time is sent again for a while, as others come to their ends.

    Raises:
        WorkflowUpdateRPCTimeoutOrCancelledError: The time is over, or the waiting task was cancelled.
        RPCError, WorkflowAlreadyStartedError: It was refused.
    """
    began = time.monotonic()
    limit = RETRIED_SECONDS if rpc_timeout is None else min(RETRIED_SECONDS, seconds(rpc_timeout))
    wait, end = FIRST_RETRY_SECONDS, began + limit
    try:
        while True:
            left = None if rpc_timeout is None else rpc_timeout - timedelta(seconds=time.monotonic() - began)
            try:
                return await asking.update(workflow_id, wanted, left)
            except RPCError as error:
                if error.status is not RPCStatusCode.RESOURCE_EXHAUSTED or time.monotonic() + wait > end:
                    raise
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_RETRY_SECONDS)
    except RPCError as error:
        if error.status in (RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED):
            raise WorkflowUpdateRPCTimeoutOrCancelledError from error
        raise
    except asyncio.CancelledError as error:
        # What Temporal does; whoever cancels a task that waits for an update gets this error out of it.
        raise WorkflowUpdateRPCTimeoutOrCancelledError from error


async def update_command(
    asking: Asking,
    update: str,
    arg: Any,
    args: Sequence[Any],
    wait_for_stage: WorkflowUpdateStage,
    id: str | None,
    *,
    run_id: str = "",
    first_execution_run_id: str = "",
) -> UpdateWorkflow:
    """An update as a command.

    Raises:
        ValueError: The stage cannot be waited for, or both `arg` and `args` were given.
    """
    if wait_for_stage == WorkflowUpdateStage.ADMITTED:
        raise ValueError("wait_for_stage ADMITTED is not supported: wait for ACCEPTED or COMPLETED")
    request_id = random_id()
    return UpdateWorkflow(
        request_id=request_id,
        identity=asking.identity,
        run_id=run_id,
        first_execution_run_id=first_execution_run_id,
        update_id=id or request_id,
        update_name=update,
        args=await encode_args(asking.converter, arg, args),
        await_completed=wait_for_stage == WorkflowUpdateStage.COMPLETED,
    )
