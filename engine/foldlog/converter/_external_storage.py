"""Large payloads in stores of the program's own, by drivers: the names and meanings of Temporal's `ExternalStorage`.

Owns which payloads go where, and the references that are in the log in their place. It is a codec, the last one on the
way to the log, so it sees every value on every path that codecs see. `foldlog.connectors.claim_check` is another one,
that brings its own store.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import msgspec
from foldlog.api.common.v1 import Payload
from foldlog.converter._codec import CodecChain, PayloadCodec
from foldlog.converter._context import (
    ActivitySerializationContext,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
    in_context,
)
from foldlog.exceptions import PayloadConversionError

T = TypeVar("T")

ENCODING = b"json/external-storage-reference"
THRESHOLD_BYTES = 256 * 1024


@dataclass(frozen=True)
class StorageDriverClaim:
    """By what a driver finds a payload again."""

    claim_data: Mapping[str, str]
    """The driver's own; it is in the log."""


@dataclass(frozen=True, kw_only=True)
class StorageDriverWorkflowInfo:
    """A workflow that a payload belongs to."""

    namespace: str
    id: str | None = None
    run_id: str | None = None
    """Always None: payloads belong to a workflow, whichever of its runs."""
    type: str | None = None
    """Only for activities of a workflow."""


@dataclass(frozen=True, kw_only=True)
class StorageDriverActivityInfo:
    """An activity without a workflow that a payload belongs to."""

    namespace: str
    id: str | None = None
    run_id: str | None = None
    """Always None."""
    type: str | None = None


StorageDriverTarget: TypeAlias = StorageDriverActivityInfo | StorageDriverWorkflowInfo


@dataclass(frozen=True)
class StorageDriverStoreContext:
    """What a driver is told of payloads that it is to store."""

    target: StorageDriverTarget | None = None
    """What they belong to, as `WithSerializationContext` is told; what is of a workflow's activities is the workflow's.
    """


@dataclass(frozen=True)
class StorageDriverSelectContext:
    """What a selector is told of a payload."""

    target: StorageDriverTarget | None = None
    """See `StorageDriverStoreContext`."""


@dataclass(frozen=True)
class StorageDriverRetrieveContext:
    """What a driver is told of payloads that it is to bring back: nothing, so far."""


class StorageDriver(ABC):
    """Stores payloads, and brings them back. Called on the event loop of the client or worker."""

    @abstractmethod
    def name(self) -> str:
        """What references in the log call it; another one in each driver of an `ExternalStorage`."""

    def type(self) -> str:
        """What it is, for people: the name of its class, unless it says otherwise."""
        return type(self).__name__

    @abstractmethod
    async def store(self, context: StorageDriverStoreContext, payloads: Sequence[Payload]) -> list[StorageDriverClaim]:
        """Store payloads.

        Args:
            context: What they belong to.
            payloads: At least one.

        Returns:
            A claim for each, in their order.
        """

    @abstractmethod
    async def retrieve(
        self, context: StorageDriverRetrieveContext, claims: Sequence[StorageDriverClaim]
    ) -> list[Payload]:
        """Bring payloads back. Each replay asks for them again.

        Args:
            context: See there.
            claims: At least one.

        Returns:
            A payload for each, in their order.
        """


class StorageWarning(RuntimeWarning):
    """What drivers may warn of."""


@dataclass(frozen=True)
class ExternalStorage:
    """Which payloads are stored where: `DataConverter(external_storage=…)`.

    Raises:
        TypeError: On making one: a driver is none.
        ValueError: There is no driver, two have one name, several have no selector, or the threshold is
            negative.
    """

    drivers: Sequence[StorageDriver]
    driver_selector: Callable[[StorageDriverSelectContext, Payload], StorageDriver | None] | None = None
    """Says which driver stores a payload, or None: it stays in the log. Needed where there are several drivers."""
    payload_size_threshold: int = THRESHOLD_BYTES
    """Payloads of fewer bytes stay in the log."""
    _by_name: dict[str, StorageDriver] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for driver in self.drivers:
            if not isinstance(driver, StorageDriver):
                raise TypeError(f"ExternalStorage.drivers are StorageDrivers, not {driver!r}")
        by_name = {driver.name(): driver for driver in self.drivers}
        if not by_name:
            raise ValueError("ExternalStorage.drivers must contain at least one driver.")
        if self.payload_size_threshold < 0:
            raise ValueError("ExternalStorage.payload_size_threshold must be greater than or equal to zero.")
        if len(self.drivers) > 1 and self.driver_selector is None:
            raise ValueError("ExternalStorage.driver_selector must be specified if multiple drivers are registered.")
        if len(by_name) < len(self.drivers):
            names = [driver.name() for driver in self.drivers]
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(
                f"ExternalStorage.drivers contains multiple drivers with name '{twice}'. "
                "Each driver must have a unique name."
            )
        object.__setattr__(self, "_by_name", by_name)

    def driver_of(self, context: StorageDriverSelectContext, payload: Payload) -> StorageDriver | None:
        """Who stores a payload; None: nobody.

        Raises:
            ValueError: The selector chose one that is not among the drivers.
        """
        # Most payloads are small, and need not be written to be measured.
        if len(payload.data) < self.payload_size_threshold and payload.ByteSize() < self.payload_size_threshold:
            return None
        if self.driver_selector is None:
            return self.drivers[0]
        driver = self.driver_selector(context, payload)
        if driver is not None and self._by_name.get(driver.name()) is not driver:
            raise ValueError(
                f"Driver '{driver.name()}' returned by driver_selector is not registered in ExternalStorage.drivers"
            )
        return driver

    def driver_named(self, name: str) -> StorageDriver:
        """The driver that a reference names.

        Raises:
            ValueError: There is none.
        """
        driver = self._by_name.get(name)
        if driver is None:
            raise ValueError(f"No driver found with name '{name}'")
        return driver


class _Claim(msgspec.Struct):
    claim_data: dict[str, str]


class _Reference(msgspec.Struct):
    driver_name: str
    driver_claim: _Claim


class StorageCodec(PayloadCodec, WithSerializationContext):
    """Puts references in the place of large payloads, and back."""

    def __init__(self, storage: ExternalStorage, target: StorageDriverTarget | None = None) -> None:
        """Make one.

        Args:
            storage: Which payloads are stored where.
            target: What they belong to; None: it is not known.
        """
        self.storage = storage
        self._storing = StorageDriverStoreContext(target)
        self._selecting = StorageDriverSelectContext(target)

    def with_context(self, context: SerializationContext) -> StorageCodec:
        """See base class."""
        return StorageCodec(self.storage, _target(context))

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """See base class.

        Raises:
            ValueError: A driver gave more or fewer claims than it was asked for.
        """
        # By their names: drivers need not be hashable.
        chosen: dict[str, tuple[StorageDriver, list[int]]] = {}
        for index, payload in enumerate(payloads):
            driver = self.storage.driver_of(self._selecting, payload)
            if driver is not None:
                chosen.setdefault(driver.name(), (driver, []))[1].append(index)
        made = list(payloads)
        stored = await _all([self._store(driver, [payloads[each] for each in at]) for driver, at in chosen.values()])
        for (_, indexes), references in zip(chosen.values(), stored, strict=True):
            for index, reference in zip(indexes, references, strict=True):
                made[index] = reference
        return made

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """See base class.

        Raises:
            ValueError: A reference names no driver, or its driver gave more or fewer payloads than it was asked for.
            PayloadConversionError: What should be a reference is none.
        """
        wanted: dict[str, tuple[StorageDriver, list[tuple[int, StorageDriverClaim]]]] = {}
        for index, payload in enumerate(payloads):
            if payload.metadata.get("encoding") == ENCODING:
                name, claim = _claim(payload)
                wanted.setdefault(name, (self.storage.driver_named(name), []))[1].append((index, claim))
        made = list(payloads)
        found = await _all(
            [self._retrieve(driver, [claim for _, claim in claims]) for driver, claims in wanted.values()]
        )
        for (_, claims), brought in zip(wanted.values(), found, strict=True):
            for (index, _), payload in zip(claims, brought, strict=True):
                made[index] = payload
        return made

    async def _store(self, driver: StorageDriver, payloads: list[Payload]) -> list[Payload]:
        claims = await driver.store(self._storing, payloads)
        if len(claims) != len(payloads):
            raise ValueError(f"Driver '{driver.name()}' returned {len(claims)} claims, expected {len(payloads)}")
        references = [_Reference(driver.name(), _Claim(dict(claim.claim_data))) for claim in claims]
        return [Payload(metadata={"encoding": ENCODING}, data=msgspec.json.encode(each)) for each in references]

    async def _retrieve(self, driver: StorageDriver, claims: list[StorageDriverClaim]) -> list[Payload]:
        payloads = await driver.retrieve(StorageDriverRetrieveContext(), claims)
        if len(payloads) != len(claims):
            raise ValueError(f"Driver '{driver.name()}' returned {len(payloads)} payloads, expected {len(claims)}")
        return payloads


class StoringChain(CodecChain):
    """A program's own codec, if there is one, and then its external storage."""

    def __init__(self, own: PayloadCodec | None, storing: PayloadCodec) -> None:
        """Make one."""
        self.own, self.storing = own, storing
        super().__init__(*(codec for codec in (own, storing) if codec is not None))

    def with_context(self, context: SerializationContext) -> StoringChain:
        """See base class."""
        return StoringChain(in_context(self.own, context), in_context(self.storing, context))


def with_storage(codec: PayloadCodec | None, storage: ExternalStorage | None) -> PayloadCodec | None:
    """A codec, and after it a storage; either may be missing, and the codec may have had one before."""
    if storage is not None and not isinstance(storage, ExternalStorage):
        raise TypeError(f"external_storage is an ExternalStorage or None, not {storage!r}")
    own = codec.own if isinstance(codec, StoringChain) else codec
    return own if storage is None else StoringChain(own, StorageCodec(storage))


def _target(context: SerializationContext) -> StorageDriverTarget | None:
    if isinstance(context, WorkflowSerializationContext):
        return StorageDriverWorkflowInfo(namespace=context.namespace, id=context.workflow_id)
    if not isinstance(context, ActivitySerializationContext):
        return None
    if context.workflow_id is not None:
        return StorageDriverWorkflowInfo(
            namespace=context.namespace, id=context.workflow_id, type=context.workflow_type
        )
    return StorageDriverActivityInfo(namespace=context.namespace, id=context.activity_id, type=context.activity_type)


def _claim(payload: Payload) -> tuple[str, StorageDriverClaim]:
    try:
        reference = msgspec.json.decode(payload.data, type=_Reference)
    except msgspec.MsgspecError as error:
        raise PayloadConversionError(f"this is no reference to an external storage: {error}") from error
    return reference.driver_name, StorageDriverClaim(reference.driver_claim.claim_data)


async def _all(calls: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """What all of them return; when one fails, the others are cancelled, and waited for."""
    if len(calls) < 2:
        return [await call for call in calls]
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
