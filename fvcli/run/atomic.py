"""Write files whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import BinaryIO

from fvcli.errors import FvcliError
from fvcli.run.objects import is_object, put, put_new, read_bytes, remove_below
from fvcli.run.process import computer

TEMPORARY = ".tmp-"  # how the names of half-written files begin
ANCIENT_S = 2 * 86400.0  # nobody writes a file for so long, whatever two clocks say
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # disk, quota, or the limit on the size of a file


def write_atomic(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write a file so that at any moment either the old or the whole new one is there.

    Args:
        path: Where it is to stand.
        content: All of it.
        durable: Whether it must survive a power cut.

    Raises:
        FvcliError: The disk is full or the folder cannot be written; nothing is left behind.
    """
    if is_object(path):
        put(path, content)
        return
    with open_atomic(path, durable=durable) as file:
        file.write(content)


def create_exclusive(path: Path, content: bytes) -> bool:
    """Make a file that was not there; tell whether this process made it, and no other.

    It is there with all its content at once, or, where the file system has no links, empty for a moment.

    Raises:
        FvcliError: The disk is full or the folder cannot be written.
    """
    if is_object(path):
        return put_new(path, content)
    temporary = _temporary(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        try:
            os.link(temporary, path)  # as exclusive as O_EXCL, and on old file servers more so
        except FileExistsError:
            return False
        except OSError:  # a file system without links
            with path.open("xb") as file:
                file.write(content)
    except FileExistsError:
        return False
    except OSError as error:
        raise _said(error, path) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    return True


@contextlib.contextmanager
def open_atomic(path: Path, *, durable: bool = True) -> Iterator[BinaryIO]:
    """Open a file to be written piece by piece; it stands at its place once all of it is written.

    Raises:
        FvcliError: As ``write_atomic``; any OSError while the file is open counts as one of this file.
    """
    temporary = _temporary(path)
    try:
        with _opened(temporary) as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
        if durable:
            sync_folder(path.parent)
    except OSError as error:
        raise _said(error, path) from error
    finally:
        with contextlib.suppress(OSError):  # renamed away if all went well
            temporary.unlink()


def _opened(path: Path) -> BinaryIO:
    """Open a new file; its folder is mostly there."""
    with contextlib.suppress(FileNotFoundError):
        return path.open("wb")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("wb")


def _said(error: OSError, path: Path) -> FvcliError:
    if error.errno in FULL:
        message = f"no space left for {path} ({error.strerror})"
        return FvcliError(message, "free some and run the same command; what is done is kept")
    return FvcliError(f"{path} cannot be written: {error.strerror}")


def _temporary(path: Path) -> Path:
    """Return a place beside a file that no other thread uses; short, because names end at 255 bytes."""
    name = hashlib.sha256(path.name.encode()).hexdigest()[:8]
    return path.with_name(f"{_of_this_computer()}{os.getpid()}-{threading.get_native_id()}-{name}")


@cache
def _of_this_computer() -> str:
    """Return how names begin that no other computer uses, nor a container that counts processes anew."""
    return f"{TEMPORARY}{hashlib.sha256(computer().encode()).hexdigest()[:8]}-"


def make_folder(path: Path) -> None:
    """Make a folder where there are folders."""
    if not is_object(path):
        path.mkdir(parents=True, exist_ok=True)


def remove_tree(path: Path) -> None:
    """Remove all that stands below a place."""
    if is_object(path):
        remove_below(path)
    else:
        shutil.rmtree(path, ignore_errors=True)


def sync_folder(folder: Path) -> None:
    """Make sure that what was renamed or linked in a folder survives a power cut."""
    if is_object(folder):
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def share_file(source: Path, target: Path) -> None:
    """Let a file stand at a second place too, without copying it where the file system can do that.

    Raises:
        FvcliError: It is not there, the disk is full, or the folder cannot be written.
    """
    if is_object(target):
        put(target, read_bytes(source))
        return
    if is_object(source):
        write_atomic(target, read_bytes(source), durable=False)
        return
    try:
        source.stat()
    except OSError as error:
        raise FvcliError(f"{source} cannot be read: {error.strerror}") from error
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
    """Remove what killed processes left half-written: of this computer, and what is days old.

    Older versions did not write into a name whose process it was. In an object store nothing is left.
    """
    if is_object(folder):
        return
    ours, old = _of_this_computer(), re.compile(rf"{re.escape(TEMPORARY)}[0-9a-f]{{16}}|\..*\.tmp")
    for place, _, names in os.walk(folder):
        for name in names:
            if not name.startswith("."):  # as none of them does; sites have hundreds of thousands of files
                continue
            path = Path(place, name)
            is_left = name.startswith(ours) and not _is_running(name[len(ours) :])
            if is_left or old.fullmatch(name) or (name.startswith(TEMPORARY) and _is_ancient(path)):
                path.unlink(missing_ok=True)


def _is_ancient(path: Path) -> bool:
    with contextlib.suppress(OSError):
        return abs(time.time() - path.stat().st_mtime) > ANCIENT_S
    return False


def _is_running(owner: str) -> bool:
    pid = owner.partition("-")[0]
    return pid.isdigit() and int(pid) != os.getpid() and Path("/proc", pid).exists()
