"""Updates in the runtime: validators, answers, what handlers raise, handlers set at run time, ends and replay."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from foldlog import workflow
from foldlog.common import RawValue
from foldlog.core.decider import NondeterminismError, WorkflowTaskError
from foldlog.core.replay import replay
from foldlog.exceptions import ApplicationError, CancelledError, DefinitionError
from foldlog.schemas import event
from foldlog.workflow import (
    UnfinishedSignalHandlersWarning,
    UnfinishedUpdateHandlersWarning,
    UpdateInfo,
    current_update_info,
)

from tests.unit.runtime.driver import CONVERTER, Driver

TIMEOUT = timedelta(seconds=10)


@dataclass
class Item:
    name: str
    tags: list[str]


@workflow.defn
class Cart:
    def __init__(self) -> None:
        self.items: list[Item] = []
        self.seen: list[Any] = []
        self.done = False

    @workflow.run
    async def run(self) -> list[str]:
        await workflow.wait_condition(lambda: self.done)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return [item.name for item in self.items]

    @workflow.update
    def add(self, item: Item) -> int:
        self.items.append(item)
        return len(self.items)

    @add.validator
    def check_add(self, item: Item) -> None:
        self.seen.append(current_update_info())
        if not item.name:
            raise ApplicationError("an item has a name", type="NoName")
        item.tags.append("changed by the validator")

    @workflow.update(name="add-slowly", description="adds after an activity")
    async def slowly(self, name: str, count: int = 1) -> int:
        await workflow.execute_activity("look-up", name, start_to_close_timeout=TIMEOUT)
        self.items += [Item(name, [])] * count
        return len(self.items)

    @workflow.update
    async def info_everywhere(self) -> list[Any]:
        async def inner() -> str:
            info = current_update_info()
            return "" if info is None else info.id

        info = current_update_info()
        assert info is not None
        return [info.id, info.name, await asyncio.create_task(inner())]

    @workflow.update
    async def raises(self, kind: str) -> None:
        if kind == "wait":
            await asyncio.sleep(1)
        if kind == "cancelled":
            raise asyncio.CancelledError("enough")
        if kind == "bug":
            raise ValueError("a bug")
        raise ApplicationError("no", "detail", type="Refused")

    @workflow.update
    def unfit(self) -> Any:
        return object()

    @workflow.update
    async def goes_on(self, waits: bool) -> None:
        if waits:
            await asyncio.sleep(1)
        workflow.continue_as_new()

    @workflow.update
    def odd(self) -> None:
        """Its validator breaks the rules."""

    @odd.validator
    def check_odd(self) -> None:
        workflow.start_activity("must-not", start_to_close_timeout=TIMEOUT)

    @workflow.signal
    def finish(self) -> None:
        self.done = True


@workflow.defn
class Calling:
    """Calls its handlers as the methods that they are."""

    def __init__(self) -> None:
        self.log: list[str] = []

    @workflow.run
    async def run(self) -> list[str]:
        self.said("a signal")
        await self.heard("an async signal")
        self.log.append(f"{self.put('an update')} {await self.put_slowly('an async update')} {self.size()}")
        return self.log

    @workflow.signal
    def said(self, text: str) -> None:
        self.log.append(text)

    @workflow.signal
    async def heard(self, text: str) -> None:
        self.log.append(text)

    @workflow.update
    def put(self, text: str) -> int:
        self.log.append(text)
        return len(self.log)

    @put.validator
    def check_put(self, text: str) -> None:
        raise ApplicationError("only messages are checked")

    @workflow.update
    async def put_slowly(self, text: str) -> int:
        return self.put(text)

    @workflow.query
    def size(self) -> int:
        return len(self.log)


def test_handlers_can_be_called_as_methods() -> None:
    driver = Driver(Calling)
    expected = ["a signal", "an async signal", "an update", "an async update", "3 4 4"]
    assert driver.result == expected
    driver.replay()


def test_an_update_is_answered_and_typed() -> None:
    driver = Driver(Cart)
    driver.update("add", Item("tea", ["hot"]))
    driver.update("add", Item("milk", []))
    assert [driver.outcome("update-1"), driver.outcome("update-2")] == [1, 2]
    assert driver.kinds() == ["CompleteUpdate", "CompleteUpdate"]
    driver.replay()


@pytest.mark.parametrize("waits", [False, True])
def test_an_update_handler_cannot_continue_as_new(waits: bool) -> None:
    driver = Driver(Cart)
    if waits:
        driver.update("goes_on", True)
    with pytest.raises(WorkflowTaskError, match="Cannot continue as new from an update handler"):
        driver.fire() if waits else driver.update("goes_on", False)


def test_a_validator_refuses_and_leaves_nothing() -> None:
    driver = Driver(Cart)
    events = len(driver.events)
    driver.update("add", Item("", []))
    with pytest.raises(ApplicationError, match="an item has a name") as refused:
        driver.outcome()
    assert refused.value.type == "NoName"
    assert len(driver.events) == events
    driver.signal("finish")
    assert driver.result == []


def test_the_handler_gets_arguments_that_no_validator_has_touched() -> None:
    driver = Driver(Cart)
    driver.update("add", Item("tea", ["hot"]))
    assert driver.decider.instance().items == [Item("tea", ["hot"])]


def test_an_async_handler_runs_beside_run_and_other_handlers() -> None:
    driver = Driver(Cart)
    driver.update("add-slowly", "tea", 2)
    driver.update("add", Item("milk", []))
    assert driver.updates["update-1"] is None
    assert driver.outcome("update-2") == 1
    driver.decider = driver.replay()
    driver.signal("finish")
    assert driver.end is None
    driver.complete("look-up")
    assert driver.outcome("update-1") == 3
    assert driver.result == ["milk", "tea", "tea"]
    driver.replay()


def test_a_handler_and_its_tasks_know_their_update() -> None:
    driver = Driver(Cart)
    driver.update("info_everywhere", update_id="u7")
    assert driver.outcome("u7") == ["u7", "info_everywhere", "u7"]
    driver.update("add", Item("tea", []), update_id="u8")
    assert driver.decider.instance().seen == [UpdateInfo("u8", "add")]


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        (
            "none",
            (),
            "Update handler for 'none' expected but not found.*known updates: .add add-slowly goes_on info_every",
        ),
        ("add", (), "takes 1 arguments, but there are 0"),
        ("add", (1, 2), "takes 1 arguments, but there are 2"),
        ("add", ("text",), "expected object, got str"),
    ],
)
def test_what_does_not_fit_is_refused(name: str, args: tuple[Any, ...], message: str) -> None:
    driver = Driver(Cart)
    driver.update(name, *args)
    with pytest.raises(ApplicationError, match=message):
        driver.outcome()
    assert [type(record) for record in driver.events] == [event.WorkflowExecutionStarted]


@pytest.mark.parametrize("kind", ["now", "wait"])
def test_a_failure_of_a_handler_fails_the_update_only(kind: str) -> None:
    driver = Driver(Cart)
    driver.update("raises", kind)
    driver.run()
    with pytest.raises(ApplicationError, match="no") as failed:
        driver.outcome()
    assert failed.value.type == "Refused"
    assert failed.value.details == ("detail",)
    assert driver.end is None
    driver.replay()


def test_a_cancellation_in_a_handler_fails_the_update() -> None:
    driver = Driver(Cart)
    driver.update("raises", "cancelled")
    with pytest.raises(CancelledError, match="Cancellation raised within update"):
        driver.outcome()
    assert driver.end is None


def test_any_other_exception_stalls_the_workflow() -> None:
    driver = Driver(Cart)
    with pytest.raises(WorkflowTaskError, match="ValueError: a bug"):
        driver.update("raises", "bug")


def test_a_failure_exception_type_fails_the_update() -> None:
    driver = Driver(Cart, failure_exception_types=[ValueError])
    driver.update("raises", "bug")
    with pytest.raises(ApplicationError, match="a bug"):
        driver.outcome()
    assert driver.end is None


def test_a_result_that_cannot_be_converted_stalls_the_workflow() -> None:
    driver = Driver(Cart)
    with pytest.raises(WorkflowTaskError, match="object"):
        driver.update("unfit")


def test_a_validator_that_decides_something_stalls_the_workflow() -> None:
    driver = Driver(Cart)
    with pytest.raises(WorkflowTaskError, match="ReadOnlyContextError"):
        driver.update("odd")


def test_a_request_to_cancel_leaves_handlers_alone() -> None:
    driver = Driver(Cart)
    driver.update("add-slowly", "tea")
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        driver.cancel()
    assert type(driver.end) is event.WorkflowExecutionCanceled
    assert [entry.category for entry in warned] == [UnfinishedUpdateHandlersWarning]
    assert "add-slowly (ID update-1)" in str(warned[0].message)
    driver.replay()


# ---- where the workflow returns first


@workflow.defn
class Returning:
    def __init__(self) -> None:
        self.returned = False
        self.log: list[str] = []

    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: bool(self.log))
        self.returned = True
        return "the workflow's result"

    @workflow.update
    async def outlast(self) -> str:
        self.log.append("begun")
        await workflow.wait_condition(lambda: self.returned)
        return "the update's result"

    @workflow.update(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def never(self) -> None:
        self.log.append("begun")
        await asyncio.Event().wait()

    @workflow.update
    async def abandoned(self) -> None:
        self.log.append("begun")
        await asyncio.Event().wait()

    @workflow.signal
    async def abandoned_too(self) -> None:
        await asyncio.Event().wait()


def test_an_update_that_ends_after_run_in_the_same_step_has_its_result() -> None:
    driver = Driver(Returning)
    driver.update("outlast")
    assert driver.outcome() == "the update's result"
    assert driver.result == "the workflow's result"
    assert driver.kinds() == ["CompleteUpdate", "CompleteWorkflow"]
    driver.replay()


def test_no_warning_where_the_policy_is_to_abandon() -> None:
    driver = Driver(Returning)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        driver.update("never")
    assert driver.updates["update-1"] is None
    assert driver.result == "the workflow's result"


def test_signals_and_updates_that_are_left_are_warned_of_apart() -> None:
    driver = Driver(Returning)
    driver.signal("abandoned_too")
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        driver.update("abandoned")
    kinds = {entry.category for entry in warned}
    assert kinds == {UnfinishedSignalHandlersWarning, UnfinishedUpdateHandlersWarning}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        driver.replay()


# ---- dynamic handlers, and handlers set at run time


@workflow.defn
class Changing:
    def __init__(self) -> None:
        self.log: list[Any] = []

    @workflow.run
    async def run(self) -> list[Any]:
        await workflow.wait_condition(lambda: "end" in self.log)
        return self.log

    @workflow.update(dynamic=True)
    async def anything(self, name: str, args: Sequence[RawValue]) -> list[Any]:
        return [name, *(workflow.payload_converter().from_payload(arg.payload) for arg in args)]

    @anything.validator
    def check_anything(self, name: str, args: Sequence[RawValue]) -> None:
        if name == "forbidden":
            raise ApplicationError("no")

    @workflow.signal
    def set_handlers(self) -> None:
        def check(text: str) -> None:
            if not text:
                raise ApplicationError("empty")

        async def note(text: str) -> int:
            self.log.append(text)
            return len(self.log)

        workflow.set_update_handler("note", note, validator=check)
        assert workflow.get_update_handler("note") is note
        assert workflow.get_dynamic_update_handler() == self.anything

    @workflow.signal
    def remove_handlers(self) -> None:
        workflow.set_update_handler("note", None)
        workflow.set_dynamic_update_handler(None)
        assert workflow.get_update_handler("note") is None
        assert workflow.get_dynamic_update_handler() is None

    @workflow.signal
    def set_dynamic(self) -> None:
        workflow.set_dynamic_update_handler(lambda name, args: f"{name}, {len(args)} arguments")

    @workflow.query
    def must_not(self) -> None:
        workflow.set_update_handler("note", None)


def test_a_dynamic_handler_takes_what_has_no_other() -> None:
    driver = Driver(Changing)
    driver.update("whatever", 1, "two")
    assert driver.outcome() == ["whatever", 1, "two"]
    driver.update("forbidden")
    with pytest.raises(ApplicationError, match="no"):
        driver.outcome("update-2")


def test_handlers_can_be_set_while_the_workflow_runs() -> None:
    driver = Driver(Changing)
    driver.signal("set_handlers")
    driver.update("note", "one")
    driver.update("note", "")
    assert driver.outcome("update-1") == 1
    with pytest.raises(ApplicationError, match="empty"):
        driver.outcome("update-2")
    driver.signal("remove_handlers")
    driver.update("note", "two")
    with pytest.raises(ApplicationError, match="not found"):
        driver.outcome("update-3")
    driver.signal("set_dynamic")
    driver.update("note", "two")
    assert driver.outcome("update-4") == "note, 1 arguments"
    driver.replay()


def test_a_query_cannot_set_a_handler() -> None:
    driver = Driver(Changing)
    with pytest.raises(ApplicationError, match="set an update handler"):
        driver.query("must_not")


def test_the_metadata_query_names_all_that_a_workflow_takes() -> None:
    driver = Driver(Changing)
    driver.signal("set_handlers")
    definition = driver.query("__temporal_workflow_metadata")["definition"]
    assert definition["type"] == "Changing"
    assert [entry["name"] for entry in definition["updateDefinitions"]] == ["", "note"]
    assert [entry["name"] for entry in definition["signalDefinitions"]] == [
        "remove_handlers",
        "set_dynamic",
        "set_handlers",
    ]
    assert definition["queryDefinitions"] == [{"name": "must_not", "description": ""}]
    [described] = [
        entry
        for entry in Driver(Cart).query("__temporal_workflow_metadata")["definition"]["updateDefinitions"]
        if entry["description"]
    ]
    assert described == {"name": "add-slowly", "description": "adds after an activity"}


def test_the_enhanced_stack_trace_has_the_lines_at_which_tasks_wait() -> None:
    driver = Driver(Cart)
    driver.update("add-slowly", "tea")
    run, handler = driver.query("__enhanced_stack_trace")["stacks"]
    assert [location["functionName"].rsplit(".", 1)[-1] for location in run["locations"]] == ["run"]
    [location] = handler["locations"]
    assert location["functionName"].endswith("slowly")
    line = Path(__file__).read_text().splitlines()[location["line"] - 1]
    assert "execute_activity" in line
    assert location["filePath"] == __file__


# ---- held runs


@workflow.defn
class Early:
    @workflow.init
    def __init__(self, name: str) -> None:
        self.log = [f"init {name}"]

    @workflow.run
    async def run(self, name: str) -> list[str]:
        self.log.append(f"run {name}")
        await workflow.wait_condition(lambda: len(self.log) > 3)
        return self.log

    @workflow.update
    async def note(self, text: str) -> str:
        self.log.append(text)
        await asyncio.sleep(1)
        self.log.append(f"{text} ended")
        return self.log[0]

    @note.validator
    def check_note(self, text: str) -> None:
        assert self.log[0].startswith("init")


def test_an_update_that_comes_with_the_start_is_before_run() -> None:
    driver = Driver(Early, "ann", held=True)
    driver.update("note", "one")
    driver.begin()
    driver.run()
    assert driver.outcome() == "init ann"
    assert driver.result == ["init ann", "one", "run ann", "one ended"]
    driver.replay()


# ---- definitions and replay


def test_a_validator_must_fit_its_handler() -> None:
    with pytest.raises(DefinitionError, match="'add' and its validator check take different parameters"):

        @workflow.defn
        class Unfit:
            @workflow.run
            async def run(self) -> None: ...

            @workflow.update
            def add(self, number: int) -> None: ...

            @add.validator  # type: ignore[arg-type]  # what is refused here
            def check(self, number: int, more: int) -> None: ...


def test_a_validator_must_not_be_async() -> None:
    def handler(number: int) -> None: ...

    async def check(number: int) -> None: ...

    with pytest.raises(ValueError, match="is async"):
        workflow.update(handler).validator(check)  # type: ignore[arg-type]  # what is refused here


def test_an_override_needs_the_decorator() -> None:
    class Base:
        @workflow.update
        def add(self, number: int) -> None: ...

    with pytest.raises(DefinitionError, match=r"overrides a @workflow\.update without the decorator"):

        @workflow.defn
        class Derived(Base):
            @workflow.run
            async def run(self) -> None: ...

            def add(self, number: int) -> None: ...


@workflow.defn(name="Cart")
class CartWithoutActivity(Cart):
    @workflow.run
    async def run(self) -> list[str]:
        return await super().run()

    @workflow.update(name="add-slowly")
    async def slowly(self, name: str, count: int = 1) -> int:
        return 0


def test_replay_names_the_first_difference() -> None:
    driver = Driver(Cart)
    driver.update("add-slowly", "tea")
    changed = Driver(CartWithoutActivity, workflow_type="Cart", start=False)
    with pytest.raises(NondeterminismError, match=r"CompleteUpdate\(update_id='update-1'\)"):
        replay(changed.decider, driver.events)


def test_a_history_with_another_update_id_does_not_replay() -> None:
    driver = Driver(Cart)
    driver.update("add", Item("tea", []))
    altered = [*driver.events]
    altered[-1] = event.WorkflowExecutionUpdateCompleted(
        event_id=3, update_id="other", accepted_event_id=2, result=CONVERTER.to_payload(1)
    )
    with pytest.raises(NondeterminismError, match="update_id='other'"):
        driver.replay(altered)
