"""All scenarios, and the workflows and activities that they run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tests.conformance import (
    authorised,
    bound,
    canceling,
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
    sizes,
    slots,
    spans,
    standalone,
    streams,
    validation,
    values,
    work,
    workers,
    workflows,
)
from tests.conformance.scenarios import Place, Scenario

SHARED: Sequence[Scenario] = [
    *scenarios.SHARED,
    *messages.SHARED,
    *handlers.SHARED,
    *knowledge.SHARED,
    *work.SHARED,
    *kin.SHARED,
    *closing.SHARED,
    *canceling.SHARED,
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
    *sizes.SHARED,
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
    *validation.ALONE,
]
"""Those that bring their own."""

WITHOUT_RUNS: Sequence[Scenario] = [spans.without_such_a_provider_it_is_told, machinery.outside_of_everything]
"""Those of them that leave no history to be replayed."""

WORKFLOWS: Sequence[type] = [
    *workflows.WORKFLOWS,
    *handlers.WORKFLOWS,
    *knowledge.WORKFLOWS,
    *work.WORKFLOWS,
    *kin.WORKFLOWS,
    *closing.WORKFLOWS,
    *canceling.WORKFLOWS,
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
    *sizes.WORKFLOWS,
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
    """Replay what scenarios with shared workers have left, in both namespaces; how many runs there were."""
    return sum([await here.replay(client) for client in (here.client, here.elsewhere)])
