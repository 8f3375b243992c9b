"""Events of a run, read page by page, on request until it ends.

Knows nothing of a handle: what to ask is all it takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING

from foldlog.client._interceptor import FetchWorkflowHistoryEventsInput, WorkflowHistoryEventFilterType
from foldlog.client._pages import Pages
from foldlog.core.fold import is_closing
from foldlog.schemas import command, reply
from foldlog.schemas.records import Event

if TYPE_CHECKING:
    from foldlog.client._asking import Asking

_FIRST_WAIT_SECONDS = 0.05
_LONGEST_WAIT_SECONDS = 1.0


class WorkflowHistoryEventAsyncIterator(Pages[Event]):
    """The events of a run, one by one. Nothing is read before the first one is asked for."""


async def wanted_events(asking: Asking, asked: FetchWorkflowHistoryEventsInput) -> AsyncIterator[Event]:
    """What `WorkflowHandle.fetch_history_events` gives, past all interceptors, from the first one on."""
    only_last = asked.event_filter_type == WorkflowHistoryEventFilterType.CLOSE_EVENT
    async for event in _all_events(asking, asked.id, asked.run_id, asked.wait_new_event, asked.rpc_timeout):
        if not only_last or is_closing(event):
            yield event


async def _all_events(
    asking: Asking, workflow_id: str, run_id: str | None, wait_new_event: bool, rpc_timeout: timedelta | None
) -> AsyncIterator[Event]:
    decode = asking.transport.codec.decode
    first, pause = 1, _FIRST_WAIT_SECONDS
    while True:
        wanted = command.GetHistory(identity=asking.identity, run_id=run_id or "", first_event_id=first)
        page = await asking.ask(workflow_id, wanted, reply.HistoryPage, rpc_timeout)
        event = None
        for encoded in page.events:
            event = decode(encoded)
            yield event
        # Later pages are of the same run, also when another one has become current.
        run_id = page.run_id
        first += len(page.events)
        if page.next_event_id:
            continue
        if not wait_new_event or is_closing(event):
            return
        pause = _FIRST_WAIT_SECONDS if page.events else min(2 * pause, _LONGEST_WAIT_SECONDS)
        await asyncio.sleep(pause)
