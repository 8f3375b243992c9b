"""What type checkers make of `activity.defn`: mypy checks this file, and that each ignore is needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, assert_type

from foldlog import activity
from foldlog.common import RawValue


@activity.defn
async def plain(order: str, cents: int) -> bool:
    return bool(order) and cents > 0


@activity.defn(name="other")
def renamed(order: str) -> list[int]:
    return [len(order)]


@activity.defn(dynamic=True)
async def dynamic(args: Sequence[RawValue]) -> int:
    return len(args)


class Ledger:
    @activity.defn
    async def book(self, order: str) -> int:
        return len(order)


async def test_types_stay_what_they_were() -> None:
    assert_type(plain("o", 5), Coroutine[Any, Any, bool]).close()
    assert_type(renamed("o"), list[int])
    assert_type(await Ledger().book("o"), int)
    assert_type(await dynamic([]), int)
    asynchronous: Callable[[str, int], Awaitable[bool]] = plain
    synchronous: Callable[[str], list[int]] = renamed
    assert await asynchronous("o", 5) is True
    assert synchronous("o") == [1]


def test_wrong_uses_are_seen() -> None:
    # Never called: only the checker's opinion counts.
    def calls() -> None:
        plain(5, 5)  # type: ignore[arg-type, unused-coroutine]
        renamed()  # type: ignore[call-arg]
        activity.defn(name="x", dynamic=True)  # type: ignore[call-overload]
        activity.defn(5)  # type: ignore[call-overload]
        activity.heartbeat(details=1)  # type: ignore[call-arg]

    assert callable(calls)
