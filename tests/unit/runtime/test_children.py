"""Child workflows as workflow code sees them: beginning, results, failures, cancellation, signals, options."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from foldlog import workflow
from foldlog.common import (
    PinnedVersioningOverride,
    Priority,
    RetryPolicy,
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkerDeploymentVersion,
    WorkflowIDReusePolicy,
)
from foldlog.core import decisions
from foldlog.core.decider import NondeterminismError, WorkflowTaskError
from foldlog.exceptions import (
    ApplicationError,
    CancelledError,
    ChildWorkflowError,
    DefinitionError,
    RetryState,
    TerminatedError,
    TimeoutError,
    WorkflowAlreadyStartedError,
)
from foldlog.schemas import event
from foldlog.schemas.common import ParentExecution, WorkflowOptions
from foldlog.schemas.common import Priority as PriorityRecord
from foldlog.workflow import ChildWorkflowCancellationType, ParentClosePolicy

from tests.unit.runtime.driver import CONVERTER, Driver

ABANDON = ChildWorkflowCancellationType.ABANDON
TRY = ChildWorkflowCancellationType.TRY_CANCEL
WAIT = ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED
WAIT_REQUESTED = ChildWorkflowCancellationType.WAIT_CANCELLATION_REQUESTED


@workflow.defn(name="child")
class Child:
    @workflow.run
    async def run(self, number: int) -> list[int]:
        return [number]

    @workflow.signal
    def add(self, number: int) -> None: ...


@workflow.defn
class Parent:
    @workflow.run
    async def run(self, options: Any = None) -> Any:
        return await workflow.execute_child_workflow(Child.run, 7, id="c", **(options or {}))


def test_a_child_gives_its_result() -> None:
    driver = Driver(Parent)
    (wanted,) = driver.decided
    assert isinstance(wanted, decisions.StartChildWorkflow)
    assert (wanted.namespace, wanted.workflow_id, wanted.workflow_type) == ("test", "c", "child")
    assert (wanted.task_queue, wanted.parent_close_policy, wanted.id_reuse_policy, wanted.options) == (
        "default-queue",
        "TERMINATE",
        "ALLOW_DUPLICATE",
        None,
    )
    assert CONVERTER.from_payloads(wanted.args) == [7]
    driver.begin_child()
    driver.end_child(result=[7, 8])
    assert driver.result == [7, 8]
    driver.replay()


def test_a_result_of_the_wrong_type_stalls() -> None:
    driver = Driver(Parent)
    driver.begin_child()
    with pytest.raises(WorkflowTaskError, match="expected array"):
        driver.end_child(result="text")


@workflow.defn
class EveryOption:
    @workflow.run
    async def run(self) -> Any:
        return await workflow.execute_child_workflow(
            "by-name",
            args=[1, "two"],
            result_type=int,
            id="c",
            namespace="elsewhere",
            task_queue="q",
            cancellation_type=TRY,
            parent_close_policy=ParentClosePolicy.REQUEST_CANCEL,
            execution_timeout=timedelta(hours=1),
            run_timeout=timedelta(minutes=1),
            task_timeout=timedelta(seconds=1),
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            retry_policy=RetryPolicy(maximum_attempts=3),
            cron_schedule="@hourly",
            memo={"note": [1]},
            search_attributes=TypedSearchAttributes([SearchAttributePair(SearchAttributeKey.for_int("n"), 5)]),
            versioning_intent=None,
            static_summary="what",
            static_details="how",
            priority=Priority(priority_key=1),
            versioning_override=PinnedVersioningOverride(WorkerDeploymentVersion("d", "1.0")),
        )


def test_every_option_is_passed_on() -> None:
    (wanted,) = Driver(EveryOption).decided
    assert isinstance(wanted, decisions.StartChildWorkflow)
    assert (wanted.namespace, wanted.workflow_type, wanted.task_queue) == ("elsewhere", "by-name", "q")
    assert (wanted.parent_close_policy, wanted.id_reuse_policy) == ("REQUEST_CANCEL", "REJECT_DUPLICATE")
    assert (wanted.execution_timeout_ms, wanted.run_timeout_ms) == (3_600_000, 60_000)
    assert CONVERTER.from_payload(wanted.memo["note"]) == [1]
    options = wanted.options
    assert options is not None
    assert options.retry_policy is not None
    assert options.priority is not None
    assert (options.retry_policy.maximum_attempts, options.cron_schedule) == (3, "@hourly")
    assert options.search_attributes["n"].data == b"5"
    assert options.summary is not None
    assert CONVERTER.from_payload(options.summary) == "what"
    assert options.details is not None
    assert CONVERTER.from_payload(options.details) == "how"
    assert options.priority.priority_key == 1
    assert (options.versioning_behavior, options.deployment_version) == ("PINNED", "d.1.0")
    assert options.version_overridden


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"retries": 1}, TypeError, "unknown option of a child workflow: retries"),
        ({"run_timeout": 5}, TypeError, "run_timeout must be a timedelta"),
        ({"execution_timeout": timedelta(seconds=-1)}, ValueError, "execution_timeout must not be negative"),
        ({"parent_close_policy": 9}, ValueError, "9 is not a valid ParentClosePolicy"),
        ({"cancellation_type": 9}, ValueError, "9 is not a valid ChildWorkflowCancellationType"),
        ({"memo": {"x": object()}}, Exception, "object"),
        ({"id": 5}, ValueError, "id must be a str, not 5"),
        ({"namespace": b"n"}, ValueError, "namespace must be a str"),
        ({"task_queue": 5}, ValueError, "task_queue must be a str"),
        ({"cron_schedule": 5}, ValueError, "cron_schedule must be a str"),
        ({"retry_policy": 5}, ValueError, "retry_policy must be a RetryPolicy"),
        ({"memo": 5}, ValueError, "memo must be a mapping"),
        ({"search_attributes": 5}, ValueError, "search_attributes must be a TypedSearchAttributes"),
        ({"priority": 5}, ValueError, "priority must be a Priority"),
        ({"versioning_override": "shop.1"}, ValueError, "versioning_override must be a VersioningOverride"),
    ],
)
def test_wrong_options_stall_and_name_the_option(options: Any, error: type[Exception], message: str) -> None:
    @workflow.defn(name="Wrong")
    class Wrong:
        @workflow.run
        async def run(self) -> Any:
            try:
                await workflow.execute_child_workflow("child", **{"id": "c"} | options)
            except error as wrong:
                return str(wrong)

    assert message in Driver(Wrong).result


@workflow.defn
class WrongCalls:
    @workflow.run
    async def run(self) -> list[str]:
        found = []
        start: Any = workflow.start_child_workflow
        calls: list[Any] = [
            lambda: start(Child.run, 1, args=[2]),
            lambda: start("x", args="text"),
            lambda: start(5),
            lambda: start(Child.add),
        ]
        for call in calls:
            try:
                await call()
            except (TypeError, DefinitionError) as error:
                found.append(f"{type(error).__name__}: {error}")
        return found


def test_wrong_calls_say_what_is_wrong() -> None:
    both, text, number, no_run = Driver(WrongCalls).result
    assert both == "TypeError: give either arg or args, not both"
    assert text == "TypeError: args must be a list of arguments, not str"
    assert number == "TypeError: a workflow is a run method or a name, not int"
    assert "is no workflow" in no_run


@workflow.defn
class Unnamed:
    @workflow.run
    async def run(self) -> list[str]:
        one = await workflow.start_child_workflow("child")
        two = await workflow.start_child_workflow("child")
        return [one.id, two.id]


@workflow.defn
class Undecided:
    """A call that is refused, then one whose options are none."""

    @workflow.run
    async def run(self) -> None:
        wrong: Any = {"cancellation_type": 99}
        before = workflow.random().getstate()
        with pytest.raises(ValueError, match="99 is not a valid ChildWorkflowCancellationType"):
            await workflow.start_child_workflow("child", **wrong)
        assert workflow.random().getstate() == before
        none: Any = dict.fromkeys(workflow.ChildWorkflowConfig.__annotations__)
        await workflow.start_child_workflow("child", **none)


def test_options_that_are_none_are_the_defaults_and_a_refused_call_draws_no_random_numbers() -> None:
    driver = Driver(Undecided)
    assert [type(each) for each in driver.decided] == [decisions.StartChildWorkflow]
    driver.begin_child()
    assert driver.result is None


def test_without_an_id_it_is_a_uuid_that_is_the_same_in_each_replay() -> None:
    driver = Driver(Unnamed)
    driver.begin_child()
    driver.begin_child()
    one, two = driver.result
    assert one != two
    assert UUID(one).version == UUID(two).version == 4
    driver.replay()
    assert Driver(Unnamed, run_id="run-2").decided[0] != driver.decided[0]


@workflow.defn
class Starts:
    def __init__(self) -> None:
        self.log: list[Any] = []

    @workflow.run
    async def run(self, options: Any = None) -> list[Any]:
        handle = await workflow.start_child_workflow(Child.run, 7, id="c", **(options or {}))
        self.log += [isinstance(handle, asyncio.Task), handle.id, handle.first_execution_run_id]
        await handle.signal(Child.add, 1)
        await handle.signal("other", args=[1, 2])
        self.log.append(await handle)
        return self.log


def test_a_started_child_is_a_task_that_can_be_signalled() -> None:
    driver = Driver(Starts)
    driver.begin_child()
    signal = driver.decided[-1]
    assert isinstance(signal, decisions.SignalExternalWorkflow)
    assert (signal.workflow_id, signal.child_only, signal.signal_name) == ("c", True, "add")
    driver.deliver()
    driver.deliver()
    driver.end_child(result=[7])
    assert driver.result == [True, "c", "child-run-2", [7]]
    driver.replay()


@workflow.defn
class Reports:
    """Says how its child ended."""

    @workflow.run
    async def run(self, options: Any = None) -> Any:
        try:
            return await workflow.execute_child_workflow(Child.run, 7, id="c", **(options or {}))
        except ChildWorkflowError as error:
            return [
                error.message,
                error.namespace,
                error.workflow_id,
                error.run_id,
                error.workflow_type,
                error.initiated_event_id,
                error.started_event_id,
                error.retry_state and error.retry_state.name,
                type(error.cause).__name__,
                str(error.cause),
            ]
        except WorkflowAlreadyStartedError as error:
            return [type(error).__name__, error.workflow_id, error.workflow_type, error.run_id]


@pytest.mark.parametrize(
    ("kind", "error", "message", "state"),
    [
        (event.ChildWorkflowExecutionFailed, ApplicationError("no", type="No"), "failed", "RETRY_POLICY_NOT_SET"),
        (event.ChildWorkflowExecutionTimedOut, TimeoutError("late"), "timed out", "RETRY_POLICY_NOT_SET"),
        (event.ChildWorkflowExecutionCanceled, CancelledError("stop"), "cancelled", "NON_RETRYABLE_FAILURE"),
        (event.ChildWorkflowExecutionTerminated, TerminatedError("enough"), "terminated", "NON_RETRYABLE_FAILURE"),
    ],
)
def test_an_unhappy_end_is_an_error_with_its_cause(kind: Any, error: Exception, message: str, state: str) -> None:
    driver = Driver(Reports)
    driver.begin_child()
    driver.fail_child(error, kind=kind)
    assert driver.result == [
        f"Child Workflow execution {message}",
        "test",
        "c",
        "child-run-2",
        "child",
        2,
        3,
        state,
        type(error).__name__,
        str(error),
    ]
    driver.replay()


def test_an_id_in_use_is_an_error_of_its_own() -> None:
    driver = Driver(Reports)
    driver.refuse_child("WorkflowAlreadyStarted")
    assert driver.result == ["WorkflowAlreadyStartedError", "c", "child", None]
    driver.replay()


def test_a_child_that_cannot_begin_otherwise_says_why() -> None:
    driver = Driver(Reports)
    driver.refuse_child("NamespaceNotFound")
    assert driver.result[0] == "Child Workflow execution could not start"
    assert driver.result[-2:] == ["ApplicationError", "NamespaceNotFound: refused"]


def test_a_child_error_that_is_let_through_fails_the_parent_with_all_it_says() -> None:
    driver = Driver(Parent)
    driver.begin_child()
    driver.fail_child(ApplicationError("no"), retry_state="MAXIMUM_ATTEMPTS_REACHED")
    with pytest.raises(ChildWorkflowError) as raised:
        _ = driver.result
    assert raised.value.retry_state is RetryState.MAXIMUM_ATTEMPTS_REACHED
    assert (raised.value.namespace, raised.value.initiated_event_id, raised.value.started_event_id) == ("test", 2, 3)


# ---- cancelling


@workflow.defn
class Cancels:
    """Starts a child, cancels it when signalled, and says what came of it."""

    def __init__(self) -> None:
        self.task: asyncio.Task[Any] | None = None

    @workflow.run
    async def run(self, options: Any) -> Any:
        self.task = asyncio.create_task(workflow.execute_child_workflow(Child.run, 7, id="c", **(options or {})))
        try:
            return ["result", await self.task]
        except ChildWorkflowError as error:
            return ["child", error.message, type(error.cause).__name__]
        except asyncio.CancelledError:
            return ["cancelled"]

    @workflow.signal
    def stop(self) -> None:
        assert self.task is not None
        self.task.cancel("enough")


CANCELLED = ["child", "Child Workflow execution cancelled", "CancelledError"]


def test_try_cancel_asks_and_goes_on_at_once() -> None:
    driver = Driver(Cancels, {"cancellation_type": TRY})
    driver.begin_child()
    asked, ended = driver.signal("stop")
    assert isinstance(asked, decisions.RequestCancelExternalWorkflow)
    assert (asked.workflow_id, asked.child_only, asked.reason) == ("c", True, "enough")
    assert isinstance(ended, decisions.CompleteWorkflow)
    assert driver.result == CANCELLED
    driver.replay()


def test_abandon_does_not_ask() -> None:
    driver = Driver(Cancels, {"cancellation_type": ABANDON})
    driver.begin_child()
    driver.signal("stop")
    assert driver.kinds() == ["StartChildWorkflow", "CompleteWorkflow"]
    assert driver.result == CANCELLED
    driver.replay()


@pytest.mark.parametrize("begun", [True, False])
def test_wait_completed_waits_for_whatever_comes_of_it(begun: bool) -> None:
    for ending in ("cancelled", "result"):
        driver = Driver(Cancels, {"cancellation_type": WAIT})
        if begun:
            driver.begin_child()
        driver.signal("stop")
        driver.signal("stop")  # once is enough
        assert driver.kinds() == ["StartChildWorkflow", "RequestCancelExternalWorkflow"]
        if not begun:
            driver.begin_child()
        driver.deliver()
        assert driver.end is None
        if ending == "cancelled":
            driver.fail_child(CancelledError(), kind=event.ChildWorkflowExecutionCanceled)
            assert driver.result == CANCELLED
        else:
            driver.end_child(result=[1])
            assert driver.result == ["result", [1]]
        driver.replay()


def test_wait_requested_waits_until_the_child_knows() -> None:
    driver = Driver(Cancels, {"cancellation_type": WAIT_REQUESTED})
    driver.begin_child()
    driver.signal("stop")
    assert driver.end is None
    driver.deliver()
    assert driver.result == CANCELLED
    driver.replay()


def test_a_child_that_is_gone_before_it_can_be_asked_gives_its_end() -> None:
    driver = Driver(Cancels, {"cancellation_type": WAIT_REQUESTED})
    driver.begin_child()
    driver.signal("stop")
    driver.bounce()
    assert driver.end is None
    driver.end_child(result=[2])
    assert driver.result == ["result", [2]]
    driver.replay()


@pytest.mark.parametrize("cancellation_type", [TRY, ABANDON])
def test_cancelling_before_it_has_begun_need_not_wait(cancellation_type: ChildWorkflowCancellationType) -> None:
    driver = Driver(Cancels, {"cancellation_type": cancellation_type})
    driver.signal("stop")
    assert driver.result == CANCELLED
    driver.replay()


@workflow.defn
class Hasty:
    @workflow.run
    async def run(self) -> Any:
        task = asyncio.create_task(workflow.execute_child_workflow("child", id="c"))
        await asyncio.sleep(0)
        task.cancel("never mind")
        try:
            await task
        except ChildWorkflowError as error:
            return [error.message, type(error.cause).__name__, error.initiated_event_id]


def test_a_child_that_is_cancelled_in_the_step_that_wanted_it_leaves_nothing() -> None:
    driver = Driver(Hasty)
    assert driver.kinds() == ["CompleteWorkflow"]
    assert driver.result == ["Child Workflow Execution cancelled before scheduled: never mind", "CancelledError", 0]


@workflow.defn
class Many:
    """Withdraws every other child, so that events must find theirs."""

    @workflow.run
    async def run(self) -> Any:
        tasks = [
            asyncio.create_task(workflow.execute_child_workflow("child", id=f"c{number}", result_type=int))
            for number in range(6)
        ]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        return [str(result) for result in await asyncio.gather(*tasks, return_exceptions=True)]


def test_withdrawn_children_do_not_take_the_events_of_others() -> None:
    driver = Driver(Many)
    assert [child.workflow_id for child in driver.children.values()] == ["c1", "c3", "c5"]
    for name in ("c5", "c1", "c3"):
        driver.begin_child(name)
        driver.end_child(name, int(name[1]))
    assert driver.result[1::2] == ["1", "3", "5"]
    driver.replay()


@workflow.defn
class CancelledWhileStarting:
    @workflow.run
    async def run(self) -> Any:
        try:
            await workflow.start_child_workflow("child", id="c")
        except asyncio.CancelledError:
            await workflow.execute_activity("clean-up", start_to_close_timeout=timedelta(seconds=1))
            raise


def test_a_workflow_that_is_cancelled_while_its_child_starts_goes_on_at_once() -> None:
    driver = Driver(CancelledWhileStarting)
    driver.cancel("stop")
    assert driver.kinds() == ["StartChildWorkflow", "RequestCancelExternalWorkflow", "ScheduleActivity"]
    driver.begin_child()
    driver.deliver()
    driver.fail_child(CancelledError(), kind=event.ChildWorkflowExecutionCanceled)
    driver.complete()
    assert isinstance(driver.end, event.WorkflowExecutionCanceled)
    driver.replay()


def test_a_cancelled_child_cancels_its_parent_only_if_that_was_asked_to() -> None:
    asked = Driver(Parent)
    asked.begin_child()
    asked.cancel()
    asked.fail_child(CancelledError(), kind=event.ChildWorkflowExecutionCanceled)
    assert isinstance(asked.end, event.WorkflowExecutionCanceled)
    unasked = Driver(Parent)
    unasked.begin_child()
    unasked.fail_child(CancelledError(), kind=event.ChildWorkflowExecutionCanceled)
    assert isinstance(unasked.end, event.WorkflowExecutionFailed)


# ---- the rest


@workflow.defn
class Family:
    @workflow.run
    async def run(self) -> Any:
        info = workflow.info()
        assert info.parent is not None
        assert info.root is not None
        return [info.parent.namespace, info.parent.workflow_id, info.parent.run_id, info.root.workflow_id]


def test_a_child_knows_its_parent_and_its_root() -> None:
    above = ParentExecution(namespace="n", workflow_id="p", run_id="r", initiated_event_id=2)
    assert Driver(Family, parent=above).result == ["n", "p", "r", "p"]
    above.root_workflow_id, above.root_run_id = "top", "top-run"
    assert Driver(Family, parent=above).result == ["n", "p", "r", "top"]
    assert Driver(Child, 1, workflow_type="child").decider.info().parent is None
    assert Driver(Child, 1, workflow_type="child").decider.info().root is None


@workflow.defn(name="Parent")
class OtherId:
    @workflow.run
    async def run(self) -> Any:
        return await workflow.execute_child_workflow(Child.run, 7, id="d")


def test_replay_names_the_child_that_differs() -> None:
    driver = Driver(Parent)
    driver.runtime = Driver(OtherId, workflow_type="Parent").runtime
    with pytest.raises(NondeterminismError, match=r"workflow_id='c'.*now decides StartChildWorkflow.*workflow_id='d'"):
        driver.replay()


@workflow.defn
class Asks:
    @workflow.run
    async def run(self) -> None:
        await workflow.execute_child_workflow("child", id="c")

    @workflow.query
    def start(self) -> None:
        workflow.start_child_workflow("child").close()


def test_a_query_starts_no_child() -> None:
    driver = Driver(Asks)
    with pytest.raises(ApplicationError, match="action attempted: start a child workflow") as raised:
        driver.query("start")
    assert raised.value.type == workflow.ReadOnlyContextError.__name__


def test_the_stack_says_what_is_waited_for() -> None:
    driver = Driver(Asks)
    assert "the start of child 'child' (ID c)" in driver.decider.stack()
    driver.begin_child()
    assert "child 'child' (ID c)" in driver.decider.stack()
    driver.decider.close()


def test_what_a_child_does_not_say_of_its_priority_its_parent_says() -> None:
    driver = Driver(EveryOption, start=False)
    driver.started.options = WorkflowOptions(
        priority=PriorityRecord(priority_key=4, fairness_key="tenant", fairness_weight=2.0)
    )
    driver.tell(driver.started)
    (wanted,) = driver.decided
    assert isinstance(wanted, decisions.StartChildWorkflow)
    assert wanted.options is not None
    assert wanted.options.priority == PriorityRecord(priority_key=1, fairness_key="tenant", fairness_weight=2.0)
