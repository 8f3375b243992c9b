"""Finding what a worker runs in modules."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from foldlog.cli._discover import discover, made_by
from foldlog.cli._errors import CliError, ExitCode

SOURCE = """
from foldlog import activity, workflow

@activity.defn
def charge(amount: int) -> int:
    return amount

@workflow.defn
class Order:
    @workflow.run
    async def run(self, amount: int) -> int:
        return amount

class Shop:
    @activity.defn
    async def ship(self) -> None:
        pass

shop = Shop()
ship = shop.ship
everything = [Order, charge, shop.ship]
mixed = [Order, 7]
number = 7

def make(client, **options):
    raise AssertionError("not called here")

functions = [make]
"""

Write = Callable[[str], str]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes a module into the current folder and gives its name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    written: list[str] = []

    def write(source: str) -> str:
        name = f"app_{uuid.uuid4().hex}"
        (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
        written.append(name)
        return name

    yield write
    for name in written:
        sys.modules.pop(name, None)


def test_a_module_gives_all_its_definitions_once(write: Write) -> None:
    name = write(SOURCE)
    found = discover([name, f"{name}:everything"])
    assert [workflow.__name__ for workflow in found.workflows] == ["Order"]
    assert sorted(activity.__name__ for activity in found.activities) == ["charge", "ship"]
    assert found.factory is None


def test_imported_definitions_count_too(write: Write) -> None:
    name = write(SOURCE)
    other = write(f"from {name} import charge, Order\n")
    found = discover([other])
    assert ([one.__name__ for one in found.workflows], [one.__name__ for one in found.activities]) == (
        ["Order"],
        ["charge"],
    )


def test_a_name_takes_one_definition_a_method_or_a_function_that_makes_the_worker(write: Write) -> None:
    name = write(SOURCE)
    assert [one.__name__ for one in discover([f"{name}:Order"]).workflows] == ["Order"]
    assert [one.__name__ for one in discover([f"{name}:shop.ship"]).activities] == ["ship"]
    assert discover([f"{name}:make"]).factory is sys.modules[name].make


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("{}:nosuch", "there is no 'nosuch'"),
        ("{}:mixed", "has 7, which is no workflow and no activity"),
        ("{}:number", "neither a definition"),
        ("{}:functions", "functions has .*:make, which is no workflow"),
        ("{}.sub", "there is no module"),
        ("{}.py", "without .py"),
    ],
)
def test_what_cannot_be_run_says_why(write: Write, target: str, message: str) -> None:
    with pytest.raises(CliError, match=message) as raised:
        discover([target.format(write(SOURCE))])
    assert raised.value.code is ExitCode.USAGE


def test_a_module_without_definitions_is_refused(write: Write) -> None:
    with pytest.raises(CliError, match="has no workflow and no activity definitions"):
        discover([write("x = 1\n")])


def test_a_function_that_makes_the_worker_stands_alone(write: Write) -> None:
    name = write(SOURCE)
    with pytest.raises(CliError, match="stands alone"):
        discover([f"{name}:make", name])


def test_an_error_in_the_application_shows_the_applications_traceback_only(write: Write) -> None:
    name = write("def broken():\n    return 1 / 0\n\nbroken()\n")
    with pytest.raises(CliError, match="cannot be imported") as raised:
        discover([name])
    text = raised.value.message
    assert "ZeroDivisionError" in text
    assert f"{name}.py" in text
    assert "_discover.py" not in text
    assert "importlib" not in text


def test_a_missing_import_of_the_application_is_not_taken_for_a_missing_module(write: Write) -> None:
    with pytest.raises(CliError, match="No module named 'nosuch_library'") as raised:
        discover([write("import nosuch_library\n")])
    assert "cannot be imported" in raised.value.message


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        ("@workflow.defn\nclass W:\n    pass", 2, "class W cannot be a workflow: it has no @workflow.run method"),
        (
            "@workflow.defn('Order')\nclass W:\n    pass",
            2,
            "stands before a class, not 'Order'; a name is given as name=",
        ),
        ("@workflow.defn\nclass W:\n    @workflow.run\n    def run(self): pass", 4, "must be async"),
        ("@activity.defn\ndef charge(*, cents): pass", 2, "parameter cents is keyword-only"),
        ("@activity.defn(name=5)\ndef charge(cents): pass", 2, "the name of an activity must be a str, not 5"),
    ],
)
def test_a_definition_that_cannot_be_is_told_with_its_place_and_without_a_traceback(
    write: Write, tmp_path: Path, source: str, line: int, message: str
) -> None:
    name = write(f"from foldlog import activity, workflow\n{source}\n")
    with pytest.raises(CliError) as raised:
        discover([name])
    assert f"{tmp_path / name}.py:{line}: " in raised.value.message
    assert message in raised.value.message
    assert "\n" not in raised.value.message


def test_a_module_that_ends_the_process_is_an_error(write: Write, tmp_path: Path) -> None:
    name = write("import sys\nsys.exit(3)\n")
    with pytest.raises(CliError, match=r"SystemExit\(3\); put what is to run as a program behind") as raised:
        discover([name])
    assert f"{tmp_path / name}.py:2: " in raised.value.message
    assert raised.value.code is ExitCode.USAGE


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("./shop/orders.py", "'./shop/orders.py' is no name of a module: write shop.orders"),
        (".orders", "'.orders' is no name of a module: write orders"),
        (":make", "'' is no name of a module"),
    ],
)
def test_a_path_is_no_module(target: str, message: str) -> None:
    with pytest.raises(CliError) as raised:
        discover([target])
    assert raised.value.message == message


async def test_a_function_that_cannot_make_the_worker_says_why(write: Write) -> None:
    name = write(
        "def make(client): pass\ndef broken(client, **options): return 1 / 0\n"
        "async def good(client, **options): return options\n"
    )
    with pytest.raises(
        CliError, match=rf"{name}:make is called as \(str, task_queue=…\), and cannot be: .*'task_queue'"
    ):
        await made_by(sys.modules[discover_one(name, "make")].make, "client", task_queue="q")
    with pytest.raises(CliError, match=f"{name}:broken fails: ZeroDivisionError: division by zero\n") as raised:
        await made_by(sys.modules[name].broken, "client", task_queue="q")
    assert "ZeroDivisionError" in raised.value.message
    assert "_discover.py" not in raised.value.message
    assert await made_by(sys.modules[name].good, "client", task_queue="q") == {"task_queue": "q"}


async def test_what_foldlog_refuses_in_such_a_function_is_told_with_its_line(write: Write, tmp_path: Path) -> None:
    name = write(
        "from foldlog.common import RetryPolicy\nfrom foldlog.worker import Replayer\n"
        "def unknown(client): return Replayer(workflows=[], nosuch=1)\n"
        "def less(client): return RetryPolicy(maximum_attempts=-1)\n"
        "def own(client): return unknown(client, 1)\n"
    )
    discover_one(name, "unknown")
    for function, line, told in (
        ("unknown", 3, "Replayer has no option nosuch"),
        ("less", 4, "RetryPolicy.maximum_attempts must"),
    ):
        with pytest.raises(CliError) as raised:
            await made_by(getattr(sys.modules[name], function), object())
        assert raised.value.message.startswith(f"{name}:{function} fails: {tmp_path / name}.py:{line}: ")
        assert told in raised.value.message
        assert "\n" not in raised.value.message
    with pytest.raises(CliError, match="Traceback"):  # the application's own mistake
        await made_by(sys.modules[name].own, object())


def discover_one(module: str, name: str) -> str:
    assert discover([f"{module}:{name}"]).factory is not None
    return module
