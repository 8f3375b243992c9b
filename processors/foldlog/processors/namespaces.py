"""The other namespaces that commands are sent to, and whether they can be.

A transaction that holds a record for a topic that is not there, or that this processor may not write, fails each time
it is tried. So it is asked for beforehand, and what came of it is remembered for a while.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from foldlog.processors.partition import NotNow
from foldlog.transport.admin import why_unwritable
from foldlog.transport.config import KafkaConfig
from foldlog.transport.errors import BrokerUnreachableError, ConfigurationError, TransportError
from foldlog.transport.topics import Topics

THERE_SECONDS = 60.0
"""How long a namespace that was there is taken to be there. Deleting one is rare, and done by hand."""
MISSING_SECONDS = 2.0
"""How long one that was not there is taken to be missing."""


class Namespaces:
    """What is known of other namespaces."""

    def __init__(self, config: KafkaConfig, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._config = config
        self._clock = clock
        self._known: dict[str, tuple[float, str | None]] = {}
        """Until when it counts, and why nothing can be sent there."""

    def unreachable(self, namespace: str) -> str | None:
        """Why no command can be sent to a namespace; None: it can.

        Raises:
            NotNow: Kafka could not be asked.
        """
        now = self._clock()
        until, why = self._known.get(namespace, (0.0, None))
        if now >= until:
            why = self._ask(namespace)
            self._known[namespace] = (now + (THERE_SECONDS if why is None else MISSING_SECONDS), why)
        return why

    def _ask(self, namespace: str) -> str | None:
        try:
            return why_unwritable(self._config, Topics(namespace).commands)
        except ConfigurationError as error:
            return str(error)
        except BrokerUnreachableError as error:
            raise NotNow(f"namespace {namespace!r}: {error}") from error
        except TransportError as error:
            return f"namespace {namespace!r} cannot be used: {error}"
