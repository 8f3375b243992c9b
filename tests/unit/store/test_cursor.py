"""The front of a queue of keys, beside the keys themselves."""

from __future__ import annotations

from collections.abc import Iterator

import hypothesis
from foldlog.processors.store.cursor import FRONT, QueueCursor
from foldlog.processors.store.kv import MemoryStore, WriteBatch
from hypothesis import strategies

PREFIX = b"q"
KEYS = strategies.integers(0, 3 * FRONT).map(lambda number: PREFIX + number.to_bytes(1, "big"))
STEPS = strategies.tuples(strategies.sets(KEYS, max_size=2 * FRONT), strategies.sets(KEYS), strategies.booleans())


class WatchedStore(MemoryStore):
    """Knows where scans began."""

    def __init__(self) -> None:
        super().__init__(["family"])
        self.starts: list[bytes] = []

    def scan(self, family: str, prefix: bytes = b"", start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        self.starts.append(start)
        return super().scan(family, prefix, start)


def write(store: MemoryStore, added: set[bytes], removed: set[bytes]) -> None:
    batch = WriteBatch(["family"])
    for key in removed:
        batch.delete("family", key)
    for key in added:
        batch.put("family", key, b"")
    store.write(batch)


@hypothesis.given(strategies.lists(STEPS, max_size=12))
def test_the_first_key_is_known_whatever_is_written(steps: list[tuple[set[bytes], set[bytes], bool]]) -> None:
    store, there = MemoryStore(["family"]), set[bytes]()
    write(store, {b"p", b"r"}, set())  # neighbours, which are not of this queue
    cursor = QueueCursor(store, "family", PREFIX)
    for added, wanted, asks in steps:
        removed = (wanted & there) - added
        write(store, added, removed)
        cursor.written(added, removed)
        there = (there - removed) | added
        if asks:
            assert cursor.first() == min(there, default=None)
            assert {key for key, _ in cursor.scan()} == there


def test_a_known_front_is_not_read_again() -> None:
    store = MemoryStore(["family"])
    keys = [PREFIX + bytes([number]) for number in range(10)]
    write(store, set(keys), set())
    cursor = QueueCursor(store, "family", PREFIX)
    assert cursor.first() == keys[0]
    store.close()
    for key in keys[:9]:
        cursor.written([], {key})
    assert cursor.first() == keys[9]
    cursor.written([keys[3]], {keys[9]})
    assert cursor.first() == keys[3]
    cursor.written([], {keys[3]})
    assert cursor.first() is None


def test_a_scan_begins_at_the_first_key_and_not_at_those_that_have_gone() -> None:
    store = WatchedStore()
    cursor = QueueCursor(store, "family", PREFIX)
    far = PREFIX + b"\xff"
    write(store, {far}, set())
    cursor.written([far], set())
    assert cursor.first() == far
    before = set[bytes]()
    for number in range(5):
        near = {PREFIX + bytes([number])}
        write(store, near, before)
        cursor.written(near, before)
        before = near
        assert [key for key, _ in cursor.scan()] == [*near, far]
        assert store.starts[-1:] == [*near]
    write(store, set(), before)
    cursor.written([], before)
    assert [key for key, _ in cursor.scan()] == [far]
    assert store.starts[-1] == far
