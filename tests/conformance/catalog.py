"""All scenarios, and the workflows and activities that they run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from foldlog.client import WorkflowExecutionStatus
from foldlog.worker import Replayer, WorkflowReplayError

from tests.conformance import (
    authorised,
    bound,
    chains,
    clients,
    closing,
    control,
    data,
    durations,
    guarding,
    handlers,
    ids,
    inquiry,
    intercepted,
    kin,
    kinds,
    knowledge,
    lineage,
    machinery,
    merged,
    messages,
    misfits,
    options,
    overrides,
    ports,
    scenarios,
    schedules,
    slots,
    spans,
    standalone,
    streams,
    values,
    work,
    workers,
    workflows,
)
from tests.conformance.scenarios import Place, Scenario

TERMINATED = WorkflowExecutionStatus.TERMINATED

SHARED: Sequence[Scenario] = [
    *scenarios.SHARED,
    *messages.SHARED,
    *handlers.SHARED,
    *knowledge.SHARED,
    *work.SHARED,
    *kin.SHARED,
    *closing.SHARED,
    *schedules.SHARED,
    *chains.SHARED,
    *intercepted.SHARED,
    *ids.SHARED,
    *values.SHARED,
    *durations.SHARED,
    *standalone.SHARED,
    *control.SHARED,
    *inquiry.SHARED,
    *kinds.SHARED,
    *streams.SHARED,
    *misfits.SHARED,
]
"""Those for which workers are there, see `Place.workers`."""

ALONE: Sequence[Scenario] = [
    *scenarios.ALONE,
    *data.ALONE,
    *merged.ALONE,
    *workers.ALONE,
    *slots.ALONE,
    *options.ALONE,
    *spans.ALONE,
    *clients.ALONE,
    *lineage.ALONE,
    *ports.ALONE,
    *guarding.ALONE,
    *intercepted.ALONE,
    *authorised.ALONE,
    *control.ALONE,
    *machinery.ALONE,
    *overrides.ALONE,
    *kinds.ALONE,
    *bound.ALONE,
]
"""Those that bring their own."""

WORKFLOWS: Sequence[type] = [
    *workflows.WORKFLOWS,
    *handlers.WORKFLOWS,
    *knowledge.WORKFLOWS,
    *work.WORKFLOWS,
    *kin.WORKFLOWS,
    *closing.WORKFLOWS,
    *schedules.WORKFLOWS,
    *chains.WORKFLOWS,
    *intercepted.WORKFLOWS,
    *ids.WORKFLOWS,
    *values.WORKFLOWS,
    *durations.WORKFLOWS,
    *control.WORKFLOWS,
    *inquiry.WORKFLOWS,
    *kinds.WORKFLOWS,
    *streams.WORKFLOWS,
    *misfits.WORKFLOWS,
]
ACTIVITIES: Sequence[Callable[..., Any]] = [
    *workflows.ACTIVITIES,
    *handlers.ACTIVITIES,
    *knowledge.ACTIVITIES,
    *work.ACTIVITIES,
    *kin.ACTIVITIES,
    *values.ACTIVITIES,
    *durations.ACTIVITIES,
    *standalone.ACTIVITIES,
    *control.ACTIVITIES,
    *kinds.ACTIVITIES,
    *streams.ACTIVITIES,
]


async def replay_all(here: Place) -> int:
    """Replay what scenarios with shared workers have left, from histories as clients get them; how many there were."""
    replayer = Replayer(workflows=WORKFLOWS)
    count = 0
    for client in (here.client, here.elsewhere):
        async for run in client.list_workflows():
            if run.start_time < here.since:
                continue
            history = await client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history()
            result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
            count += 1
            stalls = isinstance(result.replay_failure, WorkflowReplayError) and run.status is TERMINATED
            if result.replay_failure is not None and not stalls:  # those that stalled by intent were terminated
                raise result.replay_failure
    return count
