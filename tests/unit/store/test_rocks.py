"""What only files can do: outlive a process, be locked, be damaged."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from foldlog.processors.store import (
    RocksResources,
    RocksStore,
    StoreCorruptedError,
    StoreError,
    StoreLockedError,
    WriteBatch,
    formats,
)

FAMILY = formats.HISTORY


def put(store: RocksStore, *keys: bytes, value: bytes = b"value") -> None:
    batch = WriteBatch(formats.FAMILIES)
    for key in keys:
        batch.put(FAMILY, key, value)
    store.write(batch)


@pytest.fixture
def resources() -> RocksResources:
    return RocksResources()


def test_rows_outlive_the_store(tmp_path: Path, resources: RocksResources) -> None:
    path = tmp_path / "deep" / "folder"
    for number in range(3):
        store = RocksStore(path, resources)
        put(store, b"%d" % number)
        store.close()
    store = RocksStore(path, resources)
    assert [key for key, _ in store.scan(FAMILY)] == [b"0", b"1", b"2"]
    store.close()


def test_a_store_is_open_once(tmp_path: Path, resources: RocksResources) -> None:
    store = RocksStore(tmp_path, resources)
    with pytest.raises(StoreLockedError) as caught:
        RocksStore(tmp_path, resources)
    assert caught.value.path == str(tmp_path)
    with pytest.raises(StoreLockedError):
        RocksStore.destroy(tmp_path)
    put(store, b"still usable")
    store.close()
    RocksStore(tmp_path, resources).close()


OTHER_PROCESS = """
import sys
from concurrent.futures import ThreadPoolExecutor
import time
from pathlib import Path
from foldlog.processors.store import RocksResources, RocksStore, StoreLockedError
try:
    RocksStore(Path(sys.argv[1]), RocksResources())
except StoreLockedError:
    sys.exit(42)
"""


def test_a_store_is_open_in_one_process(tmp_path: Path, resources: RocksResources) -> None:
    store = RocksStore(tmp_path, resources)
    assert subprocess.run([sys.executable, "-c", OTHER_PROCESS, str(tmp_path)], timeout=200).returncode == 42
    store.close()
    assert subprocess.run([sys.executable, "-c", OTHER_PROCESS, str(tmp_path)], timeout=200).returncode == 0


def test_a_scan_left_open_does_not_keep_the_lock(tmp_path: Path, resources: RocksResources) -> None:
    store = RocksStore(tmp_path, resources)
    put(store, b"a", b"b")
    scan = store.scan(FAMILY)
    next(scan)
    store.close()
    RocksStore(tmp_path, resources).close()
    assert scan is not None


def test_a_scan_keeps_its_end(tmp_path: Path, resources: RocksResources) -> None:
    """rocksdict does not: an end that is freed during the scan makes it too long or too short."""
    store = RocksStore(tmp_path, resources)
    keys = [bytes((first, second)) for first in range(1, 60) for second in range(20)]
    put(store, *keys)
    for first in range(1, 60):
        scan = store.scan(FAMILY, bytes((first,)))
        litter = [bytes((255 - first,)) * 1 for _ in range(100)] + [b"\0" * size for size in range(100)]
        assert [key for key, _ in scan] == [key for key in keys if key[0] == first]
        assert litter
    store.close()


def test_destroy(tmp_path: Path, resources: RocksResources) -> None:
    path = tmp_path / "store"
    RocksStore.destroy(path)
    store = RocksStore(path, resources)
    put(store, b"a")
    store.close()
    RocksStore.destroy(path)
    assert not path.exists()


def test_a_folder_without_its_manifest_is_corrupted(tmp_path: Path, resources: RocksResources) -> None:
    RocksStore(tmp_path, resources).close()
    (tmp_path / "CURRENT").write_text("MANIFEST-999999\n")
    with pytest.raises(StoreCorruptedError):
        RocksStore(tmp_path, resources)
    RocksStore.destroy(tmp_path)
    RocksStore(tmp_path, resources).close()


def test_a_folder_that_was_deleted_under_it_is_told_of(tmp_path: Path, resources: RocksResources) -> None:
    path = tmp_path / "store"
    store = RocksStore(path, resources)
    put(store, b"a")
    shutil.rmtree(path)
    with pytest.raises(StoreCorruptedError, match="was deleted while it was in use: start again"):
        store.flush()


def test_a_garbled_manifest_is_corrupted(tmp_path: Path, resources: RocksResources) -> None:
    RocksStore(tmp_path, resources).close()
    for manifest in tmp_path.glob("MANIFEST-*"):
        manifest.write_bytes(b"\x55" * 200)
    with pytest.raises(StoreCorruptedError):
        RocksStore(tmp_path, resources)


def test_another_database_is_corrupted(tmp_path: Path, resources: RocksResources) -> None:
    RocksStore(tmp_path, resources, families=("something", "else")).close()
    with pytest.raises(StoreCorruptedError):
        RocksStore(tmp_path, resources)


def test_a_damaged_block_is_an_error_not_the_end(tmp_path: Path, resources: RocksResources) -> None:
    store = RocksStore(tmp_path, resources)
    keys = [number.to_bytes(4, "big") for number in range(20_000)]
    put(store, *keys, value=b"v" * 50)
    store.flush()
    store.close()
    (table,) = (path for path in tmp_path.glob("*.sst") if path.stat().st_size > 10_000)
    content = bytearray(table.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 200] = b"\x55" * 200
    table.write_bytes(content)
    store = RocksStore(tmp_path, RocksResources())
    with pytest.raises(StoreCorruptedError):
        list(store.scan(FAMILY))
    with pytest.raises(StoreCorruptedError):
        [store.get(FAMILY, key) for key in keys]
    store.close()


def test_a_path_that_is_no_folder_is_not_the_stores_fault(tmp_path: Path, resources: RocksResources) -> None:
    path = tmp_path / "file"
    path.write_text("precious")
    with pytest.raises(StoreError) as caught:
        RocksStore(path, resources)
    assert not isinstance(caught.value, StoreCorruptedError)
    assert path.read_text() == "precious"


def test_memory_is_bounded_over_all_partitions(tmp_path: Path) -> None:
    memory_bytes = 4 << 20
    resources = RocksResources(memory_bytes=memory_bytes, write_buffer_bytes=1 << 20)
    stores = [RocksStore(tmp_path / str(number), resources) for number in range(4)]
    for store in stores:
        for number in range(0, 10_000, 500):
            keys = range(number, number + 500)
            put(store, *(key.to_bytes(8, "big") for key in keys), value=random.Random(number).randbytes(200))
        store.flush()
    for _ in range(2):
        for store in stores:
            assert sum(1 for _ in store.scan(FAMILY)) == 10_000
            assert resources.used_bytes <= memory_bytes
    for store in stores:
        store.close()


@pytest.mark.parametrize(("memory", "buffers"), [(1, 1), (10, 20), (10, 0)])
def test_memory_that_cannot_work_is_refused(memory: int, buffers: int) -> None:
    with pytest.raises(ValueError, match="write_buffer_bytes"):
        RocksResources(memory_bytes=memory, write_buffer_bytes=buffers)


def test_a_store_moves_from_one_thread_to_another(tmp_path: Path, resources: RocksResources) -> None:
    """A partition is restored on a thread of its own, and served on another."""
    with ThreadPoolExecutor(1) as restorers:
        store = restorers.submit(RocksStore, tmp_path, resources).result()
        restorers.submit(put, store, b"a", b"b").result()
        scan = restorers.submit(store.scan, FAMILY).result()
    assert [key for key, _ in scan] == [b"a", b"b"]
    assert store.get(FAMILY, b"a") == b"value"
    put(store, b"c")
    store.close()
