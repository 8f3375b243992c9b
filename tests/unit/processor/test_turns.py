"""What becomes of the word of activities of this process when a transaction is aborted, and of what is committed."""

from __future__ import annotations

from typing import Any, cast

import pytest
from foldlog.core.decider import DeciderFactory
from foldlog.core.decisions import Decision, ScheduleActivity
from foldlog.core.engine import LocalResult
from foldlog.core.outcome import MAXIMUM_RECORD_BYTES
from foldlog.processors.options import ProcessorOptions
from foldlog.processors.partition import Partition, Work
from foldlog.processors.store import MemoryStore, formats
from foldlog.processors.store.errors import StoreError
from foldlog.processors.store.kv import WriteBatch
from foldlog.processors.turns import FromMemory, Turns, Unapplied
from foldlog.schemas import command, log
from foldlog.schemas.codec import SingleObjectCodec
from foldlog.schemas.common import WorkflowOptions
from foldlog.schemas.event import WorkflowExecutionStarted
from foldlog.schemas.records import Event

from tests.unit.core.harness import ScriptDecider, ScriptFactory, VersionedScripts, payload
from tests.unit.processor.partitions import partition

ENDED = LocalResult(workflow_id="w", run_id="r", activity_id="1", activity_type="near", attempt=1)


def turns(**options: Any) -> Turns:
    nobody = cast("DeciderFactory", object())  # it opens no partitions
    settings = ProcessorOptions(namespace="n", **options)
    return Turns(settings, SingleObjectCodec(), nobody, None, require_queue=lambda name: None)


def test_the_end_of_a_local_activity_that_was_not_handled_outlasts_an_abort() -> None:
    """Its run is as it was, and waits for that end."""
    here = turns()
    here._put(FromMemory(0, "w", ENDED))
    here.await_memory(0.1)
    here.aborted()  # before anything was handled, as when a partition could not be taken over
    assert here.has_heard


def test_one_that_was_handled_is_forgotten_with_its_run() -> None:
    """The run is rebuilt from its history, and runs it again."""
    here = turns()
    here._put(FromMemory(0, "w", ENDED))
    here.handle_heard({})
    here.aborted()
    assert not here.has_heard


class EagerFactory(ScriptFactory):
    """Makes workflows that wait for an eager activity."""

    def create(self, workflow_id: str, started: WorkflowExecutionStarted) -> ScriptDecider:
        return EagerDecider(started, lambda: False)


class EagerDecider(ScriptDecider):
    def activate(self, happened: Event) -> list[Decision]:
        return [ScheduleActivity(activity_id="1", activity_type="work", task_queue="q", eager=True)]


class BrokenStore(MemoryStore):
    """Takes nothing."""

    def write(self, batch: WriteBatch) -> None:
        raise StoreError("the disk is full")


def started(here: Partition, workflow_id: str) -> tuple[Partition, Work]:
    """A workflow is started, and what that comes to is ready to be applied."""
    here.handle_local(workflow_id, command.StartWorkflow(workflow_type="t", task_queue="q"), 1_000_000)
    work = here.take()
    assert work is not None
    here.stage()
    return here, work


def test_partitions_share_the_cache_those_without_work_too() -> None:
    """One that was alone may have more than its share when another one comes."""
    here = turns(max_cached_workflows=4)
    first, second = partition(EagerFactory()), partition(EagerFactory())
    for number in range(4):
        assert here.apply([started(first, f"w-{number}")], {0: number + 1}, [first]) == 0
    assert here.apply([started(second, "other")], {0: 1}, [first, second]) == 2
    assert (len(first.sessions), len(second.sessions)) == (2, 1)


def test_a_store_that_fails_gives_no_slot_back_that_an_attempt_has() -> None:
    """Eager tasks are handed over as soon as they are committed, and each attempt gives its slot back when it ends."""
    released: list[str] = []
    broken = partition(EagerFactory(), BrokenStore(formats.FAMILIES), eager=True, release=released.append)
    sound = partition(EagerFactory(), eager=True, release=released.append)
    works = [started(broken, "a"), started(sound, "b")]
    assert [len(work.outcome.eager) for _, work in works] == [1, 1]
    with pytest.raises(Unapplied):
        turns().apply(works, {0: 1}, [broken, sound])
    broken.close()
    sound.close()
    assert not released


def test_an_aborted_transaction_gives_the_slots_of_its_eager_tasks_back() -> None:
    """They are not handed over."""
    released: list[str] = []
    here, _ = started(partition(EagerFactory(), eager=True, release=released.append), "a")
    here.aborted()
    assert released == ["q"]


class LargeFactory(ScriptFactory):
    """Makes workflows that want an eager activity whose arguments no record can hold."""

    def create(self, workflow_id: str, started: WorkflowExecutionStarted) -> ScriptDecider:
        return LargeDecider(started, lambda: False)


class LargeDecider(ScriptDecider):
    def activate(self, happened: Event) -> list[Decision]:
        args = [payload("x" * MAXIMUM_RECORD_BYTES)]
        return [ScheduleActivity(activity_id="1", activity_type="work", task_queue="q", args=args, eager=True)]


def test_an_aborted_transaction_gives_the_slot_of_an_activity_back_that_could_not_be_recorded() -> None:
    released: list[str] = []
    here, work = started(partition(LargeFactory(), eager=True, release=released.append), "a")
    assert (released, work.outcome.eager) == ([], [])
    here.aborted()
    assert released == ["q"]


class ComingScripts(VersionedScripts):
    """Versions of workers of this process, which come and go."""

    def __init__(self) -> None:
        super().__init__("d.2")
        self.here: object = object()

    def code_here(self) -> object:
        return self.here


def test_a_stalled_run_goes_on_in_the_next_turn_once_a_worker_of_this_process_has_its_version() -> None:
    """The partition need not move for that, and with Kafka it mostly does not."""
    scripts = ComingScripts()
    here = partition(scripts)
    options = WorkflowOptions(versioning_behavior="PINNED", deployment_version="d.1")
    wanted = command.StartWorkflow(workflow_type="type-1", task_queue="q", options=options)
    here.handle_local("w", wanted, 1_000_000)
    begun = here.take()
    assert begun is not None
    here.stage()
    turns().apply([(here, begun)], {0: 1}, [here])
    here.begin_turn(1_001_000)
    assert here.take() is None, "nobody has come"
    scripts.hosted, scripts.here = ("d.2", "d.1"), object()
    here.begin_turn(1_002_000)
    work = here.take()
    assert work is not None
    assert any(isinstance(entry.record, log.WorkflowResumed) for entry in work.outcome.log)
    assert scripts.made == ["d.1"]


def test_workers_that_come_or_go_are_no_reason_for_a_transaction_where_no_run_is_stalled() -> None:
    scripts = ComingScripts()
    here = partition(scripts)
    scripts.here = object()
    here.begin_turn(1_000_000)
    assert here.take() is None
