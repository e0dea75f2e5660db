"""Tables of defaults that are not one value: by recipe, by parameterization, by size."""

from __future__ import annotations

from collections import Counter
from typing import Any

from fvcli.spec.base import BY_RECIPE, Strictly, kinds_of
from fvcli.spec.optimizers import MEASURED_STEPS, AnyOptimizer, Gradient
from fvcli.spec.parameterizations import Parameterization
from fvcli.spec.penalties import AnyPenalty
from fvcli.spec.recipes import RECIPES
from fvcli.spec.schema import Render

BY_RECIPE_HEADING = "Default by recipe"
RATES_HEADING = "Default learning rates"
WEIGHTS_HEADING = "Default weights"
HEADINGS = {  # where the table of a default stands, by how the schema says it
    BY_RECIPE: BY_RECIPE_HEADING,
    "suits the parameterization": RATES_HEADING,
    "suits the size of the pictures": WEIGHTS_HEADING,
}
NONE = "none"
SIDES_PX = (64, 128, 224, 512, 1024)


def by_recipe() -> str:
    """Return the table of what each recipe sets: a row for each key and value."""
    rows = [
        f"| `{key}` | `{value}` | {', '.join(recipes)} |"
        for key in Render.model_fields
        for value, recipes in recipes_by_value(key).items()
    ]
    return _table("| key | default | recipes |", rows)


def recipes_by_value(key: str) -> dict[str, list[str]]:
    """Return the recipes that have a key at each value; what most of them have comes last, for all others.

    Nothing is returned for a key that no recipe sets.
    """
    values = {name: flow(_plain(getattr(recipe, key))) for name, recipe in RECIPES.items()}
    counts = Counter(values.values())
    found = {value: [f"`{name}`" for name, own in values.items() if own == value] for value in counts}
    ((most, times),) = counts.most_common(1)
    if times == len(values):
        return {} if most == NONE else {most: ["all"]}
    if times > len(values) / 2:
        del found[most]
        found[most] = ["all others"]
    return found


def _plain(value: Any) -> Any:
    """Return a value as a recipe writes it."""
    if isinstance(value, Strictly):
        written = {name: getattr(value, name) for name in value.model_fields_set}
        order = sorted(written, key=lambda name: (name != "kind", list(type(value).model_fields).index(name)))
        return {name: _plain(written[name]) for name in order}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def flow(value: Any) -> str:
    """Write a value in one line of YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(inside)}" for key, inside in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if value is None or isinstance(value, bool):
        return {None: NONE, True: "true", False: "false"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def rates() -> str:
    """Return the table of learning rates: a row for each optimizer, a column for each parameterization."""
    images = list(kinds_of(Parameterization))
    optimizers = {f"`{kind}`": model(kind=kind) for kind, model in kinds_of(AnyOptimizer).items()}
    del optimizers["`gradient`"]
    for step in ("mean", "sign"):
        optimizers[f"`gradient` with `step: {step}`"] = Gradient.model_validate(
            {"kind": "gradient", "step": step}
        )
    rows = [
        f"| {name} | {' | '.join(f'{one.rate_for(image, MEASURED_STEPS):g}' for image in images)} |"
        for name, one in optimizers.items()
    ]
    return _table(f"| optimizer | {' | '.join(f'`{image}`' for image in images)} |", rows)


def weights() -> str:
    """Return the table of weights: a row for each penalty, a column for each size of a square picture."""
    penalties = {kind: model(kind=kind) for kind, model in kinds_of(AnyPenalty).items()}
    rows = [
        f"| `{kind}` | {' | '.join(f'{one.weight_for((side, side)):g}' for side in SIDES_PX)} |"
        for kind, one in penalties.items()
    ]
    return _table(f"| penalty | {' | '.join(f'{side} px' for side in SIDES_PX)} |", rows)


def _table(head: str, rows: list[str]) -> str:
    return "\n".join([head, "|" + "---|" * (head.count("|") - 1), *rows])
