"""`foldlog worker run`: workflows and activities in a process of their own.

Owns the process: signals, logs, the monitoring port. What runs is `foldlog.worker`'s.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from foldlog.cli._client import asynchronous, connected
from foldlog.cli._command import Group, Settings, pass_settings
from foldlog.cli._discover import Found, discover, made_by, name_of
from foldlog.cli._errors import CliError, ExitCode
from foldlog.cli._params import duration, not_empty
from foldlog.client import Client
from foldlog.common import VersioningBehavior, WorkerDeploymentVersion
from foldlog.connectors.health import MonitoringServer
from foldlog.connectors.logs import configure_logging
from foldlog.connectors.prometheus import PrometheusSensor
from foldlog.sensor import Sensor
from foldlog.worker import Worker, WorkerDeploymentConfig
from prometheus_client import REGISTRY

logger = logging.getLogger("foldlog.cli")


@click.group(cls=Group)
def worker() -> None:
    """Run workflows and activities."""


@worker.command()
@click.argument("targets", metavar="MODULE[:NAME]...", nargs=-1, required=True)
@click.option(
    "--task-queue",
    "-q",
    required=True,
    metavar="NAME",
    callback=not_empty,
    help="The queue whose activity tasks it takes.",
)
@click.option("--only", type=click.Choice(["workflows", "activities"]), help="Run only these of what is found.")
@click.option(
    "--state-dir",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="FOLDLOG_STATE_DIR",
    show_envvar=True,
    help="Where the stores are; keep it over restarts.  [default: .foldlog/state]",
)
@click.option(
    "--instance-id",
    envvar="FOLDLOG_INSTANCE_ID",
    show_envvar=True,
    metavar="NAME",
    callback=not_empty,
    help="Stable name of this process, such as the pod's: a restart then goes on at once.",
)
@click.option("--build-id", envvar="FOLDLOG_BUILD_ID", show_envvar=True, metavar="TEXT", help="Version of the code.")
@click.option(
    "--deployment",
    envvar="FOLDLOG_DEPLOYMENT",
    show_envvar=True,
    metavar="NAME",
    callback=not_empty,
    help="Bind workflows to versions of the code: the name of the deployment whose build this is.",
)
@click.option(
    "--versioning",
    "default_versioning_behavior",  # as errors of the library name it
    type=click.Choice(["pinned", "auto-upgrade"]),
    help="With --deployment: how workflows are bound whose definitions do not say.",
)
@click.option(
    "--earlier",
    multiple=True,
    metavar="BUILD_ID=MODULE[:NAME]",
    help="With --deployment: code of another build, for workflows that are pinned to it; may be repeated.",
)
@click.option("--max-concurrent-activities", type=click.IntRange(min=1), help="Attempts that run at a time.")
@click.option("--max-activities-per-second", type=click.FloatRange(min=0, min_open=True), help="Starts per second.")
@click.option("--max-cached-workflows", type=click.IntRange(min=1), help="Workflows kept in memory.")
@click.option(
    "--graceful-shutdown",
    metavar="TIME",
    callback=duration,
    default="30s",
    show_default=True,
    help="How long running activities may go on after SIGTERM or Ctrl-C, before they are cancelled.",
)
@click.option(
    "--metrics-port", type=click.IntRange(0, 65535), help="Serve /metrics, /healthz and /readyz; 0: any port."
)
@click.option("--metrics-host", default="127.0.0.1", show_default=True, help="Address for that; 0.0.0.0 for all.")
@pass_settings
@asynchronous
async def run(
    settings: Settings,
    /,
    targets: Sequence[str],
    only: str | None,
    graceful_shutdown: timedelta,
    metrics_port: int | None,
    metrics_host: str,
    **options: Any,
) -> None:
    """Run the workflows and activities of modules until SIGTERM or Ctrl-C.

    Takes every definition that is a global of a MODULE, which is imported with the current folder on the path.
    MODULE:NAME takes a definition, a list of them, or a function that makes the worker: it is called with the client
    and the worker's options as keywords, for activities that are methods of an object.

    \b
    foldlog worker run shop.workflows shop.activities -q orders --metrics-port 9464
    """
    configure_logging(settings.log_level or "INFO", settings.log_format)
    found = discover(targets)
    options |= _versioning(options, only)
    sensor = PrometheusSensor(REGISTRY) if metrics_port is not None else Sensor()
    chosen = {name: value for name, value in options.items() if value is not None}
    chosen |= {"graceful_shutdown_timeout": graceful_shutdown, "sensor": sensor}
    async with connected(settings) as client:
        made = await _make(found, only, client, chosen)
        with ExitStack() as stack:
            if metrics_port is not None:
                server = MonitoringServer(
                    REGISTRY,
                    live={"worker": made.healthy},
                    ready={"worker": lambda: made.ready},
                    host=metrics_host,
                    port=metrics_port,
                )
                stack.enter_context(server)
                logger.info("metrics and health are at http://%s:%d", server.host, server.port)
            await _run_until_signal(made)


def _versioning(options: dict[str, Any], only: str | None) -> dict[str, Any]:
    """Takes the options about versions out, and gives the worker's."""
    name, behavior, earlier = (
        options.pop("deployment"),
        options.pop("default_versioning_behavior"),
        options.pop("earlier"),
    )
    if name is None:
        if behavior or earlier:
            raise CliError("--versioning and --earlier need --deployment", ExitCode.USAGE)
        return {}
    build_id = options.pop("build_id")
    if not build_id:
        raise CliError("--deployment needs a --build-id", ExitCode.USAGE)
    versions = {build: _earlier(build, targets, only) for build, targets in _by_build(earlier).items()}
    config = WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(name, build_id),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior[(behavior or "unspecified").upper().replace("-", "_")],
    )
    return {"deployment_config": config} | ({"earlier_versions": versions} if versions else {})


def _by_build(earlier: Sequence[str]) -> dict[str, list[str]]:
    """The modules of each earlier build."""
    targets: dict[str, list[str]] = {}
    for text in earlier:
        build, equals, target = text.partition("=")
        if not (build and equals and target):
            raise CliError(f"--earlier {text}: it must be BUILD_ID=MODULE[:NAME]", ExitCode.USAGE)
        targets.setdefault(build, []).append(target)
    return targets


def _earlier(build: str, targets: Sequence[str], only: str | None) -> list[type | Callable[..., Any]]:
    """The code of an earlier build. Its modules are looked at together: what one imports from another is there once."""
    code = discover(targets)
    if code.factory is not None:
        raise CliError(
            f"--earlier {build}={targets[0]}: name definitions, not a function that makes a worker", ExitCode.USAGE
        )
    return [*code.workflows, *([] if only == "workflows" else code.activities)]


async def _make(found: Found, only: str | None, client: Client, options: dict[str, Any]) -> Worker:
    if found.factory is not None:
        made = await made_by(found.factory, client, **options)
        if not isinstance(made, Worker):
            raise CliError(f"{name_of(found.factory)} gave {made!r}, which is no foldlog.worker.Worker", ExitCode.USAGE)
        return made
    workflows = [] if only == "activities" else found.workflows
    activities = [] if only == "workflows" else found.activities
    if not workflows and not activities:
        raise CliError(f"there are no {only} in what was found", ExitCode.USAGE)
    logger.info(
        "found %d workflows and %d activities",
        len(workflows),
        len(activities),
        extra={"workflows": [one.__name__ for one in workflows], "activities": [_name(one) for one in activities]},
    )
    return Worker(client, workflows=workflows, activities=activities, **options)


def _name(activity: Any) -> str:
    return getattr(activity, "__name__", type(activity).__name__)


async def _run_until_signal(made: Worker) -> None:
    """Runs a worker; the first signal stops it in order, a second one, of either kind, at once."""
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)

    def stop(number: int) -> None:
        logger.info("%s: stopping; activities that run may go on for a while", signal.Signals(number).name)
        for either in numbers:
            loop.remove_signal_handler(either)
            signal.signal(either, signal.SIG_DFL)  # the next one ends the process, whatever still waits in it
        stopping.set()

    stopping = asyncio.Event()
    for number in numbers:
        loop.add_signal_handler(number, stop, number)
    running = asyncio.create_task(made.run())
    waiting = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
        await made.shutdown()
        await running
    finally:
        waiting.cancel()
