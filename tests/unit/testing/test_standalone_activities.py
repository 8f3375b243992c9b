"""Activities that a client starts without a workflow, in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog.client import (
    ActivityExecutionStatus,
    ActivityFailureError,
    ActivityHandle,
    ActivityOptionsKeys,
    Client,
    Interceptor,
    OutboundInterceptor,
    PendingActivityState,
    RPCError,
    RPCStatusCode,
)
from foldlog.common import (
    ActivityIDConflictPolicy,
    ActivityIDReusePolicy,
    Priority,
    QueryRejectCondition,
    RetryPolicy,
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
)
from foldlog.converter import DataConverter
from foldlog.converter.encryption import AESGCMCodec
from foldlog.exceptions import (
    ActivityAlreadyStartedError,
    ApplicationError,
    CancelledError,
    ConfigurationError,
    InvalidArgumentError,
    TerminatedError,
    TimeoutError,
    TimeoutType,
)
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker

from tests.unit.testing.test_serialization_context import MarkingCodec, MarkingConverter, MarkingFailures
from tests.until import until_asked

QUEUE = "q"
SECOND = timedelta(seconds=1)
LIMIT = timedelta(seconds=60)
ONCE = RetryPolicy(maximum_attempts=1)
CITY = SearchAttributeKey.for_keyword("city")
STATUS = ActivityExecutionStatus
KEYS = ActivityOptionsKeys


@activity.defn
async def double(number: int) -> int:
    return number * 2


@activity.defn
async def join(left: str, right: str) -> str:
    return left + right


@activity.defn
async def about() -> dict[str, Any]:
    info = activity.info()
    return {
        "ids": [info.activity_id, info.workflow_id, info.workflow_run_id, info.workflow_type],
        "in_workflow": info.in_workflow,
        "run_id": info.activity_run_id,
        "key": info.idempotency_key,
        "priority": info.priority.priority_key,
    }


@activity.defn
async def broken(text: str) -> None:
    if activity.info().attempt < 2:
        raise ApplicationError("at first")
    raise ApplicationError("no", text, type="No", non_retryable=True)


@activity.defn
async def patient(text: str) -> str:
    while True:
        activity.heartbeat(text)
        await asyncio.sleep(0.01)


@activity.defn
async def from_outside() -> None:
    activity.raise_complete_async()


@activity.defn
async def second_try() -> list[Any]:
    """Fails once; then says what it knows of its options."""
    info = activity.info()
    if info.attempt == 1:
        raise ApplicationError("once")
    seconds = [limit and limit.total_seconds() for limit in (info.heartbeat_timeout, info.start_to_close_timeout)]
    return [*seconds, info.priority.priority_key, info.priority.fairness_key]


class Tools:
    @activity.defn
    async def shout(self, text: str) -> str:
        return text.upper()


@activity.defn
class Hum:
    async def __call__(self) -> str:
        return "hm"


@workflow.defn
class Other:
    """Workers that run any workflow see to activities without one."""

    @workflow.run
    async def run(self) -> None: ...


ACTIVITIES: list[Callable[..., Any]] = [double, join, about, broken, patient, from_outside, second_try]
ACTIVITIES += [Tools().shout, Hum()]
CONVERTERS = {
    "default": DataConverter.default,
    "coded": DataConverter(payload_codec=AESGCMCodec({"k": b"k" * 32})),
    "told": DataConverter(
        payload_converter_class=MarkingConverter,
        payload_codec=MarkingCodec(),
        failure_converter_class=MarkingFailures,
    ),
}


@pytest.fixture(params=["default", "coded"])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    converter = CONVERTERS[request.param]
    async with await WorkflowEnvironment.start_time_skipping(data_converter=converter) as env:
        worker = Worker(
            env.client,
            task_queue=QUEUE,
            workflows=[Other],
            activities=ACTIVITIES,
            max_heartbeat_throttle_interval=SECOND / 100,
        )
        async with worker:
            yield env.client


def options(id: str, **others: Any) -> Any:
    return {"id": id, "task_queue": QUEUE, "start_to_close_timeout": LIMIT, **others}


async def started(handle: ActivityHandle[Any]) -> Any:
    async def running() -> Any:
        found = await handle.describe()
        return found if found.last_heartbeat_time is not None else None

    return await until_asked(running, "a heartbeat")


async def test_results(client: Client) -> None:
    assert await client.execute_activity(double, 21, **options("a")) == 42
    assert await client.execute_activity(join, args=["a", "b"], **options("b")) == "ab"
    assert await client.execute_activity("double", 4, result_type=int, **options("c")) == 8
    handle = await client.start_activity(double, 2, **options("d", summary="in short"))
    assert (handle.id, await handle.result(), await handle.result()) == ("d", 4, 4)
    again = client.get_activity_handle("d", run_id=handle.run_id, result_type=int)
    assert await again.result() == 4


async def test_what_its_code_is_told(client: Client) -> None:
    handle = await client.start_activity(about, **options("mine", priority=Priority(priority_key=2)))
    assert await handle.result() == {
        "ids": ["mine", None, None, None],
        "in_workflow": False,
        "run_id": handle.run_id,
        "key": f"mine/{handle.run_id}",
        "priority": 2,
    }


async def test_failures(client: Client) -> None:
    retries = RetryPolicy(initial_interval=SECOND)
    handle = await client.start_activity(broken, "why", **options("a", retry_policy=retries))
    with pytest.raises(ActivityFailureError) as failed:
        await handle.result()
    cause = failed.value.cause
    assert isinstance(cause, ApplicationError)
    assert (cause.message, cause.type, cause.details) == ("no", "No", ("why",))
    assert (await handle.describe()).status is STATUS.FAILED
    config = client.config()
    config["default_workflow_query_reject_condition"] = QueryRejectCondition.NOT_OPEN
    assert (await Client(**config).get_activity_handle("a").describe()).status is STATUS.FAILED
    with pytest.raises(ActivityFailureError) as failed:
        await client.execute_activity("nowhere", **options("b", retry_policy=ONCE))
    assert "nowhere" in str(failed.value.cause)
    late = await client.start_activity(
        double, 1, id="c", task_queue="nobody", schedule_to_close_timeout=LIMIT, schedule_to_start_timeout=SECOND
    )
    with pytest.raises(ActivityFailureError) as failed:
        await late.result()
    assert isinstance(failed.value.cause, TimeoutError)
    assert failed.value.cause.type is TimeoutType.SCHEDULE_TO_START
    assert (await late.describe()).status is STATUS.TIMED_OUT


async def test_it_is_cancelled_and_terminated(client: Client) -> None:
    for id, ended, status in (("c", CancelledError, STATUS.CANCELED), ("t", TerminatedError, STATUS.TERMINATED)):
        handle = await client.start_activity(patient, "on", **options(id, heartbeat_timeout=LIMIT))
        found = await started(handle)
        assert (found.status, found.activity_type, found.task_queue) == (STATUS.RUNNING, "patient", QUEUE)
        assert await found.heartbeat_details() is None, "nobody has asked for that"
        found = await handle.describe(include_heartbeat_details=True)
        assert (await found.heartbeat_details(), found.heartbeat_timeout, found.attempt) == (["on"], LIMIT, 1)
        await (handle.cancel(reason="enough") if id == "c" else handle.terminate(reason="enough"))
        with pytest.raises(ActivityFailureError) as failed:
            await handle.result()
        assert isinstance(failed.value.cause, ended)
        found = await handle.describe()
        assert (found.status, found.run_state, found.close_time is None) == (status, None, False)
        assert found.canceled_reason == ("enough" if id == "c" else None)
        await handle.cancel()  # in vain
        with pytest.raises(RPCError, match=f"activity '{id}' has ended") as refused:
            await handle.terminate()
        assert refused.value.status is RPCStatusCode.NOT_FOUND


async def test_methods_and_classes(client: Client) -> None:
    assert await client.execute_activity_method(Tools.shout, "a", **options("m")) == "A"
    assert await (await client.start_activity_method(Tools.shout, args=["b"], **options("n"))).result() == "B"
    assert await client.execute_activity_class(Hum, **options("c")) == "hm"
    assert await (await client.start_activity_class(Hum, **options("d"))).result() == "hm"


async def test_its_options_are_changed_and_taken_back(client: Client) -> None:
    daily = RetryPolicy(initial_interval=SECOND * 86400)
    given = options("u", retry_policy=daily, heartbeat_timeout=LIMIT, priority=Priority(priority_key=1))
    handle = await client.start_activity(second_try, **given)

    async def waits() -> bool:
        return (await handle.describe()).next_attempt_schedule_time is not None

    await until_asked(waits, "it waits for its second attempt")
    changed = await handle.update_options(
        [
            KEYS.task_queue.value_set("elsewhere"),
            KEYS.start_to_close_timeout.value_set(LIMIT * 2),
            KEYS.heartbeat_timeout.value_unset(),
            KEYS.retry_policy.value_unset(),
            KEYS.priority.value_set(Priority(priority_key=5, fairness_key="ada")),
        ]
    )
    assert (changed.task_queue, changed.start_to_close_timeout) == ("elsewhere", LIMIT * 2)
    assert (changed.heartbeat_timeout, changed.start_delay) == (None, None)
    assert changed.retry_policy == RetryPolicy()
    assert changed.priority == Priority(priority_key=5, fairness_key="ada")
    found = await handle.describe()
    assert (found.task_queue, found.priority, found.heartbeat_timeout) == ("elsewhere", changed.priority, None)
    changed = await handle.update_options([KEYS.task_queue.value_set(QUEUE)])
    assert (changed.task_queue, changed.start_to_close_timeout) == (QUEUE, LIMIT * 2)
    assert await handle.result() == [None, (LIMIT * 2).total_seconds(), 5, "ada"]
    with pytest.raises(RPCError) as refused:
        await handle.update_options([KEYS.heartbeat_timeout.value_set(LIMIT)])
    assert refused.value.status is RPCStatusCode.NOT_FOUND
    other = await client.start_activity(second_try, **(given | {"id": "o"}))
    await other.update_options([KEYS.heartbeat_timeout.value_set(LIMIT * 3)])
    restored = await other.restore_original_options()
    assert (restored.heartbeat_timeout, restored.retry_policy, restored.priority) == (
        LIMIT,
        daily,
        Priority(priority_key=1),
    )
    assert await other.result() == [LIMIT.total_seconds(), LIMIT.total_seconds(), 1, None]


@pytest.mark.parametrize(
    ("updates", "match"),
    [
        ([], "at least one update"),
        ([KEYS.priority.value_unset(), KEYS.priority.value_unset()], "more than one update for priority"),
        ([KEYS.start_delay.value_set(LIMIT)], "start_delay of an activity that has begun"),
        ([KEYS.task_queue.value_unset()], "cannot be unset"),
    ],
)
async def test_options_that_cannot_be_changed_so(updates: list[Any], match: str) -> None:
    async with await WorkflowEnvironment.start_time_skipping() as env:
        with pytest.raises(ValueError, match=match):
            await env.client.get_activity_handle("a").update_options(updates)


@pytest.mark.parametrize(
    "update",
    [
        KEYS.task_queue.value_set(5),  # type: ignore[arg-type]  # that is what is tested, here and below
        KEYS.heartbeat_timeout.value_set(5),  # type: ignore[arg-type]
        KEYS.retry_policy.value_set(LIMIT),  # type: ignore[arg-type]
        KEYS.priority.value_set(1),  # type: ignore[arg-type]
        KEYS.priority,
    ],
)
async def test_options_of_the_wrong_type(update: Any) -> None:
    async with await WorkflowEnvironment.start_time_skipping() as env:
        with pytest.raises(TypeError, match=r"must be a|made by a key"):
            await env.client.get_activity_handle("a").update_options([update])


async def test_one_that_nobody_takes_is_moved_to_another_queue(client: Client) -> None:
    handle = await client.start_activity(double, 1, id="moved", task_queue="nobody", schedule_to_close_timeout=LIMIT)
    changed = await handle.update_options([KEYS.task_queue.value_set(options("x")["task_queue"])])
    assert changed.task_queue == options("x")["task_queue"]
    assert await handle.result() == 2


async def test_it_is_paused(client: Client) -> None:
    handle = await client.start_activity(double, 1, **options("p", start_delay=SECOND * 3600))
    found = await handle.describe()
    assert (found.status, found.activity_type, found.run_state) == (STATUS.RUNNING, "double", None)
    with pytest.raises(RPCError):
        await handle.pause()  # it is not scheduled yet
    waiting = await client.start_activity(double, 1, id="w", task_queue="nobody", schedule_to_close_timeout=LIMIT)
    await waiting.pause(reason="wait")
    paused = await waiting.describe()
    assert (paused.status, paused.run_state) == (STATUS.PAUSED, PendingActivityState.PAUSED)
    await waiting.unpause()
    unpaused = await waiting.describe()
    assert (unpaused.status, unpaused.run_state) == (STATUS.RUNNING, PendingActivityState.SCHEDULED)
    assert await handle.result() == 2


async def test_ids(client: Client) -> None:
    first = await client.start_activity(from_outside, **options("a"))
    with pytest.raises(ActivityAlreadyStartedError) as refused:
        await client.start_activity(double, 1, **options("a"))
    assert (refused.value.activity_id, refused.value.run_id) == ("a", first.run_id)
    same = await client.start_activity(
        double, 1, **options("a", id_conflict_policy=ActivityIDConflictPolicy.USE_EXISTING)
    )
    assert same.run_id == first.run_id
    await client.get_async_activity_handle(activity_id="a", run_id=None).complete()
    assert await first.result() is None
    for policy in (ActivityIDReusePolicy.REJECT_DUPLICATE, ActivityIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY):
        with pytest.raises(ActivityAlreadyStartedError):
            await client.start_activity(double, 1, **options("a", id_reuse_policy=policy))
    assert await client.execute_activity(double, 1, **options("a")) == 2
    with pytest.raises(RPCError, match="activity 'nobody' is not known"):
        await client.get_activity_handle("nobody").result()


async def test_lists(client: Client) -> None:
    city = TypedSearchAttributes([SearchAttributePair(CITY, "Bonn")])
    await client.execute_activity(double, 1, **options("a", search_attributes=city))
    await client.start_activity(from_outside, **options("b"))
    found = {each.activity_id: each async for each in client.list_activities()}
    assert {id: (each.activity_type, each.task_queue, each.status) for id, each in found.items()} == {
        "a": ("double", QUEUE, STATUS.COMPLETED),
        "b": ("from_outside", QUEUE, STATUS.RUNNING),
    }
    assert found["a"].typed_search_attributes[CITY] == "Bonn"
    assert found["a"].execution_duration is not None
    assert [row.id async for row in client.list_workflows()] == []
    assert len([each async for each in client.list_activities(limit=1)]) == 1
    assert (await client.count_activities()).count == 2
    for query, ids in (
        ("ActivityType = 'double'", ["a"]),
        ("ActivityId STARTS_WITH 'b' OR city = 'Bonn'", ["b", "a"]),
        (f"TaskQueue = '{QUEUE}' AND ExecutionStatus = 'Running'", ["b"]),
        ("CloseTime IS NOT NULL AND ExecutionDuration < '1h' AND StartTime > '2020-01-01'", ["a"]),
        (f"RunId = '{found['b'].activity_run_id}'", ["b"]),
        ("WorkflowType = 'foldlog.activity'", []),
        ("", ["b", "a"]),
    ):
        assert [each.activity_id async for each in client.list_activities(query)] == ids, query
        assert (await client.count_activities(query)).count == len(ids)
    groups = (await client.count_activities("city IS NULL OR city = 'Bonn' GROUP BY ExecutionStatus")).groups
    assert [(each.count, each.group_values) for each in groups] == [(1, ["Completed"]), (1, ["Running"])]
    for wrong, message in (("ActivityType", "a comparison is missing"), ("ExecutionStatus = 'Odd'", "cannot be 'Odd'")):
        with pytest.raises(InvalidArgumentError, match=message):
            await client.count_activities(wrong)
        with pytest.raises(InvalidArgumentError, match=message):
            client.list_activities(wrong)
    with pytest.raises(InvalidArgumentError, match="ExecutionStatus only"):
        await client.count_activities("GROUP BY ActivityType")


async def test_what_cannot_be_is_refused(client: Client) -> None:
    for wrong, kind, message in (
        ({"id": "", "task_queue": QUEUE, "start_to_close_timeout": LIMIT}, ValueError, "needs an ID"),
        ({"id": "a", "task_queue": QUEUE}, ValueError, "must have start_to_close_timeout or"),
        (options("a", start_delay=-SECOND), ValueError, "non-negative"),
        (options("a") | {"task_queue": "two words"}, ConfigurationError, "task queue 'two words'"),
        (options("a", nosuch=1), TypeError, "no option nosuch"),
    ):
        with pytest.raises(kind, match=message):
            await client.start_activity("double", 1, **wrong)


class Noting(Interceptor):
    """Remembers the calls about activities."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return NotingOutbound(next, self.seen)


class NotingOutbound(OutboundInterceptor):
    def __init__(self, next: OutboundInterceptor, seen: list[str]) -> None:
        super().__init__(next)
        self.seen = seen

    async def start_activity(self, input: Any) -> ActivityHandle[Any]:
        self.seen.append(f"start {input.activity_type}")
        handle = await super().start_activity(input)
        self.run_id = handle.run_id
        return handle

    async def cancel_activity(self, input: Any) -> None:
        self.seen.append(f"cancel {input.reason}")
        await super().cancel_activity(input)

    async def terminate_activity(self, input: Any) -> None:
        self.seen.append(f"terminate {input.reason}")
        await super().terminate_activity(input)

    async def describe_activity(self, input: Any) -> Any:
        self.seen.append("describe")
        return await super().describe_activity(input)

    async def pause_activity(self, input: Any) -> None:
        self.seen.append(f"pause {input.activity_id} {input.id}")
        await super().pause_activity(input)

    async def unpause_activity(self, input: Any) -> None:
        self.seen.append(f"unpause {input.activity_run_id == self.run_id} {input.reason}")
        await super().unpause_activity(input)

    async def update_activity_options(self, input: Any) -> Any:
        names = [update.key.name for update in input.updates]
        self.seen.append(f"update {names} {input.restore_original} {input.rpc_metadata}")
        return await super().update_activity_options(input)

    async def count_activities(self, input: Any) -> Any:
        self.seen.append("count")
        return await super().count_activities(input)

    def list_activities(self, input: Any) -> Any:
        self.seen.append("list")
        return super().list_activities(input)


async def test_interceptors_see_activities_and_converters_are_told_what_they_are() -> None:
    noting = Noting()
    async with await WorkflowEnvironment.start_time_skipping(
        data_converter=CONVERTERS["told"], interceptors=[noting]
    ) as env:
        client = env.client
        async with Worker(client, task_queue=QUEUE, workflows=[Other], activities=ACTIVITIES):
            handle = await client.start_activity(from_outside, **options("a"))
            assert (await handle.describe()).activity_id == "a"
            await handle.pause()
            await handle.unpause(reason="r")
            updates = [KEYS.heartbeat_timeout.value_set(LIMIT)]
            assert (await handle.update_options(updates, rpc_metadata={"k": "v"})).heartbeat_timeout == LIMIT
            assert (await handle.restore_original_options()).heartbeat_timeout is None
            await handle.cancel(reason="c")
            await handle.terminate(reason="t")
            assert (await client.count_activities()).count == 1
            assert [each.activity_id async for each in client.list_activities()] == ["a"]
            with pytest.raises(ActivityFailureError):
                await handle.result()
            with pytest.raises(AssertionError, match="written for activity default None b double"):
                # Its type is not known to whoever has only its ID, and these converters want all of it.
                await client.execute_activity(double, 1, **options("b"))
    assert noting.seen == [
        "start from_outside",
        "describe",
        "pause a None",
        "unpause True r",
        "update ['heartbeat_timeout'] False {'k': 'v'}",
        "update [] True {}",
        "cancel c",
        "terminate t",
        "count",
        "list",
        "start double",
    ]
