"""Exceptions that comments make: `# foldlog: ignore[FL003] reason`, at the end of a line or on a line before it."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field

from foldlog.checker.rules import RULES, Finding

_COMMENT = re.compile(r"#\s*foldlog:\s*ignore\b\s*(?:\[(?P<rules>[^\]]*)\])?[\s:-]*(?P<reason>.*)")
_BLANK = (tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT)


@dataclass
class Ignore:
    """One such comment."""

    line: int
    column: int
    covers: int
    """The line that it is about."""
    rules: list[str]
    reason: str
    used: set[str] = field(default_factory=set)


def exceptions(text: str) -> list[Ignore]:
    """The comments of a source text, in order."""
    if "foldlog:" not in text:
        return []  # as in nearly all files: to look for them takes as long as all else
    found: list[Ignore] = []
    alone: list[Ignore] = []
    code_line = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        line, column = token.start
        if token.type not in _BLANK:
            code_line = token.end[0]
            for waiting in alone:
                waiting.covers = line
            alone.clear()
        match = _COMMENT.match(token.string) if token.type == tokenize.COMMENT else None
        if match is None:
            continue
        rules = [rule.strip() for rule in (match["rules"] or "").split(",") if rule.strip()]
        found.append(Ignore(line, column + 1, line, rules, match["reason"].strip()))
        if code_line != line:
            alone.append(found[-1])
    return found


def apply(findings: Iterable[Finding], made: list[Ignore]) -> list[Finding]:
    """What is left of the findings of a file."""
    left = []
    for finding in findings:
        lines = range(finding.line, max(finding.line, finding.end_line) + 1)
        excepting = [one for one in made if one.covers in lines and finding.rule in one.rules]
        for one in excepting:
            one.used.add(finding.rule)
        # Without a reason it is none.
        if not any(one.reason for one in excepting):
            left.append(finding)
    return left


def wrong_exceptions(
    path: str, made: list[Ignore], disabled: Collection[str], looked_at: Callable[[int], bool]
) -> Iterator[Finding]:
    """What is wrong with the exceptions of a file themselves.

    Args:
        path: What findings name.
        made: The exceptions, after `apply`.
        disabled: Rules that do not apply.
        looked_at: Whether it is known of a line that no more can be found there. It is not in a function that only
            workflows of other files may call.
    """
    for one in made:
        unknown = [rule for rule in one.rules if rule not in RULES]
        wrong = ""
        if not one.rules:
            wrong = "say which rule is not to apply: `# foldlog: ignore[FL001] reason`"
        elif unknown:
            wrong = f"there is no rule {', '.join(unknown)}"
        elif not one.reason:
            wrong = f"say why {', '.join(one.rules)} is not to apply here, after the bracket"
        if wrong:
            yield Finding(path, one.line, one.column, "FL090", wrong)
            continue
        unused = [rule for rule in one.rules if rule not in one.used and rule not in disabled]
        if unused and looked_at(one.covers):
            message = f"nothing is found against {', '.join(unused)} here: remove the exception"
            yield Finding(path, one.line, one.column, "FL091", message)
