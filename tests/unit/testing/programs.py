"""Workflows that carry out programs, and random programs for them: what can be combined is combined.

A program is a list: what is to be done, and with what. Programs in it are done within it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random
from typing import Any

from foldlog import activity, workflow
from foldlog.common import RetryPolicy, SearchAttributeKey
from foldlog.exceptions import ApplicationError, FailureError
from foldlog.workflow import ActivityCancellationType, ChildWorkflowCancellationType, ParentClosePolicy

QUEUE = "programs"
LIMIT = timedelta(seconds=30)
STEP = SearchAttributeKey.for_int("step")
DEPTH = 3
MISTAKES = (1, 2, 3)

broken: set[int] = set()
"""Mistakes that are in the code of workflows at this time."""

Program = list[Any]


@activity.defn
async def work(how: str, milliseconds: int) -> str:
    try:
        await asyncio.sleep(milliseconds / 1000)
    except asyncio.CancelledError:
        if how == "goes on":
            return how
        raise
    if how == "fails" or (how == "fails once" and activity.info().attempt == 1):
        raise ApplicationError(how, non_retryable=how == "fails")
    return how


def may_stall(mistake: int) -> None:
    if mistake in broken:
        raise KeyError(mistake)


@workflow.defn
class Interpreter:
    """Does what it is started with, and what messages say."""

    @workflow.init
    def __init__(self, program: Program, heard_before: list[int]) -> None:
        self.done: list[str] = []
        self.heard: list[int] = []
        self.children = 0

    @workflow.run
    async def run(self, program: Program, heard_before: list[int]) -> list[str]:
        await self.do(program)
        return self.done

    @workflow.signal
    async def hear(self, number: int, program: Program) -> None:
        self.heard.append(number)
        await self.do(["try", program])

    @workflow.update
    async def update(self, program: Program) -> int:
        await self.do(program)
        return len(self.done)

    @workflow.query
    def numbers(self) -> list[int]:
        return self.heard

    @workflow.query
    def steps(self) -> list[str]:
        return self.done

    async def do(self, program: Program) -> None:
        name, *args = program
        try:
            await getattr(self, f"do_{name}")(*args)
        except BaseException as error:
            self.done.append(f"{name}: {type(error).__name__}")
            raise
        self.done.append(name)

    # ---- one thing

    async def do_work(self, local: bool, how: str, milliseconds: int, cancellation: int) -> None:
        execute: Any = workflow.execute_local_activity if local else workflow.execute_activity
        await execute(
            work,
            args=[how, milliseconds],
            start_to_close_timeout=LIMIT,
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=50)),
            cancellation_type=ActivityCancellationType(cancellation),
            **({"local_retry_threshold": timedelta(milliseconds=10)} if local else {}),
        )

    async def do_sleep(self, seconds: float) -> None:
        await (asyncio.sleep(seconds) if seconds != 1 else workflow.sleep(0))

    async def do_wait(self, signals: int) -> None:
        await workflow.wait_condition(lambda: len(self.heard) >= signals, timeout=5)

    async def do_note(self, step: int) -> None:
        workflow.upsert_search_attributes([STEP.value_set(step)])
        self.done.append(f"{workflow.patched(str(step))} {workflow.random().random()}")

    async def do_signal(self, there: bool) -> None:
        await workflow.get_external_workflow_handle("listener" if there else "nobody").signal(
            "hear", args=[0, ["rest"]]
        )

    async def do_rest(self) -> None: ...

    async def do_mistake(self, mistake: int) -> None:
        may_stall(mistake)

    async def do_fail(self) -> None:
        raise ApplicationError("so it is written")

    async def do_next_run(self, program: Program) -> None:
        workflow.continue_as_new(args=[program, self.heard])

    # ---- programs within it

    async def do_child(self, program: Program, cancellation: int, policy: int, signaled: bool) -> None:
        self.children += 1
        info = workflow.info()
        child = await workflow.start_child_workflow(
            Interpreter.run,
            args=[program, []],
            id=f"{info.workflow_id}/{info.run_id[:6]}-{self.children}",
            cancellation_type=ChildWorkflowCancellationType(cancellation),
            parent_close_policy=ParentClosePolicy(policy),
        )
        if signaled:
            await child.signal(Interpreter.hear, args=[0, ["rest"]])
        await child

    async def do_all(self, *programs: Program) -> None:
        for program in programs:
            await self.do(program)

    async def do_together(self, *programs: Program) -> None:
        await asyncio.gather(*map(self.do, programs))

    async def do_group(self, *programs: Program) -> None:
        async with asyncio.TaskGroup() as group:
            for program in programs:
                group.create_task(self.do(program))

    async def do_first(self, *programs: Program) -> None:
        tasks = [asyncio.create_task(self.do(program)) for program in programs]
        await workflow.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def do_within(self, seconds: float, program: Program) -> None:
        async with asyncio.timeout(seconds):
            await self.do(program)

    async def do_shielded(self, program: Program) -> None:
        task = asyncio.create_task(self.do(program))
        try:
            await asyncio.shield(task)
        finally:
            await asyncio.gather(task, return_exceptions=True)

    async def do_finally(self, program: Program, cleanup: Program) -> None:
        try:
            await self.do(program)
        finally:
            await self.do(cleanup)

    async def do_saga(self, program: Program, *compensations: Program) -> None:
        async with workflow.Saga() as saga:
            for compensation in compensations:
                saga.add(self.do, compensation)
            await self.do(program)

    async def do_try(self, program: Program) -> None:
        try:
            await self.do(program)
        except (FailureError, TimeoutError, ExceptionGroup) as error:
            self.done.append(f"caught {type(error).__name__}")

    async def do_despite(self, program: Program) -> None:
        """Also over a cancellation."""
        try:
            await self.do(program)
        except (asyncio.CancelledError, FailureError, TimeoutError, ExceptionGroup) as error:
            self.done.append(f"caught {type(error).__name__}")


_TIMES = (0, 0.001, 0.01, 1, 60)
_LEAVES: dict[str, Callable[[Random], list[Any]]] = {
    "work": lambda some: [
        some.random() < 0.5,
        some.choice(["is done", "fails", "fails once", "goes on"]),
        some.choice([0, 1, 5]),
        some.randrange(3),
    ],
    "sleep": lambda some: [some.choice(_TIMES)],
    "wait": lambda some: [some.randrange(4)],
    "note": lambda some: [some.randrange(4)],
    "signal": lambda some: [some.random() < 0.7],
}
_WITHIN: dict[str, Callable[[Random, Callable[[], Program]], list[Any]]] = {
    "child": lambda some, inner: [inner(), some.randrange(4), some.randrange(1, 4), some.random() < 0.5],
    "all": lambda some, inner: [inner() for _ in range(some.randrange(1, 4))],
    "together": lambda some, inner: [inner() for _ in range(some.randrange(1, 4))],
    "group": lambda some, inner: [inner() for _ in range(some.randrange(1, 4))],
    "first": lambda some, inner: [inner() for _ in range(some.randrange(1, 4))],
    "within": lambda some, inner: [some.choice(_TIMES[1:]), inner()],
    "shielded": lambda some, inner: [inner()],
    "finally": lambda some, inner: [inner(), inner()],
    "saga": lambda some, inner: [inner(), inner(), inner()],
    "try": lambda some, inner: [inner()],
    "despite": lambda some, inner: [inner()],
}


_LETS_MISTAKES_THROUGH = ("child", "all", "together", "within", "try", "despite")
"""What neither goes on after a mistake nor does anything more because of it. Else what is recorded would be of the
mistake, and not fit the mended code."""


def random_program(some: Random, depth: int, mistakes: Sequence[int] = ()) -> Program:
    """One that ends by itself, whatever messages it gets."""
    within = _LETS_MISTAKES_THROUGH if mistakes else _WITHIN
    kinds = [*_LEAVES, "work", "work", *(within if depth > 0 else ()), *(["mistake"] * 3 if mistakes else ["fail"])]
    name = some.choice(kinds)
    if name == "mistake":
        return [name, some.choice(mistakes)]
    if name in _LEAVES:
        return [name, *_LEAVES[name](some)]
    if name in _WITHIN:
        return [name, *_WITHIN[name](some, lambda: random_program(some, depth - 1, mistakes))]
    return [name]


def random_chain(some: Random, mistakes: Sequence[int] = (), runs: int = 3) -> Program:
    """One of several runs, perhaps, that gets over most of what goes wrong in it."""
    parts = [random_program(some, DEPTH - 1, mistakes) for _ in range(some.randrange(1, 5))]
    program = ["all", *(["despite", part] if some.random() < 0.8 else part for part in parts)]
    if runs > 1 and some.random() < 0.5:
        program.append(["next_run", random_chain(some, mistakes, runs - 1)])
    return program
