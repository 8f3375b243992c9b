"""The order of a parallel run (`make test`). A run by hand keeps pytest's own."""

from __future__ import annotations

from pathlib import Path

import pytest

_UNIT = Path(__file__).parent / "unit"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a worker of pytest-xdist: long modules first, unit tests last.

    Modules are handed out whole and in this order. A long one that came last would run alone, with idle workers beside
    it; unit tests are short grains that fill up the end. How long a module may take its timeout says.
    """
    if not hasattr(config, "workerinput"):
        return
    limits: dict[Path, float] = {}
    for item in items:
        limits[item.path] = max(limits.get(item.path, 0.0), _limit(item))
    items.sort(key=lambda item: (_UNIT in item.path.parents, -limits[item.path]))


def _limit(item: pytest.Item) -> float:
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0] if marker else item.config.getini("timeout"))
