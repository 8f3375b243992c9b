"""The application that the worker of test_cli_workflow.py runs, as text: it is a module of its own there."""

from __future__ import annotations

APP = """
import asyncio
from datetime import timedelta

from foldlog import activity, workflow
from foldlog.exceptions import ApplicationError
from foldlog.worker import Worker


@activity.defn
async def charge(amount: int) -> None:
    raise ApplicationError("card declined", amount, type="Declined", non_retryable=True)


@activity.defn
async def sleep() -> None:
    activity.logger.info("sleeping")
    await asyncio.sleep(600)


@workflow.defn
class Sleeping:
    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity(sleep, start_to_close_timeout=timedelta(seconds=900))


@workflow.defn
class Approval:
    def __init__(self) -> None:
        self.by = ""

    @workflow.run
    async def run(self, order: dict) -> dict:
        await workflow.wait_condition(lambda: self.by != "")
        return {"order": order, "by": self.by}

    @workflow.update
    async def approve_later(self, by: str) -> str:
        if by == "nobody":
            raise ApplicationError("nobody cannot approve")
        if by == "somebody":
            await workflow.wait_condition(lambda: self.by != "")
        return f"{self.by or by} approves"

    @workflow.signal
    def approve(self, by: str) -> None:
        self.by = by

    @workflow.query
    def status(self, prefix: str) -> str:
        return prefix + (self.by or "waiting")


@workflow.defn
class Purchase:
    @workflow.run
    async def run(self, amount: int) -> None:
        await workflow.execute_activity(charge, amount, start_to_close_timeout=timedelta(seconds=60))


@workflow.defn
class Buggy:
    @workflow.run
    async def run(self) -> None:
        raise ValueError("a bug")


class Shop:
    @activity.defn
    async def greet(self, name: str) -> str:
        return "Hello, " + name


@workflow.defn
class Greeting:
    @workflow.run
    async def run(self, name: str) -> str:
        return await workflow.execute_activity("greet", name, start_to_close_timeout=timedelta(seconds=60))


def make(client, **options):
    return Worker(client, workflows=[Greeting], activities=[Shop().greet], **options)
"""
