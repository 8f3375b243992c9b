"""The floor to measure against: the records of a workflow, through Kafka transactions, and nothing else.

Fastavro, a coroutine and RocksDB are in it; retries, timeouts, replay, errors, rebalancing, typing are not. A workflow
of n sequential activities writes the events, tasks and replies that it must, in one transaction per batch, so whatever
foldlog adds shows as the difference. It is a measuring stick, not an example.
"""

from __future__ import annotations

import io
import shutil
import tempfile
import time
import uuid
from collections.abc import Generator
from pathlib import Path
from typing import Any

import fastavro
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from rocksdict import Options, Rdict, WriteBatch

STEPS = {"One": 1, "Five": 5}
BATCH = 1_000

_BODIES = {
    "Start": {"type": "string", "args": "bytes", "client": "string"},
    "Schedule": {"activity": "long", "type": "string", "args": "bytes"},
    "Complete": {"activity": "long", "result": "bytes"},
    "Close": {"result": "bytes", "client": "string"},
}


def _record(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [{"name": key, "type": kind} for key, kind in fields.items()]}


_BRANCHES = [_record(name, fields) for name, fields in _BODIES.items()]
SCHEMA = fastavro.parse_schema(
    _record("Envelope", {"workflow": "string", "run": "string", "number": "long", "time": "long", "body": _BRANCHES})
)


def encode(workflow: str, run: str, number: int, kind: str, **body: Any) -> bytes:
    """One record."""
    buffer = io.BytesIO()
    envelope = {"workflow": workflow, "run": run, "number": number, "time": time.time_ns(), "body": (kind, body)}
    fastavro.schemaless_writer(buffer, SCHEMA, envelope)
    return buffer.getvalue()


def decode(value: bytes) -> Any:
    """The envelope of a record; its body is a pair of name and fields."""
    return fastavro.schemaless_reader(io.BytesIO(value), SCHEMA, None, return_record_name=True)


def consumer(servers: str, group: str, reset: str = "earliest") -> Consumer:
    """A consumer with the settings that are fastest here."""
    return Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": group,
            "auto.offset.reset": reset,
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "fetch.wait.max.ms": 5,
            "fetch.error.backoff.ms": 1,
            "fetch.queue.backoff.ms": 1,
        }
    )


def producer(servers: str, **options: Any) -> Producer:
    """A producer, likewise."""
    return Producer(
        {
            "bootstrap.servers": servers,
            "linger.ms": 0,
            "compression.type": "lz4",
            "partitioner": "murmur2_random",
            **options,
        }
    )


def batch_of(source: Consumer) -> list[Message]:
    """Wait for one record, then take what else is there."""
    first = source.poll(0.25)
    found = [] if first is None else [first, *source.consume(BATCH, timeout=0)]
    return [message for message in found if message.error() is None]


def steps(count: int, args: bytes) -> Generator[bytes, bytes, bytes]:
    """The workflow: `count` activities, one after the other."""
    result = b""
    for _ in range(count):
        result = yield args
    return result


class Processor:
    """The transactional loop."""

    def __init__(self, servers: str, prefix: str) -> None:
        self._prefix = prefix
        self._source = consumer(servers, f"{prefix}-processor")
        self._source.subscribe([f"{prefix}.commands"])
        self._out = producer(
            servers, **{"transactional.id": f"{prefix}-1", "retry.backoff.ms": 1, "batch.num.messages": 10_000}
        )
        self._out.init_transactions()
        self._folder = tempfile.mkdtemp(prefix="bare-loop-")
        self._store = Rdict(str(Path(self._folder) / "db"), Options(raw_mode=True))
        self._live: dict[str, list[Any]] = {}

    def run(self) -> None:
        """Process for ever."""
        while True:
            messages = batch_of(self._source)
            if messages:
                self._transaction(messages)

    def close(self) -> None:
        """Let go of what was opened."""
        self._source.close()
        self._store.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _transaction(self, messages: list[Message]) -> None:
        self._out.begin_transaction()
        batch = WriteBatch(raw_mode=True)
        ends: dict[int, int] = {}
        for message in messages:
            partition = message.partition() or 0
            ends[partition] = (message.offset() or 0) + 1
            self._handle(decode(message.value() or b""), partition, batch)
        self._out.flush()
        offsets = [TopicPartition(f"{self._prefix}.commands", number, offset) for number, offset in ends.items()]
        self._out.send_offsets_to_transaction(offsets, self._source.consumer_group_metadata())
        self._out.commit_transaction()
        self._store.write(batch)

    def _handle(self, envelope: Any, partition: int, batch: WriteBatch) -> None:
        workflow, (kind, body) = envelope["workflow"], envelope["body"]
        if kind == "Start":
            run = uuid.uuid4().hex
            live = [steps(STEPS[body["type"]], body["args"]), run, 0, body["client"]]
            self._live[workflow] = live
            self._event(workflow, live, partition, batch, "Start", body)
            self._advance(workflow, live, None, partition, batch)
        elif (waiting := self._live.get(workflow)) is not None:
            self._event(workflow, waiting, partition, batch, kind, body)
            self._advance(workflow, waiting, body["result"], partition, batch)

    def _advance(self, workflow: str, live: list[Any], value: bytes | None, partition: int, batch: WriteBatch) -> None:
        try:
            args = live[0].send(value)
        except StopIteration as stop:
            closing = {"result": stop.value, "client": live[3]}
            record = self._event(workflow, live, partition, batch, "Close", closing)
            self._out.produce(f"{self._prefix}.replies", record, partition=0)
            batch.put(workflow.encode(), b"closed")
            del self._live[workflow]
            return
        scheduled = {"activity": live[2] + 1, "type": "say", "args": args}
        record = self._event(workflow, live, partition, batch, "Schedule", scheduled)
        self._out.produce(f"{self._prefix}.tasks", record)
        batch.put(workflow.encode(), record)

    def _event(
        self, workflow: str, live: list[Any], partition: int, batch: WriteBatch, kind: str, body: dict[str, Any]
    ) -> bytes:
        live[2] += 1
        record = encode(workflow, live[1], live[2], kind, **body)
        self._out.produce(f"{self._prefix}.events", record, workflow, partition=partition)
        batch.put(f"{workflow}|{live[2]}".encode(), record)
        return record


def run_worker(servers: str, prefix: str) -> None:
    """Answer tasks for ever."""
    source = consumer(servers, f"{prefix}-worker")
    source.subscribe([f"{prefix}.tasks"])
    out = producer(servers)
    while True:
        for message in batch_of(source):
            envelope = decode(message.value() or b"")
            body = envelope["body"][1]
            answer = {"activity": body["activity"], "result": b"hello " + body["args"]}
            workflow = envelope["workflow"]
            out.produce(f"{prefix}.commands", encode(workflow, envelope["run"], 0, "Complete", **answer), workflow)
        out.poll(0)


class BareClient:
    """Starts workflows and reads their results."""

    def __init__(self, servers: str, prefix: str) -> None:
        self._prefix = prefix
        self._out = producer(servers)
        self._replies = consumer(servers, f"{prefix}-client", "latest")
        self._replies.assign([TopicPartition(f"{prefix}.replies", 0, -1)])
        self._replies.poll(2.0)
        self._tag = uuid.uuid4().hex[:8]
        self._started = 0

    def latencies(self, kind: str, count: int) -> list[float]:
        """Seconds from start to result, one workflow at a time."""
        seconds = []
        for _ in range(count):
            began = time.perf_counter()
            self._start(kind)
            self._out.poll(0)
            while not self._results(5.0):
                pass
            seconds.append(time.perf_counter() - began)
        return seconds

    def per_second(self, kind: str, count: int, at_once: int) -> float:
        """Workflows per second, with so many open at a time."""
        began = time.perf_counter()
        started = done = 0
        while done < count:
            while started < count and started - done < at_once:
                self._start(kind)
                started += 1
            self._out.poll(0)
            done += self._results(0.01)
        return count / (time.perf_counter() - began)

    def close(self) -> None:
        """Let go of the connections."""
        self._replies.close()
        self._out.flush()

    def _start(self, kind: str) -> None:
        self._started += 1
        workflow = f"{self._tag}-{self._started}"
        body = {"type": kind, "args": b"x", "client": workflow}
        self._out.produce(f"{self._prefix}.commands", encode(workflow, "", 0, "Start", **body), workflow)

    def _results(self, wait: float) -> int:
        first = self._replies.poll(wait)
        found = [] if first is None else [first, *self._replies.consume(BATCH, timeout=0)]
        return sum(message.error() is None and bool(decode(message.value() or b"")) for message in found)
