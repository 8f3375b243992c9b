"""Tests of workflows and activities. Names and meanings follow Temporal's `temporalio.testing`.

`WorkflowEnvironment.start_time_skipping` is the whole of foldlog in memory, on a clock that skips what nobody needs to
wait for; `start_local` is a real Kafka. `ActivityEnvironment` runs one activity with made-up surroundings. Fixtures
for pytest are in `foldlog.testing.pytest_plugin`, which pytest finds by itself.
"""

from foldlog.testing._environment import WorkflowEnvironment

__all__ = ["WorkflowEnvironment"]
