"""What is there for workflows that wait, what one kind of wait is, and what is done for several kinds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from foldlog.client import AsyncActivityHandle, Client, WorkflowHandle

from tests.conformance.scenarios import SOON, names
from tests.conformance.waiting import Waiter
from tests.conformance.waiting_parts import QUEUE
from tests.until import until_asked


@dataclass
class Party:
    """A namespace with workflows that wait, and another one that has no workers before the restart."""

    client: Client
    elsewhere: Client
    asked: dict[str, list[asyncio.Task[Any]]] = field(default_factory=dict)
    """By workflow ID, what is asked for before the restart and answered after it."""

    async def start(self, workflow: Any, *args: Any, id: str, **options: Any) -> None:
        await self.client.start_workflow(workflow, args=args, id=id, task_queue=QUEUE, rpc_timeout=SOON, **options)

    def handle(self, id: str) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(id)

    async def tell(self, id: str, word: str) -> None:
        await self.handle(id).signal("tell", word, rpc_timeout=SOON)

    def ask(self, id: str, request: Coroutine[Any, Any, Any]) -> None:
        """Ask for something that is not answered yet."""
        self.asked.setdefault(id, []).append(asyncio.create_task(request))

    async def answers(self, id: str) -> list[Any]:
        """What was answered in the end."""
        return list(await asyncio.gather(*self.asked[id]))

    def activity(self, id: str) -> AsyncActivityHandle:
        return self.client.get_async_activity_handle(workflow_id=id, run_id=None, activity_id="open")

    async def has(self, id: str, event: str) -> None:
        """Wait for an event in the history."""

        async def there() -> bool:
            return event in await names(self.handle(id))

        await until_asked(there, f"{id} has {event}")

    async def activity_is(self, id: str, state: str, attempt: int = 1) -> None:
        """Wait for a state of its one activity, in that attempt or in one after it."""

        async def there() -> bool:
            found = (await self.handle(id).describe()).pending_activities
            return [each.state.name for each in found if each.attempt >= attempt] == [state]

        await until_asked(there, f"the activity of {id} is {state}")


Step = Callable[[Party, str], Awaitable[Any]]


@dataclass(frozen=True)
class Wait:
    """One kind."""

    kind: str
    until: str | Step
    """How to know that it waits: an event of its history, or something that is done until it does."""
    result: Any
    then: Step | None = None
    """What ends the wait, unless time does, or the workers that come later."""
    about: Any = None
    options: dict[str, Any] = field(default_factory=dict)
    """Of its start."""
    begin: Step | None = None
    """How it is started, if not as a `Waiter`."""
    outcome: Step | None = None
    """What its result is, if it is not the workflow's."""

    async def bring_about(self, party: Party, id: str) -> None:
        """Before the restart: start it, and wait until it waits."""
        if self.begin is not None:
            await self.begin(party, id)
        else:
            about = [] if self.about is None else [self.about]
            about = [party.elsewhere.namespace] if self.about == "elsewhere" else about
            await party.start(Waiter.run, self.kind, *about, id=id, **self.options)
        if isinstance(self.until, str):
            await party.has(id, self.until)
        else:
            await self.until(party, id)

    async def end(self, party: Party, id: str) -> None:
        """After the restart: end the wait, and look at what came of it."""
        if self.then is not None:
            await self.then(party, id)
        found = await (self.outcome(party, id) if self.outcome else party.handle(id).result(rpc_timeout=SOON))
        assert found == self.result, f"{id}: {found}"


# ---- steps


async def tell(party: Party, id: str) -> None:
    await party.tell(id, "told")


async def nothing(party: Party, id: str) -> None:
    """It waits as soon as it is started."""


async def canceled(party: Party, id: str) -> None:
    await party.handle(id).cancel()
    await party.has(id, "WorkflowExecutionCancelRequested")


async def attempts(party: Party, id: str) -> None:
    """Wait until another run follows the first."""

    async def follows() -> bool:
        return (await party.handle(id).describe()).continued_run_id is not None

    await until_asked(follows, f"{id} has a second run")
