"""Write files whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from pathlib import Path

from fvcli.errors import FvcliError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # disk, quota, or the limit on the size of a file


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file so that at any moment either the old or the whole new one is there.

    Raises:
        FvcliError: The disk is full or the folder cannot be written; nothing is left behind.
    """
    temporary = path.with_name(f".{path.name}.{socket.gethostname()}-{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        if error.errno in FULL:
            message = f"no space left for {path} ({error.strerror})"
            raise FvcliError(message, "free some and run the same command; what is done is kept") from error
        raise FvcliError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):  # renamed away if all went well
            temporary.unlink()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)  # the rename itself must survive a power cut
    finally:
        os.close(handle)


def remove_temporaries(folder: Path) -> None:
    """Remove what a killed process left half-written."""
    for temporary in folder.rglob(".*.tmp"):
        temporary.unlink(missing_ok=True)
