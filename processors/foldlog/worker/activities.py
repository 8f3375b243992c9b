"""The activity worker: takes tasks from a topic and from a processor of this process, runs them, reports their ends.

Owns what happens in which order: a task that came in waits for a slot and for the rate limit, runs, its end is
delivered, and only then does its offset count as finished. Owns shutting down as well. Reading the topic is the
feed's, running the runner's. Lives on one event loop.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from foldlog.schemas.codec import Codec
from foldlog.schemas.common import ReplyTo
from foldlog.schemas.records import Reply
from foldlog.schemas.reply import ActivityCancelRequested
from foldlog.schemas.task import ActivityTask
from foldlog.sensor import ActivityOutcome, EndedActivity, Sensor
from foldlog.transport.tasks import TaskRecord
from foldlog.worker.attempt import Attempt, AttemptListener, CancelReason, HeartbeatIntervals
from foldlog.worker.backend import Backend
from foldlog.worker.calls import Calls
from foldlog.worker.conversion import Conversion
from foldlog.worker.delivery import Delivery
from foldlog.worker.feed import COMMIT_INTERVAL_SECONDS
from foldlog.worker.finished import DEFAULT_LIMIT_BYTES
from foldlog.worker.host import Handover, Send, WorkerHost
from foldlog.worker.limits import RateLimit, Slots
from foldlog.worker.local import LocalActivities
from foldlog.worker.outcome import Canceled, Completed, Failed, LeftOpen, Outcome
from foldlog.worker.permits import ASKED_AHEAD, Permits, SlotSource
from foldlog.worker.priorities import WaitingTasks, read_ahead
from foldlog.worker.registry import Registry
from foldlog.worker.reporting import EagerReporting, TopicReporting
from foldlog.worker.reports import Reports
from foldlog.worker.runner import Runner
from foldlog.worker.taker import ReceivedTask

_log = logging.getLogger(__name__)

_STILL_RUNNING_SECONDS = 10.0
_REASONS: dict[str, CancelReason] = {
    "CANCEL_REQUESTED": "CANCEL_REQUESTED",
    "TIMED_OUT": "TIMED_OUT",
    "NOT_FOUND": "NOT_FOUND",
    "WORKFLOW_CLOSED": "WORKFLOW_CLOSED",
    "PAUSED": "PAUSED",
    "RESET": "RESET",
}


_OUTCOMES: dict[type, ActivityOutcome] = {Completed: "completed", Failed: "failed", Canceled: "canceled"}


@dataclass(frozen=True, kw_only=True)
class ActivityWorkerOptions:
    """Settings of an activity worker."""

    task_queue: str
    identity: str
    """Who this is, for people."""
    max_concurrent_activities: int = 100
    max_concurrent_local_activities: int = 100
    slot_source: SlotSource | None = None
    """Says when an attempt may run, in place of the first number."""
    local_slot_source: SlotSource | None = None
    """The same for local activities."""
    max_activities_per_second: float | None = None
    """Starts in a second in this worker, eager ones included; None: no limit."""
    max_task_queue_activities_per_second: float | None = None
    """Starts in a second in all workers of the queue together: each takes the share that its partitions are of all."""
    heartbeat_intervals: HeartbeatIntervals = field(default_factory=HeartbeatIntervals)
    instance_id: str = ""
    """A name that outlives the process: a restart goes on at once with the tasks that it had. Empty: none."""
    session_timeout_seconds: float = 8.0
    """A worker that is silent for so long loses its partitions, and others repeat what it was running."""
    commit_interval_seconds: float = COMMIT_INTERVAL_SECONDS
    metadata_limit_bytes: int = DEFAULT_LIMIT_BYTES
    """The broker's `offset.metadata.max.bytes`."""
    flush_timeout_seconds: float = 10.0
    """How long a shutdown waits for completions to be delivered."""
    take_tasks: bool = True
    """False: nothing is taken from the topic."""
    eager: bool = True
    """False: no eager activities."""


class ActivityWorker:
    """Runs the activities of one task queue. Make and use it on the event loop that is to run them."""

    def __init__(
        self,
        backend: Backend,
        registry: Registry,
        conversion: Conversion,
        calls: Calls,
        options: ActivityWorkerOptions,
        *,
        codec: Codec,
        sensor: Sensor | None = None,
        on_fatal: Callable[[BaseException], None],
    ) -> None:
        """Make a worker; nothing is read before `start`.

        Args:
            backend: What it stands on.
            registry: The activities.
            conversion: Payloads to values and back.
            calls: How code is called.
            options: The settings.
            codec: Reads tasks.
            sensor: Hears what is worth measuring.
            on_fatal: Is told, on the event loop, what makes it impossible to go on.
        """
        self._backend = backend
        transport = backend.transport
        self._registry = registry
        self._calls = calls
        self._options = options
        self._sensor = sensor or Sensor()
        self._on_fatal = on_fatal
        self._loop = asyncio.get_running_loop()
        self._permits: Permits | None = None
        """The slots, if a supplier gives them."""
        if options.slot_source is not None:
            self._permits = Permits(
                options.slot_source,
                "activity",
                wanted=self._wanted,
                freed=self._permit_came,
                needed=lambda: 0 if self._rate_timer is not None else len(self._ready),
            )
        self._slots: Slots | Permits = self._permits or Slots(options.max_concurrent_activities)
        self._rates = [RateLimit(rate) for rate in (options.max_activities_per_second,) if rate]
        self._queue_rate = options.max_task_queue_activities_per_second
        self._share = RateLimit(self._queue_rate) if self._queue_rate else None
        if self._share is not None:
            self._rates.append(self._share)
        reply_to = ReplyTo(client_id=transport.client_id, partition=transport.reply_partition, correlation_id=0)
        self._reports = Reports(options.identity, reply_to)
        self._delivery = Delivery(transport.tell)
        self._clock = backend.clock
        self._runner = Runner(
            registry, conversion, calls, intervals=options.heartbeat_intervals, on_broken=on_fatal, clock=self._clock
        )
        self.host = WorkerHost(self._loop, self, registry.has)
        """For a processor of this process."""
        self._released = asyncio.Event()
        self._local = LocalActivities(
            self._runner,
            transport.namespace,
            options.max_concurrent_local_activities,
            self.host.paused,
            self._local_attempt_over,
            options.local_slot_source,
        )
        self.host.attach(self._local)
        self._handover = Handover(self._loop)
        self._ready = WaitingTasks(read_ahead(options.max_concurrent_activities))
        """Tasks that came in and wait for a slot or for the rate limit."""
        self._remote = 0
        """Attempts that run now, local ones not counted."""
        self._stopping = False
        self._cancelling = False
        """The grace period is over."""
        self._round_scheduled = False
        self._telling_slots = False
        self._rate_timer: asyncio.TimerHandle | None = None
        self._ended: list[EndedActivity] = []
        self._feed = backend.task_source(options, codec, self)
        self._topic_reporting = TopicReporting(
            self._reports, self._delivery, self._feed, self._note_end, self._note_released
        )
        self._eager_reporting = EagerReporting(self._reports, self._note_end, self._note_released)

    # ---- life

    @property
    def running(self) -> int:
        """How many attempts run now."""
        return len(self._runner.attempts)

    @property
    def open_attempts(self) -> int:
        """How many attempts run that have not ended, and how many tasks wait to begin."""
        return len(self._ready) + self._local.waiting_for_permits + self._runner.open_attempts

    @property
    def awaits_slots(self) -> bool:
        """Whether a supplier is being asked for the slot of the next task."""
        return self._permits is not None and self._permits.asking and not self._permits.free

    @property
    def ready(self) -> bool:
        """Whether it is a member of its group."""
        return self._feed.joined or not self._options.take_tasks

    def healthy(self, within_seconds: float) -> bool:
        """Whether its poll thread has gone round lately."""
        return not self._options.take_tasks or time.monotonic() - self._feed.turned_at < within_seconds

    def start(self) -> None:
        """Begin to take tasks. Their topic must exist."""
        self._backend.transport.on_notice(self._on_notice)
        self._tell_slots()
        if self._permits is not None:
            self._permits.refill()
        if self._options.take_tasks:
            self._feed.start()

    async def stop_taking(self, grace: float) -> None:
        """Take nothing more, and wait for what runs; then ask it to stop, and wait until it has.

        Local activities are not asked to stop yet: their processor may still be running, and begin others.

        Args:
            grace: How long attempts may go on undisturbed, in seconds.
        """
        self._stopping = True
        self._calls.notify_shutdown()
        self._feed.stop_taking()
        while self._ready:
            task = self._ready.popleft()
            self._feed.ended(task.partition, task.offset, finished=False)
        if self._permits is not None:
            self._permits.close()
        local = [attempt for attempt in self._runner.attempts if attempt.is_local]
        await self._until_idle(lambda: self._remote + sum(not attempt.ended for attempt in local), grace)
        self._cancelling = True
        for attempt in self._runner.attempts:
            if not attempt.is_local:
                attempt.cancel("WORKER_SHUTDOWN")
        while not await self._until_idle(lambda: self._remote, _STILL_RUNNING_SECONDS):
            names = sorted({attempt.task.activity_type for attempt in self._runner.attempts})
            _log.warning(
                "the worker waits for activities that ignore their cancellation, or whose codec does not come back: %s",
                ", ".join(names),
            )
            self._runner.interrupt_codecs()

    async def close(self) -> None:
        """Stop local activities, deliver what is on its way, commit and leave the group. After `stop_taking`."""
        self._local.close()
        await self._until_idle(lambda: len(self._runner.attempts), _STILL_RUNNING_SECONDS)
        if not await self._delivery.flush(self._options.flush_timeout_seconds):
            _log.error(
                "%d ends of activities could not be delivered within %g s: their tasks run again",
                self._delivery.outstanding,
                self._options.flush_timeout_seconds,
            )
        await self._feed.leave()
        await self._local.closed()
        if self._permits is not None:
            await self._permits.closed()
        self._runner.close()
        self._tell_sensor()

    async def _until_idle(self, running: Callable[[], int], timeout: float) -> bool:
        deadline = self._loop.time() + timeout
        while running():
            left = deadline - self._loop.time()
            if left <= 0:
                return False
            self._released.clear()
            try:
                await asyncio.wait_for(self._released.wait(), left)
            except TimeoutError:
                continue
        return True

    # ---- TaskTaker, on the poll thread

    def capacity(self) -> int:
        waiting = len(self._ready)
        ahead = self._ready.ahead
        if not self._rates:
            return self._slots.free + ahead - waiting
        # What waits here for the rate limit could run elsewhere.
        if waiting:
            return ahead - waiting
        return ahead + min(self._slots.free, max(1, int(min(rate.per_second for rate in self._rates) / 10)))

    def hosts(self, version: str) -> bool:
        return self._registry.hosts(version)

    def passed_on(self) -> None:
        self._sensor.task_passed_on(self._options.task_queue)

    def receive(self, tasks: list[ReceivedTask]) -> None:
        self._handover.call(self._take_in, tasks)

    def dead_letter(self, record: TaskRecord, error: str) -> None:
        topic = self._backend.topics.tasks(self._options.task_queue)
        _log.error("%s/%d@%d goes to the dead letters: %s", topic, record.partition, record.offset, error)
        self._backend.dead_letters.write(
            topic,
            record.partition,
            record.offset,
            key=record.key,
            value=record.value,
            headers=record.headers,
            error=error,
        )
        self._sensor.dead_letter(topic)

    def assigned(self, partitions: int, total: int) -> None:
        if self._share is not None and self._queue_rate:
            share = partitions / total if total else 1.0
            self._share.change(self._queue_rate * share, time.monotonic())

    def held(self, partition: int, *, held: bool) -> None:
        self._sensor.task_partition_held(self._options.task_queue, partition, held=held)

    def feed_failed(self, error: BaseException) -> None:
        self._handover.call(self._on_fatal, error)

    # ---- tasks, on the event loop

    def _take_in(self, tasks: list[ReceivedTask]) -> None:
        if self._stopping:
            for task in tasks:
                self._feed.ended(task.partition, task.offset, finished=False)
            return
        self._sensor.tasks_received(self._options.task_queue, len(tasks))
        self._ready.extend(tasks)
        self._dispatch()

    def _dispatch(self) -> None:
        while self._ready:
            if not self._slots.take():
                if self._permits is not None:
                    self._permits.refill()
                return
            if self._rates and not self._take_tokens():
                self._slots.give_back()
                self._dispatch_later()
                return
            received = self._ready.popleft()
            self._start(received.workflow_id, received.task, self._topic_reporting, received)

    def _wanted(self) -> int:
        """How many free permits there should be."""
        return ASKED_AHEAD if self._options.take_tasks and not self._stopping else 0

    def _permit_came(self) -> None:
        self._dispatch()
        self._feed.slots_freed()

    def _start(self, workflow_id: str, task: ActivityTask, listener: AttemptListener, origin: object) -> None:
        self._remote += 1
        key = (task.run_id, task.scheduled_event_id, task.attempt)
        attempt = Attempt(key, workflow_id, task, listener, origin)
        if self._permits is not None:
            self._permits.begin(attempt, task.activity_type, eager=listener is self._eager_reporting)
        if self._cancelling:
            attempt.cancel("WORKER_SHUTDOWN")
        self._runner.start(attempt)
        if not self._telling_slots and not self._sensor.is_silent:
            # Once for all that start in one turn of the event loop; what never ends must be seen too.
            self._telling_slots = True
            self._loop.call_soon(self._tell_slots)

    def _take_tokens(self) -> bool:
        now = time.monotonic()
        for index, rate in enumerate(self._rates):
            if not rate.take(now):
                for taken in self._rates[:index]:
                    taken.give_back()
                return False
        return True

    def _dispatch_later(self) -> None:
        if self._rate_timer is None:
            now = time.monotonic()
            # No longer than a second: the share of the queue's rate may have changed by then.
            wait = min(max(rate.wait(now) for rate in self._rates), 1.0)
            self._rate_timer = self._loop.call_later(wait, self._dispatch_again)

    def _dispatch_again(self) -> None:
        self._rate_timer = None
        self._dispatch()
        self._feed.slots_freed()

    # ---- EagerTasks

    def cannot_run(self, activity_type: str, version: str) -> str:
        return self._registry.missing(activity_type, version)

    def reserve(self, task_queue: str, activity_type: str, version: str) -> bool:
        if self._stopping or not self._options.eager or task_queue != self._options.task_queue:
            return False
        if not self._registry.has(activity_type, version) or not self._slots.take_eager():
            return False
        if self._rates and not self._take_tokens():
            self._slots.give_back_eager()
            return False
        return True

    def release(self, task_queue: str) -> None:
        self._slots.give_back_eager()
        for rate in self._rates:
            rate.give_back()
        self._feed.slots_freed()

    def run_eager(self, workflow_id: str, task: ActivityTask, send: Send) -> None:
        # Also while stopping: it is committed as eager, and nobody else would run it.
        self._start(workflow_id, task, self._eager_reporting, send)

    def cancel(self, notice: ActivityCancelRequested) -> None:
        key = (notice.run_id, notice.scheduled_event_id, notice.attempt)
        # A reason that this build does not know is one more way to say that the attempt is to stop.
        self._runner.cancel(key, _REASONS.get(notice.reason, "NOT_FOUND"))

    def _on_notice(self, notice: Reply) -> None:
        if isinstance(notice, ActivityCancelRequested):
            self.cancel(notice)

    # ---- ends

    def _note_end(self, attempt: Attempt, outcome: Outcome | None) -> None:
        if outcome is None:
            self._sensor.heartbeats_sent(self._options.task_queue, 1)
            return
        if isinstance(outcome, LeftOpen):
            self._backend.left_open(attempt.workflow_id, attempt.task)
        if not self._sensor.is_silent:
            self._ended.append(
                EndedActivity(
                    activity_type=attempt.task.activity_type,
                    outcome=_OUTCOMES.get(type(outcome), "abandoned"),
                    seconds=self._clock.time() - attempt.started_at,
                )
            )

    def _note_released(self, attempt: Attempt) -> None:
        if self._permits is not None:
            self._permits.end(attempt)
        else:
            self._slots.give_back()
        self._remote -= 1
        if not self._round_scheduled:
            self._round_scheduled = True
            self._loop.call_soon(self._after_round)

    def _local_attempt_over(self) -> None:
        self._released.set()
        self._feed.local_attempt_over()

    def _after_round(self) -> None:
        """Once for all attempts that ended in one turn of the event loop."""
        self._round_scheduled = False
        self._dispatch()
        self._feed.slots_freed()
        self._released.set()
        self._tell_sensor()

    def _tell_sensor(self) -> None:
        if self._sensor.is_silent:
            return
        queue = self._options.task_queue
        if self._ended:
            ended, self._ended = self._ended, []
            self._sensor.activities_ended(queue, ended)
        self._tell_slots()

    def _tell_slots(self) -> None:
        self._telling_slots = False
        self._sensor.activity_slots(self._options.task_queue, self._slots.used, self._slots.total)
