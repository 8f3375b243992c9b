"""Workflows that wait for other ones: for their children, and for those of another namespace."""

from __future__ import annotations

import asyncio
from typing import Any

from foldlog import workflow
from foldlog.common import RetryPolicy
from foldlog.exceptions import ApplicationError, ChildWorkflowError
from foldlog.workflow import ParentClosePolicy

from tests.conformance.waiting_parts import AWHILE, Kid

ONCE_MORE = RetryPolicy(initial_interval=AWHILE, maximum_attempts=2)
"""The second attempt comes after the restart."""


class WaitsForOthers:
    """The part of `waiting.Waiter` that waits for other workflows."""

    words: list[str]
    """What it was told."""

    async def told(self, count: int = 1) -> str:
        """The word that the workflow was told."""
        await workflow.wait_condition(lambda: len(self.words) >= count)
        return self.words[count - 1]

    async def child(self) -> str:
        return await workflow.execute_child_workflow(Kid.run, id=f"{workflow.info().workflow_id}-kid")

    async def canceled_child(self) -> str:
        child = await workflow.start_child_workflow(Kid.run, id=f"{workflow.info().workflow_id}-kid")
        child.cancel()
        try:
            return await child
        except ChildWorkflowError as error:
            return type(error.cause).__name__

    async def child_elsewhere(self, namespace: str) -> str:
        return await workflow.execute_child_workflow(
            Kid.run, "elsewhere", namespace=namespace, parent_close_policy=ParentClosePolicy.ABANDON
        )

    async def signal_elsewhere(self, namespace: str) -> str | None:
        try:
            await workflow.get_external_workflow_handle("nobody", namespace=namespace).signal("tell", "word")
        except ApplicationError as error:
            return error.type
        return "never"

    async def cancel_elsewhere(self, namespace: str) -> str | None:
        try:
            await workflow.get_external_workflow_handle("nobody", namespace=namespace).cancel()
        except ApplicationError as error:
            return error.type
        return "never"

    async def end_of_child(self, kind: str) -> Any:
        """How a child ends that waits in its own way."""
        options: dict[str, dict[str, Any]] = {
            "retried": {"retry_policy": ONCE_MORE},
            "cron": {"cron_schedule": "@every 1s"},
        }
        try:
            return await workflow.execute_child_workflow(
                "Waiter", kind, id=f"{workflow.info().workflow_id}-kid", **options.get(kind, {})
            )
        except ChildWorkflowError as error:
            return [type(error.cause).__name__, error.retry_state and error.retry_state.name]

    async def canceled_child_elsewhere(self, namespace: str) -> str:
        """It is to be cancelled before anybody there has begun it."""
        child = asyncio.create_task(
            workflow.execute_child_workflow(Kid.run, id=f"{workflow.info().workflow_id}-kid", namespace=namespace)
        )
        await self.told()
        child.cancel()
        try:
            return await child
        except ChildWorkflowError as error:
            return type(error.cause).__name__
