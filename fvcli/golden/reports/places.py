"""Where reports may be written: found out before a comparison takes minutes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from fvcli.errors import UsageError
from fvcli.golden.folder import GOLDEN
from fvcli.run.layout import PLAN, UNITS


def refuse_places(folders: Iterable[Path], files: Iterable[Path] = ()) -> None:
    """Raise UsageError, a line each, where reports cannot be written or would be in the way.

    Args:
        folders: That are to be made, or written into.
        files: That are to be written.
    """
    problems = [*filter(None, map(_of_folder, folders)), *filter(None, map(_of_file, files))]
    if problems:
        raise UsageError("\n".join(problems), "give another place")


def _of_folder(path: Path) -> str | None:
    return _of_run(path) or _unwritable(path)


def _of_file(path: Path) -> str | None:
    if os.path.isdir(path):  # which raises nothing
        return f"{path} is a folder, not a file"
    return _of_run(path) or _unwritable(path.parent)


def _of_run(path: Path) -> str | None:
    """Name the run or golden that a place is in: its files are not to be written over."""
    place = Path(os.path.realpath(path))
    for parent in (place, *place.parents):
        if (parent / PLAN).is_file() and (parent / UNITS).is_dir():
            kind = "golden" if (parent / GOLDEN).exists() else "run"
            return f"{path} is in the {kind} {parent}"
    return None


def _unwritable(folder: Path) -> str | None:
    try:
        there = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())
    except OSError as error:  # a folder on the way may not be searched
        return f"{folder} cannot be reached: {error.strerror}"
    if not there.is_dir():
        return f"{there} is a file, not a folder"
    return None if os.access(there, os.W_OK | os.X_OK) else f"{there} cannot be written"
