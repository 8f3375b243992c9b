"""Workflow code under the real engine, over all the runs of a chain: what tests of chains have in common."""

from __future__ import annotations

from typing import Any

from foldlog.converter import DataConverter
from foldlog.core import fold
from foldlog.core.state import Run
from foldlog.runtime import WorkflowRuntime
from foldlog.schemas import command, event, reply
from foldlog.schemas.common import ReplyTo, WorkflowOptions
from foldlog.schemas.framing import decode

from tests.unit.core.harness import World

CONVERTER = DataConverter.default.payload_converter
ID = "workflow-1"
REPLY = ReplyTo(client_id="c", partition=0, correlation_id=1)


class Chain:
    """One workflow ID and its runs."""

    def __init__(self, *workflows: type, **runtime: Any) -> None:
        self.world = World(WorkflowRuntime(workflows, namespace="test", **runtime))  # type: ignore[arg-type]
        self.workflow_type = workflows[0].__name__

    def start(self, *args: Any, options: WorkflowOptions | None = None, **fields: Any) -> Chain:
        wanted = command.StartWorkflow(
            workflow_type=self.workflow_type,
            task_queue="q",
            args=CONVERTER.to_payloads(args),
            options=options,
            **fields,
        )
        self.world.handle(ID, wanted)
        return self

    def signal(self, name: str, *args: Any, **fields: Any) -> None:
        self.world.handle(ID, command.SignalWorkflow(signal_name=name, args=CONVERTER.to_payloads(args), **fields))

    def sleep(self, seconds: float) -> None:
        """The clock goes on, deadline by deadline."""
        end_ms = self.world.now_ms + int(seconds * 1000)
        while (due_ms := self._next_due_ms()) is not None and due_ms <= end_ms:
            self.world.now_ms = max(self.world.now_ms, due_ms)
            self.world.fire_due()
        self.world.now_ms = end_ms

    def _next_due_ms(self) -> int | None:
        return min(self.run.deadlines.values(), default=None)

    def evict(self) -> None:
        """The current run is forgotten, and built anew when it is needed."""
        session = self.world.sessions.live.pop(ID, None)
        if session is not None and session.decider is not None:
            session.decider.close()

    @property
    def run(self) -> Run:
        session = self.world.sessions.current(ID)
        assert session is not None
        return session.run

    @property
    def started(self) -> list[event.WorkflowExecutionStarted]:
        """First events of all runs."""
        return [found for found in self.events() if isinstance(found, event.WorkflowExecutionStarted)]

    def events(self, run_id: str | None = None) -> list[Any]:
        """All events, or those of a run, as they can be read from the log."""
        found = [decode(entry.encoded) for entry in self.world.sessions.log if fold.is_event(entry.record)]
        return [one for one in found if run_id in (None, one.run_id)]

    def kinds(self, run_id: str | None = None) -> list[str]:
        return [type(found).__name__ for found in self.events(run_id)]

    def ends(self) -> list[str]:
        return [type(found).__name__ for found in self.events() if fold.is_closing(found)]

    @property
    def result(self) -> Any:
        closing = self.run.closing
        assert isinstance(closing, event.WorkflowExecutionCompleted), (closing, self.run.stalled)
        return CONVERTER.from_payload(closing.result)

    def replies(self) -> list[Any]:
        return [answer for outcome in self.world.outcomes for _, answer in outcome.replies]

    def query(self, name: str, run_id: str = "") -> Any:
        """The answer of a query handler, by the live code or by replay."""
        outcome = self.world.handle(ID, command.QueryWorkflow(query_type=name, run_id=run_id, reply_to=REPLY))
        (answer,) = [answer for _, answer in outcome.replies]
        assert isinstance(answer, reply.QueryAnswer), answer
        return CONVERTER.from_payload(answer.result)
