"""What a command that waits for a workflow says if that is stalled: it waits for somebody to mend the code."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import click
from foldlog.cli._errors import CliError, ExitCode
from foldlog.client import WorkflowHandle
from foldlog.exceptions import DeadlineExceededError, FoldlogError

_ASKED_FOR = timedelta(seconds=1)
"""How long a description is waited for. Whoever asks has waited already, perhaps since nobody answers."""
_FIRST_LOOK_SECONDS = 1.0
_LAST_INTERVAL_SECONDS = 60.0


async def why_stalled(handle: WorkflowHandle[Any, Any]) -> str | None:
    """Why a workflow's code cannot go on; None if it can, or nobody tells within a second."""
    try:
        return (await handle.describe(rpc_timeout=_ASKED_FOR)).stalled_error or None
    except FoldlogError:
        return None


def late(handle: WorkflowHandle[Any, Any], what: str, reason: str) -> CliError:
    """The error of a command whose time is over since the workflow is stalled.

    Args:
        handle: Of the workflow.
        what: What did not happen in time.
        reason: Why it is stalled.
    """
    return CliError(f"{what}: {_stalled(handle, reason)}", ExitCode.UNAVAILABLE, stalled_error=reason)


async def ended(handle: WorkflowHandle[Any, Any], timeout: timedelta | None, *, quiet: bool) -> Any:
    """The result of a workflow. If it stalls meanwhile, people are told on stderr, once and why, and wait on.

    Args:
        handle: Of the workflow.
        timeout: How long it is waited for; None: without limit.
        quiet: Whether stderr is for nothing but errors.

    Raises:
        WorkflowFailureError: It ended without a result.
        CliError: It did not end in time, and is stalled.
        DeadlineExceededError: It did not end in time otherwise.
    """
    watch = asyncio.create_task(_tell_once(handle)) if not quiet else None
    try:
        return await handle.result(rpc_timeout=timeout)
    except DeadlineExceededError as error:
        reason = await why_stalled(handle)
        if reason is None:
            raise
        raise late(handle, str(error).partition(";")[0], reason) from error
    finally:
        if watch is not None:
            watch.cancel()


async def _tell_once(handle: WorkflowHandle[Any, Any]) -> None:
    pause = _FIRST_LOOK_SECONDS
    reason = None
    while reason is None:
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LAST_INTERVAL_SECONDS)
        reason = await why_stalled(handle)
    click.echo(f"waiting for {handle.id}: {_stalled(handle, reason)}", err=True)


def _stalled(handle: WorkflowHandle[Any, Any], reason: str) -> str:
    where = f"`foldlog workflow describe {handle.id}` shows where"
    return f"it is stalled: {reason}; {where}, and it goes on once that is mended"
