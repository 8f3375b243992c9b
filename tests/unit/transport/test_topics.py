"""Names and settings of topics, and the partition of a workflow."""

from __future__ import annotations

import pytest
from foldlog.transport.admin import EXISTENCE, TopicProblem
from foldlog.transport.errors import ConfigurationError, TopicMissingError
from foldlog.transport.topics import FOREVER_MS, Topics, partition_of

# The hashes that Apache Kafka's own test of its Java client expects (UtilsTest.testMurmur2).
JAVA_MURMUR2 = {
    "21": -973932308,
    "foobar": -790332482,
    "a-little-bit-long-string": -985981536,
    "a-little-bit-longer-string": -1486304829,
    "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    "abc": 479470107,
}


@pytest.mark.parametrize(("key", "java_hash"), JAVA_MURMUR2.items())
@pytest.mark.parametrize("count", [1, 2, 8, 31, 1000, 2**31 - 1])
def test_partition_is_that_of_the_java_client(key: str, java_hash: int, count: int) -> None:
    assert partition_of(key, count) == (java_hash & 0x7FFFFFFF) % count


@pytest.mark.parametrize(
    ("topic", "command"),
    [
        ("shop.commands", "foldlog topics create --namespace shop`"),
        ("a.b.dead-letters", "foldlog topics create --namespace a.b`"),
        ("shop.tasks.pick.and.pack", "foldlog topics create --namespace shop --task-queue pick.and.pack`"),
    ],
)
def test_a_missing_topic_is_named_with_the_command_that_makes_it(topic: str, command: str) -> None:
    message = str(TopicMissingError(topic))
    assert topic in message
    assert command in message


def test_partition_of_no_partitions_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        partition_of("a", 0)


def test_names() -> None:
    topics = Topics("orders")
    names = {spec.name for spec in topics.specs()}
    assert names == {
        "orders.commands",
        "orders.events",
        "orders.replies",
        "orders.visibility",
        "orders.dead-letters",
        "orders.schemas",
    }
    assert topics.tasks("q-1") == "orders.tasks.q-1"


@pytest.mark.parametrize("namespace", ["", "a b", "ä", "a/b", ".", "a.tasks", "tasks", "x" * 240])
def test_impossible_namespaces_are_refused(namespace: str) -> None:
    with pytest.raises(ConfigurationError):
        Topics(namespace)


@pytest.mark.parametrize("queue", ["", "my queue", "x" * 250])
def test_impossible_task_queues_are_refused(queue: str) -> None:
    with pytest.raises(ConfigurationError, match=r"task queue|topic"):
        Topics("a").tasks(queue)


def test_specs_are_those_of_the_design() -> None:
    topics = Topics("n")
    specs = {spec.name.removeprefix("n."): spec for spec in [*topics.specs(6), topics.task_spec("q", 3)]}
    day = 24 * 3600 * 1000
    found = {name: (s.partitions, s.cleanup_policy, s.retention_ms) for name, s in specs.items()}
    assert found == {
        "commands": (6, "delete", 7 * day),
        "events": (6, "delete", FOREVER_MS),
        "replies": (6, "delete", 3600 * 1000),
        "visibility": (6, "compact", 0),
        "dead-letters": (1, "delete", FOREVER_MS),
        "schemas": (1, "compact", 0),
        "tasks.q": (3, "delete", 7 * day),
    }
    assert specs["events"].config == {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
    assert specs["visibility"].config == {"cleanup.policy": "compact"}


def test_a_problem_says_what_is_wrong_and_what_to_do() -> None:
    common = {"topic": "shop.events", "repair": "this"}
    missing = TopicProblem(setting=EXISTENCE, found="missing", wanted="there", **common)
    assert str(missing) == "shop.events does not exist; repair: this"
    wrong = TopicProblem(setting="partitions", found="3", wanted="4", **common)
    assert str(wrong) == "shop.events: partitions is 3, but has to be 4; repair: this"
