"""What a codec is asked for by lists and counts of activities without a workflow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from foldlog import activity
from foldlog.api.common.v1 import Payload
from foldlog.client._activity_filter import filter_of
from foldlog.converter import DataConverter, PayloadCodec
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker


class Counting(PayloadCodec):
    """Changes nothing; counts what it decodes."""

    def __init__(self) -> None:
        self.decoded = 0

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return list(payloads)

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        self.decoded += len(payloads)
        return list(payloads)


@activity.defn
async def nothing() -> None:
    """Returns nothing."""


async def test_memos_are_decoded_where_they_are_needed() -> None:
    codec = Counting()
    decoded: dict[str, list[int]] = {}
    async with (
        await WorkflowEnvironment.start_time_skipping(data_converter=DataConverter(payload_codec=codec)) as env,
        Worker(env.client, task_queue="q", activities=[nothing]),
    ):
        for number in range(3):
            await env.client.execute_activity(
                nothing, id=f"a{number}", task_queue="q", start_to_close_timeout=timedelta(minutes=1)
            )
        for query in ("", "ActivityId != 'a0'", "`ActivityType` = 'nothing'", "TaskQueue IS NULL"):
            asked = decoded[query] = []
            codec.decoded = 0
            count = (await env.client.count_activities(query)).count
            asked.append(codec.decoded)
            for limit in (None, 1):
                codec.decoded = 0
                listed = [each async for each in env.client.list_activities(query, limit=limit)]
                asked.append(codec.decoded)
                assert len(listed) == (count if limit is None else min(count, limit))
                assert {(each.activity_type, each.task_queue) for each in listed} <= {("nothing", "q")}
    assert decoded == {
        "": [0, 3, 1],
        "ActivityId != 'a0'": [0, 2, 1],
        "`ActivityType` = 'nothing'": [3, 3, 3],
        "TaskQueue IS NULL": [3, 3, 3],
    }


@pytest.mark.parametrize(
    ("query", "reads"),
    [
        (None, False),
        ("ActivityId = 'TaskQueue'", False),
        ('city = "ActivityType" AND RunId IS NULL', False),
        ("RunId IS NULL OR NOT (TaskQueue IN ('q'))", True),
        ("ActivityType IS NOT NULL", True),
    ],
)
def test_which_filters_need_them(query: str | None, reads: bool) -> None:
    assert filter_of(query).reads_jobs is reads
