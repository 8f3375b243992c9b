"""What every key-value store does: one suite, run on memory and on RocksDB."""

from __future__ import annotations

import random
from typing import Self

import pytest
from foldlog.processors.store import KeyValueStore, MemoryStore, StoreClosedError, WriteBatch, formats
from foldlog.processors.store.kv import end_of
from hypothesis import given
from hypothesis import strategies as st

FIRST, SECOND = formats.HISTORY, formats.TIMERS


def write(kv: KeyValueStore, *rows: tuple[str, bytes, bytes | None]) -> None:
    batch = WriteBatch(formats.FAMILIES)
    for family, key, value in rows:
        if value is None:
            batch.delete(family, key)
        else:
            batch.put(family, key, value)
    kv.write(batch)


def test_get_after_write(kv: KeyValueStore) -> None:
    assert kv.get(FIRST, b"a") is None
    write(kv, (FIRST, b"a", b"1"), (FIRST, b"b", b""), (SECOND, b"a", b"2"))
    assert kv.get(FIRST, b"a") == b"1"
    assert kv.get(FIRST, b"b") == b""
    assert kv.get(SECOND, b"a") == b"2"
    assert kv.get(SECOND, b"b") is None


class Key(bytes):
    """A key that counts how many there are."""

    alive = 0

    def __new__(cls, value: bytes) -> Self:
        cls.alive += 1
        return super().__new__(cls, value)

    def __del__(self) -> None:
        type(self).alive -= 1


def test_keys_that_come_and_go_are_not_kept_where_nobody_scans() -> None:
    kv = MemoryStore(formats.FAMILIES)
    write(kv, *((FIRST, b"stays %d" % number, b"") for number in range(100)))
    for number in range(5_000):
        write(kv, (FIRST, Key(b"%d" % number), b""))
        write(kv, (FIRST, Key(b"%d" % number), None))
    assert Key.alive < 2_000
    assert len(list(kv.scan(FIRST))) == 100
    assert list(kv.scan(FIRST, b"4")) == []


def test_the_last_change_of_a_key_in_a_batch_counts(kv: KeyValueStore) -> None:
    write(kv, (FIRST, b"a", b"old"), (FIRST, b"b", b"old"))
    write(kv, (FIRST, b"a", b"1"), (FIRST, b"a", None), (FIRST, b"b", None), (FIRST, b"b", b"2"), (FIRST, b"c", None))
    assert list(kv.scan(FIRST)) == [(b"b", b"2")]


def test_scan_is_in_order_of_bytes(kv: KeyValueStore) -> None:
    keys = [b"", b"\x00", b"\x00\xff", b"\x01", b"a", b"a\x00", b"aa", b"b", b"\xff", b"\xff\xff", b"\xff\xff\x00"]
    shuffled = random.Random(1).sample(keys, len(keys))
    write(kv, *((FIRST, key, b"value of " + key) for key in shuffled))
    assert list(kv.scan(FIRST)) == [(key, b"value of " + key) for key in keys]
    assert [key for key, _ in kv.scan(FIRST, b"a")] == [b"a", b"a\x00", b"aa"]
    assert [key for key, _ in kv.scan(FIRST, b"a", b"a\x00")] == [b"a\x00", b"aa"]
    assert [key for key, _ in kv.scan(FIRST, b"a", b"Z")] == [b"a", b"a\x00", b"aa"]
    assert [key for key, _ in kv.scan(FIRST, b"a", b"b")] == []
    assert [key for key, _ in kv.scan(FIRST, start=b"b")] == [b"b", b"\xff", b"\xff\xff", b"\xff\xff\x00"]
    assert [key for key, _ in kv.scan(FIRST, b"\xff")] == [b"\xff", b"\xff\xff", b"\xff\xff\x00"]
    assert list(kv.scan(SECOND)) == []


def test_a_long_scan_is_complete(kv: KeyValueStore) -> None:
    keys = [number.to_bytes(4, "big") for number in range(1_000)]
    write(kv, *((FIRST, key, b"") for key in keys))
    assert [key for key, _ in kv.scan(FIRST)] == keys


def test_writing_during_a_scan_does_not_break_it(kv: KeyValueStore) -> None:
    keys = [number.to_bytes(4, "big") for number in range(1_000)]
    write(kv, *((FIRST, key, b"") for key in keys))
    seen = []
    for key, _ in kv.scan(FIRST):
        seen.append(key)
        write(kv, (FIRST, key, None), (FIRST, b"\xff" + key, b""))
        if len(seen) == len(keys):
            break
    assert seen == keys


def test_nothing_works_after_close(kv: KeyValueStore) -> None:
    write(kv, (FIRST, b"a", b"1"), (FIRST, b"b", b"2"))
    scan = kv.scan(FIRST)
    assert next(scan) == (b"a", b"1")
    kv.close()
    kv.close()
    with pytest.raises(StoreClosedError):
        next(scan)
    with pytest.raises(StoreClosedError):
        kv.get(FIRST, b"a")
    with pytest.raises(StoreClosedError):
        kv.scan(FIRST)
    with pytest.raises(StoreClosedError):
        write(kv, (FIRST, b"a", b"1"))


def test_random_writes_behave_like_a_dict(kv: KeyValueStore) -> None:
    rng = random.Random(7)
    expected: dict[bytes, bytes] = {}
    for _ in range(200):
        rows: list[tuple[str, bytes, bytes | None]] = []
        for _ in range(rng.randint(0, 20)):
            key = bytes(rng.choices(b"\x00\x01a\xff", k=rng.randint(0, 4)))
            value = None if rng.random() < 0.4 else rng.randbytes(3)
            rows.append((FIRST, key, value))
            expected.pop(key, None)
            if value is not None:
                expected[key] = value
        write(kv, *rows)
        prefix = bytes(rng.choices(b"\x00\x01a\xff", k=rng.randint(0, 2)))
        assert list(kv.scan(FIRST, prefix)) == sorted(row for row in expected.items() if row[0].startswith(prefix))


@given(prefix=st.binary(max_size=4), key=st.binary(max_size=6))
def test_the_end_of_a_prefix(prefix: bytes, key: bytes) -> None:
    end = end_of(prefix)
    inside = key >= prefix and (end is None or key < end)
    assert inside == key.startswith(prefix)
