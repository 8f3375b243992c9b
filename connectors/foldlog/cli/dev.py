"""`foldlog dev`: a Kafka with foldlog's topics for as long as somebody develops, or for one program.

Owns the waiting and the signals. The broker is `foldlog.connectors.embedded`'s; one that is configured is used instead.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import FrameType

import click
from foldlog.cli._command import Command, Settings, is_given, pass_settings
from foldlog.cli._errors import CliError, ExitCode
from foldlog.cli._output import write_json
from foldlog.cli._reaching import reached
from foldlog.connectors.embedded import EmbeddedKafka, EmbeddedRegistry
from foldlog.transport.admin import create_topics
from foldlog.transport.clients import open_producer
from foldlog.transport.config import BOOTSTRAP_VARIABLE, KafkaConfig
from foldlog.transport.errors import BrokerUnreachableError
from foldlog.transport.schemas_topic import SchemasTopic
from foldlog.transport.topics import DEFAULT_PARTITIONS, Topics

_POLL_SECONDS = 0.2
_CHILD_GRACE_SECONDS = 10.0
_WARM_UP_SECONDS = 30.0
_GIVEN_BROKER_TIMEOUT = timedelta(seconds=30)
"""How long a broker that is configured is waited for: in a Compose file it may begin with us."""


@dataclass(frozen=True, kw_only=True)
class Servers:
    """What the program can reach, and how to see that it is still there."""

    bootstrap_servers: str
    registry_url: str | None
    log: Path | None
    """The broker's log; None: the broker is not ours."""
    check: Callable[[], None]


@click.command(cls=Command, context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option(
    "--port", type=click.IntRange(0, 65535), default=9092, show_default=True, help="Port on 127.0.0.1; 0: a free one."
)
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the data here for the next start.  [default: a temporary folder]",
)
@click.option("--partitions", type=click.IntRange(min=1), default=DEFAULT_PARTITIONS, show_default=True)
@click.option(
    "--task-queue", "-q", "task_queues", multiple=True, metavar="NAME", help="Create its topic too; may be repeated."
)
@click.option("--schema-registry", is_flag=True, help="Run a schema registry too.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@pass_settings
def dev(
    settings: Settings,
    port: int,
    data_dir: Path | None,
    partitions: int,
    task_queues: tuple[str, ...],
    schema_registry: bool,
    command: tuple[str, ...],
) -> None:
    """Run a Kafka with foldlog's topics on this machine.

    Starts a real Apache Kafka, creates the topics of the namespace, prints the address and runs until Ctrl-C. The first
    start downloads its jars (45 MB). With a COMMAND (after --), runs that with KAFKA_BOOTSTRAP_SERVERS and
    FOLDLOG_NAMESPACE set, and ends when it ends, with its exit code. Where a broker is configured, by
    KAFKA_BOOTSTRAP_SERVERS, --bootstrap-servers or bootstrap.servers among the options, that one is used and none is
    started.

    \b
    foldlog dev
    foldlog dev --port 0 -- python examples/hello_world.py
    """
    with contextlib.ExitStack() as stack:
        stopping = stack.enter_context(_signals())
        servers = stack.enter_context(_servers(settings, port, data_dir, schema_registry))
        config = KafkaConfig(bootstrap_servers=servers.bootstrap_servers) if servers.log else _configured(settings)
        stopping.at_once = False
        topics = Topics(settings.namespace)
        create_topics(config, topics, partitions=partitions, task_queues=task_queues)
        if servers.log:
            _warm_up(config)
        with SchemasTopic(config, topics) as schemas:
            schemas.publish()
        if command:
            code = _run(command, settings, servers, stopping)
            click.get_current_context().exit(code)
        _announce(settings, servers)
        while not stopping.caught:
            servers.check()
            time.sleep(_POLL_SECONDS)


@dataclass
class _Stopping:
    """Which signal asked for the end; 0: none yet."""

    caught: int = 0
    at_once: bool = True
    """Nothing runs yet that is to be stopped in order: what is waited for, such as a download, is left."""


@contextlib.contextmanager
def _signals() -> Iterator[_Stopping]:
    """Turns SIGINT and SIGTERM into a note, so that servers are stopped in order; before they run, into the end."""
    stopping = _Stopping()

    def note(number: int, frame: FrameType | None) -> None:
        stopping.caught = number
        if stopping.at_once:
            stopping.at_once = False  # a second one must not disturb the stop of what has begun
            raise KeyboardInterrupt

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _servers(settings: Settings, port: int, data_dir: Path | None, schema_registry: bool) -> Iterator[Servers]:
    given = settings.kafka  # an option that is wrong is told before anything starts
    with contextlib.ExitStack() as stack:
        registry = None
        if schema_registry:
            folder = data_dir / "registry" if data_dir else None
            registry = stack.enter_context(EmbeddedRegistry(folder, progress=_progress))
        configured = given.bootstrap_servers if settings.names_a_broker else None
        kafka = None
        if configured is None:
            folder = data_dir / "kafka" if data_dir else None
            kafka = stack.enter_context(EmbeddedKafka(folder, port=port, progress=_progress))

        def check() -> None:
            for server in (kafka, registry):
                if server is not None:
                    server.check()

        yield Servers(
            bootstrap_servers=configured or (kafka.bootstrap_servers if kafka else ""),
            registry_url=registry.url if registry else settings.registry_url,
            log=kafka.log_path if kafka else None,
            check=check,
        )


def _configured(settings: Settings) -> KafkaConfig:
    """The broker that is configured, once it answers. Who wanted another one is told so on stderr."""
    context = click.get_current_context()
    idle = [f"--{name.replace('_', '-')}" for name in ("port", "data_dir") if is_given(context, name)]
    if idle:
        verb = "has" if len(idle) == 1 else "have"
        where = settings.kafka.bootstrap_servers
        _progress(f"the configured Kafka at {where} is used and none is started: {' and '.join(idle)} {verb} no effect")
    try:
        return reached(settings, _GIVEN_BROKER_TIMEOUT)
    except BrokerUnreachableError as error:
        raise CliError(
            f"{error}; it is the one that is configured: `foldlog dev` starts a Kafka of its own where"
            f" {BOOTSTRAP_VARIABLE} is not set and no option has an address",
            ExitCode.UNAVAILABLE,
        ) from error


def _warm_up(config: KafkaConfig) -> None:
    """Lets a new broker make and load its transaction log, so that whoever comes first need not wait and be warned."""
    open_producer(config, **{"transactional.id": "foldlog-dev"}).init_transactions(_WARM_UP_SECONDS)


def _progress(line: str) -> None:
    click.echo(line, err=True)


def _announce(settings: Settings, servers: Servers) -> None:
    if settings.json:
        write_json(
            {
                "bootstrap_servers": servers.bootstrap_servers,
                "namespace": settings.namespace,
                "registry_url": servers.registry_url,
                "log": str(servers.log) if servers.log else None,
            }
        )
        return
    click.echo(f"Kafka            {servers.bootstrap_servers}{'' if servers.log else ' (configured; none is started)'}")
    click.echo(f"namespace        {settings.namespace}")
    if servers.registry_url:
        click.echo(f"schema registry  {servers.registry_url}")
    if servers.log:
        click.echo(f"log              {servers.log}")
    click.echo("Ctrl-C stops it.")


def _run(command: Sequence[str], settings: Settings, servers: Servers, stopping: _Stopping) -> int:
    """Runs a program until it ends, or ends it when a signal comes or a server is gone; returns its exit code."""
    environment = os.environ | {
        BOOTSTRAP_VARIABLE: servers.bootstrap_servers,
        "FOLDLOG_NAMESPACE": settings.namespace,
    }
    if servers.registry_url:
        environment["FOLDLOG_REGISTRY_URL"] = servers.registry_url
    if settings.kafka_config and servers.log is None:
        environment["FOLDLOG_KAFKA_CONFIG"] = str(settings.kafka_config)
    try:
        child = subprocess.Popen(command, env=environment)
    except OSError as error:
        raise CliError(f"cannot run {command[0]}: {error.strerror}", ExitCode.USAGE) from error
    try:
        while (code := _wait(child, _POLL_SECONDS)) is None:
            servers.check()
            if stopping.caught:
                break
        if code is None and stopping.caught == signal.SIGINT:
            code = _wait(child, _CHILD_GRACE_SECONDS)  # the terminal has sent it Ctrl-C as well
    finally:
        last = _end(child)
    return _shell_code(last if code is None else code)


def _wait(child: subprocess.Popen[bytes], seconds: float) -> int | None:
    try:
        return child.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


def _end(child: subprocess.Popen[bytes]) -> int:
    if child.poll() is None:
        child.terminate()
        if _wait(child, _CHILD_GRACE_SECONDS) is None:
            child.kill()
    return child.wait()


def _shell_code(code: int) -> int:
    """The exit code as shells count it: 128 and the signal for a program that a signal ended."""
    return 128 - code if code < 0 else code
