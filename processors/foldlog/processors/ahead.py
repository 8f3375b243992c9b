"""Begins the next transaction while eager activities run: the end of a short one comes at once, and needs one.

A commit waits for the broker five times, one after the other: until the partitions are registered, which librdkafka
asks for a millisecond after the first record; twice for the offsets; for the records; for the decision. The first can
pass before anybody knows what will be in the transaction, and a turn that reads no commands moves no offsets, so it
sends none. Two waits are left.

Owns when that is worth it. While such a transaction is open nobody polls the consumer, since a rebalance would come
between its first record and its end. So it is waited for a moment only, and in between the consumer gets its turn.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

from foldlog.processors.output import Output
from foldlog.processors.partition import Partition, Work
from foldlog.processors.transaction import TransactionAborted, TransactionalProducer
from foldlog.processors.turns import Turns, unix_ms
from foldlog.schemas.log import BatchBegun
from foldlog.schemas.registry import SchemaLookupError

logger = logging.getLogger("foldlog.processor")

WAIT_SECONDS = 0.003
"""How long an activity may take. Commands wait meanwhile."""
PAUSE_SECONDS = 1.0
"""After one that took longer, no transaction is begun ahead for so long."""
IN_A_ROW = 10
"""How many turns may go by without one of the consumer's."""


class Ahead:
    """What is begun ahead, of one membership."""

    def __init__(self, producer: TransactionalProducer, output: Output, turns: Turns) -> None:
        self._producer = producer
        self._output = output
        self._turns = turns
        self._pause_until = 0.0
        self._in_a_row = 0
        self._begun: list[tuple[Partition, BatchBegun, bytes]] = []

    def polled(self) -> None:
        """The consumer has just had its turn."""
        self._in_a_row = 0

    @property
    def is_open(self) -> bool:
        """Whether the transaction of the next turn is begun."""
        return self._producer.is_open

    def begin(self, works: Iterable[tuple[Partition, Work]]) -> None:
        """Begin the next transaction, if eager activities are about to begin, and are quick.

        Args:
            works: What has just been committed, and is not applied yet.

        Raises:
            ProducerFenced: These producers can do nothing more.
        """
        eager = [partition for partition, work in works if work.outcome.eager]
        if not eager or sum(sum(work.commands.values()) for _, work in works) > 1:
            return  # Under load the next batch holds commands, and their offsets.
        if self._in_a_row == IN_A_ROW or time.monotonic() < self._pause_until:
            return
        self._in_a_row += 1
        begun = BatchBegun(time_ms=unix_ms())
        try:
            self._producer.begin()
            for partition in eager:
                self._begun.append((partition, begun, self._output.begin(self._producer, partition.number, begun)))
        except (TransactionAborted, SchemaLookupError) as error:
            # Not the loop's to handle: what it would go back over is committed.
            logger.warning("a transaction could not be begun ahead: %s", error)
            self._pause_until = time.monotonic() + PAUSE_SECONDS
            self._begun.clear()
            self._producer.abort()

    def applied(self) -> None:
        """The last transaction is in the stores: its partitions may take up the next."""
        for partition, begun, encoded in self._begun:
            partition.begun_ahead(begun, encoded)
        self._begun.clear()

    def wait(self) -> None:
        """Wait for the end of an activity, for a moment."""
        self._turns.await_memory(WAIT_SECONDS)
        if not self._turns.has_heard:
            self._pause_until = time.monotonic() + PAUSE_SECONDS
