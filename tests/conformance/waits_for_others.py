"""Kinds of wait for other workflows: children in each way, and those of a namespace where nobody is there yet."""

from __future__ import annotations

from tests.conformance.party import Party, Wait, attempts
from tests.conformance.scenarios import SOON


async def tell_the_kid(party: Party, id: str) -> None:
    await party.tell(f"{id}-kid", "told")


async def kid_is_canceled(party: Party, id: str) -> None:
    await party.has(id, "ChildWorkflowExecutionStarted")
    await party.has(f"{id}-kid", "WorkflowExecutionCancelRequested")


async def kid_runs(party: Party, id: str) -> None:
    await party.has(id, "ChildWorkflowExecutionStarted")


async def kid_has_a_second_run(party: Party, id: str) -> None:
    await kid_runs(party, id)
    await attempts(party, f"{id}-kid")


async def terminate_the_kid(party: Party, id: str) -> None:
    await party.handle(f"{id}-kid").terminate("enough", rpc_timeout=SOON)


async def terminate_the_kid_that_goes_on(party: Party, id: str) -> None:
    """The schedule of a child goes on, and its parent waits for all of its runs."""
    await attempts(party, f"{id}-kid")
    await terminate_the_kid(party, id)


async def cancel_the_kid_that_has_not_begun(party: Party, id: str) -> None:
    await party.has(id, "StartChildWorkflowExecutionInitiated")
    await party.tell(id, "told")
    await party.has(id, "RequestCancelExternalWorkflowExecutionInitiated")


async def tell_the_kid_elsewhere(party: Party, id: str) -> None:
    await party.elsewhere.get_workflow_handle(f"{id}-kid").signal("tell", "told", rpc_timeout=SOON)


WAITS = [
    Wait("child", "ChildWorkflowExecutionStarted", "told", tell_the_kid),
    Wait("canceled_child", kid_is_canceled, "CancelledError", tell_the_kid),
    Wait("child_elsewhere", "StartChildWorkflowExecutionInitiated", "elsewhere", about="elsewhere"),
    Wait(
        "signal_elsewhere",
        "SignalExternalWorkflowExecutionInitiated",
        "ExternalWorkflowExecutionNotFound",
        about="elsewhere",
    ),
    Wait(
        "cancel_elsewhere",
        "RequestCancelExternalWorkflowExecutionInitiated",
        "ExternalWorkflowExecutionNotFound",
        about="elsewhere",
    ),
    Wait("end_of_child", kid_runs, ["ApplicationError", "RETRY_POLICY_NOT_SET"], tell_the_kid, about="failing"),
    Wait("end_of_child", kid_runs, ["TerminatedError", "NON_RETRYABLE_FAILURE"], terminate_the_kid, about="condition"),
    Wait("end_of_child", kid_has_a_second_run, 2, about="retried"),
    Wait(
        "end_of_child",
        kid_runs,
        ["TerminatedError", "NON_RETRYABLE_FAILURE"],
        terminate_the_kid_that_goes_on,
        about="cron",
    ),
    Wait(
        "canceled_child_elsewhere",
        cancel_the_kid_that_has_not_begun,
        "CancelledError",
        tell_the_kid_elsewhere,
        about="elsewhere",
    ),
]
