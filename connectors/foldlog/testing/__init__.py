"""Tests of workflows and activities. Names and meanings follow Temporal's `temporalio.testing`.

`WorkflowEnvironment.start_time_skipping` is the whole of foldlog in memory, on a clock that skips what nobody needs to
wait for; `WorkflowEnvironment.start_local` is a Kafka of its own. `ActivityEnvironment` runs one activity with made-up
surroundings.
"""

from foldlog.testing._activity import ActivityEnvironment
from foldlog.testing._environment import WorkflowEnvironment

__all__ = ["ActivityEnvironment", "WorkflowEnvironment"]
