"""What the checker finds and what it lets pass, its exceptions, settings and targets."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from foldlog.checker import RULES, Config, Finding, check_files, check_source, load, python_files
from foldlog.exceptions import ConfigurationError

CASES = Path(__file__).with_name("cases.txt")
ROOT = Path(__file__).parents[3]
CONFIG = Config(root=ROOT)


def _workflow(*lines: str) -> str:
    body = "\n".join(f"        {line}" for line in lines)
    return (
        "import time\nfrom foldlog import workflow\n\n@workflow.defn\nclass W:\n    @workflow.run\n"
        f"    async def run(self):\n{body}\n"
    )


def _found(*lines: str, config: Config = CONFIG) -> list[str]:
    return [finding.rule for finding in check_source(_workflow(*lines), "w.py", config)]


def _at(finding: Finding) -> tuple[int, str]:
    return finding.line, finding.rule


def test_everything_is_found_in_its_line_and_nothing_else() -> None:
    expected = [
        (number, marked[1])
        for number, line in enumerate(CASES.read_text().splitlines(), 1)
        if (marked := re.search(r"# found: (FL\d+)$", line))
    ]
    findings = check_files([CASES], CONFIG)
    assert [_at(finding) for finding in findings] == expected
    assert {rule for _, rule in expected} == {rule for rule in RULES if rule < "FL011"}


def test_messages_say_where_and_what_to_use_instead() -> None:
    (finding,) = check_source(_workflow("return time.time()"), "w.py", CONFIG)
    assert str(finding) == (
        "w.py:8:16: FL001 time.time, which comes out differently in replay: "
        "use workflow.now() or workflow.time() [W.run]"
    )


def test_code_from_temporal_is_checked_too() -> None:
    text = _workflow("return time.time()").replace("from foldlog", "from temporalio")
    assert [finding.rule for finding in check_source(text, "w.py", CONFIG)] == ["FL001"]


def test_an_exception_needs_rule_and_reason_and_must_be_needed() -> None:
    assert _found("return time.time()  # foldlog: ignore[FL001] only shown") == []
    assert _found("# foldlog: ignore[FL001] only shown", "return time.time()") == []
    assert _found("return time.time(  # foldlog: ignore[FL001, FL002] x", ")") == ["FL091"]
    assert _found("return (", "    time.time()", "    + time.time()", ")  # foldlog: ignore[FL001] x") == [
        "FL001",
        "FL001",
        "FL091",
    ]
    assert _found("return time.time()  # foldlog: ignore[FL001]") == ["FL001", "FL090"]
    assert _found("return time.time()  # foldlog: ignore because") == ["FL001", "FL090"]
    assert _found("return 1  # foldlog: ignore[FL999] because") == ["FL090"]
    assert _found("return 1  # foldlog: ignore[FL001] because") == ["FL091"]
    assert _found("return '# foldlog: ignore[FL001] because'") == []


def test_settings_disable_rules_and_forbid_names() -> None:
    without = Config(root=ROOT, disable=frozenset({"FL001"}))
    assert _found("return time.time()", config=without) == []
    assert _found("return 1  # foldlog: ignore[FL001] because", config=without) == []
    more = Config(root=ROOT, forbidden={"time.strptime": "use workflow.now()"})
    assert _found("return time.strptime('x', '%Y')", config=more) == ["FL011"]


def test_settings_are_those_of_the_nearest_pyproject(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.foldlog.check]\nexclude = ["old/*", "gen_*.py"]\ndisable = ["FL010"]\n'
        'forbidden = { "lib.now" = "use workflow.now()" }\n'
    )
    for name in ("a.py", "gen_a.py", "old/b.py", "new/c.py", ".venv/d.py", "new/e.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    config = load(tmp_path / "new")
    assert config == Config(
        root=tmp_path,
        exclude=("old/*", "gen_*.py"),
        disable=frozenset({"FL010"}),
        forbidden={"lib.now": "use workflow.now()"},
    )
    names = [file.relative_to(tmp_path).as_posix() for file in python_files(str(tmp_path), config, [])]
    assert names == ["a.py", "new/c.py"]
    # What is named is checked, whatever the patterns say.
    assert list(python_files(str(tmp_path / "gen_a.py"), config, [])) == [tmp_path / "gen_a.py"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ('unknown = "x"', "no such setting"),
        ('disable = ["FL999"]', "no rule FL999"),
        ('disable = "FL001"', "list of strings"),
        ('forbidden = ["x"]', "table of names"),
        ("exclude = [", "pyproject.toml"),
    ],
)
def test_settings_without_sense_are_refused(tmp_path: Path, settings: str, message: str) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.foldlog.check]\n{settings}\n")
    with pytest.raises(ConfigurationError, match=message):
        load(tmp_path)


def test_modules_are_found_without_importing_them(tmp_path: Path) -> None:
    package = tmp_path / "untouched" / "inner"
    package.mkdir(parents=True)
    for folder in (package.parent, package):
        (folder / "__init__.py").write_text("raise AssertionError('it was imported')\n")
    (package / "flows.py").write_text(_workflow("return time.time()"))
    search = [str(tmp_path)]
    assert list(python_files("untouched.inner.flows", CONFIG, search)) == [package / "flows.py"]
    assert len(list(python_files("untouched", CONFIG, search))) == 3
    assert "untouched" not in sys.modules
    for missing in ("untouched.nothing", "no/such/path", "sys"):
        with pytest.raises(ConfigurationError, match=missing):
            list(python_files(missing, CONFIG, search))


def test_what_cannot_be_read_is_a_finding(tmp_path: Path) -> None:
    assert [finding.rule for finding in check_source("def x(:\n", "w.py", CONFIG)] == ["FL099"]
    (tmp_path / "x.py").write_bytes(b"\xff\xfe\x00")
    assert [finding.rule for finding in check_files([tmp_path / "x.py"], CONFIG)] == ["FL099"]


def test_files_are_read_as_python_reads_them(tmp_path: Path) -> None:
    file = tmp_path / "x.py"
    for content in (
        b"\xef\xbb\xbf" + _workflow("return time.time()").encode(),
        b"# coding: latin-1\nx = '\xe9'\n" + _workflow("return time.time()").encode(),
    ):
        file.write_bytes(content)
        assert [finding.rule for finding in check_files([file], CONFIG)] == ["FL001"]
    file.write_bytes(b"# coding: no-such-thing\n")
    assert [finding.rule for finding in check_files([file], CONFIG)] == ["FL099"]
    (finding,) = check_files([tmp_path / "gone.py"], CONFIG)
    assert finding.rule == "FL099"


@pytest.mark.parametrize("text", ["x = " + "+".join("1" * 50_000), "x = a" + "()" * 20_000, "x = " + "(" * 500])
def test_what_is_nested_too_deeply_is_a_finding_and_ends_nothing(text: str) -> None:
    """One such file, made by a machine, must not hide what is found in the others."""
    assert [finding.rule for finding in check_source(_workflow(text), "w.py", CONFIG)] == ["FL099"]


def test_every_rule_is_documented() -> None:
    text = (ROOT / "docs" / "check.md").read_text()
    for rule in RULES:
        assert f"### {rule}: " in text, rule
