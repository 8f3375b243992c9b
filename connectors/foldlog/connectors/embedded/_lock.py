"""The lock file of the jars: which Maven artifacts an embedded server consists of, byte for byte.

Owns the format of ``artifacts.lock.toml`` and the check of a file against it. Knows neither network nor cache.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path, PurePosixPath

from .exceptions import ChecksumMismatchError, LockFileError

FORMAT_VERSION = 1
LOCK_FILE_NAME = "artifacts.lock.toml"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_COORDINATE_PART = re.compile(r"[A-Za-z0-9_.\-]+")
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class LockedArtifact:
    """One file of a Maven repository.

    Attributes:
        coordinate: ``group:artifact:packaging:version`` or ``group:artifact:packaging:classifier:version``,
            the order that Maven itself prints.
        sha256: Lower-case hex digest of the file.
        size: Length of the file in bytes.
    """

    coordinate: str
    sha256: str
    size: int

    def __post_init__(self) -> None:
        parts = self.coordinate.split(":")
        if len(parts) not in (4, 5) or not all(_COORDINATE_PART.fullmatch(part) for part in parts):
            raise LockFileError(f"not a Maven coordinate: {self.coordinate!r}")
        if not _SHA256.fullmatch(self.sha256):
            raise LockFileError(f"{self.coordinate}: not a sha256: {self.sha256!r}")
        if self.size <= 0:
            raise LockFileError(f"{self.coordinate}: the size must be positive, not {self.size}")

    @property
    def group(self) -> str:
        """Maven group ID."""
        return self.coordinate.split(":")[0]

    @property
    def name(self) -> str:
        """Maven artifact ID."""
        return self.coordinate.split(":")[1]

    @property
    def packaging(self) -> str:
        """File extension: ``jar``, ``tar.gz``."""
        return self.coordinate.split(":")[2]

    @property
    def classifier(self) -> str:
        """Maven classifier, empty for the main file."""
        parts = self.coordinate.split(":")
        return parts[3] if len(parts) == 5 else ""

    @property
    def version(self) -> str:
        """Exact version; the lock file holds no ranges and no snapshots."""
        return self.coordinate.split(":")[-1]

    @property
    def relative_path(self) -> PurePosixPath:
        """Path in the layout of a Maven 2 repository."""
        suffix = f"-{self.classifier}" if self.classifier else ""
        file_name = f"{self.name}-{self.version}{suffix}.{self.packaging}"
        return PurePosixPath(*self.group.split("."), self.name, self.version, file_name)

    def verify(self, path: Path) -> None:
        """Reads the whole file and compares it with the lock.

        Raises:
            ChecksumMismatchError: It is another file, or a part of it.
        """
        actual = sha256_of(path)
        if actual != self.sha256:
            raise ChecksumMismatchError(self.coordinate, path, self.sha256, actual)


@dataclass(frozen=True, kw_only=True)
class ArtifactLock:
    """All artifact sets of the lock file, by the name of the server: ``kafka``, ``registry``."""

    sets: Mapping[str, tuple[LockedArtifact, ...]]

    def artifacts(self, set_name: str) -> tuple[LockedArtifact, ...]:
        """The files of one server, in class path order.

        Raises:
            LockFileError: There is no such set.
        """
        try:
            return self.sets[set_name]
        except KeyError:
            raise LockFileError(f"the lock file has no set {set_name!r}") from None

    def digest(self, set_name: str) -> str:
        """Short name of exactly these files in this order; caches made from them carry it."""
        text = "\n".join(f"{a.coordinate} {a.sha256}" for a in self.artifacts(set_name))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def sha256_of(path: Path) -> str:
    """Lower-case hex digest of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def parse_lock(text: str) -> ArtifactLock:
    """Reads the text of a lock file.

    Raises:
        LockFileError: It is no TOML, of another format version, or an entry is incomplete.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LockFileError(f"the lock file is not TOML: {error}") from error
    version = document.pop("format", None)
    if version != FORMAT_VERSION:
        raise LockFileError(f"the lock file has format {version!r}, this foldlog reads {FORMAT_VERSION}")
    sets: dict[str, tuple[LockedArtifact, ...]] = {}
    for name, entries in document.items():
        if not isinstance(entries, list) or not entries:
            raise LockFileError(f"the set {name!r} of the lock file is not a list of artifacts")
        sets[name] = tuple(_parse_entry(name, entry) for entry in entries)
        if len({artifact.coordinate for artifact in sets[name]}) != len(entries):
            raise LockFileError(f"the set {name!r} of the lock file names an artifact twice")
    return ArtifactLock(sets=sets)


def _parse_entry(set_name: str, entry: object) -> LockedArtifact:
    match entry:
        case {"coordinate": str(coordinate), "sha256": str(sha256), "size": int(size)}:
            return LockedArtifact(coordinate=coordinate, sha256=sha256, size=size)
    raise LockFileError(f"an entry of the set {set_name!r} lacks coordinate, sha256 or size: {entry!r}")


def render_lock(sets: Mapping[str, Sequence[LockedArtifact]]) -> str:
    """The text of a lock file; ``parse_lock`` reads it back."""
    lines = [
        "# Every file that the embedded servers run, with its sha256. Written by",
        "#   python -m foldlog.connectors.embedded lock",
        "# Nothing is run whose bytes are not listed here.",
        f"format = {FORMAT_VERSION}",
    ]
    for name, artifacts in sets.items():
        for artifact in artifacts:
            lines += [
                "",
                f"[[{name}]]",
                f'coordinate = "{artifact.coordinate}"',
                f'sha256 = "{artifact.sha256}"',
                f"size = {artifact.size}",
            ]
    return "\n".join(lines) + "\n"


def packaged_lock() -> ArtifactLock:
    """The lock file that this foldlog was released with.

    Raises:
        LockFileError: The installation is damaged.
    """
    try:
        text = resources.files(__package__).joinpath(LOCK_FILE_NAME).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise LockFileError(f"the installation lacks {LOCK_FILE_NAME}") from error
    return parse_lock(text)
