"""Which files stand in a run's folder of units, and how long they are, looked at once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fvcli.run.objects import is_object, names_below

NO_TIME = 0
NOT_ASKED = -2
_BESIDE = (".curve", ".scores")  # of other files of a unit that end in .json


@dataclass(frozen=True)
class Listing:
    """The sizes of files in bytes, by folder and name, and by stem the times of sidecars."""

    folders: Mapping[str, Mapping[str, int]]
    times_ns: Mapping[str, int]

    def stems(self) -> Iterator[str]:
        """Yield the place of everything that has a sidecar, in the order of names."""
        yield from sorted(self.times_ns)


def list_units(units: Path, *, quick: bool = False) -> Listing:
    """Look at a folder of units and the folders in it.

    Args:
        units: The folder.
        quick: Whether only sidecars are asked for their sizes; of other files the size is ``NOT_ASKED``.
    """
    if is_object(units):
        return _list_objects(units)
    folders: dict[str, dict[str, int]] = {}
    times: dict[str, int] = {}
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        sizes, written, inner = _list_folder(units, quick, folder)
        waiting += inner
        if folder:
            folders[folder] = sizes
            times |= written
    return Listing(folders, _of_sidecars(times))


def _of_sidecars(times: dict[str, int]) -> dict[str, int]:
    """Leave out files such as <unit>.curve.json, which stand beside the sidecar <unit>.json."""
    others = [stem for stem in times if stem.endswith(_BESIDE) and stem.rpartition(".")[0] in times]
    for stem in others:
        del times[stem]
    return times


def _list_folder(units: Path, quick: bool, folder: str) -> tuple[dict[str, int], dict[str, int], list[str]]:
    """Return the sizes of a folder's files, the times of its sidecars by stem, and the folders in it."""
    sizes: dict[str, int] = {}
    times: dict[str, int] = {}
    inner: list[str] = []
    start = f"{folder}/" if folder else ""
    try:
        with os.scandir(units / folder) as entries:
            for entry in entries:
                name = entry.name
                if entry.is_dir():
                    inner.append(start + name)
                    continue
                if name.endswith(".json"):
                    sizes[name], times[start + name[:-5]] = _size_and_time(entry)
                else:
                    sizes[name] = NOT_ASKED if quick else _size_and_time(entry)[0]
    except OSError:  # it is not there, or no folder
        return {}, {}, []
    return sizes, times, inner


def _list_objects(units: Path) -> Listing:
    """Return the same of an object store, which has no times that would tell one write from the next."""
    folders: dict[str, dict[str, int]] = {}
    times: dict[str, int] = {}
    for stem, size in names_below(units):
        folder, _, name = stem.rpartition("/")
        folders.setdefault(folder, {})[name] = size
        if name.endswith(".json"):
            times[stem[:-5]] = NO_TIME
    return Listing(folders, _of_sidecars(times))


def files_below(folder: Path) -> Iterator[str]:
    """Yield the name, below a folder, of every file in it and in the folders in it."""
    if is_object(folder):
        yield from (name for name, _ in names_below(folder))
        return
    for place, _, names in os.walk(folder):
        below = os.path.relpath(place, folder)
        yield from names if below == "." else (f"{below}/{name}" for name in names)


def _size_and_time(entry: os.DirEntry[str]) -> tuple[int, int]:
    try:
        found = entry.stat()
    except OSError:  # a link to nothing, or removed meanwhile
        return -1, 0
    return found.st_size, found.st_mtime_ns
