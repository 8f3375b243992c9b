"""Connections in a process that was forked off: they are refused there.

A fork copies the memory of librdkafka but not its threads (librdkafka's FAQ, "Forking"), so what is asked there would
never be sent, and nobody would say so.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from weakref import WeakMethod

_in_child: set[WeakMethod[Callable[[], None]]] = set()


def call_after_fork(method: Callable[[], None]) -> None:
    """Calls a method of an object in each process that is forked off this one, as long as the object is there."""
    _in_child.add(WeakMethod(method, _in_child.discard))


def _forked() -> None:
    for reference in list(_in_child):
        method = reference()
        if method is not None:
            method()


os.register_at_fork(after_in_child=_forked)
