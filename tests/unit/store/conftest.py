"""Both key-value stores for every test that takes `kv` or `open_kv`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from foldlog.processors.store import KeyValueStore, MemoryStore, RocksResources, RocksStore, formats

OpenStore = Callable[[], KeyValueStore]


@pytest.fixture(params=["memory", "rocks"])
def open_kv(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenStore]:
    """Opens empty stores that are closed after the test."""
    stores: list[KeyValueStore] = []
    resources = RocksResources()

    def open_store() -> KeyValueStore:
        if request.param == "memory":
            store: KeyValueStore = MemoryStore(formats.FAMILIES)
        else:
            store = RocksStore(tmp_path / f"store-{len(stores)}", resources)
        stores.append(store)
        return store

    yield open_store
    for store in stores:
        store.close()


@pytest.fixture
def kv(open_kv: OpenStore) -> KeyValueStore:
    """One empty store."""
    return open_kv()
