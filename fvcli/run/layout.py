"""What stands where in a run folder."""

from __future__ import annotations

from pathlib import Path

SPEC, PLAN, MODEL, RUN_FACTS = "spec.yaml", "plan.json", "model.json", "run.json"
UNITS, SOURCES, ATTEMPTS, GRIDS, FIGURE = "units", "sources", "attempts", "grids", "figure.png"
LOG = "logs/render.log"
REPLACED = "replaced-"  # and a number: folders of pictures that were moved out of the way
STAGING = ".moving-"  # and a number: folders of pictures on their way to another place


def read_text(path: Path) -> str:
    """Return the text of a file, or none if it cannot be read."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
