"""The workflow's side of a stream: keeps the items, and answers those who publish and poll.

It is ordinary workflow code, over handlers that it sets by itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any, NoReturn, TypeVar, overload

from foldlog import workflow
from foldlog.api.common.v1 import shown
from foldlog.contrib.workflow_streams._topics import TopicTypes, WorkflowTopicHandle
from foldlog.contrib.workflow_streams._types import (
    DRAINING,
    OFFSET,
    POLL,
    PUBLISH,
    TRUNCATED,
    PollInput,
    PollResult,
    PublisherState,
    PublishInput,
    StreamEntry,
    WorkflowStreamState,
    written,
)
from foldlog.exceptions import ApplicationError
from foldlog.schemas.common import Payload

ItemType = TypeVar("ItemType")

MAXIMUM_ANSWER = 500_000
"""Bytes of the items of one answer, about; one item may be larger. A record holds 1,000,000."""
PUBLISHER_TTL = timedelta(minutes=15)


class WorkflowStream:
    """A stream of the workflow in whose `__init__` it is made. There is one at most.

    All items that are kept are in memory, and go over to the next run; `truncate` those that nobody needs.
    """

    def __init__(self, prior_state: WorkflowStreamState | None = None) -> None:
        """Make it, and set its handlers.

        Args:
            prior_state: What `get_state` gave in the run before; None: an empty stream.

        Raises:
            RuntimeError: Not in the workflow's `__init__`, where no message has come yet; or for the second time.
        """
        if sys._getframe(1).f_code.co_name != "__init__":
            raise RuntimeError("a WorkflowStream is made in the workflow's __init__, before the first message comes")
        if workflow.get_signal_handler(PUBLISH) is not None:
            raise RuntimeError("the workflow has a WorkflowStream already")
        prior = prior_state or WorkflowStreamState()
        self._base = prior.base_offset
        self._log = [(entry.topic, entry.data) for entry in prior.log]
        self._publishers = dict(prior.publishers)
        self._detached = False
        self._types = TopicTypes()
        workflow.set_signal_handler(PUBLISH, self._take)
        workflow.set_update_handler(POLL, self._poll, validator=self._refuse_when_detached)
        workflow.set_query_handler(POLL, self._page)
        workflow.set_query_handler(OFFSET, self._end)

    @overload
    def topic(self, name: str) -> WorkflowTopicHandle[Any]: ...
    @overload
    def topic(self, name: str, *, type: type[ItemType]) -> WorkflowTopicHandle[ItemType]: ...
    def topic(self, name: str, *, type: Any = None) -> WorkflowTopicHandle[Any]:
        """A topic to publish on.

        Args:
            name: The topic.
            type: Of its values; None: any.

        Raises:
            RuntimeError: This stream has it with another type.
        """
        return WorkflowTopicHandle(self, name, self._types.bind(name, type))

    def publish_to(self, topic: str, value: Any) -> None:
        """See `WorkflowTopicHandle.publish`."""
        payload = value if isinstance(value, Payload) else workflow.payload_converter().to_payloads([value])[0]
        self._log.append((topic, written(shown(payload))))

    def truncate(self, up_to_offset: int) -> None:
        """Keep no items before an offset. Who polls from there gets those that follow.

        Raises:
            ApplicationError: There are not so many items.
        """
        if up_to_offset > self._end():
            raise ApplicationError(
                f"there is no offset {up_to_offset}: items from {self._base} to {self._end()} are kept",
                type="TruncateOutOfRange",
            )
        if up_to_offset > self._base:
            del self._log[: up_to_offset - self._base]
            self._base = up_to_offset

    def get_state(self, *, publisher_ttl: timedelta = PUBLISHER_TTL) -> WorkflowStreamState:
        """The stream for the next run.

        Args:
            publisher_ttl: Of a publisher that was not heard of for so long, it is forgotten what it has published.
        """
        now = workflow.now()
        return WorkflowStreamState(
            log=list(self._entries(self._base)),
            base_offset=self._base,
            publishers={name: it for name, it in self._publishers.items() if now - it.last_seen < publisher_ttl},
        )

    def detach_pollers(self) -> None:
        """Answer all who wait, and refuse those who come. They ask the next run. Items may still be published."""
        self._detached = True

    async def continue_as_new(
        self,
        build_args: Callable[[WorkflowStreamState], Sequence[Any]],
        *,
        publisher_ttl: timedelta = PUBLISHER_TTL,
    ) -> NoReturn:
        """Continue the workflow as new, once all handlers have ended.

        Args:
            build_args: Makes the arguments of the next run of the stream's state.
            publisher_ttl: See `get_state`.
        """
        self.detach_pollers()
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(args=build_args(self.get_state(publisher_ttl=publisher_ttl)))

    # ---- handlers

    def _take(self, batch: PublishInput) -> None:
        known = self._publishers.get(batch.publisher_id)
        if batch.publisher_id:
            if known is not None and batch.sequence <= known.sequence:
                return
            self._publishers[batch.publisher_id] = PublisherState(batch.sequence, workflow.now())
        self._log += [(item.topic, item.data) for item in batch.items]

    def _refuse_when_detached(self, wanted: PollInput) -> None:
        if self._detached:
            raise ApplicationError("the stream goes over to the next run", type=DRAINING)

    async def _poll(self, wanted: PollInput) -> PollResult:
        # The base may move while it waits.
        await workflow.wait_condition(
            lambda: self._detached or wanted.from_offset < self._base or wanted.from_offset < self._end()
        )
        if 0 < wanted.from_offset < self._base:
            raise ApplicationError(
                f"the item of offset {wanted.from_offset} is not kept any more: the first one is {self._base}",
                type=TRUNCATED,
            )
        return self._page(wanted)

    def _page(self, wanted: PollInput) -> PollResult:
        page = PollResult(next_offset=self._end())
        size = 0
        for entry in self._entries(max(wanted.from_offset, self._base)):
            if wanted.topics and entry.topic not in wanted.topics:
                continue
            size += len(entry.topic) + len(entry.data)
            if size > MAXIMUM_ANSWER and page.items:
                page.next_offset, page.more_ready = entry.offset, True
                break
            page.items.append(entry)
        return page

    def _end(self) -> int:
        return self._base + len(self._log)

    def _entries(self, start: int) -> Iterator[StreamEntry]:
        for offset in range(start, self._end()):
            topic, data = self._log[offset - self._base]
            yield StreamEntry(topic, data, offset)
