"""The state of one partition on local disk: a cache of the fold of its part of `<ns>.events`.

Everything in a store follows from the log's records alone, so a store can be deleted at any time and is equal, key
by key, once it is rebuilt. The one class that applies records does so live and in restore.
"""

from foldlog.processors.store.batch import StoreBatch
from foldlog.processors.store.errors import (
    RestoreError,
    StoreClosedError,
    StoreCorruptedError,
    StoreError,
    StoreFormatError,
    StoreLockedError,
)
from foldlog.processors.store.formats import RunHead
from foldlog.processors.store.kv import KeyValueStore, MemoryStore, WriteBatch
from foldlog.processors.store.partition import Counts, Due, PartitionStore, Position
from foldlog.processors.store.restore import Restorer
from foldlog.processors.store.rocks import RocksResources, RocksStore

__all__ = [
    "Counts",
    "Due",
    "KeyValueStore",
    "MemoryStore",
    "PartitionStore",
    "Position",
    "RestoreError",
    "Restorer",
    "RocksResources",
    "RocksStore",
    "RunHead",
    "StoreBatch",
    "StoreClosedError",
    "StoreCorruptedError",
    "StoreError",
    "StoreFormatError",
    "StoreLockedError",
    "WriteBatch",
]
