"""How foldlog's logs look: lines for people or JSON for machines, over Python's own logging.

Owns the one handler that `configure_logging` installs. The rest of foldlog only calls `logging.getLogger` and puts what
it speaks of (workflow_id, run_id, activity_type…) in `extra`; an application that sets up logging itself need not use
this module.
"""

from __future__ import annotations

import logging
import sys
from typing import Any, Literal, TextIO

import structlog
from foldlog import activity, workflow

LogFormat = Literal["console", "json"]


def configure_logging(level: str = "INFO", log_format: LogFormat = "console", stream: TextIO | None = None) -> None:
    """Send the logs of this process to one stream, and drop the handlers that the root logger had.

    Every value of a record's `extra`, and of `structlog.contextvars`, becomes a field of the line. So the loggers of
    activities and workflows do not add them to the text as well.

    Args:
        level: Least level shown: DEBUG, INFO, WARNING, ERROR or CRITICAL, in any case.
        log_format: `console` for people, with colours on a terminal, or `json`: one object per line with
            `timestamp` (ISO 8601, UTC), `level`, `logger`, `event` and the fields.
        stream: Where to; default stderr.

    Raises:
        ValueError: There is no such level.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError(f"no log level {level!r}: use DEBUG, INFO, WARNING, ERROR or CRITICAL")
    target = stream or sys.stderr
    handler = logging.StreamHandler(target)
    handler.setFormatter(_formatter(log_format, colors=target.isatty()))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(number)
    _configure_structlog()
    activity.logger.activity_info_on_message = False
    workflow.logger.workflow_info_on_message = False


def _shared() -> list[structlog.typing.Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _formatter(log_format: LogFormat, *, colors: bool) -> logging.Formatter:
    final: list[structlog.typing.Processor]
    if log_format == "json":
        final = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)]
    else:
        # Plain tracebacks: the rich ones print the values of variables, which may be secrets.
        final = [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_shared(), structlog.stdlib.ExtraAdder(), _once],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final],
    )


def _once(_: Any, __: str, fields: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Leaves out what is there for programs that know Temporal's loggers, and is among the other fields anyway."""
    for name in ("temporal_activity", "temporal_workflow", "workflow_run_id"):
        fields.pop(name, None)
    return fields


def _configure_structlog() -> None:
    """Lets code that logs through structlog come out in the same way."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
