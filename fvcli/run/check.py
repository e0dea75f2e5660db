"""Check finished pictures against what was written of them: pixels by their hash, the rest by reading it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fvcli.errors import FvcliError
from fvcli.media.movie_reader import read_frames
from fvcli.media.png import pixel_sha256, read_picture
from fvcli.plan import Unit
from fvcli.run.finished import wrong_sizes
from fvcli.run.folder import RunFolder
from fvcli.run.objects import on_disk, read_bytes
from fvcli.run.sidecar import Sidecar, can_be_made_again, read_sidecar

OTHER_PIXELS = "its pixels are not those that were rendered"


def find_damage(run: RunFolder, done: Callable[[], None] = lambda: None) -> dict[str, str]:
    """Return what is wrong with the files of finished units, by job/unit.

    Args:
        run: The run; every picture of it is read.
        done: Called after each unit.
    """
    found = {}
    for unit in run.plan.units:
        reason = damage_of(run, unit)
        if reason is not None:
            found[unit.path] = reason
        done()
    return found


def damage_of(run: RunFolder, unit: Unit) -> str | None:
    """Say what is wrong with the files of a unit, or None if nothing is, or it is not finished.

    A file that is not there is no damage: the next render makes it.
    """
    sidecar = read_sidecar(run.json(unit))
    if not isinstance(sidecar, Sidecar) or sidecar.key != unit.key or not sidecar.is_finished:
        return None
    kept = [str(extra["name"]) for extra in sidecar.extras if not can_be_made_again(extra)]
    if not all(run.extra(unit, name).exists() for name in ("png", *kept)):
        return None
    files = [file for name in ("png", *sidecar.extra_names) if (file := run.extra(unit, name)).exists()]
    cut = wrong_sizes(run.units, unit.stem, sidecar)
    if cut:
        return f"{cut[0].name} is not as long as it was written"
    if _pixels(files[0]) != sidecar.pixel_sha256:
        return OTHER_PIXELS
    unreadable = [file.name for file in files[1:] if not _can_be_read(file)]
    return f"{unreadable[0]} cannot be read" if unreadable else None


def _pixels(png: Path) -> str | None:
    try:
        return pixel_sha256(read_picture(png))
    except FvcliError:
        return None


def _can_be_read(file: Path) -> bool:
    try:
        if file.suffix == ".png":
            return read_picture(file).size > 0
        if file.suffix == ".json":
            return bool(json.loads(read_bytes(file)))
        if file.suffix == ".npy":
            return bool(np.load(io.BytesIO(read_bytes(file)), allow_pickle=False).size)
        with on_disk(file) as film:
            return sum(1 for _ in read_frames(film)) > 0
    except (FvcliError, ValueError, EOFError):
        return False
