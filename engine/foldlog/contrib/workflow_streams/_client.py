"""The side of a stream's clients: publishes in batches, each of which counts once, and reads from any offset on."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from types import TracebackType
from typing import Any, Self, TypeVar, overload

from foldlog import activity
from foldlog.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
    WorkflowUpdateStage,
)
from foldlog.common import QueryRejectCondition
from foldlog.contrib.workflow_streams._topics import POLL_COOLDOWN, TopicHandle, TopicTypes
from foldlog.contrib.workflow_streams._types import (
    DRAINING,
    OFFSET,
    POLL,
    PUBLISH,
    TRUNCATED,
    PollInput,
    PollResult,
    PublishEntry,
    PublishInput,
    WorkflowStreamItem,
    read,
    written,
)
from foldlog.converter import DataConverter, WorkflowSerializationContext
from foldlog.exceptions import RPCError, RPCStatusCode
from foldlog.schemas.common import Payload

logger = logging.getLogger(__name__)

ItemType = TypeVar("ItemType")

BATCH_INTERVAL = timedelta(seconds=2)
MAX_RETRY_DURATION = timedelta(minutes=10)

_FOR_GOOD = frozenset({RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.FAILED_PRECONDITION})
"""Of errors with these, the flusher does not try again."""
_ALWAYS = QueryRejectCondition.NONE
"""A stream that has ended can be read, whatever the client's default is."""


class WorkflowStreamClient:
    """Publishes to the stream of a workflow, and reads it.

    To publish, use it in `async with`: then batches are sent by themselves, and the rest at the end.
    """

    def __init__(
        self,
        handle: WorkflowHandle[Any, Any],
        *,
        client: Client | None = None,
        batch_interval: timedelta = BATCH_INTERVAL,
        max_batch_size: int | None = None,
        max_retry_duration: timedelta = MAX_RETRY_DURATION,
    ) -> None:
        """Make one; `create` makes one that follows the workflow to its next runs.

        Args:
            handle: The workflow.
            client: Whose data converter is used, in the context of the workflow; None: the default one.
            batch_interval: How often what was published is sent.
            max_batch_size: At how many items it is sent before; None: never.
            max_retry_duration: How long a batch that cannot be sent is tried. Less than the stream's `publisher_ttl`.
        """
        self._handle = handle
        self._client = client
        converter = client.data_converter if client is not None else DataConverter.default
        context = WorkflowSerializationContext(handle._asking.transport.namespace, handle.id)
        self._converter = converter.with_context(context).payload_converter
        self._interval = batch_interval.total_seconds()
        self._max_batch_size = max_batch_size
        self._max_retry = max_retry_duration
        self._buffer: list[PublishEntry] = []
        self._batch: PublishInput | None = None
        """What is being sent, and is not known to have arrived."""
        self._batch_since = 0.0
        self._given_up: TimeoutError | None = None
        """For a batch that is lost, of which nobody has been told yet."""
        self._sequence = 0
        self._publisher_id = uuid.uuid4().hex
        self._types = TopicTypes()
        self._wake = asyncio.Event()
        self._sending = asyncio.Lock()
        self._flusher: asyncio.Task[None] | None = None
        self._closing = False

    @classmethod
    def create(
        cls,
        client: Client,
        workflow_id: str,
        *,
        batch_interval: timedelta = BATCH_INTERVAL,
        max_batch_size: int | None = None,
        max_retry_duration: timedelta = MAX_RETRY_DURATION,
    ) -> WorkflowStreamClient:
        """For the stream of a workflow, whichever of its runs is the current one. See `__init__`."""
        return cls(
            client.get_workflow_handle(workflow_id),
            client=client,
            batch_interval=batch_interval,
            max_batch_size=max_batch_size,
            max_retry_duration=max_retry_duration,
        )

    @classmethod
    def from_within_activity(
        cls,
        *,
        batch_interval: timedelta = BATCH_INTERVAL,
        max_batch_size: int | None = None,
        max_retry_duration: timedelta = MAX_RETRY_DURATION,
    ) -> WorkflowStreamClient:
        """In an async activity: for the stream of its workflow. See `__init__`.

        Raises:
            NotInActivityError: Not in an activity.
            ValueError: No workflow has started this one.
        """
        workflow_id = activity.info().workflow_id
        if workflow_id is None:
            raise ValueError("this activity has no workflow, and so no stream: take WorkflowStreamClient.create")
        return cls.create(
            activity.client(),
            workflow_id,
            batch_interval=batch_interval,
            max_batch_size=max_batch_size,
            max_retry_duration=max_retry_duration,
        )

    # ---- publishing

    async def __aenter__(self) -> Self:
        """Begin to send what is published."""
        self._closing = False
        self._flusher = asyncio.create_task(self._flush_again_and_again(), name="foldlog-stream-flusher")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Send the rest, also if the block raised; what it raised goes on then, and what fails here is logged.

        Raises:
            Exception: What it could not be sent for, now or before.
        """
        try:
            try:
                await self._stop_flusher()
            finally:
                await self.flush()
        except Exception as error:
            if raised is None:
                raise
            logger.warning("the rest could not be published to the stream of %r: %s", self._handle.id, error)

    async def _stop_flusher(self) -> None:
        if self._flusher is not None:
            flusher, self._flusher = self._flusher, None
            self._closing = True
            self._wake.set()
            await flusher

    @overload
    def topic(self, name: str) -> TopicHandle[Any]: ...
    @overload
    def topic(self, name: str, *, type: type[ItemType]) -> TopicHandle[ItemType]: ...
    def topic(self, name: str, *, type: Any = None) -> TopicHandle[Any]:
        """A topic to publish on and to read.

        Args:
            name: The topic.
            type: Of its values; None: any.

        Raises:
            RuntimeError: This client has it with another type.
        """
        return TopicHandle(self, name, self._types.bind(name, type))

    def publish_to(self, topic: str, value: Any, *, force_flush: bool = False) -> None:
        """See `TopicHandle.publish`."""
        # Converted here, so that it is the publisher who is told of what cannot be.
        payload = value if isinstance(value, Payload) else self._converter.to_payloads([value])[0]
        self._buffer.append(PublishEntry(topic, written(payload)))
        if force_flush or (self._max_batch_size is not None and len(self._buffer) >= self._max_batch_size):
            self._wake.set()

    async def flush(self) -> None:
        """Send all that has been published so far. When this returns, it is in the stream.

        Raises:
            TimeoutError: A batch could not be sent for too long, and is given up, now or since the last time. The
                others have been sent.
            RPCError: A batch cannot be sent now; it is kept, for the next time.
        """
        while self._batch is not None or self._buffer:
            await self._send()
        given_up, self._given_up = self._given_up, None
        if given_up is not None:
            raise given_up

    async def _send(self) -> None:
        """Send one batch. It has a number, so that it counts once, however often it is sent."""
        async with self._sending:
            if self._batch is not None:
                if time.monotonic() - self._batch_since > self._max_retry.total_seconds():
                    self._give_up(self._batch)
                    return
            elif self._buffer:
                items, self._buffer = self._buffer, []
                self._sequence += 1
                self._batch = PublishInput(items, self._publisher_id, self._sequence)
                self._batch_since = time.monotonic()
            else:
                return
            await self._handle.signal(PUBLISH, self._batch)
            self._batch = None

    def _give_up(self, batch: PublishInput) -> None:
        """Go on without a batch. Whoever flushes next is told, or the block's end."""
        self._batch = None
        self._given_up = TimeoutError(f"a batch could not be sent within {self._max_retry}, and is given up")
        logger.warning("%d items for the stream of %r are lost: %s", len(batch.items), self._handle.id, self._given_up)

    async def _flush_again_and_again(self) -> None:
        # It is told to end rather than cancelled: until Python 3.12, `wait_for` may lose a cancellation.
        while not self._closing:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._interval)
            self._wake.clear()
            try:
                await self._send()
            except RPCError as error:
                if error.status in _FOR_GOOD:
                    raise

    # ---- reading

    async def get_offset(self) -> int:
        """How many items have been published: the offset of the next one."""
        offset: int = await self._handle.query(OFFSET, result_type=int, reject_condition=_ALWAYS)
        return offset

    @overload
    def subscribe(
        self,
        topics: str | list[str] | None = ...,
        from_offset: int = ...,
        *,
        result_type: type[ItemType],
        poll_cooldown: timedelta = ...,
    ) -> AsyncIterator[WorkflowStreamItem[ItemType]]: ...
    @overload
    def subscribe(
        self,
        topics: str | list[str] | None = ...,
        from_offset: int = ...,
        *,
        result_type: None = None,
        poll_cooldown: timedelta = ...,
    ) -> AsyncIterator[WorkflowStreamItem[Any]]: ...
    async def subscribe(
        self,
        topics: str | list[str] | None = None,
        from_offset: int = 0,
        *,
        result_type: type | None = None,
        poll_cooldown: timedelta = POLL_COOLDOWN,
    ) -> AsyncIterator[WorkflowStreamItem[Any]]:
        """The items from an offset on, as they come, over all runs of the workflow, to its end.

        Items that are not kept any more are passed over: the offsets tell. Each answer is an update in the workflow's
        history.

        Args:
            topics: One or more; None: all.
            from_offset: Where to begin.
            result_type: Type of the values; `RawValue` gives them as they are.
            poll_cooldown: How long to wait before asking again, where all items have been read.

        Raises:
            RuntimeError: `result_type` is Payload.
            RPCError: The workflow is not known, or does not answer.
        """
        if isinstance(result_type, type) and issubclass(result_type, Payload):
            raise RuntimeError("nothing is decoded as a Payload: RawValue gives the values as they are")
        wanted = PollInput([topics] if isinstance(topics, str) else list(topics or ()), from_offset)
        reading = _Reading(self._handle, self._client, wanted, poll_cooldown.total_seconds())
        hints = None if result_type is None else [result_type]
        while (page := await reading.page()) is not None:
            for entry in page.items:
                (value,) = self._converter.from_payloads([read(entry.data)], hints)
                yield WorkflowStreamItem(entry.topic, value, entry.offset)
            await reading.pause(page)


class _Reading:
    """One subscription: where it is, and which run it asks."""

    def __init__(
        self, handle: WorkflowHandle[Any, Any], client: Client | None, wanted: PollInput, cooldown: float
    ) -> None:
        self._handle = handle
        self._client = client
        self._wanted = wanted
        self._cooldown = cooldown
        self._closed: WorkflowHandle[Any, Any] | None = None
        """The run that has ended, of which the rest is read."""
        self._done = False

    async def page(self) -> PollResult | None:
        """What comes next; None: nothing does."""
        while not self._done:
            if self._closed is not None:
                page: PollResult = await self._closed.query(
                    POLL, self._wanted, result_type=PollResult, reject_condition=_ALWAYS
                )
                self._done = not page.more_ready
            else:
                found = await self._polled()
                if found is None:
                    continue
                page = found
            self._wanted.from_offset = page.next_offset
            return page
        return None

    async def pause(self, page: PollResult) -> None:
        """Let others publish, where all has been read."""
        if not page.more_ready and not self._done:
            await asyncio.sleep(self._cooldown)

    async def _polled(self) -> PollResult | None:
        """What the current run answers; None: it is to be asked again, or another one."""
        run_id: str | None = None
        try:
            update = await self._handle.start_update(
                POLL, self._wanted, wait_for_stage=WorkflowUpdateStage.ACCEPTED, result_type=PollResult
            )
            run_id = update.workflow_run_id
            result: PollResult = await update.result()
            return result
        except WorkflowUpdateFailedError as failed:
            kind = getattr(failed.cause, "type", None)
            if kind == TRUNCATED:
                self._wanted.from_offset = 0  # of what there is, the first
            elif kind == DRAINING:
                await asyncio.sleep(self._cooldown)
            elif not await self._moved_on(run_id):
                raise
        except WorkflowUpdateRPCTimeoutOrCancelledError as error:
            if isinstance(error.__cause__, asyncio.CancelledError):
                raise error.__cause__ from None
            if not await self._moved_on(run_id):
                raise
        except RPCError:
            if not await self._moved_on(run_id):
                raise
        return None

    async def _moved_on(self, run_id: str | None) -> bool:
        """Whether there is another run to ask, or only the rest of this one, since it has ended."""
        try:
            known = await (self._handle if run_id is None else self._run(run_id)).describe()
        except RPCError:
            return False
        if known.status is WorkflowExecutionStatus.CONTINUED_AS_NEW:
            if self._client is not None:
                self._handle = self._client.get_workflow_handle(known.id)
            return self._client is not None
        if known.status is WorkflowExecutionStatus.RUNNING:
            return False
        self._closed = self._run(known.run_id)
        return True

    def _run(self, run_id: str) -> WorkflowHandle[Any, Any]:
        return WorkflowHandle(self._handle._asking, self._handle.id, run_id=run_id, result_run_id=run_id)
