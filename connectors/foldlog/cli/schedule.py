"""`foldlog schedule`: make schedules, ask them and steer them.

Owns the options and what is printed. Everything is asked through `foldlog.client`, as a program would.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from typing import Any

import click
from foldlog.cli._client import asynchronous, connected
from foldlog.cli._command import Group, Settings, pass_settings
from foldlog.cli._errors import CliError, ExitCode
from foldlog.cli._options import input_option, memo_option, search_attribute_option, timeout_option
from foldlog.cli._output import attached, write_done, write_facts, write_json, write_table
from foldlog.cli._params import duration, not_empty
from foldlog.cli._schedule_params import OVERLAP, given_spec, listed, shown, spec_options, spec_text, texts, time
from foldlog.client import (
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleBackfill,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from foldlog.common import TypedSearchAttributes


@click.group(cls=Group)
def schedule() -> None:
    """Start workflows again and again, at set times."""


_id = click.argument("schedule_id", metavar="SCHEDULE_ID", callback=not_empty)
_note = click.option("--note", metavar="TEXT", help="Why, for people.")
_overlap = click.option("--overlap-policy", type=OVERLAP, help="What to do while another action is running.")
_catchup = click.option("--catchup-window", metavar="TIME", callback=duration, help="Be late by so much at most.")


@schedule.command()
@_id
@click.argument("workflow_type", metavar="TYPE", callback=not_empty)
@click.option(
    "--workflow-id",
    metavar="ID",
    callback=not_empty,
    help="What their workflow IDs begin with.  [default: the schedule's ID]",
)
@click.option(
    "--task-queue", "-q", required=True, metavar="NAME", callback=not_empty, help="Where their activities' tasks go."
)
@input_option
@spec_options
@_overlap
@_catchup
@click.option("--pause-on-failure", is_flag=True, help="Pause when a workflow fails or times out.")
@click.option("--paused", is_flag=True, help="Take no actions by time until `unpause`.")
@click.option("--remaining-actions", type=click.IntRange(min=1), metavar="N", help="Take so many actions by time.")
@_note
@click.option("--trigger-immediately", is_flag=True, help="Take one now.")
@memo_option
@search_attribute_option
@timeout_option
@pass_settings
@asynchronous
async def create(
    settings: Settings,
    /,
    schedule_id: str,
    workflow_type: str,
    workflow_id: str | None,
    task_queue: str,
    inputs: list[Any],
    overlap_policy: str | None,
    catchup_window: timedelta | None,
    pause_on_failure: bool,
    paused: bool,
    remaining_actions: int | None,
    note: str | None,
    trigger_immediately: bool,
    memo: dict[str, Any],
    attributes: TypedSearchAttributes,
    timeout: timedelta,
    **when: Any,
) -> None:
    """Make a schedule.

    \b
    foldlog schedule create daily-report Report -q reports --cron '0 9 * * MON-FRI' --time-zone Europe/Berlin
    """
    wanted = Schedule(
        ScheduleActionStartWorkflow(workflow_type, args=inputs, id=workflow_id or schedule_id, task_queue=task_queue),
        ScheduleSpec(**given_spec(when)),
        SchedulePolicy(_policy(overlap_policy) or ScheduleOverlapPolicy.SKIP, catchup_window, pause_on_failure),
        ScheduleState(note, paused, remaining_actions is not None, remaining_actions or 0),
    )
    async with connected(settings, timeout) as client:
        try:
            await client.create_schedule(
                schedule_id,
                wanted,
                trigger_immediately=trigger_immediately,
                memo=memo or None,
                search_attributes=attributes,
                rpc_timeout=timeout,
            )
        except ScheduleAlreadyRunningError as error:
            raise CliError(f"there is a schedule {schedule_id} already", ExitCode.REFUSED) from error
    write_done(settings.json, {"schedule_id": schedule_id}, f"schedule {schedule_id} was made")


@schedule.command()
@_id
@timeout_option
@pass_settings
@asynchronous
async def describe(settings: Settings, schedule_id: str, timeout: timedelta) -> None:
    """Show what it does and when, what it did, and when it is due next."""
    async with connected(settings, timeout) as client:
        found = await shown(await client.get_schedule_handle(schedule_id).describe(rpc_timeout=timeout))
    if settings.json:
        write_json(found)
        return
    write_facts(
        [
            *((name.replace("_", " "), value) for name, value in found.items() if not isinstance(value, list | dict)),
            ("args", found["args"]),
            *((f"spec {name}", _text(value)) for name, value in found["spec"].items()),
            ("next", "\n".join(found["next_action_times"])),
        ],
        given=attached(found),
    )
    if found["recent_actions"]:
        running = {one["workflow_id"] for one in found["running_actions"]}
        click.echo()
        rows = [
            (one["workflow_id"], one["scheduled_at"], one["started_at"], "yes" if one["workflow_id"] in running else "")
            for one in found["recent_actions"]
        ]
        write_table(["workflow id", "scheduled at", "started at", "running"], rows)


@schedule.command("list")
@pass_settings
@asynchronous
async def list_schedules(settings: Settings) -> None:
    """List the schedules, by ID. Lists lag a little behind; `describe` does not."""
    async with connected(settings) as client:
        rows = [listed(found) async for found in await client.list_schedules()]
    if settings.json:
        write_json(rows)
        return
    if not rows:
        click.echo("no schedules")
        return
    cells = [
        (
            row["id"],
            row["workflow_type"] or "",
            spec_text(row["spec"] or {}),
            "yes" if row["paused"] else "",
            (row["next_action_times"] or [""])[0],
            row["note"] or "",
        )
        for row in rows
    ]
    write_table(["id", "type", "spec", "paused", "next", "note"], cells)


@schedule.command()
@_id
@_note
@timeout_option
@pass_settings
@asynchronous
async def pause(settings: Settings, schedule_id: str, note: str | None, timeout: timedelta) -> None:
    """Take no more actions by time."""
    async with connected(settings, timeout) as client:
        await client.get_schedule_handle(schedule_id).pause(note=note or "Paused by foldlog", rpc_timeout=timeout)
    write_done(settings.json, {"schedule_id": schedule_id}, f"schedule {schedule_id} is paused")


@schedule.command()
@_id
@_note
@timeout_option
@pass_settings
@asynchronous
async def unpause(settings: Settings, schedule_id: str, note: str | None, timeout: timedelta) -> None:
    """Take actions by time again, from now on."""
    async with connected(settings, timeout) as client:
        await client.get_schedule_handle(schedule_id).unpause(note=note or "Unpaused by foldlog", rpc_timeout=timeout)
    write_done(settings.json, {"schedule_id": schedule_id}, f"schedule {schedule_id} is no longer paused")


@schedule.command()
@_id
@_overlap
@timeout_option
@pass_settings
@asynchronous
async def trigger(settings: Settings, schedule_id: str, overlap_policy: str | None, timeout: timedelta) -> None:
    """Take an action now, paused or not."""
    async with connected(settings, timeout) as client:
        handle = client.get_schedule_handle(schedule_id)
        await handle.trigger(overlap=_policy(overlap_policy), rpc_timeout=timeout)
    write_done(settings.json, {"schedule_id": schedule_id}, f"schedule {schedule_id} was triggered")


@schedule.command()
@_id
@click.option("--start-time", "start_at", required=True, metavar="TIME", callback=time, help="As 2026-08-01T12:00Z.")
@click.option("--end-time", "end_at", required=True, metavar="TIME", callback=time, help="Likewise.")
@_overlap
@timeout_option
@pass_settings
@asynchronous
async def backfill(
    settings: Settings,
    schedule_id: str,
    start_at: datetime,
    end_at: datetime,
    overlap_policy: str | None,
    timeout: timedelta,
) -> None:
    """Take the actions of a period now; both ends belong to it."""
    period = ScheduleBackfill(start_at, end_at, _policy(overlap_policy))
    async with connected(settings, timeout) as client:
        await client.get_schedule_handle(schedule_id).backfill(period, rpc_timeout=timeout)
    write_done(settings.json, {"schedule_id": schedule_id}, f"schedule {schedule_id} takes the actions of that period")


@schedule.command()
@_id
@timeout_option
@pass_settings
@asynchronous
async def delete(settings: Settings, schedule_id: str, timeout: timedelta) -> None:
    """Delete it. Workflows that it started go on."""
    async with connected(settings, timeout) as client:
        await client.get_schedule_handle(schedule_id).delete(rpc_timeout=timeout)
    write_done(settings.json, {"schedule_id": schedule_id}, f"schedule {schedule_id} was deleted")


@schedule.command()
@_id
@click.option("--type", "workflow_type", metavar="TYPE", callback=not_empty, help="The workflow that is started.")
@click.option("--workflow-id", metavar="ID", callback=not_empty, help="What their workflow IDs begin with.")
@click.option("--task-queue", "-q", metavar="NAME", callback=not_empty, help="Where their activities' tasks go.")
@input_option
@spec_options
@_overlap
@_catchup
@click.option("--pause-on-failure/--no-pause-on-failure", default=None, help="Whether failures pause it.")
@click.option("--remaining-actions", type=click.IntRange(min=0), metavar="N", help="So many more; 0: no limit.")
@_note
@timeout_option
@pass_settings
@asynchronous
async def update(settings: Settings, /, schedule_id: str, timeout: timedelta, **options: Any) -> None:
    """Change what is given, and leave the rest as it is.

    One --cron, --interval or --calendar takes the place of all times that there were.
    """
    when = given_spec(options)
    given = {name: value for name, value in options.items() if value not in (None, [])}
    if not when and not given:
        raise click.UsageError("nothing is to be changed: give an option")

    def change(found: ScheduleUpdateInput) -> ScheduleUpdate:
        return ScheduleUpdate(_changed(found.description.schedule, when, given))

    async with connected(settings, timeout) as client:
        await client.get_schedule_handle(schedule_id).update(change, rpc_timeout=timeout)
    write_done(settings.json, {"schedule_id": schedule_id}, f"schedule {schedule_id} was changed")


def _changed(found: Schedule, when: dict[str, Any], given: dict[str, Any]) -> Schedule:
    action, policy, state = found.action, found.policy, found.state
    assert isinstance(action, ScheduleActionStartWorkflow)
    for name, field in {
        "workflow_type": "workflow",
        "workflow_id": "id",
        "task_queue": "task_queue",
        "inputs": "args",
    }.items():
        if name in given:
            setattr(action, field, given[name])
    if "overlap_policy" in given:
        policy.overlap = ScheduleOverlapPolicy[given["overlap_policy"].upper()]
    policy.catchup_window = given.get("catchup_window", policy.catchup_window)
    policy.pause_on_failure = given.get("pause_on_failure", policy.pause_on_failure)
    if "remaining_actions" in given:
        state.remaining_actions = given["remaining_actions"]
        state.limited_actions = state.remaining_actions > 0
    state.note = given.get("note", state.note)
    times = {"cron_expressions", "intervals", "calendars"}
    if times & when.keys():
        when = {**{name: [] for name in times}, **when}
    return dataclasses.replace(found, spec=dataclasses.replace(found.spec, **when))


def _policy(name: str | None) -> ScheduleOverlapPolicy | None:
    return None if name is None else ScheduleOverlapPolicy[name.upper()]


def _text(value: Any) -> str:
    """Times as they are typed, each on a line."""
    return "\n".join(texts(value))
