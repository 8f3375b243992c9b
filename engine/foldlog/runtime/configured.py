"""What a dynamic workflow says of itself, once its object is made: see `@workflow.dynamic_config`."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from foldlog.common import VersioningBehavior
from foldlog.core.decider import WorkflowTaskError
from foldlog.runtime.environment import Environment
from foldlog.runtime.loop import Mode
from foldlog.workflow._definition import DynamicWorkflowConfig

if TYPE_CHECKING:
    from foldlog.runtime.instance import WorkflowInstance


def configured(run: WorkflowInstance) -> Environment:
    """The environment of a run as its object wants it.

    Raises:
        WorkflowTaskError: What it says makes no sense.
    """
    environment = run.environment
    definition = environment.definition
    assert definition.dynamic_config_fn is not None
    mode, run.loop.mode = run.loop.mode, Mode.READ_ONLY
    try:
        config = definition.dynamic_config_fn(run.instance())
    finally:
        run.loop.mode = mode
    if not isinstance(config, DynamicWorkflowConfig):
        raise WorkflowTaskError(
            f"{definition.dynamic_config_fn.__qualname__} must return a DynamicWorkflowConfig, not {config!r}"
        )
    behavior = config.versioning_behavior
    if not isinstance(behavior, VersioningBehavior):
        raise WorkflowTaskError(
            f"DynamicWorkflowConfig.versioning_behavior must be a VersioningBehavior, not {behavior!r}"
        )
    environment = dataclasses.replace(environment, configured_behavior=behavior.to_record())
    if config.failure_exception_types is None:
        return environment
    own = definition.failure_exception_types
    of_worker = environment.failure_exception_types[: len(environment.failure_exception_types) - len(own)]
    return dataclasses.replace(
        environment, failure_exception_types=(*of_worker, *tuple(config.failure_exception_types))
    )
