"""Large payloads in a store, claims in the log."""

from __future__ import annotations

import os
import pickle
import time
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


async def test_what_is_used_again_is_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By another program at once, so that its age counts from there; by the same one, after a while."""
    payloads = [Payload(data=b"z" * 100)]
    codec, other = (ClaimCheckCodec(f"file://{tmp_path}", threshold=10) for _ in range(2))
    claims = [shown(payload) for payload in await codec.encode(payloads)]
    (file,) = stored(tmp_path)
    os.utime(file, (1, 1))
    await codec.encode(payloads)
    assert file.stat().st_mtime == 1
    assert await other.decode(claims) == payloads
    await other.encode(payloads)
    assert file.stat().st_mtime > 1
    os.utime(file, (1, 1))
    now = time.monotonic()
    monkeypatch.setattr("time.monotonic", lambda: now + 3601)
    await codec.encode(payloads)
    assert file.stat().st_mtime > 1


async def test_what_was_deleted_is_written_again_though_it_is_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    payloads = [Payload(data=b"z" * 100)]
    codec, reader = (ClaimCheckCodec(f"file://{tmp_path}", threshold=10) for _ in range(2))
    claims = [shown(payload) for payload in await codec.encode(payloads)]
    assert await reader.decode(claims) == payloads
    (file,) = stored(tmp_path)
    file.unlink()
    await reader.encode(payloads)  # it has read it, and never written
    assert stored(tmp_path) == [file]
    file.unlink()
    now = time.monotonic()
    monkeypatch.setattr("time.monotonic", lambda: now + 61)
    await codec.encode(payloads)
    assert stored(tmp_path) == [file]


async def test_a_folder_that_is_away_is_not_made_anew(tmp_path: Path) -> None:
    """What is written in place of a mount that is away is hidden by it when it comes back."""
    folder = tmp_path / "mounted" / "payloads"
    codec = ClaimCheckCodec(f"file://{folder}", threshold=10)
    await codec.encode([Payload(data=b"z" * 100)])
    folder.rename(tmp_path / "away")
    with pytest.raises(PayloadConversionError, match="cannot be written"):
        await codec.encode([Payload(data=b"y" * 100)])
    assert not folder.exists()
    (tmp_path / "away").rename(folder)
    await codec.encode([Payload(data=b"y" * 100)])
    assert len(stored(folder)) == 2


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
