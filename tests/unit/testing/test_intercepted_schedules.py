"""Interceptors of a client see what is asked of schedules, and may change it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from foldlog import workflow
from foldlog.client import (
    Interceptor,
    OutboundInterceptor,
    RPCError,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleBackfill,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
)
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker

HOUR = timedelta(hours=1)
OPTIONS: dict[str, Any] = {"rpc_metadata": {"k": "v"}, "rpc_timeout": timedelta(seconds=30)}


@workflow.defn
class Report:
    @workflow.run
    async def run(self) -> None: ...


class Noting(Interceptor):
    """Remembers the inputs about schedules, and changes notes."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Any]] = []

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        outbound = OutboundInterceptor(next)
        for name in vars(OutboundInterceptor):
            if name.startswith("_"):
                continue
            setattr(outbound, name, self._noted(name, getattr(next, name)))
        return outbound

    def _noted(self, name: str, then: Callable[[Any], Awaitable[Any]]) -> Callable[[Any], Awaitable[Any]]:
        def call(input: Any) -> Awaitable[Any]:
            self.seen.append((name, input))
            if name == "pause_schedule":
                input = replace(input, note=f"{input.note}, said by an interceptor")
            return then(input)

        return call


async def test_each_call_about_a_schedule_goes_by_way_of_interceptors() -> None:
    noting = Noting()
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(Report.run, id="report", task_queue="q"),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=HOUR)]),
        state=ScheduleState(paused=True),
    )
    async with await WorkflowEnvironment.start_time_skipping(interceptors=[noting]) as env:
        async with Worker(env.client, task_queue="q", workflows=[Report]):
            handle = await env.client.create_schedule("s", schedule, memo={"a": 1}, **OPTIONS)
            await handle.pause(note="over", **OPTIONS)
            assert (await handle.describe(**OPTIONS)).schedule.state.note == "over, said by an interceptor"
            await handle.unpause(note="on", **OPTIONS)
            await handle.trigger(overlap=ScheduleOverlapPolicy.ALLOW_ALL, **OPTIONS)
            period = ScheduleBackfill(
                start_at=datetime(2020, 1, 1, tzinfo=UTC), end_at=datetime(2020, 1, 1, 1, tzinfo=UTC)
            )
            await handle.backfill(period, **OPTIONS)
            await handle.update(lambda found: ScheduleUpdate(schedule=found.description.schedule), **OPTIONS)
            assert [each.id async for each in await env.client.list_schedules(**OPTIONS)] == ["s"]
            await env.client.get_schedule_handle("s").delete(**OPTIONS)
            with pytest.raises(RPCError, match="there is no schedule 's'"):
                await handle.describe(**OPTIONS)
    # In this order, and no call to a workflow that a schedule is made of among them.
    assert [name for name, _ in noting.seen] == [
        "create_schedule",
        "pause_schedule",
        "describe_schedule",
        "unpause_schedule",
        "trigger_schedule",
        "backfill_schedule",
        "update_schedule",
        "list_schedules",
        "delete_schedule",
        "describe_schedule",
    ]
    for _, seen in noting.seen:
        assert {"rpc_metadata": seen.rpc_metadata, "rpc_timeout": seen.rpc_timeout} == OPTIONS
    inputs = dict(noting.seen)
    assert (inputs["create_schedule"].id, inputs["create_schedule"].memo) == ("s", {"a": 1})
    assert inputs["create_schedule"].schedule is schedule
    assert inputs["trigger_schedule"].overlap is ScheduleOverlapPolicy.ALLOW_ALL
    assert list(inputs["backfill_schedule"].backfills) == [period]
