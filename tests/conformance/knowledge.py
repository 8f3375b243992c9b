"""Scenarios of what a workflow knows of itself, and of what it tells those who describe it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from foldlog import activity, workflow
from foldlog.client import WorkflowExecutionDescription, WorkflowHandle
from foldlog.common import (
    Priority,
    RetryPolicy,
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
)
from foldlog.exceptions import ApplicationError, CancelledError, is_cancelled_exception

from tests.conformance.scenarios import QUEUE, Place, Scenario
from tests.until import until_asked

HOUR = timedelta(hours=1)
TIME = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
TEXT = SearchAttributeKey.for_text("text")
KEYWORD = SearchAttributeKey.for_keyword("keyword")
INT = SearchAttributeKey.for_int("int")
FLOAT = SearchAttributeKey.for_float("float")
BOOL = SearchAttributeKey.for_bool("bool")
DATE = SearchAttributeKey.for_datetime("date")
LIST = SearchAttributeKey.for_keyword_list("list")
POLICY = RetryPolicy(initial_interval=timedelta(seconds=2), maximum_attempts=3, non_retryable_error_types=["No"])
PRIORITY = Priority(priority_key=2, fairness_key="ada", fairness_weight=1.5)


@workflow.defn
class Facts:
    """Tells all that it knows, once as it begins and once whenever it is asked."""

    def __init__(self) -> None:
        self.begun: dict[str, Any] = {}
        self.over = False

    @workflow.run
    async def run(self) -> dict[str, Any]:
        self.begun = self.all() | {
            "uuid": str(workflow.uuid4()),
            "random": [workflow.random().random(), workflow.new_random().random()],
            "now": workflow.now().isoformat(),
            "clocks": abs(workflow.time_ns() / 1e9 - workflow.time()) < 1e-3,
            "replaying": False,
        }
        workflow.logger.info("begun")
        workflow.metric_meter().create_counter("facts").add(1)
        await workflow.wait_condition(lambda: self.over, timeout=HOUR, timeout_summary="an hour")
        return self.begun

    def all(self) -> dict[str, Any]:
        info = workflow.info()
        return {
            "attempt": info.attempt,
            "continued": info.continued_run_id,
            "cron": info.cron_schedule,
            "limits": [str(info.execution_timeout), str(info.run_timeout), str(info.task_timeout)],
            "first": [info.first_execution_run_id, info.original_execution_run_id, info.run_id],
            "names": [info.namespace, info.task_queue, info.workflow_id, info.workflow_type],
            "relatives": [info.parent, info.root],
            "priority": [info.priority.priority_key, info.priority.fairness_key, info.priority.fairness_weight],
            "policy": info.retry_policy == POLICY,
            "raw": [sorted(info.raw_memo), sorted(info.raw_search_attributes)],
            "attributes": len(info.typed_search_attributes),
            "attribute": info.search_attributes.get("int"),
            "memo": workflow.memo(),
            "value": [workflow.memo_value("number", type_hint=int), workflow.memo_value("none", "default")],
            "times": [info.start_time >= info.workflow_start_time, info.start_time.tzinfo == UTC],
            "version": [info.get_current_build_id(), info.get_current_deployment_version()],
            "before": [workflow.has_last_completion_result(), workflow.get_last_failure()],
            "is": [
                workflow.in_workflow(),
                workflow.instance() is self,
                workflow.unsafe.is_replaying() and False,
                workflow.is_failure_exception(ApplicationError("no")),
                workflow.is_failure_exception(KeyError("no")),
                workflow.cancellation_reason() is None,
                workflow.current_update_info() is None,
            ],
            "converter": str(workflow.payload_converter().to_payload(1).data),
        }

    @workflow.query
    def again(self) -> dict[str, Any]:
        return self.all()

    @workflow.query
    def at_the_beginning(self) -> dict[str, Any]:
        return self.begun

    @workflow.query
    def grown(self) -> list[Any]:
        info = workflow.info()
        length, size = info.get_current_history_length(), info.get_current_history_size()
        return [length >= 1, size > 100, info.is_continue_as_new_suggested(), workflow.unsafe.is_read_only()]

    @workflow.signal
    def end(self) -> None:
        self.over = True


@workflow.defn
class Diary:
    """Changes what others see of it."""

    def __init__(self) -> None:
        self.days = 0
        self.shown: list[Any] = []

    @workflow.run
    async def run(self) -> list[Any]:
        workflow.upsert_search_attributes(
            [
                TEXT.value_set("a text"),
                KEYWORD.value_set("word"),
                INT.value_set(7),
                FLOAT.value_set(1.5),
                BOOL.value_set(True),
                DATE.value_set(TIME),
                LIST.value_set(["a", "b"]),
            ]
        )
        workflow.upsert_memo({"number": 2, "given": None, "new": {"a": [1]}})
        workflow.set_current_details("# Day 0")
        seen = workflow.info().typed_search_attributes
        self.shown = [seen[INT], seen[FLOAT], seen[BOOL], seen[LIST], seen[DATE] == TIME, workflow.memo()]
        await workflow.wait_condition(lambda: self.days == 1)
        workflow.upsert_search_attributes([INT.value_unset(), BOOL.value_set(False), LIST.value_set([])])
        workflow.upsert_memo({"new": None})
        workflow.set_current_details("")
        await workflow.wait_condition(lambda: self.days == 2)
        return [*self.shown, workflow.info().typed_search_attributes.get(INT), workflow.memo()]

    @workflow.query
    def details(self) -> str:
        return workflow.get_current_details()

    @workflow.signal
    def day(self) -> None:
        self.days += 1


@workflow.defn
class Waiting:
    """Waits in every way that there is, for what comes in an order of its own."""

    @workflow.run
    async def run(self) -> list[Any]:
        async def late(seconds: float, name: str) -> str:
            await workflow.sleep(seconds, summary=name)
            return name

        first = [name async for name in self.in_order([late(0.03, "c"), late(0.01, "a"), late(0.02, "b")])]
        tasks = [asyncio.create_task(late(seconds, f"{seconds}")) for seconds in (0.02, 0.01)]
        done, pending = await workflow.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        second = [[task.result() for task in done], len(pending)]
        await workflow.wait(tasks)
        try:
            await asyncio.wait_for(late(1000, "never"), 0.01)
        except TimeoutError:
            second.append("timeout")
        cancelled = asyncio.create_task(late(1000, "never"))
        await asyncio.sleep(0)
        cancelled.cancel()
        try:
            await cancelled
        except asyncio.CancelledError as error:
            second.append(is_cancelled_exception(error))
        with workflow.unsafe.imports_passed_through(), workflow.unsafe.sandbox_unrestricted():
            second.append(is_cancelled_exception(CancelledError()))
        return [*first, *second]

    async def in_order(self, waiting: list[Any]) -> AsyncIterator[str]:
        for each in workflow.as_completed(waiting):
            yield await each


@workflow.defn
class Patching:
    """Was patched twice."""

    def __init__(self) -> None:
        self.over = False

    @workflow.run
    async def run(self) -> list[bool]:
        found = [workflow.patched("first")]
        workflow.deprecate_patch("second")
        await workflow.wait_condition(lambda: self.over)
        return [*found, workflow.patched("first"), workflow.patched("third")]

    @workflow.signal
    def end(self) -> None:
        self.over = True


async def what_a_workflow_knows(here: Place) -> None:
    began = datetime.now(UTC) - timedelta(minutes=1)
    attributes = TypedSearchAttributes([SearchAttributePair(INT, 7), SearchAttributePair(TEXT, "a text")])
    handle = await here.start(
        Facts.run,
        run_timeout=HOUR,
        execution_timeout=2 * HOUR,
        task_timeout=timedelta(seconds=5),
        retry_policy=POLICY,
        memo={"number": 3},
        search_attributes=attributes,
        static_summary="all facts",
        static_details="and **nothing** else",
        priority=PRIORITY,
    )
    facts = await handle.query(Facts.again)
    assert await handle.query(Facts.grown) == [True, True, False, True]
    begun = await handle.query(Facts.at_the_beginning)
    assert {key: value for key, value in begun.items() if key in facts} == facts
    run_id = handle.result_run_id
    namespace = here.client.namespace
    assert facts["first"] == [run_id] * 3
    assert facts["names"] == [namespace, QUEUE, handle.id, "Facts"]
    assert facts["limits"][:2] == ["2:00:00", "1:00:00"]
    assert (facts["attempt"], facts["continued"], facts["cron"]) == (1, None, None)
    assert (facts["relatives"], facts["version"], facts["before"]) == ([None, None], ["", None], [False, None])
    assert (facts["priority"], facts["policy"]) == ([2, "ada", 1.5], True)
    assert (facts["raw"], facts["attributes"], facts["attribute"]) == ([["number"], ["int", "text"]], 2, [7])
    assert (facts["memo"], facts["value"]) == ({"number": 3}, [3, "default"])
    assert facts["is"] == [True, True, False, True, False, True, True]
    assert begun["clocks"]
    assert datetime.fromisoformat(begun["now"]) > began
    await described_as_it_was_started(await handle.describe())
    await handle.signal(Facts.end)
    assert await handle.result() == begun


async def described_as_it_was_started(found: WorkflowExecutionDescription) -> None:
    assert (await found.static_summary(), await found.static_details()) == ("all facts", "and **nothing** else")
    assert (await found.memo(), await found.memo_value("number", type_hint=int)) == ({"number": 3}, 3)
    assert found.execution_expiration_time is not None
    assert timedelta(0) <= found.execution_expiration_time - found.start_time - 2 * HOUR < timedelta(minutes=1)
    (timer,) = found.pending_timers
    assert timer.fire_time > found.start_time
    assert found.search_attributes["text"] == ["a text"]


async def memo_attributes_and_details(here: Place) -> None:
    handle = await here.start(Diary.run, memo={"number": 1, "given": "x", "kept": True})
    assert await handle.query(Diary.details) == "# Day 0"
    metadata = await handle.query("__temporal_workflow_metadata")
    assert metadata["currentDetails"] == "# Day 0"
    found = await handle.describe()
    assert {pair.key: pair.value for pair in found.typed_search_attributes} == {
        TEXT: "a text",
        KEYWORD: "word",
        INT: 7,
        FLOAT: 1.5,
        BOOL: True,
        DATE: TIME,
        LIST: ["a", "b"],
    }
    assert await found.memo() == {"number": 2, "kept": True, "new": {"a": [1]}}
    await handle.signal(Diary.day)
    assert await handle.query(Diary.details) == ""
    found = await handle.describe()
    assert found.typed_search_attributes.get(INT) is None
    assert (found.typed_search_attributes[BOOL], found.typed_search_attributes.get(LIST)) == (False, [])
    assert await found.memo() == {"number": 2, "kept": True}
    await listed_alike(here, handle)
    await handle.signal(Diary.day)
    *shown, unset, memo = await handle.result()
    assert shown == [7, 1.5, True, ["a", "b"], True, {"number": 2, "kept": True, "new": {"a": [1]}}]
    assert (unset, memo) == (None, {"number": 2, "kept": True})


async def listed_alike(here: Place, handle: WorkflowHandle[Any, Any]) -> None:
    """Lists come to show what descriptions do."""

    async def listed() -> bool:
        rows = [row async for row in here.client.list_workflows(id_prefix=handle.id)]
        return bool(rows) and rows[0].typed_search_attributes.get(BOOL) is False

    await until_asked(listed, "the list shows the change")
    (row,) = [row async for row in here.client.list_workflows(id_prefix=handle.id)]
    assert await row.memo() == {"number": 2, "kept": True}
    assert row.typed_search_attributes[DATE] == TIME


async def ways_of_waiting(here: Place) -> None:
    assert await here.execute(Waiting.run) == ["a", "b", "c", ["0.01"], 1, "timeout", True, True]


CHANGES = SearchAttributeKey.for_keyword_list("TemporalChangeVersion")


async def patches(here: Place) -> None:
    handle = await here.start(Patching.run)
    await handle.signal(Patching.end)
    assert await handle.result() == [True] * 3
    history = await handle.fetch_history()
    assert [getattr(found, "patch_id", "") for found in history.events if hasattr(found, "patch_id")] == [
        "first",
        "second",
        "third",
    ]
    # As Temporal has it, so that those that went the old way can be found.
    described = await handle.describe()
    assert described.typed_search_attributes[CHANGES] == ["first", "second", "third"]

    async def found(query: str) -> bool:
        rows = here.client.list_workflows(f"WorkflowId = '{handle.id}' AND {query}")
        return [row.id async for row in rows] == [handle.id]

    await until_asked(lambda: found("TemporalChangeVersion = 'third'"), "it is found by a patch")
    assert not await found("TemporalChangeVersion != 'third'")
    assert not await found("TemporalChangeVersion IS NULL")


@workflow.defn
class Summarized:
    """Waits, several times at once, and says what for."""

    @workflow.run
    async def run(self) -> int:
        begun = workflow.time_ns()
        done = await asyncio.gather(
            workflow.sleep(0.05, summary="first"),
            workflow.sleep(0, summary="a breath"),
            workflow.wait_condition(lambda: False, timeout=0.05, timeout_summary="in vain"),
            workflow.sleep(timedelta(seconds=0.05)),
            workflow.wait_condition(lambda: True, timeout=0.05, timeout_summary="no timer"),
            *[workflow.sleep(0.05, summary=f"number {number}") for number in range(3)],
            return_exceptions=True,
        )
        assert [type(one).__name__ for one in done if one is not None] == ["TimeoutError"]
        stopped = asyncio.create_task(workflow.sleep(HOUR, summary="stopped"))
        await asyncio.sleep(0.01)
        stopped.cancel()
        await asyncio.wait([stopped])
        await workflow.execute_activity(silent, start_to_close_timeout=HOUR, summary="an activity")
        await workflow.execute_local_activity(silent, start_to_close_timeout=HOUR, summary="a local one")
        return (workflow.time_ns() - begun) // 1_000_000


@activity.defn(name="silent-in-summaries")
async def silent() -> None:
    """Does nothing."""


async def summaries_in_histories(here: Place) -> None:
    handle = await here.start(Summarized.run, static_summary="a workflow", static_details="of which there are details")
    assert await handle.result() >= 60
    convert = here.client.data_converter.payload_converter.from_payload
    found = [
        (item.event_type.name.removeprefix("EVENT_TYPE_"), convert(item.user_metadata.summary, str))
        for item in (await handle.fetch_history()).events
        if item.user_metadata.HasField("summary")
    ]
    timers = ["first", "a breath", "in vain", *[f"number {number}" for number in range(3)], "stopped"]
    assert found == [
        ("WORKFLOW_EXECUTION_STARTED", "a workflow"),
        *[("TIMER_STARTED", summary) for summary in timers],
        ("ACTIVITY_TASK_SCHEDULED", "an activity"),
        ("MARKER_RECORDED", "a local one"),
    ]
    begun = (await handle.fetch_history()).events[0]
    assert convert(begun.user_metadata.details, str) == "of which there are details"
    kinds = [type(item).__name__ for item in (await handle.fetch_history()).events]
    assert kinds.count("TimerStarted") == len(timers) + 2
    assert kinds.count("TimerCanceled") == 1


SHARED: list[Scenario] = [
    what_a_workflow_knows,
    memo_attributes_and_details,
    ways_of_waiting,
    patches,
    summaries_in_histories,
]
"""As in `scenarios`."""

WORKFLOWS: Sequence[type] = [Facts, Diary, Waiting, Patching, Summarized]
ACTIVITIES: Sequence[Callable[..., Any]] = [silent]
