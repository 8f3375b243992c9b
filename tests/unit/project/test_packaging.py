"""What the wheel needs is declared: a fresh environment has nothing but that."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from _pytest.config import _iter_rewritable_modules

ROOT = Path(__file__).parents[3]
SOURCES = [ROOT / root / "foldlog" for root in ("schemas", "engine", "processors", "connectors")]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

ABOVE = {
    "schemas": {"core", "runtime", "workflow", "activity", "client", "transport", "converter", "processors", "worker"}
    | {"memory", "connectors", "cli", "testing", "pytest_plugin"},
    "engine": {"processors", "worker", "memory", "connectors", "cli", "testing", "pytest_plugin"},
    "processors": {"connectors", "cli", "testing", "pytest_plugin"},
    "connectors": set(),
}
"""What a source root must not import: the packages of the roots above it."""


def imports(path: Path, *, late: bool) -> Iterator[str]:
    """Modules that a file imports; with `late`, also those that functions import when they run."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = ast.walk(tree) if late else iter(tree.body)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=!~; ]", requirement)[0].lower().replace("_", "-") for requirement in requirements}


def third_party(*, late: bool) -> dict[str, Path]:
    """Distributions that the sources import, each with one file that does."""
    owners = metadata.packages_distributions()
    extras = [wanted for extra, wanted in PROJECT["optional-dependencies"].items() if extra != "dev"]
    declared = names(PROJECT["dependencies"]).union(*map(names, extras))
    found: dict[str, Path] = {}
    for source in SOURCES:
        for path in source.rglob("*.py"):
            for module in imports(path, late=late):
                top = module.partition(".")[0]
                if top != "foldlog" and top not in sys.stdlib_module_names:
                    # Several distributions may share a package; the one that is asked for counts.
                    owned = [owner.lower().replace("_", "-") for owner in owners[top]]
                    found[next((owner for owner in owned if owner in declared), owned[0])] = path
    return found


def test_whatever_is_imported_at_once_is_a_dependency_and_the_rest_an_extra() -> None:
    needed = names(PROJECT["dependencies"])
    extras = [wanted for extra, wanted in PROJECT["optional-dependencies"].items() if extra != "dev"]
    allowed = needed.union(*map(names, extras))
    assert {name: str(path) for name, path in third_party(late=True).items() if name not in allowed} == {}
    guarded = {name: path for name, path in third_party(late=False).items() if name not in needed}
    assert {name: str(path) for name, path in guarded.items() if not is_optional(path)} == {}


def is_optional(path: Path) -> bool:
    """Whether a file may need an extra: it is imported only by those who use it."""
    extras = {"encryption.py", "compression.py", "claim_check.py"}
    return (
        "embedded" in path.parts
        or path.parent.name == "opentelemetry"
        or "pydantic" in path.name
        or "pytest" in path.name
        or path.name in extras
    )


NEVER_IMPORTED = {"tzdata"}
"""What the standard library looks for by itself: time zones, in this case."""


def test_every_dependency_is_used() -> None:
    used = {*third_party(late=True), *NEVER_IMPORTED}
    assert names(PROJECT["dependencies"]) - used == set()


def test_every_dependency_has_its_reason_beside_it() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lists = text[text.index("\ndependencies = [") : text.index("\n[project.scripts]")].splitlines()
    wanting = [line.strip() for line in lists if re.search(r'"[\w.-]+(\[\w+\])?[<>=~]', line)]
    assert len(wanting) > 30
    assert [line for line in wanting if not re.search(r"#\s*\w", line)] == []


def test_every_pinned_version_is_in_range_and_every_dependency_is_pinned() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert re.findall(r"^[^#\n].* @ .*$", text, re.MULTILINE) == [], "a version is pinned by a place, not by a number"
    pinned = names([line for line in text.splitlines() if line and not line.startswith("#")])
    wanted = names(PROJECT["dependencies"]).union(*map(names, PROJECT["optional-dependencies"].values()))
    assert wanted - {"foldlog"} - pinned == set()


@pytest.mark.parametrize("root", ABOVE)
def test_imports_point_one_way(root: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in (ROOT / root / "foldlog").rglob("*.py")
        for module in imports(path, late=True)
        if module.startswith("foldlog.") and module.split(".")[1] in ABOVE[root]
    ]
    assert wrong == []


def test_only_the_transport_knows_kafka_in_the_engine() -> None:
    engine = ROOT / "engine" / "foldlog"
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in engine.rglob("*.py")
        for module in imports(path, late=True)
        if module.partition(".")[0] in ("confluent_kafka", "rocksdict") and engine / "transport" not in path.parents
    ]
    assert wrong == []


def test_type_checkers_see_the_types_of_an_installation(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from foldlog import workflow\n"
        "from foldlog.client import Client\n"
        "reveal_type(workflow.now)\n"
        "async def ask(client: Client) -> None:\n"
        "    await client.start_workflow('w', id=1, task_queue='q')\n"
    )
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "mine.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=280, check=False)
    assert 'Revealed type is "def () -> datetime.datetime"' in done.stdout, done.stdout + done.stderr
    assert "No overload variant" in done.stdout
    assert "import-untyped" not in done.stdout


def test_a_wheel_says_once_that_it_is_typed() -> None:
    marks = [source.relative_to(ROOT) / "py.typed" for source in SOURCES]
    assert all((ROOT / mark).is_file() for mark in marks)
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
    left_out = build["targets"]["wheel"]["exclude"]
    assert [str(mark) for mark in marks if str(mark) not in left_out] == ["engine/foldlog/py.typed"]


def test_pytest_takes_nothing_of_a_wheel_for_modules_of_others() -> None:
    """It rewrites assertions of all packages of a distribution with a plugin, and guesses which those are."""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
    packages = [ROOT / package for package in build["targets"]["wheel"]["packages"]]
    files = [str(path.relative_to(package.parent)) for package in packages for path in package.rglob("*.py")]
    assert "foldlog/types.py" in files
    plugin = PROJECT["entry-points"]["pytest11"]["foldlog"]
    assert set(_iter_rewritable_modules(files)) == {plugin}
