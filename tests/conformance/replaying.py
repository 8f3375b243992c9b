"""The replay of what scenarios have left, with the code that their workers ran.

Histories are replayed as clients get them, while there is still somebody who answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from typing import Any

from foldlog.client import Client, WorkflowExecution, WorkflowHandle, WorkflowHistory
from foldlog.schemas.event import WorkflowExecutionTerminated
from foldlog.worker import Replayer, Worker, WorkflowReplayError
from foldlog.worker.plugin import interceptors_of
from foldlog.workflow._definition import Definition


async def replay_with(worker: Worker, since: datetime) -> int:
    """Replay the runs of a worker's types, each with the version of the code that it is on; how many there were."""
    config = worker.config(active_config=True)
    client = config["client"]
    own = config.get("deployment_config")
    codes = {own.version.build_id if own and own.use_worker_versioning else "": config["workflows"]}
    for version, code in (config.get("earlier_versions") or {}).items():
        build = version if isinstance(version, str) else version.build_id
        codes[build] = [each for each in code if isinstance(each, type)]
    replayers = {
        build: Replayer(
            workflows=workflows,
            namespace=client.namespace,
            data_converter=client.data_converter,
            interceptors=interceptors_of(client, config.get("interceptors") or ()),
            workflow_failure_exception_types=config.get("workflow_failure_exception_types") or (),
            header_codec_behavior=client.config(active_config=True)["header_codec_behavior"],
        )
        for build, workflows in codes.items()
        if workflows
    }
    return await replay_left(client, types_of(config["workflows"]), replayers, since)


def types_of(workflows: Sequence[type]) -> set[str | None]:
    """The names of workflows; None among them: they take those of any name."""
    return {Definition.must_from_class(each).name for each in workflows}


async def replay_left(
    client: Client, types: Set[str | None], replayers: Mapping[str, Replayer], since: datetime
) -> int:
    """Replay runs of a namespace that began since a time; how many there were.

    Args:
        client: Of that namespace.
        types: Of the runs.
        replayers: By build ID, for runs on that version of the code; "" is that of workers without versions.
        since: The time.
    """

    async def replay(run: WorkflowExecution) -> bool:
        handle = client.get_workflow_handle(run.id, run_id=run.run_id)
        build = ""
        if "" not in replayers:
            build = ((await handle.describe()).deployment_version or "").rpartition(".")[2]
        if build not in replayers:
            return False
        history = await handle.fetch_history()
        failure = (await replayers[build].replay_workflow(history, raise_on_replay_failure=False)).replay_failure
        if failure is not None and not (isinstance(failure, WorkflowReplayError) and await stalls(handle, history)):
            raise failure
        return True

    runs = [
        run
        async for run in client.list_workflows()
        if run.start_time >= since and (None in types or run.workflow_type in types)
    ]
    return sum(await asyncio.gather(*map(replay, runs)))


async def stalls(handle: WorkflowHandle[Any, Any], history: WorkflowHistory) -> bool:
    """Whether a run stalls by intent: then it was terminated in the end, or waits for better code."""
    terminated = isinstance(history.events[-1], WorkflowExecutionTerminated)
    return terminated or bool((await handle.describe()).stalled_error)
