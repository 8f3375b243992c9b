"""What becomes of the word of activities of this process when a transaction is aborted."""

from __future__ import annotations

from typing import cast

from foldlog.core.decider import DeciderFactory
from foldlog.core.engine import LocalResult
from foldlog.processors.options import ProcessorOptions
from foldlog.processors.turns import FromMemory, Turns
from foldlog.schemas.codec import SingleObjectCodec

ENDED = LocalResult(workflow_id="w", run_id="r", activity_id="1", activity_type="near", attempt=1)


def turns() -> Turns:
    nobody = cast("DeciderFactory", object())  # there are no partitions, and so no workflows
    return Turns(ProcessorOptions(namespace="n"), SingleObjectCodec(), nobody, None, require_queue=lambda name: None)


def test_the_end_of_a_local_activity_that_was_not_handled_outlasts_an_abort() -> None:
    """Its run is as it was, and waits for that end."""
    here = turns()
    here._put(FromMemory(0, "w", ENDED))
    here.await_memory(0.1)
    here.aborted()  # before anything was handled, as when a partition could not be taken over
    assert here.has_heard


def test_one_that_was_handled_is_forgotten_with_its_run() -> None:
    """The run is rebuilt from its history, and runs it again."""
    here = turns()
    here._put(FromMemory(0, "w", ENDED))
    here.handle_heard({})
    here.aborted()
    assert not here.has_heard
