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
from foldlog.workflow._clock import new_random, now, random, sleep, time, time_ns, uuid4, wait_condition
from foldlog.workflow._definition import defn, init, run
from foldlog.workflow._exceptions import (
    NondeterminismError,
    NondeterminismWarning,
    NotInWorkflowError,
    ReadOnlyContextError,
    RestrictedWorkflowAccessError,
    UnfinishedSignalHandlersWarning,
    UnfinishedUpdateHandlersWarning,
)
from foldlog.workflow._handler_setters import (
    all_handlers_finished,
    get_dynamic_query_handler,
    get_dynamic_signal_handler,
    get_dynamic_update_handler,
    get_query_handler,
    get_signal_handler,
    get_update_handler,
    set_dynamic_query_handler,
    set_dynamic_signal_handler,
    set_dynamic_update_handler,
    set_query_handler,
    set_signal_handler,
    set_update_handler,
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
from foldlog.workflow._updates import UpdateInfo, UpdateMethodMultiParam, current_update_info, update
from foldlog.workflow._waiting import as_completed, wait

__all__ = [
    "ActivityCancellationType",
    "ActivityConfig",
    "ActivityHandle",
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
    "UnfinishedUpdateHandlersWarning",
    "UpdateInfo",
    "UpdateMethodMultiParam",
    "all_handlers_finished",
    "as_completed",
    "cancellation_reason",
    "current_update_info",
    "defn",
    "execute_activity",
    "execute_activity_class",
    "execute_activity_method",
    "execute_local_activity",
    "execute_local_activity_class",
    "execute_local_activity_method",
    "get_dynamic_query_handler",
    "get_dynamic_signal_handler",
    "get_dynamic_update_handler",
    "get_query_handler",
    "get_signal_handler",
    "get_update_handler",
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
    "payload_converter",
    "query",
    "random",
    "run",
    "set_dynamic_query_handler",
    "set_dynamic_signal_handler",
    "set_dynamic_update_handler",
    "set_query_handler",
    "set_signal_handler",
    "set_update_handler",
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
    "update",
    "uuid4",
    "wait",
    "wait_condition",
]
