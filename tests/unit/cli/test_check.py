"""`foldlog check`: what it prints, and what it ends with."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from foldlog.cli._root import cli

ROOT = Path(__file__).parents[3]
WRONG = """import time
from foldlog import workflow

@workflow.defn
class W:
    @workflow.run
    async def run(self):
        return time.time()
"""
MESSAGE = "time.time, which comes out differently in replay: use workflow.now() or workflow.time() [W.run]"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("wrong.py").write_text(WRONG)
    Path("right.py").write_text("x = 1\n")
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_findings_are_lines_and_end_with_1() -> None:
    done = CliRunner().invoke(cli, ["check", ".", "wrong.py"])
    assert (done.exit_code, done.output) == (1, f"wrong.py:8:16: FL001 {MESSAGE}\n")


@pytest.mark.usefixtures("folder")
def test_no_findings_end_with_0() -> None:
    done = CliRunner().invoke(cli, ["check", "right.py"])
    assert (done.exit_code, done.output) == (0, "nothing was found in 1 files\n")


@pytest.mark.usefixtures("folder")
def test_findings_as_json() -> None:
    done = CliRunner().invoke(cli, ["check", "wrong", "right", "--json"])
    assert done.exit_code == 1
    finding = {"path": "wrong.py", "line": 8, "column": 16, "rule": "FL001", "message": MESSAGE}
    assert json.loads(done.output) == {"files": 2, "findings": [finding]}


def test_findings_as_annotations_of_github(folder: Path) -> None:
    (folder / "a,b.py").write_text(WRONG)
    done = CliRunner().invoke(cli, ["check", "a,b.py", "--github"])
    assert done.exit_code == 1
    assert done.output == f"::error file=a%2Cb.py,line=8,col=16,title=foldlog FL001::{MESSAGE}\n"


@pytest.mark.usefixtures("folder")
def test_what_is_not_there_and_settings_without_sense_end_with_2() -> None:
    assert CliRunner().invoke(cli, ["check"]).exit_code == 2
    missing = CliRunner().invoke(cli, ["check", "nowhere"])
    assert missing.exit_code == 2
    assert "no file, folder or module nowhere" in missing.output
    Path("pyproject.toml").write_text('[tool.foldlog.check]\ndisable = ["X"]\n')
    assert CliRunner().invoke(cli, ["check", "right.py"]).exit_code == 2


def test_a_target_without_a_file_to_check_ends_with_2(folder: Path) -> None:
    """Whoever has mistyped a folder must not believe that all is well."""
    (folder / "empty" / "inner").mkdir(parents=True)
    (folder / "empty" / "notes.txt").touch()
    done = CliRunner().invoke(cli, ["check", "right.py", "empty"])
    assert done.exit_code == 2
    assert "there is nothing to check in empty: no Python file" in done.output
    (folder / "pyproject.toml").write_text('[tool.foldlog.check]\nexclude = ["empty"]\n')
    (folder / "empty" / "some.py").touch()
    assert CliRunner().invoke(cli, ["check", "empty"]).exit_code == 2


def test_helpers_in_other_modules_are_checked_where_they_are(folder: Path) -> None:
    (folder / "src" / "shop").mkdir(parents=True)
    (folder / "src" / "clock.py").write_text("import time\n\ndef now():\n    return time.time()\n")
    text = WRONG.replace("import time\n", "from clock import now\n").replace("time.time()", "now()")
    (folder / "src" / "shop" / "flows.py").write_text(text)
    for target in ("src", "src/shop/flows.py", "src/shop"):
        done = CliRunner().invoke(cli, ["check", target])
        assert done.exit_code == 1
        assert done.output.startswith("src/clock.py:4:12: FL001 time.time, "), target
        assert done.output.endswith("[now, which src/shop/flows.py calls: W.run > now]\n")
    assert CliRunner().invoke(cli, ["check", "src/clock.py"]).exit_code == 0


@pytest.mark.usefixtures("folder")
def test_the_rules_are_listed() -> None:
    done = CliRunner().invoke(cli, ["check", "--rules"])
    assert done.exit_code == 0
    assert "FL001" in done.output


@pytest.mark.usefixtures("folder")
def test_the_hook_for_pre_commit_runs_the_check_on_the_files_of_a_commit() -> None:
    """What pre-commit does: install the project, then run the entry with the names of the files."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert (hook["id"], hook["language"], hook["types"]) == ("foldlog-check", "python", ["python"])
    program, *arguments = hook["entry"].split()
    assert program in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    program = str(Path(sys.executable).with_name(program))
    for names, code in ((["right.py"], 0), (["right.py", "wrong.py"], 1)):
        done = subprocess.run([program, *arguments, *names], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == code, done.stderr
    assert done.stdout == f"wrong.py:8:16: FL001 {MESSAGE}\n"
