"""Reading dead letters out of their topic's records, and their IDs."""

from __future__ import annotations

import pytest
from foldlog.connectors.dead_letters import DeadLetterId, DeadLetters, letters_in
from foldlog.transport.config import KafkaConfig
from foldlog.transport.errors import BrokerUnreachableError
from foldlog.transport.topic_reader import TopicRecord
from foldlog.transport.topics import Topics


def test_ids_are_partition_and_offset_and_the_partition_may_be_left_out() -> None:
    assert DeadLetterId.parse("2:17") == DeadLetterId(2, 17)
    assert DeadLetterId.parse("17") == DeadLetterId(0, 17)
    assert str(DeadLetterId(2, 17)) == "2:17"


@pytest.mark.parametrize("text", ["", "x", "1:", ":", "-1", "0:-1", "1:2:3"])
def test_what_is_no_id_says_how_one_is_written(text: str) -> None:
    with pytest.raises(ValueError, match="written partition:offset"):
        DeadLetterId.parse(text)


def test_a_record_that_some_other_program_wrote_is_shown_as_far_as_it_goes() -> None:
    (letter,) = letters_in([TopicRecord(0, 5, 1000, None, b"x", [("foldlog-partition", b"\xffabc")])])
    assert (letter.topic, letter.partition, letter.error, letter.time_ms) == ("", 0, "", 1000)


@pytest.mark.parametrize("text", [b"9" * 5_000, b"9" * 19, "\u0661".encode(), b"-1", b"", None], ids=repr)
def test_numbers_that_cannot_be_count_as_not_given(text: bytes | None) -> None:
    names = ("foldlog-partition", "foldlog-offset", "foldlog-time")
    (letter,) = letters_in([TopicRecord(0, 5, 1000, None, b"x", [(name, text) for name in names])])
    assert (letter.partition, letter.offset, letter.time_ms) == (0, 0, 1000)


def test_the_newest_note_counts_and_a_letter_without_a_value_is_no_note() -> None:
    found = [("foldlog-topic", b"a.commands"), ("foldlog-time", b"10")]
    records = [
        TopicRecord(0, 0, 1, b"k", None, [*found]),
        TopicRecord(0, 1, 2, b"k", None, [("foldlog-retried", b"0:0"), ("foldlog-time", b"20")]),
        TopicRecord(0, 2, 3, b"k", None, [("foldlog-retried", b"0:0"), ("foldlog-time", b"30")]),
        TopicRecord(0, 3, 4, b"k", b"v", [("foldlog-retried", b"0:0"), *found]),
    ]
    letters = letters_in(records)
    assert [(letter.id.offset, letter.retried_ms) for letter in letters] == [(0, 30), (3, 0)]


def test_a_retry_without_a_broker_says_so() -> None:
    nobody = KafkaConfig(bootstrap_servers="127.0.0.1:1")
    with pytest.raises(BrokerUnreachableError, match=r"127\.0\.0\.1:1"):
        DeadLetters(nobody, Topics("shop"), timeout=0.3).retry()
