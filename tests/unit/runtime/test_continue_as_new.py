"""Continue-as-new: what the new run takes over, what it does not, and that nothing is lost between the two."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from foldlog import workflow
from foldlog.common import RetryPolicy, SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from foldlog.converter import decode_typed_search_attributes
from foldlog.schemas import command, event, reply
from foldlog.schemas.common import ReplyTo, WorkflowOptions

from tests.unit.runtime.chaining import CONVERTER, ID, REPLY, Chain
from tests.unit.runtime.driver import Driver

number: Any = 3
CITY = SearchAttributeKey.for_keyword("city")


@workflow.defn
class Counts:
    @workflow.run
    async def run(self, left: int, done: int = 0) -> list[Any]:
        if left:
            await asyncio.sleep(1)
            workflow.continue_as_new(args=[left - 1, done + 1])
        info = workflow.info()
        return [done, info.continued_run_id, info.first_execution_run_id, info.run_id, info.attempt]


def test_runs_follow_each_other_and_the_last_one_gives_the_result() -> None:
    chain = Chain(Counts).start(3)
    chain.sleep(10)
    assert chain.ends() == ["WorkflowExecutionContinuedAsNew"] * 3 + ["WorkflowExecutionCompleted"]
    runs = [started.run_id for started in chain.started]
    assert chain.result == [3, runs[2], runs[0], runs[3], 1]
    continued = [found for found in chain.events() if isinstance(found, event.WorkflowExecutionContinuedAsNew)]
    assert [found.new_run_id for found in continued] == runs[1:]
    assert [started.continuation and started.continuation.run_id for started in chain.started] == [None, *runs[:3]]
    assert {started.continuation.first_start_ms for started in chain.started[1:] if started.continuation} == {
        chain.started[0].time_ms
    }


def test_the_closing_event_and_the_new_run_are_one_transaction() -> None:
    chain = Chain(Counts).start(1)
    chain.sleep(1)
    kinds = [type(entry.record).__name__ for entry in chain.world.outcomes[-1].log]
    assert kinds == [
        "TimerFired",
        "WorkflowExecutionContinuedAsNew",
        "WorkflowExecutionStarted",
        "WorkflowExecutionCompleted",
    ]


@pytest.mark.parametrize("evict", [False, True])
def test_each_run_replays(evict: bool) -> None:
    chain = Chain(Counts).start(2)
    for _ in range(3):
        if evict:
            chain.evict()
        chain.sleep(1)
    assert chain.result[0] == 2
    for started in chain.started:
        assert isinstance(chain.query("__stack_trace", started.run_id), str)


@workflow.defn
class Restless:
    @workflow.run
    async def run(self, number: int) -> None:
        workflow.continue_as_new(number + 1)


def test_a_workflow_that_never_waits_keeps_no_transaction_to_itself() -> None:
    chain = Chain(Restless).start(0)
    for _ in range(20):
        chain.world.now_ms += 1
        chain.world.fire_due()
    begun = [
        sum(type(entry.record).__name__ == "WorkflowExecutionStarted" for entry in outcome.log)
        for outcome in chain.world.outcomes
    ]
    assert max(begun) <= 3
    assert len(begun) == 21
    assert CONVERTER.from_payload(chain.started[-1].args[0]) == len(chain.started) - 1


@workflow.defn
class Collects:
    """Keeps signals without a handler for the run that has one."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    @workflow.run
    async def run(self, listen: bool) -> list[str]:
        if not listen:
            await asyncio.sleep(10)
            workflow.continue_as_new(True)
        workflow.set_signal_handler("late", self.take)
        await workflow.wait_condition(lambda: len(self.taken) >= 3)
        return self.taken

    def take(self, what: str) -> None:
        self.taken.append(what)

    @workflow.signal
    def known(self, what: str) -> None:
        self.taken.append(f"known {what}")


@pytest.mark.parametrize("evict", [False, True])
def test_signals_that_no_handler_has_taken_go_over_in_order(evict: bool) -> None:
    chain = Chain(Collects).start(False)
    chain.signal("late", "a", request_id="r1")
    chain.signal("known", "b")
    chain.signal("late", "c")
    if evict:
        chain.evict()
    chain.sleep(10)
    new = chain.events(chain.run.run_id)
    assert [type(found).__name__ for found in new] == [
        "WorkflowExecutionStarted",
        "WorkflowExecutionSignaled",
        "WorkflowExecutionSignaled",
        "WorkflowTaskScheduled",
    ]
    # The answer to the request is that of the run which it came to first.
    assert new[1].request_id == ""
    if evict:
        chain.evict()
    chain.signal("late", "d")
    assert chain.result == ["a", "c", "d"]


@workflow.defn
class EndsInHandler:
    def __init__(self) -> None:
        self.second = 0

    @workflow.run
    async def run(self, number: int = 0) -> int:
        if number:
            return number
        await asyncio.Future()
        return -1

    @workflow.signal
    async def go_on(self, number: int) -> None:
        await asyncio.sleep(0)
        workflow.continue_as_new(number)


def test_a_signal_handler_may_continue_as_new() -> None:
    chain = Chain(EndsInHandler).start()
    chain.signal("go_on", 7)
    assert chain.ends() == ["WorkflowExecutionContinuedAsNew", "WorkflowExecutionCompleted"]
    assert chain.result == 7


@workflow.defn
class Differs:
    @workflow.run
    async def run(self, how: str) -> None:
        workflow.upsert_memo({"kept": 1})
        workflow.upsert_search_attributes([CITY.value_set("Bonn")])
        if how == "same":
            workflow.continue_as_new("end")
        elif how == "other":
            workflow.continue_as_new(
                workflow=Counts.run,
                args=[0, 5],
                task_queue="other-queue",
                run_timeout=timedelta(seconds=7),
                retry_policy=RetryPolicy(maximum_attempts=4),
                memo={"new": 2},
                search_attributes=TypedSearchAttributes([SearchAttributePair(CITY, "Oslo")]),
            )
        elif how == "later":
            workflow.continue_as_new("end", workflow="Differs", backoff_start_interval=timedelta(seconds=30))
        await asyncio.sleep(100)


def test_what_is_not_said_is_taken_over() -> None:
    chain = Chain(Differs).start(
        "same", run_timeout_ms=500_000, execution_timeout_ms=900_000, options=WorkflowOptions(cron_schedule="")
    )
    first, second = chain.started
    assert second.run_timeout_ms == 500_000
    assert (second.execution_timeout_ms, second.execution_expiration_ms) == (900_000, first.execution_expiration_ms)
    assert second.task_queue == "q"
    assert {key: CONVERTER.from_payload(value) for key, value in second.memo.items()} == {"kept": 1}
    assert second.options is not None
    assert decode_typed_search_attributes(second.options.search_attributes)[CITY] == "Bonn"


def test_what_is_said_is_different() -> None:
    chain = Chain(Differs, Counts).start("other")
    second = chain.started[1]
    assert (second.workflow_type, second.task_queue, second.run_timeout_ms) == ("Counts", "other-queue", 7_000)
    assert {key: CONVERTER.from_payload(value) for key, value in second.memo.items()} == {"new": 2}
    assert second.options is not None
    assert second.options.retry_policy is not None
    assert second.options.retry_policy.maximum_attempts == 4
    assert decode_typed_search_attributes(second.options.search_attributes)[CITY] == "Oslo"
    assert chain.result[0] == 5


def test_the_new_run_may_begin_later_and_signals_do_not_hurry_it() -> None:
    chain = Chain(Differs).start("later")
    chain.signal("x")
    assert chain.kinds(chain.run.run_id) == ["WorkflowExecutionStarted", "WorkflowExecutionSignaled"]
    chain.sleep(30)
    assert chain.kinds(chain.run.run_id)[2] == "WorkflowTaskScheduled"


def test_the_execution_timeout_is_for_all_runs_together() -> None:
    @workflow.defn
    class Endless:
        @workflow.run
        async def run(self) -> None:
            await asyncio.sleep(10)
            workflow.continue_as_new()

    chain = Chain(Endless).start(execution_timeout_ms=25_000)
    chain.sleep(60)
    assert chain.ends() == ["WorkflowExecutionContinuedAsNew"] * 2 + ["WorkflowExecutionTimedOut"]
    timed_out = chain.events()[-1]
    assert timed_out.execution
    assert timed_out.new_run_id == ""


def test_open_timers_and_activities_end_with_the_run() -> None:
    @workflow.defn
    class Leaves:
        @workflow.run
        async def run(self, first: bool) -> str:
            if first:
                activity = workflow.start_activity("a", start_to_close_timeout=timedelta(seconds=5))
                timer = asyncio.create_task(asyncio.sleep(1000))
                await asyncio.sleep(1)
                assert not activity.done()
                assert not timer.done()
                workflow.continue_as_new(False)
            return "done"

    chain = Chain(Leaves).start(True)
    first = chain.run.run_id
    chain.sleep(2)
    assert chain.result == "done"
    assert chain.world.sessions.folded(ID, first).deadlines == {}


def test_waiters_follow_the_chain_unless_they_are_told_not_to() -> None:
    chain = Chain(Counts)
    chain.start(1, reply_to=REPLY, await_result=True)
    first = chain.run.run_id
    other = ReplyTo(client_id="other", partition=0, correlation_id=2)
    chain.world.handle(ID, command.AwaitResult(run_id=first, follow_runs=False, reply_to=other))
    chain.sleep(1)
    results = {answer.correlation_id: answer for answer in chain.replies()}
    assert (results[2].status, results[2].new_run_id) == ("CONTINUED_AS_NEW", chain.run.run_id)
    assert (results[1].status, results[1].run_id) == ("COMPLETED", chain.run.run_id)
    # Asked later, both are told the same.
    chain.world.handle(ID, command.AwaitResult(run_id=first, follow_runs=False, reply_to=other))
    chain.world.handle(ID, command.AwaitResult(run_id=first, reply_to=REPLY))
    assert [answer.status for answer in chain.replies()[-2:]] == ["CONTINUED_AS_NEW", "COMPLETED"]


def test_a_long_chain_is_not_followed_run_by_run_and_its_first_runs_may_be_forgotten() -> None:
    chain = Chain(Counts).start(4)
    first = chain.run.run_id
    chain.sleep(3)
    sessions = chain.world.sessions
    kept = chain.run.run_id
    sessions.log = [entry for entry in sessions.log if entry.run is not None and entry.run.run_id in (first, kept)]
    chain.world.handle(ID, command.AwaitResult(run_id=first, reply_to=REPLY))
    sessions.log = [entry for entry in sessions.log if entry.run is not None and entry.run.run_id == kept]
    other = ReplyTo(client_id="other", partition=0, correlation_id=2)
    chain.world.handle(ID, command.AwaitResult(run_id=first, reply_to=other))
    assert chain.replies() == []
    chain.sleep(10)
    assert [(answer.correlation_id, answer.status) for answer in chain.replies()] == [
        (1, "COMPLETED"),
        (2, "COMPLETED"),
    ]
    third = ReplyTo(client_id="third", partition=0, correlation_id=3)
    chain.world.handle(ID, command.AwaitResult(run_id=first, follow_runs=False, reply_to=third))
    assert chain.replies()[-1].code == "NOT_FOUND"


def test_a_chain_is_followed_to_its_end_also_when_another_has_begun_since() -> None:
    chain = Chain(Counts).start(2)
    first = chain.run.run_id
    chain.sleep(10)
    last = chain.run.run_id
    chain.start(1)
    chain.world.handle(ID, command.AwaitResult(run_id=first, reply_to=REPLY))
    (answer,) = chain.replies()
    assert (answer.status, answer.run_id) == ("COMPLETED", last)


def test_waiters_of_an_aborted_transaction_still_wait() -> None:
    chain = Chain(Counts).start(1, reply_to=REPLY, await_result=True)
    run, due = chain.run, min(chain.run.deadlines.items(), key=lambda item: item[1])
    chain.world.now_ms += 1_000
    chain.world.do(lambda engine, outcome: engine.fire(ID, run.run_id, due[0], due[1], outcome), abort=True)
    assert chain.replies() == []
    chain.sleep(0)
    chain.world.fire_due()
    assert [answer.status for answer in chain.replies()] == ["COMPLETED"]


def test_a_request_for_the_chain_comes_to_its_current_run() -> None:
    chain = Chain(Counts).start(2)
    first = chain.run.run_id
    chain.sleep(1)
    chain.world.handle(ID, command.CancelWorkflow(first_execution_run_id="another", reply_to=REPLY))
    chain.world.handle(ID, command.SignalWorkflow(signal_name="x", run_id=first, reply_to=REPLY))
    assert [answer.code for answer in chain.replies()] == ["NOT_FOUND", "ALREADY_CLOSED"]
    chain.world.handle(ID, command.CancelWorkflow(first_execution_run_id=first, reply_to=REPLY))
    assert chain.run.status == "CANCELED"


def test_a_request_to_cancel_that_the_code_passed_over_does_not_go_over() -> None:
    @workflow.defn
    class Stubborn:
        @workflow.run
        async def run(self, first: bool) -> str:
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                workflow.continue_as_new(False)
            return str(workflow.cancellation_reason())

    chain = Chain(Stubborn).start(True)
    chain.world.handle(ID, command.CancelWorkflow(reason="stop"))
    assert not chain.run.cancel_requested
    chain.sleep(10)
    assert chain.result == "None"


def test_a_run_that_cannot_be_begun_stalls_the_one_before() -> None:
    @workflow.defn
    class TooMuch:
        @workflow.run
        async def run(self, size: int) -> None:
            workflow.continue_as_new(size, memo={"large": "x" * size})

    chain = Chain(TooMuch).start(600_000)
    assert chain.run.stalled is not None
    assert "memo" in chain.run.stalled.error
    assert len(chain.started) == 1


new: Any = workflow.continue_as_new
"""As an untyped program may call it."""


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: workflow.continue_as_new(1, args=[1]), ValueError, "one argument or args"),
        (lambda: workflow.continue_as_new(run_timeout=timedelta(0)), ValueError, "run_timeout"),
        (lambda: workflow.continue_as_new(workflow=number), TypeError, "name or a run method"),
        (lambda: workflow.continue_as_new(object()), Exception, "object"),
        (lambda: new(task_queue=5), ValueError, "task_queue must be a str, not 5"),
        (lambda: new(run_timeout=5), ValueError, "run_timeout must be a timedelta"),
        (lambda: new(backoff_start_interval=5), ValueError, "backoff_start_interval must be a timedelta"),
        (lambda: new(retry_policy=5), ValueError, "retry_policy must be a RetryPolicy"),
        (lambda: new(memo=5), ValueError, "memo must be a mapping"),
        (lambda: new(search_attributes=5), ValueError, "search_attributes must be a TypedSearchAttributes"),
        (lambda: workflow.ContinueAsNewError(), RuntimeError, "continue_as_new"),
    ],
)
def test_wrong_calls_are_refused_where_they_are_made(call: Any, error: type[Exception], message: str) -> None:
    @workflow.defn
    class Wrong:
        @workflow.run
        async def run(self) -> str:
            with pytest.raises(error, match=message):
                call()
            return "went on"

    assert Driver(Wrong).result == "went on"


def test_a_query_cannot_continue_as_new() -> None:
    @workflow.defn
    class Asks:
        @workflow.run
        async def run(self) -> None:
            await asyncio.sleep(5)

        @workflow.query
        def end(self) -> None:
            workflow.continue_as_new()

    driver = Driver(Asks)
    with pytest.raises(Exception, match="continue as new"):
        driver.query("end")
    assert driver.end is None


def test_replay_knows_how_large_the_history_was_at_each_event() -> None:
    @workflow.defn
    class Measures:
        def __init__(self) -> None:
            self.sizes: list[int] = []

        @workflow.run
        async def run(self) -> None:
            await workflow.wait_condition(lambda: False)

        @workflow.signal
        def measure(self) -> None:
            self.sizes.append(workflow.info().get_current_history_size())

        @workflow.query
        def measured(self) -> list[int]:
            return [*self.sizes, workflow.info().get_current_history_size()]

    chain = Chain(Measures).start()
    for _ in range(3):
        chain.signal("measure")
    live = chain.query("measured")
    assert live == sorted(live)
    assert (len(set(live)), live[-1]) == (3, chain.run.history_size)
    chain.evict()
    assert chain.query("measured") == live


def test_it_is_suggested_once_the_history_is_long_or_large() -> None:
    @workflow.defn
    class Watches:
        @workflow.run
        async def run(self) -> list[Any]:
            info = workflow.info()
            while True:
                await asyncio.sleep(1)
                if info.is_continue_as_new_suggested():
                    break
            return [info.get_current_history_length(), info.get_current_history_size()]

    chain = Chain(Watches, continue_as_new_suggested_events=10).start()
    chain.sleep(100)
    assert chain.result[0] == 11
    chain = Chain(Watches, continue_as_new_suggested_bytes=900).start()
    chain.evict()
    chain.sleep(100)
    assert 900 <= chain.result[1] < 1_200


def test_when_the_run_and_its_code_began() -> None:
    @workflow.defn
    class Looks:
        @workflow.run
        async def run(self) -> list[datetime]:
            return [workflow.info().start_time, workflow.info().workflow_start_time]

    chain = Chain(Looks).start(start_delay_ms=60_000)
    chain.sleep(60)
    start, initialised = (datetime.fromisoformat(text) for text in chain.result)
    assert start - initialised == timedelta(seconds=60)


BROKEN = {"yes": True}


@workflow.defn
class Mailbox:
    """Goes on as new with each letter, until one says that it is the last."""

    def __init__(self) -> None:
        self.letters: list[str] = []

    @workflow.run
    async def run(self, before: list[str]) -> list[str]:
        await workflow.wait_condition(lambda: bool(self.letters))
        found = [*before, *self.letters]
        if found[-1] == "last":
            return found
        workflow.continue_as_new(found)

    @workflow.signal
    def post(self, letter: str) -> None:
        if BROKEN["yes"]:
            raise KeyError(letter)
        self.letters.append(letter)


@pytest.mark.parametrize("evict", [False, True])
def test_what_a_stalled_run_has_accepted_is_for_the_one_that_it_goes_on_as(evict: bool) -> None:
    BROKEN["yes"] = True
    chain = Chain(Mailbox).start([])
    for letter in ("a", "b", "c", "last"):
        chain.signal("post", letter, request_id=letter, reply_to=REPLY)
    assert chain.run.stalled is not None
    assert [type(answer).__name__ for answer in chain.replies()] == ["Accepted"] * 4
    if evict:
        chain.evict()
    BROKEN["yes"] = False
    chain.sleep(3600)
    assert chain.result == ["a", "b", "c", "last"]
    # The third run is held for a moment, since it comes so soon: it has two letters when its code begins.
    assert chain.ends() == ["WorkflowExecutionContinuedAsNew"] * 2 + ["WorkflowExecutionCompleted"]
    signals = [found.signal_name for found in chain.events() if isinstance(found, event.WorkflowExecutionSignaled)]
    assert signals == ["post"] * 4
    for run_id in {started.run_id for started in chain.started}:
        assert chain.kinds(run_id)[0] == "WorkflowExecutionStarted"


def test_a_signal_is_taken_or_refused_at_the_end_of_a_run_never_accepted_and_lost() -> None:
    BROKEN["yes"] = False
    chain = Chain(Mailbox).start([])
    first = chain.run.run_id
    chain.signal("post", "a", reply_to=REPLY)  # the run ends with this
    chain.signal("post", "b", reply_to=REPLY)  # so this is for the next
    chain.signal("post", "x", reply_to=REPLY, run_id=first)  # and whoever insists on the run that has ended hears so
    chain.signal("post", "last", reply_to=REPLY)
    chain.sleep(60)
    chain.signal("post", "too late", reply_to=REPLY)
    assert chain.result == ["a", "b", "last"]
    kinds = [type(answer).__name__ for answer in chain.replies()]
    assert kinds == ["Accepted", "Accepted", "Rejected", "Accepted", "Rejected"]
    assert [answer.code for answer in chain.replies() if isinstance(answer, reply.Rejected)] == ["ALREADY_CLOSED"] * 2


@workflow.defn
class Cancelable:
    """Goes on as new with the first letter, and waits to be canceled."""

    def __init__(self) -> None:
        self.letters: list[str] = []

    @workflow.run
    async def run(self, again: bool) -> str:
        if not again:
            await workflow.wait_condition(lambda: bool(self.letters))
            workflow.continue_as_new(True)
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            return "canceled"
        return "not canceled"

    @workflow.signal
    def post(self, letter: str) -> None:
        if BROKEN["yes"]:
            raise KeyError(letter)
        self.letters.append(letter)


def test_a_request_to_cancel_that_a_stalled_run_has_accepted_goes_over_too() -> None:
    BROKEN["yes"] = True
    chain = Chain(Cancelable).start(False)
    chain.signal("post", "a", request_id="a", reply_to=REPLY)
    assert chain.run.stalled is not None
    chain.world.handle(ID, command.CancelWorkflow(run_id=chain.run.run_id, request_id="c", reply_to=REPLY))
    assert [type(answer).__name__ for answer in chain.replies()] == ["Accepted"] * 2
    BROKEN["yes"] = False
    chain.sleep(3600)
    assert chain.ends() == ["WorkflowExecutionContinuedAsNew", "WorkflowExecutionCompleted"]
    assert chain.result == "canceled"


def test_a_signal_for_a_stalled_run_by_its_id_is_for_the_one_after_its_timeout() -> None:
    BROKEN["yes"] = True
    retried = RetryPolicy(initial_interval=timedelta(seconds=1)).to_record()
    chain = Chain(Mailbox).start([], options=WorkflowOptions(retry_policy=retried), run_timeout_ms=100)
    chain.signal("post", "a", request_id="a", reply_to=REPLY)
    assert chain.run.stalled is not None
    for letter, run_id in (("b", chain.run.run_id), ("last", "")):
        chain.signal("post", letter, request_id=letter, reply_to=REPLY, run_id=run_id)
    chain.sleep(0.2)
    BROKEN["yes"] = False
    chain.sleep(3600)
    assert chain.result == ["b", "last"]
