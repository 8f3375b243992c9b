"""Signals and cancellations to other workflows as workflow code sees them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from foldlog import workflow
from foldlog.core import decisions
from foldlog.core.decider import NondeterminismError
from foldlog.exceptions import ApplicationError, CancelledError, ConfigurationError

from tests.unit.runtime.driver import CONVERTER, Driver


@workflow.defn
class Other:
    @workflow.run
    async def run(self) -> None: ...

    @workflow.signal(name="renamed")
    def told(self, number: int) -> None: ...

    @workflow.signal
    async def both(self, one: int, two: str) -> None: ...


@workflow.defn
class Tells:
    @workflow.run
    async def run(self) -> list[Any]:
        one = workflow.get_external_workflow_handle("x")
        two = workflow.get_external_workflow_handle_for(Other.run, "y", run_id="r", namespace="elsewhere")
        await one.signal("by-name", {"a": 1})
        await two.signal(Other.told, 5)
        await two.signal(Other.both, args=[1, "two"])
        await two.cancel(reason="enough")
        await one.cancel()
        return [one.id, one.run_id, one.namespace, two.id, two.run_id, two.namespace]


def test_signals_and_cancellations_wait_until_they_are_delivered() -> None:
    driver = Driver(Tells)
    for _ in range(5):
        assert driver.end is None
        driver.deliver()
    assert driver.result == ["x", None, None, "y", "r", "elsewhere"]
    by_name, renamed, both, cancel, other = driver.decided[:-1]
    assert isinstance(by_name, decisions.SignalExternalWorkflow)
    assert (by_name.namespace, by_name.workflow_id, by_name.run_id, by_name.child_only) == ("test", "x", "", False)
    assert CONVERTER.from_payloads(by_name.args) == [{"a": 1}]
    assert isinstance(renamed, decisions.SignalExternalWorkflow)
    assert (renamed.namespace, renamed.run_id, renamed.signal_name) == ("elsewhere", "r", "renamed")
    assert isinstance(both, decisions.SignalExternalWorkflow)
    assert CONVERTER.from_payloads(both.args) == [1, "two"]
    assert isinstance(cancel, decisions.RequestCancelExternalWorkflow)
    assert (cancel.namespace, cancel.run_id, cancel.reason) == ("elsewhere", "r", "enough")
    assert isinstance(other, decisions.RequestCancelExternalWorkflow)
    assert other.reason == ""
    driver.replay()


@workflow.defn
class Fails:
    @workflow.run
    async def run(self) -> list[str]:
        handle = workflow.get_external_workflow_handle("gone")
        found = []
        for asked in (handle.signal("s"), handle.cancel(reason="r")):
            try:
                await asked
            except ApplicationError as error:
                found.append(error.type or "")
        return found


def test_what_cannot_be_delivered_is_an_application_error() -> None:
    driver = Driver(Fails)
    driver.bounce()
    driver.bounce()
    assert driver.result == ["ExternalWorkflowExecutionNotFound"] * 2
    driver.replay()


@workflow.defn
class NoText:
    @workflow.run
    async def run(self) -> list[str]:
        handle: Any = workflow.get_external_workflow_handle
        found = []
        for args, options in (((5,), {}), (("x",), {"run_id": 5}), (("x",), {"namespace": b"n"})):
            try:
                handle(*args, **options)
            except ConfigurationError as error:
                found.append(error.option)
        return found


def test_an_id_that_is_no_text_is_refused_where_it_is_said() -> None:
    assert Driver(NoText).result == ["workflow_id", "run_id", "namespace"]


@workflow.defn
class LetsThrough:
    @workflow.run
    async def run(self) -> None:
        await workflow.get_external_workflow_handle("gone").signal("s")


def test_an_undeliverable_signal_that_is_let_through_fails_the_workflow() -> None:
    driver = Driver(LetsThrough)
    driver.bounce()
    with pytest.raises(ApplicationError, match="not found"):
        _ = driver.result


@workflow.defn
class CancelledSignal:
    """Cancels the sending of a signal: at once, or later."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None

    @workflow.run
    async def run(self, at_once: bool) -> str:
        self.task = asyncio.create_task(workflow.get_external_workflow_handle("x").signal("s"))
        if at_once:
            await asyncio.sleep(0)
            self.task.cancel()
        try:
            await self.task
        except CancelledError as error:
            return error.message
        return "delivered"

    @workflow.signal
    def stop(self) -> None:
        assert self.task is not None
        self.task.cancel()


def test_a_signal_that_is_cancelled_in_the_step_that_sends_it_is_not_sent() -> None:
    driver = Driver(CancelledSignal, True)
    assert driver.kinds() == ["CompleteWorkflow"]
    assert driver.result == "Signal was cancelled before being sent"


def test_a_signal_that_is_on_its_way_cannot_be_cancelled() -> None:
    driver = Driver(CancelledSignal, False)
    driver.signal("stop")
    assert driver.end is None
    driver.deliver()
    assert driver.result == "delivered"
    driver.replay()


@workflow.defn
class CancelledCancel:
    @workflow.run
    async def run(self) -> None:
        await workflow.get_external_workflow_handle("x").cancel()


def test_whoever_waits_for_a_cancellation_can_be_cancelled() -> None:
    driver = Driver(CancelledCancel)
    driver.cancel()
    assert driver.kinds() == ["RequestCancelExternalWorkflow", "CancelWorkflow"]
    driver.replay()


@workflow.defn(name="LetsThrough")
class OtherSignal:
    @workflow.run
    async def run(self) -> None:
        await workflow.get_external_workflow_handle("gone").signal("t")


def test_replay_names_the_signal_that_differs() -> None:
    driver = Driver(LetsThrough)
    driver.runtime = Driver(OtherSignal, workflow_type="LetsThrough").runtime
    with pytest.raises(NondeterminismError, match=r"signal_name='s'.*now decides .*signal_name='t'"):
        driver.replay()


@workflow.defn
class Queried:
    @workflow.run
    async def run(self) -> None:
        await workflow.get_external_workflow_handle("x").signal("s")

    @workflow.query
    def ask(self, what: str) -> None:
        handle = workflow.get_external_workflow_handle("x")
        (handle.cancel() if what == "cancel" else handle.signal("s")).close()


def test_a_query_asks_nothing_of_others_and_the_stack_says_what_is_waited_for() -> None:
    driver = Driver(Queried)
    for what, message in (("signal", "send a signal"), ("cancel", "cancel a workflow")):
        with pytest.raises(ApplicationError, match=message):
            driver.query("ask", what)
    assert "the delivery of signal 's' to workflow 'x'" in driver.decider.stack()
    driver.decider.close()


def test_outside_of_a_workflow_there_are_no_handles() -> None:
    with pytest.raises(workflow.NotInWorkflowError):
        workflow.get_external_workflow_handle("x")
