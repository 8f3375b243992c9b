"""Tuners: how many attempts a worker runs at a time, as programs written for Temporal's workers say it.

A worker here has a fixed number of places for attempts, and one for those of local activities. A tuner says both. The
places that watch memory and processors are as many as they may be at most, and do not change.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple, TypeAlias

from foldlog.exceptions import ConfigurationError

__all__ = [
    "FixedSizeSlotSupplier",
    "ResourceBasedSlotConfig",
    "ResourceBasedSlotSupplier",
    "ResourceBasedTunerConfig",
    "SlotSupplier",
    "WorkerTuner",
]

DEFAULT_PLACES = 100
"""Places for attempts, if nothing is said."""
_DEFAULT_MOST = 500
"""Places of a supplier that watches resources, if nothing is said: as in Temporal's SDK."""


@dataclass(frozen=True)
class FixedSizeSlotSupplier:
    """So many places."""

    num_slots: int
    """At least 1."""


@dataclass(frozen=True)
class ResourceBasedTunerConfig:
    """How much of the machine is to be used. Has no meaning here: nothing watches it."""

    target_memory_usage: float
    target_cpu_usage: float


@dataclass(frozen=True)
class ResourceBasedSlotConfig:
    """Between which bounds the number of places changes."""

    minimum_slots: int | None = None
    """Has no meaning here."""
    maximum_slots: int | None = None
    """How many there are; None: 500."""
    ramp_throttle: timedelta | None = None
    """Has no meaning here."""


@dataclass(frozen=True)
class ResourceBasedSlotSupplier:
    """As many places as its configuration allows at most."""

    slot_config: ResourceBasedSlotConfig
    tuner_config: ResourceBasedTunerConfig


SlotSupplier: TypeAlias = FixedSizeSlotSupplier | ResourceBasedSlotSupplier


@dataclass(frozen=True)
class WorkerTuner:
    """How many attempts run at a time. Use one of the class methods; workflows and Nexus have no places here."""

    activity_supplier: SlotSupplier
    local_activity_supplier: SlotSupplier

    @classmethod
    def create_resource_based(
        cls,
        *,
        target_memory_usage: float,
        target_cpu_usage: float,
        workflow_config: ResourceBasedSlotConfig | None = None,
        activity_config: ResourceBasedSlotConfig | None = None,
        local_activity_config: ResourceBasedSlotConfig | None = None,
        nexus_config: ResourceBasedSlotConfig | None = None,
    ) -> WorkerTuner:
        """As many places as there may be at most; see `ResourceBasedSlotConfig`.

        Args:
            target_memory_usage: Has no meaning here, as the next two.
            target_cpu_usage: See there.
            workflow_config: See there.
            activity_config: For activities; None: the defaults.
            local_activity_config: For local activities, likewise.
            nexus_config: Has no meaning here.
        """
        target = ResourceBasedTunerConfig(target_memory_usage, target_cpu_usage)
        return cls(
            ResourceBasedSlotSupplier(activity_config or ResourceBasedSlotConfig(), target),
            ResourceBasedSlotSupplier(local_activity_config or ResourceBasedSlotConfig(), target),
        )

    @classmethod
    def create_fixed(
        cls,
        *,
        workflow_slots: int | None = None,
        activity_slots: int | None = None,
        local_activity_slots: int | None = None,
        nexus_slots: int | None = None,
    ) -> WorkerTuner:
        """Fixed numbers of places.

        Args:
            workflow_slots: Has no meaning here.
            activity_slots: For activities; None: 100.
            local_activity_slots: For local activities, likewise.
            nexus_slots: Has no meaning here.
        """
        return cls(
            FixedSizeSlotSupplier(activity_slots or DEFAULT_PLACES),
            FixedSizeSlotSupplier(local_activity_slots or DEFAULT_PLACES),
        )

    @classmethod
    def create_composite(
        cls,
        *,
        workflow_supplier: SlotSupplier | None = None,
        activity_supplier: SlotSupplier,
        local_activity_supplier: SlotSupplier,
        nexus_supplier: SlotSupplier | None = None,
    ) -> WorkerTuner:
        """Each from a supplier of its own.

        Args:
            workflow_supplier: Has no meaning here.
            activity_supplier: For activities.
            local_activity_supplier: For local activities.
            nexus_supplier: Has no meaning here.
        """
        return cls(activity_supplier, local_activity_supplier)


class Places(NamedTuple):
    """How many attempts a worker runs at a time."""

    activities: int
    local_activities: int


def places(
    tuner: WorkerTuner | None, activities: int | None, local_activities: int | None, workflow_tasks: int | None
) -> Places:
    """The places that a worker's options come to; those of a tuner, or the numbers.

    Raises:
        ConfigurationError: There are both, or a number is less than 1.
    """
    given = {
        "max_concurrent_activities": activities,
        "max_concurrent_local_activities": local_activities,
        "max_concurrent_workflow_tasks": workflow_tasks,
    }
    if tuner is not None:
        for name, number in given.items():
            if number is not None:
                raise ConfigurationError(f"cannot specify {name} when also specifying tuner", option="tuner")
        found = Places(_most(tuner.activity_supplier), _most(tuner.local_activity_supplier))
        given = {"tuner": min(found)}
    else:
        found = Places(
            DEFAULT_PLACES if activities is None else activities,
            DEFAULT_PLACES if local_activities is None else local_activities,
        )
    for name, number in given.items():
        if number is not None and number < 1:
            raise ConfigurationError(f"{name} must be at least 1, not {number}", option=name)
    return found


def _most(supplier: SlotSupplier) -> int:
    if isinstance(supplier, FixedSizeSlotSupplier):
        return supplier.num_slots
    if isinstance(supplier, ResourceBasedSlotSupplier):
        most = supplier.slot_config.maximum_slots
        return _DEFAULT_MOST if most is None else most
    raise ConfigurationError(f"there are no slot suppliers of one's own: {supplier!r}", option="tuner")
