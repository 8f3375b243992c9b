"""What the options of `foldlog worker run` about versions come to."""

from __future__ import annotations

import pytest
from foldlog.cli.worker import _versioning

from tests.versions import OrderOne, pack_one


@pytest.mark.parametrize(("only", "expected"), [(None, [OrderOne, pack_one]), ("workflows", [OrderOne])])
def test_earlier_activities_come_along_unless_only_workflows_are_wanted(
    only: str | None, expected: list[object]
) -> None:
    earlier = ("1=tests.versions:OrderOne", "1=tests.versions:pack_one")
    options = {"deployment": "shop", "build_id": "2", "versioning": "pinned", "earlier": earlier}
    assert _versioning(options, only)["earlier_versions"] == {"1": expected}
