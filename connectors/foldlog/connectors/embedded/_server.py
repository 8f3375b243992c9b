"""What every embedded server has in common: a folder, ports, a supervised JVM, and a life of starts and stops.

Owns the order of the steps and what is undone when one fails. A subclass says which artifacts it needs, how its
folder is prepared, what is run and when it is ready. Blocking API; every method may be called from any thread.
"""

from __future__ import annotations

import contextlib
import errno
import shutil
import tempfile
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from ._artifacts import ArtifactCache, Progress
from ._class_cache import RECORDING_STOP_S, ClassCache
from ._folders import writing_to
from ._lock import packaged_lock
from ._ports import check_port, free_port, is_free
from ._process import FolderLock, SupervisedServer, check_space, java_executable
from .exceptions import (
    DiskFullError,
    EmbeddedError,
    PortInUseError,
    ServerStoppedError,
    StartFailedError,
    StartTimeoutError,
)

_PORT_ATTEMPTS = 3
_CLEAN_EXIT_CODES = (0, 143)  # a JVM ends with 128 + SIGTERM after its shutdown hooks ran


class EmbeddedServer(ABC):
    """A server on 127.0.0.1 as a child of this program; see the subclasses."""

    _what: ClassVar[str]
    """Name for messages."""
    _artifact_set: ClassVar[str]
    """Name in the lock file; also of the logs and caches."""
    _own_log: ClassVar[bool]
    """Whether the server writes a log itself. Where not, what it prints is its log."""

    def __init__(
        self,
        folder: str | Path | None,
        *,
        ports: Sequence[int],
        start_timeout_s: float,
        stop_timeout_s: float,
        fast_start: bool,
        cache: ArtifactCache | None,
        progress: Progress | None,
    ) -> None:
        self._given_folder = Path(folder).absolute() if folder is not None else None
        self._folder = self._given_folder
        self._given_ports = tuple(ports)
        self._ports = list(ports)
        self._start_timeout_s = start_timeout_s
        self._stop_timeout_s = stop_timeout_s
        self._fast_start = fast_start
        self._cache = cache or ArtifactCache()
        self._progress = progress
        self._lock: FolderLock | None = None
        self._server: SupervisedServer | None = None
        self._classes: ClassCache | None = None
        self._mutex = threading.RLock()

    # -- what a subclass says --------------------------------------------------------------------------------

    @abstractmethod
    def _install(self, files: Sequence[Path], digest: str) -> None:
        """Is given the verified artifacts, in the order of the lock file, and their digest.

        The server's folder is not touched yet.
        """

    @abstractmethod
    def _prepare(self) -> None:
        """Writes into the locked folder what the server needs to start on the chosen ports."""

    @abstractmethod
    def _command(self, java: Path, class_options: Sequence[str]) -> list[str]:
        """The command line; ``class_options`` go before the main class."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether this very server, not another program on its port, can be used."""

    # -- what it is ------------------------------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        """Folder of data, configuration and logs.

        Raises:
            EmbeddedError: It is a temporary one and does not exist now.
        """
        if self._folder is None:
            raise EmbeddedError(f"the temporary folder of {self._what} exists only while it runs")
        return self._folder

    @property
    def log_path(self) -> Path:
        """The server's log."""
        return self.folder / "logs" / f"{self._artifact_set}.log"

    @property
    def pid(self) -> int:
        """Process ID of the JVM.

        Raises:
            ServerStoppedError: It was stopped or never started.
        """
        return self._started().pid

    @property
    def running(self) -> bool:
        """Whether the JVM runs."""
        server = self._server
        return server is not None and server.running

    def check(self) -> None:
        """Makes sure that the server still runs.

        Raises:
            DiskFullError: It ended because the disk is full.
            ServerStoppedError: It is not running for another reason.
        """
        self._started().check()

    def _started(self) -> SupervisedServer:
        server = self._server
        if server is None:
            folder = self._folder or Path(tempfile.gettempdir())
            raise ServerStoppedError(self._what, None, folder, "(it was stopped, or never started)")
        return server

    def _port(self, index: int) -> int:
        if not self._ports[index]:
            raise EmbeddedError(f"{self._what} has no port before its first start")
        return self._ports[index]

    # -- life ------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Starts the server and returns when a client can use it.

        Raises:
            ArtifactUnavailableError: The first start on a machine, and no network.
            ChecksumMismatchError: A file is not the one in the lock file.
            DiskFullError: No space for the artifacts or the data.
            FolderUnusableError: The folder, or the cache of jars, cannot be made or written to.
            EmbeddedError: It is running already.
            FolderInUseError: Another server uses the folder.
            MissingExtraError: ``foldlog[embedded]`` is not installed.
            PortInUseError: Another process has the port.
            StartFailedError: The server ended for another reason.
            StartTimeoutError: It was not ready within its start timeout.
        """
        with self._mutex:
            if self.running:
                raise EmbeddedError(f"{self._what} is running already")
            self._release()
            try:
                self._start()
            except BaseException as error:
                # The error speaks of the log, so a temporary folder is kept until ``stop``.
                self.stop(keep_data=isinstance(error, StartFailedError | StartTimeoutError))
                if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise DiskFullError(self._folder or Path(tempfile.gettempdir())) from error
                raise

    def stop(self, *, keep_data: bool = False) -> None:
        """Stops the server in order: SIGTERM, and SIGKILL after its stop timeout. Does nothing when it is not running.

        Args:
            keep_data: Keep a temporary folder for another ``start``. A folder that was given is always kept.
        """
        with self._mutex:
            self._release()
            if self._given_folder is None and self._folder is not None and not keep_data:
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder = None

    def kill(self) -> None:
        """Ends the server with SIGKILL, as a crash would; folder and ports are kept for another ``start``."""
        with self._mutex:
            server, self._server = self._server, None
            if server is not None:
                server.kill()
                if self._classes is not None:
                    self._classes.drop_recording()
            self._release()

    # -- steps -----------------------------------------------------------------------------------------------

    def _start(self) -> None:
        java = java_executable()
        lock = packaged_lock()
        digest = lock.digest(self._artifact_set)
        self._install(self._cache.resolve(lock.artifacts(self._artifact_set), self._progress), digest)
        if self._fast_start:
            self._classes = ClassCache(self._cache.folder, self._artifact_set, digest)
        self._take_folder()
        for port in filter(None, self._given_ports):
            check_port(port)
        for attempts_left in reversed(range(_PORT_ATTEMPTS)):
            self._choose_ports()
            try:
                self._prepare()
                self._launch(java)
                return
            except PortInUseError as error:
                # Somebody was faster at a port that was free a moment ago.
                if not attempts_left or error.port in self._given_ports:
                    raise
                self._stop_server()

    def _take_folder(self) -> None:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix=f"foldlog-{self._artifact_set}-"))
        with writing_to(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / "logs").mkdir(exist_ok=True)
            # A program that was killed leaves a server that is just shutting down: wait for that one.
            self._lock = FolderLock(self._folder, wait_s=max(self._stop_timeout_s, RECORDING_STOP_S) + 5)
        check_space(self._folder)

    def _choose_ports(self) -> None:
        """Ports chosen before are kept while they are free: clients know the address."""
        for index, given in enumerate(self._given_ports):
            others = self._ports[:index]
            port = self._ports[index]
            while not given and (not port or port in others or not is_free(port)):
                port = free_port()
            self._ports[index] = port

    def _launch(self, java: Path) -> None:
        assert self._lock is not None
        console_log = self.folder / "logs" / "jvm.log" if self._own_log else self.log_path
        class_options = self._classes.jvm_options() if self._classes else []
        recording = self._classes is not None and self._classes.recording
        self._server = SupervisedServer(
            self._what,
            self._command(java, class_options),
            lock=self._lock,
            cwd=self.folder,
            console_log=console_log,
            log=self.log_path,
            stop_timeout_s=max(self._stop_timeout_s, RECORDING_STOP_S if recording else 0.0),
        )
        try:
            self._server.await_ready(self._answers, self._start_timeout_s)
        except StartFailedError as error:
            taken = next((port for port in self._ports if not is_free(port)), None)
            if taken is not None:
                raise PortInUseError(taken) from error
            raise

    def _stop_server(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            code = server.stop()
            if self._classes is not None:
                with contextlib.suppress(OSError):  # the cache of classes is only a convenience
                    self._classes.keep_recording(complete=code in _CLEAN_EXIT_CODES)
                self._classes = None

    def _release(self) -> None:
        self._stop_server()
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()
