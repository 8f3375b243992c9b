"""Code that has changed and ends where it waited before: what follows from an end follows, whoever brought it back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import pytest
from foldlog.core import decisions
from foldlog.core.decisions import Decision
from foldlog.schemas import command, event, reply
from foldlog.schemas.common import ParentExecution, Payload, ReplyTo
from foldlog.schemas.records import Command, Event, Reply

from .harness import ScriptDecider, ScriptFactory, World, payload

ASKER = ReplyTo(client_id="asker", partition=0, correlation_id=7)
WAITER = ReplyTo(client_id="waiter", partition=0, correlation_id=8)
PARENT = ParentExecution(namespace="test", workflow_id="parent", run_id="above", initiated_event_id=5)


class Changing(ScriptDecider):
    """Waits for ever; code of another day ends with the first signal."""

    def __init__(self, started: event.WorkflowExecutionStarted, factory: ChangingFactory) -> None:
        super().__init__(started, lambda: False)
        self._factory = factory

    def activate(self, happened: Event) -> list[Decision]:
        end = self._factory.end
        return [end()] if end is not None and isinstance(happened, event.WorkflowExecutionSignaled) else []

    def query(self, query_type: str, args: Sequence[Payload], header: object = None) -> Payload:
        return payload("answer")


class ChangingFactory(ScriptFactory):
    end: Callable[[], Decision] | None = None

    def create(self, workflow_id: str, started: event.WorkflowExecutionStarted) -> Changing:
        return Changing(started, self)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (command.QueryWorkflow(query_type="q", reply_to=ASKER), reply.QueryAnswer),
        (command.UpdateWorkflow(update_name="u", update_id="1", reply_to=ASKER), reply.Rejected),
    ],
    ids=["query", "update"],
)
@pytest.mark.parametrize("follows", [False, True])
def test_who_waits_for_the_end_is_told_and_the_run_that_follows_begins(
    asked: Command, answered: type[Reply], follows: bool
) -> None:
    factory = ChangingFactory()
    world = World(factory=factory)
    world.handle("a", command.StartWorkflow(workflow_type="t", task_queue="q", parent=PARENT))
    before = world.sessions.live["a"].run
    world.handle("a", command.AwaitResult(reply_to=WAITER))
    world.handle("a", command.SignalWorkflow(signal_name="s"))
    world.forget()
    factory.end = decisions.ContinueAsNew if follows else partial(decisions.CompleteWorkflow, result=payload("1"))
    outcome = world.handle("a", asked)
    answers = {reply_to.client_id: type(answer) for reply_to, answer in outcome.replies}
    assert len(answers) == len(outcome.replies)
    assert answers.pop("asker") is answered
    run = world.sessions.live["a"].run
    if follows:
        assert (run.is_open, answers) == (True, {})
        assert run.started.continuation is not None
        assert run.started.continuation.run_id == before.run_id
    else:
        assert (run.status, answers) == ("COMPLETED", {"waiter": reply.WorkflowResult})
        assert [type(sent.command) for sent in outcome.commands] == [command.ChildWorkflowClosed]
