"""What the arguments and the result of a user's function are, read from its annotations."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, get_args, get_origin, get_type_hints

from foldlog.common import RawValue
from foldlog.exceptions import DefinitionError

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True, slots=True)
class Signature:
    """Types of a function that is called with converted payloads."""

    arg_types: tuple[Any, ...]
    """One for each positional parameter; Any where there is no annotation."""
    result_type: Any
    """None where there is no annotation; NoneType for `-> None`."""
    required: int
    """Arguments without a default."""
    variadic: bool
    """Whether it takes `*args`."""

    def accepts(self, count: int) -> bool:
        """Whether it can be called with so many arguments."""
        return self.required <= count and (self.variadic or count <= len(self.arg_types))

    def expected(self) -> str:
        """How many arguments it takes, in words."""
        most = len(self.arg_types)
        if self.variadic:
            return f"at least {self.required}"
        return str(most) if most == self.required else f"{self.required} to {most}"


def signature_of(fn: Callable[..., Any], *, method: bool) -> Signature:
    """Read a function's annotations.

    Args:
        fn: The function.
        method: Whether its first parameter is `self` and comes from elsewhere.

    Raises:
        DefinitionError: An annotation names something that cannot be found.
    """
    try:
        hints = get_type_hints(fn, include_extras=True)
    except Exception as error:
        raise DefinitionError(
            f"type hints of {fn.__qualname__} cannot be resolved: {error} (is the type defined inside of a function, "
            "or imported only for type checkers?)"
        ) from error
    parameters = list(inspect.signature(fn).parameters.values())[1 if method else 0 :]
    positional = [parameter for parameter in parameters if parameter.kind in _POSITIONAL]
    return Signature(
        arg_types=tuple(hints.get(parameter.name, Any) for parameter in positional),
        result_type=hints.get("return"),
        required=sum(parameter.default is inspect.Parameter.empty for parameter in positional),
        variadic=any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in parameters),
    )


def keyword_only(fn: Callable[..., Any]) -> list[str]:
    """Names of the parameters that payloads cannot fill."""
    return [
        parameter.name
        for parameter in inspect.signature(fn).parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and parameter.default is inspect.Parameter.empty
    ]


def is_raw_values(hint: Any) -> bool:
    """Whether a type is `Sequence[RawValue]`, the one of `collections.abc` or that of `typing`."""
    return get_origin(hint) is Sequence and get_args(hint) == (RawValue,)
