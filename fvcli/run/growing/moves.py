"""Bring finished pictures to the places that another plan has for them, such as those of a renamed job.

    units/old/x --link--> .moving-1/units/new/x, complete --link--> units/new/x

Pictures may change places with one another, so all are there before any is put in place. Those that a
killed process left on the way are found by the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fvcli.plan import Plan, Unit
from fvcli.run.atomic import remove_tree, share_file, sync_folder, write_atomic
from fvcli.run.finished import Finished, all_finished, finished_at, finished_of
from fvcli.run.growing.growth import staging_folders
from fvcli.run.layout import STAGING, UNITS, next_numbered
from fvcli.run.sidecar import Sidecar


def told_anew(sidecar: Sidecar, unit: Unit) -> Sidecar:
    """Return a sidecar that says of its picture what a plan calls it; how it was rendered stays."""
    return replace(
        sidecar,
        job=unit.job,
        label=unit.label,
        unit=unit.unit,
        objective=unit.objective,
        layer=unit.layer,
    )


def stage(folder: Path, moves: Sequence[tuple[Finished, Unit]]) -> None:
    """Let pictures stand in a folder of their own, named and described as the plan has them."""
    place = next_numbered(folder, STAGING)
    for picture, unit in moves:
        if picture.stem != unit.stem or picture.units == folder / UNITS:
            _stage(picture, unit, place / UNITS)
    for written in {(place / UNITS / unit.stem).parent for _, unit in moves}:
        if written.exists():
            sync_folder(written)


def _stage(picture: Finished, unit: Unit, units: Path) -> None:
    sidecar = picture.sidecar
    assert isinstance(sidecar, Sidecar)  # others have no key
    for file in picture.files:  # without the copies that are gone
        name = file.name.removeprefix(f"{Path(picture.stem).name}.")
        if name != "json":
            share_file(file, units / f"{unit.stem}.{name}")
    told = told_anew(sidecar, unit)
    if told.to_json() == sidecar.to_json():  # only its place is another
        share_file(picture.units / f"{picture.stem}.json", units / f"{unit.stem}.json")
    else:
        write_atomic(units / f"{unit.stem}.json", told.to_json().encode())


def install(folder: Path, plan: Plan) -> None:
    """Put staged pictures in their places, the sidecar last, and remove what is left of their way."""
    if not staging_folders(folder):
        return
    keys = {unit.stem: unit.key for unit in plan.units}
    for units in staging_folders(folder):
        for picture in all_finished(units).values():
            if keys.get(picture.stem) == picture.key and finished_at(folder / UNITS, picture.stem) is None:
                _put_in_place(picture, folder / UNITS)
    _sweep(folder)


def _put_in_place(picture: Finished, units: Path) -> None:
    (units / f"{picture.stem}.json").unlink(missing_ok=True)  # of a unit that failed
    for file in picture.files:
        share_file(file, units / file.relative_to(picture.units))
    sync_folder((units / picture.stem).parent)


def _sweep(folder: Path) -> None:
    """Remove staging folders, but not those with a picture that stands nowhere else."""
    standing = {picture.key for picture in finished_of(folder).values()}
    for units in staging_folders(folder):
        if all(picture.key in standing for picture in all_finished(units).values()):
            remove_tree(units.parent)
