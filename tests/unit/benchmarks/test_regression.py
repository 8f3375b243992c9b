"""How two commits are compared: whose turn it is, what ratios prove, and that the other commit's folder goes again."""

from __future__ import annotations

import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from benchmarks import regression
from benchmarks.regression import FIGURES, Comparison, Sample, bounds, checked_out, compare, main, rows, turns, worse

MAKEFILE = """\
venv:
	@test -z "$$PYTHONPATH$(INHERITED)" && test "$(VENV)" = .venv && mkdir .venv
"""


def samples(per_s: list[float], p50_ms: list[float], cpu_ms: list[float]) -> list[Sample]:
    return [dict(zip(FIGURES, figures, strict=True)) for figures in zip(per_s, p50_ms, cpu_ms, strict=True)]


def test_every_round_reverses_the_order() -> None:
    assert list(turns(3, ["One", "Five"])) == [
        *((0, "One", "base"), (0, "One", "now"), (0, "Five", "base"), (0, "Five", "now")),
        *((1, "One", "now"), (1, "One", "base"), (1, "Five", "now"), (1, "Five", "base")),
        *((2, "One", "base"), (2, "One", "now"), (2, "Five", "base"), (2, "Five", "now")),
    ]


@pytest.mark.parametrize(
    ("rounds", "critical"), [(6, 0), (8, 0), (9, 1), (11, 1), (12, 2), (14, 2), (15, 3), (17, 4), (20, 5), (25, 7)]
)
def test_bounds_leave_out_what_the_tables_of_the_sign_test_say(rounds: int, critical: int) -> None:
    """They have, for two sides and 5 %, the greatest number of signs against that still is significant."""
    ratios = [float(number) for number in range(rounds)]
    assert bounds(ratios[::-1]) == (ratios[critical], ratios[-1 - critical])


@pytest.mark.parametrize("rounds", [1, 2, 5])
def test_bounds_of_few_rounds_are_the_least_and_the_greatest(rounds: int) -> None:
    ratios = [float(number) for number in range(rounds)]
    assert bounds(ratios) == (ratios[0], ratios[-1])


@pytest.mark.parametrize(
    ("figure", "low", "high", "answer"),
    [
        ("per_s", 0.96, 1.2, "no"),
        ("per_s", 0.94, 1.2, "unclear"),
        ("per_s", 0.80, 0.94, "yes"),
        ("p50_ms", 0.80, 1.04, "no"),
        ("p50_ms", 0.80, 1.06, "unclear"),
        ("cpu_ms", 1.06, 1.2, "yes"),
    ],
)
def test_more_in_a_second_is_better_and_more_time_is_worse(figure: str, low: float, high: float, answer: str) -> None:
    assert worse(figure, low, high, 6) == answer
    assert worse(figure, low, high, 5) == "unclear"


def test_ratios_are_those_of_one_round_whatever_the_machine_did_between_rounds() -> None:
    base = samples([1000, 500, 2000, 800, 100, 300], [10, 20, 5, 8, 40, 50], [1, 2, 1, 1, 3, 2])
    now = samples([990, 505, 2000, 784, 110, 300], [11, 22, 5.5, 8.8, 44, 55], [1, 2, 1, 1, 3, 2])
    found = compare(base, now)
    per_s = found["per_s"]
    assert per_s.ratios == [0.99, 1.01, 1.0, 0.98, 1.1, 1.0]
    assert (per_s.base, per_s.now, per_s.ratio, per_s.low, per_s.high) == (650, 644.5, 1.0, 0.98, 1.1)
    assert [found[figure].worse for figure in FIGURES] == ["no", "yes", "no"]


def test_sides_with_different_numbers_of_rounds_are_no_pairs() -> None:
    one = samples([1.0], [1.0], [1.0])
    with pytest.raises(ValueError, match="zip"):
        compare(one, one * 2)


def test_the_table_has_a_row_for_each_figure() -> None:
    results = {
        "One": {
            "per_s": Comparison(1234.5, 1250.2, 1.0127, 0.98, 1.04, "no", [1.0127]),
            "cpu_ms": Comparison(0.5123, 0.6, 1.1712, 1.1, 1.2, "yes", [1.1712]),
        }
    }
    assert rows(results) == [
        ["One, workflows/s", "1,234", "1,250", "1.013", "0.980 to 1.040", "no"],
        ["One, CPU ms", "0.512", "0.6", "1.171", "1.100 to 1.200", "yes"],
    ]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git checkout of two commits in the place of foldlog's; the first can be set up, the second cannot."""
    for name in os.environ:
        if name.startswith("GIT_"):  # set while a hook of foldlog's own checkout runs
            monkeypatch.delenv(name)
    monkeypatch.setattr(regression, "ROOT", tmp_path)
    git("init", "--quiet")
    for makefile in (MAKEFILE, "venv:\n\t@false\n"):
        (tmp_path / "Makefile").write_text(makefile, encoding="utf-8")
        git("add", "Makefile")
        git("-c", "user.name=foldlog", "-c", "user.email=foldlog@example.org", "commit", "--quiet", "-m", "a Makefile")
    return tmp_path


def git(*words: str) -> str:
    return regression.git(*words)


def worktrees() -> int:
    return len(git("worktree", "list").splitlines())


def test_the_base_is_set_up_as_it_would_be_by_itself(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(repository))
    monkeypatch.setenv("MAKEFLAGS", " -- INHERITED=yes")
    with checked_out(git("rev-parse", "HEAD~1")) as folder:
        assert (folder / "Makefile").read_text(encoding="utf-8") == MAKEFILE
        assert (folder / ".venv").is_dir()
        assert worktrees() == 2
    assert (folder.exists(), worktrees()) == (False, 1)


@pytest.mark.usefixtures("repository")
def test_nothing_is_left_of_the_base_after_an_interrupt() -> None:
    with pytest.raises(KeyboardInterrupt), checked_out(git("rev-parse", "HEAD~1")) as folder:
        raise KeyboardInterrupt
    assert (folder.exists(), worktrees()) == (False, 1)


@pytest.mark.usefixtures("repository")
def test_a_base_that_cannot_be_set_up_is_an_error_and_goes_too() -> None:
    with pytest.raises(click.ClickException, match=r"--base .*make venv"), checked_out(git("rev-parse", "HEAD")):
        pytest.fail("it was set up")
    assert worktrees() == 1


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("name", ["no-such-commit", "--all", "HEAD:Makefile"])
def test_what_is_no_commit_is_refused_with_the_name_of_the_option(name: str) -> None:
    result = CliRunner().invoke(main, [f"--base={name}"])
    assert result.exit_code == 2
    assert "'--base'" in result.output
    assert name in result.output


def test_a_tree_without_git_is_refused_with_the_name_of_the_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regression, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    result = CliRunner().invoke(main, ["--base", "HEAD"])
    assert result.exit_code == 2
    assert "'--base'" in result.output
    assert "not a git repository" in result.output
