"""The workflow that is a schedule.

It waits for the next time, begins an action for it, and continues as new now and then with all that it knows. An
action is taken by a workflow of its own (`action`), which tells this one how it went by signals: so it does not matter
which run of this one is current when an action ends after a year.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from foldlog import workflow
from foldlog.converter import decode_typed_search_attributes
from foldlog.exceptions import ApplicationError, ChildWorkflowError, WorkflowAlreadyStartedError
from foldlog.schedules import times
from foldlog.schedules.action import ActionWorkflow
from foldlog.schedules.model import (
    CANCEL_OTHER,
    MOST_BUFFERED,
    MOST_HANDED_ON,
    RECENT,
    SCHEDULE_TYPE,
    SHOWN,
    Backfill,
    Change,
    Ended,
    Job,
    Progress,
    Running,
    Shown,
    Start,
    Taken,
)
from foldlog.schedules.overlap import resolve
from foldlog.workflow._child_types import ChildWorkflowCancellationType, ParentClosePolicy

_AT_ONCE = 1_000
"""So many times are gone through before others get their turn."""
_LISTED = 5
"""So many times and actions are shown in lists."""
_SOON = timedelta(milliseconds=1)


@workflow.defn(name=SCHEDULE_TYPE, sandboxed=False)
class ScheduleWorkflow:
    """A schedule. Runs until it is terminated: that is how one is deleted."""

    @workflow.init
    def __init__(self, progress: Progress) -> None:
        """Take over from the run before."""
        self._progress = progress
        self._moved = True
        """Whether something came that may lead to something."""
        self._listed: Shown | None = None
        self._timer: asyncio.Task[None] | None = None
        self._timer_ms = 0
        if not progress.created_ms:
            now_ms = _now_ms()
            progress.created_ms = progress.seen_ms = now_ms
            progress.buffer = [Start(now_ms, now_ms, start.overlap, manual=True) for start in progress.buffer]

    @workflow.run
    async def run(self, progress: Progress) -> None:
        """Carry the schedule out."""
        await self._look_after_running()
        while True:
            self._moved = False
            more = self._go_through_times()
            self._go_through_backfills()
            await self._act()
            more |= bool(self._progress.backfills) and self._room() > 0
            self._show()
            if workflow.info().is_continue_as_new_suggested():
                await self._stop_timer()
                workflow.continue_as_new(self._progress)
            if more:
                await workflow.sleep(_SOON)
            elif not self._moved:
                await self._wait()

    # ---- from outside

    @workflow.query
    def describe(self) -> Progress:
        """Everything."""
        return self._progress

    @workflow.update
    def pause(self, note: str) -> None:
        """Take no actions by time."""
        self._progress.schedule.state.paused = True
        self._changed(note)

    @workflow.update
    def unpause(self, note: str) -> None:
        """Take them again, from now on."""
        if self._progress.schedule.state.rests:
            self._progress.seen_ms = _now_ms()
        self._progress.schedule.state.paused = False
        self._changed(note)

    @workflow.update
    def trigger(self, overlap: int) -> None:
        """Take an action now."""
        now_ms = _now_ms()
        self._buffer(Start(now_ms, now_ms, overlap, manual=True))
        self._moved = True

    @workflow.update
    def backfill(self, periods: list[Backfill]) -> None:
        """Take actions for times that are past."""
        self._progress.backfills.extend(periods)
        self._moved = True

    @workflow.update
    def update(self, change: Change) -> bool:
        """Be another schedule from now on. False: it has changed since it was read."""
        progress = self._progress
        if change.version != progress.version:
            return False
        if progress.schedule.state.rests:
            progress.seen_ms = _now_ms()
        else:
            self._go_through_times()  # what was due by what was said before is due
        progress.schedule = change.schedule
        self._forget_what_has_no_room()
        progress.updated_ms = _now_ms()
        if change.search_attributes is not None:
            self._set_search_attributes(change.search_attributes)
        self._changed(change.schedule.state.note)
        return True

    @workflow.signal
    def begun(self, taken: Taken) -> None:
        """An action has begun."""
        progress = self._progress
        for running in progress.running:
            if running.workflow_id == taken.workflow_id and not running.run_id:
                running.run_id = taken.run_id
                progress.num_actions += 1
                # Those of other partitions may be heard of later than those that began after them.
                recent = sorted([*progress.recent, taken], key=lambda each: (each.started_ms, each.scheduled_ms))
                progress.recent = recent[-RECENT:]
        self._moved = True

    @workflow.signal
    def ended(self, ended: Ended) -> None:
        """An action has ended, or could not begin."""
        self._end(ended)

    # ---- its own doing

    def _changed(self, note: str | None) -> None:
        self._progress.schedule.state.note = note
        self._progress.version += 1
        self._moved = True

    def _set_search_attributes(self, attributes: dict[str, Any]) -> None:
        before = decode_typed_search_attributes(self._progress.search_attributes)
        after = decode_typed_search_attributes(attributes)
        kept = {pair.key for pair in after}
        updates: list[Any] = [pair.key.value_unset() for pair in before if pair.key not in kept]
        updates += [pair.key.value_set(pair.value) for pair in after]
        if updates:
            workflow.upsert_search_attributes(updates)
        self._progress.search_attributes = attributes

    def _go_through_times(self) -> bool:
        """Put what is due into the buffer.

        Returns:
            Whether there may be more.
        """
        progress, schedule = self._progress, self._progress.schedule
        now_ms = _now_ms()
        if schedule.state.rests:
            return False
        for _ in range(_AT_ONCE):
            nominal_ms = times.next_time(schedule.spec, progress.seen_ms)
            if nominal_ms is None:
                return False
            due_ms = times.with_jitter(schedule.spec, progress.id, nominal_ms)
            if due_ms > now_ms:
                return False
            progress.seen_ms = nominal_ms
            if due_ms < progress.updated_ms:
                continue  # it was not due by what was said then
            if now_ms - due_ms > schedule.policy.catchup_ms:
                progress.num_missed += 1
            else:
                self._buffer(Start(nominal_ms, due_ms))
        return True

    def _go_through_backfills(self) -> None:
        progress = self._progress
        room = self._room()
        while progress.backfills and room > 0:
            period = progress.backfills[0]
            nominal_ms = times.next_time(progress.schedule.spec, period.start_ms - 1)
            if nominal_ms is None or nominal_ms > period.end_ms:
                progress.backfills.pop(0)
                continue
            period.start_ms = nominal_ms + 1
            self._buffer(Start(nominal_ms, nominal_ms, period.overlap, manual=True))
            room -= 1

    def _room(self) -> int:
        return MOST_BUFFERED - len(self._progress.buffer)

    def _buffer(self, start: Start) -> None:
        if self._room() > 0:
            self._progress.buffer.append(start)
        else:
            self._progress.num_skipped += 1

    async def _act(self) -> None:
        """Take the actions of the buffer that can be taken now."""
        progress = self._progress
        if progress.schedule.state.rests and not progress.running:
            # What was due by time has waited in vain, as with Temporal: it would be taken now.
            progress.buffer = [start for start in progress.buffer if start.manual]
        if not progress.buffer:
            return
        resolved = resolve(progress.buffer, progress.schedule.policy.overlap, bool(progress.running))
        progress.buffer = resolved.waiting
        progress.num_skipped += resolved.skipped
        begun = [self._take(start, alone=False) for start in resolved.beside]
        if resolved.alone is not None:
            begun.append(self._take(resolved.alone, alone=True))
        await asyncio.gather(*(self._begin(job) for job in begun if job is not None))
        if resolved.ask:
            await self._ask_running(resolved.ask)

    def _take(self, start: Start, alone: bool) -> Job | None:
        """An action that begins from here on; None: no more may be taken."""
        progress, state = self._progress, self._progress.schedule.state
        if not start.manual and state.limited_actions:
            if state.remaining_actions <= 0:
                return None
            state.remaining_actions -= 1
        workflow_id = self._workflow_id(start)
        progress.running.append(Running(workflow_id, alone=alone))
        return Job(
            schedule_id=progress.id,
            workflow_id=workflow_id,
            action=progress.schedule.action,
            nominal_ms=start.nominal_ms,
            due_ms=start.due_ms,
            last_result=progress.last_result if alone else None,
            last_failure=progress.last_failure if alone else None,
        )

    def _workflow_id(self, start: Start) -> str:
        """The action's ID with the time that it is for: with the milliseconds only where seconds are not enough."""
        progress = self._progress
        taken = {running.workflow_id for running in progress.running}
        taken.update(action.workflow_id for action in progress.recent)
        time = datetime.fromtimestamp(start.nominal_ms / 1000, UTC).replace(tzinfo=None)
        prefix = progress.schedule.action.id
        found = f"{prefix}-{time.isoformat(timespec='seconds')}Z"
        count = 1
        while found in taken:
            more = f"{time.isoformat(timespec='milliseconds')}Z"
            found = f"{prefix}-{more}" if count == 1 else f"{prefix}-{more}-{count}"
            count += 1
        return found

    async def _begin(self, job: Job) -> None:
        try:
            handle: Any = await workflow.start_child_workflow(
                ActionWorkflow.run,
                job,
                id=f"{workflow.info().workflow_id}/{job.workflow_id}",
                cancellation_type=ChildWorkflowCancellationType.ABANDON,
                parent_close_policy=ParentClosePolicy.ABANDON,
            )
        except (WorkflowAlreadyStartedError, ChildWorkflowError):
            self._end(Ended(job.workflow_id, "REFUSED"))
            return
        handle.add_done_callback(lambda task: self._action_closed(task, job.workflow_id))

    def _action_closed(self, task: asyncio.Task[None], workflow_id: str) -> None:
        """It has told how the action ended before it closed itself: if it has not, somebody has ended it."""
        if not task.cancelled() and task.exception() is not None:
            self._end(Ended(workflow_id, "TERMINATED"))

    async def _ask_running(self, what: int) -> None:
        waiting = [running for running in self._progress.running if running.asked < what]
        for running in waiting:
            running.asked = what
        signal = ActionWorkflow.cancel if what == CANCEL_OTHER else ActionWorkflow.terminate
        await asyncio.gather(*(self._signal(running, signal) for running in waiting))

    async def _look_after_running(self) -> None:
        """An action that nobody takes any more would be waited for for ever."""
        await asyncio.gather(*(self._signal(running, ActionWorkflow.hello) for running in self._progress.running))

    async def _signal(self, running: Running, signal: Any) -> None:
        handle = workflow.get_external_workflow_handle(f"{workflow.info().workflow_id}/{running.workflow_id}")
        try:
            await handle.signal(signal)
        except ApplicationError:
            self._end(Ended(running.workflow_id, "TERMINATED"))

    def _end(self, ended: Ended) -> None:
        progress, schedule = self._progress, self._progress.schedule
        found = next((one for one in progress.running if one.workflow_id == ended.workflow_id), None)
        if found is None:
            return
        progress.running.remove(found)
        self._moved = True
        if found.alone and ended.status == "COMPLETED":
            progress.last_result, progress.last_failure = ended.result, None
        elif found.alone and ended.status in ("FAILED", "TIMED_OUT"):
            progress.last_failure = ended.failure
        self._forget_what_has_no_room()
        if ended.status in ("FAILED", "TIMED_OUT") and schedule.policy.pause_on_failure and not schedule.state.paused:
            how = "failure" if ended.status == "FAILED" else "timeout"
            why = f": {ended.failure.message}" if ended.failure is not None and ended.failure.message else ""
            schedule.state.paused = True
            self._changed(f"paused due to workflow {how}: {ended.workflow_id}{why}")

    def _forget_what_has_no_room(self) -> None:
        """What an action is told of those before it goes into one record with what it is started with."""
        action = self._progress.schedule.action
        if sum(len(payload.data) for payload in (*action.args, *action.memo.values())) > MOST_HANDED_ON:
            self._progress.last_result = self._progress.last_failure = None

    def _show(self) -> None:
        """Let lists show how things are, if that has changed: once for an action, when it has begun."""
        progress, schedule = self._progress, self._progress.schedule
        if not all(running.run_id for running in progress.running):
            return
        shown = Shown(
            workflow_type=schedule.action.workflow_type,
            spec=schedule.spec,
            note=schedule.state.note,
            paused=schedule.state.paused,
            recent=progress.recent[-_LISTED:],
            next_ms=times.following(schedule.spec, progress.id, max(progress.seen_ms, _now_ms()), _LISTED),
        )
        if shown != self._listed:
            self._listed = shown
            workflow.upsert_memo({SHOWN: shown})

    async def _stop_timer(self) -> None:
        if self._timer is not None and not self._timer.done():
            self._timer.cancel()
            await asyncio.sleep(0)

    async def _wait(self) -> None:
        """Wait until something comes, or a time has come."""
        progress, schedule = self._progress, self._progress.schedule
        next_ms = None if schedule.state.rests else times.next_time(schedule.spec, progress.seen_ms)
        due_ms = 0 if next_ms is None else times.with_jitter(schedule.spec, progress.id, next_ms)
        timer = self._timer
        if timer is not None and (timer.done() or self._timer_ms != due_ms):
            timer.cancel()
            timer = None
        if timer is None and due_ms:
            timer = asyncio.create_task(workflow.sleep(timedelta(milliseconds=max(due_ms - _now_ms(), 1))))
        self._timer, self._timer_ms = timer, due_ms
        await workflow.wait_condition(lambda: self._moved or (timer is not None and timer.done()))


def _now_ms() -> int:
    return workflow.time_ns() // 1_000_000
