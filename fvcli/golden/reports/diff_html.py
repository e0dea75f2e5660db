"""diff.html: one file that shows which units two networks disagree on, without a server and a network."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

from fvcli.errors import counted
from fvcli.golden.model_diff import ModelDiff, UnitDiff
from fvcli.golden.reports.diff_data import SIDES, diff_data, pictures_of, two_digits
from fvcli.golden.reports.page_file import Parts, write_page
from fvcli.golden.reports.page_pictures import copy_pictures, inside, place_pictures

PAGE = "diff.html"
SCRIPTS = ("state.js", "pictures.js", "list.js", "changes.js", "viewer.js", "keys.js", "start.js")
STYLES = ("page.css", "units.css", "pictures.css", "changes.css")
PARTS = Parts("diff.html", SCRIPTS, STYLES)
LISTED = 50  # units that are readable where scripts are forbidden
BINS = 20  # of the drawing that shows how many units changed by how much
BINS_HEIGHT = 40.0
LEAST_HEIGHT = 1.5  # one unit of 5,000 must still be seen
HALF = 0.5


def write_diff_html(found: ModelDiff, folder: Path, budget_bytes: int = 20_000_000) -> Path:
    """Write a page that shows how the units of two networks differ.

    Pictures are read from the files that the units name, one at a time. They stand inside the page as far as
    the budget goes, those of the units that changed most first. The others are copied to folder/pictures.

    Args:
        found: What was found; its units those that changed most first.
        folder: Where diff.html is written; it is made if it is not there.
        budget_bytes: How long the pictures inside the page may be in total, as base64.

    Returns:
        The path of the page.

    Raises:
        FvcliError: The disk is full or the folder cannot be written.
    """
    placed = place_pictures(((unit.path, pictures_of(unit)) for unit in found.units), budget_bytes)
    copy_pictures(placed, folder, SIDES)
    return write_page(folder / PAGE, PARTS, _head(found), diff_data(found, placed), inside(placed))


def _head(found: ModelDiff) -> dict[str, Any]:
    return {
        "found": found,
        "sentence": diff_sentence(found),
        "networks": [("A", found.model_a, found.a), ("B", found.model_b, found.b)],
        "units": counted(len(found.units), "unit"),
        "median": two_digits(found.median) if found.units else "not known",
        "beyond_half": sum(unit.changed >= HALF for unit in found.units),
        "no_rise": _no_rise(found),
        "bins": _bins([unit.changed for unit in found.units]),
        "listed": [(unit.path, two_digits(unit.changed)) for unit in found.units[:LISTED]],
        "sides": list(SIDES.values()),
        "icon_colour": "004f8c",
    }


def diff_sentence(found: ModelDiff) -> str:
    """Say in a line what was found."""
    if not found.units:
        return "No unit was compared."
    changed = sum(unit.changed >= HALF for unit in found.units)
    total = len(found.units)
    if total == 1:
        return f"The only unit changed by {two_digits(found.units[0].changed)}."
    if not changed:
        return f"None of {total} units changed by half or more."
    return f"{changed} of {total} units changed by half or more."


def _no_rise(found: ModelDiff) -> list[tuple[str, int]]:
    """Return where units do not rise above noise, and how many."""

    def count(a: bool, b: bool) -> int:
        return sum(_do_not_rise(unit) == (a, b) for unit in found.units)

    counts = [
        ("only in A", count(True, False)),
        ("only in B", count(False, True)),
        ("in both", count(True, True)),
    ]
    return [(where, number) for where, number in counts if number]


def _do_not_rise(unit: UnitDiff) -> tuple[bool, bool]:
    return unit.a.shared is None, unit.b.shared is None


class Bin(NamedTuple):
    """Units that changed by about the same; place and height in the drawing, and what is said of them."""

    left: int
    top: float
    height: float
    words: str


def _bins(changes: list[float]) -> list[Bin]:
    """Return how many units changed by how much, those that are no finite numbers left out."""
    counts = [0] * BINS
    for change in changes:
        if math.isfinite(change):
            counts[min(BINS - 1, max(0, int(change * BINS)))] += 1
    most = max(counts)
    bins = []
    for i, count in enumerate(counts):
        if count:
            height = round(max(LEAST_HEIGHT, BINS_HEIGHT * count / most), 2)
            words = f"{i / BINS:.2f} to {(i + 1) / BINS:.2f}: {counted(count, 'unit')}"
            bins.append(Bin(i, round(BINS_HEIGHT - height, 2), height, words))
    return bins
