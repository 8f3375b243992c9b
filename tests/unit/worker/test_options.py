"""Each option of workers, clients and starts that has a wrong type is an error that names it."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import pytest
from foldlog import workflow
from foldlog.client import Client
from foldlog.client._start_options import StartOptions
from foldlog.exceptions import ConfigurationError
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker
from foldlog.worker.options import rate


@workflow.defn
class Idle:
    @workflow.run
    async def run(self) -> None:
        pass


class Nothing:
    """Fits no option."""

    def __repr__(self) -> str:
        return "<nothing>"


def options_of(function: Callable[..., Any], *others: str) -> list[str]:
    """The options of a function that have a type."""
    parameters = inspect.signature(function).parameters.values()
    return [each.name for each in parameters if each.name not in others and each.kind is not each.VAR_KEYWORD]


@pytest.mark.parametrize("name", options_of(Worker, "client"))
async def test_a_worker_names_an_option_of_a_wrong_type(name: str) -> None:
    async with await WorkflowEnvironment.start_time_skipping() as environment:
        options: dict[str, Any] = {"task_queue": "q", "workflows": [Idle], name: Nothing()}
        with pytest.raises(ConfigurationError, match=f"^{name} must be .*, not <nothing>$"):
            Worker(environment.client, **options)


@pytest.mark.parametrize("unit", ["events", "bytes"])
async def test_a_history_must_have_room_to_continue_as_new(unit: str) -> None:
    async with await WorkflowEnvironment.start_time_skipping() as environment:
        limit, suggested = f"max_history_{unit}", f"continue_as_new_suggested_{unit}"
        options: dict[str, Any] = {"task_queue": "q", "workflows": [Idle], suggested: 100}
        for enough in (None, 101):
            options[limit] = enough
            Worker(environment.client, **options)
        options[limit] = 100
        with pytest.raises(ConfigurationError, match=f"^{limit} must be more than 100, .* {suggested}.*, not 100$"):
            Worker(environment.client, **options)


def test_a_worker_names_a_client_that_is_none() -> None:
    with pytest.raises(ConfigurationError, match=r"^client must be a Client, not 'localhost:9092'$"):
        Worker("localhost:9092", task_queue="q", workflows=[Idle])  # type: ignore[arg-type]


@pytest.mark.parametrize("name", options_of(Client.connect))
async def test_a_client_names_an_option_of_a_wrong_type(name: str) -> None:
    options: dict[str, Any] = {name: Nothing()}
    with pytest.raises(ConfigurationError, match=f"^{name} must be .*, not <nothing>$"):
        await Client.connect(**options)


@pytest.mark.parametrize("name", ["id", "task_queue", *sorted(set(StartOptions.__annotations__) - {"rpc_metadata"})])
async def test_a_start_names_an_option_of_a_wrong_type(name: str) -> None:
    async with await WorkflowEnvironment.start_time_skipping() as environment:
        options: dict[str, Any] = {"id": "idle", "task_queue": "q", name: Nothing()}
        with pytest.raises(ConfigurationError, match=f"^{name} must be .*, not <nothing>$"):
            await environment.client.start_workflow(Idle.run, **options)


async def test_arguments_of_a_signal_need_its_name() -> None:
    async with await WorkflowEnvironment.start_time_skipping() as environment:
        with pytest.raises(
            ConfigurationError, match="start_signal_args are given without start_signal: name the signal"
        ):
            await environment.client.start_workflow(Idle.run, id="idle", task_queue="q", start_signal_args=[1])


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_a_rate_is_a_number_that_can_be_counted_by(value: float) -> None:
    with pytest.raises(ConfigurationError, match=f"max_activities_per_second must be more than 0, not {value}"):
        rate("max_activities_per_second", value)


@pytest.mark.parametrize("number", [0, -1])
async def test_none_of_the_eager_activities_is_not_said_by_a_number(number: int) -> None:
    async with await WorkflowEnvironment.start_time_skipping() as environment:
        options: dict[str, Any] = {"task_queue": "q", "workflows": [Idle]}
        Worker(environment.client, **options, max_eager_activity_reservations_per_workflow_task=1)
        with pytest.raises(ConfigurationError, match="must be positive; use disable_eager_activity_execution=True"):
            Worker(environment.client, **options, max_eager_activity_reservations_per_workflow_task=number)
