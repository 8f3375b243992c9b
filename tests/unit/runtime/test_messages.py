"""Signals and queries: order, buffering, async handlers, wrong arguments, and that queries change nothing."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from foldlog import workflow
from foldlog.common import RawValue
from foldlog.core.decider import QueryFailed, WorkflowTaskError
from foldlog.exceptions import ApplicationError
from foldlog.schemas import event
from foldlog.workflow import UnfinishedSignalHandlersWarning

from tests.unit.runtime.driver import CONVERTER, Driver

TIMEOUT = timedelta(seconds=10)


@dataclass
class Item:
    name: str
    count: int = 1


@workflow.defn
class Inbox:
    def __init__(self) -> None:
        self.log: list[Any] = []
        self.done = False

    @workflow.run
    async def run(self) -> list[Any]:
        await workflow.wait_condition(lambda: self.done)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.log

    @workflow.signal
    def add(self, item: Item, note: str = "-") -> None:
        assert isinstance(item, Item)
        self.log.append(f"{item.name}{note}")

    @workflow.signal(name="slow-add", description="adds after an activity")
    async def slow(self, name: str) -> None:
        self.log.append(f"begin {name}")
        self.log.append(await workflow.execute_activity("slow", name, start_to_close_timeout=TIMEOUT))

    @workflow.signal
    def finish(self) -> None:
        self.done = True

    @workflow.signal
    async def raises(self, kind: str) -> None:
        if kind == "failure":
            raise ApplicationError("from a handler", type="Handler")
        raise ValueError(kind)

    @workflow.query
    def entries(self) -> list[Any]:
        return self.log

    @workflow.query(name="count-of")
    def count(self, name: str, plus: int = 0) -> int:
        return self.log.count(name) + plus

    @workflow.query
    def breaks(self, how: str) -> Any:
        return BREAKS[how](self)


def test_signals_are_handled_in_order_and_typed() -> None:
    driver = Driver(Inbox)
    for number in range(50):
        driver.signal("add", Item(f"i{number}"), "!")
    driver.signal("add", Item("last"))
    driver.signal("finish")
    assert driver.result == [*(f"i{number}!" for number in range(50)), "last-"]
    driver.replay()


def test_async_handlers_run_beside_run() -> None:
    driver = Driver(Inbox)
    driver.signal("slow-add", "a")
    driver.signal("slow-add", "b")
    driver.signal("finish")
    assert driver.end is None
    driver.complete(None, "a done")
    driver.complete(None, "b done")
    assert driver.result == ["begin a", "begin b", "a done", "b done"]
    driver.replay()


@pytest.mark.parametrize(
    "args",
    [(), (Item("x"), "note", "too many"), ("no item",), (Item("x"), 17)],
    ids=["missing", "too many", "wrong type", "wrong second type"],
)
def test_a_signal_with_wrong_arguments_is_logged_and_dropped(
    args: tuple[Any, ...], caplog: pytest.LogCaptureFixture
) -> None:
    driver = Driver(Inbox)
    driver.signal("add", *args)
    (record,) = caplog.records
    assert f"signal 'add' of workflow {record.__dict__['workflow_id']} (Inbox) is dropped" in record.getMessage()
    assert record.__dict__["run_id"] == "run-1"
    driver.signal("finish")
    assert driver.result == []
    caplog.clear()
    driver.replay()
    assert not caplog.records


def test_an_exception_of_a_handler_counts_like_one_of_run() -> None:
    failed = Driver(Inbox)
    failed.signal("raises", "failure")
    with pytest.raises(ApplicationError, match="from a handler"):
        _ = failed.result
    stalled = Driver(Inbox)
    with pytest.raises(WorkflowTaskError, match="ValueError: bug") as raised:
        stalled.signal("raises", "bug")
    assert "in raises" in raised.value.stack_trace


@workflow.defn
class Late:
    """Sets its handlers while it runs."""

    def __init__(self) -> None:
        self.log: list[Any] = []

    @workflow.run
    async def run(self, dynamic: bool) -> list[Any]:
        await asyncio.sleep(1)
        if dynamic:
            workflow.set_dynamic_signal_handler(self.any)
        else:
            workflow.set_signal_handler("b", lambda value: self.log.append(f"b{value}"))
            workflow.set_signal_handler("a", self.on_a)
        workflow.set_query_handler("seen", lambda: self.log)
        assert workflow.get_query_handler("seen") is not None
        assert workflow.get_query_handler("other") is None
        await asyncio.sleep(1)
        workflow.set_signal_handler("a", None)
        workflow.set_query_handler("seen", None)
        workflow.set_dynamic_query_handler(lambda name, args: [name, len(args)])
        await asyncio.sleep(1)
        return self.log

    async def on_a(self, value: int) -> None:
        await asyncio.sleep(0)
        self.log.append(f"a{value}")

    def any(self, name: str, args: Sequence[RawValue]) -> None:
        self.log.append([name, *(workflow.payload_converter().from_payload(arg.payload) for arg in args)])


def test_signals_without_a_handler_are_kept_for_one_that_comes_later(caplog: pytest.LogCaptureFixture) -> None:
    driver = Driver(Late, False)
    for number in range(3):
        driver.signal("a", number)
        driver.signal("b", number)
        driver.signal("nobody", number)
    assert "no handler; it is kept" in caplog.text
    driver.fire()
    driver.signal("a", 3)
    assert driver.query("seen") == ["b0", "b1", "b2", "a0", "a1", "a2", "a3"]
    driver.fire()
    driver.signal("a", 4)
    assert driver.query("whatever", 1, 2) == ["whatever", 2]
    driver.fire()
    assert driver.result == ["b0", "b1", "b2", "a0", "a1", "a2", "a3"]
    driver.replay()


def test_a_dynamic_handler_takes_all_that_was_kept_in_order() -> None:
    driver = Driver(Late, True)
    driver.signal("x", 1)
    driver.signal("y", "two", 3)
    driver.signal("x")
    driver.fire()
    driver.signal("z", None)
    driver.fire()
    driver.fire()
    assert driver.result == [["x", 1], ["y", "two", 3], ["x"], ["z", None]]
    driver.replay()


@workflow.defn
class Dynamic:
    def __init__(self) -> None:
        self.log: list[Any] = []

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: False)

    @workflow.signal
    def known(self) -> None:
        self.log.append("known")

    @workflow.signal(dynamic=True)
    async def other(self, name: str, args: Sequence[RawValue]) -> None:
        self.log.append([name, len(args)])

    @workflow.query(dynamic=True)
    def ask(self, name: str, args: Sequence[RawValue]) -> list[Any]:
        return [name, self.log]


def test_dynamic_handlers_of_the_class() -> None:
    driver = Driver(Dynamic)
    driver.signal("known")
    driver.signal("unknown", 1, 2)
    assert driver.query("anything", 5) == ["anything", ["known", ["unknown", 2]]]


class OlderDynamic:
    """Handlers as they were written before there was `RawValue`."""

    def __init__(self) -> None:
        self.log: list[Any] = []

    async def run(self) -> None:
        def late(name: str, *args: Any) -> None:
            self.log.append(["late", name, *args])

        await asyncio.sleep(10)
        workflow.set_dynamic_signal_handler(late)
        await asyncio.sleep(10)

    def other(self, name: str, *args: Any) -> None:
        self.log.append([name, *args])

    def ask(self, name: str, *args: Any) -> list[Any]:
        return [name, list(args), self.log]


def test_dynamic_handlers_that_take_converted_arguments_still_work_and_warn() -> None:
    with pytest.warns(DeprecationWarning, match=r"dynamic signal handler OlderDynamic.other takes \*args") as warned:
        OlderDynamic.other = workflow.signal(dynamic=True)(OlderDynamic.other)  # type: ignore[method-assign]
    assert warned[0].filename == __file__
    with pytest.warns(DeprecationWarning, match="take a Sequence"):
        OlderDynamic.ask = workflow.query(dynamic=True)(OlderDynamic.ask)  # type: ignore[method-assign]
    workflow.run(OlderDynamic.run)
    driver = Driver(workflow.defn(OlderDynamic))
    driver.signal("unknown", 1, "two")
    assert driver.query("anything", 5, None) == ["anything", [5, None], [["unknown", 1, "two"]]]
    driver.fire()
    driver.signal("other", [3])
    assert driver.query("anything") == ["anything", [], [["unknown", 1, "two"], ["late", "other", [3]]]]


# ---- queries


def test_an_async_query_warns_and_answers_as_long_as_it_does_not_wait() -> None:
    class Asked:
        @workflow.run
        async def run(self) -> None:
            await asyncio.sleep(10)

        async def at_once(self) -> int:
            return await self.number()

        async def number(self) -> int:
            return 7

        async def waits(self) -> None:
            await asyncio.Future()

    with pytest.warns(DeprecationWarning, match="at_once is async: a query is answered at once") as warned:
        workflow.query(Asked.at_once)
    assert warned[0].filename == __file__
    with pytest.warns(DeprecationWarning, match="waits is async"):
        workflow.query()(Asked.waits)
    driver = Driver(workflow.defn(Asked))
    assert driver.query("at_once") == 7
    with pytest.raises(ApplicationError, match="the handling of query 'waits' waits for something"):
        driver.query("waits")
    assert driver.replay().query("at_once", []).data == b"7"


def test_queries_answer_from_the_workflow() -> None:
    driver = Driver(Inbox)
    driver.signal("add", Item("x"), "")
    assert driver.query("entries") == ["x"]
    assert driver.query("count-of", "x") == 1
    assert driver.query("count-of", "x", 10) == 11


def test_a_closed_workflow_still_answers() -> None:
    driver = Driver(Inbox)
    driver.signal("add", Item("x"), "")
    driver.signal("finish")
    assert driver.end is not None
    assert driver.query("entries") == ["x"]
    assert CONVERTER.from_payload(driver.replay().query("entries", [])) == ["x"]


BREAKS: dict[str, Any] = {
    "random": lambda self: workflow.random(),
    "uuid4": lambda self: workflow.uuid4(),
    "uuid7": lambda self: workflow.uuid7(),
    "seed": lambda self: workflow.register_random_seed_callback(print),
    "activity": lambda self: workflow.start_activity("x", start_to_close_timeout=TIMEOUT),
    "execute": lambda self: workflow.execute_activity("x", start_to_close_timeout=TIMEOUT),
    "local": lambda self: workflow.start_local_activity("x", start_to_close_timeout=TIMEOUT),
    "task": lambda self: asyncio.get_running_loop().create_task(asyncio.sleep(1)),
    "timer": lambda self: asyncio.get_running_loop().call_later(1, print),
    "soon": lambda self: asyncio.get_running_loop().call_soon(print),
    "condition": lambda self: workflow.wait_condition(lambda: True),
    "handler": lambda self: workflow.set_signal_handler("x", print),
}


@pytest.mark.parametrize("how", BREAKS)
def test_a_query_can_decide_nothing(how: str) -> None:
    driver = Driver(Inbox)
    with pytest.raises(ApplicationError) as raised:
        driver.query("breaks", how)
    assert raised.value.type == "ReadOnlyContextError"
    assert driver.kinds() == []
    driver.signal("slow-add", "a")
    assert driver.kinds() == ["ScheduleActivity"]
    assert driver.decided[0].activity_id == "1"  # type: ignore[attr-defined]  # it is a ScheduleActivity


def test_unknown_queries_name_the_known_ones() -> None:
    driver = Driver(Inbox)
    with pytest.raises(
        ApplicationError, match=r"'nope' expected but not found, known queries: \[__enhanced_stack_trace .* brea"
    ):
        driver.query("nope")


@pytest.mark.parametrize("args", [(), ("x", 1, 2), (["no", "text"],)])
def test_a_query_with_wrong_arguments_fails(args: tuple[Any, ...]) -> None:
    with pytest.raises(ApplicationError):
        Driver(Inbox).query("count-of", *args)


def test_a_query_handler_that_raises_is_told_to_the_asker() -> None:
    driver = Driver(Inbox)
    with pytest.raises(QueryFailed) as raised:
        driver.decider.query("breaks", CONVERTER.to_payloads(["missing key"]))
    assert raised.value.failure.type == "KeyError"
    driver.signal("finish")
    assert driver.result == []


def test_an_async_query_handler_may_be_set_at_run_time() -> None:
    @workflow.defn
    class SetsAsync:
        @workflow.run
        async def run(self) -> None:
            async def answer() -> int:
                return 1

            workflow.set_query_handler("q", answer)

    assert Driver(SetsAsync).query("q") == 1


def test_the_stack_trace_query_says_what_each_task_waits_for() -> None:
    driver = Driver(Inbox)
    driver.signal("slow-add", "a")
    stack = driver.query("__stack_trace")
    assert "Task run" in stack
    assert "in Inbox.run" in stack
    assert "waits for a condition" in stack
    assert "Task signal: slow-add" in stack
    assert "waits for activity 'slow' (ID 1)" in stack
    assert "foldlog/runtime" not in stack


# ---- handlers that are still running at the end


@workflow.defn
class Hasty:
    @workflow.run
    async def run(self) -> None:
        await asyncio.sleep(1)

    @workflow.signal
    async def warned(self) -> None:
        await asyncio.sleep(100)

    @workflow.signal(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def silent(self) -> None:
        await asyncio.sleep(100)


def test_a_warning_names_handlers_that_are_left_running() -> None:
    driver = Driver(Hasty)
    driver.signal("warned")
    driver.signal("silent")
    with pytest.warns(UnfinishedSignalHandlersWarning, match=r"signals were still running: warned\. Before"):
        driver.fire()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        driver.replay()


def test_where_warnings_are_errors_the_run_stalls() -> None:
    """It can be mended, as with Temporal; nothing is lost."""
    driver = Driver(Hasty)
    driver.signal("warned")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UnfinishedSignalHandlersWarning)
        with pytest.raises(WorkflowTaskError, match=r"UnfinishedSignalHandlersWarning: .* still running: warned"):
            driver.fire()


def test_no_warning_where_the_policy_is_to_abandon() -> None:
    driver = Driver(Hasty)
    driver.signal("silent")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        driver.fire()
    assert isinstance(driver.end, event.WorkflowExecutionCompleted)


# ---- conditions


@workflow.defn
class Mutex:
    """Conditions as a lock: each waiter goes on before the next one's condition is looked at."""

    def __init__(self) -> None:
        self.free = True
        self.most = self.running = 0
        self.go = False

    @workflow.run
    async def run(self) -> int:
        await asyncio.gather(*(self.work() for _ in range(5)))
        return self.most

    async def work(self) -> None:
        await workflow.wait_condition(lambda: self.go)
        await workflow.wait_condition(lambda: self.free)
        self.free = False
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(1)
        self.running -= 1
        self.free = True

    @workflow.signal
    def start(self) -> None:
        self.go = True


def test_a_condition_still_holds_when_its_waiter_goes_on() -> None:
    driver = Driver(Mutex)
    driver.signal("start")
    assert driver.run().result == 1
    driver.replay()


@workflow.defn
class Conditional:
    @workflow.run
    async def run(self, case: str) -> Any:
        if case == "holds":
            await workflow.wait_condition(lambda: True, timeout=5)
            await workflow.wait_condition(lambda: True, timeout=0)
        elif case == "times out":
            try:
                await workflow.wait_condition(lambda: False, timeout=timedelta(seconds=5), timeout_summary="five")
            except TimeoutError:
                return "timed out"
        elif case == "at once":
            try:
                await workflow.wait_condition(lambda: False, timeout=0)
            except TimeoutError:
                return "timed out"
        elif case == "raises":
            values: list[bool] = [False]
            asyncio.get_running_loop().call_later(1, values.clear)
            try:
                await workflow.wait_condition(lambda: values[0])
            except IndexError:
                return "raised"
        elif case == "lets it through":
            await workflow.wait_condition(lambda: False, timeout=1)
        return "went on"


@pytest.mark.parametrize(
    ("case", "result", "kinds"),
    [
        ("holds", "went on", []),
        ("times out", "timed out", ["StartTimer"]),
        ("at once", "timed out", []),
        ("raises", "raised", ["StartTimer"]),
    ],
)
def test_wait_condition(case: str, result: str, kinds: list[str]) -> None:
    driver = Driver(Conditional, case).run()
    assert driver.result == result
    assert driver.kinds() == [*kinds, "CompleteWorkflow"]
    driver.replay()


def test_a_timeout_that_is_let_through_fails_the_workflow() -> None:
    driver = Driver(Conditional, "lets it through").run()
    assert isinstance(driver.end, event.WorkflowExecutionFailed)
    assert driver.end.failure.type == "TimeoutError"


def test_ten_thousand_signals() -> None:
    driver = Driver(Inbox)
    for number in range(10_000):
        driver.signal("add", Item(str(number)), "")
    driver.signal("finish")
    assert driver.result == [str(number) for number in range(10_000)]
