"""What the timers of a run are for."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from foldlog.runtime.loop import DurableTimer


class Timers:
    """The part of a runtime that says what its timers are for."""

    __slots__ = ()

    def summarize_timer(self, timer: asyncio.TimerHandle, summary: str) -> None:
        """Say what a timer is for that was started just now. One that is due at once is none of the history's."""
        run = cast("Any", self)
        if isinstance(timer, DurableTimer) and timer.batch == run.batch and timer.index >= 0:
            run._decisions[timer.index].summary = run.environment.payload_converter.to_payload(summary)
