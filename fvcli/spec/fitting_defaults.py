"""Defaults that depend on the other pieces: rates that suit what is optimised, weights that suit the size.

A spec may name a piece and no more, such as ``optimizer: nadam`` or ``penalties: [l1]``. What it leaves open
is filled in here. What is written is never changed, with one exception: the learning rate of a recipe is
one for the recipe's own parameterization. A spec that replaces only the parameterization gets another rate.
"""

from __future__ import annotations

from typing import Any, cast

from fvcli.spec.base import Strictly
from fvcli.spec.optimizers import AnyOptimizer
from fvcli.spec.schema import Render

RATE = "learning_rate"


def fitted(
    recipe: Render, own: Render, chosen: Render, size_px: tuple[int, int], native_px: tuple[int, int]
) -> dict[str, Any]:
    """Return the pieces of settings with what they left open.

    Args:
        recipe: What the recipe says.
        own: What the spec says.
        chosen: What the spec says, and the recipe where the spec says nothing.
        size_px: Height and width of the pictures.
        native_px: Height and width of the network's input.
    """
    found: dict[str, Any] = {"optimizer": _optimizer(recipe, own, chosen)}
    if own.penalties is not None:
        found["penalties"] = tuple(
            _filled(penalty, weight=penalty.weight_for(size_px)) for penalty in own.penalties
        )
    if own.transforms is not None:
        found["transforms"] = tuple(
            _filled(transform, **transform.defaults_for(min(size_px), min(native_px)))
            for transform in own.transforms
        )
    return found


def _optimizer(recipe: Render, own: Render, chosen: Render) -> AnyOptimizer:
    optimizer, steps = chosen.optimizer, chosen.steps
    assert optimizer is not None  # recipes are complete
    assert steps is not None
    if chosen.octaves is not None:  # a dream has rates of its own
        return optimizer
    rate, rate_of_recipe = (optimizer.rate_for(_kind(render), steps) for render in (chosen, recipe))
    if own.optimizer is not None:
        return cast("AnyOptimizer", _filled(optimizer, **{RATE: rate}))
    return optimizer if rate == rate_of_recipe else optimizer.model_copy(update={RATE: rate})


def _kind(render: Render) -> str:
    assert render.parameterization is not None
    return render.parameterization.kind


def _filled(piece: Any, **values: Any) -> Any:
    """Return a piece with values for those of its keys that nobody wrote."""
    assert isinstance(piece, Strictly)
    missing = {
        key: value for key, value in values.items() if key not in piece.model_fields_set and value is not None
    }
    return piece.model_copy(update=missing) if missing else piece
