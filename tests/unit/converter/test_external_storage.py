"""External storages: what goes where, what is in its place, and drivers that do not do what they should."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from foldlog.api.common.v1 import Payload
from foldlog.converter import (
    ActivitySerializationContext,
    DataConverter,
    ExternalStorage,
    PayloadCodec,
    StorageDriver,
    StorageDriverActivityInfo,
    StorageDriverClaim,
    StorageDriverRetrieveContext,
    StorageDriverStoreContext,
    StorageDriverWorkflowInfo,
    WorkflowSerializationContext,
)
from foldlog.exceptions import PayloadConversionError


class Driver(StorageDriver):
    """Stores in memory; what it does besides is up to the test."""

    def __init__(self, name: str = "memory") -> None:
        self._name = name
        self.kept: list[Payload] = []
        self.stored: list[int] = []
        self.targets: list[Any] = []
        self.spoil: Any = lambda found: found
        self.hangs = asyncio.Event()
        self.hangs.set()
        self.cancelled = False

    def name(self) -> str:
        return self._name

    async def store(self, context: StorageDriverStoreContext, payloads: Sequence[Payload]) -> list[StorageDriverClaim]:
        try:
            await self.hangs.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        self.stored.append(len(payloads))
        self.targets.append(context.target)
        first = len(self.kept)
        self.kept.extend(payloads)
        claims = [StorageDriverClaim({"at": str(first + at)}) for at in range(len(payloads))]
        return self.spoil(claims)  # type: ignore[no-any-return]  # whatever the test makes of it

    async def retrieve(
        self, context: StorageDriverRetrieveContext, claims: Sequence[StorageDriverClaim]
    ) -> list[Payload]:
        return self.spoil([self.kept[int(claim.claim_data["at"])] for claim in claims])  # type: ignore[no-any-return]


class Reverse(PayloadCodec):
    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [Payload(metadata={"encoding": b"reversed"}, data=each.SerializeToString()[::-1]) for each in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [Payload.FromString(each.data[::-1]) for each in payloads]


async def test_what_is_large_is_stored_at_once_and_comes_back_in_its_place() -> None:
    driver = Driver()
    converter = DataConverter(external_storage=ExternalStorage([driver], payload_size_threshold=100))
    values = ["small", "x" * 200, 7, "y" * 300]
    payloads = await converter.encode(values)
    assert [each.encoding == "json/external-storage-reference" for each in payloads] == [False, True, False, True]
    assert max(len(each.data) for each in payloads) < 100
    assert (driver.stored, driver.targets) == ([2], [None])
    assert await converter.decode(payloads) == values


async def test_the_threshold_is_of_the_whole_payload() -> None:
    driver = Driver()
    size = Payload(metadata={"encoding": b"json/plain"}, data=b'"abc"').ByteSize()
    for threshold, stored in ((size, 1), (size + 1, 0)):
        driver.stored.clear()
        await DataConverter(external_storage=ExternalStorage([driver], payload_size_threshold=threshold)).encode(
            ["abc"]
        )
        assert len(driver.stored) == stored


async def test_it_has_what_the_codec_made_and_variants_have_it_once() -> None:
    driver = Driver()
    storage = ExternalStorage([driver], payload_size_threshold=0)
    plain = DataConverter(payload_codec=Reverse())
    converter = replace(replace(plain, external_storage=storage), external_storage=storage)
    payloads = await converter.encode(["secret"])
    assert [each.metadata["encoding"] for each in driver.kept] == [b"reversed"]
    assert await converter.decode(payloads) == ["secret"]
    assert driver.stored == [1]
    without = replace(converter, external_storage=None)
    assert [each.encoding for each in await without.encode(["secret"])] == ["reversed"]
    assert driver.stored == [1]


async def test_a_selector_chooses_and_references_name_their_driver() -> None:
    one, two = Driver("one"), Driver("two")

    def choose(context: Any, payload: Payload) -> StorageDriver | None:
        return {b"1": one, b"2": two}.get(payload.data[1:2])

    storage = ExternalStorage([one, two], driver_selector=choose, payload_size_threshold=0)
    converter = DataConverter(external_storage=storage)
    payloads = await converter.encode(["1a", "2a", "3a", "1b"])
    assert (one.stored, two.stored) == ([2], [1])
    assert await converter.decode(payloads) == ["1a", "2a", "3a", "1b"]
    only_one = DataConverter(external_storage=ExternalStorage([one]))
    assert await only_one.decode([payloads[0], payloads[2]]) == ["1a", "3a"]
    with pytest.raises(ValueError, match="No driver found with name 'two'"):
        await only_one.decode(payloads)


async def test_drivers_are_told_what_payloads_belong_to() -> None:
    driver = Driver()
    converter = DataConverter(external_storage=ExternalStorage([driver], payload_size_threshold=0))
    assert converter.wants_context
    activity = {"activity_id": "7", "activity_type": "pay", "activity_task_queue": "q", "is_local": False}
    for context in (
        WorkflowSerializationContext("shop", "order"),
        ActivitySerializationContext("shop", workflow_id="order", workflow_type="Order", **activity),  # type: ignore[arg-type]
        ActivitySerializationContext("shop", workflow_id=None, workflow_type=None, **activity),  # type: ignore[arg-type]
    ):
        within = converter.with_context(context)
        assert await within.decode(await within.encode(["x"])) == ["x"]
    assert driver.targets == [
        StorageDriverWorkflowInfo(namespace="shop", id="order"),
        StorageDriverWorkflowInfo(namespace="shop", id="order", type="Order"),
        StorageDriverActivityInfo(namespace="shop", id="7", type="pay"),
    ]
    assert driver.type() == "Driver"


async def test_drivers_that_give_too_little_are_told() -> None:
    driver = Driver()
    converter = DataConverter(external_storage=ExternalStorage([driver], payload_size_threshold=0))
    payloads = await converter.encode(["a", "b"])
    driver.spoil = lambda found: found[1:]
    with pytest.raises(ValueError, match="Driver 'memory' returned 1 claims, expected 2"):
        await converter.encode(["a", "b"])
    with pytest.raises(ValueError, match="Driver 'memory' returned 1 payloads, expected 2"):
        await converter.decode(payloads)
    payloads[0].data = b'{"driver_name": 7}'
    with pytest.raises(PayloadConversionError, match="no reference to an external storage"):
        await converter.decode(payloads)


async def test_a_driver_that_raises_ends_the_others() -> None:
    good, bad, stranger = Driver("good"), Driver("bad"), Driver("stranger")
    choices = {b"1": good, b"2": bad, b"3": stranger}
    storage = ExternalStorage(
        [good, bad], driver_selector=lambda _, payload: choices[payload.data[1:2]], payload_size_threshold=0
    )
    converter = DataConverter(external_storage=storage)
    good.hangs.clear()

    def fail(found: Any) -> Any:
        raise OSError("no space left")

    bad.spoil = fail
    with pytest.raises(OSError, match="no space left"):
        await converter.encode(["1", "2"])
    assert good.cancelled
    with pytest.raises(ValueError, match="'stranger' returned by driver_selector is not registered"):
        await converter.encode(["3"])


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"drivers": []}, "at least one driver"),
        ({"drivers": [Driver("a"), Driver("b")]}, "driver_selector must be specified"),
        ({"drivers": [Driver("a"), Driver("a")], "driver_selector": lambda *_: None}, "multiple drivers with name 'a'"),
        ({"drivers": [Driver("a")], "payload_size_threshold": -1}, "greater than or equal to zero"),
    ],
)
def test_what_cannot_be(options: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        ExternalStorage(**options)


def test_what_is_no_driver_and_no_storage() -> None:
    other: Any = "a folder"
    with pytest.raises(TypeError, match="StorageDrivers, not 'a folder'"):
        ExternalStorage([other])
    with pytest.raises(TypeError, match="ExternalStorage or None, not 'a folder'"):
        DataConverter(external_storage=other)


@dataclass
class Unhashable(StorageDriver):
    """As people write classes: it compares by its fields, and so has no hash."""

    bucket: str
    kept: dict[str, Payload] = field(default_factory=dict)

    def name(self) -> str:
        return self.bucket

    async def store(self, context: StorageDriverStoreContext, payloads: Sequence[Payload]) -> list[StorageDriverClaim]:
        keys = [str(len(self.kept) + at) for at in range(len(payloads))]
        self.kept.update(zip(keys, payloads, strict=True))
        return [StorageDriverClaim({"key": key}) for key in keys]

    async def retrieve(
        self, context: StorageDriverRetrieveContext, claims: Sequence[StorageDriverClaim]
    ) -> list[Payload]:
        return [self.kept[claim.claim_data["key"]] for claim in claims]


async def test_drivers_need_not_be_hashable() -> None:
    drivers = [Unhashable("a"), Unhashable("b")]
    storage = ExternalStorage(drivers, lambda _, payload: drivers[b"y" in payload.data], payload_size_threshold=10)
    converter = DataConverter(external_storage=storage)
    values = ["x" * 20, "y" * 20, "z" * 20]
    assert await converter.decode(await converter.encode(values)) == values
    assert [len(driver.kept) for driver in drivers] == [2, 1]
