"""Where payloads stand in records and decisions: found once per class, then taken out and put back.

Those that belong together, such as arguments, come as one group: a codec may make fewer of them. One that stands alone
is a group of its own. This module knows the shapes only. Search attributes are never changed, since the read models
look into them, and headers only where that was asked for, since whoever reads them may not have the codec. What stands
for a field that is removed stays as well: the engine looks for it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from functools import cache
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from foldlog.core.fields import REMOVED_ENCODING
from foldlog.exceptions import PayloadConversionError
from foldlog.schemas.common import Payload
from msgspec import Struct

NEVER = frozenset({"search_attributes"})
HEADERS = frozenset({"header", "headers"})

Group = Sequence[Payload]


def collect(record: Any, headers: bool) -> list[Group]:
    """All payloads of a record, in a fixed order, those together that belong together."""
    found: list[Group] = []
    cls: Any = type(record)
    for name, kind in _places(cls, headers):
        value = getattr(record, name)
        if value:
            _collect(kind, value, found, headers)
    return found


def replaced(record: Any, groups: Iterator[Group], headers: bool) -> Any:
    """A copy of a record with other payloads, in the order of `collect`; what else it has is shared.

    Raises:
        PayloadConversionError: Several or no payloads are to stand where one does.
    """
    made = copy.copy(record)
    cls: Any = type(record)
    for name, kind in _places(cls, headers):
        value = getattr(record, name)
        if value:
            setattr(made, name, _replace(kind, value, groups, headers))
    return made


def heaviest(record: Any) -> str:
    """Name of the field whose payloads have the most bytes; empty if there are none."""
    cls: Any = type(record)
    sizes = {}
    for name, kind in _places(cls, True):
        value = getattr(record, name)
        if value:
            found: list[Group] = []
            _collect(kind, value, found, True)
            sizes[name] = sum(len(payload.data) for group in found for payload in group)
    return max(sizes, key=sizes.__getitem__, default="")


def _collect(kind: str, value: Any, found: list[Group], headers: bool) -> None:
    if kind == "payload":
        found.append((value,))
    elif kind == "payloads":
        found.append(value)
    elif kind == "map":
        found.extend((payload,) for payload in value.values() if payload.encoding != REMOVED_ENCODING)
    elif kind == "record":
        found.extend(collect(value, headers))
    else:
        for item in value:
            found.extend(collect(item, headers))


def _replace(kind: str, value: Any, groups: Iterator[Group], headers: bool) -> Any:
    if kind == "payload":
        return _single(next(groups))
    if kind == "payloads":
        return list(next(groups))
    if kind == "map":
        return {
            name: payload if payload.encoding == REMOVED_ENCODING else _single(next(groups))
            for name, payload in value.items()
        }
    if kind == "record":
        return replaced(value, groups, headers)
    return [replaced(item, groups, headers) for item in value]


def _single(group: Group) -> Payload:
    if len(group) == 1:
        return group[0]
    raise PayloadConversionError(f"{len(group)} payloads came of one that stands alone")


@cache
def _places(cls: Any, headers: bool) -> tuple[tuple[str, str], ...]:
    """Names of the fields of a class that hold payloads, and how."""
    return tuple(place for place in _all_places(cls) if headers or place[0] not in HEADERS)


@cache
def _all_places(cls: Any) -> tuple[tuple[str, str], ...]:
    if not issubclass(cls, Struct):
        return ()
    hints = get_type_hints(cls)
    kinds = ((name, _kind(hints[name], cls)) for name in cls.__struct_fields__ if name not in NEVER)
    return tuple((name, kind) for name, kind in kinds if kind)


def _kind(hint: Any, within: Any) -> str:
    if hint is Payload:
        return "payload"
    origin, args = get_origin(hint), get_args(hint)
    if origin is list:
        inner = _kind(args[0], within)
        return {"payload": "payloads", "record": "records"}.get(inner, "")
    if origin is dict:
        return "map" if args[1] is Payload else ""
    if NoneType in args:
        return next((kind for arg in args if arg is not NoneType and (kind := _kind(arg, within))), "")
    if isinstance(hint, type) and issubclass(hint, Struct):
        # One that holds itself, such as a failure its cause, is asked while it is looked at.
        return "record" if hint is within or _all_places(hint) else ""
    return ""
