"""The logger for workflow code: silent in replay, and each record says which run it comes from."""

from __future__ import annotations

import logging
from collections.abc import Mapping, MutableMapping
from typing import Any

from foldlog.workflow._runtime import maybe_current
from foldlog.workflow._updates import update_log_extra

__all__ = ["LoggerAdapter", "logger"]


class LoggerAdapter(logging.LoggerAdapter[logging.Logger]):
    """Adds the running workflow to each record, as attributes.

    They are `workflow_id`, `run_id`, `workflow_type`, `namespace`, `task_queue` and `attempt`, in handlers of updates
    `update_id` and `update_name` besides; and all of them together as `temporal_workflow`, which is what Temporal's SDK
    calls it.

    Attributes:
        workflow_info_on_message: Whether the same is added to the message text. True by default.
        workflow_info_on_extra: Whether the attributes are added. True by default.
        full_workflow_info_on_extra: Whether the whole `Info` is added, as `workflow_info`. False by default.
        log_during_replay: Whether it also logs while history is told again. False by default.
        disable_sandbox: Has no meaning: see `unsafe_disable_sandbox`.
    """

    def __init__(self, logger: logging.Logger, extra: Mapping[str, Any] | None = None) -> None:
        super().__init__(logger, dict(extra or {}))
        self.workflow_info_on_message = True
        self.workflow_info_on_extra = True
        self.full_workflow_info_on_extra = False
        self.log_during_replay = False
        self.disable_sandbox = False

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Add the workflow to a record."""
        runtime = maybe_current()
        if runtime is None:
            return msg, kwargs
        facts = {**runtime.log_extra(), **update_log_extra()}
        extra = {**(self.extra or {}), **(kwargs.get("extra") or {})}
        if self.workflow_info_on_extra:
            extra = {**facts, "temporal_workflow": facts, **extra}
        if self.full_workflow_info_on_extra:
            extra["workflow_info"] = runtime.info()
        kwargs["extra"] = extra
        if self.workflow_info_on_message:
            msg = f"{msg} ({facts})"
        return msg, kwargs

    def isEnabledFor(self, level: int) -> bool:  # the name in logging
        """Whether a record of this level would be logged now."""
        if not self.log_during_replay:
            runtime = maybe_current()
            if runtime is not None and runtime.is_replaying():
                return False
        return super().isEnabledFor(level)

    @property
    def base_logger(self) -> logging.Logger:
        """The logger underneath, for handlers and levels."""
        return self.logger

    def unsafe_disable_sandbox(self, value: bool = True) -> None:
        """For code that comes from Temporal: what handlers of loggers do, the guard lets through in any case.

        Args:
            value: Kept as `disable_sandbox`.
        """
        self.disable_sandbox = value


logger = LoggerAdapter(logging.getLogger("foldlog.workflow"))
"""Logs of workflow code."""
