"""Scenarios of what workers bring for code: processes for activities, tuners, metrics, chance, outer functions."""

from __future__ import annotations

import multiprocessing
import os
import uuid
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import timedelta
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog._metrics import RecordedMetric
from foldlog.client import WorkflowFailureError, WorkflowHandle
from foldlog.common import MetricMeter, RawValue, RetryPolicy
from foldlog.exceptions import ActivityError, ApplicationError
from foldlog.sensor import Sensor
from foldlog.worker import (
    FixedSizeSlotSupplier,
    Interceptor,
    ResourceBasedSlotConfig,
    ResourceBasedSlotSupplier,
    ResourceBasedTunerConfig,
    SharedStateManager,
    UnsandboxedWorkflowRunner,
    WorkerTuner,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)
from foldlog.workflow import DynamicWorkflowConfig

from tests.conformance.scenarios import Place, Scenario
from tests.conformance.workers import start, worker_of
from tests.until import until, until_asked

LIMIT = timedelta(seconds=120)
ONCE = RetryPolicy(maximum_attempts=1)


@activity.defn
def where(text: str) -> list[Any]:
    info = activity.info()
    return [os.getpid(), info.activity_type, text, activity.payload_converter().to_payload(text).data.decode()]


@activity.defn
def beat_until_cancelled(key: str) -> str:
    activity.heartbeat(key)
    assert activity.wait_for_cancelled_sync(LIMIT)
    details = activity.cancellation_details()
    assert details is not None
    return f"{key}: {activity.is_cancelled()} {details.cancel_requested}"


@activity.defn
def refuse_elsewhere(text: str) -> None:
    raise ApplicationError(text, 1, type="No", non_retryable=True)


@activity.defn
def die(text: str) -> str:
    """Takes its whole process along."""
    os._exit(1)


@activity.defn(name="die")
def harmless(text: str) -> str:
    return "alive"


@workflow.defn
class Elsewhere:
    """Runs activities in other processes, and cancels one of them when told to."""

    def __init__(self) -> None:
        self.told = False

    @workflow.run
    async def run(self, key: str) -> list[Any]:
        options: dict[str, Any] = {"start_to_close_timeout": LIMIT, "retry_policy": ONCE}
        beats = workflow.start_activity(
            beat_until_cancelled,
            key,
            heartbeat_timeout=LIMIT,
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            **options,
        )
        found = await workflow.execute_activity(where, key, **options)
        near = await workflow.execute_local_activity(where, key, **options)
        try:
            await workflow.execute_activity(refuse_elsewhere, key, **options)
        except ActivityError as error:
            cause: Any = error.cause
            found.append([cause.message, cause.type, *cause.details])
        await workflow.wait_condition(lambda: self.told)
        beats.cancel()
        return [found, near, await beats]

    @workflow.signal
    def go(self) -> None:
        self.told = True


@workflow.defn
class Deadly:
    @workflow.run
    async def run(self) -> str:
        return await workflow.execute_activity(die, "x", start_to_close_timeout=timedelta(seconds=4))


async def activities_in_processes(here: Place) -> None:
    spawn, key = multiprocessing.get_context("spawn"), uuid.uuid4().hex
    watched = ResourceBasedSlotSupplier(ResourceBasedSlotConfig(maximum_slots=3), ResourceBasedTunerConfig(0.5, 0.5))
    tuner = WorkerTuner.create_composite(activity_supplier=FixedSizeSlotSupplier(2), local_activity_supplier=watched)
    with spawn.Manager() as manager, ProcessPoolExecutor(2, mp_context=spawn) as pool:
        options: dict[str, Any] = {
            "workflows": [Elsewhere, Deadly],
            "activities": [where, beat_until_cancelled, refuse_elsewhere, die],
            "activity_executor": pool,
            "shared_state_manager": SharedStateManager.create_from_multiprocessing(manager),
            "tuner": tuner,
        }
        async with worker_of(here, here.client, **options):
            handle = await start(here.client, Elsewhere.run, arg=key)

            async def beats() -> bool:
                found = (await handle.describe()).pending_activities
                return [await each.heartbeat_details() for each in found] == [[key]]

            await until_asked(beats, "its heartbeat comes out of the process, and the others have ended")
            await handle.signal(Elsewhere.go)
            far, near, stopped = await handle.result()
            assert (far[1:4], near[1:]) == (["where", key, f'"{key}"'], ["where", key, f'"{key}"'])
            assert os.getpid() not in (far[0], near[0])
            assert (far[4], stopped) == ([key, "No", 1], f"{key}: True True")
        # A process that dies takes the pool along, and the worker says so; another one does what is left.
        begun: list[WorkflowHandle[Any, str]] = []
        with pytest.raises(BrokenProcessPool):
            await _until_it_ends(here, options, begun)
    with ProcessPoolExecutor(2, mp_context=spawn) as pool:
        options |= {"activity_executor": pool, "activities": [harmless], "shared_state_manager": None}
        async with worker_of(here, here.client, **options):
            assert await begun[0].result() == "alive"


async def _until_it_ends(here: Place, options: dict[str, Any], begun: list[WorkflowHandle[Any, str]]) -> None:
    async with worker_of(here, here.client, **options) as worker:
        begun.append(await start(here.client, Deadly.run))
        await until(lambda: not worker.is_running, "the worker ends")


def measure(meter: MetricMeter, text: str) -> None:
    """Once with each instrument."""
    meter = meter.with_additional_attributes({"by": text})
    meter.create_counter("counted", "so often", "times").add(2, {"more": 1})
    meter.create_histogram("sized", unit="bytes").record(7)
    meter.create_histogram_float("weighed").record(0.5)
    meter.create_histogram_timedelta("lasted").with_additional_attributes({"long": True}).record(timedelta(seconds=3))
    meter.create_gauge("level").set(4)
    meter.create_gauge_float("height").set(4.5, {"more": 2.5})


@activity.defn
async def measure_in_activity() -> None:
    measure(activity.metric_meter(), "activity")


@workflow.defn
class Measured:
    @workflow.run
    async def run(self) -> None:
        measure(workflow.metric_meter(), "workflow")
        await workflow.execute_activity(measure_in_activity, start_to_close_timeout=LIMIT)
        await workflow.sleep(0.01)


class Keeps(Sensor):
    def __init__(self) -> None:
        self.recorded: list[RecordedMetric] = []

    def metric_recorded(self, metric: RecordedMetric) -> None:
        self.recorded.append(metric)


async def each_metric_is_recorded_once(here: Place) -> None:
    """However often the run is rebuilt from its history."""
    heard = Keeps()
    options: dict[str, Any] = {"workflows": [Measured], "activities": [measure_in_activity]}
    async with worker_of(here, here.client, sensor=heard, max_cached_workflows=0, **options):
        await (await start(here.client, Measured.run)).result()
        await until(lambda: len(heard.recorded) >= 12, "all is measured")
    assert Counter((each.name, each.attributes["by"], each.value) for each in heard.recorded) == {
        (name, by, value): 1
        for by in ("workflow", "activity")
        for name, value in (
            ("counted", 2),
            ("sized", 7),
            ("weighed", 0.5),
            ("lasted", 3.0),
            ("level", 4),
            ("height", 4.5),
        )
    }
    counted = next(each for each in heard.recorded if each.name == "counted")
    assert (counted.description, counted.unit, counted.attributes["more"]) == ("so often", "times", 1)
    assert {each.attributes.get("long") for each in heard.recorded if each.name == "lasted"} == {True}


class Outside(Interceptor):
    """Lends workflows a function that no workflow may have."""

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor] | None:
        input.unsafe_extern_functions["process"] = os.getpid
        return None


@workflow.defn
class Chance:
    """Draws lots, and says after each of several rebuilds what it drew before."""

    def __init__(self) -> None:
        self.drawn: list[Any] = []
        self.over = False

    @workflow.run
    async def run(self) -> list[Any]:
        workflow.register_random_seed_callback(lambda seed: None)
        for _ in range(2):
            self.drawn += [
                workflow.random_seed(),
                str(workflow.uuid4()),
                str(workflow.uuid7()),
                workflow.random().randrange(2**40),
                workflow.new_random().random(),
                workflow.new_random("dice").random(),
            ]
            await workflow.sleep(0.001)
        unsafe = workflow.unsafe
        with unsafe.sandbox_unrestricted():
            self.drawn.append(unsafe.is_sandbox_unrestricted())
        policy = workflow.SandboxImportNotificationPolicy.SILENT
        with unsafe.sandbox_import_notification_policy(policy), unsafe.imports_passed_through():
            self.drawn.append(unsafe.current_import_notification_policy_override() is policy)
        self.drawn += [unsafe.is_sandbox_unrestricted(), unsafe.in_sandbox(), unsafe.is_imports_passed_through()]
        self.drawn.append(workflow.extern_functions()["process"]())
        await workflow.wait_condition(lambda: self.over)
        return self.drawn

    @workflow.query
    def so_far(self) -> list[Any]:
        return self.drawn

    @workflow.update
    def end(self) -> list[bool]:
        self.over = True
        return [workflow.unsafe.is_replaying_history_events(), workflow.unsafe.is_read_only()]


async def what_is_drawn_stays_drawn(here: Place) -> None:
    """By whichever worker a run is rebuilt. Other runs draw other lots."""
    options: dict[str, Any] = {"workflows": [Chance], "interceptors": [Outside()], "max_cached_workflows": 0}
    async with worker_of(here, here.client, workflow_runner=UnsandboxedWorkflowRunner(), **options):
        runs = [await start(here.client, Chance.run) for _ in range(2)]

        async def drawn(number: int) -> Any:
            found = await runs[number].query(Chance.so_far)
            return found if len(found) == 18 else None

        before = [await until_asked(lambda: drawn(number), "all is drawn") for number in range(2)]  # noqa: B023
    async with worker_of(here, here.client, **options):
        for number, run in enumerate(runs):
            assert await run.query(Chance.so_far) == before[number]
            assert await run.execute_update(Chance.end) == [False, False]
            assert await run.result() == before[number]
    first, second = before
    assert first[12:] == second[12:] == [True, True, False, False, True, os.getpid()]
    assert (first[0], first[5]) == (first[6], first[11]), "a seed, and a source with a name, are the same each time"
    lots = [*first[:5], *first[7:11], *second[:5], *second[7:11], first[5], second[5]]
    assert len(set(lots)) == len(lots)


@workflow.defn(dynamic=True, failure_exception_types=[KeyError])
class AnyKind:
    """Fails by mistakes that its type says are failures."""

    @workflow.init
    def __init__(self, args: Sequence[RawValue]) -> None:
        self.error = workflow.payload_converter().from_payload(args[0].payload, str)

    @workflow.dynamic_config
    def config(self) -> DynamicWorkflowConfig:
        if workflow.info().workflow_type == "lenient":
            return DynamicWorkflowConfig(failure_exception_types=[LookupError])
        return DynamicWorkflowConfig()

    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> str:
        await workflow.sleep(0.001)
        raise {"key": KeyError, "index": IndexError}[self.error]("as told")


async def a_dynamic_workflow_says_what_fails_it(here: Place) -> None:
    async with worker_of(here, here.client, workflows=[AnyKind], max_cached_workflows=0):
        for kind, error in (("lenient", "key"), ("lenient", "index"), ("strict", "key")):
            with pytest.raises(WorkflowFailureError) as failed:
                await (await start(here.client, kind, arg=error)).result()
            assert isinstance(failed.value.cause, ApplicationError)
            assert failed.value.cause.type == ("KeyError" if error == "key" else "IndexError")
        stalls = await start(here.client, "strict", arg="index")

        async def stalled() -> str:
            return (await stalls.describe()).stalled_error

        assert "as told" in await until_asked(stalled, "it stalls")
        await stalls.terminate()


async def outside_of_everything(here: Place) -> None:
    """What belongs to activities or workflows says so elsewhere."""
    for call in (activity.info, activity.heartbeat, activity.is_cancelled, activity.metric_meter, activity.client):
        with pytest.raises(RuntimeError, match=r"[Nn]ot in activity") as outside:
            call()
        assert isinstance(outside.value, activity.NotInActivityError)
    assert not activity.in_activity()
    for within in (workflow.random_seed, workflow.uuid7, workflow.extern_functions, workflow.metric_meter):
        with pytest.raises(workflow.NotInWorkflowError):
            within()
    assert here.client.namespace


ALONE: list[Scenario] = [
    activities_in_processes,
    each_metric_is_recorded_once,
    what_is_drawn_stays_drawn,
    a_dynamic_workflow_says_what_fails_it,
    outside_of_everything,
]
"""Scenarios that bring their own workers."""
