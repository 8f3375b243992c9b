"""The rules of `foldlog check` and what is found against them. Documented for users in docs/check.md."""

from __future__ import annotations

from dataclasses import dataclass

RULES: dict[str, str] = {
    "FL001": "the clock of the machine",
    "FL002": "random numbers, UUIDs and secrets",
    "FL003": "what differs from process to process",
    "FL004": "an order that differs from process to process",
    "FL005": "threads and what belongs to them",
    "FL006": "calls that block or reach outside",
    "FL007": "state that runs share",
    "FL008": "a coroutine that nobody awaits",
    "FL009": "a cancellation that is swallowed",
    "FL010": "a loop that never yields",
    "FL011": "forbidden by the project",
    "FL090": "an exception without rule or reason",
    "FL091": "an exception that is not needed",
    "FL099": "a file that cannot be read",
}
"""Rule to what it is about. Public: an ID never changes its meaning."""


@dataclass(frozen=True, order=True)
class Finding:
    """One place against a rule."""

    path: str
    line: int
    column: int
    """From 1."""
    rule: str
    message: str
    end_line: int = 0
    """The last line at which a comment can make an exception of it."""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.rule} {self.message}"
