"""The type of the conversion tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

NULL = ("null", None)
"""The null of a union. As for records, the tuple names the branch, which fastavro otherwise has to find."""

Conversions = dict[type, tuple[str, bytes, Callable[[Any], dict[str, Any]], Callable[[dict[str, Any]], Any]]]
"""Record class to its full Avro name, frame header (empty: never framed), to fastavro's dict and from it."""

Usual = dict[type, tuple[Callable[[Any], bool], Callable[[Any], dict[str, Any]], Callable[[dict[str, Any]], Any]]]
"""Record class with usual values to: whether a record has them all, and the conversions for then."""
