"""Scenarios of values that go through a codec, and of headers that go along with every call."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog.api.common.v1 import Payload
from foldlog.client import (
    Client,
    HeaderCodecBehavior,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleHandle,
    ScheduleSpec,
    ScheduleUpdate,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateStage,
)
from foldlog.common import RetryPolicy, WorkflowIDConflictPolicy
from foldlog.converter import (
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    ExternalStorage,
    PayloadCodec,
    StorageDriver,
    StorageDriverActivityInfo,
    StorageDriverClaim,
    StorageDriverRetrieveContext,
    StorageDriverStoreContext,
    StorageDriverWorkflowInfo,
)
from foldlog.converter.encryption import AESGCMCodec
from foldlog.exceptions import ApplicationError
from foldlog.schemas.framing import encode
from foldlog.worker import Worker

from examples.interceptors.context import TenantInterceptor, tenant
from tests.conformance.scenarios import QUEUE, Place, Scenario
from tests.until import DEADLINE, until, until_asked

LIMIT = timedelta(seconds=DEADLINE)


class Remote(PayloadCodec):
    """Encrypts, and takes its time, on an event loop."""

    def __init__(self) -> None:
        self.inner = AESGCMCodec({"k": b"k" * 32})

    async def encode(self, payloads: Sequence[Payload]) -> Any:
        await asyncio.sleep(0)
        return await self.inner.encode(payloads)

    async def decode(self, payloads: Sequence[Payload]) -> Any:
        await asyncio.sleep(0)
        return await self.inner.decode(payloads)


def of_tenant(text: str) -> str:
    return f"{text} of {tenant.get()}"


@workflow.defn
class Ledger:
    """Keeps what it is told, and by whom; goes on as new once."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.closed = False

    @workflow.run
    async def run(self, before: list[str]) -> list[str]:
        if not before:
            await workflow.wait_condition(lambda: self.closed)
            workflow.upsert_memo({"note": of_tenant("secret memo"), "gone": None})
            workflow.continue_as_new([*self.kept, of_tenant("secret first run")])
        workflow.set_signal_handler("late", self.tell)
        await workflow.wait_condition(lambda: self.closed)
        note = workflow.memo_value("note", type_hint=str)
        return [*before, note, "gone" if "gone" not in workflow.memo() else "still there", *self.kept]

    @workflow.signal
    def tell(self, text: str) -> None:
        self.kept.append(of_tenant(text))

    @workflow.update
    async def put(self, text: str) -> str:
        await workflow.sleep(0.01)
        if text == "secret failure":
            raise ApplicationError(of_tenant(text), "secret detail")
        self.kept.append(of_tenant(text))
        return f"{of_tenant(text)}, number {len(self.kept)}"

    @put.validator
    def check(self, text: str) -> None:
        if text == "secret refusal":
            raise ApplicationError(of_tenant(text))

    @workflow.update
    def close(self) -> None:
        self.closed = True


class Shelf(StorageDriver):
    """Stores payloads in this process, and takes its time."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.kept: dict[str, bytes] = {}
        self.targets: set[StorageDriverActivityInfo | StorageDriverWorkflowInfo | None] = set()

    def name(self) -> str:
        return self._name

    async def store(self, context: StorageDriverStoreContext, payloads: Sequence[Payload]) -> list[StorageDriverClaim]:
        await asyncio.sleep(0)
        self.targets.add(context.target)
        claims = []
        for payload in payloads:
            key = uuid.uuid4().hex
            self.kept[key] = payload.SerializeToString()
            claims.append(StorageDriverClaim({"key": key}))
        return claims

    async def retrieve(
        self, context: StorageDriverRetrieveContext, claims: Sequence[StorageDriverClaim]
    ) -> list[Payload]:
        await asyncio.sleep(0)
        return [Payload.FromString(self.kept[claim.claim_data["key"]]) for claim in claims]


def encrypted() -> DataConverter:
    """A converter whose codec encrypts."""
    return DataConverter(payload_codec=Remote(), failure_converter_class=DefaultFailureConverterWithEncodedAttributes)


def coded_client(here: Place, converter: DataConverter | None = None) -> Client:
    """The place's client, with a codec, and the tenant on everything."""
    config = here.client.config()
    config["data_converter"] = converter or encrypted()
    config["interceptors"] = [TenantInterceptor()]
    config["header_codec_behavior"] = HeaderCodecBehavior.CODEC
    return Client(**config)


async def told(handle: Any) -> None:
    """Everything that can be told to the first run."""
    tenant.set("put")
    assert await handle.execute_update(Ledger.put, "secret one", rpc_timeout=LIMIT) == "secret one of put, number 2"
    begun = await handle.start_update(Ledger.put, "secret two", wait_for_stage=WorkflowUpdateStage.ACCEPTED)
    assert await begun.result(rpc_timeout=LIMIT) == "secret two of put, number 3"
    for text in ("secret failure", "secret refusal"):
        with pytest.raises(WorkflowUpdateFailedError) as failed:
            await handle.execute_update(Ledger.put, text, rpc_timeout=LIMIT)
        assert isinstance(failed.value.cause, ApplicationError)
        assert failed.value.cause.message == f"{text} of put"
    tenant.set("late")
    await handle.signal("late", "secret late", rpc_timeout=LIMIT)


async def values_and_headers_on_every_path(here: Place, converter: DataConverter | None = None) -> None:
    client, id = coded_client(here, converter), uuid.uuid4().hex
    state = here.folder / uuid.uuid4().hex
    worker = Worker(client, task_queue=QUEUE, workflows=[Ledger], state_dir=state, max_cached_workflows=1)
    async with worker:
        await until(lambda: worker.ready, "the worker is ready")
        tenant.set("start")
        operation = WithStartWorkflowOperation(
            Ledger.run,
            [],
            id=id,
            task_queue=QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            memo={"gone": "secret memo"},
            static_summary="secret summary",
        )
        first = await client.execute_update_with_start_workflow(
            Ledger.put, "secret start", start_workflow_operation=operation, rpc_timeout=LIMIT
        )
        assert first == "secret start of start, number 1"
        handle = await operation.workflow_handle()
        # With one workflow in the cache, this one is built anew from its history from time to time.
        options: dict[str, Any] = {"start_signal": "tell", "start_signal_args": ["secret signal"]}
        other = await client.start_workflow(Ledger.run, ["x"], id=f"{id}-2", task_queue=QUEUE, **options)
        await told(handle)
        run_id = (await handle.describe(rpc_timeout=LIMIT)).run_id
        current = client.get_workflow_handle_for(Ledger.run, id)
        assert await (await current.describe(rpc_timeout=LIMIT)).static_summary() == "secret summary"
        await current.execute_update(Ledger.close, rpc_timeout=LIMIT)
        await current.execute_update(Ledger.put, "secret end", rpc_timeout=LIMIT)
        await current.execute_update(Ledger.close, rpc_timeout=LIMIT)
        assert await handle.result(rpc_timeout=LIMIT) == [
            "secret start of start",
            "secret one of put",
            "secret two of put",
            "secret first run of start",
            "secret memo of start",
            "gone",
            "secret late of late",
            "secret end of late",
        ]
        await other.terminate(rpc_timeout=LIMIT)
        for each in (client.get_workflow_handle(id, run_id=run_id), current, other):
            history = await each.fetch_history(rpc_timeout=LIMIT)
            assert [found for found in history.events if b"secret" in encode(found)] == []
        await here.replay_with(worker)


async def values_on_every_path_in_external_storages(here: Place) -> None:
    """The same, with all of it on two shelves, and nothing of it in the log."""
    shelves = [Shelf("even"), Shelf("odd")]
    storage = ExternalStorage(
        shelves, driver_selector=lambda context, payload: shelves[len(payload.data) % 2], payload_size_threshold=0
    )
    converter = DataConverter(
        external_storage=storage, failure_converter_class=DefaultFailureConverterWithEncodedAttributes
    )
    await values_and_headers_on_every_path(here, converter)
    for shelf in shelves:
        assert any(b"secret" in content for content in shelf.kept.values())
    targets = shelves[0].targets | shelves[1].targets
    named = [each for each in targets if isinstance(each, StorageDriverWorkflowInfo)]
    assert {(each.namespace, bool(each.id)) for each in named} == {(here.client.namespace, True)}


@workflow.defn
class Tried:
    """Fails, so that it is tried again; then says who heard of it, a child and what that is told included."""

    @workflow.run
    async def run(self, failures: int) -> list[str]:
        if workflow.info().attempt <= failures:
            raise ApplicationError("again")
        child = await workflow.start_child_workflow(Leaf.run)
        await child.signal(Leaf.hear, "child signal")
        await workflow.get_external_workflow_handle_for(Leaf.run, child.id).signal(Leaf.hear, "signal")
        return [of_tenant("run"), *(await child)]


@workflow.defn
class Leaf:
    """Hears two signals, and runs activities of both kinds."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    @workflow.run
    async def run(self) -> list[str]:
        await workflow.wait_condition(lambda: len(self.heard) == 2)
        started = await workflow.execute_activity(of_whom, "activity", start_to_close_timeout=LIMIT)
        local = await workflow.execute_local_activity(of_whom, "local", **LOCAL)
        return [of_tenant("child"), *self.heard, started, local]

    @workflow.signal
    def hear(self, text: str) -> None:
        self.heard.append(of_tenant(text))


LOCAL: Any = {"start_to_close_timeout": LIMIT}


@activity.defn
async def of_whom(text: str) -> str:
    return of_tenant(text)


def of_all(name: str) -> list[str]:
    return [f"{text} of {name}" for text in ("run", "child", "child signal", "signal", "activity", "local")]


async def headers_outlive_attempts_times_and_workers(here: Place) -> None:
    """A tenant goes along to retries, the next times of a cron schedule, and what a schedule starts; all in a codec."""
    client, id, state = coded_client(here), uuid.uuid4().hex, here.folder / uuid.uuid4().hex

    def worker() -> Worker:
        return Worker(client, task_queue=QUEUE, workflows=[Tried, Leaf], activities=[of_whom], state_dir=state)

    begin: dict[str, Any] = {"task_queue": QUEUE, "rpc_timeout": LIMIT}
    async with worker() as first:
        await until(lambda: first.ready, "the worker is ready")
        tenant.set("retry")
        policy = RetryPolicy(initial_interval=timedelta(seconds=1), backoff_coefficient=1.0)
        retried = await client.start_workflow(Tried.run, 1, id=f"{id}-retry", retry_policy=policy, **begin)
        tenant.set("cron")
        cron = await client.start_workflow(Tried.run, 0, id=f"{id}-cron", cron_schedule="@every 1s", **begin)
        tenant.set("schedule")
        action = ScheduleActionStartWorkflow(Tried.run, 0, id=f"{id}-planned", task_queue=QUEUE)
        schedule = await client.create_schedule(id, Schedule(action, ScheduleSpec()), rpc_timeout=LIMIT)
        tenant.set("somebody else")
        await schedule.update(lambda told: ScheduleUpdate(told.description.schedule), rpc_timeout=LIMIT)
    async with worker() as second:
        await until(lambda: second.ready, "the worker is ready again")
        assert await retried.result(rpc_timeout=LIMIT) == of_all("retry")
        await schedule.trigger(rpc_timeout=LIMIT)
        assert await planned(client, schedule) == of_all("schedule")
        await schedule.delete(rpc_timeout=LIMIT)
        assert await cron.result(follow_runs=False, rpc_timeout=LIMIT) == of_all("cron")
        current = client.get_workflow_handle(cron.id)

        async def next_run() -> str:
            run_id = (await current.describe(rpc_timeout=LIMIT)).run_id
            return "" if run_id == cron.result_run_id else run_id

        run_id = await until_asked(next_run, "the cron schedule's next run")
        following = client.get_workflow_handle_for(Tried.run, cron.id, run_id=run_id)
        assert await following.result(follow_runs=False, rpc_timeout=LIMIT) == of_all("cron")
        await current.terminate(rpc_timeout=LIMIT)
        await here.replay_with(second)


async def planned(client: Client, schedule: ScheduleHandle) -> list[str]:
    """What the workflow returned that a schedule has started."""

    async def taken() -> Any:
        return (await schedule.describe(rpc_timeout=LIMIT)).info.recent_actions

    (action,) = await until_asked(taken, "the schedule starts its workflow")
    return await client.get_workflow_handle_for(Tried.run, action.action.workflow_id).result(rpc_timeout=LIMIT)


ALONE: list[Scenario] = [
    values_and_headers_on_every_path,
    values_on_every_path_in_external_storages,
    headers_outlive_attempts_times_and_workers,
]
"""Scenarios that bring their own workers."""
