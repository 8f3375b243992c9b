"""Update handlers: the decorator, its validators, and what they note down. Running them is the runtime's."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any, Concatenate, Literal, ParamSpec, Protocol, TypeVar, overload

from foldlog.exceptions import DefinitionError
from foldlog.workflow._handlers import (
    HandlerUnfinishedPolicy,
    _HandlerDefinition,
    _name_of,
    handler_name,
)

__all__ = ["UpdateInfo", "UpdateMethodMultiParam", "current_update_info", "update"]

UPDATE_ATTRIBUTE = "__foldlog_update_definition__"

P = ParamSpec("P")
S = TypeVar("S")
R = TypeVar("R")
_R_co = TypeVar("_R_co", covariant=True)
_Self_co = TypeVar("_Self_co", covariant=True)
_Call_co = TypeVar("_Call_co", covariant=True)


@dataclass(frozen=True)
class UpdateInfo:
    """The update that an update handler runs for."""

    id: str
    """Its ID, unique within the run."""
    name: str
    """Its name."""


class UpdateMethodMultiParam(Protocol[P, _R_co]):
    """What `@workflow.update` makes of a method: the same method, which can be given a validator."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> _R_co | Awaitable[_R_co]:
        """Call the method."""

    def validator(self, vfunc: Callable[P, None]) -> Callable[P, None]:
        """Make a method the validator of this update.

        It takes the same arguments, must not be async and must change nothing. What it raises refuses the update, which
        then leaves no trace in the history.

        Raises:
            DefinitionError: It is async, or the update has a validator already.
        """


class _UpdateMethod(UpdateMethodMultiParam[Concatenate[_Self_co, P], _R_co], Protocol[_Self_co, P, _R_co, _Call_co]):
    """One that is declared in a class. On an object of it, it is a method as any other.

    One class for both async and other methods: where types are not known, mypy takes what overloads have in common.
    """

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> UpdateMethodMultiParam[Concatenate[_Self_co, P], _R_co]: ...
    @overload
    def __get__(self, instance: object, owner: type[Any]) -> Callable[P, _Call_co]: ...


class _Decorator(Protocol):
    @overload
    def __call__(
        self, fn: Callable[Concatenate[S, P], Awaitable[R]]
    ) -> _UpdateMethod[S, P, R, Coroutine[Any, Any, R]]: ...
    @overload
    def __call__(self, fn: Callable[Concatenate[S, P], R]) -> _UpdateMethod[S, P, R, R]: ...


@dataclass(frozen=True)
class UpdateDefinition(_HandlerDefinition):
    """What `@workflow.update` notes down."""

    unfinished_policy: HandlerUnfinishedPolicy = HandlerUnfinishedPolicy.WARN_AND_ABANDON
    validator: Callable[..., None] | None = None

    @property
    def takes_values(self) -> bool:
        """See base class. Updates came later than the older way."""
        return False

    @staticmethod
    def from_fn(fn: Callable[..., Any]) -> UpdateDefinition | None:
        """The definition of a decorated function."""
        return getattr(fn, UPDATE_ATTRIBUTE, None)

    @staticmethod
    def name_and_result_type(update: str | Callable[..., Any]) -> tuple[str, Any]:
        """The name that an update is sent by, and its result type (None if unknown).

        Raises:
            DefinitionError: The function has no `@workflow.update`, or is a dynamic handler.
        """
        name = _name_of(update, UPDATE_ATTRIBUTE, "update")
        definition = None if isinstance(update, str) else UpdateDefinition.from_fn(update)
        return name, None if definition is None else definition.signature.result_type

    def set_validator(self, validator: Callable[..., None]) -> Callable[..., None]:
        """Note down the validator, which is declared below the handler.

        Raises:
            DefinitionError: It is async, or there is one already.
        """
        check_validator(validator, self.label)
        if self.validator is not None:
            raise DefinitionError(f"update {self.label!r} has two validators")
        object.__setattr__(self, "validator", validator)
        return validator

    def bind_validator(self, instance: object) -> Callable[..., None] | None:
        """The validator to call for a workflow object; None: there is none."""
        if self.validator is None or not self.is_method:
            return self.validator
        bound: Callable[..., None] = self.validator.__get__(instance)
        return bound


def check_validator(validator: Callable[..., None], label: str) -> None:
    """Make sure that a function can be a validator.

    Raises:
        DefinitionError: It is async: nobody would await it, and every update would be taken.
    """
    if inspect.iscoroutinefunction(validator):
        raise DefinitionError(f"the validator of update {label!r} is async: it must answer at once, it cannot wait")


@overload
def update(fn: Callable[Concatenate[S, P], Awaitable[R]]) -> _UpdateMethod[S, P, R, Coroutine[Any, Any, R]]: ...
@overload
def update(fn: Callable[Concatenate[S, P], R]) -> _UpdateMethod[S, P, R, R]: ...
@overload
def update(
    *,
    name: str | None = None,
    unfinished_policy: HandlerUnfinishedPolicy = HandlerUnfinishedPolicy.WARN_AND_ABANDON,
    description: str | None = None,
) -> _Decorator: ...
@overload
def update(
    *,
    dynamic: Literal[True],
    unfinished_policy: HandlerUnfinishedPolicy = HandlerUnfinishedPolicy.WARN_AND_ABANDON,
    description: str | None = None,
) -> _Decorator: ...
def update(
    fn: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    dynamic: bool = False,
    unfinished_policy: HandlerUnfinishedPolicy = HandlerUnfinishedPolicy.WARN_AND_ABANDON,
    description: str | None = None,
) -> Any:
    """Make a method the handler of an update: a message that changes the workflow, and whose sender gets an answer.

    It may be async; then it runs as a task beside `run`. A failure that it raises fails the update and nothing else.
    `@<method>.validator` below it makes another method its validator. A method that overrides one with this decorator
    must have it too.

    Args:
        fn: The method.
        name: Name of the update; the method's name if not given.
        dynamic: Takes every update that has no handler of its own; its parameters are the update's name and a
            `Sequence[RawValue]`.
        unfinished_policy: What happens when the workflow ends while it runs. The sender gets an error then.
        description: One line for people.

    Raises:
        DefinitionError: Name and dynamic were both given, or the method cannot take arguments by position.
    """

    def decorate(fn: Callable[..., Any]) -> Any:
        definition = UpdateDefinition(
            name=handler_name(fn, "update", name, dynamic),
            fn=fn,
            is_method=True,
            description=description,
            unfinished_policy=unfinished_policy,
        )
        setattr(fn, UPDATE_ATTRIBUTE, definition)
        fn.validator = partial(UpdateDefinition.set_validator, definition)  # type: ignore[attr-defined]  # added here
        return fn

    return decorate if fn is None else decorate(fn)


_current: ContextVar[UpdateInfo | None] = ContextVar("foldlog_current_update", default=None)


def set_current_update_info(info: UpdateInfo) -> None:
    """Note down, for the running context, which update it runs for. For foldlog itself."""
    _current.set(info)


def current_update_info() -> UpdateInfo | None:
    """The update that the calling code runs for: in its handler, its validator and tasks that those started.

    None elsewhere.
    """
    return _current.get()


def update_log_extra() -> Mapping[str, str]:
    """What log records of an update handler carry besides the workflow. For foldlog itself."""
    info = _current.get()
    return {} if info is None else {"update_id": info.id, "update_name": info.name}
