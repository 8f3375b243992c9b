"""A runner without Kafka: attempts whose reports the test sees."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from multiprocessing.managers import SyncManager
from typing import Any

from foldlog.converter import DataConverter
from foldlog.schemas.common import Payload
from foldlog.schemas.task import ActivityTask
from foldlog.worker.attempt import Attempt, HeartbeatIntervals
from foldlog.worker.calls import Calls
from foldlog.worker.clock import Clock
from foldlog.worker.conversion import Conversion
from foldlog.worker.outcome import Completed, Outcome
from foldlog.worker.registry import Registry
from foldlog.worker.runner import Runner

DEADLINE = 60.0


class HandClock:
    """A worker's clock that goes on only when the test says so. For the event loop's thread."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._calls: list[HandTimer] = []

    def time(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[..., Any], /, *args: Any) -> HandTimer:
        timer = HandTimer(when, lambda: callback(*args))
        self._calls.append(timer)
        return timer

    def call_later(self, delay: float, callback: Callable[..., Any], /, *args: Any) -> HandTimer:
        return self.call_at(self.now + delay, callback, *args)

    def advance(self, seconds: float) -> None:
        """Let time go on, and make the calls that come due, each at its time."""
        end = self.now + seconds
        while due := [timer for timer in self._calls if timer.when <= end]:
            first = min(due, key=lambda timer: timer.when)
            self._calls.remove(first)
            self.now = max(self.now, first.when)
            if not first.cancelled:
                first.call()
        self.now = end


class HandTimer:
    """A call of a `HandClock` that is to come."""

    def __init__(self, when: float, call: Callable[[], Any]) -> None:
        self.when, self.call = when, call
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Watched:
    """One attempt and all that was heard of it."""

    def __init__(self) -> None:
        self.starts: list[float] = []
        self.heartbeats: list[list[Payload]] = []
        self.outcomes: list[Outcome] = []
        self.over = asyncio.Event()
        self.attempt: Attempt | None = None
        self.on_released: Callable[[], Any] = lambda: None

    def started(self, attempt: Attempt, running_seconds: float) -> None:
        self.starts.append(running_seconds)

    def heartbeat(self, attempt: Attempt, details: list[Payload]) -> None:
        self.heartbeats.append(details)

    def ended(self, attempt: Attempt, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    def released(self, attempt: Attempt) -> None:
        self.on_released()
        self.over.set()

    async def outcome(self) -> Outcome:
        """How it ended, once its code has."""
        await asyncio.wait_for(self.over.wait(), DEADLINE)
        assert len(self.outcomes) == 1
        return self.outcomes[0]


class Bench:
    """A runner with some activities."""

    def __init__(
        self,
        activities: Sequence[Callable[..., Any]],
        *,
        executor: Executor | None = None,
        manager: SyncManager | None = None,
        converter: DataConverter = DataConverter.default,
        intervals: HeartbeatIntervals | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.conversion = Conversion(converter)
        self.broken: list[BaseException] = []
        self.calls = Calls(self.conversion, task_queue="work", executor=executor, manager=manager)
        self.runner = Runner(
            Registry(activities),
            self.conversion,
            self.calls,
            intervals=intervals or HeartbeatIntervals(),
            on_broken=self.broken.append,
            clock=clock,
        )

    async def start(self, activity_type: str, *args: Any, **fields: Any) -> Watched:
        """Begin an attempt."""
        given: dict[str, Any] = {
            "namespace": "shop",
            "run_id": "run",
            "workflow_type": "Order",
            "activity_id": "7",
            "activity_type": activity_type,
            "scheduled_event_id": 5,
            "attempt": 1,
            "args": await self.conversion.encode_all(args),
            "scheduled_ms": 1_000,
            "attempt_scheduled_ms": 2_000,
        }
        watched = Watched()
        task = ActivityTask(**given | fields)
        watched.attempt = Attempt(("run", task.scheduled_event_id, task.attempt), "wf", task, watched)
        self.runner.start(watched.attempt)
        return watched

    async def run(self, activity_type: str, *args: Any, **fields: Any) -> Outcome:
        """Run an attempt to its end."""
        return await (await self.start(activity_type, *args, **fields)).outcome()

    async def values(self, payloads: list[Payload]) -> list[Any]:
        """Payloads, decoded."""
        return await self.conversion.decode(payloads, None)

    async def result(self, activity_type: str, *args: Any, **fields: Any) -> Any:
        """What an attempt returns."""
        outcome = await self.run(activity_type, *args, **fields)
        assert isinstance(outcome, Completed), outcome
        return (await self.values([outcome.result]))[0]
