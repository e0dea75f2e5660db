"""Keep two processes from rendering the same units of one run folder.

A whole run holds the folder's lock alone; shards share it and each holds a lock of its own slice. The
kernel lets go of a lock when its process dies, however it dies. Some file systems have no locks: there
fvcli goes on and says so.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from fvcli.errors import UsageError

LOCK_NAME = ".lock"
TRIES = 5
PAUSE_S = 0.1  # `status` looks at the lock for an instant
NO_LOCKS = "{}: this file system has no locks, so take care that no two processes render into it at once"


@contextlib.contextmanager
def hold(folder: Path, shard: str | None = None) -> Iterator[bool]:
    """Hold the lock of a run folder, or of one shard of it such as ``1-of-4``.

    Yields:
        Whether the file system has locks.

    Raises:
        UsageError: Another process holds it.
    """
    with contextlib.ExitStack() as stack:
        works = stack.enter_context(_hold_file(folder / LOCK_NAME, shared=shard is not None))
        if shard is not None:
            stack.enter_context(_hold_file(folder / f"{LOCK_NAME}-{shard}", shared=False))
        yield works


@contextlib.contextmanager
def hold_while_preparing(folder: Path) -> Iterator[None]:
    """Wait for, and hold, the lock under which a run folder is set up."""
    with (folder / f"{LOCK_NAME}-prepare").open("a") as file:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        yield


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
        yield _acquire(handle, folder, False, f"another fvcli is {doing} this folder", "wait for it")
    finally:
        os.close(handle)


def is_held_alone(folder: Path) -> bool:
    """Tell whether a process holds the lock of a folder itself; see ``hold_alone``."""
    return _is_locked(folder)


@contextlib.contextmanager
def _hold_file(path: Path, *, shared: bool) -> Iterator[bool]:
    with path.open("a") as file:
        folder = path.parent
        hint = f"wait for it (fvcli status {folder}), or give another folder"
        what = "another fvcli is rendering into this folder"
        yield _acquire(file.fileno(), folder, shared, what, hint)


def _acquire(handle: int, folder: Path, shared: bool, what: str, hint: str) -> bool:
    """Acquire a lock; tell whether there is such a thing."""
    how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    for _ in range(TRIES):
        try:
            fcntl.flock(handle, how | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(PAUSE_S)
        except OSError:
            return False
        else:
            return True
    raise UsageError(f"{folder}: {what}", hint)


def is_in_use(folder: Path) -> bool:
    """Tell whether another process renders into the folder; `status` alone does not count."""
    for _ in range(TRIES):
        if not is_held(folder):
            return False
        time.sleep(PAUSE_S)
    return True


def is_held(folder: Path) -> bool:
    """Tell whether any process holds the folder's lock now."""
    return _is_locked(folder / LOCK_NAME)


def _is_locked(path: Path) -> bool:
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return False
    finally:
        os.close(handle)
    return False
