"""The examples in the documents about activities and data run as they stand there."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from foldlog import activity
from foldlog.activity._context import Context
from foldlog.activity._definition import Definition
from foldlog.converter import WorkflowSerializationContext
from foldlog.interceptor import WorkflowInboundInterceptor, WorkflowInterceptorClassInput

from tests.unit.activity.test_context import make_info

DOCS = Path(__file__).parents[3] / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run_examples(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run all examples of a document, one after the other, as one module."""
    module = ModuleType(f"examples_of_{name.removesuffix('.md')}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    source = "\n\n".join(BLOCK.findall((DOCS / name).read_text(encoding="utf-8")))
    exec(compile(source, name, "exec"), module.__dict__)
    return module.__dict__


async def test_data(monkeypatch: pytest.MonkeyPatch) -> None:
    examples = run_examples("data.md", monkeypatch)
    order = examples["Order"]("o", [examples["Item"]("s", examples["Decimal"]("1.10"), 2)])
    assert await examples["total"](order) == examples["Decimal"]("2.20")
    here, there = (examples["bound"].with_context(WorkflowSerializationContext("n", name)) for name in "ab")
    encoded = await here.encode(["x"])
    assert await here.decode(encoded) == ["x"]
    with pytest.raises(ValueError, match="of another workflow"):
        await there.decode(encoded)
    large = "x" * 300_000
    (reference,) = await examples["stored"].encode([large])
    assert len(reference.data) < 1_000
    assert await examples["stored"].decode([reference]) == [large]


async def test_activities(monkeypatch: pytest.MonkeyPatch) -> None:
    examples = run_examples("activities.md", monkeypatch)
    assert all(activity.is_definition(fn) for fn in examples["activities"])
    assert [Definition.must_from_callable(fn).name for fn in examples["activities"]] == ["charge", "reserve-stock"]
    beats: list[Any] = []
    Context.set(Context(make_info(), heartbeat=lambda *details: beats.append(details)))
    assert await examples["charge"]("o", 5) == "receipt for o"
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE entries (key TEXT PRIMARY KEY, cents INTEGER)")
    for _ in range(2):
        examples["book"](database, 5)
    assert database.execute("SELECT cents FROM entries").fetchall() == [(5,)]
    database.close()
    # make_info has a heartbeat of the attempt before, with 5 done.
    await asyncio.to_thread(examples["ship"], ["a"] * 7)
    assert beats == [(6,), (7,)]


async def test_interceptors(monkeypatch: pytest.MonkeyPatch) -> None:
    examples = run_examples("interceptors.md", monkeypatch)
    timed = examples["Timing"]().workflow_interceptor_class(WorkflowInterceptorClassInput())
    assert issubclass(timed, WorkflowInboundInterceptor)
    assert examples["timing"].name() == "timing"
