"""What the way of an activity into its thread and back costs, in CPU: `python -m benchmarks.activities`.

Needs no broker. One workflow after the other runs activities that do nothing, one at a time: on the event loop, in the
worker's own threads, and in those of a `ThreadPoolExecutor` that it is given. All three by turns in one process, so
whatever else the machine does meets them alike; the median of the rounds' ratios is what counts.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial

import click
from foldlog import activity, workflow
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker

from benchmarks.setting import show, write

QUEUE = "work"
ACTIVITIES = 50
"""Of each workflow."""
KINDS = ("on the event loop", "in the worker's threads", "in a ThreadPoolExecutor")


@activity.defn
async def on_loop() -> None:
    """Nothing, on the event loop."""


@activity.defn
def in_thread() -> None:
    """Nothing, in a thread."""


@workflow.defn
class OneByOne:
    """Activities, one after the other."""

    @workflow.run
    async def run(self, name: str) -> None:
        """Run them."""
        for _ in range(ACTIVITIES):
            await workflow.execute_activity(name, start_to_close_timeout=timedelta(minutes=1))


async def worker_of(stack: AsyncExitStack, executor: Executor | None) -> WorkflowEnvironment:
    """An environment with a worker in it."""
    env = await stack.enter_async_context(await WorkflowEnvironment.start_time_skipping())
    activities = [on_loop, in_thread]
    worker = Worker(
        env.client, task_queue=QUEUE, workflows=[OneByOne], activities=activities, activity_executor=executor
    )
    await stack.enter_async_context(worker)
    return env


async def measure(rounds: int, workflows: int) -> dict[str, list[float]]:
    """CPU microseconds of an activity, with its part of the workflow, for each kind and round."""
    found: dict[str, list[float]] = {kind: [] for kind in KINDS}
    async with AsyncExitStack() as stack:
        own = await worker_of(stack, None)
        given = await worker_of(stack, stack.enter_context(ThreadPoolExecutor(100)))
        cases = ((own, on_loop), (own, in_thread), (given, in_thread))
        runs = [partial(env.client.execute_workflow, OneByOne.run, kind.__name__) for env, kind in cases]
        for number in range(-1, rounds):  # the first round is not counted
            for kind, run in zip(KINDS, runs, strict=True):
                began = time.process_time()
                for each in range(workflows):
                    await run(id=f"{kind}-{number}-{each}", task_queue=QUEUE)
                if number >= 0:
                    found[kind].append((time.process_time() - began) / (workflows * ACTIVITIES) * 1e6)
    return found


@click.command()
@click.option("--rounds", default=25, show_default=True, help="Rounds of all three.")
@click.option("--workflows", default=4, show_default=True, help="Workflows in each.")
def main(rounds: int, workflows: int) -> None:
    """Measure the way into a thread and back."""
    found = asyncio.run(measure(rounds, workflows))
    least = found[KINDS[0]]
    rows = [
        (
            kind,
            f"{min(each):.0f} µs",
            f"{statistics.median(each):.0f} µs",
            f"{statistics.median(one / other for one, other in zip(each, least, strict=True)):.2f}",
        )
        for kind, each in found.items()
    ]
    show("CPU for one activity that does nothing, and its part of the workflow", ["", "least", "median", "ratio"], rows)
    write("activities", {kind: {"least": low, "median": median, "ratio": ratio} for kind, low, median, ratio in rows})


if __name__ == "__main__":
    main()
