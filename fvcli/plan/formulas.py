"""How the leaves of an objective are put together: weights, sums and products, steps from one to another."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from fvcli.plan.terms import Formula
from fvcli.plan.unit_drafts import UnitDraft
from fvcli.spec.objectives import AnyObjective, Combined, InterpolateObjective


def weights(objective: AnyObjective | InterpolateObjective, factor: float = 1.0) -> list[float]:
    """Return the weight of every leaf, with those of what is around it, and a factor at last.

    The weight of a product is one of its first factor.
    """
    if isinstance(objective, InterpolateObjective):
        return [*weights(objective.from_, factor), *weights(objective.to, factor)]
    pairs = _weighted(objective, 1.0, reached=True)
    return [weight * factor if reached else weight for weight, reached in pairs]


def _weighted(objective: AnyObjective, weight: float, reached: bool) -> list[tuple[float, bool]]:
    """Return of every leaf its weight, and whether a factor of the whole is one of the leaf."""
    weight *= objective.weight
    if not isinstance(objective, Combined):
        return [(weight, reached)]
    below = []
    for i, term in enumerate(objective.terms):
        is_first = i == 0 or objective.kind == "sum"
        below += _weighted(term, weight if is_first else 1.0, reached and is_first)
    return below


def formula(objective: AnyObjective | InterpolateObjective) -> Formula | None:
    """Return how the leaves are put together, or None where they are only added."""
    numbers = itertools.count()
    written = _written(objective, numbers)
    return None if _is_sum(written) else written


def _written(objective: Any, numbers: Iterator[int]) -> Any:
    if isinstance(objective, InterpolateObjective):
        return ("sum", _written(objective.from_, numbers), _written(objective.to, numbers))
    if isinstance(objective, Combined):
        return (objective.kind, *(_written(term, numbers) for term in objective.terms))
    return next(numbers)


def _is_sum(formula: Any) -> bool:
    return isinstance(formula, int) or (formula[0] == "sum" and all(map(_is_sum, formula[1:])))


def steps_between(draft: UnitDraft, objective: InterpolateObjective) -> Iterator[UnitDraft]:
    """Return the steps from one objective to the other, each a mix of the two by weight."""
    for step in range(objective.count):
        t = step / (objective.count - 1)
        mix = (*weights(objective.from_, 1 - t), *weights(objective.to, t))
        terms = tuple(replace(term, weight=own) for term, own in zip(draft.terms, mix, strict=True))
        label = f"{math.floor(100 * t + 0.5)} %"
        mixed = replace(draft, terms=terms, member=step, members=objective.count)
        yield mixed.followed_by(f"{step:02d}", label, step=step, of=objective.count)
