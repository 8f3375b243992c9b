"""What programs written for Temporal's client rely on, and tests of its own SDK found missing here."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from foldlog import workflow
from foldlog.client import (
    Client,
    RPCError,
    RPCStatusCode,
    Schedule,
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionStartWorkflow,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
    WorkflowExecutionStatus,
    WorkflowQueryRejectedError,
)
from foldlog.common import QueryRejectCondition, RetryPolicy
from foldlog.exceptions import ConfigurationError, WorkflowNotFoundError
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker

from tests.until import until_asked


@workflow.defn
class Short:
    @workflow.run
    async def run(self) -> str:
        return "done"

    @workflow.query
    def look(self) -> str:
        return "seen"


@workflow.defn
class Cancels:
    """Cancels another workflow."""

    @workflow.run
    async def run(self, other: str) -> None:
        await workflow.get_external_workflow_handle(other).cancel()


async def test_a_workflow_that_has_ended_can_be_cancelled_in_vain(
    time_skipping_environment: WorkflowEnvironment,
) -> None:
    client = time_skipping_environment.client
    async with Worker(client, task_queue="q", workflows=[Short, Cancels]):
        handle = await client.start_workflow(Short.run, id="short", task_queue="q")
        await handle.result()
        length = len((await handle.fetch_history()).events)
        await handle.cancel()
        await client.execute_workflow(Cancels.run, "short", id="cancels", task_queue="q")
        assert len((await handle.fetch_history()).events) == length
        with pytest.raises(WorkflowNotFoundError):
            await handle.terminate()
        with pytest.raises(WorkflowNotFoundError):
            await client.get_workflow_handle("nobody").cancel()


async def test_a_rejected_query_says_in_which_state_the_workflow_is() -> None:
    not_open = QueryRejectCondition.NOT_OPEN
    async with await WorkflowEnvironment.start_time_skipping(default_workflow_query_reject_condition=not_open) as env:
        async with Worker(env.client, task_queue="q", workflows=[Short]):
            handle = await env.client.start_workflow(Short.run, id="short", task_queue="q")
            await handle.result()
            with pytest.raises(WorkflowQueryRejectedError) as rejected:
                await handle.query(Short.look)
            assert await handle.query(Short.look, reject_condition=QueryRejectCondition.NONE) == "seen"
    assert rejected.value.status is WorkflowExecutionStatus.COMPLETED
    assert rejected.value.cause is None


async def test_a_schedule_needs_no_worker(time_skipping_environment: WorkflowEnvironment) -> None:
    client = time_skipping_environment.client
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(Short.run, id="short", task_queue="q", retry_policy=RetryPolicy()),
        spec=ScheduleSpec(),
    )
    handle = await client.create_schedule("s", schedule)

    def tighter(asked: ScheduleUpdateInput) -> ScheduleUpdate:
        found = asked.description.schedule
        assert isinstance(found.action, ScheduleActionStartWorkflow)
        assert found.action.retry_policy is not None
        found.action.retry_policy.maximum_attempts = 3
        return ScheduleUpdate(replace(found, action=replace(found.action, task_queue="other")))

    await handle.update(tighter)
    action = (await handle.describe()).schedule.action
    assert isinstance(action, ScheduleActionStartWorkflow)
    assert (action.workflow, action.task_queue) == ("Short", "other")
    assert action.retry_policy == RetryPolicy(maximum_attempts=3)
    await handle.trigger()
    async with Worker(client, task_queue="q", workflows=[Short]):

        async def acted() -> bool:
            return bool((await handle.describe()).info.recent_actions)

        await until_asked(acted, "the schedule acts")
        started = (await handle.describe()).info.recent_actions[0].action
        assert isinstance(started, ScheduleActionExecutionStartWorkflow)
        assert await client.get_workflow_handle(started.workflow_id).result() == "done"


def test_a_retry_policy_that_is_changed_is_checked_when_it_is_used() -> None:
    policy = RetryPolicy()
    policy.maximum_interval = timedelta(milliseconds=1)
    with pytest.raises(ConfigurationError, match="maximum_interval"):
        policy.to_record()
    with pytest.raises(ValueError, match="maximum_attempts"):
        RetryPolicy(maximum_attempts=-1)


def test_an_error_of_a_call_can_be_made_as_from_grpc() -> None:
    error = RPCError("gone", RPCStatusCode.NOT_FOUND, b"details")
    assert (error.message, error.status, error.raw_grpc_status) == ("gone", RPCStatusCode.NOT_FOUND, b"details")


@workflow.defn
class Build:
    @workflow.run
    async def run(self) -> list[str]:
        version = workflow.info().get_current_deployment_version()
        return [workflow.info().get_current_build_id(), "none" if version is None else version.deployment_name]


async def test_code_can_ask_for_its_build_without_a_deployment(time_skipping_environment: WorkflowEnvironment) -> None:
    client = time_skipping_environment.client
    async with Worker(client, task_queue="q", workflows=[Build], build_id="1.0"):
        assert await client.execute_workflow(Build.run, id="built", task_queue="q") == ["1.0", ""]
    async with Worker(client, task_queue="q", workflows=[Build]):
        assert await client.execute_workflow(Build.run, id="unknown", task_queue="q") == ["", "none"]


async def test_another_client_by_the_address_of_the_first(time_skipping_environment: WorkflowEnvironment) -> None:
    client = time_skipping_environment.client
    address = client.service_client.config.target_host
    async with Worker(client, task_queue="q", workflows=[Short]):
        async with await Client.connect(address, namespace=client.namespace, identity="the other") as other:
            assert other.identity == "the other"
            assert await other.execute_workflow(Short.run, id="short", task_queue="q") == "done"
            async with await Client.connect(target_host=address, lazy=True) as third:
                assert third.namespace == "default"
    assert (await client.get_workflow_handle("short").describe()).status is WorkflowExecutionStatus.COMPLETED
