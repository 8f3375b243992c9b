"""Stock and money in a small SQLite database: the world outside, which activities change.

Each change carries an idempotency key. A change whose key is there already is not made again, so an activity may run
twice, as activities must be able to, and still counts once. What undoes a change looks whether that was made: the
order may have ended before it, and an attempt that was given up may still come late, after it was undone.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from examples.order.model import SHELVES, Order

STOCK_PER_SHELF = 1_000_000
SCHEMA = (
    "CREATE TABLE IF NOT EXISTS shelves (name TEXT PRIMARY KEY, stock INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS till (id INTEGER PRIMARY KEY CHECK (id = 1), cents INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, kind TEXT NOT NULL, order_id TEXT NOT NULL, "
    "shelf TEXT, quantity INTEGER, cents INTEGER)",
    "CREATE INDEX IF NOT EXISTS entries_of_orders ON entries (order_id, kind)",
)


@dataclass(frozen=True)
class Totals:
    """What the ledger says when all is done."""

    taken: int
    """Pieces that have left the shelves."""
    cents: int
    """Money in the till."""
    by_kind: dict[str, int]
    """How many entries of each kind."""


class Ledger:
    """The ledger in a file. Threads and processes may share it."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, timeout=30.0, isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        with self._transaction() as database:
            for statement in SCHEMA:
                database.execute(statement)
            rows = [(f"shelf-{number:02d}", STOCK_PER_SHELF) for number in range(SHELVES)]
            database.executemany("INSERT OR IGNORE INTO shelves VALUES (?, ?)", rows)
            database.execute("INSERT OR IGNORE INTO till VALUES (1, 0)")

    def reserve(self, key: str, order: Order) -> None:
        """Take the goods off the shelf, unless they have been put back already."""
        self._enter(key, "reserve", order, quantity=order.quantity, undone_by="release")

    def release(self, key: str, order: Order) -> None:
        """Put them back, if they were taken."""
        self._undo(key, "release", "reserve", order)

    def charge(self, key: str, order: Order) -> None:
        """Take the money, unless it has been given back already."""
        self._enter(key, "charge", order, cents=order.cents, undone_by="refund")

    def refund(self, key: str, order: Order) -> None:
        """Give it back, if it was taken."""
        self._undo(key, "refund", "charge", order)

    def ship(self, key: str, order: Order) -> None:
        """Note that the goods left the house."""
        self._enter(key, "ship", order)

    def notify(self, key: str, order: Order) -> None:
        """Note that the customer was told."""
        self._enter(key, "notify", order)

    def totals(self) -> Totals:
        """Stock and money as they are now."""
        with self._transaction() as database:
            left = database.execute("SELECT sum(stock) FROM shelves").fetchone()[0]
            cents = database.execute("SELECT cents FROM till").fetchone()[0]
            by_kind = dict(database.execute("SELECT kind, count(*) FROM entries GROUP BY kind").fetchall())
        return Totals(taken=SHELVES * STOCK_PER_SHELF - left, cents=cents, by_kind=by_kind)

    def orders(self, kind: str) -> list[str]:
        """The orders that have an entry of a kind, once for each entry."""
        with self._transaction() as database:
            return [row[0] for row in database.execute("SELECT order_id FROM entries WHERE kind = ?", (kind,))]

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _enter(self, key: str, kind: str, order: Order, quantity: int = 0, cents: int = 0, undone_by: str = "") -> None:
        with self._transaction() as database:
            if not _entries(database, undone_by, order):
                _change(database, key, kind, order, quantity, cents)

    def _undo(self, key: str, kind: str, undone: str, order: Order) -> None:
        with self._transaction() as database:
            entries = _entries(database, undone, order)
            quantity, cents = sum(entry[0] for entry in entries), sum(entry[1] for entry in entries)
            _change(database, key, kind, order, -quantity, -cents)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction, undone whatever ends it early, also by the cancellation raised in an activity's thread."""
        with self._lock:
            try:
                self._database.execute("BEGIN IMMEDIATE")
                yield self._database
                self._database.execute("COMMIT")
            finally:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")


def _entries(database: sqlite3.Connection, kind: str, order: Order) -> list[tuple[int, int]]:
    """Quantity and cents of an order's entries of a kind."""
    query = "SELECT quantity, cents FROM entries WHERE order_id = ? AND kind = ?"
    return database.execute(query, (order.order_id, kind)).fetchall()


def _change(database: sqlite3.Connection, key: str, kind: str, order: Order, quantity: int, cents: int) -> None:
    """Enter a change, and make it, unless its key says that it was made before."""
    entry = (key, kind, order.order_id, order.shelf, quantity, cents)
    if not database.execute("INSERT OR IGNORE INTO entries VALUES (?, ?, ?, ?, ?, ?)", entry).rowcount:
        return
    if quantity:
        database.execute("UPDATE shelves SET stock = stock - ? WHERE name = ?", (quantity, order.shelf))
    if cents:
        database.execute("UPDATE till SET cents = cents + ?", (cents,))
