"""Finding what a worker runs in modules."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from foldlog.cli._discover import discover
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
