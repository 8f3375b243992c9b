"""Which runs a partition keeps in memory, and what it tells of runs that are not."""

from __future__ import annotations

from foldlog.core.state import Run
from foldlog.processors.partition import Partition
from foldlog.processors.sessions import CachedSessions
from foldlog.processors.store import MemoryStore, PartitionStore, formats
from foldlog.schemas import command
from foldlog.schemas.codec import SingleObjectCodec
from foldlog.schemas.event import WorkflowExecutionStarted

from tests.unit.core.harness import ScriptFactory


def partition() -> Partition:
    """A partition with a store in memory, whose workflows do what a script says."""
    store = PartitionStore(MemoryStore(formats.FAMILIES), SingleObjectCodec())
    return Partition(
        0,
        store,
        SingleObjectCodec(),
        ScriptFactory(),
        namespace="test",
        build_id="",
        reserve=lambda task_queue, activity_type: False,
        release=lambda task_queue: None,
        require_queue=lambda task_queue: None,
        cannot_run_local=lambda activity_type: "",
        partition_of=lambda workflow_id: 0,
        clock_ms=lambda: 1_000_000,
        long_poll_ms=60_000,
    )


def handle(here: Partition, workflow_id: str, wanted: object, offset: int) -> str:
    """Handle and commit one command; the run ID of the workflow afterwards."""
    here.handle_local(workflow_id, wanted, 1_000_000)
    assert here.take() is not None
    here.stage()
    here.committed(offset, 100, 1 << 20)
    return here.store.current_run_id(workflow_id) or ""


def test_whether_a_run_is_open_is_known_without_folding_it() -> None:
    here = partition()
    start = command.StartWorkflow(workflow_type="type-2", task_queue="q")
    first = handle(here, "a", start, 10)
    assert here.sessions.is_open("a", first)
    assert not here.sessions.is_open("a", "another")
    assert not here.sessions.is_open("nobody", first)
    handle(here, "a", command.TerminateWorkflow(), 20)
    assert not here.sessions.is_open("a", first)
    second = handle(here, "a", start, 30)
    here.sessions.clear()
    assert here.sessions.is_open("a", second)
    assert not here.sessions.is_open("a", first)
    assert len(here.sessions) == 0  # nothing was read into memory


def test_the_run_that_was_used_last_stays_however_long_its_history_is() -> None:
    sessions = CachedSessions(PartitionStore(MemoryStore(formats.FAMILIES), SingleObjectCodec()))
    for name, size in (("small", 10), ("large", 1_000)):
        started = WorkflowExecutionStarted(run_id=name, workflow_type="t", task_queue="q")
        sessions.add(Run(workflow_id=name, run_id=name, started=started, history_size=size))
    sessions.committed()
    assert sessions.evict(max_workflows=10, max_history_bytes=100) == 1
    assert sessions.is_open("large", "large")
    assert sessions.evict(max_workflows=10, max_history_bytes=100) == 0
    assert len(sessions) == 1


def test_none_is_kept_where_none_is_to_be() -> None:
    sessions = CachedSessions(PartitionStore(MemoryStore(formats.FAMILIES), SingleObjectCodec()))
    started = WorkflowExecutionStarted(run_id="run", workflow_type="t", task_queue="q")
    sessions.add(Run(workflow_id="a", run_id="run", started=started, history_size=10))
    sessions.committed()
    assert sessions.evict(max_workflows=0, max_history_bytes=100) == 1
    assert len(sessions) == 0
