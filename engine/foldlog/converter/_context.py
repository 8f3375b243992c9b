"""What a payload belongs to, for converters and codecs that want to know: the interface, and who wants it.

Names and meanings follow Temporal's `temporalio.converter`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Self, TypeVar


class SerializationContext(ABC):  # noqa: B024  # a base that has nothing in it
    """What a payload belongs to."""


@dataclass(frozen=True)
class WorkflowSerializationContext(SerializationContext):
    """It is of a workflow: of its start, its messages, its end, its memo.

    What one workflow sends to another is of the one that gets it, and a child's result is of the child.
    """

    namespace: str
    workflow_id: str
    """In a schedule, what the ID of its workflows begins with."""


@dataclass(frozen=True)
class ActivitySerializationContext(SerializationContext):
    """It is of an activity: its arguments, its result or failure, its heartbeats."""

    namespace: str
    activity_id: str | None
    activity_type: str | None
    """None where it is not known, as to whoever completes it from outside. So for the next one."""
    activity_task_queue: str | None
    workflow_id: str | None
    """None: no workflow started it."""
    workflow_type: str | None
    is_local: bool


class WithSerializationContext(ABC):
    """What a payload converter, an encoding, a failure converter or a codec derives from to be told of contexts."""

    @abstractmethod
    def with_context(self, context: SerializationContext) -> Self:
        """One that converts within a context.

        Args:
            context: What the payloads belong to.

        Returns:
            A copy that knows the context, or this one, if it makes no difference.
        """


Component = TypeVar("Component")


def in_context(component: Component, context: SerializationContext) -> Component:
    """A converter or codec that knows a context, if it wants to."""
    if not isinstance(component, WithSerializationContext):
        return component
    made: Component = component.with_context(context)
    return made


def wants_context(component: Any) -> bool:
    """Whether it makes a difference to a converter or codec. One made of others wants what one of them wants."""
    if not isinstance(component, WithSerializationContext):
        return False
    parts = getattr(component, "parts_for_context", None)
    return parts is None or any(map(wants_context, parts()))
