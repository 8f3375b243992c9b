"""Dead letters over a real broker: read as found, sent again once."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Producer
from foldlog.cli._root import cli
from foldlog.connectors.dead_letters import DeadLetterId, DeadLetters, NotRetriableError
from foldlog.schemas.command import SignalWorkflow
from foldlog.schemas.framing import encode
from foldlog.transport.admin import create_topics
from foldlog.transport.config import KafkaConfig
from foldlog.transport.dead_letters import DeadLetterWriter
from foldlog.transport.errors import TopicMissingError
from foldlog.transport.topic_reader import read_topic
from foldlog.transport.topics import Topics, partition_of

from tests.integration.processor.logs import settled

GARBAGE = b"\xff\x00 not avro"
KEY = "order-1"


@pytest.fixture
def topics(config: KafkaConfig, namespace: str) -> Topics:
    topics = Topics(namespace)
    create_topics(config, topics, partitions=4, task_queues=["q"])
    return topics


@pytest.fixture
def letters(config: KafkaConfig, topics: Topics) -> DeadLetters:
    return DeadLetters(config, topics)


def post(
    config: KafkaConfig,
    topics: Topics,
    topic: str,
    value: bytes | None,
    error: str = "cannot be decoded",
    key: bytes | None = KEY.encode(),
) -> None:
    """Writes a letter as a processor does."""
    producer = Producer(config.producer())
    headers: list[tuple[str, str | bytes | None]] = [
        ("trace", b"t1"),
        ("foldlog-topic", topic.encode()),
        ("foldlog-partition", b"2"),
        ("foldlog-offset", b"41"),
        ("foldlog-error", error.encode()),
        ("foldlog-time", b"1700000000000"),
    ]
    producer.produce(topics.dead_letters, value, key, headers=headers)
    assert producer.flush(60) == 0


def committed(config: KafkaConfig, topics: Topics) -> None:
    """Wait until what was sent again is to be seen: the end of a transaction comes to its partitions a moment later."""
    for topic in (topics.dead_letters, topics.commands, topics.tasks("q")):
        settled(config, topic)


def values(config: KafkaConfig, topic: str) -> list[bytes | None]:
    settled(config, topic)
    return [record.value for record in read_topic(config, topic)]


def test_a_letter_is_read_as_it_was_found(config: KafkaConfig, topics: Topics, letters: DeadLetters) -> None:
    post(config, topics, topics.commands, GARBAGE, "ends within its header")
    (letter,) = letters.read()
    assert letter.id == DeadLetterId(0, 0)
    assert (letter.topic, letter.partition, letter.offset) == (topics.commands, 2, 41)
    assert (letter.key, letter.value) == (KEY.encode(), GARBAGE)
    assert letter.headers == [("trace", b"t1")]
    assert (letter.error, letter.time_ms, letter.retried_ms) == ("ends within its header", 1_700_000_000_000, 0)


def test_retry_sends_the_original_once_however_often_it_is_asked_for(
    config: KafkaConfig, topics: Topics, letters: DeadLetters
) -> None:
    post(config, topics, topics.commands, GARBAGE)
    assert [letter.id for letter in letters.retry([DeadLetterId(0, 0)])] == [DeadLetterId(0, 0)]
    assert letters.retry([DeadLetterId(0, 0)]) == []
    assert letters.retry() == []

    committed(config, topics)
    (sent,) = read_topic(config, topics.commands)
    assert (sent.key, sent.value, sent.headers) == (KEY.encode(), GARBAGE, [("trace", b"t1")])
    assert sent.partition == partition_of(KEY, 4)
    (letter,) = letters.read()
    assert letter.retried_ms > 0

    assert len(letters.retry([DeadLetterId(0, 0)], again=True)) == 1
    assert values(config, topics.commands) == [GARBAGE, GARBAGE]


def test_many_retries_at_once_send_a_letter_once(config: KafkaConfig, topics: Topics) -> None:
    for number in range(5):
        post(config, topics, topics.commands, b"letter %d" % number)
    failed: list[Exception] = []

    def retry() -> None:
        try:
            DeadLetters(config, topics).retry()
        except Exception as error:  # whoever is overtaken is fenced and says so
            failed.append(error)

    threads = [threading.Thread(target=retry) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    DeadLetters(config, topics).retry()
    assert len(failed) < 4
    assert sorted(value or b"" for value in values(config, topics.commands)) == [b"letter %d" % n for n in range(5)]


def test_only_commands_and_tasks_are_sent_again(config: KafkaConfig, topics: Topics, letters: DeadLetters) -> None:
    post(config, topics, topics.events, GARBAGE)
    post(config, topics, topics.tasks("q"), GARBAGE)
    post(config, topics, "other.commands", GARBAGE)
    with pytest.raises(NotRetriableError, match="only records of commands and tasks"):
        letters.retry([DeadLetterId(0, 0), DeadLetterId(0, 1)])
    assert values(config, topics.tasks("q")) == []
    assert [str(letter.id) for letter in letters.retry()] == ["0:1"]
    assert values(config, topics.tasks("q")) == [GARBAGE]
    assert values(config, topics.events) == []


def test_a_letter_that_was_cut_is_not_sent_again(config: KafkaConfig, topics: Topics, letters: DeadLetters) -> None:
    writer = DeadLetterWriter(config, topics.dead_letters)
    large = b"x" * (config.maximum_record_bytes - 100)
    for number, value in enumerate((large, GARBAGE)):
        writer.write(topics.commands, 0, number, key=b"k", value=value, headers=[], error="cannot be decoded")
    writer.close()
    with pytest.raises(NotRetriableError, match=r"dead letter 0:0 .* only the beginning of its record"):
        letters.retry([DeadLetterId(0, 0)])
    assert [str(letter.id) for letter in letters.retry()] == ["0:1"]
    assert values(config, topics.commands) == [GARBAGE]


def test_a_missing_topic_says_how_to_create_it(config: KafkaConfig, namespace: str) -> None:
    with pytest.raises(TopicMissingError, match="foldlog topics create"):
        DeadLetters(config, Topics(namespace)).read()


def run(kafka: str, namespace: str, *arguments: str) -> Result:
    return CliRunner().invoke(
        cli, ["dead-letters", *arguments, "--bootstrap-servers", kafka, "-n", namespace], catch_exceptions=False
    )


def test_command_line(config: KafkaConfig, topics: Topics, kafka: str, namespace: str, tmp_path: Path) -> None:
    assert run(kafka, namespace, "list").stdout == "no dead letters\n"
    post(config, topics, topics.commands, encode(SignalWorkflow(signal_name="pay", request_id="r1")), "no such type")
    post(config, topics, topics.commands, GARBAGE)

    listed = json.loads(run(kafka, namespace, "list", "--json").stdout)
    assert [(one["id"], one["topic"], one["key"], one["error"], one["retried"]) for one in listed] == [
        ("0:0", topics.commands, KEY, "no such type", None),
        ("0:1", topics.commands, KEY, "cannot be decoded", None),
    ]
    assert "no such type" in run(kafka, namespace, "list", "--limit", "2").stdout
    limited = run(kafka, namespace, "list", "--limit", "1")
    assert "no such type" not in limited.stdout
    assert "1 older ones" in limited.stderr

    shown = run(kafka, namespace, "show", "0")
    assert "SignalWorkflow" in shown.stdout
    assert "trace: t1" in shown.stdout
    assert json.loads(run(kafka, namespace, "show", "0:1", "--json").stdout)["value_hex"] == GARBAGE.hex()
    assert run(kafka, namespace, "show", "1", "--raw").stdout_bytes == GARBAGE
    assert "ff 00 20 6e 6f" in run(kafka, namespace, "show", "1").stdout

    assert "would go" in run(kafka, namespace, "retry", "--all", "--dry-run").stdout
    assert values(config, topics.commands) == []
    assert run(kafka, namespace, "retry", "0:1").stdout == f"0:1 went to {topics.commands}\n"
    assert json.loads(run(kafka, namespace, "retry", "--all", "--json").stdout)["retried"][0]["id"] == "0:0"
    committed(config, topics)
    assert "nothing to send" in run(kafka, namespace, "retry", "--all").stdout
    assert run(kafka, namespace, "list").stdout == "no dead letters\n"
    assert len(json.loads(run(kafka, namespace, "list", "--all", "--json").stdout)) == 2

    post(config, topics, "elsewhere", None, key=None)
    post(config, topics, "elsewhere", b"", key=b"")
    # An ID is that of the record: two notes and a marker of the transaction were between.
    for row, seen in zip(
        run(kafka, namespace, "list").stdout.splitlines()[-2:], ("null  null", '""    0'), strict=True
    ):
        assert re.sub(" +", " ", seen) in re.sub(" +", " ", row)
        text = run(kafka, namespace, "show", row.split()[0]).stdout
        assert re.search(rf"^key +{seen.split()[0]}$", text, re.MULTILINE)
        assert text.splitlines()[-2] == ("value, null" if "null" in seen else "value, 0 bytes")

    nothing, empty = json.loads(run(kafka, namespace, "list", "--json").stdout)
    assert (nothing["bytes"], empty["bytes"]) == (None, 0)

    post(config, topics, "", b"by hand")
    assert "  not told  " in run(kafka, namespace, "list").stdout.splitlines()[-1]
    missing = run(kafka, namespace, "show", "0:99")
    assert (missing.exit_code, missing.stderr) == (3, "error: there is no dead letter 0:99\n")
    assert run(kafka, namespace, "retry", "0:99").exit_code == 3
    assert run(kafka, namespace, "retry").exit_code == 2
    assert run(kafka, namespace, "show", "x").exit_code == 2
