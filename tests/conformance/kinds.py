"""Scenarios of values of each kind that the docs name, on each way, and of a converter of one's own."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import attrs
import pytest
from foldlog import activity, workflow
from foldlog.client import Client, WorkflowFailureError, WorkflowHandle, WorkflowUpdateFailedError
from foldlog.common import RetryPolicy
from foldlog.contrib.pydantic import pydantic_data_converter
from foldlog.converter import (
    ActivitySerializationContext,
    CompositePayloadConverter,
    DataConverter,
    DefaultPayloadConverter,
    JSONPlainPayloadConverter,
    JSONTypeConverter,
    PayloadConverter,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)
from foldlog.exceptions import ActivityError, ApplicationError, PayloadConversionError
from foldlog.schemas.common import Payload
from google.protobuf.struct_pb2 import Struct
from pydantic import BaseModel

from tests.conformance.scenarios import QUEUE, REMOTE, SOON, Place, Scenario
from tests.conformance.workers import worker_of

LIMIT = timedelta(seconds=60)


class Colour(StrEnum):
    RED = "red"


class Size(IntEnum):
    LARGE = 3


class Kind(Enum):
    GIFT = "gift"


class Point(NamedTuple):
    x: int
    y: float


class Known(TypedDict):
    name: str
    when: date


@attrs.define
class Parcel:
    weight: Decimal
    to: Path | None = None


class Model(BaseModel):
    id: uuid.UUID
    at: datetime


@dataclass
class Everything:
    """Each kind in one."""

    colour: Colour
    size: Size
    kind: Kind
    point: Point
    known: Known
    parcel: Parcel
    model: Model
    id: uuid.UUID
    price: Decimal
    when: datetime
    day: date
    hour: time
    span: timedelta
    raw: bytes
    tags: set[str]
    pair: tuple[int, str]
    by_day: dict[date, list[Colour]]
    choice: int | str | None
    number: int


EVERYTHING = Everything(
    colour=Colour.RED,
    size=Size.LARGE,
    kind=Kind.GIFT,
    point=Point(1, 2.5),
    known={"name": "ada", "when": date(2026, 11, 27)},
    parcel=Parcel(Decimal("1.10"), Path("a/b")),
    model=Model(id=uuid.UUID(int=7), at=datetime(2026, 11, 27, tzinfo=UTC)),
    id=uuid.UUID(int=2**127),
    price=Decimal("0.10"),
    when=datetime(2026, 11, 27, 12, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2))),
    day=date(2026, 11, 27),
    hour=time(23, 59),
    span=timedelta(days=40, microseconds=1),
    raw=b"\x00\xff",
    tags={"a", "b"},
    pair=(1, "one"),
    by_day={date(2026, 1, 1): [Colour.RED]},
    choice="five",
    number=2**80,
)


@activity.defn(name="pass-everything-on")
async def pass_on(value: Everything) -> Everything:
    assert value == EVERYTHING
    activity.heartbeat(value)
    return value


@activity.defn(name="pass-bytes-on")
def pass_bytes_on(value: bytes, struct: Struct) -> bytes:
    assert struct["key"] == "value"
    return value[::-1]


@activity.defn(name="make-what-cannot-be")
async def make_what_cannot_be() -> object:
    return object()


@workflow.defn
class Passing:
    """Takes each kind on each way in, and gives it on each way out."""

    @workflow.init
    def __init__(self, value: Everything, queue: str) -> None:
        assert value == EVERYTHING
        self.told: list[Everything] = []

    @workflow.run
    async def run(self, value: Everything, queue: str) -> Everything:
        limits: dict[str, Any] = {"start_to_close_timeout": LIMIT}
        assert await workflow.execute_activity(pass_on, value, task_queue=queue, **limits) == value
        assert await workflow.execute_local_activity(pass_on, value, **limits) == value
        struct = Struct()
        struct["key"] = "value"
        turned = await workflow.execute_activity(pass_bytes_on, args=[b"\x01\x02", struct], task_queue=queue, **limits)
        assert turned == b"\x02\x01"
        assert await workflow.execute_child_workflow(PassingChild.run, value) == value
        await workflow.wait_condition(lambda: bool(self.told))
        assert workflow.memo_value("everything", type_hint=Everything) == value
        return self.told[0]

    @workflow.signal
    def tell(self, value: Everything) -> None:
        self.told.append(value)

    @workflow.query
    def same(self, value: Everything) -> Everything:
        return value

    @workflow.update
    async def put(self, value: Everything, nothing: None) -> Everything:
        assert nothing is None
        await workflow.sleep(0.001)
        return value


@workflow.defn
class PassingChild:
    @workflow.run
    async def run(self, value: Everything) -> Everything:
        return value


async def each_kind_on_each_way(here: Place) -> None:
    for queue in (QUEUE, REMOTE):
        handle = await here.start(Passing.run, EVERYTHING, queue, memo={"everything": EVERYTHING})
        assert await handle.query(Passing.same, EVERYTHING) == EVERYTHING
        assert await handle.execute_update(Passing.put, args=[EVERYTHING, None]) == EVERYTHING
        found = await handle.describe()
        assert await found.memo_value("everything", type_hint=Everything) == EVERYTHING
        await handle.signal(Passing.tell, EVERYTHING)
        assert await handle.result() == EVERYTHING
    # A handle that knows no type has what JSON has.
    plain = await here.client.get_workflow_handle(handle.id).result()
    assert (plain["colour"], plain["price"], plain["raw"], plain["number"]) == ("red", "0.10", "AP8=", 2**80)


@workflow.defn
class PassingModel:
    @workflow.run
    async def run(self, value: Model) -> Model:
        assert isinstance(value, Model)
        return value


@workflow.defn
class Unfit:
    """Gets and gives what cannot be converted."""

    @workflow.run
    async def run(self) -> str:
        try:
            await workflow.execute_activity(
                make_what_cannot_be, start_to_close_timeout=LIMIT, retry_policy=RetryPolicy(maximum_attempts=1)
            )
        except ActivityError as error:
            cause: Any = error.cause
            return str(cause.type)
        return "nothing"

    @workflow.query
    def give(self) -> object:
        return object()


async def what_cannot_be_converted(here: Place) -> None:
    """The error is where the value is, or where it is wanted."""
    with pytest.raises(PayloadConversionError):
        await here.start(Passing.run, object(), QUEUE)
    handle = await here.start(Unfit.run)
    assert await handle.result() == "PayloadConversionError"
    typed: WorkflowHandle[Any, int] = here.client.get_workflow_handle(handle.id, result_type=int)
    with pytest.raises(PayloadConversionError, match="expected int"):
        await typed.result()
    with pytest.raises(PayloadConversionError):
        await handle.signal("anything", object())


class Money:
    """A class that no library knows."""

    def __init__(self, cents: int) -> None:
        self.cents = cents

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Money) and other.cents == self.cents

    def __hash__(self) -> int:
        return hash(self.cents)


class MoneyConverter(JSONTypeConverter):
    def to_typed_value(self, hint: type, value: Any) -> Any:
        return Money(value) if hint is Money else JSONTypeConverter.Unhandled


def unknown(value: Any) -> Any:
    if isinstance(value, Money):
        return value.cents
    raise TypeError(type(value).__name__)


class Marked(JSONPlainPayloadConverter, WithSerializationContext):
    """JSON that says whose it is, and refuses another one's."""

    def __init__(self, whose: str = "nobody") -> None:
        super().__init__(encode_unknown=unknown, custom_type_converters=[MoneyConverter()])
        self.whose = whose

    @property
    def encoding(self) -> str:
        return "json/marked"

    def with_context(self, context: SerializationContext) -> Marked:
        if isinstance(context, ActivitySerializationContext):
            return Marked(f"{context.workflow_id}/{context.activity_id}")
        assert isinstance(context, WorkflowSerializationContext)
        return Marked(context.workflow_id)

    def to_payload(self, value: Any) -> Payload | None:
        made = super().to_payload(value)
        if made is None:
            return None
        return Payload(encoding=self.encoding, metadata={"whose": self.whose.encode()}, data=made.data)

    def from_payload(self, payload: Payload, type_hint: Any = None) -> Any:
        written = payload.metadata["whose"].decode()
        assert written == self.whose, f"of {written}, read for {self.whose}"
        return super().from_payload(Payload(encoding="json/plain", data=payload.data), type_hint)


class MarkedConverter(CompositePayloadConverter):
    def __init__(self) -> None:
        others = DefaultPayloadConverter.default_encoding_payload_converters
        super().__init__(*(each for each in others if each.encoding != "json/plain"), Marked())


@activity.defn(name="pay-marked")
async def pay(money: Money) -> Money:
    converter: PayloadConverter = activity.payload_converter()
    assert converter.from_payload(converter.to_payload(money), Money) == money
    if money.cents < 0:
        raise ApplicationError("no", money, type="Negative", non_retryable=True)
    return Money(money.cents * 2)


@workflow.defn
class Paying:
    def __init__(self) -> None:
        self.tips: list[Money] = []

    @workflow.run
    async def run(self, money: Money, deep: bool) -> Money:
        limits: dict[str, Any] = {"start_to_close_timeout": LIMIT}
        try:
            far = await workflow.execute_activity(pay, money, **limits)
        except ActivityError as error:
            cause: Any = error.cause
            # What the activity wrote is the activity's: as it is, nobody who asks for the workflow could read it.
            raise ApplicationError(cause.message, *cause.details, type=cause.type) from None
        near = await workflow.execute_local_activity(pay, money, **limits)
        if deep:
            child = await workflow.start_child_workflow(Paying.run, args=[Money(1), False])
            await child.signal(Paying.tip, Money(5))
            near = Money(near.cents + (await child).cents)
        await workflow.wait_condition(lambda: bool(self.tips))
        return Money(far.cents + near.cents + sum(tip.cents for tip in self.tips))

    @workflow.signal
    def tip(self, money: Money) -> None:
        self.tips.append(money)

    @workflow.update
    async def give(self, money: Money) -> Money:
        if money.cents < 0:
            raise ApplicationError("no", money)
        self.tips.append(money)
        return money


async def a_converter_of_ones_own(here: Place) -> None:
    """It is told what each value belongs to, the same on both sides of the log, and over a rebuild."""
    config = here.client.config()
    config["data_converter"] = DataConverter(payload_converter_class=MarkedConverter)
    client = Client(**config)
    options: dict[str, Any] = {"workflows": [Paying], "activities": [pay], "max_cached_workflows": 0}
    async with worker_of(here, client, **options):
        begin: dict[str, Any] = {"task_queue": QUEUE, "rpc_timeout": SOON}
        handle = await client.start_workflow(Paying.run, args=[Money(10), True], id=uuid.uuid4().hex, **begin)
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await handle.execute_update(Paying.give, Money(-1))
        assert isinstance(refused.value.cause, ApplicationError)
        assert refused.value.cause.details == (-1,)
        assert await handle.execute_update(Paying.give, Money(3)) == Money(3)
        assert await handle.result() == Money(20 + 20 + (2 + 2 + 5) + 3)
        failing = await client.start_workflow(Paying.run, args=[Money(-1), False], id=uuid.uuid4().hex, **begin)
        with pytest.raises(WorkflowFailureError) as failed:
            await failing.result()
        cause: Any = failed.value.cause
        assert (cause.type, cause.details) == ("Negative", (-1,))
        handle = await client.start_workflow(
            Paying.run,
            args=[Money(1), False],
            id=uuid.uuid4().hex,
            start_signal="tip",
            start_signal_args=[Money(1)],
            **begin,
        )
        assert await handle.result() == Money(5)
    config["data_converter"] = pydantic_data_converter
    async with worker_of(here, Client(**config), workflows=[PassingModel]):
        model = await Client(**config).execute_workflow(
            PassingModel.run, EVERYTHING.model, id=uuid.uuid4().hex, task_queue=QUEUE, rpc_timeout=SOON
        )
        assert model == EVERYTHING.model


SHARED: list[Scenario] = [each_kind_on_each_way, what_cannot_be_converted]
"""As in `scenarios`."""

ALONE: list[Scenario] = [a_converter_of_ones_own]
"""Scenarios that bring their own workers."""

WORKFLOWS: Sequence[type] = [Passing, PassingChild, Unfit]
ACTIVITIES: Sequence[Callable[..., Any]] = [pass_on, pass_bytes_on, make_what_cannot_be]
