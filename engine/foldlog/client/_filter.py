"""List filters: which runs a list gives, in the language that Temporal's lists are asked in.

Owns the language and its meaning for one row of the visibility topic. What is compared with something that a row does
not have is neither true nor false, as in SQL: such a row is not given, and neither is it when the condition is negated.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from foldlog._times import utc
from foldlog.converter import decode_typed_search_attributes
from foldlog.exceptions import InvalidArgumentError

Predicate = Callable[[Any], bool | None]
"""Whether a row is given; None: that cannot be said of it. It has `search_attributes`, and what the fields read."""

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\")|(?P<number>[-+]?\d+(?:\.\d+)?)"
    r"|(?P<name>`[^`]+`|[A-Za-z_][\w.-]*)|(?P<sign><=|>=|!=|<>|[=<>(),]))"
)
_WORDS = frozenset(
    {"and", "or", "not", "in", "between", "is", "null", "starts_with", "true", "false", "order", "group"}
)
_COMPARE: dict[str, Callable[[Any, Any], bool | None]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ORDERED = ("<", "<=", ">", ">=")
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d))")
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_CLOCK = re.compile(r"(?P<hours>\d+):(?P<minutes>\d\d):(?P<seconds>\d\d(?:\.\d+)?)")


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


class Field(NamedTuple):
    """How a field of every row is read, and what it is compared with."""

    read: Callable[[Any], Any]
    value: Callable[[Any], Any]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("is compared with text, which stands in quotes")
    return value


def _whole(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("is compared with a number")
    return value


def _status(value: Any) -> str:
    """The name of a status as in rows; `TimedOut`, `timedout` and `TIMED_OUT` are the same."""
    wanted = _text(value).replace("_", "").lower()
    for name in ("RUNNING", "COMPLETED", "FAILED", "CANCELED", "TERMINATED", "CONTINUED_AS_NEW", "TIMED_OUT"):
        if name.replace("_", "").lower() == wanted:
            return name
    raise ValueError(f"cannot be {value!r}")


def _moment(value: Any) -> datetime:
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"is compared with a time such as '2026-01-31T12:00:00Z', not {value!r}") from None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return datetime.fromtimestamp(_whole(value) / 1e9, UTC)


def _duration(value: Any) -> timedelta:
    if not isinstance(value, str):
        return timedelta(seconds=_whole(value) / 1e9)
    if clock := _CLOCK.fullmatch(value):
        parts = {name: float(part) for name, part in clock.groupdict().items()}
        return timedelta(**parts)
    found = _DURATION.findall(value)
    if not found or "".join(number + unit for number, unit in found) != value:
        raise ValueError(f"is compared with a duration such as '1h30m', not {value!r}")
    return timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in found))


def _at(milliseconds: int) -> datetime | None:
    return utc(milliseconds) if milliseconds else None


FIELDS: Mapping[str, Field] = {
    "WorkflowId": Field(lambda row: row.workflow_id, _text),
    "RunId": Field(lambda row: row.run_id, _text),
    "WorkflowType": Field(lambda row: row.workflow_type, _text),
    "TaskQueue": Field(lambda row: row.task_queue, _text),
    "ExecutionStatus": Field(lambda row: row.status, _status),
    "StartTime": Field(lambda row: _at(row.start_ms), _moment),
    "ExecutionTime": Field(lambda row: _at(row.first_task_ms or row.start_ms), _moment),
    "CloseTime": Field(lambda row: _at(row.close_ms), _moment),
    "ExecutionDuration": Field(
        lambda row: timedelta(milliseconds=row.close_ms - row.start_ms) if row.close_ms else None, _duration
    ),
    "HistoryLength": Field(lambda row: row.history_length, _whole),
    "HistorySizeBytes": Field(lambda row: row.history_size, _whole),
    "ParentWorkflowId": Field(lambda row: row.parent_workflow_id or None, _text),
    "ParentRunId": Field(lambda row: row.parent_run_id or None, _text),
    "RootWorkflowId": Field(lambda row: row.root_workflow_id or row.workflow_id, _text),
    "RootRunId": Field(lambda row: row.root_run_id or row.run_id, _text),
    "TemporalWorkerDeploymentVersion": Field(lambda row: row.deployment_version or None, _text),
}
"""What every row of a workflow has, under the names of Temporal. Any other name is that of a search attribute."""


def parse(query: str, fields: Mapping[str, Field] = FIELDS) -> Predicate:
    """What a list filter says of a row.

    Args:
        query: Such as `WorkflowType = 'Order' AND (ExecutionStatus = 'Running' OR city STARTS_WITH 'B')`; empty: all.
        fields: What every row has.

    Raises:
        InvalidArgumentError: It cannot be understood; the message says where.
    """
    return _Parser(query, fields).parse() if query.strip() else lambda _: True


def fields_of(query: str) -> frozenset[str]:
    """The fields that a list filter names, for one that can be understood."""
    return _Parser(query, {}).fields()


class _Parser:
    """Reads a filter by recursive descent."""

    def __init__(self, query: str, fields: Mapping[str, Field]) -> None:
        self._query, self._fields = query, fields
        self._tokens = list(self._read())
        self._next = 0

    def _read(self) -> Iterator[_Token]:
        position, end = 0, len(self._query.rstrip())
        while position < end:
            match = _TOKEN.match(self._query, position)
            if match is None:
                raise self._error(position, "that cannot be read")
            kind = match.lastgroup or ""
            text, at = match[kind], match.start(kind)
            if kind == "name" and text.lower() in _WORDS:
                kind, text = "word", text.lower()
            yield _Token(kind, text.strip("`") if kind == "name" else text, at)
            position = match.end()
        yield _Token("end", "", end)

    def fields(self) -> frozenset[str]:
        return frozenset(token.text for token in self._tokens if token.kind == "name")

    def _error(self, position: int, problem: str) -> InvalidArgumentError:
        return InvalidArgumentError(f"the list filter {self._query!r}: {problem}, at position {position + 1}")

    def _take(self, *wanted: str) -> _Token | None:
        """The next token if it is one of these words or signs."""
        token = self._tokens[self._next]
        if token.kind in ("word", "sign") and token.text in wanted:
            self._next += 1
            return token
        return None

    def _need(self, wanted: str) -> None:
        if self._take(wanted) is None:
            raise self._error(self._tokens[self._next].at, f"{wanted.upper()} is missing")

    def parse(self) -> Predicate:
        found = self._either()
        rest = self._tokens[self._next]
        if rest.kind != "end":
            problem = "lists have an order of their own" if rest.text == "order" else "that is one word too many"
            raise self._error(rest.at, problem)
        return found

    def _either(self) -> Predicate:
        sides = [self._both()]
        while self._take("or"):
            sides.append(self._both())
        return sides[0] if len(sides) == 1 else lambda row: _any([side(row) for side in sides])

    def _both(self) -> Predicate:
        sides = [self._maybe_not()]
        while self._take("and"):
            sides.append(self._maybe_not())
        return sides[0] if len(sides) == 1 else lambda row: _all([side(row) for side in sides])

    def _maybe_not(self) -> Predicate:
        if self._take("not"):
            return _negated(self._maybe_not())
        if self._take("("):
            inner = self._either()
            self._need(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Predicate:
        name = self._tokens[self._next]
        if name.kind != "name":
            raise self._error(name.at, "the name of a field is missing")
        self._next += 1
        if self._take("is"):
            negated = self._take("not") is not None
            self._need("null")
            return lambda row: (self._field(row, name.text) is None) is not negated
        negated = self._take("not") is not None
        sign = self._tokens[self._next]
        if self._take("in"):
            found = self._in(name)
        elif self._take("between"):
            found = self._between(name)
        elif self._take("starts_with"):
            prefix = self._value(name)
            found = self._check(name, prefix, _starts_with, only=str)
        elif not negated and self._take(*_COMPARE):
            found = self._compared(name, sign.text)
        else:
            raise self._error(sign.at, "a comparison is missing: =, !=, <, <=, >, >=, IN, BETWEEN, IS or STARTS_WITH")
        return _negated(found) if negated else found

    def _in(self, name: _Token) -> Predicate:
        self._need("(")
        choices = [self._compared(name, "=")]
        while self._take(","):
            choices.append(self._compared(name, "="))
        self._need(")")
        return lambda row: _any([choice(row) for choice in choices])

    def _between(self, name: _Token) -> Predicate:
        low = self._compared(name, ">=")
        self._need("and")
        high = self._compared(name, "<=")
        return lambda row: _all([low(row), high(row)])

    def _compared(self, name: _Token, sign: str) -> Predicate:
        if name.text == "ExecutionStatus" and sign in _ORDERED:
            raise self._error(name.at, "ExecutionStatus has no order")
        return self._check(name, self._value(name), _COMPARE[sign], negative=sign in ("!=", "<>"))

    def _value(self, name: _Token) -> Any:
        token = self._tokens[self._next]
        self._next += 1
        value: Any
        if token.kind == "text":
            quote = token.text[0]
            value = re.sub(rf"\\(.)|{quote}{quote}", lambda match: match[1] or quote, token.text[1:-1])
        elif token.kind == "number":
            value = float(token.text) if "." in token.text else int(token.text)
        elif token.kind == "word" and token.text in ("true", "false"):
            value = token.text == "true"
        else:
            raise self._error(token.at, f"a value for {name.text} is missing: texts and times stand in quotes")
        known = self._fields.get(name.text)
        if known is None:
            return value
        try:
            return known.value(value)
        except (ValueError, OverflowError) as error:
            raise self._error(token.at, f"{name.text} {error}") from None

    def _check(
        self,
        name: _Token,
        value: Any,
        compare: Callable[[Any, Any], bool | None],
        *,
        negative: bool = False,
        only: type | None = None,
    ) -> Predicate:
        if only is not None and not isinstance(value, only):
            raise self._error(name.at, f"{name.text} STARTS_WITH wants text")

        def check(row: Any) -> bool | None:
            there = self._field(row, name.text)
            if there is None:
                return None
            each = there if isinstance(there, list) else [there]
            found = [_compare(one, value, compare) for one in each]
            # A list of keywords is equal to what is in it, and differs from what is not.
            return _all(found) if negative else _any(found)

        return check

    def _field(self, row: Any, name: str) -> Any:
        known = self._fields.get(name)
        if known is not None:
            return known.read(row)
        payload = row.search_attributes.get(name)
        if payload is None:
            return None
        for pair in decode_typed_search_attributes({name: payload}):
            lists = not isinstance(pair.value, str) and hasattr(pair.value, "__iter__")
            return list(pair.value) if lists else pair.value
        return None


def _compare(there: Any, value: Any, compare: Callable[[Any, Any], bool | None]) -> bool | None:
    """How a search attribute compares; None: its type is another one."""
    if isinstance(there, datetime):
        try:
            value = value if isinstance(value, datetime) else _moment(value)
        except (ValueError, OverflowError):
            return None
    elif isinstance(there, bool) is not isinstance(value, bool) or isinstance(there, str) is not isinstance(value, str):
        return None
    return compare(there, value)


def _starts_with(there: Any, prefix: Any) -> bool | None:
    return there.startswith(prefix) if isinstance(there, str) else None


def _negated(predicate: Predicate) -> Predicate:
    def negated(row: Any) -> bool | None:
        found = predicate(row)
        return None if found is None else not found

    return negated


def _any(found: list[bool | None]) -> bool | None:
    return True if True in found else None if None in found else False


def _all(found: list[bool | None]) -> bool | None:
    return False if False in found else None if None in found else True
