"""What foldlog knows of librdkafka's options: whose they are, their second names, and which stay as they are."""

from __future__ import annotations

from collections.abc import Mapping

ONLY_PRODUCER = frozenset(
    [
        "transactional.id",
        "transaction.timeout.ms",
        "enable.idempotence",
        "enable.gapless.guarantee",
        "queue.buffering.max.messages",
        "queue.buffering.max.kbytes",
        "queue.buffering.max.ms",
        "message.send.max.retries",
        "queue.buffering.backpressure.threshold",
        "compression.codec",
        "compression.level",
        "batch.num.messages",
        "batch.size",
        "delivery.report.only.error",
        "sticky.partitioning.linger.ms",
        "request.required.acks",
        "request.timeout.ms",
        "message.timeout.ms",
        "queuing.strategy",
        "partitioner",
    ]
)
ONLY_CONSUMER = frozenset(
    [
        "group.id",
        "group.instance.id",
        "partition.assignment.strategy",
        "session.timeout.ms",
        "heartbeat.interval.ms",
        "group.protocol.type",
        "group.protocol",
        "group.remote.assignor",
        "coordinator.query.interval.ms",
        "max.poll.interval.ms",
        "enable.auto.commit",
        "auto.commit.interval.ms",
        "enable.auto.offset.store",
        "queued.min.messages",
        "queued.max.messages.kbytes",
        "fetch.wait.max.ms",
        "fetch.queue.backoff.ms",
        "fetch.message.max.bytes",
        "fetch.max.bytes",
        "fetch.min.bytes",
        "fetch.error.backoff.ms",
        "isolation.level",
        "enable.partition.eof",
        "check.crcs",
        "auto.offset.reset",
        "consume.callback.max.messages",
    ]
)

ALIASES: Mapping[str, str] = {
    "metadata.broker.list": "bootstrap.servers",
    "max.in.flight": "max.in.flight.requests.per.connection",
    "sasl.mechanism": "sasl.mechanisms",
    "sasl.oauthbearer.client.credentials.client.id": "sasl.oauthbearer.client.id",
    "sasl.oauthbearer.client.credentials.client.secret": "sasl.oauthbearer.client.secret",
    "max.partition.fetch.bytes": "fetch.message.max.bytes",
    "fetch.max.wait.ms": "fetch.wait.max.ms",  # the Java client's name
    "linger.ms": "queue.buffering.max.ms",
    "retries": "message.send.max.retries",
    "compression.type": "compression.codec",
    "acks": "request.required.acks",
    "delivery.timeout.ms": "message.timeout.ms",
    "auto.commit.enable": "enable.auto.commit",
}
"""Second names of options, to the name used here: the same option must not be set twice."""

REFUSED: Mapping[str, str] = {
    "isolation.level": "foldlog reads committed records only; otherwise aborted transactions would be acted upon",
    "enable.auto.commit": "positions are committed with the work that they stand for, never by a timer",
    "auto.commit.interval.ms": "positions are committed with the work that they stand for, never by a timer",
    "enable.auto.offset.store": "positions are committed with the work that they stand for, never by a timer",
    "auto.offset.reset": "where reading begins is decided per topic; a silent jump would lose commands",
    "partitioner": "every language must find a workflow in the same partition: murmur2 of the workflow ID",
    "transactional.id": "it is the identity of one workflow processor; see the processor's instance ID",
    "group.id": "the consumer group follows from the namespace",
    "group.instance.id": "it is the identity of one member, and this configuration is shared by several",
    "partition.assignment.strategy": "the processor's fencing rests on eager assignment",
    "group.protocol": "the processor's fencing is written for the protocol that it chooses",
    "group.remote.assignor": "the processor's fencing is written for the protocol that it chooses",
    "enable.idempotence": "without it, retries inside the Kafka client write records twice or out of order",
    "request.required.acks": "a record counts only when every in-sync replica has it",
    "max.in.flight.requests.per.connection": "the idempotent producer fixes it",
    "enable.gapless.guarantee": "the order of records is secured by transactions",
    "queuing.strategy": "records must leave in the order in which they were made",
    "delivery.report.only.error": "foldlog waits for the report of every record",
    "enable.partition.eof": "each consumer decides whether it must see the end of a partition",
    "allow.auto.create.topics": "a topic that comes into being by accident has the wrong settings",
}
"""Options that correctness rests on, and why."""
