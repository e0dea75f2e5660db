"""The learning rate of a recipe that knows how deep a unit is: by what the unit sees of the picture."""

from __future__ import annotations

import math
from collections.abc import Sequence

from fvcli.models import ModelFacts
from fvcli.plan.terms import TermPlan
from fvcli.spec.recipes import RATES_BY_FIELD, RECIPES
from fvcli.spec.settings import ResolvedRender

WHOLE_IMAGE = 4.0  # the share of a unit that sees the whole image, whatever its size
DIGITS = 3


def fitted_to_field(settings: ResolvedRender, terms: Sequence[TermPlan], facts: ModelFacts) -> ResolvedRender:
    """Return settings with the learning rate for what a unit sees.

    Args:
        settings: Of a job. If their optimizer is not the recipe's own, they stay as they are.
        terms: Of the unit; of those that read whole maps the one that sees most decides. A neuron has one
            place, and keeps the recipe's rate.
        facts: Of the network.
    """
    rates = RATES_BY_FIELD.get(settings.recipe)
    layers = [term.layer for term in terms if not term.of_kind.reads_place]
    if rates is None or not layers or settings.optimizer != RECIPES[settings.recipe].optimizer:
        return settings
    rate = rate_for(rates, max(field_share(facts, layer, settings.size_px) for layer in layers))
    return settings.model_copy(
        update={"optimizer": settings.optimizer.model_copy(update={"learning_rate": rate})}
    )


def field_share(facts: ModelFacts, layer: str, size_px: tuple[int, int]) -> float:
    """Return the side of a layer's receptive field as a share of the picture's side; the larger of two.

    Args:
        facts: Of the network.
        layer: Its name; the input sees a pixel.
        size_px: Height and width of the picture.
    """
    at = facts.layers_at(*(facts.input_size([layer]) or size_px))
    if layer not in at:
        return 1.0 / min(size_px)
    field = at[layer].receptive_field_px
    if field is None:
        return WHOLE_IMAGE
    return max(side / whole for side, whole in zip(field, size_px, strict=True))


def rate_for(rates: Sequence[tuple[float, float]], share: float) -> float:
    """Return the learning rate for a share: between two that are given, evenly on a logarithmic scale.

    Args:
        rates: Shares, ascending, with their rates.
        share: Below the first and above the last it has their rates.
    """
    (before, rate), (_, last) = rates[0], rates[-1]
    if share <= before:
        return rate
    for after, next_rate in rates[1:]:
        if share < after:
            way = math.log(share / before) / math.log(after / before)
            return float(f"{rate * (next_rate / rate) ** way:.{DIGITS}g}")
        before, rate = after, next_rate
    return last
