"""What is recorded of a run whose code cannot go on: why, since when, and when it is tried again."""

from __future__ import annotations

import traceback

from foldlog._texts import cut
from foldlog.core.decider import VersionNotHostedError, WorkflowTaskError
from foldlog.core.state import Run
from foldlog.schemas.log import WorkflowStalled

INITIAL_MS = 1_000
MAXIMUM_MS = 60_000
ELSEWHERE_MS = 3_600_000
"""Wait before the next try where only another process, or another deployment, can make a difference."""
MAXIMUM_ERROR = 4_000
"""Characters of an error's message that are kept with a stalled run."""
MAXIMUM_STACK = 40_000
"""Characters of its stack that are kept."""


def stalled(
    run: Run, error: WorkflowTaskError, before: WorkflowStalled | None, build_id: str, now_ms: int
) -> WorkflowStalled:
    """The record that stalls a run, or has it stay so. Each wait for the next try is longer than the one before.

    Args:
        run: The run.
        error: Why it cannot go on.
        before: What was recorded at the try before; None: it ran on until now.
        build_id: Of the worker that has tried.
        now_ms: When, in milliseconds since the epoch.
    """
    attempts = before.attempts + 1 if before else 1
    delay_ms = ELSEWHERE_MS
    if not isinstance(error, VersionNotHostedError):
        delay_ms = min(INITIAL_MS * 2 ** min(attempts - 1, 16), MAXIMUM_MS)
    return WorkflowStalled(
        run_id=run.run_id,
        error=cut(str(error) or type(error).__name__, MAXIMUM_ERROR),
        stack_trace=cut(_stack_of(error), MAXIMUM_STACK),
        attempts=attempts,
        retry_ms=now_ms + delay_ms,
        since_ms=before.since_ms if before else now_ms,
        build_id=build_id,
    )


def _stack_of(error: WorkflowTaskError) -> str:
    """Where it went wrong; empty where only the engine itself is to be seen, as for a type that is not here."""
    if error.stack_trace or error.__cause__ is None:
        return error.stack_trace
    return "".join(traceback.format_exception(error))
