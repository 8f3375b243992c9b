"""Creates the topics of a namespace, and says what is wrong with those that are there.

`foldlog topics create|check` and a processor's start use the same functions. Existing topics are looked at, never
changed: what a wrong setting has already cost is for a person to judge.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AclOperation, AdminClient, ConfigResource, NewTopic, TopicDescription  # type: ignore[attr-defined]  # no __all__
from foldlog.transport.clients import Trouble, open_admin
from foldlog.transport.config import KafkaConfig
from foldlog.transport.errors import BrokerUnreachableError, TransportError
from foldlog.transport.topics import DEFAULT_PARTITIONS, FOREVER_MS, Topics, TopicSpec

EXISTENCE = "existence"
"""The setting of a topic that is not there at all."""
REPLICATION_OF_THE_BROKER = -1
"""Leave the replication factor to the broker's `default.replication.factor`."""

_UNREACHABLE = (
    KafkaError._TRANSPORT,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._TIMED_OUT,
    KafkaError._RESOLVE,
    KafkaError.REQUEST_TIMED_OUT,
)
_POLL_SECONDS = 0.02
_PATIENCE_SECONDS = 1.0
_CHECKED = ("cleanup.policy", "retention.ms", "retention.bytes")


@dataclass(frozen=True, kw_only=True)
class TopicProblem:
    """One thing that is wrong with a topic.

    Attributes:
        topic: Which topic.
        setting: `existence`, `partitions`, or the name of a topic setting of Kafka.
        found: What it is.
        wanted: What it has to be.
        repair: The command that puts it right, or what to do where none can.
    """

    topic: str
    setting: str
    found: str
    wanted: str
    repair: str

    def __str__(self) -> str:
        if self.setting == EXISTENCE:
            return f"{self.topic} does not exist; repair: {self.repair}"
        return f"{self.topic}: {self.setting} is {self.found}, but has to be {self.wanted}; repair: {self.repair}"


class TopicsUnfitError(TransportError):
    """The topics of a namespace are not as they have to be.

    Attributes:
        problems: What is wrong, one by one.
    """

    def __init__(self, namespace: str, problems: Sequence[TopicProblem]) -> None:
        lines = "".join(f"\n  {problem}" for problem in problems)
        super().__init__(f"the topics of namespace {namespace!r} are unfit for use:{lines}")
        self.problems = list(problems)


@dataclass(frozen=True, kw_only=True)
class CreatedTopics:
    """What `create_topics` did.

    Attributes:
        created: Topics that were not there before.
        existing: Topics that were.
        problems: What is wrong with the latter.
    """

    created: list[str]
    existing: list[str]
    problems: list[TopicProblem]


@dataclass(frozen=True, kw_only=True)
class _Found:
    """A topic as the broker describes it."""

    partitions: int
    led: bool
    """Each partition has a leader."""
    config: Mapping[str, str]
    topic_id: str


def await_broker(config: KafkaConfig, *, timeout: float, waiting: Callable[[str], None]) -> None:
    """Blocks until a broker answers.

    Args:
        config: How to reach Kafka.
        timeout: In seconds.
        waiting: Told once why, in librdkafka's words, if there is no answer within a second.

    Raises:
        BrokerUnreachableError: Nobody answered in time; the message has the reason.
    """
    trouble = Trouble()
    admin = open_admin(config, error_cb=trouble.note)
    begun = time.monotonic()
    future: Future[Any] = admin.describe_cluster(request_timeout=timeout)
    patient = True
    while not future.done() and time.monotonic() < begun + timeout:
        admin.poll(_POLL_SECONDS)
        if patient and trouble.text and time.monotonic() > begun + _PATIENCE_SECONDS:
            patient = False
            waiting(trouble.text)
    try:
        future.result(timeout=0)
    except TimeoutError as late:
        raise BrokerUnreachableError(config.bootstrap_servers, trouble.text) from late
    except KafkaException as error:
        if error.args[0].code() in _UNREACHABLE:
            admin.poll(0)
            raise BrokerUnreachableError(config.bootstrap_servers, trouble.text or error.args[0].str()) from error
        # It does not want to tell us of its cluster, and so it is there.


def create_topics(
    config: KafkaConfig,
    topics: Topics,
    *,
    partitions: int | None = None,
    replication_factor: int = REPLICATION_OF_THE_BROKER,
    task_queues: Collection[str] = (),
    timeout: float = 60.0,
) -> CreatedTopics:
    """Creates the topics of a namespace that are missing. May be repeated, also by several at once.

    Args:
        config: How to reach Kafka.
        topics: The namespace.
        partitions: Partitions of commands and events, for good. None: as many as the one of the two that is there
            has, else 8.
        replication_factor: Copies of each partition; -1: what the broker thinks right.
        task_queues: Task queues whose topics are wanted too.
        timeout: For all of it, in seconds.

    Raises:
        BrokerUnreachableError: Nobody answered in time.
        TransportError: The broker refused, for example for want of rights.
    """
    deadline = time.monotonic() + timeout
    admin = open_admin(config)
    wanted = _wanted(topics, partitions or DEFAULT_PARTITIONS, task_queues)
    before = _describe(admin, config, wanted, deadline)
    count = before[topics.events].partitions if topics.events in before else partitions or DEFAULT_PARTITIONS
    # Commands first, and alone: if somebody else creates them at this moment with another number of partitions, the
    # rest follows that.
    first = [spec for spec in _wanted(topics, count, ()) if spec.name == topics.commands and spec.name not in before]
    created = _create(admin, config, first, replication_factor, deadline)
    commands = next(spec for spec in wanted if spec.name == topics.commands)
    count = _await_leaders(admin, config, [commands], deadline)[topics.commands].partitions
    wanted = _wanted(topics, count, task_queues)
    missing = [spec for spec in wanted if spec.name not in before and spec.name != topics.commands]
    created += _create(admin, config, missing, replication_factor, deadline)
    after = _await_leaders(admin, config, wanted, deadline)
    return CreatedTopics(
        created=created,
        existing=sorted(before),
        problems=_problems(config, topics, wanted, after, partitions),
    )


def check_topics(
    config: KafkaConfig,
    topics: Topics,
    *,
    partitions: int | None = None,
    task_queues: Collection[str] = (),
    timeout: float = 60.0,
) -> list[TopicProblem]:
    """What is wrong with the topics of a namespace; empty: nothing.

    Args:
        config: How to reach Kafka.
        topics: The namespace.
        partitions: Partitions that commands and events have to have; None: any number, as long as it is the same.
        task_queues: Task queues whose topics have to be there too.
        timeout: In seconds.

    Raises:
        BrokerUnreachableError: Nobody answered in time.
        TransportError: The broker refused, for example for want of rights.
    """
    wanted = _wanted(topics, partitions or DEFAULT_PARTITIONS, task_queues)
    found = _describe(open_admin(config), config, wanted, time.monotonic() + timeout)
    return _problems(config, topics, wanted, found, partitions)


@dataclass(frozen=True)
class TopicsInOrder:
    """What a processor has to know of its topics."""

    partitions: int
    """Of commands and of events."""
    events_id: str
    """Kafka's ID of the topic of events (KIP-516); empty where the broker has none."""


def require_topics(config: KafkaConfig, topics: Topics, *, timeout: float = 60.0) -> TopicsInOrder:
    """Makes sure that all topics are in order.

    Raises:
        TopicsUnfitError: They are not.
        BrokerUnreachableError, TransportError: As in `check_topics`.
    """
    wanted = topics.specs()
    found = _describe(open_admin(config), config, wanted, time.monotonic() + timeout)
    problems = _problems(config, topics, wanted, found, None)
    if problems:
        raise TopicsUnfitError(topics.namespace, problems)
    return TopicsInOrder(found[topics.commands].partitions, found[topics.events].topic_id)


def ensure_task_topic(
    config: KafkaConfig,
    topics: Topics,
    task_queue: str,
    *,
    partitions: int | None = None,
    replication_factor: int = REPLICATION_OF_THE_BROKER,
    timeout: float = 30.0,
) -> None:
    """Creates the topic of a task queue if it is missing.

    Args:
        config: How to reach Kafka.
        topics: The namespace.
        task_queue: The queue.
        partitions: When it is created: the most activity workers that can share it. None: as many as commands has.
        replication_factor: Copies of each partition; -1: what the broker thinks right.
        timeout: In seconds.

    Raises:
        TopicsUnfitError: It is there, but not as it has to be.
        BrokerUnreachableError, TransportError: As in `check_topics`.
    """
    deadline = time.monotonic() + timeout
    admin = open_admin(config)
    spec = topics.task_spec(task_queue)
    commands = next(spec for spec in topics.specs() if spec.name == topics.commands)
    found = _describe(admin, config, [spec, commands], deadline)
    if spec.name not in found:
        like_commands = found[commands.name].partitions if commands.name in found else DEFAULT_PARTITIONS
        _create(
            admin, config, [topics.task_spec(task_queue, partitions or like_commands)], replication_factor, deadline
        )
        found = _await_leaders(admin, config, [spec], deadline)
    problems = _config_problems(config, spec, found[spec.name])
    if problems:
        raise TopicsUnfitError(topics.namespace, problems)


def why_unwritable(config: KafkaConfig, topic: str, *, timeout: float = 30.0) -> str | None:
    """Why no records can be written to a topic: it is missing, or rights are. None: they can.

    Args:
        config: How to reach Kafka.
        topic: Its name.
        timeout: In seconds.

    Raises:
        BrokerUnreachableError: Nobody answered in time.
        TransportError: The broker refused to describe it.
    """
    deadline = time.monotonic() + timeout
    admin = open_admin(config)  # it answers only for as long as it is there
    described = admin.describe_topics(
        TopicCollection([topic]), include_authorized_operations=True, request_timeout=_left(deadline)
    )
    try:
        description: TopicDescription = _result(
            described[topic], config, deadline, f"the topic {topic} cannot be described"
        )
    except _BrokerRefusedError as refused:
        if refused.code == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return f"there is no topic {topic}"
        raise
    rights = description.authorized_operations
    if rights and not {AclOperation.WRITE, AclOperation.ALL} & set(rights):
        return f"this processor may not write to the topic {topic}"
    return None


def _wanted(topics: Topics, partitions: int, task_queues: Collection[str]) -> list[TopicSpec]:
    return [*topics.specs(partitions), *(topics.task_spec(queue, partitions) for queue in task_queues)]


def _create(
    admin: AdminClient, config: KafkaConfig, specs: Sequence[TopicSpec], replication_factor: int, deadline: float
) -> list[str]:
    if not specs:
        return []
    new = [
        NewTopic(spec.name, num_partitions=spec.partitions, replication_factor=replication_factor, config=spec.config)
        for spec in specs
    ]
    left = _left(deadline)
    futures: dict[str, Future[None]] = admin.create_topics(new, operation_timeout=left, request_timeout=left)
    created = []
    for name, future in futures.items():
        try:
            _result(future, config, deadline, f"the topic {name} cannot be created")
        except _BrokerRefusedError as refused:
            # Somebody else was faster, which is as good.
            if refused.code != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
        else:
            created.append(name)
    return created


def _await_leaders(
    admin: AdminClient, config: KafkaConfig, specs: Sequence[TopicSpec], deadline: float
) -> dict[str, _Found]:
    """The topics, once the broker that we ask has heard of all of them and each partition has a leader."""
    while True:
        found = _describe(admin, config, specs, deadline)
        missing = [spec.name for spec in specs if spec.name not in found or not found[spec.name].led]
        if not missing:
            return found
        if _left(deadline) <= 0.1:
            raise TransportError(f"the topics {', '.join(missing)} were created, but have no leader yet")
        time.sleep(0.05)


def _describe(
    admin: AdminClient, config: KafkaConfig, specs: Sequence[TopicSpec], deadline: float
) -> dict[str, _Found]:
    """What is there of the topics, by name."""
    names = [spec.name for spec in specs]
    descriptions: dict[str, TopicDescription] = {}
    for name, future in admin.describe_topics(TopicCollection(names), request_timeout=_left(deadline)).items():
        try:
            description = _result(future, config, deadline, f"the topic {name} cannot be described")
        except _BrokerRefusedError as refused:
            if refused.code != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise
            continue
        descriptions[name] = description
    resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in descriptions]
    found = {}
    for resource, future in _describe_configs(admin, resources, deadline).items():
        entries = _result(future, config, deadline, f"the settings of topic {resource.name} cannot be read")
        settings = {name: str(entries[name].value) for name in _CHECKED}
        description = descriptions[resource.name]
        infos = description.partitions
        led = all(info.leader is not None and info.leader.id >= 0 for info in infos)
        found[resource.name] = _Found(
            partitions=len(infos), led=led, config=settings, topic_id=str(description.topic_id or "")
        )
    return found


def _describe_configs(
    admin: AdminClient, resources: list[ConfigResource], deadline: float
) -> dict[ConfigResource, Future[Any]]:
    return admin.describe_configs(resources, request_timeout=_left(deadline)) if resources else {}


class _BrokerRefusedError(TransportError):
    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def _result(future: Future[Any], config: KafkaConfig, deadline: float, what: str) -> Any:
    try:
        return future.result(timeout=_left(deadline) + 1.0)
    except TimeoutError as late:
        raise BrokerUnreachableError(config.bootstrap_servers) from late
    except KafkaException as error:
        reason: KafkaError = error.args[0]
        if reason.code() in _UNREACHABLE:
            raise BrokerUnreachableError(config.bootstrap_servers, reason.str()) from error
        raise _BrokerRefusedError(f"{what}: {reason.str()}", reason.code()) from error


def _left(deadline: float) -> float:
    return max(deadline - time.monotonic(), 0.1)


def _problems(
    config: KafkaConfig,
    topics: Topics,
    specs: Sequence[TopicSpec],
    found: Mapping[str, _Found],
    partitions: int | None,
) -> list[TopicProblem]:
    problems = []
    for spec in specs:
        if spec.name in found:
            problems += _config_problems(config, spec, found[spec.name])
        else:
            problems.append(_missing(topics, spec))
    return problems + _partition_problems(config, topics, found, partitions)


def _missing(topics: Topics, spec: TopicSpec) -> TopicProblem:
    prefix = topics.tasks("x")[:-1]
    queue = f" --task-queue {spec.name.removeprefix(prefix)}" if spec.name.startswith(prefix) else ""
    return TopicProblem(
        topic=spec.name,
        setting=EXISTENCE,
        found="missing",
        wanted="there",
        repair=f"foldlog topics create --namespace {topics.namespace}{queue}",
    )


def _partition_problems(
    config: KafkaConfig, topics: Topics, found: Mapping[str, _Found], partitions: int | None
) -> list[TopicProblem]:
    counts = {name: found[name].partitions for name in (topics.commands, topics.events) if name in found}
    if partitions is not None:
        return [
            TopicProblem(
                topic=name,
                setting="partitions",
                found=str(count),
                wanted=str(partitions),
                repair=f"none: the number is fixed for good, so ask for {count}, or take another namespace",
            )
            for name, count in counts.items()
            if count != partitions
        ]
    if len(set(counts.values())) < 2:
        return []
    fewer, more = sorted(counts, key=counts.__getitem__)
    tool = f"kafka-topics.sh --bootstrap-server {config.bootstrap_servers}"
    # More partitions of commands send a workflow's commands elsewhere; more of events move nothing.
    caution = (
        "" if fewer == topics.events else " (only if no workflow was ever started here, else take another namespace)"
    )
    return [
        TopicProblem(
            topic=fewer,
            setting="partitions",
            found=str(counts[fewer]),
            wanted=f"{counts[more]}, as {more} has",
            repair=f"{tool} --alter --topic {fewer} --partitions {counts[more]}{caution}",
        )
    ]


def _config_problems(config: KafkaConfig, spec: TopicSpec, found: _Found) -> list[TopicProblem]:
    wanted: dict[str, str] = {}
    policy = {part.strip() for part in found.config["cleanup.policy"].split(",")}
    if policy != {spec.cleanup_policy}:
        wanted["cleanup.policy"] = spec.cleanup_policy
    if spec.cleanup_policy == "delete":
        retention = int(found.config["retention.ms"])
        if retention != FOREVER_MS and (spec.retention_ms == FOREVER_MS or retention < spec.retention_ms):
            wanted["retention.ms"] = str(spec.retention_ms)
        if int(found.config["retention.bytes"]) != FOREVER_MS:
            wanted["retention.bytes"] = "-1"
    tool = f"kafka-configs.sh --bootstrap-server {config.bootstrap_servers}"
    return [
        TopicProblem(
            topic=spec.name,
            setting=setting,
            found=found.config[setting],
            wanted=value if setting != "retention.ms" or value == "-1" else f"at least {value}",
            repair=f"{tool} --alter --entity-type topics --entity-name {spec.name} --add-config {setting}={value}",
        )
        for setting, value in wanted.items()
    ]
