"""Tuners: how many attempts a worker runs at a time, as programs written for Temporal's workers say it.

A tuner says it for activities and for local activities: by a number, by what of the machine is in use, or by a supplier
of one's own. What it says of workflow tasks has no effect: they run one after another, on the processor's thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple, TypeAlias

from foldlog.exceptions import ConfigurationError
from foldlog.worker.resources import Bounds, Machine, ResourceSlots, Usage
from foldlog.worker.slots import CustomSlotSupplier

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
"""Slots of a supplier that watches resources, if nothing is said: as in Temporal's SDK. And threads, where a supplier
of one's own says how many slots there are."""
_RAMP_THROTTLE = timedelta(milliseconds=50)


@dataclass(frozen=True)
class FixedSizeSlotSupplier:
    """So many places."""

    num_slots: int
    """At least 1."""


@dataclass(frozen=True)
class ResourceBasedTunerConfig:
    """How much of the machine, or of the container, is to be used at most."""

    target_memory_usage: float
    """From 0 to 1. There is no other slot while this much of the memory is in use, by whomever."""
    target_cpu_usage: float
    """From 0 to 1, likewise of all processors."""


@dataclass(frozen=True)
class ResourceBasedSlotConfig:
    """Between which bounds the number of slots changes."""

    minimum_slots: int | None = None
    """So many there are whatever is in use; None: 1."""
    maximum_slots: int | None = None
    """There are never more; None: 500."""
    ramp_throttle: timedelta | None = None
    """Time between two slots beyond the minimum, since what one uses is seen only later; None: 50 ms."""


@dataclass(frozen=True)
class ResourceBasedSlotSupplier:
    """Slots as long as little enough of the machine is in use. Needs psutil: `foldlog[resources]`."""

    slot_config: ResourceBasedSlotConfig
    tuner_config: ResourceBasedTunerConfig


SlotSupplier: TypeAlias = FixedSizeSlotSupplier | ResourceBasedSlotSupplier | CustomSlotSupplier


@dataclass(frozen=True)
class WorkerTuner:
    """How many attempts run at a time. Use one of the class methods; workflow tasks and Nexus have no slots here."""

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
        """Slots as long as little enough of the machine is in use; see `ResourceBasedSlotConfig`.

        Args:
            target_memory_usage: How much of the memory is to be in use at most, from 0 to 1.
            target_cpu_usage: How much of the processors, likewise.
            workflow_config: Has no meaning here.
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
        """Fixed numbers of slots.

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
    """At most, with a supplier."""
    local_activities: int
    activity_supplier: CustomSlotSupplier | None = None
    """Says when there is another one."""
    local_activity_supplier: CustomSlotSupplier | None = None


def places(
    tuner: WorkerTuner | None, activities: int | None, local_activities: int | None, workflow_tasks: int | None
) -> Places:
    """The places that a worker's options come to; those of a tuner, or the numbers.

    Raises:
        ConfigurationError: There are both, or a number cannot be.
    """
    given = {
        "max_concurrent_activities": activities,
        "max_concurrent_local_activities": local_activities,
        "max_concurrent_workflow_tasks": workflow_tasks,
    }
    for name, number in given.items():
        if number is None:
            continue
        if tuner is not None:
            raise ConfigurationError(f"Cannot specify {name} when also specifying tuner", option="tuner")
        _at_least_1(name, number)
    if tuner is None:
        return Places(
            DEFAULT_PLACES if activities is None else activities,
            DEFAULT_PLACES if local_activities is None else local_activities,
        )
    most, supplier = _supplied(tuner.activity_supplier)
    local_most, local_supplier = _supplied(tuner.local_activity_supplier)
    return Places(most, local_most, supplier, local_supplier)


def _supplied(supplier: SlotSupplier) -> tuple[int, CustomSlotSupplier | None]:
    """How many slots there are at most, and who says when there is one; None: there always are as many."""
    if isinstance(supplier, FixedSizeSlotSupplier):
        return _at_least_1("tuner", supplier.num_slots), None
    if isinstance(supplier, ResourceBasedSlotSupplier):
        bounds = _bounds(supplier)
        return bounds.maximum, ResourceSlots(bounds, Machine())
    if isinstance(supplier, CustomSlotSupplier):
        return _DEFAULT_MOST, supplier
    raise ConfigurationError(f"a slot supplier is one of foldlog.worker, not {supplier!r}", option="tuner")


def _bounds(supplier: ResourceBasedSlotSupplier) -> Bounds:
    config, target = supplier.slot_config, supplier.tuner_config
    for name, share in (
        ("target_memory_usage", target.target_memory_usage),
        ("target_cpu_usage", target.target_cpu_usage),
    ):
        if not isinstance(share, int | float) or not 0 <= share <= 1:
            raise ConfigurationError(f"{name} must be from 0 to 1, not {share!r}", option="tuner")
    minimum = 1 if config.minimum_slots is None else config.minimum_slots
    maximum = _DEFAULT_MOST if config.maximum_slots is None else config.maximum_slots
    _at_least_1("maximum_slots", maximum)
    if not isinstance(minimum, int) or not 0 <= minimum <= maximum:
        raise ConfigurationError(f"minimum_slots must be from 0 to {maximum}, not {minimum!r}", option="tuner")
    throttle = _RAMP_THROTTLE if config.ramp_throttle is None else config.ramp_throttle
    if not isinstance(throttle, timedelta) or throttle < timedelta():
        raise ConfigurationError(f"ramp_throttle must be a timedelta, and not negative: {throttle!r}", option="tuner")
    return Bounds(
        minimum=minimum,
        maximum=maximum,
        ramp_seconds=throttle.total_seconds(),
        target=Usage(target.target_memory_usage, target.target_cpu_usage),
    )


def _at_least_1(name: str, number: int) -> int:
    if not isinstance(number, int) or number < 1:
        raise ConfigurationError(f"{name} must be at least 1, not {number!r}", option=name)
    return number
