"""Recorded histories, of the examples and of each kind of event, replay with the code of today."""

from __future__ import annotations

import importlib
import json
from functools import cache
from pathlib import Path
from typing import get_args

import pytest
from foldlog import workflow
from foldlog.client import WorkflowHistory
from foldlog.runtime.factory import _BUILT_IN
from foldlog.schemas.records import Event
from foldlog.worker import Replayer
from foldlog.workflow import NondeterminismError
from foldlog.workflow._definition import Definition

from examples.order.model import Order, Outcome
from examples.order.workflow import OrderWorkflow
from tests.histories.case import FOLDER, Case
from tests.histories.cases import CASES
from tests.histories.record import histories

EXAMPLES = Path(__file__).parents[3] / "examples"


@cache
def read(file: Path) -> WorkflowHistory:
    values = json.loads(file.read_text(encoding="utf-8"))
    return WorkflowHistory.from_json(values["workflow_id"], values)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_recorded_history_replays(case: Case) -> None:
    assert case.files(), f"python -m tests.histories.record {case.name}"
    replayer = Replayer(workflows=case.workflows)
    for file in case.files():
        result = await replayer.replay_workflow(read(file))
        assert result.replay_failure is None


def test_every_file_belongs_to_a_case() -> None:
    assert sorted(FOLDER.glob("*.json")) == sorted(file for case in CASES for file in case.files())
    assert [case.name for case in CASES] == sorted({case.name for case in CASES})


def test_every_workflow_of_the_examples_has_a_history() -> None:
    found = set()
    for file in EXAMPLES.rglob("*.py"):
        if "workflow.defn" not in file.read_text(encoding="utf-8"):
            continue  # some of the others do their work when they are imported
        module = ".".join(file.relative_to(EXAMPLES.parent).with_suffix("").parts)
        for value in vars(importlib.import_module(module)).values():
            if isinstance(value, type) and value.__module__ == module and Definition.from_class(value):
                found.add(value)
    assert len(found) >= 2
    missing = found - {cls for case in CASES for cls in case.workflows}
    assert not missing, "add a line to tests/histories/cases.py, then python -m tests.histories.record"


def test_every_kind_of_event_occurs_in_a_history() -> None:
    found = {type(event) for case in CASES for file in case.files() for event in read(file).events}
    missing = set(get_args(Event)) - found
    assert not missing, "add a line to tests/histories/kinds.py, then python -m tests.histories.record"


def test_each_of_foldlogs_own_workflows_has_a_history() -> None:
    """Schedules are open for years: what they have decided must be decided again by whatever comes."""
    found = {getattr(read(file).events[0], "workflow_type", "") for case in CASES for file in case.files()}
    names = {definition.name for kind in _BUILT_IN if (definition := Definition.from_class(kind))}
    assert len(names) == 3
    assert names <= found


async def test_what_is_recorded_today_replays_too() -> None:
    [case] = (case for case in CASES if case.name == "order-completed")
    [today] = await histories(case)
    [recorded] = map(read, case.files())
    assert [type(event) for event in today.events] == [type(event) for event in recorded.events]
    await Replayer(workflows=case.workflows).replay_workflow(today)


async def test_a_change_of_the_code_is_noticed() -> None:
    @workflow.defn(name="OrderWorkflow")
    class Hasty(OrderWorkflow):
        @workflow.run
        async def run(self, order: Order) -> Outcome:
            await self._pay(order)
            return await super().run(order)

    [case] = (case for case in CASES if case.name == "order-completed")
    [recorded] = map(read, case.files())
    with pytest.raises(NondeterminismError) as raised:
        await Replayer(workflows=[Hasty]).replay_workflow(recorded)
    assert "event 2 ActivityTaskScheduled(activity_type='ValidateOrder'" in str(raised.value)
    assert "now decides ScheduleActivity(activity_type='ProcessPayment'" in str(raised.value)
    assert "workflow.py:" in str(raised.value)
