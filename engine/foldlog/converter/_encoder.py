"""A `json.JSONEncoder` that knows what foldlog writes as JSON, to be derived from by encoders of one's own."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from typing import Any

import msgspec
from foldlog.converter import _pydantic


class AdvancedJSONEncoder(json.JSONEncoder):
    """Also writes dataclasses, pydantic models, dates, UUIDs, enums, bytes and collections of any kind.

    `JSONPlainPayloadConverter(encoder=…)` takes a class derived from it. Given as it is, it is not used at all: msgspec
    writes the same, faster.
    """

    def default(self, o: Any) -> Any:
        """What to write in the place of a value that JSON does not have.

        Raises:
            TypeError: It is of an unknown type.
        """
        if is_dataclass(o) and not isinstance(o, type):
            # Not their fields' values: those may be of types that only a class derived from this one knows.
            return {field.name: getattr(o, field.name) for field in fields(o)}
        if _pydantic.is_model(o):
            return o.model_dump(mode="json", by_alias=True)
        try:
            return msgspec.to_builtins(o, builtin_types=())
        except TypeError:
            pass
        if hasattr(o, "__iter__") and not isinstance(o, type):
            return list(o)
        return super().default(o)
