"""Write files whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from fvcli.errors import FvcliError

TEMPORARY = ".tmp-"  # how the names of half-written files begin
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # disk, quota, or the limit on the size of a file


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file so that at any moment either the old or the whole new one is there.

    Raises:
        FvcliError: The disk is full or the folder cannot be written; nothing is left behind.
    """
    with open_atomic(path) as file:
        file.write(content)


@contextlib.contextmanager
def open_atomic(path: Path) -> Iterator[BinaryIO]:
    """Open a file to be written piece by piece; it stands at its place once all of it is written.

    Raises:
        FvcliError: As ``write_atomic``; any OSError while the file is open counts as one of this file.
    """
    temporary = _temporary(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        if error.errno in FULL:
            message = f"no space left for {path} ({error.strerror})"
            raise FvcliError(message, "free some and run the same command; what is done is kept") from error
        raise FvcliError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):  # renamed away if all went well
            temporary.unlink()


def _temporary(path: Path) -> Path:
    """Return a place beside a file that no other process uses; short, because names end at 255 bytes."""
    owner = f"{path.name} {socket.gethostname()} {os.getpid()}"
    return path.with_name(TEMPORARY + hashlib.sha256(owner.encode()).hexdigest()[:16])


def sync_folder(folder: Path) -> None:
    """Make sure that what was renamed or linked in a folder survives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def share_file(source: Path, target: Path) -> None:
    """Let a file stand at a second place too, without copying it where the file system can do that.

    Raises:
        FvcliError: The disk is full or the folder cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        try:
            os.link(source, target)
        except OSError:  # a file system without links
            shutil.copy2(source, target)
    except OSError as error:
        raise FvcliError(f"{target} cannot be written: {error.strerror}") from error


def remove_temporaries(folder: Path) -> None:
    """Remove what a killed process left half-written, of this version or of an older one."""
    for pattern in (f"{TEMPORARY}*", ".*.tmp"):
        for temporary in folder.rglob(pattern):
            temporary.unlink(missing_ok=True)
