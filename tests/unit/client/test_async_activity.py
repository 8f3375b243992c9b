"""Handles of activities that are ended from outside, and operations on activities: what is asked and raised."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from foldlog.activity import ActivityCancellationDetails
from foldlog.client import (
    AsyncActivityCancelledError,
    AsyncActivityHandle,
    Client,
    RPCError,
    RPCStatusCode,
    WorkflowNotFoundError,
)
from foldlog.common import PinnedVersioningOverride, RetryPolicy
from foldlog.exceptions import ApplicationError, ConfigurationError, InvalidArgumentError, PayloadConversionError
from foldlog.schemas import command
from foldlog.schemas.framing import encode
from foldlog.schemas.reply import Accepted, Rejected
from foldlog.schemas.task import TaskToken

from .scripted import ScriptedTransport


def token(**fields: Any) -> bytes:
    given: dict[str, Any] = {"namespace": "scripted", "workflow_id": "wf", "run_id": "run", "activity_id": "7"}
    return encode(TaskToken(**given | {"scheduled_event_id": 5, "attempt": 2} | fields))


def accepting(notice: str = "") -> tuple[Client, ScriptedTransport]:
    transport = ScriptedTransport(lambda workflow_id, wanted: Accepted(correlation_id=0, run_id="run", notice=notice))
    return Client(transport, identity="me"), transport


def refusing(code: Any) -> Client:
    return Client(ScriptedTransport(lambda workflow_id, wanted: Rejected(correlation_id=0, code=code, message="no")))


async def test_a_token_names_the_attempt() -> None:
    client, transport = accepting()
    await client.get_async_activity_handle(task_token=token()).complete({"a": 1})
    how, workflow_id, sent = transport.asked[0]
    assert (how, workflow_id) == ("ask", "wf")
    assert isinstance(sent, command.CompleteActivity)
    assert (sent.run_id, sent.scheduled_event_id, sent.attempt, sent.activity_id) == ("run", 5, 2, "")
    assert (sent.identity, sent.result.data) == ("me", b'{"a":1}')


async def test_ids_name_the_current_attempt() -> None:
    client, transport = accepting()
    handle = client.get_async_activity_handle(workflow_id="wf", run_id=None, activity_id="7")
    await handle.fail(ApplicationError("no", type="No"), last_heartbeat_details=[3])
    sent = transport.asked[0][2]
    assert (sent.run_id, sent.scheduled_event_id, sent.attempt, sent.activity_id) == ("", 0, 0, "7")
    assert (sent.failure.type, sent.heartbeat_details[0].data) == ("No", b"3")


async def test_no_result_is_none_and_what_cannot_be_converted_is_not_sent() -> None:
    client, transport = accepting()
    handle = client.get_async_activity_handle(task_token=token())
    await handle.complete()
    await handle.complete(None)
    omitted, given = (asked[2].result for asked in transport.asked)
    converter = client.data_converter.payload_converter
    for hint in (None, str):
        assert [converter.from_payload(each, hint) for each in (omitted, given)] == [None, None]
    with pytest.raises(PayloadConversionError):
        await handle.complete(object())
    assert len(transport.asked) == 2


@pytest.mark.parametrize(
    ("notice", "details"),
    [
        ("CANCEL_REQUESTED", ActivityCancellationDetails(cancel_requested=True)),
        ("PAUSED", ActivityCancellationDetails(paused=True)),
        ("RESET", ActivityCancellationDetails(reset=True)),
    ],
)
async def test_a_heartbeat_says_that_the_activity_is_to_stop(notice: str, details: ActivityCancellationDetails) -> None:
    client, transport = accepting(notice)
    with pytest.raises(AsyncActivityCancelledError) as caught:
        await client.get_async_activity_handle(task_token=token()).heartbeat("half")
    assert caught.value.details == details
    assert transport.asked[0][2].details[0].data == b'"half"'


REPORTS: list[Callable[[AsyncActivityHandle], Any]] = [
    lambda handle: handle.heartbeat(),
    lambda handle: handle.complete(1),
    lambda handle: handle.fail(ValueError("no")),
    lambda handle: handle.report_cancellation("why"),
]


@pytest.mark.parametrize("report", REPORTS)
async def test_an_activity_that_is_not_open_is_no_missing_workflow(
    report: Callable[[AsyncActivityHandle], Any],
) -> None:
    for code in ("NOT_FOUND", "ALREADY_CLOSED"):
        with pytest.raises(RPCError) as caught:
            await report(refusing(code).get_async_activity_handle(task_token=token()))
        assert type(caught.value) is RPCError
        assert caught.value.status == RPCStatusCode.NOT_FOUND


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("garbage", [b"", b"garbage", token()[:-3], encode(Accepted(correlation_id=1, run_id="r"))])
async def test_what_is_no_token_is_refused_without_asking(
    report: Callable[[AsyncActivityHandle], Any], garbage: bytes
) -> None:
    client, transport = accepting()
    with pytest.raises(InvalidArgumentError, match="no task token"):
        await report(client.get_async_activity_handle(task_token=garbage))
    assert transport.asked == []


async def test_what_has_the_wrong_type_is_named() -> None:
    client: Any
    client, transport = accepting()
    for given, option in (
        ({"task_token": "abc"}, "task_token"),
        ({"workflow_id": 5, "run_id": None, "activity_id": "a"}, "workflow_id"),
        ({"workflow_id": "w", "run_id": 5, "activity_id": "a"}, "run_id"),
        ({"workflow_id": "w", "run_id": None, "activity_id": 5}, "activity_id"),
    ):
        with pytest.raises(ConfigurationError, match=f"{option} must be"):
            client.get_async_activity_handle(**given)
    with pytest.raises(ConfigurationError, match="error must be"):
        await client.get_async_activity_handle(task_token=token()).fail("it broke")
    with pytest.raises(ConfigurationError, match="rpc_timeout must be a timedelta"):
        await client.get_async_activity_handle(task_token=token()).complete(rpc_timeout=5)
    assert transport.asked == []


async def test_a_token_of_another_namespace_is_refused() -> None:
    client, transport = accepting()
    with pytest.raises(InvalidArgumentError, match="'other'"):
        await client.get_async_activity_handle(task_token=token(namespace="other")).complete()
    assert transport.asked == []


@pytest.mark.parametrize(
    "wrong",
    [{}, {"workflow_id": "wf"}, {"task_token": b"x", "workflow_id": "wf"}],
)
def test_a_handle_has_either_a_token_or_ids(wrong: dict[str, Any]) -> None:
    client, _ = accepting()
    with pytest.raises(ValueError, match="task token"):
        client.get_async_activity_handle(**wrong)


async def test_an_activity_without_a_workflow_has_an_id_only() -> None:
    client, transport = accepting()
    await client.get_async_activity_handle(activity_id="7", run_id=None).complete()
    (_, workflow_id, sent) = transport.asked[0]
    assert (workflow_id, sent.activity_id) == ("foldlog.activity:7", "7")


async def test_operations_say_what_they_are_asked_to() -> None:
    client, transport = accepting()
    handle = client.get_workflow_handle("wf", run_id="run")
    await handle.pause_activity("7", reason="later")
    await handle.unpause_activity(activity_type="work", reset_attempts=True, jitter=timedelta(seconds=2))
    await handle.reset_activity("7", keep_paused=True, reset_heartbeat=True, restore_original_options=True)
    await handle.update_activity_options(
        "7",
        task_queue="other",
        heartbeat_timeout=timedelta(),
        start_to_close_timeout=timedelta(microseconds=1),
        retry_policy=RetryPolicy(maximum_attempts=3),
    )
    paused, unpaused, reset, updated = [sent for _, _, sent in transport.asked]
    assert (paused.run_id, paused.activity_id, paused.reason, paused.identity) == ("run", "7", "later", "me")
    assert (unpaused.activity_type, unpaused.reset_attempts, unpaused.jitter_ms) == ("work", True, 2_000)
    assert (reset.keep_paused, reset.reset_heartbeat, reset.restore_original_options) == (True, True, True)
    assert (updated.task_queue, updated.heartbeat_timeout_ms, updated.start_to_close_timeout_ms) == ("other", 0, 1)
    assert updated.schedule_to_close_timeout_ms is None
    assert updated.retry_policy.maximum_attempts == 3


@pytest.mark.parametrize(
    "option", [{"task_queue": 5}, {"start_to_close_timeout": 5}, {"retry_policy": timedelta()}, {"priority": 1}]
)
async def test_options_of_the_wrong_type_are_not_sent(option: dict[str, Any]) -> None:
    client, transport = accepting()
    with pytest.raises(TypeError, match=f"{next(iter(option))} must be a"):
        await client.get_workflow_handle("wf").update_activity_options("7", **option)
    assert transport.asked == []


WRONG: list[tuple[Callable[[Any], Any], str]] = [
    (lambda client: client.get_workflow_handle("wf").pause_activity("7", reason=5), "reason must be a str, not 5"),
    (lambda client: client.get_workflow_handle("wf").pause_activity(7), "activity_id must be a str or None, not 7"),
    (lambda client: client.get_workflow_handle("wf").unpause_activity("7", jitter=5), "jitter must be a timedelta"),
    (
        lambda client: client.get_workflow_handle("wf").reset_activity("7", keep_paused="yes"),
        "keep_paused must be True",
    ),
    (
        lambda client: client.get_workflow_handle("wf").update_activity_options(activity_type=7, priority=None),
        "activity_type must be a str or None, not 7",
    ),
    (lambda client: client.get_activity_handle("7").pause(reason=5), "reason must be a str or None, not 5"),
    (lambda client: client.get_activity_handle("7").cancel(reason=5), "reason must be a str or None, not 5"),
    (lambda client: alone(client, id=5), "id must be a str, not 5"),
    (lambda client: alone(client, start_to_close_timeout=5), "start_to_close_timeout must be a timedelta"),
    (lambda client: alone(client, retry_policy=5), "retry_policy must be a RetryPolicy or None, not 5"),
    (lambda client: alone(client, search_attributes={"a": ["b"]}), "search_attributes must be a TypedSearchAttributes"),
    (lambda client: alone(client, summary=5), "summary must be a str or None, not 5"),
    (lambda client: client.deployment("shop").set_current_version(5), "build_id must be a str or None, not 5"),
    (lambda client: client.deployment("shop").set_ramping_version("2", "50"), "percentage must be a number, not '50'"),
    (lambda client: client.deployment(5).describe(), "name must be a str, not 5"),
    (
        lambda client: client.get_workflow_handle("wf").update_options(versioning_override="shop.1"),
        "versioning_override must be a VersioningOverride or None, not 'shop.1'",
    ),
    (
        lambda client: PinnedVersioningOverride("shop.1"),  # type: ignore[arg-type]  # what is tested
        "version must be a WorkerDeploymentVersion, not 'shop.1'",
    ),
]


def alone(client: Client, **wrong: Any) -> Awaitable[Any]:
    """Start an activity without a workflow."""
    options: dict[str, Any] = {"id": "7", "task_queue": "q", "start_to_close_timeout": timedelta(seconds=5)}
    return client.start_activity("work", **options | wrong)


@pytest.mark.parametrize(("call", "message"), WRONG)
async def test_what_has_another_type_is_named_and_not_sent(call: Callable[[Any], Any], message: str) -> None:
    client, transport = accepting()
    with pytest.raises(ConfigurationError) as error:
        await call(client)
    assert message in str(error.value)
    assert transport.asked == []


async def test_operations_need_one_name_and_tell_what_is_not_there() -> None:
    client, transport = accepting()
    handle = client.get_workflow_handle("wf")
    with pytest.raises(ValueError, match="activity_type"):
        await handle.pause_activity()
    with pytest.raises(ValueError, match="activity_type"):
        await handle.reset_activity("7", activity_type="work")
    assert transport.asked == []
    with pytest.raises(WorkflowNotFoundError):
        await refusing("NOT_FOUND").get_workflow_handle("wf").pause_activity("7")
