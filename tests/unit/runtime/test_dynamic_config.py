"""What a dynamic workflow says of itself with `@workflow.dynamic_config`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest
from foldlog import workflow
from foldlog.common import RawValue, VersioningBehavior
from foldlog.core.decider import WorkflowTaskError
from foldlog.schemas import event
from foldlog.workflow import DynamicWorkflowConfig

from tests.unit.runtime.driver import Driver


class OfWorkerError(Exception):
    pass


@workflow.defn(dynamic=True, failure_exception_types=[KeyError])
class AnyType:
    """Fails by errors that its type names."""

    @workflow.init
    def __init__(self, args: Sequence[RawValue]) -> None:
        self.error: str = workflow.payload_converter().from_payload(args[0].payload, str)

    @workflow.dynamic_config
    def config(self) -> Any:
        kind = workflow.info().workflow_type
        if kind == "lookups":
            return DynamicWorkflowConfig(failure_exception_types=[LookupError])
        if kind == "versions":
            return DynamicWorkflowConfig(versioning_behavior=cast(VersioningBehavior, "PINNED"))
        if kind == "decides":
            workflow.patched("a patch")
        return DynamicWorkflowConfig() if kind == "default" else "nothing of the kind"

    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> None:
        kinds: dict[str, type[Exception]] = {"key": KeyError, "index": IndexError, "worker": OfWorkerError}
        raise kinds[self.error]("no")


@pytest.mark.parametrize(
    ("workflow_type", "error", "fails"),
    [
        ("lookups", "key", True),
        ("lookups", "index", True),
        ("lookups", "worker", True),
        ("default", "key", True),
        ("default", "index", False),
        ("default", "worker", True),
    ],
)
def test_which_errors_fail_a_run_is_said_for_each_run(workflow_type: str, error: str, fails: bool) -> None:
    def run() -> Driver:
        return Driver(AnyType, error, workflow_type=workflow_type, failure_exception_types=(OfWorkerError,))

    if fails:
        driver = run()
        assert isinstance(driver.end, event.WorkflowExecutionFailed)
        driver.replay()
    else:
        with pytest.raises(WorkflowTaskError, match="IndexError"):
            run()


@pytest.mark.parametrize(
    ("workflow_type", "message"),
    [
        ("versions", "versioning_behavior must be a VersioningBehavior, not 'PINNED'"),
        ("decides", "While in read-only function, action attempted: patch"),
        ("other", "AnyType.config must return a DynamicWorkflowConfig, not 'nothing of the kind'"),
    ],
)
def test_what_cannot_be_stalls_the_run(workflow_type: str, message: str) -> None:
    with pytest.raises(WorkflowTaskError, match=message):
        Driver(AnyType, "key", workflow_type=workflow_type)


def test_only_a_dynamic_workflow_has_one() -> None:
    def config(self: Any) -> DynamicWorkflowConfig:
        return DynamicWorkflowConfig()

    async def run(self: Any, args: Sequence[RawValue]) -> None: ...

    members = {"first": workflow.dynamic_config(config), "run": workflow.run(run)}
    with pytest.raises(ValueError, match=r"@workflow.dynamic_config \(config\) is for dynamic workflows only"):
        workflow.defn(type("Named", (), members))
    with pytest.raises(ValueError, match=r"more than one @workflow\.dynamic_config"):
        workflow.defn(dynamic=True)(type("Twice", (), {**members, "second": config}))


def test_it_takes_only_self_and_is_not_async() -> None:
    with pytest.raises(ValueError, match="must take only self"):
        workflow.dynamic_config(lambda self, kind: DynamicWorkflowConfig())  # type: ignore[type-var]

    async def later(self: Any) -> DynamicWorkflowConfig:
        return DynamicWorkflowConfig()

    with pytest.raises(ValueError, match="must not be async"):
        workflow.dynamic_config(later)  # type: ignore[type-var]
