"""The worker: runs a workflow processor when it has workflows, and an activity worker when it has activities.

Owns starting, stopping and failing of both together. Names and meanings follow Temporal's `temporalio.worker.Worker`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack

from foldlog._metrics import MetricMeter
from foldlog.client import Client, HeaderCodecBehavior
from foldlog.core.limits import MAXIMUM_HISTORY_BYTES, MAXIMUM_HISTORY_EVENTS
from foldlog.exceptions import ConfigurationError
from foldlog.interceptor import Interceptor
from foldlog.processors.options import ProcessorOptions
from foldlog.runtime import Runtime, WorkflowRuntime
from foldlog.runtime.environment import SUGGESTED_HISTORY_BYTES, SUGGESTED_HISTORY_LENGTH
from foldlog.runtime.patches import PatchActivation
from foldlog.schemas.codec import Codec
from foldlog.sensor import Sensor
from foldlog.worker.activities import ActivityWorker, ActivityWorkerOptions
from foldlog.worker.attempt import HeartbeatIntervals
from foldlog.worker.backend import RunningProcessor
from foldlog.worker.calls import Calls
from foldlog.worker.conversion import Conversion
from foldlog.worker.kafka import backend_of
from foldlog.worker.options import (
    DEADLOCK_TIMEOUT,
    EarlierVersions,
    OptionsWithoutMeaning,
    WorkerDeploymentConfig,
    check_executor,
    check_ignored,
    deadlock_seconds,
    history_bounds,
    not_negative,
    rate,
    seconds,
    slot_options,
    versioning_of,
)
from foldlog.worker.plugin import Plugin, WorkerConfig, interceptors_of, plugins_of, with_plugins
from foldlog.worker.pool import ActivityThreads
from foldlog.worker.registry import Registry
from foldlog.worker.shared_state import SharedStateManager
from foldlog.worker.state import WorkerState, to_the_end
from foldlog.worker.team import Member, team_of
from foldlog.worker.temporal_names import guards
from foldlog.worker.tuning import WorkerTuner, places

_log = logging.getLogger(__name__)

_NO_TIME = timedelta()


class Worker:
    """Runs workflows, activities, or both, of one namespace.

    Use `async with worker:`, or `await worker.run()`. It belongs to the event loop on which it is started: that is
    where async activities run. Workflows run on a thread of their own.
    """

    _given_config: WorkerConfig
    _active_config: WorkerConfig

    _runtime: WorkflowRuntime | None = None

    @with_plugins
    def __init__(
        self,
        client: Client,
        *,
        task_queue: str,
        workflows: Sequence[type] = (),
        activities: Sequence[Callable[..., Any]] = (),
        activity_executor: Executor | None = None,
        shared_state_manager: SharedStateManager | None = None,
        max_concurrent_activities: int | None = None,
        max_concurrent_local_activities: int | None = None,
        tuner: WorkerTuner | None = None,
        max_activities_per_second: float | None = None,
        max_task_queue_activities_per_second: float | None = None,
        max_cached_workflows: int = 10_000,
        continue_as_new_suggested_events: int = SUGGESTED_HISTORY_LENGTH,
        continue_as_new_suggested_bytes: int = SUGGESTED_HISTORY_BYTES,
        max_history_events: int | None = MAXIMUM_HISTORY_EVENTS,
        max_history_bytes: int | None = MAXIMUM_HISTORY_BYTES,
        graceful_shutdown_timeout: timedelta = _NO_TIME,
        default_heartbeat_throttle_interval: timedelta = timedelta(seconds=30),
        max_heartbeat_throttle_interval: timedelta = timedelta(seconds=60),
        workflow_failure_exception_types: Sequence[type[BaseException]] = (),
        deadlock_timeout: timedelta | None = DEADLOCK_TIMEOUT,
        patch_activation_callback: PatchActivation | None = None,
        debug_mode: bool = False,
        disable_eager_activity_execution: bool = False,
        no_remote_activities: bool = False,
        on_fatal_error: Callable[[BaseException], Awaitable[None]] | None = None,
        identity: str | None = None,
        build_id: str | None = None,
        use_worker_versioning: bool = False,
        deployment_config: WorkerDeploymentConfig | None = None,
        earlier_versions: EarlierVersions | None = None,
        state_dir: str | Path = ".foldlog/state",
        instance_id: str = "",
        sensor: Sensor | None = None,
        interceptors: Sequence[Interceptor] = (),
        plugins: Sequence[Plugin] = (),
        **ignored: Unpack[OptionsWithoutMeaning],
    ) -> None:
        """Check everything that can be checked without Kafka; nothing runs yet.

        Args:
            client: A connected client: its namespace, data converter and connection are the worker's.
            task_queue: Where activity tasks are taken from. A worker with workflows takes its share of all workflows
                of the namespace; those of another queue are run by the code of the worker of that queue, if there is
                one in this process, and otherwise by its own.
            workflows: Classes with `@workflow.defn`.
            activities: Functions and methods with `@activity.defn`.
            activity_executor: Runs activities that are not async. None: a thread pool with
                `max_concurrent_activities` threads. A process pool needs picklable functions and arguments.
            shared_state_manager: For a process pool: the manager of its heartbeats; None: the worker makes one.
            max_concurrent_activities: How many attempts run at a time, local ones not counted; None: 100.
            max_concurrent_local_activities: How many attempts of local activities run at a time, likewise.
            tuner: Says both, in place of these two; see `WorkerTuner`.
            max_activities_per_second: How many attempts this worker begins in a second.
            max_task_queue_activities_per_second: How many attempts all workers of the queue together begin in a
                second. Give all of them the same number: each takes the share that its partitions are of all.
            max_cached_workflows: How many workflows are kept in memory; any other is rebuilt when it is needed. With 0
                each step replays the history: slow, and good in tests.
            continue_as_new_suggested_events: How long a history may grow before `info().is_continue_as_new_suggested()`
                is true. Workflows decide by it, so lower it only for workflows that do not.
            continue_as_new_suggested_bytes: How large, in bytes, likewise.
            max_history_events: How long a history may grow at all: a run with more events is terminated. More than
                `continue_as_new_suggested_events`, or None: no limit.
            max_history_bytes: How large, in bytes, likewise.
            graceful_shutdown_timeout: How long activities may go on after a shutdown has begun, before they are
                cancelled.
            default_heartbeat_throttle_interval: How often a heartbeat is sent at most where an activity has no
                heartbeat timeout. Where it has, it is 80 % of that.
            max_heartbeat_throttle_interval: A heartbeat is held back no longer than this.
            workflow_failure_exception_types: Exceptions that fail a workflow instead of stalling it.
            deadlock_timeout: How long workflow code may run before it comes to an await; then it is interrupted, and
                its workflow stalls. Replay does not count: only ten times as long at one event ends it there. None: as
                long as it likes.
            patch_activation_callback: Is asked, with a `PatchActivationInput`, whether a run that comes to a
                `workflow.patched` for the first time takes the new way; None: it does. Give a worker one that says no
                while older workers may still have to replay the run.
            debug_mode: Whether workflow code is never interrupted, so that one can step through it. The environment
                variable FOLDLOG_DEBUG does the same.
            disable_eager_activity_execution: Whether all activity tasks go over their topic.
            no_remote_activities: Whether only local activities run here: no tasks are taken from the topic, and none
                are eager.
            on_fatal_error: Is called before a worker that cannot go on shuts down.
            identity: Who this is, for people; None: the client's.
            build_id: Version of the workflow code, for people. Not together with `deployment_config`.
            use_worker_versioning: Temporal's old way, which is not there: give `deployment_config`.
            deployment_config: Which version of the code this worker has, and whether runs are bound to versions.
            earlier_versions: Workflows and activities of other versions, by build ID, so that runs that are pinned to
                them go on here. Where such a run asks for an activity that is not among them, it is that of this
                worker's own version.
            state_dir: Where the workflow processor keeps its stores. A folder that outlives the process saves time
                when it starts again.
            instance_id: A name of this worker that outlives its process and that no other one has at the same time:
                after a restart, its workflows and activities then go on at once. Empty: a new one each time.
            sensor: Hears what is worth measuring; None: that of the client's runtime.
            interceptors: Stand around the code of workflows and activities, after those of the client, the first one
                first.
            plugins: Change these options, after those of the client.
            **ignored: See `OptionsWithoutMeaning`.

        Raises:
            ConfigurationError: An option cannot work; the message names it.
            DefinitionError: A workflow or an activity is not declared as it must be.
        """
        check_ignored(ignored)
        if not workflows and not activities:
            raise ConfigurationError("a worker needs workflows or activities", option="workflows")
        self._belong_to(client, task_queue, plugins, interceptors)
        self._identity = identity or client.identity
        self._sensor = sensor or (client.config(active_config=True)["runtime"] or Runtime.default()).sensor
        self._grace = seconds("graceful_shutdown_timeout", graceful_shutdown_timeout)
        self._on_fatal_error = on_fatal_error
        workflow_tasks = ignored.get("max_concurrent_workflow_tasks")
        history = history_bounds(
            continue_as_new_suggested_events, continue_as_new_suggested_bytes, max_history_events, max_history_bytes
        )
        slots = places(tuner, max_concurrent_activities, max_concurrent_local_activities, workflow_tasks)
        versioning = versioning_of(deployment_config, build_id, earlier_versions, use_worker_versioning)
        self._have(
            Registry(activities, **versioning.for_registry), activity_executor, shared_state_manager, slots.activities
        )
        self._activity_options = ActivityWorkerOptions(
            task_queue=task_queue,
            identity=self._identity,
            **slot_options(slots, task_queue, self._identity, versioning.build_id, deployment_config),
            max_activities_per_second=rate("max_activities_per_second", max_activities_per_second),
            max_task_queue_activities_per_second=rate(
                "max_task_queue_activities_per_second", max_task_queue_activities_per_second
            ),
            heartbeat_intervals=HeartbeatIntervals(
                default=seconds("default_heartbeat_throttle_interval", default_heartbeat_throttle_interval),
                maximum=seconds("max_heartbeat_throttle_interval", max_heartbeat_throttle_interval),
            ),
            instance_id=instance_id,
            take_tasks=not no_remote_activities,
            eager=not (disable_eager_activity_execution or no_remote_activities),
        )
        if workflows:
            self._runtime = WorkflowRuntime(
                workflows,
                namespace=client.namespace,
                data_converter=client.data_converter,
                failure_exception_types=workflow_failure_exception_types,
                guarded=guards(ignored.get("workflow_runner")),
                disable_eager_activity_execution=disable_eager_activity_execution or no_remote_activities,
                interceptors=self._interceptors,
                headers_coded=self._headers is not HeaderCodecBehavior.NO_CODEC,
                **history.for_runtime,
                metric_meter=MetricMeter(self._sensor.metric_recorded),
                deadlock_timeout_seconds=deadlock_seconds(deadlock_timeout, debug_mode),
                task_queue=task_queue,
                patch_activation=patch_activation_callback,
                **versioning.for_runtime,
            )
        self._processor_options = ProcessorOptions(
            namespace=client.namespace,
            state_dir=Path(state_dir),
            instance_id=instance_id,
            build_id=versioning.build_id,
            max_cached_workflows=not_negative("max_cached_workflows", max_cached_workflows),
            identity=self._identity,
            history_limits=history.limits,
        )

    def _belong_to(
        self, client: Client, task_queue: str, plugins: Sequence[Plugin], interceptors: Sequence[Interceptor]
    ) -> None:
        self._state = WorkerState()
        self._client = client
        self._converter = client.data_converter
        self._backend = backend_of(client)
        self._backend.topics.tasks(task_queue)  # whether it can be the name of a topic
        self._plugins = plugins_of(client, plugins)
        self._interceptors = interceptors_of(client, interceptors)
        self._headers = client.config(active_config=True)["header_codec_behavior"]

    def _have(
        self,
        registry: Registry,
        executor: Executor | None,
        shared_state: SharedStateManager | None,
        attempts: int,
    ) -> None:
        self._registry = registry
        self._executor, self._shared_state = executor, shared_state
        check_executor(self._registry, executor, attempts)

    # ---- for whoever runs it

    @property
    def client(self) -> Client:
        """The client that it was given.

        It may be changed, for one of the same namespace. Data converter, interceptors and plugins stay as they were. A
        worker that has not been started is connected as the new client is. One that has been keeps its connections, and
        that of the client it was started with: do not close that one. Activities that begin from now on have the new
        client, and connections that are made from now on its `sasl.username` and `sasl.password`.

        Raises:
            ConfigurationError: On changing it: it is of another namespace; or the worker has been started, and the new
                one is connected elsewhere, or by options that differ in more than name and password.
        """
        return self._client

    @client.setter
    def client(self, value: Client) -> None:
        if not isinstance(value, Client):
            raise ConfigurationError(f"a worker's client is a Client, not {value!r}", option="client")
        if value.namespace != self._client.namespace:
            raise ConfigurationError(
                f"the client is of namespace {value.namespace}, the worker of {self._client.namespace}", option="client"
            )
        if self._state.started:
            self._backend.follow(value.transport)
        else:
            self._backend = backend_of(value)
        self._client = self._given_config["client"] = self._active_config["client"] = value
        if self._state.calls is not None:
            self._state.calls.client = value

    def config(self, *, active_config: bool = False) -> WorkerConfig:
        """The options that it was made with, to make another one like it: `Worker(**worker.config())`.

        Args:
            active_config: As plugins have changed them; otherwise as they were given. Not for making another one:
                plugins would change them again.
        """
        config = (self._active_config if active_config else self._given_config).copy()
        config["workflows"], config["activities"] = list(config["workflows"]), list(config["activities"])
        return config

    @property
    def task_queue(self) -> str:
        """Where activity tasks are taken from."""
        return self._activity_options.task_queue

    @property
    def identity(self) -> str:
        """Who this is, for people."""
        return self._identity

    @property
    def is_running(self) -> bool:
        """Whether it has been started and has not ended."""
        return self._state.started and not self._state.ended.is_set()

    @property
    def is_shutdown(self) -> bool:
        """Whether it has been started and has ended."""
        return self._state.ended.is_set()

    @property
    def running_activities(self) -> int:
        """How many attempts run now, local ones included."""
        return self._state.activities.running if self._state.activities is not None else 0

    @property
    def processor(self) -> RunningProcessor | None:
        """The workflow processor, for health checks; None before the start, and without workflows."""
        return self._state.processor

    @property
    def ready(self) -> bool:
        """Whether it does its work: it has started, its partitions are assigned and restored, and Kafka is there.

        For readiness checks; may be asked from any thread.
        """
        state = self._state
        if not self.is_running or not state.running.is_set() or state.stopping.is_set():
            return False
        if not self._backend.reachable:
            return False
        return all(part.ready for part in state.parts)

    def healthy(self, within_seconds: float = 60.0) -> bool:
        """Whether it can go on: nothing has failed for good, and its threads have gone round lately.

        For liveness checks; may be asked from any thread.

        Args:
            within_seconds: What lately means.
        """
        state = self._state
        if state.fatal is not None:
            return False
        return state.ended.is_set() or all(part.healthy(within_seconds) for part in state.parts)

    async def run(self) -> None:
        """Run until `shutdown`, or until this task is cancelled, which shuts it down as well.

        Raises:
            RuntimeError: It has been run before.
            TransportError: Kafka, or its topics, cannot be used as configured.
            Exception: What made it impossible to go on.
        """
        state = self._state
        if state.started:
            raise RuntimeError("a worker can be run only once: make another one")
        state.started = True
        run: Callable[[Worker], Awaitable[None]] = Worker._run
        for plugin in reversed(self._plugins):
            run = partial(plugin.run_worker, next=run)
        try:
            await run(self)
        finally:
            # Also if a plugin did not run it at all.
            state.ended.set()
            state.running.set()

    async def _run(self) -> None:
        state = self._state
        try:
            try:
                await self._start()
                state.running.set()
                await state.stopping.wait()
            finally:
                await to_the_end(self._stop())
        finally:
            state.ended.set()
            state.running.set()
        if state.fatal is not None:
            raise state.fatal

    async def shutdown(self) -> None:
        """Begin to shut down, and wait until that is done.

        No more tasks are taken; activities that run have `graceful_shutdown_timeout` to end, and are cancelled then;
        what they have to report is delivered. Does nothing if it is not running.
        """
        self._state.stopping.set()
        if self._state.started:
            await self._state.ended.wait()

    async def __aenter__(self) -> Self:
        """Start it, and return once it takes tasks. If it cannot go on later, the block is cancelled.

        Raises:
            Exception: It could not be started.
        """
        state = self._state
        block = asyncio.current_task()
        task = asyncio.create_task(self.run(), name=f"foldlog-worker-{self.task_queue}")
        state.task = task
        try:
            await state.running.wait()
        except asyncio.CancelledError:
            task.cancel()
            raise
        if state.ended.is_set():
            await task
        task.add_done_callback(lambda _: self._cancel_block(block))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Shut it down.

        Raises:
            Exception: What made it impossible to go on, in place of the cancellation of the block.
        """
        state = self._state
        state.left = True
        state.stopping.set()
        assert state.task is not None
        try:
            await to_the_end(state.task)
        finally:
            block = asyncio.current_task()
            if state.block_cancelled and kind is asyncio.CancelledError and block is not None:
                block.uncancel()

    def _cancel_block(self, block: asyncio.Task[Any] | None) -> None:
        if not self._state.left and self._state.fatal is not None and block is not None:
            self._state.block_cancelled = True
            block.cancel()

    # ---- starting

    async def _start(self) -> None:
        """Numbered, for `_stop` undoes them in reverse."""
        state = self._state
        # 1. Topics, and the schemas of what is in them.
        codec = await self._backend.prepare(self.task_queue)
        # 2. Activities, since workflows may need them at once.
        if len(self._registry):
            state.activities = self._make_activity_worker(codec)
            if state.calls is not None and self._registry.sync:
                await state.calls.prepare()
            state.activities.start()
        # 3. Workflows.
        if self._runtime is not None:
            self._runtime.use_loop(asyncio.get_running_loop(), self._backend.clock.time)
            host = state.activities.host if state.activities is not None else None
            state.member = Member(task_queue=self.task_queue, runtime=self._runtime, host=host)
            team_of(self._backend.transport).join(state.member)
            state.processor = self._backend.processor(self._processor_options, self._runtime, codec, host, self._sensor)
            state.processor.start(state.fail)

    def _make_activity_worker(self, codec: Codec) -> ActivityWorker:
        state = self._state
        conversion = Conversion(self._converter, headers_coded=self._headers is HeaderCodecBehavior.CODEC)
        executor = self._executor
        if executor is None and self._registry.sync:
            threads = self._activity_options.max_concurrent_activities
            executor = state.own_executor = ActivityThreads(asyncio.get_running_loop(), threads)
        state.calls = Calls(
            conversion,
            task_queue=self.task_queue,
            executor=executor,
            client=self._client,
            interceptors=self._interceptors,
            metric_meter=MetricMeter(self._sensor.metric_recorded),
            manager=self._shared_state.manager if self._shared_state is not None else None,
        )
        return ActivityWorker(
            self._backend,
            self._registry,
            conversion,
            state.calls,
            self._activity_options,
            codec=codec,
            sensor=self._sensor,
            on_fatal=state.fail,
        )

    # ---- stopping

    async def _stop(self) -> None:
        """Undo `_start`, as far as it came."""
        state = self._state
        if state.fatal is not None and self._on_fatal_error is not None:
            try:
                await self._on_fatal_error(state.fatal)
            except Exception:
                _log.exception("on_fatal_error failed")
        # While activities end, the processor goes on: what eager ones report goes to its next transactions.
        if state.activities is not None:
            await state.activities.stop_taking(self._grace)
        if state.member is not None:
            team_of(self._backend.transport).leave(state.member)
        if state.processor is not None:
            await state.processor.stop()
        if state.activities is not None:
            await state.activities.close()
        if state.calls is not None and state.calls.closes:
            await asyncio.to_thread(state.calls.close)
        if state.own_executor is not None:
            # Here, where calls are made; only the wait for its threads is elsewhere.
            state.own_executor.shutdown(wait=False)
            await asyncio.to_thread(state.own_executor.shutdown)
        await self._backend.close()
