"""What a recipe leaves to the unit: by how much of the picture it sees, and by what its network has.

    recipe --learning rate, steps by the field--> settings of a unit --without penalties that do not fit-->

What a spec itself says is never changed.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from fvcli.models import ModelFacts
from fvcli.models.graph import ancestors
from fvcli.plan.terms import TermPlan
from fvcli.spec.penalties import AnyPenalty
from fvcli.spec.recipes import BY_FIELD, RECIPES
from fvcli.spec.settings import ResolvedRender

WHOLE_IMAGE = 4.0  # the share of a unit that sees the whole image, whatever its size
DIGITS = 3
STEPS_TO = 8  # steps are a multiple of
FITTED = frozenset({"optimizer", "steps", "penalties"})  # keys of a spec that keep it from being changed


def fitted_to_unit(
    settings: ResolvedRender,
    terms: Sequence[TermPlan],
    facts: ModelFacts,
    written: Collection[str],
) -> ResolvedRender:
    """Return settings with what the recipe leaves to the unit.

    Args:
        settings: Of a job. Those of other methods than ascent stay as they are.
        terms: Of the unit; of those that read whole maps the one that sees most decides. A neuron has one
            place, and keeps what the recipe has for small fields.
        facts: Of the network.
        written: Keys that the spec has itself.
    """
    if settings.method != "ascent":
        return settings
    changes = dict(_by_field(settings, terms, facts, written))
    if "penalties" not in written and settings.penalties:
        changes["penalties"] = tuple(p for p in settings.penalties if unfit(p, terms, facts) is None)
    return settings.model_copy(update=changes) if changes else settings


# ---- the field


def _by_field(
    settings: ResolvedRender, terms: Sequence[TermPlan], facts: ModelFacts, written: Collection[str]
) -> Iterator[tuple[str, Any]]:
    numbers = BY_FIELD.get(settings.recipe)
    layers = [term.layer for term in terms if not term.of_kind.reads_place]
    if numbers is None or not layers:
        return
    share = max(field_share(facts, layer, settings.size_px) for layer in layers)
    own = RECIPES[settings.recipe]
    if "optimizer" not in written and settings.optimizer == own.optimizer:
        rate = at_share(numbers.learning_rate, share)
        yield "optimizer", own.optimizer.model_copy(update={"learning_rate": float(f"{rate:.{DIGITS}g}")})
    if "steps" not in written:
        yield "steps", STEPS_TO * round(at_share(numbers.steps, share) / STEPS_TO)


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


def at_share(numbers: Sequence[tuple[float, float]], share: float) -> float:
    """Return the number for a share: between two that are given, evenly on logarithmic scales.

    Args:
        numbers: Shares, ascending, with their numbers, above 0.
        share: Below the first and above the last it has their numbers.
    """
    (before, number), (_, last) = numbers[0], numbers[-1]
    if share <= before:
        return number
    for after, next_number in numbers[1:]:
        if share < after:
            way = math.log(share / before) / math.log(after / before)
            return float(number * (next_number / number) ** way)
        before, number = after, next_number
    return last


# ---- penalties


def unfit(penalty: AnyPenalty, terms: Sequence[TermPlan], facts: ModelFacts) -> str | None:
    """Say why a penalty does not go with what is optimised, or None."""
    if penalty.needs_classes and not all(term.of_kind.sweeps == "classes" for term in terms):
        return "goes with objectives of classes"
    if not penalty.needs_batch_norm:
        return None
    layers = sorted({term.layer for term in terms})
    below = ancestors(facts.inputs_of, [name for layer in layers for name in facts.inputs_of.get(layer, ())])
    if any(node.kind == "batch_norm" and node.name in below for node in facts.nodes):
        return None
    return f"needs a batch normalization, and {facts.name} has none below {', '.join(layers)}"
