"""Compression of payloads with zstd: `pip install "foldlog[zstd]"`."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import zstandard
from foldlog.api.common.v1 import Payload
from foldlog.converter._codec import PayloadCodec
from foldlog.exceptions import PayloadConversionError
from foldlog.schemas import common as records

ENCODING = "binary/zstd"
MAXIMUM_BYTES = 256 * 1024 * 1024
"""What is larger once it is decompressed is refused: a few bytes could fill the memory."""


class ZstdCodec(PayloadCodec):
    """Compresses payloads that are large enough and get smaller by it."""

    may_wait = False

    def __init__(self, *, threshold: int = 1024, level: int = 3) -> None:
        """Make one.

        Args:
            threshold: Payloads of fewer bytes stay as they are.
            level: From 1, the fastest, to 22, the smallest.

        Raises:
            ValueError: There is no such level.
        """
        if not 1 <= level <= 22:
            raise ValueError(f"zstd has levels 1 to 22, not {level}")
        self._threshold = threshold
        self._level = level
        self._local = threading.local()

    def __reduce__(self) -> tuple[object, ...]:
        return _made, (self._threshold, self._level)

    async def encode(self, payloads: Sequence[Payload]) -> list[records.Payload]:
        """See base class."""
        return [self._compressed(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[records.Payload]:
        """See base class."""
        return [_decompressed(payload) if payload.encoding == ENCODING else payload for payload in payloads]

    def _compressed(self, payload: Payload) -> records.Payload:
        if len(payload.data) < self._threshold:
            return payload
        compressor = getattr(self._local, "compressor", None)
        if compressor is None:
            # One for each thread, as it must not be shared; making one costs more than it does.
            compressor = self._local.compressor = zstandard.ZstdCompressor(level=self._level)
        data = compressor.compress(payload.SerializeToString())
        return records.Payload(encoding=ENCODING, data=data) if len(data) < len(payload.data) else payload


def _decompressed(payload: Payload) -> records.Payload:
    try:
        size = zstandard.frame_content_size(payload.data)
        if size > MAXIMUM_BYTES:
            raise PayloadConversionError(f"a compressed payload has {size} bytes, and may have {MAXIMUM_BYTES}")
        data = zstandard.ZstdDecompressor().decompress(payload.data, max_output_size=MAXIMUM_BYTES if size < 0 else 0)
        return Payload.FromString(data)
    except (zstandard.ZstdError, ValueError) as error:
        raise PayloadConversionError(f"a compressed payload cannot be read: {error}") from error


def _made(threshold: int, level: int) -> ZstdCodec:
    return ZstdCodec(threshold=threshold, level=level)
