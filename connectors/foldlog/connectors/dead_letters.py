"""Dead letters: records that nobody could decode or handle, read as they were found and sent again.

Owns the reading of `<ns>.dead-letters` and the note that a letter was retried. Processors and workers write letters.

A letter has the key, the value and the headers of the record, and five headers more that say where it was found and
why. The note is a record of the same topic without a value, whose header `foldlog-retried` names the letter as
`partition:offset`. A retry writes the record to its topic and the note in one transaction, and reads the notes only
after its `init_transactions` has ended any other retry; so a letter is retried once, however often or by however many
at once it is asked for.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace

from confluent_kafka import KafkaError, KafkaException, Producer
from foldlog.exceptions import FoldlogError
from foldlog.transport.clients import open_producer
from foldlog.transport.config import KafkaConfig
from foldlog.transport.dead_letters import (
    CUT_HEADER,
    ERROR_HEADER,
    OFFSET_HEADER,
    PARTITION_HEADER,
    TIME_HEADER,
    TOPIC_HEADER,
)
from foldlog.transport.errors import BrokerUnreachableError, DeliveryError
from foldlog.transport.topic_reader import Headers, TopicRecord, read_topic
from foldlog.transport.topics import Topics

RETRIED_HEADER = "foldlog-retried"
_BY_KEY = -1
_MOST_PARTITIONS = 2**31
_MOST_OFFSETS = 2**63
_YEAR_10000_MS = 253_402_300_800_000
"""What no calendar shows."""
_ADDED = frozenset({TOPIC_HEADER, PARTITION_HEADER, OFFSET_HEADER, ERROR_HEADER, TIME_HEADER})


@dataclass(frozen=True, slots=True)
class DeadLetterId:
    """Where a letter is in `<ns>.dead-letters`; as text `partition:offset`."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"

    @classmethod
    def parse(cls, text: str) -> DeadLetterId:
        """The ID in a text; the partition may be left out, since the topic has one unless somebody made more.

        Raises:
            ValueError: The text is no such ID.
        """
        partition, _, offset = text.rpartition(":")
        try:
            parsed = cls(int(partition or "0"), int(offset))
        except ValueError:
            parsed = cls(-1, -1)
        if parsed.partition < 0 or parsed.offset < 0:
            raise ValueError(f"{text!r} names no dead letter: an ID is written partition:offset, such as 0:17")
        return parsed


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One letter."""

    id: DeadLetterId
    topic: str
    """Where the record was found; empty if its headers do not say."""
    partition: int
    offset: int
    error: str
    """Why it could not be handled."""
    time_ms: int
    """When that was, in Unix milliseconds."""
    key: bytes | None
    value: bytes | None
    headers: Headers = field(default_factory=list)
    """The record's own, without those that were added."""
    retried_ms: int = 0
    """When it was last retried, in Unix milliseconds; 0: never."""


class NotRetriableError(FoldlogError):
    """A letter cannot be sent again.

    Attributes:
        id: Which.
    """

    def __init__(self, letter: DeadLetter, reason: str) -> None:
        super().__init__(f"dead letter {letter.id} cannot be retried: {reason}")
        self.id = letter.id


class DeadLetters:
    """The dead letters of a namespace."""

    def __init__(self, config: KafkaConfig, topics: Topics, *, timeout: float = 30.0) -> None:
        """Connects to nothing yet.

        Args:
            config: How to reach Kafka.
            topics: The namespace.
            timeout: Seconds that reading may stand still, and that each step of writing may take.
        """
        self._config = config
        self._topics = topics
        self._timeout = timeout

    def read(self) -> list[DeadLetter]:
        """All letters, in the order in which they came.

        Raises:
            TransportError: The topic is missing or cannot be read.
        """
        return letters_in(read_topic(self._config, self._topics.dead_letters, timeout=self._timeout))

    def retry(self, ids: Collection[DeadLetterId] | None = None, *, again: bool = False) -> list[DeadLetter]:
        """Sends records to where they were found, all of them or none.

        Args:
            ids: Which letters; None: all that can be sent and were not yet.
            again: Also those that were retried before.

        Returns:
            The letters that were sent now; what was retried before is not among them, unless `again`.

        Raises:
            KeyError: There is no letter of such an ID.
            NotRetriableError: A letter that was named is of a topic that only processors write, or was cut.
            TransportError: Kafka cannot be reached or refuses; nothing was sent, or asking again tells.
        """
        settings = {
            "transactional.id": f"{self._topics.namespace}.dead-letters.retry",
            "transaction.timeout.ms": "10000",  # so long a killed retry holds up the readers of commands
        }
        producer = open_producer(self._config, **settings)
        try:
            self._begin(producer)
            chosen = self._choose(ids, again)
            if chosen:
                self._send(producer, chosen)
        except KafkaException as error:
            raise DeliveryError(f"the dead letters were not sent: {error.args[0].str()}") from error
        return chosen

    def _begin(self, producer: Producer) -> None:
        """Ends any other retry; the first thing that is asked of the broker."""
        try:
            producer.init_transactions(self._timeout)
        except KafkaException as error:
            if error.args[0].code() == KafkaError._TIMED_OUT:
                raise BrokerUnreachableError(self._config.bootstrap_servers, error.args[0].str()) from error
            raise

    def _choose(self, ids: Collection[DeadLetterId] | None, again: bool) -> list[DeadLetter]:
        letters = {letter.id: letter for letter in self.read()}
        if ids is None:
            named = [letter for letter in letters.values() if not self.why_not(letter)]
        else:
            named = [letters[one] for one in dict.fromkeys(ids)]
            for letter in named:
                if reason := self.why_not(letter):
                    raise NotRetriableError(letter, reason)
        return [letter for letter in named if again or not letter.retried_ms]

    def why_not(self, letter: DeadLetter) -> str:
        """Why a letter must not be sent again; empty if it may."""
        if any(name == CUT_HEADER for name, _ in letter.headers):
            return "it has only the beginning of its record, which was too large; the whole is where it was found"
        if letter.topic == self._topics.commands or letter.topic.startswith(self._topics.tasks("x")[:-1]):
            return ""
        if not letter.topic:
            return "its headers do not say which topic it was found in"
        return f"it was found in {letter.topic}, and only records of commands and tasks may be written by others"

    def _send(self, producer: Producer, letters: Iterable[DeadLetter]) -> None:
        notes = self._topics.dead_letters
        producer.begin_transaction()
        try:
            for letter in letters:
                # With a key the partition follows from it, also if the record was found in a wrong one.
                partition = _BY_KEY if letter.key is not None else letter.partition
                producer.produce(letter.topic, letter.value, letter.key, partition, headers=letter.headers)
                producer.produce(notes, None, letter.key, letter.id.partition, headers=_note(letter))
            self._commit(producer)
        except KafkaException as error:
            if error.args[0].txn_requires_abort():
                producer.abort_transaction(self._timeout)
            raise

    def _commit(self, producer: Producer) -> None:
        """Commits; a step that timed out is repeated, since that goes on with the same commit."""
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                producer.commit_transaction(self._timeout)
                return
            except KafkaException as error:
                if not error.args[0].retriable() or time.monotonic() > deadline:
                    raise


def _note(letter: DeadLetter) -> Headers:
    return [(RETRIED_HEADER, str(letter.id).encode()), (TIME_HEADER, str(time.time_ns() // 1_000_000).encode())]


def letters_in(records: Iterable[TopicRecord]) -> list[DeadLetter]:
    """The letters among the records of `<ns>.dead-letters`, with what the notes among them say."""
    letters: list[DeadLetter] = []
    retried: dict[str, int] = {}
    for record in records:
        texts = {name: _text(value) for name, value in record.headers}
        if RETRIED_HEADER in texts and record.value is None:
            retried[texts[RETRIED_HEADER]] = _time_ms(record, texts)
        else:
            letters.append(_letter(record, texts))
    return [_with_note(letter, retried.get(str(letter.id), 0)) for letter in letters]


def _letter(record: TopicRecord, texts: dict[str, str]) -> DeadLetter:
    return DeadLetter(
        id=DeadLetterId(record.partition, record.offset),
        topic=texts.get(TOPIC_HEADER, ""),
        partition=_number(texts.get(PARTITION_HEADER), _MOST_PARTITIONS),
        offset=_number(texts.get(OFFSET_HEADER), _MOST_OFFSETS),
        error=texts.get(ERROR_HEADER, ""),
        time_ms=_time_ms(record, texts),
        key=record.key,
        value=record.value,
        headers=[(name, value) for name, value in record.headers if name not in _ADDED],
    )


def _with_note(letter: DeadLetter, retried_ms: int) -> DeadLetter:
    return replace(letter, retried_ms=retried_ms) if retried_ms else letter


def _text(value: str | bytes | None) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value or ""


def _time_ms(record: TopicRecord, texts: dict[str, str]) -> int:
    return _number(texts.get(TIME_HEADER), _YEAR_10000_MS) or record.timestamp_ms % _YEAR_10000_MS


def _number(text: str | None, below: int) -> int:
    """The number in a header; 0 if there is none that can be."""
    if not text or len(text) > 19 or not (text.isascii() and text.isdigit()):
        return 0
    return int(text) if int(text) < below else 0
