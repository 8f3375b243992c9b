"""Built-in queries about a workflow's code: what it can be asked and told, and where its tasks wait, as JSON.

The field names are those of Temporal's `WorkflowMetadata` and `EnhancedStackTrace`, so that tools that know them work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from foldlog.runtime.stack import task_frames

STACK_TRACE_QUERY = "__stack_trace"
ENHANCED_STACK_TRACE_QUERY = "__enhanced_stack_trace"
METADATA_QUERY = "__temporal_workflow_metadata"


def workflow_metadata(
    workflow_type: str,
    queries: Mapping[str | None, Any],
    signals: Mapping[str | None, Any],
    updates: Mapping[str | None, Any],
    current_details: str,
) -> dict[str, Any]:
    """The messages that a workflow takes now, handlers set at run time included; a dynamic one has no name.

    And what it says of itself: its current details.
    """
    return {
        "definition": {
            "type": workflow_type,
            "queryDefinitions": _definitions(queries),
            "signalDefinitions": _definitions(signals),
            "updateDefinitions": _definitions(updates),
        },
        "currentDetails": current_details,
    }


def _definitions(handlers: Mapping[str | None, Any]) -> list[dict[str, str]]:
    return [
        {"name": name or "", "description": handlers[name].description or ""}
        for name in sorted(handlers, key=lambda name: name or "")
    ]


def enhanced_stack_trace(tasks: Iterable[asyncio.Task[Any]]) -> dict[str, Any]:
    """Where each task stands, line by line; without the text of the source files."""
    return {
        "sdk": {"name": "foldlog", "version": _VERSION},
        "sources": {},
        "stacks": [
            {
                "locations": [
                    {
                        "filePath": frame.filename,
                        "line": frame.lineno,
                        "column": -1,
                        "functionName": frame.name,
                        "internalCode": False,
                    }
                    for frame in task_frames(task)
                ]
            }
            for task in tasks
        ],
    }


def _version() -> str:
    try:
        return version("foldlog")
    except PackageNotFoundError:  # run from its sources
        return ""


_VERSION = _version()
"""Read once: in a query it would be opening a file."""
