"""Scenarios of handlers: dynamic ones, those set at run time, and what goes wrong with them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog.client import (
    WithStartWorkflowOperation,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateStage,
)
from foldlog.common import QueryRejectCondition, RawValue, RetryPolicy, WorkflowIDConflictPolicy
from foldlog.exceptions import ActivityError, ApplicationError, WorkflowAlreadyStartedError, WorkflowNotFoundError

from tests.conformance.scenarios import QUEUE, Place, Scenario, names
from tests.until import until_asked

LIMIT = timedelta(seconds=60)
ONCE = RetryPolicy(maximum_attempts=1)


def texts(args: Sequence[RawValue]) -> list[str]:
    """What a dynamic handler was told, as texts. The payloads are in Temporal's shape."""
    assert all(value.payload.metadata["encoding"].startswith(b"json/") for value in args)
    return [str(workflow.payload_converter().from_payload(value.payload)) for value in args]


@workflow.defn
class Switchboard:
    """Has handlers with names of their own, and dynamic ones for all other messages."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.over = False

    @workflow.run
    async def run(self) -> list[str]:
        await workflow.wait_condition(lambda: self.over and workflow.all_handlers_finished())
        return self.heard

    @workflow.signal(name="hang-up", description="ends the call")
    def hang_up(self) -> None:
        self.over = True

    @workflow.signal(dynamic=True, unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def any_signal(self, name: str, args: Sequence[RawValue]) -> None:
        if name == "fail":
            raise ApplicationError("no such line", type="NoLine")
        if name == "break":
            raise KeyError("short circuit")
        await asyncio.sleep(0)
        self.heard.append(" ".join(["signal", name, *texts(args)]))

    @workflow.query(dynamic=True)
    def any_query(self, name: str, args: Sequence[RawValue]) -> str:
        if name == "fail":
            raise ApplicationError("no such line")
        return " ".join(["query", name, *texts(args)])

    @workflow.query(name="heard-so-far", description="all of it")
    def so_far(self) -> list[str]:
        return self.heard

    @workflow.update(dynamic=True)
    async def any_update(self, name: str, args: Sequence[RawValue]) -> str:
        if name == "fail":
            raise ApplicationError("no such line", type="NoLine")
        about = workflow.current_update_info()
        assert about is not None
        await asyncio.sleep(0.001)
        self.heard.append(" ".join(["update", name, about.name, *texts(args)]))
        return about.id

    @any_update.validator
    def check(self, name: str, args: Sequence[RawValue]) -> None:
        about = workflow.current_update_info()
        assert about is not None
        assert about.name == name
        if texts(args) == ["refused"]:
            raise ApplicationError(f"{name} is refused")

    @workflow.update(name="transfer-call", unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def transfer(self, line: int) -> int:
        await workflow.wait_condition(lambda: f"signal line {line}" in self.heard)
        return line


@workflow.defn
class Rewired:
    """Sets its handlers while it runs, and takes them away again."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    @workflow.run
    async def run(self) -> list[Any]:
        await workflow.wait_condition(lambda: "start" in self.heard)
        workflow.set_signal_handler("note", self.heard.append)
        workflow.set_query_handler("count", lambda: len(self.heard))
        workflow.set_update_handler("append", self.append, validator=self.check)
        workflow.set_dynamic_signal_handler(lambda name, args: self.heard.append(f"{name}: {' '.join(texts(args))}"))
        workflow.set_dynamic_query_handler(lambda name, args: f"{name}?")
        workflow.set_dynamic_update_handler(self.any_update, validator=self.check_any)
        assert workflow.get_query_handler("made-of") == self.made_of
        workflow.set_query_handler("made-of", lambda: "what was set")
        handlers: list[Callable[[], object]] = [
            lambda: workflow.get_signal_handler("note"),
            lambda: workflow.get_query_handler("count"),
            lambda: workflow.get_update_handler("append"),
            workflow.get_dynamic_signal_handler,
            workflow.get_dynamic_query_handler,
            workflow.get_dynamic_update_handler,
        ]
        found = [handler() is not None for handler in handlers]
        await workflow.wait_condition(lambda: "stop" in self.heard)
        workflow.set_signal_handler("note", None)
        for name in ("count", "made-of"):
            workflow.set_query_handler(name, None)
        workflow.set_update_handler("append", None)
        workflow.set_dynamic_signal_handler(None)
        workflow.set_dynamic_query_handler(None)
        workflow.set_dynamic_update_handler(None)
        left = [handler() is not None for handler in handlers]
        await workflow.wait_condition(lambda: "end" in self.heard)
        return [found, left, self.heard]

    @workflow.signal
    def tell(self, word: str) -> None:
        self.heard.append(word)

    async def append(self, word: str) -> int:
        await asyncio.sleep(0.001)
        self.heard.append(word)
        return len(self.heard)

    def check(self, word: str) -> None:
        if not word:
            raise ApplicationError("nothing to append")

    async def any_update(self, name: str, args: Sequence[RawValue]) -> str:
        return f"{name}!"

    def check_any(self, name: str, args: Sequence[RawValue]) -> None:
        if name == "nothing":
            raise ApplicationError(f"{len(args)} arguments for nothing")

    @workflow.query(name="made-of")
    def made_of(self) -> str:
        return "what is declared"


@workflow.defn(dynamic=True)
class Whatever:
    """Runs for all workflow types that there are no others for."""

    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> list[Any]:
        done = await workflow.execute_activity(
            "whatever-there-is", args=texts(args), start_to_close_timeout=LIMIT, result_type=list[str]
        )
        local = await workflow.execute_local_activity("what else", start_to_close_timeout=LIMIT, result_type=list[str])
        return [workflow.info().workflow_type, done, local]


@activity.defn(dynamic=True)
async def whatever(args: Sequence[RawValue]) -> list[str]:
    """Runs for all activity types that there are no others for."""
    converter = activity.payload_converter()
    return [activity.info().activity_type, *(str(converter.from_payload(value.payload)) for value in args)]


@activity.defn
async def repeat(word: str, times: int) -> str:
    return word * times


@workflow.defn
class Typed:
    """Knows what it takes, and says so."""

    @workflow.init
    def __init__(self, limit: int) -> None:
        self.numbers: list[int] = []
        self.limit = limit

    @workflow.run
    async def run(self, limit: int) -> list[int]:
        await workflow.wait_condition(lambda: len(self.numbers) >= self.limit)
        return self.numbers

    @workflow.signal
    def add(self, number: int) -> None:
        self.numbers.append(number)

    @workflow.query
    def above(self, number: int) -> list[int]:
        return [found for found in self.numbers if found > number]

    @workflow.update
    def put(self, number: int) -> int:
        self.numbers.append(number)
        return len(self.numbers)

    @workflow.signal
    async def repeat(self, word: Any, times: Any) -> None:
        try:
            await workflow.execute_activity(
                "repeat", args=[word, times], start_to_close_timeout=LIMIT, retry_policy=ONCE
            )
        except ActivityError as error:
            self.numbers.append(-1 if getattr(error.cause, "type", "") == "PayloadConversionError" else -2)


async def dynamic_handlers(here: Place) -> None:
    handle = await here.start(Switchboard.run)
    await handle.signal("ring", "twice")
    assert await handle.query("who", args=["is", 7]) == "query who is 7"
    assert await handle.execute_update("dial", args=[1, 2], id="u1") == "u1"
    line = await handle.start_update(Switchboard.transfer, 9, wait_for_stage=WorkflowUpdateStage.ACCEPTED)
    await handle.signal("line", 9)
    assert await line.result() == 9
    with pytest.raises(WorkflowUpdateFailedError, match="dial is refused"):
        await handle.execute_update("dial", "refused")
    with pytest.raises(WorkflowUpdateFailedError, match="no such line"):
        await handle.execute_update("fail")
    with pytest.raises(WorkflowQueryFailedError, match="no such line"):
        await handle.query("fail")
    assert len(await handle.query("heard-so-far")) == 3
    described = await handle.query("__temporal_workflow_metadata")
    shown = {found.get("name"): found.get("description") for found in described["definition"]["signalDefinitions"]}
    assert shown["hang-up"] == "ends the call"
    await handle.signal(Switchboard.hang_up)
    heard = ["signal ring twice", "update dial dial 1 2", "signal line 9"]
    assert await handle.result() == heard
    assert await handle.query(Switchboard.so_far) == heard
    assert await handle.query("after", "all") == "query after all"
    with pytest.raises(WorkflowQueryFailedError, match="no such line"):
        await handle.query("fail")
    await ended(handle, "ring", "dial")


async def ended(handle: WorkflowHandle[Any, Any], signal: str, update: str) -> None:
    """Whatever is said to a closed workflow is refused, except that it be cancelled, and its history stays."""
    events = await names(handle)
    for say in (
        handle.signal(signal, 1),
        handle.execute_update(update, 1),
        handle.terminate(),
        handle.pause_activity("1"),
    ):
        with pytest.raises(WorkflowNotFoundError):
            await say
    await handle.cancel()
    with pytest.raises(WorkflowQueryRejectedError):
        await handle.query("anything", reject_condition=QueryRejectCondition.NOT_OPEN)
    assert await names(handle) == events


async def dynamic_workflows_and_activities(here: Place) -> None:
    options: dict[str, Any] = {"result_type": list[Any]}
    assert await here.execute("Nobody Wrote This", "a", 2, **options) == [
        "Nobody Wrote This",
        ["whatever-there-is", "a", "2"],
        ["what else"],
    ]


async def handlers_set_while_it_runs(here: Place) -> None:
    handle = await here.start(Rewired.run)
    await handle.signal("note", "kept until there is a handler")
    await handle.signal("other", "kept as well")
    assert await handle.query(Rewired.made_of) == "what is declared"
    await handle.signal(Rewired.tell, "start")
    assert await handle.query(Rewired.made_of) == "what was set"
    assert await handle.query("count") == 3
    assert await handle.query("really") == "really?"
    assert await handle.execute_update("append", "more") == 4
    assert await handle.execute_update("anything") == "anything!"
    with pytest.raises(WorkflowUpdateFailedError, match="nothing to append"):
        await handle.execute_update("append", "")
    with pytest.raises(WorkflowUpdateFailedError, match="2 arguments for nothing"):
        await handle.execute_update("nothing", args=["x", 1])
    await handle.signal(Rewired.tell, "stop")
    await handle.signal("note", "nobody takes it")
    for name in ("count", "really", "made-of"):
        with pytest.raises(WorkflowQueryFailedError):
            await handle.query(name)
    for name in ("append", "anything"):
        with pytest.raises(WorkflowUpdateFailedError):
            await handle.execute_update(name, "more")
    await handle.signal(Rewired.tell, "end")
    assert await handle.result() == [
        [True] * 6,
        [False] * 6,
        ["start", "kept until there is a handler", "other: kept as well", "more", "stop", "end"],
    ]


async def arguments_of_the_wrong_type(here: Place) -> None:
    handle = await here.start(Typed.run, 3)
    await handle.signal("add", "no number")
    await handle.signal("add", [1, 2])
    await handle.signal("add", args=[1, 2])
    await handle.signal("add", 10)
    for wrong in ("no number", [1, 2]):
        with pytest.raises(WorkflowQueryFailedError):
            await handle.query("above", wrong)
        events = await names(handle)
        with pytest.raises(WorkflowUpdateFailedError):
            await handle.execute_update("put", wrong)
        assert await names(handle) == events
    with pytest.raises(WorkflowQueryFailedError):
        await handle.query("above", args=[1, 2])
    with pytest.raises(WorkflowUpdateFailedError):
        await handle.execute_update("put")
    await handle.signal(Typed.repeat, args=[{"a": "word"}, "seven"])
    await until_asked(lambda: _has(handle, 2), "the activity has failed")
    assert await handle.execute_update(Typed.put, 30) == 3
    assert await handle.result() == [10, -1, 30]


async def _has(handle: WorkflowHandle[Any, Any], count: int) -> bool:
    return len(await handle.query("above", -100)) == count


async def a_start_with_wrong_arguments_stalls(here: Place) -> None:
    for args in (["many"], [1, 2], [{"a": 1}]):
        handle = await here.start("Typed", *args)
        await until_asked(lambda: stalled(handle), "the workflow is stalled")  # noqa: B023
        await handle.signal("add", 1)
        await handle.terminate(reason="wrong")
        assert (await handle.describe()).status is WorkflowExecutionStatus.TERMINATED
        assert (await names(handle))[-2:] == ["WorkflowExecutionSignaled", "WorkflowExecutionTerminated"]


async def stalled(handle: WorkflowHandle[Any, Any]) -> str:
    """Why a workflow cannot go on."""
    return (await handle.describe()).stalled_error


async def a_handler_that_raises(here: Place) -> None:
    """A failure fails the workflow, whatever else is under way; a mistake stalls it."""
    handle = await here.start(Switchboard.run)
    waiting = await handle.start_update(Switchboard.transfer, 9, wait_for_stage=WorkflowUpdateStage.ACCEPTED)
    await handle.signal("fail")
    with pytest.raises(WorkflowFailureError) as failed:
        await handle.result()
    assert isinstance(failed.value.cause, ApplicationError)
    assert (failed.value.cause.type, failed.value.cause.message) == ("NoLine", "no such line")
    with pytest.raises(WorkflowUpdateFailedError):
        await waiting.result()
    await ended(handle, "ring", "dial")
    broken = await here.start(Switchboard.run)
    await broken.signal("break")
    assert "short circuit" in await until_asked(lambda: stalled(broken), "the workflow is stalled")
    await broken.signal("ring")
    await broken.terminate()
    assert (await names(broken))[-2:] == ["WorkflowExecutionSignaled", "WorkflowExecutionTerminated"]
    await ended(broken, "ring", "dial")


async def a_handler_that_raises_before_the_code_begins(here: Place) -> None:
    """Messages that come with a start: a failure fails the workflow, or the update alone; a mistake stalls it."""
    handle = await here.start(Switchboard.run, start_signal="fail")
    with pytest.raises(WorkflowFailureError, match="no such line"):
        await handle.result()
    begun = ["WorkflowExecutionStarted", "WorkflowExecutionSignaled", "WorkflowTaskScheduled"]
    assert await names(handle) == [*begun, "WorkflowExecutionFailed"]
    broken = await here.start(Switchboard.run, start_signal="break")
    assert "short circuit" in await until_asked(lambda: stalled(broken), "the workflow is stalled")
    await broken.terminate()
    assert await names(broken) == [*begun, "WorkflowExecutionTerminated"]
    execute, workflow_id = here.client.execute_update_with_start_workflow, uuid.uuid4().hex

    def start() -> WithStartWorkflowOperation[Any, Any]:
        return WithStartWorkflowOperation(
            Switchboard.run, id=workflow_id, task_queue=QUEUE, id_conflict_policy=WorkflowIDConflictPolicy.FAIL
        )

    # Had once more, it gets the same answer, whatever the policy; another one is refused by that.
    for _ in range(2):
        with pytest.raises(WorkflowUpdateFailedError, match="no such line"):
            await execute("fail", id="u", start_workflow_operation=start())
    with pytest.raises(WorkflowAlreadyStartedError):
        await execute("fail", id="another", start_workflow_operation=start())
    running = here.client.get_workflow_handle_for(Switchboard.run, workflow_id)
    await running.signal(Switchboard.hang_up)
    assert await running.result() == []
    with pytest.raises(WorkflowUpdateFailedError, match="no such line"):
        await execute("fail", id="u", start_workflow_operation=start())
    assert (await names(running)).count("WorkflowExecutionUpdateAccepted") == 1


SHARED: list[Scenario] = [
    dynamic_handlers,
    dynamic_workflows_and_activities,
    handlers_set_while_it_runs,
    arguments_of_the_wrong_type,
    a_start_with_wrong_arguments_stalls,
    a_handler_that_raises,
    a_handler_that_raises_before_the_code_begins,
]
"""As in `scenarios`."""

WORKFLOWS: Sequence[type] = [Switchboard, Rewired, Whatever, Typed]
ACTIVITIES: Sequence[Callable[..., Awaitable[Any]]] = [whatever, repeat]
