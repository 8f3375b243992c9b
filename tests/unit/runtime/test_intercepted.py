"""Interceptors around the code of runs: what they see, what they may change, and that headers travel."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest
from foldlog import activity, workflow
from foldlog.converter import PayloadConverter
from foldlog.core import decisions
from foldlog.core.decider import QueryFailed, WorkflowTaskError
from foldlog.core.replay import replay
from foldlog.exceptions import ApplicationError
from foldlog.interceptor import (
    ContinueAsNewInput,
    ExecuteWorkflowInput,
    HandleQueryInput,
    HandleSignalInput,
    HandleUpdateInput,
    Interceptor,
    StartActivityInput,
    StartLocalActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)
from foldlog.runtime.coded import CodedInstance
from foldlog.runtime.instance import WorkflowInstance
from foldlog.runtime.intercepted import InterceptedInstance
from foldlog.runtime.kinds import instance_class
from foldlog.runtime.watched import WatchedInstance
from foldlog.schemas import event
from foldlog.schemas.common import ActivityOptions, Payload, WorkflowOptions
from foldlog.workflow import Info

from tests.unit.runtime.chaining import Chain
from tests.unit.runtime.driver import CONVERTER, Driver

SOON = timedelta(seconds=5)
user: ContextVar[str] = ContextVar("user", default="nobody")
calls: list[str] = []
asked: list[str] = []
"""IDs of queries."""


def header(name: str) -> dict[str, Payload]:
    return {"user": PayloadConverter.default.to_payload(name)}


def named(headers: Mapping[str, Payload]) -> str:
    found = headers.get("user")
    return "nobody" if found is None else str(PayloadConverter.default.from_payload(found, str))


class Inbound(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        self.next.init(Outbound(outbound))

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
        calls.append(f"execute {input.type.__name__}")
        user.set(named(input.headers))
        input.args = [f"{input.args[0]}!"]
        return f"<{await self.next.execute_workflow(input)}>"

    async def handle_signal(self, input: HandleSignalInput) -> None:
        token = user.set(named(input.headers))
        calls.append(f"signal {input.signal}")
        if list(input.args) == ["refused"]:
            return
        await self.next.handle_signal(input)
        user.reset(token)

    async def handle_query(self, input: HandleQueryInput) -> Any:
        user.set(named(input.headers))
        asked.append(input.id)
        if input.query == "wait":
            await asyncio.sleep(0)
        return {"answer": await self.next.handle_query(input)}


class Outbound(WorkflowOutboundInterceptor):
    def info(self) -> Info:
        calls.append("info")
        return super().info()

    def start_activity(self, input: StartActivityInput) -> Any:
        input.headers = {**input.headers, **header(user.get())}
        input.task_queue = "elsewhere"
        return super().start_activity(input)

    def start_local_activity(self, input: StartLocalActivityInput) -> Any:
        input.headers = header(user.get())
        return super().start_local_activity(input)


class Both(Interceptor):
    def __init__(self, cls: type[WorkflowInboundInterceptor] | None = Inbound) -> None:
        self.cls = cls

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> Any:
        return self.cls


@activity.defn
async def shout(text: str) -> str:
    return text.upper()


@workflow.defn
class Watched:
    def __init__(self) -> None:
        self.heard: list[str] = []

    @workflow.run
    async def run(self, text: str) -> str:
        assert workflow.info().workflow_id == "workflow-1"
        loud = await workflow.execute_activity(shout, text, start_to_close_timeout=SOON)
        await workflow.execute_local_activity(shout, text, start_to_close_timeout=SOON)
        await workflow.wait_condition(lambda: len(self.heard) > 1)
        return f"{loud} {','.join(self.heard)} {user.get()}"

    @workflow.signal
    def hear(self, text: str) -> None:
        self.heard.append(f"{text} of {user.get()}")

    @workflow.signal
    async def hear_later(self, text: str) -> None:
        await workflow.sleep(1)
        self.heard.append(f"{text} of {user.get()}")

    @workflow.query
    def who(self) -> str:
        return user.get()

    @workflow.query
    def wait(self) -> str:
        return "never"


def driver(*interceptors: Interceptor, **options: Any) -> Driver:
    calls.clear()
    made = Driver(Watched, "a", start=False, interceptors=interceptors or [Both()], **options)
    made.started.options = WorkflowOptions(header=header("ann"))
    made.tell(made.started)
    return made


def test_all_calls_go_by_way_of_interceptors() -> None:
    run = driver()
    (scheduled,) = run.decided
    assert isinstance(scheduled, decisions.ScheduleActivity)
    assert CONVERTER.from_payloads(scheduled.args) == ["a!"]
    assert scheduled.task_queue == "elsewhere"
    assert scheduled.start_to_close_timeout_ms == 5_000
    assert scheduled.options == ActivityOptions(header=header("ann"))
    run.complete(None, "A!")
    local = run.decided[-1]
    assert isinstance(local, decisions.ScheduleLocalActivity)
    assert local.options == ActivityOptions(header=header("ann"))
    run.complete_local(local.activity_id, "A")
    args = CONVERTER.to_payloads(["one"])
    run.tell(event.WorkflowExecutionSignaled(signal_name="hear", args=args, header=header("bob")))
    run.tell(event.WorkflowExecutionSignaled(signal_name="hear_later", args=args, header=header("cid")))
    run.signal("hear", "refused")
    run.fire()
    assert run.result == "<A! one of bob,one of cid ann>"
    assert calls == ["execute Watched", "info", "signal hear", "signal hear_later", "signal hear"]
    run.replay()


def test_queries_have_headers_and_must_not_wait() -> None:
    asked.clear()
    run = driver()
    assert run.query("who") == {"answer": "nobody"}
    answer = run.decider.query("who", [], header("dan"))
    assert CONVERTER.from_payload(answer) == {"answer": "dan"}
    with pytest.raises(ApplicationError, match="handling of query 'wait' waits for something"):
        run.query("wait")
    with pytest.raises(QueryFailed, match="expected but not found"):
        run.decider.query("nosuch", [])
    assert len(asked) == len(set(asked)) == 3
    assert all(asked)
    assert run.decided[1:] == []


def test_interceptors_stand_in_their_order() -> None:
    class Outer(Inbound):
        async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
            calls.append("outer")
            return await WorkflowInboundInterceptor.execute_workflow(self, input)

    driver(Both(Outer), Both(None), Both(Inbound))
    assert calls[:2] == ["outer", "execute Watched"]


def test_what_an_interceptor_raises_is_the_workflows() -> None:
    class Refusing(WorkflowInboundInterceptor):
        async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
            raise ApplicationError("not allowed")

    with pytest.raises(ApplicationError, match="not allowed"):
        _ = driver(Both(Refusing)).result

    class Broken(WorkflowInboundInterceptor):
        def init(self, outbound: WorkflowOutboundInterceptor) -> None:
            raise ValueError("broken")

    with pytest.raises(WorkflowTaskError, match="cannot be made: ValueError"):
        driver(Both(Broken))


def test_a_bare_interceptor_changes_nothing() -> None:
    run = driver(Both(WorkflowInboundInterceptor))
    assert CONVERTER.from_payloads(run.events[1].args) == ["a"]
    run.complete(None, "A")
    run.complete_local(next(iter(run.local)), "A")
    run.signal("hear", "one")
    run.signal("hear", "two")
    assert run.result == "A one of nobody,two of nobody nobody"


def test_replay_after_an_interceptor_was_added_that_decides_nothing() -> None:
    before = Driver(Watched, "a")
    before.complete(None, "A")
    after = driver(Both(WorkflowInboundInterceptor))
    decider = after.runtime.create("workflow-1", before.started)
    assert [type(left) for left in replay(decider, before.events)] == [decisions.ScheduleLocalActivity]


def test_without_interceptors_there_is_no_chain() -> None:
    assert type(Driver(Watched, "a").decider) is WorkflowInstance
    assert type(driver(Both(None)).decider) is WorkflowInstance


class Updating(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        self.next.init(Continuing(outbound))

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
        user.set(named(input.headers))
        calls.append(f"execute for {user.get()}")
        return await self.next.execute_workflow(input)

    def handle_update_validator(self, input: HandleUpdateInput) -> None:
        calls.append(f"validate {input.id} {input.update}")
        if named(input.headers) == "mallory":
            raise ApplicationError("not allowed")
        user.set(named(input.headers))
        input.args = [input.args[0], *input.args[1:]]
        self.next.handle_update_validator(input)

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:
        calls.append(f"handle {input.id} {input.update}")
        user.set(named(input.headers))
        return {"answer": await self.next.handle_update_handler(input)}


class Continuing(WorkflowOutboundInterceptor):
    def continue_as_new(self, input: ContinueAsNewInput) -> NoReturn:
        calls.append(f"continue {input.workflow} {list(input.args)} {input.run_timeout}")
        input.headers = header(user.get())
        input.args = [*input.args, "added"]
        self.next.continue_as_new(input)


@workflow.defn
class Updated:
    @workflow.run
    async def run(self, *more: str) -> list[str]:
        if not more:
            await workflow.wait_condition(lambda: False, timeout=3600)
        if len(more) == 1:
            workflow.continue_as_new(args=list(more), workflow=Updated.run, run_timeout=SOON)
        return [*more, user.get()]

    @workflow.update
    def put(self, text: str) -> str:
        return f"{text} of {user.get()}"

    @put.validator
    def check(self, text: str) -> None:
        if user.get() == "nobody":
            raise ValueError("who are you?")

    @workflow.update
    async def put_later(self, text: str) -> str:
        await workflow.sleep(1)
        return f"{text} of {user.get()}"


def test_updates_go_by_way_of_interceptors() -> None:
    calls.clear()
    run = Driver(Updated, interceptors=[Both(Updating)])
    run.update("put", "one", header=header("ann"))
    assert run.outcome("update-1") == {"answer": "one of ann"}
    run.update("put", "one", header=header("mallory"))
    with pytest.raises(ApplicationError, match="not allowed"):
        run.outcome("update-2")
    run.update("put", "one")
    with pytest.raises(ApplicationError, match="who are you"):
        run.outcome("update-3")
    run.update("put_later", "one", header=header("bob"))
    run.fire()
    assert run.outcome("update-4") == {"answer": "one of bob"}
    assert calls == [
        "execute for nobody",
        "validate update-1 put",
        "handle update-1 put",
        "validate update-2 put",
        "validate update-3 put",
        "handle update-4 put_later",
    ]
    run.replay()


def test_an_input_made_anew_still_finds_its_handler() -> None:
    class Anew(WorkflowInboundInterceptor):
        def handle_update_validator(self, input: HandleUpdateInput) -> None:
            self.next.handle_update_validator(HandleUpdateInput(input.id, input.update, input.args, {}))

        async def handle_update_handler(self, input: HandleUpdateInput) -> Any:
            return await self.next.handle_update_handler(HandleUpdateInput(input.id, input.update, ["new"], {}))

    run = Driver(Updated, interceptors=[Both(Anew)])
    token = user.set("outside")
    run.update("put", "one", header=header("ann"))
    user.reset(token)
    with pytest.raises(ApplicationError, match="who are you"):  # the context of an update is its own
        run.outcome("update-1")
    run.update("put_later", "one")
    run.fire()
    assert run.outcome("update-2") == "new of nobody"


@pytest.mark.parametrize("evict", [False, True])
def test_continue_as_new_goes_by_way_of_interceptors_and_has_headers(evict: bool) -> None:
    calls.clear()
    chain = Chain(Updated, interceptors=[Both(Updating)])
    chain.start("one", options=WorkflowOptions(header=header("ann")))
    assert calls == ["execute for ann", "continue Updated ['one'] 0:00:05", "execute for ann"]
    if evict:
        chain.evict()
    assert chain.result == ["one", "added", "ann"]
    first, second = chain.started
    assert (first.run_timeout_ms, second.run_timeout_ms) == (0, 5_000)
    assert second.options == WorkflowOptions(header=header("ann"))


def test_an_interceptor_that_lets_continue_as_new_return_stalls_the_run() -> None:
    class Silent(WorkflowOutboundInterceptor):
        def continue_as_new(self, input: ContinueAsNewInput) -> NoReturn:  # type: ignore[empty-body]  # that is the fault
            pass

    class Inside(WorkflowInboundInterceptor):
        def init(self, outbound: WorkflowOutboundInterceptor) -> None:
            self.next.init(Silent(outbound))

    with pytest.raises(WorkflowTaskError, match="returned from continue_as_new"):
        Driver(Updated, "one", interceptors=[Both(Inside)])


def test_a_held_run_is_begun_by_way_of_interceptors() -> None:
    calls.clear()
    run = Driver(Updated, "a", "b", held=True, interceptors=[Both(Updating)])
    assert calls == []
    run.begin()
    assert calls == ["execute for nobody"]
    assert run.result == ["a", "b", "nobody"]
    run.replay()


def test_watchdog_interceptors_and_codec_go_together() -> None:
    names = {
        (coded, intercepted, watched): [
            cls.__name__
            for cls in instance_class(coded=coded, intercepted=intercepted, watched=watched).__mro__
            if cls in (CodedInstance, InterceptedInstance, WatchedInstance)
        ]
        for coded in (False, True)
        for intercepted in (False, True)
        for watched in (False, True)
    }
    assert names[False, False, False] == []
    assert names[True, True, True] == ["CodedInstance", "InterceptedInstance", "WatchedInstance"]
    assert names[False, True, True] == ["InterceptedInstance", "WatchedInstance"]
    assert names[True, False, True] == ["CodedInstance", "WatchedInstance"]
    run = Driver(Updated, "a", "b", interceptors=[Both(Updating)], deadlock_timeout_seconds=60.0)
    assert isinstance(run.decider, InterceptedInstance)
    assert isinstance(run.decider, WatchedInstance)
    assert run.result == ["a", "b", "nobody"]
    open_run = driver(deadlock_timeout_seconds=60.0)
    assert open_run.decider.query("who", [], header("dan")).data == b'{"answer":"dan"}'


class Lending(Interceptor):
    """Lets workflow code call a function that reaches outside."""

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> None:
        input.unsafe_extern_functions["lines"] = lambda name: len(Path(name).read_text().splitlines())


def test_functions_that_interceptors_let_workflow_code_call() -> None:
    @workflow.defn
    class Counts:
        @workflow.run
        async def run(self, name: str) -> list[Any]:
            functions = workflow.extern_functions()
            return [functions["lines"](name), sorted(functions)]

    driver = Driver(Counts, __file__, interceptors=[Lending()])
    assert driver.result == [len(Path(__file__).read_text().splitlines()), ["lines"]]
    driver.replay()
    with pytest.raises(WorkflowTaskError, match="KeyError: 'lines'"):
        Driver(Counts, __file__)
