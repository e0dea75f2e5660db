"""What the page's script is told of each unit: short, ready to be shown, and safe inside HTML."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from fvcli.golden.computers import words_for
from fvcli.golden.reports.page_pictures import Placed, PlacedPair, are_same
from fvcli.golden.reports.page_words import STATUS_WORDS, name_of, number, said, share_of_limit
from fvcli.golden.results import GATES, HIGHER_IS_BETTER, Comparison, Side, UnitResult

# In a script block only "<" can end it or begin a comment. The others are escaped to be on the safe side.
UNSAFE = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026", ord("'"): "\\u0027"}

AT_LEAST, AT_MOST = "\N{GREATER-THAN OR EQUAL TO}", "\N{LESS-THAN OR EQUAL TO}"


def data_block(comparison: Comparison, pairs: Sequence[PlacedPair]) -> str:
    """Return the JSON of a page: ASCII only, and nothing in it can end a script block.

    Args:
        comparison: What was found; its units the worst first.
        pairs: Where the pictures of each unit are.
    """
    units = list(zip(comparison.units, pairs, strict=True))
    units.sort(key=lambda one: are_same(one[0]))  # pictures with other pixels stand before
    data = {
        "units": [_without_nothing(unit_data(unit, pair, comparison.passes(unit))) for unit, pair in units],
        "statuses": STATUS_WORDS,
        "same": "The pixels are the same.",
    }
    return safe_json(data)


def safe_json(data: Any) -> str:
    """Write JSON that can stand in a script block."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.translate(UNSAFE)


def unit_data(unit: UnitResult, pair: PlacedPair, passes: bool) -> dict[str, Any]:
    """Return what is shown of a unit.

    values: name, value, limit, value as a multiple of its limit, and whether it decided.
    facts: name, golden's and run's.
    golden, run: The pictures; run is left out where golden's stands for both.
    """
    return {
        "path": unit.path,
        "job": unit.job,
        "unit": unit.unit,
        "label": "" if unit.label == unit.unit else unit.label,
        "layer": "" if unit.layer == unit.job else unit.layer,
        "status": unit.status,
        "passes": passes,
        "same": are_same(unit),
        "why": unit.why,
        "gate": name_of(unit.gate) if unit.gate and unit.values else "",
        "values": [_value_row(unit, name) for name in _ordered(unit)],
        "settings": list(unit.settings),
        "facts": list(_facts(unit)),
        "golden": _picture(pair.golden),
        "run": None if pair.run is None else _picture(pair.run),
    }


def _ordered(unit: UnitResult) -> Iterator[str]:
    """Yield the names of a unit's values in the order of the gates; the others after them."""
    order = [name for gate in GATES for name in (f"{gate}_of_all", gate)]
    yield from (name for name in order if name in unit.values)
    yield from (name for name in unit.values if name not in order)


def _value_row(unit: UnitResult, name: str) -> list[Any]:
    value, limit = unit.values[name], unit.limits.get(name)
    row: list[Any] = [name_of(name), said(name, value)]
    if limit is None:
        return row
    share = share_of_limit(name, value, limit)
    decided = unit.gate is not None and name in {unit.gate, f"{unit.gate}_of_all"}
    is_beyond = share is None or share > 1
    kept = None if share is None else float(f"{share:.4g}")
    sign = AT_LEAST if name in HIGHER_IS_BETTER else AT_MOST
    return [*row, f"{sign} {said(name, limit, signed=False)}", kept, int(decided and is_beyond)]


def _facts(unit: UnitResult) -> Iterator[tuple[str, str, str]]:
    golden, run = unit.golden, unit.run
    rows = [
        ("score", number(golden.score), number(run.score)),
        ("score by the other network", number(golden.other_score), number(run.other_score)),
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
    return " x ".join(map(str, side.size_px or ()))


def _picture(picture: Placed) -> dict[str, Any]:
    if picture.lack:
        return {"lack": picture.lack}
    at = picture.url if picture.number is None else picture.number
    return {"at": at, "w": picture.width_px, "h": picture.height_px}


def _without_nothing(data: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is empty, false or None, so that the data of many units stay short."""
    return {name: value for name, value in data.items() if value not in ("", [], None, False)}
