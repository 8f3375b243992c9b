"""The workflow that is a schedule: in which order it shows the actions that it has taken."""

from __future__ import annotations

from typing import Any

import pytest
from foldlog import workflow
from foldlog.schedules.model import (
    RECENT,
    SCHEDULE_TYPE,
    Action,
    Backfill,
    Interval,
    Policy,
    Progress,
    Schedule,
    Spec,
    State,
    Taken,
)

from tests.unit.runtime.driver import EPOCH_MS, Driver

ALLOW_ALL = 6
HOUR_MS = 3_600_000


@workflow.defn
class Unused:
    @workflow.run
    async def run(self) -> None: ...


def driver(count: int) -> Driver:
    """A schedule that has begun so many actions at once."""
    first_ms = EPOCH_MS // HOUR_MS * HOUR_MS
    schedule = Schedule(
        Action("Report", "report", "q"), Spec(intervals=[Interval(HOUR_MS)]), Policy(overlap=ALLOW_ALL), State()
    )
    progress = Progress("s", schedule, backfills=[Backfill(first_ms - (count - 1) * HOUR_MS, first_ms, ALLOW_ALL)])
    return Driver(Unused, progress, workflow_type=SCHEDULE_TYPE)


def shown(run: Driver) -> list[int]:
    progress: Any = run.query("describe")
    return [taken["started_ms"] for taken in progress["recent"]]


@pytest.mark.parametrize("count", [3, RECENT + 2])
def test_actions_are_shown_in_the_order_in_which_they_began_whenever_they_are_heard_of(count: int) -> None:
    run = driver(count)
    progress: Any = run.query("describe")
    jobs = [running["workflow_id"] for running in progress["running"]]
    assert len(jobs) == count
    times = [EPOCH_MS + place for place in range(count)]
    for time_ms, workflow_id in reversed(list(zip(times, jobs, strict=True))):
        run.signal("begun", Taken(time_ms - 5, time_ms, workflow_id, f"run of {workflow_id}"))
    assert shown(run) == times[-RECENT:]
    progress = run.query("describe")
    assert progress["num_actions"] == count
    run.replay()
