"""What the script of report.html is told of each unit: short, and ready to be shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from fvcli.errors import size_in_words
from fvcli.golden.computers import words_for
from fvcli.golden.reports.difference_gain import gain_of
from fvcli.golden.reports.page_json import name_data, picture_data, without_nothing
from fvcli.golden.reports.page_pictures import Placed, look_at
from fvcli.golden.reports.page_words import (
    STATUS_WORDS,
    VIEWS,
    name_of,
    number,
    said,
    share_of_limit,
    times_said,
)
from fvcli.golden.reports.score_words import score_rows, value_name
from fvcli.golden.results import GATES, HIGHER_IS_BETTER, Comparison, Side, UnitResult

AT_LEAST, AT_MOST = "\N{GREATER-THAN OR EQUAL TO}", "\N{LESS-THAN OR EQUAL TO}"


SIDES = {"golden": "golden", "run": "run"}  # how the page calls them


def are_same(unit: UnitResult) -> bool:
    """Tell whether golden and run have the same pixels. An accepted picture matches with other pixels."""
    return unit.status == "match" and unit.gate != "accepted"


def pictures_of(unit: UnitResult) -> dict[str, Placed]:
    """Return the two pictures of a unit, or one where it stands for both."""
    golden, run = look_at(unit.golden.picture, "the golden"), look_at(unit.run.picture, "the run")
    if not are_same(unit):
        return {"golden": golden, "run": run}
    return {"golden": run if golden.lack else golden}


def page_data(comparison: Comparison, placed: Sequence[Sequence[Placed]]) -> dict[str, Any]:
    """Return what the script is told.

    Args:
        comparison: What was found; its units the worst first.
        placed: Where the pictures of each unit are.
    """
    units = list(zip(comparison.units, placed, strict=True))
    units.sort(key=lambda one: are_same(one[0]))  # pictures with other pixels stand before
    return {
        "units": [
            without_nothing(unit_data(unit, pictures, comparison.passes(unit))) for unit, pictures in units
        ],
        "sides": SIDES,
        "views": VIEWS,
        "statuses": STATUS_WORDS,
        "same": "The pixels are the same.",
    }


def unit_data(unit: UnitResult, pictures: Sequence[Placed], passes: bool) -> dict[str, Any]:
    """Return what is shown of a unit.

    values: name, value, limit, value as a multiple of its limit, and whether it decided.
    facts: name, golden's and run's.
    gain: How many times as bright the difference is shown.
    golden, run: The pictures; run is left out where golden's stands for both.
    """
    return {
        **name_data(unit),
        "status": unit.status,
        "passes": passes,
        "same": are_same(unit),
        "why": unit.why,
        "gate": _gate(unit),
        "values": [_value_row(unit, name) for name in _ordered(unit)],
        "settings": list(unit.settings),
        "facts": list(_facts(unit)),
        "gain": gain_of(pictures),
        **dict(zip(SIDES, map(picture_data, pictures), strict=False)),
    }


def _gate(unit: UnitResult) -> str:
    """Say which gate decided, and how far beyond its limit the value was."""
    if not unit.gate or not unit.values:
        return ""
    times = unit.times_limit_of(unit.decisive) if unit.decisive else 0.0
    return f"{name_of(unit.gate)}, {times_said(times)} times its limit" if times else name_of(unit.gate)


def _ordered(unit: UnitResult) -> Iterator[str]:
    """Yield the names of a unit's values in the order of the gates; the others after them."""
    order = [name for gate in GATES for name in (f"{gate}_of_all", gate)]
    yield from (name for name in order if name in unit.values)
    yield from (name for name in unit.values if name not in order)


def _value_row(unit: UnitResult, name: str) -> list[Any]:
    value, limit = unit.values[name], unit.limits.get(name)
    row: list[Any] = [value_name(unit, name), said(name, value)]
    if limit is None:
        return row
    share = share_of_limit(name, value, limit)
    kept = None if share is None else float(f"{share:.4g}")
    sign = AT_LEAST if name in HIGHER_IS_BETTER else AT_MOST
    return [*row, f"{sign} {said(name, limit, signed=False)}", kept, int(name == unit.decisive)]


def _facts(unit: UnitResult) -> Iterator[tuple[str, str, str]]:
    golden, run = unit.golden, unit.run
    rows = [
        *score_rows(unit),
        ("steps", number(golden.steps), number(run.steps)),
        ("size", _size(golden), _size(run)),
        ("state", golden.status or "", run.status or ""),
        ("seconds", number(golden.seconds), number(run.seconds)),
        ("key", golden.key or "", run.key or ""),
    ]
    yield from (row for row in rows if row[1] or row[2])
    if unit.change is not None:
        yield "rendered on", "", words_for(unit.change)


def _size(side: Side) -> str:
    """Write height x width x channels."""
    return size_in_words(side.size_px or ())
