"""Writing workflows: definitions, activities, timers, signals, queries. Names and meanings follow Temporal's SDK.

A workflow is a class with `@workflow.defn` and an async method with `@workflow.run`. Its code runs on an asyncio event
loop of its own that is the same in each replay: see docs/workflows.md for what it may do.
"""

from foldlog.workflow._activities import execute_activity, start_activity
from foldlog.workflow._activity_methods import (
    execute_activity_class,
    execute_activity_method,
    start_activity_class,
    start_activity_method,
)
from foldlog.workflow._activity_types import (
    ActivityCancellationType,
    ActivityConfig,
    ActivityHandle,
    LocalActivityConfig,
)
from foldlog.workflow._chain import (
    continue_as_new,
    deprecate_patch,
    get_current_details,
    get_last_completion_result,
    get_last_failure,
    has_last_completion_result,
    patched,
    set_current_details,
    upsert_memo,
    upsert_search_attributes,
)
from foldlog.workflow._chain_types import ContinueAsNewError, VersioningIntent
from foldlog.workflow._clock import new_random, now, random, sleep, time, time_ns, uuid4, wait_condition
from foldlog.workflow._definition import defn, init, run
from foldlog.workflow._exceptions import (
    NondeterminismError,
    NondeterminismWarning,
    NotInWorkflowError,
    ReadOnlyContextError,
    RestrictedWorkflowAccessError,
    UnfinishedSignalHandlersWarning,
)
from foldlog.workflow._handler_setters import (
    all_handlers_finished,
    get_dynamic_query_handler,
    get_dynamic_signal_handler,
    get_query_handler,
    get_signal_handler,
    set_dynamic_query_handler,
    set_dynamic_signal_handler,
    set_query_handler,
    set_signal_handler,
)
from foldlog.workflow._handlers import HandlerUnfinishedPolicy, query, signal
from foldlog.workflow._info import (
    Info,
    cancellation_reason,
    in_workflow,
    info,
    instance,
    is_failure_exception,
    memo,
    memo_value,
    payload_converter,
)
from foldlog.workflow._local_activities import (
    execute_local_activity,
    execute_local_activity_class,
    execute_local_activity_method,
    start_local_activity,
    start_local_activity_class,
    start_local_activity_method,
)
from foldlog.workflow._logger import LoggerAdapter, logger
from foldlog.workflow._unsafe import unsafe
from foldlog.workflow._waiting import as_completed, wait

__all__ = [
    "ActivityCancellationType",
    "ActivityConfig",
    "ActivityHandle",
    "ContinueAsNewError",
    "HandlerUnfinishedPolicy",
    "Info",
    "LocalActivityConfig",
    "LoggerAdapter",
    "NondeterminismError",
    "NondeterminismWarning",
    "NotInWorkflowError",
    "ReadOnlyContextError",
    "RestrictedWorkflowAccessError",
    "UnfinishedSignalHandlersWarning",
    "VersioningIntent",
    "all_handlers_finished",
    "as_completed",
    "cancellation_reason",
    "continue_as_new",
    "defn",
    "deprecate_patch",
    "execute_activity",
    "execute_activity_class",
    "execute_activity_method",
    "execute_local_activity",
    "execute_local_activity_class",
    "execute_local_activity_method",
    "get_current_details",
    "get_dynamic_query_handler",
    "get_dynamic_signal_handler",
    "get_last_completion_result",
    "get_last_failure",
    "get_query_handler",
    "get_signal_handler",
    "has_last_completion_result",
    "in_workflow",
    "info",
    "init",
    "instance",
    "is_failure_exception",
    "logger",
    "memo",
    "memo_value",
    "new_random",
    "now",
    "patched",
    "payload_converter",
    "query",
    "random",
    "run",
    "set_current_details",
    "set_dynamic_query_handler",
    "set_dynamic_signal_handler",
    "set_query_handler",
    "set_signal_handler",
    "signal",
    "sleep",
    "start_activity",
    "start_activity_class",
    "start_activity_method",
    "start_local_activity",
    "start_local_activity_class",
    "start_local_activity_method",
    "time",
    "time_ns",
    "unsafe",
    "upsert_memo",
    "upsert_search_attributes",
    "uuid4",
    "wait",
    "wait_condition",
]
