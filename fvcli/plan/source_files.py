"""Which files a run needs, and how plans know them: by what is in them, not by where they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from fvcli.errors import UsageError
from fvcli.media import ArrayFacts, NamedFiles, PictureFacts
from fvcli.models.files.checksums import check_sum
from fvcli.plan.data import Source, Unit
from fvcli.spec.base import Strictly, file_keys
from fvcli.spec.schema import Spec
from fvcli.spec.settings import ResolvedRender, Settings

DIGITS = 8  # of a sum in the name of a copy
READING = ("parameterization", "references")  # pieces of settings that may read a file


def sources_of(spec: Spec, units: Sequence[Unit], files: NamedFiles) -> tuple[Source, ...]:
    """Return every file that a unit reads, once, in the order in which units need them."""
    known = {facts.sha256: facts for group in files.pictures.values() for facts in group}
    arrays = {facts.sha256: facts for facts in files.arrays.values()}
    sums = dict.fromkeys(needed for unit in units for needed in read_by(unit))
    found = [known.get(needed) or arrays[needed] for needed in sums]
    return tuple(_source(facts) for facts in found)


def pinned(settings: ResolvedRender, files: NamedFiles) -> ResolvedRender:
    """Return settings whose pieces say where what they read is, and what that hashes to."""
    found = {}
    for name, piece, key, path in _files_of(settings):
        if path in files.sums:
            found[name] = piece.model_copy(update={key: files.places[path], "sha256": files.sums[path]})
    return settings.model_copy(update=found) if found else settings


def wrong_sums(settings: ResolvedRender, files: NamedFiles) -> Iterator[tuple[str, str]]:
    """Yield each piece that reads something else than the spec has the sum of, and what to say of it."""
    for name, piece, _, path in _files_of(settings):
        if path not in files.sums:
            continue
        try:
            check_sum(path, files.sums[path], getattr(piece, "sha256", None))
        except UsageError as error:
            yield name, str(error)


def without_paths(written: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Return settings as plain data that say of files what is in them, and not where they are.

    Args:
        written: The settings as plain data.
        settings: The same, as they are.
    """
    found = {**written}
    for name in READING:
        piece: Strictly | None = getattr(settings, name)
        if piece is not None and written[name].get("sha256"):
            paths = file_keys(type(piece))
            found[name] = {key: value for key, value in written[name].items() if key not in paths}
    return found


def paths_outside(settings: Settings) -> Iterator[str]:
    """Yield where the files are that pieces of settings read, and that no run has a copy of."""
    yield from (path for *_, path in _files_of(settings))


def _files_of(settings: Settings) -> Iterator[tuple[str, Strictly, str, str]]:
    """Yield the pieces that read a file: their names, the pieces, the key that names the file, its path."""
    for name in READING:
        piece: Strictly | None = getattr(settings, name)
        if piece is None:
            continue
        for key in file_keys(type(piece)):
            if getattr(piece, key) is not None:
                yield name, piece, key, getattr(piece, key)


def read_by(unit: Unit) -> Iterator[str]:
    """Yield the sums of the sources that a unit reads."""
    if unit.picture is not None:
        yield unit.picture
    for term in unit.terms:
        if term.source is not None:
            yield term.source
        if term.vector is not None and "file" in term.vector:
            yield term.vector["file"]


def _source(facts: PictureFacts | ArrayFacts) -> Source:
    file = f"{facts.name}-{facts.sha256[:DIGITS]}{PurePath(facts.path).suffix.lower()}"
    frames, fps = (facts.frames, facts.fps) if isinstance(facts, PictureFacts) else (1, 0.0)
    return Source(facts.name, file, facts.path, facts.sha256, frames, fps, facts.called)
