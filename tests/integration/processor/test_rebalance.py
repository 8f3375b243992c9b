"""Processors come and go under load: partitions move, and no command is lost, doubled or kept waiting."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.integration.processor.load import Asking, all_handled, openings, sending
from tests.integration.processor.processes import Fleet
from tests.integration.processor.running import Place, place
from tests.until import until_asked

PARTITIONS = 6
pytestmark = pytest.mark.timeout(600)


async def shared_by(here: Place, count: int) -> bool:
    """Whether so many processors have as many partitions each."""
    owners = Counter(who[-1] for who in (await openings(here)).values() if who)
    return sorted(owners.values()) == [PARTITIONS // count] * count


async def test_one_processor_becomes_three_and_one_again(kafka: str, namespace: str, tmp_path: Path) -> None:
    async with place(kafka, namespace, tmp_path, PARTITIONS) as here:
        with Fleet(kafka, namespace, tmp_path) as fleet:
            fleet.start("first", "both")
            await fleet.until_ready("first")
            async with sending(here), Asking(here) as load:
                await load.going_on()
                for name in ("second", "third"):
                    fleet.start(name, "both")
                    await fleet.until_ready(name)
                    await load.going_on()
                await until_asked(lambda: shared_by(here, 3), "each of them has two partitions")
                for name in ("first", "second"):
                    await fleet.stop(name)
                    await load.going_on()
                assert await shared_by(here, 1)
                fleet.check()
            await fleet.stop_all()
        found = await here.check("first", "second", "third")
        await all_handled(here)
    assert found.closed() == {workflow_id for workflow_id, _ in found.events}
    # A partition that stays where it is is not opened again: cooperative rebalances take away only what must go. Who
    # was away for too long, on a busy machine, begins anew, and says so.
    anew = sum(fleet.log(name).read_text().count("joins the group anew") for name in fleet.members)
    assert sum(map(len, found.openings.values())) <= (3 + anew) * PARTITIONS
