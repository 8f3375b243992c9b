"""Which runs a partition keeps in memory, and what it tells of runs that are not."""

from __future__ import annotations

import pytest
from foldlog.core.decisions import Decision, ScheduleLocalActivity
from foldlog.core.engine import LocalResult
from foldlog.core.state import Run
from foldlog.processors.partition import Partition, PoisonedInput
from foldlog.processors.sessions import CachedSessions
from foldlog.processors.store import MemoryStore, PartitionStore, formats
from foldlog.schemas import command
from foldlog.schemas.codec import SingleObjectCodec
from foldlog.schemas.event import LocalActivityCompleted, WorkflowExecutionStarted
from foldlog.schemas.records import Event

from tests.unit.core.harness import ScriptDecider, ScriptFactory
from tests.unit.processor.partitions import partition


def handle(here: Partition, workflow_id: str, wanted: object, offset: int) -> str:
    """Handle and commit one command; the run ID of the workflow afterwards."""
    here.handle_local(workflow_id, wanted, 1_000_000)
    assert here.take() is not None
    here.stage()
    here.committed(offset)
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


class Fragile(ScriptDecider):
    """Runs a local activity, and raises what no decider should when that has ended."""

    def activate(self, happened: Event) -> list[Decision]:
        if isinstance(happened, LocalActivityCompleted):
            raise ValueError("broken inside")
        return [ScheduleLocalActivity(activity_id="1", activity_type="near")]


class FragileFactory(ScriptFactory):
    def create(self, workflow_id: str, started: WorkflowExecutionStarted) -> Fragile:
        return Fragile(started, lambda: False)


def test_an_end_of_a_local_activity_that_cannot_be_handled_stalls_its_run_and_no_other() -> None:
    """What cannot be handled aborts the transaction, and a local activity runs again after that, time after time."""
    here = partition(FragileFactory())
    run_id = handle(here, "a", command.StartWorkflow(workflow_type="t", task_queue="q"), 10)
    ended = LocalResult(workflow_id="a", run_id=run_id, activity_id="1", activity_type="near", attempt=1)
    with pytest.raises(PoisonedInput, match=r"near of workflow 'a': ValueError: broken inside"):
        here.local_ended(ended, 1_000_000)
    here.aborted()
    here.begin_turn(1_000_000)
    here.local_ended(ended, 1_000_000)
    handle(here, "b", command.StartWorkflow(workflow_type="t", task_queue="q"), 20)
    session = here.sessions.current("a")
    assert session is not None
    assert session.run.stalled is not None
    assert "broken inside" in session.run.stalled.error


class OnceFactory(FragileFactory):
    """Makes the code of a run once, and raises what no factory should when it is to be made anew."""

    def __init__(self) -> None:
        super().__init__()
        self.made: set[str] = set()

    def create(self, workflow_id: str, started: WorkflowExecutionStarted) -> Fragile:
        if workflow_id in self.made:
            raise ValueError("not again")
        self.made.add(workflow_id)
        return super().create(workflow_id, started)


def test_a_run_that_cannot_be_brought_back_does_not_get_in_the_way_of_an_abort_nor_of_others() -> None:
    here = partition(OnceFactory())
    run_id = handle(here, "a", command.StartWorkflow(workflow_type="t", task_queue="q"), 10)
    ended = LocalResult(workflow_id="a", run_id=run_id, activity_id="1", activity_type="near", attempt=1)
    with pytest.raises(PoisonedInput, match="broken inside"):
        here.local_ended(ended, 1_000_000)
    here.aborted()
    with pytest.raises(PoisonedInput, match="not again"):
        here.begin_turn(1_000_000)
    here.aborted()
    here.begin_turn(1_000_000)
    assert handle(here, "b", command.StartWorkflow(workflow_type="t", task_queue="q"), 20)


class Start:
    """A start of a workflow in the topic of commands."""

    def __init__(self, offset: int) -> None:
        self._offset = offset

    def key(self) -> bytes:
        return b"w"

    def value(self) -> bytes:
        return SingleObjectCodec().encode(command.StartWorkflow(workflow_type="t", task_queue="q"))

    def headers(self) -> None: ...

    def offset(self) -> int:
        return self._offset


class NoFactory(ScriptFactory):
    def create(self, workflow_id: str, started: WorkflowExecutionStarted) -> ScriptDecider:
        raise ValueError("no code at all")


def test_each_command_that_cannot_be_handled_aborts_one_transaction() -> None:
    here = partition(NoFactory())
    starts = [Start(offset) for offset in range(5)]
    for _ in starts:
        with pytest.raises(PoisonedInput, match="no code at all"):
            here.handle(starts, 1_000_000)
        here.aborted()
    here.handle(starts, 1_000_000)
    work = here.take()
    assert work is not None
    assert [letter.offset for letter in work.dead_letters] == [0, 1, 2, 3, 4]
    here.stage()
    here.committed(10)
    assert here.next_offset == 5


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
