"""Locks, for what must be done by one process at a time. Rendering needs none: see ``run.work``.

The kernel lets go of a lock when its process dies, however it dies. Some file systems have no locks.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from fvcli.errors import UsageError
from fvcli.run.objects import is_object

LOCK_NAME = ".lock"
TRIES = 5
PAUSE_S = 0.1  # `status` looks at the lock for an instant
WAIT_S = 300.0  # longer than it takes to write a plan of a million units


@contextlib.contextmanager
def hold_while_preparing(folder: Path) -> Iterator[None]:
    """Wait for, and hold, the lock under which a run folder is set up, where the file system has locks.

    It saves work, and nothing depends on it. So it is not waited for without end: some file servers keep the
    lock of a computer that is gone, and a process that holds it may stand still.
    """
    if is_object(folder):
        yield
        return
    with (folder / f"{LOCK_NAME}-prepare").open("a") as file:
        end = time.monotonic() + WAIT_S
        while _try(file.fileno()) is False and time.monotonic() < end:
            time.sleep(PAUSE_S)
        yield


def _try(handle: int) -> bool | None:
    """Take a lock; tell whether this process has it now, or None on a file system without locks."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


@contextlib.contextmanager
def hold_alone(folder: Path, doing: str) -> Iterator[bool]:
    """Hold the lock of a folder itself, in which no file is made for it.

    Args:
        folder: It must be there.
        doing: What another process that holds it does, such as "accepting into".

    Yields:
        Whether the file system has locks.

    Raises:
        UsageError: Another process holds it.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        yield _acquire(handle, folder, f"another fvcli is {doing} this folder", "wait for it")
    finally:
        os.close(handle)


def is_held_alone(folder: Path) -> bool:
    """Tell whether a process holds the lock of a folder itself; see ``hold_alone``."""
    return _is_locked(folder)


def _acquire(handle: int, folder: Path, what: str, hint: str) -> bool:
    """Acquire a lock; tell whether there is such a thing."""
    for _ in range(TRIES):
        if (is_taken := _try(handle)) is not False:
            return bool(is_taken)
        time.sleep(PAUSE_S)
    raise UsageError(f"{folder}: {what}", hint)


def _is_locked(path: Path) -> bool:
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        return _try(handle) is False
    finally:
        os.close(handle)
