"""RocksDB as a `KeyValueStore`: one database per partition, and one budget of memory for all of a process.

Owns how RocksDB is tuned, opened, closed and deleted, and what its errors mean. The write-ahead log is on, so that
what was written survives the process; nothing is synced to the disk, because all of it can be rebuilt.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Container, Iterator, Sequence
from pathlib import Path
from typing import TypeVar
from weakref import WeakSet

from foldlog.processors.store import formats
from foldlog.processors.store.errors import StoreClosedError, StoreCorruptedError, StoreError, StoreLockedError
from foldlog.processors.store.kv import WriteBatch, end_of
from rocksdict import (
    BlockBasedOptions,
    Cache,
    DbClosedError,
    DBCompressionType,
    Options,
    Rdict,
    RdictIter,
    ReadOptions,
    WriteBufferManager,
)
from rocksdict import WriteBatch as RocksBatch

MIB = 1 << 20
T = TypeVar("T")


class RocksResources:
    """The memory that all databases of a process share.

    Blocks read and data not yet in files are both charged to one cache, so its size bounds what the databases of all
    partitions hold together, however many there are.
    """

    def __init__(self, *, memory_bytes: int = 128 * MIB, write_buffer_bytes: int = 32 * MIB) -> None:
        """Reserve nothing yet.

        Args:
            memory_bytes: Bound on cached blocks, indexes, filters and write buffers together, in bytes.
            write_buffer_bytes: The part of it that data may take before it goes to files, in bytes.

        Raises:
            ValueError: The write buffers leave no room for anything else.
        """
        if not 0 < write_buffer_bytes < memory_bytes:
            raise ValueError("write_buffer_bytes must be above 0 and below memory_bytes")
        self.cache = Cache(memory_bytes)
        # Never stall: rocksdict holds the GIL while it writes, so a stall would stop the whole process.
        self.write_buffers = WriteBufferManager.new_write_buffer_manager_with_cache(
            write_buffer_bytes, False, self.cache
        )

    @property
    def used_bytes(self) -> int:
        """What is held now, in bytes."""
        return self.cache.get_usage()

    def options(self, *, bloom: bool) -> Options:
        """The options of one column family of a database that draws on this memory.

        Args:
            bloom: Whether its keys are looked up one by one, and often in vain.
        """
        table = BlockBasedOptions()
        table.set_block_cache(self.cache)
        # Otherwise indexes and filters live outside the cache, without a bound.
        table.set_cache_index_and_filter_blocks(True)
        table.set_pin_l0_filter_and_index_blocks_in_cache(True)
        table.set_format_version(5)
        if bloom:
            table.set_bloom_filter(10, False)
        options = Options(raw_mode=True)
        options.create_if_missing(True)
        options.create_missing_column_families(True)
        options.set_block_based_table_factory(table)
        options.set_compression_type(DBCompressionType.lz4())
        options.set_write_buffer_manager(self.write_buffers)
        options.set_write_buffer_size(16 * MIB)
        # Each family of each partition holds at least one arena block, also when it is as good as empty.
        options.set_arena_block_size(64 << 10)
        options.set_max_total_wal_size(64 * MIB)
        options.set_max_background_jobs(2)
        options.set_max_open_files(128)
        options.set_keep_log_file_num(2)
        options.set_max_log_file_size(MIB)
        options.set_stats_dump_period_sec(0)
        options.set_stats_persist_period_sec(0)
        return options


class RocksStore:
    """A `KeyValueStore` in a folder."""

    def __init__(
        self,
        path: Path,
        resources: RocksResources,
        *,
        families: Sequence[str] = formats.FAMILIES,
        looked_up: Container[str] = formats.LOOKED_UP,
    ) -> None:
        """Open the database in `path`, or make one there.

        Args:
            path: The folder; made where it is missing.
            resources: The memory to draw on.
            families: The column families. A database has the same ones for life.
            looked_up: Those of them whose keys are looked up one by one, and often in vain.

        Raises:
            StoreLockedError: It is open elsewhere.
            StoreCorruptedError: What is there is damaged or something else; it may be deleted.
            StoreError: It cannot be opened, and that is not the store's fault.
        """
        self.path = path
        self._db: Rdict | None = None
        options = {name: resources.options(bloom=name in looked_up) for name in families}

        def open_database() -> Rdict:
            path.mkdir(parents=True, exist_ok=True)
            return Rdict(str(path), resources.options(bloom=False), column_families=options)

        self._db = self._run(open_database)
        db = self._db
        self._readers = {name: db.get_column_family(name) for name in families}
        self._handles = {name: db.get_column_family_handle(name) for name in families}
        self._scans: WeakSet[_Scan] = WeakSet()

    def get(self, family: str, key: bytes) -> bytes | None:
        """See `KeyValueStore.get`."""
        try:
            value: bytes | None = self._readers[family].get(key)
        except Exception as error:
            raise self._typed(error) from error
        return value

    def scan(self, family: str, prefix: bytes = b"", start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """See `KeyValueStore.scan`. It reads the store as it was when the scan began."""
        options = ReadOptions()
        end = end_of(prefix)
        if end is not None:
            options.set_iterate_upper_bound(end)
        reader = self._readers.get(family)
        if reader is None:
            raise self._closed()
        rows = self._run(lambda: reader.iter(options))
        rows.seek(max(prefix, start))
        scan = _Scan(self, rows, end)
        self._scans.add(scan)
        return scan

    def write(self, batch: WriteBatch) -> None:
        """See `KeyValueStore.write`."""
        if self._db is None:
            raise self._closed()
        rows = RocksBatch(raw_mode=True)
        for family, changes in batch.families.items():
            handle = self._handles[family]
            put = rows.put
            for key, value in changes.items():
                if value is None:
                    rows.delete(key, handle)
                else:
                    put(key, value, handle)
        try:
            self._db.write(rows)
        except Exception as error:
            raise self._typed(error) from error

    def flush(self) -> None:
        """Write what is in memory to files: the next opening has no log to read then, and takes less time."""
        if self._db is None:
            raise self._closed()
        for reader in self._readers.values():
            self._run(reader.flush)

    def close(self) -> None:
        """See `KeyValueStore.close`."""
        db, self._db = self._db, None
        if db is None:
            return
        # RocksDB closes with the last reference to it, and only `Rdict.close` lets other threads run meanwhile: it
        # must be the last.
        for scan in list(self._scans):
            scan.release()
        self._readers = {}
        self._handles = {}
        self._run(db.close)

    @classmethod
    def destroy(cls, path: Path) -> None:
        """Delete the database in `path` and the folder. Where there is none, do nothing.

        Raises:
            StoreLockedError: It is open.
            StoreError: It cannot be deleted.
        """
        if not path.exists():
            return
        try:
            # Takes the lock, so that nobody's open database is deleted.
            Rdict.destroy(str(path), Options(raw_mode=True))
            if path.exists():
                shutil.rmtree(path)
        except Exception as error:
            raise _typed(error, path) from error

    def _run(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except Exception as error:
            raise self._typed(error) from error

    def _typed(self, error: Exception) -> Exception:
        if isinstance(error, (DbClosedError, KeyError)) and self._db is None:
            return self._closed()
        return _typed(error, self.path)

    def _closed(self) -> StoreClosedError:
        return StoreClosedError(f"the store at {self.path} is closed")


class _Scan:
    """An iterator of RocksDB that does not keep a closed database open.

    rocksdict's own iterators end at a damaged block as if that were the end of the data; here it is an error.
    """

    __slots__ = ("__weakref__", "_end", "_rows", "_store")

    def __init__(self, store: RocksStore, rows: RdictIter, end: bytes | None) -> None:
        self._store = store
        # RocksDB compares with these very bytes, in place, and rocksdict 0.3.29 does not keep them: without this
        # reference they are freed, and the scan ends wherever whatever lies there then says.
        self._end = end
        self._rows: RdictIter | None = rows

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        return self

    def __next__(self) -> tuple[bytes, bytes]:
        rows = self._rows
        if rows is None:
            raise self._store._closed()
        key: bytes | None = rows.key()
        if key is None:
            self._store._run(rows.status)
            raise StopIteration
        value: bytes = rows.value()
        rows.next()
        return key, value

    def release(self) -> None:
        """Let go of the database."""
        self._rows = None


def _typed(error: Exception, path: Path) -> Exception:
    """What an error of RocksDB means for the store's owner.

    rocksdict hands on the text of RocksDB's status, which begins with the status's code; nothing else tells the
    cases apart.
    """
    text = str(error)
    if type(error) is not Exception:
        return StoreError(f"the store at {path}: {text}") if isinstance(error, OSError) else error
    if text.startswith("IO error:") and "LOCK: " in text:
        return StoreLockedError(str(path), text)
    if text.startswith(("Corruption:", "Invalid argument:", "NotFound:", "IO error: No such file or directory:")):
        if not path.exists():
            return StoreCorruptedError(f"the store at {path} was deleted while it was in use: start again ({text})")
        return StoreCorruptedError(f"the store at {path} is damaged and must be deleted: {text}")
    return StoreError(f"the store at {path}: {text}")
