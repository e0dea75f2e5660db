"""What people call a sum or a product: all of its terms with their weights, such as ``0.5·387 - 0.5·647``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from fvcli.models import ModelFacts
from fvcli.plan.directions import group_label
from fvcli.plan.terms import Formula, TermPlan
from fvcli.plan.unit_drafts import Direction

TIMES = " \u00d7 "
MOST = 60  # characters; a longer label does not fit under a picture


def label_of_terms(
    terms: Sequence[TermPlan],
    formula: Formula | None,
    varying: Sequence[int],
    swept: Direction | None,
    facts: ModelFacts,
) -> str:
    """Write terms as they are put together; the last ones are only counted if there is no room.

    Args:
        terms: In order, with their weights.
        formula: How they are put together; None: they are added.
        varying: Positions of the terms that differ from unit to unit of the job. They are never left out.
        swept: The direction of the job that some of them take.
        facts: Of the model.
    """
    names_layers = len({term.layer for term in terms}) > 1
    names = [_weighted(_name(term, names_layers, swept, facts), term.weight) for term in terms]
    kind, *parts = formula or ("sum", *range(len(terms)))
    label = _put_together(kind, [_written(part, names) for part in parts])
    if len(label) <= MOST:
        return label
    parts.sort(key=lambda part: not _has(part, varying))
    return _shortened(kind, [_written(part, names) for part in parts])


def _has(part: Any, positions: Sequence[int]) -> bool:
    return part in positions if isinstance(part, int) else any(_has(one, positions) for one in part[1:])


def _written(part: Any, names: Sequence[str]) -> str:
    if isinstance(part, int):
        return names[part]
    kind, *parts = part
    return f"({_put_together(kind, [_written(one, names) for one in parts])})"


def _put_together(kind: str, parts: Sequence[str]) -> str:
    return TIMES.join(parts) if kind == "product" else " + ".join(parts).replace("+ -", "- ")


def _shortened(kind: str, parts: Sequence[str]) -> str:
    for count in range(len(parts) - 1, 0, -1):
        label = f"{_put_together(kind, parts[:count])} and {len(parts) - count} more"
        if len(label) <= MOST:
            return label
    return f"{parts[0][: MOST - 3]}..."


def _weighted(name: str, weight: float) -> str:
    inside = f"({name})" if re.search(" [-+] ", name) and weight != 1 else name
    if weight == 1:
        return name
    return f"-{inside}" if weight == -1 else f"{weight:g}·{inside}"


def _name(term: TermPlan, names_layer: bool, swept: Direction | None, facts: ModelFacts) -> str:
    """Return what one term reads: a channel, a class, a direction or a whole layer, and where."""
    if term.of_kind.sweeps == "classes":
        return facts.labels[term.index]
    at = f" @ {term.row},{term.column}" if term.row >= 0 else ""
    if term.vector is None and term.index < 0:
        return f"{term.layer}{at}"
    own = str(term.index) if term.vector is None else _name_of_vector(term, swept)
    return f"{term.layer} {own}{at}" if names_layer else f"{own}{at}"


def _name_of_vector(term: TermPlan, swept: Direction | None) -> str:
    vector = term.vector or {}
    if swept is not None and vector.items() <= swept.vector.items():
        return swept.label
    if "random" in vector:
        return f"random {vector['random']}"
    if "channels" in vector:
        return group_label(vector["channels"], vector["weights"])
    return f"row {vector['row']} of a file" if "file" in vector else "vector"
