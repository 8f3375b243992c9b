"""What the options of `foldlog worker run` about versions come to."""

from __future__ import annotations

import pytest
from foldlog.cli._errors import CliError
from foldlog.cli.worker import _versioning

from tests.versions import OrderOne, pack_one


@pytest.mark.parametrize(("only", "expected"), [(None, [OrderOne, pack_one]), ("workflows", [OrderOne])])
def test_earlier_activities_come_along_unless_only_workflows_are_wanted(
    only: str | None, expected: list[object]
) -> None:
    earlier = ("1=tests.versions:OrderOne", "1=tests.versions:pack_one")
    options = {"deployment": "shop", "build_id": "2", "default_versioning_behavior": "pinned", "earlier": earlier}
    assert _versioning(options, only)["earlier_versions"] == {"1": expected}


def earlier_of(*earlier: str) -> object:
    options = {"deployment": "shop", "build_id": "2", "default_versioning_behavior": "pinned", "earlier": earlier}
    return _versioning(options, None)["earlier_versions"]


def test_what_one_earlier_module_imports_from_another_is_there_once() -> None:
    """As workflows import the activities that they call."""
    assert earlier_of("1=tests.versions:pack_one", "1=tests.versions:OrderOne", "1=tests.versions:pack_one") == {
        "1": [OrderOne, pack_one]
    }


def test_earlier_code_is_made_of_definitions() -> None:
    with pytest.raises(CliError, match=r"1=tests\.unit\.cli\.test_worker:earlier_of: name definitions"):
        earlier_of("1=tests.unit.cli.test_worker:earlier_of")
    with pytest.raises(CliError, match="must be BUILD_ID=MODULE"):
        earlier_of("tests.versions")
