"""Schedules as a client makes, asks and changes them. How they are carried out is `foldlog.schedules`'s."""

from __future__ import annotations

import dataclasses
import inspect
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from foldlog._option_types import check_option
from foldlog._random_ids import random_id
from foldlog._search_attributes import warn_of_untyped
from foldlog.client._asking import Asking
from foldlog.client._convert import encode_memo
from foldlog.client._errors import (
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from foldlog.client._handle import WorkflowHandle
from foldlog.client._pages import PAGE_SIZE, Pages
from foldlog.client._schedule_action import Payloads
from foldlog.client._schedule_check import check_parts
from foldlog.client._schedule_description import (
    ScheduleDescription,
    ScheduleListDescription,
    ScheduleUpdate,
    ScheduleUpdateInput,
    description,
    list_description,
)
from foldlog.client._schedule_inputs import (
    BackfillScheduleInput,
    CreateScheduleInput,
    DeleteScheduleInput,
    DescribeScheduleInput,
    ListSchedulesInput,
    PauseScheduleInput,
    TriggerScheduleInput,
    UnpauseScheduleInput,
    UpdateScheduleInput,
)
from foldlog.client._schedule_types import (
    Schedule,
    ScheduleAlreadyRunningError,
    ScheduleBackfill,
    ScheduleOverlapPolicy,
    backfills_to_model,
    overlap_to_model,
    schedule_to_model,
)
from foldlog.client._types import NO_METADATA, RPCMetadata
from foldlog.common import QueryRejectCondition, RawValue, SearchAttributes, TypedSearchAttributes
from foldlog.converter import DataConverter, DefaultPayloadConverter, encode_search_attributes
from foldlog.exceptions import (
    DeadlineExceededError,
    FailedPreconditionError,
    WorkflowAlreadyStartedError,
    WorkflowNotFoundError,
)
from foldlog.schedules import model
from foldlog.schemas.command import StartWorkflow
from foldlog.schemas.common import WorkflowOptions
from foldlog.schemas.reply import Accepted

logger = logging.getLogger(__name__)

_CONFLICTS = 10
"""So often an update begins anew before it gives up."""

Updater = Callable[[ScheduleUpdateInput], "ScheduleUpdate | Awaitable[ScheduleUpdate | None] | None"]


class ScheduleHandle:
    """One schedule, by its ID. Made by the client; making one asks nobody whether there is one.

    Each method raises `WorkflowNotFoundError`, an `RPCError` with status NOT_FOUND, if there is none, and another
    `RPCError` if there was no answer in time. `rpc_metadata` is for interceptors only; `rpc_timeout` is how long to
    wait for the answer.

    Attributes:
        id: ID of the schedule.
    """

    def __init__(self, asking: Asking, id: str) -> None:
        """Private: use `Client.create_schedule` or `Client.get_schedule_handle`."""
        self.id = id
        self._asking = asking
        # Past interceptors: to them it is a schedule, and no workflow.
        own = dataclasses.replace(asking, converter=own_converter(asking.converter), outbound=None)
        self._own = asking.of_workflow(model.schedule_workflow_id(id))
        self._workflow: WorkflowHandle[Any, Any] = WorkflowHandle(own, model.schedule_workflow_id(id))

    def __repr__(self) -> str:
        return f"ScheduleHandle({self.id!r})"

    async def backfill(
        self,
        *backfill: ScheduleBackfill,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Takes the actions of periods as if their times passed now.

        Raises:
            ConfigurationError: What is given is no period, or ends before it begins.
            ValueError: No period is given.
        """
        if not backfill:
            raise ValueError("At least one backfill required")
        if (outbound := self._asking.outbound) is not None:
            told = BackfillScheduleInput(
                id=self.id, backfills=backfill, rpc_metadata=rpc_metadata, rpc_timeout=rpc_timeout
            )
            await outbound.backfill_schedule(told)
            return
        await self._tell("backfill", backfills_to_model(backfill), rpc_timeout)

    async def delete(self, *, rpc_metadata: RPCMetadata = NO_METADATA, rpc_timeout: timedelta | None = None) -> None:
        """Deletes it. Actions that are running go on."""
        if (outbound := self._asking.outbound) is not None:
            told = DeleteScheduleInput(id=self.id, rpc_metadata=rpc_metadata, rpc_timeout=rpc_timeout)
            await outbound.delete_schedule(told)
            return
        try:
            await self._workflow.terminate(reason="the schedule was deleted", rpc_timeout=rpc_timeout)
        except WorkflowNotFoundError as error:
            raise self._not_found() from error

    async def describe(
        self, *, rpc_metadata: RPCMetadata = NO_METADATA, rpc_timeout: timedelta | None = None
    ) -> ScheduleDescription:
        """All that is known of it."""
        if (outbound := self._asking.outbound) is not None:
            asked = DescribeScheduleInput(id=self.id, rpc_metadata=rpc_metadata, rpc_timeout=rpc_timeout)
            return await outbound.describe_schedule(asked)
        try:
            progress: model.Progress = await self._workflow.query(
                "describe",
                result_type=model.Progress,
                reject_condition=QueryRejectCondition.NOT_OPEN,
                rpc_timeout=rpc_timeout,
            )
        except (WorkflowNotFoundError, WorkflowQueryRejectedError) as error:
            raise self._not_found() from error
        return await description(progress, time.time_ns() // 1_000_000, _payloads(self._own))

    async def pause(
        self,
        *,
        note: str | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Takes no more actions by time, until `unpause`.

        Args:
            note: The new note of the schedule.
            rpc_metadata: See the class.
            rpc_timeout: Likewise.
        """
        if (outbound := self._asking.outbound) is not None:
            told = PauseScheduleInput(id=self.id, note=note, rpc_metadata=rpc_metadata, rpc_timeout=rpc_timeout)
            await outbound.pause_schedule(told)
            return
        check_option("note", note, str | None)
        await self._tell("pause", note or "Paused via Python SDK", rpc_timeout)

    async def trigger(
        self,
        *,
        overlap: ScheduleOverlapPolicy | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Takes an action now, whether it is paused or not.

        Args:
            overlap: What to do if another one is running; None: as the schedule's policy says.
            rpc_metadata: See the class.
            rpc_timeout: Likewise.
        """
        if (outbound := self._asking.outbound) is not None:
            told = TriggerScheduleInput(id=self.id, overlap=overlap, rpc_metadata=rpc_metadata, rpc_timeout=rpc_timeout)
            await outbound.trigger_schedule(told)
            return
        await self._tell("trigger", overlap_to_model(overlap), rpc_timeout)

    async def unpause(
        self,
        *,
        note: str | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Takes actions by time again. Those that were due meanwhile are not taken; `backfill` does that.

        Args:
            note: The new note of the schedule.
            rpc_metadata: See the class.
            rpc_timeout: Likewise.
        """
        if (outbound := self._asking.outbound) is not None:
            told = UnpauseScheduleInput(id=self.id, note=note, rpc_metadata=rpc_metadata, rpc_timeout=rpc_timeout)
            await outbound.unpause_schedule(told)
            return
        check_option("note", note, str | None)
        await self._tell("unpause", note or "Unpaused via Python SDK", rpc_timeout)

    async def update(
        self,
        updater: Updater,
        *,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Makes another schedule of it.

        Args:
            updater: Makes the new one of what there is; may be async. None: leave it as it is. It is called again if
                the schedule was changed meanwhile.
            rpc_metadata: See the class.
            rpc_timeout: Likewise, for each question.

        Raises:
            ConfigurationError: A part of the new one has another type than it must have; the message names it.
            FailedPreconditionError: It was changed by others each time.
            InvalidArgumentError: The new one could never be carried out; the message says why.
            TypeError, ValueError: The new one cannot be.
        """
        if (outbound := self._asking.outbound) is not None:
            told = UpdateScheduleInput(id=self.id, updater=updater, rpc_metadata=rpc_metadata, rpc_timeout=rpc_timeout)
            await outbound.update_schedule(told)
            return
        check_option("updater", updater, Updater)
        for _ in range(_CONFLICTS):
            found = await self.describe(rpc_timeout=rpc_timeout)
            update = updater(ScheduleUpdateInput(found))
            if inspect.isawaitable(update):
                update = await update
            if update is None:
                return
            if not isinstance(update, ScheduleUpdate):
                raise TypeError(f"the function of an update returns a ScheduleUpdate, not {type(update).__name__}")
            attributes = update.search_attributes
            check_option("search_attributes", attributes, TypedSearchAttributes | None)
            change = model.Change(
                schedule=await schedule_to_model(update.schedule, _payloads(self._own), self.id),
                version=found.raw_description.version,
                search_attributes=None if attributes is None else encode_search_attributes(attributes),
            )
            if await self._tell("update", change, rpc_timeout):
                return
        raise FailedPreconditionError(f"schedule {self.id!r} was changed by others {_CONFLICTS} times meanwhile")

    async def _tell(self, update: str, what: Any, rpc_timeout: timedelta | None) -> Any:
        if rpc_timeout is None:
            rpc_timeout = timedelta(seconds=self._asking.timeout)
        try:
            return await self._workflow.execute_update(update, what, rpc_timeout=rpc_timeout)
        except WorkflowNotFoundError as error:
            raise self._not_found() from error
        except WorkflowUpdateFailedError as error:
            raise FailedPreconditionError(f"schedule {self.id!r}: {error.cause}") from error
        except WorkflowUpdateRPCTimeoutOrCancelledError as error:
            raise DeadlineExceededError(f"no answer about schedule {self.id!r} in time") from error

    def _not_found(self) -> WorkflowNotFoundError:
        """To users, one that was deleted is none; that its workflow is remembered does not matter."""
        return WorkflowNotFoundError(f"there is no schedule {self.id!r}")


class ScheduleAsyncIterator(Pages[ScheduleListDescription]):
    """The schedules of a list, for `async for`."""


class ClientSchedules:
    """The part of a client that is about schedules."""

    _asking: Asking

    async def create_schedule(
        self,
        id: str,
        schedule: Schedule,
        *,
        trigger_immediately: bool = False,
        backfill: Sequence[ScheduleBackfill] = (),
        memo: Mapping[str, Any] | None = None,
        search_attributes: TypedSearchAttributes | SearchAttributes | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> ScheduleHandle:
        """Makes a schedule. Workers that run workflows carry it out.

        Args:
            id: Its ID.
            schedule: What it does, and when.
            trigger_immediately: Whether to take an action at once.
            backfill: Periods whose actions are to be taken at once.
            memo: Notes that are shown with it and do nothing. Those of its workflows are part of the action.
            search_attributes: Typed fields by which it is found. Those of its workflows are part of the action.
            rpc_metadata: For interceptors only.
            rpc_timeout: How long to wait for the answer.

        Raises:
            ScheduleAlreadyRunningError: There is one with this ID.
            ConfigurationError: A part of it has another type than it must have, or cannot be; the message names it.
            InvalidArgumentError: Its times cannot be worked out, or its action could never begin; the message says why.
            ValueError: `remaining_actions` and `limited_actions` do not fit each other.
            RPCError: There was no answer in time.
        """
        if (outbound := self._asking.outbound) is not None:
            return await outbound.create_schedule(
                CreateScheduleInput(
                    id=id,
                    schedule=schedule,
                    trigger_immediately=trigger_immediately,
                    backfill=backfill,
                    memo=memo,
                    search_attributes=search_attributes,
                    rpc_metadata=rpc_metadata,
                    rpc_timeout=rpc_timeout,
                )
            )
        check_option("id", id, str)
        if not id:
            raise ValueError("a schedule needs an ID")
        check_parts("schedule", schedule, Schedule)
        check_option("trigger_immediately", trigger_immediately, bool)
        check_option("memo", memo, Mapping[str, Any] | None)
        check_option("search_attributes", search_attributes, TypedSearchAttributes | Mapping[str, Any] | None)
        state = schedule.state
        if state.limited_actions and not state.remaining_actions:
            raise ValueError("Must set limited actions to false if there are no remaining actions set")
        if not state.limited_actions and state.remaining_actions:
            raise ValueError("Must set limited actions to true if there are remaining actions set")
        warn_of_untyped(search_attributes)
        payloads = _payloads(self._asking.of_workflow(model.schedule_workflow_id(id)))
        overlap = overlap_to_model(schedule.policy.overlap)
        progress = model.Progress(
            id=id,
            schedule=await schedule_to_model(schedule, payloads, id),
            buffer=[model.Start(0, 0, overlap, manual=True)] if trigger_immediately else [],
            backfills=backfills_to_model(backfill),
            memo=await payloads.by_name(memo),
            search_attributes=encode_search_attributes(search_attributes),
        )
        try:
            await self._asking.ask(
                model.schedule_workflow_id(id), await self._start_schedule(progress), Accepted, rpc_timeout
            )
        except WorkflowAlreadyStartedError as error:
            raise ScheduleAlreadyRunningError from error
        return ScheduleHandle(self._asking, id)

    async def _start_schedule(self, progress: model.Progress) -> StartWorkflow:
        converter = own_converter(self._asking.of_workflow(model.schedule_workflow_id(progress.id)).converter)
        attributes = progress.search_attributes
        return StartWorkflow(
            request_id=random_id(),
            identity=self._asking.identity,
            workflow_type=model.SCHEDULE_TYPE,
            task_queue=model.BUILT_IN_QUEUE,
            args=await converter.encode([progress]),
            memo=await encode_memo(converter, {name: RawValue(value) for name, value in progress.memo.items()}),
            options=WorkflowOptions(search_attributes=attributes) if attributes else None,
        )

    def get_schedule_handle(self, id: str) -> ScheduleHandle:
        """A handle of a schedule by its ID. Asks nobody whether there is one.

        Raises:
            ConfigurationError: The ID is no text.
        """
        check_option("id", id, str)
        return ScheduleHandle(self._asking, id)

    async def list_schedules(
        self,
        query: str | None = None,
        *,
        page_size: int = PAGE_SIZE,
        next_page_token: bytes | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> ScheduleAsyncIterator:
        """The schedules of the namespace, by ID. Reads the whole visibility topic when the first is asked for.

        Args:
            query: There are no list filters here: it must be empty.
            page_size: How many schedules `fetch_next_page` of the iterator fetches.
            next_page_token: Where to go on, from the iterator of an earlier call.
            rpc_metadata: For interceptors only.
            rpc_timeout: How long reading the list may take; None: as long as it does.

        Raises:
            ValueError: There is a query.
            InvalidArgumentError: There can be no such page.
            TransportError: The visibility topic cannot be read; not here, but when the first one is asked for.
            DeadlineExceededError: It took too long; likewise.
        """
        asked = ListSchedulesInput(
            query=query,
            page_size=page_size,
            next_page_token=next_page_token,
            rpc_metadata=rpc_metadata,
            rpc_timeout=rpc_timeout,
        )
        outbound = self._asking.outbound
        return self._schedules(asked) if outbound is None else outbound.list_schedules(asked)

    def _schedules(self, asked: ListSchedulesInput) -> ScheduleAsyncIterator:
        """Past all interceptors."""
        if asked.query:
            raise ValueError("lists of schedules cannot be filtered by a query: filter what they give")
        return ScheduleAsyncIterator(
            self._listed_schedules(asked.rpc_timeout), page_size=asked.page_size, next_page_token=asked.next_page_token
        )

    async def _listed_schedules(self, rpc_timeout: timedelta | None) -> AsyncIterator[ScheduleListDescription]:
        rows = await self._asking.rows(
            lambda row: row.workflow_type == model.SCHEDULE_TYPE and row.status == "RUNNING", rpc_timeout
        )
        for row in sorted(rows, key=lambda row: row.workflow_id):
            converter = self._asking.of_workflow(row.workflow_id).converter
            try:
                found = await list_description(row, converter, own_converter(converter))
            except Exception as error:  # whatever others wrote; it must not hide the others
                logger.warning("the row of %r cannot be shown: %r", row.workflow_id, error)
                continue
            yield found


def own_converter(converter: DataConverter) -> DataConverter:
    """Reads and writes what is foldlog's own: always the same JSON, and within the application's codec."""
    return DataConverter(
        payload_converter_class=DefaultPayloadConverter,
        payload_codec=converter.payload_codec,
        external_storage=converter.external_storage,
    )


def _payloads(asking: Asking) -> Payloads:
    """How values of users go into a schedule, and out of it."""
    return Payloads(asking.context_free or asking.converter, asking.transport.namespace, asking.converter)
