"""Scenarios of clients made of other ones, and of workers whose client changes. They bring their own workers."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog.client import Client, Interceptor, OutboundInterceptor, StartWorkflowInput
from foldlog.exceptions import ConfigurationError
from foldlog.worker import Worker

from tests.conformance.scenarios import QUEUE, Place, Scenario
from tests.conformance.workers import start, worker_of
from tests.until import until

LIMIT = timedelta(seconds=60)
clients: dict[str, list[Client]] = {}
"""What activities had as their client, by workflow."""


@activity.defn
async def note_client() -> str:
    info = activity.info()
    assert info.workflow_id is not None
    clients.setdefault(info.workflow_id, []).append(activity.client())
    return info.workflow_namespace or ""


@workflow.defn(name="ClientsNotes")
class Notes:
    """Has an activity note its client, as often as it is told."""

    def __init__(self) -> None:
        self.times = 0

    @workflow.run
    async def run(self, times: int) -> list[str]:
        found = []
        for number in range(times):
            await workflow.wait_condition(lambda number=number: self.times > number)  # type: ignore[misc]
            found.append(await workflow.execute_activity(note_client, start_to_close_timeout=LIMIT))
        return found

    @workflow.signal
    def go(self) -> None:
        self.times += 1


CODE: dict[str, Any] = {"workflows": [Notes], "activities": [note_client]}


class Counting(Interceptor):
    """Counts starts."""

    def __init__(self) -> None:
        self.starts = 0

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        counting = self

        class Counts(OutboundInterceptor):
            async def start_workflow(self, input: StartWorkflowInput) -> Any:
                counting.starts += 1
                return await super().start_workflow(input)

        return Counts(next)


async def a_client_of_another_namespace(here: Place) -> None:
    """Made of one that is connected, with an interceptor: it starts, asks, lists, and carries a worker."""
    counting = Counting()
    namespace = here.elsewhere.namespace
    config: dict[str, Any] = {**here.client.config(), "namespace": namespace, "interceptors": [counting]}
    client = Client(**config)
    assert (client.namespace, client.config()["namespace"], here.client.namespace != namespace) == (
        namespace,
        namespace,
        True,
    )
    found = await asyncio.gather(*(client.count_workflows("WorkflowId = 'nobody'") for _ in range(3)))
    assert [each.count for each in found] == [0] * 3
    async with worker_of(here, client, **CODE):
        handle = await start(client, Notes.run, arg=1)
        await handle.signal(Notes.go)
        assert await handle.result() == [namespace]
        assert clients[handle.id] == [client]
        assert await client.list_deployments() == await here.elsewhere.list_deployments()
        assert await here.elsewhere.get_workflow_handle(handle.id).result() == [namespace]
    assert counting.starts == 1
    same = Client(**client.config())
    assert same.transport is client.transport
    await client.close()
    with pytest.raises(ConfigurationError, match="namespace"):
        Client(**{**config, "namespace": "no/name"})


async def a_worker_goes_on_with_another_client(here: Place) -> None:
    """Before it is started, and while it runs: activities that begin have the new one, and what runs goes on."""
    first = here.elsewhere
    second = await here.environment.connect_client(namespace=first.namespace)
    third = await here.environment.connect_client(namespace=first.namespace)
    async with second, third:
        worker = Worker(first, task_queue=QUEUE, state_dir=here.folder / uuid.uuid4().hex, **CODE)
        worker.client = second
        async with worker:
            assert worker.client is second
            await until(lambda: worker.ready, "the worker is ready")
            handle = await start(first, Notes.run, arg=2)
            await handle.signal(Notes.go)
            await until(lambda: handle.id in clients, "the first activity has run")
            worker.client = third
            await handle.signal(Notes.go)
            assert await handle.result() == [first.namespace] * 2
            assert clients[handle.id] == [second, third]
            assert worker.client is worker.config()["client"] is third
            with pytest.raises(ConfigurationError, match="is of namespace"):
                worker.client = here.client
            wrong: Any = "localhost:9092"
            with pytest.raises(ConfigurationError, match="is a Client, not 'localhost:9092'"):
                worker.client = wrong
            assert worker.client is third
            await here.replay_with(worker)


ALONE: list[Scenario] = [a_client_of_another_namespace, a_worker_goes_on_with_another_client]
