"""Compression, encryption, and chains of them."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Sequence

import pytest
from foldlog.api.common.v1 import Payload
from foldlog.converter import CodecChain, DataConverter, DefaultFailureConverterWithEncodedAttributes, PayloadCodec
from foldlog.converter.compression import ZstdCodec
from foldlog.converter.encryption import AESGCMCodec, EnvelopeCodec, KeyProvider, LocalKeyProvider
from foldlog.exceptions import ApplicationError, PayloadConversionError
from foldlog.schemas import common as records

OLD, NEW = b"o" * 32, b"n" * 32
VALUES = [None, b"\x00" * 5_000, "secret" * 1_000, {"a": [1, 2]}]


class Counting(KeyProvider):
    """Another system, asked over the network."""

    def __init__(self, keys: dict[str, bytes], current: str | None = None) -> None:
        self.local = LocalKeyProvider(keys, current)
        self.wrapped = self.unwrapped = 0

    async def wrap(self, data_key: bytes) -> tuple[str, bytes]:
        self.wrapped += 1
        await asyncio.sleep(0)
        return await self.local.wrap(data_key)

    async def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        self.unwrapped += 1
        await asyncio.sleep(0)
        return await self.local.unwrap(key_id, wrapped)


@pytest.mark.parametrize(
    "codec",
    [
        ZstdCodec(),
        AESGCMCodec({"k": OLD}),
        EnvelopeCodec(LocalKeyProvider({"k": OLD})),
        EnvelopeCodec(Counting({"k": OLD}), data_key_uses=1),
        CodecChain(ZstdCodec(threshold=10, level=19), AESGCMCodec({"k": b"k" * 16})),
        CodecChain(),
    ],
    ids=["zstd", "aes", "envelope", "envelope, a key each", "chain", "empty chain"],
)
async def test_values_and_failures_come_back(codec: PayloadCodec) -> None:
    converter = DataConverter(payload_codec=codec, failure_converter_class=DefaultFailureConverterWithEncodedAttributes)
    payloads = await converter.encode(VALUES)
    assert all(type(payload) is records.Payload for payload in payloads)
    assert await converter.decode(payloads) == VALUES
    failure = await converter.encode_failure(ApplicationError("what went wrong", "detail" * 500, type="T"))
    read = await converter.decode_failure(failure)
    assert isinstance(read, ApplicationError)
    assert (read.message, read.details) == ("what went wrong", ("detail" * 500,))
    # What a program without the codec wrote is read as well.
    assert await converter.decode(await DataConverter.default.encode(VALUES)) == VALUES


async def test_zstd_leaves_alone_what_is_small_or_gets_no_smaller() -> None:
    codec = ZstdCodec(threshold=100)
    small, random = Payload(data=b"x" * 99), Payload(data=bytes(range(256)))
    assert await codec.encode([small, random]) == [small, random]
    (large,) = await codec.encode([Payload(data=b"x" * 100_000)])
    assert len(large.data) < 100
    assert large.encoding == "binary/zstd"
    assert await pickle.loads(pickle.dumps(codec)).encode([small]) == [small]
    with pytest.raises(ValueError, match="levels 1 to 22"):
        ZstdCodec(level=0)


async def test_zstd_refuses_what_is_none_and_what_would_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    codec = ZstdCodec()
    with pytest.raises(PayloadConversionError, match="cannot be read"):
        await codec.decode([Payload(metadata={"encoding": b"binary/zstd"}, data=b"nonsense")])
    large = await codec.encode([Payload(data=b"x" * 100_000)])
    monkeypatch.setattr("foldlog.converter.compression.MAXIMUM_BYTES", 99_999)
    with pytest.raises(PayloadConversionError, match="may have 99999"):
        await codec.decode([Payload(encoding=payload.encoding, data=payload.data) for payload in large])


async def shown(payloads: Sequence[records.Payload]) -> list[Payload]:
    return [Payload(encoding=p.encoding, data=p.data, metadata=p.metadata) for p in payloads]


async def test_keys_are_rotated_by_their_id() -> None:
    before, after = AESGCMCodec({"2025": OLD}), AESGCMCodec({"2025": OLD, "2026": NEW})
    payload = Payload(metadata={"encoding": b"json/plain"}, data=b'"secret"')
    old, new = await before.encode([payload]), await after.encode([payload])
    assert [old[0].metadata, new[0].metadata] == [{"encryption-key-id": b"2025"}, {"encryption-key-id": b"2026"}]
    assert b"secret" not in old[0].data
    assert old[0].data != (await before.encode([payload]))[0].data
    assert await after.decode(await shown([*old, *new])) == [payload, payload]
    with pytest.raises(PayloadConversionError, match="key '2026', which is not known here"):
        await before.decode(await shown(new))
    still = AESGCMCodec({"2025": OLD, "2026": NEW}, current="2025")
    assert (await still.encode([payload]))[0].metadata == {"encryption-key-id": b"2025"}


async def test_what_was_changed_is_refused() -> None:
    codec = AESGCMCodec({"k": OLD})
    (payload,) = await shown(await codec.encode([Payload(data=b"x")]))
    payload.data = payload.data[:-1] + bytes([payload.data[-1] ^ 1])
    with pytest.raises(PayloadConversionError, match="cannot be decrypted: it was changed"):
        await codec.decode([payload])


@pytest.mark.parametrize("make", [AESGCMCodec, LocalKeyProvider])
def test_keys_that_cannot_be_are_refused(make: type) -> None:
    with pytest.raises(ValueError, match="needs a key"):
        make({})
    with pytest.raises(ValueError, match="'b' is not among the keys"):
        make({"a": OLD}, "b")
    with pytest.raises(ValueError, match="128, 192, or 256 bits"):
        make({"a": b"short"})


async def test_a_data_key_is_used_as_often_as_allowed_and_unwrapped_once() -> None:
    provider = Counting({"k": OLD})
    codec = EnvelopeCodec(provider, data_key_uses=10)
    payloads = [Payload(data=b"%d" % number) for number in range(25)]
    encoded = await codec.encode(payloads)
    assert provider.wrapped == 3
    assert len({payload.metadata["encryption-wrapped-key"] for payload in encoded}) == 3
    reader = EnvelopeCodec(provider)
    assert await reader.decode(await shown(encoded)) == payloads
    assert await reader.decode(await shown(encoded)) == payloads
    assert provider.unwrapped == 3
    with pytest.raises(ValueError, match="at least once"):
        EnvelopeCodec(provider, data_key_uses=0)


async def test_a_data_key_gets_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("foldlog.converter.encryption.time.monotonic", lambda: now)
    provider = Counting({"k": OLD})
    codec = EnvelopeCodec(provider, data_key_seconds=60)
    await codec.encode([Payload()])
    now = 61.0
    await codec.encode([Payload()])
    assert provider.wrapped == 2


async def test_an_envelope_names_its_key_and_is_bound_to_it() -> None:
    before = EnvelopeCodec(LocalKeyProvider({"2025": OLD}))
    after = EnvelopeCodec(LocalKeyProvider({"2025": OLD, "2026": NEW}))
    (old,) = await shown(await before.encode([Payload(data=b"a")]))
    (new,) = await shown(await after.encode([Payload(data=b"b")]))
    assert await after.decode([old, new]) == [Payload(data=b"a"), Payload(data=b"b")]
    with pytest.raises(PayloadConversionError, match="'2026', which is not known here"):
        await before.decode([new])
    old.metadata["encryption-wrapped-key"] = new.metadata["encryption-wrapped-key"]
    with pytest.raises(PayloadConversionError, match="not wrapped with this key '2025'"):
        await EnvelopeCodec(LocalKeyProvider({"2025": OLD})).decode([old])


def test_what_a_chain_promises() -> None:
    class Waiting(AESGCMCodec):
        may_wait = True

    quick, slow = ZstdCodec(), Waiting({"k": OLD})
    assert not CodecChain(quick, quick).may_wait
    assert CodecChain(quick, slow).may_wait
    assert not CodecChain(quick, slow).thread_safe
