"""What a history is recorded of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foldlog.client import Client, WorkflowHandle

FOLDER = Path(__file__).parent
QUEUE = "histories"

Handle = WorkflowHandle[Any, Any]
Activities = Sequence[Callable[..., Any]]


async def nothing(client: Client, handle: Handle) -> None:
    """Only wait for its end."""


@dataclass(frozen=True)
class Case:
    """A workflow that is run once in memory, from its start to its end."""

    name: str
    """Of the file, and the workflow ID."""
    workflow: type
    args: Sequence[Any]
    activities: Callable[[Path], AbstractContextManager[Activities]]
    """Its activities, given an empty folder."""
    then: Callable[[Client, Handle], Awaitable[None]] = nothing
    """What is done with it once it has started."""
    others: Sequence[type] = ()
    """Further workflows that it needs; their runs are recorded too."""
    own: Sequence[str] = ()
    """Types of foldlog's own workflows whose runs are recorded as well."""

    @property
    def workflows(self) -> Sequence[type]:
        """All workflows of a worker that runs it."""
        return (self.workflow, *self.others)

    def files(self) -> list[Path]:
        """Its histories: `name.json` of the workflow itself, then `name.2.json` and so on of others that it started."""
        return sorted(FOLDER.glob(f"{self.name}.*json"), key=lambda file: (len(file.name), file.name))


def these(*activities: Callable[..., Any]) -> Callable[[Path], AbstractContextManager[Activities]]:
    """Activities that need no folder."""
    return lambda folder: nullcontext(activities)
