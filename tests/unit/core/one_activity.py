"""A world whose workflows each run one activity and end as it ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from foldlog.core import decisions
from foldlog.core.decisions import Decision
from foldlog.core.outcome import Outcome
from foldlog.core.state import Activity, Run
from foldlog.schemas import command, event
from foldlog.schemas.common import Failure, Payload, ReplyTo, RetryPolicy
from foldlog.schemas.records import Event

from .harness import World, payload

ASKER = ReplyTo(client_id="asker", partition=0, correlation_id=7)
WORKER = ReplyTo(client_id="worker", partition=0, correlation_id=0)


class OneActivity:
    """The decider of such a workflow. A signal asks for the activity's cancellation."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.replaying = False
        self.history_size = 0
        self._options = options

    def activate(self, happened: Event) -> list[Decision]:
        match happened:
            case event.WorkflowExecutionStarted():
                return [decisions.ScheduleActivity(activity_id="act", activity_type="work", **self._options)]
            case event.WorkflowExecutionSignaled():
                return [decisions.RequestCancelActivity(activity_id="act")]
            case event.ActivityTaskCompleted():
                return [decisions.CompleteWorkflow(result=happened.result)]
            case event.ActivityTaskCanceled():
                return [decisions.CancelWorkflow(details=happened.details)]
            case event.ActivityTaskFailed() | event.ActivityTaskTimedOut():
                return [decisions.FailWorkflow(failure=happened.failure)]
        return []

    def recorded(self, recorded: Any) -> None: ...

    def query(self, query_type: str, args: Sequence[Payload]) -> Payload:
        raise AssertionError("nobody asks")

    def stack(self) -> str:
        return ""

    def close(self) -> None: ...


class OneActivityFactory:
    """Makes their deciders."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.broken = False
        self._options = options

    def create(self, workflow_id: str, started: event.WorkflowExecutionStarted) -> OneActivity:
        return OneActivity(self._options)


class ActivityWorld(World):
    """One workflow with one activity, and what can be said about it."""

    def __init__(self, **options: Any) -> None:
        given: dict[str, Any] = {
            "task_queue": "q",
            "start_to_close_timeout_ms": 10_000,
            "retry_policy": RetryPolicy(maximum_attempts=3),
        }
        super().__init__(factory=OneActivityFactory(given | options))  # type: ignore[arg-type]  # as good a factory
        self.handle("wf", command.StartWorkflow(workflow_type="One", task_queue="q"))

    @property
    def run(self) -> Run:
        session = self.sessions.current("wf")
        assert session is not None
        return session.run

    @property
    def activity(self) -> Activity:
        return next(iter(self.run.activities.values()))

    def say(self, kind: type, **fields: Any) -> Outcome:
        """A worker's report about the current attempt, or whatever `fields` say."""
        about: dict[str, Any] = {"run_id": self.run.run_id, "scheduled_event_id": 2, "attempt": 1}
        if self.run.activities and "attempt" not in fields:
            about["attempt"] = self.activity.attempt
        return self.handle("wf", kind(**about | fields))

    def by_id(self, kind: type, **fields: Any) -> Any:
        """The answer to a report by somebody outside, who knows the activity's ID."""
        about = {"run_id": "", "scheduled_event_id": 0, "attempt": 0, "activity_id": "act", "reply_to": ASKER}
        return self.answer(self.handle("wf", kind(**about | fields)))

    def operate(self, kind: type, **fields: Any) -> Any:
        """The answer to an operation."""
        return self.answer(self.handle("wf", kind(**{"activity_id": "act", "reply_to": ASKER} | fields)))

    def answer(self, outcome: Outcome) -> Any:
        answers = [answer for reply_to, answer in outcome.replies if reply_to.correlation_id]
        assert len(answers) == 1
        return answers[0]

    def started(self) -> None:
        self.say(command.ActivityStarted, reply_to=WORKER, running_ms=0)

    def failed(self, **fields: Any) -> Outcome:
        return self.say(command.FailActivity, failure=Failure(**{"kind": "APPLICATION", "message": "no"} | fields))

    def forget(self) -> None:
        """As after a restart: all there is, is the log."""
        self.sessions.live.clear()

    def tasks(self) -> list[int]:
        """The attempts that were sent to the topic so far, as their code counts them."""
        sent = [entry.task for outcome in self.outcomes for entry in outcome.tasks]
        return [task.attempt - task.attempts_before_reset for task in sent]

    def advance(self, ms: int) -> None:
        """Let time go by."""
        self.run  # noqa: B018  # whoever was forgotten is loaded, as what comes due loads it
        self.now_ms += ms
        self.fire_due()


def completed(text: str = '"done"') -> dict[str, Any]:
    return {"result": payload(text)}
