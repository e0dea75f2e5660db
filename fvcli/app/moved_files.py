"""Find the files of a picture's spec again, which names them without their folders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fvcli.errors import FvcliError
from fvcli.plan import Plan, Unit
from fvcli.plan.source_files import paths_outside, read_by
from fvcli.run import RunFolder

MODEL_FILES = ("path", "weights", "labels")


def places_of_files(picture: Path, key: str) -> dict[str, Path]:
    """Return where the files are that a picture's spec names, by their file names.

    Args:
        picture: The picture. If it is in its run, the run has copies of photos and arrays, and knows where
            models were.
        key: Of the unit that it shows.
    """
    run = _run_around(picture)
    unit = next((unit for unit in run.plan.units if unit.key == key), None) if run else None
    known = dict(_known_places(run, unit)) if run and unit else {}
    return {name: path for name, path in known.items() if path.exists()}


def move_model(data: dict[str, Any], places: Mapping[str, Path], beside: Path) -> None:
    """Write into a spec's model where its files are now: where they are known to be, or in a folder."""
    model = data.get("model")
    if not isinstance(model, dict):
        return
    for key in MODEL_FILES:
        name = model.get(key)
        if isinstance(name, str) and (name in places or (beside / name).is_file()):
            model[key] = str(places.get(name, beside / name))


def _run_around(picture: Path) -> RunFolder | None:
    for folder in picture.resolve().parents:
        try:
            return RunFolder.read(folder)
        except FvcliError:
            continue
    return None


def _known_places(run: RunFolder, unit: Unit) -> Iterator[tuple[str, Path]]:
    yield from _model_places(run.plan)
    for path in paths_outside(run.plan.programs[unit.program].settings):
        yield Path(path).name, Path(path)
    for coupling in run.plan.programs[unit.program].couplings:
        if coupling.folder is not None:
            yield Path(coupling.folder).name, Path(coupling.folder)
    for sha256 in read_by(unit):
        source = run.plan.source(sha256)
        yield source.file_name, run.source_path(source)


def _model_places(plan: Plan) -> Iterator[tuple[str, Path]]:
    for key in MODEL_FILES:
        name = getattr(plan.model, key)
        if name is not None:
            yield Path(name).name, Path(name)
