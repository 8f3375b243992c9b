"""A workflow that takes messages of each kind."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from foldlog import activity, workflow
from foldlog.exceptions import ApplicationError

LIMIT = timedelta(seconds=60)


@activity.defn
async def look_up(amount: int) -> int:
    return amount


@workflow.defn
class Account:
    """Takes deposits as updates; some of them wait, for a signal or for time."""

    @workflow.init
    def __init__(self, balance: int) -> None:
        self.balance = balance
        self.log: list[str] = []
        self.released = False
        self.closed = False

    @workflow.run
    async def run(self, balance: int) -> list[str]:
        self.log.append("run")
        await workflow.wait_condition(lambda: self.closed)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.log

    @workflow.update
    def deposit(self, amount: int) -> int:
        self.balance += amount
        self.log.append(f"deposit {amount}")
        return self.balance

    @deposit.validator
    def check_deposit(self, amount: int) -> None:
        if amount <= 0:
            raise ApplicationError(f"cannot deposit {amount}", type="NotPositive")

    @workflow.update
    async def deposit_when_released(self, amount: int) -> int:
        await workflow.wait_condition(lambda: self.released)
        seen = await workflow.execute_activity(look_up, amount, start_to_close_timeout=LIMIT)
        self.balance += seen
        return self.balance

    @workflow.update
    async def deposit_after(self, amount: int, seconds: float) -> int:
        await asyncio.sleep(seconds)
        self.balance += amount
        return self.balance

    @workflow.update
    async def fail(self, reason: str) -> None:
        await asyncio.sleep(0.01)
        raise ApplicationError(reason, 42, type="Failed")

    @workflow.update(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def never(self) -> None:
        await asyncio.Event().wait()

    @workflow.signal
    async def note(self, text: str) -> None:
        self.log.append(text)

    @workflow.signal
    def release(self) -> None:
        self.released = True

    @workflow.signal
    def close(self) -> None:
        self.closed = True

    @workflow.query
    def current(self) -> int:
        return self.balance


@workflow.defn
class Again:
    """Fails at first, if it is to. Its update has no handler before its code has begun."""

    @workflow.run
    async def run(self, fails: bool) -> list[str]:
        if fails and workflow.info().attempt == 1:
            raise ApplicationError("at first")
        said: list[str] = []

        def say(text: str) -> str:
            said.append(text)
            return f"{text}, in attempt {workflow.info().attempt}"

        workflow.set_update_handler("say", say)
        await workflow.wait_condition(lambda: bool(said))
        return said
