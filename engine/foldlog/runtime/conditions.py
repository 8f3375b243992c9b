"""Conditions that the code of a run waits for: who waits, for how long, and who goes on when one holds.

Nothing of it is recorded: a condition leaves no event, only the timer that ends the wait for it does. It is told when
to look; that something has happened is for the instance to know.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, cast

from foldlog.runtime.loop import DeterministicLoop
from foldlog.runtime.timers import Timers


class Conditions(Timers):
    """The part of a runtime that waits for conditions."""

    __slots__ = ()

    loop: DeterministicLoop
    _conditions: dict[asyncio.Future[bool], Callable[[], bool]]
    """Those that the code waits for, by what it awaits."""

    def wait_condition(
        self, condition: Callable[[], bool], timeout: float | None, summary: str | None = None
    ) -> Coroutine[Any, Any, None]:
        """See base class."""
        cast("Any", self).check_may_decide("wait for a condition")
        return self._wait_condition(condition, timeout, summary)

    async def _wait_condition(self, condition: Callable[[], bool], timeout: float | None, summary: str | None) -> None:
        if condition():
            return
        if timeout is not None and timeout <= 0:
            raise TimeoutError
        future: asyncio.Future[bool] = asyncio.Future(loop=self.loop)
        self._conditions[future] = condition
        timer = None
        try:
            if timeout is not None:
                timer = self.loop.call_later(timeout, _give_up, future)
                if summary is not None:
                    self.summarize_timer(timer, summary)
            if not await future:
                raise TimeoutError
        finally:
            self._conditions.pop(future, None)
            if timer is not None:
                timer.cancel()

    def _settle_conditions(self) -> None:
        """Wake who waits for a condition that holds; each goes on before the next condition is looked at."""
        progress = True
        while progress:
            progress = False
            for future, condition in list(self._conditions.items()):
                if future.done():
                    continue
                try:
                    if not condition():
                        continue
                    future.set_result(True)
                except Exception as error:
                    future.set_exception(error)
                progress = True
                self.loop.run_ready()


def _give_up(future: asyncio.Future[bool]) -> None:
    """End the wait for a condition."""
    if not future.done():
        future.set_result(False)


# What Python names when it warns that a coroutine was never awaited.
Conditions._wait_condition.__qualname__ = "workflow.wait_condition"
