"""Which files a run needs, and how plans know them: by what is in them, not by where they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from fvcli.errors import UsageError
from fvcli.media import ArrayFacts, NamedFiles, PictureFacts
from fvcli.models.files.checksums import check_sum
from fvcli.plan.data import Source, Unit
from fvcli.spec.base import file_keys
from fvcli.spec.parameterizations import ParameterizationKind
from fvcli.spec.schema import Spec
from fvcli.spec.settings import ResolvedRender, Settings

DIGITS = 8  # of a sum in the name of a copy


def sources_of(spec: Spec, units: Sequence[Unit], files: NamedFiles) -> tuple[Source, ...]:
    """Return every file that a unit reads, once, in the order in which units need them."""
    known = {facts.sha256: facts for group in files.pictures.values() for facts in group}
    arrays = {facts.sha256: facts for facts in files.arrays.values()}
    sums = dict.fromkeys(needed for unit in units for needed in read_by(unit))
    found = [known.get(needed) or arrays[needed] for needed in sums]
    return tuple(_source(facts) for facts in found)


def pinned(settings: ResolvedRender, files: NamedFiles) -> ResolvedRender:
    """Return settings whose parameterization says where what it reads is, and what that hashes to."""
    image = settings.parameterization
    key, path = _file_of(image)
    if path is None or path not in files.sums:
        return settings
    found = image.model_copy(update={key: files.places[path], "sha256": files.sums[path]})
    return settings.model_copy(update={"parameterization": found})


def wrong_sum(settings: ResolvedRender, files: NamedFiles) -> str | None:
    """Say that what a parameterization reads is not what the spec has the sum of, if it is not."""
    _, path = _file_of(settings.parameterization)
    if path is None or path not in files.sums:
        return None
    try:
        check_sum(path, files.sums[path], getattr(settings.parameterization, "sha256", None))
    except UsageError as error:
        return str(error)
    return None


def without_paths(written: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Return settings as plain data that say of files what is in them, and not where they are.

    Args:
        written: The settings as plain data.
        settings: The same, as they are.
    """
    image = written["parameterization"]
    if not image.get("sha256"):
        return {**written}
    paths = file_keys(type(settings.parameterization))
    return {**written, "parameterization": {k: v for k, v in image.items() if k not in paths}}


def _file_of(image: ParameterizationKind) -> tuple[str, str | None]:
    """Return the key of a parameterization that names a file, and the path; None if it reads nothing."""
    key = next(iter(file_keys(type(image))), "")
    return key, getattr(image, key) if key else None


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
