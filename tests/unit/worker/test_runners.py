"""Settings of Temporal's sandbox and pollers: they can be made and changed as programs do, and given to a worker."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from foldlog import workflow
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import (
    PollerBehaviorAutoscaling,
    PollerBehaviorSimpleMaximum,
    Replayer,
    UnsandboxedWorkflowRunner,
    Worker,
)
from foldlog.worker.workflow_sandbox import (
    RestrictedWorkflowAccessError,
    SandboxedWorkflowRunner,
    SandboxMatcher,
    SandboxRestrictions,
)


@workflow.defn
class Echo:
    @workflow.run
    async def run(self, text: str) -> str:
        return text


def relaxed() -> SandboxedWorkflowRunner:
    """As programs do that use a library which the sandbox does not get on with."""
    children = dict(SandboxRestrictions.invalid_module_members_default.children)
    del children["datetime"]
    members = dataclasses.replace(SandboxRestrictions.invalid_module_members_default, children=children)
    restrictions = dataclasses.replace(SandboxRestrictions.default, invalid_module_members=members)
    return SandboxedWorkflowRunner(restrictions=restrictions.with_passthrough_modules("httpx", "yarl"))


@pytest.mark.parametrize("runner", [relaxed(), UnsandboxedWorkflowRunner()])
async def test_a_worker_takes_runners_and_pollers(runner: object) -> None:
    async with await WorkflowEnvironment.start_time_skipping() as environment:
        async with Worker(
            environment.client,
            task_queue="q",
            workflows=[Echo],
            workflow_runner=runner,
            workflow_task_poller_behavior=PollerBehaviorSimpleMaximum(2),
            activity_task_poller_behavior=PollerBehaviorAutoscaling(maximum=9),
        ):
            assert await environment.client.execute_workflow(Echo.run, "a", id="a", task_queue="q") == "a"


def _read() -> str:
    return Path(__file__).read_text(encoding="utf-8")


@workflow.defn
class ReadsAFile:
    @workflow.run
    async def run(self) -> str:
        return _read()


async def test_without_a_sandbox_nothing_is_refused_to_workflow_code() -> None:
    runner = UnsandboxedWorkflowRunner()
    async with await WorkflowEnvironment.start_time_skipping() as environment:
        async with Worker(environment.client, task_queue="q", workflows=[ReadsAFile], workflow_runner=runner):
            handle = await environment.client.start_workflow(ReadsAFile.run, id="a", task_queue="q")
            assert "sandbox" in await handle.result()
        history = await handle.fetch_history()
    await Replayer(workflows=[ReadsAFile], workflow_runner=runner).replay_workflow(history)
    for watched in (None, relaxed()):
        with pytest.raises(Exception, match="cannot open a file"):
            await Replayer(workflows=[ReadsAFile], workflow_runner=watched).replay_workflow(history)


def test_restrictions_are_changed_into_new_ones() -> None:
    default = SandboxRestrictions.default
    changed = default.with_passthrough_modules("a").with_passthrough_modules("b", "c")
    assert changed.passthrough_modules - default.passthrough_modules == {"a", "b", "c"}
    assert (default.passthrough_all_modules, default.with_passthrough_all_modules().passthrough_all_modules) == (
        False,
        True,
    )
    assert default.with_import_notification_policy("quiet").import_notification_policy == "quiet"


def test_matchers_lose_a_path_and_are_joined() -> None:
    clock = SandboxMatcher(access={"today"}, use={"now"})
    matcher = SandboxMatcher.nested_child(["datetime", "date"], clock)
    assert matcher.child_matcher("datetime", "date") == clock
    assert matcher.child_matcher("datetime", "time") is None
    left = matcher.with_child_unrestricted("datetime", "date", "now")
    assert left.child_matcher("datetime", "date") == SandboxMatcher(access={"today"})
    assert matcher.with_child_unrestricted("datetime").children == {}
    assert matcher.with_child_unrestricted("os", "path") == matcher
    joined = left | SandboxMatcher.nested_child(["datetime", "date"], SandboxMatcher(use={"now"}))
    assert joined.child_matcher("datetime", "date") == clock
    with pytest.raises(ValueError):
        matcher.with_child_unrestricted()


def test_the_error_is_that_of_the_guard() -> None:
    assert RestrictedWorkflowAccessError is workflow.RestrictedWorkflowAccessError
