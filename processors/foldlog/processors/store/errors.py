"""What can be wrong with a store, by what its owner does about it."""

from __future__ import annotations

from foldlog.exceptions import FoldlogError


class StoreError(FoldlogError):
    """The store cannot be read or written, and deleting it would not help: a full disk, missing permissions."""


class StoreClosedError(StoreError):
    """The store, or the store that a scan reads, was closed before."""


class StoreLockedError(StoreError):
    """Another process, or another part of this one, has the store open.

    Attributes:
        path: The store's folder.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"the store at {path} is open elsewhere; one folder serves one processor: {reason}")
        self.path = path


class StoreCorruptedError(StoreError):
    """The store's files are damaged. Delete the folder: everything in it is rebuilt from the log."""


class StoreFormatError(StoreCorruptedError):
    """The store was written by a build with another layout, or for another partition. Delete it likewise."""


class RestoreError(FoldlogError):
    """A record of `<ns>.events` cannot be folded: the log itself is damaged, or newer than this build.

    Attributes:
        offset: The record's offset.
    """

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(f"the record at offset {offset} cannot be folded: {reason}")
        self.offset = offset
