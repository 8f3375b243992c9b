"""One round of one case, with the foldlog of this Python: `python -m benchmarks.one_round CASE ...`; prints JSON.

A process of its own, so that today's measurement can be run on another commit's foldlog. What it imports and passes has
to be there in that one too.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import tempfile
from pathlib import Path

import click

from benchmarks.setting import milliseconds
from benchmarks.throughput import CASES, Figures, Size, measure

AT_ONCE = 500
SINGLE = 100


@click.command()
@click.argument("case", type=click.Choice(list(CASES)))
@click.option("--servers", required=True)
@click.option("--workflows", type=int, required=True)
def main(case: str, servers: str, workflows: int) -> None:
    """Measure once."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the processes that were started end as after Ctrl-C
    figures = Figures()
    with tempfile.TemporaryDirectory(prefix="foldlog-bench-", ignore_cleanup_errors=True) as name:
        try:
            asyncio.run(measure(Path(name), servers, case, Size(workflows, AT_ONCE, SINGLE), figures))
        except Exception:
            for log in Path(name).glob("*.log"):
                sys.stderr.write(log.read_text(errors="replace"))
            raise
    (per_s,), (cpu_ms,) = figures.per_s, figures.cpu_ms
    click.echo(json.dumps({"per_s": per_s, "p50_ms": milliseconds(figures.seconds, 50), "cpu_ms": cpu_ms}))


if __name__ == "__main__":
    main()
