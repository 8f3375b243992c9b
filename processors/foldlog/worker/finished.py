"""Which tasks of a partition have ended: the finished-set, and its form in the metadata of a commit.

Tasks end out of order. What is committed is the lowest offset that has not ended, and, as the commit's metadata, which
ones above it have. Whoever takes the partition over skips those. Pure: no Kafka, no clock, no thread; one thread uses
a set at a time.

The metadata is text, because Kafka keeps it as a string: a version marker, a form, and base64 (URL alphabet, without
padding) of either *runs*, which are varints that count in turn unfinished and finished offsets from the committed one
on, or *bits*, one for each offset from the committed one on, least significant bit first, 1 where it has ended.
The shorter one is taken.

Kafka bounds the metadata (`offset.metadata.max.bytes`, 4096 by default). `FinishedSet.fits` therefore says whether one
more offset may be taken such that every order of ending still fits. Who keeps to it never loses a finished task.
"""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence

DEFAULT_LIMIT_BYTES = 4096
"""Kafka's default for `offset.metadata.max.bytes`."""

_RUNS = "f1r:"
_BITS = "f1b:"
_PREFIX_BYTES = 4

Run = tuple[int, int]
"""Offsets from the first, up to and without the second."""


class MetadataError(ValueError):
    """The metadata of a commit is not a finished-set that this build can read."""


class FinishedSet:
    """The finished tasks of one partition.

    Offsets are taken in ascending order. Those that never come (transaction markers, aborted records, records that
    compaction or retention removed) count as finished as soon as a later one is taken.
    """

    def __init__(self, low_water: int, metadata: str | None = None, *, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> None:
        """Begin where a commit ended.

        Args:
            low_water: The committed offset: the lowest that has not ended.
            metadata: The commit's metadata; None or empty: nothing above has ended.
            limit_bytes: How long the metadata may be.

        Raises:
            MetadataError: The metadata is something else.
        """
        self._next = low_water
        self._unfinished: OrderedDict[int, None] = OrderedDict()
        self._known: list[Run] = decode(low_water, metadata or "")
        """Runs above `_next` that an earlier owner finished."""
        self._limit_bytes = limit_bytes
        self.dropped = 0
        """Finished offsets that the last metadata had no place for; they are repeated after a crash."""
        self._skip_known()

    @property
    def low_water(self) -> int:
        """The lowest offset that has not ended: what to commit."""
        return next(iter(self._unfinished), self._next)

    @property
    def unfinished(self) -> int:
        """How many offsets were taken and have not ended."""
        return len(self._unfinished)

    def limit(self, limit_bytes: int) -> None:
        """Change how long the metadata may be."""
        self._limit_bytes = limit_bytes

    def take(self, offset: int) -> bool:
        """Take an offset that has come in.

        Returns:
            True if its task is to be run; False if it has ended or is running already.
        """
        if offset < self._next:
            return False
        position = bisect_right(self._known, (offset, 1 << 63)) - 1
        finished = position >= 0 and offset < self._known[position][1]
        self._drop_known(offset)
        self._next = offset + 1
        if not finished:
            self._unfinished[offset] = None
        self._skip_known()
        return not finished

    def finish(self, offset: int) -> None:
        """Note that the task at an offset that was taken has ended. A second time changes nothing."""
        self._unfinished.pop(offset, None)

    def fits(self, offset: int) -> bool:
        """Whether an offset may be taken such that whatever order the tasks end in fits into the metadata.

        There are never more finished runs than unfinished offsets, and never more bits than the distance from the
        lowest unfinished offset to the last one taken: the better of the two bounds counts. Both only sink until
        the next offset is taken.
        """
        capacity = _capacity(self._limit_bytes)
        end = self._known[-1][1] if self._known else 0
        span = max(end, self._next, offset + 1) - min(self.low_water, offset)
        if span <= capacity * 8:
            return True
        return (len(self._unfinished) + len(self._known) + 1) * 2 * _varint_size(span) <= capacity

    def runs(self) -> Iterator[Run]:
        """The finished runs above the low-water mark, ascending, each apart from the next."""
        start = self.low_water
        for offset in self._unfinished:
            if offset > start:
                yield start, offset
            start = offset + 1
        if self._unfinished and self._next > start:
            yield start, self._next
        yield from self._known

    def metadata(self) -> str:
        """The finished-set as text; at most as many bytes as the limit. Sets `dropped`."""
        text, self.dropped = encode(self.low_water, list(self.runs()), self._limit_bytes)
        return text

    def _drop_known(self, below: int) -> None:
        """Forget known runs that end at or below an offset: nothing below it is taken any more."""
        while self._known and self._known[0][1] <= below:
            self._known.pop(0)

    def _skip_known(self) -> None:
        """Go past a known run that begins where the next offset is looked for, or before."""
        while self._known and self._known[0][0] <= self._next:
            self._next = max(self._next, self._known.pop(0)[1])


def encode(base: int, runs: Sequence[Run], limit_bytes: int = DEFAULT_LIMIT_BYTES) -> tuple[str, int]:
    """Finished runs as text.

    Args:
        base: The committed offset.
        runs: Above it, ascending, not touching.
        limit_bytes: How long the text may be. If not all fits, the lowest runs are kept, in the form that keeps more.

    Returns:
        The text (empty for no runs), and how many finished offsets found no place in it.
    """
    if not runs:
        return "", 0
    capacity = _capacity(limit_bytes)
    total = sum(end - start for start, end in runs)
    as_runs, kept = _encode_runs(base, runs, capacity)
    # The bits are no shorter than one byte for eight offsets: do not build them where runs are short already.
    if kept == total and len(as_runs) <= (runs[-1][1] - base + 7) // 8:
        return _text(_RUNS, as_runs), 0
    as_bits, kept_bits = _encode_bits(base, runs, capacity)
    if (kept_bits, -len(as_bits)) > (kept, -len(as_runs)):
        return _text(_BITS, as_bits), total - kept_bits
    return _text(_RUNS, as_runs), total - kept


def decode(base: int, text: str) -> list[Run]:
    """The finished runs in the metadata of a commit at `base`.

    Raises:
        MetadataError: The text is something else.
    """
    if not text:
        return []
    form, body = text[:_PREFIX_BYTES], text[_PREFIX_BYTES:]
    if form not in (_RUNS, _BITS):
        raise MetadataError(f"commit metadata begins with {text[:8]!r}, not with {_RUNS!r} or {_BITS!r}")
    try:
        data = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise MetadataError(f"commit metadata is not base64: {error}") from error
    return _decode_runs(base, data) if form == _RUNS else _decode_bits(base, data)


def _text(form: str, data: bytes) -> str:
    if not data:
        return ""
    return form + base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _capacity(limit_bytes: int) -> int:
    """Bytes before base64 that fit."""
    return max(limit_bytes - _PREFIX_BYTES, 0) * 3 // 4


def _encode_runs(base: int, runs: Iterable[Run], capacity: int) -> tuple[bytes, int]:
    data = bytearray()
    kept = 0
    for start, end in runs:
        pair = _varint(start - base) + _varint(end - start)
        if len(data) + len(pair) > capacity:
            break
        data += pair
        kept += end - start
        base = end
    return bytes(data), kept


def _encode_bits(base: int, runs: Sequence[Run], capacity: int) -> tuple[bytes, int]:
    limit = base + capacity * 8
    bits = 0
    kept = 0
    for start, end in runs:
        end = min(end, limit)
        if end <= start:
            break
        bits |= ((1 << (end - start)) - 1) << (start - base)
        kept += end - start
    return bits.to_bytes((bits.bit_length() + 7) // 8, "little"), kept


def _decode_runs(base: int, data: bytes) -> list[Run]:
    numbers = list(_read_varints(data))
    if len(numbers) % 2:
        raise MetadataError("commit metadata ends within a run")
    runs = []
    for gap, length in zip(numbers[::2], numbers[1::2], strict=True):
        if not length:
            raise MetadataError("commit metadata has an empty run")
        start = base + gap
        base = start + length
        runs.append((start, base))
    return runs


def _decode_bits(base: int, data: bytes) -> list[Run]:
    bits = int.from_bytes(data, "little")
    runs = []
    while bits:
        gap = (bits & -bits).bit_length() - 1
        bits >>= gap
        length = (~bits & (bits + 1)).bit_length() - 1
        bits >>= length
        runs.append((base + gap, base + gap + length))
        base += gap + length
    return runs


def _varint(number: int) -> bytes:
    data = bytearray()
    while number > 0x7F:
        data.append(number & 0x7F | 0x80)
        number >>= 7
    data.append(number)
    return bytes(data)


def _varint_size(number: int) -> int:
    return max((number.bit_length() + 6) // 7, 1)


def _read_varints(data: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in data:
        number |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            yield number
            number = shift = 0
        elif shift > 63:
            raise MetadataError("commit metadata has a number of more than 64 bits")
    if shift:
        raise MetadataError("commit metadata ends within a number")
