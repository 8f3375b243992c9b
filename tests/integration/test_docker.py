"""The commands of docker/ do what they are there for, on a real Kafka and without containers.

They are read from the Dockerfile and the compose file and run as they stand. Only what is another outside of a
container is changed: addresses, ports, folders, the namespace, and tini where the machine has none. What a container
adds (users, volumes, networks, process 1) is not tested here.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType  # type: ignore[attr-defined]  # no __all__
from foldlog.transport.admin import check_topics
from foldlog.transport.config import KafkaConfig
from foldlog.transport.topics import Topics

from tests.images import ROOT, images, services
from tests.until import wait_until

SECONDS = 60.0
ORDER = {"order_id": "1", "customer": "7", "shelf": "shelf-07", "quantity": 2, "cents": 2933}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Container:
    """One service of the compose file as a process, or several, of this machine."""

    def __init__(self, service: str, kafka: str, namespace: str, folder: Path) -> None:
        self._image, self._service = images()["order-example"], services()[service]
        self.port = free_port()
        folders = {"/var/lib/foldlog": str(folder / service), "/var/lib/orders": str(folder)}
        changes = {"KAFKA_BOOTSTRAP_SERVERS": kafka, "FOLDLOG_NAMESPACE": namespace, "PATH": _path()}
        environment = self._image.environment | self._service["environment"] | changes
        for inside, outside in folders.items():
            environment = {name: value.replace(inside, outside) for name, value in environment.items()}
        self._environment = {**os.environ, **environment}

    def words(self, *more: str) -> list[str]:
        """The command that the container runs, with arguments of its own or those given."""
        words = [*self._service.get("entrypoint", self._image.entrypoint), *(more or self._service["command"])]
        return self._outside(words)

    def run(self, words: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words, cwd=ROOT, env=self._environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )

    def is_healthy(self) -> bool:
        """Runs the health check of the image."""
        return self.run(self._outside(self._image.health_check)).returncode == 0

    def is_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[str]]:
        process = subprocess.Popen(
            self.words(), cwd=ROOT, env=self._environment, stderr=subprocess.PIPE, text=True, errors="replace"
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate(timeout=SECONDS)

    def _outside(self, words: list[str]) -> list[str]:
        """The same words with this process's port, on loopback, and without what this machine does not have."""
        (port,) = self._image.ports
        if words[:2] == ["tini", "--"] and shutil.which("tini") is None:
            words = words[2:]
        return [word.replace(port, str(self.port)).replace("0.0.0.0", "127.0.0.1") for word in words]


def _path() -> str:
    """With this environment's python and foldlog first, as in the image."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def await_ready(container: Container, process: subprocess.Popen[str]) -> None:
    def is_ready() -> bool:
        assert process.poll() is None, process.communicate()[1]
        return container.is_ready()

    wait_until(is_ready, "it is ready", SECONDS)


def test_topics_workers_an_order_and_the_end(kafka: str, namespace: str, tmp_path: Path) -> None:
    topics = Container("topics", kafka, namespace, tmp_path)
    made = topics.run(topics.words())
    assert made.returncode == 0, made.stderr
    assert check_topics(KafkaConfig(bootstrap_servers=kafka), Topics(namespace), partitions=8) == []
    workers = [Container(name, kafka, namespace, tmp_path) for name in ("worker-1", "worker-2")]
    with ExitStack() as stack:
        processes = [stack.enter_context(worker.running()) for worker in workers]
        for worker, process in zip(workers, processes, strict=True):
            await_ready(worker, process)
            assert worker.is_healthy()
        arguments = ("OrderWorkflow", "--id", "order-1", "--task-queue", "orders", "--input", json.dumps(ORDER))
        order = topics.run(topics.words("workflow", "start", *arguments, "--wait"))
        assert order.returncode == 0, order.stderr
        assert '"completed"' in order.stdout
        for worker, process in zip(workers, processes, strict=True):
            process.send_signal(getattr(signal, images()["worker"].stop_signal))
            assert process.wait(SECONDS) == 0
            assert not worker.is_healthy()
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"worker-1", "worker-2"}


def test_the_broker_knows_every_setting_of_the_compose_file(kafka: str) -> None:
    environment = services()["kafka"]["environment"]
    given = {name.removeprefix("KAFKA_").lower().replace("_", ".") for name in environment}
    resource = ConfigResource(ResourceType.BROKER, "1")
    admin = AdminClient({"bootstrap.servers": kafka})
    (described,) = admin.describe_configs([resource]).values()
    assert given - set(described.result(timeout=30)) == set()
    assert len(given) > 10
