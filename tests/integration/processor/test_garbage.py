"""Records that nobody can use, on every topic that anybody reads: set aside as they are, and the rest goes on."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from confluent_kafka import Producer
from foldlog.cli._root import cli
from foldlog.client import Client
from foldlog.core.fold import digest
from foldlog.schemas.command import DescribeWorkflow, SignalWorkflow
from foldlog.schemas.common import ReplyTo
from foldlog.schemas.event import TimerFired, WorkflowExecutionSignaled, WorkflowExecutionStarted
from foldlog.schemas.framing import HEADER_BYTES, decode, encode
from foldlog.schemas.task import ActivityTask
from foldlog.transport.topic_reader import TopicRecord
from foldlog.transport.topics import partition_of

from tests.integration import raw_producer
from tests.integration.processor.running import SOON, Place, place
from tests.integration.processor.workloads import QUEUE, Echoing, Summing, Waiting
from tests.until import until, until_asked

SIGNAL = encode(SignalWorkflow(signal_name="add"))
UNKNOWN = b"\xc3\x01" + b"unknown!" + b"body"
LARGEST = 1_040_000
"""About as large as a record can be with the broker's default settings."""
BAD_VALUES = {
    "nothing": None,
    "empty": b"",
    "garbage": b"\xff\xfe garbage",
    "confluent": b"\x00\x00\x00\x00\x07body",
    "unknown schema": UNKNOWN,
    "truncated": SIGNAL[: HEADER_BYTES + 2],
    "oversized": b"x" * LARGEST,
    "no command": encode(TimerFired(run_id="r", event_id=1, time_ms=1, chain=b"", timer_id=1, started_event_id=1)),
}
NO_KEYS = (None, b"", b"\xff\xfe")
NO_SCHEMAS = (b"{}", b'{"type": "nonsense"}', b'{"type":' * 100_000)
"""What can be under a fingerprint, besides."""
HEADERS: list[tuple[str, str | bytes | None]] = [("theirs", b"\x00\xff"), ("theirs", b"again"), ("empty", None)]


@pytest.fixture
async def here(kafka: str, namespace: str, tmp_path: Path) -> AsyncIterator[Place]:
    async with place(kafka, namespace, tmp_path) as found:
        yield found


def largest_producer(here: Place) -> Producer:
    """A producer that sends whatever the broker takes."""
    return Producer(here.config.producer(**{"message.max.bytes": 2_000_000}))


def schema_key(number: int) -> str:
    """A fingerprint as the topic of schemas has it."""
    return f"{number:016x}"


def header(record: TopicRecord, name: str) -> str:
    """The one header of that name."""
    (found,) = [value for key, value in record.headers if key == name]
    assert isinstance(found, bytes)
    return found.decode()


async def test_commands(here: Place) -> None:
    wrong_home = 1 - partition_of("summing", here.partitions)
    home = partition_of("summing", here.partitions)
    bad: list[tuple[bytes | None, bytes | None, int]] = [(b"summing", value, home) for value in BAD_VALUES.values()]
    bad += [(None, SIGNAL, home), (b"", SIGNAL, home), (b"\xff\xfe", SIGNAL, home), (b"i" * 1_001, SIGNAL, home)]
    bad += [(b"summing", SIGNAL, wrong_home)]
    async with here.worker():
        handle = await here.start(Summing.run, id="summing")
        producer = largest_producer(here)
        for number, (key, value, partition) in enumerate(bad):
            producer.produce(here.topics.commands, value, key, partition, headers=HEADERS)
            producer.flush(30)
            await here.tell("summing", "add", number)
            here.flush()
        await handle.signal(Summing.end, rpc_timeout=SOON)
        assert (await handle.result(rpc_timeout=SOON)).numbers == list(range(len(bad)))
    letters = await asyncio.to_thread(here.read, here.topics.dead_letters)
    commands = {(r.partition, r.offset): r for r in await asyncio.to_thread(here.read, here.topics.commands)}
    assert len(letters) == len(bad)
    for letter in letters:
        assert header(letter, "foldlog-topic") == here.topics.commands
        origin = commands[int(header(letter, "foldlog-partition")), int(header(letter, "foldlog-offset"))]
        assert len(header(letter, "foldlog-error")) > 20
        if letter.value != origin.value:
            # Only a record that does not fit any more with what is to be said about it is cut.
            assert origin.value is not None
            assert origin.value == BAD_VALUES["oversized"]
            assert letter.value == origin.value[: len(letter.value or b"")]
            assert header(letter, "foldlog-cut") == f"7 {LARGEST}"
            continue
        assert letter.key == origin.key
        assert letter.headers[: len(HEADERS)] == origin.headers == HEADERS
    await here.check()


async def test_tasks(here: Place) -> None:
    task = encode(
        ActivityTask(
            namespace=here.namespace,
            run_id="r",
            workflow_type="Echoing",
            activity_id="1",
            activity_type="echo",
            scheduled_event_id=2,
            attempt=1,
            scheduled_ms=1,
            attempt_scheduled_ms=1,
            start_to_close_timeout_ms=60_000,
        )
    )
    bad: list[tuple[bytes | None, bytes | None]] = [(b"some-workflow", value) for value in BAD_VALUES.values()]
    bad += [(key, task) for key in NO_KEYS]
    async with here.worker():
        producer = largest_producer(here)
        for partition in range(here.partitions):
            for key, value in bad:
                producer.produce(here.topics.tasks(QUEUE), value, key, partition, headers=HEADERS)
        producer.flush(30)
        handles = [await here.start(Echoing.run, name, id=name) for name in here.ids("echo", each=3)]
        assert [await handle.result(rpc_timeout=SOON) for handle in handles] == [handle.id for handle in handles]

        async def all_there() -> bool:
            return len(await asyncio.to_thread(here.read, here.topics.dead_letters)) == len(bad) * here.partitions

        await until_asked(all_there, "all are dead letters")
    letters = await asyncio.to_thread(here.read, here.topics.dead_letters)
    for letter in letters:
        assert header(letter, "foldlog-topic") == here.topics.tasks(QUEUE)
        assert len(header(letter, "foldlog-error")) > 20
    cut = [letter for letter in letters if any(name == "foldlog-cut" for name, _ in letter.headers)]
    assert {header(letter, "foldlog-cut") for letter in cut} == {f"{len(b'some-workflow')} {LARGEST}"}
    whole = Counter((letter.key, letter.value) for letter in letters if letter not in cut)
    small = [one for one in bad if one[1] != BAD_VALUES["oversized"]]
    assert (whole, len(cut)) == (Counter(small * here.partitions), here.partitions)
    assert all(letter.value and (b"x" * LARGEST).startswith(letter.value) for letter in cut)
    await here.check()


async def test_replies_visibility_and_schemas(here: Place) -> None:
    """What clients read, and what everybody reads at the start: passed over."""
    producer = largest_producer(here)
    client_id = here.client.transport.client_id
    async with here.worker():
        await here.start(Waiting.run, id="before")
        for number, value in enumerate(BAD_VALUES.values()):
            for partition in range(here.partitions):
                for key in (client_id, b"\xff\xfe", None):
                    producer.produce(here.topics.replies, value, key, partition)
            for key in (b"before/some-run", b"\xff\xfe", None):
                if key is not None:  # the broker itself refuses records without a key on compacted topics
                    producer.produce(here.topics.visibility, value, key)
                    producer.produce(here.topics.schemas, value, key)
            producer.produce(here.topics.schemas, value, schema_key(number))
        for number, value in enumerate(NO_SCHEMAS, len(BAD_VALUES)):
            producer.produce(here.topics.schemas, value, schema_key(number))
        producer.flush(30)
        # Commands that name them: the processor looks for their schemas, and goes on.
        for number in range(len(BAD_VALUES) + len(NO_SCHEMAS)):
            here.command("before", b"\xc3\x01" + bytes.fromhex(schema_key(number)) + b"body")
        here.flush()
        await here.start(Waiting.run, id="after")
        rows = {row.id async for row in here.client.list_workflows()}
        assert rows == {"before", "after"}
    async with (
        await Client.connect(here.config, namespace=here.namespace, rpc_timeout=SOON, connect_timeout=SOON) as fresh,
        here.worker(),
    ):
        handle = fresh.get_workflow_handle_for(Waiting.run, "before")
        await handle.signal(Waiting.end)
        assert await handle.result(rpc_timeout=SOON) == "ended"
    letters = await asyncio.to_thread(here.read, here.topics.dead_letters)
    assert len(letters) == len(BAD_VALUES) + len(NO_SCHEMAS)
    assert all("schema" in header(letter, "foldlog-error") for letter in letters)
    await here.check()


async def test_dead_letters(here: Place) -> None:
    """Whatever stands among the letters, they are listed, shown, and those that can be are sent again."""
    producer = largest_producer(here)
    nonsense: list[tuple[str, str | bytes | None]] = [
        (f"foldlog-{name}", b"\xff" * 9) for name in ("topic", "partition", "offset", "error", "time", "retried")
    ]
    numbers: list[tuple[str, str | bytes | None]] = [
        (f"foldlog-{name}", b"9" * 5_000) for name in ("partition", "offset", "time")
    ]
    for value in BAD_VALUES.values():
        for key in (b"key", *NO_KEYS):
            for headers in ([], HEADERS, nonsense, numbers):
                producer.produce(here.topics.dead_letters, value, key, headers=headers)
    where: list[tuple[str, str | bytes | None]] = [("foldlog-topic", here.topics.commands.encode())]
    producer.produce(here.topics.dead_letters, SIGNAL, b"nobody", headers=where)
    assert producer.flush(30) == 0

    def run(*arguments: str) -> str:
        common = ["--bootstrap-servers", here.config.bootstrap_servers, "-n", here.namespace]
        found = CliRunner().invoke(cli, ["dead-letters", *arguments, *common], catch_exceptions=False)
        assert found.exit_code == 0, found.stderr
        return found.stdout

    def look() -> None:
        listed = json.loads(run("list", "--json", "--all", "--limit", "1000"))
        # Of those without a value, the ones with nonsense for `retried` are notes.
        assert len(listed) == (len(BAD_VALUES) * 4 - 1) * (1 + len(NO_KEYS)) + 1
        assert run("list")
        for one in (*listed[:5], listed[-1]):
            assert one["id"] in run("show", one["id"])
        (sent,) = json.loads(run("retry", "--all", "--json"))["retried"]
        assert sent == {**listed[-1], "retried": sent["retried"]}

    await asyncio.to_thread(look)


async def test_names_of_headers_that_are_no_text(here: Place) -> None:
    """Clients in C can write them, and confluent-kafka cannot read them."""
    topics = here.topics
    read = [topics.commands, topics.tasks(QUEUE), topics.replies, topics.visibility, topics.events]
    everywhere = [(topic, partition) for topic in read for partition in range(here.partitions)]
    everywhere += [(topics.dead_letters, 0), (topics.schemas, 0)]
    async with here.worker():
        for topic, partition in everywhere:
            servers = here.config.bootstrap_servers
            await asyncio.to_thread(raw_producer.produce, servers, topic, partition, b"k", b"garbage", [b"\xff\xfe"])
        handles = [await here.start(Echoing.run, name, id=name) for name in here.ids("echo", each=3)]
        assert [await handle.result(rpc_timeout=SOON) for handle in handles] == [handle.id for handle in handles]
        assert {row.id async for row in here.client.list_workflows()} == {handle.id for handle in handles}

        async def all_there() -> bool:
            return len(await asyncio.to_thread(here.read, topics.dead_letters)) == 1 + 2 * here.partitions

        await until_asked(all_there, "commands and tasks are dead letters")
    async with here.worker():
        pass


async def test_addresses_of_replies_that_cannot_be(here: Place) -> None:
    """Answers that can go nowhere must not hold up the commands that are behind them."""
    async with here.worker():
        handle = await here.start(Waiting.run, id="asked")
        for partition in (-1, 2, 2**31 - 1):
            for client_id in ("", "nobody", "\x00"):
                reply_to = ReplyTo(client_id=client_id, partition=partition, correlation_id=-1)
                here.command("asked", encode(DescribeWorkflow(reply_to=reply_to)))
        here.flush()
        await handle.signal(Waiting.end)
        assert await handle.result(rpc_timeout=SOON) == "ended"
    await here.check()


Write = Callable[[Producer, int, str, str], None]
"""Writes to a partition of the events topic, given a workflow that lives there and its run."""


async def _restart_after(here: Place, write: Write) -> tuple[str, str]:
    """Two workflows in different partitions; something is written to the events of the first one's."""
    struck, neighbour = here.ids("waiting")
    async with here.worker():
        for name in (neighbour, struck):
            handle = await here.start(Waiting.run, id=name)
        producer = largest_producer(here)
        write(producer, partition_of(struck, here.partitions), struck, handle.result_run_id)
        assert producer.flush(30) == 0
    return struck, neighbour


async def test_events_that_nobody_can_read_are_passed_over(here: Place, caplog: pytest.LogCaptureFixture) -> None:
    unreadable = {name: value for name, value in BAD_VALUES.items() if name not in ("unknown schema", "no command")}
    whole = encode(TimerFired(run_id="r", event_id=1, time_ms=1, chain=b"", timer_id=1, started_event_id=1))
    bad: list[tuple[bytes | None, bytes | None]] = [(b"some-workflow", value) for value in unreadable.values()]
    bad += [(b"some-workflow", cut) for cut in (SIGNAL, whole[: HEADER_BYTES + 1], whole[:-1])]
    bad += [(key, value) for key in NO_KEYS for value in (whole, b"garbage")]

    def write(producer: Producer, partition: int, workflow_id: str, run_id: str) -> None:
        for key, value in bad:
            producer.produce(here.topics.events, value, key, partition)
        # What is cut off may begin like an event of a run that there is.
        signaled = WorkflowExecutionSignaled(run_id=run_id, event_id=2, time_ms=1, chain=b"", signal_name="end")
        producer.produce(here.topics.events, encode(signaled)[:-1], workflow_id, partition)

    names = await _restart_after(here, write)
    with caplog.at_level(logging.ERROR):
        async with here.worker():
            for name in names:
                handle = here.client.get_workflow_handle_for(Waiting.run, name)
                await handle.signal(Waiting.end, rpc_timeout=SOON)
                assert await handle.result(rpc_timeout=SOON) == "ended"
    passed_over = [record.message for record in caplog.records if "passed over" in record.message]
    assert len(set(passed_over)) == len(bad) + 1  # a restore that is repeated says so again
    assert all(here.topics.events in message for message in passed_over)


@pytest.mark.parametrize("kind", ["unknown schema", "broken chain", "nonsense"])
async def test_events_that_cannot_be_right_close_their_partition_only(
    here: Place, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    def write(producer: Producer, partition: int, workflow_id: str, run_id: str) -> None:
        broken = WorkflowExecutionSignaled(run_id=run_id, event_id=9, time_ms=1, chain=b"", signal_name="end")
        # In its place by number and chain, but the run never had such a timer.
        chain = digest(next(record.value or b"" for record in here.read(here.topics.events) if _starts(record, run_id)))
        fitting = TimerFired(run_id=run_id, event_id=2, time_ms=1, chain=chain, timer_id=1, started_event_id=1)
        value = {"unknown schema": UNKNOWN, "broken chain": encode(broken), "nonsense": encode(fitting)}[kind]
        producer.produce(here.topics.events, value, workflow_id, partition)

    _, neighbour = await _restart_after(here, write)
    with caplog.at_level(logging.ERROR):
        async with here.worker(ready=False) as worker:
            handle = here.client.get_workflow_handle_for(Waiting.run, neighbour)
            await handle.signal(Waiting.end, rpc_timeout=SOON)
            assert await handle.result(rpc_timeout=SOON) == "ended"
            await until(lambda: "stays closed" in caplog.text, "the partition stays closed")
            assert not worker.ready
            assert worker.healthy()
    (message,) = {record.message for record in caplog.records if "stays closed" in record.message}
    assert here.topics.events in message
    assert ("offset" in message) != (kind == "nonsense")


def _starts(record: TopicRecord, run_id: str) -> bool:
    event = decode(record.value)
    return isinstance(event, WorkflowExecutionStarted) and event.run_id == run_id
