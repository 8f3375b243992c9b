"""Code that does not come to an await: it is interrupted, wherever it hangs, and nothing else is."""

from __future__ import annotations

import asyncio
import logging
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from foldlog import workflow
from foldlog.core.decider import WorkflowTaskError
from foldlog.exceptions import ApplicationError, ConfigurationError
from foldlog.runtime import WorkflowRuntime
from foldlog.runtime.watchdog import REPLAY_PATIENCE, Watchdog
from foldlog.schemas import event
from foldlog.worker.options import DEADLOCK_TIMEOUT, deadlock_seconds

from tests.unit.runtime.chaining import Chain
from tests.unit.runtime.driver import Driver

LIMIT = 0.2
SHORT = 0.1
HELD = threading.Lock()
HELD.acquire()


@workflow.defn
class Spins:
    @workflow.run
    async def run(self, where: str) -> str:
        if where == "task":
            await asyncio.gather(self.spin(), asyncio.sleep(1))
        if where == "condition":
            await workflow.wait_condition(_spin)
        if where == "finally":
            try:
                _spin()
            finally:
                await asyncio.sleep(1)
        if where == "caught":
            try:
                _spin()
            except BaseException:
                return "caught"
        if where == "run":
            _spin()
        await workflow.wait_condition(lambda: False)
        return "never"

    async def spin(self) -> None:
        _spin()

    @workflow.signal
    def signalled(self) -> None:
        _spin()

    @workflow.update
    async def changed(self) -> None: ...

    @changed.validator
    def check_changed(self) -> None:
        _spin()

    @workflow.query
    def asked(self) -> str:
        _spin()
        return "never"

    @workflow.query
    def well(self) -> str:
        return "well"


def _spin() -> bool:
    while True:
        pass


@pytest.mark.parametrize("where", ["run", "task", "condition", "finally", "caught"])
def test_code_that_spins_is_interrupted_and_stalls_the_run(where: str) -> None:
    with pytest.raises(WorkflowTaskError) as raised:
        Driver(Spins, where, deadlock_timeout_seconds=LIMIT)
    assert re.search(
        r"^\[deadlock\] workflow code did not yield for 0.2 s at .*test_watchdog.py:\d+ in _spin$", str(raised.value)
    )
    assert "in _spin" in raised.value.stack_trace
    assert asyncio._get_running_loop() is None
    assert Driver(Fine, deadlock_timeout_seconds=LIMIT).result == "fine"


@workflow.defn
class Fine:
    @workflow.run
    async def run(self) -> str:
        return "fine"


def test_a_handler_that_spins_for_ever_is_interrupted_in_replay_too(caplog: pytest.LogCaptureFixture) -> None:
    driver = Driver(Spins, "wait", deadlock_timeout_seconds=SHORT)
    with pytest.raises(WorkflowTaskError, match=r"did not yield for 0\.1 s at .* in _spin"):
        driver.signal("signalled")
    caplog.clear()
    with pytest.raises(WorkflowTaskError, match=r"\[deadlock\] .* did not yield for 1 s in replay at .* in _spin"):
        driver.replay()
    assert re.search(r"has not yielded for 0\.\d+ s in replay at .*after 1 s it is interr", caplog.messages[0])


slow: list[float] = []
"""How long the next steps take; those after them are quick."""


@workflow.defn
class Steps:
    """Takes its time at each step."""

    def __init__(self) -> None:
        self.steps = 0

    @workflow.run
    async def run(self) -> int:
        await workflow.wait_condition(lambda: self.steps < 0)
        return self.steps

    @workflow.signal
    def step(self) -> None:
        self.steps += 1
        if slow:
            HELD.acquire(timeout=slow.pop())

    @workflow.query
    def count(self) -> int:
        return self.steps


def test_a_machine_that_is_slow_in_replay_has_no_deadlock() -> None:
    """Each event takes longer than the limit, and all of them together longer than even a replay may for one."""
    driver = Driver(Steps)
    for _ in range(4):
        driver.signal("step")
    driver.runtime = WorkflowRuntime([Steps], namespace="test", deadlock_timeout_seconds=SHORT)
    slow[:] = [SHORT * 3] * 4
    began = time.monotonic()
    driver.decider = driver.replay()
    assert time.monotonic() - began > SHORT * REPLAY_PATIENCE
    assert driver.query("count") == 4
    slow[:] = [SHORT * 3]
    with pytest.raises(WorkflowTaskError, match=r"did not yield for 0\.1 s at"):
        driver.signal("step")


def test_a_long_replay_of_quick_events_has_no_deadlock() -> None:
    driver = Driver(Steps)
    for _ in range(20_000):
        driver.signal("step")
    driver.runtime = WorkflowRuntime([Steps], namespace="test", deadlock_timeout_seconds=SHORT)
    began = time.monotonic()
    driver.decider = driver.replay()
    assert time.monotonic() - began > SHORT
    assert driver.query("count") == 20_000


def test_the_next_try_of_a_stalled_run_waits_no_longer_than_the_first() -> None:
    """It replays what was before; what it stalled at is news again."""
    chain = Chain(Steps, deadlock_timeout_seconds=SHORT).start()
    for attempts in (1, 2):
        slow[:] = [SHORT * 3]
        if attempts == 1:
            chain.signal("step")
        else:
            chain.sleep(2)
        stalled = chain.run.stalled
        assert stalled is not None
        assert stalled.attempts == attempts
        assert "did not yield for 0.1 s at" in stalled.error
    chain.sleep(10)
    assert chain.query("count") == 1


def test_a_query_that_spins_fails_and_the_run_goes_on() -> None:
    driver = Driver(Spins, "wait", deadlock_timeout_seconds=LIMIT)
    with pytest.raises(ApplicationError, match="deadlock"):
        driver.query("asked")
    assert driver.query("well") == "well"
    driver.cancel()
    assert driver.end is not None


def test_a_validator_that_spins_stalls_the_run() -> None:
    driver = Driver(Spins, "wait", deadlock_timeout_seconds=LIMIT)
    update = event.WorkflowExecutionUpdateAccepted(update_id="u", update_name="changed")
    with pytest.raises(WorkflowTaskError, match="deadlock"):
        driver.decider.validate(update)


async def test_the_loop_that_ran_before_runs_again() -> None:
    loop = asyncio.get_running_loop()
    with pytest.raises(WorkflowTaskError, match="deadlock"):
        Driver(Spins, "run", deadlock_timeout_seconds=LIMIT)
    assert asyncio.get_running_loop() is loop
    await asyncio.sleep(0)


@workflow.defn
class Stubborn:
    @workflow.run
    async def run(self) -> None:
        caught = 0
        while caught < 2:
            try:
                _spin()
            except BaseException:
                caught += 1


def test_code_that_catches_the_interruption_is_interrupted_again(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(WorkflowTaskError, match="deadlock"):
        Driver(Stubborn, deadlock_timeout_seconds=LIMIT)
    warning, error = caplog.records[0], caplog.records[-1]
    assert warning.levelno == logging.WARNING
    assert "workflow workflow-1 (Stubborn) has not yielded" in warning.getMessage()
    assert "in _spin" in warning.getMessage()
    assert error.levelno == logging.ERROR
    assert "still does not yield" in error.getMessage()


def test_code_that_blocks_in_c_is_named_and_stalls_when_it_returns(caplog: pytest.LogCaptureFixture) -> None:
    @workflow.defn
    class Blocks:
        @workflow.run
        async def run(self) -> None:
            HELD.acquire(timeout=LIMIT * 3)

    with pytest.raises(WorkflowTaskError, match=r"deadlock.*Blocks\.run"):
        Driver(Blocks, deadlock_timeout_seconds=LIMIT)
    assert any("blocks outside of Python" in record.getMessage() for record in caplog.records)
    assert any("HELD.acquire(timeout" in record.getMessage() for record in caplog.records)


def test_nothing_is_raised_after_the_end_however_close_it_was() -> None:
    """Calls that end just when they are interrupted: each is either stuck or not, and the thread is clean after it."""
    limit = 0.01
    watchdog = Watchdog(limit)
    outcomes = {"stuck": 0, "done": 0}
    step = 0
    while min(outcomes.values()) < 10:
        step += 1
        until = time.monotonic() + limit * (0.5 + step % 50 / 10)  # the watcher's looks fall anywhere
        try:
            assert watchdog.call(lambda: "x", _busy, until) == "done"
            outcomes["done"] += 1
        except WorkflowTaskError:
            outcomes["stuck"] += 1
        for _ in range(200):  # bytecodes at which what was left over would arrive
            pass


def _busy(until: float) -> str:
    while time.monotonic() < until:
        pass
    return "done"


def test_threads_are_watched_apart() -> None:
    watchdog = Watchdog(LIMIT)
    ended: list[str] = []

    def spin() -> None:
        try:
            watchdog.call(lambda: "spins", lambda _: _spin(), None)
        except WorkflowTaskError:
            ended.append("spin")

    thread = threading.Thread(target=spin)
    thread.start()
    while thread.is_alive():
        assert watchdog.call(lambda: "quick", lambda number: number + 1, 1) == 2
    thread.join()
    assert ended == ["spin"]


def test_calls_within_a_call_are_part_of_it() -> None:
    watchdog = Watchdog(LIMIT)
    calls: Callable[[Any], Any] = lambda _: watchdog.call(lambda: "inner", lambda _: _spin(), None)  # noqa: E731
    with pytest.raises(WorkflowTaskError, match="deadlock"):
        watchdog.call(lambda: "outer", calls, None)


def test_code_is_not_watched_when_somebody_debugs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FOLDLOG_DEBUG", raising=False)
    assert deadlock_seconds(DEADLOCK_TIMEOUT, False) == 2
    assert deadlock_seconds(DEADLOCK_TIMEOUT, True) is None
    assert deadlock_seconds(None, False) is None
    with pytest.raises(ConfigurationError, match="deadlock_timeout"):
        deadlock_seconds(-DEADLOCK_TIMEOUT, False)
    monkeypatch.setenv("FOLDLOG_DEBUG", "1")
    assert deadlock_seconds(DEADLOCK_TIMEOUT, False) is None
    monkeypatch.setenv("FOLDLOG_DEBUG", "false")
    assert deadlock_seconds(DEADLOCK_TIMEOUT, False) == 2


COLLECTS = """
import gc, threading
from foldlog.runtime.watchdog import _where

class Cycle:
    def __init__(self):
        self.local, self.cycle = threading.local(), self

for count in range(1, 200):
    gc.collect()
    Cycle()
    gc.set_threshold(count)
    _where(threading.get_ident())
    assert gc.isenabled()
    gc.set_threshold(700)
gc.disable()
_where(threading.get_ident())
print(gc.isenabled())
"""


def test_garbage_that_comes_due_while_it_looks_does_not_stop_the_process() -> None:
    done = subprocess.run([sys.executable, "-c", COLLECTS], capture_output=True, text=True, timeout=60)
    assert done.stdout == "False\n", done.stderr
