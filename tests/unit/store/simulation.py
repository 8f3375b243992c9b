"""A log of made-up runs, written by the engine's own fold: what a processor would have put into `<ns>.events`.

Every choice comes from a `random.Random`, so that a seed names a log.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from foldlog.core.outcome import LogEntry, Outcome
from foldlog.core.state import Run
from foldlog.schemas import event, log
from foldlog.schemas.common import Continuation, Deployment, Failure, Payload
from foldlog.schemas.framing import encode

NAMES = ["order-1", "order-2", "a/b", "a", "a\0", "a\0b", "a\0\x01", "", "ü", "\U0001f40d", "a" * 200, "\x01", "￿"]


@dataclass
class Transaction:
    """What one transaction wrote, and the offset after it."""

    entries: list[LogEntry]
    events_offset: int

    @property
    def first_offset(self) -> int:
        """Offset of its first record."""
        return self.events_offset - len(self.entries)


@dataclass
class Simulation:
    """Writes transactions of random records of random runs."""

    rng: random.Random
    step_ms: int = 1_000
    now_ms: int = 1_700_000_000_000
    offset: int = 0
    commands_offset: int = 0
    serial: int = 0
    runs: dict[str, Run] = field(default_factory=dict)
    """The current run of each workflow ID."""
    transactions: list[Transaction] = field(default_factory=list)

    def transaction(self, actions: int) -> Transaction:
        """Write one more transaction."""
        self.now_ms += self.rng.randint(0, self.step_ms)
        self.commands_offset += actions
        outcome = Outcome(now_ms=self.now_ms, namespace="test", encode=encode)
        for _ in range(actions):
            self._act(outcome)
        committed = log.BatchCommitted(commands_offset=self.commands_offset, time_ms=self.now_ms)
        outcome.append_loose("", committed)
        return self._finish(outcome)

    def open(self, epoch: str) -> Transaction:
        """Write the opening of the partition."""
        outcome = Outcome(now_ms=self.now_ms, namespace="test", encode=encode)
        opened = log.PartitionOpened(instance="i", epoch=epoch, partition_count=4, time_ms=self.now_ms)
        outcome.append_loose("", opened)
        return self._finish(outcome)

    def _finish(self, outcome: Outcome) -> Transaction:
        # A transaction's commit marker takes an offset too.
        transaction = Transaction(list(outcome.log), self.offset + len(outcome.log))
        self.offset = transaction.events_offset + 1
        self.transactions.append(transaction)
        return transaction

    def _act(self, outcome: Outcome) -> None:
        workflow_id = self.rng.choice(NAMES)
        run = self.runs.get(workflow_id)
        self.serial += 1
        if self.rng.random() < 0.05:
            deployment = Deployment(deployment_name=self.rng.choice("ab"), revision=self.serial, change_id="c")
            outcome.append_loose("", log.DeploymentChanged(deployment=deployment, time_ms=self.now_ms))
            rejected = log.RequestRejected(request_id=f"r{self.serial}", answer=b"no", time_ms=self.now_ms)
            outcome.append_loose(workflow_id, rejected)
        elif run is None or not run.is_open:
            self._start(workflow_id, outcome)
        else:
            choices = [choice for choice in CHOICES if choice[1](run)]
            self.rng.choice(choices)[2](self, run, outcome)

    def _start(self, workflow_id: str, outcome: Outcome) -> None:
        started = event.WorkflowExecutionStarted(
            workflow_type="W",
            task_queue="q",
            request_id=self.rng.choice(["", f"s{self.serial}"]),
            run_timeout_ms=self.rng.choice([0, 60_000]),
            execution_expiration_ms=self.rng.choice([0, self.now_ms + 90_000, (1 << 63) - 1]),
            held=self.rng.random() < 0.2,
            first_task_ms=self.rng.choice([0, self.now_ms + 30_000]),
        )
        self.runs[workflow_id] = outcome.begin(workflow_id, f"run-{self.serial}", started)


def _schedule(simulation: Simulation, run: Run, outcome: Outcome) -> None:
    rng = simulation.rng
    outcome.append(
        run,
        event.ActivityTaskScheduled(
            activity_id=f"a{run.last_event_id + 1}",
            activity_type="A",
            task_queue="q",
            schedule_to_close_timeout_ms=rng.choice([0, 50_000]),
            schedule_to_start_timeout_ms=rng.choice([0, 20_000]),
            start_to_close_timeout_ms=rng.choice([0, 10_000]),
            heartbeat_timeout_ms=rng.choice([0, 5_000]),
            eager=rng.random() < 0.3,
        ),
    )


def _attempt(simulation: Simulation, run: Run, outcome: Outcome) -> None:
    rng = simulation.rng
    event_id = rng.choice(list(run.activities))
    outcome.append(
        run,
        log.ActivityAttempt(
            run_id=run.run_id,
            scheduled_event_id=event_id,
            attempt=rng.randint(1, 3),
            phase=rng.choice(["SCHEDULED", "STARTED", "BACKOFF"]),
            attempt_ms=simulation.now_ms,
            started_ms=rng.choice([0, simulation.now_ms]),
            heartbeat_ms=rng.choice([0, simulation.now_ms]),
            heartbeat_details=[Payload(encoding="json/plain", data=b"1")],
            paused=rng.random() < 0.2,
            reset=rng.random() < 0.2,
        ),
    )


def _change_options(simulation: Simulation, run: Run, outcome: Outcome) -> None:
    rng = simulation.rng
    outcome.append(
        run,
        log.ActivityOptionsChanged(
            run_id=run.run_id,
            scheduled_event_id=rng.choice(list(run.activities)),
            task_queue=rng.choice(["q", "other"]),
            schedule_to_close_timeout_ms=rng.choice([0, 40_000]),
            schedule_to_start_timeout_ms=rng.choice([0, 15_000]),
            start_to_close_timeout_ms=rng.choice([0, 8_000]),
            heartbeat_timeout_ms=rng.choice([0, 4_000]),
        ),
    )


def _end_activity(simulation: Simulation, run: Run, outcome: Outcome) -> None:
    event_id = simulation.rng.choice(list(run.activities))
    result = Payload(encoding="json/plain", data=b"null")
    ended = simulation.rng.choice(
        [
            event.ActivityTaskCompleted(scheduled_event_id=event_id, result=result),
            event.ActivityTaskFailed(scheduled_event_id=event_id, failure=Failure(message="no")),
            event.ActivityTaskTimedOut(scheduled_event_id=event_id, failure=Failure(kind="TIMEOUT")),
            event.ActivityTaskCanceled(scheduled_event_id=event_id),
        ]
    )
    outcome.append(run, ended)


def _cancel_activity(simulation: Simulation, run: Run, outcome: Outcome) -> None:
    event_id = simulation.rng.choice(list(run.activities))
    outcome.append(run, event.ActivityTaskCancelRequested(scheduled_event_id=event_id))


def _start_timer(simulation: Simulation, run: Run, outcome: Outcome) -> None:
    fire_ms = simulation.now_ms + simulation.rng.choice([-1, 0, 1_000, 100_000])
    outcome.append(run, event.TimerStarted(timer_id=run.last_event_id + 1, fire_ms=fire_ms))


def _end_timer(simulation: Simulation, run: Run, outcome: Outcome) -> None:
    timer_id = simulation.rng.choice(list(run.timers))
    kind = simulation.rng.choice([event.TimerFired, event.TimerCanceled])
    outcome.append(run, kind(timer_id=timer_id, started_event_id=run.timers[timer_id].started_event_id))


def _signal(simulation: Simulation, run: Run, outcome: Outcome) -> None:
    request_id = simulation.rng.choice(["", f"g{simulation.serial}"])
    outcome.append(run, event.WorkflowExecutionSignaled(signal_name="s", request_id=request_id))


def _first_task(simulation: Simulation, run: Run, outcome: Outcome) -> None:
    outcome.append(run, event.WorkflowTaskScheduled())


def _accept_update(simulation: Simulation, run: Run, outcome: Outcome) -> None:
    update_id = f"u{run.last_event_id + 1}"
    request_id = simulation.rng.choice(["", f"g{simulation.serial}"])
    accepted = event.WorkflowExecutionUpdateAccepted(update_id=update_id, update_name="u", request_id=request_id)
    outcome.append(run, accepted)


def _complete_update(simulation: Simulation, run: Run, outcome: Outcome) -> None:
    update_id = simulation.rng.choice([name for name, update in run.updates.items() if not update.completed_event_id])
    accepted_event_id = run.updates[update_id].accepted_event_id
    completed = event.WorkflowExecutionUpdateCompleted(update_id=update_id, accepted_event_id=accepted_event_id)
    outcome.append(run, completed)


def _cancel(simulation: Simulation, run: Run, outcome: Outcome) -> None:
    outcome.append(run, event.WorkflowExecutionCancelRequested(request_id=f"c{simulation.serial}"))


def _ask_other(simulation: Simulation, run: Run, outcome: Outcome) -> None:
    rng = simulation.rng
    asked: Any = rng.choice(
        [
            event.StartChildWorkflowExecutionInitiated(
                workflow_id="child",
                workflow_type="C",
                task_queue="q",
                parent_close_policy=rng.choice(["TERMINATE", "ABANDON", "REQUEST_CANCEL"]),
            ),
            event.SignalExternalWorkflowExecutionInitiated(workflow_id="other", signal_name="s"),
            event.RequestCancelExternalWorkflowExecutionInitiated(workflow_id="other"),
        ]
    )
    outcome.append(run, asked)


def _of_child(simulation: Simulation, run: Run, outcome: Outcome) -> None:
    event_id = simulation.rng.choice(list(run.children))
    about: dict[str, Any] = {"initiated_event_id": event_id, "child_run_id": f"child-{event_id}"}
    failure = Failure(message="no")
    if not run.children[event_id].run_id:
        happened: Any = simulation.rng.choice(
            [
                event.ChildWorkflowExecutionStarted(**about),
                event.StartChildWorkflowExecutionFailed(initiated_event_id=event_id, failure=failure),
            ]
        )
    else:
        result = Payload(encoding="json/plain", data=b"1")
        happened = simulation.rng.choice(
            [
                event.ChildWorkflowExecutionCompleted(**about, result=result),
                event.ChildWorkflowExecutionFailed(**about, failure=failure),
                event.ChildWorkflowExecutionCanceled(**about, failure=failure),
                event.ChildWorkflowExecutionTerminated(**about, failure=failure),
                event.ChildWorkflowExecutionTimedOut(**about, failure=failure),
            ]
        )
    outcome.append(run, happened)


def _of_other(simulation: Simulation, run: Run, outcome: Outcome) -> None:
    event_id, asked = simulation.rng.choice(list(run.external.items()))
    about: dict[str, Any] = {"initiated_event_id": event_id}
    failure = Failure(message="no")
    answers: list[Any] = (
        [
            event.ExternalWorkflowExecutionSignaled(**about),
            event.SignalExternalWorkflowExecutionFailed(**about, failure=failure),
        ]
        if asked == "SIGNAL"
        else [
            event.ExternalWorkflowExecutionCancelRequested(**about),
            event.RequestCancelExternalWorkflowExecutionFailed(**about, failure=failure),
        ]
    )
    outcome.append(run, simulation.rng.choice(answers))


def _start_local(simulation: Simulation, run: Run, outcome: Outcome) -> None:
    activity_id = f"l{simulation.rng.randint(1, 3)}"
    outcome.append(run, log.LocalActivityStarted(run_id=run.run_id, activity_id=activity_id))


def _end_local(simulation: Simulation, run: Run, outcome: Outcome) -> None:
    activity_id = f"l{simulation.rng.randint(1, 3)}"
    ended = event.LocalActivityCompleted(activity_id=activity_id, activity_type="L", attempt=1)
    outcome.append(run, ended)


def _stall(simulation: Simulation, run: Run, outcome: Outcome) -> None:
    stalled = log.WorkflowStalled(
        run_id=run.run_id,
        error="e",
        stack_trace="s",
        attempts=simulation.rng.randint(1, 5),
        retry_ms=simulation.now_ms + 1_000,
        since_ms=simulation.now_ms,
    )
    outcome.append(run, stalled)


def _defer(simulation: Simulation, run: Run, outcome: Outcome) -> None:
    ordinal = max(run.deferred_ordinal, run.handled_ordinal) + 1
    command = f"command {ordinal}".encode()
    outcome.append(run, log.CommandDeferred(run_id=run.run_id, ordinal=ordinal, command=command))


def _resume(simulation: Simulation, run: Run, outcome: Outcome) -> None:
    last = max(run.handled_ordinal, run.deferred_ordinal)
    handled = simulation.rng.randint(run.handled_ordinal, last)
    outcome.append(run, log.WorkflowResumed(run_id=run.run_id, handled_ordinal=handled))


def _note(simulation: Simulation, run: Run, outcome: Outcome) -> None:
    value = Payload(encoding=simulation.rng.choice(["json/plain", "binary/null"]), data=b"1")
    name = f"n{simulation.rng.randint(1, 3)}"
    noted = simulation.rng.choice(
        [
            event.PatchRecorded(patch_id=f"p{simulation.serial}"),
            event.UpsertWorkflowSearchAttributes(search_attributes={name: value}),
            event.WorkflowPropertiesModified(memo={name: value}),
        ]
    )
    outcome.append(run, noted)


def _follow(simulation: Simulation, run: Run, outcome: Outcome) -> None:
    """The run ends, and another begins with what it left."""
    new_run_id = f"run-{simulation.serial}"
    outcome.append(
        run,
        simulation.rng.choice(
            [
                event.WorkflowExecutionContinuedAsNew(new_run_id=new_run_id, workflow_type="W"),
                event.WorkflowExecutionFailed(failure=Failure(message="no"), new_run_id=new_run_id),
            ]
        ),
    )
    started = event.WorkflowExecutionStarted(
        workflow_type="W",
        task_queue="q",
        memo=run.memo,
        continuation=Continuation(run_id=run.run_id, initiator="RETRY"),
        held=True,
        first_task_ms=simulation.now_ms + 2_000,
    )
    new = simulation.runs[run.workflow_id] = outcome.begin(run.workflow_id, new_run_id, started)
    outcome.append(new, event.WorkflowExecutionSignaled(signal_name="s"))


def _close(simulation: Simulation, run: Run, outcome: Outcome) -> None:
    closing = simulation.rng.choice(
        [
            event.WorkflowExecutionCompleted(result=Payload(encoding="json/plain", data=b"1")),
            event.WorkflowExecutionTerminated(request_id=f"t{simulation.serial}"),
            event.WorkflowExecutionTimedOut(),
        ]
    )
    outcome.append(run, closing)
    if simulation.rng.random() < 0.2:
        # A processor may find out too late that the run is closed.
        _start_local(simulation, run, outcome)


def _running(run: Run) -> bool:
    return run.stalled is None


CHOICES: list[tuple[str, Callable[[Run], bool], Callable[[Simulation, Run, Outcome], None]]] = [
    ("schedule", _running, _schedule),
    ("attempt", lambda run: bool(run.activities), _attempt),
    ("change options", lambda run: bool(run.activities), _change_options),
    ("end activity", lambda run: bool(run.activities) and _running(run), _end_activity),
    (
        "cancel activity",
        lambda run: _running(run) and any(not a.cancel_requested for a in run.activities.values()),
        _cancel_activity,
    ),
    ("note", _running, _note),
    ("follow", lambda run: True, _follow),
    ("start timer", _running, _start_timer),
    ("end timer", lambda run: bool(run.timers) and _running(run), _end_timer),
    ("signal", _running, _signal),
    ("first task", lambda run: not run.first_task and _running(run), _first_task),
    ("accept update", _running, _accept_update),
    (
        "complete update",
        lambda run: _running(run) and any(not update.completed_event_id for update in run.updates.values()),
        _complete_update,
    ),
    ("cancel", lambda run: not run.cancel_requested and _running(run), _cancel),
    ("ask another", _running, _ask_other),
    ("of a child", lambda run: bool(run.children) and _running(run), _of_child),
    ("of another", lambda run: bool(run.external) and _running(run), _of_other),
    ("start local", _running, _start_local),
    ("end local", _running, _end_local),
    ("stall", lambda run: True, _stall),
    ("defer", lambda run: run.stalled is not None, _defer),
    ("resume", lambda run: run.stalled is not None or run.deferred_ordinal > run.handled_ordinal, _resume),
    ("close", lambda run: True, _close),
]
