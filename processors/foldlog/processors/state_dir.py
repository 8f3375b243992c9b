"""The folder of a processor's stores, which no other process uses at the same time.

Several processors of a namespace may be given the same state folder: each takes the first slot in it that is free,
and a restart finds the slot of before. The lock is the operating system's, so it ends with the process.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout
from foldlog.exceptions import ConfigurationError

MAXIMUM_SLOTS = 256


class StateDirectory:
    """One slot of a state folder, held until `close`."""

    def __init__(self, state_dir: Path, namespace: str) -> None:
        """Take a slot.

        Raises:
            ConfigurationError: The folder cannot be written, or all slots are taken.
        """
        for slot in range(MAXIMUM_SLOTS):
            folder = state_dir / namespace / f"slot-{slot}"
            try:
                folder.mkdir(parents=True, exist_ok=True)
                lock = FileLock(folder / "in-use", timeout=0)
                lock.acquire()
            except Timeout:
                continue
            except OSError as error:
                raise ConfigurationError(
                    f"option state_dir: {folder} cannot be used: {error}", option="state_dir"
                ) from error
            self._lock = lock
            self.folder = folder
            return
        raise ConfigurationError(
            f"option state_dir: all {MAXIMUM_SLOTS} slots of {state_dir / namespace} are in use", option="state_dir"
        )

    def partition(self, number: int) -> Path:
        """The folder of one partition's store."""
        return self.folder / str(number)

    def partitions(self) -> list[int]:
        """The partitions that have a store here."""
        return sorted(int(name) for name in os.listdir(self.folder) if name.isdigit())

    def close(self) -> None:
        """Give the slot back; the files stay."""
        self._lock.release()

    def __enter__(self) -> StateDirectory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
