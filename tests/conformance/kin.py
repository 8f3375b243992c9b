"""Scenarios of children, of workflows in another namespace, and of sagas."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog.client import Client, WorkflowFailureError, WorkflowHandle
from foldlog.common import (
    Priority,
    RetryPolicy,
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDReusePolicy,
)
from foldlog.exceptions import (
    ApplicationError,
    CancelledError,
    ChildWorkflowError,
    TimeoutError,
    WorkflowAlreadyStartedError,
)
from foldlog.schemas.event import WorkflowExecutionCancelRequested
from foldlog.workflow import ChildWorkflowCancellationType, ParentClosePolicy

from tests.conformance.scenarios import QUEUE, SOON, Place, Scenario, names
from tests.until import until_asked

LIMIT = timedelta(seconds=60)
STEP = SearchAttributeKey.for_int("step")
QUICKLY = RetryPolicy(initial_interval=timedelta(milliseconds=10), backoff_coefficient=1.0, maximum_attempts=2)


@workflow.defn
class Kid:
    """Waits to be told how to end; cleans up if it is cancelled."""

    def __init__(self) -> None:
        self.how = ""

    @workflow.run
    async def run(self, how: str = "") -> list[Any]:
        info = workflow.info()
        if how == "fail" or (how == "at second try" and info.attempt == 1):
            raise ApplicationError("no", type="No")
        self.how = self.how or (how if info.attempt == 1 else "")
        try:
            await workflow.wait_condition(lambda: bool(self.how))
        except asyncio.CancelledError:
            await workflow.sleep(0.02)
            if workflow.cancellation_reason() == "never mind":
                return ["never mind"]
            raise
        above, root = info.parent, info.root
        return [
            self.how,
            info.attempt,
            above and [above.namespace, above.workflow_id, above.run_id],
            root and root.workflow_id,
            workflow.memo(),
            info.typed_search_attributes.get(STEP),
            [info.priority.priority_key, info.priority.fairness_key],
        ]

    @workflow.signal
    def end(self, how: str) -> None:
        self.how = how


@workflow.defn
class Guardian:
    """Starts a child with all options that there are; a child of its own may start one as well."""

    @workflow.run
    async def run(self, name: str, elsewhere: str | None, depth: int) -> list[Any]:
        if depth:
            return await workflow.execute_child_workflow(Guardian.run, args=[name, elsewhere, depth - 1])
        child = await workflow.start_child_workflow(
            Kid.run,
            "at second try",
            id=name,
            namespace=elsewhere,
            task_queue=QUEUE,
            cancellation_type=ChildWorkflowCancellationType.TRY_CANCEL,
            parent_close_policy=ParentClosePolicy.REQUEST_CANCEL,
            execution_timeout=timedelta(hours=2),
            run_timeout=timedelta(hours=1),
            task_timeout=timedelta(seconds=5),
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            retry_policy=QUICKLY,
            memo={"given": 1},
            search_attributes=TypedSearchAttributes([SearchAttributePair(STEP, 7)]),
            static_summary="a kid",
            static_details="of **many**",
            priority=Priority(priority_key=1),
        )
        assert child.id == name
        await child.signal(Kid.end, "told in its second run")
        return [child.first_execution_run_id, *await child]


@workflow.defn
class Strict:
    """Cancels its child when told to, in the way that it is told."""

    def __init__(self) -> None:
        self.told = False

    @workflow.run
    async def run(self, name: str, how: int, elsewhere: str | None = None) -> list[Any]:
        child = await workflow.start_child_workflow(
            Kid.run,
            id=name,
            namespace=elsewhere,
            cancellation_type=ChildWorkflowCancellationType(how),
            parent_close_policy=ParentClosePolicy.ABANDON,
        )
        await workflow.wait_condition(lambda: self.told)
        child.cancel("enough")
        try:
            return await child
        except ChildWorkflowError as error:
            return [type(error.cause).__name__, error.workflow_id, error.workflow_type, error.run_id != ""]

    @workflow.signal
    def go(self) -> None:
        self.told = True


@workflow.defn
class Ends:
    """Tells how children ended, or did not begin."""

    @workflow.run
    async def run(self, names: list[str]) -> list[Any]:
        found: list[Any] = []
        twice: dict[str, Any] = {"id_reuse_policy": WorkflowIDReusePolicy.REJECT_DUPLICATE}
        for name, options in (
            (names[0], {"args": ["fail"], "retry_policy": QUICKLY}),
            (names[1], {"run_timeout": timedelta(milliseconds=50)}),
            (names[0], {"args": ["well"], **twice}),
            (names[0], {"args": ["well"]}),
        ):
            try:
                found.append((await workflow.execute_child_workflow("Kid", id=name, **options))[0])
            except ChildWorkflowError as error:
                state = error.retry_state.name if error.retry_state else None
                found.append([type(error.cause).__name__, error.workflow_id, error.namespace != "", state])
            except WorkflowAlreadyStartedError as error:
                found.append(error.workflow_id)
        return found


@workflow.defn
class Belated:
    """Speaks to children that have ended."""

    @workflow.run
    async def run(self, elsewhere: str) -> list[Any]:
        found: list[Any] = []
        for namespace in (None, elsewhere):
            child = await workflow.start_child_workflow(Kid.run, "well", namespace=namespace)
            await child
            other = workflow.get_external_workflow_handle(child.id, namespace=namespace)
            for telling in (child.signal(Kid.end, "x"), other.signal("end", "x"), other.cancel()):
                try:
                    await telling
                    found.append("nothing")
                except ApplicationError as error:
                    found.append(error.type)
        return found


@workflow.defn
class Caller:
    """Speaks to workflows that others started, here and elsewhere."""

    @workflow.run
    async def run(self, name: str, elsewhere: str) -> list[Any]:
        found: list[Any] = []
        for namespace in (None, elsewhere):
            other = workflow.get_external_workflow_handle(f"{name}-1", namespace=namespace)
            await other.signal("end", "told")
            await workflow.get_external_workflow_handle(f"{name}-2", namespace=namespace).cancel(reason="never mind")
            found.append([other.id, other.run_id])
        await workflow.get_external_workflow_handle_for(Kid.run, f"{name}-3").signal(Kid.end, "typed")
        for wrong in (
            workflow.get_external_workflow_handle(f"{name}-3", run_id="another run"),
            workflow.get_external_workflow_handle("nobody", namespace=elsewhere),
            workflow.get_external_workflow_handle(name, namespace="there-is-none"),
        ):
            for telling in (wrong.signal("end", "x"), wrong.cancel()):
                try:
                    await telling
                except ApplicationError as error:
                    found.append(error.type)
        return found


class Ledger:
    """What sagas did, by key."""

    entries: dict[str, list[str]] = {}  # noqa: RUF012  # shared by all, for the tests to look at

    @activity.defn(name="note-entry")
    async def note(self, key: str, entry: str) -> None:
        if entry.startswith("refused"):
            raise ApplicationError(entry, non_retryable=True)
        self.entries.setdefault(key, []).append(entry)


@workflow.defn
class Undo:
    """A compensation that is a workflow."""

    @workflow.run
    async def run(self, key: str, entry: str) -> None:
        await workflow.execute_activity_method(Ledger.note, args=[key, entry], start_to_close_timeout=LIMIT)


@workflow.defn
class Booking:
    """Fails after some steps, and undoes them in each way that there is."""

    def __init__(self) -> None:
        self.fixed = False

    @workflow.run
    async def run(self, key: str, options: dict[str, bool], refused: list[str], mistake: bool) -> str:
        saga = workflow.Saga(**options)
        saga.compensate_method(Ledger.note, args=[key, "method"], start_to_close_timeout=LIMIT)
        saga.compensate("note-entry", args=[key, "name"], start_to_close_timeout=LIMIT)
        saga.compensate_child_workflow(Undo.run, args=[key, "child"])
        for each in refused:
            saga.compensate("note-entry", args=[key, each], start_to_close_timeout=LIMIT)
        saga.add(self.remember, key)
        saga.compensate("note-entry", args=[key, "discarded"], start_to_close_timeout=LIMIT)
        saga.discard()
        try:
            if mistake and not self.fixed:
                raise KeyError("a mistake")
            raise ApplicationError("failed")
        except ApplicationError:
            await saga.run_compensations()
            return "undone"

    async def remember(self, key: str) -> None:
        await workflow.execute_activity("note-entry", args=[key, "function"], start_to_close_timeout=LIMIT)


async def children_with_all_options(here: Place) -> None:
    for elsewhere in (None, here.elsewhere):
        client = elsewhere or here.client
        name = uuid.uuid4().hex
        of_tenant = Priority(priority_key=4, fairness_key="tenant")
        handle = await here.start(Guardian.run, name, elsewhere and elsewhere.namespace, 2, priority=of_tenant)
        first, how, attempt, above, root, memo, step, priority = await handle.result()
        child = client.get_workflow_handle(name)
        found = await child.describe()
        assert (how, attempt, memo, step) == ("told in its second run", 2, {"given": 1}, 7)
        assert priority == [1, "tenant"]
        assert (root, above[0], above[1] != handle.id) == (handle.id, here.client.namespace, True)
        assert (found.parent_id, found.parent_run_id, found.root_id) == (above[1], above[2], handle.id)
        assert (found.attempt, found.first_execution_run_id) == (2, first)
        assert found.run_id != first
        assert (await found.static_summary(), await found.static_details()) == ("a kid", "of **many**")
        assert found.execution_expiration_time is not None


async def cancellation_types_of_children(here: Place) -> None:
    """The parent ends as soon as its code need not wait any more: its history tells them apart."""
    types = ChildWorkflowCancellationType
    asked = "RequestCancelExternalWorkflowExecutionInitiated"
    told = "ExternalWorkflowExecutionCancelRequested"
    ended = "ChildWorkflowExecutionCanceled"
    expected = {
        types.ABANDON: [],
        types.TRY_CANCEL: [asked],
        types.WAIT_CANCELLATION_REQUESTED: [asked, told],
        types.WAIT_CANCELLATION_COMPLETED: [asked, told, ended],
    }

    async def cancel(how: ChildWorkflowCancellationType, client: Client) -> None:
        name = uuid.uuid4().hex
        elsewhere = None if client is here.client else client.namespace
        handle = await here.start(Strict.run, name, int(how), elsewhere)

        async def begun() -> bool:
            found = (await handle.describe()).pending_children
            return bool(found) and found[0].run_id is not None

        await until_asked(begun, "the child has begun")
        await handle.signal(Strict.go)
        assert await handle.result() == ["CancelledError", name, "Kid", True]
        assert [kind for kind in await names(handle) if kind in (asked, told, ended)] == expected[how]
        child: WorkflowHandle[Any, Any] = client.get_workflow_handle(name)
        if how is types.ABANDON:
            await child.signal("end", "well")
            assert (await child.result())[0] == "well"
        else:
            with pytest.raises(WorkflowFailureError) as failed:
                await child.result()
            assert isinstance(failed.value.cause, CancelledError)
        events = (await child.fetch_history()).events
        reasons = [each.reason for each in events if isinstance(each, WorkflowExecutionCancelRequested)]
        assert reasons == ([] if how is types.ABANDON else ["enough"])

    await asyncio.gather(*(cancel(*case) for case in product(types, (here.client, here.elsewhere))))


async def ends_of_children(here: Place) -> None:
    ids = [uuid.uuid4().hex for _ in range(2)]
    assert await here.execute(Ends.run, ids) == [
        ["ApplicationError", ids[0], True, "MAXIMUM_ATTEMPTS_REACHED"],
        ["TimeoutError", ids[1], True, "RETRY_POLICY_NOT_SET"],
        ids[0],
        "well",
    ]
    timed_out = here.client.get_workflow_handle(ids[1])
    with pytest.raises(WorkflowFailureError) as failed:
        await timed_out.result()
    assert isinstance(failed.value.cause, TimeoutError)


async def workflows_of_others(here: Place) -> None:
    name = uuid.uuid4().hex
    options: dict[str, Any] = {"task_queue": QUEUE, "rpc_timeout": SOON}
    handles = [
        await client.start_workflow("Kid", id=f"{name}-{number}", **options)
        for client in (here.client, here.elsewhere)
        for number in (1, 2, 3)
    ]
    caller = await here.start(Caller.run, name, here.elsewhere.namespace)
    assert await caller.result() == [
        [f"{name}-1", None],
        [f"{name}-1", None],
        *["ExternalWorkflowExecutionNotFound"] * 4,
        *["NamespaceNotFound"] * 2,
    ]
    await handles[5].signal("end", "by its client")
    results = [(await handle.result())[0] for handle in handles]
    assert results == ["told", "never mind", "typed", "told", "never mind", "by its client"]


async def what_is_said_to_children_that_have_ended(here: Place) -> None:
    """A signal is an error; that they are to cancel themselves changes nothing, and is none."""
    not_found = "ExternalWorkflowExecutionNotFound"
    handle = await here.start(Belated.run, here.elsewhere.namespace)
    assert await handle.result(rpc_timeout=SOON) == [not_found, not_found, "nothing"] * 2


async def sagas(here: Place) -> None:
    for parallel, refused in ((False, 0), (True, 0), (False, 2), (True, 2)):
        key = uuid.uuid4().hex
        options = {"parallel": parallel, "continue_with_error": True}
        handle = await here.start(Booking.run, key, options, [f"refused {n}" for n in range(refused)], False)
        if refused:
            with pytest.raises(WorkflowFailureError) as failed:
                await handle.result()
            assert isinstance(failed.value.cause, ApplicationError)
            assert failed.value.cause.type == "CompensationError"
        else:
            assert await handle.result() == "undone"
        done = Ledger.entries[key]
        if not parallel:
            assert done == ["function", "child", "name", "method"]
        assert sorted(done) == ["child", "function", "method", "name"]


async def a_saga_of_code_with_a_mistake_stalls_before_anything_is_undone(here: Place) -> None:
    key = uuid.uuid4().hex
    handle = await here.start(Booking.run, key, {"failures_only": True}, [], True)

    async def stalled() -> str:
        return (await handle.describe()).stalled_error

    assert "a mistake" in await until_asked(stalled, "it stalls")
    assert key not in Ledger.entries
    await handle.terminate()


SHARED: list[Scenario] = [
    children_with_all_options,
    cancellation_types_of_children,
    ends_of_children,
    workflows_of_others,
    what_is_said_to_children_that_have_ended,
    sagas,
    a_saga_of_code_with_a_mistake_stalls_before_anything_is_undone,
]
"""As in `scenarios`."""

WORKFLOWS: Sequence[type] = [Kid, Guardian, Strict, Ends, Belated, Caller, Undo, Booking]
ACTIVITIES: Sequence[Callable[..., Any]] = [Ledger().note]
