"""``python -m foldlog.connectors.embedded kafka``: a broker to work against, without the rest of foldlog.

Owns its own command line only; ``foldlog dev`` is the command for users.
"""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

import click
from foldlog.exceptions import FoldlogError

from .kafka import EmbeddedKafka


@click.group()
def main() -> None:
    """Embedded servers for development."""


@main.command()
@click.option("--folder", type=click.Path(path_type=Path), help="Keep the data here; without it they are temporary.")
@click.option("--port", type=int, default=9092, show_default=True, help="Port on 127.0.0.1; 0 takes a free one.")
def kafka(folder: Path | None, port: int) -> None:
    """Run Apache Kafka until Ctrl-C or SIGTERM."""
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    with EmbeddedKafka(folder, port=port, progress=click.echo) as broker:
        click.echo(f"{broker.bootstrap_servers} (folder {broker.folder}, log {broker.log_path})")
        while not stopping.wait(0.5):
            broker.check()


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
