"""From the options of a child workflow to the decision that starts it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any

from foldlog._option_types import check_option
from foldlog.common import Priority, RetryPolicy, TypedSearchAttributes, VersioningOverride, WorkflowIDReusePolicy
from foldlog.converter import PayloadConverter
from foldlog.converter._search_attributes import encode_search_attributes
from foldlog.core import decisions
from foldlog.runtime.durations import milliseconds
from foldlog.runtime.priorities import inherit
from foldlog.schemas.common import WorkflowOptions
from foldlog.workflow._child_types import ChildWorkflowConfig, ParentClosePolicy
from msgspec.structs import replace

if TYPE_CHECKING:
    from foldlog.runtime.instance import WorkflowInstance

_CARRIED = ("last_result", "last_failure")
"""Records that a schedule's action has from the one before it; for built-in workflows only."""
_OPTIONS = frozenset((*ChildWorkflowConfig.__annotations__, *_CARRIED))
_FEW = (
    "retry_policy",
    "cron_schedule",
    "search_attributes",
    "static_summary",
    "static_details",
    "priority",
    "versioning_override",
    *_CARRIED,
)
"""Options that few children have; they are in a record of their own."""

_TYPES: Mapping[str, Any] = {
    **dict.fromkeys(("id", "namespace", "task_queue", "cron_schedule"), str),
    "retry_policy": RetryPolicy,
    "memo": Mapping[str, Any],
    "search_attributes": TypedSearchAttributes | Mapping[str, Any],
    "priority": Priority,
    "versioning_override": VersioningOverride,
}
"""What is not looked at elsewhere."""


def child_decision(host: WorkflowInstance, workflow_type: str, args: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """The decision to start a child.

    Raises:
        ConfigurationError: An option is of the wrong type; the message names it.
        TypeError: An option is unknown or of the wrong type, or an argument cannot be converted.
        ValueError: A timeout is negative.
    """
    if not _OPTIONS.issuperset(options):
        unknown = ", ".join(sorted(set(options) - _OPTIONS))
        known = ", ".join(sorted(ChildWorkflowConfig.__annotations__))
        raise TypeError(f"unknown option of a child workflow: {unknown}; there are {known}")
    for name, value in options.items():
        if value is not None and name in _TYPES:
            check_option(name, value, _TYPES[name])
    environment = host.environment
    child_id, namespace = options.get("id"), options.get("namespace") or environment.namespace
    if environment.wants_context:
        child_id = child_id or uuid4_text(host.random())
        environment = environment.of_workflow(namespace, child_id)
    converter = environment.payload_converter
    policy = options.get("parent_close_policy")
    reuse = options.get("id_reuse_policy")
    memo = options.get("memo")
    return decisions.StartChildWorkflow(
        namespace=namespace,
        workflow_type=workflow_type,
        task_queue=options.get("task_queue") or host.started.task_queue,
        args=converter.to_payloads(args) if args else [],
        # The names are the symbols in the log.
        parent_close_policy=ParentClosePolicy(policy).name if policy else "TERMINATE",  # type: ignore[arg-type]
        id_reuse_policy=WorkflowIDReusePolicy(reuse).name if reuse else "ALLOW_DUPLICATE",  # type: ignore[arg-type]
        execution_timeout_ms=milliseconds("execution_timeout", options.get("execution_timeout")),
        run_timeout_ms=milliseconds("run_timeout", options.get("run_timeout")),
        memo={name: converter.to_payload(value) for name, value in memo.items()} if memo else {},
        options=_few(host, options, converter),
        # Last of all, so that a call that is refused uses up no random numbers.
        workflow_id=child_id or uuid4_text(host.random()),
    )


def uuid4_text(random: Random) -> str:
    """`str(workflow.uuid4())`, without the object: a parent may have thousands of children."""
    text = f"{random.getrandbits(128):032x}"
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"


def _few(host: WorkflowInstance, options: Mapping[str, Any], converter: PayloadConverter) -> WorkflowOptions | None:
    inherited = host.started.options.priority if host.started.options is not None else None
    if inherited is None and not (options and any(map(options.get, _FEW))):
        return None
    retry_policy = options.get("retry_policy")
    summary, details = options.get("static_summary"), options.get("static_details")
    override = options.get("versioning_override")
    return replace(
        WorkflowOptions() if override is None else override.to_options(),
        retry_policy=None if retry_policy is None else retry_policy.to_record(),
        cron_schedule=options.get("cron_schedule") or "",
        search_attributes=encode_search_attributes(options.get("search_attributes")),
        summary=None if summary is None else converter.to_payload(summary),
        details=None if details is None else converter.to_payload(details),
        priority=inherit(options.get("priority"), inherited),
        last_result=options.get("last_result"),
        last_failure=options.get("last_failure"),
    )
