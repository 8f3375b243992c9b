"""What the client makes of calls: commands, and results or exceptions of the answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from foldlog import converter
from foldlog.client import (
    Client,
    PendingActivityState,
    WorkflowContinuedAsNewError,
    WorkflowExecution,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
)
from foldlog.common import (
    Priority,
    QueryRejectCondition,
    RetryPolicy,
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from foldlog.exceptions import (
    ApplicationError,
    ConfigurationError,
    FailedPreconditionError,
    InvalidArgumentError,
    RPCError,
    WorkflowAlreadyStartedError,
    WorkflowNotFoundError,
)
from foldlog.schemas import command, event, reply
from foldlog.schemas.common import ParentExecution, Payload
from foldlog.schemas.records import Reply
from foldlog.schemas.visibility import WorkflowVisibility

from .scripted import ScriptedTransport
from .workflows import NoParam, OneParam, Order, TwoParams


def payload(value: Any) -> Payload:
    return converter.PayloadConverter.default.to_payload(value)


def accepted(workflow_id: str, wanted: Any) -> Reply:
    return reply.Accepted(correlation_id=0, run_id="run-1", started=True)


def client_with(answer: Any) -> tuple[Client, ScriptedTransport]:
    transport = ScriptedTransport(answer)
    return Client(transport, identity="me"), transport


@pytest.mark.parametrize("task_queue", ["two words", "x" * 250])
async def test_a_start_whose_queue_can_have_no_topic_is_refused_before_it_is_sent(task_queue: str) -> None:
    client, transport = client_with(accepted)
    with pytest.raises(ConfigurationError, match="task queue"):
        await client.start_workflow("Order", id="order-1", task_queue=task_queue)
    assert transport.asked == []


@pytest.mark.parametrize(("workflow_type", "workflow_id"), [("", "order-1"), ("Order", "")])
async def test_a_start_without_a_name_is_refused_before_it_is_sent(workflow_type: str, workflow_id: str) -> None:
    client, transport = client_with(accepted)
    with pytest.raises(ValueError, match="a workflow needs"):
        await client.start_workflow(workflow_type, id=workflow_id, task_queue="q")
    assert transport.asked == []


async def test_start_says_what_was_given() -> None:
    client, transport = client_with(accepted)
    handle = await client.start_workflow(
        OneParam.run,
        Order("book", 2),
        id="order-1",
        task_queue="q",
        execution_timeout=timedelta(seconds=90),
        run_timeout=timedelta(milliseconds=1.5),
        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        memo={"why": "test"},
        request_id="request",
        rpc_timeout=timedelta(seconds=3),
    )
    assert (handle.id, handle.run_id, handle.result_run_id) == ("order-1", None, "run-1")
    assert handle.first_execution_run_id == "run-1"
    [(how, workflow_id, sent)] = transport.asked
    assert (how, workflow_id, transport.waits) == ("ask", "order-1", [3.0])
    assert sent.workflow_type == "orders"
    assert [one.data for one in sent.args] == [b'{"item":"book","count":2}']
    assert (sent.execution_timeout_ms, sent.run_timeout_ms) == (90_000, 2)
    assert (sent.id_reuse_policy, sent.id_conflict_policy) == ("REJECT_DUPLICATE", "USE_EXISTING")
    assert (sent.request_id, sent.identity, sent.task_queue) == ("request", "me", "q")
    assert {key: value.data for key, value in sent.memo.items()} == {"why": b'"test"'}
    assert not sent.await_result


@pytest.mark.parametrize(
    ("started", "options", "eager"),
    [
        (True, {"request_eager_start": True}, True),
        (True, {}, False),
        (False, {"request_eager_start": True}, False),
        (True, {"request_eager_start": True, "start_delay": timedelta(minutes=1)}, False),
    ],
)
async def test_a_handle_says_whether_the_start_was_eager(started: bool, options: dict[str, Any], eager: bool) -> None:
    client, _ = client_with(lambda *_: reply.Accepted(correlation_id=0, run_id="run", started=started))
    handle = await client.start_workflow("x", id="a", task_queue="q", **options)
    assert getattr(handle, "__temporal_eagerly_started") is eager


async def test_start_says_what_follows_and_how_it_is_shown() -> None:
    client, transport = client_with(accepted)
    city = SearchAttributeKey.for_keyword("city")
    await client.start_workflow(
        "x",
        id="a",
        task_queue="q",
        retry_policy=RetryPolicy(maximum_attempts=3),
        cron_schedule="0 9 * * MON",
        search_attributes=TypedSearchAttributes([SearchAttributePair(city, "Bonn")]),
        static_summary="one line",
        static_details="several\nlines",
        priority=Priority(priority_key=1),
        task_timeout=timedelta(seconds=10),
        request_eager_start=True,
        rpc_metadata={"a": "b"},
        versioning_override=None,
    )
    await client.start_workflow(
        "x", id="a", task_queue="q", start_delay=timedelta(minutes=1), priority=Priority.default
    )
    (_, _, first), (_, _, second) = transport.asked
    options = first.options
    assert (options.retry_policy.maximum_attempts, options.cron_schedule) == (3, "0 9 * * MON")
    assert options.search_attributes["city"].metadata == {"type": b"Keyword"}
    assert (options.summary.data, options.details.data) == (b'"one line"', b'"several\\nlines"')
    assert options.priority.priority_key == 1
    assert (second.options, second.start_delay_ms) == (None, 60_000)


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"cron_schedule": "every day"}, "cron schedule 'every day'"),
        ({"cron_schedule": "@daily", "start_delay": timedelta(seconds=1)}, "together"),
        ({"memo": {"m": "x" * 500_001}}, "memo"),
        ({"static_summary": "x" * 5_000}, "static_summary"),
    ],
)
async def test_options_that_cannot_be_are_refused_here(wrong: dict[str, Any], match: str) -> None:
    client, transport = client_with(accepted)
    with pytest.raises(InvalidArgumentError, match=match):
        await client.start_workflow("x", id="a", task_queue="q", **wrong)
    assert transport.asked == []


async def test_untyped_search_attributes_are_deprecated() -> None:
    client, transport = client_with(accepted)
    with pytest.warns(DeprecationWarning, match="TypedSearchAttributes"):
        await client.start_workflow("x", id="a", task_queue="q", search_attributes={"city": ["Bonn"]})
    assert transport.asked[0][2].options.search_attributes["city"].metadata == {"type": b"Keyword"}


async def test_the_result_of_a_chain_is_that_of_its_last_run() -> None:
    def answer(workflow_id: str, wanted: Any) -> Reply:
        if getattr(wanted, "run_id", "") == "second":
            return reply.WorkflowResult(correlation_id=0, run_id="second", status="COMPLETED", result=payload(2))
        # An older processor, or one that has forgotten the second run, does not follow the chain itself.
        return reply.WorkflowResult(correlation_id=0, run_id="first", status="FAILED", new_run_id="second")

    client, _ = client_with(answer)
    assert await client.execute_workflow("x", id="a", task_queue="q") == 2
    assert await client.get_workflow_handle("a", run_id="first").result() == 2


async def test_a_run_that_was_there_is_not_the_first_of_a_chain_of_ours() -> None:
    client, _ = client_with(lambda *_: reply.Accepted(correlation_id=0, run_id="run-1", started=False))
    handle = await client.start_workflow(NoParam.run, id="a", task_queue="q")
    assert (handle.result_run_id, handle.first_execution_run_id) == ("run-1", None)


async def test_each_start_has_a_request_id_of_its_own() -> None:
    client, transport = client_with(accepted)
    for _ in range(2):
        await client.start_workflow(NoParam.run, id="a", task_queue="q")
    first, second = (sent.request_id for _, _, sent in transport.asked)
    assert first
    assert first != second


async def test_arguments_are_none_one_or_several() -> None:
    client, transport = client_with(accepted)
    await client.start_workflow(NoParam.run, id="a", task_queue="q")
    await client.start_workflow("x", None, id="a", task_queue="q")
    await client.start_workflow(TwoParams.run, args=["a", 2], id="a", task_queue="q")
    assert [len(sent.args) for _, _, sent in transport.asked] == [0, 1, 2]
    with pytest.raises(ValueError, match="not both"):
        await client.start_workflow("x", 1, args=[2], id="a", task_queue="q")


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"id": ""}, "ID"),
        ({"task_queue": ""}, "task queue"),
        ({"run_timeout": timedelta(seconds=-1)}, "run_timeout"),
        ({"execution_timeout": timedelta(seconds=-1)}, "execution_timeout"),
    ],
)
async def test_impossible_starts_are_refused_here(wrong: dict[str, Any], match: str) -> None:
    client, transport = client_with(accepted)
    with pytest.raises(ValueError, match=match):
        await client.start_workflow("x", **{"id": "a", "task_queue": "q", **wrong})
    assert transport.asked == []


async def test_unknown_options_are_refused() -> None:
    client, _ = client_with(accepted)
    options: dict[str, Any] = {"id": "a", "task_queue": "q", "cron": "* * * * *"}
    with pytest.raises(TypeError, match="cron"):
        await client.start_workflow("x", **options)


async def test_execute_is_one_question() -> None:
    result = reply.WorkflowResult(correlation_id=0, run_id="r", status="COMPLETED", result=payload(Order("book", 2)))
    client, transport = client_with(lambda *_: result)
    assert await client.execute_workflow(OneParam.run, Order("x", 1), id="a", task_queue="q") == Order("book", 2)
    [(how, _, sent)] = transport.asked
    assert (how, sent.await_result) == ("poll", True)


async def test_result_type_by_name() -> None:
    result = reply.WorkflowResult(correlation_id=0, run_id="r", status="COMPLETED", result=payload(Order("book", 2)))
    client, _ = client_with(lambda *_: result)
    assert await client.execute_workflow("orders", id="a", task_queue="q") == {"item": "book", "count": 2}
    typed = await client.execute_workflow("orders", id="a", task_queue="q", result_type=Order)
    assert typed == Order("book", 2)


async def test_a_failed_workflow_raises_its_failure() -> None:
    error = ApplicationError("no money", 7, type="Declined")
    failure = await converter.default().encode_failure(error)
    result = reply.WorkflowResult(correlation_id=0, run_id="r", status="FAILED", failure=failure)
    client, _ = client_with(lambda *_: result)
    with pytest.raises(WorkflowFailureError, match="no money") as failed:
        await client.get_workflow_handle("a").result()
    cause = failed.value.cause
    assert isinstance(cause, ApplicationError)
    assert (cause.type, cause.message, list(cause.details)) == ("Declined", "no money", [7])


async def test_results_follow_runs_unless_told_otherwise() -> None:
    def answer(workflow_id: str, wanted: command.AwaitResult) -> Reply:
        if wanted.run_id == "r2":
            return reply.WorkflowResult(correlation_id=0, run_id="r2", status="COMPLETED", result=payload(5))
        return reply.WorkflowResult(correlation_id=0, run_id="r1", status="CONTINUED_AS_NEW", new_run_id="r2")

    client, transport = client_with(answer)
    assert await client.get_workflow_handle("a").result() == 5
    assert [sent.run_id for _, _, sent in transport.asked] == ["", "r2"]
    with pytest.raises(WorkflowContinuedAsNewError) as continued:
        await client.get_workflow_handle("a").result(follow_runs=False)
    assert continued.value.new_execution_run_id == "r2"


async def test_signal_and_query_by_reference_and_by_name() -> None:
    def answer(workflow_id: str, wanted: Any) -> Reply:
        if isinstance(wanted, command.QueryWorkflow):
            return reply.QueryAnswer(correlation_id=0, result=payload(Order("book", 2)))
        return accepted(workflow_id, wanted)

    client, transport = client_with(answer)
    handle = client.get_workflow_handle_for(OneParam.run, "a", run_id="r")
    await handle.signal(OneParam.add, 3)
    await handle.signal("other", args=[1, 2], request_id="mine")
    assert await handle.query(OneParam.item_at, 1) == Order("book", 2)
    assert await handle.query("item", 1, reject_condition=QueryRejectCondition.NOT_OPEN) == {"item": "book", "count": 2}
    sent = [one for _, _, one in transport.asked]
    assert [one.run_id for one in sent] == ["r"] * 4
    assert (sent[0].signal_name, [arg.data for arg in sent[0].args]) == ("add-item", [b"3"])
    assert (sent[1].signal_name, len(sent[1].args), sent[1].request_id) == ("other", 2, "mine")
    assert (sent[2].query_type, sent[2].reject_condition) == ("item", "NONE")
    assert sent[3].reject_condition == "NOT_OPEN"


async def test_cancel_and_terminate() -> None:
    client, transport = client_with(accepted)
    handle = client.get_workflow_handle("a", first_execution_run_id="f")
    await handle.cancel(reason="enough")
    await handle.terminate("detail", reason="really")
    [(_, _, cancel), (_, _, terminate)] = transport.asked
    assert (type(cancel), cancel.reason, cancel.first_execution_run_id) == (command.CancelWorkflow, "enough", "f")
    assert (type(terminate), terminate.reason) == (command.TerminateWorkflow, "really")
    assert [one.data for one in terminate.details] == [b'"detail"']
    assert cancel.request_id
    assert terminate.request_id


@pytest.mark.parametrize(("code", "closed"), [("NOT_FOUND", False), ("ALREADY_CLOSED", True)])
async def test_a_closed_workflow_can_be_told_from_one_that_is_not_there(
    code: reply.RejectionCode, closed: bool
) -> None:
    client, _ = client_with(lambda *_: reply.Rejected(correlation_id=0, code=code, message="because"))
    with pytest.raises(WorkflowNotFoundError) as refused:
        await client.get_workflow_handle("order-1").signal("approve")
    assert refused.value.closed is closed


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("NOT_FOUND", WorkflowNotFoundError),
        ("ALREADY_CLOSED", WorkflowNotFoundError),
        ("ALREADY_STARTED", WorkflowAlreadyStartedError),
        ("INVALID_ARGUMENT", InvalidArgumentError),
        ("FAILED_PRECONDITION", FailedPreconditionError),
        ("QUERY_REJECTED", WorkflowQueryRejectedError),
        ("QUERY_FAILED", WorkflowQueryFailedError),
        ("UNSPECIFIED", RPCError),
    ],
)
async def test_each_refusal_is_an_exception(code: reply.RejectionCode, error: type[Exception]) -> None:
    refusal = reply.Rejected(correlation_id=0, code=code, message="because", run_id="r", status="FAILED")
    client, _ = client_with(lambda *_: refusal)
    with pytest.raises(error) as refused:
        await client.start_workflow("x", id="a", task_queue="q")
    if code == "ALREADY_STARTED":
        assert isinstance(refused.value, WorkflowAlreadyStartedError)
        assert (refused.value.workflow_id, refused.value.workflow_type, refused.value.run_id) == ("a", "x", "r")
    else:
        assert "because" in str(refused.value)
    with pytest.raises(error):
        await client.execute_workflow("x", id="a", task_queue="q")


async def test_a_failed_query_has_what_the_handler_raised() -> None:
    failure = await converter.default().encode_failure(ValueError("no such item"))
    client, _ = client_with(
        lambda *_: reply.Rejected(correlation_id=0, code="QUERY_FAILED", message="no such item", failure=failure)
    )
    with pytest.raises(WorkflowQueryFailedError, match="no such item") as failed:
        await client.get_workflow_handle("a").query("item")
    assert isinstance(failed.value.__cause__, ApplicationError)


async def test_an_answer_that_does_not_fit_is_told() -> None:
    client, _ = client_with(lambda *_: reply.QueryAnswer(correlation_id=0, result=payload(1)))
    with pytest.raises(RPCError, match="QueryAnswer"):
        await client.get_workflow_handle("a").signal("s")


async def test_describe() -> None:
    pending = reply.PendingActivity(
        activity_id="1",
        activity_type="pay",
        task_queue="q",
        state="BACKOFF",
        attempt=3,
        scheduled_ms=1_000,
        next_attempt_ms=9_000,
        last_failure=await converter.default().encode_failure(ApplicationError("declined")),
        heartbeat_details=[payload(42)],
    )
    found = reply.Description(
        correlation_id=0,
        run_id="r",
        workflow_type="orders",
        task_queue="q",
        status="RUNNING",
        start_ms=1_500,
        history_length=7,
        history_size=900,
        memo={"why": payload("test")},
        stalled_error="boom",
        stalled_attempts=2,
        pending_activities=[pending],
        parent=ParentExecution(namespace="n", workflow_id="p", run_id="pr", initiated_event_id=2),
        pending_children=[reply.PendingChild(workflow_id="c", workflow_type="Parcel", initiated_event_id=3)],
        pending_timers=[reply.PendingTimer(timer_id=1, fire_ms=60_000)],
    )
    client, _ = client_with(lambda *_: found)
    description = await client.get_workflow_handle("a").describe()
    assert (description.parent_namespace, description.parent_id, description.parent_run_id) == ("n", "p", "pr")
    assert (description.root_id, description.root_run_id) == ("p", "pr")
    (child,) = description.pending_children
    assert (child.workflow_id, child.run_id, child.namespace) == ("c", None, None)
    assert (description.id, description.run_id, description.status) == ("a", "r", WorkflowExecutionStatus.RUNNING)
    assert description.start_time == datetime.fromtimestamp(1.5, UTC)
    assert (description.close_time, description.execution_expiration_time) == (None, None)
    assert (description.stalled_error, description.stalled_attempts) == ("boom", 2)
    assert await description.memo() == {"why": "test"}
    assert await description.memo_value("why", type_hint=str) == "test"
    assert await description.memo_value("else", None) is None
    with pytest.raises(KeyError, match="else"):
        await description.memo_value("else")
    message = description.raw_description
    assert [(each.activity_type.name, each.state, each.attempt) for each in message.pending_activities] == [
        ("pay", 1, 3)
    ]
    assert [(each.workflow_id, each.workflow_type_name) for each in message.pending_children] == [("c", "Parcel")]
    info = message.workflow_execution_info
    assert (info.execution.workflow_id, info.execution.run_id, info.type.name) == ("a", "r", "orders")
    assert (info.status, info.history_length, info.root_execution.workflow_id) == (1, 7, "p")
    assert (info.parent_execution.run_id, message.execution_config.task_queue.name) == ("pr", "q")
    [activity] = description.pending_activities
    assert (activity.state, activity.attempt, activity.started_time) == (PendingActivityState.BACKOFF, 3, None)
    assert activity.next_attempt_time == datetime.fromtimestamp(9, UTC)
    assert str(await activity.last_failure()) == "declined"
    assert await activity.heartbeat_details() == [42]
    [timer] = description.pending_timers
    assert timer.fire_time == datetime.fromtimestamp(60, UTC)


async def test_history_is_asked_for_page_by_page_of_one_run() -> None:
    events = [
        event.TimerFired(run_id="r", event_id=number, time_ms=number, timer_id=number, started_event_id=1)
        for number in range(1, 6)
    ]

    def answer(workflow_id: str, wanted: command.GetHistory) -> Reply:
        page = events[wanted.first_event_id - 1 :][:2]
        following = page[-1].event_id + 1 if page[-1].event_id < 5 else 0
        encoded = [client.transport.codec.encode(one) for one in page]
        return reply.HistoryPage(correlation_id=0, run_id="r", events=encoded, next_event_id=following)

    client, transport = client_with(answer)
    history = await client.get_workflow_handle("a").fetch_history()
    assert (history.workflow_id, history.run_id, history.events) == ("a", "r", events)
    assert [(sent.run_id, sent.first_event_id) for _, _, sent in transport.asked] == [("", 1), ("r", 3), ("r", 5)]


async def test_lists_are_filtered_and_the_newest_come_first() -> None:
    def row(workflow_id: str, start_ms: int, status: str = "RUNNING", workflow_type: str = "a") -> WorkflowVisibility:
        return WorkflowVisibility(
            workflow_id=workflow_id,
            run_id="r",
            workflow_type=workflow_type,
            task_queue="q",
            status=status,
            start_ms=start_ms,
            history_length=1,
            partition=0,
        )

    client, transport = client_with(accepted)
    transport.rows = [row("x-1", 1), row("x-2", 3), row("y-1", 2, "FAILED"), row("y-2", 4, workflow_type="b")]

    async def ids(**filters: Any) -> list[str]:
        return [found.id async for found in client.list_workflows(**filters)]

    assert await ids() == ["y-2", "x-2", "y-1", "x-1"]
    assert await ids(limit=2) == ["y-2", "x-2"]
    assert await ids(status=WorkflowExecutionStatus.FAILED) == ["y-1"]
    assert await ids(workflow_type="a", id_prefix="x-") == ["x-2", "x-1"]


async def test_leaving_the_block_closes_the_connection() -> None:
    client, transport = client_with(accepted)
    async with client as same:
        assert same is client
    assert transport.closed


def test_a_row_of_the_list_names_parent_and_root() -> None:
    row = WorkflowVisibility(
        workflow_id="c",
        run_id="r",
        workflow_type="Parcel",
        task_queue="q",
        status="RUNNING",
        start_ms=1_000,
        history_length=1,
        partition=0,
        parent_namespace="n",
        parent_workflow_id="p",
        parent_run_id="pr",
        root_workflow_id="top",
        root_run_id="tr",
    )
    child = WorkflowExecution("c", row, converter.default())
    assert (child.parent_namespace, child.parent_id, child.parent_run_id) == ("n", "p", "pr")
    assert (child.root_id, child.root_run_id) == ("top", "tr")
    row.parent_namespace = row.parent_workflow_id = row.parent_run_id = row.root_workflow_id = row.root_run_id = ""
    topmost = WorkflowExecution("c", row, converter.default())
    assert (topmost.parent_id, topmost.root_id, topmost.root_run_id) == (None, "c", topmost.run_id)
