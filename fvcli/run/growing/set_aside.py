"""Move finished pictures out of the way, to RUN/replaced-1/ and so on: nothing that is finished is deleted.

Such a folder is laid out like a run, with the plan and the spec that its pictures were rendered with, so
``fvcli status`` and ``fvcli grid`` can look at it. A picture leaves its place only when it is complete in
the other, so a kill at any moment loses none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from fvcli.run.atomic import make_folder, share_file, sync_folder, write_atomic
from fvcli.run.finished import Finished, unit_files
from fvcli.run.layout import MODEL, REPLACED, SPEC, UNITS, next_numbered
from fvcli.run.objects import is_object, read_bytes
from fvcli.run.plan_files import share_plan


def set_aside(folder: Path, pictures: Sequence[Finished]) -> Path:
    """Make the next of these folders with the run's plan and pictures, which stay at their place as well."""
    place = next_numbered(folder, REPLACED)
    make_folder(place)
    share_plan(folder, place)
    for name in (SPEC, MODEL):
        if (folder / name).exists():
            write_atomic(place / name, read_bytes(folder / name))
    by_place = {picture.stem: picture for picture in reversed(pictures)}
    rest = [picture for picture in pictures if by_place[picture.stem] is not picture]
    for picture in by_place.values():
        for file in picture.files:  # the sidecar last: then it counts there
            share_file(file, place / UNITS / file.relative_to(picture.units))
    for written in {place, *((place / UNITS / picture.stem).parent for picture in pictures)}:
        sync_folder(written)
    if rest:  # from a move that was killed midway; they must not overwrite one another
        set_aside(folder, rest)
    return place


def remove_units(pictures: Iterable[Finished]) -> None:
    """Remove pictures that stand elsewhere by now, the sidecar first: then they do not count here."""
    for picture in pictures:
        for file in reversed(unit_files(picture.units, picture.stem, picture.extra_names)):
            file.unlink(missing_ok=True)
        for parent in (picture.units / picture.stem).parents:
            if parent == picture.units:
                break
            _remove_if_empty(parent)


def _remove_if_empty(folder: Path) -> None:
    if is_object(folder):  # there are no folders, and "rmdir" removes all that is below a prefix
        return
    try:
        folder.rmdir()
    except OSError:  # it is not
        return
