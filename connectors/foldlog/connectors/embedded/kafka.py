"""A real Apache Kafka as a child of a Python program.

Owns what is particular to Kafka: how a folder is formatted, what is run, and when a client can use it. Knows nothing of
foldlog's topics.
"""

from __future__ import annotations

import base64
import shutil
import subprocess
import uuid
from collections.abc import Sequence
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from ._artifacts import ArtifactCache, Progress
from ._kafka_config import (
    FORMAT_CLASS,
    MAIN_CLASS,
    KafkaOptions,
    jvm_command,
    log4j_properties,
    render_properties,
    server_properties,
)
from ._ports import HOST
from ._process import java_executable
from ._server import EmbeddedServer
from .exceptions import DiskFullError, StartFailedError

_PROBE_TIMEOUT_S = 2.0
_FORMAT_TIMEOUT_S = 180.0
_METADATA_LOG = "__cluster_metadata-0"
"""What a broker that has run leaves in its folder, and below, what one that was stopped in order does."""
_CLEAN_SHUTDOWN = ".kafka_cleanshutdown"


class EmbeddedKafka(EmbeddedServer):
    """One Kafka broker on 127.0.0.1, for development and tests.

    Use it as a context manager, or call ``start`` and ``stop``. It can be started again after a stop, on the same port
    and, where a folder was given, with the data of before.

    Example:
        >>> with EmbeddedKafka() as kafka:  # doctest: +SKIP
        ...     producer = Producer({"bootstrap.servers": kafka.bootstrap_servers})
    """

    _what = "the embedded Kafka"
    _artifact_set = "kafka"
    _own_log = True

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
        self._options = options or KafkaOptions()
        super().__init__(
            folder,
            ports=(port, controller_port),
            start_timeout_s=self._options.start_timeout_s,
            stop_timeout_s=self._options.stop_timeout_s,
            fast_start=self._options.fast_start,
            cache=cache,
            progress=progress,
        )
        self._jars: Sequence[Path] = ()

    @property
    def bootstrap_servers(self) -> str:
        """Address for clients, ``127.0.0.1:<port>``.

        Raises:
            EmbeddedError: The port is a free one and was not chosen yet: start first.
        """
        return f"{HOST}:{self._port(0)}"

    def _install(self, files: Sequence[Path], digest: str) -> None:
        self._jars = files

    def _prepare(self) -> None:
        data = self.folder / "data"
        (self.folder / "log4j2.properties").write_text(
            render_properties(log4j_properties(self.log_path)), encoding="ascii"
        )
        if not data.exists():
            self._format(data)
        self._write_server_properties(data)

    def _write_server_properties(self, data: Path) -> Path:
        client_port, controller_port = self._ports
        properties = server_properties(
            data=data,
            port=client_port,
            controller_port=controller_port,
            overrides=self._options.properties,
            crashed=(data / _METADATA_LOG).exists() and not (data / _CLEAN_SHUTDOWN).exists(),
        )
        path = self.folder / "server.properties"
        path.write_text(render_properties(properties), encoding="ascii")
        return path

    def _format(self, data: Path) -> None:
        """Makes the data folder. It gets its name when it is complete: a crash leaves none or a whole one."""
        assert self._lock is not None
        unfinished = data.with_name("data.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        properties = self._write_server_properties(unfinished)
        # A leading hyphen would be taken for an option; Kafka's own generator of cluster IDs avoids it too.
        cluster_id = "f" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]
        # The quick compiler only: this process lives for less than a second.
        options = [*(self._classes.use_options() if self._classes else []), "-XX:TieredStopAtLevel=1"]
        done = subprocess.run(
            [
                *self._jvm(java_executable(), options, FORMAT_CLASS),
                *("format", "--cluster-id", cluster_id, "--config", str(properties)),
            ],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_FORMAT_TIMEOUT_S,
            pass_fds=[self._lock.fd],  # should this program be killed now, the folder is in use until that ends
            check=False,
        )
        if done.returncode != 0:
            output = done.stdout + done.stderr
            if "No space left on device" in output:
                raise DiskFullError(self.folder)
            raise StartFailedError("formatting Kafka's folder", done.returncode, self.log_path, output[-4000:])
        unfinished.rename(data)

    def _command(self, java: Path, class_options: Sequence[str]) -> list[str]:
        options = [*class_options, *self._options.jvm_options]
        return [*self._jvm(java, options, MAIN_CLASS), str(self.folder / "server.properties")]

    def _jvm(self, java: Path, options: Sequence[str], main: str) -> list[str]:
        log4j = self.folder / "log4j2.properties"
        return jvm_command(java, self._jars, log4j, heap_mb=self._options.heap_mb, options=options, main=main)

    def _answers(self) -> bool:
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
        return dict(line.split("=", 1) for line in lines if "=" in line)["cluster.id"]
