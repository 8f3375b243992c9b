"""The partition's state follows from the log alone: live, restored, in memory and on disk."""

from __future__ import annotations

import random
from typing import Any

import pytest
from foldlog.core import fold
from foldlog.core.outcome import Outcome
from foldlog.core.session import Answer
from foldlog.core.state import DeadlineKind, Run
from foldlog.processors.store import (
    Due,
    KeyValueStore,
    PartitionStore,
    Position,
    StoreCorruptedError,
    StoreFormatError,
    WriteBatch,
    formats,
)
from foldlog.processors.store.verify import digest, dump
from foldlog.schemas import event, log
from foldlog.schemas.codec import SingleObjectCodec
from foldlog.schemas.common import Continuation, Payload
from foldlog.schemas.framing import encode
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.store.conftest import OpenStore
from tests.unit.store.simulation import Simulation
from tests.unit.store.support import apply, assert_equal, check, memory, partition_store, restore

RETENTION: dict[str, Any] = {"request_retention_ms": 20_000, "closed_retention_ms": 30_000}


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    sizes=st.lists(st.integers(0, 30), min_size=1, max_size=40),
    batch_records=st.integers(1, 200),
    cached_runs=st.integers(0, 20),
    budget=st.sampled_from([1, 5, 20_000]),
    step_ms=st.sampled_from([0, 500, 5_000]),
)
def test_a_restored_store_equals_the_live_one(
    seed: int, sizes: list[int], batch_records: int, cached_runs: int, budget: int, step_ms: int
) -> None:
    options = RETENTION | {"expiry_budget": budget}
    simulation = Simulation(random.Random(seed), step_ms=step_ms)
    live_kv, restored_kv = memory(), memory()
    live = partition_store(live_kv, **options)
    for size in sizes:
        apply(live, simulation.transaction(size))
    restored = partition_store(restored_kv, **options)
    restore(restored, simulation.transactions, batch_records=batch_records, cached_runs=cached_runs)
    assert list(dump(restored_kv)) == list(dump(live_kv))
    assert restored.counts() == live.counts()
    assert restored.position == live.position
    check(live, live_kv, simulation)


@pytest.mark.parametrize("seed", range(3))
def test_a_long_log_live_and_restored(open_kv: OpenStore, seed: int) -> None:
    """Also with the processor's store opened again and again on the way, and on disk."""
    simulation = Simulation(random.Random(seed), step_ms=2_000)
    live_kv, restored_kv = open_kv(), open_kv()
    for _ in range(20):
        live = partition_store(live_kv, **RETENTION)
        for _ in range(10):
            apply(live, simulation.transaction(simulation.rng.randint(0, 30)))
        check(live, live_kv, simulation)
    restore(partition_store(restored_kv, **RETENTION), simulation.transactions, batch_records=500, cached_runs=3)
    assert digest(restored_kv) == digest(live_kv)
    assert list(dump(restored_kv)) == list(dump(live_kv))
    assert sum(1 for _ in dump(live_kv)) > 100


class Log:
    """A log written by hand, applied to a store as it grows."""

    def __init__(self, store: PartitionStore) -> None:
        self.store = store
        self.offset = 0
        self.now_ms = 1_000_000

    def begin(self) -> Outcome:
        return Outcome(now_ms=self.now_ms, namespace="test", encode=encode)

    def commit(self, outcome: Outcome, commands_offset: int = 0) -> None:
        outcome.append_loose("", log.BatchCommitted(commands_offset=commands_offset, time_ms=self.now_ms))
        batch = self.store.stage()
        for entry in outcome.log:
            batch.add(entry.workflow_id, entry.record, entry.encoded, entry.run)
        self.offset += len(outcome.log) + 1
        self.store.commit(batch, self.offset)

    def start(self, workflow_id: str, run_id: str = "run", **fields: Any) -> Run:
        outcome = self.begin()
        started = event.WorkflowExecutionStarted(workflow_type="W", task_queue="q", **fields)
        run = outcome.begin(workflow_id, run_id, started)
        self.commit(outcome)
        return run

    def append(self, run: Run, *records: Any) -> None:
        outcome = self.begin()
        for record in records:
            outcome.append(run, record)
        self.commit(outcome)

    def pass_time(self, ms: int) -> None:
        self.now_ms += ms
        self.commit(self.begin())


def scheduled(**fields: Any) -> event.ActivityTaskScheduled:
    return event.ActivityTaskScheduled(activity_id="a", activity_type="A", task_queue="q", **fields)


def attempt(run: Run, event_id: int, phase: log.AttemptPhase = "STARTED") -> log.ActivityAttempt:
    return log.ActivityAttempt(
        run_id=run.run_id, scheduled_event_id=event_id, attempt=1, phase=phase, attempt_ms=5, started_ms=5
    )


def completed() -> event.WorkflowExecutionCompleted:
    return event.WorkflowExecutionCompleted(result=Payload(encoding="json/plain", data=b"1"))


def stalled(run: Run) -> log.WorkflowStalled:
    return log.WorkflowStalled(run_id=run.run_id, error="e", stack_trace="", attempts=1, retry_ms=9, since_ms=1)


def pending(kv: KeyValueStore) -> list[bytes]:
    return [key for key, _ in kv.scan(formats.PENDING)]


def test_a_fresh_store_knows_nothing(kv: KeyValueStore) -> None:
    store = partition_store(kv)
    assert store.position == Position(0, 0, 0)
    assert store.counts() == (0, 0, 0)
    assert store.opened is None
    assert store.current_run_id("w") is None
    assert store.head("w", "r") is None
    assert store.answer("w", "r") is None
    assert list(store.history("w", "r")) == []
    assert store.next_due_ms() is None
    assert store.due(1 << 62, 10) == []
    with pytest.raises(KeyError):
        store.load_run("w", "r")


def test_the_position_moves_with_the_rows_and_is_found_again(kv: KeyValueStore) -> None:
    store = partition_store(kv)
    written = Log(store)
    written.start("w")
    written.now_ms -= 500
    written.commit(written.begin(), commands_offset=7)
    expected = Position(5, 7, 1_000_000)
    assert store.position == expected, "the log's time does not go back with a clock"
    assert partition_store(kv).position == expected
    assert partition_store(kv).counts() == (1, 0, 0)


def test_the_opener_is_remembered(kv: KeyValueStore) -> None:
    store = partition_store(kv)
    opened = log.PartitionOpened(instance="i", epoch="e1", partition_count=8, time_ms=5)
    batch = store.stage()
    batch.add("", opened, encode(opened))
    store.commit(batch, 1)
    assert partition_store(kv).opened == opened
    assert store.position == Position(1, 0, 0)


def test_heads_and_pointers(kv: KeyValueStore) -> None:
    store = partition_store(kv)
    written = Log(store)
    first = written.start("w", "r1")
    head = store.head("w", "r1")
    assert head is not None
    assert (head.status, head.last_event_id, head.chain) == ("RUNNING", 1, first.chain)
    assert (head.history_size, head.closed_ms) == (first.history_size, 0)
    written.append(first, completed())
    head = store.head("w", "r1")
    assert head is not None
    assert (head.status, head.last_event_id, head.closed_ms) == ("COMPLETED", 2, written.now_ms)
    written.start("w", "r2")
    assert store.current_run_id("w") == "r2"
    assert store.head("w", "r1") == head
    assert store.counts() == (1, 0, 1)
    assert list(store.open_runs()) == [("w", "r2")]
    assert_equal(store.load_run("w", "r1"), first)


def test_history_from_any_event_on(kv: KeyValueStore) -> None:
    store = partition_store(kv)
    written = Log(store)
    run = written.start("w")
    written.start("w2", "run")
    written.append(run, *(event.WorkflowExecutionSignaled(signal_name=f"s{number}") for number in range(300)))
    whole = list(store.history("w", "run"))
    assert len(whole) == 301
    assert list(store.history("w", "run", 300)) == whole[299:]
    assert list(store.history("w", "run", 302)) == []
    assert fold.digest(whole[-1]) == run.chain


def test_answers(kv: KeyValueStore) -> None:
    store = partition_store(kv)
    written = Log(store)
    run = written.start("w", request_id="q1")
    written.append(run, event.WorkflowExecutionSignaled(signal_name="s", request_id="q2"))
    written.append(run, event.WorkflowExecutionCancelRequested(request_id="q3"))
    written.append(run, event.WorkflowExecutionTerminated(request_id="q4"))
    outcome = written.begin()
    outcome.append_loose("w", log.RequestRejected(request_id="q5", answer=b"closed", time_ms=written.now_ms))
    written.commit(outcome)
    assert store.answer("w", "q1") == Answer("run", started=True)
    assert [store.answer("w", request_id) for request_id in ("q2", "q3", "q4")] == [Answer("run")] * 3
    assert store.answer("w", "q5") == Answer(rejected=b"closed")
    assert store.answer("v", "q1") is None
    assert store.answer("w", "") is None


def test_an_attempt_counts_until_its_activity_ends(kv: KeyValueStore) -> None:
    store = partition_store(kv)
    written = Log(store)
    run = written.start("w")
    written.append(run, scheduled(start_to_close_timeout_ms=50))
    written.append(run, attempt(run, 2))
    written.append(run, attempt(run, 2, "BACKOFF"), attempt(run, 2))
    assert len(pending(kv)) == 1
    assert store.next_due_ms() == 55
    assert_equal(store.load_run("w", "run"), run)
    written.append(run, event.ActivityTaskCanceled(scheduled_event_id=2))
    assert pending(kv) == []
    assert store.next_due_ms() is None
    written.append(run, scheduled(), attempt(run, 4), event.ActivityTaskCanceled(scheduled_event_id=4))
    assert pending(kv) == []


def test_a_local_activity_counts_until_it_ends(kv: KeyValueStore) -> None:
    store = partition_store(kv)
    written = Log(store)
    run = written.start("w")
    written.append(run, log.LocalActivityStarted(run_id="run", activity_id="l\0"))
    assert_equal(store.load_run("w", "run"), run)
    assert list(store.unfinished()) == [Due(fold.UNFINISHED_MS, "w", "run", (DeadlineKind.LOCAL, 0))]
    assert store.next_due_ms() is None, "unfinished work is not due"
    assert store.due(written.now_ms, 10) == []
    written.append(run, event.LocalActivityCompleted(activity_id="l\0", activity_type="L", attempt=1))
    assert pending(kv) == []
    assert list(store.unfinished()) == []


def test_what_waits_for_a_stalled_run(kv: KeyValueStore) -> None:
    store = partition_store(kv)
    written = Log(store)
    run = written.start("w")
    written.start("w\0", "other")
    written.append(run, stalled(run), log.CommandDeferred(run_id="run", ordinal=1, command=b"one"))
    for ordinal in range(2, 12):
        written.append(run, log.CommandDeferred(run_id="run", ordinal=ordinal, command=b"%d" % ordinal))
    assert list(store.deferred("w", "run"))[:2] == [(1, b"one"), (2, b"2")]
    assert list(store.deferred("w", "run", 9)) == [(10, b"10"), (11, b"11")]
    assert list(store.deferred("w\0", "other")) == []
    assert store.counts() == (2, 1, 0)
    assert list(store.stalled_runs()) == [("w", "run")]
    assert_equal(store.load_run("w", "run"), run)
    written.append(run, log.WorkflowResumed(run_id="run", handled_ordinal=3))
    assert [ordinal for ordinal, _ in store.deferred("w", "run")] == list(range(4, 12))
    assert store.counts() == (2, 0, 0)
    assert list(store.stalled_runs()) == []
    assert_equal(store.load_run("w", "run"), run)
    written.append(run, log.WorkflowResumed(run_id="run", handled_ordinal=11), stalled(run))
    assert list(store.deferred("w", "run")) == []
    assert store.counts() == (2, 1, 0)
    assert_equal(store.load_run("w", "run"), run)
    written.append(run, completed())
    assert pending(kv) == []
    assert store.counts() == (1, 0, 1)


def test_due_times_in_order(kv: KeyValueStore) -> None:
    store = partition_store(kv)
    written = Log(store)
    assert store.next_due_ms() is None
    runs = [written.start(f"w{number}") for number in range(3)]
    for number, fire_ms in enumerate((300, 100, 200)):
        written.append(runs[number], event.TimerStarted(timer_id=1, fire_ms=fire_ms))
        assert store.next_due_ms() == min((300, 100, 200)[: number + 1])
    timer = (DeadlineKind.TIMER, 1)
    assert store.due(99, 10) == []
    assert store.due(200, 10) == [Due(100, "w1", "run", timer), Due(200, "w2", "run", timer)]
    assert store.due(1_000, 1) == [Due(100, "w1", "run", timer)]
    written.append(runs[1], event.TimerFired(timer_id=1, started_event_id=2))
    assert store.next_due_ms() == 200
    written.append(runs[0], event.TimerStarted(timer_id=2, fire_ms=-5))
    assert store.next_due_ms() == -5, "a time before all that were ever due is found"
    assert store.due(0, 10) == [Due(-5, "w0", "run", (DeadlineKind.TIMER, 2))]
    for run in runs:
        written.append(run, completed())
    assert store.next_due_ms() is None
    assert list(kv.scan(formats.TIMERS)) == []
    written.append(written.start("w4"), event.TimerStarted(timer_id=1, fire_ms=50))
    assert store.next_due_ms() == 50


def test_a_deadline_that_comes_and_goes_in_one_batch_leaves_nothing(kv: KeyValueStore) -> None:
    store = partition_store(kv)
    written = Log(store)
    run = written.start("w")
    fired = event.TimerFired(timer_id=1, started_event_id=2)
    written.append(run, event.TimerStarted(timer_id=1, fire_ms=50), fired)
    assert list(kv.scan(formats.TIMERS)) == []
    written.append(run, event.TimerStarted(timer_id=1, fire_ms=50))
    fired = event.TimerFired(timer_id=1, started_event_id=4)
    written.append(run, fired, event.TimerStarted(timer_id=1, fire_ms=50))
    assert [due.due_ms for due in store.due(50, 10)] == [50]


def test_requests_expire_by_the_time_of_the_log(kv: KeyValueStore) -> None:
    store = partition_store(kv, **RETENTION)
    written = Log(store)
    run = written.start("w", request_id="q1")
    written.now_ms += 10_000
    written.append(run, event.WorkflowExecutionSignaled(signal_name="s", request_id="q2"))
    written.pass_time(9_999)
    assert store.answer("w", "q1") is not None
    written.pass_time(1)
    assert store.answer("w", "q1") is None
    assert store.answer("w", "q2") is not None
    written.pass_time(10_000)
    assert store.answer("w", "q2") is None
    assert list(kv.scan(formats.EXPIRY)) == []
    assert store.head("w", "run") is not None, "an open run stays"


def test_closed_runs_expire_with_all_that_is_theirs(kv: KeyValueStore) -> None:
    store = partition_store(kv, **RETENTION)
    written = Log(store)
    kept = written.start("kept")
    for workflow_id in ("gone", "again"):
        written.append(written.start(workflow_id, "r1", request_id="q"), completed())
    written.start("again", "r2")
    written.pass_time(30_000)
    assert store.head("gone", "r1") is None
    assert list(store.history("gone", "r1")) == []
    assert store.current_run_id("gone") is None
    assert store.head("again", "r1") is None
    assert store.current_run_id("again") == "r2"
    assert store.counts() == (2, 0, 0)
    assert_equal(store.load_run("kept", "run"), kept)
    # Nothing is left but what the two open runs need.
    rows = {family: sum(1 for _ in kv.scan(family)) for family in formats.FAMILIES}
    assert rows == {
        "workflows": 2, "runs": 2, "history": 2, "pending": 0, "timers": 0, "requests": 0, "expiry": 0, "meta": 3,
    }  # fmt: skip


def test_the_runs_of_a_chain_expire_one_by_one(kv: KeyValueStore) -> None:
    written = Log(partition_store(kv, **RETENTION))
    first = written.start("chain", "r1")
    outcome = written.begin()
    outcome.append(first, event.WorkflowExecutionContinuedAsNew(new_run_id="r2", workflow_type="W"))
    started = event.WorkflowExecutionStarted(
        workflow_type="W", task_queue="q", continuation=Continuation(run_id="r1"), held=True, first_task_ms=1_100_000
    )
    second = outcome.begin("chain", "r2", started)
    written.commit(outcome)
    store = written.store
    assert store.current_run_id("chain") == "r2"
    assert [due.key[0] for due in store.due(1_100_000, 10)] == [DeadlineKind.FIRST_TASK]
    written.pass_time(30_000)
    assert store.head("chain", "r1") is None
    assert list(store.history("chain", "r1")) == []
    assert_equal(store.load_run("chain", "r2"), second)
    written.append(second, event.WorkflowTaskScheduled(), completed())
    written.pass_time(30_000)
    assert store.current_run_id("chain") is None
    assert store.counts() == (0, 0, 0)


def test_expiry_is_spread_over_transactions(kv: KeyValueStore) -> None:
    store = partition_store(kv, expiry_budget=20, **RETENTION)
    written = Log(store)
    for number in range(20):
        written.append(written.start(f"w{number:02}"), completed())
    written.pass_time(40_000)
    # A run of two events is five rows: two of history, a head, a pointer, and one that says when.
    assert store.counts().closed_runs == 16
    assert [store.current_run_id(f"w{number:02}") for number in (3, 4)] == [None, "run"]
    for _ in range(4):
        written.pass_time(0)
    assert store.counts().closed_runs == 0
    assert list(kv.scan(formats.EXPIRY)) == []


def test_a_batch_that_drops_rows_ends_there(kv: KeyValueStore) -> None:
    store = partition_store(kv, request_retention_ms=0)
    rejected = log.RequestRejected(request_id="q", answer=b"no", time_ms=5)
    batch = store.stage()
    first = log.BatchCommitted(commands_offset=1, time_ms=4)
    batch.add("", first, encode(first))
    batch.add("w", rejected, encode(rejected))
    assert [batch.full] == [False]
    last = log.BatchCommitted(commands_offset=2, time_ms=5)
    batch.add("", last, encode(last))
    assert batch.full
    with pytest.raises(RuntimeError, match="full"):
        batch.add("w", rejected, encode(rejected))
    store.commit(batch, 3)
    assert store.answer("w", "q") is None
    with pytest.raises(RuntimeError, match="sealed"):
        batch.add("w", rejected, encode(rejected))


def test_two_batches_on_their_way(kv: KeyValueStore, open_kv: OpenStore) -> None:
    """The next transaction is handled while one commits; the first batch holds nothing of the second."""
    store = partition_store(kv)
    written = Log(store)
    run = written.start("w")
    first, second = store.stage(), store.stage()
    outcome = written.begin()
    outcome.append(run, event.TimerStarted(timer_id=1, fire_ms=50))
    outcome.append(run, stalled(run))
    for entry in outcome.log:
        first.add(*entry)
    first.seal()
    outcome = written.begin()
    outcome.append(run, log.WorkflowResumed(run_id="run", handled_ordinal=0))
    outcome.append(run, completed())
    for entry in outcome.log:
        second.add(*entry)
    assert store.counts() == (1, 0, 0), "reads see what is committed"
    store.commit(first, 5)
    head = store.head("w", "run")
    assert head is not None
    assert (head.status, head.last_event_id) == ("RUNNING", 2)
    assert store.counts() == (1, 1, 0)
    assert store.load_run("w", "run").stalled is not None
    assert [due.key for due in store.due(1_000, 10)] == [(DeadlineKind.STALL, 0)]
    store.commit(second, 8)
    assert store.counts() == (0, 0, 1)
    assert_equal(store.load_run("w", "run"), run)
    assert list(kv.scan(formats.TIMERS)) == []
    assert pending(kv) == []


def test_a_record_of_a_run_needs_its_run(kv: KeyValueStore) -> None:
    record = completed()
    with pytest.raises(TypeError, match="WorkflowExecutionCompleted"):
        partition_store(kv).stage().add("w", record, encode(record))


def test_another_format_or_partition_is_refused(kv: KeyValueStore) -> None:
    Log(partition_store(kv, partition=3)).start("w")
    assert partition_store(kv, partition=3).counts() == (1, 0, 0)
    assert partition_store(kv).counts() == (1, 0, 0)
    with pytest.raises(StoreFormatError, match="partition 3"):
        partition_store(kv, partition=4)
    batch = WriteBatch(formats.FAMILIES)
    batch.put(formats.META, formats.META_FORMAT, b"\0\0\0\x63" + b"\0\0\0\x03")
    kv.write(batch)
    with pytest.raises(StoreFormatError, match="format 99"):
        partition_store(kv, partition=3)


@pytest.mark.parametrize("damage", ["gap", "garbage", "chain", "short"])
def test_rows_that_are_not_a_run_are_corruption(kv: KeyValueStore, damage: str) -> None:
    store = partition_store(kv)
    written = Log(store)
    run = written.start("w")
    written.append(run, scheduled(), event.WorkflowExecutionSignaled(signal_name="s"), attempt(run, 2))
    key = formats.run_key("w", "run")
    rows = {event_id: key + formats.NUMBER.pack(event_id) for event_id in (1, 2, 3)}
    batch = WriteBatch(formats.FAMILIES)
    if damage == "gap":
        batch.delete(formats.HISTORY, rows[2])
    elif damage == "garbage":
        batch.put(formats.HISTORY, rows[2], b"garbage")
    elif damage == "chain":
        altered = scheduled(run_id="run", event_id=2, time_ms=5, chain=b"x" * 16)
        batch.put(formats.HISTORY, rows[2], encode(altered))
    else:
        batch.delete(formats.HISTORY, rows[3])
    kv.write(batch)
    with pytest.raises(StoreCorruptedError, match="run"):
        store.load_run("w", "run")


def test_a_closed_store_stays_closed(kv: KeyValueStore) -> None:
    store = partition_store(kv)
    store.close()
    store.close()
    with pytest.raises(Exception, match="closed"):
        store.head("w", "r")


def test_a_store_of_another_topic_is_refused() -> None:
    kv = memory()
    store = PartitionStore(kv, SingleObjectCodec(), topic_id="first")
    store.commit(store.stage(), 1)
    PartitionStore(kv, SingleObjectCodec(), topic_id="first")
    with pytest.raises(StoreFormatError, match="the topic with ID first, not of second"):
        PartitionStore(kv, SingleObjectCodec(), topic_id="second")
