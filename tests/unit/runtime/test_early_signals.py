"""Signals that a stalled run has accepted, where it would end without them: its code hears them before it ends, and its
history shows them where it is closed from outside."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from foldlog import workflow
from foldlog.converter import DataConverter
from foldlog.converter.encryption import AESGCMCodec
from foldlog.exceptions import ApplicationError
from foldlog.schemas import command, event, reply
from foldlog.schemas.common import Payload, RetryPolicy, WorkflowOptions

from tests.unit.runtime.chaining import CONVERTER, ID, REPLY, Chain

RETRIED = WorkflowOptions(retry_policy=RetryPolicy(initial_interval_ms=7_200_000))
MISTAKES: dict[str, str] = {}
"""Where the code has a mistake still."""


def mistake(where: str) -> None:
    if where in MISTAKES:
        raise KeyError(where)


@workflow.defn
class Letters:
    """Waits a second, and returns the letters that have come until then."""

    def __init__(self) -> None:
        mistake("init")
        self.letters: list[str] = []

    @workflow.run
    async def run(self, how: str) -> list[str]:
        if how != "at once":
            await asyncio.sleep(1)
        mistake("run")
        if "wait" in self.letters:
            await asyncio.sleep(5)
        if how == "fail":
            raise ApplicationError("failed", self.letters)
        return self.letters

    @workflow.signal(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def post(self, letter: str) -> None:
        mistake("post")
        self.letters.append(letter)
        await asyncio.sleep(1000)

    @workflow.signal
    def put(self, letter: str) -> None:
        self.letters.append(letter)

    @workflow.query
    def heard(self) -> list[str]:
        return self.letters


def stalled(how: str, where: str = "run", **options: Any) -> Chain:
    MISTAKES[where] = ""
    chain = Chain(Letters).start(how, **options)
    chain.sleep(1)
    assert chain.run.stalled is not None
    chain.signal("put", "a", request_id="a", reply_to=REPLY)
    chain.signal("put", "b", request_id="b", reply_to=REPLY)
    chain.signal("put", "a", request_id="a", reply_to=REPLY)  # asked again
    assert all(isinstance(answer, reply.Accepted) for answer in chain.replies())
    return chain


def mended(chain: Chain, evict: bool = True) -> Chain:
    if evict:
        chain.evict()
    MISTAKES.clear()
    chain.sleep(3600)
    return chain


@pytest.fixture(autouse=True)
def _no_mistakes() -> Any:
    yield
    MISTAKES.clear()


def heard(chain: Chain) -> Any:
    """What the closed run answers: its code is brought back by replay."""
    chain.evict()
    chain.world.handle(ID, command.QueryWorkflow(query_type="heard", reply_to=REPLY))
    answer = chain.replies()[-1]
    assert isinstance(answer, reply.QueryAnswer), answer
    return answer.result.data


@pytest.mark.parametrize("evict", [False, True])
@pytest.mark.parametrize(
    ("how", "where", "options"),
    [
        ("later", "run", {}),
        ("at once", "run", {}),
        ("at once", "init", {}),
        ("at once", "run", {"start_delay_ms": 500}),
    ],
)
def test_they_are_told_before_the_event_that_ends_it(how: str, where: str, options: Any, evict: bool) -> None:
    chain = mended(stalled(how, where, **options), evict)
    assert chain.result == ["a", "b"]
    assert chain.kinds()[-4:] == [
        "WorkflowTaskScheduled",
        "WorkflowExecutionSignaled",
        "WorkflowExecutionSignaled",
        "WorkflowExecutionCompleted",
    ]
    assert heard(chain) == b'["a","b"]'


def test_they_are_told_to_code_behind_a_codec() -> None:
    converter = DataConverter(payload_codec=AESGCMCodec({"k": b"k" * 32}))
    MISTAKES["run"] = ""
    chain = Chain(Letters, data_converter=converter)

    def encoded(text: str) -> list[Payload]:
        return asyncio.run(converter.encode([text]))

    started = command.StartWorkflow(workflow_type="Letters", task_queue="q", args=encoded("later"))
    chain.world.handle(ID, started)
    chain.sleep(1)
    assert chain.run.stalled is not None
    for letter in ("a", "b"):
        chain.world.handle(ID, command.SignalWorkflow(signal_name="put", args=encoded(letter)))
    mended(chain)
    completed = chain.events()[-1]
    assert isinstance(completed, event.WorkflowExecutionCompleted)
    assert completed.result is not None
    assert asyncio.run(converter.decode([completed.result])) == [["a", "b"]]


def test_a_run_that_fails_has_had_them_too() -> None:
    chain = mended(stalled("fail"))
    failed = chain.events()[-1]
    assert isinstance(failed, event.WorkflowExecutionFailed)
    assert heard(chain) == b'["a","b"]'


def test_what_else_waits_is_handled_once_the_code_goes_on_after_all() -> None:
    chain = stalled("later")
    chain.signal("put", "wait", request_id="w")
    chain.world.handle(ID, command.CancelWorkflow(request_id="c", reply_to=REPLY))
    mended(chain)
    assert chain.ends() == ["WorkflowExecutionCanceled"]
    kinds = chain.kinds()
    assert kinds.count("WorkflowExecutionSignaled") == 3
    assert kinds[-5:] == [
        "WorkflowExecutionSignaled",
        "TimerStarted",
        "WorkflowExecutionCancelRequested",
        "TimerCanceled",
        "WorkflowExecutionCanceled",
    ]
    assert heard(chain) == b'["a","b","wait"]'


def test_a_handler_with_a_mistake_stalls_it_again_and_those_that_come_then_are_told_too() -> None:
    chain = stalled("later")
    chain.signal("post", "c", request_id="c")
    del MISTAKES["run"]
    MISTAKES["post"] = ""
    chain.evict()
    chain.sleep(60)
    assert chain.run.stalled is not None
    assert "post" in chain.run.stalled.error
    assert chain.run.stalled.attempts > 2
    chain.signal("put", "d", request_id="d")
    mended(chain)
    assert chain.result == ["a", "b", "c", "d"]
    assert chain.kinds().count("WorkflowExecutionSignaled") == 4
    assert heard(chain) == b'["a","b","c","d"]'


def recorded(chain: Chain, run_id: str | None = None) -> list[str]:
    """What the signals said that are in the histories."""
    signals = [found for found in chain.events(run_id) if isinstance(found, event.WorkflowExecutionSignaled)]
    return [CONVERTER.from_payload(signaled.args[0]) for signaled in signals]


def test_signals_in_a_row_are_told_in_their_order_where_the_first_one_stalled_it() -> None:
    MISTAKES["post"] = ""
    chain = Chain(Letters).start("later")
    chain.signal("put", "a")
    chain.signal("post", "b")
    assert chain.run.stalled is not None
    chain.signal("put", "c")
    chain.signal("put", "d")
    mended(chain)
    assert chain.result == ["a", "b", "c", "d"]
    assert heard(chain) == b'["a","b","c","d"]'


@workflow.defn
class Ends:
    """Ends, or goes on in another run, with a message; says what has come until then."""

    def __init__(self) -> None:
        mistake("init")
        self.letters: list[str] = []
        self.end = ""

    @workflow.run
    async def run(self, how: str = "") -> list[str]:
        self.end = self.end or how
        await workflow.wait_condition(lambda: self.end != "")
        if self.end == "new":
            workflow.continue_as_new("at once")
        if self.end == "fail":
            raise ApplicationError("failed")
        return self.letters

    @workflow.signal
    async def put(self, letter: str) -> None:
        if letter in ("end", "new", "fail"):
            self.end = letter
        else:
            self.letters.append(letter)

    @workflow.update
    async def finish(self, how: str) -> int:
        self.end = how
        return len(self.letters)

    @workflow.query
    def heard(self) -> list[str]:
        return self.letters


def waiting(*letters: str, **options: Any) -> Chain:
    """A run that is stalled from its beginning, and for which these have come."""
    MISTAKES["init"] = ""
    chain = Chain(Ends).start(**options)
    for place, letter in enumerate(letters):
        chain.signal("put", letter, request_id=f"r{place}" if place % 2 else "", reply_to=REPLY)
    assert all(isinstance(answer, reply.Accepted) for answer in chain.replies())
    assert chain.run.stalled is not None
    return chain


@pytest.mark.parametrize("evict", [False, True])
def test_a_message_that_waited_and_ends_the_run_does_so_after_those_behind_it(evict: bool) -> None:
    chain = mended(waiting("a", "end", "b", "c"), evict)
    assert chain.result == ["a", "b", "c"]
    assert recorded(chain) == ["a", "end", "b", "c"]
    assert heard(chain) == b'["a","b","c"]'


def test_so_does_an_update_that_waited_and_is_answered() -> None:
    chain = waiting("a")
    finish = command.UpdateWorkflow(
        update_id="u", update_name="finish", args=CONVERTER.to_payloads(["end"]), await_completed=True, reply_to=REPLY
    )
    chain.world.handle(ID, finish)
    chain.signal("put", "b")
    mended(chain)
    assert chain.result == ["a", "b"]
    (answer,) = [found for found in chain.replies() if isinstance(found, reply.UpdateReply)]
    assert answer.stage == "COMPLETED"
    assert answer.result is not None
    assert answer.result.data == b"2"


def test_a_request_to_cancel_behind_it_finds_the_run_closed_and_nothing_waits_any_more() -> None:
    chain = waiting("end", "b")
    chain.world.handle(ID, command.CancelWorkflow(request_id="c", reply_to=REPLY))
    chain.signal("put", "c")
    mended(chain)
    assert chain.result == ["b", "c"]
    assert list(chain.world.sessions.deferred(chain.run)) == []


def test_those_behind_a_message_that_lets_it_continue_as_new_are_for_the_next_run_also_if_that_ends_at_once() -> None:
    chain = mended(waiting("a", "new", "b", "c"))
    assert chain.result == ["b", "c"]
    first, second = (started.run_id for started in chain.started)
    assert recorded(chain, first) == ["a", "new"]
    assert recorded(chain, second) == ["b", "c"]


def test_a_run_that_fails_and_is_retried_has_had_them() -> None:
    chain = mended(waiting("fail", "b", options=RETRIED))
    first = chain.started[0].run_id
    assert recorded(chain, first) == ["fail", "b"]
    assert len(chain.started) == 2
    assert chain.ends() == ["WorkflowExecutionFailed"]


TERMINATE = command.TerminateWorkflow(reason="enough", reply_to=REPLY)


@pytest.mark.parametrize("evict", [False, True])
@pytest.mark.parametrize(
    ("options", "end"),
    [
        ({}, "WorkflowExecutionTerminated"),
        ({"execution_timeout_ms": 60_000}, "WorkflowExecutionTimedOut"),
        ({"run_timeout_ms": 60_000}, "WorkflowExecutionTimedOut"),
        ({"run_timeout_ms": 60_000, "options": "used up"}, "WorkflowExecutionTimedOut"),
        ({"start_delay_ms": 1}, "WorkflowExecutionTerminated"),
    ],
)
def test_a_run_that_is_closed_while_it_is_stalled_shows_them(options: dict[str, Any], end: str, evict: bool) -> None:
    if options.get("options"):
        options = {**options, "options": WorkflowOptions(retry_policy=RetryPolicy(maximum_attempts=1))}
    chain = waiting("a", **options) if "start_delay_ms" not in options else delayed("a", **options)
    chain.world.handle(ID, command.CancelWorkflow(request_id="c", reply_to=REPLY))
    chain.signal("put", "b", request_id="b", reply_to=REPLY)
    chain.signal("put", "b", request_id="b", reply_to=REPLY)
    if evict:
        chain.evict()
    if end == "WorkflowExecutionTerminated":
        chain.world.handle(ID, TERMINATE)
    else:
        chain.sleep(61)
    assert recorded(chain) == ["a", "b"]
    assert chain.ends() == [end]
    chain.signal("put", "b", request_id="b", reply_to=REPLY)
    assert isinstance(chain.replies()[-1], reply.Accepted)
    MISTAKES.clear()
    assert heard(chain) == b'["a","b"]'


def delayed(letter: str, **options: Any) -> Chain:
    """As `waiting`; it stalls when its wait is over."""
    MISTAKES["init"] = ""
    chain = Chain(Ends).start(**options)
    chain.sleep(1)
    chain.signal("put", letter)
    return chain


def test_a_new_start_that_terminates_a_stalled_run_leaves_them_with_that() -> None:
    chain = waiting("a", "b")
    chain.start(id_conflict_policy="TERMINATE_EXISTING")
    first, second = (started.run_id for started in chain.started)
    assert recorded(chain, first) == ["a", "b"]
    assert recorded(chain, second) == []


def test_code_that_had_gone_through_the_last_event_is_told_of_them_after_it() -> None:
    chain = Chain(Letters).start("later")
    chain.sleep(0.5)  # an event of the very time of the failure may be of half a step
    chain.evict()
    MISTAKES["init"] = ""
    chain.world.handle(ID, command.QueryWorkflow(query_type="heard", reply_to=REPLY))
    assert chain.run.stalled is not None
    for letter in "abc":
        chain.signal("put", letter)
    chain.world.handle(ID, TERMINATE)
    assert chain.kinds() == [
        "WorkflowExecutionStarted",
        "TimerStarted",
        "WorkflowExecutionSignaled",
        "WorkflowTaskScheduled",
        "WorkflowExecutionSignaled",
        "WorkflowExecutionSignaled",
        "WorkflowExecutionTerminated",
    ]
    MISTAKES.clear()
    assert heard(chain) == b'["a","b","c"]'


def test_a_termination_that_is_refused_records_nothing() -> None:
    chain = waiting("a")
    chain.world.handle(ID, command.TerminateWorkflow(reason="x" * 2_000_000, reply_to=REPLY))
    refused = chain.replies()[-1]
    assert isinstance(refused, reply.Rejected), refused
    assert refused.code == "INVALID_ARGUMENT"
    assert recorded(chain) == []
    mended(chain)
    assert heard(chain) == b'["a"]'


@workflow.defn
class Noted:
    """Notes in its memo what it does, and ends; its first result is too large, so that the note is all there is."""

    def __init__(self) -> None:
        self.letters: list[str] = []

    @workflow.run
    async def run(self, listens: bool) -> str:
        await asyncio.sleep(1)
        if not (listens and self.letters):
            workflow.upsert_memo({"noted": True})
        return "x" * 2_000_000 if "large" in MISTAKES else ",".join(self.letters)

    @workflow.signal
    def put(self, letter: str) -> None:
        mistake("put")
        self.letters.append(letter)

    @workflow.query
    def heard(self) -> list[str]:
        return self.letters


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("listens", [False, True])
def test_a_step_of_which_something_is_recorded_hears_them_if_that_changes_nothing(listens: bool, again: bool) -> None:
    """Otherwise they are in its history, and that is replayed without them."""
    MISTAKES["large"] = ""
    chain = Chain(Noted).start(listens)
    chain.sleep(1)
    assert chain.run.stalled is not None
    assert chain.kinds()[-1] == "WorkflowPropertiesModified"
    chain.signal("put", "a", reply_to=REPLY)
    if again:
        chain.sleep(60)
        assert chain.run.stalled is not None
    chain.signal("put", "b", reply_to=REPLY)
    mended(chain)
    assert recorded(chain) == ["a", "b"]
    assert chain.kinds()[-1] == "WorkflowExecutionCompleted"
    assert chain.result == ("" if listens else "a,b")
    assert heard(chain) == (b"[]" if listens else b'["a","b"]')


@pytest.mark.parametrize("listens", [False, True])
def test_half_a_step_whose_signals_lead_to_a_mistake_goes_on_once_that_is_mended(listens: bool) -> None:
    """Nothing is recorded of them before it is known what the code does with them."""
    MISTAKES.update({"large": "", "put": ""})
    chain = Chain(Noted).start(listens)
    chain.sleep(1)
    assert chain.run.stalled is not None
    chain.signal("put", "a", reply_to=REPLY)
    chain.sleep(60)
    assert chain.run.stalled is not None
    assert "put" in chain.run.stalled.error
    assert recorded(chain) == []
    mended(chain)
    assert recorded(chain) == ["a"]
    assert chain.result == ("" if listens else "a")
    assert heard(chain) == (b"[]" if listens else b'["a"]')


@workflow.defn
class Halves:
    """Notes that it goes on, unless it has heard `quiet`, and then wants what is too large."""

    def __init__(self) -> None:
        mistake("init")
        self.letters: list[str] = []

    @workflow.run
    async def run(self, goes_on: bool) -> str:
        await asyncio.sleep(1)
        if "quiet" not in self.letters:
            workflow.upsert_memo({"noted": True})
        if goes_on:
            await workflow.execute_activity("a", "x" * 2_000_000, schedule_to_close_timeout=timedelta(seconds=1))
        return "x" * 2_000_000

    @workflow.signal
    def put(self, letter: str) -> None:
        self.letters.append(letter)

    @workflow.query
    def heard(self) -> list[str]:
        return self.letters


@pytest.mark.parametrize("end", ["WorkflowExecutionTerminated", "WorkflowExecutionTimedOut"])
@pytest.mark.parametrize("goes_on", [False, True])
@pytest.mark.parametrize(
    ("early", "late", "known"),
    [
        ([], [], []),
        ([], ["a"], ["a"]),
        ([], ["a", "b"], ["a", "b"]),
        ([], ["quiet"], []),
        ([], ["a", "quiet"], []),
        (["a"], [], ["a"]),
        (["a"], ["b"], ["a", "b"]),
        (["quiet"], [], []),
        (["quiet"], ["a"], ["a"]),
        (["quiet"], ["a", "quiet"], []),
    ],
)
def test_a_run_that_is_closed_in_the_middle_of_a_step_shows_them_and_can_be_replayed(
    early: list[str], late: list[str], known: list[str], goes_on: bool, end: str
) -> None:
    """Replay tells them to the code if it decides what is recorded with them too; otherwise they are only shown."""
    chain = Chain(Halves).start(goes_on, run_timeout_ms=120_000)
    chain.sleep(1)
    assert chain.kinds()[-1] == "WorkflowPropertiesModified"
    for letter in early:
        chain.signal("put", letter)
    if early:
        chain.sleep(60)  # its code is tried again
    for letter in late:
        chain.signal("put", letter, request_id=letter, reply_to=REPLY)
    assert chain.run.stalled is not None
    chain.evict()
    if end == "WorkflowExecutionTerminated":
        chain.world.handle(ID, TERMINATE)
    else:
        chain.sleep(120)
    assert chain.ends() == [end]
    assert recorded(chain) == [*early, *late]
    chain.evict()
    if goes_on and early:  # what goes on is not told of them before it ends, so all of them are told alike
        known = [] if "quiet" in [*early, *late] else [*early, *late]
    assert chain.query("heard") == known


@pytest.mark.parametrize("mended", ["quiet", "a"])
def test_they_are_told_to_nobody_where_the_code_of_half_a_step_cannot_be_made_when_it_is_closed(mended: str) -> None:
    chain = Chain(Halves).start(False)
    chain.sleep(1)
    chain.evict()
    MISTAKES["init"] = ""
    chain.sleep(10)
    chain.signal("put", mended, reply_to=REPLY)
    chain.world.handle(ID, TERMINATE)
    assert recorded(chain) == [mended]
    MISTAKES.clear()
    chain.evict()
    assert chain.query("heard") == []
