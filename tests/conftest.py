"""What holds for all tests: patience with a busy machine, loggers, and the order of a parallel run (`make test`).

By hand the order is pytest's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from foldlog import activity, workflow
from hypothesis import HealthCheck, settings

# How fast examples are made says what else the machine does, and is nothing that a test is about.
settings.register_profile("foldlog", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("foldlog")

_UNIT = Path(__file__).parent / "unit"


@pytest.fixture(autouse=True)
def _loggers_are_as_they_were() -> Iterator[None]:
    """Commands that run in a test's process configure the process."""
    yield
    activity.logger.activity_info_on_message = True
    workflow.logger.workflow_info_on_message = True


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a worker of pytest-xdist: long modules first, unit tests last, and of those the modules with few tests.

    Modules are handed out whole and in this order. A long one that came last would run alone, with idle workers beside
    it; small ones of unit tests are short grains that fill up the end. How long a module may take its timeout says.
    """
    if not hasattr(config, "workerinput"):
        return
    limits: dict[Path, float] = {}
    for item in items:
        limits[item.path] = max(limits.get(item.path, 0.0), _limit(item))
    sizes = Counter(item.path for item in items)
    items.sort(key=lambda item: (_UNIT in item.path.parents, -limits[item.path], -sizes[item.path], item.path))


def _limit(item: pytest.Item) -> float:
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0] if marker else item.config.getini("timeout"))
