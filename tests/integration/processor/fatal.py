"""One process that ends without a word at moments that are told beforehand, each once in all its lives.

python -m tests.integration.processor.fatal ROLE --servers … --namespace … --folder …

A moment is a file in FOLDER/moments, which goes when it has come; if it has `stop` in it, the process is suspended
instead. `before KIND` is when a transaction with a record of that kind is about to be committed, `after KIND` when it
has just been: kinds are the names of commands and events. `encode TEXT` and `decode TEXT` are when the codec of the
client waits, with a value that has the text in it.

It has workers for two namespaces, the one that is named and that one with `-two`. Prints `ready` once both work.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

from foldlog import activity, workflow
from foldlog.api.common.v1 import Payload
from foldlog.client import Client
from foldlog.common import RetryPolicy
from foldlog.converter import DataConverter, PayloadCodec
from foldlog.exceptions import ChildWorkflowError
from foldlog.processors.transaction import TransactionalProducer
from foldlog.schemas.framing import decode
from foldlog.worker import Worker
from foldlog.workflow import ParentClosePolicy

from tests.integration.processor.serving import run, work
from tests.integration.processor.workloads import QUEUE

PATIENCE = timedelta(seconds=60)
LIMIT = timedelta(seconds=120)
OFTEN = RetryPolicy(initial_interval=timedelta(milliseconds=10), backoff_coefficient=1.0)


class Moments:
    """When to end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "moments"

    def come(self, what: str) -> None:
        """It has come: end, if that was told."""
        try:
            told = (self._folder / what).read_text()
            (self._folder / what).unlink()
        except FileNotFoundError:
            return
        os.kill(os.getpid(), signal.SIGSTOP if told == "stop" else signal.SIGKILL)

    @property
    def all(self) -> list[str]:
        return os.listdir(self._folder)


def watch_transactions(moments: Moments) -> None:
    """End before or after a commit. Only this process does: nothing of the product knows of it."""
    produce, commit, begin = TransactionalProducer.produce, TransactionalProducer.commit, TransactionalProducer.begin

    def noted_begin(self: Any) -> None:
        self.kinds = []
        begin(self)

    def noted_produce(self: Any, topic: str, value: bytes | None, *rest: Any, **options: Any) -> None:
        if value and topic.endswith((".commands", ".events")):
            self.kinds.append(type(decode(value)).__name__)
        produce(self, topic, value, *rest, **options)

    def noted_commit(self: Any) -> None:
        for kind in self.kinds:
            moments.come(f"before {kind}")
        commit(self)
        for kind in self.kinds:
            moments.come(f"after {kind}")

    TransactionalProducer.begin = noted_begin  # type: ignore[method-assign]
    TransactionalProducer.produce = noted_produce  # type: ignore[method-assign]
    TransactionalProducer.commit = noted_commit  # type: ignore[method-assign]


class Fatal(PayloadCodec):
    """Changes nothing but the encoding's name, and takes its time; the process may end meanwhile."""

    def __init__(self, moments: Moments | None = None) -> None:
        self._moments = moments

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        await self._wait("encode", payloads)
        return [Payload(metadata={"encoding": b"binary/fatal"}, data=one.SerializeToString()) for one in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        found = [Payload.FromString(payload.data) for payload in payloads]
        await self._wait("decode", found)
        return found

    async def _wait(self, what: str, payloads: Sequence[Payload]) -> None:
        await asyncio.sleep(0.001)
        if self._moments is not None:
            for moment in self._moments.all:
                kind, _, text = moment.partition(" ")
                if kind == what and any(text.encode() in payload.data for payload in payloads):
                    self._moments.come(moment)
        await asyncio.sleep(0.001)


@activity.defn
async def pass_on(text: str) -> str:
    return f"{text}, passed on"


@workflow.defn
class Told:
    """Has a value on each path on which a codec is asked."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    @workflow.run
    async def run(self, text: str) -> list[str]:
        await workflow.wait_condition(lambda: len(self.heard) == 2)
        workflow.upsert_memo({"memo": "the memo"})
        options: dict[str, Any] = {"start_to_close_timeout": timedelta(seconds=3), "retry_policy": OFTEN}
        far = await workflow.execute_activity(pass_on, "far", **options)
        near = await workflow.execute_local_activity(pass_on, "near", **options)
        child = await workflow.execute_child_workflow(Kid.run, args=["the child", 0])
        return [text, *self.heard, far, near, child]

    @workflow.signal
    def hear(self, text: str) -> None:
        self.heard.append(text)

    @workflow.update
    async def put(self, text: str) -> str:
        await workflow.sleep(0.001)
        self.heard.append(text)
        return f"put {text}"


@workflow.defn
class Helped:
    """Has its updates done by children, one here and one in another namespace."""

    def __init__(self) -> None:
        self.done = 0

    @workflow.run
    async def run(self) -> int:
        await workflow.wait_condition(lambda: self.done == 2 and workflow.all_handlers_finished())
        return self.done

    @workflow.update
    async def delegate(self, id: str, namespace: str) -> str:
        found = await workflow.execute_child_workflow(Kid.run, args=["help", 0], id=id, namespace=namespace)
        self.done += 1
        return found


@workflow.defn
class Kid:
    """Adds up so many numbers."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    @workflow.run
    async def run(self, text: str, count: int) -> str:
        await workflow.wait_condition(lambda: len(self.numbers) >= count)
        return f"{text} {self.numbers}"

    @workflow.signal
    def add(self, number: int) -> None:
        self.numbers.append(number)


@workflow.defn
class Parent:
    """Sees children here and elsewhere through, and leaves others to their policies."""

    @workflow.run
    async def run(self, places: list[tuple[str, str]]) -> list[str]:
        kids = [
            await workflow.start_child_workflow(Kid.run, args=[f"kid {id}", 2], id=id, namespace=namespace)
            for id, namespace in places
        ]
        for policy in ParentClosePolicy:
            if policy is not ParentClosePolicy.UNSPECIFIED:
                for id, namespace in places:
                    await workflow.start_child_workflow(
                        Kid.run,
                        args=["left", 1],
                        id=f"{id}-{policy.name}",
                        namespace=namespace,
                        parent_close_policy=policy,
                    )
        for number in range(2):
            for kid in kids:
                await kid.signal(Kid.add, number)
        found = [await kid for kid in kids]
        doomed = await workflow.start_child_workflow(
            Kid.run, args=["doomed", 1], id=f"{places[-1][0]}-doomed", namespace=places[-1][1]
        )
        doomed.cancel()
        try:
            await doomed
        except ChildWorkflowError as error:
            found.append(type(error.cause).__name__)
        return found


@workflow.defn
class Chore:
    """Takes longer than the time to the next one, or until it is told to end."""

    def __init__(self) -> None:
        self.over = False

    @workflow.run
    async def run(self, patient: bool) -> None:
        if patient:
            await workflow.wait_condition(lambda: self.over)
        else:
            await workflow.sleep(1.2)

    @workflow.signal
    def end(self) -> None:
        self.over = True


async def serve(options: argparse.Namespace, stopped: asyncio.Event) -> None:
    """Run both workers until SIGTERM."""
    moments = Moments(options.folder)
    watch_transactions(moments)
    async with AsyncExitStack() as stack:
        workers = []
        for namespace in (options.namespace, f"{options.namespace}-two"):
            client = await stack.enter_async_context(
                await Client.connect(
                    options.servers,
                    namespace=namespace,
                    connect_timeout=PATIENCE,
                    data_converter=DataConverter(payload_codec=Fatal(moments)),
                )
            )
            worker = Worker(
                client,
                task_queue=QUEUE,
                workflows=[Told, Helped, Kid, Parent, Chore],
                activities=[pass_on],
                disable_eager_activity_execution=options.role == "remote",
                state_dir=options.folder / options.state / namespace,
                instance_id=options.instance_id,
            )
            workers.append(await stack.enter_async_context(worker))
        while not all(worker.ready for worker in workers) and not stopped.is_set():  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(0.02)
        await work(workers[0], stopped)


if __name__ == "__main__":
    run(serve)
