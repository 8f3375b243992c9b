"""What can go wrong between a program and Kafka, as exceptions that say what to do about it.

Knows no Kafka library: whoever catches one of these needs none either.
"""

from __future__ import annotations

from foldlog.exceptions import (
    ConfigurationError,
    DeadlineExceededError,
    FailedPreconditionError,
    InvalidArgumentError,
    RPCError,
    RPCStatusCode,
    UnavailableError,
)

__all__ = [
    "BrokerUnreachableError",
    "ConfigurationError",
    "ConnectionClosedError",
    "DeliveryError",
    "NoAnswerError",
    "QueueFullError",
    "RecordTooLargeError",
    "TopicMissingError",
    "TransportError",
]


class TransportError(RPCError):
    """Root of the errors of reaching the other side: the broker, a topic, or a processor behind it."""


class BrokerUnreachableError(TransportError, UnavailableError):
    """No broker answered.

    Attributes:
        bootstrap_servers: The addresses that were tried.
    """

    def __init__(self, bootstrap_servers: str, detail: str = "") -> None:
        because = f" ({detail})" if detail else ""
        super().__init__(
            f"no Kafka broker can be reached at {bootstrap_servers}{because}: check the address, that the broker is"
            " running, and the security settings"
        )
        self.bootstrap_servers = bootstrap_servers


class TopicMissingError(TransportError, FailedPreconditionError):
    """A topic that foldlog needs is not there.

    Attributes:
        topic: Its name.
    """

    def __init__(self, topic: str) -> None:
        # No namespace has a part named "tasks", so the names can be taken apart.
        namespace, separator, task_queue = topic.partition(".tasks.")
        if not separator:
            namespace = topic.rpartition(".")[0]
        command = f"foldlog topics create --namespace {namespace}" + (separator and f" --task-queue {task_queue}")
        super().__init__(
            f"the topic {topic} does not exist: check the name of the namespace, or create its topics with `{command}`"
        )
        self.topic = topic


class RecordTooLargeError(TransportError, InvalidArgumentError):
    """A record is larger than the client or the topic takes.

    Attributes:
        topic: Where it was to go.
        size: Its encoded size, in bytes.
        limit: What the client takes, in bytes; 0: it was the topic that refused, and it did not say its limit.
    """

    def __init__(self, topic: str, size: int, limit: int) -> None:
        allowed = f"the limit is {limit} bytes" if limit else "the topic's max.message.bytes allows less"
        super().__init__(
            f"the record for {topic} has {size} bytes, but {allowed}: pass a reference to large data instead of the"
            " data itself, or raise message.max.bytes of the clients and max.message.bytes of the topics"
        )
        self.topic = topic
        self.size = size
        self.limit = limit


class NoAnswerError(TransportError, DeadlineExceededError):
    """The broker took the command, but no processor answered within the time allowed.

    The command stays in the log: a processor that starts later still handles it.

    Attributes:
        workflow_id: Whom it was for.
        partition: The partition of the commands topic that it went to.
        timeout: How long the answer was awaited, in seconds.
    """

    def __init__(self, workflow_id: str, topic: str, partition: int, timeout: float) -> None:
        super().__init__(
            f"no answer for workflow {workflow_id!r} within {timeout:g} s: the command is in partition {partition} of"
            f" {topic} and may still be handled, but perhaps no processor is running for that partition, or it is far"
            " behind: foldlog worker run starts one, unless the worker has activities only"
        )
        self.workflow_id = workflow_id
        self.partition = partition
        self.timeout = timeout


class DeliveryError(TransportError, UnavailableError):
    """Kafka did not take a record, and repeating it would not help or time ran out."""


class QueueFullError(TransportError, UnavailableError):
    """The local queue of records that wait for the broker stayed full until the deadline."""


class ConnectionClosedError(TransportError):
    """The connection was closed before the answer came."""

    status = RPCStatusCode.CANCELLED
