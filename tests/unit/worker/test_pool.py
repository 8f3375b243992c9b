"""The threads of activities: calls there and back, and what becomes of them when either side goes away."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from functools import partial
from typing import Any

import pytest
from foldlog.worker.pool import ActivityThreads

from tests.until import until, wait_until

MARK: ContextVar[str] = ContextVar("mark", default="none")


@pytest.fixture
async def pool() -> AsyncIterator[ActivityThreads]:
    with ActivityThreads(asyncio.get_running_loop(), 3) as made:
        yield made


async def test_results_and_errors_come_back(pool: ActivityThreads) -> None:
    def refuse() -> None:
        raise LookupError("no")

    assert await pool.call(lambda: 7) == 7
    assert await pool.call(threading.get_ident) != threading.get_ident()
    with pytest.raises(LookupError, match="no"):
        await pool.call(refuse)
    with pytest.raises(SystemExit):
        await pool.call(_exit)


def _exit() -> None:
    raise SystemExit(3)


async def test_a_call_that_is_over_can_be_awaited(pool: ActivityThreads) -> None:
    call = pool.call(lambda: 7)
    await until(lambda: call._is_over, "it is over")
    assert await call == 7


async def test_tasks_go_on_in_their_own_context(pool: ActivityThreads) -> None:
    async def work(name: str) -> str:
        MARK.set(name)
        assert await pool.call(MARK.get) == "none"  # a thread has no context but what it is given
        return MARK.get()

    assert await asyncio.gather(*(work(str(number)) for number in range(20))) == [str(number) for number in range(20)]


async def test_threads_are_made_only_as_they_are_needed(pool: ActivityThreads) -> None:
    for _ in range(5):
        await pool.call(lambda: None)
    assert len(pool._threads) == 1
    go_on = threading.Event()
    calls = [pool.call(_waiter(go_on)) for _ in range(8)]
    assert len(pool._threads) == 3
    go_on.set()
    assert [await call for call in calls] == [True] * 8
    assert len(pool._threads) == 3


async def test_many_calls_at_a_time(pool: ActivityThreads) -> None:
    async def work(number: int) -> int:
        for step in range(20):
            if number % 7 == 0:
                with pytest.raises(ValueError, match=str(step)):
                    await pool.call(_raiser(step))
            else:
                assert await pool.call(_giver(step)) == step
        return number

    assert await asyncio.gather(*map(work, range(50))) == list(range(50))
    assert pool._open == 0


def _ignore(value: object) -> None: ...


def _waiter(event: threading.Event) -> Callable[[], bool]:
    return lambda: event.wait(20)


def _giver(value: int) -> Callable[[], int]:
    return lambda: value


def _raiser(value: int) -> Callable[[], int]:
    def fail() -> int:
        raise ValueError(str(value))

    return fail


async def test_what_has_not_begun_is_taken_back(pool: ActivityThreads) -> None:
    go_on = threading.Event()
    running = [pool.call(_waiter(go_on)) for _ in range(3)]
    ran: list[int] = []
    waiting = pool.call(lambda: ran.append(1))
    task = asyncio.ensure_future(_awaited(waiting))
    await asyncio.sleep(0)
    assert waiting.take_back()
    assert not waiting.take_back()
    with pytest.raises(asyncio.CancelledError):
        await task
    unheard = pool.call(lambda: ran.append(2))
    assert unheard.take_back()
    with pytest.raises(asyncio.CancelledError):
        await unheard
    go_on.set()
    for call in running:
        assert await call
        assert not call.take_back()
    await pool.call(lambda: None)
    assert ran == []


async def _awaited(call: Any) -> Any:
    return await call


@pytest.mark.parametrize("begun", [True, False])
async def test_a_task_that_is_cancelled_waits_no_longer(pool: ActivityThreads, begun: bool) -> None:
    go_on, entered = threading.Event(), threading.Event()
    others = [] if begun else [pool.call(_waiter(go_on)) for _ in range(3)]

    def work() -> bool:
        entered.set()
        return go_on.wait(20)

    task = asyncio.ensure_future(_awaited(pool.call(work)))
    if begun:
        await until(entered.is_set, "it runs")
    else:
        await asyncio.sleep(0)
    task.cancel("enough")
    with pytest.raises(asyncio.CancelledError, match="enough"):
        await task
    go_on.set()
    for other in others:
        assert await other
    await until(lambda: pool._open == 0, "the loop has heard of all of them")
    assert entered.is_set() is begun


async def test_one_task_that_exits_does_not_keep_the_others_waiting() -> None:
    """As asyncio has it, SystemExit goes through the event loop; whoever runs that may go on with it."""

    async def main(loop: asyncio.AbstractEventLoop, seen: list[int]) -> None:
        pool = ActivityThreads(loop, 2)
        go_on = threading.Event()

        async def leave() -> None:
            await pool.call(_waiter(go_on))
            raise SystemExit(3)

        async def stay() -> None:
            await pool.call(_waiter(go_on))
            seen.append(1)

        tasks = [loop.create_task(leave()), loop.create_task(stay())]
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.wait(tasks)
        assert isinstance(tasks[0].exception(), SystemExit)

    def run() -> list[int]:
        seen: list[int] = []
        loop = asyncio.new_event_loop()
        running = loop.create_task(main(loop, seen))
        try:
            with pytest.raises(SystemExit):
                loop.run_until_complete(running)
            loop.run_until_complete(asyncio.wait_for(running, 10))
        finally:
            loop.close()
        return seen

    assert await asyncio.to_thread(run) == [1]


async def test_nothing_is_kept_of_a_call_that_is_over(pool: ActivityThreads) -> None:
    class Large:
        pass

    def fail() -> None:
        kept = Large()
        seen.append(weakref.ref(kept))
        raise ValueError

    seen: list[weakref.ref[Large]] = []
    gc.disable()
    try:
        with pytest.raises(ValueError):
            await pool.call(fail)
        large = Large()
        seen.append(weakref.ref(large))
        await pool.call(partial(_ignore, large))
        del large
        await until(lambda: [ref() for ref in seen] == [None, None], "both are gone")
    finally:
        gc.enable()


async def test_nothing_is_kept_of_a_job_that_raised(pool: ActivityThreads) -> None:
    gc.disable()
    try:
        future = pool.submit(_raiser(1))
        with pytest.raises(ValueError, match="1"):
            future.result(10)
        kept = weakref.ref(future)
        del future
        await until(lambda: kept() is None, "it is gone")
    finally:
        gc.enable()


async def test_a_thread_that_cannot_be_made_now_is_made_later(
    pool: ActivityThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="can't start"):
            pool.call(lambda: 7)
    assert await pool.call(lambda: 7) == 7
    go_on = threading.Event()
    first = pool.call(_waiter(go_on))
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        second = pool.call(lambda: 8)  # it waits for the thread that there is
    go_on.set()
    assert (await first, await second) == (True, 8)


async def test_a_pool_that_is_abandoned_leaves_no_threads() -> None:
    pool = ActivityThreads(asyncio.get_running_loop(), 2)
    await asyncio.gather(*(_awaited(pool.call(lambda: None)) for _ in range(2)))
    threads = list(pool._threads)
    assert threads
    del pool
    gc.collect()
    await until(lambda: not any(thread.is_alive() for thread in threads), "they have ended")


async def test_it_is_an_executor_too(pool: ActivityThreads) -> None:
    loop = asyncio.get_running_loop()
    assert await loop.run_in_executor(pool, pow, 2, 5) == 32
    with pytest.raises(ZeroDivisionError):
        await loop.run_in_executor(pool, lambda: 1 // 0)
    # It may be waited for without the loop, on its thread as on any other.
    assert list(pool.map(pow, (2, 3), (3, 2), timeout=10)) == [8, 9]
    assert await asyncio.to_thread(lambda: pool.submit(pow, 2, exp=3).result(10)) == 8


async def test_shut_down_ends_the_threads_after_what_they_run() -> None:
    pool = ActivityThreads(asyncio.get_running_loop(), 2)
    calls = [pool.call(lambda: time.sleep(0.05)) for _ in range(4)]
    await asyncio.to_thread(pool.shutdown)
    assert not any(thread.is_alive() for thread in pool._threads)
    for call in calls:
        assert await call is None
    with pytest.raises(RuntimeError, match="shut down"):
        pool.call(lambda: None)
    with pytest.raises(RuntimeError, match="shut down"):
        pool.submit(lambda: None)


async def test_shut_down_leaves_out_what_has_not_begun_if_told_so() -> None:
    pool = ActivityThreads(asyncio.get_running_loop(), 1)
    go_on, entered = threading.Event(), threading.Event()

    def work() -> bool:
        entered.set()
        return go_on.wait(20)

    first, second = pool.call(work), pool.call(lambda: None)
    future = pool.submit(lambda: None)
    await until(entered.is_set, "it runs")
    await asyncio.sleep(0)
    pool.shutdown(wait=False, cancel_futures=True)
    go_on.set()
    assert await first
    with pytest.raises(asyncio.CancelledError):
        await second
    await until(future.cancelled, "its future hears of it")


def test_a_program_may_end_while_a_call_runs_and_its_loop_is_gone() -> None:
    loop = asyncio.new_event_loop()
    pool = ActivityThreads(loop, 1)
    go_on = threading.Event()
    call = pool.call(_waiter(go_on))
    loop.close()
    (thread,) = pool._threads
    assert thread.daemon
    go_on.set()
    assert not call._is_over
    del pool, call
    wait_until(lambda: gc.collect() >= 0 and not thread.is_alive(), "it has ended")
