"""What is told of exceptions in workflow code."""

from __future__ import annotations

from foldlog import workflow

from tests.unit.runtime.chaining import Chain


def test_a_chain_of_exceptions_that_is_longer_than_the_stack_stalls_its_run_as_any() -> None:
    @workflow.defn
    class Digs:
        @workflow.run
        async def run(self) -> None:
            error: Exception | None = None
            for number in range(1500):
                deeper = ValueError(number)
                deeper.__context__ = error
                error = deeper
            assert error is not None
            raise error

    stalled = Chain(Digs).start().run.stalled
    assert stalled is not None
    assert stalled.error.startswith("ValueError: 1499")
