"""Errors whose text or fields cannot be written: each is told to whoever waits, and nobody else is held up."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog.client import WorkflowFailureError, WorkflowQueryFailedError, WorkflowUpdateFailedError
from foldlog.common import RetryPolicy
from foldlog.converter import DataConverter, DefaultFailureConverter
from foldlog.exceptions import ApplicationError, FailedPreconditionError
from foldlog.schemas.common import Failure
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker

from tests.until import until_asked

HALF = "half of a pair: \ud800"
SHOWN = "half of a pair: \\ud800"


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


wrong: Any = ApplicationError
ODD: dict[str, tuple[Callable[[], Exception], str]] = {
    "half": (lambda: ValueError(HALF), SHOWN),
    "half type": (lambda: ApplicationError("x", type=HALF), f"{SHOWN}: x"),
    "half detail": (lambda: ApplicationError("x", HALF), "x"),
    "type": (lambda: wrong("x", type=5), "5: x"),
    "message": (lambda: wrong(5), "5"),
    "delay": (lambda: wrong("x", next_retry_delay=5), "x"),
    "category": (lambda: wrong("x", category=5), "x"),
    "mute": (Mute, "its text cannot be made: RuntimeError('no text')"),
}


@activity.defn
async def odd(kind: str) -> None:
    raise ODD[kind][0]()


@workflow.defn(failure_exception_types=[Exception])
class Odd:
    def __init__(self) -> None:
        self._end = ""

    @workflow.run
    async def run(self, how: str) -> None:
        await workflow.wait_condition(lambda: bool(self._end))
        options: Any = {"start_to_close_timeout": timedelta(seconds=9), "retry_policy": RetryPolicy(maximum_attempts=1)}
        if how == "activity":
            await workflow.execute_activity(odd, self._end, **options)
        if how == "local":
            await workflow.execute_local_activity(odd, self._end, **options)
        raise ODD[self._end][0]()

    @workflow.signal
    def end(self, kind: str) -> None:
        self._end = kind

    @workflow.query
    def ask(self, kind: str) -> None:
        raise ODD[kind][0]()

    @workflow.update
    def put(self, kind: str) -> None:
        raise ODD[kind][0]()

    @workflow.update
    def refuse(self, kind: str) -> None: ...

    @refuse.validator
    def _refuse(self, kind: str) -> None:
        raise ODD[kind][0]()


@workflow.defn
class Mistaken:
    @workflow.run
    async def run(self, kind: str) -> None:
        raise ODD[kind][0]()


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    """What is logged has the errors as they are, and pytest's processes cannot tell each other of that."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
async def environment() -> AsyncIterator[WorkflowEnvironment]:
    async with (
        await WorkflowEnvironment.start_time_skipping() as environment,
        Worker(environment.client, task_queue="q", workflows=[Odd, Mistaken], activities=[odd]),
    ):
        yield environment


def text(error: BaseException | None) -> str:
    return "" if error is None else f"{error} <- {text(getattr(error, 'cause', None) or error.__cause__)}"


@pytest.mark.parametrize("kind", ODD)
async def test_an_odd_error_is_told_to_whoever_waits(environment: WorkflowEnvironment, kind: str) -> None:
    client, (_, message) = environment.client, ODD[kind]
    for how in ("activity", "local", "code"):
        handle = await client.start_workflow(Odd.run, how, id=how, task_queue="q")
        with pytest.raises(WorkflowQueryFailedError) as refused:
            await handle.query(Odd.ask, kind)
        assert message in text(refused.value)
        for update in (Odd.put, Odd.refuse):
            with pytest.raises(WorkflowUpdateFailedError) as failed:
                await handle.execute_update(update, kind)
            assert message in text(failed.value)
        await handle.signal(Odd.end, kind)
        with pytest.raises(WorkflowFailureError) as ended:
            await handle.result()
        assert message in text(ended.value)


async def test_a_mistake_with_an_odd_text_stalls_and_is_shown(environment: WorkflowEnvironment) -> None:
    for kind in ("half", "mute"):
        handle = await environment.client.start_workflow(Mistaken.run, kind, id=kind, task_queue="q")

        async def shown(handle: Any = handle) -> str:
            return str((await handle.describe()).stalled_error)

        assert ODD[kind][1] in await until_asked(shown, "it stalls")


class Broken(DefaultFailureConverter):
    """Makes of errors what cannot be written, or nothing."""

    raises = False

    def to_failure(self, exception: Any, payload_converter: Any, failure: Failure | None = None) -> Failure:
        if Broken.raises:
            raise RuntimeError("broken")
        made = failure or Failure()
        made.type, made.message = 5, "x"  # type: ignore[assignment]  # a mistake, as untyped programs make
        return made


@pytest.mark.parametrize("raises", [False, True])
async def test_a_broken_failure_converter_costs_only_the_answer(raises: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Broken, "raises", raises)
    converter = DataConverter(failure_converter_class=Broken)
    async with (
        await WorkflowEnvironment.start_time_skipping(data_converter=converter) as environment,
        Worker(environment.client, task_queue="q", workflows=[Odd, Mistaken], activities=[odd]),
    ):
        handle = await environment.client.start_workflow(Odd.run, "code", id="w", task_queue="q")
        refused = (WorkflowQueryFailedError, WorkflowUpdateFailedError, FailedPreconditionError)
        expected = "broken" if raises else "cannot be written"
        with pytest.raises(refused) as told:
            await handle.query(Odd.ask, "half")
        assert expected in text(told.value)
        with pytest.raises(refused) as told:
            await handle.execute_update(Odd.refuse, "half")
        assert expected in text(told.value)
