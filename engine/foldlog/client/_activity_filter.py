"""What lists of activities without a workflow are filtered by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from foldlog.client._filter import FIELDS as OF_WORKFLOWS
from foldlog.client._filter import Field, Predicate, fields_of, parse
from foldlog.schemas.common import Payload
from foldlog.schemas.visibility import WorkflowVisibility
from foldlog.standalone.model import Job, activity_workflow_id


class Listed(NamedTuple):
    """The row of an activity's workflow, and what its memo has for lists."""

    row: WorkflowVisibility
    job: Job | None = None
    """None: it has not been read."""

    @property
    def search_attributes(self) -> Mapping[str, Payload]:
        """Its search attributes, which are those of its workflow."""
        return self.row.search_attributes


def _job(listed: Listed) -> Job:
    assert listed.job is not None, "what names these fields reads jobs"
    return listed.job


def _of_row(name: str) -> Field:
    field = OF_WORKFLOWS[name]

    def read(listed: Listed) -> Any:
        return field.read(listed.row)

    return Field(read, field.value)


_text = OF_WORKFLOWS["WorkflowId"].value

FIELDS: Mapping[str, Field] = {
    "ActivityId": Field(lambda listed: listed.row.workflow_id.removeprefix(activity_workflow_id("")), _text),
    "ActivityType": Field(lambda listed: _job(listed).activity_type or None, _text),
    "TaskQueue": Field(lambda listed: _job(listed).task_queue or None, _text),
    **{
        name: _of_row(name)
        for name in ("RunId", "ExecutionStatus", "StartTime", "ExecutionTime", "CloseTime", "ExecutionDuration")
    },
}
"""What every activity has, under the names of Temporal. Any other name is that of a search attribute."""

_OF_JOBS = frozenset({"ActivityType", "TaskQueue"})


class Filter(NamedTuple):
    """What a list filter says of activities, and what it needs for that."""

    wanted: Predicate
    reads_jobs: bool
    """Whether it asks for what only memos have. A memo is for the codec to decode, one for each activity."""


def filter_of(query: str | None) -> Filter:
    """The filter that a query stands for.

    Raises:
        InvalidArgumentError: It cannot be understood.
    """
    wanted = parse(query or "", FIELDS)
    return Filter(wanted, not _OF_JOBS.isdisjoint(fields_of(query or "")))
