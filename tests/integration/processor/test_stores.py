"""Stores are caches: deleted, replaced by an older copy or damaged, they are rebuilt and equal the log, key by key."""

from __future__ import annotations

import logging
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from foldlog.processors.store import RocksResources, RocksStore, WriteBatch, formats

from tests.integration.processor.running import SOON, Place, place
from tests.integration.processor.workloads import Echoing, Summing


@pytest.fixture
async def here(kafka: str, namespace: str, tmp_path: Path) -> AsyncIterator[Place]:
    async with place(kafka, namespace, tmp_path) as found:
        yield found


async def a_round(here: Place, number: int) -> None:
    """Add a number to all workflows, each of which must have all those of before."""
    names = here.ids("summing", each=4)
    for name in names:
        if number == 0:
            await here.start(Summing.run, id=name)
        handle = here.client.get_workflow_handle_for(Summing.run, name)
        await handle.signal(Summing.add, number, rpc_timeout=SOON)
        assert (await handle.query(Summing.seen, rpc_timeout=SOON)).numbers == list(range(number + 1))
        echoing = await here.start(Echoing.run, "x" * 20_000, id=f"echo-{name}-{number}")
        await echoing.result(rpc_timeout=SOON)


def folders(here: Place) -> list[Path]:
    """The stores of all partitions."""
    found = sorted((here.folder / "state" / here.namespace / "slot-0").glob("[0-9]*"))
    assert len(found) == here.partitions
    return found


def flip(path: Path, around: float) -> None:
    """Change bytes in the middle of a file, and nothing of its length."""
    data = bytearray(path.read_bytes())
    first = int(len(data) * around)
    for at in range(first, min(first + 32, len(data))):
        data[at] ^= 0xFF
    path.write_bytes(data)


def flushed(folder: Path) -> None:
    """Have all that is in the store in files with sorted rows."""
    store = RocksStore(folder, RocksResources())
    store.flush()
    store.close()


def delete(folder: Path) -> None:
    shutil.rmtree(folder)


def flip_tables(folder: Path) -> None:
    flushed(folder)
    tables = list(folder.glob("*.sst"))
    assert tables
    for table in tables:
        flip(table, 0.3)


def flip_manifest(folder: Path) -> None:
    (manifest,) = folder.glob("MANIFEST-*")
    flip(manifest, 0.5)


def flip_wal(folder: Path) -> None:
    """Only a process that was killed leaves a log behind: `test_a_damaged_store_is_rebuilt` makes a copy of such."""
    logs = [log for log in folder.glob("*.log") if log.stat().st_size]
    assert logs
    for log in logs:
        flip(log, 0.5)


def lose_tables(folder: Path) -> None:
    flushed(folder)
    for table in folder.glob("*.sst"):
        table.unlink()


def other_format(folder: Path) -> None:
    store = RocksStore(folder, RocksResources())
    rows = WriteBatch(formats.FAMILIES)
    rows.put(formats.META, formats.META_FORMAT, b"\xff\xff\xff\xff\xff\xff\xff\xff")
    store.write(rows)
    store.close()


def no_database(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "CURRENT").write_text("nonsense")


@pytest.mark.parametrize(
    "damage",
    [delete, flip_tables, flip_manifest, flip_wal, lose_tables, other_format, no_database],
    ids=lambda f: f.__name__,
)
async def test_a_damaged_store_is_rebuilt(
    here: Place, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(2):
        async with here.worker():
            await a_round(here, number)
            if number and damage is flip_wal:
                shutil.copytree(here.folder / "state", here.folder / "as-killed")
    if damage is flip_wal:
        shutil.rmtree(here.folder / "state")
        shutil.copytree(here.folder / "as-killed", here.folder / "state")
    for folder in folders(here):
        damage(folder)
    with caplog.at_level(logging.INFO):
        async with here.worker() as worker:
            await a_round(here, 2)
            assert worker.healthy()
    if damage not in (delete, flip_wal):  # RocksDB itself goes back to before a damaged end of its log
        assert "rebuilt" in caplog.text or "aborted" in caplog.text, caplog.text
    found = await here.check()
    assert all(found.kinds(name).count("WorkflowExecutionSignaled") == 3 for name in here.ids("summing", each=4))


async def test_an_older_copy_of_the_store_catches_up(here: Place) -> None:
    async with here.worker():
        await a_round(here, 0)
    shutil.copytree(here.folder / "state", here.folder / "copy")
    for number in (1, 2):
        async with here.worker():
            await a_round(here, number)
    shutil.rmtree(here.folder / "state")
    shutil.copytree(here.folder / "copy", here.folder / "state")
    async with here.worker():
        await a_round(here, 3)
    await here.check()
    # The same folder once more for both partitions, each with the other's store.
    first, second = folders(here)
    second.rename(second.with_name("swap"))
    first.rename(second)
    second.with_name("swap").rename(first)
    async with here.worker():
        await a_round(here, 4)
    await here.check()
