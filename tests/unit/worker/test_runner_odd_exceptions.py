"""The runner: exceptions that nobody expects, from converters and from code in threads."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import Executor
from contextvars import ContextVar
from typing import Any, ClassVar

import pytest
from foldlog import activity
from foldlog.converter import DataConverter, DefaultPayloadConverter
from foldlog.schemas.common import Payload
from foldlog.worker.outcome import Failed

from .harness import Bench

MARK: ContextVar[str] = ContextVar("mark")


class Odd(BaseException):
    """No exception that anybody expects."""


class Particular(DefaultPayloadConverter):
    """Refuses the text "boom" with an exception of some kind."""

    error: ClassVar[BaseException]

    def from_payloads(self, payloads: Sequence[Payload], type_hints: Sequence[Any] | None = None) -> list[Any]:
        MARK.set("decoded")
        if any(payload.data == b'"boom"' for payload in payloads):
            raise self.error
        return super().from_payloads(payloads, type_hints)


@activity.defn
def greet(name: str) -> str:
    if name == "nobody":
        raise ValueError(name)
    return f"hello {name}"


@pytest.mark.parametrize("error", [ValueError("x"), Odd("x"), SystemExit(3), asyncio.CancelledError(), GeneratorExit()])
async def test_arguments_may_be_refused_with_any_exception(threads: Executor, error: BaseException) -> None:
    class Converter(Particular):
        pass

    Converter.error = error
    bench = Bench([greet], executor=threads, converter=DataConverter(payload_converter_class=Converter))
    assert await bench.result("greet", "me") == "hello me"
    outcome = await bench.run("greet", "boom")
    assert isinstance(outcome, Failed)
    assert bench.runner.attempts == []


async def test_what_decoding_set_is_known_where_the_failure_is_told(
    threads: Executor, caplog: pytest.LogCaptureFixture
) -> None:
    class Marked(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            record.mark = MARK.get("none")
            return True

    caplog.handler.addFilter(marked := Marked())
    try:
        bench = Bench([greet], executor=threads, converter=DataConverter(payload_converter_class=Particular))
        assert isinstance(await bench.run("greet", "nobody"), Failed)
    finally:
        caplog.handler.removeFilter(marked)
    assert [getattr(record, "mark", "") for record in caplog.records if "greet" in record.message] == ["decoded"]


@activity.defn
def leave_generator() -> None:
    raise GeneratorExit


@pytest.mark.parametrize("details", [[], ["so far"]])
async def test_generator_exit_in_a_thread_is_a_failure(threads: Executor, details: list[Any]) -> None:
    bench = Bench([leave_generator], executor=threads)
    outcome = await bench.run("leave_generator", heartbeat_details=await bench.conversion.encode_all(details))
    assert isinstance(outcome, Failed)
    assert outcome.failure.message == "the activity raised GeneratorExit"
