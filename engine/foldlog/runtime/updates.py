"""Updates of one run: what its validators say, its handlers as tasks, and what is made of what they raise."""

from __future__ import annotations

import asyncio
from contextvars import Context
from inspect import iscoroutine
from typing import TYPE_CHECKING, Any

from foldlog import exceptions
from foldlog.converter._payload import raw_values
from foldlog.core import decisions
from foldlog.core.decider import WorkflowTaskError
from foldlog.runtime.dropping import RunDropped
from foldlog.runtime.loop import Mode
from foldlog.runtime.stack import raised_at, returned_at
from foldlog.schemas.common import Failure
from foldlog.schemas.event import WorkflowExecutionUpdateAccepted
from foldlog.workflow._chain_types import ContinueAsNewError
from foldlog.workflow._exceptions import ReadOnlyContextError
from foldlog.workflow._handlers import HandlerUnfinishedPolicy
from foldlog.workflow._updates import UpdateDefinition, UpdateInfo, set_current_update_info

if TYPE_CHECKING:
    from foldlog.runtime.instance import WorkflowInstance


class Updates:
    """The update handlers of one run."""

    __slots__ = ("_checked", "_host", "_running", "definitions")

    def __init__(self, host: WorkflowInstance) -> None:
        self._host = host
        self.definitions = host.environment.definition.updates
        self._running: dict[str, tuple[str, UpdateDefinition]] = {}
        """Name and handler by update ID, from the update on until the handler has ended."""
        self._checked: tuple[WorkflowExecutionUpdateAccepted, list[Any]] | None = None
        """Arguments that `validate` has converted, if the update needs them as they are."""

    def takes(self, name: str) -> bool:
        """Whether there is a handler."""
        return name in self.definitions or None in self.definitions

    def validate(self, update: WorkflowExecutionUpdateAccepted) -> Failure | None:
        """Why an update is refused; None: it is taken.

        Raises:
            ReadOnlyContextError: Its validator tried to decide something.
        """
        try:
            definition = self._definition_of(update)
            args = self._arguments(definition, update)
            validator = definition.bind_validator(self._host.instance())
            if validator is None:
                self._checked = update, args
            else:
                # The handler gets arguments of its own: a validator may have changed these.
                self._call_validator(validator, update, args)
        except (ReadOnlyContextError, WorkflowTaskError, RunDropped, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            return self._host.environment.failure_to_tell(_as_failure(error))
        return None

    def validator(self, name: str) -> Any:
        """The validator of an update of this very name; None: it has none."""
        definition = self.definitions.get(name)
        return None if definition is None else definition.bind_validator(self._host.instance())

    def _call_validator(self, validator: Any, update: WorkflowExecutionUpdateAccepted, args: list[Any]) -> None:
        loop = self._host.loop
        context = _context_of(update)
        mode, loop.mode = loop.mode, Mode.READ_ONLY
        try:
            context.run(self._host.call_update_validator, update, validator, args)
        finally:
            loop.mode = mode

    def accepted(self, update: WorkflowExecutionUpdateAccepted) -> None:
        """An update was taken: its handler begins, as a task."""
        definition = self._definition_of(update)
        self._running[update.update_id] = update.update_name, definition
        checked, self._checked = self._checked, None
        args = checked[1] if checked is not None and checked[0] is update else None
        self._host.loop.start_task(
            self._execute(definition, update, args), f"update: {update.update_name}", _context_of(update)
        )

    async def _execute(
        self, definition: UpdateDefinition, update: WorkflowExecutionUpdateAccepted, args: list[Any] | None
    ) -> None:
        host = self._host
        try:
            if args is None:
                args = self._arguments(definition, update)
            result = host.call_update_handler(update, definition.bind(host.instance()), args)
            frame = getattr(result, "cr_frame", None) if host.replaying else None
            if iscoroutine(result):
                result = await result
            payload = host.environment.payload_converter.to_payload(result)
        except (SystemExit, KeyboardInterrupt, GeneratorExit, RunDropped):
            raise
        except ContinueAsNewError:
            # What the sender should be answered then, nobody could say.
            host.stall_with(
                RuntimeError("Cannot continue as new from an update handler: let it note that, and run do it")
            )
        except BaseException as error:
            failed = _as_failure(error)
            if host.is_failure_exception(failed):
                failure = host.environment.failure(failed)
                source = raised_at(error) if host.replaying else ""
                host.complete_update(
                    decisions.CompleteUpdate(update_id=update.update_id, failure=failure, source=source)
                )
            else:
                host.stall_with(error)
        else:
            source = returned_at(definition.fn, frame) if host.replaying else ""
            host.complete_update(decisions.CompleteUpdate(update_id=update.update_id, result=payload, source=source))
        finally:
            self._running.pop(update.update_id, None)

    @property
    def all_finished(self) -> bool:
        """Whether no handler is running."""
        return not self._running

    def abandoned(self) -> list[str]:
        """Names and IDs of updates whose handlers should have finished before the workflow ended."""
        return [
            f"{name} (ID {update_id})"
            for update_id, (name, definition) in self._running.items()
            if definition.unfinished_policy is HandlerUnfinishedPolicy.WARN_AND_ABANDON
        ]

    def _definition_of(self, update: WorkflowExecutionUpdateAccepted) -> UpdateDefinition:
        definition = self.definitions.get(update.update_name) or self.definitions.get(None)
        if definition is None:
            known = " ".join(sorted(name for name in self.definitions if name))
            raise RuntimeError(
                f"Update handler for '{update.update_name}' expected but not found, and there is no dynamic handler. "
                f"known updates: [{known}]"
            )
        return definition

    def _arguments(self, definition: UpdateDefinition, update: WorkflowExecutionUpdateAccepted) -> list[Any]:
        if definition.name is None:
            return [update.update_name, raw_values(update.args)]
        signature = definition.signature
        if not signature.accepts(len(update.args)):
            raise TypeError(
                f"update {update.update_name!r} takes {signature.expected()} arguments, but there are "
                f"{len(update.args)}"
            )
        return self._host.environment.values(update.args, signature)


def _context_of(update: WorkflowExecutionUpdateAccepted) -> Context:
    context = Context()
    context.run(set_current_update_info, UpdateInfo(id=update.update_id, name=update.update_name))
    return context


def _as_failure(error: BaseException) -> BaseException:
    if isinstance(error, asyncio.CancelledError):
        return exceptions.CancelledError(f"Cancellation raised within update {error}")
    return error
