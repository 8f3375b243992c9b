"""Slots: places for attempts, and suppliers of one's own that say when there is another one.

Owns the names that programs use to write a supplier, as in Temporal's `temporalio.worker`. Knows nothing of the workers
that ask: that is `permits`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from foldlog.common import WorkerDeploymentVersion

__all__ = [
    "ActivitySlotInfo",
    "CustomSlotSupplier",
    "LocalActivitySlotInfo",
    "NexusSlotInfo",
    "SlotInfo",
    "SlotMarkUsedContext",
    "SlotPermit",
    "SlotReleaseContext",
    "SlotReserveContext",
    "WorkflowSlotInfo",
]


class SlotPermit:
    """The right to run one attempt. A supplier may give out objects of a class of its own, with whatever it wants."""


class SlotReserveContext(Protocol):
    """For whom a slot is asked."""

    slot_type: Literal["workflow", "activity", "local-activity"]
    """What is to run in it; here always one of the last two."""
    task_queue: str
    """The queue of the worker."""
    worker_identity: str
    """Who the worker is, for people."""
    worker_build_id: str
    """The build ID of the worker; empty if it has none."""
    worker_deployment_version: WorkerDeploymentVersion | None
    """The version of the worker, if it has one."""
    is_sticky: bool
    """Always false: only Temporal's workflow tasks are sticky."""


@runtime_checkable
class WorkflowSlotInfo(Protocol):
    """A workflow task. None of them comes here: workflow tasks need no slots."""

    workflow_type: str
    is_sticky: bool


@runtime_checkable
class ActivitySlotInfo(Protocol):
    """An attempt of an activity."""

    activity_type: str


@runtime_checkable
class LocalActivitySlotInfo(Protocol):
    """An attempt of a local activity. By `isinstance`, it is an `ActivitySlotInfo` as well."""

    activity_type: str


@runtime_checkable
class NexusSlotInfo(Protocol):
    """A Nexus operation. There are none here."""

    service: str
    operation: str


SlotInfo: TypeAlias = WorkflowSlotInfo | ActivitySlotInfo | LocalActivitySlotInfo | NexusSlotInfo


class SlotMarkUsedContext(Protocol):
    """A slot that is about to be used."""

    slot_info: SlotInfo
    """What is about to run in it."""
    permit: SlotPermit
    """What the supplier gave for it."""


@dataclass(frozen=True)
class SlotReleaseContext:
    """A slot that is not needed any more."""

    slot_info: SlotInfo | None
    """What ran in it; None: it was never used."""
    permit: SlotPermit
    """What the supplier gave for it."""


class CustomSlotSupplier(ABC):
    """Says when a worker may run another attempt. One supplier may serve several workers, and both kinds of activities.

    Each worker holds up to five slots for tasks to come: one that serves several should have more than that for each.

    Each permit that it gives comes back once: to `release_slot`. Errors are logged. That of `reserve_slot` makes the
    worker ask again after a while, that of `try_reserve_slot` means no, the others mean nothing.
    """

    @abstractmethod
    async def reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit:
        """Wait until there is a slot. Called on the worker's event loop, before the worker takes a task.

        A worker asks for a few slots ahead, several times at once, and is cancelled in it when it shuts down.

        Args:
            ctx: Who asks.

        Returns:
            A permit; None would be an error.
        """

    @abstractmethod
    def try_reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit | None:
        """A slot for an eager activity, if there is one now. Must not block.

        Called on the thread that runs workflows, while the event loop may be in any of the other methods.

        Args:
            ctx: Who asks.

        Returns:
            A permit, or None: the activity takes one that is held for tasks to come, or goes over its topic.
        """

    @abstractmethod
    def mark_slot_used(self, ctx: SlotMarkUsedContext) -> None:
        """A slot is about to be used. Must not block. Called on the event loop.

        Args:
            ctx: The slot, and what runs in it.
        """

    @abstractmethod
    def release_slot(self, ctx: SlotReleaseContext) -> None:
        """A slot is free again: what ran in it has ended, or nothing is to run in it any more. Must not block.

        Called on the event loop; on the thread that runs workflows for an eager activity that did not come to run.

        Args:
            ctx: The slot, and what ran in it.
        """
