"""Drives the code of runs: tells it what happened, records what it decides, stalls a run whose code cannot go on.

Owns when a run's code is made, told, replayed and dropped, and what becomes of commands while it cannot run. What an
event means to a run is the state machine's; whom to answer is `answers`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

from foldlog.core import activities, decisions, machine
from foldlog.core.answers import Answers
from foldlog.core.chains import Chains
from foldlog.core.closing import follow_close
from foldlog.core.decider import Decider, NondeterminismError, WorkflowTaskError
from foldlog.core.decisions import ClosingDecision, Decision
from foldlog.core.early import EarlySignals, Waiting
from foldlog.core.kept_reports import KeptReports, accept, refused
from foldlog.core.outcome import MAXIMUM_DEFERRED_BYTES, Outcome
from foldlog.core.replay import replay
from foldlog.core.session import Session, Sessions
from foldlog.core.stalls import stalled
from foldlog.core.start_options import waits_for_code, waits_for_start_delay
from foldlog.core.state import Run
from foldlog.core.versioning import Versions
from foldlog.core.views import following_run_id
from foldlog.schemas import command, event, log
from foldlog.schemas.event import WorkflowExecutionSignaled
from foldlog.schemas.records import Command, Event

FORESEEN_EVENTS = 256
"""Events of a replay whose payloads are decoded at once, where that takes its time."""
_FOR_ANY_RUN = (command.SignalWorkflow, command.CancelWorkflow)
"""What is for the run that follows, if its own has closed before it could be handled."""

_UNFIT = (TypeError, ValueError, AttributeError)
"""What values of wrong types come to."""


class Driver:
    """Runs the code of one partition's workflows. One thread at a time."""

    def __init__(
        self,
        versions: Versions,
        sessions: Sessions,
        answers: Answers,
        chains: Chains,
        *,
        decode: Callable[[bytes], Any],
        handle: Callable[[str, Any, Outcome], None],
        reserve: Callable[[str, str, str], bool],
        require_queue: Callable[[str], None],
        cannot_run_local: Callable[[str, str], str],
        build_id: str,
    ) -> None:
        """Make a driver.

        Args:
            versions: Makes the code of runs.
            sessions: See `Engine`, as for all that is not said here.
            answers: Tells askers what became of a run.
            chains: Knows which run follows another.
            decode: See there.
            handle: Handles a command that was deferred while its run was stalled.
            reserve: See there.
            require_queue: See there.
            cannot_run_local: See there.
            build_id: See there.
        """
        self._seal: Callable[[list[Decision], Decider], list[Decision]] | None = getattr(versions.factory, "seal", None)
        self._foresee: Callable[[Iterable[Any]], None] | None = getattr(versions.factory, "foresee", None)
        self._versions = versions
        self._sessions = sessions
        self._answers = answers
        self._chains = chains
        self._early = EarlySignals(sessions, answers, decode)
        self._decode = decode
        self._handle = handle
        self._reserve = reserve
        self._require_queue = require_queue
        self._cannot_run_local = cannot_run_local
        self._build_id = build_id
        self._retried: log.WorkflowStalled | None = None
        """Why the run had stalled whose code is tried again just now."""
        self._waiting: Waiting | None = None
        """What waits behind the deferred command that is being handled; None: none is, or its code has been told."""

    # ---- the code

    def tell(self, session: Session, happened: Event | None, outcome: Outcome) -> None:
        """Run the code on what happened, and record what it decides."""
        run = session.run
        if happened is None or not run.is_open or (not run.first_task and session.decider is None):
            # What happens to a held run is told when its code begins.
            self.settle(run, outcome)
            return
        try:
            if session.version or run.started.options is not None:
                self.refresh(session)
            if session.decider is None:
                made = self._make(session, outcome, True)
            else:
                session.decider.history_size = run.history_size
                made = session.decider.activate(happened)
                if session.version:
                    self._bind(session, session.decider, outcome)
            if self._waiting is not None:
                made = self._hear_out(session, made, outcome)
            self._decide(session, made, outcome)
        except WorkflowTaskError as error:
            self._fail_or_stall(session, error, outcome)
        else:
            self.settle(run, outcome)

    def begin(self, session: Session, outcome: Outcome) -> None:
        """Let the code of a held run begin; it is told what came before. Not if what came before has ended the run."""
        if not session.run.is_open:
            return
        begun = machine.begin_code(session.run, outcome)
        if session.run.stalled is None:
            self.tell(session, begun, outcome)
            self.handle_kept(session.run, outcome)

    def handle_kept(self, run: Run, outcome: Outcome) -> None:
        """The code of a held run has begun: updates that came before are handled, which are not in its history."""
        if run.deferred_ordinal > run.handled_ordinal:
            self._handle_waiting(Waiting(run, self._waiting_commands(run, outcome)), outcome)

    def wake(self, session: Session, wanted: Any, outcome: Outcome) -> None:
        """Something has come for a run: a request to cancel ends whatever holds it, a signal nothing."""
        if type(wanted) is command.CancelWorkflow and _is_held(session.run):
            self.begin(session, outcome)

    def tell_with_start(self, session: Session, happened: Event, outcome: Outcome) -> None:
        """Tell a run of a signal that came with a start. It ends a start delay, as Temporal's server has it."""
        self.tell(session, happened, outcome)
        if _is_held(session.run) and waits_for_start_delay(session.run.started):
            self.begin(session, outcome)

    def refresh(self, session: Session) -> None:
        """Drop the code of a run that has moved to another version since. It is rebuilt when it is needed.

        While a local activity of it runs here, it stays: only this code waits for that.
        """
        if session.decider is None or session.local or self._versions.of(session.run) == session.version:
            return
        _drop(session)

    def _decide(self, session: Session, made: list[Decision], outcome: Outcome) -> None:
        try:
            self._carry_out(session, made, outcome)
        except _UNFIT as error:
            # An ID that is no text, say. What the code was told of is not to blame for it, and must not be lost.
            raise WorkflowTaskError(
                f"what the code decided cannot be recorded: {type(error).__name__}: {error}"
            ) from error

    def _carry_out(self, session: Session, made: list[Decision], outcome: Outcome) -> None:
        decider = session.decider
        if not made or decider is None:
            return
        if self._seal is not None:
            made = self._seal(made, decider)
        for decision in made:
            if type(decision) is decisions.ScheduleActivity:
                self._require_queue(decision.task_queue or session.run.started.task_queue)
            elif type(decision) is decisions.ScheduleLocalActivity:
                reason = self._cannot_run_local(decision.activity_type, session.run.pinned_version)
                if reason:
                    raise WorkflowTaskError(
                        f"{reason}; a worker with workflows needs the local activities of all of them"
                    )
                session.local[decision.activity_id] = decision
            elif type(decision) is decisions.CancelLocalActivity:
                if not decision.wait:
                    session.local.pop(decision.activity_id, None)
                elif decision.activity_id in session.local:
                    # Whoever runs it after a restart, or only begins it now, knows by this.
                    session.local[decision.activity_id].cancel_requested = True
        if session.version:
            self._versions.inherit(session.run, made, outcome.namespace)
        closing = made[-1]
        if isinstance(closing, ClosingDecision):
            # What follows takes over the run as the other decisions leave it.
            self._record(session, decider, made[:-1], outcome)
            self._chains.decided(session, closing, outcome)
            made = [closing]
        self._record(session, decider, made, outcome)

    def _record(self, session: Session, decider: Decider, made: list[Decision], outcome: Outcome) -> None:
        for recorded in machine.decide(session.run, made, outcome, self._reserve):
            decider.recorded(recorded)
            if isinstance(recorded, event.WorkflowExecutionUpdateCompleted):
                self._answers.updates.completed(session.run, recorded, outcome)

    def rebuild(self, session: Session, outcome: Outcome, *, fresh: bool = False) -> Decider:
        """Make the run's code anew from its history, and go on where that ends.

        Args:
            session: The run.
            outcome: Takes what the code decides where its history ends.
            fresh: Whether the last event is news, which no code has been told of.

        Raises:
            WorkflowTaskError: The code cannot be brought there.
        """
        outstanding = self._make(session, outcome, fresh)
        decider = session.decider
        assert decider is not None
        if session.run.is_open:
            self._decide(session, outstanding, outcome)
            if session.run.status != "RUNNING":  # the code has changed since: it goes on where it waited before
                self.settle(session.run, outcome)
        return decider

    def _make(self, session: Session, outcome: Outcome, fresh: bool) -> list[Decision]:
        """Give a session its code, at the end of its history.

        Returns:
            What it wants then.

        Raises:
            WorkflowTaskError: It cannot be brought there.
        """
        session.decider, outstanding = self._replayed(session.run, outcome, fresh)
        session.version = self._versions.of(session.run)
        if session.version and session.run.is_open:
            self._bind(session, session.decider, outcome)
        return outstanding

    def _bind(self, session: Session, decider: Decider, outcome: Outcome) -> None:
        """Version a run as its code wants it that has begun: as with Temporal, that counts after its first step."""
        run = session.run
        versioning = self._versions.of_code(run, decider)
        if versioning is not None:
            outcome.append(
                run, log.WorkflowOptionsChanged(run_id=run.run_id, versioning=versioning, time_ms=outcome.now_ms)
            )

    def _replayed(self, run: Run, outcome: Outcome, fresh: bool) -> tuple[Decider, list[Decision]]:
        """The run's code at the end of its history, and what it wants then.

        Raises:
            WorkflowTaskError: It cannot be brought there.
        """
        decider = self._versions.create(run)
        try:
            if fresh and run.last_event_id == 1:
                # A run that has just begun is told, not told again: its logs must be seen, and only now.
                decider.history_size = run.history_size
                return decider, decider.activate(run.started)
            if run.is_open and (not run.first_task or (fresh and run.first_task == run.last_event_id)):
                # So is one that was held until now.
                told = [decider.activate(happened) for happened in self._retold(run, decider, outcome)]
                return decider, told[-1]
            outcome.replayed_events.append(run.last_event_id)
            return decider, replay(decider, self._retold(run, decider, outcome), fresh=fresh)
        except WorkflowTaskError as error:
            try:
                if isinstance(error, NondeterminismError):
                    error.failure = decider.failure_of(error)
            finally:
                decider.close()
            raise

    def _retold(self, run: Run, decider: Decider, outcome: Outcome) -> Iterator[Event]:
        """The history, with the decider knowing at each event how large it was then."""
        size = 0
        for encoded, happened in self._decoded(self.encoded_history(run, outcome)):
            size += len(encoded)
            decider.history_size = size
            yield happened

    def _decoded(self, history: Iterator[bytes]) -> Iterator[tuple[bytes, Event]]:
        """Events with their encoded form, foreseen in parts where there is something to foresee."""
        if self._foresee is None:
            for encoded in history:
                yield encoded, self._decode(encoded)
            return
        while part := list(islice(history, FORESEEN_EVENTS)):
            events = [self._decode(encoded) for encoded in part]
            self._foresee(events)
            yield from zip(part, events, strict=True)

    def encoded_history(self, run: Run, outcome: Outcome) -> Iterator[bytes]:
        """The run's events, those of the open transaction included."""
        yield from self._sessions.history(run)
        for entry in list(outcome.log):
            if entry.run is run and hasattr(entry.record, "event_id"):
                yield entry.encoded

    def close(
        self,
        run: Run,
        closing: event.WorkflowExecutionTerminated | event.WorkflowExecutionTimedOut | event.WorkflowExecutionFailed,
        outcome: Outcome,
    ) -> None:
        """Close a run without asking its code. Signals that it has accepted while it was stalled are in its history.

        Raises:
            WorkflowTaskError: The event is too large.
        """
        if run.stalled is not None:
            outcome.check_fits(closing)
            self._early.record_unheard(
                Waiting(run, self._waiting_commands(run, outcome)),
                run.stalled,
                outcome,
                lambda signals: self._can_hear(run, signals, outcome),
            )
        machine.close(run, closing, outcome)
        self.settle(run, outcome)

    def time_out(self, session: Session, outcome: Outcome) -> None:
        """Close a run at its run timeout. What waited for its code is for the run that follows, if one does."""
        run = session.run
        signals: Sequence[WorkflowExecutionSignaled] = ()
        if self._chains.may_follow_timeout(run):
            signals = self.unhandled_signals(session, outcome)
        self._close_and_follow(run, self._chains.timed_out(run, signals, outcome), outcome)

    def _close_and_follow(
        self, run: Run, closing: event.WorkflowExecutionTimedOut | event.WorkflowExecutionFailed, outcome: Outcome
    ) -> None:
        """Close a run without asking its code; the run that follows, if one does, gets what waited for that."""
        if not closing.new_run_id or run.stalled is None:
            self.close(run, closing, outcome)
            return
        waiting = Waiting(run, self._waiting_commands(run, outcome))
        machine.close(run, closing, outcome)
        self.settle(run, outcome)
        self._handle_waiting(waiting, outcome)

    def _fail_or_stall(
        self,
        session: Session,
        error: WorkflowTaskError,
        outcome: Outcome,
        before: log.WorkflowStalled | None = None,
    ) -> None:
        """The code cannot be brought to what happened: fail the run, if that is what the code wants, or stall it."""
        if isinstance(error, NondeterminismError) and error.failure is not None and session.run.is_open:
            closing = self._chains.failed(session.run, error.failure, outcome)
            try:
                outcome.check_fits(closing)
            except WorkflowTaskError as too_large:
                error = too_large
            else:
                self._close_and_follow(session.run, closing, outcome)
                return
        self.stall(session, error, outcome, before)

    def settle(self, run: Run, outcome: Outcome) -> None:
        """Do what follows from a run's end, and end one whose history has become too long. To be called after whatever
        may have closed it; once it is closed, once."""
        if run.is_open:
            is_long = run.last_event_id >= outcome.long_events or run.history_size >= outcome.long_bytes
            if is_long and self._waiting is None:
                self._end_too_long(run, outcome)
        else:
            session = self._sessions.current(run.workflow_id)
            if session is not None and session.run is run:
                _forget_local(session, outcome)
            self._answers.answer_waiters(run, outcome)
            follow_close(run, outcome)
            following = self._chains.begin(run, outcome)
            if following is not None:
                self._begin_following(following, outcome)

    def _end_too_long(self, run: Run, outcome: Outcome) -> None:
        """Terminate a run whose history has got over its limit. The event says so, so it stays that way in replay, and
        whatever the limit is later.

        Code that ends in the very step, or continues as new, has closed the run before. One that is stalled does not
        grow; its mended code may still do so.
        """
        if run.is_open and run.stalled is None and (reason := outcome.limits.exceeded_by(run)):
            self.close(run, machine.terminated_for(reason), outcome)
            outcome.note_end(run, reason)

    def _begin_following(self, session: Session, outcome: Outcome) -> None:
        started = session.run.started
        if not started.held:
            self.tell(session, started, outcome)
        elif not started.first_task_ms:
            self.begin(session, outcome)

    def unhandled_signals(self, session: Session, outcome: Outcome) -> Sequence[WorkflowExecutionSignaled]:
        """Signals of a run that no handler has taken. Of code that cannot be brought so far, none are known."""
        decider = session.decider
        if decider is None:
            if session.run.stalled is not None:
                return []
            try:
                self._make(session, outcome, False)
            except WorkflowTaskError:
                return []
            decider = session.decider
            assert decider is not None
        return decider.unhandled_signals()

    # ---- stalling

    def stall(
        self,
        session: Session,
        error: WorkflowTaskError,
        outcome: Outcome,
        before: log.WorkflowStalled | None = None,
    ) -> None:
        """The code cannot go on: keep what there is, and try again later, later each time."""
        run = session.run
        before = before or run.stalled
        if before is None and self._retried is not None and self._retried.run_id == run.run_id:
            # It ran on, and what had waited for it stalls it again: that must not begin with the shortest wait.
            before = self._retried
        _drop(session)
        _forget_local(session, outcome)
        outcome.append(run, stalled(run, error, before, self._build_id, outcome.now_ms))

    def resume(self, session: Session, outcome: Outcome) -> None:
        """Try the code of a stalled run again; if it runs, handle what waited for it."""
        run = session.run
        if run.stalled is None:
            return
        before, waiting = run.stalled, Waiting(run, self._waiting_commands(run, outcome))
        self._waiting = waiting
        try:
            try:
                outstanding = self._hear_out(session, self._make(session, outcome, fresh=True), outcome)
            except WorkflowTaskError as error:
                self._fail_or_stall(session, error, outcome, before=before)
                return
            outcome.append(run, log.WorkflowResumed(run_id=run.run_id, handled_ordinal=run.handled_ordinal))
            try:
                self._decide(session, outstanding, outcome)
            except WorkflowTaskError as error:
                self.stall(session, error, outcome, before=before)
            self.settle(run, outcome)
            self._retried = before
            self._handle_waiting(waiting, outcome)
        finally:
            self._waiting = self._retried = None

    def _handle_waiting(self, waiting: Waiting, outcome: Outcome) -> None:
        """Handle deferred commands in their order, until the run stalls again. What follows it gets what is for any."""
        run = waiting.run
        outer, self._waiting = self._waiting, waiting
        try:
            while waiting.left and run.stalled is None:
                ordinal, encoded = waiting.left.popleft()
                wanted = self._decode(encoded)
                if run.is_open:
                    outcome.append(run, log.WorkflowResumed(run_id=run.run_id, handled_ordinal=ordinal))
                elif following_run_id(run) and isinstance(wanted, _FOR_ANY_RUN):
                    wanted.run_id = ""
                else:
                    continue
                if hasattr(wanted, "reply_to"):
                    wanted.reply_to = None  # Whoever asked was told that the command is kept.
                self._handle(run.workflow_id, wanted, outcome)
        finally:
            self._waiting = outer
        if outer is None or outer is waiting:
            # Not before: whoever sent what has waited was told that it is kept.
            self._end_too_long(run, outcome)

    def _hear_out(self, session: Session, made: list[Decision], outcome: Outcome) -> list[Decision]:
        """What the code decides once it knows the signals that wait: it must not end the run without them."""
        run, waiting = session.run, self._waiting
        if waiting is None or run.workflow_id != waiting.run.workflow_id:
            return made
        signals = self._early.are_needed(run, made, waiting, outcome)
        if not signals:
            return made
        # A mistake with them stalls the run as it is: what is recorded now would have to fit the mended code.
        if self._early.may_differ(run, outcome) and not self._can_hear(run, signals, outcome):
            self._early.record(run, signals, outcome, heard=False)
            self._early.take_out(waiting, signals, outcome, self.defer)
            return made
        _drop(session)
        session.local.clear()  # which it wanted in this very transaction, and wants again
        outcome.local_calls[:] = [call for call in outcome.local_calls if call.run_id != run.run_id]
        self._early.record(run, signals, outcome)
        self._early.take_out(waiting, signals, outcome, self.defer)
        return self._make(session, outcome, fresh=True)

    def _can_hear(self, run: Run, signals: Mapping[int, command.SignalWorkflow], outcome: Outcome) -> bool:
        """Whether the code would still decide what is recorded of its last step, if it had heard signals before it.

        Raises:
            WorkflowTaskError: Nobody knows: the code cannot be brought so far.
        """
        decider = self._versions.create(run)
        history = self._retold(run, decider, outcome)
        try:
            replay(decider, chain(history, self._early.as_recorded(signals, outcome.now_ms)), fresh=True)
        except NondeterminismError:
            return False
        finally:
            decider.close()
        return True

    def _waiting_commands(self, run: Run, outcome: Outcome) -> Iterator[tuple[int, bytes]]:
        """Ordinals and bytes of the commands that wait until the run's code runs again."""
        yield from self._sessions.deferred(run)
        for entry in outcome.log:
            if entry.run is not run or not isinstance(entry.record, log.CommandDeferred):
                continue
            if entry.record.ordinal > run.handled_ordinal:  # It may have been handled in this very transaction.
                yield entry.record.ordinal, entry.record.command

    def deferred_commands(self, run: Run, outcome: Outcome) -> Iterator[Command]:
        """The commands that wait until the run's code runs again."""
        for _, encoded in self._waiting_commands(run, outcome):
            yield self._decode(encoded)

    def defer(self, run: Run, wanted: Command, outcome: Outcome) -> None:
        """Keep a command until the run's code runs again.

        Raises:
            WorkflowTaskError: It is too large to be kept.
        """
        encoded = outcome.encode(wanted)
        ordinal = max(run.deferred_ordinal, run.handled_ordinal) + 1
        deferred = log.CommandDeferred(run_id=run.run_id, ordinal=ordinal, command=encoded)
        outcome.append(run, deferred, MAXIMUM_DEFERRED_BYTES)

    def defer_report(self, session: Session, wanted: Any, outcome: Outcome) -> None:
        """Keep what is said about an activity until the run's code runs again, unless it will not count."""
        run, kept = session.run, session.kept_reports
        if kept is None or kept.handled_ordinal != run.handled_ordinal:
            kept = session.kept_reports = KeptReports(run, self.deferred_commands(run, outcome))
        if refused(run, kept, wanted, outcome):
            return
        try:
            self.defer(run, wanted, outcome)
        except WorkflowTaskError as error:
            failed = activities.in_place_of(run, wanted, str(error), outcome)
            if failed is None:
                return
            wanted = failed
            self.defer(run, wanted, outcome)
        else:
            accept(run, wanted, outcome)
        kept.add(run, wanted)


def _drop(session: Session) -> None:
    """Do without a run's code; it is made anew when it is needed."""
    if session.decider is not None:
        session.decider.close()
        session.decider = None


def _forget_local(session: Session, outcome: Outcome) -> None:
    """Nobody waits for the local activities of a run that has closed, or whose code cannot go on."""
    if session.local:
        outcome.canceled_local.extend((session.run.run_id, activity_id) for activity_id in session.local)
        session.local.clear()


def _is_held(run: Run) -> bool:
    """Whether the code has not begun. One that waited for code begins by itself, with all that has come for it."""
    return run.is_open and not run.first_task and not waits_for_code(run.started)
