"""The logger for activity code: each record says which attempt it comes from."""

from __future__ import annotations

import logging
from collections.abc import Mapping, MutableMapping
from typing import Any

from foldlog.activity._context import Context


class LoggerAdapter(logging.LoggerAdapter[logging.Logger]):
    """Adds the running activity to each record, as attributes.

    They are `namespace`, `workflow_id`, `run_id` (also as `workflow_run_id`), `workflow_type`, `activity_id`,
    `activity_type`, `attempt` and `task_queue`, and all of them together as `temporal_activity`, which is what
    Temporal's SDK calls it.

    Attributes:
        activity_info_on_message: Whether the same is added to the message text. True by default.
        activity_info_on_extra: Whether the attributes are added. True by default.
        full_activity_info_on_extra: Whether the whole `Info` is added, as `activity_info`. False by default.
    """

    def __init__(self, logger: logging.Logger, extra: Mapping[str, Any] | None = None) -> None:
        super().__init__(logger, dict(extra or {}))
        self.activity_info_on_message = True
        self.activity_info_on_extra = True
        self.full_activity_info_on_extra = False

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Add the activity to a record."""
        context = Context.maybe_current()
        if context is None:
            return msg, kwargs
        info = context.info
        facts = {
            "activity_id": info.activity_id,
            "activity_type": info.activity_type,
            "attempt": info.attempt,
            "namespace": info.namespace,
            "task_queue": info.task_queue,
            "workflow_id": info.workflow_id,
            "workflow_run_id": info.workflow_run_id,
            "workflow_type": info.workflow_type,
        }
        extra = {**(self.extra or {}), **(kwargs.get("extra") or {})}
        if self.activity_info_on_extra:
            extra = {**facts, "run_id": info.workflow_run_id, "temporal_activity": facts, **extra}
        if self.full_activity_info_on_extra:
            extra["activity_info"] = info
        kwargs["extra"] = extra
        if self.activity_info_on_message:
            msg = f"{msg} ({facts})"
        return msg, kwargs

    @property
    def base_logger(self) -> logging.Logger:
        """The logger underneath, for handlers and levels."""
        return self.logger


logger = LoggerAdapter(logging.getLogger("foldlog.activity"))
"""Logs of activity code."""
