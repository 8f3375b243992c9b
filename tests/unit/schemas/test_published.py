"""The format of the topic of schemas."""

from __future__ import annotations

import pytest
from foldlog.schemas.definitions import definition, schema_fingerprint
from foldlog.schemas.event import TimerFired
from foldlog.schemas.framing import RECORD_TYPES, encode
from foldlog.schemas.published import own_schemas, read_published


def test_every_schema_is_published_under_the_fingerprint_in_its_frames() -> None:
    published = dict(read_published(key, value) for key, value in own_schemas().items())
    assert len(published) == len(RECORD_TYPES)
    for fingerprint, schema in published.items():
        assert schema_fingerprint(schema) == fingerprint
    frame = encode(TimerFired(timer_id=1, started_event_id=2))
    assert published[frame[2:10]] == definition("foldlog.event.TimerFired")


def test_what_is_published_is_the_same_each_time() -> None:
    assert own_schemas() == own_schemas()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (None, b"{}"),
        (b"0102030405060708", None),
        (b"01020304", b"{}"),
        (b"no hex digits!!!", b"{}"),
        (b"\xff" * 16, b"{}"),
        (b"0102030405060708", b'"string"'),
        (b"0102030405060708", b"{"),
        (b"0102030405060708", b'{"type":' * 100_000),
    ],
)
def test_what_is_no_published_schema_is_told(key: bytes | None, value: bytes | None) -> None:
    with pytest.raises(ValueError, match="no published schema"):
        read_published(key, value)
