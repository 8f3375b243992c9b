"""The stores of one processor: a slot of the state folder, and one budget of memory for all partitions."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import TracebackType

from foldlog.processors.options import ProcessorOptions
from foldlog.processors.state_dir import StateDirectory
from foldlog.processors.store import PartitionStore, RocksResources, RocksStore
from foldlog.schemas.codec import Codec


class Stores:
    """Opens partitions' stores. A context manager: it holds its slot of the folder until it ends."""

    def __init__(self, options: ProcessorOptions, codec: Codec, topic_id: str) -> None:
        """Take a slot of the state folder.

        Args:
            options: Where the folder is, and how much memory the stores may take.
            codec: Reads records.
            topic_id: Kafka's ID of `<ns>.events`, of which a store is a fold.

        Raises:
            FoldlogError: The folder cannot be used.
        """
        self._options = options
        self._codec = codec
        self._topic_id = topic_id
        self._directory = StateDirectory(options.state_dir, options.namespace)
        self._resources = RocksResources(memory_bytes=options.store_memory_bytes)

    def folder(self, partition: int) -> Path:
        """Where a partition's store is."""
        return self._directory.partition(partition)

    def open(self, partition: int) -> PartitionStore:
        """Open a partition's store, or make an empty one.

        Raises:
            StoreCorruptedError: It is damaged and may be deleted.
            StoreError: It cannot be opened, and that is not its fault.
        """
        store = RocksStore(self.folder(partition), self._resources)
        try:
            return PartitionStore(
                store,
                self._codec,
                partition=partition,
                topic_id=self._topic_id,
                request_retention_ms=int(self._options.request_retention_seconds * 1000),
                closed_retention_ms=int(self._options.closed_retention_seconds * 1000),
            )
        except BaseException:
            store.close()
            raise

    def discard(self, partition: int) -> None:
        """Delete a partition's store, which is closed: it is rebuilt from the log."""
        shutil.rmtree(self.folder(partition), ignore_errors=True)

    def __enter__(self) -> Stores:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._directory.close()
