"""What several tests of attempts need."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Executor, ThreadPoolExecutor

import pytest
from foldlog.worker.pool import ActivityThreads


@pytest.fixture(params=["ours", "theirs"])
async def threads(request: pytest.FixtureRequest) -> AsyncIterator[Executor]:
    pool = ActivityThreads(asyncio.get_running_loop(), 4) if request.param == "ours" else ThreadPoolExecutor(4)
    with pool:
        yield pool
