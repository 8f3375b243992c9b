"""A run with its code, and where the engine finds it.

A session is what a processor keeps of a live run: its state and, once its code has been needed, the decider. The
engine reads and keeps sessions through the `Sessions` protocol, so that it needs no store.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from foldlog.core.decider import Decider
from foldlog.core.decisions import ScheduleLocalActivity
from foldlog.core.kept_reports import KeptReports
from foldlog.core.state import Run
from msgspec import Struct, field


class Session(Struct):
    """One run in memory."""

    run: Run
    decider: Decider | None = None
    """The run's code; None until it is needed, or after it stalled."""
    version: str = ""
    """The version of that code, if the run is versioned."""
    local: dict[str, ScheduleLocalActivity] = field(default_factory=dict)
    """Local activities that are running in this process, by activity ID."""
    kept_reports: KeptReports | None = None
    """What is known of the reports that are kept while it is stalled; None: nobody has asked."""


class Answer(Struct, frozen=True):
    """What a request ID was answered before."""

    run_id: str = ""
    started: bool = False
    rejected: bytes | None = None
    """The encoded Rejected reply, if the request was refused."""


class Sessions(Protocol):
    """The runs of one partition: those in memory, and behind them the store."""

    def current(self, workflow_id: str) -> Session | None:
        """The current run of a workflow ID, open or closed; None if there is none."""

    def find(self, workflow_id: str, run_id: str) -> Session | None:
        """One run of a workflow ID; an empty run ID means the current one."""

    def is_open(self, workflow_id: str, run_id: str) -> bool:
        """Whether a run is there and open. Costs little, also where the run has a long history and is not in memory."""

    def add(self, run: Run) -> Session:
        """A run that has just begun: the current one of its workflow ID from here on."""

    def history(self, run: Run) -> Iterator[bytes]:
        """The run's encoded events so far, without those of the open transaction."""

    def event(self, run: Run, event_id: int) -> bytes | None:
        """One encoded event of the run; None if it is of the open transaction, or is not there."""

    def deferred(self, run: Run) -> Iterator[tuple[int, bytes]]:
        """Ordinal and encoded command of each deferred command, without those of the open transaction."""

    def answer(self, workflow_id: str, request_id: str) -> Answer | None:
        """The committed answer to a request ID, if it is known."""
