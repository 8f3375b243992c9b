"""Workers of one process that share a connection: each runs the workflows of all of them.

A workflow is in a partition, and a partition has one processor: that of whichever worker the group gives it to. So a
worker looks here for the code of workflows that are of another worker's task queue, and for their local activities. It
knows nothing of workers in other processes.
"""

from __future__ import annotations

import threading
import weakref
from dataclasses import dataclass, field
from functools import partial

from foldlog.runtime import WorkflowRuntime
from foldlog.transport import Transport
from foldlog.worker.host import WorkerHost


@dataclass(eq=False, kw_only=True)
class Member:
    """What one worker brings along."""

    task_queue: str
    runtime: WorkflowRuntime
    host: WorkerHost | None
    """Its activities; None: it has none."""


@dataclass(eq=False)
class Team:
    """The workers of one connection that have workflows. Any thread."""

    _members: list[Member] = field(default_factory=list)
    _versions: dict[str, tuple[WorkflowRuntime, ...]] = field(default_factory=dict)
    """Who has which version of the code."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def join(self, member: Member) -> None:
        """Share with the others, from now on."""
        member.runtime.colleagues = partial(self.runtime_of, member.runtime)
        member.runtime.versions_here = lambda: self._versions
        if member.host is not None:
            member.host.colleague = partial(self.host_of, member)
            member.host.gone = False
        with self._lock:
            self._have([*self._members, member])
        for other in self._members:
            if member.host is not None and other.host is not None:
                other.host.take_back(None)

    def leave(self, member: Member) -> None:
        """Run nothing more for the others."""
        with self._lock:
            self._have([other for other in self._members if other is not member])
        if member.host is None:
            return
        member.host.gone = True
        for other in self._members:
            if other.host is not None:
                other.host.take_back(member.host)

    def _have(self, members: list[Member]) -> None:
        versions: dict[str, tuple[WorkflowRuntime, ...]] = {}
        for member in members:
            for version in member.runtime.own_versions:
                versions[version] = (*versions.get(version, ()), member.runtime)
        self._members, self._versions = members, versions

    def runtime_of(self, asking: WorkflowRuntime, task_queue: str, workflow_type: str) -> WorkflowRuntime | None:
        """Who has workflows of a type and a task queue for another one: the one that came last, as after a restart.

        Not one whose payloads go through another codec.
        """
        for member in reversed(self._members):
            having = member.runtime
            if member.task_queue == task_queue and having.has(workflow_type) and asking.shares_with(having):
                return having
        return None

    def host_of(self, asking: Member, activity_type: str, version: str, origin: object) -> WorkerHost | None:
        """Who runs a local activity of a name: whose code decided it, or else whoever asks, or another one.

        Not one whose payloads go through another codec.
        """
        found = asking.host if asking.host is not None and asking.host.has(activity_type, version) else None
        for member in reversed(self._members):
            host = member.host
            if host is not None and host.has(activity_type, version) and asking.runtime.shares_with(member.runtime):
                if member.runtime is origin:
                    return host
                found = found or host
        return found


_teams: weakref.WeakKeyDictionary[Transport, Team] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def team_of(transport: Transport) -> Team:
    """The team of a connection."""
    with _lock:
        return _teams.setdefault(transport, Team())
