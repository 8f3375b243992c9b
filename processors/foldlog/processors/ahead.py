"""Begins a transaction with the first record of each partition, while what follows from it is still being decided.

librdkafka registers the partitions of a transaction a millisecond after its first record (see `transaction`). With
that record produced at once, the millisecond passes while workflow code runs.

Owns when the transaction is begun. Deciding may take long, a broker ends what is open for too long, and the engine must
hear of neither: what goes wrong is told to the loop when it wants to commit.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from foldlog.core.outcome import LogEntry
from foldlog.processors.output import Output
from foldlog.processors.transaction import ProducerFenced, TransactionAborted, TransactionalProducer

SLOW_SHARE = 0.25
"""Of the time that a transaction has, what deciding may take. If it took more, the transaction is begun anew, and the
next one not before it is decided: it may be the same input again."""


class Pace:
    """Whether what was to be committed lately took long to decide. It outlives a membership of the group."""

    slow = False


class Ahead:
    """The records of the open transaction that are produced before the rest is decided."""

    def __init__(self, producer: TransactionalProducer, output: Output, pace: Pace) -> None:
        self._producer = producer
        self._output = output
        self._pace = pace
        self._deciding = False
        self._slow = False
        self._produced: set[int] = set()
        self._failed: TransactionAborted | ProducerFenced | None = None

    @contextmanager
    def deciding(self) -> Iterator[None]:
        """Around what leads to records: the first ones are produced meanwhile."""
        began = time.monotonic()
        self._deciding = not self._pace.slow
        try:
            yield
        finally:
            self._deciding = False
            self._slow = time.monotonic() - began > SLOW_SHARE * self._producer.timeout_seconds
            # Turns without input say nothing of the input that was slow: only a commit takes this back.
            self._pace.slow = self._pace.slow or self._slow

    def first(self, partition: int) -> Callable[[LogEntry], None]:
        """What takes the first record of a transaction on a partition."""

        def produce(entry: LogEntry) -> None:
            if self._deciding and self._failed is None:
                try:
                    if not self._producer.is_open:
                        self._producer.begin()
                    self._output.event(self._producer, partition, entry)
                    self._produced.add(partition)
                except (TransactionAborted, ProducerFenced) as error:
                    self._failed = error

        return produce

    def begin(self) -> None:
        """Make sure that a transaction is open, and has time left.

        Raises:
            TransactionAborted, ProducerFenced: It could not be begun; nobody was told before.
        """
        if self._failed is not None:
            raise self._failed
        if self._producer.is_open and self._slow:
            self._producer.abort()
            self._produced.clear()
        if not self._producer.is_open:
            self._producer.begin()

    def produced(self, partition: int) -> int:
        """How many records of the open transaction were produced on a partition."""
        return 1 if partition in self._produced else 0

    def committed(self) -> None:
        """The transaction is committed. If it was decided quickly, the next one may be begun ahead."""
        self._pace.slow = self._slow

    def ended(self) -> None:
        """The turn is over, the transaction committed or aborted.

        Raises:
            ProducerFenced: That came up ahead, and something else has kept it from being told.
        """
        self._produced.clear()
        failed, self._failed = self._failed, None
        if isinstance(failed, ProducerFenced):
            raise failed
