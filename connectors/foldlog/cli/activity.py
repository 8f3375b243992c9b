"""`foldlog activity`: steer the open activities of a workflow, and end one from outside.

Owns the options and what is printed. Everything is asked through `foldlog.client`, as a program would.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click
from foldlog.cli._client import asynchronous, connected
from foldlog.cli._command import Group, Settings, pass_settings
from foldlog.cli._options import run_id_option, timeout_option, workflow_id_argument
from foldlog.cli._output import write_done
from foldlog.cli._params import duration, json_values, not_empty, retry_policy
from foldlog.common import Priority
from foldlog.exceptions import ApplicationError


@click.group(cls=Group)
def activity() -> None:
    """Pause, reset and end activities that are open."""


_required_id = click.option(
    "--activity-id", "-a", required=True, metavar="ID", callback=not_empty, help="The activity, as `describe` shows it."
)
_activity_id = click.option(
    "--activity-id", "-a", metavar="ID", callback=not_empty, help="The activity, as `workflow describe` shows it."
)
_activity_type = click.option(
    "--type", "activity_type", metavar="TYPE", callback=not_empty, help="All open activities of this type."
)
_jitter = click.option(
    "--jitter", metavar="TIME", callback=duration, default="0s", help="Begin at a random time up to so much later."
)
_reset_heartbeat = click.option(
    "--reset-heartbeat", is_flag=True, help="The next attempt knows nothing of the last heartbeat."
)


def _check_named(activity_id: str | None, activity_type: str | None) -> str:
    """What is meant, in words."""
    if bool(activity_id) == bool(activity_type):
        raise click.UsageError("give either --activity-id or --type")
    return f"activity {activity_id}" if activity_id else f"all open activities of type {activity_type}"


@activity.command()
@workflow_id_argument
@_activity_id
@_activity_type
@click.option("--reason", default="", help="For people; `workflow describe` shows it.")
@run_id_option
@timeout_option
@pass_settings
@asynchronous
async def pause(
    settings: Settings,
    workflow_id: str,
    activity_id: str | None,
    activity_type: str | None,
    reason: str,
    run_id: str | None,
    timeout: timedelta,
) -> None:
    """Begin no further attempt; one that runs is asked to stop at its next heartbeat."""
    what = _check_named(activity_id, activity_type)
    async with connected(settings, timeout) as client:
        handle = client.get_workflow_handle(workflow_id, run_id=run_id)
        await handle.pause_activity(activity_id, activity_type=activity_type, reason=reason, rpc_timeout=timeout)
    write_done(settings.json, {"workflow_id": workflow_id}, f"{what} of {workflow_id}: paused")


@activity.command()
@workflow_id_argument
@_activity_id
@_activity_type
@click.option("--reset-attempts", is_flag=True, help="Count attempts from 1 again.")
@_reset_heartbeat
@_jitter
@run_id_option
@timeout_option
@pass_settings
@asynchronous
async def unpause(
    settings: Settings,
    workflow_id: str,
    activity_id: str | None,
    activity_type: str | None,
    reset_attempts: bool,
    reset_heartbeat: bool,
    jitter: timedelta,
    run_id: str | None,
    timeout: timedelta,
) -> None:
    """Let it go on; an attempt that waits begins at once."""
    what = _check_named(activity_id, activity_type)
    async with connected(settings, timeout) as client:
        await client.get_workflow_handle(workflow_id, run_id=run_id).unpause_activity(
            activity_id,
            activity_type=activity_type,
            reset_attempts=reset_attempts,
            reset_heartbeat=reset_heartbeat,
            jitter=jitter,
            rpc_timeout=timeout,
        )
    write_done(settings.json, {"workflow_id": workflow_id}, f"{what} of {workflow_id}: unpaused")


@activity.command()
@workflow_id_argument
@_activity_id
@_activity_type
@click.option("--keep-paused", is_flag=True, help="A paused activity stays paused.")
@_reset_heartbeat
@click.option("--restore-original-options", is_flag=True, help="Take options back that were changed.")
@_jitter
@run_id_option
@timeout_option
@pass_settings
@asynchronous
async def reset(
    settings: Settings,
    workflow_id: str,
    activity_id: str | None,
    activity_type: str | None,
    keep_paused: bool,
    reset_heartbeat: bool,
    restore_original_options: bool,
    jitter: timedelta,
    run_id: str | None,
    timeout: timedelta,
) -> None:
    """Count attempts from 1 again; an attempt that waits begins at once."""
    what = _check_named(activity_id, activity_type)
    async with connected(settings, timeout) as client:
        await client.get_workflow_handle(workflow_id, run_id=run_id).reset_activity(
            activity_id,
            activity_type=activity_type,
            keep_paused=keep_paused,
            reset_heartbeat=reset_heartbeat,
            restore_original_options=restore_original_options,
            jitter=jitter,
            rpc_timeout=timeout,
        )
    write_done(settings.json, {"workflow_id": workflow_id}, f"{what} of {workflow_id}: reset")


@activity.command("update-options")
@workflow_id_argument
@_activity_id
@_activity_type
@click.option("--task-queue", "-q", metavar="NAME", callback=not_empty, help="Where the next attempts go.")
@click.option("--schedule-to-close-timeout", metavar="TIME", callback=duration, help="Limit on all attempts together.")
@click.option("--schedule-to-start-timeout", metavar="TIME", callback=duration, help="Limit on waiting for a worker.")
@click.option("--start-to-close-timeout", metavar="TIME", callback=duration, help="Limit on one attempt.")
@click.option("--heartbeat-timeout", metavar="TIME", callback=duration, help="Limit between two heartbeats.")
@click.option(
    "--retry-initial-interval",
    "initial_interval",
    metavar="TIME",
    callback=duration,
    help="Wait before the second attempt.",
)
@click.option(
    "--retry-backoff-coefficient",
    "backoff_coefficient",
    type=float,
    metavar="X",
    help="Each wait is so many times the one before.",
)
@click.option(
    "--retry-maximum-interval", "maximum_interval", metavar="TIME", callback=duration, help="No wait is longer."
)
@click.option(
    "--retry-maximum-attempts", "maximum_attempts", type=click.IntRange(min=0), help="Attempts in all; 0: no limit."
)
@click.option(
    "--priority", "priority_key", type=click.IntRange(1, 5), metavar="N", help="From 1, the most urgent, to 5."
)
@click.option("--fairness-key", metavar="KEY", callback=not_empty, help="Tasks of one priority take turns by it.")
@click.option("--fairness-weight", type=float, metavar="X", help="So many turns the key has.")
@click.option("--restore-original", is_flag=True, help="First take back what was changed before.")
@run_id_option
@timeout_option
@pass_settings
@asynchronous
async def update_options(
    settings: Settings,
    /,
    workflow_id: str,
    activity_id: str | None,
    activity_type: str | None,
    run_id: str | None,
    timeout: timedelta,
    task_queue: str | None,
    schedule_to_close_timeout: timedelta | None,
    schedule_to_start_timeout: timedelta | None,
    start_to_close_timeout: timedelta | None,
    heartbeat_timeout: timedelta | None,
    priority_key: int | None,
    fairness_key: str | None,
    fairness_weight: float | None,
    restore_original: bool,
    **retry: Any,
) -> None:
    """Change options of open activities; what is not given stays as it is.

    The retry options make a whole retry policy: those of them that are not given have their defaults. So it is with
    priority and fairness.
    """
    what = _check_named(activity_id, activity_type)
    priority = Priority(priority_key=priority_key, fairness_key=fairness_key, fairness_weight=fairness_weight)
    options: dict[str, Any] = {
        "task_queue": task_queue,
        "schedule_to_close_timeout": schedule_to_close_timeout,
        "schedule_to_start_timeout": schedule_to_start_timeout,
        "start_to_close_timeout": start_to_close_timeout,
        "heartbeat_timeout": heartbeat_timeout,
        "priority": None if priority == Priority.default else priority,
        "retry_policy": retry_policy(retry),
    }
    if not restore_original and all(value is None for value in options.values()):
        raise click.UsageError("give at least one option to change")
    async with connected(settings, timeout) as client:
        await client.get_workflow_handle(workflow_id, run_id=run_id).update_activity_options(
            activity_id,
            activity_type=activity_type,
            restore_original=restore_original,
            rpc_timeout=timeout,
            **options,
        )
    write_done(settings.json, {"workflow_id": workflow_id}, f"{what} of {workflow_id}: options changed")


@activity.command()
@workflow_id_argument
@_required_id
@click.option("--result", "results", multiple=True, metavar="JSON", callback=json_values, help="What it returns.")
@run_id_option
@timeout_option
@pass_settings
@asynchronous
async def complete(
    settings: Settings, workflow_id: str, activity_id: str, results: list[Any], run_id: str | None, timeout: timedelta
) -> None:
    """End an activity well, whatever it is doing."""
    if len(results) > 1:
        raise click.UsageError("an activity has one result")
    async with connected(settings, timeout) as client:
        handle = client.get_async_activity_handle(workflow_id=workflow_id, run_id=run_id, activity_id=activity_id)
        await handle.complete(*results, rpc_timeout=timeout)
    write_done(settings.json, {"workflow_id": workflow_id}, f"activity {activity_id} of {workflow_id}: completed")


@activity.command()
@workflow_id_argument
@_required_id
@click.option("--reason", default="failed by hand", show_default=True, help="Message of the error.")
@click.option("--type", "error_type", metavar="TYPE", callback=not_empty, help="Type of the error.")
@click.option("--retryable", is_flag=True, help="Let the retry policy decide; without it, the activity fails for good.")
@run_id_option
@timeout_option
@pass_settings
@asynchronous
async def fail(
    settings: Settings,
    workflow_id: str,
    activity_id: str,
    reason: str,
    error_type: str | None,
    retryable: bool,
    run_id: str | None,
    timeout: timedelta,
) -> None:
    """Fail an activity, whatever it is doing."""
    error = ApplicationError(reason, type=error_type, non_retryable=not retryable)
    async with connected(settings, timeout) as client:
        handle = client.get_async_activity_handle(workflow_id=workflow_id, run_id=run_id, activity_id=activity_id)
        await handle.fail(error, rpc_timeout=timeout)
    write_done(settings.json, {"workflow_id": workflow_id}, f"activity {activity_id} of {workflow_id}: failed")
