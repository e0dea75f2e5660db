"""Find the files that a spec names beside its model, or say at which key they are not there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from fvcli.errors import FvcliError, UsageError
from fvcli.media import NamedFiles, find_array, find_pictures, find_place, find_stills, sha256_of_all
from fvcli.media.file_facts import file_sha256
from fvcli.spec import Document, Problem, Spec
from fvcli.spec.objectives import leaves
from fvcli.spec.problems import KeyPath
from fvcli.spec.schema import Job, Render

Found = TypeVar("Found")
Named = tuple[KeyPath, str]  # where a file is named, and how


def find_files(document: Document, spec: Spec, positions: Sequence[int], beside: Path | None) -> NamedFiles:
    """Return what is known of every file; report those that cannot be used.

    Args:
        document: What the spec was written in, for the problems.
        spec: The spec, or the valid part of it.
        positions: For each of its jobs, the position in the document.
        beside: The folder of the spec, where relative paths are looked for first.
    """
    jobs = [(("jobs", at), job) for at, job in zip(positions, spec.jobs, strict=True)]
    pictures = [named for path, job in jobs for named in _pictures(path, job)]
    arrays = [named for path, job in jobs for named in _arrays(path, job)]
    settings = [(("render",), spec.render), *_all_settings(jobs)]
    folders = [named for path, render in settings for named in _of_parameterization(path, render, "maco")]
    files = [named for path, render in settings for named in _of_parameterization(path, render, "generator")]
    spectra = _each(document, folders, lambda entry: sha256_of_all(find_stills(entry, beside)))
    models = _each(document, files, lambda entry: _sum_of_file(find_place(entry, beside)))
    return NamedFiles(
        pictures=_each(document, pictures, lambda entry: find_pictures(entry, beside)),
        arrays=_each(document, arrays, lambda entry: find_array(entry, beside)),
        sums={**spectra, **models},
        places={entry: find_place(entry, beside) for entry in (*spectra, *models)},
    )


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


def _pictures(path: KeyPath, job: Job) -> Iterator[Named]:
    for i, entry in enumerate(job.pictures or ()):
        yield (*path, "pictures", i), entry


def _arrays(path: KeyPath, job: Job) -> Iterator[Named]:
    for i, vector in enumerate(job.vectors or ()):
        if vector.file is not None:
            yield (*path, "vectors", i), vector.file
    for place, leaf in leaves(job.objective):
        below = (*path, "objective", *place)
        written = getattr(leaf, "vector", None)
        if written is not None and written.file is not None:
            yield (*below, "vector"), written.file
        for key in ("tensor", "activations"):
            if getattr(leaf, key, None) is not None:
                yield (*below, key), getattr(leaf, key)


def _all_settings(jobs: Sequence[tuple[KeyPath, Job]]) -> Iterator[tuple[KeyPath, Render]]:
    for path, job in jobs:
        yield path, job
        for i, variant in enumerate(job.variants or ()):
            yield (*path, "variants", i), variant


def _of_parameterization(path: KeyPath, render: Render, kind: str) -> Iterator[Named]:
    image = render.parameterization
    key = "path" if kind == "generator" else "spectrum"
    if image is not None and image.kind == kind and getattr(image, key) is not None:
        yield (*path, "parameterization", key), getattr(image, key)


def _sum_of_file(path: str) -> str:
    try:
        return file_sha256(Path(path))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", "give a Keras model, code -> picture") from error
