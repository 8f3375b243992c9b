"""``python -m foldlog.connectors.embedded kafka|registry``: servers to work against, without the rest of foldlog.

Owns its own command line only; ``foldlog dev`` is the command for users.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import click
from foldlog.exceptions import FoldlogError

from ._server import EmbeddedServer
from .kafka import EmbeddedKafka
from .registry import EmbeddedRegistry


@click.group()
def main() -> None:
    """Embedded servers for development."""


_folder = click.option(
    "--folder", type=click.Path(path_type=Path), help="Keep the data here; without it they are temporary."
)


@main.command()
@_folder
@click.option("--port", type=int, default=9092, show_default=True, help="Port on 127.0.0.1; 0 takes a free one.")
def kafka(folder: Path | None, port: int) -> None:
    """Run Apache Kafka until Ctrl-C or SIGTERM."""
    broker = EmbeddedKafka(folder, port=port, progress=click.echo)
    _run(broker, lambda: broker.bootstrap_servers)


@main.command()
@_folder
@click.option("--port", type=int, default=8081, show_default=True, help="Port on 127.0.0.1; 0 takes a free one.")
def registry(folder: Path | None, port: int) -> None:
    """Run a schema registry until Ctrl-C or SIGTERM."""
    server = EmbeddedRegistry(folder, port=port, progress=click.echo)
    _run(server, lambda: server.url)


def _run(server: EmbeddedServer, address: Callable[[], str]) -> None:
    """Starts a server, prints its address and waits for a signal, or for the server to end by itself."""
    stopping = threading.Event()
    with server:
        # Not before: a signal ends what is waited for until then, and the supervisor sees to what has begun.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopping.set())
        click.echo(f"{address()} (folder {server.folder}, log {server.log_path})")
        while not stopping.wait(0.5):
            server.check()


@main.command()
def lock() -> None:
    """Write the lock file of the jars anew (for maintainers)."""
    from ._make_lock import write_lock

    click.echo(f"wrote {write_lock()}")


if __name__ == "__main__":
    try:
        main()
    except FoldlogError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
