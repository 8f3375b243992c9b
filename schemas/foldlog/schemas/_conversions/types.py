"""The type of the conversion tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

NULL = ("null", None)
"""The null of a union. As for records, the tuple names the branch, which fastavro otherwise has to find."""

ToAvro = Callable[[Any], dict[str, Any]]
FromAvro = Callable[[dict[str, Any]], Any]

Conversions = dict[type[Struct], tuple[str, bytes, ToAvro, FromAvro]]
"""Record class to its full Avro name, frame header (empty: never framed), to fastavro's dict and from it."""

Usual = dict[type[Struct], tuple[Callable[[Any], bool], ToAvro, FromAvro]]
"""Record class with usual values to: whether a record has them all, and the conversions for then."""
