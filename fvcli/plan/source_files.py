"""Which files a run needs, and how plans know them: by what is in them, not by where they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from fvcli.errors import UsageError
from fvcli.media import ArrayFacts, NamedFiles, PictureFacts
from fvcli.models.files.checksums import check_sum
from fvcli.plan.data import Source, Unit
from fvcli.spec.parameterizations import Generator, Maco
from fvcli.spec.schema import Render, Spec

DIGITS = 8  # of a sum in the name of a copy


def sources_of(spec: Spec, units: Sequence[Unit], files: NamedFiles) -> tuple[Source, ...]:
    """Return every file that a unit reads, once, in the order in which units need them."""
    known = {facts.sha256: facts for group in files.pictures.values() for facts in group}
    arrays = {facts.sha256: facts for facts in files.arrays.values()}
    sums = dict.fromkeys(needed for unit in units for needed in _read_by(unit))
    found = [known.get(needed) or arrays[needed] for needed in sums]
    return tuple(_source(facts) for facts in found)


def pinned(settings: Render, files: NamedFiles) -> Render:
    """Return settings whose parameterization says where what it reads is, and what that hashes to."""
    image = settings.parameterization
    path = file_of(settings)
    if path is None or path not in files.sums or image is None:
        return settings
    key = "path" if isinstance(image, Generator) else "spectrum"
    found = image.model_copy(update={key: files.places[path], "sha256": files.sums[path]})
    return settings.model_copy(update={"parameterization": found})


def wrong_sum(settings: Render, files: NamedFiles) -> str | None:
    """Say that what a parameterization reads is not what the spec has the sum of, if it is not."""
    path = file_of(settings)
    if path is None or path not in files.sums:
        return None
    try:
        check_sum(path, files.sums[path], getattr(settings.parameterization, "sha256", None))
    except UsageError as error:
        return str(error)
    return None


def file_of(settings: Render) -> str | None:
    """Return the path of what a parameterization reads, if it reads something."""
    image = settings.parameterization
    if isinstance(image, Generator):
        return image.path
    return image.spectrum if isinstance(image, Maco) else None


def without_paths(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return plain settings that say of files what is in them, and not where they are."""
    image = settings["parameterization"]
    if not image.get("sha256"):
        return {**settings}
    return {**settings, "parameterization": {k: v for k, v in image.items() if k not in {"path", "spectrum"}}}


def _read_by(unit: Unit) -> Iterator[str]:
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
    return Source(facts.name, file, facts.path, facts.sha256, frames, fps)
