"""A converter that makes payloads of Temporal's kind: what foldlog writes within its own values is read back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
from foldlog import activity, workflow
from foldlog.api.common.v1 import Payload
from foldlog.client import (
    Schedule,
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionStartWorkflow,
    ScheduleIntervalSpec,
    ScheduleSpec,
)
from foldlog.converter import DataConverter, DefaultPayloadConverter
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker


class Theirs(DefaultPayloadConverter):
    """As people wrote it for Temporal's SDK."""

    def to_payloads(self, values: Sequence[Any]) -> list[Any]:
        return [Payload(metadata={"encoding": b"json/plain"}, data=msgspec.json.encode(value)) for value in values]

    def to_payload(self, value: Any) -> Any:
        return self.to_payloads([value])[0]


CONVERTER = DataConverter(payload_converter_class=Theirs)


@activity.defn
async def shout(text: str) -> str:
    return f"{text}!"


@workflow.defn
class Echo:
    @workflow.run
    async def run(self, text: str) -> str:
        before: str | None = workflow.get_last_completion_result(str)
        return f"{before}, {text}" if before else text


async def test_what_a_schedule_has_is_read_back() -> None:
    async with await WorkflowEnvironment.start_time_skipping(data_converter=CONVERTER) as env:
        async with Worker(env.client, task_queue="q", workflows=[Echo], activities=[shout]):
            action = ScheduleActionStartWorkflow(
                Echo.run, "hi", id="echo", task_queue="q", memo={"k": 1}, static_summary="in short"
            )
            every_hour = ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(hours=1))])
            handle = await env.client.create_schedule("s", Schedule(action=action, spec=every_hour))
            found = (await handle.describe()).schedule.action
            assert isinstance(found, ScheduleActionStartWorkflow)
            assert await env.client.data_converter.decode(found.args) == ["hi"]
            assert found.memo is not None
            assert await env.client.data_converter.decode([found.memo["k"]]) == [1]
            assert found.static_summary is not None
            await env.sleep(timedelta(hours=2, minutes=1))
            taken = [each.action for each in (await handle.describe()).info.recent_actions]
            ids = [each.workflow_id for each in taken if isinstance(each, ScheduleActionExecutionStartWorkflow)]
            assert [await env.client.get_workflow_handle(each).result() for each in ids] == ["hi", "hi, hi"]


async def test_what_an_activity_without_a_workflow_has_is_read_back() -> None:
    async with await WorkflowEnvironment.start_time_skipping(data_converter=CONVERTER) as env:
        async with Worker(env.client, task_queue="q", activities=[shout]):
            handle = await env.client.start_activity(
                shout, "x", id="a", task_queue="q", start_to_close_timeout=timedelta(seconds=5), summary="in short"
            )
            assert await handle.result() == "x!"
            given = (await handle.describe(include_input=True)).raw_input
            assert given is not None
            assert await env.client.data_converter.decode(given) == ["x"]
