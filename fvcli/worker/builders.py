"""Turn a program's plain settings into the functions of optvis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from fvcli.models import ModelFacts
from fvcli.optvis import objectives, optimizers, parameterizations, regularizers, transforms
from fvcli.optvis.ascent import TARGET, Recipe, Units
from fvcli.optvis.objectives import Objective
from fvcli.plan import Program, TermShape, Unit
from fvcli.worker.assets import Assets
from fvcli.worker.parameterizations import build_parameterization

TRANSFORMS = {
    "pad": transforms.pad,
    "jitter": transforms.jitter,
    "crop": transforms.crop,
    "scale": transforms.scale,
    "rotate": transforms.rotate,
    "affine": transforms.affine,
    "crops": lambda sides, **how: transforms.crops(side=sides, **how),
    "noise": transforms.noise,
    "blur": lambda sigmas_px: transforms.blur(sigma=sigmas_px),
    "flip": transforms.flip,
    "background": transforms.collapse_alpha,
}
OPTIMIZERS = {
    "adam": optimizers.adam,
    "lion": optimizers.lion,
    "gradient": optimizers.gradient,
    "nadam": optimizers.nadam,
}
REGULARIZERS = {
    "decay": regularizers.decay,
    "gaussian_blur": regularizers.blur,
    "clip_norm": regularizers.clip_norm,
    "clip_contribution": regularizers.clip_contribution,
}
PENALTIES = {
    "l1": lambda constant: objectives.l1(constant=constant),
    "l2": lambda constant: objectives.l2(constant=constant),
    "total_variation": objectives.total_variation,
    "blur": objectives.blur_input,
    "boundary": objectives.boundary,
    "alpha": objectives.alpha,
    "blur_alpha": objectives.blur_alpha,
}


def build_recipe(program: Program, channels: int, assets: Assets | None = None) -> Recipe:
    """Return the recipe that a program's settings name.

    Args:
        program: With the settings.
        channels: Of the network's input.
        assets: Where files are read, if the parameterization reads some.
    """
    parameterization = build_parameterization(program, channels, assets)
    settings, chain = program.settings, program.settings["transforms"]
    if program.window is not None:
        window = program.window
        seen = {"crop_px": window.canvas_px - window.view_px, "shift_px": window.shift_px}
        chain = [{**transform, **seen} for transform in chain]
    return Recipe(
        parameterization=parameterization,
        transforms=[_call(TRANSFORMS, transform) for transform in chain],
        optimizer=_optimizer(settings["optimizer"], parameterization),
        redirect_steps=settings["redirect_steps"],
        regularizers=[_call(REGULARIZERS, piece) for piece in settings.get("regularizers", ())],
        views=settings.get("views", 1),
        attention=settings.get("attention", False),
    )


def _call(table: Mapping[str, Any], settings: Mapping[str, Any]) -> Any:
    return table[settings["kind"]](**{key: value for key, value in settings.items() if key != "kind"})


def _optimizer(
    settings: Mapping[str, Any], parameterization: parameterizations.Parameterization
) -> optimizers.Optimizer:
    own = {key: value for key, value in settings.items() if key not in {"anneal_from", "second_moment"}}
    if settings.get("second_moment") == "band":
        own["pool"] = parameterization.pool
    return optimizers.annealed(_call(OPTIMIZERS, own), settings["anneal_from"])


# ---- objectives

Centres = Mapping[str, tuple[int, int]]


def maps_of(program: Program, facts: ModelFacts, seen_px: tuple[int, int]) -> tuple[Centres, dict[str, int]]:
    """Return of each layer that a program reads the central row and column, and the number of channels.

    Args:
        program: Gives the layers, and the size that pictures are resized to, if they are.
        facts: Of the model.
        seen_px: Height and width of the pictures otherwise.
    """
    at = facts.layers_at(*(program.input_px or seen_px))
    read = {name: at[name] for name in program.layers}
    centres = {name: (layer.height // 2, layer.width // 2) for name, layer in read.items()}
    return centres, {name: layer.channels for name, layer in read.items()}


def build_objective(program: Program, centres: Centres, units: Units) -> Objective:
    """Return the signed objective, with what differs between units as tensors.

    Args:
        program: Gives the shape of each term and the formula.
        centres: Central row and column of each layer's map at the size of the picture.
        units: From ``unit_arrays``, as tensors.
    """
    terms = [
        _term(shape, centres[shape.layer], i, units) * units["weight"][:, i]
        for i, shape in enumerate(program.terms)
    ]
    return _put_together(program.formula, terms) * units["sign"]


def _put_together(formula: Any, terms: Sequence[Objective]) -> Objective:
    if formula is None:
        return sum(terms)
    if isinstance(formula, int):
        return terms[formula]
    total, *rest = (_put_together(part, terms) for part in formula[1:])
    for part in rest:
        total = total + part if formula[0] == "sum" else total * part
    return total


def build_optimized_objective(program: Program, centres: Centres, units: Units) -> Objective:
    """Return what is climbed: the objective, what couples pictures, and less the penalties.

    In a window the neuron is read at the position where the view has it.
    """
    if program.window is None:
        score = build_objective(program, centres, units)
    else:
        (shape,), place = program.terms, (program.window.row, program.window.column)
        one = objectives.neuron(shape.layer, units["index"][:, 0], *place)
        score = one * units["weight"][:, 0] * units["sign"]
    for coupling in program.couplings:
        if coupling.kind == "diversity":
            term = objectives.diversity(coupling.layer, program.members)
        else:
            term = objectives.alignment(coupling.layer, coupling.decay_ratio, program.members)
        score = score + term * coupling.weight
    for penalty in program.settings.get("penalties", ()):
        own = {key: value for key, value in penalty.items() if key != "weight"}
        cost = _call(PENALTIES, own) * penalty["weight"]
        score = score - (_size_of(score) * cost if penalty["kind"] == "alpha" else cost)
    return score


def _size_of(score: Objective) -> Objective:
    return Objective(lambda T: tf.abs(score(T)))


def _term(shape: TermShape, centre: tuple[int, int], i: int, units: Units) -> Objective:
    place: dict[str, Any] = {}
    if shape.placed:
        down, right = units["row"][:, i] - centre[0], units["column"][:, i] - centre[1]
        place = {"row": down, "column": right, "from_centre": True}
    given = {key: value for key, value in shape.options if key not in {"weighted", "shape"}}
    return MAKE[shape.kind](shape.layer, i, units, {**place, **given})


Make = Callable[[str, int, Units, dict[str, Any]], Objective]
MAKE: dict[str, Make] = {
    "channel": lambda layer, i, units, own: objectives.channel(layer, units["index"][:, i]),
    "neuron": lambda layer, i, units, own: objectives.neuron(layer, units["index"][:, i], **own),
    "layer": lambda layer, i, units, own: objectives.deepdream(layer),
    "class_logit": lambda layer, i, units, own: objectives.class_logit(layer, units["index"][:, i]),
    "class_probability": lambda layer, i, units, own: objectives.class_probability(
        layer, units["index"][:, i]
    ),
    "direction": lambda layer, i, units, own: objectives.direction(layer, units[_vector(i)], **own),
    "direction_neuron": lambda layer, i, units, own: objectives.direction_neuron(
        layer, units[_vector(i)], **own
    ),
    "local_group": lambda layer, i, units, own: objectives.local_group(layer, units.get(_vector(i)), **own),
    "tensor_direction": lambda layer, i, units, own: objectives.tensor_direction(
        layer, units[_array(i)], **own
    ),
    "caricature": lambda layer, i, units, own: objectives.caricature(layer, **own),
    "match": lambda layer, i, units, own: objectives.match(layer, units.get(_array(i)), **own),
    "style": lambda layer, i, units, own: objectives.style(layer),
}


def _vector(i: int) -> str:
    return f"vector {i}"


def _array(i: int) -> str:
    return f"array {i}"


def unit_arrays(
    units: Sequence[Unit], program: Program, channels: Mapping[str, int], assets: Assets
) -> dict[str, np.ndarray]:
    """Write down what differs between the units of a batch: [batch], [batch, terms] or [batch, ...].

    Args:
        units: Of the batch.
        program: Of the units.
        channels: Of each layer.
        assets: What they read from files.
    """

    def table(field: str, dtype: type) -> np.ndarray:
        return np.array([[getattr(term, field) for term in unit.terms] for unit in units], dtype)

    arrays = {name: table(name, np.int32) for name in ("index", "row", "column")}
    arrays["weight"] = table("weight", np.float32)
    arrays["sign"] = np.array([unit.sign for unit in units], np.float32)
    for i, shape in enumerate(program.terms):
        terms = [unit.terms[i] for unit in units]
        if terms[0].vector is not None:
            arrays[_vector(i)] = np.stack([assets.vector(t, channels[shape.layer]) for t in terms])
        if terms[0].source is not None:
            arrays[_array(i)] = np.stack([assets.array(str(term.source)) for term in terms])
    if any(shape.aims_at_picture for shape in program.terms):
        size = program.height_px, program.width_px
        arrays[TARGET] = np.stack([assets.picture(str(unit.picture), size) for unit in units])
    return arrays
