"""Large payloads in a store of files or objects, and only claims to them in the log.

`pip install "foldlog[claim-check]"`; the store is whatever fsspec speaks to: a folder, S3, GCS, Azure, HDFS… A claim
names the content by its SHA-256, so the same content is stored once, and what comes back is checked. Nothing here
deletes: a store's own rule of expiry must outlast the workflows and their histories. It counts from the last use, as
content that is used again is written again.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from foldlog.api.common.v1 import Payload
from foldlog.converter import PayloadCodec
from foldlog.exceptions import PayloadConversionError
from foldlog.schemas import common as records
from fsspec.core import url_to_fs

__all__ = ["ClaimCheckCodec"]

ENCODING = "claim-check/sha256"
CLAIM = "claim"
SIZE = "claim-size"
AT_ONCE = 16
"""Contents that one call sends or fetches at the same time."""
WRITTEN_AGAIN_SECONDS = 3600.0
"""The same content is written again after so long, so that an expiry of the store counts from its last use."""
SURE_SECONDS = 60.0
"""So long after it was seen in the store, a content is taken to be there."""
REMEMBERED = 10_000
"""Contents of which a process knows when it wrote them."""


class ClaimCheckCodec(PayloadCodec):
    """Keeps large payloads in a store, on whatever path they go: arguments, results, signals, queries and answers,
    heartbeats, details of failures, memos. As the last one of a chain it gets them compressed and encrypted.
    """

    thread_safe = True

    def __init__(
        self,
        url: str,
        *,
        threshold: int = 128 * 1024,
        cache_bytes: int = 64 * 1024 * 1024,
        storage_options: dict[str, Any] | None = None,
    ) -> None:
        """Make one.

        Args:
            url: A folder of the store, as fsspec knows it: `s3://bucket/payloads`, `file:///var/lib/payloads`.
            threshold: Payloads of fewer bytes stay in the log.
            cache_bytes: Contents that are kept in memory, so that a replay need not fetch them again.
            storage_options: What fsspec is given besides.
        """
        self._url = url
        self._threshold = threshold
        self._cache_bytes = cache_bytes
        self._options = storage_options or {}
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._kept_bytes = 0
        self._there: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """What this process wrote: when it did so last, and when it last knew that the store had it."""
        self._store: tuple[Any, str] | None = None
        self._root_seen = False

    def __reduce__(self) -> tuple[object, ...]:
        return _made, (self._url, self._threshold, self._cache_bytes, self._options)

    async def encode(self, payloads: Sequence[Payload]) -> list[records.Payload]:
        """See base class.

        Raises:
            PayloadConversionError: The store does not take it.
        """
        large = {index for index, payload in enumerate(payloads) if len(payload.data) >= self._threshold}
        if not large:
            return list(payloads)
        await asyncio.sleep(0)  # from here on, on an event loop
        at_once = asyncio.Semaphore(AT_ONCE)

        async def one(index: int, payload: Payload) -> records.Payload:
            if index not in large:
                return payload
            async with at_once:
                return await asyncio.to_thread(self._put, payload)

        return list(await asyncio.gather(*(one(index, payload) for index, payload in enumerate(payloads))))

    async def decode(self, payloads: Sequence[Payload]) -> list[records.Payload]:
        """See base class.

        Raises:
            PayloadConversionError: The store does not have it, or something else.
        """
        if all(payload.encoding != ENCODING or self._cached(_claim(payload)) is not None for payload in payloads):
            return [self._claimed(payload) for payload in payloads]
        await asyncio.sleep(0)  # from here on, on an event loop
        at_once = asyncio.Semaphore(AT_ONCE)

        async def one(payload: Payload) -> records.Payload:
            if payload.encoding != ENCODING:
                return payload
            async with at_once:
                return await asyncio.to_thread(self._claimed, payload)

        return list(await asyncio.gather(*map(one, payloads)))

    # ---- in threads

    def _put(self, payload: Payload) -> records.Payload:
        content = payload.SerializeToString()
        claim = hashlib.sha256(content).hexdigest()
        if not self._surely_there(claim):
            store, path = self._file(claim)
            try:
                self._put_there(store, path, claim, content)
            except Exception as error:
                raise PayloadConversionError(f"{len(content)} bytes cannot be written to {path}: {error}") from error
            self._keep(claim, content)
        metadata = {CLAIM: claim.encode(), SIZE: str(len(content)).encode()}
        return records.Payload(encoding=ENCODING, metadata=metadata)

    def _put_there(self, store: Any, path: str, claim: str, content: bytes) -> None:
        """Write a content, unless this process did so a while ago and it still is there.

        What others wrote is written again: an expiry of the store counts from its first use, and this is a new one.
        """
        now = time.monotonic()
        with self._lock:
            written, _ = self._there.get(claim, (-math.inf, 0.0))
        if now - written > WRITTEN_AGAIN_SECONDS or not store.exists(path):
            written = now
            self._write(store, path, content)
        with self._lock:
            self._there[claim] = (written, now)
            self._there.move_to_end(claim)
            if len(self._there) > REMEMBERED:
                self._there.popitem(last=False)

    def _surely_there(self, claim: str) -> bool:
        """Whether the store had it a moment ago: a cache knows only that it once had."""
        with self._lock:
            _, seen = self._there.get(claim, (0.0, -math.inf))
        return time.monotonic() - seen < SURE_SECONDS

    def _write(self, store: Any, path: str, content: bytes) -> None:
        """Write a file so that nobody ever sees a part of it."""
        if "file" not in store.protocol and store.protocol != "file":
            store.pipe_file(path, content)  # object stores show whole objects only
            return
        folder, _, _ = path.rpartition("/")
        # Once it was there, it is not made again: it may be away, and what is written in its place meanwhile is hidden
        # when it comes back.
        if not self._root_seen:
            os.makedirs(folder, exist_ok=True)
            self._root_seen = True
        elif not os.path.isdir(folder):
            with suppress(FileExistsError):  # another thread was quicker
                os.mkdir(folder)
        beginning = f"{path}.{os.urandom(8).hex()}"
        store.pipe_file(beginning, content)
        os.replace(beginning, path)

    def _claimed(self, payload: Payload) -> records.Payload:
        if payload.encoding != ENCODING:
            return payload
        claim = _claim(payload)
        content = self._cached(claim)
        if content is None:
            store, path = self._file(claim)
            try:
                content = store.cat_file(path)
            except FileNotFoundError as error:
                raise PayloadConversionError(
                    f"the store has no {path}: it was deleted too early, or the store is another one"
                ) from error
            except Exception as error:
                raise PayloadConversionError(f"{path} cannot be read: {error}") from error
            if hashlib.sha256(content).hexdigest() != claim:
                raise PayloadConversionError(f"{path} has not the content that it had when it was written")
            self._keep(claim, content)
        return Payload.FromString(content)

    def _file(self, claim: str) -> tuple[Any, str]:
        """The store, and the path of a content."""
        with self._lock:
            if self._store is None:
                self._store = url_to_fs(self._url, **self._options)  # type: ignore[no-untyped-call]  # has none
            store, root = self._store
        return store, f"{root.rstrip('/')}/{claim[:2]}/{claim}"

    def _cached(self, claim: str) -> bytes | None:
        with self._lock:
            return self._kept.get(claim)

    def _keep(self, claim: str, content: bytes) -> None:
        with self._lock:
            if claim in self._kept or len(content) > self._cache_bytes:
                return
            self._kept[claim] = content
            self._kept_bytes += len(content)
            while self._kept_bytes > self._cache_bytes:
                _, dropped = self._kept.popitem(last=False)
                self._kept_bytes -= len(dropped)


def _claim(payload: Payload) -> str:
    claim = payload.metadata.get(CLAIM, b"").decode(errors="replace")
    if len(claim) != 64 or not set(claim) <= set("0123456789abcdef"):
        raise PayloadConversionError(f"{claim!r} is no claim")  # nor may it lead out of the store's folder
    return claim


def _made(url: str, threshold: int, cache_bytes: int, options: dict[str, Any]) -> ClaimCheckCodec:
    return ClaimCheckCodec(url, threshold=threshold, cache_bytes=cache_bytes, storage_options=options)
