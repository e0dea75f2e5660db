"""What stands where in a run folder, and how it is found."""

from __future__ import annotations

from pathlib import Path

SPEC, PLAN, MODEL, RUN_FACTS = "spec.yaml", "plan.json", "model.json", "run.json"
UNITS, SOURCES, ATTEMPTS, GRIDS, FIGURE = "units", "sources", "attempts", "grids", "figure.png"
LOGS = "logs"
FINGERPRINTS = "fingerprints"
WORKERS, ROUNDS = "workers", "rounds"
REPLACED = "replaced-"  # and a number: folders of pictures that were moved out of the way
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
        return path.read_text(errors="replace")
    except OSError:
        return ""
