"""The client against a real broker and a real workflow processor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from foldlog import activity, workflow
from foldlog.client import (
    Client,
    WorkflowAlreadyStartedError,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHistory,
    WorkflowNotFoundError,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
)
from foldlog.common import QueryRejectCondition, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from foldlog.exceptions import (
    ActivityError,
    ApplicationError,
    CancelledError,
    DeadlineExceededError,
    TerminatedError,
    TimeoutError,
)
from foldlog.schemas import event
from foldlog.transport.admin import create_topics
from foldlog.transport.config import KafkaConfig
from foldlog.transport.topics import Topics
from foldlog.worker import Worker

QUEUE = "q"


@activity.defn
async def decline(reason: str) -> None:
    raise ApplicationError(reason, type="Declined", non_retryable=True)


@workflow.defn
class Counter:
    """Counts what it is told until it has `goal`."""

    def __init__(self) -> None:
        self.count = 0

    @workflow.run
    async def run(self, goal: int) -> int:
        await workflow.wait_condition(lambda: self.count >= goal)
        return self.count

    @workflow.signal
    def add(self, count: int) -> None:
        self.count += count

    @workflow.query
    def value(self) -> int:
        return self.count

    @workflow.query
    def broken(self) -> int:
        raise ValueError("cannot tell")


@workflow.defn
class Paying:
    @workflow.run
    async def run(self, reason: str) -> None:
        await workflow.execute_activity(decline, reason, start_to_close_timeout=timedelta(seconds=60))


@pytest.fixture
async def client(kafka: str, namespace: str, tmp_path: Path) -> AsyncIterator[Client]:
    """A client of a namespace that has a running processor and worker."""
    create_topics(KafkaConfig(bootstrap_servers=kafka), Topics(namespace), partitions=4)
    async with await Client.connect(
        kafka, namespace=namespace, rpc_timeout=timedelta(seconds=60), connect_timeout=timedelta(seconds=60)
    ) as connected:
        worker = Worker(
            connected, task_queue=QUEUE, workflows=[Counter, Paying], activities=[decline], state_dir=tmp_path
        )
        async with worker:
            yield connected


async def test_a_query_sees_the_signal_before_it(client: Client) -> None:
    handle = await client.start_workflow(Counter.run, 5, id="a", task_queue=QUEUE)
    for total in (2, 4):
        await handle.signal(Counter.add, 2)
        assert await handle.query(Counter.value) == total
    await handle.signal("add", 3)
    assert await handle.result() == 7
    assert await handle.query(Counter.value) == 7
    with pytest.raises(WorkflowQueryRejectedError, match="COMPLETED"):
        await handle.query(Counter.value, reject_condition=QueryRejectCondition.NOT_OPEN)
    with pytest.raises(WorkflowQueryFailedError, match="cannot tell"):
        await handle.query(Counter.broken)
    with pytest.raises(WorkflowQueryFailedError, match="nothing"):
        await handle.query("nothing")


async def test_a_failure_comes_with_its_causes(client: Client) -> None:
    with pytest.raises(WorkflowFailureError) as failed:
        await client.execute_workflow(Paying.run, "no money", id="a", task_queue=QUEUE)
    assert isinstance(failed.value.cause, ActivityError)
    cause = failed.value.cause.cause
    assert isinstance(cause, ApplicationError)
    assert (cause.type, cause.message) == ("Declined", "no money")


async def test_cancel_terminate_and_time_out(client: Client) -> None:
    cancelled = await client.start_workflow(Counter.run, 1, id="cancelled", task_queue=QUEUE)
    terminated = await client.start_workflow(Counter.run, 1, id="terminated", task_queue=QUEUE)
    late = client.execute_workflow(
        Counter.run, 1, id="late", task_queue=QUEUE, execution_timeout=timedelta(milliseconds=200)
    )
    await cancelled.cancel(reason="enough")
    await terminated.terminate("why", reason="really")
    with pytest.raises(WorkflowFailureError) as first:
        await cancelled.result()
    assert isinstance(first.value.cause, CancelledError)
    with pytest.raises(WorkflowFailureError, match="really") as second:
        await terminated.result()
    assert isinstance(second.value.cause, TerminatedError)
    assert list(second.value.cause.details) == ["why"]
    with pytest.raises(WorkflowFailureError) as third:
        await late
    assert isinstance(third.value.cause, TimeoutError)


async def test_ids_in_use(client: Client) -> None:
    first = await client.start_workflow(Counter.run, 1, id="a", task_queue=QUEUE)
    with pytest.raises(WorkflowAlreadyStartedError) as refused:
        await client.start_workflow(Counter.run, 1, id="a", task_queue=QUEUE)
    assert (refused.value.workflow_id, refused.value.run_id) == ("a", first.result_run_id)
    existing = await client.start_workflow(
        Counter.run, 1, id="a", task_queue=QUEUE, id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING
    )
    assert (existing.result_run_id, existing.first_execution_run_id) == (first.result_run_id, None)
    second = await client.start_workflow(
        Counter.run, 1, id="a", task_queue=QUEUE, id_conflict_policy=WorkflowIDConflictPolicy.TERMINATE_EXISTING
    )
    assert second.result_run_id != first.result_run_id
    with pytest.raises(WorkflowFailureError):
        await first.result()
    await second.signal(Counter.add, 1)
    assert await second.result() == 1
    with pytest.raises(WorkflowAlreadyStartedError):
        await client.execute_workflow(
            Counter.run, 1, id="a", task_queue=QUEUE, id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE
        )


async def test_a_repeated_start_with_the_same_request_id_starts_nothing(client: Client) -> None:
    handles = [
        await client.start_workflow(Counter.run, 1, id="a", task_queue=QUEUE, request_id="once") for _ in range(3)
    ]
    assert len({handle.result_run_id for handle in handles}) == 1
    for _ in range(3):
        await handles[0].signal(Counter.add, 1, request_id="also once")
    assert await handles[0].result() == 1
    again = await client.execute_workflow(Counter.run, 1, id="a", task_queue=QUEUE, request_id="once")
    assert again == 1


async def test_unknown_and_closed_workflows(client: Client) -> None:
    nobody = client.get_workflow_handle("nobody")
    for asked in (nobody.result(), nobody.query("x"), nobody.describe(), nobody.fetch_history(), nobody.cancel()):
        with pytest.raises(WorkflowNotFoundError, match="nobody"):
            await asked
    assert await client.execute_workflow(Counter.run, 0, id="done", task_queue=QUEUE) == 0
    done = client.get_workflow_handle("done")
    await done.cancel()  # in vain
    for told in (done.signal("add", 1), done.terminate()):
        with pytest.raises(WorkflowNotFoundError, match="COMPLETED"):
            await told
    other_run = client.get_workflow_handle("done", run_id="no such run")
    with pytest.raises(WorkflowNotFoundError, match="no such run"):
        await other_run.describe()


async def test_describe_history_and_list(client: Client) -> None:
    started = await client.start_workflow(Counter.run, 1, id="order-1", task_queue=QUEUE, memo={"who": "ann"})
    await client.execute_workflow(Counter.run, 0, id="order-2", task_queue=QUEUE)
    description = await started.describe()
    assert description.status is WorkflowExecutionStatus.RUNNING
    assert (description.workflow_type, description.task_queue, description.close_time) == ("Counter", QUEUE, None)
    assert await description.memo() == {"who": "ann"}
    history = await started.fetch_history()
    [first] = history.events
    assert isinstance(first, event.WorkflowExecutionStarted)
    assert (first.event_id, history.run_id) == (1, started.result_run_id)
    assert WorkflowHistory.from_json(history.workflow_id, history.to_json()) == history
    assert [event_.event_id async for event_ in started.fetch_history_events()] == [1]
    listed = {one.id: one.status async for one in client.list_workflows(id_prefix="order-")}
    assert listed == {"order-1": WorkflowExecutionStatus.RUNNING, "order-2": WorkflowExecutionStatus.COMPLETED}
    running = [one.id async for one in client.list_workflows(status=WorkflowExecutionStatus.RUNNING)]
    assert running == ["order-1"]


async def test_a_long_wait_that_is_too_long(client: Client) -> None:
    handle = await client.start_workflow(Counter.run, 1, id="a", task_queue=QUEUE)
    with pytest.raises(DeadlineExceededError, match="did not end within"):
        await handle.result(rpc_timeout=timedelta(milliseconds=200))


async def test_waiting_outlives_the_processor(
    kafka: str, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The processor goes and another one comes, on another disk: whoever waits hears of the end all the same."""
    # Nobody asks again by itself here: the new owner of a partition tells all clients.
    for name in ("FIRST_POLL_SECONDS", "LONG_POLL_SECONDS"):
        monkeypatch.setattr(f"foldlog.client._asking.{name}", 3600.0)
    create_topics(KafkaConfig(bootstrap_servers=kafka), Topics(namespace), partitions=2)
    async with await Client.connect(
        kafka, namespace=namespace, rpc_timeout=timedelta(seconds=60), connect_timeout=timedelta(seconds=60)
    ) as client:
        async with Worker(client, task_queue=QUEUE, workflows=[Counter], state_dir=tmp_path / "first"):
            waits = [
                asyncio.ensure_future(client.execute_workflow(Counter.run, 1, id=f"w-{n}", task_queue=QUEUE))
                for n in range(20)
            ]
            await asyncio.sleep(0)  # all have asked
            for n in range(20):  # and are waited for: this question comes after the start in its partition
                await client.get_workflow_handle(f"w-{n}").describe()
        async with Worker(client, task_queue=QUEUE, workflows=[Counter], state_dir=tmp_path / "second"):
            for n in range(20):
                await client.get_workflow_handle_for(Counter.run, f"w-{n}").signal(Counter.add, 1)
            assert await asyncio.wait_for(asyncio.gather(*waits), 100) == [1] * 20


async def test_many_at_once_over_one_connection(client: Client) -> None:
    async def one(number: int) -> int:
        handle = await client.start_workflow(Counter.run, number + 1, id=f"w-{number}", task_queue=QUEUE)
        await handle.signal(Counter.add, number + 1)
        return await handle.result()

    assert await asyncio.gather(*(one(number) for number in range(500))) == list(range(1, 501))


async def test_the_environment_names_the_namespace(client: Client, kafka: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOLDLOG_NAMESPACE", client.namespace)
    async with await Client.connect(kafka) as other:
        assert other.namespace == client.namespace
