"""Patches: new code beside histories of old code, on every way from `patched` over `deprecate_patch` to nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from foldlog import workflow
from foldlog.common import SearchAttributeKey
from foldlog.converter import decode_typed_search_attributes
from foldlog.core.decider import NondeterminismError, WorkflowTaskError
from foldlog.runtime import WorkflowRuntime
from foldlog.runtime.patches import PatchActivationInput
from foldlog.schemas import event

from tests.unit.runtime.chaining import Chain
from tests.unit.runtime.driver import Driver

TIMEOUT = timedelta(seconds=10)


def version(code: str) -> type:
    """The workflow as it was at some time of its life."""

    @workflow.defn(name="Order")
    class Order:
        def __init__(self) -> None:
            self.way = ""

        @workflow.run
        async def run(self) -> str:
            await asyncio.sleep(1)
            if code == "deprecated":
                workflow.deprecate_patch("new-way")
            new = code in ("deprecated", "bare new") or (code == "patched" and workflow.patched("new-way"))
            self.way = "new" if new else "old"
            await workflow.execute_activity(self.way, start_to_close_timeout=TIMEOUT)
            await asyncio.sleep(1)
            if code == "patched":
                assert workflow.patched("new-way") == new
            return self.way

        @workflow.query
        def which(self) -> str:
            return self.way

    return Order


def recorded(code: str, until: int) -> Driver:
    """A history by the code of then: after the first timer, the activity, or the end."""
    driver = Driver(version(code), workflow_type="Order")
    steps = [driver.fire, driver.complete, driver.fire]
    for step in steps[:until]:
        step()
    return driver


CAN_REPLAY = [
    ("old", "patched", "old"),
    ("patched", "patched", "new"),
    ("patched", "deprecated", "new"),
    ("deprecated", "deprecated", "new"),
    ("deprecated", "bare new", "new"),
    ("bare new", "deprecated", "new"),
    ("bare new", "bare new", "new"),
]


@pytest.mark.parametrize("until", [1, 2, 3])
@pytest.mark.parametrize(("then", "now", "way"), CAN_REPLAY)
def test_what_replays(then: str, now: str, way: str, until: int) -> None:
    driver = recorded(then, until)
    driver.runtime = WorkflowRuntime([version(now)], namespace="test")
    driver.decider = driver.replay()
    assert driver.query("which") == way
    # And it goes on from there.
    assert driver.run().result == way


CANNOT_REPLAY = [
    ("patched", "bare new", "PatchRecorded.*new-way"),
    ("patched", "old", "PatchRecorded.*new-way"),
    ("old", "deprecated", "ActivityTaskScheduled"),
    ("bare new", "patched", "ActivityTaskScheduled"),
]


@pytest.mark.parametrize("until", [1, 2, 3])
@pytest.mark.parametrize(("then", "now", "message"), CANNOT_REPLAY)
def test_what_does_not(then: str, now: str, message: str, until: int) -> None:
    driver = recorded(then, until)
    driver.runtime = WorkflowRuntime([version(now)], namespace="test")
    with pytest.raises(NondeterminismError, match=message):
        driver.replay()


def test_a_patch_is_recorded_once_in_a_run() -> None:
    driver = recorded("patched", 3)
    patches = [found for found in driver.events if isinstance(found, event.PatchRecorded)]
    assert [(found.patch_id, found.deprecated) for found in patches] == [("new-way", False)]
    deprecated = [found for found in recorded("deprecated", 3).events if isinstance(found, event.PatchRecorded)]
    assert [(found.patch_id, found.deprecated) for found in deprecated] == [("new-way", True)]


def moving(place: int) -> type:
    """The workflow with its line about the deprecated patch at some place; 0: it has none."""

    @workflow.defn(name="Moves")
    class Moves:
        @workflow.run
        async def run(self) -> bool:
            for now in range(1, 5):
                if now == place:
                    workflow.deprecate_patch("moved")
                    workflow.deprecate_patch("other")
                if now == 3:
                    await asyncio.sleep(1)
                else:
                    workflow.upsert_memo({"now": now})
            return not place or workflow.patched("moved")

    return Moves


@pytest.mark.parametrize("now", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("then", [1, 2, 3, 4])
@pytest.mark.parametrize("fired", [False, True])
def test_a_deprecated_patch_may_be_moved_as_with_temporal(then: int, now: int, fired: bool) -> None:
    driver = Driver(moving(then), workflow_type="Moves")
    if fired:
        driver.fire()
    driver.runtime = WorkflowRuntime([moving(now)], namespace="test")
    driver.decider = driver.replay()
    if not fired:
        driver.fire()
    # What the code asks in replay, before it was recorded, it is told for good.
    assert driver.result is (fired or now == 0 or then < 4 or now == 4)


@workflow.defn
class Loops:
    """Asks in a loop: a run that began on the old way stays on it, also when it gets beyond its old history."""

    @workflow.run
    async def run(self, rounds: int) -> list[bool]:
        answers = []
        for _ in range(rounds):
            await asyncio.sleep(1)
            answers.append(ask())
        return answers


ask: Any = lambda: False  # noqa: E731  # stands for code that a deployment changes


def test_the_answer_stays_for_the_whole_run(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver(Loops, 3)
    driver.fire()
    driver.fire()
    monkeypatch.setitem(globals(), "ask", lambda: workflow.patched("looped"))
    driver.decider = driver.replay()
    driver.fire()
    # The first round came to `patched` in replay, with nothing recorded for it.
    assert driver.result == [False, False, False]
    assert Driver(Loops, 2).run().result == [True, True]


@pytest.mark.parametrize("evict", [False, True])
def test_a_forgotten_run_takes_the_new_way_where_it_has_not_been(evict: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The event that brings code back into memory is news to it, not history."""

    @workflow.defn
    class Late:
        @workflow.run
        async def run(self) -> bool:
            await asyncio.sleep(1)
            return bool(ask())

    chain = Chain(Late).start()
    monkeypatch.setitem(globals(), "ask", lambda: workflow.patched("late"))
    if evict:
        chain.evict()
    chain.sleep(1)
    assert chain.result is True
    assert "PatchRecorded" in chain.kinds()
    assert isinstance(chain.query("__stack_trace"), str)


def test_a_stalled_run_takes_the_new_way_when_its_code_is_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    @workflow.defn
    class Stalls:
        @workflow.run
        async def run(self) -> bool:
            await asyncio.sleep(1)
            return bool(ask())

    chain = Chain(Stalls).start()

    def broken() -> bool:
        raise ValueError("not mended yet")

    monkeypatch.setitem(globals(), "ask", broken)
    chain.sleep(1)
    assert chain.run.stalled is not None
    monkeypatch.setitem(globals(), "ask", lambda: workflow.patched("mended"))
    chain.sleep(10)
    assert chain.result is True


def test_a_patch_is_the_new_runs_own() -> None:
    @workflow.defn
    class Chained:
        @workflow.run
        async def run(self, left: int) -> bool:
            await asyncio.sleep(1)
            active = workflow.patched("each")
            if left:
                workflow.continue_as_new(left - 1)
            return active

    chain = Chain(Chained).start(1)
    chain.sleep(5)
    assert chain.result is True
    assert chain.kinds().count("PatchRecorded") == 2


@workflow.defn
class Ages:
    """Comes to one patch after the other, and goes on as new, or not."""

    @workflow.run
    async def run(self, patches: list[str], again: list[str]) -> list[bool]:
        found = [workflow.patched(patch) for patch in patches]
        await asyncio.sleep(1)
        workflow.deprecate_patch("later")
        if again:
            workflow.continue_as_new(args=[again, []])
        return found


def changes(chain: Chain) -> list[str]:
    found = decode_typed_search_attributes(chain.run.search_attributes)
    return list(found.get(SearchAttributeKey.for_keyword_list("TemporalChangeVersion"), []))


def test_the_patches_of_a_run_are_a_search_attribute_of_it() -> None:
    chain = Chain(Ages).start(["b", "a"], ["c"])
    assert changes(chain) == ["a", "b"]
    chain.evict()
    chain.sleep(1)
    # The run that follows has its own.
    assert changes(chain) == ["c"]
    chain.sleep(1)
    assert changes(chain) == ["c", "later"]
    assert chain.result == [True]


def test_patches_for_which_the_attribute_has_no_room_are_recorded_all_the_same() -> None:
    many = [f"patch-{number}-{'x' * 90}" for number in range(40)]
    chain = Chain(Ages).start(many, [])
    chain.sleep(1)
    assert chain.result == [True] * 40
    assert chain.kinds().count("PatchRecorded") == 41
    assert 15 < len(changes(chain)) < 40


def test_a_query_cannot_ask_for_a_patch() -> None:
    @workflow.defn
    class Asks:
        @workflow.run
        async def run(self) -> None:
            await asyncio.sleep(5)

        @workflow.query
        def patch(self) -> bool:
            return workflow.patched("x")

    with pytest.raises(Exception, match="patch"):
        Driver(Asks).query("patch")


# ---- where the worker has a say


@workflow.defn(name="Asks")
class Asks:
    @workflow.run
    async def run(self, deprecated: bool) -> list[bool]:
        if deprecated:
            workflow.deprecate_patch("new-way")
        first = workflow.patched("new-way")
        await asyncio.sleep(1)
        return [first, workflow.patched("new-way")]


def asked(answer: Any, *, deprecated: bool = False) -> tuple[Driver, list[PatchActivationInput]]:
    """A run of a worker whose callback gives an answer, and what the callback was asked."""
    questions: list[PatchActivationInput] = []

    def callback(asked: PatchActivationInput) -> bool:
        questions.append(asked)
        return answer() if callable(answer) else answer  # type: ignore[no-any-return]  # not always one

    driver = Driver(Asks, deprecated, patch_activation=callback)
    driver.fire()
    return driver, questions


@pytest.mark.parametrize("answer", [True, False])
def test_the_worker_says_whether_a_new_patch_is_taken(answer: bool) -> None:
    driver, questions = asked(answer)
    assert driver.result == [answer, answer]
    assert [each.patch_id for each in questions] == ["new-way"]  # not again in the same run
    assert questions[0].workflow_info.workflow_id == "workflow-1"
    assert driver.kinds().count("RecordPatch") == answer
    driver.replay()
    assert len(questions) == 1


def test_what_is_recorded_or_deprecated_is_not_asked_about() -> None:
    driver, questions = asked(False, deprecated=True)
    assert driver.result == [True, True]
    assert not questions


@pytest.mark.parametrize(
    ("answer", "message"),
    [("yes", "must return true or false, not 'yes'"), (workflow.uuid4, "While in read-only function")],
)
def test_a_callback_that_breaks_the_rules_stalls_the_run(answer: Any, message: str) -> None:
    with pytest.raises(WorkflowTaskError, match=message):
        asked(answer)
