"""Whether options have the types that they are declared with, so that a wrong one is named and not stumbled over later.

Owns how a type hint is checked, and said in words. A hint that it does not know fits anything: what an option means is
for its owner to check. Knows no option.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import timedelta
from enum import Enum
from functools import lru_cache
from importlib import import_module
from typing import Any, TypeVar, Union, get_args, get_origin

from foldlog.exceptions import ConfigurationError

_WORDS: dict[Any, str] = {
    None: "None",
    types.NoneType: "None",
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    str: "a str",
    timedelta: "a timedelta (as in timedelta(seconds=30))",
}
_ANYTHING = "something else"
_SHOWN = 80
"""Characters of a wrong value that a message shows."""


def check_arguments(function: Callable[..., Any], values: Mapping[str, Any], **late: str) -> None:
    """Check what a function was called with against its annotations; defaults are taken for right, and so is `self`.

    Args:
        function: Whose parameters they are. Its module has `from __future__ import annotations`.
        values: By name; other names are left to others.
        **late: Modules of the names in annotations that the function's own module knows for type checkers only.

    Raises:
        ConfigurationError: One has another type; the message names it and says which it must have.
    """
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD or parameter.annotation is parameter.empty:
            continue
        if name in values and values[name] is not parameter.default:
            check_option(name, values[name], _evaluated(function, parameter.annotation, late))


def check_option(name: str, value: Any, hint: Any) -> None:
    """Check one option.

    Args:
        name: As users write it.
        value: What was given.
        hint: Its type.

    Raises:
        ConfigurationError: It has another type.
    """
    if _fits(value, hint):
        return
    shown = repr(value)
    shown = shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"
    raise ConfigurationError(f"{name} must be {_words(hint)}, not {shown}", option=name)


def _evaluated(function: Callable[..., Any], annotation: str, late: Mapping[str, str]) -> Any:
    known = vars(inspect.getmodule(function))
    missing = {name: module for name, module in late.items() if name in annotation}
    return eval(annotation, known, {name: getattr(import_module(module), name) for name, module in missing.items()})


def _fits(value: Any, hint: Any) -> bool:
    # Nearly all values are of just one of the classes; options are checked at each call of a client.
    if type(value) in _classes(hint):
        return True
    origin = get_origin(hint)
    if hint is Any:
        return True
    if origin in (Union, types.UnionType):
        return any(_fits(value, each) for each in get_args(hint))
    if hint is None or value is None:
        return value is None and hint in (None, types.NoneType)
    if hint in (int, float):
        return isinstance(value, (int, float) if hint is float else int) and not isinstance(value, bool)
    if origin is None:
        return _fits_class(value, hint)
    return _fits_generic(value, origin, get_args(hint))


@lru_cache
def _classes(hint: Any) -> frozenset[type]:
    """The classes whose very own instances fit a hint."""
    parts = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    return frozenset(each for each in parts if isinstance(each, type) and get_origin(each) is None)


def _fits_generic(value: Any, origin: Any, arguments: tuple[Any, ...]) -> bool:
    if origin is type:
        return isinstance(value, type)
    if origin is Callable:
        return callable(value)
    if not isinstance(origin, type):
        return True
    if issubclass(origin, Iterable) and not issubclass(origin, Mapping):
        # Any iterable does where a sequence is wanted, but a text is hardly meant for its letters.
        if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
            return False
        return not isinstance(value, Collection) or all(_fits(each, arguments[0]) for each in value)
    return isinstance(value, origin)


def _fits_class(value: Any, hint: Any) -> bool:
    if not isinstance(hint, type) or typing.is_typeddict(hint):
        return True
    if getattr(hint, "_is_protocol", False):
        return all(hasattr(value, name) for name in vars(hint) if not name.startswith("_"))
    return isinstance(value, hint)


def _words(hint: Any) -> str:
    if isinstance(hint, TypeVar) or hint is Any:
        return _ANYTHING
    if hint in _WORDS:
        return _WORDS[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(_words(each) for each in arguments)
    if type in (origin, hint):
        return "a class"
    if origin is Callable:
        return "a function"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "a mapping"
    if isinstance(origin, type) and issubclass(origin, Iterable) and arguments:
        each = _words(arguments[0])
        return "a list" if each == _ANYTHING else f"a list, with {each} for each element"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return "one of " + ", ".join(f"{hint.__name__}.{each.name}" for each in hint)
    name = str(getattr(origin or hint, "__name__", hint))
    return f"{'an' if name[0] in 'AEIO' else 'a'} {name}"
