"""Handles of topics: a name and the type of its values, so that a type checker knows them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from foldlog.contrib.workflow_streams._types import WorkflowStreamItem
from foldlog.schemas.common import Payload

if TYPE_CHECKING:
    from foldlog.contrib.workflow_streams._client import WorkflowStreamClient
    from foldlog.contrib.workflow_streams._stream import WorkflowStream

ItemType = TypeVar("ItemType")

_Class = type

POLL_COOLDOWN = timedelta(milliseconds=100)


class TopicTypes:
    """The type that each topic of one publisher has."""

    def __init__(self) -> None:
        self._types: dict[str, Any] = {}

    def bind(self, name: str, type: Any) -> Any:
        """The type of a topic from now on; None: any.

        Raises:
            RuntimeError: It has another one, or payloads are meant, which have none.
        """
        bound = Any if type is None else type
        if isinstance(bound, _Class) and issubclass(bound, Payload):
            raise RuntimeError(
                f"topic {name!r} cannot be of type Payload: a topic without a type takes payloads as they are"
            )
        known = self._types.setdefault(name, bound)
        if known != bound:
            raise RuntimeError(f"topic {name!r} has the type {known!r} already, not {bound!r}: leave it out for both")
        return bound


class _Topic(Generic[ItemType]):
    def __init__(self, name: str, type: type[ItemType]) -> None:
        self._name = name
        self._type = type

    @property
    def name(self) -> str:
        """The topic."""
        return self._name

    @property
    def type(self) -> type[ItemType]:
        """The type of its values."""
        return self._type


class TopicHandle(_Topic[ItemType]):
    """A topic, for clients. Made by `WorkflowStreamClient.topic`."""

    def __init__(self, client: WorkflowStreamClient, name: str, type: type[ItemType]) -> None:
        """Private: see `WorkflowStreamClient.topic`."""
        super().__init__(name, type)
        self._client = client

    def publish(self, value: ItemType | Payload, *, force_flush: bool = False) -> None:
        """Publish a value with the client's next batch.

        Args:
            value: The value; a payload goes as it is.
            force_flush: Whether that batch is sent now. Nobody waits for it here.

        Raises:
            PayloadConversionError: The value cannot be converted. Nothing is published.
        """
        self._client.publish_to(self._name, value, force_flush=force_flush)

    async def subscribe(
        self, from_offset: int = 0, *, poll_cooldown: timedelta = POLL_COOLDOWN
    ) -> AsyncIterator[WorkflowStreamItem[ItemType]]:
        """The items of the topic, see `WorkflowStreamClient.subscribe`."""
        async for item in self._client.subscribe(
            self._name, from_offset, result_type=self._type, poll_cooldown=poll_cooldown
        ):
            yield item


class WorkflowTopicHandle(_Topic[ItemType]):
    """A topic, for the workflow. Made by `WorkflowStream.topic`."""

    def __init__(self, stream: WorkflowStream, name: str, type: type[ItemType]) -> None:
        """Private: see `WorkflowStream.topic`."""
        super().__init__(name, type)
        self._stream = stream

    def publish(self, value: ItemType | Payload) -> None:
        """Publish a value at once; a payload as it is."""
        self._stream.publish_to(self._name, value)
