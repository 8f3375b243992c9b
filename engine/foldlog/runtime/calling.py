"""How handlers are called where no interceptors stand around them. Each call is one place to override."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import Context
from typing import Any, cast

from foldlog.schemas.common import Payload
from foldlog.schemas.event import WorkflowExecutionSignaled, WorkflowExecutionUpdateAccepted


class HandlerCalls:
    """Calls handlers as they are."""

    __slots__ = ()

    def takes_update(self, update_name: str) -> bool:
        """See `Decider.takes_update`."""
        taken: bool = cast("Any", self).handlers.updates.takes(update_name)
        return taken

    def foretell(self, signals: Sequence[WorkflowExecutionSignaled]) -> None:
        """See `Decider.foretell`. No code runs yet: handlers are made ready, and go first once it does."""
        run = cast("Any", self)
        is_held = run._held is not None
        if not is_held:
            run._held = []
        for signaled in signals:
            run.activate(signaled)  # which decodes it, where there is a codec, and keeps it
        if is_held:
            return
        kept, run._held = run._held, None
        outer = run.loop.enter()
        try:
            for signaled in kept:
                run.handlers.signal(signaled)
        finally:
            run.loop.leave(outer)

    def call_signal_handler(self, name: str, handler: Any, args: Sequence[Any], header: Mapping[str, Payload]) -> Any:
        """Call a signal's handler; a coroutine is to be awaited. Not used without interceptors: there may be many."""
        return handler(*args)

    def call_query_handler(self, name: str, handler: Any, args: Sequence[Any]) -> Any:
        """Call a query's handler."""
        return Context().run(handler, *args)

    def call_update_validator(
        self, update: WorkflowExecutionUpdateAccepted, validator: Any, args: Sequence[Any]
    ) -> None:
        """Call an update's validator; what it raises refuses the update."""
        validator(*args)

    def call_update_handler(self, update: WorkflowExecutionUpdateAccepted, handler: Any, args: Sequence[Any]) -> Any:
        """Call an update's handler; a coroutine is to be awaited."""
        return handler(*args)
