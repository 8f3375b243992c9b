"""What a schedule does: it starts a workflow."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any, Concatenate, overload

from foldlog._option_types import check_option
from foldlog.api.common.v1 import plain
from foldlog.client._convert import milliseconds
from foldlog.client._schedule_spec import duration
from foldlog.client._types import (
    UNSET,
    MethodAsyncNoParam,
    MethodAsyncSingleParam,
    MultiParamSpec,
    ParamType,
    ReturnType,
    SelfType,
)
from foldlog.common import Priority, RetryPolicy, SearchAttributes, TypedSearchAttributes
from foldlog.converter import (
    DataConverter,
    WorkflowSerializationContext,
    decode_search_attributes,
    decode_typed_search_attributes,
    encode_search_attributes,
)
from foldlog.converter._codec import decode_one_with, decode_with, encode_one_with, encode_with
from foldlog.core.decider import WorkflowTaskError
from foldlog.core.outcome import check_workflow_id
from foldlog.core.start_options import check_start_options
from foldlog.exceptions import InvalidArgumentError
from foldlog.schedules import model
from foldlog.schemas.command import StartWorkflow
from foldlog.schemas.common import Payload, WorkflowOptions
from foldlog.transport.topics import check_task_queue
from foldlog.workflow._definition import Definition

_NONE: Mapping[str, Any] = {}
_LONGEST_TIME = "-2026-01-01T00:00:00.000Z-1000"
"""What is put behind the ID of an action, at most."""


class ScheduleAction:
    """Base class of what a schedule can do. There is `ScheduleActionStartWorkflow`."""


@dataclass(init=False, repr=False)
class ScheduleActionStartWorkflow(ScheduleAction):
    """Starts a workflow. Its ID is `id`, a dash, and the time that it is for.

    Attributes:
        workflow: The name of its type.
        args: Its arguments; in a description as payloads, which `client.data_converter.decode` reads.
        id: What its ID begins with.
        task_queue: Where its activities go.
        execution_timeout: Limit on the whole chain of its runs.
        run_timeout: Limit on one of its runs.
        task_timeout: Taken for the sake of Temporal's signature.
        retry_policy: When a run that failed is followed by another.
        memo: Its memo; in a description its values are payloads.
        typed_search_attributes: Its search attributes.
        untyped_search_attributes: Others, without types. Deprecated.
        static_summary: One line for people; in a description a payload.
        static_details: Several lines for people, likewise.
        priority: Which of several waiting tasks comes first.
        headers: What goes along to each workflow that is started, for interceptors: they set it here.
    """

    workflow: str
    args: Sequence[Any]
    id: str
    task_queue: str
    execution_timeout: timedelta | None
    run_timeout: timedelta | None
    task_timeout: timedelta | None
    retry_policy: RetryPolicy | None
    memo: Mapping[str, Any] | None
    typed_search_attributes: TypedSearchAttributes
    untyped_search_attributes: SearchAttributes
    static_summary: str | Payload | None
    static_details: str | Payload | None
    priority: Priority
    headers: Mapping[str, Payload] | None

    @overload
    def __init__(
        self,
        workflow: MethodAsyncNoParam[SelfType, ReturnType],
        *,
        id: str,
        task_queue: str,
        execution_timeout: timedelta | None = None,
        run_timeout: timedelta | None = None,
        task_timeout: timedelta | None = None,
        retry_policy: RetryPolicy | None = None,
        memo: Mapping[str, Any] | None = None,
        typed_search_attributes: TypedSearchAttributes = TypedSearchAttributes.empty,
        untyped_search_attributes: SearchAttributes = ...,
        static_summary: str | Payload | None = None,
        static_details: str | Payload | None = None,
        priority: Priority = Priority.default,
    ) -> None: ...
    @overload
    def __init__(
        self,
        workflow: MethodAsyncSingleParam[SelfType, ParamType, ReturnType],
        arg: ParamType,
        *,
        id: str,
        task_queue: str,
        execution_timeout: timedelta | None = None,
        run_timeout: timedelta | None = None,
        task_timeout: timedelta | None = None,
        retry_policy: RetryPolicy | None = None,
        memo: Mapping[str, Any] | None = None,
        typed_search_attributes: TypedSearchAttributes = TypedSearchAttributes.empty,
        untyped_search_attributes: SearchAttributes = ...,
        static_summary: str | Payload | None = None,
        static_details: str | Payload | None = None,
        priority: Priority = Priority.default,
    ) -> None: ...
    @overload
    def __init__(
        self,
        workflow: Callable[Concatenate[SelfType, MultiParamSpec], Awaitable[ReturnType]],
        *,
        args: Sequence[Any],
        id: str,
        task_queue: str,
        execution_timeout: timedelta | None = None,
        run_timeout: timedelta | None = None,
        task_timeout: timedelta | None = None,
        retry_policy: RetryPolicy | None = None,
        memo: Mapping[str, Any] | None = None,
        typed_search_attributes: TypedSearchAttributes = TypedSearchAttributes.empty,
        untyped_search_attributes: SearchAttributes = ...,
        static_summary: str | Payload | None = None,
        static_details: str | Payload | None = None,
        priority: Priority = Priority.default,
    ) -> None: ...
    @overload
    def __init__(
        self,
        workflow: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        id: str,
        task_queue: str,
        execution_timeout: timedelta | None = None,
        run_timeout: timedelta | None = None,
        task_timeout: timedelta | None = None,
        retry_policy: RetryPolicy | None = None,
        memo: Mapping[str, Any] | None = None,
        typed_search_attributes: TypedSearchAttributes = TypedSearchAttributes.empty,
        untyped_search_attributes: SearchAttributes = ...,
        static_summary: str | Payload | None = None,
        static_details: str | Payload | None = None,
        priority: Priority = Priority.default,
    ) -> None: ...
    def __init__(
        self,
        workflow: str | Callable[..., Awaitable[Any]],
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        id: str = "",
        task_queue: str = "",
        execution_timeout: timedelta | None = None,
        run_timeout: timedelta | None = None,
        task_timeout: timedelta | None = None,
        retry_policy: RetryPolicy | None = None,
        memo: Mapping[str, Any] | None = None,
        typed_search_attributes: TypedSearchAttributes = TypedSearchAttributes.empty,
        untyped_search_attributes: SearchAttributes = _NONE,
        static_summary: str | Payload | None = None,
        static_details: str | Payload | None = None,
        headers: Mapping[str, Payload] | None = None,
        priority: Priority = Priority.default,
    ) -> None:
        """An action that starts a workflow; options as in `Client.start_workflow`.

        Raises:
            ConfigurationError: `args` is no list.
            ValueError: It has no ID, no task queue, or both `arg` and `args`.
            TypeError: The workflow is neither a name nor a run method.
            DefinitionError: The method is no run method, or its workflow is dynamic.
        """
        if not id:
            raise ValueError("ID required")
        if not task_queue:
            raise ValueError("Task queue required")
        if not isinstance(workflow, str) and not callable(workflow):
            raise TypeError("Workflow must be a string or callable")
        if arg is not UNSET and args:
            raise ValueError("give either one argument or args, not both")
        check_option("args", args, Sequence[Any])
        self.workflow = Definition.name_and_result_type(workflow)[0]
        self.args = list(args) if arg is UNSET else [arg]
        self.id = id
        self.task_queue = task_queue
        self.execution_timeout = execution_timeout
        self.run_timeout = run_timeout
        self.task_timeout = task_timeout
        self.retry_policy = retry_policy
        self.memo = memo
        self.typed_search_attributes = typed_search_attributes
        self.untyped_search_attributes = untyped_search_attributes
        self.static_summary = static_summary
        self.static_details = static_details
        self.priority = priority or Priority.default
        self.headers = headers

    def __repr__(self) -> str:
        return f"ScheduleActionStartWorkflow({self.workflow!r}, args={self.args!r}, id={self.id!r})"


class Payloads:
    """Values of users on their way into a schedule and out of it.

    In a schedule they are converted, but the codec is applied to the schedule as a whole. Outside they look as those
    of any workflow do: with the codec applied.
    """

    def __init__(self, context_free: DataConverter, namespace: str, converter: DataConverter | None = None) -> None:
        self._context_free = context_free
        self.converter = converter or context_free
        self._namespace = namespace

    def of_workflow(self, workflow_id: str) -> Payloads:
        """Those of a workflow, or of all whose IDs begin so."""
        if not self._context_free.wants_context:
            return self
        context = WorkflowSerializationContext(self._namespace, workflow_id)
        return Payloads(self._context_free, self._namespace, self._context_free.with_context(context))

    async def to_model(self, value: Any) -> Payload:
        """A value, or what a description gave for one."""
        if not isinstance(value, Payload):
            return plain(self.converter.payload_converter.to_payloads([value])[0])
        codec = self.converter.payload_codec
        return plain(value) if codec is None else await decode_one_with(codec, value)

    async def to_models(self, values: Sequence[Any]) -> list[Payload]:
        """Arguments: values, payloads that a description gave, or some of both."""
        made: list[Payload] = []
        for given, some in groupby(values, lambda value: isinstance(value, Payload)):
            found, codec = list(some), self.converter.payload_codec
            if not given:
                made += self.converter.payload_converter.to_payloads(found)
            else:
                made += found if codec is None else await decode_with(codec, found)
        return list(map(plain, made))

    async def by_name(self, values: Mapping[str, Any] | None) -> dict[str, Payload]:
        """A memo."""
        return {name: await self.to_model(value) for name, value in (values or {}).items()}

    async def from_model(self, payload: Payload) -> Payload:
        """As it is shown."""
        codec = self.converter.payload_codec
        return payload if codec is None else await encode_one_with(codec, payload)

    async def from_models(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Arguments as they are shown."""
        codec = self.converter.payload_codec
        return list(payloads) if codec is None or not payloads else await encode_with(codec, payloads)


async def action_to_model(action: ScheduleAction, payloads: Payloads, schedule_id: str) -> model.Action:
    """As it is in the log.

    Raises:
        TypeError: It is of a kind that is not known.
        ValueError: A timeout is not positive.
        InvalidArgumentError: No start would be accepted that is made of it; the message says why.
    """
    if not isinstance(action, ScheduleActionStartWorkflow):
        raise TypeError(f"a schedule can start workflows; {type(action).__name__} is not known")
    check_task_queue(action.task_queue)
    payloads = payloads.of_workflow(action.id)
    attributes = encode_search_attributes(action.untyped_search_attributes or None)
    attributes.update(encode_search_attributes(action.typed_search_attributes))
    summary, details = action.static_summary, action.static_details
    made = model.Action(
        workflow_type=action.workflow,
        id=action.id,
        task_queue=action.task_queue,
        args=await payloads.to_models(action.args),
        execution_timeout_ms=milliseconds(action.execution_timeout, "execution_timeout"),
        run_timeout_ms=milliseconds(action.run_timeout, "run_timeout"),
        retry_policy=None if action.retry_policy is None else action.retry_policy.to_record(),
        memo=await payloads.by_name(action.memo),
        search_attributes=attributes,
        summary=None if summary is None else await payloads.to_model(summary),
        details=None if details is None else await payloads.to_model(details),
        priority=None if action.priority in (None, Priority.default) else action.priority.to_record(),
        header={name: plain(payload) for name, payload in (action.headers or {}).items()},
    )
    _check(made, schedule_id)
    return made


def _check(action: model.Action, schedule_id: str) -> None:
    """Refuse what would be refused, or be in the way, each time that the action is taken: nobody would see it there.

    Raises:
        InvalidArgumentError: It would; the message says why.
    """
    options = WorkflowOptions(
        retry_policy=action.retry_policy,
        search_attributes=action.search_attributes,
        summary=action.summary,
        details=action.details,
    )
    start = StartWorkflow(
        workflow_type=action.workflow_type, task_queue=action.task_queue, memo=action.memo, options=options
    )
    try:
        check_start_options(start)
        # The longest of its IDs is that of the workflow which takes it.
        check_workflow_id(f"{model.schedule_workflow_id(schedule_id)}/{action.id}{_LONGEST_TIME}")
    except WorkflowTaskError as error:
        raise InvalidArgumentError(f"schedule.action: {error}") from error


async def action_from_model(action: model.Action, payloads: Payloads) -> ScheduleActionStartWorkflow:
    """As users see it: values of theirs as payloads."""
    payloads = payloads.of_workflow(action.id)
    typed = decode_typed_search_attributes(action.search_attributes)
    untyped = decode_search_attributes(action.search_attributes)
    shown = ScheduleActionStartWorkflow(
        action.workflow_type,
        args=await payloads.from_models(action.args),
        id=action.id,
        task_queue=action.task_queue,
        execution_timeout=duration(action.execution_timeout_ms),
        run_timeout=duration(action.run_timeout_ms),
        retry_policy=None if action.retry_policy is None else RetryPolicy.from_record(action.retry_policy),
        memo={name: await payloads.from_model(value) for name, value in action.memo.items()} or None,
        typed_search_attributes=typed,
        untyped_search_attributes={
            name: values for name, values in untyped.items() if name not in {pair.key.name for pair in typed}
        },
        priority=Priority.from_record(action.priority),
    )
    shown.static_summary = None if action.summary is None else await payloads.from_model(action.summary)
    shown.static_details = None if action.details is None else await payloads.from_model(action.details)
    shown.headers = action.header or None
    return shown
