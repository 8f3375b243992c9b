"""What a committed transaction comes to, for the sensor: its numbers, and the rare events in it."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

from foldlog.core.fold import is_closing
from foldlog.core.limits import HistoryLimits
from foldlog.core.outcome import MAXIMUM_RECORD_BYTES, Growth
from foldlog.core.state import Run
from foldlog.processors.partition import Work
from foldlog.runtime.payloads import heaviest
from foldlog.schemas import event, log
from foldlog.schemas.command import QueryWorkflow
from foldlog.sensor import CommittedBatch, Sensor

STALLS_TOLD = 10
"""How many stalled workflows of one transaction are told in the log, each with its stack."""

logger = logging.getLogger("foldlog.processor")


def measured(works: Sequence[Work], began: float, handled: float, committed: float, stored: float) -> CommittedBatch:
    """The numbers of one transaction.

    Args:
        works: Its work, by partition.
        began: When its first command was in hand, in seconds of a monotonic clock; the others likewise.
        handled: When all were handled.
        committed: When the transaction was committed.
        stored: When the stores had it.
    """
    commands: Counter[str] = Counter()
    closed: Counter[tuple[str, str]] = Counter()
    started: Counter[str] = Counter()
    retries: Counter[str] = Counter()
    for work in works:
        commands.update(work.commands)
        for entry in work.outcome.log:
            run, kind = entry.run, type(entry.record)
            if run is None:
                continue
            if kind is event.WorkflowExecutionStarted:
                started[run.started.workflow_type] += 1
            elif kind is log.ActivityAttempt:
                activity = run.activities.get(entry.record.scheduled_event_id)
                if activity is not None and entry.record.phase == "BACKOFF":
                    retries[activity.scheduled.activity_type] += 1
            elif is_closing(entry.record):
                closed[run.started.workflow_type, run.status] += 1
    return CommittedBatch(
        commands=commands,
        events=sum(len(work.outcome.log) for work in works),
        tasks=sum(len(work.outcome.tasks) for work in works),
        eager_tasks=sum(len(work.outcome.eager) for work in works),
        local_activities=sum(len(work.outcome.local_calls) for work in works),
        replies=sum(len(work.outcome.replies) for work in works),
        timers_fired=sum(work.timers_fired for work in works),
        timer_delay_seconds=max(work.latest_timer_ms for work in works) / 1000,
        closed=closed,
        started=started,
        retries=retries,
        queries=commands[QueryWorkflow.__name__],
        handling_seconds=handled - began,
        committing_seconds=committed - handled,
        storing_seconds=stored - committed,
    )


def tell_rare(works: Sequence[Work], commands_topic: str, sensor: Sensor) -> None:
    """Tell of dead letters, of replays, of what gets too large, and of stalled and resumed workflows."""
    stalls: list[tuple[Run, log.WorkflowStalled]] = []
    for work in works:
        for _ in work.dead_letters:
            sensor.dead_letter(commands_topic)
        if replays := work.outcome.replayed_events:
            sensor.workflows_replayed(len(replays), sum(replays))
        for growth in work.outcome.grown:
            _warn_of(growth, work.outcome.limits, sensor)
        if not work.outcome.visible:
            continue  # A run that stalls or is resumed is among these.
        resumed: dict[str, Run] = {}
        for entry in work.outcome.log:
            kind = type(entry.record)
            if entry.run is None or kind not in (log.WorkflowStalled, log.WorkflowResumed):
                continue
            if kind is log.WorkflowStalled:
                sensor.workflow_stalled(entry.run.started.workflow_type)
                stalls.append((entry.run, cast(log.WorkflowStalled, entry.record)))
            else:
                resumed[entry.run.run_id] = entry.run
        for run in resumed.values():
            if run.stalled is None:
                sensor.workflow_resumed(run.started.workflow_type)
    if stalls:
        _warn_of_stalls(stalls)


def _warn_of_stalls(stalls: Sequence[tuple[Run, log.WorkflowStalled]]) -> None:
    """Say whose code cannot go on, and why.

    After a bad deployment there may be thousands: some will do. And it is tried for ever, in a test without any pause:
    after a few attempts, only each that doubles their number is told.
    """
    stalls = [(run, stall) for run, stall in stalls if stall.attempts <= 4 or stall.attempts.bit_count() == 1]
    for run, stall in stalls[:STALLS_TOLD]:
        logger.warning(
            "workflow %r (%s) cannot go on, attempt %d: %s",
            run.workflow_id,
            run.started.workflow_type,
            stall.attempts,
            f"{stall.error}\n{stall.stack_trace}".rstrip(),
            extra={
                "workflow_id": run.workflow_id,
                "run_id": run.run_id,
                "workflow_type": run.started.workflow_type,
                "attempt": stall.attempts,
                # Filters of programs that come from Temporal look for this one.
                "__temporal_error_identifier": "WorkflowTaskFailure",
            },
        )
    if len(stalls) > STALLS_TOLD:
        logger.warning("%d more workflows cannot go on: `foldlog workflow list --stalled`", len(stalls) - STALLS_TOLD)


def _warn_of(growth: Growth, limits: HistoryLimits, sensor: Sensor) -> None:
    """Say what grows, before it is refused; and what had to end for it."""
    if growth.record_bytes:
        sensor.large_record(growth.workflow_type, growth.record_bytes)
        logger.warning(
            "workflow %r (%s): %s has %d bytes, most of them in %s; a record may have %d. Pass a reference instead, or"
            " use a claim check",
            growth.workflow_id,
            growth.workflow_type,
            _described(growth.record),
            growth.record_bytes,
            heaviest(growth.record) or "no payload",
            MAXIMUM_RECORD_BYTES,
        )
    elif growth.ended:
        sensor.history_limit_exceeded(growth.workflow_type, growth.history_events, growth.history_bytes)
        logger.error("workflow %r (%s) was terminated: %s", growth.workflow_id, growth.workflow_type, growth.ended)
    else:
        sensor.long_history(growth.workflow_type, growth.history_events, growth.history_bytes)
        logger.warning(
            "workflow %r (%s) has a history of %d events and %d bytes, all of which are replayed to rebuild it:"
            " let it continue as new; %s",
            growth.workflow_id,
            growth.workflow_type,
            growth.history_events,
            growth.history_bytes,
            limits,
        )


def _described(record: Any) -> str:
    """An event's number and type, and what it is about."""
    number = f"event {record.event_id} " if hasattr(record, "event_id") else ""
    names = ("activity_type", "activity_id", "signal_name", "workflow_id", "update_id")
    about = [f"{name}={value!r}" for name in names if (value := getattr(record, name, ""))]
    return f"{number}{type(record).__name__}({', '.join(about)})"
