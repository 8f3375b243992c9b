"""How a partition's state is laid out: column families, keys and values, and the number of that layout.

Keys sort as what they are made of does, so that a scan of a prefix is a scan of one workflow, run or kind. Text of any
length is written as UTF-8 with each NUL followed by FF, and ends in `00 01`. That keeps the order of workflow IDs,
which a length in front would not; no key is the beginning of another one's text; and it costs two bytes, since NULs
hardly occur. Numbers are unsigned, big endian, 8 bytes; times may be negative and have their sign bit turned.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import get_args

import msgspec
from foldlog.core.session import Answer
from foldlog.core.state import DeadlineKey, DeadlineKind, Status

FORMAT = 1
"""Changes with any change of this module that makes old rows mean something else. Older stores are rebuilt."""

WORKFLOWS = "workflows"
"""text(workflow ID) → current run ID, UTF-8."""
RUNS = "runs"
"""run key → head of the run, see `RunHead`."""
HISTORY = "history"
"""run key, event ID → the event as it stands in the log."""
PENDING = "pending"
"""run key, pending kind, its ID → event ID after which the record came, then the record as it stands in the log.
What a run has besides its history: see `PendingKind`. One family for all of it, because it is read and dropped per
run, and an empty family costs memory and a look into it."""
TIMERS = "timers"
"""due time in ms, run key, deadline kind (1 byte), deadline ID → nothing."""
REQUESTS = "requests"
"""text(workflow ID), request ID in UTF-8 → answer."""
EXPIRY = "expiry"
"""expiry kind (1 byte), time in ms since when the row only waits to be dropped, key of that row → nothing."""
META = "meta"
"""What belongs to the whole partition."""

FAMILIES = (WORKFLOWS, RUNS, HISTORY, PENDING, TIMERS, REQUESTS, EXPIRY, META)

LOOKED_UP = frozenset((WORKFLOWS, RUNS, PENDING, REQUESTS))
"""Families whose keys are looked up one by one, and often in vain."""

META_FORMAT = b"format"
META_POSITION = b"position"
META_COUNTS = b"counts"
META_TOPIC = b"topic"
"""Kafka's ID of the topic whose fold this is (KIP-516)."""
META_OPENED = b"opened"
"""The last PartitionOpened, as it stands in the log."""
META_DEPLOYMENT = b"deployment "
"""Before the name of a deployment: its last DeploymentChanged, as it stands in the log."""
META_UNSETTLED = b"unsettled "
"""Before the key of a run: a restore that has not ended stored it by its outline. Its timers are missing, and of its
pending rows some may count no more."""

END_OF_TEXT = b"\x00\x01"
LAST_MS = (1 << 63) - 1
_SIGN = 1 << 63

NUMBER = Struct(">Q")
POSITION = Struct(">QQQ")
COUNTS = Struct(">QQQ")
_FORMAT = Struct(">Ii")
_HEAD = Struct(">BQ16sQQ")
_DEADLINE = Struct(">BQ")
_STATUSES: tuple[Status, ...] = (
    "RUNNING",
    "COMPLETED",
    "FAILED",
    "CANCELED",
    "TERMINATED",
    "TIMED_OUT",
    "CONTINUED_AS_NEW",
)
assert set(_STATUSES) == set(get_args(Status))
_STATUS_NUMBERS = {status: number for number, status in enumerate(_STATUSES)}

ANY_PARTITION = -1
"""A store that was not told which partition it is for."""


class PendingKind(IntEnum):
    """The records of a run that count until something ends them. Part of keys: never reuse a number.

    In the order of the numbers they can be folded again, where they came after the same event.
    """

    ATTEMPT = 1
    """ActivityAttempt, by scheduled event ID: until the activity ends."""
    LOCAL = 2
    """LocalActivityStarted, by activity ID: until that completes."""
    DEFERRED = 3
    """CommandDeferred, by ordinal: until it is handled."""
    RESUMED = 4
    """The last WorkflowResumed: for the ordinal that it names."""
    STALLED = 5
    """The last WorkflowStalled: until the run resumes."""
    OPTIONS = 6
    """The last ActivityOptionsChanged, by scheduled event ID: until the run closes, though the activity may end before
    that. Looking for one at the end of each activity would cost more than it frees."""
    VERSIONING = 7
    """The last WorkflowOptionsChanged."""


class ExpiryKind(IntEnum):
    """What is dropped some time after it came. Part of keys: never reuse a number."""

    REQUEST = 1
    """The answer to a request."""
    RUN = 2
    """A closed run with its history."""


class RunHead(msgspec.Struct, frozen=True):
    """What the store knows of a run without folding it."""

    status: Status
    last_event_id: int
    chain: bytes
    """What the next event's `chain` must be, 16 bytes."""
    history_size: int
    """Bytes of all events."""
    closed_ms: int
    """When it closed, in Unix milliseconds; 0: it is open."""


def text(value: str) -> bytes:
    """Text as part of a key: see the module's docstring."""
    encoded = value.encode()
    if b"\0" in encoded:
        encoded = encoded.replace(b"\0", b"\0\xff")
    return encoded + END_OF_TEXT


def read_text(key: bytes, start: int) -> tuple[str, int]:
    """The text that begins at `start`, and where what follows it begins."""
    end = key.index(END_OF_TEXT, start)
    return key[start:end].replace(b"\0\xff", b"\0").decode(), end + 2


def run_key(workflow_id: str, run_id: str) -> bytes:
    """The key of a run, which no other run's key begins with."""
    return text(workflow_id) + text(run_id)


def read_run_key(key: bytes, start: int = 0) -> tuple[str, str, int]:
    """Workflow ID and run ID of the run key that begins at `start`, and where it ends."""
    workflow_id, middle = read_text(key, start)
    run_id, end = read_text(key, middle)
    return workflow_id, run_id, end


def split_run_key(key: bytes) -> tuple[bytes, bytes]:
    """The key of the run's workflow in WORKFLOWS, and the value that it has there while the run is the current one."""
    middle = key.index(END_OF_TEXT) + len(END_OF_TEXT)
    return key[:middle], read_text(key, middle)[0].encode()


def pending_id(kind: PendingKind, number: int = 0) -> bytes:
    """What follows the run key of a pending row that is known by a number."""
    return bytes((kind,)) + NUMBER.pack(number)


def deferred_ordinal(row: bytes) -> int:
    """The ordinal of a pending row of kind DEFERRED, from what follows its run key."""
    ordinal: int = NUMBER.unpack_from(row, 1)[0]
    return ordinal


def local_id(activity_id: str) -> bytes:
    """What follows the run key of a pending row of kind LOCAL."""
    return bytes((PendingKind.LOCAL,)) + activity_id.encode()


def request_key(workflow_id: str, request_id: str) -> bytes:
    """The key of a request."""
    return text(workflow_id) + request_id.encode()


def time(ms: int) -> bytes:
    """A time as part of a key. One beyond `LAST_MS`, which absurd timeouts add up to, is as good as never."""
    return NUMBER.pack((ms if ms < LAST_MS else LAST_MS) + _SIGN)


def timer_key(due_ms: int, run: bytes, deadline: DeadlineKey) -> bytes:
    """The key of a due time of the run with key `run`."""
    return time(due_ms) + run + _DEADLINE.pack(*deadline)


def read_timer_key(key: bytes) -> tuple[int, str, str, DeadlineKey]:
    """Due time in ms, workflow ID, run ID and deadline of a timer's key."""
    workflow_id, run_id, end = read_run_key(key, NUMBER.size)
    kind, number = _DEADLINE.unpack_from(key, end)
    return due_ms_of(key), workflow_id, run_id, (DeadlineKind(kind), number)


def due_ms_of(key: bytes) -> int:
    """Due time in ms of a timer's key."""
    due_ms: int = NUMBER.unpack_from(key)[0] - _SIGN
    return due_ms


def expiry_key(kind: ExpiryKind, since_ms: int, key: bytes) -> bytes:
    """The key under which a row waits to be dropped."""
    return bytes((kind,)) + time(since_ms) + key


def expiry_prefix(kind: ExpiryKind) -> bytes:
    """What the expiry keys of a kind begin with."""
    return bytes((kind,))


def since_ms_of(key: bytes) -> int:
    """Since when the row of an expiry key waits to be dropped, in Unix milliseconds."""
    since_ms: int = NUMBER.unpack_from(key, 1)[0] - _SIGN
    return since_ms


def expired_key(key: bytes) -> bytes:
    """The key of the row that an expiry key is about."""
    return key[1 + NUMBER.size :]


def pack_head(head: RunHead) -> bytes:
    """A run's head as a value."""
    return _HEAD.pack(_STATUS_NUMBERS[head.status], head.last_event_id, head.chain, head.history_size, head.closed_ms)


def unpack_head(value: bytes) -> RunHead:
    """A run's head from its value."""
    status, last_event_id, chain, history_size, closed_ms = _HEAD.unpack(value)
    return RunHead(_STATUSES[status], last_event_id, chain, history_size, closed_ms)


def pack_answer(answer: Answer) -> bytes:
    """The answer to a request as a value."""
    if answer.rejected is not None:
        return b"\x00" + answer.rejected
    return (b"\x02" if answer.started else b"\x01") + answer.run_id.encode()


def unpack_answer(value: bytes) -> Answer:
    """The answer to a request from its value."""
    if value[0] == 0:
        return Answer(rejected=value[1:])
    return Answer(value[1:].decode(), value[0] == 2)


def pack_format(partition: int) -> bytes:
    """What says how and for which partition a store is laid out."""
    return _FORMAT.pack(FORMAT, partition)


def unpack_format(value: bytes) -> tuple[int, int]:
    """The layout's number and the partition of a store."""
    number, partition = _FORMAT.unpack(value)
    return number, partition
