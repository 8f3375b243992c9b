"""What lists of activities without a workflow are filtered by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from foldlog.client._filter import FIELDS as OF_WORKFLOWS
from foldlog.client._filter import Field
from foldlog.schemas.common import Payload
from foldlog.schemas.visibility import WorkflowVisibility
from foldlog.standalone.model import Job, activity_workflow_id


class Listed(NamedTuple):
    """The row of an activity's workflow, and what its memo has for lists."""

    row: WorkflowVisibility
    job: Job

    @property
    def search_attributes(self) -> Mapping[str, Payload]:
        """Its search attributes, which are those of its workflow."""
        return self.row.search_attributes


def _of_row(name: str) -> Field:
    field = OF_WORKFLOWS[name]

    def read(listed: Listed) -> Any:
        return field.read(listed.row)

    return Field(read, field.value)


_text = OF_WORKFLOWS["WorkflowId"].value

FIELDS: Mapping[str, Field] = {
    "ActivityId": Field(lambda listed: listed.row.workflow_id.removeprefix(activity_workflow_id("")), _text),
    "ActivityType": Field(lambda listed: listed.job.activity_type or None, _text),
    "TaskQueue": Field(lambda listed: listed.job.task_queue or None, _text),
    **{
        name: _of_row(name)
        for name in ("RunId", "ExecutionStatus", "StartTime", "ExecutionTime", "CloseTime", "ExecutionDuration")
    },
}
"""What every activity has, under the names of Temporal. Any other name is that of a search attribute."""
