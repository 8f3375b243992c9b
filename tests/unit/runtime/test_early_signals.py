"""Signals that a stalled run has accepted, where its code would end without them: it is told of them before it ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from foldlog import workflow
from foldlog.converter import DataConverter
from foldlog.converter.encryption import AESGCMCodec
from foldlog.exceptions import ApplicationError
from foldlog.schemas import command, event, reply
from foldlog.schemas.common import Payload

from tests.unit.runtime.chaining import ID, REPLY, Chain

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
