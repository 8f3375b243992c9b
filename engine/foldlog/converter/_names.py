"""How types are called in messages."""

from __future__ import annotations

import re
from typing import Any

_MODULE = re.compile(r"\b(?:[A-Za-z_]\w*\.|<locals>\.)+(?=[A-Za-z_])")


def type_name(hint: Any) -> str:
    """A type hint as people write it, without modules: `list[Order]`, `str | None`."""
    if isinstance(hint, type) and not hasattr(hint, "__origin__"):
        return hint.__qualname__.rpartition(".")[2]
    return _MODULE.sub("", str(hint))
