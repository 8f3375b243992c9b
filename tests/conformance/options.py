"""Scenarios of options whose effect is seen in what a worker does, and of those that have none. They bring workers."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog.client import (
    Client,
    Interceptor,
    OutboundInterceptor,
    StartWorkflowInput,
    WorkflowFailureError,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from foldlog.common import RetryPolicy
from foldlog.converter import DataConverter, DefaultFailureConverter, PayloadConverter
from foldlog.exceptions import ActivityError, ApplicationError
from foldlog.schemas.common import Failure
from foldlog.sensor import Sensor
from foldlog.worker import Worker

from tests.conformance.scenarios import QUEUE, REMOTE, SOON, Place, Scenario, names
from tests.conformance.workers import Slots, logged, start, worker_of

LIMIT = timedelta(seconds=60)
ONCE = RetryPolicy(maximum_attempts=1)
SHORTLY = timedelta(milliseconds=60)


# ---- heartbeats


@activity.defn
async def beat(seconds: float) -> int:
    """Beats far more often than any worker passes on; says how often."""
    end, beats = asyncio.get_running_loop().time() + seconds, 0
    while asyncio.get_running_loop().time() < end:
        activity.heartbeat(beats)
        beats += 1
        await asyncio.sleep(0.002)
    return beats


@workflow.defn
class Beating:
    """Runs one activity that beats."""

    @workflow.run
    async def run(self, queue: str, seconds: float, heartbeat_timeout: float | None) -> int:
        return await workflow.execute_activity(
            beat,
            seconds,
            task_queue=queue,
            start_to_close_timeout=LIMIT,
            heartbeat_timeout=None if heartbeat_timeout is None else timedelta(seconds=heartbeat_timeout),
        )


async def heartbeats_are_held_back_for_as_long_as_workers_say(here: Place) -> None:
    """Without a heartbeat timeout by the default interval, with one by 80 % of it, and by the maximum in any case."""
    client, seconds = here.elsewhere, 0.5
    default, longest = Slots(), Slots()
    often: dict[str, Any] = {"default_heartbeat_throttle_interval": SHORTLY}
    never_long: dict[str, Any] = {"max_heartbeat_throttle_interval": SHORTLY}
    remote = Worker(client, task_queue=REMOTE, activities=[beat], sensor=longest, **never_long)
    async with remote, worker_of(here, client, workflows=[Beating], activities=[beat], sensor=default, **often):

        async def sent(heard: Slots, queue: str, timeout: float | None) -> tuple[int, int]:
            before = heard.heartbeats
            handle = await start(client, Beating.run, args=[queue, seconds, timeout])
            return await handle.result(), heard.heartbeats - before

        for first, second in (
            ((default, QUEUE, None), (longest, REMOTE, None)),
            # The default is for activities without a timeout only.
            ((default, QUEUE, 60.0), (longest, REMOTE, 60.0)),
        ):
            found = await asyncio.gather(sent(*first), sent(*second))
            for (heard, _, timeout), (beats, passed_on) in zip((first, second), found, strict=True):
                # At the beginning and then at each interval, or less often on a busy machine.
                few, many = (1, 1) if heard is default and timeout else (3, 10)
                assert few <= passed_on <= many < beats, (timeout, found)


# ---- failures


class Overdrawn(Exception):
    """An exception of the application's own, with what it knows."""

    def __init__(self, account: str, missing: int) -> None:
        super().__init__(f"{account} lacks {missing}")
        self.account, self.missing = account, missing


class WithOverdrafts(DefaultFailureConverter):
    """Keeps that exception over all ways, as what it is."""

    def to_failure(
        self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure | None = None
    ) -> Failure:
        if isinstance(exception, Overdrawn):
            wrapped = ApplicationError(
                str(exception), exception.account, exception.missing, type="Overdrawn", non_retryable=True
            )
            wrapped.__cause__ = exception.__cause__
            exception = wrapped
        return super().to_failure(exception, payload_converter, failure)

    def from_failure(self, failure: Failure, payload_converter: PayloadConverter) -> BaseException:
        error = super().from_failure(failure, payload_converter)
        if isinstance(error, ApplicationError) and error.type == "Overdrawn" and error.details:
            known = Overdrawn(*error.details)
            known.__cause__ = error.__cause__
            return known
        return error


@activity.defn
async def withdraw(amount: int) -> None:
    raise ApplicationError("declined", type="Declined", non_retryable=True) from Overdrawn("ann", amount)


@activity.defn
async def overdraw(amount: int) -> None:
    raise Overdrawn("ann", amount)


@workflow.defn(failure_exception_types=[Overdrawn, AssertionError])
class Withdrawing:
    """Has activities and handlers fail by the exception, knows it again, and fails by it."""

    def __init__(self) -> None:
        self.over = False

    @workflow.run
    async def run(self) -> None:
        found: list[BaseException | None] = []
        for execute in (workflow.execute_activity, workflow.execute_local_activity):
            for name in ("overdraw", "withdraw"):
                try:
                    await execute(name, 5, start_to_close_timeout=LIMIT, retry_policy=RetryPolicy())
                except ActivityError as error:
                    found.append(error.cause)
                except (Overdrawn, ApplicationError) as error:
                    found.append(error)
        for plain, with_cause in (found[:2], found[2:]):
            assert isinstance(plain, Overdrawn)
            assert isinstance(with_cause, ApplicationError)
            assert isinstance(with_cause.cause, Overdrawn)
            assert (plain.missing, with_cause.cause.missing) == (5, 5)
        await workflow.wait_condition(lambda: self.over)
        raise Overdrawn("bob", 7)

    @workflow.update
    async def check(self) -> None:
        raise Overdrawn("eve", 6)

    @workflow.query
    def account(self) -> str:
        raise Overdrawn("joe", 8)

    @workflow.signal
    def end(self) -> None:
        self.over = True


async def a_failure_converter_of_ones_own(here: Place) -> None:
    """Is asked for each failure and each cause, on every way, and again when a run is rebuilt."""
    options: Any = {**here.elsewhere.config(), "data_converter": DataConverter(failure_converter_class=WithOverdrafts)}
    client = Client(**options)
    code: dict[str, Any] = {"workflows": [Withdrawing], "activities": [withdraw, overdraw], "max_cached_workflows": 0}
    async with worker_of(here, client, **code):
        handle = await start(client, Withdrawing.run)
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await handle.execute_update(Withdrawing.check, rpc_timeout=SOON)
        with pytest.raises(WorkflowQueryFailedError, match="joe lacks 8"):
            await handle.query(Withdrawing.account, rpc_timeout=SOON)
        await handle.signal(Withdrawing.end)
        with pytest.raises(WorkflowFailureError) as failed:
            await handle.result()
        for error, expected in ((refused.value.cause, ("eve", 6)), (failed.value.cause, ("bob", 7))):
            assert isinstance(error, Overdrawn)
            assert (error.account, error.missing) == expected
        # To a client that does not know it, it is what any exception would be.
        with pytest.raises(WorkflowFailureError) as plain:
            await here.elsewhere.get_workflow_handle(handle.id).result()
        assert isinstance(plain.value.cause, ApplicationError)
        assert (plain.value.cause.type, plain.value.cause.details) == ("Overdrawn", ("bob", 7))


# ---- sizes


class Sizes(Sensor):
    """Hears what grows."""

    def __init__(self) -> None:
        self.large: list[tuple[str, int]] = []
        self.long: list[tuple[str, int, int]] = []

    def large_record(self, workflow_type: str, size: int) -> None:
        self.large.append((workflow_type, size))

    def long_history(self, workflow_type: str, events: int, size: int) -> None:
        self.long.append((workflow_type, events, size))


@workflow.defn
class Hoarder:
    """Takes what it is given, and says when it should begin anew."""

    def __init__(self) -> None:
        self.suggested: list[bool] = []

    @workflow.run
    async def run(self, count: int) -> list[bool]:
        await workflow.wait_condition(lambda: len(self.suggested) == count)
        return self.suggested

    @workflow.signal
    def take(self, given: str) -> None:
        self.suggested.append(workflow.info().is_continue_as_new_suggested())


async def what_grows_is_told_of(here: Place) -> None:
    """Each large record, and a history that gets over 10 MiB: in the log, and to the sensor."""
    client, heard = here.elsewhere, Sizes()
    options: dict[str, Any] = {"workflows": [Hoarder], "sensor": heard, "continue_as_new_suggested_bytes": 5 << 20}
    with logged("foldlog.processor", logging.WARNING) as records:
        async with worker_of(here, client, **options):
            handle = await start(client, Hoarder.run, arg=13)
            await handle.signal(Hoarder.take, "x" * 250_000)
            for _ in range(12):
                await handle.signal(Hoarder.take, "x" * 900_000)
            suggested = await handle.result(rpc_timeout=SOON)
    assert suggested == sorted(suggested)
    assert suggested.count(True) == 7, "5 MiB are in the sixth record of 900,000 bytes"
    assert [kind for kind, _ in heard.large] == ["Hoarder"] * 12
    assert all(900_000 < size < 901_000 for _, size in heard.large)
    ((kind, events, size),) = heard.long
    assert (kind, events) == ("Hoarder", 14)
    assert 10 << 20 <= size < 11 << 20
    lines = [each.getMessage() for each in records if repr(handle.id) in each.getMessage()]
    assert sum("WorkflowExecutionSignaled(signal_name='take')" in line for line in lines) == 12
    assert [line for line in lines if "let it continue as new" in line] == [
        f"workflow {handle.id!r} (Hoarder) has a history of {events} events and {size} bytes, all of which are replayed"
        " to rebuild it: let it continue as new; with more than 51200 events or 52428800 bytes it is terminated"
    ]
    assert len(lines) == 13


# ---- what is taken for the sake of Temporal's names


class Metadata(Interceptor):
    """Counts the calls that say who they are for."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.eager: list[bool] = []

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        seeing = OutboundInterceptor(next)
        for name in ("start_workflow", "signal_workflow", "query_workflow", "start_workflow_update"):
            setattr(seeing, name, self._seen(name, getattr(next, name)))
        return seeing

    def _seen(self, name: str, call: Any) -> Any:
        async def seen(input: Any) -> Any:
            if isinstance(input, StartWorkflowInput):
                self.eager.append(input.request_eager_start)
            self.seen[f"{name} {dict(input.rpc_metadata)}"] += 1
            return await call(input)

        return seen


@workflow.defn
class Plain:
    def __init__(self) -> None:
        self.told: list[str] = []

    @workflow.run
    async def run(self) -> list[str]:
        await workflow.wait_condition(lambda: len(self.told) == 2)
        return self.told

    @workflow.signal
    def tell(self, word: str) -> None:
        self.told.append(word)

    @workflow.update
    def put(self, word: str) -> int:
        self.told.append(word)
        return len(self.told)

    @workflow.query
    def count(self) -> int:
        return len(self.told)


async def what_is_taken_for_temporals_sake(here: Place) -> None:
    """Has no effect on a run, and what it comes to instead can be seen."""
    noting = Metadata()
    options: Any = {**here.elsewhere.config(), "interceptors": [noting]}
    client = Client(**options)
    given: Any = {"rpc_metadata": {"for": "ann"}}
    without = ["workflow_task_executor", "max_concurrent_workflow_task_polls", "max_concurrent_activity_task_polls"]
    without += ["nonsticky_to_sticky_poll_ratio", "sticky_queue_schedule_to_start_timeout", "plugin_shutdown_timeout"]
    without += ["max_eager_activity_reservations_per_workflow_task", "disable_safe_workflow_eviction"]
    ignored: dict[str, Any] = {"max_concurrent_workflow_tasks": 2, **dict.fromkeys(without)}
    with logged("foldlog.worker.options", logging.DEBUG) as records:
        async with worker_of(here, client, workflows=[Plain], **ignored):
            eager, other = [
                await start(client, Plain.run, request_eager_start=wanted, **given) for wanted in (True, False)
            ]
            assert [getattr(each, "__temporal_eagerly_started") for each in (eager, other)] == [True, False]
            for each in (eager, other):
                await each.signal(Plain.tell, "a", **given)
                assert await each.execute_update(Plain.put, "b", rpc_timeout=SOON, **given) == 2
                assert await each.query(Plain.count, **given) == 2
                assert await each.result(**given) == ["a", "b"]
            assert await names(eager) == await names(other)
    assert noting.seen == {
        f"{name} {{'for': 'ann'}}": 2
        for name in ("start_workflow", "signal_workflow", "query_workflow", "start_workflow_update")
    }
    assert noting.eager == [True, False]
    lines = [(each.levelname, each.getMessage()) for each in records]
    told = dict(line for line in lines if "max_concurrent_workflow_tasks" in line[1])
    assert list(told) == ["WARNING"]
    assert "one after another" in told["WARNING"]
    debug = " ".join(line for level, line in lines if level == "DEBUG")
    assert [name for name in without if f"option {name} has no meaning" not in debug] == []


ALONE: list[Scenario] = [
    heartbeats_are_held_back_for_as_long_as_workers_say,
    a_failure_converter_of_ones_own,
    what_grows_is_told_of,
    what_is_taken_for_temporals_sake,
]
"""Scenarios that bring their own workers."""
