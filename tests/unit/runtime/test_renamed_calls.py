"""Interceptors that rename calls: these reach the handler of their new name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from foldlog import workflow
from foldlog.common import RawValue
from foldlog.exceptions import ApplicationError
from foldlog.interceptor import (
    HandleQueryInput,
    HandleSignalInput,
    HandleUpdateInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

from tests.unit.runtime.driver import Driver


class Renaming(WorkflowInboundInterceptor):
    async def handle_signal(self, input: HandleSignalInput) -> None:
        input.signal = input.signal.removesuffix("_v1")
        await self.next.handle_signal(input)

    async def handle_query(self, input: HandleQueryInput) -> Any:
        input.query = input.query.removesuffix("_v1")
        return await self.next.handle_query(input)

    def handle_update_validator(self, input: HandleUpdateInput) -> None:
        input.update = input.update.removesuffix("_v1")
        self.next.handle_update_validator(input)

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:
        input.update = input.update.removesuffix("_v1")
        return await self.next.handle_update_handler(input)


class Renames(Interceptor):
    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> Any:
        return Renaming


@workflow.defn
class Renamed:
    def __init__(self) -> None:
        self.heard: list[str] = []

    @workflow.run
    async def run(self) -> list[str]:
        await workflow.wait_condition(lambda: len(self.heard) == 4)
        return self.heard

    @workflow.signal
    def hear_v1(self, text: str) -> None:
        self.heard.append("never")

    @workflow.signal
    async def hear(self, text: str) -> None:
        self.heard.append(f"signal {text}")

    @workflow.signal
    def gone_v1(self, name: str, args: list[str]) -> None:
        self.heard.append("never")

    @workflow.signal(dynamic=True)
    def others(self, name: str, args: Sequence[RawValue]) -> None:
        self.heard.append(f"dynamic {name}")

    @workflow.query
    def last_v1(self) -> str:
        return "never"

    @workflow.query
    def last(self) -> str:
        return self.heard[-1]

    @workflow.update
    def put_v1(self, text: str) -> str:
        return "never"

    @put_v1.validator
    def check_v1(self, text: str) -> None:
        raise ValueError("never")

    @workflow.update
    def put(self, text: str) -> str:
        self.heard.append(f"update {text}")
        return text

    @put.validator
    def check(self, text: str) -> None:
        if text == "refused":
            raise ValueError("refused by the validator of the new name")


def test_a_call_that_is_renamed_reaches_the_handler_of_its_new_name() -> None:
    run = Driver(Renamed, interceptors=[Renames()])
    run.signal("hear_v1", "one")
    assert run.query("last_v1") == "signal one"
    run.update("put_v1", "refused")
    with pytest.raises(ApplicationError, match="of the new name"):
        run.outcome("update-1")
    run.update("put_v1", "two")
    assert run.outcome("update-2") == "two"
    run.signal("hear", "three")
    run.signal("gone_v1", "gone", [])
    assert run.result == ["signal one", "update two", "signal three", "dynamic gone"]
    run.replay()
