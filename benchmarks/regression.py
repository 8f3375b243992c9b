"""Is this tree slower than an earlier commit? `make bench BASE=COMMIT`, by `python -m benchmarks.regression`.

The commit is checked out into a temporary worktree and gets an environment of its own. Then both take turns on one
broker, with the cases of benchmarks.throughput and today's code for measuring: only foldlog, and the libraries that it
is pinned to, differ. A machine that does other things too may be half as fast for a minute, so what counts is the ratio
within a round, where one side runs right after the other, and each round reverses their order.

The median of the ratios is known as well as they agree. A ratio is as often above the true median as below it, whatever
the noise is like; so bounds of the median are found by counting, as in a sign test.
"""

from __future__ import annotations

import json
import math
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from foldlog.connectors.embedded import broker_from_environment

from benchmarks.setting import console, show, write
from benchmarks.throughput import CASES

ROOT = Path(__file__).parents[1]
SIDES = ("base", "now")
FIGURES = {"per_s": "workflows/s", "p50_ms": "p50 ms", "cpu_ms": "CPU ms"}
"""What is measured, and its name in the table. Of the first more is better, of the others less."""
TOLERATED = 0.05
RISK = 0.05
"""That the true ratio is outside of the bounds that are given, on either side."""
FEWEST = 6
"""Rounds. With fewer, not even the least and the greatest ratio are such bounds."""
NOT_FOR_BASE = ("PYTHONPATH", "MAKEFLAGS", "MFLAGS", "MAKELEVEL")
"""Variables that would have the base import this tree, or be set up as this one was."""

Sample = dict[str, float]
"""What one round of one side has measured, by the keys of FIGURES."""


@dataclass
class Comparison:
    """One figure of one case on both sides."""

    base: float
    now: float
    """Medians."""
    ratio: float
    """The median of the ratios of now to base; `low` and `high` are its bounds."""
    low: float
    high: float
    worse: str
    """Whether it got worse by more than is tolerated: no, yes or unclear."""
    ratios: list[float]
    """By round."""


def turns(rounds: int, cases: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    """Round, case and side of each measurement, in order."""
    for number in range(rounds):
        for case in cases:
            for side in SIDES if number % 2 == 0 else SIDES[::-1]:
                yield number, case, side


def bounds(ratios: Sequence[float]) -> tuple[float, float]:
    """Between which the true median is, but for RISK; of fewer than FEWEST ratios, the least and the greatest."""
    ordered, count = sorted(ratios), len(ratios)
    left_out = 0
    risk = 2 * (1 + count) / 2**count  # with one more left out at either end
    while risk <= RISK:
        left_out += 1
        risk += 2 * math.comb(count, left_out + 1) / 2**count
    return ordered[left_out], ordered[-1 - left_out]


def worse(figure: str, low: float, high: float, rounds: int) -> str:
    """Whether a figure got worse by more than is tolerated, as far as its bounds tell."""
    least, most = (1 - high, 1 - low) if figure == "per_s" else (low - 1, high - 1)
    if rounds < FEWEST or least <= TOLERATED < most:
        return "unclear"
    return "no" if most <= TOLERATED else "yes"


def compare(base: Sequence[Sample], now: Sequence[Sample]) -> dict[str, Comparison]:
    """Each figure of a case, from the samples of both sides in the order of rounds."""
    found = {}
    for figure in FIGURES:
        before, after = ([sample[figure] for sample in side] for side in (base, now))
        ratios = [later / earlier for earlier, later in zip(before, after, strict=True)]
        low, high = bounds(ratios)
        found[figure] = Comparison(
            base=round(statistics.median(before), 4),
            now=round(statistics.median(after), 4),
            ratio=round(statistics.median(ratios), 4),
            low=round(low, 4),
            high=round(high, 4),
            worse=worse(figure, low, high, len(ratios)),
            ratios=[round(ratio, 4) for ratio in ratios],
        )
    return found


def rows(results: dict[str, dict[str, Comparison]]) -> list[list[str]]:
    """Of the table."""
    return [
        [
            f"{case}, {FIGURES[figure]}",
            *(f"{side:,.0f}" if side >= 100 else f"{side:.3g}" for side in (found.base, found.now)),
            f"{found.ratio:.3f}",
            f"{found.low:.3f} to {found.high:.3f}",
            found.worse,
        ]
        for case, figures in results.items()
        for figure, found in figures.items()
    ]


def git(*words: str) -> str:
    """What git says about this tree.

    Raises:
        click.ClickException: It is not installed, or it refuses.
    """
    try:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise click.ClickException("git is not installed") from None
    if done.returncode:
        raise click.ClickException(done.stderr.strip())
    return done.stdout.strip()


def commit_of(context: click.Context, option: click.Parameter, name: str) -> str:
    """The whole hash of a commit that was named on the command line."""
    try:
        return git("rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}")
    except click.ClickException as error:
        raise click.BadParameter(f"no commit {name!r} in {ROOT}: {error.message}") from None


def environment() -> dict[str, str]:
    """Variables for what is run in or with the base; the same for this tree."""
    return {name: value for name, value in os.environ.items() if name not in NOT_FOR_BASE}


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """A commit in a folder with a .venv of its own, for as long as the block does.

    Raises:
        click.ClickException: It cannot be set up.
    """
    with tempfile.TemporaryDirectory(prefix="foldlog-base-", ignore_cleanup_errors=True) as name:
        folder = Path(name) / commit
        try:
            git("worktree", "add", "--detach", str(folder), commit)
            command = ["make", "venv", f"PYTHON={sys.executable}", "VENV=.venv"]
            if subprocess.run(command, cwd=folder, env=environment(), check=False).returncode:
                raise click.ClickException(f"--base {commit}: `make venv` failed there")
            yield folder
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", folder], cwd=ROOT, capture_output=True, check=False)


def sample(python: str, case: str, servers: str, workflows: int) -> Sample:
    """Measure one side once.

    Raises:
        click.ClickException: It failed. Why, it has said itself.
    """
    command = [python, "-m", "benchmarks.one_round", case, "--servers", servers, "--workflows", str(workflows)]
    # In a session of its own, Ctrl-C does not reach it and its processes all at once: it ends them in order.
    child = subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        output, _ = child.communicate()
    except BaseException:
        child.terminate()
        child.wait()
        raise
    if child.returncode:
        raise click.ClickException(f"{case} failed with {python}")
    return {figure: float(value) for figure, value in json.loads(output).items()}


@click.command()
@click.option("--base", required=True, callback=commit_of, help="The commit to compare with.")
@click.option("--rounds", type=click.IntRange(1), default=10, show_default=True, help="Of each side and case.")
@click.option(
    "--workflows", type=click.IntRange(100), default=2_500, show_default=True, help="Per round, side and case."
)
@click.option("--case", "cases", multiple=True, type=click.Choice(list(CASES)), help="Only these.")
def main(base: str, rounds: int, workflows: int, cases: tuple[str, ...]) -> None:
    """Measure, print a table, and write benchmarks/results/regression.json.

    With the defaults it takes 10 to 15 minutes on a machine that does nothing else.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # nothing is left behind after that either
    now = git("describe", "--always", "--dirty")
    samples: dict[str, dict[str, list[Sample]]] = {case: {side: [] for side in SIDES} for case in cases or CASES}
    with checked_out(base) as folder, broker_from_environment() as servers:
        pythons = {"base": str(folder / ".venv" / "bin" / "python"), "now": sys.executable}
        for number, case, side in turns(rounds, list(samples)):
            samples[case][side].append(found := sample(pythons[side], case, servers, workflows))
            figures = ", ".join(f"{found[figure]:.4g} {name}" for figure, name in FIGURES.items())
            console.print(f"{case}, round {number + 1} of {rounds}, {side}: {figures}")
    results = {case: compare(sides["base"], sides["now"]) for case, sides in samples.items()}
    columns = ["", "base", "now", "ratio", f"{100 - RISK * 100:.0f} % sure", "worse"]
    show(f"Worse than {base[:12]} by over {TOLERATED * 100:.0f} %? Rounds: {rounds}", columns, rows(results))
    if not cases:
        kept = {case: {name: asdict(found) for name, found in figures.items()} for case, figures in results.items()}
        write("regression", {"base": base, "now": now, "rounds": rounds, "workflows": workflows, **kept})


if __name__ == "__main__":
    main()
