"""`foldlog dev` as a process of its own, and `foldlog topics`, on real brokers."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner, Result
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from filelock import FileLock
from foldlog.cli._root import cli
from foldlog.transport.admin import check_topics
from foldlog.transport.config import KafkaConfig
from foldlog.transport.topics import Topics

from tests.until import wait_until

SECONDS = 200.0


def environment(**changes: str) -> dict[str, str]:
    """This one, without a broker that it may name."""
    inherited = {name: value for name, value in os.environ.items() if name != "KAFKA_BOOTSTRAP_SERVERS"}
    return inherited | changes


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "foldlog.cli", "dev", *arguments]


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """`foldlog dev --json` and what it announces."""
    process = subprocess.Popen(
        command(*arguments, "--json"), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=SECONDS)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_runs_until_a_signal_and_leaves_no_process(number: signal.Signals, namespace: str) -> None:
    with running("--port", "0", "-n", namespace, "--partitions", "3", "-q", "orders") as (process, announced):
        assert announced["namespace"] == namespace
        config = KafkaConfig(bootstrap_servers=announced["bootstrap_servers"])
        assert check_topics(config, Topics(namespace), partitions=3, task_queues=["orders"]) == []
        children = psutil.Process(process.pid).children(recursive=True)
        assert any("java" in child.name() for child in children)
        process.send_signal(number)
        assert process.wait(SECONDS) == 0
        _, alive = psutil.wait_procs(children, timeout=SECONDS)
        assert alive == []


def test_data_are_kept_in_a_data_dir(tmp_path: Path, namespace: str) -> None:
    for _ in range(2):
        with running("--port", "0", "-n", namespace, "--data-dir", str(tmp_path)) as (process, announced):
            topics = AdminClient({"bootstrap.servers": announced["bootstrap_servers"]}).list_topics(timeout=60).topics
            assert f"{namespace}.commands" in topics
            process.send_signal(signal.SIGTERM)
            assert process.wait(SECONDS) == 0


def test_a_command_runs_against_the_broker_and_gives_its_exit_code(namespace: str) -> None:
    script = (
        "import os, sys; from confluent_kafka.admin import AdminClient; "
        "admin = AdminClient({'bootstrap.servers': os.environ['KAFKA_BOOTSTRAP_SERVERS']}); "
        "topics = admin.list_topics(timeout=60).topics; "
        "sys.exit(7 if os.environ['FOLDLOG_NAMESPACE'] + '.commands' in topics else 1)"
    )
    done = subprocess.run(
        command("--port", "0", "-n", namespace, "--", sys.executable, "-c", script),
        env=environment(),
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 7


@pytest.mark.parametrize("way", ["variable", "address", "option", "file", "variable for a file"])
def test_a_broker_that_is_configured_is_used(kafka: str, namespace: str, tmp_path: Path, way: str) -> None:
    file = tmp_path / "client.properties"
    file.write_text(f"bootstrap.servers={kafka}\n", encoding="ascii")
    arguments, variables = {
        "variable": ([], {"KAFKA_BOOTSTRAP_SERVERS": kafka}),
        "address": (["--bootstrap-servers", kafka], {}),
        "option": (["--kafka-option", f"bootstrap.servers={kafka}"], {}),
        "file": (["--kafka-config", str(file)], {}),
        "variable for a file": ([], {"FOLDLOG_KAFKA_CONFIG": str(file)}),
    }[way]
    script = "import os; print(os.environ['KAFKA_BOOTSTRAP_SERVERS'], os.environ.get('FOLDLOG_KAFKA_CONFIG'))"
    done = subprocess.run(
        command("-n", namespace, *arguments, "--", sys.executable, "-c", script),
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == [kafka, str(file) if "file" in way else "None"]
    assert check_topics(KafkaConfig(bootstrap_servers=kafka), Topics(namespace)) == []


def test_a_command_that_does_not_exist_is_a_usage_error(kafka: str, namespace: str) -> None:
    result = CliRunner().invoke(cli, ["dev", "--bootstrap-servers", kafka, "-n", namespace, "--", "no-such-program"])
    assert (result.exit_code, result.stderr) == (2, "error: cannot run no-such-program: No such file or directory\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_while_it_waits_to_start(number: signal.Signals, namespace: str, tmp_path: Path) -> None:
    with FileLock(tmp_path / "download.lock"):  # as another program has it that downloads the same files
        process = subprocess.Popen(
            command("--port", "0", "-n", namespace),
            env=environment(FOLDLOG_CACHE=str(tmp_path)),
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stderr is not None
            assert "waiting for another program" in process.stderr.readline()
            process.send_signal(number)
            _, said = process.communicate(timeout=SECONDS)
        finally:
            process.kill()
            process.communicate()
    assert (process.returncode, said) == (130, "error: interrupted\n")


def test_a_signal_while_the_broker_starts_leaves_no_process(namespace: str, tmp_path: Path) -> None:
    with subprocess.Popen(
        command("--port", "0", "-n", namespace, "--data-dir", str(tmp_path)), env=environment(), stderr=subprocess.PIPE
    ) as process:
        family: list[psutil.Process] = []

        def both() -> bool:
            family[:] = psutil.Process(process.pid).children(recursive=True)
            return len(family) >= 2

        wait_until(both, "the supervisor and the JVM run", SECONDS)
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 130
    _, alive = psutil.wait_procs(family, timeout=SECONDS)
    assert alive == []


def test_a_taken_port_is_a_clear_error(namespace: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            command("--port", str(port), "-n", namespace, "--", "true"),
            env=environment(),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    assert (done.returncode, f"port {port}" in done.stderr, "Traceback" in done.stderr) == (2, True, False)


# topics


def topics(kafka: str, namespace: str, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["topics", *arguments, "--bootstrap-servers", kafka, "-n", namespace])


def test_topics_are_created_once_and_checked(kafka: str, namespace: str) -> None:
    missing = topics(kafka, namespace, "check")
    assert (missing.exit_code, "foldlog topics create" in missing.stdout) == (1, True)
    created = topics(kafka, namespace, "create", "--partitions", "3", "-q", "orders", "--json")
    assert created.exit_code == 0
    assert f"{namespace}.tasks.orders" in json.loads(created.stdout)["created"]
    again = topics(kafka, namespace, "create", "-q", "orders", "--json")
    assert (again.exit_code, json.loads(again.stdout)["created"]) == (0, [])
    assert topics(kafka, namespace, "check", "--partitions", "3", "-q", "orders").exit_code == 0


def test_topics_that_would_lose_data_are_told_with_their_repair(kafka: str, namespace: str) -> None:
    admin = AdminClient({"bootstrap.servers": kafka})
    settings = {"retention.ms": "1000", "cleanup.policy": "delete"}
    for future in admin.create_topics([NewTopic(f"{namespace}.events", 3, config=settings)]).values():
        future.result(timeout=60)
    assert topics(kafka, namespace, "create").exit_code == 1
    found = topics(kafka, namespace, "check", "--json")
    assert found.exit_code == 1
    (problem,) = json.loads(found.stdout)["problems"]
    assert (problem["topic"], problem["setting"], problem["found"]) == (f"{namespace}.events", "retention.ms", "1000")
    shown = topics(kafka, namespace, "check")
    assert f"--entity-name {namespace}.events --add-config retention.ms=-1" in shown.stdout
    wrong_count = topics(kafka, namespace, "create", "--partitions", "4")
    assert (wrong_count.exit_code, "partitions is 3, has to be 4" in wrong_count.stdout) == (1, True)
