"""Processors that come, go, and come back from the dead: one at a time writes to a partition, and nothing is lost."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from foldlog.processors.transaction import TransactionalProducer
from foldlog.transport.clients import open_admin

from tests.integration.processor.load import handling, openings, sending
from tests.integration.processor.processes import Fleet
from tests.integration.processor.running import Place, place
from tests.until import until, until_asked

PARTITIONS = 4
pytestmark = pytest.mark.timeout(600)


@pytest.fixture
async def here(kafka: str, namespace: str, tmp_path: Path) -> AsyncIterator[Place]:
    async with place(kafka, namespace, tmp_path, PARTITIONS) as found:
        yield found


async def test_a_suspended_processor_is_fenced_and_does_no_harm(here: Place) -> None:
    with Fleet(here.config.bootstrap_servers, here.namespace, here.folder) as fleet:
        for name in ("first", "second"):
            fleet.start(name, "workflows", instance_id=name)
        for name in fleet.members:
            await fleet.until_ready(name)
        async with sending(here):
            await handling(here)
            before = await openings(here)
            mine = [partition for partition, who in before.items() if who[-1] == "first"]
            assert mine
            fleet.signal("first", signal.SIGSTOP)
            try:

                async def taken_over() -> bool:
                    now = await openings(here)
                    return all(now[partition][-1] == "second" for partition in mine)

                await until_asked(taken_over, "the other one has all partitions")
                await handling(here)
            finally:
                fleet.signal("first", signal.SIGCONT)

            async def back() -> bool:
                now = await openings(here)
                return any(who[-1] == "first" and who != before[partition] for partition, who in now.items())

            await until_asked(back, "it takes part again")
            fleet.check()
        await fleet.stop_all()
    await here.check("first", "second")


async def test_a_processor_joins_the_group_after_it_has_fenced_its_predecessor(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is in the group counts as alive, and nobody fences what went by its name before."""
    group = f"{here.namespace}.processor"
    admin = open_admin(here.config)
    seen: list[str] = []
    take_over = TransactionalProducer.take_over

    def watched(producer: TransactionalProducer) -> None:
        take_over(producer)
        seen.extend(each.client_id for each in admin.describe_consumer_groups([group])[group].result(10.0).members)

    monkeypatch.setattr(TransactionalProducer, "take_over", watched)
    async with here.worker(instance_id="late"):
        members = admin.describe_consumer_groups([group])[group].result(10.0).members
        assert [each.client_id for each in members] == ["late"]
    assert seen == []


async def test_two_processors_with_one_name_are_told_apart(here: Place) -> None:
    """A second one with the same name takes the place of the first, which says so and ends; nothing is handled twice.

    Both fence each other at first, so it may be the second one that ends.
    """
    with Fleet(here.config.bootstrap_servers, here.namespace, here.folder) as fleet:
        fleet.start("first", "workflows", instance_id="same")
        await fleet.until_ready("first")
        async with sending(here):
            fleet.start("second", "workflows", instance_id="same")
            ended: list[str] = []

            def one_has_ended() -> bool:
                ended[:] = [name for name in fleet.members if fleet.has_ended(name)]
                return bool(ended)

            await until(one_has_ended, "one of them ends")
            (loser,) = ended
            assert "instance_id (--instance-id, FOLDLOG_INSTANCE_ID)" in fleet.tail(loser)
            await handling(here)
            await handling(here)
            fleet.check()
        await fleet.stop_all()
    await here.check("first", "second")
