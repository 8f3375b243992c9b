"""Payloads in the shape of Temporal's SDK: metadata with the encoding in it, and protobuf's bytes."""

from __future__ import annotations

import copy
import pickle

import pytest
from foldlog.api.common.v1 import Payload, Payloads, plain, shown
from foldlog.schemas import common as records
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

METADATA = st.dictionaries(st.text(max_size=8), st.binary(max_size=300), max_size=4)


def test_the_encoding_is_one_of_the_metadata() -> None:
    payload = Payload(metadata={"encoding": b"binary/encrypted", "key": b"k1"}, data=b"x")
    assert payload.encoding == "binary/encrypted"
    assert payload.metadata.get("encoding") == b"binary/encrypted"
    payload.metadata["encoding"] = b"other"
    assert payload.encoding == "other"
    payload.encoding = "third"
    assert payload.metadata == {"encoding": b"third", "key": b"k1"}


def test_a_payload_of_the_log_is_shown_and_taken_back() -> None:
    record = records.Payload(encoding="json/plain", data=b"1", metadata={"k": b"v"})
    theirs = shown(record)
    assert theirs.metadata == {"encoding": b"json/plain", "k": b"v"}
    assert record.metadata == {"k": b"v"}
    assert theirs == record
    assert shown(theirs) is theirs
    assert plain(theirs) == record
    assert type(plain(theirs)) is records.Payload
    assert plain(record) is record
    # Converters make payloads of the log; tests of codecs and drivers go on with them as with protobuf's messages.
    assert record.SerializeToString() == theirs.SerializeToString()
    assert record.ByteSize() == len(record.SerializeToString()) > 0


def test_equal_and_copied_and_pickled() -> None:
    payload = Payload(metadata={"encoding": b"e"}, data=b"d")
    copies = (copy.copy(payload), copy.deepcopy(payload), payload.__deepcopy__())
    for same in (*copies, pickle.loads(pickle.dumps(payload))):
        assert same == payload
    changed = copy.copy(payload)
    changed.metadata["encoding"] = b"f"
    assert payload.encoding == "e"
    assert changed != payload
    assert payload != "e"
    into = Payload()
    into.CopyFrom(payload)
    assert into == payload


def test_equal_and_unequal_are_opposites_whatever_class_stands_where() -> None:
    same = (Payload(metadata={"encoding": b"e"}, data=b"d"), records.Payload(encoding="e", data=b"d"))
    other = (Payload(metadata={"encoding": b"e"}, data=b"x"), records.Payload(encoding="f", data=b"d"))
    for left in same:
        for right in same:
            assert (left == right, left != right) == (True, False)
        for right in other:
            assert (left == right, left != right) == (False, True)


def test_a_changed_copy_has_the_encoding_of_now() -> None:
    payload = Payload(encoding="e", data=b"d")
    payload.encoding = "f"
    changed = replace(payload, data=b"x")
    assert (changed.encoding, changed.data) == ("f", b"x")
    del payload.metadata["encoding"]
    assert replace(payload).encoding == ""
    assert replace(payload, encoding="g").metadata == {"encoding": b"g"}


def test_the_bytes_are_those_of_temporals_message() -> None:
    # Written by the protobuf class itself.
    expected = "0a070a0162120200ff0a090a05656d70747912000a160a08656e636f64696e67120a6a736f6e2f706c61696e1203227822"
    payload = Payload(metadata={"encoding": b"json/plain", "b": b"\x00\xff", "empty": b""}, data=b'"x"')
    assert payload.SerializeToString().hex() == expected
    assert Payload.FromString(bytes.fromhex(expected)) == payload
    assert Payload().SerializeToString() == b""
    assert payload.ByteSize() == len(expected) // 2


@given(metadata=METADATA, data=st.binary(max_size=500))
def test_what_was_serialised_comes_back(metadata: dict[str, bytes], data: bytes) -> None:
    payload = Payload(metadata=metadata, data=data)
    assert Payload.FromString(payload.SerializeToString()) == payload
    many = Payloads(payloads=[payload, Payload(), payload])
    assert Payloads.FromString(many.SerializeToString()) == many


@given(data=st.binary(max_size=60))
def test_other_bytes_are_refused_or_read_but_never_harm(data: bytes) -> None:
    try:
        Payload.FromString(data)
    except ValueError:
        return


@pytest.mark.parametrize("data", ["0a05", "12ff", "0b", "80", "ffffffffffffffffffff01"])
def test_what_is_no_message_is_refused(data: str) -> None:
    with pytest.raises(ValueError, match="no protobuf message"):
        Payload.FromString(bytes.fromhex(data))


def test_fields_of_later_versions_are_passed_over() -> None:
    later = bytes.fromhex("1801" + "21" + "00" * 8 + "2d" + "00" * 4 + "3201ff")
    assert Payload.FromString(later + Payload(data=b"d").SerializeToString()) == Payload(data=b"d")
