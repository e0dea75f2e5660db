"""Tell a folder that a run may be made in from one that holds something else."""

from __future__ import annotations

from pathlib import Path

from fvcli.errors import UsageError
from fvcli.run.layout import PARTS, PLAN, SPEC, WORKERS, read_text

# What systems and their file managers leave in folders that people take for empty; so is every hidden file.
LEFT_BY_SYSTEMS = {"thumbs.db", "desktop.ini", "lost+found"}


def refuse_foreign(path: Path, spec_text: str) -> None:
    """Raise UsageError if there is something at a path that is neither a run nor an empty folder."""
    if path.exists() and not path.is_dir():
        raise UsageError(f"{path} is a file", "give a folder")
    if not path.is_dir() or (path / PLAN).exists():
        return
    found = [place.name for place in path.iterdir() if not _is_harmless(place, spec_text)]
    if found:
        message = f"{path} is not empty and holds no run ({min(found)} is there)"
        raise UsageError(message, "give a new or an empty folder")


def _is_harmless(place: Path, spec_text: str) -> bool:
    """Tell what a system leaves, or a process that was killed at the very start, from somebody's work."""
    if place.name in {SPEC, PARTS}:
        return read_text(place.with_name(SPEC)) == spec_text
    if place.name == WORKERS and place.is_dir():
        return all(file.suffix in {".json", ".jsonl"} for file in place.iterdir())
    return place.name.startswith(".") or place.name.lower() in LEFT_BY_SYSTEMS
