"""Interceptors of calls about activities, and what `rpc_metadata` and `rpc_timeout` come to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from foldlog.activity import ActivityCancellationDetails
from foldlog.client import (
    AsyncActivityCancelledError,
    AsyncActivityHandle,
    Client,
    DeadlineExceededError,
    Interceptor,
    OutboundInterceptor,
    WorkflowHandle,
)
from foldlog.common import RetryPolicy
from foldlog.exceptions import ApplicationError
from foldlog.schemas.reply import Accepted
from foldlog.schemas.visibility import WorkflowVisibility

from .scripted import ScriptedTransport

SECOND = timedelta(seconds=1)
CALLS = (
    "pause_activity",
    "unpause_activity",
    "reset_activity",
    "update_activity_options",
    "heartbeat_async_activity",
    "complete_async_activity",
    "fail_async_activity",
    "report_cancellation_async_activity",
    "cancel_workflow",
    "signal_workflow",
    "terminate_workflow",
    "start_workflow",
)


class Noting(Interceptor):
    """Remembers the inputs, and can change them."""

    def __init__(self, **changes: Any) -> None:
        self.seen: list[tuple[str, Any]] = []
        self.changes = changes

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        def noted(name: str) -> Callable[[Any], Awaitable[Any]]:
            def call(input: Any) -> Awaitable[Any]:
                self.seen.append((name, input))
                result: Awaitable[Any] = getattr(next, name)(replace(input, **self.changes))
                return result

            return call

        outbound = OutboundInterceptor(next)
        for name in CALLS:
            setattr(outbound, name, noted(name))
        return outbound


def client_with(*interceptors: Interceptor, notice: str = "") -> tuple[Client, ScriptedTransport]:
    transport = ScriptedTransport(lambda workflow_id, wanted: Accepted(correlation_id=0, run_id="run", notice=notice))
    return Client(transport, identity="me", interceptors=interceptors), transport


Call = Callable[[WorkflowHandle[Any, Any], AsyncActivityHandle, Any], Awaitable[None]]
CASES: list[tuple[str, Call, dict[str, Any]]] = [
    (
        "pause_activity",
        lambda handle, _, options: handle.pause_activity("7", reason="wait", **options),
        {"activity_id": "7", "reason": "wait", "id": "w", "run_id": "r"},
    ),
    (
        "unpause_activity",
        lambda handle, _, options: handle.unpause_activity(
            activity_type="pay", reset_attempts=True, jitter=SECOND, **options
        ),
        {"activity_id": None, "activity_type": "pay", "reset_attempts": True, "jitter": SECOND},
    ),
    (
        "reset_activity",
        lambda handle, _, options: handle.reset_activity("7", keep_paused=True, reset_heartbeat=True, **options),
        {"keep_paused": True, "reset_heartbeat": True, "restore_original_options": False},
    ),
    (
        "update_activity_options",
        lambda handle, _, options: handle.update_activity_options(
            "7", task_queue="other", heartbeat_timeout=SECOND, retry_policy=RetryPolicy(maximum_attempts=3), **options
        ),
        {
            "options": {
                "task_queue": "other",
                "heartbeat_timeout": SECOND,
                "retry_policy": RetryPolicy(maximum_attempts=3),
            },
            "restore_original": False,
        },
    ),
    (
        "heartbeat_async_activity",
        lambda _, activity, options: activity.heartbeat("half", 2, **options),
        {"details": ("half", 2), "data_converter_override": None},
    ),
    (
        "complete_async_activity",
        lambda _, activity, options: activity.complete({"a": 1}, **options),
        {"result": {"a": 1}},
    ),
    (
        "fail_async_activity",
        lambda _, activity, options: activity.fail(
            ApplicationError("no", type="No"), last_heartbeat_details=["half"], **options
        ),
        {"last_heartbeat_details": ["half"]},
    ),
    (
        "report_cancellation_async_activity",
        lambda _, activity, options: activity.report_cancellation("gone", **options),
        {"details": ("gone",)},
    ),
    ("cancel_workflow", lambda handle, _, options: handle.cancel(reason="mine", **options), {"reason": "mine"}),
    ("terminate_workflow", lambda handle, _, options: handle.terminate("x", **options), {"args": ("x",)}),
    ("signal_workflow", lambda handle, _, options: handle.signal("said", "x", **options), {"args": ["x"]}),
]


@pytest.mark.parametrize(("name", "call", "expected"), CASES)
async def test_a_call_goes_by_way_of_interceptors_and_comes_out_unchanged(
    name: str, call: Call, expected: dict[str, Any]
) -> None:
    noting = Noting()
    sent: list[Any] = []
    for interceptors in ([noting], []):
        client, transport = client_with(*interceptors)
        handle = client.get_workflow_handle("w", run_id="r")
        activity = client.get_async_activity_handle(workflow_id="w", run_id="r", activity_id="7")
        await call(handle, activity, {"rpc_metadata": {"k": "v"}, "rpc_timeout": 3 * SECOND})
        ((how, workflow_id, command),) = transport.asked
        assert transport.waits == [3.0]
        if hasattr(command, "request_id"):
            command.request_id = ""
        sent.append((how, workflow_id, command))
    assert sent[0] == sent[1]
    ((seen_name, seen),) = noting.seen
    assert seen_name == name
    assert (seen.rpc_metadata, seen.rpc_timeout) == ({"k": "v"}, 3 * SECOND)
    assert {field: getattr(seen, field) for field in expected} == expected


async def test_what_interceptors_change_is_sent() -> None:
    client, transport = client_with(Noting(activity_id="8", rpc_timeout=SECOND))
    await client.get_workflow_handle("w").pause_activity("7")
    assert (transport.asked[0][2].activity_id, transport.waits) == ("8", [1.0])
    client, transport = client_with(Noting(details=["changed"]))
    await client.get_async_activity_handle(workflow_id="w", run_id=None, activity_id="7").heartbeat("half")
    assert transport.asked[0][2].details[0].data == b'"changed"'


async def test_what_a_heartbeat_is_told_comes_through() -> None:
    client, _ = client_with(Noting(), notice="PAUSED")
    with pytest.raises(AsyncActivityCancelledError) as caught:
        await client.get_async_activity_handle(workflow_id="w", run_id=None, activity_id="7").heartbeat()
    assert caught.value.details == ActivityCancellationDetails(paused=True)


async def test_the_metadata_of_a_start_is_for_interceptors() -> None:
    noting = Noting()
    client, transport = client_with(noting)
    await client.start_workflow("W", id="w", task_queue="q", rpc_metadata={"k": b"v"})
    assert noting.seen[0][1].rpc_metadata == {"k": b"v"}
    assert len(transport.asked) == 1


async def test_a_list_has_so_much_time() -> None:
    client, transport = client_with()
    asked = asyncio.Event()

    async def visibility(matches: Callable[[WorkflowVisibility], bool]) -> list[WorkflowVisibility]:
        asked.set()
        await asyncio.Event().wait()
        return []

    transport.visibility = visibility  # type: ignore[method-assign]
    with pytest.raises(DeadlineExceededError, match=r"within 0\.01 s"):
        await anext(client.list_workflows(rpc_timeout=SECOND / 100))
    with pytest.raises(DeadlineExceededError, match=r"within 0\.01 s"):
        await anext(await client.list_schedules(rpc_timeout=SECOND / 100))
    assert asked.is_set()
