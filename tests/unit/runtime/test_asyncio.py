"""asyncio inside workflows: each primitive works, takes durable time only, and replays."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import math
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from foldlog import workflow
from foldlog.workflow import RestrictedWorkflowAccessError

from tests.unit.runtime.driver import EPOCH_MS, Driver

TIMEOUT = timedelta(seconds=10)


async def call(name: str, *args: Any) -> Any:
    return await workflow.execute_activity(name, args=args, start_to_close_timeout=TIMEOUT)


@workflow.defn
class Script:
    """Runs one of the functions below, so that a test needs no class of its own."""

    def __init__(self) -> None:
        self.log: list[Any] = []

    @workflow.run
    async def run(self, name: str) -> Any:
        return await SCRIPTS[name](self)

    @workflow.query
    def seen(self) -> list[Any]:
        return self.log


async def gather(_: Script) -> Any:
    return await asyncio.gather(call("a"), asyncio.sleep(3, "slept"), call("b"))


async def gather_exceptions(_: Script) -> Any:
    async def fails() -> None:
        raise KeyError("x")

    results = await asyncio.gather(fails(), asyncio.sleep(1, 1), return_exceptions=True)
    return [repr(result) for result in results]


async def wait_first(_: Script) -> Any:
    slow, quick = asyncio.create_task(asyncio.sleep(5, "slow")), asyncio.create_task(asyncio.sleep(1, "quick"))
    done, pending = await asyncio.wait([slow, quick], return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.wait(pending)
    return [[task.result() for task in done], [task.cancelled() for task in pending]]


async def wait_timeout(_: Script) -> Any:
    tasks = [asyncio.create_task(asyncio.sleep(seconds)) for seconds in (1, 2, 30)]
    done, pending = await asyncio.wait(tasks, timeout=10)
    return [len(done), len(pending)]


async def wait_for(_: Script) -> Any:
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(asyncio.sleep(100), timeout=2)
    return await asyncio.wait_for(asyncio.sleep(1, "in time"), timeout=5)


async def timeout(_: Script) -> Any:
    try:
        async with asyncio.timeout(2):
            await asyncio.sleep(100)
    except TimeoutError:
        pass
    async with asyncio.timeout(5) as scope:
        await asyncio.sleep(1)
        scope.reschedule(None)
        await asyncio.sleep(10)
    return round(asyncio.get_running_loop().time() - EPOCH_MS / 1000, 3)


async def timeout_zero(_: Script) -> Any:
    try:
        async with asyncio.timeout(0):
            await asyncio.sleep(1)
    except TimeoutError:
        return "timed out"


async def task_group(_: Script) -> Any:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(asyncio.sleep(n, n)) for n in (3, 1, 2)]
    return [task.result() for task in tasks]


async def task_group_failure(script: Script) -> Any:
    async def fails() -> None:
        await asyncio.sleep(1)
        raise ValueError("boom")

    async def cleans_up() -> None:
        try:
            await asyncio.sleep(50)
        finally:
            script.log.append("cleaned up")

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fails())
            group.create_task(cleans_up())
    except* ValueError as failed:
        script.log += [str(error) for error in failed.exceptions]
    return script.log


async def queue(script: Script) -> Any:
    items: asyncio.Queue[int] = asyncio.Queue(maxsize=2)

    async def produce() -> None:
        for number in range(6):
            await items.put(number)
            await asyncio.sleep(0.5)

    producer = asyncio.create_task(produce())
    for _ in range(6):
        script.log.append(await items.get())
        items.task_done()
    await items.join()
    await producer
    return script.log


async def lock(script: Script) -> Any:
    mutex = asyncio.Lock()

    async def work(name: str) -> None:
        async with mutex:
            script.log.append(f"{name}+")
            await asyncio.sleep(1)
            script.log.append(f"{name}-")

    await asyncio.gather(*(work(name) for name in "abc"))
    return script.log


async def semaphore(script: Script) -> Any:
    slots = asyncio.Semaphore(2)
    running = 0

    async def work(number: int) -> int:
        nonlocal running
        async with slots:
            running += 1
            script.log.append(running)
            await call("a", number)
            running -= 1
            return number

    results = await asyncio.gather(*(work(number) for number in range(5)))
    return [results, max(script.log)]


async def event_and_condition(script: Script) -> Any:
    ready, condition = asyncio.Event(), asyncio.Condition()

    async def waits() -> str:
        await ready.wait()
        async with condition:
            await condition.wait_for(lambda: bool(script.log))
        return "notified"

    waiter = asyncio.create_task(waits())
    await asyncio.sleep(1)
    ready.set()
    await asyncio.sleep(1)
    async with condition:
        script.log.append(1)
        condition.notify_all()
    return await waiter


async def as_completed_tasks(_: Script) -> Any:
    tasks = [asyncio.create_task(asyncio.sleep(n, n)) for n in (3, 1, 2)]
    return [await next_one for next_one in asyncio.as_completed(tasks)]


async def workflow_as_completed(_: Script) -> Any:
    return [await next_one for next_one in workflow.as_completed([asyncio.sleep(n, n) for n in (3, 1, 2)])]


async def workflow_as_completed_timeout(_: Script) -> Any:
    results: list[Any] = []
    for next_one in workflow.as_completed([asyncio.sleep(n, n) for n in (9, 1, 2)], timeout=5):
        try:
            results.append(await next_one)
        except TimeoutError:
            results.append("timeout")
    return results


async def workflow_wait(_: Script) -> Any:
    tasks = [asyncio.create_task(asyncio.sleep(n, n)) for n in (3, 1, 2)]
    done, pending = await workflow.wait(tasks, timeout=2.5)
    return [[task.result() for task in done], [tasks.index(task) for task in pending]]


async def workflow_wait_first_exception(_: Script) -> Any:
    async def fails() -> None:
        await asyncio.sleep(1)
        raise ValueError

    group = asyncio.gather(asyncio.sleep(2, "x"), asyncio.sleep(4, "y"))
    tasks: list[asyncio.Future[Any]] = [group, asyncio.create_task(fails())]
    done, pending = await workflow.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    assert isinstance(done[0].exception(), ValueError)
    return [len(done), pending == [group], await group]


async def shield(script: Script) -> Any:
    async def inner() -> None:
        await asyncio.sleep(2)
        script.log.append("finished")

    protected = asyncio.create_task(inner())
    with contextlib.suppress(asyncio.CancelledError):
        outer = asyncio.shield(protected)
        asyncio.get_running_loop().call_later(1, outer.cancel)
        await outer
    await protected
    return script.log


async def sleep_zero(script: Script) -> Any:
    async def other() -> None:
        script.log.append("other ran")

    task = asyncio.create_task(other())
    await asyncio.sleep(0)
    await asyncio.sleep(-1)
    await task
    return script.log


async def giving_way(script: Script) -> Any:
    async def other() -> None:
        for number in range(3):
            await asyncio.sleep(0)
            script.log.append(number)

    task = asyncio.create_task(other())
    await workflow.sleep(0)
    script.log.append(workflow.time_ns() // 1_000_000 - EPOCH_MS)
    await workflow.sleep(timedelta(0), summary="a breath")
    script.log.append(workflow.time_ns() // 1_000_000 - EPOCH_MS)
    await task
    return script.log


async def negative_sleep(script: Script) -> Any:
    for wrong in (-1, timedelta(seconds=-1), -1e-9):
        try:
            await workflow.sleep(wrong)
        except RuntimeError as error:
            script.log.append(str(error))
    return script.log


async def tiny_sleep(_: Script) -> Any:
    await asyncio.sleep(1e-7)
    return workflow.time_ns() // 1_000_000 - EPOCH_MS


async def same_due_time(script: Script) -> Any:
    async def sleeper(number: int) -> None:
        await asyncio.sleep(1)
        script.log.append(number)

    await asyncio.gather(*(sleeper(number) for number in range(20)))
    return script.log == list(range(20))


async def call_later_and_cancel(script: Script) -> Any:
    loop = asyncio.get_running_loop()
    loop.call_later(1, script.log.append, "one")
    dropped = loop.call_later(2, script.log.append, "two")
    loop.call_at(loop.time() + 3, script.log.append, "three")
    loop.call_at(loop.time() - 3, script.log.append, "past")
    loop.call_soon(script.log.append, "soon")
    await asyncio.sleep(1.5)
    dropped.cancel()
    await asyncio.sleep(10)
    return script.log


async def task_names(_: Script) -> Any:
    named = asyncio.create_task(asyncio.sleep(0), name="mine")
    tasks = [asyncio.create_task(asyncio.sleep(0)) for _ in range(2)]
    await asyncio.gather(named, *tasks)
    current = asyncio.current_task()
    assert current is not None
    return [current.get_name(), named.get_name(), *(task.get_name() for task in tasks)]


async def async_generator(script: Script) -> Any:
    async def numbers() -> AsyncIterator[int]:
        try:
            for number in range(10):
                await asyncio.sleep(1)
                yield number
        finally:
            await asyncio.sleep(5)
            script.log.append("closed")

    async for number in numbers():
        if number == 2:
            break
    await workflow.wait_condition(lambda: bool(script.log))
    return [workflow.time() - EPOCH_MS / 1000, script.log]


async def barrier(_: Script) -> Any:
    meeting = asyncio.Barrier(3)
    log: list[str] = []

    async def come(name: str, after: float) -> int:
        await asyncio.sleep(after)
        log.append(name)
        place = await meeting.wait()
        log.append(f"{name} goes")
        return place

    places = await asyncio.gather(come("a", 3), come("b", 1), come("c", 2))
    return [places, log[:3], sorted(log[3:])]


async def other_queues(_: Script) -> Any:
    urgent: asyncio.PriorityQueue[int] = asyncio.PriorityQueue()
    last: asyncio.LifoQueue[int] = asyncio.LifoQueue()

    async def fill() -> None:
        for number in (2, 3, 1):
            await asyncio.sleep(1)
            urgent.put_nowait(number)
            last.put_nowait(number)

    await fill()
    return [[await urgent.get() for _ in range(3)], [await last.get() for _ in range(3)]]


async def bounded_semaphore(_: Script) -> Any:
    slots = asyncio.BoundedSemaphore(1)
    async with slots:
        await asyncio.sleep(1)
    try:
        slots.release()
    except ValueError:
        return "released too often"


async def tuple_of_futures(_: Script) -> Any:
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(1, future.set_result, "set")
    return await future


SCRIPTS = {name: function for name, function in globals().items() if inspect.iscoroutinefunction(function)}

EXPECTED = {
    "gather": ["a!", "slept", "b!"],
    "gather_exceptions": ["KeyError('x')", "1"],
    "wait_first": [["quick"], [True]],
    "wait_timeout": [2, 1],
    "wait_for": "in time",
    "timeout": 13.0,
    "timeout_zero": "timed out",
    "task_group": [3, 1, 2],
    "task_group_failure": ["cleaned up", "boom"],
    "queue": [0, 1, 2, 3, 4, 5],
    "lock": ["a+", "a-", "b+", "b-", "c+", "c-"],
    "semaphore": [[0, 1, 2, 3, 4], 2],
    "event_and_condition": "notified",
    "as_completed_tasks": [1, 2, 3],
    "workflow_as_completed": [1, 2, 3],
    "workflow_as_completed_timeout": [1, 2, "timeout"],
    "workflow_wait": [[1, 2], [0]],
    "workflow_wait_first_exception": [1, True, ["x", "y"]],
    "shield": ["finished"],
    "sleep_zero": ["other ran"],
    "giving_way": [0, 1, 2, 1, 2],
    "negative_sleep": [f"workflow.sleep cannot wait for a negative time: {text} s" for text in ("-1", "-1", "-1e-09")],
    "tiny_sleep": 1,
    "same_due_time": True,
    "call_later_and_cancel": ["past", "soon", "one", "three"],
    "task_names": ["run", "mine", "Task-3", "Task-4"],
    "async_generator": [8.0, ["closed"]],
    "barrier": [[2, 0, 1], ["b", "c", "a"], ["a goes", "b goes", "c goes"]],
    "other_queues": [[1, 2, 3], [1, 3, 2]],
    "bounded_semaphore": "released too often",
    "tuple_of_futures": "set",
}


@pytest.mark.parametrize("name", EXPECTED)
def test_primitive(name: str) -> None:
    driver = Driver(Script, name).run({"a": lambda *_: "a!", "b": lambda *_: "b!"})
    assert driver.result == EXPECTED[name]
    assert driver.replay().stack() == driver.decider.stack()


def test_zero_delays_make_no_timer() -> None:
    assert Driver(Script, "sleep_zero").kinds() == ["CompleteWorkflow"]
    assert Driver(Script, "timeout_zero").kinds() == ["CompleteWorkflow"]
    assert Driver(Script, "negative_sleep").kinds() == ["CompleteWorkflow"]


def test_a_sleep_of_zero_is_a_timer() -> None:
    """As in Temporal: so code that gives way now and then is not one long step."""
    assert Driver(Script, "giving_way").kinds() == ["StartTimer"]


def test_a_timer_that_is_cancelled_at_once_leaves_nothing() -> None:
    @workflow.defn
    class InTime:
        @workflow.run
        async def run(self) -> str:
            async with asyncio.timeout(10):
                await asyncio.sleep(0)
            return await asyncio.wait_for(asyncio.sleep(0, "x"), 10)

    driver = Driver(InTime)
    assert driver.result == "x"
    assert driver.kinds() == ["CompleteWorkflow"]


def test_timer_times_are_those_of_the_workflow() -> None:
    @workflow.defn
    class Sleeps:
        @workflow.run
        async def run(self) -> None:
            await asyncio.sleep(0.1)
            await workflow.sleep(timedelta(days=30), summary="a month")
            await asyncio.sleep(math.pi)
            await asyncio.sleep(16.1)

    driver = Driver(Sleeps)
    due = []
    while driver.timers:
        due.append(next(iter(driver.timers.values())).fire_ms - driver.now_ms)
        driver.fire()
    assert due == [100, 30 * 86_400_000, 3142, 16_100]


def test_an_endless_sleep_needs_no_timer() -> None:
    @workflow.defn
    class Forever:
        @workflow.run
        async def run(self) -> None:
            await asyncio.sleep(math.inf)

    driver = Driver(Forever)
    assert not driver.decided
    assert driver.end is None
    driver.cancel()
    assert driver.kinds() == ["CancelWorkflow"]


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (lambda loop: loop.run_in_executor(None, print), "activity"),
        (lambda loop: loop.call_soon_threadsafe(print), "signal"),
        (lambda loop: loop.create_connection(asyncio.Protocol, "localhost", 80), "activity"),
        (lambda loop: loop.subprocess_exec(asyncio.SubprocessProtocol, "true"), "activity"),
        (lambda loop: loop.add_signal_handler(1, print), "signal"),
        (lambda loop: loop.run_until_complete(None), "foldlog alone"),
        (lambda loop: loop.set_exception_handler(None), "catch exceptions"),
        (lambda loop: loop.stop(), "foldlog alone"),
    ],
)
def test_what_reaches_outside_is_refused(call: Any, hint: str) -> None:
    raised: list[RestrictedWorkflowAccessError] = []

    @workflow.defn
    class Reaches:
        @workflow.run
        async def run(self) -> None:
            try:
                call(asyncio.get_running_loop())
            except RestrictedWorkflowAccessError as error:
                raised.append(error)

    Driver(Reaches)
    assert hint in str(raised[0])


def test_threads_by_asyncio_are_refused() -> None:
    @workflow.defn
    class Threads:
        @workflow.run
        async def run(self) -> str:
            try:
                await asyncio.to_thread(print)
            except RestrictedWorkflowAccessError as error:
                return str(error)
            return ""

    assert "asyncio tasks" in Driver(Threads).result


def test_as_completed_of_coroutines_is_refused_since_their_order_is_not_stable() -> None:
    @workflow.defn
    class Unordered:
        @workflow.run
        async def run(self) -> str:
            coroutines = [asyncio.sleep(0), asyncio.sleep(0)]
            try:
                for next_one in asyncio.as_completed(coroutines):
                    await next_one
            except RestrictedWorkflowAccessError as error:
                return str(error)
            finally:
                for coroutine in coroutines:
                    coroutine.close()
            return ""

    assert "workflow.as_completed" in Driver(Unordered).result


@pytest.mark.parametrize(
    ("arguments", "options", "error"),
    [
        ([], {}, ValueError),
        (["task"], {"return_when": "SOMETIMES"}, ValueError),
        (["coroutine"], {}, TypeError),
        ("future", {}, TypeError),
    ],
)
def test_workflow_wait_checks_its_arguments(arguments: Any, options: Any, error: type[Exception]) -> None:
    @workflow.defn
    class Wrong:
        @workflow.run
        async def run(self) -> str:
            made = {"task": asyncio.create_task(asyncio.sleep(0)), "coroutine": asyncio.sleep(0)}
            fs: Any = asyncio.gather() if arguments == "future" else [made[name] for name in arguments]
            try:
                await workflow.wait(fs, **options)
            except error as raised:
                return type(raised).__name__
            finally:
                made["coroutine"].close()  # type: ignore[attr-defined]  # it is the coroutine
            return ""

    assert Driver(Wrong).result == error.__name__


def test_an_error_in_a_callback_is_logged_and_does_not_stop_the_run(caplog: pytest.LogCaptureFixture) -> None:
    @workflow.defn
    class Callback:
        @workflow.run
        async def run(self) -> str:
            asyncio.get_running_loop().call_soon(lambda: 1 / 0)
            await asyncio.sleep(1)
            return "done"

    driver = Driver(Callback)
    driver.fire()
    assert driver.result == "done"
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError
    assert record.__dict__["workflow_id"] == "workflow-1"
    caplog.clear()
    driver.replay()
    assert not caplog.records
