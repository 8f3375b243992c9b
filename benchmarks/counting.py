"""The workflow that messages are measured with: signals, updates and queries."""

from __future__ import annotations

from foldlog import workflow


@workflow.defn
class Counting:
    """Takes messages of each kind; a signal that is lost, doubled or out of order shows in its result."""

    def __init__(self) -> None:
        self._count = 0
        self._in_order = True
        self._ended = False

    @workflow.run
    async def run(self) -> int:
        await workflow.wait_condition(lambda: self._ended)
        return self._count if self._in_order else -1

    @workflow.signal
    def add(self, number: int) -> None:
        self._in_order = self._in_order and number == self._count
        self._count += 1

    @workflow.update
    def bump(self, number: int) -> int:
        return number + 1

    @bump.validator
    def check_bump(self, number: int) -> None:
        if number < 0:
            raise ValueError("less than nothing")

    @workflow.query
    def look(self, number: int) -> int:
        return number + 1

    @workflow.signal
    def end(self) -> None:
        self._ended = True
