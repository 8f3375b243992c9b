"""Whether threads are threads: where a library puts its own in their place, ours would wait for each other for ever."""

from __future__ import annotations

import sys

from foldlog.transport.errors import ConfigurationError


def require_threads() -> None:
    """Whether gevent has left threads and queues as they are.

    Raises:
        ConfigurationError: It has not.
    """
    monkey = sys.modules.get("gevent.monkey")
    if monkey is not None and any(monkey.is_module_patched(name) for name in ("threading", "queue")):
        raise ConfigurationError(
            "gevent has replaced Python's threads, in which Kafka is spoken to: call"
            " gevent.monkey.patch_all(thread=False, queue=False)"
        )
