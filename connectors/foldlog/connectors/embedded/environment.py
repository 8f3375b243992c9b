"""The broker to use: the one that the environment names, or an embedded one.

Owns the meaning of KAFKA_BOOTSTRAP_SERVERS. Everything that needs some Kafka and does not care which asks here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ._artifacts import Progress
from ._kafka_config import KafkaOptions
from .kafka import EmbeddedKafka

BOOTSTRAP_VARIABLE = "KAFKA_BOOTSTRAP_SERVERS"


def configured_bootstrap_servers() -> str | None:
    """What KAFKA_BOOTSTRAP_SERVERS says, or None where it is unset or empty."""
    return os.environ.get(BOOTSTRAP_VARIABLE, "").strip() or None


@contextmanager
def broker_from_environment(
    folder: str | Path | None = None,
    *,
    port: int = 0,
    options: KafkaOptions | None = None,
    progress: Progress | None = None,
) -> Iterator[str]:
    """Gives the bootstrap servers of a broker for as long as the block runs.

    With KAFKA_BOOTSTRAP_SERVERS set it gives that value, starts nothing and connects to nothing; otherwise it runs an
    ``EmbeddedKafka`` and stops it at the end. The arguments are those of ``EmbeddedKafka``.

    Raises:
        EmbeddedError: An embedded broker is needed and cannot be had; ``EmbeddedKafka.start`` lists the reasons.
    """
    configured = configured_bootstrap_servers()
    if configured is not None:
        yield configured
        return
    with EmbeddedKafka(folder, port=port, options=options, progress=progress) as kafka:
        yield kafka.bootstrap_servers
