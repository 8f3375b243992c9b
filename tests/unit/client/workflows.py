"""Workflow definitions for tests of the client. Nobody runs them here."""

from __future__ import annotations

from dataclasses import dataclass

from foldlog import workflow


@dataclass
class Order:
    item: str
    count: int


@workflow.defn
class NoParam:
    @workflow.run
    async def run(self) -> int:
        return 1


@workflow.defn(name="orders")
class OneParam:
    @workflow.run
    async def run(self, order: Order) -> Order:
        return order

    @workflow.signal
    def pause(self) -> None: ...

    @workflow.signal(name="add-item")
    async def add(self, count: int) -> None: ...

    @workflow.signal
    def move(self, source: str, target: str) -> None: ...

    @workflow.query
    def status(self) -> str:
        return ""

    @workflow.update
    async def close(self) -> int:
        return 1

    @workflow.update(name="put-item")
    def put(self, order: Order) -> list[Order]:
        return [order]

    @put.validator
    def check_put(self, order: Order) -> None: ...

    @workflow.update
    async def exchange(self, first: str, second: str) -> str:
        return first + second

    @workflow.query(name="item")
    def item_at(self, index: int) -> Order:
        return Order("", index)

    @workflow.query
    def between(self, low: int, high: int) -> list[Order]:
        return []


@workflow.defn
class TwoParams:
    @workflow.run
    async def run(self, item: str, count: int) -> list[str]:
        return [item] * count
