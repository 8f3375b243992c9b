"""What is said about frames and records that are not in order, and the fingerprint that begins a frame."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from foldlog.schemas.command import CompleteActivity, StartWorkflow
from foldlog.schemas.common import Failure, Payload
from foldlog.schemas.definitions import schema_fingerprint
from foldlog.schemas.framing import DecodeError, EncodeError, UnknownSchemaError, decode, encode
from foldlog.schemas.reply import PendingTimer

# From share/test/data/schema-tests.txt of Apache Avro, whose Java implementation is the measure for all others.
FINGERPRINTS = [
    ("null", 7195948357588979594),
    ("boolean", -6970731678124411036),
    ("int", 0x7275D51A3F395C8F),
    ("long", -3434872931120570953),
    ("float", 5583340709985441680),
    ("double", -8181574048448539266),
    ("bytes", 5746618253357095269),
    ("string", -8142146995180207161),
    ({"type": "enum", "name": "foo", "symbols": ["A1"]}, -6342190197741309591),
    (
        {"namespace": "x.y.z", "type": "enum", "name": "foo", "doc": "foo bar", "symbols": ["A1", "A2"]},
        -4448647247586288245,
    ),
    ({"fields": [{"type": {"type": "boolean"}, "name": "f1"}], "type": "record", "name": "foo"}, 7843277075252814651),
    ({"values": "string", "type": "map"}, -8732877298790414990),
    (
        {
            "name": "PigValue",
            "type": "record",
            "fields": [{"name": "value", "type": ["null", "int", "long", "PigValue"]}],
        },
        -1759257747318642341,
    ),
]


@pytest.mark.parametrize(("schema", "fingerprint"), FINGERPRINTS)
def test_fingerprints_are_those_of_avro(schema: Any, fingerprint: int) -> None:
    assert schema_fingerprint(schema) == (fingerprint & 0xFFFF_FFFF_FFFF_FFFF).to_bytes(8, "little")


def test_a_frame_begins_with_the_marker_and_the_fingerprint() -> None:
    frame = encode(Payload(encoding="json/plain", data=b"1"))
    assert frame[:2] == b"\xc3\x01"
    assert frame[10:] == b"\x14json/plain\x021\x00"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "no value"),
        (b"", "begins with nothing"),
        (b"{}", "begins with 7b7d, not with c301"),
        (b"\xc3", "begins with c3, not"),
        (b"\xc3\x01\x00", "ends after 3 bytes, within the header of 10"),
        (b"\x00\x00\x00\x00\x07", "begins with 0000"),
    ],
)
def test_what_is_no_frame_is_refused(data: bytes | None, message: str) -> None:
    with pytest.raises(DecodeError, match=message):
        decode(data)


def test_an_unknown_schema_is_told_apart() -> None:
    with pytest.raises(UnknownSchemaError, match="0102030405060708") as caught:
        decode(b"\xc3\x01" + bytes(range(1, 9)) + b"body")
    assert caught.value.fingerprint == bytes(range(1, 9))


def test_text_that_is_no_utf8_is_refused() -> None:
    frame = encode(Payload(encoding="plain"))
    with pytest.raises(DecodeError, match=r"foldlog\.common\.Payload.*UnicodeDecodeError"):
        decode(frame.replace(b"plain", b"pl\xffin"))


def completion(**changes: Any) -> CompleteActivity:
    fields: dict[str, Any] = {
        "run_id": "r",
        "scheduled_event_id": 1,
        "attempt": 1,
        "result": Payload(encoding="binary/null"),
    }
    return CompleteActivity(**{**fields, **changes})


def start(**changes: Any) -> StartWorkflow:
    return StartWorkflow(workflow_type="w", task_queue="q", **changes)


def wrong_data() -> Payload:
    data: Any = "text"
    return Payload(encoding="", data=data)


@pytest.mark.parametrize(
    ("record", "field"),
    [
        (completion(run_id=7), "run_id"),
        (completion(scheduled_event_id="1"), "scheduled_event_id"),
        (completion(scheduled_event_id=1 << 63), "scheduled_event_id"),
        (completion(result=wrong_data()), "data"),
        (completion(result=None), "result"),
        (start(args=[None]), "args"),
        (start(id_reuse_policy="NO_SUCH"), "id_reuse_policy"),
        (start(memo={1: Payload(encoding="")}), "memo"),
        (start(memo=None), "memo"),
        (start(run_timeout_ms=None), "run_timeout_ms"),
        (start(id_conflict_policy=""), "id_conflict_policy"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name(record: Any, field: str) -> None:
    with pytest.raises(EncodeError, match=f"{type(record).__name__} cannot be written.*{field}"):
        encode(record)


def test_text_that_has_no_utf8_is_refused() -> None:
    with pytest.raises(EncodeError, match=r"foldlog\.common\.Payload cannot be written"):
        encode(Payload(encoding="\ud800"))


def test_a_failure_that_is_its_own_cause_is_refused() -> None:
    failure = Failure(message="round")
    failure.cause = failure
    with pytest.raises(EncodeError, match="recursion"):
        encode(failure)


@pytest.mark.parametrize("thing", [None, b"", object(), PendingTimer(timer_id=1, fire_ms=2)])
def test_what_is_no_record_of_its_own_is_no_record(thing: Any) -> None:
    with pytest.raises(KeyError):
        encode(thing)


NO_FILES = """
import resource
from foldlog.schemas import event
from foldlog.schemas.framing import decode, encode

_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (3, most))
fired = event.TimerFired(timer_id=1, started_event_id=3)
assert decode(encode(fired)) == fired
"""


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such limit")
def test_the_first_record_of_a_type_opens_no_file() -> None:
    """It would be taken for garbage in a process that has all open that it may have."""
    subprocess.run([sys.executable, "-c", NO_FILES], check=True, timeout=60)
