"""Creating and checking topics, against a real broker."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource  # type: ignore[attr-defined]  # no __all__
from confluent_kafka.cimpl import NewTopic
from foldlog.transport.admin import TopicsUnfitError, check_topics, create_topics, ensure_task_topic, require_topics
from foldlog.transport.config import KafkaConfig
from foldlog.transport.errors import BrokerUnreachableError, TransportError
from foldlog.transport.topics import Topics, TopicSpec

from tests.until import wait_until


@pytest.fixture
def topics(namespace: str) -> Topics:
    return Topics(namespace)


def make_by_hand(kafka: str, name: str, partitions: int, settings: dict[str, str]) -> None:
    """A topic as somebody made it who did not know how it has to be."""
    new = NewTopic(name, num_partitions=partitions, replication_factor=1, config=settings)
    admin = AdminClient({"bootstrap.servers": kafka})
    admin.create_topics([new])[name].result(timeout=60)
    # The broker that answers may not have heard of it yet.
    wait_until(lambda: name in admin.list_topics(timeout=60).topics, "the topic is known")


def test_created_topics_are_in_order(config: KafkaConfig, topics: Topics) -> None:
    done = create_topics(config, topics, partitions=3, task_queues=["q"])
    assert set(done.created) == {spec.name for spec in topics.specs()} | {topics.tasks("q")}
    assert (done.existing, done.problems) == ([], [])
    assert check_topics(config, topics, partitions=3, task_queues=["q"]) == []
    assert require_topics(config, topics).partitions == 3


def test_creating_again_changes_nothing(config: KafkaConfig, topics: Topics) -> None:
    create_topics(config, topics, partitions=2)
    again = create_topics(config, topics)
    assert (again.created, again.problems) == ([], [])
    assert require_topics(config, topics).partitions == 2


def test_everybody_may_create_at_once(config: KafkaConfig, topics: Topics) -> None:
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(create_topics, config, topics, partitions=count) for count in (2, 3, 4, 5)]
        done = [future.result() for future in futures]
    assert require_topics(config, topics).partitions in (2, 3, 4, 5)
    assert sorted(name for one in done for name in one.created) == sorted(spec.name for spec in topics.specs())


def test_missing_topics_are_named_with_the_command(config: KafkaConfig, topics: Topics) -> None:
    problems = check_topics(config, topics, task_queues=["q"])
    assert {problem.topic for problem in problems} == {spec.name for spec in topics.specs()} | {topics.tasks("q")}
    assert {problem.setting for problem in problems} == {"existence"}
    repairs = {problem.topic: problem.repair for problem in problems}
    assert repairs[topics.events] == f"foldlog topics create --namespace {topics.namespace}"
    assert repairs[topics.tasks("q")].endswith("--task-queue q")


def test_the_missing_one_of_two_gets_the_partitions_of_the_other(
    config: KafkaConfig, kafka: str, topics: Topics
) -> None:
    spec = next(spec for spec in topics.specs() if spec.name == topics.commands)
    make_by_hand(kafka, topics.commands, 5, spec.config)
    assert create_topics(config, topics).problems == []
    assert require_topics(config, topics).partitions == 5


def test_different_partition_counts(config: KafkaConfig, kafka: str, topics: Topics) -> None:
    specs = {spec.name: spec for spec in topics.specs()}
    make_by_hand(kafka, topics.commands, 4, specs[topics.commands].config)
    make_by_hand(kafka, topics.events, 2, specs[topics.events].config)
    [problem] = create_topics(config, topics).problems
    assert (problem.topic, problem.setting, problem.found) == (topics.events, "partitions", "2")
    assert problem.wanted.startswith("4")
    assert f"--alter --topic {topics.events} --partitions 4" in problem.repair
    with pytest.raises(TopicsUnfitError, match="partitions is 2") as unfit:
        require_topics(config, topics)
    assert unfit.value.problems == [problem]


def test_another_partition_count_than_asked_for(config: KafkaConfig, topics: Topics) -> None:
    create_topics(config, topics, partitions=2)
    problems = check_topics(config, topics, partitions=7)
    assert {(p.topic, p.found, p.wanted) for p in problems} == {
        (topics.commands, "2", "7"),
        (topics.events, "2", "7"),
    }


@pytest.mark.parametrize(
    ("role", "setting", "value", "wanted"),
    [
        ("events", "cleanup.policy", "compact", "delete"),
        ("events", "cleanup.policy", "compact,delete", "delete"),
        ("visibility", "cleanup.policy", "delete", "compact"),
        ("events", "retention.ms", "604800000", "-1"),
        ("commands", "retention.ms", "3600000", "at least 604800000"),
        ("commands", "retention.bytes", "1000000", "-1"),
    ],
)
def test_wrong_settings(
    config: KafkaConfig, kafka: str, topics: Topics, role: str, setting: str, value: str, wanted: str
) -> None:
    name: str = getattr(topics, role)
    spec = next(spec for spec in topics.specs() if spec.name == name)
    make_by_hand(kafka, name, spec.partitions, {**spec.config, setting: value})
    [problem] = create_topics(config, topics).problems
    assert (problem.topic, problem.setting, problem.found, problem.wanted) == (name, setting, value, wanted)
    assert f"--entity-name {name} --add-config {setting}=" in problem.repair
    with pytest.raises(TopicsUnfitError):
        require_topics(config, topics)


ROLES = ["commands", "events", "replies", "visibility", "dead_letters", "schemas", "tasks"]


def wrong_for(spec: TopicSpec) -> dict[str, list[str]]:
    """Values of each checked setting that a topic must not have."""
    policies = {"delete", "compact", "compact,delete"} - {spec.cleanup_policy}
    if spec.cleanup_policy == "compact":
        return {"cleanup.policy": sorted(policies)}
    shorter = 10**12 if spec.retention_ms == -1 else spec.retention_ms - 1
    return {"cleanup.policy": sorted(policies), "retention.ms": [str(shorter)], "retention.bytes": ["1000000"]}


def test_these_are_all_topics(topics: Topics) -> None:
    names = {getattr(topics, role) for role in ROLES if role != "tasks"}
    assert names == {spec.name for spec in topics.specs()}


@pytest.mark.parametrize("role", ROLES)
def test_every_wrong_setting_of_every_topic_is_refused(
    config: KafkaConfig, kafka: str, topics: Topics, role: str
) -> None:
    create_topics(config, topics, partitions=1, task_queues=["q"])
    specs = [*topics.specs(1), topics.task_spec("q", 1)]
    spec = next(one for one in specs if one.name == (topics.tasks("q") if role == "tasks" else getattr(topics, role)))
    admin = AdminClient({"bootstrap.servers": kafka})

    def alter(setting: str, value: str) -> None:
        entry = ConfigEntry(setting, value, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ConfigResource.Type.TOPIC, spec.name, incremental_configs=[entry])
        admin.incremental_alter_configs([resource])[resource].result(60)

    def until_found(expected: list[tuple[str, str]]) -> None:
        def found() -> bool:
            problems = check_topics(config, topics, task_queues=["q"])
            assert {problem.topic for problem in problems} <= {spec.name}
            return [(problem.setting, problem.found) for problem in problems] == expected

        wait_until(found, f"the broker that answers has heard of {expected}")

    def require() -> None:
        if role == "tasks":
            ensure_task_topic(config, topics, "q")
        else:
            require_topics(config, topics)

    for setting, values in wrong_for(spec).items():
        for value in values:
            alter(setting, value)
            until_found([(setting, value)])
            with pytest.raises(TopicsUnfitError, match=f"{spec.name}: {setting} is {value}, but has to be "):
                require()
        alter(setting, spec.config[setting])
        until_found([])
        require()


def test_longer_retention_is_no_problem(config: KafkaConfig, kafka: str, topics: Topics) -> None:
    spec = next(spec for spec in topics.specs() if spec.name == topics.commands)
    make_by_hand(kafka, spec.name, spec.partitions, {**spec.config, "retention.ms": "-1"})
    assert create_topics(config, topics).problems == []


def test_task_topic_is_created_when_missing_and_checked_when_not(
    config: KafkaConfig, kafka: str, topics: Topics
) -> None:
    create_topics(config, topics, partitions=3)
    ensure_task_topic(config, topics, "q")
    ensure_task_topic(config, topics, "q")
    assert check_topics(config, topics, task_queues=["q"]) == []
    assert (
        len(
            AdminClient({"bootstrap.servers": kafka})
            .list_topics(topics.tasks("q"))
            .topics[topics.tasks("q")]
            .partitions
        )
        == 3
    )
    make_by_hand(kafka, topics.tasks("bad"), 1, {"cleanup.policy": "compact"})
    with pytest.raises(TopicsUnfitError, match=r"cleanup\.policy"):
        ensure_task_topic(config, topics, "bad")


def test_nobody_there_names_the_address(topics: Topics) -> None:
    with pytest.raises(BrokerUnreachableError, match=r"127\.0\.0\.1:1"):
        check_topics(KafkaConfig(bootstrap_servers="127.0.0.1:1"), topics, timeout=1)


def test_what_the_broker_refuses_is_told(config: KafkaConfig, topics: Topics) -> None:
    with pytest.raises(TransportError, match="replication factor"):
        create_topics(config, topics, replication_factor=3)
