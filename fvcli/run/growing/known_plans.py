"""The plans that a run folder had: the present one, and those of pictures that were moved out of the way."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fvcli.plan import Plan
from fvcli.run.layout import REPLACED, SPEC, read_text
from fvcli.run.plan_files import read_plan


@dataclass(frozen=True)
class KnownPlan:
    """A plan, the text of its spec, and whether it is the one that the run has now."""

    plan: Plan
    text: str
    is_present: bool


def known_plans(folder: Path) -> list[KnownPlan]:
    """Return the plans of a folder that can be read, the present one first, then the latest."""
    places = [folder, *reversed(replaced_folders(folder))]
    found = [_read(place, place == folder) for place in places]
    return [one for one in found if one is not None]


def replaced_folders(folder: Path) -> list[Path]:
    """Return the folders of pictures that were moved out of the way, oldest first."""
    numbered = [place for place in folder.glob(f"{REPLACED}*") if place.name[len(REPLACED) :].isdigit()]
    return sorted(numbered, key=lambda place: int(place.name[len(REPLACED) :]))


def _read(folder: Path, is_present: bool) -> KnownPlan | None:
    try:
        plan = read_plan(folder)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return KnownPlan(plan, read_text(folder / SPEC), is_present)
