"""Conversions of the records of `foldlog.visibility`.

Written by `python -m foldlog.schemas.generate` from avsc/visibility/*.avsc:
change those, not this.
"""

from __future__ import annotations

from typing import Any

from foldlog.schemas._conversions.common import payload_from_avro, payload_to_avro
from foldlog.schemas._conversions.types import NULL, Conversions, Usual
from foldlog.schemas.visibility import WorkflowVisibility


def workflow_visibility_is_usual(record: WorkflowVisibility) -> bool:
    return (
        record.memo == {}
        and record.search_attributes == {}
        and record.summary is None
        and record.stalled_error == ""
        and record.execution_start_ms == 0
        and record.first_task_ms == 0
        and record.parent_namespace == ""
        and record.parent_workflow_id == ""
        and record.parent_run_id == ""
        and record.root_workflow_id == ""
        and record.root_run_id == ""
        and record.deployment_version == ""
        and record.versioning_behavior == ""
    )


def workflow_visibility_usual_to_avro(record: WorkflowVisibility) -> dict[str, Any]:
    return {
        "workflow_id": record.workflow_id,
        "run_id": record.run_id,
        "workflow_type": record.workflow_type,
        "task_queue": record.task_queue,
        "status": record.status,
        "start_ms": record.start_ms,
        "close_ms": record.close_ms,
        "history_length": record.history_length,
        "partition": record.partition,
        "history_size": record.history_size,
    }


def workflow_visibility_to_avro(record: WorkflowVisibility) -> dict[str, Any]:
    values = workflow_visibility_usual_to_avro(record)
    values["memo"] = record.memo and {key: payload_to_avro(item) for key, item in record.memo.items()}
    values["search_attributes"] = record.search_attributes and {
        key: payload_to_avro(item) for key, item in record.search_attributes.items()
    }
    values["summary"] = NULL if record.summary is None else ("foldlog.common.Payload", payload_to_avro(record.summary))
    values["stalled_error"] = record.stalled_error
    values["execution_start_ms"] = record.execution_start_ms
    values["first_task_ms"] = record.first_task_ms
    values["parent_namespace"] = record.parent_namespace
    values["parent_workflow_id"] = record.parent_workflow_id
    values["parent_run_id"] = record.parent_run_id
    values["root_workflow_id"] = record.root_workflow_id
    values["root_run_id"] = record.root_run_id
    values["deployment_version"] = record.deployment_version
    values["versioning_behavior"] = record.versioning_behavior
    return values


def workflow_visibility_usual_from_avro(values: dict[str, Any]) -> WorkflowVisibility:
    return WorkflowVisibility(
        workflow_id=values["workflow_id"],
        run_id=values["run_id"],
        workflow_type=values["workflow_type"],
        task_queue=values["task_queue"],
        status=values["status"],
        start_ms=values["start_ms"],
        close_ms=values["close_ms"],
        history_length=values["history_length"],
        partition=values["partition"],
        history_size=values["history_size"],
        memo={},
        search_attributes={},
        summary=None,
        stalled_error="",
        execution_start_ms=0,
        first_task_ms=0,
        parent_namespace="",
        parent_workflow_id="",
        parent_run_id="",
        root_workflow_id="",
        root_run_id="",
        deployment_version="",
        versioning_behavior="",
    )


def workflow_visibility_from_avro(values: dict[str, Any]) -> WorkflowVisibility:
    record = workflow_visibility_usual_from_avro(values)
    record.memo = values["memo"] and {key: payload_from_avro(item) for key, item in values["memo"].items()}
    record.search_attributes = values["search_attributes"] and {
        key: payload_from_avro(item) for key, item in values["search_attributes"].items()
    }
    record.summary = None if values["summary"] is None else payload_from_avro(values["summary"])
    record.stalled_error = values["stalled_error"]
    record.execution_start_ms = values["execution_start_ms"]
    record.first_task_ms = values["first_task_ms"]
    record.parent_namespace = values["parent_namespace"]
    record.parent_workflow_id = values["parent_workflow_id"]
    record.parent_run_id = values["parent_run_id"]
    record.root_workflow_id = values["root_workflow_id"]
    record.root_run_id = values["root_run_id"]
    record.deployment_version = values["deployment_version"]
    record.versioning_behavior = values["versioning_behavior"]
    return record


CONVERSIONS: Conversions = {
    WorkflowVisibility: (
        "foldlog.visibility.WorkflowVisibility",
        b"\xc3\x01\xdf\x08\x05\xc5\xaa\xe1\xe82",
        workflow_visibility_to_avro,
        workflow_visibility_from_avro,
    ),
}

USUAL: Usual = {
    WorkflowVisibility: (
        workflow_visibility_is_usual,
        workflow_visibility_usual_to_avro,
        workflow_visibility_usual_from_avro,
    ),
}
