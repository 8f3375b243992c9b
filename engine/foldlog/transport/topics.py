"""The topics of a namespace: their names, their settings, and which partition a workflow lives in.

The one place where these are written down. Talks to no broker; see `foldlog.transport.admin`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from confluent_kafka import murmur2
from foldlog.transport.errors import ConfigurationError

CleanupPolicy = Literal["delete", "compact"]

DEFAULT_PARTITIONS = 8
"""Enough for a handful of processors. Fixed when the topics are created, for commands and events for good."""

FOREVER_MS = -1
_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_MAXIMUM_NAME = 249
_LEGAL = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True, kw_only=True)
class TopicSpec:
    """How a topic has to be.

    Attributes:
        name: Its name.
        partitions: Partitions when it is created.
        cleanup_policy: `delete` or `compact`, never both.
        retention_ms: How long records are kept at least, in milliseconds; -1: forever. 0 for compacted topics,
            which keep the newest record of each key for as long as there is one.
        creation_config: Further settings when it is created. Not checked afterwards: they are matters of cost.
    """

    name: str
    partitions: int
    cleanup_policy: CleanupPolicy
    retention_ms: int
    creation_config: Mapping[str, str] = field(default_factory=dict)

    @property
    def config(self) -> dict[str, str]:
        """The settings to create it with."""
        settings = {"cleanup.policy": self.cleanup_policy, **self.creation_config}
        if self.cleanup_policy == "delete":
            # Deleting by size would drop commands that nobody has read yet.
            settings |= {"retention.ms": str(self.retention_ms), "retention.bytes": "-1"}
        return settings


class Topics:
    """The topics of a namespace, by their role.

    Args:
        namespace: Letters, digits, `.`, `_` and `-`; no part between dots may be `tasks`.

    Raises:
        ConfigurationError: The name cannot be the beginning of a topic's name.
    """

    def __init__(self, namespace: str) -> None:
        _check_name("namespace", namespace)
        if "tasks" in namespace.split("."):
            raise ConfigurationError(
                f"the namespace {namespace!r} has a part named 'tasks': its topics could be those of a task queue"
            )
        self.namespace = namespace
        self.commands = f"{namespace}.commands"
        """Everything that is addressed to a workflow. Key: workflow ID."""
        self.events = f"{namespace}.events"
        """The histories, the source of truth. Key: workflow ID; as many partitions as commands."""
        self.replies = f"{namespace}.replies"
        """Answers. Key: client ID; the asker chooses the partition."""
        self.visibility = f"{namespace}.visibility"
        """The newest state of each run. Key: workflow ID, a slash, run ID."""
        self.dead_letters = f"{namespace}.dead-letters"
        """Records that nobody could handle, as they were found."""
        self.schemas = f"{namespace}.schemas"
        """Schemas that records were written with. Key: fingerprint."""
        _check_name("topic", self.dead_letters)

    def __repr__(self) -> str:
        return f"Topics({self.namespace!r})"

    def tasks(self, task_queue: str) -> str:
        """The topic of a task queue's activity tasks. Key: workflow ID.

        Raises:
            ConfigurationError: The queue's name cannot be part of a topic's name.
        """
        check_task_queue(task_queue)
        topic = f"{self.namespace}.tasks.{task_queue}"
        _check_name("topic", topic)
        return topic

    def specs(self, partitions: int = DEFAULT_PARTITIONS) -> list[TopicSpec]:
        """How the namespace's own topics have to be (`docs/kafka.md` says why).

        Args:
            partitions: Partitions of commands and events, and so the most processors that can share the work.
                The topics beside them follow.
        """
        if partitions < 1:
            raise ConfigurationError(f"a topic has at least one partition, not {partitions}")
        return [
            _deleted(self.commands, partitions, 7 * _DAY_MS),
            _deleted(self.events, partitions, FOREVER_MS),
            # Small segments: a segment is deleted as a whole, and answers are worthless after a minute.
            _deleted(self.replies, partitions, _HOUR_MS, {"segment.ms": str(_HOUR_MS // 6)}),
            _compacted(self.visibility, partitions),
            _deleted(self.dead_letters, 1, FOREVER_MS),
            _compacted(self.schemas, 1),
        ]

    def task_spec(self, task_queue: str, partitions: int = DEFAULT_PARTITIONS) -> TopicSpec:
        """How the topic of a task queue has to be.

        Args:
            task_queue: The queue.
            partitions: The most activity workers that can share the queue.
        """
        return _deleted(self.tasks(task_queue), partitions, 7 * _DAY_MS)


def partition_of(key: str, count: int) -> int:
    """The partition of a key among `count`, as Kafka's Java clients choose it (murmur2, sign bit cleared).

    Raises:
        ValueError: `count` is not positive.
    """
    if count < 1:
        raise ValueError(f"a topic has at least one partition, not {count}")
    return murmur2(key.encode(), count)


def _deleted(
    name: str, partitions: int, retention_ms: int, creation_config: Mapping[str, str] | None = None
) -> TopicSpec:
    return TopicSpec(
        name=name,
        partitions=partitions,
        cleanup_policy="delete",
        retention_ms=retention_ms,
        creation_config=creation_config or {},
    )


def _compacted(name: str, partitions: int) -> TopicSpec:
    return TopicSpec(name=name, partitions=partitions, cleanup_policy="compact", retention_ms=0)


def check_task_queue(name: str) -> None:
    """Whether there can be a topic for a task queue.

    Raises:
        ConfigurationError: The name cannot be part of a topic's name.
    """
    _check_name("task queue", name)


def _check_name(what: str, name: str) -> None:
    """Kafka's rule for topic names, told in the words of whoever chose the name."""
    if not _LEGAL.fullmatch(name) or name in (".", ".."):
        raise ConfigurationError(f"the {what} {name!r} may only have letters, digits, '.', '_' and '-'")
    if len(name) > _MAXIMUM_NAME:
        raise ConfigurationError(f"the {what} {name!r} is longer than the {_MAXIMUM_NAME} characters that Kafka allows")
