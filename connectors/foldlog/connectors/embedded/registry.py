"""A real schema registry as a child of a Python program: Apicurio Registry, which speaks Confluent's API.

Owns what is particular to Apicurio: how it is unpacked, what is run, and when a client can use it. Knows nothing of
foldlog's schemas.
"""

from __future__ import annotations

import http.client
import json
import shutil
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ._artifacts import ArtifactCache, Progress
from ._folders import writing_to
from ._ports import HOST
from ._server import EmbeddedServer
from .exceptions import EmbeddedError

_PROBE_TIMEOUT_S = 2.0
_RUNNER = "quarkus-run.jar"


@dataclass(frozen=True, kw_only=True)
class RegistryOptions:
    """Settings of an embedded registry that have good defaults.

    Attributes:
        heap_mb: Maximum heap of the JVM in MiB.
        start_timeout_s: Seconds until the registry must answer.
        stop_timeout_s: Seconds between SIGTERM and SIGKILL.
        fast_start: As in ``KafkaOptions``.
    """

    heap_mb: int = 512
    start_timeout_s: float = 180.0
    stop_timeout_s: float = 20.0
    fast_start: bool = True

    def __post_init__(self) -> None:
        if self.heap_mb < 128:
            raise ValueError(f"heap_mb must be at least 128, not {self.heap_mb}")
        if self.start_timeout_s <= 0 or self.stop_timeout_s <= 0:
            raise ValueError("start_timeout_s and stop_timeout_s must be positive")


class EmbeddedRegistry(EmbeddedServer):
    """One Apicurio Registry on 127.0.0.1, for development and tests.

    Schemas and their IDs are in the folder, so a second start on it finds them.

    Example:
        >>> with EmbeddedRegistry() as registry:  # doctest: +SKIP
        ...     client = SchemaRegistryClient({"url": registry.url})
    """

    _what = "the embedded schema registry"
    _artifact_set = "registry"
    _own_log = False

    def __init__(
        self,
        folder: str | Path | None = None,
        *,
        port: int = 0,
        options: RegistryOptions | None = None,
        cache: ArtifactCache | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Nothing is touched before ``start``.

        Args:
            folder: Where schemas and logs are kept. Without one, a temporary folder is used and deleted by ``stop``.
            port: Port for clients; 0 takes a free one at the first start and keeps it for later starts.
            options: Everything that has a good default.
            cache: Where the program is; default the user's cache folder.
            progress: Is told in one line what takes long.
        """
        self._options = options or RegistryOptions()
        super().__init__(
            folder,
            ports=(port,),
            start_timeout_s=self._options.start_timeout_s,
            stop_timeout_s=self._options.stop_timeout_s,
            fast_start=self._options.fast_start,
            cache=cache,
            progress=progress,
        )
        self._home = Path()

    @property
    def url(self) -> str:
        """Base URL for clients of Confluent's schema registry, version 7 of its API.

        Raises:
            EmbeddedError: The port is a free one and was not chosen yet: start first.
        """
        return f"http://{HOST}:{self._port(0)}/apis/ccompat/v7"

    def _install(self, files: Sequence[Path], digest: str) -> None:
        (archive,) = files
        self._home = self._cache.folder / "unpacked" / f"{self._artifact_set}-{digest}"
        if not (self._home / _RUNNER).exists():
            if self._progress:
                self._progress(f"unpacking {archive.name}")
            with writing_to(self._cache.folder, when_full="while unpacking the registry"):
                unpack(archive, self._home)

    def _prepare(self) -> None:
        """There is nothing to write: everything is on the command line."""

    def _command(self, java: Path, class_options: Sequence[str]) -> list[str]:
        settings = {
            "quarkus.http.host": HOST,
            "quarkus.http.port": str(self._port(0)),
            # Health and metrics; nobody asks for them here, so any port will do.
            "quarkus.management.host": HOST,
            "quarkus.management.port": "0",
            "quarkus.banner.enabled": "false",
            "quarkus.http.access-log.enabled": "false",
            "quarkus.otel.sdk.disabled": "true",
            "apicurio.datasource.url": f"jdbc:h2:file:{self.folder / 'data' / 'registry'}",
            # Twenty by default, each one a connection opened at the start.
            "apicurio.datasource.jdbc.initial-size": "1",
            "apicurio.datasource.jdbc.min-size": "1",
        }
        return [
            str(java),
            f"-Xmx{self._options.heap_mb}m",
            "-XX:+UseSerialGC",
            "-XX:+ExitOnOutOfMemoryError",
            *class_options,
            *(f"-D{name}={value}" for name, value in settings.items()),
            "-jar",
            str(self._home / _RUNNER),
        ]

    def _answers(self) -> bool:
        # No proxy: the environment may name one that does not know this machine's loopback.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{self.url}/subjects", timeout=_PROBE_TIMEOUT_S) as response:
                return isinstance(json.load(response), list)
        except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError):
            return False


def unpack(archive: Path, home: Path) -> None:
    """Unpacks a verified archive into a folder that gets its name when it is complete.

    Args:
        archive: A ``.tar.gz`` with the runner at its top.
        home: The folder to make. When another process makes it first, that one stays.

    Raises:
        EmbeddedError: The archive lacks the runner.
        OSError: The folder cannot be written.
    """
    home.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix="unpack-", dir=home.parent))
    try:
        with tarfile.open(archive) as tar:
            # As the documentation of tarfile advises for versions of Python from before the filters.
            tar.extraction_filter = getattr(tarfile, "data_filter", (lambda member, _path: member))
            tar.extractall(unfinished)
        if not (unfinished / _RUNNER).exists():
            raise EmbeddedError(f"{archive} does not contain {_RUNNER}")
        try:
            unfinished.rename(home)
        except OSError:
            if not (home / _RUNNER).exists():
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
