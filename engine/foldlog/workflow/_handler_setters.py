"""Handlers that workflow code sets while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from foldlog.workflow._runtime import current

__all__ = [
    "all_handlers_finished",
    "get_dynamic_query_handler",
    "get_dynamic_signal_handler",
    "get_dynamic_update_handler",
    "get_query_handler",
    "get_signal_handler",
    "get_update_handler",
    "set_dynamic_query_handler",
    "set_dynamic_signal_handler",
    "set_dynamic_update_handler",
    "set_query_handler",
    "set_signal_handler",
    "set_update_handler",
]

Handler = Callable[..., Any]


def get_signal_handler(name: str) -> Handler | None:
    """The handler of a signal; None if there is none of that name."""
    return current().handler("signal", name)


def set_signal_handler(name: str, handler: Handler | None) -> None:
    """Set the handler of a signal, or remove it with None. Signals that were kept for it come at once, in order.

    Raises:
        ReadOnlyContextError: A query handler called it; so do all setters here.
    """
    current().set_handler("signal", name, handler)


def get_dynamic_signal_handler() -> Handler | None:
    """The handler of signals that have none of their own; None if there is none."""
    return current().handler("signal", None)


def set_dynamic_signal_handler(handler: Handler | None) -> None:
    """Set the handler of signals that have none of their own, or remove it with None. All that were kept come at once.

    Args:
        handler: Takes the signal's name and a `Sequence[RawValue]`.
    """
    current().set_handler("signal", None, handler)


def get_query_handler(name: str) -> Handler | None:
    """The handler of a query; None if there is none of that name."""
    return current().handler("query", name)


def set_query_handler(name: str, handler: Handler | None) -> None:
    """Set the handler of a query, or remove it with None.

    Raises:
        ValueError: The handler is async.
    """
    current().set_handler("query", name, handler)


def get_dynamic_query_handler() -> Handler | None:
    """The handler of queries that have none of their own; None if there is none."""
    return current().handler("query", None)


def set_dynamic_query_handler(handler: Handler | None) -> None:
    """Set the handler of queries that have none of their own, or remove it with None.

    Args:
        handler: Takes the query's name and a `Sequence[RawValue]`.
    """
    current().set_handler("query", None, handler)


def get_update_handler(name: str) -> Handler | None:
    """The handler of an update; None if there is none of that name."""
    return current().handler("update", name)


def set_update_handler(name: str, handler: Handler | None, *, validator: Callable[..., None] | None = None) -> None:
    """Set the handler of an update, or remove it with None.

    Args:
        name: The update.
        handler: Takes its arguments; what it returns, or raises, is the answer. May be async.
        validator: Called before, with the same arguments; what it raises refuses the update.

    Raises:
        DefinitionError: The validator is async.
    """
    current().set_update_handler(name, handler, validator)


def get_dynamic_update_handler() -> Handler | None:
    """The handler of updates that have none of their own; None if there is none."""
    return current().handler("update", None)


def set_dynamic_update_handler(handler: Handler | None, *, validator: Callable[..., None] | None = None) -> None:
    """Set the handler of updates that have none of their own, or remove it with None.

    Args:
        handler: Takes the update's name and a `Sequence[RawValue]`.
        validator: Called before, with the same arguments; what it raises refuses the update.

    Raises:
        DefinitionError: The validator is async.
    """
    current().set_update_handler(None, handler, validator)


def all_handlers_finished() -> bool:
    """Whether no handler of a signal or update is running. To be awaited before the end: see `wait_condition`."""
    return current().all_handlers_finished()
