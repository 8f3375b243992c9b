"""Reading the visibility topic: the newest committed row of each run counts, and nothing else."""

from __future__ import annotations

import pytest
from foldlog.schemas import framing
from foldlog.schemas.codec import SingleObjectCodec
from foldlog.schemas.visibility import WorkflowVisibility
from foldlog.transport.admin import create_topics
from foldlog.transport.clients import open_producer
from foldlog.transport.config import KafkaConfig
from foldlog.transport.errors import TopicMissingError
from foldlog.transport.topics import Topics
from foldlog.transport.visibility import read_visibility

from tests.integration.processor.logs import settled


@pytest.fixture
def topics(config: KafkaConfig, namespace: str) -> Topics:
    made = Topics(namespace)
    create_topics(config, made, partitions=3)
    return made


def row(workflow_id: str, status: str) -> WorkflowVisibility:
    return WorkflowVisibility(
        workflow_id=workflow_id,
        run_id="r",
        workflow_type="w",
        task_queue="q",
        status=status,
        start_ms=1,
        history_length=1,
        partition=0,
    )


def write(config: KafkaConfig, topics: Topics, rows: list[tuple[str, bytes | None]], *, commit: bool) -> None:
    producer = open_producer(config, **{"transactional.id": f"{topics.namespace}.rows"})
    producer.init_transactions()
    producer.begin_transaction()
    for key, value in rows:
        producer.produce(topics.visibility, value, key)
    if commit:
        producer.commit_transaction()
    else:
        producer.flush()
        producer.abort_transaction()
    settled(config, topics.visibility)  # the end of a transaction comes to its partitions a moment later


def statuses(config: KafkaConfig, topics: Topics, only: str | None = None) -> dict[str, str]:
    rows = read_visibility(config, topics, SingleObjectCodec(), lambda one: only is None or one.status == only)
    return {one.workflow_id: one.status for one in rows}


def test_the_newest_row_counts_also_when_it_does_not_match(config: KafkaConfig, topics: Topics) -> None:
    changes = [("a", "RUNNING"), ("b", "RUNNING"), ("a", "COMPLETED"), ("c", "FAILED")]
    write(config, topics, [(f"{one}/r", framing.encode(row(one, status))) for one, status in changes], commit=True)
    assert statuses(config, topics) == {"a": "COMPLETED", "b": "RUNNING", "c": "FAILED"}
    assert statuses(config, topics, "RUNNING") == {"b": "RUNNING"}


def test_aborted_rows_tombstones_and_garbage(config: KafkaConfig, topics: Topics) -> None:
    rows = {one: framing.encode(row(one, "RUNNING")) for one in "abc"}
    write(config, topics, [(f"{one}/r", value) for one, value in rows.items()], commit=True)
    later: list[tuple[str, bytes | None]] = [("a/r", None), ("b/r", b"garbage")]
    write(config, topics, later, commit=True)
    # Nothing but an aborted transaction follows: the end is found all the same.
    write(config, topics, [("c/r", framing.encode(row("c", "COMPLETED")))], commit=False)
    assert statuses(config, topics) == {"b": "RUNNING", "c": "RUNNING"}


def test_an_empty_topic(config: KafkaConfig, topics: Topics) -> None:
    assert statuses(config, topics) == {}


def test_no_topic(config: KafkaConfig, namespace: str) -> None:
    with pytest.raises(TopicMissingError, match="visibility"):
        statuses(config, Topics(namespace))
