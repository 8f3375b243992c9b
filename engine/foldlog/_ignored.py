"""Options of Temporal's SDK that have nothing to act on here: accepted, so that code moves over, and not in silence."""

from __future__ import annotations

import logging
from collections.abc import Iterable


def note_ignored(whose: str, options: Iterable[str], known: type, log: logging.Logger) -> None:
    """Log the options that are ignored.

    Args:
        whose: What has been given them, for people.
        options: Their names.
        known: A TypedDict of those that Temporal's SDK has.
        log: Where to, at level DEBUG.

    Raises:
        TypeError: Temporal's SDK has no such option either.
    """
    for name in options:
        if name not in known.__annotations__:
            raise TypeError(f"{whose} has no option {name}")
        log.debug("%s: the option %s has no meaning on Kafka and is ignored", whose, name)
