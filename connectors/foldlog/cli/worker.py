"""`foldlog worker run`: workflows and activities in a process of their own.

Owns the process: signals, logs, the monitoring port. What runs is `foldlog.worker`'s.
"""

from __future__ import annotations

import click
from foldlog.cli._command import Group


@click.group(cls=Group)
def worker() -> None:
    """Run workflows and activities."""
