"""What the code of a run has others do: activities, child workflows, signals and cancellations of other workflows.

Owns the way from a call of the code to who keeps such work, and that nobody is made for work that is never asked for.
What becomes a decision and what an event means is for `Activities`, `Children` and `External`.
"""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from foldlog.runtime.activities import Activities
from foldlog.runtime.children import Children
from foldlog.runtime.environment import Environment
from foldlog.runtime.external import External
from foldlog.runtime.properties import RunProperties
from foldlog.schemas.common import Payload
from foldlog.schemas.event import WorkflowExecutionStarted
from foldlog.workflow._activity_types import ActivityConfig, ActivityHandle, LocalActivityConfig
from foldlog.workflow._child_types import ChildWorkflowConfig, ChildWorkflowHandle

if TYPE_CHECKING:
    from foldlog.runtime.instance import WorkflowInstance


class Errands(RunProperties):
    """The part of a runtime that has others do something."""

    __slots__ = ("_activities", "_children", "_external")

    def __init__(self, environment: Environment, workflow_id: str, started: WorkflowExecutionStarted) -> None:
        super().__init__(environment, workflow_id, started)
        self._activities: Activities | None = None
        self._children: Children | None = None
        self._external: External | None = None

    @property
    def activities(self) -> Activities:
        """Its activities."""
        if self._activities is None:
            self._activities = Activities(cast("WorkflowInstance", self))
        return self._activities

    @property
    def children(self) -> Children:
        """Its children."""
        if self._children is None:
            self._children = Children(cast("WorkflowInstance", self))
        return self._children

    @property
    def external(self) -> External:
        """What it asks of other workflows."""
        if self._external is None:
            self._external = External(cast("WorkflowInstance", self))
        return self._external

    def start_activity(
        self, activity_type: str, args: Sequence[Any], result_type: Any, options: ActivityConfig
    ) -> ActivityHandle[Any]:
        """See base class."""
        return self.activities.start(activity_type, args, result_type, options, local=False)

    def execute_activity(
        self, activity_type: str, args: Sequence[Any], result_type: Any, options: ActivityConfig
    ) -> Coroutine[Any, Any, Any]:
        """See base class."""
        return self.activities.execute(activity_type, args, result_type, options, local=False)

    def start_local_activity(
        self, activity_type: str, args: Sequence[Any], result_type: Any, options: LocalActivityConfig
    ) -> ActivityHandle[Any]:
        """See base class."""
        return self.activities.start(activity_type, args, result_type, options, local=True)

    def execute_local_activity(
        self, activity_type: str, args: Sequence[Any], result_type: Any, options: LocalActivityConfig
    ) -> Coroutine[Any, Any, Any]:
        """See base class."""
        return self.activities.execute(activity_type, args, result_type, options, local=True)

    def start_child_workflow(
        self, workflow_type: str, args: Sequence[Any], result_type: Any, options: ChildWorkflowConfig
    ) -> Coroutine[Any, Any, ChildWorkflowHandle[Any, Any]]:
        """See base class."""
        return self.children.start(workflow_type, args, result_type, options)

    def execute_child_workflow(
        self, workflow_type: str, args: Sequence[Any], result_type: Any, options: ChildWorkflowConfig
    ) -> Coroutine[Any, Any, Any]:
        """See base class."""
        return self.children.execute(workflow_type, args, result_type, options)

    def signal_external_workflow(
        self, namespace: str | None, workflow_id: str, run_id: str, child_only: bool, name: str, args: Sequence[Any]
    ) -> Coroutine[Any, Any, None]:
        """See base class."""
        return self.external.signal(namespace, workflow_id, run_id, child_only, name, args)

    def cancel_external_workflow(
        self, namespace: str | None, workflow_id: str, run_id: str, reason: str
    ) -> Coroutine[Any, Any, None]:
        """See base class."""
        return self.external.cancel(namespace, workflow_id, run_id, reason)

    def start_activity_with_header(
        self, activity_type: str, args: Sequence[Any], result_type: Any, options: Any, header: Mapping[str, Payload]
    ) -> Any:
        """For the workflow that carries out an activity which no workflow asked for."""
        return self.activities.start(activity_type, args, result_type, options, False, header)

    def start_child_with_header(
        self, workflow_type: str, args: Sequence[Any], result_type: Any, options: Any, header: Mapping[str, Payload]
    ) -> Any:
        """For the workflow that takes an action of a schedule."""
        return self.children.start(workflow_type, args, result_type, options, header)
