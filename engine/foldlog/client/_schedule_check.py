"""Whether a schedule is made of what it is declared with. Names what is not, before anything is sent.

Knows the types of fields only; what a value means is checked where it is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from enum import IntEnum
from functools import cache
from typing import Any, get_args, get_type_hints

from foldlog._option_types import check_option


def check_parts(name: str, value: Any, hint: Any) -> None:
    """Check a value, and where it is of a dataclass, or a sequence of some, all that is in it.

    Args:
        name: As users would write it, such as `schedule.spec`.
        value: What was given.
        hint: Its type.

    Raises:
        ConfigurationError: A part has another type; the message names it and says which it must have.
    """
    if type(value) is int and any(value in list(each) for each in (hint, *get_args(hint)) if _is_policy(each)):
        return  # the numbers are Temporal's, and programs write them
    check_option(name, value, hint)
    if is_dataclass(value) and not isinstance(value, type):
        hints = _hints(type(value))
        for each in fields(value):
            if (part := hints.get(each.name)) is not None and hasattr(value, each.name):
                check_parts(f"{name}.{each.name}", getattr(value, each.name), part)
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for index, each in enumerate(value):
            if is_dataclass(each):
                check_parts(f"{name}[{index}]", each, (get_args(hint) or (Any,))[0])


def _is_policy(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, IntEnum)


@cache
def _hints(cls: type) -> dict[str, Any]:
    # Only its own parts are looked into: what users pass to a workflow is theirs.
    return get_type_hints(cls) if cls.__module__.startswith("foldlog.client.") else {}
