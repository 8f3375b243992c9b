"""Updates in the engine: who is answered what and when, repeated IDs, stalled and closed runs, update-with-start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from foldlog.core import decisions
from foldlog.core.decider import WorkflowTaskError
from foldlog.core.decisions import Decision
from foldlog.core.engine import Engine
from foldlog.core.outcome import Outcome
from foldlog.core.update_answers import UpdateAnswers
from foldlog.core.updates import MAXIMUM_IN_FLIGHT
from foldlog.core.waiters import LONG_POLL_MS
from foldlog.schemas import command, event, reply
from foldlog.schemas.common import Continuation, Failure, Payload, ReplyTo
from foldlog.schemas.records import Event

from .harness import World, payload


class UpdateDecider:
    """Code whose updates end at once (`now`), at the next signal (`later`) or never; `refused` ones are."""

    def __init__(self, world: UpdateFactory, held: bool) -> None:
        self.replaying = False
        self._held: list[Event] | None = [] if held else None
        self.history_size = 0
        self._world = world
        self._later: list[str] = []

    def activate(self, happened: Event) -> list[Decision]:
        self._check()
        if isinstance(happened, event.WorkflowTaskScheduled):
            held, self._held = self._held, None
            return [decision for before in held or () for decision in self.activate(before)]
        if self._held is not None:
            self._held.append(happened)
            return []
        return self._decide(happened)

    def _decide(self, happened: Event) -> list[Decision]:
        made: list[Decision] = []
        if isinstance(happened, event.WorkflowExecutionUpdateAccepted):
            if happened.update_name in ("now", "__foldlog_now"):
                made.append(decisions.CompleteUpdate(update_id=happened.update_id, result=payload("1")))
            elif happened.update_name == "later":
                self._later.append(happened.update_id)
        elif isinstance(happened, event.WorkflowExecutionSignaled):
            if happened.signal_name == "end":
                return [decisions.CompleteWorkflow(result=payload("2"))]
            for update_id in self._later:
                made.append(decisions.CompleteUpdate(update_id=update_id, failure=Failure(message="later")))
            self._later.clear()
        return made

    def takes_update(self, update_name: str) -> bool:
        return True

    def validate(self, update: event.WorkflowExecutionUpdateAccepted) -> Failure | None:
        self._check()
        if update.update_name == "odd" and self._world.odd:
            raise WorkflowTaskError("a validator that breaks the rules")
        return Failure(message="refused") if update.update_name == "refused" else None

    def _check(self) -> None:
        if self._world.broken:
            raise WorkflowTaskError("broken")

    def recorded(self, recorded: Event) -> None:
        pass

    def query(self, query_type: str, args: Sequence[Payload], header: object = None) -> Payload:
        return payload("3")

    def stack(self) -> str:
        return ""

    def close(self) -> None:
        pass


class UpdateFactory:
    """Makes them; while `broken`, none can go on, and while `odd`, validators of `odd` updates break the rules."""

    def __init__(self) -> None:
        self.broken = False
        self.odd = False

    def create(self, workflow_id: str, started: event.WorkflowExecutionStarted) -> UpdateDecider:
        return UpdateDecider(self, started.held)


class Talk:
    """A world and the answers that come of what is said to it, by number."""

    def __init__(self) -> None:
        self.code = UpdateFactory()
        self.world = World(self.code)  # type: ignore[arg-type]  # any factory will do
        self.number = 0

    def say(self, wanted: Any, *, abort: bool = False) -> int:
        self.number += 1
        wanted.reply_to = ReplyTo(client_id="c", partition=0, correlation_id=self.number)
        self.world.do(lambda engine, outcome: engine.handle("a", wanted, outcome), abort=abort)
        return self.number

    def start(self, **fields: Any) -> int:
        return self.say(command.StartWorkflow(workflow_type="w", task_queue="q", **fields))

    def update(self, name: str, update_id: str = "u", **fields: Any) -> int:
        fields.setdefault("await_completed", True)
        return self.say(command.UpdateWorkflow(update_id=update_id, update_name=name, **fields))

    def wait(self, update_id: str = "u", **fields: Any) -> int:
        fields.setdefault("await_completed", True)
        return self.say(command.AwaitUpdate(update_id=update_id, **fields))

    def signal(self, name: str = "s") -> int:
        return self.say(command.SignalWorkflow(signal_name=name))

    def terminate(self) -> None:
        self.say(command.TerminateWorkflow())

    def evict(self) -> None:
        self.world.sessions.live.clear()

    def later(self, milliseconds: int) -> None:
        self.world.now_ms += milliseconds
        self.world.fire_due()

    def answers(self, number: int) -> list[Any]:
        return [
            answer
            for outcome in self.world.outcomes
            for to, answer in outcome.replies
            if to.correlation_id == number == getattr(answer, "correlation_id", 0)
        ]

    def answer(self, number: int) -> Any:
        answers = self.answers(number)
        assert len(answers) == 1, answers
        return answers[0]

    def kinds(self) -> list[str]:
        return [type(entry.record).__name__ for entry in self.world.sessions.log]


@pytest.fixture
def talk() -> Talk:
    talk = Talk()
    talk.start()
    return talk


def test_an_update_that_ends_at_once_has_one_answer(talk: Talk) -> None:
    for await_completed in (True, False):
        answer = talk.answer(talk.update("now", f"u-{await_completed}", await_completed=await_completed))
        assert (answer.stage, answer.result, answer.run_id) == ("COMPLETED", payload("1"), "run-1")


def test_an_update_that_takes_longer_is_answered_when_it_is_wanted(talk: Talk) -> None:
    accepted = talk.update("later", await_completed=False)
    again = talk.update("later", await_completed=False)
    waiting = [talk.update("later"), talk.wait()]
    assert talk.answer(accepted).stage == talk.answer(again).stage == "ACCEPTED"
    assert [talk.answers(number) for number in waiting] == [[], []]
    talk.evict()
    talk.signal()
    assert [talk.answer(number).failure.message for number in waiting] == ["later", "later"]
    assert talk.answer(talk.wait()).failure.message == "later"
    assert talk.kinds().count("WorkflowExecutionUpdateAccepted") == 1


def test_a_refused_update_leaves_no_record(talk: Talk) -> None:
    before = len(talk.world.sessions.log)
    number = talk.update("refused", request_id="r")
    assert (talk.answer(number).stage, talk.answer(number).failure.message) == ("COMPLETED", "refused")
    assert len(talk.world.sessions.log) == before
    assert talk.answer(talk.wait()).code == "NOT_FOUND"
    assert talk.answer(talk.update("now")).result == payload("1")


def test_a_repeated_id_gets_the_answer_of_the_first(talk: Talk) -> None:
    talk.update("now", "u")
    events = len(talk.world.sessions.log)
    talk.evict()
    assert talk.answer(talk.update("refused", "u")).result == payload("1")
    talk.signal("end")
    assert talk.answer(talk.update("now", "u")).result == payload("1")
    assert talk.answer(talk.wait("u", await_completed=False)).result == payload("1")
    assert len(talk.world.sessions.log) == events + 2


def test_a_repeated_request_is_about_the_run_that_it_was_for(talk: Talk) -> None:
    talk.update("later", "u", request_id="r", await_completed=False)
    talk.signal()
    talk.terminate()
    talk.start()
    answer = talk.answer(talk.update("later", "u", request_id="r"))
    assert (answer.run_id, answer.failure.message) == ("run-1", "later")
    assert talk.kinds().count("WorkflowExecutionUpdateAccepted") == 1
    # The same ID without that request is a new update of the new run.
    assert talk.answer(talk.update("now", "u")).run_id == "run-2"


@pytest.mark.parametrize("end", ["terminate", "signal"])
def test_an_update_that_has_not_ended_when_its_run_closes_fails(talk: Talk, end: str) -> None:
    number = talk.update("never")
    if end == "terminate":
        talk.terminate()
    else:
        talk.signal("end")
    for answer in (talk.answer(number), talk.answer(talk.wait()), talk.answer(talk.update("never"))):
        assert answer.stage == "COMPLETED"
        assert answer.failure.type == "AcceptedUpdateCompletedWorkflow"
        assert "Workflow completed before the Update completed" in answer.failure.message


def test_a_closed_run_takes_no_updates(talk: Talk) -> None:
    talk.terminate()
    assert talk.answer(talk.update("now")).code == "ALREADY_CLOSED"
    assert talk.answer(talk.wait()).code == "NOT_FOUND"


def test_an_unknown_run_takes_no_updates(talk: Talk) -> None:
    assert talk.answer(talk.update("now", run_id="run-9")).code == "NOT_FOUND"
    assert talk.answer(talk.wait(run_id="run-9")).code == "NOT_FOUND"
    assert talk.answer(talk.update("now", first_execution_run_id="run-9")).code == "NOT_FOUND"


def test_updates_of_a_stalled_run_wait_for_it(talk: Talk) -> None:
    talk.code.broken = True
    talk.signal()
    numbers = [
        talk.update("now", "u1"),
        talk.update("never", "u2", await_completed=False),
        talk.update("refused", "u3"),
    ]
    repeated = [talk.update("now", "u1"), talk.wait("u1")]
    assert [talk.answers(number) for number in (*numbers, *repeated)] == [[]] * 5
    assert talk.answer(talk.wait("u9")).code == "NOT_FOUND"
    assert talk.kinds().count("CommandDeferred") == 3
    talk.later(1_500)
    assert [talk.answers(number) for number in (*numbers, *repeated)] == [[]] * 5
    talk.code.broken = False
    talk.later(60_000)
    assert [talk.answer(number).stage for number in numbers] == ["COMPLETED", "ACCEPTED", "COMPLETED"]
    assert [talk.answer(number).result for number in repeated] == [payload("1")] * 2
    assert talk.kinds().count("WorkflowExecutionUpdateAccepted") == 2


def test_a_stalled_run_that_is_terminated_answers_those_who_wait(talk: Talk) -> None:
    talk.code.broken = True
    talk.signal()
    number = talk.update("now")
    talk.terminate()
    assert talk.answer(number).code == "ALREADY_CLOSED"


def test_a_validator_that_breaks_the_rules_stalls_until_it_is_mended(talk: Talk) -> None:
    talk.code.odd = True
    number = talk.update("odd")
    after = talk.update("now", "u2")
    attempts = []
    for _ in range(3):
        talk.later(60_000)
        session = talk.world.sessions.current("a")
        assert session is not None
        assert session.run.stalled is not None
        attempts.append(session.run.stalled.attempts)
    assert attempts == [2, 3, 4]
    assert talk.answers(number) == []
    talk.code.odd = False
    talk.later(60_000)
    talk.terminate()
    assert talk.answer(number).failure.type == "AcceptedUpdateCompletedWorkflow"
    assert talk.answer(after).result == payload("1")


def test_an_update_that_stalls_the_run_again_in_the_same_transaction_is_kept(talk: Talk) -> None:
    talk.code.broken = True
    talk.signal()
    session = talk.world.sessions.current("a")
    assert session is not None

    def both(engine: Engine, outcome: Outcome) -> None:
        to = ReplyTo(client_id="c", partition=0, correlation_id=99)
        engine.handle("a", command.UpdateWorkflow(update_id="u", update_name="odd", reply_to=to), outcome)
        engine.resume(session, outcome)

    talk.code.broken, talk.code.odd = False, True
    talk.world.do(both)
    assert session.run.stalled is not None
    talk.code.odd = False
    talk.later(60_000)
    assert talk.answer(99).stage == "ACCEPTED"


def test_an_update_comes_with_a_start(talk: Talk) -> None:
    talk.terminate()
    update = command.UpdateInput(update_id="u", update_name="now", await_completed=False)
    answer = talk.answer(talk.start(update=update, request_id="r"))
    assert (answer.run_id, answer.stage, answer.result) == ("run-2", "COMPLETED", payload("1"))
    assert talk.kinds()[2:] == [
        "WorkflowExecutionStarted",
        "WorkflowExecutionUpdateAccepted",
        "WorkflowTaskScheduled",
        "WorkflowExecutionUpdateCompleted",
    ]
    talk.evict()
    for again in (talk.start(update=update, request_id="r"), talk.start(update=update)):
        assert isinstance(talk.answer(again), reply.UpdateReply)
        assert talk.answer(again).result == payload("1")
    assert talk.world.runs == 2


@pytest.mark.parametrize("policy", ["ALLOW_DUPLICATE", "REJECT_DUPLICATE"])
def test_a_start_does_not_take_an_update_that_came_to_nothing_for_its_own(talk: Talk, policy: Any) -> None:
    talk.update("never")
    talk.signal("end")
    update = command.UpdateInput(update_id="u", update_name="now", await_completed=True)
    answer = talk.answer(talk.start(update=update, id_reuse_policy=policy))
    if policy == "REJECT_DUPLICATE":
        assert answer.code == "ALREADY_STARTED"
    else:
        assert (answer.run_id, answer.stage, answer.result) == ("run-2", "COMPLETED", payload("1"))


def test_it_goes_to_the_run_that_is_there(talk: Talk) -> None:
    update = command.UpdateInput(update_id="u", update_name="later", await_completed=True)
    waiting = talk.start(update=update, id_conflict_policy="USE_EXISTING", request_id="r1")
    refused = talk.start(
        update=command.UpdateInput(update_id="u2", update_name="refused"), id_conflict_policy="USE_EXISTING"
    )
    assert talk.answer(refused).failure.message == "refused"
    assert talk.answers(waiting) == []
    talk.signal()
    assert talk.answer(waiting).failure.message == "later"
    assert talk.world.runs == 1


def test_a_refused_start_takes_no_update(talk: Talk) -> None:
    number = talk.start(update=command.UpdateInput(update_id="u", update_name="now"), id_conflict_policy="FAIL")
    assert talk.answer(number).code == "ALREADY_STARTED"
    both = talk.start(
        update=command.UpdateInput(update_id="u", update_name="now"),
        signal=command.SignalInput(signal_name="s"),
        id_conflict_policy="USE_EXISTING",
    )
    assert talk.answer(both).code == "INVALID_ARGUMENT"
    assert talk.kinds() == ["WorkflowExecutionStarted"]


def test_a_refused_update_does_not_undo_the_start() -> None:
    talk = Talk()
    number = talk.start(update=command.UpdateInput(update_id="u", update_name="refused"))
    assert (talk.answer(number).run_id, talk.answer(number).failure.message) == ("run-1", "refused")
    assert talk.kinds() == ["WorkflowExecutionStarted", "WorkflowTaskScheduled"]


def test_a_start_whose_code_is_broken_keeps_its_update() -> None:
    talk = Talk()
    talk.code.broken = True
    number = talk.start(update=command.UpdateInput(update_id="u", update_name="now"))
    assert talk.answers(number) == []
    talk.code.broken = False
    talk.later(60_000)
    assert talk.answer(number).result == payload("1")


def held(talk: Talk, backoff: bool) -> None:
    """A run whose code begins in a minute."""

    def begin(engine: Engine, outcome: Outcome) -> None:
        started = event.WorkflowExecutionStarted(
            workflow_type="w",
            task_queue="q",
            held=True,
            first_task_ms=outcome.now_ms + 60_000,
            continuation=Continuation(run_id="run-0") if backoff else None,
        )
        talk.world.sessions.add(outcome.begin("a", "run-1", started))

    talk.world.do(begin)


def test_an_update_ends_a_start_delay() -> None:
    talk = Talk()
    held(talk, backoff=False)
    talk.signal()
    assert talk.answer(talk.update("now")).result == payload("1")
    accepted, completed = "WorkflowExecutionUpdateAccepted", "WorkflowExecutionUpdateCompleted"
    assert talk.kinds()[2:] == [accepted, "WorkflowTaskScheduled", completed]


def test_a_refused_update_does_not_end_a_start_delay() -> None:
    talk = Talk()
    held(talk, backoff=False)
    assert talk.answer(talk.update("refused")).failure.message == "refused"
    assert talk.kinds() == ["WorkflowExecutionStarted"]
    talk.later(60_000)
    assert talk.kinds() == ["WorkflowExecutionStarted", "WorkflowTaskScheduled"]


@pytest.mark.parametrize("evicted", [False, True])
def test_an_update_waits_for_the_backoff_before_a_run(evicted: bool) -> None:
    talk = Talk()
    held(talk, backoff=True)
    talk.signal()
    numbers = [
        talk.update("now", "u1"),
        talk.update("refused", "u2"),
        talk.update("never", "u3", await_completed=False),
    ]
    assert talk.kinds() == ["WorkflowExecutionStarted", "WorkflowExecutionSignaled"] + 3 * ["CommandDeferred"]
    if evicted:
        talk.evict()
    again = talk.update("now", "u1")  # asked again, as clients do, it is kept once
    asked = talk.say(command.AwaitUpdate(update_id="u2", await_completed=True))
    assert [talk.answers(number) for number in (*numbers, again, asked)] == [[]] * 5
    assert talk.answer(talk.say(command.DescribeWorkflow())).deferred_commands == 3
    talk.later(60_000)
    assert talk.kinds()[5] == "WorkflowTaskScheduled"
    assert talk.kinds().count("WorkflowExecutionUpdateAccepted") == 2
    assert talk.answer(again).result == payload("1")
    assert talk.answer(asked).failure.message == "refused"
    assert talk.answer(numbers[2]).stage == "ACCEPTED"
    assert talk.answer(talk.say(command.DescribeWorkflow())).deferred_commands == 0
    assert talk.answer(talk.update("now", "u1")).result == payload("1")


def test_an_update_that_waits_for_a_backoff_is_told_of_the_end() -> None:
    talk = Talk()
    held(talk, backoff=True)
    number = talk.update("now")
    talk.terminate()
    assert talk.answer(number).code == "ALREADY_CLOSED"


def test_an_update_that_waits_for_a_backoff_survives_a_stall_at_its_end() -> None:
    talk = Talk()
    held(talk, backoff=True)
    number = talk.update("now")
    talk.code.broken = True
    talk.later(60_000)
    assert talk.answers(number) == []
    talk.code.broken = False
    talk.later(60_000)
    assert talk.answer(number).result == payload("1")


def test_so_many_updates_at_a_time(talk: Talk) -> None:
    for number in range(MAXIMUM_IN_FLIGHT):
        talk.update("later", f"u{number}")
    refused = talk.answer(talk.update("now", "one-too-many", request_id="r"))
    assert (refused.code, "10 updates of workflow 'a'" in refused.message) == ("RESOURCE_EXHAUSTED", True)
    assert talk.answers(talk.update("later", "u3")) == []  # one of the ten
    talk.signal()
    assert talk.answer(talk.update("now", "one-too-many", request_id="r")).result == payload("1")


@pytest.mark.parametrize("stalled", [False, True])
def test_so_many_updates_may_wait(stalled: bool) -> None:
    talk = Talk()
    if stalled:
        talk.start()
        talk.code.broken = True
        talk.evict()
    else:
        held(talk, backoff=True)
    waiting = [talk.update("now", f"u{number}") for number in range(MAXIMUM_IN_FLIGHT)]
    assert talk.answer(talk.update("now", "one-too-many")).code == "RESOURCE_EXHAUSTED"
    assert talk.answers(talk.update("now", "u3")) == []
    talk.code.broken = False
    talk.later(60_000)
    assert [talk.answer(number).result for number in waiting if number != waiting[3]] == [payload("1")] * 9
    assert talk.answer(talk.update("now", "one-too-many")).result == payload("1")


def test_so_many_updates_in_all(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foldlog.core.updates.MAXIMUM_UPDATES", 3)
    for number in range(3):
        assert talk.answer(talk.update("now", f"u{number}")).result == payload("1")
    refused = talk.answer(talk.update("now", "u3"))
    assert (refused.code, "has taken 3 updates" in refused.message) == ("FAILED_PRECONDITION", True)
    assert talk.answer(talk.update("now", "u1")).result == payload("1")


def test_updates_of_reserved_names_count_in_no_limit(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foldlog.core.updates.MAXIMUM_UPDATES", MAXIMUM_IN_FLIGHT + 1)
    for number in range(MAXIMUM_IN_FLIGHT + 2):
        assert talk.answers(talk.update("__foldlog_never", f"open{number}")) == []
        assert talk.answer(talk.update("__foldlog_now", f"ended{number}")).result == payload("1")
    assert talk.answer(talk.update("now", "u")).result == payload("1")
    for number in range(MAXIMUM_IN_FLIGHT):
        assert talk.answers(talk.update("later", f"u{number}")) == []
    assert talk.answer(talk.update("now", "one-too-many")).code == "RESOURCE_EXHAUSTED"
    assert talk.answer(talk.update("__foldlog_now", "not-one")).result == payload("1")
    talk.signal()
    assert talk.answer(talk.update("now", "one-too-many")).code == "FAILED_PRECONDITION"
    assert talk.answer(talk.update("__foldlog_now", "nor-this")).result == payload("1")


def test_kept_updates_of_reserved_names_count_in_no_limit() -> None:
    talk = Talk()
    held(talk, backoff=True)
    polls = [talk.update("__foldlog_now", f"poll{number}") for number in range(MAXIMUM_IN_FLIGHT + 1)]
    waiting = [talk.update("now", f"u{number}") for number in range(MAXIMUM_IN_FLIGHT)]
    assert talk.answer(talk.update("now", "one-too-many")).code == "RESOURCE_EXHAUSTED"
    talk.later(60_000)
    assert all(talk.answer(number).result == payload("1") for number in (*polls, *waiting))


def test_what_an_aborted_transaction_has_answered_is_answered_again(talk: Talk) -> None:
    number = talk.update("later")
    talk.say(command.SignalWorkflow(signal_name="s"), abort=True)
    assert talk.answers(number) == []
    talk.signal()
    assert talk.answer(number).failure.message == "later"
    talk.signal()
    assert len(talk.answers(number)) == 1


def test_whoever_does_not_ask_again_is_forgotten(talk: Talk) -> None:
    number = talk.update("later")
    talk.world.now_ms += LONG_POLL_MS + 1
    talk.update("later", "u2")
    talk.signal()
    assert talk.answers(number) == []
    waiting: UpdateAnswers = talk.world.engine._answers.updates
    assert waiting._waiting == {}


def test_pending_updates_are_described(talk: Talk) -> None:
    talk.update("later", "u1", await_completed=False)
    talk.update("now", "u2")
    assert talk.answer(talk.say(command.DescribeWorkflow())).pending_updates == ["u1"]
    talk.terminate()
    assert talk.answer(talk.say(command.DescribeWorkflow())).pending_updates == []


def test_an_update_that_is_too_large_is_refused(talk: Talk) -> None:
    number = talk.update("now", args=[Payload(encoding="json/plain", data=b"1" * 1_000_001)])
    assert talk.answer(number).failure.type == "UpdateTooLarge"
    assert talk.kinds() == ["WorkflowExecutionStarted"]
