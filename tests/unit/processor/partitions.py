"""Partitions with a store in memory, whose workflows do what a script says."""

from __future__ import annotations

from collections.abc import Callable

from foldlog.core.limits import HistoryLimits
from foldlog.processors.partition import Partition
from foldlog.processors.store import MemoryStore, PartitionStore, formats
from foldlog.schemas.codec import SingleObjectCodec

from tests.unit.core.harness import ScriptFactory


def partition(
    factory: ScriptFactory | None = None,
    store: MemoryStore | None = None,
    *,
    eager: bool = False,
    release: Callable[[str], None] = lambda task_queue: None,
) -> Partition:
    """A partition, numbered 0.

    Args:
        factory: Makes the code of its workflows.
        store: Where it keeps them.
        eager: Whether there always is a slot for an eager activity.
        release: Called with the queue of a slot that is given back.
    """
    return Partition(
        0,
        PartitionStore(store or MemoryStore(formats.FAMILIES), SingleObjectCodec()),
        SingleObjectCodec(),
        factory or ScriptFactory(),
        namespace="test",
        build_id="",
        reserve=lambda task_queue, activity_type, version: eager,
        release=release,
        require_queue=lambda task_queue: None,
        cannot_run_local=lambda activity_type, version: "",
        partition_of=lambda workflow_id: 0,
        long_poll_ms=60_000,
        limits=HistoryLimits(),
    )
