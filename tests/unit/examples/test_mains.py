"""The examples as programs: what they print, and that docs/examples.md says how to run each."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
from foldlog.client import Client
from foldlog.testing import WorkflowEnvironment

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "examples.md").read_text(encoding="utf-8")
FILES = sorted(path.name for path in (ROOT / "examples").glob("*.py") if path.name != "__init__.py")

PRINTED = {
    "approval": "transfer-expense-1\npaid\n",
    "async_completion": "invoice-1: paid\n",
    "batch": "100 records, 0 failed",
    "dsl": "https://blog.example/69",
    "hello_world": "Hello, Kafka!",
    "mutex": "in the account: 1000",
    "payment": "9 calls, 7 bookings, 4200 cents",
    "pipeline": "1000 files loaded, 611887500 in all",
    "polling": "asked: {'job-1': 5, 'job-2': 5, 'job-3': 5}",
    "subscription": "cancelled after ",
}
"""What each program prints, among other things."""


@pytest.mark.parametrize("name", PRINTED)
async def test_a_program_prints_what_it_did(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    module = importlib.import_module(f"examples.{name}")
    monkeypatch.chdir(tmp_path)
    async with await WorkflowEnvironment.start_time_skipping() as env:

        async def connect(*args: Any, **options: Any) -> Client:
            assert not args
            assert not options
            return await env.connect_client(namespace="default")

        monkeypatch.setattr(Client, "connect", connect)
        await module.main()
    assert PRINTED[name] in capsys.readouterr().out


def test_every_example_is_a_program_that_is_tested_and_on_the_page() -> None:
    assert sorted(f"{name}.py" for name in PRINTED) == [name for name in FILES if name != "plain_producer.py"]
    assert sorted(set(re.findall(r"\(\.\./examples/(\w+\.py)\)", PAGE))) == FILES


@pytest.mark.parametrize("name", sorted({*PRINTED} - {"hello_world"}))
def test_an_example_has_a_page_of_its_own(name: str) -> None:
    file = f"examples/{name.replace('_', '-')}.md"
    text = (ROOT / "docs" / file).read_text(encoding="utf-8")
    assert f"foldlog dev --port 0 -- python examples/{name}.py\n" in text
    assert f"]({file})" in PAGE
    printed = text.split("It prints\n\n```\n")[1].split("```")[0]
    assert printed.startswith(PRINTED[name].split("\n")[0]) or PRINTED[name] in printed


@pytest.mark.parametrize("name", PRINTED)
def test_an_example_says_how_to_run_it_and_is_short(name: str) -> None:
    text = (ROOT / "examples" / f"{name}.py").read_text(encoding="utf-8")
    assert f"`foldlog dev --port 0 -- python examples/{name}.py`" in text.splitlines()[0]
    assert len(text.splitlines()) <= 180
