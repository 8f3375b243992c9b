"""Record histories: `python -m tests.histories.record [NAME]...`; without names those that are missing.

An old history is worth more than a new one, since it shows that running workflows survive the change at hand. So record
anew only what has been decided to break.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click
from foldlog.client import WorkflowFailureError, WorkflowHistory
from foldlog.core.fold import digest
from foldlog.schemas.common import Failure
from foldlog.schemas.framing import encode
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker

from tests.histories.case import FOLDER, QUEUE, Case
from tests.histories.cases import CASES


async def histories(case: Case) -> list[WorkflowHistory]:
    """Run a case: its history first, then those of the others that it started, the oldest first."""
    with tempfile.TemporaryDirectory() as folder, case.activities(Path(folder)) as activities:
        async with await WorkflowEnvironment.start_time_skipping(identity="recorder") as environment:
            client = environment.client
            async with Worker(client, task_queue=QUEUE, workflows=case.workflows, activities=activities):
                handle = await client.start_workflow(
                    case.workflow.__name__, args=case.args, id=case.name, task_queue=QUEUE
                )
                await case.then(client, handle)
                try:
                    await handle.result()
                except WorkflowFailureError:
                    pass  # an end as good as any other
                own = await client.get_workflow_handle(case.name, run_id=handle.result_run_id).fetch_history()
                lists = [client.list_workflows(workflow_type=kind) for kind in (None, *case.own)]
                found = [history for runs in lists async for history in runs.map_histories()]
    found.sort(key=lambda history: (history.events[0].time_ms, history.workflow_id))
    return [own, *(history for history in found if history.run_id != own.run_id)]


def without_stacks(history: WorkflowHistory) -> None:
    """Take the stack traces out, which name folders of whoever records, and chain the events anew."""
    chain = b""
    for event in history.events:
        failure = getattr(event, "failure", None)
        while isinstance(failure, Failure):
            failure.stack_trace = ""
            failure = failure.cause
        event.chain = chain
        chain = digest(encode(event))


async def record(case: Case) -> list[Path]:
    """Run a case and write its histories; the files."""
    for old in case.files():
        old.unlink()
    written = []
    for number, history in enumerate(await histories(case), start=1):
        file = FOLDER / (f"{case.name}.json" if number == 1 else f"{case.name}.{number}.json")
        without_stacks(history)
        file.write_text(history.to_json() + "\n", encoding="utf-8")
        written.append(file)
    return written


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1, type=click.Choice([case.name for case in CASES]))
def main(names: Sequence[str]) -> None:
    """Record the histories of these cases; without names, those of all that have none."""
    logging.disable(logging.WARNING)  # activities of some cases fail, and are meant to
    for case in CASES:
        if case.name in names or (not names and not case.files()):
            for file in asyncio.run(record(case)):
                print(file.relative_to(FOLDER))


if __name__ == "__main__":
    main()
