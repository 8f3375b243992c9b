"""What makes a function an activity: its decorator, and what can be read from a function that has it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, TypeVar, get_args, get_origin, get_type_hints, overload

from foldlog.common import RawValue
from foldlog.exceptions import DefinitionError

CallableType = TypeVar("CallableType", bound=Callable[..., Any])

_ATTRIBUTE = "__foldlog_activity_definition"
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@overload
def defn(fn: CallableType) -> CallableType: ...
@overload
def defn(
    *, name: str | None = None, no_thread_cancel_exception: bool = False
) -> Callable[[CallableType], CallableType]: ...
@overload
def defn(*, no_thread_cancel_exception: bool = False, dynamic: bool) -> Callable[[CallableType], CallableType]: ...
def defn(
    fn: CallableType | None = None,
    *,
    name: str | None = None,
    no_thread_cancel_exception: bool = False,
    dynamic: bool = False,
) -> Any:
    """Make a function an activity.

    The function may be async or not. Decorate a class to make its `__call__` the activity, and a method to make one
    of that; an object of the class, or the method of an object, is then given to the worker.

    Args:
        fn: The function, where the decorator is used without parentheses.
        name: Name of the activity; that of the function if not given. It is in the history of each workflow that uses
            it, so keep it when the function is renamed.
        no_thread_cancel_exception: Whether cancellation must not raise an exception in the thread of a function that
            is not async. It can then be seen with `is_cancelled` only.
        dynamic: Whether this activity is run for all names that the worker has no activity for. It takes one
            parameter, `Sequence[RawValue]`; `info().activity_type` says which was meant.

    Raises:
        DefinitionError: It cannot be an activity; the message says why.
    """

    def decorate(fn: CallableType) -> CallableType:
        if dynamic and name is not None:
            raise DefinitionError("an activity has either a name or dynamic=True", option="name")
        if not isinstance(name, str | None):
            raise DefinitionError(f"the name of an activity must be a str, not {name!r}", option="name")
        if name == "":
            raise DefinitionError("the name of an activity must not be empty", option="name")
        own_name = None if dynamic else name or _name_of(fn)
        definition = Definition(name=own_name, fn=fn, no_thread_cancel_exception=no_thread_cancel_exception)
        _check(definition)
        setattr(fn, _ATTRIBUTE, definition)
        return fn

    return decorate if fn is None else decorate(fn)


def is_definition(value: object) -> bool:
    """Whether it is an activity that can be given to a worker.

    False for a decorated class, and for a method taken from a class: a worker needs their object.
    """
    definition = Definition.from_callable(value) if callable(value) else None
    return definition is not None and not definition.is_unbound


@dataclass(frozen=True)
class Definition:
    """An activity as the worker and the workflow runtime see it."""

    name: str | None
    """Its name; None: dynamic."""
    fn: Callable[..., Any]
    """The function, or the class or object with `__call__`."""
    no_thread_cancel_exception: bool = False

    @staticmethod
    def from_callable(fn: Callable[..., Any]) -> Definition | None:
        """What `@activity.defn` has noted of a function; None if it was not decorated.

        For the method of an object, and for an object with `__call__`, `Definition.fn` is what was given.
        """
        definition = getattr(fn.func if isinstance(fn, partial) else fn, _ATTRIBUTE, None)
        # Some objects have every attribute that one asks for.
        if not isinstance(definition, Definition):
            return None
        return definition if definition.fn is fn else replace(definition, fn=fn)

    @staticmethod
    def must_from_callable(fn: Callable[..., Any]) -> Definition:
        """As `from_callable`.

        Raises:
            DefinitionError: It was not decorated.
        """
        definition = Definition.from_callable(fn)
        if definition is None:
            name = getattr(fn, "__qualname__", None) or repr(fn)
            raise DefinitionError(f"{name} is not an activity: decorate it with @activity.defn")
        return definition

    @property
    def dynamic(self) -> bool:
        """Whether it is run for all names that the worker has no activity for."""
        return self.name is None

    @property
    def is_async(self) -> bool:
        """Whether calling it gives a coroutine."""
        return _is_async(self.fn)

    @property
    def is_unbound(self) -> bool:
        """Whether an object is missing: it is a class, or a method that was taken from the class."""
        return isinstance(self.fn, type) or _leading_self(self.fn)

    @cached_property
    def arg_types(self) -> tuple[Any, ...]:
        """The type of each argument, with `Annotated` kept; None where there is no annotation.

        Raises:
            DefinitionError: An annotation names something that cannot be found.
        """
        hints = self._hints
        return tuple(hints.get(parameter.name) for parameter in _parameters(self.fn) if parameter.kind in _POSITIONAL)

    @cached_property
    def ret_type(self) -> Any:
        """The type of the result; None where there is no annotation, NoneType for `-> None`.

        Raises:
            DefinitionError: An annotation names something that cannot be found.
        """
        return self._hints.get("return")

    @cached_property
    def _hints(self) -> dict[str, Any]:
        # Late, so that a function may use types that are defined below it.
        function = _function(self.fn)
        try:
            return get_type_hints(function, include_extras=True)
        except Exception as error:
            raise DefinitionError(
                f"type hints of {function.__qualname__} cannot be resolved: {error} (is the type defined inside of a"
                " function, or imported only for type checkers?)"
            ) from error


def _name_of(fn: Any) -> str:
    name = getattr(fn, "__name__", None)
    if not isinstance(name, str) or name == "<lambda>":
        raise DefinitionError(f"{fn!r} has no name of its own: give one with @activity.defn(name=…)", option="name")
    return name


def _check(definition: Definition) -> None:
    fn = definition.fn
    called = _name_of(fn) if definition.name is None else definition.name
    if not callable(fn) or (isinstance(fn, type) and "__call__" not in dir(fn)):
        raise DefinitionError(f"activity {called}: {fn!r} cannot be called")
    function = _function(fn)
    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
        raise DefinitionError(f"activity {called} is a generator: return one result instead")
    parameters = _parameters(fn)
    for parameter in parameters:
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and parameter.default is inspect.Parameter.empty:
            raise DefinitionError(
                f"activity {called}: parameter {parameter.name} is keyword-only, but arguments come by position"
            )
    if definition.dynamic:
        positional = [parameter for parameter in parameters if parameter.kind in _POSITIONAL]
        if len(positional) != 1 or len(parameters) != 1 or not _is_raw_values(definition.arg_types[0]):
            raise DefinitionError(f"dynamic activity {called} must have one parameter, of type Sequence[RawValue]")


def _is_raw_values(hint: Any) -> bool:
    origin = get_origin(hint)
    return isinstance(origin, type) and issubclass(origin, Sequence) and get_args(hint) == (RawValue,)


def _function(fn: Any) -> Any:
    """The function that has the annotations."""
    if isinstance(fn, partial):
        return _function(fn.func)
    if isinstance(fn, staticmethod):
        return fn.__func__
    if inspect.isfunction(fn) or inspect.ismethod(fn) or inspect.isbuiltin(fn):
        return fn
    return fn.__call__


def _is_async(fn: Any) -> bool:
    return inspect.iscoroutinefunction(_function(fn))


def _leading_self(fn: Any) -> bool:
    if not inspect.isfunction(fn):
        return False
    first = next(iter(inspect.signature(fn).parameters.values()), None)
    return first is not None and first.name == "self"


def _parameters(fn: Any) -> list[inspect.Parameter]:
    """The parameters that a caller fills: without `self`."""
    if isinstance(fn, partial):
        return list(inspect.signature(fn).parameters.values())
    function = _function(fn)
    parameters = list(inspect.signature(function).parameters.values())
    return parameters[1:] if isinstance(fn, type) or _leading_self(function) else parameters
