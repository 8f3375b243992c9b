"""The type of the conversion tables that the generated record modules export."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Codecs = dict[type, tuple[str, Callable[[Any], dict[str, Any]], Callable[[dict[str, Any]], Any]]]
