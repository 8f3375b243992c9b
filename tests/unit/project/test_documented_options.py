"""Each option that users may give is named in the documentation, also those that have no effect."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from foldlog import workflow
from foldlog.client import Client, WorkflowHandle
from foldlog.client._connecting import OptionsWithoutMeaning as OfClients
from foldlog.client._start_options import StartOptions
from foldlog.testing import WorkflowEnvironment
from foldlog.testing._environment import OptionsWithoutMeaning as OfEnvironments
from foldlog.worker import Replayer, Worker
from foldlog.worker.options import OptionsWithoutMeaning as OfWorkers
from foldlog.worker.plugin import ReplayerOptionsWithoutMeaning as OfReplayers

DOCS = Path(__file__).parents[3] / "docs"
WORDS = {word for page in DOCS.glob("*.md") for word in re.findall(r"\w+", page.read_text(encoding="utf-8"))}


def parameters(function: Callable[..., Any]) -> list[str]:
    """The options of a function by keyword."""
    found = inspect.signature(function).parameters.values()
    return [each.name for each in found if each.kind is each.KEYWORD_ONLY]


OPTIONS: dict[str, Iterable[str]] = {
    "Client.connect": [*parameters(Client.connect), *OfClients.__annotations__],
    "Client.start_workflow": StartOptions.__annotations__,
    "WorkflowHandle.query": parameters(WorkflowHandle.query),
    "Worker": [*parameters(Worker), *OfWorkers.__annotations__],
    "Replayer": [*parameters(Replayer), *OfReplayers.__annotations__],
    "WorkflowEnvironment.start_local": [*parameters(WorkflowEnvironment.start_local), *OfEnvironments.__annotations__],
    "workflow.execute_activity": workflow.ActivityConfig.__annotations__,
    "workflow.execute_local_activity": workflow.LocalActivityConfig.__annotations__,
    "workflow.execute_child_workflow": workflow.ChildWorkflowConfig.__annotations__,
    "workflow.continue_as_new": parameters(workflow.continue_as_new),
}


@pytest.mark.parametrize("call", OPTIONS)
def test_each_option_is_in_the_documentation(call: str) -> None:
    options = list(OPTIONS[call])
    assert options
    assert [name for name in options if name not in WORDS] == []
