"""A real Apache Kafka as a child of a Python program.

Owns the life of one KRaft node on loopback: its folder, its ports, its readiness. Blocking API; every method may be
called from any thread. Knows nothing of foldlog's topics.
"""

from __future__ import annotations

import base64
import contextlib
import shutil
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from ._artifacts import ArtifactCache, Progress
from ._class_cache import ClassCache
from ._kafka_config import (
    FORMAT_CLASS,
    HOST,
    MAIN_CLASS,
    KafkaOptions,
    jvm_command,
    log4j_properties,
    render_properties,
    server_properties,
)
from ._lock import packaged_lock
from ._process import FolderLock, SupervisedServer, check_port, check_space, free_port, java_executable
from .exceptions import DiskFullError, EmbeddedError, PortInUseError, ServerStoppedError, StartFailedError

_SET = "kafka"
_PORT_ATTEMPTS = 3
_PROBE_TIMEOUT_S = 0.5
_CLEAN_EXIT_CODES = (0, 143)  # the JVM ends with 128 + SIGTERM after its shutdown hooks ran


class EmbeddedKafka:
    """One Kafka broker on 127.0.0.1, for development and tests.

    Use it as a context manager, or call ``start`` and ``stop``. It can be started again after a stop: on the same
    folder and port, with the data of before.

    Example:
        >>> with EmbeddedKafka() as kafka:  # doctest: +SKIP
        ...     producer = Producer({"bootstrap.servers": kafka.bootstrap_servers})
    """

    def __init__(
        self,
        folder: str | Path | None = None,
        *,
        port: int = 0,
        controller_port: int = 0,
        options: KafkaOptions | None = None,
        cache: ArtifactCache | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Nothing is touched before ``start``.

        Args:
            folder: Where data, configuration and logs are kept. Without one, a temporary folder is used and deleted
                by ``stop``.
            port: Port for clients; 0 takes a free one at the first start and keeps it for later starts.
            controller_port: Port of the KRaft controller; 0 as for ``port``.
            options: Everything that has a good default.
            cache: Where the jars are; default the user's cache folder.
            progress: Is told in one line what takes long.
        """
        self._given_folder = Path(folder).absolute() if folder is not None else None
        self._folder: Path | None = self._given_folder
        self._given_port, self._given_controller_port = port, controller_port
        self._port, self._controller_port = port, controller_port
        self._options = options or KafkaOptions()
        self._cache = cache or ArtifactCache()
        self._progress = progress
        self._lock: FolderLock | None = None
        self._server: SupervisedServer | None = None
        self._classes: ClassCache | None = None
        self._mutex = threading.RLock()

    # -- what it is ------------------------------------------------------------------------------------------

    @property
    def bootstrap_servers(self) -> str:
        """Address for clients, ``127.0.0.1:<port>``.

        Raises:
            EmbeddedError: The port is a free one and was not chosen yet: start first.
        """
        if not self._port:
            raise EmbeddedError("the embedded Kafka has no port before its first start")
        return f"{HOST}:{self._port}"

    @property
    def folder(self) -> Path:
        """Folder of data, configuration and logs.

        Raises:
            EmbeddedError: It is a temporary one and does not exist now.
        """
        if self._folder is None:
            raise EmbeddedError("the temporary folder of the embedded Kafka exists only while it runs")
        return self._folder

    @property
    def log_path(self) -> Path:
        """The broker's log."""
        return self.folder / "logs" / "kafka.log"

    @property
    def pid(self) -> int:
        """Process ID of the JVM.

        Raises:
            ServerStoppedError: It is not running.
        """
        return self._running_server().pid

    @property
    def running(self) -> bool:
        """Whether the JVM runs."""
        server = self._server
        return server is not None and server.running

    def check(self) -> None:
        """Makes sure that the broker still runs.

        Raises:
            DiskFullError: It ended because the disk is full.
            ServerStoppedError: It is not running for another reason.
        """
        self._running_server().check()

    def _running_server(self) -> SupervisedServer:
        if self._server is None:
            raise ServerStoppedError("the embedded Kafka", None, self._log_path_or_none(), "")
        return self._server

    def _log_path_or_none(self) -> Path:
        return self.log_path if self._folder is not None else Path("kafka.log")

    # -- life ------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Starts the broker and returns when a client can list its topics.

        Raises:
            ArtifactUnavailableError: The first start on a machine, and no network.
            ChecksumMismatchError: A jar is not the one in the lock file.
            DiskFullError: No space for the jars or the data.
            EmbeddedError: It is running already.
            FolderInUseError: Another broker uses the folder.
            MissingExtraError: ``foldlog[embedded]`` is not installed.
            PortInUseError: Another process has the port.
            StartFailedError: The broker ended for another reason.
            StartTimeoutError: It was not ready within ``start_timeout_s``.
        """
        with self._mutex:
            if self.running:
                raise EmbeddedError("the embedded Kafka is running already")
            self._release()
            try:
                self._start()
            except BaseException:
                self._release()
                raise

    def stop(self) -> None:
        """Stops the broker in order and deletes a temporary folder; does nothing when it is not running."""
        with self._mutex:
            self._release()
            if self._given_folder is None and self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder = None

    def stop_keeping_data(self) -> None:
        """As ``stop``, but keeps also a temporary folder, for another ``start``."""
        with self._mutex:
            self._release()

    def kill(self) -> None:
        """Ends the broker with SIGKILL, as a crash would; folder and port are kept for another ``start``."""
        with self._mutex:
            if self._server is not None:
                self._server.kill()
            self._release()

    # -- steps -----------------------------------------------------------------------------------------------

    def _start(self) -> None:
        java = java_executable()
        lock = packaged_lock()
        jars = self._cache.resolve(lock.artifacts(_SET), self._progress)
        self._take_folder()
        for port in (self._given_port, self._given_controller_port):
            if port:
                check_port(port)
        if self._options.fast_start:
            self._classes = ClassCache(self._cache.folder, _SET, lock.digest(_SET))
        for attempt in range(1, _PORT_ATTEMPTS + 1):
            self._choose_ports()
            try:
                self._launch(java, jars)
                return
            except PortInUseError:
                if attempt == _PORT_ATTEMPTS or (self._given_port and self._given_controller_port):
                    raise
                self._stop_server()
                self._port, self._controller_port = self._given_port, self._given_controller_port

    def _take_folder(self) -> None:
        try:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="foldlog-kafka-"))
            (self._folder / "logs").mkdir(parents=True, exist_ok=True)
            self._lock = FolderLock(self._folder, wait_s=self._options.stop_timeout_s + 5)
            check_space(self._folder)
        except OSError as error:
            raise _disk_full_or(error, self._folder) from error

    def _choose_ports(self) -> None:
        """Ports that were chosen before are kept while they are free: clients know the address."""
        if not self._port or not self._is_free(self._port):
            self._port = self._given_port or free_port()
        while not self._controller_port or self._controller_port == self._port:
            self._controller_port = self._given_controller_port or free_port()
        if not self._is_free(self._controller_port):
            self._controller_port = self._given_controller_port or free_port()

    @staticmethod
    def _is_free(port: int) -> bool:
        try:
            check_port(port)
        except PortInUseError:
            return False
        return True

    def _launch(self, java: Path, jars: Sequence[Path]) -> None:
        assert self._lock is not None
        try:
            self._write_configuration(self.folder / "data")
            if not (self.folder / "data").exists():
                self._format(java, jars)
        except OSError as error:
            raise _disk_full_or(error, self.folder) from error
        classes = self._classes.jvm_options() if self._classes else []
        command = self._jvm(java, jars, [*classes, *self._options.jvm_options], MAIN_CLASS)
        self._server = SupervisedServer(
            "the embedded Kafka",
            [*command, str(self.folder / "server.properties")],
            lock=self._lock,
            cwd=self.folder,
            console_log=self.folder / "logs" / "jvm.log",
            log=self.log_path,
            stop_timeout_s=self._options.stop_timeout_s,
        )
        try:
            self._server.await_ready(self._answers, self._options.start_timeout_s)
        except StartFailedError as error:
            if self._server.says("Address already in use"):
                taken = self._port if not self._is_free(self._port) else self._controller_port
                raise PortInUseError(taken) from error
            raise

    def _jvm(self, java: Path, jars: Sequence[Path], options: Sequence[str], main: str) -> list[str]:
        log4j = self.folder / "log4j2.properties"
        return jvm_command(java, jars, log4j, heap_mb=self._options.heap_mb, options=options, main=main)

    def _write_configuration(self, data: Path) -> None:
        properties = server_properties(
            data=data,
            port=self._port,
            controller_port=self._controller_port,
            overrides=self._options.properties,
        )
        (self.folder / "server.properties").write_text(render_properties(properties), encoding="ascii")
        log4j = render_properties(log4j_properties(self.log_path))
        (self.folder / "log4j2.properties").write_text(log4j, encoding="ascii")

    def _format(self, java: Path, jars: Sequence[Path]) -> None:
        """Writes a new data folder. It gets its name when it is complete: a crash leaves none or a whole one."""
        unfinished = self.folder / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        self._write_configuration(unfinished)
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # The quick compiler only: this process lives for less than a second.
        options = [*(self._classes.use_options() if self._classes else []), "-XX:TieredStopAtLevel=1"]
        command = self._jvm(java, jars, options, FORMAT_CLASS)
        arguments = ["format", "--cluster-id", f"{cluster_id}", "--config", str(self.folder / "server.properties")]
        done = subprocess.run(
            [*command, *arguments], capture_output=True, text=True, errors="replace", timeout=60, check=False
        )
        if done.returncode != 0:
            output = done.stdout + done.stderr
            if "No space left on device" in output:
                raise DiskFullError(self.folder)
            raise StartFailedError("formatting Kafka's folder", done.returncode, self.log_path, output[-4000:])
        self._write_configuration(self.folder / "data")
        unfinished.rename(self.folder / "data")

    def _answers(self) -> bool:
        """Whether this very broker, not another program on its port, lists topics."""
        admin = AdminClient(
            {
                "bootstrap.servers": self.bootstrap_servers,
                "reconnect.backoff.ms": 20,
                "reconnect.backoff.max.ms": 50,
                "log_level": 0,  # a refused connection is what is waited for, not news
            }
        )
        try:
            metadata = admin.list_topics(timeout=_PROBE_TIMEOUT_S)
        except KafkaException:
            return False
        return bool(metadata.brokers) and metadata.cluster_id == self._cluster_id()

    def _cluster_id(self) -> str:
        lines = (self.folder / "data" / "meta.properties").read_text(encoding="ascii").splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)["cluster.id"].replace("\\", "")

    def _stop_server(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            code = server.stop()
            if self._classes is not None:
                with contextlib.suppress(OSError):  # the cache of classes is a convenience
                    self._classes.keep_recording(complete=code in _CLEAN_EXIT_CODES)

    def _release(self) -> None:
        self._stop_server()
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()


def _disk_full_or(error: OSError, folder: Path | None) -> Exception:
    import errno

    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFullError(folder or Path(tempfile.gettempdir()))
    return error
