"""The runner: results, failures, timeouts, heartbeats and cancellation of attempts."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from foldlog import activity
from foldlog.common import RawValue
from foldlog.exceptions import ApplicationError, ApplicationErrorCategory, CancelledError
from foldlog.schemas.framing import decode
from foldlog.worker.attempt import Attempt, HeartbeatIntervals
from foldlog.worker.outcome import Canceled, Completed, Dropped, Failed, Interrupted, LeftOpen
from foldlog.worker.pool import ActivityThreads

from tests.until import until

from .harness import Bench, HandClock
from .samples import Gate, Order, fail, open_end, open_end_noted, stop_iteration, total, total_in_thread

MARK: ContextVar[str] = ContextVar("mark")


async def test_results_of_both_kinds(threads: Executor) -> None:
    bench = Bench([total, total_in_thread], executor=threads)
    order = Order(1, ["a", "b"])
    assert await bench.result("total", order, 3) == 6
    assert await bench.result("total_in_thread", order, 4) == 8
    assert bench.runner.running == {}


@pytest.mark.parametrize(
    ("name", "args", "end"),
    [
        ("total", [Order(1, ["a"]), 3], Completed),
        ("total_in_thread", [Order(1, ["a"]), 3], Completed),
        ("total_in_thread", ["no order", 3], Failed),
        ("stop_iteration", [], Failed),
    ],
)
async def test_what_has_ended_goes_without_the_garbage_collector(
    name: str, args: list[Any], end: type, threads: Executor
) -> None:
    bench = Bench([total, total_in_thread, stop_iteration], executor=threads)
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        watched = await bench.start(name, *args)
        assert isinstance(await watched.outcome(), end)
        watched.attempt = None
        gc.collect()
        left = [found for found in gc.garbage if isinstance(found, Attempt)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
    assert not left


async def test_context_is_the_attempts_own() -> None:
    seen: dict[str, str] = {}

    @activity.defn
    async def who(name: str) -> str:
        await asyncio.sleep(0)
        seen[name] = activity.info().activity_id
        return str(activity.info().workflow_id)

    bench = Bench([who])
    outcomes = await asyncio.gather(*(bench.result("who", str(n), activity_id=str(n)) for n in range(5)))
    assert outcomes == ["wf"] * 5
    assert seen == {str(n): str(n) for n in range(5)}
    assert not activity.in_activity()


async def test_context_variables_do_not_leak_into_the_next_attempt() -> None:
    seen: list[str] = []

    @activity.defn
    async def mark(name: str) -> None:
        seen.append(MARK.get())
        MARK.set(name)

    MARK.set("outer")
    bench = Bench([mark])
    first = await bench.start("mark", "a")
    second: list[asyncio.Task[Any]] = []
    # As the worker does it: the end of one attempt begins the next.
    first.on_released = lambda: second.append(asyncio.ensure_future(bench.run("mark", "b")))
    await first.outcome()
    await second[0]
    assert seen == ["outer", "outer"]


async def test_info_tells_the_task() -> None:
    found: list[activity.Info] = []

    @activity.defn
    async def look() -> None:
        found.append(activity.info())

    bench = Bench([look])
    details = await bench.conversion.encode_all(["half"])
    await bench.result("look", heartbeat_timeout_ms=5_000, heartbeat_details=details, attempt=3)
    info = found[0]
    assert (info.attempt, info.heartbeat_details, info.task_queue) == (3, ["half"], "work")
    assert info.heartbeat_timeout == timedelta(seconds=5)
    assert info.scheduled_time == datetime.fromtimestamp(1, UTC)
    token = decode(info.task_token)
    assert (token.workflow_id, token.run_id, token.scheduled_event_id, token.attempt) == ("wf", "run", 5, 3)


async def test_failures_keep_type_details_and_cause() -> None:
    bench = Bench([fail])
    outcome = await bench.run("fail", "application")
    assert isinstance(outcome, Failed)
    assert (outcome.failure.type, outcome.failure.non_retryable) == ("OutOfStock", True)
    assert await bench.values(outcome.failure.details) == [3]
    outcome = await bench.run("fail", "other")
    assert isinstance(outcome, Failed)
    assert (outcome.failure.type, outcome.failure.message) == ("ValueError", "broken")
    assert outcome.failure.cause is not None
    assert outcome.failure.cause.type == "KeyError"
    assert "samples.py" in outcome.failure.stack_trace


@pytest.mark.parametrize(("kind", "type_"), [("exit", "SystemExit"), ("stray", "CancelledError")])
async def test_nothing_gets_past_the_runner(kind: str, type_: str) -> None:
    outcome = await Bench([fail]).run("fail", kind)
    assert isinstance(outcome, Failed)
    assert outcome.failure.type == type_
    assert not outcome.failure.non_retryable


async def test_stop_iteration_in_a_thread_is_a_failure(threads: Executor) -> None:
    outcome = await Bench([stop_iteration], executor=threads).run("stop_iteration")
    assert isinstance(outcome, Failed)
    assert outcome.failure.type == "RuntimeError"


async def test_unknown_activity_names_the_registered_ones() -> None:
    outcome = await Bench([total, fail]).run("totl")
    assert isinstance(outcome, Failed)
    assert "fail, total" in outcome.failure.message
    assert not outcome.failure.non_retryable


async def test_arguments_that_do_not_fit() -> None:
    bench = Bench([total])
    outcome = await bench.run("total", "no order", 1)
    assert isinstance(outcome, Failed)
    assert "args[0]" in outcome.failure.message
    outcome = await bench.run("total", Order(1, []))
    assert isinstance(outcome, Failed)
    assert outcome.failure.type == "TypeError"


async def test_a_result_that_cannot_be_converted_is_a_failure() -> None:
    @activity.defn
    async def odd() -> Any:
        return object()

    outcome = await Bench([odd]).run("odd")
    assert isinstance(outcome, Failed)
    assert "object" in outcome.failure.message


async def test_dynamic_activity_takes_what_nobody_else_has() -> None:
    @activity.defn(dynamic=True)
    async def anything(args: Sequence[RawValue]) -> str:
        values = activity.payload_converter().from_payloads([arg.payload for arg in args])
        return f"{activity.info().activity_type}{values}"

    bench = Bench([total, anything])
    assert await bench.result("newer", 1, "x") == "newer[1, 'x']"
    assert await bench.result("total", Order(1, ["a"]), 2) == 2


async def test_left_open_for_somebody_else() -> None:
    assert await Bench([open_end]).run("open_end") == LeftOpen()


async def test_left_open_it_says_what_it_noted_last() -> None:
    bench = Bench([open_end_noted])
    outcome = await bench.run("open_end_noted")
    assert isinstance(outcome, LeftOpen)
    assert outcome.heartbeat_details is not None
    assert await bench.values(outcome.heartbeat_details) == ["two"]


async def test_start_is_reported_only_when_it_lasts() -> None:
    gate, clock = Gate(), HandClock()
    bench = Bench([total, gate.wait], clock=clock)
    short = await bench.start("total", Order(1, []), 1)
    await short.outcome()
    long = await bench.start("wait")
    await until(gate.entered.is_set, "it runs")
    clock.advance(0.49)
    assert short.starts == long.starts == []
    clock.advance(1)
    assert long.starts == [pytest.approx(0.5)]
    bench.runner.cancel_all("CANCEL_REQUESTED")
    await long.outcome()
    assert len(long.starts) == 1


async def test_start_is_reported_soon_where_there_is_a_heartbeat_timeout() -> None:
    gate, clock = Gate(), HandClock()
    bench = Bench([total, gate.wait], clock=clock)
    short = await bench.start("total", Order(1, []), 1, heartbeat_timeout_ms=1000)
    await short.outcome()
    long = await bench.start("wait", heartbeat_timeout_ms=100)
    await until(gate.entered.is_set, "it runs")
    clock.advance(0.02)
    assert short.starts == long.starts == []
    clock.advance(1)
    assert long.starts == [pytest.approx(0.025)]
    bench.runner.cancel_all("CANCEL_REQUESTED")
    await long.outcome()


async def test_a_heartbeat_says_that_it_has_started() -> None:
    gate, clock = Gate(), HandClock()
    bench = Bench([gate.beat], clock=clock)
    watched = await bench.start("beat", 1, heartbeat_timeout_ms=60_000)
    await until(gate.entered.is_set, "it has sent a heartbeat")
    clock.advance(0.05)
    await until(lambda: watched.heartbeats, "which has gone out")
    assert watched.starts == []
    assert next(iter(bench.runner.attempts)).reported_start
    gate.go_on.set()
    await watched.outcome()
    assert watched.starts == []


async def test_whoever_overstays_is_timed_out_and_cancelled() -> None:
    gate, clock = Gate(), HandClock()
    watched = await Bench([gate.wait], clock=clock).start("wait", start_to_close_timeout_ms=30)
    await until(gate.entered.is_set, "it runs")
    clock.advance(0.03)
    outcome = await watched.outcome()
    assert isinstance(outcome, Failed)
    assert (outcome.failure.kind, outcome.failure.timeout_type) == ("TIMEOUT", "START_TO_CLOSE")
    assert gate.log == [(asyncio.CancelledError, True, activity.ActivityCancellationDetails(timed_out=True))]


async def test_a_timeout_is_reported_also_if_the_code_goes_on() -> None:
    gate, clock = Gate(), HandClock()
    watched = await Bench([gate.stubborn], clock=clock).start("stubborn", start_to_close_timeout_ms=30)
    await until(gate.entered.is_set, "it runs")
    clock.advance(0.03)
    await until(lambda: watched.outcomes, "the timeout is reported")
    assert not watched.over.is_set()
    gate.go_on.set()
    assert isinstance(await watched.outcome(), Failed)


@pytest.mark.parametrize("reason", ["CANCEL_REQUESTED", "TIMED_OUT", "NOT_FOUND", "WORKFLOW_CLOSED", "WORKER_SHUTDOWN"])
async def test_cancellation_of_async_code(reason: Any) -> None:
    gate = Gate()
    bench = Bench([gate.wait])
    watched = await bench.start("wait")
    await until(gate.entered.is_set, "it runs")
    assert bench.runner.cancel(("run", 5, 1), reason)
    expected: dict[str, type] = {"CANCEL_REQUESTED": Canceled, "WORKER_SHUTDOWN": Interrupted}
    assert type(await watched.outcome()) is expected.get(reason, Dropped)
    [(kind, cancelled, details)] = gate.log
    assert (kind, cancelled) == (asyncio.CancelledError, True)
    assert details.cancel_requested == (reason == "CANCEL_REQUESTED")
    assert details.worker_shutdown == (reason == "WORKER_SHUTDOWN")
    assert not bench.runner.cancel(("run", 5, 1), reason)


async def test_a_log_handler_that_raises_does_not_decide_how_an_attempt_ends(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise RuntimeError("the disk is full")

    handler = Broken()
    logger = logging.getLogger("foldlog.activity")
    logger.addHandler(handler)
    try:
        outcome = await Bench([fail]).run("fail", "application")
    finally:
        logger.removeHandler(handler)
    assert isinstance(outcome, Failed)
    assert outcome.failure.message == "no stock"
    assert "the disk is full" in capsys.readouterr().err


async def test_the_same_attempt_twice_is_stopped_twice() -> None:
    gate = Gate()
    bench = Bench([gate.wait])
    twice = [await bench.start("wait"), await bench.start("wait")]
    await until(lambda: all(one.attempt and one.attempt.inside for one in twice), "both run")
    bench.runner.cancel_all("WORKER_SHUTDOWN")
    for watched in twice:
        assert isinstance(await watched.outcome(), Interrupted)
    assert bench.runner.running == {}


async def test_cancelled_before_its_first_step() -> None:
    gate = Gate()
    bench = Bench([gate.wait])
    watched = await bench.start("wait")
    bench.runner.cancel(("run", 5, 1), "CANCEL_REQUESTED")
    assert isinstance(await watched.outcome(), Canceled)
    assert not gate.entered.is_set()


async def test_code_may_refuse_its_cancellation() -> None:
    gate = Gate()
    gate.go_on.set()
    bench = Bench([gate.stubborn])
    watched = await bench.start("stubborn")
    await until(gate.entered.is_set, "it runs")
    bench.runner.cancel(("run", 5, 1), "CANCEL_REQUESTED")
    assert isinstance(await watched.outcome(), Completed)


async def test_an_activity_may_cancel_itself() -> None:
    bench = Bench([fail])
    outcome = await bench.run("fail", "own")
    assert isinstance(outcome, Canceled)
    assert await bench.values(outcome.details) == ["so far"]


async def test_cancellation_raises_in_a_thread(threads: Executor) -> None:
    gate = Gate()
    bench = Bench([gate.spin], executor=threads)
    watched = await bench.start("spin")
    await until(gate.entered.is_set, "it runs")
    bench.runner.cancel(("run", 5, 1), "CANCEL_REQUESTED")
    assert isinstance(await watched.outcome(), Canceled)
    assert [(kind, cancelled) for kind, cancelled, _ in gate.log] == [(CancelledError, True)]


async def test_threads_without_exceptions_see_their_cancellation(threads: Executor) -> None:
    gate = Gate()
    bench = Bench([gate.look], executor=threads)
    watched = await bench.start("look")
    await until(gate.entered.is_set, "it runs")
    bench.runner.cancel(("run", 5, 1), "CANCEL_REQUESTED")
    outcome = await watched.outcome()
    assert isinstance(outcome, Completed)
    assert await bench.values([outcome.result]) == ["saw True"]


async def test_shielded_part_of_a_thread_ends_first(threads: Executor) -> None:
    gate = Gate()
    bench = Bench([gate.shielded], executor=threads)
    watched = await bench.start("shielded")
    await until(gate.entered.is_set, "it runs")
    bench.runner.cancel(("run", 5, 1), "CANCEL_REQUESTED")
    gate.go_on.set()
    assert isinstance(await watched.outcome(), Canceled)
    assert gate.log == ["shielded part done"]


@pytest.mark.parametrize("make", [ActivityThreads, lambda loop, count: ThreadPoolExecutor(count)])
async def test_cancelled_while_it_waits_for_a_thread(
    make: Callable[[asyncio.AbstractEventLoop, int], Executor],
) -> None:
    gate, second = Gate(), Gate()
    with make(asyncio.get_running_loop(), 1) as pool:
        bench = Bench([gate.spin], executor=pool)
        other = Bench([second.spin], executor=pool)
        first = await bench.start("spin")
        await until(gate.entered.is_set, "the thread is taken")
        watched = await other.start("spin")
        await until(lambda: watched.attempt and watched.attempt.take_back, "it waits")
        other.runner.cancel_all("CANCEL_REQUESTED")
        assert isinstance(await watched.outcome(), Canceled)
        gate.go_on.set()
        await first.outcome()
    assert not second.entered.is_set()


class LoopsOwnExecutor(ThreadPoolExecutor):
    """Whose jobs only its event loop can submit, as Trio's."""

    async def submit(self, job: Any, *args: Any) -> Any:  # type: ignore[override]
        return await asyncio.wrap_future(super().submit(job, *args))


class LoopWithExecutor(asyncio.SelectorEventLoop):
    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
        return self.create_task(executor.submit(func, *args))


def test_an_executor_is_used_as_its_event_loop_says() -> None:
    async def main() -> None:
        gate = Gate()
        with LoopsOwnExecutor(1) as pool:
            bench = Bench([total_in_thread, gate.spin], executor=pool)
            watched = await bench.start("total_in_thread", Order(1, ["a", "b"]), 3)
            outcome = await watched.outcome()
            assert isinstance(outcome, Completed)
            assert outcome.result.data == b"6"
            watched = await bench.start("spin")
            await until(gate.entered.is_set, "the thread is taken")
            bench.runner.cancel_all("CANCEL_REQUESTED")
            assert isinstance(await watched.outcome(), Canceled)

    with asyncio.Runner(loop_factory=LoopWithExecutor) as runner:
        runner.run(main())


@pytest.mark.parametrize("name", ["beat", "beat_in_thread"])
async def test_heartbeats_are_throttled_and_the_last_is_never_lost(name: str, threads: Executor) -> None:
    gate = Gate()
    bench = Bench([gate.beat, gate.beat_in_thread], executor=threads)
    watched = await bench.start(name, 1000, heartbeat_timeout_ms=60_000)
    await until(lambda: gate.entered.is_set() and watched.heartbeats, "it has sent heartbeats")
    gate.go_on.set()
    outcome = await watched.outcome()
    assert isinstance(outcome, Failed)
    assert len(watched.heartbeats) == 1
    assert await bench.values(outcome.heartbeat_details) == [999]


async def test_held_back_heartbeats_go_out_when_due() -> None:
    gate, clock, further = Gate(), HandClock(), asyncio.Event()

    @activity.defn
    async def beating() -> None:
        for number in range(10):
            activity.heartbeat(number)
        gate.entered.set()
        await further.wait()
        activity.heartbeat(10)
        await asyncio.to_thread(gate.go_on.wait, 60)

    bench = Bench([beating], intervals=HeartbeatIntervals(default=0.3), clock=clock)
    watched = await bench.start("beating")
    attempt = watched.attempt
    assert attempt is not None
    await until(gate.entered.is_set, "it runs")
    clock.advance(0.04)
    assert watched.heartbeats == []
    clock.advance(0.01)
    assert [await bench.values(details) for details in watched.heartbeats] == [[9]]
    further.set()
    await until(lambda: attempt.new_details and attempt.new_details[0].data == b"10", "one more heartbeat")
    clock.advance(0.29)
    assert len(watched.heartbeats) == 1
    clock.advance(0.01)
    assert [await bench.values(details) for details in watched.heartbeats] == [[9], [10]]
    gate.go_on.set()
    await watched.outcome()


async def test_a_short_attempt_sends_no_heartbeat_and_tells_how_far_it_got_if_it_fails() -> None:
    gate = Gate()
    gate.go_on.set()
    bench = Bench([gate.beat], clock=HandClock())
    watched = await bench.start("beat", 3, heartbeat_timeout_ms=60_000)
    outcome = await watched.outcome()
    assert not watched.heartbeats
    assert not watched.starts
    assert isinstance(outcome, Failed)
    assert await bench.values(outcome.heartbeat_details) == [2]


async def test_a_failure_without_a_heartbeat_keeps_the_details_of_the_attempt_before() -> None:
    bench = Bench([fail])
    details = await bench.conversion.encode_all(["half"])
    outcome = await bench.run("fail", "other", heartbeat_details=details)
    assert isinstance(outcome, Failed)
    assert outcome.heartbeat_details == details


async def test_a_broken_executor_is_told() -> None:
    pool = ThreadPoolExecutor(1, initializer=lambda: 1 / 0)
    bench = Bench([total_in_thread], executor=pool)
    outcome = await bench.run("total_in_thread", Order(1, []), 1)
    assert isinstance(outcome, Failed)
    assert len(bench.broken) == 1
    pool.shutdown()


@activity.defn
async def expected_trouble(benign: bool) -> None:
    category = ApplicationErrorCategory.BENIGN if benign else ApplicationErrorCategory.UNSPECIFIED
    raise ApplicationError("as usual", category=category)


@pytest.mark.parametrize(("benign", "level"), [(True, logging.DEBUG), (False, logging.WARNING)])
async def test_a_benign_failure_is_no_warning(benign: bool, level: int, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "foldlog.activity"):
        assert isinstance(await Bench([expected_trouble]).run("expected_trouble", benign), Failed)
    assert [record.levelno for record in caplog.records if "as usual" in record.message] == [level]
