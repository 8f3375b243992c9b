"""`foldlog deployment`: which version of the workflow code new runs begin on, and what each version still has to do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click
from foldlog.cli._client import asynchronous, connected
from foldlog.cli._command import Group, Settings, pass_settings
from foldlog.cli._options import timeout_of
from foldlog.cli._output import write_facts, write_json, write_table
from foldlog.cli._params import not_empty
from foldlog.client import WorkerDeploymentDescription


@click.group(cls=Group)
def deployment() -> None:
    """Look at versions of workflow code, and move to another one."""


_name = click.argument("name", metavar="DEPLOYMENT", callback=not_empty)
_build_id = click.argument("build_id", metavar="[BUILD_ID]", required=False)
_allow_missing = click.option(
    "--allow-missing", is_flag=True, help="Also where workers lack the build; their workflows stall until they have it."
)
_timeout = timeout_of("each partition's answer")


@deployment.command("list")
@_timeout
@pass_settings
@asynchronous
async def list_(settings: Settings, /, timeout: timedelta) -> None:
    """List the deployments that are set, or whose workers run."""
    async with connected(settings, timeout) as client:
        names = await client.list_deployments(rpc_timeout=timeout)
    if settings.json:
        write_json({"deployments": list(names)})
        return
    if not names:
        click.echo("no deployments")
    for name in names:
        click.echo(name)


@deployment.command()
@_name
@_timeout
@pass_settings
@asynchronous
async def describe(settings: Settings, /, name: str, timeout: timedelta) -> None:
    """Show the versions of a deployment, their open workflows, and who has their code."""
    async with connected(settings, timeout) as client:
        _show(settings, await client.deployment(name).describe(rpc_timeout=timeout))


@deployment.command("set-current")
@_name
@_build_id
@click.option("--unset", is_flag=True, help="New workflows begin on the own version of whichever worker has them.")
@_allow_missing
@_timeout
@pass_settings
@asynchronous
async def set_current(
    settings: Settings, /, name: str, build_id: str | None, unset: bool, allow_missing: bool, timeout: timedelta
) -> None:
    """Let new workflows begin on a build, and move those with AUTO_UPGRADE there."""
    _check_build(build_id, unset, "--unset")
    async with connected(settings, timeout) as client:
        handle = client.deployment(name)
        _show(settings, await handle.set_current_version(build_id, allow_missing=allow_missing, rpc_timeout=timeout))


@deployment.command("set-ramping")
@_name
@_build_id
@click.option(
    "--percentage", type=click.FloatRange(0, 100), default=0.0, show_default=True, help="The share of workflow IDs."
)
@click.option("--unset", is_flag=True, help="End the ramp.")
@_allow_missing
@_timeout
@pass_settings
@asynchronous
async def set_ramping(
    settings: Settings,
    /,
    name: str,
    build_id: str | None,
    percentage: float,
    unset: bool,
    allow_missing: bool,
    timeout: timedelta,
) -> None:
    """Let a share of new workflows begin on a build, and move that share of those with AUTO_UPGRADE."""
    _check_build(build_id, unset, "--unset")
    async with connected(settings, timeout) as client:
        handle = client.deployment(name)
        _show(
            settings,
            await handle.set_ramping_version(build_id, percentage, allow_missing=allow_missing, rpc_timeout=timeout),
        )


def _check_build(build_id: str | None, unset: bool, option: str) -> None:
    if bool(build_id) == unset:
        raise click.UsageError(f"give either a BUILD_ID or {option}")


def _show(settings: Settings, found: WorkerDeploymentDescription) -> None:
    if settings.json:
        write_json(_as_json(found))
        return
    current, ramping = found.current_version, found.ramping_version
    write_facts(
        [
            ("deployment", found.name),
            ("current", current.build_id if current else "that of each worker"),
            ("ramping", f"{ramping.build_id} ({found.ramping_percentage:g} %)" if ramping else ""),
            ("changed", found.changed_time.isoformat(sep=" ", timespec="seconds") if found.changed_time else ""),
            ("by", found.identity),
            (
                "behind",
                f"partitions {', '.join(map(str, found.behind))}: make the change again" if found.behind else "",
            ),
        ]
    )
    columns = ["build", "status", "pinned", "moving", "stalled", "hosted by"]
    write_table(
        columns,
        (
            (
                each.version.build_id,
                each.status.name,
                each.pinned_workflows,
                each.auto_upgrade_workflows,
                each.stalled_workflows,
                f"{len(each.hosting_partitions)} of {found.partitions} partitions",
            )
            for each in found.versions
        ),
    )


def _as_json(found: WorkerDeploymentDescription) -> dict[str, Any]:
    return {
        "name": found.name,
        "current_build_id": found.current_version.build_id if found.current_version else None,
        "ramping_build_id": found.ramping_version.build_id if found.ramping_version else None,
        "ramping_percentage": found.ramping_percentage,
        "changed_time": found.changed_time.isoformat() if found.changed_time else None,
        "identity": found.identity,
        "partitions": found.partitions,
        "behind": list(found.behind),
        "versions": [
            {
                "build_id": each.version.build_id,
                "status": each.status.name,
                "pinned_workflows": each.pinned_workflows,
                "auto_upgrade_workflows": each.auto_upgrade_workflows,
                "stalled_workflows": each.stalled_workflows,
                "hosting_partitions": list(each.hosting_partitions),
            }
            for each in found.versions
        ],
    }
