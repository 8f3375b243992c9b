"""Options of starting a workflow: what a user may say, and the record that they come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, TypedDict, cast, get_type_hints

from foldlog._option_types import check_option
from foldlog._random_ids import random_id
from foldlog._search_attributes import warn_of_untyped
from foldlog.client._convert import encode_args, encode_memo, milliseconds
from foldlog.client._types import UNSET, RPCMetadata
from foldlog.common import (
    Priority,
    RetryPolicy,
    SearchAttributes,
    TypedSearchAttributes,
    VersioningOverride,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from foldlog.converter import DataConverter, encode_search_attributes
from foldlog.core.decider import WorkflowTaskError
from foldlog.core.outcome import check_workflow_id
from foldlog.core.start_options import check_start_options
from foldlog.exceptions import ConfigurationError, InvalidArgumentError
from foldlog.schemas import common as records
from foldlog.schemas.command import SignalInput, StartWorkflow, WorkflowIdConflictPolicy, WorkflowIdReusePolicy
from foldlog.transport.topics import check_task_queue

if TYPE_CHECKING:
    from foldlog.client._asking import Asking

NO_OPTIONS = records.WorkflowOptions()


class RunOptions(TypedDict, total=False):
    """What can be said of the workflow itself, all of it optional."""

    execution_timeout: timedelta | None
    """Limit on the whole chain of runs; at least 1 ms."""
    run_timeout: timedelta | None
    """Limit on one run; at least 1 ms."""
    task_timeout: timedelta | None
    """Taken for the sake of Temporal's signature: there are no workflow tasks here."""
    id_reuse_policy: WorkflowIDReusePolicy
    """What happens if a closed workflow has this ID; ALLOW_DUPLICATE if not given."""
    retry_policy: RetryPolicy | None
    """When a run that fails or times out is followed by another. None: never."""
    cron_schedule: str | None
    """Runs follow each other at these times: five fields in UTC, `@daily` and the like, or `@every 1h30m`; in another
    time zone with `CRON_TZ=Europe/Berlin` and a space in front. The first one waits for its time as well."""
    start_delay: timedelta | None
    """Wait before the code begins; the first signal, update or request to cancel ends the wait. Not together with
    `cron_schedule`."""
    memo: Mapping[str, Any] | None
    """Notes that are shown with the workflow and do nothing."""
    search_attributes: TypedSearchAttributes | SearchAttributes | None
    """Typed fields by which workflows are found. The form of a dictionary of lists is deprecated."""
    static_summary: str | None
    """One line for people, fixed at the start."""
    static_details: str | None
    """Several lines for people, likewise."""
    priority: Priority | None
    """Which of several waiting tasks comes first; kept with the workflow."""
    request_eager_start: bool
    """Taken for the sake of Temporal's signature: a workflow begins where its partition is, in one step, always."""
    versioning_override: VersioningOverride | None
    """Which version of the code it runs on, where workers have versions. None: as its definition says."""


class StartOptions(RunOptions, total=False):
    """Options of starting a workflow, all of them optional."""

    id_conflict_policy: WorkflowIDConflictPolicy
    """What happens if an open workflow has this ID; FAIL if not given, USE_EXISTING with `start_signal`."""
    start_signal: str | None
    """Name of a signal for the workflow, handled before its run method begins; where the policies let an open workflow
    with this ID be, that one gets it."""
    start_signal_args: Sequence[Any]
    """Arguments of that signal."""
    request_id: str | None
    """A repeated start with the same one starts nothing and gives the same answer, for a day. A new one if not given:
    give it where a program that crashed would repeat the start."""
    rpc_metadata: RPCMetadata
    """Seen by interceptors only: there are no RPCs."""
    rpc_timeout: timedelta | None
    """How long to wait for the answer."""


_APPLIED = frozenset(
    (
        "retry_policy",
        "cron_schedule",
        "start_delay",
        "memo",
        "search_attributes",
        "static_summary",
        "static_details",
        "priority",
        "versioning_override",
        "start_signal",
        "start_signal_args",
    )
)
"""The options that `_apply_options` looks at."""


@cache
def _hints() -> dict[str, Any]:
    """The types of the options."""
    return get_type_hints(StartOptions)


async def start_command(
    asking: Asking,
    workflow_type: str,
    arg: Any,
    args: Sequence[Any],
    workflow_id: str,
    task_queue: str,
    options: StartOptions,
) -> StartWorkflow:
    """The command that starts a workflow.

    Raises:
        TypeError: There is no such option, or a search attribute does not fit its type.
        ValueError: Type, ID or task queue are empty, or options do not go together.
        ConfigurationError: The task queue cannot be part of a topic's name, or an option has another type than it must
            have.
        InvalidArgumentError: An option cannot be; the message names it.
    """
    _check_start(workflow_type, workflow_id, task_queue, options)
    converter = asking.of_workflow(workflow_id).converter
    reuse = options.get("id_reuse_policy", WorkflowIDReusePolicy.ALLOW_DUPLICATE)
    conflict = options.get("id_conflict_policy", WorkflowIDConflictPolicy.UNSPECIFIED)
    command = StartWorkflow(
        request_id=options.get("request_id") or random_id(),
        identity=asking.identity,
        workflow_type=workflow_type,
        task_queue=task_queue,
        args=await encode_args(converter, arg, args),
        id_reuse_policy=cast(WorkflowIdReusePolicy, reuse.name),
        id_conflict_policy=cast(WorkflowIdConflictPolicy, conflict.name),
        execution_timeout_ms=milliseconds(options.get("execution_timeout"), "execution_timeout"),
        run_timeout_ms=milliseconds(options.get("run_timeout"), "run_timeout"),
    )
    await _apply_options(command, converter, options)
    return command


def _check_start(workflow_type: str, workflow_id: str, task_queue: str, options: StartOptions) -> None:
    """Refuse a start that cannot be, before anything is sent.

    Raises:
        TypeError: There is no such option.
        ValueError: Type, ID or task queue are empty.
        ConfigurationError: The task queue cannot be part of a topic's name, or an option has another type than it must
            have.
        InvalidArgumentError: The ID is too long.
    """
    for name, value in options.items():
        hint = _hints().get(name)
        if hint is None:
            raise TypeError(f"start_workflow has no option {name}")
        check_option(name, value, hint)
    check_option("id", workflow_id, str)
    check_option("task_queue", task_queue, str)
    if not workflow_type:
        raise ValueError("a workflow needs a type")
    if not workflow_id:
        raise ValueError("a workflow needs an ID")
    if not task_queue:
        raise ValueError("a workflow needs a task queue")
    check_task_queue(task_queue)
    check_id(workflow_id)


def check_id(workflow_id: str) -> None:
    """Refuse an ID that is too long: nobody would answer, as its record has a key that no processor takes.

    Raises:
        InvalidArgumentError: It is.
    """
    try:
        check_workflow_id(workflow_id)
    except WorkflowTaskError as error:
        raise InvalidArgumentError(str(error)) from error


async def _apply_options(command: StartWorkflow, converter: DataConverter, options: StartOptions) -> None:
    """Puts into a start what was said of its chain, and how it is shown.

    Raises:
        InvalidArgumentError: An option cannot be; the message names it.
        TypeError: A search attribute does not fit its type.
        ValueError: The delay is negative, or there are arguments for a signal that is not given.
    """
    if _APPLIED.isdisjoint(options):
        return
    attributes = options.get("search_attributes")
    warn_of_untyped(attributes)
    retry_policy, priority = options.get("retry_policy"), options.get("priority")
    given = records.WorkflowOptions(
        retry_policy=None if retry_policy is None else retry_policy.to_record(),
        cron_schedule=options.get("cron_schedule") or "",
        search_attributes=encode_search_attributes(attributes),
        summary=await _text(converter, options.get("static_summary")),
        details=await _text(converter, options.get("static_details")),
        priority=None if priority is None or priority == Priority.default else priority.to_record(),
    )
    override = options.get("versioning_override")
    if override is not None:
        versioning = override.to_options()
        given.versioning_behavior = versioning.versioning_behavior
        given.deployment_version = versioning.deployment_version
        given.version_given = versioning.version_given
        given.version_overridden = versioning.version_overridden
    if given != NO_OPTIONS:
        command.options = given
    delay = options.get("start_delay")
    command.start_delay_ms = milliseconds(delay, "start_delay") if delay else 0
    command.memo = await encode_memo(converter, options.get("memo"))
    command.signal = await _start_signal(converter, options.get("start_signal"), options.get("start_signal_args", ()))
    try:
        check_start_options(command)
    except WorkflowTaskError as error:
        raise InvalidArgumentError(str(error)) from error


async def _start_signal(converter: DataConverter, name: str | None, args: Sequence[Any]) -> SignalInput | None:
    if name is None:
        if args:
            raise ConfigurationError(
                "start_signal_args are given without start_signal: name the signal", option="start_signal_args"
            )
        return None
    return SignalInput(signal_name=name, args=await encode_args(converter, UNSET, args))


async def _text(converter: DataConverter, text: str | None) -> records.Payload | None:
    return None if text is None else (await converter.encode([text]))[0]
