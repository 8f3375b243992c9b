"""The code in docs/workflows.md is code: it is run, and its workflows are."""

from __future__ import annotations

import re
import sys
import types
import warnings
from pathlib import Path
from typing import Any

import pytest
from foldlog.exceptions import ActivityError, ApplicationError
from foldlog.runtime import WorkflowRuntime
from foldlog.schemas import event

from tests.unit.runtime.chaining import Chain
from tests.unit.runtime.driver import Driver

PAGE = Path(__file__).parents[3] / "docs" / "workflows.md"


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The page as a module."""
    module = types.ModuleType("docs_workflows")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S):
        exec(compile(block, str(PAGE), "exec", dont_inherit=True), vars(module))
    return module


def test_all_workflows_of_the_page_can_be_registered(page: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        names = ["OrderWorkflow", "FanOut", "Parcel", "Parcels", "WithCleanup", "Basket", "Subscription", "Shipping"]
        runtime = WorkflowRuntime([getattr(page, name) for name in names], namespace="n")
    assert set(runtime.workflow_types) == set(names)


def test_the_basket(page: Any) -> None:
    driver = Driver(page.Basket, 10)
    driver.update("add", "tea")
    driver.complete("price", 7)
    assert driver.outcome("update-1") == 7
    driver.update("add", "tea")
    with pytest.raises(ApplicationError, match="cannot be added"):
        driver.outcome("update-2")
    driver.update("add", "caviar")
    driver.signal("close")
    driver.complete("price", 400)
    with pytest.raises(ApplicationError, match="too expensive"):
        driver.outcome("update-3")
    assert driver.result == {"tea": 7}


def test_the_order(page: Any) -> None:
    driver = Driver(page.OrderWorkflow, page.Order("o-1", 995))
    assert driver.query("current_status") == "new"
    driver.signal("approve")
    assert driver.query("current_status") == "charging"
    driver.complete("charge", "receipt")
    driver.fail("ship", ApplicationError("lost"))
    driver.complete("refund")
    with pytest.raises(ActivityError):
        _ = driver.result
    late = Driver(page.OrderWorkflow, page.Order("o-2", 1))
    late.fire()
    with pytest.raises(ApplicationError, match="nobody approved"):
        _ = late.result


def test_the_fan_out_runs_ten_at_a_time(page: Any) -> None:
    driver = Driver(page.FanOut, [str(number) for number in range(25)])
    assert len(driver.activities) == 10
    assert driver.run({"work": int}).result == list(range(25))


def test_the_cleanup(page: Any) -> None:
    driver = Driver(page.WithCleanup)
    driver.complete("reserve")
    driver.cancel("no longer wanted")
    driver.complete("release")
    assert isinstance(driver.end, event.WorkflowExecutionCanceled)


def test_the_parcels(page: Any) -> None:
    orders = [page.Order(name, 1) for name in ("a", "b", "c")]
    driver = Driver(page.Parcels, orders)
    driver.begin_child("parcel-a")
    driver.deliver()
    driver.begin_child()
    driver.end_child(driver.decided[-1].workflow_id, "sent")  # type: ignore[attr-defined]
    driver.begin_child()
    driver.fail_child(ApplicationError("lost"), driver.decided[-1].workflow_id)  # type: ignore[attr-defined]
    assert driver.result == ["sent"]
    driver.replay()


def test_the_subscription_goes_on_in_a_new_run(page: Any) -> None:
    chain = Chain(page.Subscription, continue_as_new_suggested_events=4).start(90_000)
    for _ in range(5):
        chain.signal("pay", 2_000)
    assert chain.ends() == ["WorkflowExecutionContinuedAsNew", "WorkflowExecutionCompleted"]
    assert chain.result == 100_000


def test_shipping_is_insured_unless_it_began_before(page: Any) -> None:
    assert Driver(page.Shipping, "o-1").run({"send": lambda order: f"{order} sent"}).kinds() == [
        "RecordPatch",
        "ScheduleActivity",
        "ScheduleActivity",
        "CompleteWorkflow",
    ]
