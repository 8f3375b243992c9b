"""The headers of a record as found. Knows nothing of what is in them, and imports no Kafka library."""

from __future__ import annotations

import logging
from operator import methodcaller
from typing import Any, Protocol

logger = logging.getLogger(__name__)

_headers = methodcaller("headers")
"""Not called in Python: that call is made without a look at whether an exception is left over, which would then come up
in whatever is called next."""


class HasHeaders(Protocol):
    """A record as a Kafka client hands it over."""

    def headers(self) -> Any: ...


def headers_of(record: HasHeaders) -> list[tuple[str, Any]]:
    """Names and values; none where a name is no text.

    Kafka's header names are UTF-8, but no broker looks at them, and clients in C write any bytes. confluent-kafka then
    returns a list and leaves an exception behind, which becomes a SystemError: one such record must not end whoever
    meets it.
    """
    try:
        return list(_headers(record) or [])
    except (SystemError, UnicodeDecodeError):
        logger.warning("a record has headers whose names are not UTF-8: they are left out")
        return []
