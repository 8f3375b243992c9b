"""Ending the coroutines of a run that goes on elsewhere, or later: nothing of it may be decided, and nobody warned."""

from __future__ import annotations

from inspect import CORO_CREATED, getcoroutinestate
from types import CoroutineType
from typing import Any

_CLOSE_ATTEMPTS = 100
"""A coroutine that catches GeneratorExit and awaits again is closed again, this often at most."""


class RunDropped(BaseException):
    """Code of a run that is being dropped asks for something. No Exception, so that `except Exception` lets it by."""


def close_coroutine(coroutine: Any) -> None:
    """End a coroutine where it stands, as Python ends a generator: GeneratorExit is raised at its await."""
    for unstarted in _unstarted(coroutine):
        unstarted.close()
    for _ in range(_CLOSE_ATTEMPTS):
        try:
            coroutine.close()
        except RuntimeError:
            continue  # it awaited again in a finally block
        except BaseException:
            return  # what its cleanup raises is of no use to anyone: the run goes on elsewhere, from its history
        return


def _unstarted(coroutine: Any) -> list[Any]:
    """Coroutines held in local variables along a chain of awaits that have not begun: Python would warn of them."""
    found = []
    while isinstance(coroutine, CoroutineType):
        frame = coroutine.cr_frame
        if frame is not None:
            for value in frame.f_locals.values():
                items = value if isinstance(value, (list, tuple)) else (value,)
                found += [item for item in items if _is_unstarted(item)]
        coroutine = coroutine.cr_await
    return found


def _is_unstarted(value: Any) -> bool:
    return isinstance(value, CoroutineType) and getcoroutinestate(value) == CORO_CREATED
