"""A history and a decider without the state machine: makes the events that decisions lead to, and the answers to them.

It is simpler than `foldlog.core.machine` on purpose: no retries, no timeouts, no effects. Replay is the engine's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from foldlog.converter import DataConverter
from foldlog.core import decisions
from foldlog.core.decider import QueryFailed
from foldlog.core.decisions import Decision
from foldlog.core.replay import replay
from foldlog.runtime import WorkflowRuntime
from foldlog.runtime.instance import WorkflowInstance
from foldlog.schemas import event
from foldlog.schemas.common import Failure, ParentExecution, Payload
from foldlog.schemas.records import Event

EPOCH_MS = 1_700_000_000_000
CONVERTER = DataConverter.default.payload_converter
FAILURES = DataConverter.default.failure_converter
ENDS = (
    event.WorkflowExecutionCompleted,
    event.WorkflowExecutionFailed,
    event.WorkflowExecutionCanceled,
)


class Driver:
    """One run, told what happens by a test."""

    def __init__(
        self,
        workflow: type,
        *args: Any,
        run_id: str = "run-1",
        workflow_type: str | None = None,
        memo: dict[str, Any] | None = None,
        parent: ParentExecution | None = None,
        start: bool = True,
        held: bool = False,
        **options: Any,
    ) -> None:
        self.runtime = WorkflowRuntime([workflow], namespace="test", **options)
        self.now_ms = EPOCH_MS
        self.events: list[Any] = []
        self.decided: list[Decision] = []
        """All decisions so far."""
        self.activities: dict[int, event.ActivityTaskScheduled] = {}
        self.local: dict[str, decisions.ScheduleLocalActivity] = {}
        self.timers: dict[int, event.TimerStarted] = {}
        self.children: dict[int, event.StartChildWorkflowExecutionInitiated] = {}
        """Those that have not ended."""
        self.begun: set[int] = set()
        """Those of them that have begun."""
        self.asked: dict[int, Any] = {}
        """Events of signals and requests to cancel to other workflows that have no answer."""
        self.updates: dict[str, Any] = {}
        """The outcome of each update: None while its handler runs, then the decision or the failure."""
        self._accepted: dict[str, int] = {}
        self.started = event.WorkflowExecutionStarted(
            run_id=run_id,
            event_id=1,
            time_ms=self.now_ms,
            workflow_type=workflow_type or workflow.__name__,
            task_queue="default-queue",
            args=CONVERTER.to_payloads(args),
            run_timeout_ms=60_000,
            memo={key: CONVERTER.to_payload(value) for key, value in (memo or {}).items()},
            first_execution_run_id=run_id,
            parent=parent,
            held=held,
        )
        self.decider: WorkflowInstance = self.runtime.create("workflow-1", self.started)
        if start:
            self.tell(self.started)

    # ---- what happens

    def tell(self, happened: Event) -> list[Decision]:
        """An event from outside; returns what the code decides about it."""
        self._append(happened)
        made = self.decider.activate(happened)
        self.decided += made
        for decision in made:
            self._record(decision)
        return made

    def begin(self) -> list[Decision]:
        """The hold of a held run ends."""
        return self.tell(event.WorkflowTaskScheduled())

    def signal(self, name: str, *args: Any) -> list[Decision]:
        return self.tell(event.WorkflowExecutionSignaled(signal_name=name, args=CONVERTER.to_payloads(args)))

    def update(
        self, name: str, *args: Any, update_id: str = "", header: dict[str, Payload] | None = None
    ) -> list[Decision]:
        """An update arrives; what comes of it is in `outcome`."""
        update_id = update_id or f"update-{len(self.updates) + 1}"
        accepted = event.WorkflowExecutionUpdateAccepted(
            update_id=update_id, update_name=name, args=CONVERTER.to_payloads(args), header=header or {}
        )
        self.updates[update_id] = self.decider.validate(accepted)
        if self.updates[update_id] is not None:
            return []
        self._accepted[update_id] = len(self.events) + 1
        return self.tell(accepted)

    def outcome(self, update_id: str = "update-1") -> Any:
        """What an update's handler returned; its failure is raised."""
        ended = self.updates[update_id]
        assert ended is not None, f"still running:\n{self.decider.stack()}"
        failure = ended if isinstance(ended, Failure) else ended.failure
        if failure is not None:
            raise FAILURES.from_failure(failure, CONVERTER)
        return CONVERTER.from_payload(ended.result)

    def cancel(self, reason: str = "") -> list[Decision]:
        return self.tell(event.WorkflowExecutionCancelRequested(reason=reason))

    def complete(self, activity: str | int | None = None, result: Any = None) -> list[Decision]:
        """An open activity ends well: the first one of a type, one by event ID, or the first of all."""
        event_id = self._pick(activity)
        del self.activities[event_id]
        return self.tell(event.ActivityTaskCompleted(scheduled_event_id=event_id, result=CONVERTER.to_payload(result)))

    def fail(self, activity: str | int | None, error: BaseException) -> list[Decision]:
        event_id = self._pick(activity)
        del self.activities[event_id]
        return self.tell(
            event.ActivityTaskFailed(
                scheduled_event_id=event_id,
                failure=FAILURES.to_failure(error, CONVERTER),
                retry_state="MAXIMUM_ATTEMPTS_REACHED",
                identity="worker-1",
            )
        )

    def time_out(self, activity: str | int | None) -> list[Decision]:
        event_id = self._pick(activity)
        del self.activities[event_id]
        failure = Failure(kind="TIMEOUT", message="activity start-to-close timeout", timeout_type="START_TO_CLOSE")
        return self.tell(
            event.ActivityTaskTimedOut(scheduled_event_id=event_id, failure=failure, retry_state="TIMEOUT")
        )

    def acknowledge_cancel(self, activity: str | int | None, *details: Any) -> list[Decision]:
        event_id = self._pick(activity)
        del self.activities[event_id]
        return self.tell(
            event.ActivityTaskCanceled(scheduled_event_id=event_id, details=CONVERTER.to_payloads(details))
        )

    def complete_local(
        self, activity_id: str, result: Any = None, error: BaseException | None = None
    ) -> list[Decision]:
        decision = self.local.pop(activity_id)
        return self.tell(
            event.LocalActivityCompleted(
                activity_id=activity_id,
                activity_type=decision.activity_type,
                attempt=1,
                result=None if error else CONVERTER.to_payload(result),
                failure=FAILURES.to_failure(error, CONVERTER) if error else None,
            )
        )

    def begin_child(self, workflow_id: str = "") -> list[Decision]:
        """A child has begun: one of an ID, or the first that has not."""
        event_id = self._child(workflow_id, begun=False)
        self.begun.add(event_id)
        return self.tell(
            event.ChildWorkflowExecutionStarted(initiated_event_id=event_id, child_run_id=f"child-run-{event_id}")
        )

    def refuse_child(self, kind: str, workflow_id: str = "") -> list[Decision]:
        """A child cannot begin, for a reason of this type."""
        event_id = self._child(workflow_id, begun=False)
        del self.children[event_id]
        failure = Failure(kind="APPLICATION", type=kind, message="refused")
        return self.tell(event.StartChildWorkflowExecutionFailed(initiated_event_id=event_id, failure=failure))

    def end_child(self, workflow_id: str = "", result: Any = None) -> list[Decision]:
        """A child that has begun ends well."""
        event_id = self._child(workflow_id, begun=True)
        del self.children[event_id]
        return self.tell(
            event.ChildWorkflowExecutionCompleted(
                initiated_event_id=event_id,
                child_run_id=f"child-run-{event_id}",
                result=CONVERTER.to_payload(result),
            )
        )

    def fail_child(
        self,
        error: BaseException,
        workflow_id: str = "",
        kind: Any = event.ChildWorkflowExecutionFailed,
        retry_state: str = "RETRY_POLICY_NOT_SET",
    ) -> list[Decision]:
        """A child that has begun ends otherwise."""
        event_id = self._child(workflow_id, begun=True)
        del self.children[event_id]
        return self.tell(
            kind(
                initiated_event_id=event_id,
                child_run_id=f"child-run-{event_id}",
                failure=FAILURES.to_failure(error, CONVERTER),
                retry_state=retry_state,
            )
        )

    def deliver(self) -> list[Decision]:
        """What was asked first of another workflow is delivered."""
        event_id, asked = next(iter(self.asked.items()))
        del self.asked[event_id]
        if isinstance(asked, event.SignalExternalWorkflowExecutionInitiated):
            return self.tell(event.ExternalWorkflowExecutionSignaled(initiated_event_id=event_id))
        return self.tell(event.ExternalWorkflowExecutionCancelRequested(initiated_event_id=event_id))

    def bounce(self) -> list[Decision]:
        """What was asked first of another workflow cannot be delivered."""
        event_id, asked = next(iter(self.asked.items()))
        del self.asked[event_id]
        kind: Any = event.RequestCancelExternalWorkflowExecutionFailed
        if isinstance(asked, event.SignalExternalWorkflowExecutionInitiated):
            kind = event.SignalExternalWorkflowExecutionFailed
        failure = Failure(kind="APPLICATION", type="ExternalWorkflowExecutionNotFound", message="it was not found")
        return self.tell(kind(initiated_event_id=event_id, failure=failure))

    def back_off_local(self, activity_id: str, error: BaseException, backoff_ms: int) -> list[Decision]:
        """An attempt of a local activity failed, and the next one is far away."""
        decision = self.local.pop(activity_id)
        return self.tell(
            event.LocalActivityCompleted(
                activity_id=activity_id,
                activity_type=decision.activity_type,
                attempt=decision.attempt,
                failure=FAILURES.to_failure(error, CONVERTER),
                scheduled_ms=decision.scheduled_ms or self.now_ms,
                backoff_ms=backoff_ms,
            )
        )

    def fire(self) -> list[Decision]:
        """The timer that is due first fires; the clock moves there."""
        timer = min(self.timers.values(), key=lambda timer: (timer.fire_ms, timer.timer_id))
        del self.timers[timer.timer_id]
        self.now_ms = max(self.now_ms, timer.fire_ms)
        return self.tell(event.TimerFired(timer_id=timer.timer_id, started_event_id=timer.event_id))

    def run(self, activities: dict[str, Callable[..., Any]] | None = None, limit: int = 1000) -> Driver:
        """Complete what is open, activities first, until nothing is: a world where all goes well."""
        for _ in range(limit):
            if self.end is not None:
                return self
            if self.activities:
                event_id, scheduled = next(iter(self.activities.items()))
                self.complete(event_id, _answer(activities, scheduled))
            elif self.local:
                activity_id, decision = next(iter(self.local.items()))
                self.complete_local(activity_id, _answer(activities, decision))
            elif self.timers:
                self.fire()
            else:
                return self
        raise AssertionError(f"no end after {limit} events")

    # ---- what came of it

    def query(self, name: str, *args: Any) -> Any:
        """The answer; a handler's exception is raised."""
        try:
            return CONVERTER.from_payload(self.decider.query(name, CONVERTER.to_payloads(args)))
        except QueryFailed as failed:
            raise FAILURES.from_failure(failed.failure, CONVERTER) from failed

    @property
    def end(self) -> Any:
        """The event that closed the run; None while it is open."""
        return self.events[-1] if isinstance(self.events[-1], ENDS) else None

    @property
    def result(self) -> Any:
        """What the run returned; its failure is raised."""
        end = self.end
        assert end is not None, f"still open, waits at\n{self.decider.stack()}"
        if isinstance(end, event.WorkflowExecutionFailed):
            raise FAILURES.from_failure(end.failure, CONVERTER)
        assert isinstance(end, event.WorkflowExecutionCompleted), end
        return CONVERTER.from_payload(end.result)

    def kinds(self) -> list[str]:
        """Names of all decisions so far."""
        return [type(decision).__name__ for decision in self.decided]

    def replay(self, events: Sequence[Any] | None = None) -> WorkflowInstance:
        """A decider of the same run, brought to the same place by its history."""
        decider = self.runtime.create("workflow-1", self.started)
        outstanding = replay(decider, self.events if events is None else events)
        assert [type(decision) for decision in outstanding] == [decisions.ScheduleLocalActivity] * len(self.local)
        return decider

    # ---- inside

    def _pick(self, activity: str | int | None) -> int:
        if isinstance(activity, int):
            return activity
        for event_id, scheduled in self.activities.items():
            if activity in (None, scheduled.activity_type):
                return event_id
        raise AssertionError(f"no open activity {activity}")

    def _child(self, workflow_id: str, begun: bool) -> int:
        for event_id, child in self.children.items():
            if workflow_id in ("", child.workflow_id) and (event_id in self.begun) is begun:
                return event_id
        raise AssertionError(f"no child {workflow_id}")

    def _append(self, record: Any) -> None:
        record.run_id = self.started.run_id
        record.event_id = len(self.events) + 1
        record.time_ms = self.now_ms
        self.events.append(record)

    def _record(self, decision: Any) -> None:
        if isinstance(decision, decisions.ScheduleLocalActivity):
            self.local[decision.activity_id] = decision
            return
        if isinstance(decision, decisions.CancelLocalActivity):
            if not decision.wait:
                del self.local[decision.activity_id]
            return
        record = _EVENTS[type(decision)](self, decision)
        self._append(record)
        if isinstance(record, event.ActivityTaskScheduled):
            self.activities[record.event_id] = record
        elif isinstance(record, event.TimerStarted):
            self.timers[record.timer_id] = record
        elif isinstance(record, event.StartChildWorkflowExecutionInitiated):
            self.children[record.event_id] = record
        elif hasattr(record, "target_run_id"):
            self.asked[record.event_id] = record
        self.decider.recorded(record)

    def _scheduled(self, decision: decisions.ScheduleActivity) -> Any:
        return event.ActivityTaskScheduled(
            activity_id=decision.activity_id,
            activity_type=decision.activity_type,
            task_queue=decision.task_queue,
            args=decision.args,
            retry_policy=decision.retry_policy,
        )

    def _cancel_requested(self, decision: decisions.RequestCancelActivity) -> Any:
        for event_id, scheduled in self.activities.items():
            if scheduled.activity_id == decision.activity_id:
                return event.ActivityTaskCancelRequested(scheduled_event_id=event_id)
        raise AssertionError(f"activity {decision.activity_id} is not open")

    def _timer_started(self, decision: decisions.StartTimer) -> Any:
        assert decision.fire_ms > self.now_ms
        return event.TimerStarted(timer_id=decision.timer_id, fire_ms=decision.fire_ms)

    def _timer_canceled(self, decision: decisions.CancelTimer) -> Any:
        timer = self.timers.pop(decision.timer_id)
        return event.TimerCanceled(timer_id=timer.timer_id, started_event_id=timer.event_id)

    def _child_initiated(self, decision: decisions.StartChildWorkflow) -> Any:
        return event.StartChildWorkflowExecutionInitiated(
            namespace=decision.namespace,
            workflow_id=decision.workflow_id,
            workflow_type=decision.workflow_type,
            task_queue=decision.task_queue,
            args=decision.args,
        )

    def _signal_initiated(self, decision: decisions.SignalExternalWorkflow) -> Any:
        return event.SignalExternalWorkflowExecutionInitiated(
            workflow_id=decision.workflow_id, target_run_id=decision.run_id, signal_name=decision.signal_name
        )

    def _cancel_initiated(self, decision: decisions.RequestCancelExternalWorkflow) -> Any:
        return event.RequestCancelExternalWorkflowExecutionInitiated(
            workflow_id=decision.workflow_id, target_run_id=decision.run_id, reason=decision.reason
        )

    def _patched(self, decision: decisions.RecordPatch) -> Any:
        return event.PatchRecorded(patch_id=decision.patch_id, deprecated=decision.deprecated)

    def _search_attributes(self, decision: decisions.UpsertSearchAttributes) -> Any:
        return event.UpsertWorkflowSearchAttributes(search_attributes=decision.search_attributes)

    def _properties(self, decision: decisions.ModifyProperties) -> Any:
        return event.WorkflowPropertiesModified(memo=decision.memo)

    def _update_completed(self, decision: decisions.CompleteUpdate) -> Any:
        assert self.updates[decision.update_id] is None
        self.updates[decision.update_id] = decision
        return event.WorkflowExecutionUpdateCompleted(
            update_id=decision.update_id,
            accepted_event_id=self._accepted[decision.update_id],
            result=decision.result,
            failure=decision.failure,
        )

    def _completed(self, decision: decisions.CompleteWorkflow) -> Any:
        return event.WorkflowExecutionCompleted(result=decision.result)

    def _failed(self, decision: decisions.FailWorkflow) -> Any:
        return event.WorkflowExecutionFailed(failure=decision.failure)

    def _canceled(self, decision: decisions.CancelWorkflow) -> Any:
        return event.WorkflowExecutionCanceled(details=decision.details)


def _answer(activities: dict[str, Callable[..., Any]] | None, wanted: Any) -> Any:
    function = (activities or {}).get(wanted.activity_type)
    return None if function is None else function(*CONVERTER.from_payloads(wanted.args))


_EVENTS: dict[type, Callable[[Driver, Any], Any]] = {
    decisions.ScheduleActivity: Driver._scheduled,
    decisions.RequestCancelActivity: Driver._cancel_requested,
    decisions.StartTimer: Driver._timer_started,
    decisions.CancelTimer: Driver._timer_canceled,
    decisions.StartChildWorkflow: Driver._child_initiated,
    decisions.SignalExternalWorkflow: Driver._signal_initiated,
    decisions.RequestCancelExternalWorkflow: Driver._cancel_initiated,
    decisions.RecordPatch: Driver._patched,
    decisions.UpsertSearchAttributes: Driver._search_attributes,
    decisions.ModifyProperties: Driver._properties,
    decisions.CompleteUpdate: Driver._update_completed,
    decisions.CompleteWorkflow: Driver._completed,
    decisions.FailWorkflow: Driver._failed,
    decisions.CancelWorkflow: Driver._canceled,
}
