"""Writes the lock file anew: what a maintainer does to move to another version of a server.

Owns which Maven artifacts each server is resolved from. Needs the network and ``foldlog[embedded]``.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from ._lock import LOCK_FILE_NAME, render_lock
from ._maven import Root, repository_url, resolve_for_lock

_ROOTS = {
    "kafka": (
        # Not 4.3.0 to 4.4.0: when a partition has no leader for a moment, as after a crash of the only broker, they end
        # its transactions without a marker in the log, and its readers wait for ever (KAFKA-20734).
        Root(group="org.apache.kafka", name="kafka_2.13", version="4.2.2", transitive=True),
        # Kafka logs through slf4j and leaves the choice of what is behind it to the distribution.
        # The version is that of the log4j-core which Kafka's own dependencies resolve to.
        Root(group="org.apache.logging.log4j", name="log4j-slf4j-impl", version="2.25.5"),
    ),
    "registry": (
        Root(
            group="io.apicurio",
            name="apicurio-registry-app",
            version="3.3.3",
            classifier="all",
            packaging="tar.gz",
        ),
    ),
}


def write_lock(path: Path | None = None) -> Path:
    """Resolves every server's artifacts, downloads them and writes their checksums.

    Args:
        path: The file to write; default the one inside the package.

    Returns:
        The path written.
    """
    target = path or Path(__file__).with_name(LOCK_FILE_NAME)
    repository = repository_url()
    with tempfile.TemporaryDirectory(prefix="foldlog-lock-") as folder:
        sets = {name: resolve_for_lock(roots, Path(folder), repository) for name, roots in _ROOTS.items()}
    target.write_text(render_lock(sets), encoding="utf-8")
    return target
