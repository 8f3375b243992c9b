"""The public names of `foldlog.workflow`: leaving one out breaks workflows of users, so this list only grows."""

from __future__ import annotations

import inspect

from foldlog import workflow

PUBLIC = [
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


def test_public_names() -> None:
    assert sorted(workflow.__all__) == sorted(PUBLIC)
    for name in PUBLIC:
        assert getattr(workflow, name) is not None


def test_every_public_name_is_documented() -> None:
    undocumented = [name for name in PUBLIC if not inspect.getdoc(getattr(workflow, name))]
    assert undocumented == []
