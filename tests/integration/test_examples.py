"""The examples do on a real Kafka what they do in memory: all at once, each in a namespace of its own.

Their details are tested in tests/unit/examples.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from foldlog.client import Client
from foldlog.transport.admin import create_topics
from foldlog.transport.config import KafkaConfig
from foldlog.transport.topics import Topics

from examples import approval, async_completion, batch, dsl, mutex, payment, pipeline, polling, subscription
from examples.interceptors import authorization


async def signed(stranger: Client) -> list[str]:
    """The calls of an owner and of a stranger, who share a connection."""
    keys = {"owner": b"o" * 32}
    config = stranger.config()
    config["interceptors"] = [authorization.SigningInterceptor("owner", keys["owner"])]
    return await authorization.run(Client(**config), stranger, keys)


CASES: dict[str, Callable[[Client], Awaitable[Any]]] = {
    "approval": lambda client: approval.run(client, approval.Office()),
    "async-completion": async_completion.run,
    "authorization": signed,
    "batch": lambda client: batch.run(client, batch.Records(), batch.Batch(40, window=10, page=15)),
    "dsl": lambda client: dsl.run(client, dsl.DOCUMENT),
    "mutex": lambda client: mutex.run(client, mutex.Account(), [100] * 3),
    "payment": lambda client: payment.run(client, payment.Bank()),
    "pipeline": lambda client: pipeline.run(client, pipeline.Data(), pipeline.Plan(files=1000, at_once=1000)),
    "polling": lambda client: polling.run(client, polling.Service(3), often=0.05, seldom=0.2),
    "subscription": lambda client: subscription.run(client, subscription.Billing(), timedelta(seconds=0.2)),
}


async def test_all_of_them(kafka: str, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # workers of the examples keep their state where they are started
    config = KafkaConfig(bootstrap_servers=kafka)

    async def one(name: str) -> Any:
        own = f"{namespace}-{name}"
        async with await Client.connect(
            kafka, namespace=own, rpc_timeout=timedelta(seconds=60), connect_timeout=timedelta(seconds=60)
        ) as client:
            return await CASES[name](client)

    for name in CASES:
        await asyncio.to_thread(create_topics, config, Topics(f"{namespace}-{name}"), partitions=2)
    found = dict(zip(CASES, await asyncio.gather(*map(one, CASES)), strict=True))
    assert found["approval"][-2:] == ["transfer-expense-1", "paid"]
    assert found["async-completion"][:2] == ["invoice-1: paid", "invoice-2: sent back"]
    assert found["authorization"] == ["opened by its owner", "Unauthorized: not allowed: run Vault"]
    assert (found["batch"].done, found["batch"].failed) == (40, [])
    assert found["dsl"] == "https://blog.example/69"
    assert sorted(found["mutex"]) == [100, 200, 300]
    assert [line.split(",")[0] for line in found["payment"]] == [
        "ann: captured",
        "ada: refunded",
        "abe: voided",
        "bob: declined",
    ]
    assert found["pipeline"] == sum(range(1000)) * sum(range(pipeline.ROWS))
    assert found["polling"] == ["result of job-1", "result of job-2", "result of job-3"]
    assert re.fullmatch(r"cancelled after \d+ periods", found["subscription"])
