"""The tests in docs/testing.md pass, with the fixtures of the plugin; and it costs those nothing who do not use it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "testing.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
# By their modules' names: the entry point of an installation may be older than this tree, and no others are waited for.
PLUGINS = ("-p", "pytest_asyncio.plugin", "-p", "foldlog.pytest_plugin", "-p", "no:cacheprovider")


def run_pytest(folder: Path, *options: str) -> str:
    """Run pytest on a folder as a project of its own; what it says."""
    command = [sys.executable, "-m", "pytest", *PLUGINS, *options, "--rootdir", str(folder), str(folder)]
    own = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_page_has_tests() -> None:
    assert len(BLOCKS) == 4
    assert all("async def test_" in block for block in BLOCKS)


def test_all_of_them_pass(tmp_path: Path) -> None:
    for number, block in enumerate(BLOCKS):
        (tmp_path / f"test_block_{number}.py").write_text(block, encoding="utf-8")
    assert "6 passed" in run_pytest(tmp_path, "-o", "asyncio_mode=auto")


@pytest.mark.parametrize("mode", ["auto", "strict"])
def test_fixtures_work_in_both_modes_of_pytest_asyncio(tmp_path: Path, mode: str) -> None:
    (tmp_path / "test_it.py").write_text(
        "import pytest\n"
        "@pytest.mark.asyncio\n"
        "async def test_it(workflow_environment, time_skipping_environment):\n"
        "    assert workflow_environment is not time_skipping_environment\n"
        "    assert workflow_environment.supports_time_skipping\n"
    )
    assert "1 passed" in run_pytest(tmp_path, "-o", f"asyncio_mode={mode}")


CONFTEST = """
def pytest_addoption(parser):
    parser.addoption("--workflow-environment", default="local", help="'local', 'time-skipping' or an address")
"""


@pytest.mark.parametrize("conftest", ["", CONFTEST])
def test_the_option_may_be_that_of_a_conftest(tmp_path: Path, conftest: str) -> None:
    # As in the conftest.py of samples for Temporal's SDK.
    (tmp_path / "conftest.py").write_text(conftest)
    (tmp_path / "test_it.py").write_text(
        "async def test_it(workflow_environment, pytestconfig):\n"
        "    assert workflow_environment.supports_time_skipping\n"
        "    assert pytestconfig.getoption('workflow_environment') == 'time-skipping'\n"
    )
    assert "1 passed" in run_pytest(tmp_path, "-o", "asyncio_mode=auto", "--workflow-environment", "time-skipping")
    assert run_pytest(tmp_path, "--help").count("--workflow-environment=") == 1


def test_the_plugin_imports_nothing_of_foldlog_at_the_start() -> None:
    code = (
        "import sys, foldlog.pytest_plugin\n"
        "found = [name for name in sys.modules if name.startswith('foldlog.') and name != 'foldlog.pytest_plugin']\n"
        "assert not found, found\n"
        "assert 'confluent_kafka' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=200)
