"""How the leaves of an objective are put together: weights, sums and products, steps from one to another."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from fvcli.plan.data import Formula
from fvcli.plan.targets import Target
from fvcli.spec.objectives import AnyObjective, Combined, InterpolateObjective, leaves


def weights(objective: AnyObjective | InterpolateObjective, factor: float = 1.0) -> list[float]:
    """Return the weight of every leaf, with those of what is around it.

    The weight of a product is one of its first factor.
    """
    if isinstance(objective, InterpolateObjective):
        return [*weights(objective.from_), *weights(objective.to)]
    factor *= objective.weight
    if not isinstance(objective, Combined):
        return [factor]
    multiplied = [factor, *[factor if objective.kind == "sum" else 1.0] * (len(objective.terms) - 1)]
    pairs = zip(objective.terms, multiplied, strict=True)
    return [weight for term, own in pairs for weight in weights(term, own)]


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


def steps_between(target: Target, objective: InterpolateObjective) -> Iterator[Target]:
    """Return the steps from one objective to the other, each a mix of the two by weight."""
    first = len(leaves(objective.from_))
    first_of_side = _first_factors(objective)
    for step in range(objective.count):
        t = step / (objective.count - 1)
        shares = {i: 1 - t if i < first else t for i in range(len(target.terms)) if i in first_of_side}
        terms = tuple(replace(x, weight=x.weight * shares.get(i, 1.0)) for i, x in enumerate(target.terms))
        label = f"{math.floor(100 * t + 0.5)} %"
        mixed = replace(target, terms=terms, member=step, members=objective.count)
        yield mixed.followed_by(f"{step:02d}", label, step=step, of=objective.count)


def _first_factors(objective: InterpolateObjective) -> set[int]:
    """Return the positions of the leaves whose weights scale a whole side: all, but of products the first."""
    numbers = itertools.count()

    def scaling(part: Any, counts: bool) -> set[int]:
        if isinstance(part, Combined):
            own = [scaling(t, counts and (part.kind == "sum" or i == 0)) for i, t in enumerate(part.terms)]
            return set().union(*own)
        position = next(numbers)
        return {position} if counts else set()

    return scaling(objective.from_, True) | scaling(objective.to, True)
