"""A workflow that uses much of what there is, and the decisions that it makes in a given world.

Run as a program it prints the decisions, so that a test can compare processes with different hash seeds.
"""

from __future__ import annotations

import asyncio
import random
import sys
from datetime import timedelta
from typing import Any

from foldlog import workflow
from foldlog.exceptions import ActivityError, ApplicationError
from msgspec.structs import replace

from tests.unit.runtime.driver import Driver

TIMEOUT = timedelta(seconds=10)


@workflow.defn
class Busy:
    """Fans out, waits for what comes first, cancels the rest, listens to messages, and uses random numbers."""

    def __init__(self) -> None:
        self.signals: asyncio.Queue[int] = asyncio.Queue()
        self.total = 0
        self.log: list[Any] = []

    @workflow.run
    async def run(self, rounds: int) -> list[Any]:
        self.background = asyncio.create_task(self.listen())
        for number in range(rounds):
            await self.first_of(number)
            await self.group(number)
            await self.timed(number)
        self.background.cancel()
        self.log += [self.total, str(workflow.uuid4()), workflow.random().random(), workflow.new_random().random()]
        return self.log

    async def listen(self) -> None:
        while True:
            self.total += await self.signals.get()

    @workflow.signal(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def add(self, number: int) -> None:
        if number % 2:
            await workflow.execute_activity("check", number, start_to_close_timeout=TIMEOUT)
        await self.signals.put(number)

    @workflow.update(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def put(self, number: int) -> int:
        if number % 3:
            await workflow.execute_activity("look", number, start_to_close_timeout=TIMEOUT)
        await self.signals.put(number)
        return self.total

    @put.validator
    def check(self, number: int) -> None:
        if number == 9:
            raise ApplicationError("not nine")

    async def first_of(self, number: int) -> None:
        tasks = {workflow.start_activity(f"race-{lane}", number, start_to_close_timeout=TIMEOUT) for lane in range(7)}
        done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        results = await asyncio.gather(*pending, return_exceptions=True)
        failed = [task.exception() is not None for task in done]
        self.log.append([failed, sum(isinstance(result, ActivityError) for result in results)])

    async def group(self, number: int) -> None:
        async def unlucky() -> None:
            await workflow.sleep(workflow.random().uniform(1, 5))
            raise ValueError(number)

        try:
            async with asyncio.TaskGroup() as group:
                for lane in range(6):
                    group.create_task(
                        workflow.execute_activity(f"group-{lane}", start_to_close_timeout=TIMEOUT, task_queue="q")
                    )
                if number % 2:
                    group.create_task(unlucky())
        except* (ValueError, ActivityError) as failed:
            self.log.append(len(failed.exceptions))

    async def timed(self, number: int) -> None:
        try:
            async with asyncio.timeout(3):
                await workflow.execute_local_activity("local", number, start_to_close_timeout=TIMEOUT)
        except (TimeoutError, ActivityError) as error:
            self.log.append(type(error).__name__)
        try:
            await workflow.wait_condition(lambda: self.total > 10 * number, timeout=4)
        except TimeoutError:
            self.log.append("no signals")


def play(world: random.Random, rounds: int = 3) -> Driver:
    """Run it in a world that does at random whatever can happen next."""
    driver = Driver(Busy, rounds)
    for _ in range(10_000):
        if driver.end is not None:
            return driver
        choices = ["signal", "update"] + ["activity"] * 6 * bool(driver.activities)
        choices += ["local"] * 3 * bool(driver.local) + ["timer"] * 3 * bool(driver.timers)
        happen(driver, world.choice(choices), world)
    raise AssertionError("it never ends")


def happen(driver: Driver, what: str, world: random.Random) -> None:
    """Let one thing happen that can happen now."""
    driver.now_ms += world.randrange(0, 700)
    if what == "signal":
        driver.signal("add", world.randrange(10))
    elif what == "update":
        driver.update("put", world.randrange(10))
    elif what == "activity":
        event_id = world.choice(sorted(driver.activities))
        how = world.random()
        if how < 0.8:
            driver.complete(event_id, world.randrange(100))
        elif how < 0.9:
            driver.acknowledge_cancel(event_id)
        else:
            driver.time_out(event_id)
    elif what == "local":
        driver.complete_local(world.choice(sorted(driver.local)), 1)
    else:
        driver.fire()


def transcript(driver: Driver) -> str:
    """All decisions and the end, as text."""
    decided = [replace(each, origin=None) if hasattr(each, "origin") else each for each in driver.decided]
    return "\n".join([*map(repr, decided), repr(driver.end)])


if __name__ == "__main__":
    print(transcript(play(random.Random(int(sys.argv[1])))))
