"""What stands where in a run folder, and how it is found."""

from __future__ import annotations

import fnmatch
from pathlib import Path

from fvcli.run.objects import read_bytes

SPEC, PLAN, MODEL, RUN_FACTS = "spec.yaml", "plan.json", "model.json", "run.json"
PARTS = "plan"  # a folder: the units of a large plan
UNITS, SOURCES, ATTEMPTS, GRIDS, FIGURE = "units", "sources", "attempts", "grids", "figure.png"
INDEX = "index.html"
LOGS = "logs"
FILMS = "unfinished-films"  # frames of films that are being rendered
JOB_FOLDERS = "[0-9]" * 4  # below the folder of a large job; see ``unit_folders``
FINGERPRINTS = "fingerprints"
WORKERS, ROUNDS = "workers", "rounds"
REPLACED = "replaced-"  # and a number: folders of pictures that were moved out of the way
UNFINISHED = ".unfinished"  # there while a folder is made the run of another plan
STAGING = ".moving-"  # and a number: folders of pictures on their way to another place


def next_numbered(folder: Path, start: str) -> Path:
    """Return the first place of such a name, from 1, where nothing is yet."""
    number = 1
    while (folder / f"{start}{number}").exists():
        number += 1
    return folder / f"{start}{number}"


def read_text(path: Path) -> str:
    """Return the text of a file, or none if it cannot be read."""
    try:
        return read_bytes(path).decode(errors="replace")
    except OSError:
        return ""


def job_of_file(place: Path) -> str | None:
    """Return the job of a unit's file by its whole path, or None if it is not where fvcli writes them.

    That is RUN/units/JOB/UNIT.png, or RUN/units/JOB/0003/UNIT.png of a large job.
    """
    folder = place.parent
    if fnmatch.fnmatchcase(folder.name, JOB_FOLDERS) and folder.parent.parent.name == UNITS:
        folder = folder.parent
    return folder.name if folder.parent.name == UNITS else None
