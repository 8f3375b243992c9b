"""Features that were built apart, together: children that go on in new runs, schedules whose values are encrypted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from foldlog import workflow
from foldlog.client import (
    Schedule,
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionStartWorkflow,
    ScheduleIntervalSpec,
    ScheduleSpec,
    ScheduleState,
)
from foldlog.common import RetryPolicy
from foldlog.converter import DataConverter
from foldlog.converter.encryption import AESGCMCodec
from foldlog.exceptions import ApplicationError
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker

QUEUE = "q"


@workflow.defn
class CountDown:
    """Goes on as new until nothing is left; the run before the last one fails once."""

    @workflow.run
    async def run(self, left: int) -> str:
        await workflow.sleep(timedelta(hours=1))
        if left > 1:
            workflow.continue_as_new(left - 1)
        if workflow.info().attempt == 1:
            raise ApplicationError("not at the first try")
        return f"attempt {workflow.info().attempt}"


@workflow.defn
class Parent:
    @workflow.run
    async def run(self) -> list[Any]:
        again = RetryPolicy(maximum_attempts=3)
        child = await workflow.start_child_workflow(CountDown.run, 3, id="child", retry_policy=again)
        return [await child, child.first_execution_run_id]


@workflow.defn
class Report:
    def __init__(self) -> None:
        self.name = ""

    @workflow.run
    async def run(self, name: str) -> str:
        self.name = name
        return name


async def test_a_parent_hears_of_the_end_of_a_chain_and_only_of_that() -> None:
    async with await WorkflowEnvironment.start_time_skipping() as env:
        async with Worker(env.client, task_queue=QUEUE, workflows=[Parent, CountDown]):
            result, first = await env.client.execute_workflow(Parent.run, id="parent", task_queue=QUEUE)
            assert result == "attempt 2"
            last = await env.client.get_workflow_handle("child").describe()
            assert last.first_execution_run_id == first != last.run_id
            history = await env.client.get_workflow_handle("parent").fetch_history()
            names = [type(event).__name__ for event in history.events]
            assert names.count("ChildWorkflowExecutionCompleted") == 1
            assert not {name for name in names if name.startswith("ChildWorkflowExecution")} - {
                "ChildWorkflowExecutionStarted",
                "ChildWorkflowExecutionCompleted",
            }


async def test_a_schedule_keeps_encrypted_values_and_starts_workflows_with_them() -> None:
    converter = DataConverter(payload_codec=AESGCMCodec({"k": b"k" * 32}))
    async with await WorkflowEnvironment.start_time_skipping(data_converter=converter) as env:
        async with Worker(env.client, task_queue=QUEUE, workflows=[Report]):
            handle = await env.client.create_schedule(
                "secret",
                Schedule(
                    action=ScheduleActionStartWorkflow(Report.run, "salaries", id="report", task_queue=QUEUE),
                    spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(days=1))]),
                    state=ScheduleState(limited_actions=True, remaining_actions=2),
                ),
            )
            await env.sleep(timedelta(days=3))
            found = await handle.describe()
            assert found.info.num_actions == 2
            action = found.schedule.action
            assert isinstance(action, ScheduleActionStartWorkflow)
            assert await converter.decode(action.args) == ["salaries"]
            taken = found.info.recent_actions[-1].action
            assert isinstance(taken, ScheduleActionExecutionStartWorkflow)
            started = taken.workflow_id
            assert await env.client.get_workflow_handle(started, result_type=str).result() == "salaries"
            for workflow_id in (started, "foldlog.schedule:secret"):
                history = await env.client.get_workflow_handle(workflow_id).fetch_history()
                assert b"salaries" not in b"".join(history.to_encoded())
