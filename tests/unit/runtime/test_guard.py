"""The guard: what workflow code is refused, what it may do all the same, and that nobody else notices."""

from __future__ import annotations

import _thread
import asyncio
import builtins
import glob
import importlib
import io
import logging
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.request
import weakref
import zoneinfo
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from foldlog import workflow
from foldlog.core.decider import WorkflowTaskError
from foldlog.runtime import guard
from foldlog.workflow import NondeterminismError, RestrictedWorkflowAccessError

from tests.unit.runtime.driver import Driver

HERE = __file__


class _Url:
    def __call__(self) -> None:
        with urllib.request.urlopen("http://127.0.0.1:9"):
            pass


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "open": (lambda: open(HERE).close(), "activity"),
    "io.open": (lambda: io.open(HERE).close(), "activity"),  # noqa: UP020  # the other name is what is tested
    "os.open": (lambda: os.close(os.open(HERE, os.O_RDONLY)), "activity"),
    "Path.read_text": (lambda: Path(HERE).read_text(), "activity"),
    "Path.write_text": (lambda: Path("/nonexistent/x").write_text(""), "activity"),
    "os.listdir": (lambda: os.listdir("/"), "activity"),
    "os.scandir": (lambda: os.scandir("/"), "activity"),
    "os.mkdir": (lambda: os.mkdir("/nonexistent/x"), "activity"),
    "os.remove": (lambda: os.remove("/nonexistent/x"), "activity"),
    "os.rename": (lambda: os.rename("/nonexistent/x", "/nonexistent/y"), "activity"),
    "os.putenv": (lambda: os.environ.__setitem__("FOLDLOG_TEST", "x"), "activity"),
    "shutil.rmtree": (lambda: shutil.rmtree("/nonexistent/x"), "activity"),
    "tempfile": (tempfile.mkdtemp, "activity"),
    "glob": (lambda: glob.glob("/*"), "activity"),
    "sqlite3": (lambda: sqlite3.connect(":memory:"), "activity"),
    "socket": (lambda: socket.socket(), "network in an activity"),
    "getaddrinfo": (lambda: socket.getaddrinfo("localhost", 80), "network in an activity"),
    "urlopen": (_Url(), "network in an activity"),
    "subprocess": (lambda: subprocess.run(["true"], check=False), "processes in an activity"),
    "os.system": (lambda: os.system("true"), "processes in an activity"),
    "os.fork": (lambda: os.fork(), "processes in an activity"),
    "os.kill": (lambda: os.kill(os.getpid(), 0), "processes in an activity"),
    "thread": (lambda: threading.Thread(target=int).start(), "asyncio tasks"),
    "bare thread": (lambda: _thread.start_new_thread(int, ()), "asyncio tasks"),
    "executor": (lambda: ThreadPoolExecutor(1).submit(int), "asyncio tasks"),
    "time.sleep": (lambda: time.sleep(0), "workflow.sleep()"),
    "input": (lambda: builtins.input(), "signal"),
}


class _Opens:
    def __del__(self) -> None:
        OPENED.append(Path(HERE).read_bytes()[:1])


OPENED: list[bytes] = []


def _traceback() -> str:
    try:
        raise KeyError("x")
    except KeyError:
        return traceback.format_exc()


def _import_fresh() -> Any:
    sys.modules.pop("this_module_is_only_for_the_guard", None)
    return importlib.import_module("this_module_is_only_for_the_guard")


def _other_thread() -> bool:
    READY.set()
    return OPENED_ELSEWHERE.wait(60)


READY, OPENED_ELSEWHERE = threading.Event(), threading.Event()

ALLOWED: dict[str, Callable[[], Any]] = {
    "import": lambda: __import__("xml.dom.minidom"),
    "import of a module that reads a file": _import_fresh,
    "traceback": _traceback,
    "time zone": lambda: zoneinfo.ZoneInfo("Europe/Berlin").key,
    "logging": lambda: logging.getLogger("guard-test").warning("hello"),
    "print": lambda: print("hello"),
    "finalizer": lambda: _Opens() and None,
    "weak finalizer": lambda: weakref.finalize(_Plain(), lambda: Path(HERE).read_bytes()) and None,
    "string buffer": lambda: io.StringIO("x").read(),
}


def _read() -> None:
    Path(HERE).read_bytes()


class _Plain:
    pass


@workflow.defn
class Does:
    """Does one of the above where the test says."""

    def __init__(self) -> None:
        self.asked = False

    @workflow.run
    async def run(self, where: str, what: str) -> str:
        if where == "task":
            await asyncio.gather(self.do(what))
        elif where == "condition":
            await workflow.wait_condition(lambda: bool(DOES[what]()) or True)
        elif where == "signal":
            await workflow.wait_condition(lambda: self.asked)
        elif where == "unrestricted":
            with workflow.unsafe.sandbox_unrestricted():
                await self.do(what)
                await asyncio.sleep(0)
        else:
            await self.do(what)
        return "done"

    async def do(self, what: str) -> None:
        DOES[what]()

    @workflow.signal
    def ask(self, what: str) -> None:
        self.asked = True
        DOES[what]()

    @workflow.query
    def look(self, what: str) -> str:
        DOES[what]()
        return "done"


@workflow.defn(sandboxed=False)
class Unguarded(Does):
    @workflow.run
    async def run(self, where: str, what: str) -> str:
        return await super().run(where, what)


DOES: dict[str, Callable[[], Any]] = {**{name: case[0] for name, case in REFUSED.items()}, **ALLOWED}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_with_an_error_that_says_what_to_use_instead(what: str) -> None:
    with pytest.raises(WorkflowTaskError) as raised:
        Driver(Does, "run", what)
    assert isinstance(raised.value, RestrictedWorkflowAccessError)
    assert REFUSED[what][1] in str(raised.value)
    assert "sandbox_unrestricted" in str(raised.value)
    assert "test_guard.py" in raised.value.stack_trace


@pytest.mark.parametrize("where", ["task", "condition", "signal"])
def test_refused_everywhere_in_workflow_code(where: str) -> None:
    with pytest.raises(WorkflowTaskError, match="cannot open a file"):
        Driver(Does, where, "open").signal("ask", "open")


def test_refused_in_queries() -> None:
    driver = Driver(Does, "signal", "")
    with pytest.raises(Exception, match="cannot open a file"):
        driver.query("look", "open")


@pytest.mark.parametrize("what", ALLOWED)
def test_allowed(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data.txt").write_text("x")
    (tmp_path / "this_module_is_only_for_the_guard.py").write_text(
        "from pathlib import Path\nTEXT = (Path(__file__).parent / 'data.txt').read_text()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    handler = logging.FileHandler(tmp_path / "log.txt", delay=True)
    logging.getLogger("guard-test").addHandler(handler)
    OPENED.clear()
    try:
        assert Driver(Does, "run", what).result == "done"
    finally:
        logging.getLogger("guard-test").removeHandler(handler)
        handler.close()
    if what == "logging":
        assert (tmp_path / "log.txt").read_text() == "hello\n"
    if what == "finalizer":
        assert OPENED


@pytest.mark.parametrize("what", ["open", "time.sleep", "thread", "socket"])
def test_ways_around_it(what: str) -> None:
    if what == "socket":
        DOES["socket"] = lambda: socket.socket().close()
    assert Driver(Does, "unrestricted", what).result == "done"
    assert Driver(Unguarded, "run", what).result == "done"


def test_a_way_around_it_is_for_one_task_only() -> None:
    @workflow.defn
    class Two:
        @workflow.run
        async def run(self) -> str:
            async def unrestricted() -> None:
                with workflow.unsafe.sandbox_unrestricted():
                    await asyncio.sleep(10)

            task = asyncio.create_task(unrestricted())
            await asyncio.sleep(1)
            try:
                _read()
            except NondeterminismError:
                return "refused"
            finally:
                await task
            return "let through"

    assert Driver(Two).run().result == "refused"


def test_nobody_else_notices() -> None:
    guard.install()
    for what in ("open", "os.listdir", "thread", "time.sleep", "subprocess"):
        REFUSED[what][0]()


def test_other_threads_go_on_while_a_workflow_runs() -> None:
    opened: list[int] = []

    def other() -> None:
        READY.wait(60)
        opened.append(len(Path(HERE).read_bytes()))
        time.sleep(0)
        OPENED_ELSEWHERE.set()

    DOES["wait for another thread"] = _other_thread
    thread = threading.Thread(target=other)
    thread.start()
    assert Driver(Does, "run", "wait for another thread").result == "done"
    thread.join(60)
    assert opened


async def test_a_workflow_run_within_an_asyncio_program_leaves_it_as_it_was() -> None:
    loop = asyncio.get_running_loop()
    hooks = sys.get_asyncgen_hooks()
    assert Driver(Does, "run", "print").result == "done"
    assert asyncio.get_running_loop() is loop
    assert sys.get_asyncgen_hooks() == hooks
    _read()
    await asyncio.to_thread(time.sleep, 0)


def test_the_wrapped_functions_still_look_like_themselves() -> None:
    assert time.sleep.__name__ == "sleep"
    with pytest.raises(ValueError, match="non-negative"):
        time.sleep(-1)
    assert _thread.start_new_thread.__name__ == "start_new_thread"


def test_the_interpreter_shuts_down_quietly_with_runs_still_waiting(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from tests.unit.runtime.driver import Driver\n"
        "from tests.unit.runtime.test_lifecycle import Waits\n"
        "kept = [Driver(Waits, number, run_id=str(number)) for number in range(20)]\n"
        "class AtTheEnd:\n"
        "    def __del__(self, open=open, path=sys.argv[2]): open(path).close()\n"
        "builtin_kept = AtTheEnd()\n"
    )
    root = Path(HERE).parents[3]
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script), str(root), HERE], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert done.stderr == ""
