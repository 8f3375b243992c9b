"""Log lines: fields of `extra` arrive, in both formats, and secrets of a traceback's variables do not."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from foldlog.connectors.logs import configure_logging


@pytest.fixture(autouse=True)
def _restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_json_has_one_object_per_line_with_the_fields_of_extra() -> None:
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    logging.getLogger("foldlog.workflow").info("paid %d", 5, extra={"workflow_id": "order-1", "run_id": "r1"})
    (line,) = stream.getvalue().splitlines()
    entry = json.loads(line)
    assert entry.pop("timestamp").endswith("Z")
    assert entry == {
        "event": "paid 5",
        "level": "info",
        "logger": "foldlog.workflow",
        "workflow_id": "order-1",
        "run_id": "r1",
    }


def test_fields_bound_to_the_context_are_on_every_line() -> None:
    stream = io.StringIO()
    configure_logging("INFO", "json", stream)
    with structlog.contextvars.bound_contextvars(activity_type="charge"):
        logging.getLogger("app").warning("slow")
    assert json.loads(stream.getvalue())["activity_type"] == "charge"


def test_the_level_is_obeyed_and_checked() -> None:
    stream = io.StringIO()
    configure_logging("WARNING", "console", stream)
    logging.getLogger("app").info("quiet")
    logging.getLogger("app").warning("loud", extra={"workflow_id": "order-1"})
    assert "quiet" not in stream.getvalue()
    assert "loud" in stream.getvalue()
    assert "workflow_id=order-1" in stream.getvalue()
    with pytest.raises(ValueError, match="no log level 'LOUD'"):
        configure_logging("LOUD")


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_tracebacks_are_shown_without_the_values_of_variables(log_format: str) -> None:
    stream = io.StringIO()
    configure_logging("INFO", "json" if log_format == "json" else "console", stream)
    password = "-".join(["hunter", "2"])
    try:
        raise ValueError("refused")
    except ValueError:
        logging.getLogger("app").exception("login failed")
    assert "ValueError: refused" in stream.getvalue()
    assert password not in stream.getvalue()


def test_lines_of_structlog_come_out_the_same_way() -> None:
    stream = io.StringIO()
    configure_logging("INFO", "json", stream)
    structlog.get_logger("app").info("shipped", workflow_id="order-2")
    entry = json.loads(stream.getvalue())
    assert (entry["event"], entry["workflow_id"], entry["logger"]) == ("shipped", "order-2", "app")
