"""The runs of one partition in memory: a bounded cache over the store.

Owns which sessions are live. A session is dropped when its run closes, when the cache is full (least recently used
first), and when the transaction that touched it is aborted; whoever needs it again gets it from the store.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from foldlog.core.session import Answer, Session
from foldlog.core.state import Run
from foldlog.processors.store.partition import PartitionStore


class CachedSessions:
    """Implements `foldlog.core.session.Sessions` for one partition."""

    def __init__(self, store: PartitionStore) -> None:
        self._store = store
        self._current: OrderedDict[str, Session] = OrderedDict()
        """The current run of each cached workflow ID, least recently used first."""
        self._earlier: dict[tuple[str, str], Session] = {}
        """Other runs, for the open transaction only."""
        self._touched: set[str] = set()
        self._sizes: dict[str, int] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._current)

    # ---- for the engine

    def current(self, workflow_id: str) -> Session | None:
        session = self._current.get(workflow_id)
        if session is None:
            run_id = self._store.current_run_id(workflow_id)
            if run_id is None:
                return None
            session = self._current[workflow_id] = Session(self._store.load_run(workflow_id, run_id))
        else:
            self._current.move_to_end(workflow_id)
        self._touched.add(workflow_id)
        return session

    def find(self, workflow_id: str, run_id: str) -> Session | None:
        session = self.current(workflow_id)
        if session is None or not run_id or session.run.run_id == run_id:
            return session
        key = (workflow_id, run_id)
        if key not in self._earlier:
            if self._store.head(workflow_id, run_id) is None:
                return None
            self._earlier[key] = Session(self._store.load_run(workflow_id, run_id))
        return self._earlier[key]

    def is_open(self, workflow_id: str, run_id: str) -> bool:
        session = self._current.get(workflow_id)
        if session is not None:
            # Another run of the ID has closed before this one began.
            return session.run.run_id == run_id and session.run.is_open
        head = self._store.head(workflow_id, run_id)
        return head is not None and head.status == "RUNNING"

    def add(self, run: Run) -> Session:
        before = self._current.pop(run.workflow_id, None)
        if before is not None:
            self._earlier[run.workflow_id, before.run.run_id] = before
        session = self._current[run.workflow_id] = Session(run)
        self._touched.add(run.workflow_id)
        return session

    def history(self, run: Run) -> Iterator[bytes]:
        return self._store.history(run.workflow_id, run.run_id)

    def event(self, run: Run, event_id: int) -> bytes | None:
        return self._store.event(run.workflow_id, run.run_id, event_id)

    def deferred(self, run: Run) -> Iterator[tuple[int, bytes]]:
        return self._store.deferred(run.workflow_id, run.run_id, run.handled_ordinal)

    def answer(self, workflow_id: str, request_id: str) -> Answer | None:
        return self._store.answer(workflow_id, request_id)

    # ---- for the partition

    def committed(self) -> None:
        """The transaction is committed and in the store: forget closed runs, and note how large the others are."""
        self._drop_earlier()
        for workflow_id in self._touched:
            session = self._current.get(workflow_id)
            if session is None:
                continue
            if not session.run.is_open:
                self._drop(workflow_id)
            else:
                size = session.run.history_size
                self._bytes += size - self._sizes.get(workflow_id, 0)
                self._sizes[workflow_id] = size
        self._touched.clear()

    def aborted(self) -> list[tuple[str, str]]:
        """The transaction did not happen: nothing that it touched is true.

        Returns:
            Workflow ID and run ID of the dropped runs that have local activities, those among them whose ends were
            part of the transaction.
        """
        self._drop_earlier()
        forgotten = []
        for workflow_id in self._touched:
            self._drop(workflow_id)
            run_id = self._store.current_run_id(workflow_id)
            if run_id is not None and self._store.has_local_activities(workflow_id, run_id):
                forgotten.append((workflow_id, run_id))
        self._touched.clear()
        return forgotten

    def evict(self, max_workflows: int, max_history_bytes: int) -> int:
        """Drop the least recently used sessions above the bounds; those with running local activities stay.

        The one that was used last stays too, however long its history is: a workflow with thousands of children or
        activities would be replayed for each of their answers. Only where none is to be kept, none is.

        Returns:
            How many were dropped.
        """
        excess = [
            workflow_id
            for workflow_id in self._least_recent(max_workflows, max_history_bytes)
            if not self._current[workflow_id].local
        ]
        for workflow_id in excess:
            self._drop(workflow_id)
        return len(excess)

    def _least_recent(self, max_workflows: int, max_history_bytes: int) -> list[str]:
        """The workflow IDs at the old end that stand above the bounds."""
        count, size = len(self._current), self._bytes
        names: list[str] = []
        if count <= max_workflows and size <= max_history_bytes:
            return names
        for workflow_id in self._current:
            if (count <= max_workflows and size <= max_history_bytes) or (count == 1 and max_workflows):
                break
            names.append(workflow_id)
            count -= 1
            size -= self._sizes.get(workflow_id, 0)
        return names

    def clear(self) -> None:
        """Drop everything."""
        self._drop_earlier()
        for workflow_id in list(self._current):
            self._drop(workflow_id)
        self._touched.clear()

    def _drop(self, workflow_id: str) -> None:
        session = self._current.pop(workflow_id, None)
        self._bytes -= self._sizes.pop(workflow_id, 0)
        if session is not None:
            _close(session)

    def _drop_earlier(self) -> None:
        for session in self._earlier.values():
            _close(session)
        self._earlier.clear()


def _close(session: Session) -> None:
    if session.decider is not None:
        session.decider.close()
        session.decider = None
