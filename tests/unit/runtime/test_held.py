"""Held runs in the runtime: what came before the first task is handed over before `run` begins."""

from __future__ import annotations

import asyncio
from typing import Any

from foldlog import workflow
from foldlog.schemas import event

from tests.unit.runtime.driver import Driver


@workflow.defn
class Listening:
    @workflow.init
    def __init__(self, name: str) -> None:
        self.log: list[Any] = [f"init {name}"]

    @workflow.run
    async def run(self, name: str) -> list[Any]:
        self.log.append(f"run {name}")
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            self.log.append("cancelled")
        return self.log

    @workflow.signal
    def note(self, text: str) -> None:
        self.log.append(text)

    @workflow.signal
    async def slowly(self, text: str) -> None:
        self.log.append(f"{text}, begun")
        await asyncio.sleep(1)
        self.log.append(f"{text}, ended")


def test_handlers_of_what_came_before_go_first() -> None:
    driver = Driver(Listening, "ann", held=True)
    assert driver.decided == []
    driver.signal("note", "one")
    driver.signal("slowly", "two")
    driver.signal("note", "three")
    assert driver.decided == []
    assert driver.decider.stack() == ""
    driver.begin()
    assert driver.kinds() == ["StartTimer", "StartTimer"]
    driver.run()
    assert driver.result == ["init ann", "one", "two, begun", "three", "run ann", "two, ended"]
    driver.replay()


def test_a_run_that_was_told_nothing_begins_as_any_other() -> None:
    driver = Driver(Listening, "ann", held=True)
    driver.begin()
    assert driver.run().result == ["init ann", "run ann"]


def test_a_request_to_cancel_that_came_before_reaches_the_first_await() -> None:
    driver = Driver(Listening, "ann", held=True)
    driver.cancel("enough")
    driver.begin()
    assert driver.result == ["init ann", "run ann", "cancelled"]
    driver.replay()


def test_a_held_run_is_rebuilt_at_any_point() -> None:
    driver = Driver(Listening, "ann", held=True)
    driver.signal("note", "one")
    driver.decider = driver.replay()
    driver.signal("note", "two")
    driver.begin()
    driver.decider = driver.replay()
    assert driver.run().result == ["init ann", "one", "two", "run ann"]
    assert [type(record) for record in driver.events][:2] == [
        event.WorkflowExecutionStarted,
        event.WorkflowExecutionSignaled,
    ]
