"""`foldlog workflow`: start, ask and steer workflows, by their names and with JSON.

Owns the options and what is printed. Everything is asked through `foldlog.client`, as a program would.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import click
from foldlog.cli import _plain
from foldlog.cli._client import asynchronous, connected
from foldlog.cli._command import Group, Settings, is_given, pass_settings
from foldlog.cli._errors import CliError, ExitCode
from foldlog.cli._options import (
    input_option,
    memo_option,
    run_id_option,
    search_attribute_option,
    timeout_of,
    timeout_option,
    workflow_id_argument,
)
from foldlog.cli._output import as_text, attached, write_done, write_facts, write_json, write_table
from foldlog.cli._params import duration, json_values, not_empty, retry_policy
from foldlog.cli._stalled import ended, late, why_stalled
from foldlog.client import (
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
    WorkflowUpdateStage,
)
from foldlog.common import (
    AutoUpgradeVersioningOverride,
    OneTimeVersioningOverride,
    PinnedVersioningOverride,
    Priority,
    QueryRejectCondition,
    TypedSearchAttributes,
    VersioningOverride,
    WorkerDeploymentVersion,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)


@click.group(cls=Group)
def workflow() -> None:
    """Start, ask and steer workflows."""


def _choice(policy: type[Any]) -> click.Choice[str]:
    return click.Choice([member.name for member in policy if member.value], case_sensitive=False)


@workflow.command()
@click.argument("workflow_type", metavar="TYPE", callback=not_empty)
@click.option("--id", "workflow_id", metavar="ID", callback=not_empty, help="Its workflow ID.  [default: a new UUID]")
@click.option(
    "--task-queue", "-q", required=True, metavar="NAME", callback=not_empty, help="Where its activities' tasks go."
)
@input_option
@click.option("--id-reuse-policy", type=_choice(WorkflowIDReusePolicy), help="If a closed workflow has this ID.")
@click.option("--id-conflict-policy", type=_choice(WorkflowIDConflictPolicy), help="If a running workflow has this ID.")
@click.option("--execution-timeout", metavar="TIME", callback=duration, help="Limit on all its runs together.")
@click.option("--run-timeout", metavar="TIME", callback=duration, help="Limit on one run.")
@click.option(
    "--request-id", metavar="ID", callback=not_empty, help="A second start with the same request ID starts nothing."
)
@memo_option
@search_attribute_option
@click.option("--static-summary", metavar="TEXT", help="One line for people.")
@click.option("--static-details", metavar="TEXT", help="Several lines for people.")
@click.option(
    "--cron",
    "cron_schedule",
    metavar="SCHEDULE",
    callback=not_empty,
    help="Run again and again at these times: `*/5 * * * *`, `@every 1h`.",
)
@click.option("--start-delay", metavar="TIME", callback=duration, help="Wait before its code begins.")
@click.option(
    "--retry-attempts",
    "maximum_attempts",
    type=click.IntRange(min=0),
    metavar="N",
    help="Try a failed workflow again, N tries in all; 0: without limit.  [default: no retries]",
)
@click.option(
    "--retry-initial-interval",
    "initial_interval",
    metavar="TIME",
    callback=duration,
    help="Wait before the second try.",
)
@click.option(
    "--retry-maximum-interval", "maximum_interval", metavar="TIME", callback=duration, help="No wait is longer."
)
@click.option(
    "--retry-backoff-coefficient",
    "backoff_coefficient",
    type=float,
    metavar="X",
    help="Each wait is the one before times this.",
)
@click.option("--priority", type=click.IntRange(1, 5), metavar="N", help="From 1, the most urgent, to 5.")
@click.option(
    "--signal",
    "start_signal",
    metavar="NAME",
    callback=not_empty,
    help="Signal it before its code begins, or the one that runs.",
)
@click.option(
    "--signal-input",
    "start_signal_args",
    multiple=True,
    metavar="JSON",
    callback=json_values,
    help="An argument of the signal; may be repeated.",
)
@click.option(
    "--wait", is_flag=True, help="Wait for its end and show its result; without limit, unless --timeout is given."
)
@timeout_option
@pass_settings
@asynchronous
async def start(
    settings: Settings,
    /,
    workflow_type: str,
    workflow_id: str | None,
    task_queue: str,
    inputs: list[Any],
    id_reuse_policy: str | None,
    id_conflict_policy: str | None,
    execution_timeout: timedelta | None,
    run_timeout: timedelta | None,
    request_id: str | None,
    memo: dict[str, Any],
    attributes: TypedSearchAttributes,
    static_summary: str | None,
    static_details: str | None,
    cron_schedule: str | None,
    start_delay: timedelta | None,
    priority: int | None,
    start_signal: str | None,
    start_signal_args: list[Any],
    wait: bool,
    timeout: timedelta,
    **retry: Any,
) -> None:
    """Start a workflow.

    \b
    foldlog workflow start Order --id order-1 -q orders -i '{"customer": 7, "dollars": "29.33"}'
    """
    policy = retry_policy(retry)
    async with connected(settings, timeout) as client:
        handle = await client.start_workflow(
            workflow_type,
            args=inputs,
            id=workflow_id or str(uuid.uuid4()),
            task_queue=task_queue,
            id_reuse_policy=WorkflowIDReusePolicy[(id_reuse_policy or "ALLOW_DUPLICATE").upper()],
            id_conflict_policy=WorkflowIDConflictPolicy[(id_conflict_policy or "UNSPECIFIED").upper()],
            execution_timeout=execution_timeout,
            run_timeout=run_timeout,
            memo=memo or None,
            search_attributes=attributes,
            static_summary=static_summary,
            static_details=static_details,
            cron_schedule=cron_schedule or "",
            start_delay=start_delay,
            retry_policy=policy,
            priority=Priority(priority_key=priority),
            start_signal=start_signal,
            start_signal_args=start_signal_args,
            request_id=request_id,
            rpc_timeout=timeout,
        )
        if wait:
            limit = timeout if is_given(click.get_current_context(), "timeout") else None
            await _show_result(settings, handle, limit)
            return
    started = {"workflow_id": handle.id, "run_id": handle.result_run_id}
    if settings.json:
        write_json(started)
    else:
        write_facts(started.items())


@workflow.command()
@workflow_id_argument
@click.argument("signal_name", metavar="SIGNAL", callback=not_empty)
@input_option
@run_id_option
@click.option(
    "--request-id", metavar="ID", callback=not_empty, help="A second signal with the same request ID does nothing."
)
@timeout_option
@pass_settings
@asynchronous
async def signal(
    settings: Settings,
    workflow_id: str,
    signal_name: str,
    inputs: list[Any],
    run_id: str | None,
    request_id: str | None,
    timeout: timedelta,
) -> None:
    """Send a signal. When this returns, it is in the workflow's history, or kept for it if it is stalled."""
    async with connected(settings, timeout) as client:
        handle = client.get_workflow_handle(workflow_id, run_id=run_id)
        await handle.signal(signal_name, args=inputs, request_id=request_id, rpc_timeout=timeout)
    write_done(settings.json, {"workflow_id": workflow_id}, f"{workflow_id} has the signal {signal_name}")


@workflow.command()
@workflow_id_argument
@click.argument("update_name", metavar="UPDATE", callback=not_empty)
@input_option
@run_id_option
@click.option(
    "--update-id",
    metavar="ID",
    callback=not_empty,
    help="A second update with the same ID gets the answer of the first.",
)
@click.option(
    "--wait-for",
    type=click.Choice(["ACCEPTED", "COMPLETED"], case_sensitive=False),
    default="COMPLETED",
    show_default=True,
    help="ACCEPTED: do not wait for its result, show its ID.",
)
@timeout_option
@pass_settings
@asynchronous
async def update(
    settings: Settings,
    workflow_id: str,
    update_name: str,
    inputs: list[Any],
    run_id: str | None,
    update_id: str | None,
    wait_for: str,
    timeout: timedelta,
) -> None:
    """Send an update and print what its handler returned as JSON.

    Ends with 1 if it was refused or failed. An update whose result did not come in time goes on.
    """
    stage = WorkflowUpdateStage[wait_for.upper()]
    async with connected(settings, timeout) as client:
        handle = client.get_workflow_handle(workflow_id, run_id=run_id)
        try:
            sent = await handle.start_update(
                update_name, args=inputs, id=update_id, wait_for_stage=stage, rpc_timeout=timeout
            )
            if stage is WorkflowUpdateStage.COMPLETED:
                write_json(await sent.result())
                return
        except WorkflowUpdateFailedError as error:
            raise CliError(f"update {update_name} failed: {error.cause}", ExitCode.FAILED) from error
        except WorkflowUpdateRPCTimeoutOrCancelledError as error:
            what = f"update {update_name} was not answered within {timeout.total_seconds():g} s"
            if reason := await why_stalled(handle):
                raise late(handle, what, reason) from error
            raise CliError(f"{what}; it may still go on", ExitCode.UNAVAILABLE) from error
    accepted = {"workflow_id": workflow_id, "run_id": sent.workflow_run_id, "update_id": sent.id}
    if settings.json:
        write_json(accepted)
    else:
        write_facts(accepted.items())


@workflow.command()
@workflow_id_argument
@click.argument("query_type", metavar="QUERY", callback=not_empty)
@input_option
@run_id_option
@click.option("--reject-condition", type=_choice(QueryRejectCondition), help="Refuse in these states of the workflow.")
@timeout_option
@pass_settings
@asynchronous
async def query(
    settings: Settings,
    workflow_id: str,
    query_type: str,
    inputs: list[Any],
    run_id: str | None,
    reject_condition: str | None,
    timeout: timedelta,
) -> None:
    """Ask a query handler and print its answer as JSON."""
    condition = QueryRejectCondition[(reject_condition or "NONE").upper()]
    async with connected(settings, timeout) as client:
        handle = client.get_workflow_handle(workflow_id, run_id=run_id)
        try:
            answer = await handle.query(query_type, args=inputs, reject_condition=condition, rpc_timeout=timeout)
        except WorkflowQueryRejectedError as error:
            raise CliError(str(error), ExitCode.REFUSED, status=error.status.name) from error
        except WorkflowQueryFailedError as error:
            raise CliError(f"query {query_type} failed: {error}", ExitCode.FAILED) from error
    write_json(answer)


@workflow.command()
@workflow_id_argument
@run_id_option
@timeout_option
@pass_settings
@asynchronous
async def describe(settings: Settings, workflow_id: str, run_id: str | None, timeout: timedelta) -> None:
    """Show status, times, what it waits for, and why it is stalled if it is."""
    async with connected(settings, timeout) as client:
        found = await client.get_workflow_handle(workflow_id, run_id=run_id).describe(rpc_timeout=timeout)
        shown = await _plain.description(found)
    if settings.json:
        write_json(shown)
        return
    shown["status"] = _state(shown)
    write_facts(
        [
            *((name.replace("_", " "), value) for name, value in shown.items() if not isinstance(value, list | dict)),
            *((f"parent {name.replace('_', ' ')}", value) for name, value in (shown["parent"] or {}).items()),
        ],
        given=attached(shown),
    )
    if shown["pending_activities"]:
        click.echo()
        names = ("activity_id", "activity_type", "state", "attempt", "scheduled_time", "next_attempt_time")
        for activity in shown["pending_activities"]:
            activity["state"] += ", PAUSED" if activity["paused"] else ""
        rows = [
            (*(activity[name] or "" for name in names), _plain.failure_text(activity["last_failure"]))
            for activity in shown["pending_activities"]
        ]
        write_table([*(name.replace("_", " ") for name in names), "last failure"], rows)
    if shown["pending_children"]:
        click.echo()
        fields = ("workflow_id", "workflow_type", "namespace", "run_id", "parent_close_policy")
        children = [tuple(child[name] or "" for name in fields) for child in shown["pending_children"]]
        write_table(["child", *(name.replace("_", " ") for name in fields[1:])], children)
    if shown["pending_timers"]:
        click.echo()
        write_table(["timer", "due"], [(timer["timer_id"], timer["fire_time"]) for timer in shown["pending_timers"]])
    if shown["pending_updates"]:
        click.echo()
        write_table(["update"], [(update_id,) for update_id in shown["pending_updates"]])


@workflow.command()
@workflow_id_argument
@run_id_option
@timeout_of("its end", None)
@pass_settings
@asynchronous
async def result(settings: Settings, workflow_id: str, run_id: str | None, timeout: timedelta | None) -> None:
    """Wait for a workflow's end and print what it returned as JSON.

    Ends with 1 if the workflow ended otherwise: it failed, was cancelled or terminated, or timed out.
    """
    async with connected(settings, timeout) as client:
        await _show_result(settings, client.get_workflow_handle(workflow_id, run_id=run_id), timeout)


async def _show_result(settings: Settings, handle: WorkflowHandle[Any, Any], timeout: timedelta | None) -> None:
    shown: dict[str, Any] = {"workflow_id": handle.id, "run_id": handle.result_run_id, "status": "COMPLETED"}
    try:
        shown["result"] = await ended(handle, timeout, quiet=settings.json)
    except WorkflowFailureError as error:
        shown["status"] = _plain.status_of(error.cause)
        shown["failure"] = _plain.failure(error.cause)
    if settings.json:
        write_json(shown)
    elif "failure" not in shown:
        write_json(shown["result"])
    if "failure" not in shown:
        return
    if settings.json:
        click.get_current_context().exit(int(ExitCode.FAILED))
    state = shown["status"].replace("_", " ").lower()
    raise CliError(f"workflow {handle.id} ended {state}: {_plain.failure_text(shown['failure'])}", ExitCode.FAILED)


@workflow.command()
@workflow_id_argument
@run_id_option
@timeout_option
@pass_settings
@asynchronous
async def history(settings: Settings, workflow_id: str, run_id: str | None, timeout: timedelta) -> None:
    """Show every event of a run; with --json in full, so that `foldlog replay` can replay it."""
    async with connected(settings, timeout) as client:
        handle = client.get_workflow_handle(workflow_id, run_id=run_id)
        found = await handle.fetch_history(rpc_timeout=timeout)
        events = [await _plain.event(one, client.data_converter) for one in found.events]
    if settings.json:
        whole = found.to_json_dict()
        # Each event twice: as people and jq read it, and as it is, which is what can be replayed.
        merged = [{**plain, **exact} for plain, exact in zip(events, whole["events"], strict=True)]
        write_json({**whole, "events": merged})
        return
    write_table(["#", "time", "event", ""], [_event_row(one) for one in events])


def _event_row(event: dict[str, Any]) -> tuple[Any, ...]:
    hidden = ("event_id", "time", "type", "chain", "identity", "request_id")
    details = "  ".join(f"{name}={as_text(value)}" for name, value in event.items() if name not in hidden)
    return event["event_id"], event["time"], event["type"], details


@workflow.command()
@workflow_id_argument
@run_id_option
@click.option("--reason", default="", help="For people and for the history.")
@timeout_option
@pass_settings
@asynchronous
async def cancel(settings: Settings, workflow_id: str, run_id: str | None, reason: str, timeout: timedelta) -> None:
    """Ask a workflow to cancel itself; its code may clean up."""
    async with connected(settings, timeout) as client:
        await client.get_workflow_handle(workflow_id, run_id=run_id).cancel(reason=reason, rpc_timeout=timeout)
    write_done(settings.json, {"workflow_id": workflow_id}, f"{workflow_id} was asked to cancel itself")


@workflow.command()
@workflow_id_argument
@run_id_option
@click.option("--reason", default="", help="For people and for the history.")
@timeout_option
@pass_settings
@asynchronous
async def terminate(settings: Settings, workflow_id: str, run_id: str | None, reason: str, timeout: timedelta) -> None:
    """End a workflow at once; its code does not run again."""
    async with connected(settings, timeout) as client:
        await client.get_workflow_handle(workflow_id, run_id=run_id).terminate(reason=reason, rpc_timeout=timeout)
    write_done(settings.json, {"workflow_id": workflow_id}, f"{workflow_id} is terminated")


@workflow.command("update-options")
@workflow_id_argument
@run_id_option
@click.option(
    "--versioning-override-behavior",
    "behavior",
    required=True,
    type=click.Choice(["unspecified", "pinned", "auto_upgrade", "one_time"], case_sensitive=False),
    help="unspecified takes an override away.",
)
@click.option(
    "--versioning-override-deployment-name", "deployment_name", metavar="NAME", callback=not_empty, help="Of a version."
)
@click.option("--versioning-override-build-id", "build_id", metavar="ID", callback=not_empty, help="Of a version.")
@timeout_option
@pass_settings
@asynchronous
async def update_options(
    settings: Settings,
    workflow_id: str,
    run_id: str | None,
    behavior: str,
    deployment_name: str | None,
    build_id: str | None,
    timeout: timedelta,
) -> None:
    """Move a workflow to another version of its code, or bind it in another way."""
    override: VersioningOverride | None = None
    if behavior in ("pinned", "one_time"):
        if not deployment_name or not build_id:
            raise click.UsageError(f"{behavior} needs the name of a deployment and a build ID")
        version = WorkerDeploymentVersion(deployment_name, build_id)
        kind = PinnedVersioningOverride if behavior == "pinned" else OneTimeVersioningOverride
        override = kind(version)
    elif deployment_name or build_id:
        raise click.UsageError(f"{behavior} goes with no version")
    elif behavior == "auto_upgrade":
        override = AutoUpgradeVersioningOverride()
    async with connected(settings, timeout) as client:
        handle = client.get_workflow_handle(workflow_id, run_id=run_id)
        await handle.update_options(versioning_override=override, rpc_timeout=timeout)
    write_done(settings.json, {"workflow_id": workflow_id}, f"{workflow_id} is now {behavior}")


@workflow.command("list")
@click.option("--query", metavar="FILTER", help="Only runs of which this is true, such as \"city = 'Bonn'\".")
@click.option("--status", type=_choice(WorkflowExecutionStatus), help="Only runs of this status.")
@click.option("--type", "workflow_type", metavar="TYPE", callback=not_empty, help="Only runs of this workflow type.")
@click.option("--id-prefix", metavar="TEXT", help="Only workflow IDs that begin so.")
@click.option("--stalled", is_flag=True, help="Only runs whose code cannot go on.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="At most so many.")
@pass_settings
@asynchronous
async def list_workflows(
    settings: Settings,
    query: str | None,
    status: str | None,
    workflow_type: str | None,
    id_prefix: str | None,
    stalled: bool,
    limit: int,
) -> None:
    """List runs, the newest first. Reads the whole visibility topic, which lags a little behind."""
    rows: list[dict[str, Any]] = []
    async with connected(settings) as client:
        async for found in client.list_workflows(
            query,
            status=WorkflowExecutionStatus[status.upper()] if status else None,
            workflow_type=workflow_type,
            id_prefix=id_prefix,
            limit=None if stalled else limit,
        ):
            if not stalled or found.stalled_error:
                rows.append(_plain.execution(found))
            if len(rows) == limit:
                break
    if settings.json:
        write_json(rows)
        return
    if not rows:
        click.echo("no such workflows")
        return
    names = ("workflow_id", "workflow_type", "status", "start_time", "close_time", "history_length", "run_id")
    table = [[(_state(row) if name == "status" else row[name] or "") for name in names] for row in rows]
    write_table([name.replace("_", " ") for name in names], table)


def _state(shown: dict[str, Any]) -> str:
    """The status for people, who look for what does not go on."""
    return "STALLED" if shown["stalled_error"] else str(shown["status"])
