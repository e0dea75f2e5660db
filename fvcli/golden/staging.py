"""Change many files of a golden together, so that a process that dies leaves no mixture.

    GOLDEN/.accepting/files/...    what is to be there, whole
    GOLDEN/.accepting/ready.json   written last: from then on it happens; which files go, and what it is

Where a process dies before the last file is written, nothing was changed. Where it dies after it, the golden
says so, and the next acceptance finishes what was begun.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from types import TracebackType

from fvcli.errors import FvcliError, UsageError, some_of
from fvcli.run.atomic import sync_folder, write_atomic
from fvcli.run.layout import JOB_FOLDERS, SOURCES, UNITS
from fvcli.run.lock import is_held_alone

ACCEPTING, FILES, READY = ".accepting", "files", "ready.json"
MAY_GO = (UNITS, SOURCES)  # folders of which files are removed
DOING = "accepting into"


class Staging:
    """Files that are to be written into a folder together; what is not put in place goes again.

    It is for who holds the folder's lock.

    Args:
        place: The folder, which must be there.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        self._files = place / ACCEPTING / FILES

    def __enter__(self) -> Staging:
        _clear(self.place)  # of a process that died before it was ready
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not is_cut_off(self.place):
            _clear(self.place)

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

    def put_in_place(self, removed: Iterable[str], what: str) -> None:
        """Let all that was written stand in the folder, and remove other files.

        Args:
            removed: Their names, in the folders of pictures and sources.
            what: What is done, for whoever has to finish it.

        Raises:
            UsageError: A part of the folder cannot be written; nothing was changed.
            FvcliError: The disk is full, or a file system failed half way: the next acceptance goes on.
        """
        gone = sorted(set(removed))
        self._refuse_unwritable([*self.names(), *gone])
        write_atomic(self.place / ACCEPTING / READY, json.dumps({"what": what, "remove": gone}).encode())
        finish(self.place)

    def _refuse_unwritable(self, names: Iterable[str]) -> None:
        places = [self.place / name for name in names]
        closed = {str(folder) for folder in map(_nearest, places) if not _may_be_changed(folder)}
        closed |= {str(place) for place in places if place.is_dir()}
        if closed:
            message = f"{some_of(sorted(closed), 'place')} cannot be written, so nothing is accepted"
            raise UsageError(message, "allow writing there")


def is_cut_off(place: Path) -> bool:
    """Tell whether files were being put in place when a process died."""
    return (place / ACCEPTING / READY).exists()


def refuse_cut_off(place: Path) -> None:
    """Raise UsageError where a golden is a mixture of what was and of what is to be."""
    if not is_cut_off(place):
        return
    if is_held_alone(place):
        raise UsageError(f"{place}: another fvcli is {DOING} this folder", "wait for it")
    raise UsageError(
        f"{place}: an acceptance was cut off half way", "finish it: run the same fvcli accept again"
    )


def finish(place: Path) -> str | None:
    """Put in place what is ready to be; return what that was, or None where there is nothing.

    Raises:
        UsageError: What is there was not left by an acceptance.
        FvcliError: A file cannot be written; the next call goes on.
    """
    if not is_cut_off(place):
        return None
    files = place / ACCEPTING / FILES
    what, gone = _read(place / ACCEPTING / READY)
    try:
        folders = {(place / name).parent for name in gone}
        for name in _names(files):
            _move(files / name, place / name)
            folders.add((place / name).parent)
        for name in gone:
            (place / name).unlink(missing_ok=True)
        for folder in folders:
            if folder.exists():
                sync_folder(folder)
        _remove_empty(place / UNITS)
        (place / ACCEPTING / READY).unlink()
    except OSError as error:
        raise FvcliError(
            f"{error.filename or place} cannot be written: {error.strerror}",
            "mend that, and run the same fvcli accept again: it goes on from there",
        ) from error
    _clear(place)
    return what


def _read(ready: Path) -> tuple[str, list[str]]:
    """Return what was begun, and which files go: none but those that an acceptance may remove."""
    try:
        data = json.loads(ready.read_bytes())
        what, gone = str(data["what"]), [PurePosixPath(name) for name in data["remove"]]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UsageError(f"{ready}: not left by an acceptance", f"remove {ready.parent}") from error
    odd = [
        str(name) for name in gone if name.parts[:1] not in {(one,) for one in MAY_GO} or ".." in name.parts
    ]
    if odd:
        raise UsageError(f"{ready}: {some_of(odd, 'name')} may not be removed", f"remove {ready.parent}")
    return what, [str(name) for name in gone]


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:  # a folder of the golden may be on another disk
            raise
        write_atomic(target, source.read_bytes())
        source.unlink()


def _names(files: Path) -> Iterator[str]:
    for path in sorted(files.rglob("*")):
        if path.is_file():
            yield path.relative_to(files).as_posix()


def _nearest(path: Path) -> Path:
    """Return the first folder above a file that is there."""
    return next(parent for parent in path.parents if parent.exists())


def _may_be_changed(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _clear(place: Path) -> None:
    shutil.rmtree(place / ACCEPTING, ignore_errors=True)


def _remove_empty(units: Path) -> None:
    for folder in (*units.glob(f"*/{JOB_FOLDERS}"), *units.glob("*")):
        with contextlib.suppress(OSError):  # it is not empty
            folder.rmdir()
