"""The embedded broker: its life, its data, and the ways in which it refuses to start."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from confluent_kafka import Consumer, KafkaError, Message, Producer, ShareConsumer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from foldlog.connectors.embedded import EmbeddedKafka, KafkaOptions
from foldlog.connectors.embedded._ports import free_port
from foldlog.connectors.embedded.exceptions import (
    EmbeddedError,
    FolderInUseError,
    PortInUseError,
    ServerStoppedError,
    StartFailedError,
)

from tests.until import wait_until


def create_topic(bootstrap_servers: str, name: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap_servers})
    admin.create_topics([NewTopic(name, 1, 1)])[name].result(60)


def produce(bootstrap_servers: str, topic: str, values: list[bytes]) -> None:
    producer = Producer({"bootstrap.servers": bootstrap_servers})
    for value in values:
        producer.produce(topic, value)
    assert producer.flush(60) == 0


def consume(bootstrap_servers: str, topic: str, count: int) -> list[bytes]:
    consumer = Consumer({"bootstrap.servers": bootstrap_servers, "group.id": "unused"})
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        messages = consumer.consume(count, 60)
        assert all(message.error() is None for message in messages)
        return [message.value() or b"" for message in messages]
    finally:
        consumer.close()


def session_of(broker: EmbeddedKafka) -> str:
    """How many milliseconds it may be silent before it is fenced."""
    lines = (broker.folder / "server.properties").read_text(encoding="ascii").splitlines()
    return dict(line.split("=", 1) for line in lines)["broker.session.timeout.ms"]


@pytest.fixture(scope="module")
def watched_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    """A started broker of this module's own, for tests that do it no harm."""
    with EmbeddedKafka(tmp_path_factory.mktemp("watched")) as broker:
        yield broker


def test_records_go_in_and_come_out(kafka: str, namespace: str) -> None:
    create_topic(kafka, namespace)
    produce(kafka, namespace, [b"one", b"two"])
    assert consume(kafka, namespace, 2) == [b"one", b"two"]


def test_stopped_and_started_again_it_has_its_data_and_its_port(private_kafka: EmbeddedKafka) -> None:
    address = private_kafka.bootstrap_servers
    create_topic(address, "kept")
    produce(address, "kept", [b"before"])
    private_kafka.stop()
    assert not private_kafka.running
    private_kafka.start()
    assert session_of(private_kafka) == "60000"
    assert private_kafka.bootstrap_servers == address
    assert consume(address, "kept", 1) == [b"before"]


def test_killed_and_started_again_it_has_its_data(private_kafka: EmbeddedKafka) -> None:
    address = private_kafka.bootstrap_servers
    create_topic(address, "kept")
    produce(address, "kept", [b"before"])
    private_kafka.kill()
    with pytest.raises(ServerStoppedError):
        private_kafka.check()
    assert session_of(private_kafka) == "60000"
    private_kafka.start()
    assert session_of(private_kafka) == "3000"  # its successor does not wait for a minute
    private_kafka.stop()
    private_kafka.start()
    assert session_of(private_kafka) == "60000"
    assert consume(address, "kept", 1) == [b"before"]


def test_another_program_finds_the_data_of_a_kept_folder(tmp_path: Path) -> None:
    with EmbeddedKafka(tmp_path / "kept") as first:
        create_topic(first.bootstrap_servers, "kept")
        produce(first.bootstrap_servers, "kept", [b"before"])
    with EmbeddedKafka(tmp_path / "kept") as second:
        assert consume(second.bootstrap_servers, "kept", 1) == [b"before"]


def test_a_temporary_folder_is_deleted_and_takes_no_process_with_it() -> None:
    with EmbeddedKafka() as broker:
        folder, jvm = broker.folder, psutil.Process(broker.pid)
        assert broker.log_path.exists()
    assert not folder.exists()
    assert not jvm.is_running()


def test_the_log_is_in_the_folder(watched_kafka: EmbeddedKafka) -> None:
    assert watched_kafka.log_path.is_relative_to(watched_kafka.folder)
    assert "Kafka Server started" in watched_kafka.log_path.read_text(encoding="utf-8")


def test_it_listens_on_loopback_only(watched_kafka: EmbeddedKafka) -> None:
    listening = [
        connection.laddr.ip.removeprefix("::ffff:")
        for connection in psutil.Process(watched_kafka.pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) == 2  # clients, and the controller
    assert set(listening) == {"127.0.0.1"}


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortInUseError, match=f"port {port} ") as caught:
            EmbeddedKafka(tmp_path / "data", port=port).start()
    assert caught.value.port == port


def test_a_given_port_is_used(tmp_path: Path) -> None:
    port = free_port()  # none that an outgoing connection of another test could take meanwhile
    with EmbeddedKafka(tmp_path / "data", port=port) as broker:
        assert broker.bootstrap_servers == f"127.0.0.1:{port}"
        assert broker.running


def test_a_folder_in_use_names_its_owner_at_once(watched_kafka: EmbeddedKafka) -> None:
    with pytest.raises(FolderInUseError) as caught:
        EmbeddedKafka(watched_kafka.folder).start()
    assert caught.value.owner_pid == os.getpid()
    watched_kafka.check()


def test_started_twice_is_refused(watched_kafka: EmbeddedKafka) -> None:
    with pytest.raises(EmbeddedError, match="running already"):
        watched_kafka.start()
    watched_kafka.check()


def test_a_broker_that_cannot_start_shows_its_last_words(tmp_path: Path) -> None:
    options = KafkaOptions(properties={"num.io.threads": "0"})
    with pytest.raises(StartFailedError, match=r"num\.io\.threads") as caught:
        EmbeddedKafka(tmp_path / "data", options=options).start()
    assert caught.value.exit_code not in (0, None)
    assert caught.value.log.is_relative_to(tmp_path)


def test_a_suspended_broker_still_stops(tmp_path: Path) -> None:
    broker = EmbeddedKafka(tmp_path / "data")
    broker.start()
    jvm = psutil.Process(broker.pid)
    os.kill(broker.pid, signal.SIGSTOP)
    broker.stop()
    assert not jvm.is_running()


def test_a_broker_that_does_not_end_in_time_is_killed(tmp_path: Path) -> None:
    # No JVM runs its shutdown hooks in ten milliseconds; one that records its classes would be given longer.
    broker = EmbeddedKafka(tmp_path / "data", options=KafkaOptions(stop_timeout_s=0.01, fast_start=False))
    broker.start()
    jvm = psutil.Process(broker.pid)
    broker.stop()
    assert not jvm.is_running()
    with EmbeddedKafka(tmp_path / "data") as again:
        again.check()


def test_the_thread_that_started_it_may_end(tmp_path: Path) -> None:
    broker = EmbeddedKafka(tmp_path / "data")
    starter = threading.Thread(target=broker.start)
    starter.start()
    starter.join()
    try:
        create_topic(broker.bootstrap_servers, "alive")
        broker.check()
    finally:
        broker.stop()


def test_brokers_side_by_side_do_not_disturb_each_other(tmp_path: Path) -> None:
    with EmbeddedKafka(tmp_path / "one") as one, EmbeddedKafka(tmp_path / "two") as two:
        create_topic(one.bootstrap_servers, "only-one")
        topics = AdminClient({"bootstrap.servers": two.bootstrap_servers}).list_topics(timeout=60).topics
        assert "only-one" not in topics


def test_an_unknown_topic_is_not_made_by_the_way(kafka: str, namespace: str) -> None:
    failures: list[str] = []

    def note(error: KafkaError | None, _message: Message) -> None:
        failures.append(error.name() if error is not None else "delivered")

    # Without the last option the client hopes for half a minute that the topic is still on its way.
    producer = Producer({"bootstrap.servers": kafka, "topic.metadata.propagation.max.ms": 100})
    producer.produce(namespace, b"x", on_delivery=note)
    assert producer.flush(60) == 0
    assert len(failures) == 1
    assert "UNKNOWN_TOPIC" in failures[0]  # the client's own word for it, or the broker's
    topics = AdminClient({"bootstrap.servers": kafka}).list_topics(timeout=60).topics
    assert namespace not in topics


def test_a_share_group_works(watched_kafka: EmbeddedKafka) -> None:
    address = watched_kafka.bootstrap_servers
    create_topic(address, "shared")
    consumer = ShareConsumer({"bootstrap.servers": address, "group.id": "sharing"})
    try:
        consumer.subscribe(["shared"])
        seen: list[bytes] = []

        def take() -> bool:
            # A share group begins at the end of the topic, wherever that is when it first meets it.
            produce(address, "shared", [b"task"])
            seen.extend(message.value() or b"" for message in consumer.poll(0.5))
            return bool(seen)

        wait_until(take, "a message is shared")
        assert set(seen) == {b"task"}
    finally:
        consumer.close()


def test_the_transaction_of_a_killed_producer_is_aborted_and_holds_nobody_up(kafka: str, namespace: str) -> None:
    create_topic(kafka, namespace)
    code = (
        "import sys, time; from confluent_kafka import Producer\n"
        "producer = Producer({'bootstrap.servers': sys.argv[1], 'transactional.id': sys.argv[2],\n"
        "                     'transaction.timeout.ms': 2000})\n"
        "producer.init_transactions(30); producer.begin_transaction()\n"
        "producer.produce(sys.argv[2], b'never'); producer.flush(30)\n"
        "print('open', flush=True); time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, kafka, namespace], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "open\n"
        program.kill()
    produce(kafka, namespace, [b"after"])
    assert consume(kafka, namespace, 1) == [b"after"]  # a consumer of committed records: librdkafka's default
