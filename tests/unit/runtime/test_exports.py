"""The public names of `foldlog.workflow`: leaving one out breaks workflows of users, so this list only grows."""

from __future__ import annotations

import inspect

from foldlog import workflow

PUBLIC = [
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
    "UnfinishedUpdateHandlersWarning",
    "UpdateInfo",
    "UpdateMethodMultiParam",
    "VersioningIntent",
    "all_handlers_finished",
    "as_completed",
    "cancellation_reason",
    "continue_as_new",
    "current_update_info",
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
    "get_dynamic_update_handler",
    "get_last_completion_result",
    "get_last_failure",
    "get_query_handler",
    "get_signal_handler",
    "get_update_handler",
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
    "upsert_memo",
    "upsert_search_attributes",
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
