"""What a start does where its workflow ID is in use: each policy with each state of the run that is there."""

from __future__ import annotations

from typing import Any

import pytest
from foldlog.core.start_policy import StartPolicy, start_policy
from foldlog.core.state import Run
from foldlog.schemas.command import SignalInput, StartWorkflow
from foldlog.schemas.event import WorkflowExecutionStarted

START, REJECT = StartPolicy.START, StartPolicy.REJECT
USE, TERMINATE = StartPolicy.USE_EXISTING, StartPolicy.TERMINATE_EXISTING
REUSE = ["ALLOW_DUPLICATE", "ALLOW_DUPLICATE_FAILED_ONLY", "REJECT_DUPLICATE", "TERMINATE_IF_RUNNING"]
CONFLICT = ["UNSPECIFIED", "FAIL", "USE_EXISTING", "TERMINATE_EXISTING"]


def policy(status: Any, **fields: Any) -> StartPolicy:
    run = Run("w", "r", WorkflowExecutionStarted(workflow_type="t", task_queue="q"), status=status)
    return start_policy(run, StartWorkflow(workflow_type="t", task_queue="q", **fields))


@pytest.mark.parametrize("conflict", CONFLICT)
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("COMPLETED", [START, REJECT, REJECT, START]),
        ("FAILED", [START, START, REJECT, START]),
        ("CANCELED", [START, START, REJECT, START]),
        ("TERMINATED", [START, START, REJECT, START]),
        ("TIMED_OUT", [START, START, REJECT, START]),
    ],
)
def test_where_it_is_closed_the_reuse_policy_says(status: str, expected: list[StartPolicy], conflict: str) -> None:
    found = [policy(status, id_reuse_policy=reuse, id_conflict_policy=conflict) for reuse in REUSE]
    assert found == expected


@pytest.mark.parametrize("reuse", REUSE)
@pytest.mark.parametrize("signal", [None, SignalInput(signal_name="s")])
def test_where_it_is_open_the_conflict_policy_says(reuse: str, signal: SignalInput | None) -> None:
    found = [policy("RUNNING", id_reuse_policy=reuse, id_conflict_policy=each, signal=signal) for each in CONFLICT]
    if reuse == "TERMINATE_IF_RUNNING":
        assert found == [TERMINATE, TERMINATE, USE, TERMINATE]
    else:
        assert found == [USE if signal else REJECT, REJECT, USE, TERMINATE]
