"""A scenario of values behind a codec that makes one payload of several, on every path that a value can take."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog.api.common.v1 import Payload, Payloads
from foldlog.client import (
    Client,
    HeaderCodecBehavior,
    Schedule,
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionStartWorkflow,
    ScheduleOverlapPolicy,
    ScheduleSpec,
    ScheduleUpdate,
    WorkflowFailureError,
    WorkflowUpdateFailedError,
)
from foldlog.common import RetryPolicy
from foldlog.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes, PayloadCodec
from foldlog.exceptions import ActivityError, ApplicationError
from foldlog.worker import Worker

from examples.interceptors.context import TenantInterceptor, tenant
from tests.conformance.data import LIMIT
from tests.conformance.scenarios import QUEUE, Place, Scenario
from tests.until import until, until_asked

SOON = timedelta(seconds=20)
OFTEN = RetryPolicy(initial_interval=timedelta(milliseconds=1))


class Merging(PayloadCodec):
    """Puts all that it is given into one payload, and takes its time. It refuses what it did not make."""

    def __init__(self) -> None:
        self.most = 0

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        await asyncio.sleep(0)
        self.most = max(self.most, len(payloads))
        return [Payload(metadata={"encoding": b"binary/merged"}, data=Payloads(payloads=payloads).SerializeToString())]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        await asyncio.sleep(0)
        (payload,) = payloads
        if payload.metadata["encoding"] != b"binary/merged":
            raise RuntimeError(f"not made by this codec: {payload}")
        return list(Payloads.FromString(payload.data).payloads)


@activity.defn
async def beat(left: str, right: int) -> list[Any]:
    """Fails once, after a heartbeat with two details."""
    if not activity.info().heartbeat_details:
        activity.heartbeat(left, right)
        raise ApplicationError("again")
    return [*activity.info().heartbeat_details, left, right, tenant.get()]


@activity.defn
async def refuse(left: str, right: int) -> None:
    raise ApplicationError("refused", left, right, non_retryable=True)


@workflow.defn
class Grandchild:
    @workflow.run
    async def run(self, left: str, right: int) -> list[Any]:
        await workflow.wait_condition(lambda: hasattr(self, "told"))
        return [left, right, *self.told]

    @workflow.signal
    def tell(self, left: str, right: int) -> None:
        self.told = [left, right]


@workflow.defn
class Pairs:
    """Everything is told in pairs."""

    def __init__(self) -> None:
        self.pairs: list[Any] = []
        self.done = False

    @workflow.run
    async def run(self, left: str, right: int) -> list[Any]:
        if left != "second":
            await workflow.wait_condition(lambda: len(self.pairs) >= 3)
            workflow.upsert_memo({"two": [1, 2], "three": None})
            workflow.continue_as_new(args=["second", right + 1])
        both = await asyncio.gather(
            workflow.execute_activity(
                beat, args=["a", 1], start_to_close_timeout=SOON, retry_policy=OFTEN, summary="s"
            ),
            workflow.execute_local_activity(refuse, args=["b", 2], start_to_close_timeout=SOON),
            workflow.execute_activity(refuse, args=["c", 3], start_to_close_timeout=SOON),
            self.kin(),
            return_exceptions=True,
        )
        await workflow.wait_condition(lambda: self.done)
        memo = [workflow.memo_value(name, None) for name in ("one", "two", "three")]
        return [left, right, memo, *map(plain, both), *self.pairs]

    async def kin(self) -> Any:
        child = await workflow.start_child_workflow(Grandchild.run, args=["d", 4])
        await child.signal(Grandchild.tell, args=["e", 5])
        return await child

    @workflow.signal
    def tell(self, left: str, right: int) -> None:
        self.pairs.append([left, right])

    @workflow.signal
    def end(self) -> None:
        self.done = True

    @workflow.update
    async def put(self, left: str, right: int) -> list[Any]:
        if left == "fail":
            raise ApplicationError("failed", left, right)
        self.pairs.append([left, right])
        return [left, right, tenant.get()]

    @workflow.query
    def get(self, left: str, right: int) -> list[Any]:
        if left == "fail":
            raise ApplicationError("failed", left, right)
        return [left, right, len(self.pairs), tenant.get()]


def plain(value: Any) -> Any:
    cause = value.cause if isinstance(value, ActivityError) else value  # a local activity's is not wrapped
    if isinstance(cause, ApplicationError):
        return [cause.message, *cause.details]
    if isinstance(value, BaseException):
        raise value
    return value


@workflow.defn
class Scheduled:
    @workflow.run
    async def run(self, left: str, right: int) -> None:
        raise ApplicationError("as planned", left, right)


async def told(handle: Any) -> None:
    await handle.signal(Pairs.tell, args=["s", 6], rpc_timeout=LIMIT)
    assert await handle.query(Pairs.get, args=["q", 7], rpc_timeout=LIMIT) == ["q", 7, 2, "acme"]
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await handle.execute_update(Pairs.put, args=["fail", 8], rpc_timeout=LIMIT)
    assert isinstance(failed.value.cause, ApplicationError)
    assert (failed.value.cause.message, failed.value.cause.details) == ("failed", ("fail", 8))
    assert await handle.execute_update(Pairs.put, args=["u", 9], rpc_timeout=LIMIT) == ["u", 9, "acme"]


async def by_a_schedule(client: Client, id: str) -> None:
    """A description has what the codec made of arguments; it goes back with an update, and to the workflow."""
    action = ScheduleActionStartWorkflow(Scheduled.run, args=["z", 26], id=id, task_queue=QUEUE, memo={"k": "v"})
    handle = await client.create_schedule(f"{id}-schedule", Schedule(action=action, spec=ScheduleSpec()))
    described = await handle.describe(rpc_timeout=LIMIT)
    shown = described.schedule.action
    assert isinstance(shown, ScheduleActionStartWorkflow)
    assert await client.data_converter.decode(shown.args) == ["z", 26]
    await handle.update(lambda told: None if told is None else _same(told), rpc_timeout=LIMIT)
    await handle.trigger(overlap=ScheduleOverlapPolicy.ALLOW_ALL, rpc_timeout=LIMIT)

    async def taken() -> Any:
        return (await handle.describe(rpc_timeout=LIMIT)).info.recent_actions

    (action,) = await until_asked(taken, "the schedule starts its workflow")
    started = action.action
    assert isinstance(started, ScheduleActionExecutionStartWorkflow)
    with pytest.raises(WorkflowFailureError) as failed:
        await client.get_workflow_handle(started.workflow_id).result(rpc_timeout=LIMIT)
    assert isinstance(failed.value.cause, ApplicationError)
    assert failed.value.cause.details == ("z", 26)
    await handle.delete(rpc_timeout=LIMIT)


def _same(told: Any) -> Any:
    return ScheduleUpdate(schedule=told.description.schedule)


def merging_client(here: Place) -> Client:
    """The place's client, with the codec, and a header on everything."""
    config = here.client.config()
    config["data_converter"] = DataConverter(
        payload_codec=Merging(), failure_converter_class=DefaultFailureConverterWithEncodedAttributes
    )
    config["interceptors"] = [TenantInterceptor()]
    config["header_codec_behavior"] = HeaderCodecBehavior.CODEC
    return Client(**config)


async def a_codec_that_makes_one_payload_of_several(here: Place) -> None:
    client, id = merging_client(here), uuid.uuid4().hex
    workflows = [Pairs, Grandchild, Scheduled]
    tenant.set("acme")
    worker = Worker(
        client,
        task_queue=QUEUE,
        workflows=workflows,
        activities=[beat, refuse],
        state_dir=here.folder / uuid.uuid4().hex,
        max_cached_workflows=1,
    )
    async with worker:
        await until(lambda: worker.ready, "the worker is ready")
        handle = await client.start_workflow(
            Pairs.run,
            args=["first", 1],
            id=id,
            task_queue=QUEUE,
            memo={"one": 1, "two": 2, "three": 3},
            start_signal="tell",
            start_signal_args=["x", 5],
        )
        assert await (await handle.describe(rpc_timeout=LIMIT)).memo() == {"one": 1, "two": 2, "three": 3}
        # With one workflow in the cache, each is built anew from its history from time to time.
        await told(handle)
        await by_a_schedule(client, f"{id}-planned")
        options: Any = {"task_queue": QUEUE, "start_to_close_timeout": SOON, "retry_policy": OFTEN}
        alone = await client.execute_activity(beat, args=["y", 25], id=id, summary="s", **options)
        assert alone == ["y", 25, "y", 25, None]
        current = client.get_workflow_handle_for(Pairs.run, id)
        await current.signal(Pairs.tell, args=["t", 10], rpc_timeout=LIMIT)
        await current.signal(Pairs.end, rpc_timeout=LIMIT)
        assert await handle.result(rpc_timeout=LIMIT) == [
            *("second", 2, [1, [1, 2], None]),
            ["a", 1, "a", 1, "acme"],
            ["refused", "b", 2],
            ["refused", "c", 3],
            ["d", 4, "e", 5],
            ["t", 10],
        ]
        await here.replay_with(worker)
    # Who does not have the codec sees that it is there.
    assert [row.activity_type async for row in here.client.list_activities() if row.activity_id == id] == [""]
    codec = client.data_converter.payload_codec
    assert isinstance(codec, Merging)
    assert codec.most > 1


ALONE: list[Scenario] = [a_codec_that_makes_one_payload_of_several]
"""Scenarios that bring their own workers."""
