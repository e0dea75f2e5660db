"""Find the files that a spec names beside its model, or say at which key they are not there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from fvcli.errors import FvcliError, UsageError, counted, some_of
from fvcli.media import (
    ArrayFacts,
    NamedFiles,
    PictureFacts,
    find_array,
    find_pictures,
    find_place,
    left_out,
    sha256_of_all,
    stills_of,
)
from fvcli.media.file_facts import file_sha256
from fvcli.media.left_out import remark_on_transparent
from fvcli.spec import Document, Problem, Spec
from fvcli.spec.base import FileKind, files_in
from fvcli.spec.file_names import safe_name
from fvcli.spec.mistakes.problems import KeyPath

Found = TypeVar("Found")
Named = tuple[KeyPath, str]  # where a file is named, and how


def find_files(
    document: Document,
    spec: Spec,
    positions: Sequence[int],
    beside: Path | None,
    places: Mapping[str, Path] | None = None,
) -> NamedFiles:
    """Return what is known of every file; report those that cannot be used.

    Args:
        document: What the spec was written in, for the problems.
        spec: The spec, or the valid part of it.
        positions: For each of its jobs, the position in the document.
        beside: The folder of the spec, where relative paths are looked for first.
        places: Where files are that have moved, by what the spec calls them.
    """
    found = [*files_in(spec.render, ("render",))]
    for at, job in zip(positions, spec.jobs, strict=True):
        found += files_in(job, ("jobs", at))
    moved = _Moved(places or {})
    finders: dict[FileKind, Callable[[str], Any]] = {
        "pictures": lambda name: moved.pictures(name, beside),
        "array": lambda name: moved.array(name, beside),
        "stills": lambda name: moved.sum_of_stills(name, beside),
        "photos": lambda name: moved.sum_of_stills(name, beside),
        "model": lambda name: _sum_of_file(find_place(moved.place(name), beside)),
    }
    named: dict[FileKind, list[Named]] = {what: [] for what in finders}
    for path, name, what in found:
        named[what].append((path, name))
    known = {what: _each(document, named[what], find) for what, find in finders.items()}
    sums = {**known["stills"], **known["photos"], **known["model"]}
    return NamedFiles(
        pictures=known["pictures"],
        arrays=known["array"],
        sums=sums,
        places={name: find_place(moved.place(name), beside) for name in sums},
        counts=moved.counts,
        remarks=tuple(dict.fromkeys(moved.remarks)),
    )


class _Moved:
    """Finds files where they are now, and calls them what the spec calls them.

    remarks: What it found and left out.
    counts: How many pictures each folder has that was summed.
    """

    def __init__(self, places: Mapping[str, Path]) -> None:
        self._places = places
        self.remarks: list[str] = []
        self.counts: dict[str, int] = {}

    def place(self, name: str) -> str:
        return str(self._places.get(name, name))

    def pictures(self, name: str, beside: Path | None) -> list[PictureFacts]:
        found = find_pictures(self.place(name), beside)
        if name not in self._places:
            self._remark(left_out(name, beside))
            self._remark(remark_on_transparent(name, found))
            return found
        return [replace(facts, name=safe_name(Path(name)), called=name) for facts in found]

    def sum_of_stills(self, name: str, beside: Path | None) -> str:
        place = self.place(name)
        pictures = find_pictures(place, beside)
        stills = stills_of(place, pictures)
        self._remark(left_out(place, beside))
        self._remark(remark_on_transparent(place, stills))
        films = [picture for picture in pictures if picture.frames > 1]
        if films:
            names = some_of([Path(film.path).name for film in films], "film")
            what = counted(len(films), "film")
            self._remark(f"{place}: left out {what} ({names}): films are not read here")
        self.counts[name] = len(stills)
        return sha256_of_all(stills)

    def _remark(self, text: str) -> None:
        self.remarks += [text] if text else []

    def array(self, name: str, beside: Path | None) -> ArrayFacts:
        found = find_array(self.place(name), beside)
        if name not in self._places:
            return found
        return replace(found, name=safe_name(Path(name)), called=name)


def _each(document: Document, named: Sequence[Named], find: Callable[[str], Found]) -> dict[str, Found]:
    """Find each entry once; report it at the first place that names it."""
    found: dict[str, Found] = {}
    wrong: set[str] = set()
    for path, entry in named:
        if entry in found or entry in wrong:
            continue
        try:
            found[entry] = find(entry)
        except FvcliError as error:
            wrong.add(entry)
            document.report([Problem(path, str(error))])
    return found


def _sum_of_file(path: str) -> str:
    try:
        return file_sha256(Path(path))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", "give a Keras model, code -> picture") from error
