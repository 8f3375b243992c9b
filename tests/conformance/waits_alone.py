"""Kinds of wait of an activity that has no workflow."""

from __future__ import annotations

from typing import Any

import pytest
from foldlog.client import ActivityFailureError
from foldlog.common import RetryPolicy
from foldlog.exceptions import ApplicationError

from tests.conformance.party import Party, Wait
from tests.conformance.scenarios import SOON
from tests.conformance.waiting_parts import AWHILE, LATER, QUEUE, fail_once, leave_open, work
from tests.until import until_asked


async def begin_alone(party: Party, id: str) -> None:
    await party.client.start_activity(
        leave_open, id=id, task_queue=QUEUE, start_to_close_timeout=AWHILE * 20, rpc_timeout=SOON
    )


async def begin_alone_and_fail(party: Party, id: str) -> None:
    again = RetryPolicy(initial_interval=AWHILE)
    await party.client.start_activity(
        fail_once, id=id, task_queue=QUEUE, start_to_close_timeout=AWHILE, retry_policy=again, rpc_timeout=SOON
    )


async def runs_alone(party: Party, id: str) -> None:
    await alone_is(party, id, "STARTED")


async def backs_off_alone(party: Party, id: str) -> None:
    await alone_is(party, id, "BACKOFF")


async def alone_is(party: Party, id: str, state: str) -> None:
    async def there() -> bool:
        found = (await party.client.get_activity_handle(id).describe()).run_state
        return found is not None and found.name == state

    await until_asked(there, f"the activity {id} is {state}")


async def complete_alone(party: Party, id: str) -> None:
    handle = party.client.get_async_activity_handle(activity_id=id, run_id=None)
    await handle.complete("from outside", rpc_timeout=SOON)


async def alone(party: Party, id: str) -> Any:
    return await party.client.get_activity_handle(id).result(rpc_timeout=SOON)


async def begin_unclaimed(party: Party, id: str) -> None:
    await party.client.start_activity(work, id=id, task_queue=LATER, start_to_close_timeout=AWHILE, rpc_timeout=SOON)


async def unclaimed(party: Party, id: str) -> None:
    await alone_is(party, id, "SCHEDULED")


async def pause_alone(party: Party, id: str) -> None:
    """It is told to stop, and what follows is held back."""
    await runs_alone(party, id)
    await party.client.get_activity_handle(id).pause(reason="later")
    await alone_is(party, id, "PAUSE_REQUESTED")
    await party.client.get_async_activity_handle(activity_id=id, run_id=None).fail(ApplicationError("stopped"))
    await alone_is(party, id, "PAUSED")


async def unpause_alone(party: Party, id: str) -> None:
    await alone_is(party, id, "PAUSED")
    await party.client.get_activity_handle(id).unpause()
    await runs_alone(party, id)
    await complete_alone(party, id)


async def cancel_alone(party: Party, id: str) -> None:
    await runs_alone(party, id)
    await party.client.get_activity_handle(id).cancel(reason="enough")
    await alone_is(party, id, "CANCEL_REQUESTED")


async def report_alone(party: Party, id: str) -> None:
    await alone_is(party, id, "CANCEL_REQUESTED")
    await party.client.get_async_activity_handle(activity_id=id, run_id=None).report_cancellation()


async def canceled_alone(party: Party, id: str) -> str:
    with pytest.raises(ActivityFailureError) as failed:
        await alone(party, id)
    return type(failed.value.cause).__name__


WAITS = [
    Wait("activity_alone", runs_alone, "from outside", complete_alone, begin=begin_alone, outcome=alone),
    Wait("activity_alone", backs_off_alone, 2, begin=begin_alone_and_fail, outcome=alone),
    Wait("activity_alone", unclaimed, "worked", begin=begin_unclaimed, outcome=alone),
    Wait("activity_alone", pause_alone, "from outside", unpause_alone, begin=begin_alone, outcome=alone),
    Wait("activity_alone", cancel_alone, "CancelledError", report_alone, begin=begin_alone, outcome=canceled_alone),
]
