"""Signal and query handlers: the decorators and what they note down. Running them is the runtime's."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any, Literal, TypeVar, overload

from foldlog.exceptions import DefinitionError
from foldlog.workflow._signature import Signature, keyword_only, signature_of

__all__ = ["HandlerUnfinishedPolicy", "query", "signal"]

SIGNAL_ATTRIBUTE = "__foldlog_signal_definition__"
QUERY_ATTRIBUTE = "__foldlog_query_definition__"

SignalFn = TypeVar("SignalFn", bound=Callable[..., Awaitable[None] | None])
QueryFn = TypeVar("QueryFn", bound=Callable[..., Any])


class HandlerUnfinishedPolicy(Enum):
    """What happens when a workflow ends while an async handler of it is still running."""

    WARN_AND_ABANDON = 1
    """A warning is issued, and the handler goes no further."""
    ABANDON = 2
    """The handler goes no further."""


@dataclass(frozen=True)
class _HandlerDefinition:
    name: str | None
    """None: it takes all messages that no other handler takes."""
    fn: Callable[..., Any]
    is_method: bool
    description: str | None = None

    @cached_property
    def signature(self) -> Signature:
        """Its types; resolved late, since names that annotations use may be defined below the class."""
        return signature_of(self.fn, method=self.is_method)

    @cached_property
    def takes_values(self) -> bool:
        """Whether a dynamic one takes its arguments converted, as `*args`: the older way, which warns."""
        return self.name is None and self.signature.variadic and len(self.signature.arg_types) == 1

    @cached_property
    def is_async(self) -> bool:
        """Whether it is declared with `async def`."""
        return inspect.iscoroutinefunction(self.fn)

    @property
    def label(self) -> str:
        """Its name, for messages to people."""
        return self.name or "<dynamic>"

    def bind(self, instance: object) -> Callable[..., Any]:
        """The function to call for a workflow object."""
        if not self.is_method:
            return self.fn
        bound: Callable[..., Any] = self.fn.__get__(instance)
        return bound


@dataclass(frozen=True)
class SignalDefinition(_HandlerDefinition):
    """What `@workflow.signal` notes down."""

    unfinished_policy: HandlerUnfinishedPolicy = HandlerUnfinishedPolicy.WARN_AND_ABANDON

    @staticmethod
    def from_fn(fn: Callable[..., Any]) -> SignalDefinition | None:
        """The definition of a decorated function."""
        return getattr(fn, SIGNAL_ATTRIBUTE, None)

    @staticmethod
    def name_of(signal: str | Callable[..., Any]) -> str:
        """The name that a signal is sent by.

        Raises:
            DefinitionError: The function has no `@workflow.signal`, or is a dynamic handler.
        """
        return _name_of(signal, SIGNAL_ATTRIBUTE, "signal")


@dataclass(frozen=True)
class QueryDefinition(_HandlerDefinition):
    """What `@workflow.query` notes down."""

    @staticmethod
    def from_fn(fn: Callable[..., Any]) -> QueryDefinition | None:
        """The definition of a decorated function."""
        return getattr(fn, QUERY_ATTRIBUTE, None)

    @staticmethod
    def name_of(query: str | Callable[..., Any]) -> str:
        """The name that a query is sent by.

        Raises:
            DefinitionError: The function has no `@workflow.query`, or is a dynamic handler.
        """
        return _name_of(query, QUERY_ATTRIBUTE, "query")


def _name_of(handler: str | Callable[..., Any], attribute: str, kind: str) -> str:
    if isinstance(handler, str):
        return handler
    definition: _HandlerDefinition | None = getattr(handler, attribute, None)
    if definition is None:
        raise DefinitionError(f"{getattr(handler, '__qualname__', handler)!s} has no @workflow.{kind}")
    if definition.name is None:
        raise DefinitionError(f"{handler.__qualname__} is a dynamic {kind} handler: give the {kind}'s name instead")
    return definition.name


def handler_name(fn: Callable[..., Any], kind: str, name: str | None, dynamic: bool) -> str | None:
    """The name to note down for a handler; None for a dynamic one.

    Raises:
        DefinitionError: Both a name and `dynamic` were given, or the function cannot be a handler.
    """
    if name is not None and dynamic:
        raise DefinitionError(f"@workflow.{kind}: give either name or dynamic, not both")
    if not callable(fn):
        raise DefinitionError(f"@workflow.{kind} is for functions, not for {fn!r}")
    unfit = keyword_only(fn)
    if unfit:
        raise DefinitionError(
            f"{kind} handler {fn.__qualname__} has keyword-only parameters ({', '.join(unfit)}): "
            "arguments are passed by position"
        )
    return None if dynamic else name or fn.__name__


@overload
def signal(fn: SignalFn) -> SignalFn: ...
@overload
def signal(
    *,
    name: str | None = None,
    unfinished_policy: HandlerUnfinishedPolicy = HandlerUnfinishedPolicy.WARN_AND_ABANDON,
    description: str | None = None,
) -> Callable[[SignalFn], SignalFn]: ...
@overload
def signal(
    *,
    dynamic: Literal[True],
    unfinished_policy: HandlerUnfinishedPolicy = HandlerUnfinishedPolicy.WARN_AND_ABANDON,
    description: str | None = None,
) -> Callable[[SignalFn], SignalFn]: ...
def signal(
    fn: SignalFn | None = None,
    *,
    name: str | None = None,
    dynamic: bool = False,
    unfinished_policy: HandlerUnfinishedPolicy = HandlerUnfinishedPolicy.WARN_AND_ABANDON,
    description: str | None = None,
) -> SignalFn | Callable[[SignalFn], SignalFn]:
    """Make a method the handler of a signal.

    It may be async; then it runs as a task beside `run`. What it returns is ignored. A method that overrides one with
    this decorator must have it too.

    Args:
        fn: The method.
        name: Name of the signal; the method's name if not given.
        dynamic: Takes every signal that has no handler of its own; its parameters are the signal's name and a
            `Sequence[RawValue]`.
        unfinished_policy: What happens when the workflow ends while it runs.
        description: One line for people.

    Raises:
        DefinitionError: Name and dynamic were both given, or the method cannot take arguments by position.
    """
    bare = fn is not None

    def decorate(fn: SignalFn) -> SignalFn:
        definition = SignalDefinition(
            name=handler_name(fn, "signal", name, dynamic),
            fn=fn,
            is_method=True,
            description=description,
            unfinished_policy=unfinished_policy,
        )
        setattr(fn, SIGNAL_ATTRIBUTE, definition)
        _warn_of_variadic(fn, "signal", dynamic, stacklevel=3 if bare else 2)
        return fn

    return decorate if fn is None else decorate(fn)


@overload
def query(fn: QueryFn) -> QueryFn: ...
@overload
def query(*, name: str | None = None, description: str | None = None) -> Callable[[QueryFn], QueryFn]: ...
@overload
def query(*, dynamic: Literal[True], description: str | None = None) -> Callable[[QueryFn], QueryFn]: ...
def query(
    fn: QueryFn | None = None,
    *,
    name: str | None = None,
    dynamic: bool = False,
    description: str | None = None,
) -> QueryFn | Callable[[QueryFn], QueryFn]:
    """Make a method the handler of a query.

    It must change nothing, can decide nothing and cannot wait; so there is no use in making it async, and doing so
    warns. A method that overrides one with this decorator must have it too.

    Args:
        fn: The method.
        name: Name of the query; the method's name if not given.
        dynamic: Takes every query that has no handler of its own; its parameters are the query's name and a
            `Sequence[RawValue]`.
        description: One line for people.

    Raises:
        DefinitionError: Name and dynamic were both given, or the method cannot take arguments by position.
    """
    bare = fn is not None

    def decorate(fn: QueryFn) -> QueryFn:
        setattr(fn, QUERY_ATTRIBUTE, query_definition(fn, name, dynamic, description, is_method=True))
        if inspect.iscoroutinefunction(fn):
            warnings.warn(
                f"query handler {fn.__qualname__} is async: a query is answered at once, it cannot wait",
                DeprecationWarning,
                stacklevel=3 if bare else 2,
            )
        _warn_of_variadic(fn, "query", dynamic, stacklevel=3 if bare else 2)
        return fn

    return decorate if fn is None else decorate(fn)


def query_definition(
    fn: Callable[..., Any], name: str | None, dynamic: bool, description: str | None = None, *, is_method: bool
) -> QueryDefinition:
    """The definition of a query handler.

    Raises:
        DefinitionError: As `query`.
    """
    return QueryDefinition(
        name=handler_name(fn, "query", name, dynamic), fn=fn, is_method=is_method, description=description
    )


def _warn_of_variadic(fn: Callable[..., Any], kind: str, dynamic: bool, *, stacklevel: int) -> None:
    """Say so where a dynamic handler takes `*args`, and so is given values converted without type hints."""
    if dynamic and inspect.getfullargspec(fn).varargs is not None:
        warnings.warn(
            f"dynamic {kind} handler {fn.__qualname__} takes *args: take a Sequence[RawValue] instead",
            DeprecationWarning,
            stacklevel=stacklevel + 1,
        )
