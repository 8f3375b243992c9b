"""What workflow code may know: facts, time, memo, logs; and that nothing works outside of a workflow."""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import RFC_4122, UUID

import pytest
from foldlog import workflow
from foldlog.workflow import NotInWorkflowError

from tests.unit.runtime.driver import EPOCH_MS, Driver


@dataclass
class Note:
    text: str


@workflow.defn
class Knows:
    @workflow.run
    async def run(self) -> dict[str, Any]:
        info = workflow.info()
        assert workflow.in_workflow()
        before = workflow.now(), workflow.time(), workflow.time_ns(), info.get_current_history_length()
        await asyncio.sleep(1.5)
        note = workflow.memo_value("note", type_hint=Note)
        return {
            "ids": [info.workflow_id, info.run_id, info.first_execution_run_id, info.workflow_type],
            "where": [info.namespace, info.task_queue],
            "timeouts": [info.execution_timeout, info.run_timeout and info.run_timeout.total_seconds()],
            "start": info.start_time == info.workflow_start_time == before[0],
            "times": [workflow.time() - before[1], workflow.time_ns() - before[2]],
            "now": (workflow.now() - before[0]).total_seconds(),
            "zone": str(workflow.now().tzinfo),
            "lengths": [before[3], info.get_current_history_length()],
            "as a dict": list(dataclasses.asdict(info)["raw_memo"]) == list(info.raw_memo),
            "memo": [note.text, workflow.memo(), workflow.memo_value("none", "default"), list(info.raw_memo)],
            "replaying": workflow.unsafe.is_replaying(),
            "read only": workflow.unsafe.is_read_only(),
            "reason": workflow.cancellation_reason(),
        }

    @workflow.query
    def read_only(self) -> bool:
        return workflow.unsafe.is_read_only()


def test_what_a_workflow_knows_about_itself() -> None:
    driver = Driver(Knows, memo={"note": Note("hello")})
    assert driver.query("read_only") is True
    driver.fire()
    assert driver.result == {
        "ids": ["workflow-1", "run-1", "run-1", "Knows"],
        "where": ["test", "default-queue"],
        "timeouts": [None, 60.0],
        "start": True,
        "times": [1.5, 1_500_000_000],
        "now": 1.5,
        "zone": "UTC",
        "lengths": [1, 3],
        "as a dict": True,
        "memo": ["hello", {"note": {"text": "hello"}}, "default", ["note"]],
        "replaying": False,
        "read only": False,
        "reason": None,
    }


def test_the_clock_never_goes_back() -> None:
    @workflow.defn
    class Clock:
        def __init__(self) -> None:
            self.times: list[int] = []

        @workflow.run
        async def run(self) -> None:
            await workflow.wait_condition(lambda: False)

        @workflow.signal
        def tick(self) -> None:
            self.times.append(workflow.time_ns() // 1_000_000 - EPOCH_MS)

        @workflow.query
        def seen(self) -> list[int]:
            return self.times

    driver = Driver(Clock)
    for now_ms in (10, 5, 20):
        driver.now_ms = EPOCH_MS + now_ms
        driver.signal("tick")
    assert driver.query("seen") == [10, 10, 20]


def test_random_numbers_belong_to_the_run() -> None:
    @workflow.defn
    class Draws:
        @workflow.run
        async def run(self) -> list[Any]:
            named = workflow.new_random("dice").random()
            first = [workflow.random_seed(), str(workflow.uuid7()), workflow.random().random()]
            assert named == workflow.new_random("dice").random() != workflow.new_random("cards").random()
            workflow.register_random_seed_callback(print)
            return [*first, workflow.time_ns() // 1_000_000, named]

    driver = Driver(Draws)
    seed, text, _, time_ms, _ = driver.result
    found = UUID(text)
    assert (found.version, found.variant, found.int >> 80) == (7, RFC_4122, time_ms)
    assert isinstance(seed, int)
    driver.replay()
    others = Driver(Draws, run_id="run-2").result
    assert others[3] == time_ms
    assert not {*others[:3], others[4]} & {*driver.result[:3], driver.result[4]}


def test_a_missing_memo_value_is_a_key_error() -> None:
    @workflow.defn
    class Memo:
        @workflow.run
        async def run(self) -> str:
            try:
                workflow.memo_value("missing")
            except KeyError as error:
                return str(error)
            return "no error"

    assert "missing" in Driver(Memo).result


OUTSIDE: list[Callable[[], Any]] = [
    workflow.info,
    workflow.now,
    workflow.time,
    workflow.time_ns,
    workflow.random,
    workflow.new_random,
    workflow.uuid4,
    workflow.uuid7,
    workflow.random_seed,
    workflow.instance,
    workflow.memo,
    workflow.payload_converter,
    workflow.cancellation_reason,
    workflow.all_handlers_finished,
    workflow.unsafe.is_replaying,
    workflow.unsafe.is_read_only,
    lambda: workflow.sleep(1),
    lambda: workflow.wait_condition(lambda: True),
    lambda: workflow.memo_value("x"),
    lambda: workflow.execute_activity("x", start_to_close_timeout=timedelta(1)),
    lambda: workflow.start_activity("x", start_to_close_timeout=timedelta(1)),
    lambda: workflow.execute_local_activity("x", start_to_close_timeout=timedelta(1)),
    lambda: workflow.start_local_activity("x", start_to_close_timeout=timedelta(1)),
    lambda: workflow.set_signal_handler("x", None),
    lambda: workflow.is_failure_exception(ValueError()),
]


@pytest.mark.parametrize("call", OUTSIDE)
def test_nothing_works_outside_of_a_workflow(call: Callable[[], Any]) -> None:
    assert not workflow.in_workflow()
    with pytest.raises(NotInWorkflowError):
        call()


async def test_nothing_works_in_another_event_loop() -> None:
    for call in OUTSIDE:
        with pytest.raises(NotInWorkflowError):
            call()


# ---- logs


@workflow.defn
class Logs:
    @workflow.run
    async def run(self) -> None:
        workflow.logger.info("begin %s", 1, extra={"more": "yes"})
        await asyncio.sleep(1)
        workflow.logger.warning("end")

    @workflow.query
    def ask(self) -> bool:
        workflow.logger.info("asked")
        return workflow.logger.isEnabledFor(logging.INFO)


def test_logs_say_which_run_they_are_of_and_are_silent_in_replay(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "foldlog.workflow")
    driver = Driver(Logs)
    driver.fire()
    facts = caplog.records[0].__dict__
    names = ("attempt", "namespace", "run_id", "task_queue", "workflow_id", "workflow_type")
    said = {name: facts[name] for name in names}
    assert [record.getMessage() for record in caplog.records] == [f"begin 1 ({said})", f"end ({said})"]
    assert facts["temporal_workflow"] == said
    assert facts["attempt"] == 1
    assert facts["task_queue"] == "default-queue"
    assert facts["workflow_id"] == "workflow-1"
    assert facts["run_id"] == "run-1"
    assert facts["workflow_type"] == "Logs"
    assert facts["namespace"] == "test"
    assert facts["more"] == "yes"
    assert caplog.records[0].funcName == "run"
    caplog.clear()
    decider = driver.replay()
    assert not caplog.records
    assert decider.query("ask", []).data == b"true"
    assert [record.msg for record in caplog.records] == [f"asked ({said})"]


def test_logger_options(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    caplog.set_level(logging.INFO, "foldlog.workflow")
    monkeypatch.setattr(workflow.logger, "workflow_info_on_message", False)
    monkeypatch.setattr(workflow.logger, "workflow_info_on_extra", False)
    monkeypatch.setattr(workflow.logger, "full_workflow_info_on_extra", True)
    monkeypatch.setattr(workflow.logger, "log_during_replay", True)
    driver = Driver(Logs)
    record = caplog.records[0]
    assert record.getMessage() == "begin 1"
    assert record.__dict__["more"] == "yes"
    assert not hasattr(record, "workflow_id")
    assert isinstance(record.__dict__["workflow_info"], workflow.Info)
    caplog.clear()
    driver.replay()
    assert len(caplog.records) == 1
    workflow.logger.info("outside of workflows")
    assert caplog.records[-1].getMessage() == "outside of workflows"


# ---- isolation

VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("VARIABLE", default="default")


@workflow.defn
class Context:
    @workflow.run
    async def run(self) -> str:
        seen = VARIABLE.get()
        VARIABLE.set("set by the workflow")
        inner = await asyncio.create_task(self.child())
        return f"{seen}, {inner}"

    async def child(self) -> str:
        return VARIABLE.get()

    @workflow.query
    def look(self) -> str:
        seen = VARIABLE.get()
        VARIABLE.set("set by a query")
        return seen

    @workflow.signal
    def poke(self) -> None:
        VARIABLE.set("set by a signal")


def test_context_variables_stay_within_the_workflow() -> None:
    VARIABLE.set("set outside")
    driver = Driver(Context)
    assert driver.result == "default, set by the workflow"
    assert driver.query("look") == "default"
    other = Driver(Context)
    other.decider.query("look", [])
    assert VARIABLE.get() == "set outside"
    assert datetime.fromtimestamp(EPOCH_MS / 1000, UTC).year == 2023
