"""Parents, children and other workflows on the engine: what is asked, what is answered, and what closing leads to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from foldlog.core import closing, decisions
from foldlog.core.children import as_parent, first_run_id
from foldlog.core.decider import WorkflowTaskError
from foldlog.core.decisions import Decision
from foldlog.core.outcome import MAXIMUM_RECORD_BYTES, Outcome
from foldlog.core.state import Run
from foldlog.core.views import visibility_row
from foldlog.schemas import command, event, reply
from foldlog.schemas.common import Failure, Payload, ReplyTo
from foldlog.schemas.framing import decode, encode
from foldlog.schemas.records import Event
from msgspec.structs import replace

from .harness import ScriptFactory, World, payload

Rule = Callable[[Any], list[Decision]]
"""What a workflow decides about an event that it is told of."""
REPLY = ReplyTo(client_id="c", partition=0, correlation_id=1)


class RuleDecider:
    """Decides what its rule says."""

    def __init__(self, rule: Rule, broken: Callable[[], bool]) -> None:
        self.replaying = False
        self.history_size = 0
        self._rule = rule
        self._broken = broken

    def activate(self, happened: Event) -> list[Decision]:
        if self._broken():
            raise WorkflowTaskError("broken")
        return self._rule(happened)

    def recorded(self, recorded: Event) -> None: ...

    def query(self, query_type: str, args: Sequence[Payload], header: object = None) -> Payload:
        raise NotImplementedError  # nobody asks this one

    def stack(self) -> str:
        return ""

    def close(self) -> None: ...


class Rules(ScriptFactory):
    """Rules by workflow type; a type without one waits for ever."""

    def __init__(self, **rules: Rule) -> None:
        super().__init__()
        self.rules = rules

    def create(self, workflow_id: str, started: event.WorkflowExecutionStarted) -> Any:
        return RuleDecider(self.rules.get(started.workflow_type, lambda happened: []), lambda: self.broken)


def on(**made: list[Decision] | Callable[[Any], list[Decision]]) -> Rule:
    """A rule by the names of events, the first word of them where that is enough."""

    def rule(happened: Any) -> list[Decision]:
        found = made.get(type(happened).__name__, [])
        return found(happened) if callable(found) else [replace(decision) for decision in found]

    return rule


def child(**fields: Any) -> decisions.StartChildWorkflow:
    return decisions.StartChildWorkflow(
        **{"namespace": "test", "workflow_id": "c", "workflow_type": "idle", "task_queue": "q", **fields}
    )


def complete(result: Payload | None = None) -> decisions.CompleteWorkflow:
    return decisions.CompleteWorkflow(result=result or payload("1"))


def world(**rules: Rule) -> World:
    return World(factory=Rules(**rules))


def start(here: World, workflow_id: str = "p", workflow_type: str = "parent", **fields: Any) -> Outcome:
    return here.handle(workflow_id, command.StartWorkflow(workflow_type=workflow_type, task_queue="q", **fields))


def run_of(here: World, workflow_id: str) -> Run:
    session = here.sessions.current(workflow_id)
    assert session is not None
    return session.run


def kinds(here: World, workflow_id: str) -> list[str]:
    run = run_of(here, workflow_id)
    return [type(decode(encoded)).__name__ for encoded in here.sessions.history(run)]


def last(here: World, workflow_id: str) -> Any:
    return decode(list(here.sessions.history(run_of(here, workflow_id)))[-1])


PARENT = on(WorkflowExecutionStarted=[child()])


def test_a_child_begins_ends_and_answers() -> None:
    here = world(
        parent=on(
            WorkflowExecutionStarted=[child(args=[payload("7")], memo={"m": payload("8")}, run_timeout_ms=5_000)],
            ChildWorkflowExecutionCompleted=lambda ended: [complete(ended.result)],
        ),
        idle=on(WorkflowExecutionSignaled=[complete(payload("42"))]),
    )
    start(here)
    here.deliver()
    begun = run_of(here, "c").started
    assert begun.parent == as_parent(run_of(here, "p"), 2, "test")
    assert begun.run_id == begun.first_execution_run_id == first_run_id(begun.parent)
    assert (begun.args, begun.memo, begun.run_timeout_ms) == ([payload("7")], {"m": payload("8")}, 5_000)
    assert run_of(here, "p").children[2].run_id == begun.run_id
    here.handle("c", command.SignalWorkflow(signal_name="end"))
    here.deliver()
    assert kinds(here, "p") == [
        "WorkflowExecutionStarted",
        "StartChildWorkflowExecutionInitiated",
        "ChildWorkflowExecutionStarted",
        "ChildWorkflowExecutionCompleted",
        "WorkflowExecutionCompleted",
    ]
    assert run_of(here, "p").children == {}
    assert last(here, "p").result == payload("42")


def test_a_child_that_begins_and_ends_in_one_transaction_answers_with_one_command() -> None:
    here = world(parent=PARENT, idle=on(WorkflowExecutionStarted=[complete()]))
    start(here)
    here.deliver(1)
    (answer,) = here.sent
    assert isinstance(answer.command, command.ChildWorkflowClosed)
    here.deliver()
    assert kinds(here, "p")[2:] == ["ChildWorkflowExecutionStarted", "ChildWorkflowExecutionCompleted"]


def test_answers_that_come_twice_change_nothing() -> None:
    here = world(parent=PARENT, idle=on(WorkflowExecutionStarted=[complete()]))
    start(here)
    here.deliver(1)
    (answer,) = here.sent
    here.deliver()
    before = len(here.sessions.log)
    here.handle("p", decode(answer.encoded))
    here.handle("p", command.ChildWorkflowStarted(run_id="run-1", initiated_event_id=2, child_run_id="x"))
    here.handle("p", command.ResolveExternalWorkflow(run_id="run-1", initiated_event_id=2))
    assert len(here.sessions.log) == before


@pytest.mark.parametrize("remembered", [True, False])
def test_a_repeated_start_starts_nothing_and_is_answered_again(remembered: bool) -> None:
    here = world(parent=PARENT)
    start(here)
    (asked,) = here.sent
    here.deliver()
    if not remembered:
        here.sessions.answers.clear()  # its request ID is past its retention
    before = len(here.sessions.log)
    again = here.handle("c", decode(asked.encoded))
    assert len(here.sessions.log) == before
    (answer,) = again.commands
    assert answer.command.child_run_id == run_of(here, "c").run_id


def test_a_child_whose_id_is_in_use_cannot_begin() -> None:
    here = world(parent=PARENT)
    start(here, "c", "idle")
    start(here)
    here.deliver()
    refused = last(here, "p")
    assert isinstance(refused, event.StartChildWorkflowExecutionFailed)
    assert refused.failure.type == "WorkflowAlreadyStarted"
    assert run_of(here, "p").children == {}
    assert run_of(here, "c").started.parent is None
    assert run_of(here, "c").is_open


@pytest.mark.parametrize(
    ("close", "kind"),
    [
        (command.TerminateWorkflow(reason="enough"), event.ChildWorkflowExecutionTerminated),
        (command.CancelWorkflow(), event.ChildWorkflowExecutionCanceled),
        (command.SignalWorkflow(signal_name="fail"), event.ChildWorkflowExecutionFailed),
        (None, event.ChildWorkflowExecutionTimedOut),
    ],
)
def test_each_unhappy_end_is_told_as_what_it_is(close: Any, kind: Any) -> None:
    here = world(
        parent=on(WorkflowExecutionStarted=[child(run_timeout_ms=5_000)]),
        idle=on(
            WorkflowExecutionCancelRequested=[decisions.CancelWorkflow()],
            WorkflowExecutionSignaled=[decisions.FailWorkflow(failure=Failure(message="no"))],
        ),
    )
    start(here)
    here.deliver()
    if close is None:
        here.now_ms += 6_000
        here.fire_due()
    else:
        here.handle("c", close)
    here.deliver()
    ended = last(here, "p")
    assert type(ended) is kind
    assert ended.failure.message
    assert ended.child_run_id == run_of(here, "c").run_id


# ---- parent close policies


def closing_parent(policy: str) -> World:
    return world(
        parent=on(WorkflowExecutionStarted=[child(parent_close_policy=policy)], WorkflowExecutionSignaled=[complete()]),
        idle=on(WorkflowExecutionCancelRequested=[decisions.CancelWorkflow()]),
    )


@pytest.mark.parametrize(
    ("policy", "status"), [("TERMINATE", "TERMINATED"), ("REQUEST_CANCEL", "CANCELED"), ("ABANDON", "RUNNING")]
)
@pytest.mark.parametrize("begun", [True, False])
@pytest.mark.parametrize("how", ["complete", "terminate"])
def test_when_a_parent_closes_its_child_follows_the_policy(policy: str, status: str, begun: bool, how: str) -> None:
    here = closing_parent(policy)
    start(here)
    if begun:
        here.deliver()
    if how == "complete":
        here.handle("p", command.SignalWorkflow(signal_name="end"))
    else:
        here.handle("p", command.TerminateWorkflow())
    here.deliver()
    assert run_of(here, "c").status == status
    if policy == "TERMINATE":
        assert last(here, "c").reason == "by parent close policy"


def test_a_policy_never_meets_another_workflow_of_the_same_id() -> None:
    here = closing_parent("TERMINATE")
    start(here, "c", "idle")
    start(here)
    here.handle("p", command.SignalWorkflow(signal_name="end"))
    here.deliver()
    assert run_of(here, "c").is_open


def test_a_run_that_is_followed_by_another_tells_its_parent_nothing_and_ends_its_children() -> None:
    here = world(parent=PARENT, idle=on(WorkflowExecutionStarted=[child(workflow_id="grandchild")]))
    start(here)
    here.deliver()
    run = run_of(here, "c")
    run.status = "CONTINUED_AS_NEW"
    run.closing = event.WorkflowExecutionContinuedAsNew(new_run_id="next", workflow_type="idle")
    outcome = Outcome(now_ms=0, namespace="test", encode=encode)
    closing.follow_close(run, outcome)
    (entry,) = outcome.commands
    assert isinstance(entry.command, command.TerminateWorkflow)
    assert entry.workflow_id == "grandchild"


def test_an_answer_for_a_run_that_is_closed_or_gone_is_passed_over() -> None:
    here = closing_parent("ABANDON")
    start(here)
    here.deliver()
    here.handle("p", command.SignalWorkflow(signal_name="end"))
    here.handle("c", command.TerminateWorkflow())
    before = len(here.sessions.log)
    here.deliver()
    here.handle("nobody", command.ChildWorkflowStarted(run_id="x", initiated_event_id=2, child_run_id="y"))
    assert len(here.sessions.log) == before
    start(here)  # another run of the same ID
    here.handle("p", command.ChildWorkflowStarted(run_id="run-1", initiated_event_id=2, child_run_id="y"))
    assert run_of(here, "p").children[2].run_id == ""


# ---- stalls, limits, other namespaces


def test_a_stalled_parent_keeps_the_answers() -> None:
    here = world(
        parent=on(WorkflowExecutionStarted=[child()], ChildWorkflowExecutionCompleted=[complete()]),
        idle=on(WorkflowExecutionSignaled=[complete()]),
    )
    start(here)
    here.deliver()
    here.handle("c", command.SignalWorkflow(signal_name="end"))
    here.sessions.live.clear()
    here.factory.broken = True
    here.deliver()
    assert run_of(here, "p").stalled is not None
    here.handle("p", command.ChildWorkflowClosed(run_id="run-1", initiated_event_id=2, child_run_id="x", status="?"))
    here.factory.broken = False
    here.now_ms += 120_000
    here.fire_due()
    assert run_of(here, "p").status == "COMPLETED"


@pytest.mark.parametrize(
    ("decision", "message"),
    [
        (child(workflow_id=""), "a workflow ID may have 1 to 1000 bytes"),
        (child(workflow_id="x" * 1001), "a workflow ID may have 1 to 1000 bytes"),
        (child(args=[payload("x" * MAXIMUM_RECORD_BYTES)]), "keep large data elsewhere"),
        (child(memo={"m": payload("x" * (MAXIMUM_RECORD_BYTES + 20_000))}), "StartWorkflow has"),
        (
            decisions.SignalExternalWorkflow(namespace="test", workflow_id="", signal_name="s"),
            "a workflow ID may have",
        ),
        (decisions.RequestCancelExternalWorkflow(namespace="test", workflow_id=""), "a workflow ID may have"),
        (child(workflow_id="\ud800"), "what the code decided cannot be recorded: UnicodeEncodeError"),
        (child(workflow_id=b"x"), "what the code decided cannot be recorded: AttributeError"),
        (
            decisions.SignalExternalWorkflow(namespace="test", workflow_id="\ud800", signal_name="s"),
            "what the code decided cannot be recorded",
        ),
        (
            decisions.ModifyProperties(memo={5: payload("6")}),  # type: ignore[dict-item]  # as untyped code may
            "what the code decided cannot be recorded: AttributeError",
        ),
        (
            decisions.ScheduleActivity(activity_id="1", activity_type="a", task_queue=5, start_to_close_timeout_ms=9),  # type: ignore[arg-type]
            "no string",
        ),
    ],
)
def test_what_cannot_be_sent_stalls_and_records_nothing(decision: Decision, message: str) -> None:
    here = world(parent=on(WorkflowExecutionStarted=[decision]))
    outcome = start(here)
    stalled = run_of(here, "p").stalled
    assert stalled is not None
    assert message in stalled.error
    assert kinds(here, "p") == ["WorkflowExecutionStarted"]
    assert outcome.commands == []


def test_a_result_that_is_too_large_for_the_parent_ends_the_child_as_failed() -> None:
    here = world(parent=PARENT)
    start(here)
    here.deliver()
    large = payload("x" * (MAXIMUM_RECORD_BYTES + 100))
    closed = command.ChildWorkflowClosed(
        run_id="run-1", initiated_event_id=2, child_run_id="x", status="COMPLETED", result=large
    )
    here.handle("p", closed)
    assert last(here, "p").failure.type == "ResultRefused"


@pytest.mark.parametrize(
    ("decision", "kind"),
    [
        (child(namespace="nowhere"), event.StartChildWorkflowExecutionFailed),
        (
            decisions.SignalExternalWorkflow(namespace="nowhere", workflow_id="x", signal_name="s"),
            event.SignalExternalWorkflowExecutionFailed,
        ),
        (
            decisions.RequestCancelExternalWorkflow(namespace="nowhere", workflow_id="x"),
            event.RequestCancelExternalWorkflowExecutionFailed,
        ),
    ],
)
def test_a_namespace_that_is_not_there_is_a_failure_that_follows(decision: Decision, kind: Any) -> None:
    here = world(parent=on(WorkflowExecutionStarted=[decision, decisions.StartTimer(timer_id=1, fire_ms=9_000_000)]))
    start(here)
    assert kinds(here, "p")[-1] == "TimerStarted"
    here.deliver()
    failed = last(here, "p")
    assert type(failed) is kind
    assert failed.failure.type == "NamespaceNotFound"
    assert (run_of(here, "p").children, run_of(here, "p").external) == ({}, {})


def between(one: World, two: World) -> None:
    """Carry commands between two namespaces until there are none."""
    while one.sent or two.sent:
        for here in (one, two):
            while here.sent:
                entry = here.sent.popleft()
                there = one if entry.namespace == one.namespace else two
                there.handle(entry.workflow_id, decode(entry.encoded or encode(entry.command)))


def test_a_child_in_another_namespace() -> None:
    one = World(
        factory=Rules(
            parent=on(
                WorkflowExecutionStarted=[child(namespace="two", workflow_id="p")],
                ChildWorkflowExecutionStarted=[
                    decisions.SignalExternalWorkflow(
                        namespace="two", workflow_id="p", signal_name="end", child_only=True
                    )
                ],
            )
        ),
        namespace="one",
        reachable=("one", "two"),
    )
    two = World(
        factory=Rules(idle=on(WorkflowExecutionSignaled=[complete()])), namespace="two", reachable=("one", "two")
    )
    start(one)  # both workflows have the same ID
    between(one, two)
    assert kinds(one, "p")[1:] == [
        "StartChildWorkflowExecutionInitiated",
        "ChildWorkflowExecutionStarted",
        "SignalExternalWorkflowExecutionInitiated",
        "ExternalWorkflowExecutionSignaled",
        "ChildWorkflowExecutionCompleted",
    ]
    assert decode(list(one.sessions.history(run_of(one, "p")))[1]).namespace == "two"
    row = visibility_row(run_of(two, "p"), 0)
    assert (row.parent_namespace, row.parent_workflow_id, row.root_workflow_id) == ("one", "p", "p")


def test_a_parent_that_nobody_can_reach_is_told_nothing() -> None:
    here = world()
    parent = replace(as_parent(run_of_other(), 2, "gone"))
    outcome = start(here, "c", "idle", parent=parent)
    assert outcome.commands == []
    assert here.handle("c", command.TerminateWorkflow()).commands == []
    forged = replace(parent, namespace="test", workflow_id="")
    assert start(here, "d", "idle", parent=forged).commands == []


def run_of_other() -> Run:
    here = world()
    start(here, "other", "idle")
    return run_of(here, "other")


def test_grandchildren_know_their_root() -> None:
    here = world(parent=PARENT, idle=on(WorkflowExecutionStarted=[child(workflow_id="g", workflow_type="grandchild")]))
    start(here)
    here.deliver()
    parent = run_of(here, "g").started.parent
    assert parent is not None
    assert (parent.workflow_id, parent.root_workflow_id, parent.root_run_id) == ("c", "p", "run-1")


# ---- signals and cancellations


def signal(**fields: Any) -> decisions.SignalExternalWorkflow:
    return decisions.SignalExternalWorkflow(
        **{"namespace": "test", "workflow_id": "x", "signal_name": "s", "args": [payload("5")], **fields}
    )


def test_a_signal_to_another_workflow_is_delivered_and_answered() -> None:
    here = world(parent=on(WorkflowExecutionStarted=[signal()]))
    start(here, "x", "idle")
    start(here)
    assert run_of(here, "p").external == {2: "SIGNAL"}
    here.deliver()
    received = last(here, "x")
    assert (received.signal_name, received.args) == ("s", [payload("5")])
    assert (received.initiator.workflow_id, received.initiator.initiated_event_id) == ("p", 2)
    assert kinds(here, "p")[-1] == "ExternalWorkflowExecutionSignaled"
    assert run_of(here, "p").external == {}


def test_a_cancellation_of_another_workflow_is_delivered_with_its_reason_and_answered() -> None:
    cancel = decisions.RequestCancelExternalWorkflow(namespace="test", workflow_id="x", reason="because")
    here = world(parent=on(WorkflowExecutionStarted=[cancel, replace(cancel)]))
    start(here, "x", "idle")
    start(here)
    here.deliver()
    assert last(here, "x").reason == "because"
    assert kinds(here, "x").count("WorkflowExecutionCancelRequested") == 1
    assert kinds(here, "p")[-2:] == ["ExternalWorkflowExecutionCancelRequested"] * 2


def test_a_cancellation_of_a_workflow_that_has_ended_is_as_good_as_done() -> None:
    cancel = decisions.RequestCancelExternalWorkflow(namespace="test", workflow_id="x")
    here = world(parent=on(WorkflowExecutionStarted=[cancel]))
    start(here, "x", "idle")
    here.handle("x", command.TerminateWorkflow())
    ended = kinds(here, "x")
    start(here)
    here.deliver()
    assert kinds(here, "p")[-1] == "ExternalWorkflowExecutionCancelRequested"
    assert kinds(here, "x") == ended


@pytest.mark.parametrize(
    ("decision", "there"),
    [
        (signal(), ""),
        (signal(), "closed"),
        (signal(run_id="another"), "open"),
        (signal(child_only=True), "open"),
        (decisions.RequestCancelExternalWorkflow(namespace="test", workflow_id="x"), ""),
    ],
)
def test_what_cannot_be_delivered_says_so(decision: Decision, there: str) -> None:
    here = world(parent=on(WorkflowExecutionStarted=[decision]))
    if there:
        start(here, "x", "idle")
    if there == "closed":
        here.handle("x", command.TerminateWorkflow())
    start(here)
    here.deliver()
    assert last(here, "p").failure.type == "ExternalWorkflowExecutionNotFound"


def test_a_repeated_signal_counts_once_and_is_answered_again() -> None:
    here = world(parent=on(WorkflowExecutionStarted=[signal(), signal(workflow_id="gone")]))
    start(here, "x", "idle")
    start(here)
    to_x, to_nobody = here.sent
    here.deliver()
    for asked in (to_x, to_nobody):
        again = here.handle(asked.workflow_id, decode(asked.encoded))
        (answer,) = again.commands
        assert (answer.command.failure is None) is (asked is to_x)
    assert kinds(here, "x").count("WorkflowExecutionSignaled") == 1


def test_a_stalled_workflow_keeps_a_signal_and_whoever_sent_it_goes_on() -> None:
    here = world(parent=on(WorkflowExecutionStarted=[signal()]))
    here.factory.broken = True
    start(here, "x", "idle")
    here.factory.broken = False
    start(here)
    here.deliver()
    assert kinds(here, "p")[-1] == "ExternalWorkflowExecutionSignaled"
    assert kinds(here, "x") == ["WorkflowExecutionStarted"]
    here.now_ms += 120_000
    here.fire_due()
    here.deliver()
    assert kinds(here, "x")[-1] == "WorkflowExecutionSignaled"


# ---- what is shown


def test_a_description_names_parent_and_open_children() -> None:
    here = closing_parent("REQUEST_CANCEL")
    start(here)
    here.deliver()

    def described(workflow_id: str) -> reply.Description:
        outcome = here.handle(workflow_id, command.DescribeWorkflow(reply_to=REPLY))
        found: Any = outcome.replies[0][1]
        return found  # type: ignore[no-any-return]

    (pending,) = described("p").pending_children
    assert (pending.workflow_id, pending.workflow_type, pending.initiated_event_id) == ("c", "idle", 2)
    assert (pending.run_id, pending.parent_close_policy) == (run_of(here, "c").run_id, "REQUEST_CANCEL")
    parent = described("c").parent
    assert parent is not None
    assert parent.workflow_id == "p"
    here.handle("p", command.TerminateWorkflow())
    assert described("p").pending_children == []
