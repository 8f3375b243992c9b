"""What is found in workflow code before it runs, because nothing can be noticed while it does."""

from __future__ import annotations

import datetime as dt
import importlib
import os
import random
import re
import secrets
import threading
import time
import uuid
import warnings
from datetime import date, datetime
from pathlib import Path
from random import choice
from time import perf_counter, sleep
from typing import Any
from uuid import uuid4

import pytest
from foldlog import activity, workflow
from foldlog.runtime import WorkflowRuntime
from foldlog.runtime.scan import findings
from foldlog.workflow import NondeterminismWarning
from foldlog.workflow._definition import Definition


class Stamped(datetime):
    pass


def helper() -> float:
    return deeper()


def deeper() -> float:
    return time.monotonic()  # found: deeper time.monotonic


@activity.defn
async def charge() -> float:
    return time.time() + random.random()


@workflow.defn
class Wrong:
    def __init__(self) -> None:
        self.lock = threading.Lock()  # found: Wrong.__init__ threading.Lock

    @workflow.run
    async def run(self) -> Any:
        helper()
        await workflow.execute_activity(charge, start_to_close_timeout=dt.timedelta(seconds=1))

        def inner() -> Any:
            return dt.datetime.now(dt.UTC)  # found: Wrong.run.<locals>.inner datetime.now

        parts = [uuid.uuid4() for _ in range(3)]  # found: uuid.uuid4
        return [inner(), *parts, self.method(), self.static(), Stamped.today()]  # found: Wrong.run datetime.today

    def method(self) -> Any:
        return [
            time.time(),  # found: Wrong.method time.time
            datetime.utcnow(),  # found: Wrong.method datetime.utcnow
            date.today(),  # found: Wrong.method date.today
            random.randint(1, 2),  # found: Wrong.method random.randint
            choice([1, 2]),  # found: Wrong.method random.choice
            perf_counter(),  # found: Wrong.method time.perf_counter
            secrets.token_hex(),  # found: Wrong.method secrets.token_hex
            os.environ["HOME"],  # found: Wrong.method os.environ
            os.getenv("HOME"),  # found: Wrong.method os.getenv
            uuid4(),  # found: Wrong.method uuid.uuid4
        ]

    @staticmethod
    def static() -> None:
        sleep(1)  # found: Wrong.static time.sleep

    @workflow.query
    def age(self) -> float:
        return time.time()

    @activity.defn
    async def beside(self) -> float:
        return time.time()


@workflow.defn
class Right:
    @workflow.run
    async def run(self) -> Any:
        rng = random.Random(7)
        return [
            workflow.now(),
            workflow.time(),
            workflow.uuid4(),
            workflow.random().choice([1, 2]),
            rng.random(),
            uuid.uuid5(uuid.NAMESPACE_DNS, "x"),
            datetime(2024, 1, 1),  # nothing depends on a zone here
            dt.timedelta(days=1),
            os.path.join("a", "b"),
            time.strftime("%Y", (2024,) * 9),
            self.measured(),
        ]

    def measured(self) -> float:
        with workflow.unsafe.sandbox_unrestricted():
            return time.monotonic()


def test_everything_is_found_in_its_line() -> None:
    expected = set()
    for number, line in enumerate(Path(__file__).read_text().splitlines(), 1):
        marked = re.search(r"# found: .*?(\w+\.\w+)$", line)
        if marked:
            expected.add((number, marked[1]))
    found = findings(Definition.must_from_class(Wrong))
    assert {(finding.line, finding.name) for finding in found} == expected
    assert {finding.filename for finding in found} == {__file__}
    functions = {finding.function for finding in found}
    assert {"deeper", "Wrong.__init__", "Wrong.method", "Wrong.static", "Wrong.run.<locals>.inner"} <= functions
    assert not functions & {"charge", "Wrong.age", "Wrong.beside"}


def test_registering_warns_and_says_what_to_use_instead() -> None:
    with pytest.warns(NondeterminismWarning) as caught:
        WorkflowRuntime([Wrong], namespace="n")
    texts = [str(warning.message) for warning in caught]
    assert any("Wrong.method uses time.time" in text and "workflow.now()" in text for text in texts)
    assert all(warning.filename == __file__ for warning in caught)


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert findings(Definition.must_from_class(Right)) == []


HELPERS = """
import random, uuid
import {other}
from foldlog import activity

def choose():
    return _choose()

def _choose():
    return random.random()

@activity.defn
def charge():
    return random.random()

def unused():
    return random.random()

def installed():
    return {other}.draw()
"""
FLOW = """
from foldlog import workflow
import {helpers}
from {helpers} import choose as pick

@workflow.defn
class Flow:
    @workflow.run
    async def run(self):
        {body}
"""


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("{helpers}.choose()", ["_choose random.random"]),
        ("pick()", ["_choose random.random"]),
        ("sorted([1], key=lambda one: pick())", ["_choose random.random"]),
        ("await workflow.execute_activity({helpers}.charge)", []),
        ("{helpers}.installed()", []),
        ("with workflow.unsafe.sandbox_unrestricted(): pick()", []),
        ("with workflow.unsafe.sandbox_unrestricted(): pick()\n        pick()", ["_choose random.random"]),
        ("with workflow.unsafe.sandbox_unrestricted(): sorted([1], key=lambda one: pick())", []),
        (
            "with workflow.unsafe.sandbox_unrestricted():\n            await self.run()\n            pick()",
            [],
        ),
    ],
)
def test_calls_are_followed_into_modules_of_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, expected: list[str]
) -> None:
    installed = tmp_path / "site-packages"
    installed.mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.syspath_prepend(str(installed))
    helpers, flows, other = (f"scanned_{name}_{uuid.uuid4().hex}" for name in ("helpers", "flows", "other"))
    (installed / f"{other}.py").write_text("import random\ndef draw():\n    return random.random()\n")
    (tmp_path / f"{helpers}.py").write_text(HELPERS.format(other=other))
    (tmp_path / f"{flows}.py").write_text(FLOW.format(helpers=helpers, body=body.format(helpers=helpers)))
    found = findings(Definition.must_from_class(importlib.import_module(flows).Flow))
    assert [f"{one.function} {one.name}" for one in found] == expected
    for one in found:
        assert (one.filename, one.line) == (str(tmp_path / f"{helpers}.py"), 10)
        assert str(one).startswith("_choose, which workflow Flow calls, uses random.random, which comes out")


def test_nothing_is_looked_for_where_the_guard_is_off() -> None:
    @workflow.defn(sandboxed=False)
    class Free:
        @workflow.run
        async def run(self) -> float:
            return time.time()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        WorkflowRuntime([Free], namespace="n")
