"""The examples of interceptors as programs, and the code of docs/interceptors.md."""

from __future__ import annotations

import logging
import re
import sys
import types
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from foldlog.client import Client
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker
from opentelemetry.sdk.trace.export import ConsoleSpanExporter

from examples.hello_world import Greeting, compose_greeting
from examples.interceptors import authorization, tracing

PAGE = Path(__file__).parents[3] / "docs" / "interceptors.md"
PRINTED: dict[types.ModuleType, list[str]] = {
    authorization: ["opened by its owner", "Unauthorized: not allowed: run Vault"],
    tracing: ['"name": "StartWorkflow:Billing"', '"name": "RunActivity:bill"', "acme owes 100"],
}


@pytest.mark.parametrize("module", PRINTED, ids=lambda module: str(module.__name__))
async def test_a_program_prints_what_its_interceptors_did(
    module: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with await WorkflowEnvironment.start_time_skipping() as env:

        async def connect(**options: Any) -> Client:
            return Client(env.client.service_client, **options)

        async def stay_open(client: Client) -> None:
            """Other clients are on the same transport."""

        # It keeps the stdout that was there when it was imported.
        monkeypatch.setattr(tracing, "ConsoleSpanExporter", partial(ConsoleSpanExporter, out=sys.stdout))
        monkeypatch.setattr(Client, "connect", connect)
        monkeypatch.setattr(Client, "close", stay_open)
        await module.main()
        monkeypatch.undo()
    printed = capsys.readouterr().out
    assert [line for line in PRINTED[module] if line not in printed] == []
    assert f"python -m {module.__name__}`" in PAGE.read_text(encoding="utf-8")
    assert f"`foldlog dev --port 0 -- python -m {module.__name__}`" in str(module.__doc__).splitlines()[0]


async def test_the_code_of_the_page(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    page = types.ModuleType("docs_interceptors")
    monkeypatch.setitem(sys.modules, page.__name__, page)
    for block in re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S):
        exec(compile(block, str(PAGE), "exec", dont_inherit=True), vars(page))
    with caplog.at_level(logging.INFO, "foldlog.workflow"):
        async with await WorkflowEnvironment.start_time_skipping(plugins=[page.timing]) as env:
            async with Worker(env.client, task_queue="q", workflows=[Greeting], activities=[compose_greeting]):
                assert await env.client.execute_workflow(Greeting.run, "you", id="g", task_queue="q") == "Hello, you!"
    assert "took " in caplog.text
