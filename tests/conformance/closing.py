"""Scenarios of parents that close, in each way that there is: what becomes of their children, here and elsewhere."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from datetime import timedelta
from itertools import product
from typing import Any

from foldlog import workflow
from foldlog.client import WorkflowExecutionStatus, WorkflowHandle
from foldlog.common import RetryPolicy
from foldlog.exceptions import ApplicationError
from foldlog.workflow import ParentClosePolicy

from tests.conformance.kin import Kid
from tests.conformance.scenarios import Place, Scenario
from tests.until import until_asked

STATUSES = {
    ParentClosePolicy.TERMINATE: WorkflowExecutionStatus.TERMINATED,
    ParentClosePolicy.REQUEST_CANCEL: WorkflowExecutionStatus.CANCELED,
    ParentClosePolicy.ABANDON: WorkflowExecutionStatus.RUNNING,
}
"""What becomes of children."""
WAYS = {
    "complete": WorkflowExecutionStatus.COMPLETED,
    "fail": WorkflowExecutionStatus.FAILED,
    "be cancelled": WorkflowExecutionStatus.CANCELED,
    "be terminated": WorkflowExecutionStatus.TERMINATED,
    "time out": WorkflowExecutionStatus.TIMED_OUT,
    "continue as new": WorkflowExecutionStatus.CONTINUED_AS_NEW,
    "be retried": WorkflowExecutionStatus.FAILED,
}
"""How a run closes."""


@workflow.defn
class Household:
    """Has a child, and closes without waiting for it."""

    def __init__(self) -> None:
        self._end = False

    @workflow.run
    async def run(self, child: str, elsewhere: str | None, policy: int, way: str) -> str:
        if not child or workflow.info().attempt > 1:
            return "the next run"
        await workflow.start_child_workflow(
            Kid.run, id=child, namespace=elsewhere, parent_close_policy=ParentClosePolicy(policy)
        )
        await workflow.wait_condition(lambda: self._end)
        if way in ("fail", "be retried"):
            raise ApplicationError("no", non_retryable=way == "fail")
        if way == "continue as new":
            workflow.continue_as_new(args=["", None, policy, way])
        if way == "time out":
            await workflow.sleep(timedelta(days=1))
        return "the first run"

    @workflow.signal
    def end(self) -> None:
        self._end = True


async def what_becomes_of_children(here: Place) -> None:
    places = (None, here.elsewhere.namespace)
    await asyncio.gather(*(_close(here, *case) for case in product(WAYS, STATUSES, places)))


async def _close(here: Place, way: str, policy: ParentClosePolicy, elsewhere: str | None) -> None:
    name = uuid.uuid4().hex
    # So long that the child has begun before, on whatever machine.
    options: dict[str, Any] = {"run_timeout": timedelta(seconds=5)} if way == "time out" else {}
    if way == "be retried":
        options["retry_policy"] = RetryPolicy(initial_interval=timedelta(milliseconds=10), maximum_attempts=2)
    handle = await here.start(Household.run, name, elsewhere, int(policy), way, **options)

    async def begun() -> bool:
        found = (await handle.describe()).pending_children
        return bool(found) and found[0].run_id is not None

    client = here.client if elsewhere is None else here.elsewhere
    child: WorkflowHandle[Any, Any] = client.get_workflow_handle(name)
    await until_asked(begun, "the child has begun")
    if way == "be cancelled":
        await handle.cancel()
    elif way == "be terminated":
        await handle.terminate()
    else:
        await handle.signal(Household.end)
    first = here.client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id)

    async def closed() -> bool:
        found = (await first.describe()).status
        assert found in (WAYS[way], WorkflowExecutionStatus.RUNNING), (way, found)
        return found is WAYS[way]

    async def settled() -> bool:
        return (await child.describe()).status is STATUSES[policy]

    await until_asked(closed, f"the parent closes: {way}")
    await until_asked(settled, f"the child is {STATUSES[policy].name} when its parent comes to {way}")
    if policy is ParentClosePolicy.ABANDON:
        await child.signal(Kid.end, "grown up")
        assert (await child.result())[0] == "grown up"
    if way in ("continue as new", "be retried"):
        assert await handle.result() == "the next run"


SHARED: list[Scenario] = [what_becomes_of_children]
"""As in `scenarios`."""

WORKFLOWS: Sequence[type] = [Household]
