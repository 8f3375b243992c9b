"""The cache of verified artifacts.

Owns the folder that jars are kept in between runs, and the promise that no path leaves it whose bytes were not
compared with the lock file. Knows nothing of what the jars do. Several processes may use one cache at once: every
file appears in it by an atomic rename, complete and verified, and one of them at a time downloads.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from filelock import FileLock, Timeout

from ._folders import writing_to
from ._lock import LockedArtifact
from .exceptions import MissingExtraError

CACHE_VARIABLE = "FOLDLOG_CACHE"
_DOWNLOAD_LOCK = "download.lock"
_PARALLEL_DOWNLOADS = 4

Progress = Callable[[str], None]
"""Is told, in one line for people, what a slow first start is doing."""


def default_cache_folder() -> Path:
    """FOLDLOG_CACHE, or the user's cache folder as the platform defines it."""
    configured = os.environ.get(CACHE_VARIABLE, "").strip()
    if configured:
        return Path(configured)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "foldlog"
    base = os.environ.get("XDG_CACHE_HOME", "").strip()
    return (Path(base) if base else Path.home() / ".cache") / "foldlog"


class ArtifactCache:
    """Keeps verified artifacts in Maven's layout under ``<folder>/maven``."""

    def __init__(self, folder: Path | None = None, *, repository: str | None = None) -> None:
        """Args:
        folder: Where to keep files; default ``default_cache_folder()``.
        repository: URL of the Maven repository; default FOLDLOG_MAVEN_REPOSITORY or Maven Central.
        """
        self.folder = (folder or default_cache_folder()).absolute()
        self._repository = repository

    def resolve(self, artifacts: Sequence[LockedArtifact], progress: Progress | None = None) -> list[Path]:
        """Gives the paths of artifacts, in the same order; downloads those that are missing.

        A file that was verified before is not read again as long as its size and modification time stay the same.

        Raises:
            ArtifactUnavailableError: A file is missing and cannot be downloaded.
            ChecksumMismatchError: A file in the cache, or one just downloaded, is not the one in the lock.
            DiskFullError: No space for the download.
            FolderUnusableError: A download is needed and the cache cannot be written to.
            MissingExtraError: A download is needed and jgo is not installed.
        """
        if self._missing(artifacts):
            self._download_missing(artifacts, progress)
        return [self.path_of(artifact) for artifact in artifacts]

    def path_of(self, artifact: LockedArtifact) -> Path:
        """Where an artifact is kept, whether or not it is there yet."""
        return self.folder / "maven" / artifact.relative_path

    def _missing(self, artifacts: Sequence[LockedArtifact]) -> list[LockedArtifact]:
        return [artifact for artifact in artifacts if not self._is_cached(artifact)]

    def _is_cached(self, artifact: LockedArtifact) -> bool:
        path = self.path_of(artifact)
        try:
            stat = path.stat()
        except FileNotFoundError:
            return False
        verified = {"sha256": artifact.sha256, "size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
        note = _note_path(path)
        if _read_note(note) != verified:
            artifact.verify(path)
            with contextlib.suppress(OSError):  # a cache that cannot be written to is verified each time
                _write_atomically(note, json.dumps(verified))
        return True

    def _download_missing(self, artifacts: Sequence[LockedArtifact], progress: Progress | None) -> None:
        """Downloads what is missing, unless another process just does: then waits, and takes what that one left."""
        try:
            from ._maven import repository_url
        except ImportError as error:
            raise MissingExtraError(error.name or "jgo") from error
        with writing_to(self.folder, when_full="while downloading jars"):
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._alone(progress):
                if missing := self._missing(artifacts):
                    self._download_all(missing, self._repository or repository_url(), progress)

    @contextlib.contextmanager
    def _alone(self, progress: Progress | None) -> Iterator[None]:
        """One process at a time: its lock is the operating system's, so that of a killed one is free."""
        lock = FileLock(self.folder / _DOWNLOAD_LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if progress:
                progress("waiting for another program, which is downloading the same files")
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _download_all(self, missing: Sequence[LockedArtifact], repository: str, progress: Progress | None) -> None:
        if progress:
            megabytes = sum(artifact.size for artifact in missing) / 1e6
            progress(f"downloading {len(missing)} files ({megabytes:.0f} MB) from {repository}")
        with ExitStack() as stack:
            staging = Path(tempfile.mkdtemp(prefix="download-", dir=self.folder))
            stack.callback(shutil.rmtree, staging, ignore_errors=True)
            pool = stack.enter_context(ThreadPoolExecutor(_PARALLEL_DOWNLOADS, "foldlog-download"))
            stack.callback(pool.shutdown, wait=True, cancel_futures=True)
            futures = [pool.submit(self._download_one, each, staging, repository) for each in missing]
            for future in futures:
                future.result()

    def _download_one(self, artifact: LockedArtifact, staging: Path, repository: str) -> None:
        from ._maven import download

        # jgo writes straight to the final name. In a private folder a half-written file harms nobody.
        path = download(artifact, staging, repository)
        artifact.verify(path)
        target = self.path_of(artifact)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)
        stat = target.stat()
        verified = {"sha256": artifact.sha256, "size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
        _write_atomically(_note_path(target), json.dumps(verified))


def _note_path(path: Path) -> Path:
    return path.with_name(path.name + ".verified")


def _read_note(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def _write_atomically(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(prefix=path.name, dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, path)
