"""report.html: one file that shows what a comparison found, without a server and without a network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from fvcli.errors import counted
from fvcli.golden.computers import words_for
from fvcli.golden.reports.page_data import SIDES, page_data, pictures_of
from fvcli.golden.reports.page_file import Parts, write_page
from fvcli.golden.reports.page_pictures import copy_pictures, inside, place_pictures
from fvcli.golden.reports.page_words import (
    NETWORKS_WORDS,
    STATUS_WORDS,
    name_of,
    percentage,
    said,
    share_of_limit,
)
from fvcli.golden.results import CHANGES, STATUSES, Comparison, Drift

REPORT = "report.html"
SCRIPTS = ("state.js", "pictures.js", "list.js", "units.js", "viewer.js", "keys.js", "start.js")
STYLES = ("page.css", "units.css", "pictures.css")
PARTS = Parts("report.html", SCRIPTS, STYLES)
LISTED = 50  # failed units that are readable where scripts are forbidden
BAR_WIDTH = 1000.0  # of the drawing, which is stretched to the page
LEAST_WIDTH = 6.0  # one unit of 5,000 must still be seen


def write_html(comparison: Comparison, folder: Path, budget_bytes: int = 20_000_000) -> Path:
    """Write a page that shows what a comparison found.

    Pictures are read from the files that the comparison names, one at a time. They stand inside the page as
    far as the budget goes, those of the worst units first. The others are copied to folder/pictures.

    Args:
        comparison: What was found.
        folder: Where report.html is written; it is made if it is not there.
        budget_bytes: How long the pictures inside the page may be in total, as base64.

    Returns:
        The path of the page.

    Raises:
        FvcliError: The disk is full or the folder cannot be written.
    """
    placed = place_pictures(((unit.path, pictures_of(unit)) for unit in comparison.units), budget_bytes)
    copy_pictures(placed, folder, SIDES)
    return write_page(
        folder / REPORT, PARTS, _head(comparison), page_data(comparison, placed), inside(placed)
    )


def _head(comparison: Comparison) -> dict[str, Any]:
    drift = comparison.drift
    return {
        "comparison": comparison,
        "sides": list(SIDES.values()),
        "icon_colour": "3d8361" if comparison.is_fine else "c9341c",
        "verdict": "Pass" if comparison.is_fine else "Fail",
        "sentence": verdict_sentence(comparison),
        "counts": [(name, count) for name, count in comparison.counts.items() if count],
        "status_words": STATUS_WORDS,
        "networks": NETWORKS_WORDS[comparison.networks],
        "bar": list(_bar(comparison.counts)),
        "drift": None if drift is None else _drift(drift),
        "drift_words": comparison.drift_words,
        "changes": _changes(comparison),
        "tolerances": _tolerances(comparison.tolerances),
        "listed": comparison.failed[:LISTED],
    }


def verdict_sentence(comparison: Comparison) -> str:
    """Say in a line or two why a comparison passed or failed."""
    total, failed = len(comparison.units), len(comparison.failed)
    if not total:
        return "No unit was compared."
    parts = []
    if failed == total == 1:
        parts.append("The only unit failed.")
    elif failed:
        parts.append(f"{failed} of {counted(total, 'unit')} failed.")
    if comparison.drift is not None and comparison.drift.is_beyond:
        parts.append("The scores of all units together drifted beyond the limit.")
    if parts:
        return " ".join(parts)
    return "The only unit is fine." if total == 1 else f"All {total} units are fine."


class Piece(NamedTuple):
    """Of the bar that shows how many units have each status."""

    status: str
    left: float
    width: float


def _bar(counts: Mapping[str, int]) -> Iterator[Piece]:
    """Yield the pieces of the bar, none so narrow that it cannot be seen."""
    total = sum(counts.values())
    widths = {name: max(LEAST_WIDTH, BAR_WIDTH * counts[name] / total) for name in STATUSES if counts[name]}
    shrink = BAR_WIDTH / sum(widths.values()) if widths else 1.0
    left = 0.0
    for name, width in widths.items():
        yield Piece(name, round(left, 2), round(width * shrink, 2))
        left += width * shrink


def _drift(drift: Drift) -> dict[str, Any]:
    return {
        "mean": percentage(drift.mean, signed=True),
        "limit": percentage(drift.limit),
        "units": counted(drift.units, "unit"),
        "is_beyond": drift.is_beyond,
        "share": share_of_limit("drift", drift.mean, drift.limit),
    }


def _changes(comparison: Comparison) -> list[tuple[str, str]]:
    """Return how many units were rendered on computers that differ in each way."""
    found = Counter(unit.change for unit in comparison.units)
    return [(words_for(change), counted(found[change], "unit")) for change in CHANGES if found[change]]


def _tolerances(tolerances: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """Return a table: a column for each kind of change, a row for each value."""
    changes = [change for change in CHANGES if change in tolerances]
    values = list(dict.fromkeys(value for change in changes for value in tolerances[change]))
    cells = {
        value: [
            said(value, tolerances[change][value], signed=False) if value in tolerances[change] else ""
            for change in changes
        ]
        for value in values
    }
    rows = [(name_of(value), cells[value]) for value in values]
    return {"columns": [words_for(change) for change in changes], "rows": rows}
