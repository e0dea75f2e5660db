"""Turn a program's plain settings into the functions of optvis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fvcli.optvis import images, objectives, optimizers, transforms
from fvcli.optvis.ascent import Recipe, Units
from fvcli.optvis.objectives import Objective
from fvcli.plan import Program, Unit

PARAMETERIZATIONS = {"fourier": images.fourier, "pixel": images.pixel}
TRANSFORMS = {
    "pad": transforms.pad,
    "jitter": transforms.jitter,
    "crop": transforms.crop,
    "scale": transforms.scale,
    "rotate": transforms.rotate,
    "affine": transforms.affine,
}
OBJECTIVES = {
    "channel": objectives.channel,
    "neuron": objectives.neuron,
    "class_logit": objectives.class_logit,
    "class_probability": objectives.class_probability,
}
OPTIMIZERS = {"adam": optimizers.adam, "lion": optimizers.lion}


def build_recipe(program: Program, channels: int) -> Recipe:
    """Return the recipe that a program's settings name.

    Args:
        program: With the settings.
        channels: Of the network's input.
    """
    settings = program.settings
    make, options = _named(PARAMETERIZATIONS, settings["parameterization"])
    size, chain = (program.height_px, program.width_px), settings["transforms"]
    if program.window is not None:
        window = program.window
        seen = {"crop_px": window.canvas_px - window.view_px, "shift_px": window.shift_px}
        size, chain = (window.canvas_px, window.canvas_px), [{**transform, **seen} for transform in chain]
    parameterization = make(*size, channels, **options)
    return Recipe(
        parameterization=parameterization,
        transforms=[_call(TRANSFORMS, transform) for transform in chain],
        optimizer=_optimizer(settings["optimizer"], parameterization),
        redirect_steps=settings["redirect_steps"],
    )


def _named(table: Mapping[str, Any], settings: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    return table[settings["kind"]], {key: value for key, value in settings.items() if key != "kind"}


def _call(table: Mapping[str, Any], settings: Mapping[str, Any]) -> Any:
    make, options = _named(table, settings)
    return make(**options)


def _optimizer(
    settings: Mapping[str, Any], parameterization: images.Parameterization
) -> optimizers.Optimizer:
    own = {key: value for key, value in settings.items() if key not in {"anneal_from", "second_moment"}}
    if settings.get("second_moment") == "band":
        own["pool"] = parameterization.pool
    return optimizers.annealed(_call(OPTIMIZERS, own), settings["anneal_from"])


Centres = Mapping[str, tuple[int, int]]


def build_objective(program: Program, centres: Centres, units: Units) -> Objective:
    """Return the signed, weighted sum of the terms, with what differs between units as tensors.

    Args:
        program: Gives kind and layer of each term.
        centres: Central row and column of each layer's map at the size of the picture.
        units: From ``unit_arrays``, as tensors.
    """
    total = sum(
        _term(kind, layer, centres[layer] if placed else None, i, units) * units["weight"][:, i]
        for i, (kind, layer, placed) in enumerate(program.terms)
    )
    return total * units["sign"]


def build_climbing_objective(program: Program, centres: Centres, units: Units) -> Objective:
    """Return what is climbed: the objective, in a window at the position where the view has the neuron."""
    if program.window is None:
        return build_objective(program, centres, units)
    ((_, layer, _),) = program.terms
    place = program.window.row, program.window.column
    one = objectives.neuron(layer, units["index"][:, 0], *place)
    return one * units["weight"][:, 0] * units["sign"]


def _term(kind: str, layer: str, centre: tuple[int, int] | None, i: int, units: Units) -> Objective:
    if kind == "layer":
        return objectives.deepdream(layer)
    index = units["index"][:, i]
    if centre is not None:
        down, right = units["row"][:, i] - centre[0], units["column"][:, i] - centre[1]
        return objectives.neuron_off_centre(layer, index, down, right)
    return OBJECTIVES[kind](layer, index)


def unit_arrays(units: Sequence[Unit]) -> dict[str, np.ndarray]:
    """Write down what differs between the units of a batch: [batch] or [batch, terms]."""

    def table(field: str, dtype: type) -> np.ndarray:
        return np.array([[getattr(term, field) for term in unit.terms] for unit in units], dtype)

    whole = {name: table(name, np.int32) for name in ("index", "row", "column")}
    sign = np.array([unit.sign for unit in units], np.float32)
    return {**whole, "weight": table("weight", np.float32), "sign": sign}
