"""What the file system refuses, told as an error that names the folder and says what to do.

Owns that translation. Knows nothing of what the folders are for.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .exceptions import DiskFullError, FolderUnusableError

_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def writing_to(folder: Path, *, when_full: str = "no space left on device") -> Iterator[None]:
    """Whatever is done in the block writes to one folder, and to no other.

    Args:
        folder: To be named.
        when_full: What to say of a full disk.

    Raises:
        DiskFullError: There is no space.
        FolderUnusableError: The folder cannot be written to for another reason.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        if error.errno in _FULL:
            raise DiskFullError(folder, when_full) from error
        raise FolderUnusableError(folder, error.strerror or str(error)) from error
