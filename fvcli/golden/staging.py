"""Change many files of a golden together, so that a process that dies leaves no mixture.

    GOLDEN/.accepting/files/...    what is to be there, whole
    GOLDEN/.accepting/ready.json   written last: from then on it happens, and these files go

Where a process dies before the last file is written, nothing was changed. Where it dies after it, the golden
says so, and the next acceptance finishes what was begun.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from fvcli.errors import FvcliError, UsageError
from fvcli.run.atomic import sync_folder, write_atomic
from fvcli.run.layout import UNITS

ACCEPTING, FILES, READY = ".accepting", "files", "ready.json"
MOST_NAMED = 3


class Staging:
    """Files that are to be written into a folder together.

    Args:
        place: The folder; it need not be there.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        self._files = place / ACCEPTING / FILES
        shutil.rmtree(place / ACCEPTING, ignore_errors=True)  # of a process that died before it was ready

    def write(self, name: str, content: bytes) -> None:
        """Write a file, named as seen from the folder."""
        write_atomic(self._files / name, content)

    def find(self, name: str) -> Path:
        """Return where a file is now: as it is to be, or as it stands."""
        staged = self._files / name
        return staged if staged.exists() else self.place / name

    def names(self) -> set[str]:
        """Return the names of all files that are to be written."""
        return set(_names(self._files))

    def put_in_place(self, removed: Iterable[str]) -> None:
        """Let all that was written stand in the folder, and remove other files.

        Raises:
            UsageError: A part of the folder cannot be written; nothing was changed.
            FvcliError: The disk is full, or a file system failed half way: the next acceptance goes on.
        """
        gone = sorted(set(removed))
        self._refuse_unwritable([*self.names(), *gone])
        write_atomic(self.place / ACCEPTING / READY, json.dumps(gone).encode())
        finish(self.place)

    def _refuse_unwritable(self, names: Iterable[str]) -> None:
        folders = {_nearest(self.place / name) for name in names}
        closed = sorted(str(folder) for folder in folders if not os.access(folder, os.W_OK | os.X_OK))
        if closed:
            more = f" and {len(closed) - MOST_NAMED} more" if len(closed) > MOST_NAMED else ""
            message = f"{', '.join(closed[:MOST_NAMED])}{more} cannot be written, so nothing is accepted"
            raise UsageError(message, "allow writing there")


def is_cut_off(place: Path) -> bool:
    """Tell whether files were being put in place when a process died."""
    return (place / ACCEPTING / READY).exists()


def refuse_cut_off(place: Path) -> None:
    """Raise UsageError where a golden is a mixture of what was and of what is to be."""
    if is_cut_off(place):
        raise UsageError(
            f"{place}: an acceptance was cut off half way", "finish it: run the same fvcli accept again"
        )


def finish(place: Path) -> None:
    """Put in place what is ready to be, if there is something.

    Raises:
        FvcliError: A file cannot be written; the next call goes on.
    """
    if not is_cut_off(place):
        return
    files, ready = place / ACCEPTING / FILES, place / ACCEPTING / READY
    try:
        gone = json.loads(ready.read_bytes())
        for name in _names(files):
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (files / name).replace(place / name)
        for name in gone:
            (place / name).unlink(missing_ok=True)
        _remove_empty(place / UNITS)
        sync_folder(place)
        ready.unlink()
    except OSError as error:
        raise FvcliError(
            f"{error.filename or place} cannot be written: {error.strerror}",
            "mend that, and run the same fvcli accept again: it goes on from there",
        ) from error
    shutil.rmtree(place / ACCEPTING, ignore_errors=True)


def _names(files: Path) -> Iterator[str]:
    for path in sorted(files.rglob("*")):
        if path.is_file():
            yield path.relative_to(files).as_posix()


def _nearest(path: Path) -> Path:
    """Return the first folder above a file that is there."""
    return next(parent for parent in path.parents if parent.exists())


def _remove_empty(units: Path) -> None:
    for folder in units.glob("*"):
        with contextlib.suppress(OSError):  # it is not empty
            folder.rmdir()
