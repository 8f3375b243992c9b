"""How Temporal's workers run workflow code and fetch work: what programs give to `Worker`, and what does nothing here.

Workflow code is run by the processor, and work is read from topics. So these can be made, changed and given to a
worker, which takes them and leaves them aside; except that the guard does not watch code that is to run without a
sandbox.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

__all__ = [
    "PollerBehavior",
    "PollerBehaviorAutoscaling",
    "PollerBehaviorSimpleMaximum",
    "UnsandboxedWorkflowRunner",
    "WorkflowRunner",
]


class WorkflowRunner:
    """Base of what Temporal's workers run workflow code with."""


class UnsandboxedWorkflowRunner(WorkflowRunner):
    """Refuses nothing to workflow code. What it must not do, it does at its own risk: its replay may differ."""


def guards(runner: object) -> bool:
    """Whether the guard watches the code that a runner is given for; None: that of a worker's default."""
    return not isinstance(runner, UnsandboxedWorkflowRunner)


@dataclass(frozen=True)
class PollerBehaviorSimpleMaximum:
    """How many polls there are at most."""

    maximum: int = 5


@dataclass(frozen=True)
class PollerBehaviorAutoscaling:
    """Between which bounds the number of polls changes by itself."""

    minimum: int = 1
    maximum: int = 100
    initial: int = 5


PollerBehavior: TypeAlias = PollerBehaviorSimpleMaximum | PollerBehaviorAutoscaling
