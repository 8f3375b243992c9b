"""Whatever comes in, in whatever order: the live state is the fold of the log, and histories are well-formed."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, get_args

import pytest
from foldlog.core import fold
from foldlog.core.engine import LocalResult
from foldlog.core.limits import HistoryLimits
from foldlog.core.replay import replay
from foldlog.core.session import Session
from foldlog.core.state import DeadlineKind, Run
from foldlog.schemas import command, event, reply
from foldlog.schemas.common import Deployment, Failure, ReplyTo, RetryPolicy, WorkflowOptions
from foldlog.schemas.framing import decode
from foldlog.schemas.records import Command, LogRecord
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict

from .harness import UNTAKEN, ScriptFactory, VersionedScripts, World, payload
from .model import check_state

WORKFLOWS = ["a", "b"]
OPTIONS = [
    None,
    WorkflowOptions(retry_policy=RetryPolicy(initial_interval_ms=1_000, maximum_attempts=3)),
    None,
    WorkflowOptions(cron_schedule="* * * * *", search_attributes={"a1": payload("7")}),
    WorkflowOptions(cron_schedule="@every 10s", retry_policy=RetryPolicy(maximum_attempts=2)),
    WorkflowOptions(versioning_behavior="PINNED", deployment_version="d.2"),
]
BOUND = [
    WorkflowOptions(versioning_behavior="PINNED", deployment_version="d.1"),
    WorkflowOptions(versioning_behavior="AUTO_UPGRADE"),
    WorkflowOptions(deployment_version="d.2"),
]
REPLY = ReplyTo(client_id="c", partition=0, correlation_id=1)

ACTIVITY = ["started", "heartbeat", "complete", "fail", "canceled", "stale"]
CONTROL = ["pause", "unpause", "reset", "options", "by id"]
MESSAGES = ["signal", "update", "await update", "cancel", "query", "describe", "history", "await result"]
KINDS = [
    *["start"] * 3,
    *["signal"] * 4,
    *MESSAGES,
    *ACTIVITY * 2,
    *CONTROL,
    *["local"] * 3,
    *["deliver"] * 8,
    *["time"] * 4,
    "terminate",
    "evict",
    "restart",
    "abort",
    "break",
    "mend",
    "mend",
    *["stumble"] * 3,
    "bind",
    "deploy",
    "deployments",
]
"""What may happen; more often what leads further."""

HOSTED = ("d.1", "d.2")
NOT_HOSTED = "d.3"

CHILDREN = ["child-0", "child-1", "child-2"]
EVERYBODY = [*WORKFLOWS, *CHILDREN]

step = st.tuples(st.sampled_from(KINDS), st.sampled_from(EVERYBODY), st.integers(0, 30))
"""Something that happens, to one of the workflows or of the children that they may have, in one of many ways."""


def steps_of(count: int) -> st.SearchStrategy[list[tuple[str, str, int]]]:
    """Steps, about so many; both workflows are started at first."""
    begun = st.tuples(*(st.tuples(st.just("start"), st.just(name), st.integers(0, 30)) for name in WORKFLOWS))
    rest = st.lists(step, min_size=count // 2, max_size=count)
    return st.builds(lambda first, then: [*first, *then], begun, rest)


def _one(world: World, workflow_id: str, fits: Callable[[Session], bool]) -> Session | None:
    """A session for which something may happen: of this workflow, or else of another one, such as a child."""
    for name in (workflow_id, *sorted(world.sessions.live)):
        session = world.sessions.current(name)
        if session is not None and fits(session):
            return session
    return None


def _activity(world: World, kind: str, workflow_id: str, number: int) -> None:
    """Say something about one of the open activities, or about one that does not fit."""
    session = _one(world, workflow_id, lambda session: bool(session.run.activities))
    if session is None:
        return
    workflow_id = session.run.workflow_id
    event_ids = sorted(session.run.activities)
    event_id = event_ids[number % len(event_ids)]
    attempt = session.run.activities[event_id].attempt
    about: dict[str, Any] = {"run_id": session.run.run_id, "scheduled_event_id": event_id, "attempt": attempt}
    named: dict[str, Any] = {
        "run_id": session.run.run_id,
        "activity_id": session.run.activities[event_id].scheduled.activity_id,
    }
    make: dict[str, Callable[[], Any]] = {
        "started": lambda: command.ActivityStarted(**about, reply_to=REPLY, running_ms=500),
        "heartbeat": lambda: command.HeartbeatActivity(**about, reply_to=REPLY, details=[payload("1")]),
        "complete": lambda: command.CompleteActivity(**about, result=payload("2")),
        "fail": lambda: command.FailActivity(**about, failure=Failure(message="no", non_retryable=number == 0)),
        "canceled": lambda: command.CancelActivity(**about),
        "by id": lambda: command.CompleteActivity(
            **named | {"run_id": "", "scheduled_event_id": 0, "attempt": 0}, result=payload("5"), reply_to=REPLY
        ),
        "pause": lambda: command.PauseActivity(**named, reason="later"),
        "unpause": lambda: command.UnpauseActivity(**named, reset_attempts=number == 1, jitter_ms=number * 100),
        "reset": lambda: command.ResetActivity(**named, keep_paused=number == 1, restore_original_options=number == 2),
        "options": lambda: command.UpdateActivityOptions(
            **named,
            start_to_close_timeout_ms=2_000,
            heartbeat_timeout_ms=number * 300,
            schedule_to_close_timeout_ms=9_000,
        ),
        "stale": lambda: command.CompleteActivity(**{**about, "attempt": attempt + 1}, result=payload("3")),
    }
    world.handle(workflow_id, make[kind]())


def _deployment(number: int) -> Deployment:
    """A change, newer or older than others; sometimes to a version that is not there."""
    ramps = number % 4 == 1
    return Deployment(
        deployment_name="d",
        revision=number,
        change_id=f"c{number % 3}",
        current_build_id="1" if ramps else ["1", "2", "3", "1", "2"][number % 5],
        ramping_build_id="2" if ramps else "",
        ramping_percentage=50.0 if ramps else 0.0,
    )


def _happen(world: World, kind: str, number: int) -> bool:
    """Let something happen that is no client's doing; whether it was something of the kind."""
    if kind == "deliver":
        world.deliver(number)
    elif kind == "time":
        world.now_ms += 1 + number * 1_000
        world.fire_due()
    elif kind == "evict":
        for workflow_id, session in list(world.sessions.live.items()):
            if not session.local:
                del world.sessions.live[workflow_id]
    elif kind == "restart":
        world.forget()
    elif kind == "deploy":
        world.handle("any key", command.SetDeployment(deployment=_deployment(number), reply_to=REPLY))
    elif kind == "deployments":
        world.handle("any key", command.DescribeDeployments(reply_to=REPLY))
    elif kind in ("break", "mend"):
        world.factory.broken = kind == "break"
    else:
        return False
    return True


def _message(kind: str, number: int) -> Any:
    """A command of a client; None: it is none."""
    if kind == "start":
        return command.StartWorkflow(
            request_id=f"start-{number % 5}",
            workflow_type=f"type-{number}",
            task_queue="q",
            reply_to=REPLY,
            run_timeout_ms=10_000 if number % 3 == 0 else 0,
            execution_timeout_ms=15_000 if number % 8 == 5 else 0,
            id_conflict_policy="TERMINATE_EXISTING" if number % 7 == 0 else "UNSPECIFIED",
            options=OPTIONS[number % len(OPTIONS)],
            start_delay_ms=5_000 if number % 11 == 3 else 0,
            memo={"m1": payload("0")} if number % 2 else {},
            signal=command.SignalInput(signal_name="s", args=[payload("5")]) if number % 4 == 1 else None,
            update=command.UpdateInput(update_id=f"u-{number % 10}", update_name="u") if number % 4 == 2 else None,
        )
    if kind == "update":
        return command.UpdateWorkflow(
            request_id=f"u-{number}" if number % 2 else "",
            update_id=f"u-{number % 10}",
            update_name="refused" if number % 5 == 4 else "u",
            args=[payload(str(number))],
            await_completed=number % 3 > 0,
            reply_to=REPLY,
        )
    make: dict[str, Callable[[], Any]] = {
        "signal": lambda: command.SignalWorkflow(
            request_id=f"s-{number}", signal_name=UNTAKEN if number % 3 == 0 else "s", args=[payload(str(number))]
        ),
        "await update": lambda: command.AwaitUpdate(
            update_id=f"u-{number}", await_completed=number % 3 > 0, reply_to=REPLY
        ),
        "bind": lambda: command.UpdateWorkflowOptions(
            versioning=[WorkflowOptions(), *BOUND][number % 4], request_id=f"b-{number % 5}", reply_to=REPLY
        ),
        "cancel": lambda: command.CancelWorkflow(reason="enough", reply_to=REPLY),
        "terminate": lambda: command.TerminateWorkflow(reason="enough"),
        "query": lambda: command.QueryWorkflow(query_type="heard", reply_to=REPLY),
        "describe": lambda: command.DescribeWorkflow(reply_to=REPLY),
        "history": lambda: command.GetHistory(first_event_id=1 + number // 3, reply_to=REPLY),
        "await result": lambda: command.AwaitResult(reply_to=REPLY),
    }
    return make[kind]() if kind in make else None


def _end_local(world: World, workflow_id: str, number: int) -> None:
    """One of the local activities ends; sometimes in a transaction that is aborted."""
    session = _one(world, workflow_id, lambda session: bool(session.local))
    if session is None:
        return
    workflow_id = session.run.workflow_id
    activity_id = sorted(session.local)[number % len(session.local)]
    ended = LocalResult(
        workflow_id=workflow_id,
        run_id=session.run.run_id,
        activity_id=activity_id,
        activity_type="near",
        attempt=1,
        result=payload("4"),
    )
    world.local.discard((workflow_id, session.run.run_id, activity_id))
    world.do(lambda engine, outcome: engine.local_ended(ended, outcome), abort=number % 7 == 6)


def _stumble(world: World, workflow_id: str, number: int) -> None:
    """A run stalls, whatever it waits for, and is tried again later."""
    world.factory.broken = True
    world.handle(workflow_id, command.SignalWorkflow(signal_name="s", args=[payload(str(number))]))
    world.factory.broken = False
    world.now_ms += 1_000 + number * 100
    world.fire_due()


def _perform(world: World, kind: str, workflow_id: str, number: int) -> None:
    message = _message(kind, number)
    if kind == "start" and workflow_id in CHILDREN:
        workflow_id = WORKFLOWS[number % 2]  # children are started by their parents only
    if _happen(world, kind, number):
        return
    if message is not None:
        world.handle(workflow_id, message)
    elif kind == "local":
        _end_local(world, workflow_id, number)
    elif kind == "stumble":
        _stumble(world, workflow_id, number)
    elif kind == "abort":
        signal = command.SignalWorkflow(signal_name="lost")
        world.do(lambda engine, outcome: engine.handle(workflow_id, signal, outcome), abort=True)
    else:
        _activity(world, kind, workflow_id, number)


def _comparable(run: Run) -> dict[str, Any]:
    values = asdict(run)
    del values["deadline_changes"]
    return values


def _check_histories(world: World) -> None:
    runs = {(entry.workflow_id, entry.run.run_id) for entry in world.sessions.log if entry.run is not None}
    for workflow_id, run_id in runs:
        run = world.sessions.folded(workflow_id, run_id)
        history = [decode(encoded) for encoded in world.sessions.history(run)]
        assert [recorded.event_id for recorded in history] == list(range(1, len(history) + 1))
        assert [recorded.chain for recorded in history[1:]] == [
            fold.digest(encoded) for encoded in list(world.sessions.history(run))[:-1]
        ]
        closing = [recorded for recorded in history if fold.is_closing(recorded)]
        assert closing == ([] if run.is_open else [history[-1]])
        decider = ScriptFactory().create(workflow_id, run.started)
        outstanding = replay(decider, history)
        waiting = [made for made in outstanding if type(made).__name__ != "ScheduleLocalActivity"]
        assert not waiting or run.stalled is not None or not run.is_open
        _check_following(world, run, history)


def _check_following(world: World, run: Run, history: list[Any]) -> None:
    """A run that is followed is followed by one run, which takes over what it left."""
    new_run_id = getattr(run.closing, "new_run_id", "")
    assert bool(new_run_id) or run.status != "CONTINUED_AS_NEW"
    if not new_run_id:
        return
    new = world.sessions.folded(run.workflow_id, new_run_id)
    continuation = new.started.continuation
    assert continuation is not None
    assert continuation.run_id == run.run_id
    assert new.started.first_execution_run_id == run.started.first_execution_run_id
    assert new.started.execution_expiration_ms == run.started.execution_expiration_ms
    assert new.started.memo == run.memo
    stalls = [
        type(entry.record).__name__
        for entry in world.sessions.log
        if entry.run is not None and entry.run.run_id == run.run_id
        if type(entry.record).__name__ in ("WorkflowStalled", "WorkflowResumed")
    ]
    if stalls and stalls[-1] == "WorkflowStalled":
        return  # code that could not go on until its end cannot say what it left
    left = [found.args for found in history if getattr(found, "signal_name", "") == UNTAKEN]
    following = [decode(encoded) for encoded in world.sessions.history(new)][1:]
    taken_over = [found.args for found in following if getattr(found, "signal_name", "") == UNTAKEN]
    assert taken_over[: len(left)] == left


limits = st.sampled_from([HistoryLimits(), HistoryLimits(), HistoryLimits(events=8), HistoryLimits(bytes=3_000)])
"""What histories may come to; mostly more than they do."""


def _world(bound: HistoryLimits = HistoryLimits()) -> World:  # noqa: B008  # it never changes
    return World(factory=VersionedScripts(*HOSTED), outlasting=True, limits=bound)


def _check_local(world: World) -> None:
    """What runs near by is waited for: by the code of an open run, if it can go on."""
    for workflow_id, run_id, _ in world.local:
        session = world.sessions.find(workflow_id, run_id)
        assert session is not None
        assert session.run.is_open
    for workflow_id, session in world.sessions.live.items():
        for activity_id in session.local:
            assert (workflow_id, session.run.run_id, activity_id) in world.local
        if session.run.stalled is None:
            assert set(session.run.local_activities or ()) <= set(session.local), "none is forgotten"


@settings(max_examples=100, deadline=None)
@given(steps_of(60), limits)
def test_live_state_is_the_fold_of_the_log_and_histories_are_well_formed(
    steps: list[tuple[str, str, int]], bound: HistoryLimits
) -> None:
    world = _world(bound)
    for kind, workflow_id, number in steps:
        _perform(world, kind, workflow_id, number)
        for session in world.sessions.live.values():
            run = session.run
            assert _comparable(run) == _comparable(world.sessions.folded(run.workflow_id, run.run_id))
            check_state(run, world.sessions.records(run.workflow_id, run.run_id))
        _check_local(world)
    _check_histories(world)


@settings(max_examples=40, deadline=None)
@given(steps_of(50), limits)
def test_eviction_after_every_step_changes_no_record(steps: list[tuple[str, str, int]], bound: HistoryLimits) -> None:
    """Replay from history after each step gives the same log as never forgetting anything."""
    passing = ("evict", "restart", "local", "abort", "break", "mend", "stumble")
    steps = [item for item in steps if item[0] not in passing]
    remembering, forgetting = _world(bound), _world(bound)
    for kind, workflow_id, number in steps:
        _perform(remembering, kind, workflow_id, number)
        _perform(forgetting, kind, workflow_id, number)
        for session in forgetting.sessions.live.values():
            session.decider = None
    assert [entry.encoded for entry in remembering.sessions.log] == [entry.encoded for entry in forgetting.sessions.log]


@settings(max_examples=60, deadline=None)
@given(steps_of(60), limits)
@example(  # a child that has continued as new before its parent hears that it has begun
    [
        *[("start", "a", 25), ("start", "b", 0), *[("start", "a", 0)] * 25, ("time", "a", 5), ("deliver", "a", 4)],
        *[("signal", "child-0", 0), ("signal", "child-0", 1), ("local", "a", 0)],
    ],
    HistoryLimits(),
)
def test_in_the_end_every_workflow_has_its_answers(steps: list[tuple[str, str, int]], bound: HistoryLimits) -> None:
    """Once all commands are handled, whatever was asked of other workflows is answered, and open children are open."""
    world = _world(bound)
    for kind, workflow_id, number in steps:
        _perform(world, kind, workflow_id, number)
    factory = world.factory
    assert isinstance(factory, VersionedScripts)
    factory.broken, factory.hosted = False, (*HOSTED, NOT_HOSTED)  # the code is mended, the version there
    for _ in range(20):
        world.now_ms += 3_600_000  # stalled runs are tried again
        world.fire_due()
        world.deliver()
    starts: dict[tuple[str, str], int] = {}
    for entry in world.sessions.log:
        started = entry.record
        if isinstance(started, event.WorkflowExecutionStarted) and started.parent and not started.continuation:
            asked = (started.parent.run_id, str(started.parent.initiated_event_id))
            starts[asked] = starts.get(asked, 0) + 1
    assert all(count == 1 for count in starts.values())
    for workflow_id in {entry.workflow_id for entry in world.sessions.log if entry.run is not None}:
        session = world.sessions.current(workflow_id)
        assert session is not None
        run = session.run
        if not run.is_open or run.stalled is not None:
            continue
        assert not run.external
        for child in run.children.values():
            assert child.run_id
            found = world.sessions.current(child.workflow_id)
            assert found is not None
            # Its first run may have continued as new: the parent waits for the end of the chain.
            assert (found.run.started.first_execution_run_id or found.run.run_id) == child.run_id
            assert found.run.is_open


STALLING = [
    *["signal"] * 12,
    *["break", "mend", "start", "time"] * 2,
    "terminate",
    "update",
    "complete",
    "cancel",
    "evict",
]
"""What may happen to runs that stall often."""


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(STALLING), st.just("a"), st.integers(0, 30)),
        min_size=40,
        max_size=80,
    ),
    limits,
)
def test_no_signal_that_was_accepted_vanishes(steps: list[tuple[str, str, int]], bound: HistoryLimits) -> None:
    """It is in the history of a run of its workflow, whatever became of that, or waits for one that is stalled."""
    world = _world(bound)
    accepted: set[bytes] = set()
    for place, (kind, workflow_id, number) in enumerate(steps):
        if kind != "signal":
            _perform(world, kind, workflow_id, number)
            continue
        word = payload(f"word-{place}")
        name = UNTAKEN if number % 3 == 0 else "s"
        wanted = command.SignalWorkflow(
            request_id=f"r-{place}" if number % 2 else "", signal_name=name, args=[word], reply_to=REPLY
        )
        replies = [answer for _, answer in world.handle(workflow_id, wanted).replies]
        if any(isinstance(answer, reply.Accepted) for answer in replies):
            accepted.add(word.data)
    _check_histories(world)
    for entry in world.sessions.log:
        if isinstance(entry.record, event.WorkflowExecutionSignaled):
            accepted.difference_update(word.data for word in entry.record.args)
    if (session := world.sessions.current("a")) is not None:
        for _, encoded in world.sessions.deferred(session.run):
            accepted.difference_update(word.data for word in getattr(decode(encoded), "args", ()))
    assert not accepted


def test_walks_meet_every_command_and_every_record_of_the_engine() -> None:
    """Else the properties say nothing of those that are not met."""
    names = {found.__name__ for union in (Command, LogRecord) for found in get_args(union)}
    missing = names - {"PartitionOpened", "BatchBegun", "BatchCommitted"}  # the processor's own
    missing |= {kind.name for kind in DeadlineKind} - {"EAGER", "LOCAL"}  # which are never due
    missing |= {"eager task put on its topic"}
    walk = random.Random(5)
    walks = 0
    while missing and walks < 500:
        walks += 1
        world = _world()
        for name in WORKFLOWS:
            _perform(world, "start", name, walk.randrange(31))
        for _ in range(50):
            _perform(world, walk.choice(KINDS), walk.choice(EVERYBODY), walk.randrange(31))
        missing -= {type(entry.record).__name__ for entry in world.sessions.log}
        missing -= {type(one).__name__ for one in world.handled}
        missing -= {kind.name for kind in world.fired}
        handed_over = {(one.task.run_id, one.task.scheduled_event_id) for out in world.outcomes for one in out.eager}
        sent = {(one.task.run_id, one.task.scheduled_event_id) for out in world.outcomes for one in out.tasks}
        if handed_over & sent:
            missing.discard("eager task put on its topic")
    assert not missing, "not met"


def test_a_missing_event_is_noticed() -> None:
    world = World()
    world.handle("a", command.StartWorkflow(workflow_type="type-2", task_queue="q"))
    world.handle("a", command.SignalWorkflow(signal_name="s"))
    world.handle("a", command.SignalWorkflow(signal_name="s"))
    entries = [entry for entry in world.sessions.log if fold.is_event(entry.record)]
    run = fold.begin("a", decode(entries[0].encoded), entries[0].encoded)
    with pytest.raises(fold.BrokenHistoryError, match="does not follow event 1"):
        fold.apply(run, decode(entries[2].encoded), entries[2].encoded)
