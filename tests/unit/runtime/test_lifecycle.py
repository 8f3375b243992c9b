"""How runs begin and end: arguments, results, failures, stalls, cancellation, being dropped."""

from __future__ import annotations

import asyncio
import gc
import sys
import tracemalloc
import warnings
import weakref
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from foldlog import workflow
from foldlog.common import RawValue
from foldlog.core.decider import WorkflowTaskError
from foldlog.exceptions import ActivityError, ApplicationError, CancelledError
from foldlog.runtime import WorkflowRuntime
from foldlog.schemas import event
from pydantic import BaseModel, ValidationError

from tests.unit.runtime.driver import CONVERTER, Driver

TIMEOUT = timedelta(seconds=10)


@dataclass
class Order:
    item: str
    count: int = 1


@workflow.defn(name="greeting")
class Greets:
    @workflow.run
    async def run(self, order: Order, times: int = 2) -> list[str]:
        assert isinstance(order, Order)
        return [order.item] * times


def test_arguments_and_results_are_typed() -> None:
    assert Driver(Greets, Order("a"), workflow_type="greeting").result == ["a", "a"]
    assert Driver(Greets, Order("a"), 3, workflow_type="greeting").result == ["a", "a", "a"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "takes 1 to 2 arguments, but was started with 0"),
        ((Order("a"), 1, 2), "takes 1 to 2 arguments, but was started with 3"),
        (("text",), "expected"),
        ((Order("a"), "text"), "expected int, got str"),
    ],
)
def test_a_start_with_wrong_arguments_stalls(args: tuple[Any, ...], message: str) -> None:
    with pytest.raises(WorkflowTaskError, match=message):
        Driver(Greets, *args, workflow_type="greeting")


def test_a_result_that_cannot_be_converted_stalls() -> None:
    @workflow.defn
    class Unfit:
        @workflow.run
        async def run(self) -> Any:
            return object()

    with pytest.raises(WorkflowTaskError, match="object"):
        Driver(Unfit)


@workflow.defn
class Initialised:
    @workflow.init
    def __init__(self, name: str, count: int = 1) -> None:
        self.text = name * count

    @workflow.run
    async def run(self, name: str, count: int = 1) -> str:
        assert workflow.instance() is self
        return str(self.text)

    @workflow.query
    def peek(self) -> str:
        return self.text


def test_init_takes_the_arguments_of_run() -> None:
    driver = Driver(Initialised, "ab", 2)
    assert driver.result == "abab"
    assert driver.query("peek") == "abab"


@pytest.mark.parametrize("where", ["init", "run"])
@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        ("ApplicationError('x')", "failed"),
        ("TimeoutError('x')", "failed"),
        ("asyncio.TimeoutError('x')", "failed"),
        ("ValueError('x')", "stalled"),
        ("SystemExit(1)", "stalled"),
        ("BaseException('x')", "stalled"),
        ("Own('x')", "failed by the definition"),
        ("OwnOfWorker('x')", "failed by the worker"),
    ],
)
def test_what_fails_and_what_stalls(where: str, error: str, outcome: str) -> None:
    options: dict[str, Any] = {"failure_exception_types": (OwnOfWorker,)} if "worker" in outcome else {}
    if outcome == "stalled":
        with pytest.raises(WorkflowTaskError) as raised:
            Driver(Raises, where, error, **options)
        assert error.split("(")[0] in str(raised.value)
        assert "test_lifecycle.py" in raised.value.stack_trace
        assert f"in {'__init__' if where == 'init' else 'run'}" in raised.value.stack_trace
    else:
        driver = Driver(Raises, where, error, **options)
        assert isinstance(driver.end, event.WorkflowExecutionFailed)
        assert driver.end.failure.message == "x"
        driver.replay()


class Own(Exception):
    pass


class OwnOfWorker(Exception):
    pass


@workflow.defn(failure_exception_types=[Own])
class Raises:
    @workflow.init
    def __init__(self, where: str, error: str) -> None:
        if where == "init":
            raise eval(error)

    @workflow.run
    async def run(self, where: str, error: str) -> None:
        await asyncio.sleep(0)
        assert not workflow.is_failure_exception(ValueError())
        assert workflow.is_failure_exception(Own())
        raise eval(error)


def test_every_exception_fails_where_exception_is_a_failure_type() -> None:
    driver = Driver(Greets, "text", workflow_type="greeting", failure_exception_types=(Exception,))
    assert isinstance(driver.end, event.WorkflowExecutionFailed)
    assert driver.end.failure.type == "PayloadConversionError"


class Person(BaseModel):
    name: str


@pytest.mark.parametrize("types", [(ValidationError,), (OwnOfWorker,)])
def test_what_pydantic_refuses_is_a_failure_where_its_error_is(types: tuple[type[Exception], ...]) -> None:
    @workflow.defn(failure_exception_types=types)
    class Greet:
        @workflow.run
        async def run(self, person: Person) -> None: ...

    if types == (OwnOfWorker,):
        with pytest.raises(WorkflowTaskError, match="name"):
            Driver(Greet, {"name": 123})
        return
    driver = Driver(Greet, {"name": 123})
    assert isinstance(driver.end, event.WorkflowExecutionFailed)
    assert "name: input should be a valid string" in driver.end.failure.message


def test_a_workflow_type_that_is_not_registered_stalls() -> None:
    runtime = WorkflowRuntime([Greets], namespace="n")
    started = event.WorkflowExecutionStarted(workflow_type="other", task_queue="q")
    with pytest.raises(WorkflowTaskError, match="other is not registered in this process; registered: greeting"):
        runtime.create("w", started)


@workflow.defn(dynamic=True)
class Anything:
    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> list[Any]:
        converter = workflow.payload_converter()
        return [workflow.info().workflow_type, *(converter.from_payload(arg.payload) for arg in args)]


def test_a_dynamic_workflow_runs_what_is_not_registered() -> None:
    assert Driver(Anything, 1, "two", workflow_type="whatever").result == ["whatever", 1, "two"]


# ---- the closing decision


def test_nothing_is_decided_after_the_end_but_what_was_before_stays() -> None:
    @workflow.defn
    class Ends:
        @workflow.run
        async def run(self) -> str:
            async def goes_on() -> None:
                await asyncio.sleep(0)
                await workflow.execute_activity("never", start_to_close_timeout=TIMEOUT)

            workflow.start_activity("first", start_to_close_timeout=TIMEOUT)
            self.background = [asyncio.create_task(goes_on()) for _ in range(3)]
            asyncio.get_running_loop().call_later(5, print)
            return "end"

    driver = Driver(Ends)
    assert driver.kinds() == ["ScheduleActivity", "StartTimer", "CompleteWorkflow"]
    assert driver.decider.activate(event.TimerFired(timer_id=1, started_event_id=3)) == []
    driver.replay()


def test_only_the_first_end_counts() -> None:
    @workflow.defn
    class TwoEnds:
        def __init__(self) -> None:
            self.go = False

        @workflow.run
        async def run(self) -> str:
            await workflow.wait_condition(lambda: self.go)
            return "end"

        @workflow.signal
        async def fail(self) -> None:
            self.go = True
            await asyncio.sleep(0)
            raise ApplicationError("too")

    driver = Driver(TwoEnds)
    driver.signal("fail")
    assert driver.kinds() == ["FailWorkflow"]


# ---- cancellation of the run


@workflow.defn
class Cancellable:
    def __init__(self) -> None:
        self.log: list[Any] = []

    @workflow.run
    async def run(self, case: str) -> Any:
        try:
            if case == "condition":
                await workflow.wait_condition(lambda: False, timeout=100)
            elif case == "activity":
                await workflow.execute_activity("slow", start_to_close_timeout=TIMEOUT)
            elif case == "group":
                async with asyncio.TaskGroup() as group:
                    group.create_task(workflow.execute_activity("slow", start_to_close_timeout=TIMEOUT))
                    group.create_task(asyncio.sleep(100))
            elif case == "gather":
                await asyncio.gather(asyncio.sleep(100), asyncio.sleep(200))
            else:
                await asyncio.sleep(100)
        except asyncio.CancelledError:
            assert workflow.cancellation_reason() == "because"
            if case == "cleanup":
                await workflow.execute_activity("undo", start_to_close_timeout=TIMEOUT)
            if case == "swallow":
                return "went on"
            if case == "own error":
                raise ApplicationError("own") from None
            raise
        return "not cancelled"


@pytest.mark.parametrize("case", ["sleep", "condition", "activity", "gather"])
def test_a_cancellation_that_is_let_through_cancels_the_run(case: str) -> None:
    driver = Driver(Cancellable, case)
    driver.cancel("because")
    assert isinstance(driver.end, event.WorkflowExecutionCanceled)
    driver.replay()


def test_cleanup_after_a_cancellation_may_wait() -> None:
    driver = Driver(Cancellable, "cleanup")
    driver.cancel("because")
    assert driver.kinds()[-2:] == ["CancelTimer", "ScheduleActivity"]
    driver.complete("undo")
    assert isinstance(driver.end, event.WorkflowExecutionCanceled)
    driver.replay()


def test_a_cancellation_may_be_swallowed_or_replaced() -> None:
    driver = Driver(Cancellable, "swallow")
    driver.cancel("because")
    assert driver.result == "went on"
    driver = Driver(Cancellable, "own error")
    driver.cancel("because")
    with pytest.raises(ApplicationError, match="own"):
        _ = driver.result


def test_a_task_group_under_cancellation() -> None:
    driver = Driver(Cancellable, "group")
    driver.cancel("because")
    assert sorted(driver.kinds()[-3:-1]) == ["CancelTimer", "RequestCancelActivity"]
    assert isinstance(driver.end, event.WorkflowExecutionCanceled)
    driver.replay()


@workflow.defn
class Groups:
    @workflow.run
    async def run(self, errors: list[str]) -> None:
        raise ExceptionGroup("several", [eval(error) for error in errors])


def test_a_group_of_failures_fails_the_run() -> None:
    driver = Driver(Groups, ["ApplicationError('first')", "ExceptionGroup('', [TimeoutError('second')])"])
    assert isinstance(driver.end, event.WorkflowExecutionFailed)
    assert driver.end.failure.type == "ExceptionGroup"
    assert driver.end.failure.cause is not None
    assert driver.end.failure.cause.message == "first"


def test_a_group_with_another_error_stalls_the_run() -> None:
    with pytest.raises(WorkflowTaskError, match="several"):
        Driver(Groups, ["ApplicationError('first')", "ValueError('second')"])


def test_cancellation_without_a_request_fails_the_run() -> None:
    @workflow.defn
    class CancelsItself:
        @workflow.run
        async def run(self) -> None:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(1)

    driver = Driver(CancelsItself)
    with pytest.raises(CancelledError):
        _ = driver.result


def test_an_activity_that_was_cancelled_without_a_request_fails_the_run() -> None:
    driver = Driver(Cancellable, "activity")
    driver.fail("slow", CancelledError("by itself"))
    with pytest.raises(ActivityError):
        _ = driver.result


def test_a_cancellation_before_anything_waits_reaches_the_first_await() -> None:
    @workflow.defn
    class Busy:
        @workflow.run
        async def run(self) -> str:
            await asyncio.sleep(1)
            try:
                await asyncio.sleep(1)
            except asyncio.CancelledError:
                return "cancelled"
            return "not cancelled"

    driver = Driver(Busy)
    driver.fire()
    driver.cancel()
    assert driver.result == "cancelled"


# ---- being dropped


@workflow.defn
class Waits:
    """Waits in every way there is, with cleanup code everywhere."""

    @workflow.run
    async def run(self, number: int) -> None:
        loose = workflow.execute_activity("never awaited", start_to_close_timeout=TIMEOUT)
        pair = [workflow.sleep(1), asyncio.sleep(1)]
        self.background = asyncio.create_task(self.generate())
        handle = workflow.start_activity("handle", start_to_close_timeout=TIMEOUT)
        try:
            async with asyncio.TaskGroup() as group, asyncio.timeout(500):
                group.create_task(self.lock())
                group.create_task(self.stubborn())
                group.create_task(asyncio.sleep(300))
                try:
                    await asyncio.gather(
                        workflow.wait_condition(lambda: False, timeout=100),
                        workflow.execute_activity("slow", number, start_to_close_timeout=TIMEOUT),
                        asyncio.shield(handle),
                    )
                finally:
                    RAN.append("sync")
                    await workflow.execute_activity("cleanup", start_to_close_timeout=TIMEOUT)
                    RAN.append("async")
        finally:
            await loose
            await asyncio.gather(*pair)
            RAN.append("async")

    async def lock(self) -> None:
        mutex = asyncio.Lock()
        async with mutex:
            await asyncio.Event().wait()

    async def stubborn(self) -> None:
        try:
            await asyncio.sleep(1000)
        except BaseException:
            await asyncio.sleep(0)
            RAN.append("async")
            workflow.start_activity("cleanup", start_to_close_timeout=TIMEOUT)
            RAN.append("async")

    async def generate(self) -> None:
        async for _ in self.numbers():
            pass

    async def numbers(self) -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.sleep(1000)
        finally:
            await workflow.execute_activity("cleanup", start_to_close_timeout=TIMEOUT)
            RAN.append("async")


RAN: list[str] = []


def test_dropping_a_thousand_runs_decides_nothing_and_warns_of_nothing(caplog: pytest.LogCaptureFixture) -> None:
    RAN.clear()
    drivers = [Driver(Waits, number, run_id=f"run-{number}") for number in range(1000)]
    decided = [len(driver.decided) for driver in drivers]
    tasks = [weakref.ref(task) for driver in drivers for task in driver.decider.loop.unfinished_tasks()]
    assert len(tasks) >= 8000
    unraisable: list[Any] = []
    hook, sys.unraisablehook = sys.unraisablehook, unraisable.append
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for driver in drivers:
                driver.decider.close()
                driver.decider.close()
            assert [len(driver.decided) for driver in drivers] == decided
            drivers.clear()
            del driver
            gc.collect()
    finally:
        sys.unraisablehook = hook
    assert not unraisable
    assert not caplog.records
    assert "async" not in RAN
    assert {task() for task in tasks} == {None}


def test_a_run_that_nobody_closed_is_closed_by_the_garbage_collector(caplog: pytest.LogCaptureFixture) -> None:
    RAN.clear()
    driver = Driver(Waits, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del driver
        gc.collect()
    assert "async" not in RAN
    assert not caplog.records


def test_memory_of_a_waiting_run_is_bounded() -> None:
    @workflow.defn
    class Plain:
        @workflow.run
        async def run(self, number: int) -> None:
            await workflow.execute_activity("slow", number, start_to_close_timeout=TIMEOUT)

    runtime = WorkflowRuntime([Plain], namespace="n")

    def waiting(number: int) -> Any:
        started = event.WorkflowExecutionStarted(
            run_id=f"run-{number}",
            event_id=1,
            workflow_type="Plain",
            task_queue="q",
            args=CONVERTER.to_payloads([number]),
        )
        decider = runtime.create(f"workflow-{number}", started)
        decider.activate(started)
        decider.recorded(event.ActivityTaskScheduled(event_id=2, activity_id="1", activity_type="slow", task_queue="q"))
        return decider

    kept = [waiting(number) for number in range(100)]
    gc.collect()
    tracemalloc.start()
    try:
        kept += [waiting(number) for number in range(100, 1100)]
        gc.collect()
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size / 1000 < 5000, "a waiting run should take about 3 KB, its start event included"
