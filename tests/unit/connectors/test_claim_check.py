"""Large payloads in a store, claims in the log."""

from __future__ import annotations

import pickle
import uuid
from pathlib import Path

import pytest
from foldlog.api.common.v1 import Payload, shown
from foldlog.connectors.claim_check import ClaimCheckCodec
from foldlog.converter import CodecChain, DataConverter
from foldlog.converter.encryption import AESGCMCodec
from foldlog.exceptions import PayloadConversionError


def stored(folder: Path) -> list[Path]:
    """The files in a folder and below."""
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture(params=["file", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"file://{tmp_path}/payloads" if request.param == "file" else f"memory://{uuid.uuid4().hex}"


async def test_large_ones_are_in_the_store_and_come_back(url: str) -> None:
    converter = DataConverter(payload_codec=ClaimCheckCodec(url, threshold=1_000))
    values = ["x" * 10_000, "small", b"y" * 20_000]
    payloads = await converter.encode(values)
    assert [payload.encoding for payload in payloads] == ["claim-check/sha256", "json/plain", "claim-check/sha256"]
    assert sum(len(payload.data) for payload in payloads) < 20
    assert payloads == await converter.encode(values)
    assert await converter.decode(payloads) == values
    elsewhere = DataConverter(payload_codec=pickle.loads(pickle.dumps(ClaimCheckCodec(url))))
    assert await elsewhere.decode(payloads) == values


async def test_the_same_content_is_stored_once(tmp_path: Path) -> None:
    for _ in range(2):  # two programs
        codec = ClaimCheckCodec(f"file://{tmp_path}", threshold=10)
        await codec.encode([Payload(data=b"z" * 100)] * 5)
    assert len(stored(tmp_path)) == 1


async def test_what_is_gone_or_changed_is_told(tmp_path: Path) -> None:
    url = f"file://{tmp_path}"
    encoded = await ClaimCheckCodec(url, threshold=10).encode([Payload(data=b"z" * 100)])
    claims = [shown(payload) for payload in encoded]
    (file,) = stored(tmp_path)
    file.write_bytes(b"other")
    with pytest.raises(PayloadConversionError, match="not the content that it had"):
        await ClaimCheckCodec(url).decode(claims)
    file.unlink()
    with pytest.raises(PayloadConversionError, match="deleted too early"):
        await ClaimCheckCodec(url).decode(claims)


async def test_a_store_that_takes_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PayloadConversionError, match="cannot be written"):
        await ClaimCheckCodec(f"file://{tmp_path}/file", threshold=1).encode([Payload(data=b"z")])


@pytest.mark.parametrize("claim", [b"", b"../../etc/passwd", b"g" * 64])
async def test_a_claim_leads_nowhere_else(claim: bytes, tmp_path: Path) -> None:
    payload = Payload(metadata={"encoding": b"claim-check/sha256", "claim": claim})
    with pytest.raises(PayloadConversionError, match="is no claim"):
        await ClaimCheckCodec(f"file://{tmp_path}").decode([payload])


async def test_the_cache_is_bounded(tmp_path: Path) -> None:
    codec = ClaimCheckCodec(f"file://{tmp_path}", threshold=10, cache_bytes=250)
    payloads = [Payload(data=bytes([number]) * 100) for number in range(5)]
    claims = [shown(payload) for payload in await codec.encode(payloads)]
    assert codec._kept_bytes <= 250
    assert await codec.decode(claims) == payloads


async def test_behind_encryption_the_store_sees_no_plain_text(tmp_path: Path) -> None:
    chain = CodecChain(AESGCMCodec({"k": b"k" * 32}), ClaimCheckCodec(f"file://{tmp_path}", threshold=10))
    assert chain.may_wait
    assert chain.thread_safe
    converter = DataConverter(payload_codec=chain)
    payloads = await converter.encode(["secret" * 100])
    (file,) = stored(tmp_path)
    assert b"secret" not in file.read_bytes()
    assert await converter.decode(payloads) == ["secret" * 100]
