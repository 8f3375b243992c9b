"""What a worker stands on where its client is connected to Kafka: see `backend`."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from functools import cached_property

from foldlog.client import Client
from foldlog.core.decider import DeciderFactory
from foldlog.exceptions import ConfigurationError
from foldlog.processors.host import ActivityHost
from foldlog.processors.options import ProcessorOptions
from foldlog.processors.processor import WorkflowProcessor
from foldlog.schemas.codec import Codec, ConfluentCodec
from foldlog.schemas.task import ActivityTask
from foldlog.sensor import Sensor
from foldlog.transport import Transport
from foldlog.transport.admin import ensure_task_topic
from foldlog.transport.connection import Connection
from foldlog.transport.dead_letters import DeadLetterWriter
from foldlog.transport.errors import TransportError
from foldlog.transport.schemas_topic import SchemasTopic
from foldlog.transport.task_forwarder import TaskForwarder
from foldlog.transport.tasks import TaskConsumer, TaskListener
from foldlog.worker.activities import ActivityWorkerOptions
from foldlog.worker.backend import Backend, RunningProcessor, WorkerTransport
from foldlog.worker.clock import Clock, LoopClock
from foldlog.worker.feed import TaskFeed
from foldlog.worker.taker import TaskTaker

_log = logging.getLogger("foldlog.worker.worker")


def backend_of(client: Client) -> Backend:
    """What a worker with this client stands on.

    Raises:
        ConfigurationError: The client's transport carries no workers.
    """
    transport = client.transport
    if isinstance(transport, Connection):
        return KafkaBackend(transport)
    if isinstance(transport, WorkerTransport):
        return transport.worker_backend()
    raise ConfigurationError(
        "a worker needs a client that is connected to Kafka, or one of a test environment", option="client"
    )


class KafkaBackend:
    """Implements `Backend` on a connection, which the client shares."""

    def __init__(self, connection: Connection) -> None:
        self.transport = connection
        self.topics = connection.topics
        self.dead_letters = DeadLetterWriter(connection.config, connection.topics.dead_letters)
        self._connection = connection

    @property
    def reachable(self) -> bool:
        """See `Backend.reachable`."""
        return self._connection.reachable

    @cached_property
    def clock(self) -> Clock:
        """The event loop's; a worker is made before its loop runs."""
        return LoopClock(asyncio.get_running_loop())

    def left_open(self, workflow_id: str, task: ActivityTask) -> None:
        """See `Backend.left_open`. Nobody here needs to know."""

    async def prepare(self, task_queue: str) -> Codec:
        """See `Backend.prepare`: whoever reads our records must find their schemas, and tasks must have a topic."""
        await self._connection.opened()
        await asyncio.to_thread(self._prepare, task_queue)
        return self._connection.codec

    def _prepare(self, task_queue: str) -> None:
        if not self._connection.just_published:
            with SchemasTopic(self._connection.config, self.topics) as schemas:
                schemas.publish()
        if isinstance(self._connection.codec, ConfluentCodec):
            self._connection.codec.prepare()
        ensure_task_topic(self._connection.config, self.topics, task_queue)

    def task_source(self, options: ActivityWorkerOptions, codec: Codec, taker: TaskTaker) -> TaskFeed:
        """See `Backend.task_source`."""
        topic = self.topics.tasks(options.task_queue)

        def open_consumer(listener: TaskListener) -> TaskConsumer:
            return TaskConsumer(
                self._connection.config,
                topic=topic,
                group_id=f"{self.topics.namespace}.{options.task_queue}",
                listener=listener,
                session_timeout_seconds=options.session_timeout_seconds,
                instance_id=options.instance_id,
            )

        return TaskFeed(
            open_consumer,
            codec.decode,
            taker,
            forwarder=TaskForwarder(self._connection.config, topic),
            encode=codec.encode,
            name=options.task_queue,
            metadata_limit_bytes=options.metadata_limit_bytes,
            commit_interval=options.commit_interval_seconds,
        )

    def processor(
        self,
        options: ProcessorOptions,
        factory: DeciderFactory,
        codec: Codec,
        host: ActivityHost | None,
        sensor: Sensor,
    ) -> RunningProcessor:
        """See `Backend.processor`."""
        return ProcessorThread(WorkflowProcessor(self._connection.config, options, factory, codec, host, sensor))

    def follow(self, transport: Transport) -> None:
        """See `Backend.follow`."""
        if not isinstance(transport, Connection):
            raise ConfigurationError("the client is not connected to Kafka, as the worker is", option="client")
        self._connection.follow(transport)

    async def close(self) -> None:
        """See `Backend.close`."""
        await asyncio.to_thread(self.dead_letters.close)


class ProcessorThread:
    """Implements `RunningProcessor`: a workflow processor on a thread of its own."""

    def __init__(self, processor: WorkflowProcessor) -> None:
        self._processor = processor
        self._stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._failed: Callable[[BaseException], None] | None = None
        self._thread = threading.Thread(target=self._run, name="foldlog-processor", daemon=True)

    @property
    def ready(self) -> bool:
        """See `RunningProcessor.ready`."""
        return self._processor.ready

    def healthy(self, within_seconds: float = 60.0) -> bool:
        """See `RunningProcessor.healthy`."""
        return self._processor.healthy(within_seconds)

    def start(self, failed: Callable[[BaseException], None]) -> None:
        """See `RunningProcessor.start`."""
        self._loop = asyncio.get_running_loop()
        self._failed = failed
        self._thread.start()

    async def stop(self) -> None:
        """See `RunningProcessor.stop`."""
        self._stopping = True
        self._processor.stop()
        if self._thread.ident is not None:
            await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        try:
            self._processor.run()
        except BaseException as error:
            # What the setting is that cannot work is in the message; only a defect needs its stack.
            stack = not isinstance(error, ConfigurationError | TransportError)
            _log.error("the workflow processor cannot go on: %s", error, exc_info=stack)
            self._tell(error)
        else:
            if not self._stopping:
                self._tell(RuntimeError("the workflow processor ended without being asked to"))

    def _tell(self, error: BaseException) -> None:
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(self._failed, error)  # type: ignore[arg-type]  # set with the loop
        except RuntimeError:
            _log.debug("the event loop ended before the worker")
