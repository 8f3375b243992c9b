"""Signals and queries of one run: which handler takes which, in what order, and what is made of what they raise."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextvars import Context
from inspect import iscoroutine
from typing import TYPE_CHECKING, Any

from foldlog.converter._payload import raw_values
from foldlog.core.decider import QueryFailed
from foldlog.runtime import metadata
from foldlog.runtime.loop import Mode
from foldlog.runtime.updates import Updates
from foldlog.schemas.common import Payload
from foldlog.schemas.event import WorkflowExecutionSignaled
from foldlog.workflow._handlers import (
    HandlerUnfinishedPolicy,
    QueryDefinition,
    SignalDefinition,
    handler_name,
    query_definition,
)
from foldlog.workflow._updates import UpdateDefinition

if TYPE_CHECKING:
    from foldlog.runtime.instance import WorkflowInstance

_LOGGER = logging.getLogger("foldlog.workflow")


class Handlers:
    """The message handlers of one run. Made when the first message comes, or the first handler is set."""

    __slots__ = ("_buffered", "_host", "_number", "_queries", "_running", "_signals", "updates")

    def __init__(self, host: WorkflowInstance) -> None:
        self._host = host
        self._signals = host.environment.definition.signals
        self._queries = host.environment.definition.queries
        self._buffered: list[WorkflowExecutionSignaled] = []
        """Signals that had no handler yet, in order."""
        self._running: dict[int, tuple[str, SignalDefinition]] = {}
        """Signals on their way to a handler or in an async one."""
        self._number = 0
        self.updates = Updates(host)

    # ---- signals

    def signal(self, signaled: WorkflowExecutionSignaled) -> None:
        """A signal arrived."""
        definition = self._signals.get(signaled.signal_name) or self._signals.get(None)
        if definition is not None:
            self._hand_over(definition, signaled)
            return
        self._buffered.append(signaled)
        if not self._host.replaying:
            self._note(logging.WARNING, signaled.signal_name, "has no handler; it is kept until one is set")

    def _note(self, level: int, signal_name: str, what: str) -> None:
        known = self._host.log_extra()
        whose = known["workflow_id"], known["workflow_type"]
        _LOGGER.log(level, "signal %r of workflow %s (%s) %s", signal_name, *whose, what, extra=known)

    def _hand_over(self, definition: SignalDefinition, signaled: WorkflowExecutionSignaled) -> None:
        """Let a handler begin after those that were called before; async or not, they begin in the signals' order."""
        self._number += 1
        self._running[self._number] = signaled.signal_name, definition
        loop, context = self._host.loop, Context()
        if definition.is_async:
            handling = self._finish(self._awaited(definition, signaled), self._number)
            loop.start_task(handling, f"signal: {signaled.signal_name}", context)
        else:
            loop.call_soon(self._deliver, definition, signaled, self._number, context=context)

    def _deliver(self, definition: SignalDefinition, signaled: WorkflowExecutionSignaled, number: int) -> None:
        waits = False
        try:
            result = self._called(definition, signaled)
            if iscoroutine(result):
                waits = True
                self._host.loop.start_task(self._finish(result, number), f"signal: {signaled.signal_name}")
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            self._host.end_with(error)
        finally:
            if not waits:
                del self._running[number]

    async def _awaited(self, definition: SignalDefinition, signaled: WorkflowExecutionSignaled) -> None:
        handling = self._called(definition, signaled)
        if handling is not None:
            await handling

    def _called(self, definition: SignalDefinition, signaled: WorkflowExecutionSignaled) -> Any:
        """What the handler returns; None if it is not called, since the arguments do not fit."""
        name = signaled.signal_name
        if self._host.has_ended:
            # Its handler could do nothing any more. The run that follows, if one does, gets the signal.
            self._buffered.append(signaled)
            return None
        try:
            args = self._arguments(definition, name, signaled.args)
        except Exception as error:
            if not self._host.replaying:
                self._note(logging.ERROR, name, f"is dropped, its arguments do not fit: {error}")
            return None
        handler = definition.bind(self._host.instance())
        if not self._host.environment.interceptors:
            return handler(*args)
        return self._host.call_signal_handler(name, handler, args, signaled.header)

    async def _finish(self, handling: Awaitable[None], number: int) -> None:
        try:
            await handling
        except (SystemExit, KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:
            self._host.end_with(error)
        finally:
            self._running.pop(number, None)

    def unhandled_signals(self) -> Sequence[WorkflowExecutionSignaled]:
        """Signals that no handler has taken, in the order in which they came."""
        return sorted(self._buffered, key=lambda signaled: signaled.event_id)

    @property
    def has_unhandled_signals(self) -> bool:
        """Whether there are any."""
        return bool(self._buffered)

    @property
    def all_finished(self) -> bool:
        """Whether no signal is on its way to a handler or in an async one, and no update in one."""
        return not self._running and self.updates.all_finished

    def abandoned(self) -> list[str]:
        """Names of signals whose handlers should have finished before the workflow ended."""
        return [
            name
            for name, definition in self._running.values()
            if definition.unfinished_policy is HandlerUnfinishedPolicy.WARN_AND_ABANDON
        ]

    # ---- handlers set at run time

    def get(self, kind: str, name: str | None) -> Callable[..., Any] | None:
        """The handler of a signal, query or update."""
        definitions: dict[str, Mapping[str | None, Any]] = {
            "signal": self._signals,
            "query": self._queries,
            "update": self.updates.definitions,
        }
        definition = definitions[kind].get(name)
        return None if definition is None else definition.bind(self._host.instance())

    def set(self, kind: str, name: str | None, handler: Callable[..., Any] | None) -> None:
        """Set or remove the handler of a signal or query. Signals that were kept for it are handed over in order."""
        self._host.check_may_decide(f"set a {kind} handler")
        if kind == "signal":
            self._signals = _changed(self._signals, name, handler and _signal_definition(handler, name))
            self._hand_over_buffered(name)
        else:
            definition = handler and query_definition(handler, name, name is None, is_method=False)
            self._queries = _changed(self._queries, name, definition)

    def set_update(
        self, name: str | None, handler: Callable[..., Any] | None, validator: Callable[..., None] | None
    ) -> None:
        """Set or remove the handler of an update."""
        self._host.check_may_decide("set an update handler")
        definition = None
        if handler is not None:
            definition = UpdateDefinition(
                name=handler_name(handler, "update", name, name is None), fn=handler, is_method=False
            )
            if validator is not None:
                definition.set_validator(validator)
        self.updates.definitions = _changed(self.updates.definitions, name, definition)

    def _hand_over_buffered(self, name: str | None) -> None:
        definition = self._signals.get(name)
        if definition is None:
            return
        buffered, self._buffered = self._buffered, []
        for signaled in buffered:
            if name is None or signaled.signal_name == name:
                self._hand_over(definition, signaled)
            else:
                self._buffered.append(signaled)

    # ---- queries

    def query(self, query_type: str, payloads: Sequence[Payload]) -> Payload:
        """Answer a query.

        Raises:
            QueryFailed: As `Decider.query`.
        """
        environment = self._host.environment
        try:
            built_in = _BUILT_IN.get(query_type)
            if built_in is not None:
                return environment.payload_converter.to_payload(built_in(self))
            definition = self._queries.get(query_type) or self._queries.get(None)
            if definition is None:
                known = " ".join(sorted({*_BUILT_IN, *filter(None, self._queries)}))
                raise LookupError(f"Query handler for '{query_type}' expected but not found, known queries: [{known}]")
            return self._answer(definition, query_type, payloads)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise QueryFailed(environment.failure_to_tell(error)) from error

    def _stack_trace(self) -> str:
        return self._host.stack()

    def _enhanced_stack_trace(self) -> dict[str, Any]:
        return metadata.enhanced_stack_trace(self._host.loop.unfinished_tasks())

    def _metadata(self) -> dict[str, Any]:
        host = self._host
        return metadata.workflow_metadata(
            host.started.workflow_type,
            self._queries,
            self._signals,
            self.updates.definitions,
            host.current_details(),
        )

    def _answer(self, definition: QueryDefinition, query_type: str, payloads: Sequence[Payload]) -> Payload:
        loop = self._host.loop
        outer = loop.enter()
        mode, loop.mode = loop.mode, Mode.READ_ONLY
        try:
            args = self._arguments(definition, query_type, payloads)
            result = self._host.call_query_handler(query_type, definition.bind(self._host.instance()), args)
            if iscoroutine(result):
                result = at_once(result, query_type)
            return self._host.environment.payload_converter.to_payload(result)
        finally:
            loop.mode = mode
            loop.leave(outer)

    def _arguments(
        self, definition: SignalDefinition | QueryDefinition, name: str, payloads: Sequence[Payload]
    ) -> list[Any]:
        if definition.name is None:
            if definition.takes_values:
                converter = self._host.environment.payload_converter
                return [name, *converter.from_payloads(payloads, (Any,) * len(payloads))]
            return [name, raw_values(payloads)]
        signature = definition.signature
        if not signature.accepts(len(payloads)):
            raise TypeError(f"{name!r} takes {signature.expected()} arguments, but there are {len(payloads)}")
        return self._host.environment.values(payloads, signature)


def _signal_definition(handler: Callable[..., Any], name: str | None) -> SignalDefinition:
    return SignalDefinition(name=handler_name(handler, "signal", name, name is None), fn=handler, is_method=False)


def at_once(handling: Coroutine[Any, Any, Any], name: str) -> Any:
    """What the handling of a query returns; it must not wait.

    Raises:
        RuntimeError: It does.
    """
    try:
        handling.send(None)
    except StopIteration as returned:
        return returned.value
    handling.close()
    raise RuntimeError(f"the handling of query {name!r} waits for something: neither handler nor interceptors may")


def _changed(definitions: Any, name: str | None, definition: Any) -> Any:
    """Definitions with one of them set or removed; those of the class are shared by its runs and stay as they are."""
    changed = dict(definitions)
    changed.pop(name, None)
    if definition is not None:
        changed[name] = definition
    return changed


_BUILT_IN: dict[str, Callable[[Handlers], Any]] = {
    metadata.STACK_TRACE_QUERY: Handlers._stack_trace,
    metadata.ENHANCED_STACK_TRACE_QUERY: Handlers._enhanced_stack_trace,
    metadata.METADATA_QUERY: Handlers._metadata,
}
"""Queries that every workflow answers."""
