"""Turn what a program says into the functions of optvis: one table for each of the kinds of a spec."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from fvcli.models import ModelFacts
from fvcli.optvis import objectives, optimizers, regularizers, transforms
from fvcli.optvis.ascent import TARGET, Recipe, Units
from fvcli.optvis.objectives import Objective
from fvcli.optvis.parameterizations import Parameterization
from fvcli.plan import Program, TermShape, Unit
from fvcli.plan.terms import Coupling
from fvcli.spec import objectives as leaves
from fvcli.spec import optimizers as of_optimizers
from fvcli.spec import penalties as of_penalties
from fvcli.spec import regularizers as of_regularizers
from fvcli.spec import transforms as of_transforms
from fvcli.spec.base import Strictly, complete, file_keys, options_of
from fvcli.spec.references import References
from fvcli.spec.transforms import Affine, TransformKind
from fvcli.worker.assets import Assets
from fvcli.worker.parameterizations import build_parameterization

HERE = "worker/builders.py: {}"
DIVERSITY_WEIGHT = "diversity weight"  # among the units' arrays, where it is found by trials
TRANSFORMS = complete(
    {
        of_transforms.Pad: transforms.pad,
        of_transforms.Jitter: transforms.jitter,
        of_transforms.Crop: transforms.crop,
        of_transforms.Scale: transforms.scale,
        of_transforms.Rotate: transforms.rotate,
        of_transforms.Affine: transforms.affine,
        of_transforms.Crops: lambda sides, **how: transforms.crops(side=sides, **how),
        of_transforms.Noise: transforms.noise,
        of_transforms.RandomBlur: lambda sigmas_px: transforms.blur(sigma=sigmas_px),
        of_transforms.Flip: transforms.flip,
        of_transforms.Background: transforms.collapse_alpha,
    },
    of_transforms.AnyTransform,
    HERE.format("TRANSFORMS"),
)
OPTIMIZERS = complete(
    {
        of_optimizers.Adam: optimizers.adam,
        of_optimizers.Lion: optimizers.lion,
        of_optimizers.Gradient: optimizers.gradient,
        of_optimizers.Nadam: optimizers.nadam,
    },
    of_optimizers.Optimizer,
    HERE.format("OPTIMIZERS"),
)
REGULARIZERS = complete(
    {
        of_regularizers.Decay: regularizers.decay,
        of_regularizers.GaussianBlur: regularizers.blur,
        of_regularizers.ClipNorm: regularizers.clip_norm,
        of_regularizers.ClipContribution: regularizers.clip_contribution,
    },
    of_regularizers.AnyRegularizer,
    HERE.format("REGULARIZERS"),
)
PENALTIES = complete(
    {
        of_penalties.L1: objectives.l1,
        of_penalties.L2: objectives.l2,
        of_penalties.TotalVariation: objectives.total_variation,
        of_penalties.Blur: objectives.blur_input,
        of_penalties.Boundary: objectives.boundary,
        of_penalties.Alpha: objectives.alpha,
        of_penalties.BlurAlpha: objectives.blur_alpha,
        of_penalties.BatchNorm: objectives.batch_norm,
        of_penalties.OtherClasses: lambda layers: objectives.other_classes(*layers),
    },
    of_penalties.AnyPenalty,
    HERE.format("PENALTIES"),
)


def build_recipe(program: Program, channels: int, assets: Assets | None = None) -> Recipe:
    """Return the recipe that a program's settings name.

    Args:
        program: With the settings.
        channels: Of the network's input.
        assets: Where files are read, if the parameterization reads some.
    """
    settings = program.settings
    parameterization = build_parameterization(program, channels, assets)
    chain = [_in_window(transform, program) for transform in settings.transforms]
    return Recipe(
        parameterization=parameterization,
        transforms=[_build(TRANSFORMS, transform) for transform in chain],
        optimizer=_optimizer(settings.optimizer, parameterization),
        redirect_steps=settings.redirect_steps,
        regularizers=[_build(REGULARIZERS, piece) for piece in settings.regularizers],
        views=settings.views,
        attention=settings.attention,
    )


def _build(table: Mapping[type[Any], Any], piece: Strictly, leave_out: Sequence[str] = ()) -> Any:
    given = {key: value for key, value in options_of(piece).items() if key not in leave_out}
    return table[type(piece)](**given)


def _in_window(transform: TransformKind, program: Program) -> TransformKind:
    """Let views look around in a window, if the program has one."""
    window = program.window
    if window is None or not isinstance(transform, Affine):
        return transform
    return transform.in_window(window.canvas_px, window.view_px, window.shift_px)


def _optimizer(piece: of_optimizers.AnyOptimizer, parameterization: Parameterization) -> optimizers.Optimizer:
    given = options_of(piece)
    anneal_from = given.pop("anneal_from")
    if given.pop("second_moment", None) == "band":
        given["pool"] = parameterization.pool
    return optimizers.annealed(OPTIMIZERS[type(piece)](**given), anneal_from)


# ---- objectives

Centres = Mapping[str, tuple[int, int]]


def maps_of(
    program: Program, facts: ModelFacts, picture_px: tuple[int, int]
) -> tuple[Centres, dict[str, int]]:
    """Return of each layer that a program reads the central row and column, and the number of channels.

    Args:
        program: Gives the layers, and the size that pictures are resized to, if they are.
        facts: Of the model.
        picture_px: Height and width of the pictures otherwise.
    """
    at = facts.layers_at(*(program.input_px or picture_px))
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
    if isinstance(formula, int):
        return terms[formula]
    kind, *parts = formula or ("sum", *range(len(terms)))
    total, *rest = (_put_together(part, terms) for part in parts)
    for part in rest:
        total = total + part if kind == "sum" else total * part
    return total


def build_optimized_objective(program: Program, centres: Centres, units: Units) -> Objective:
    """Return what is optimised: the objective, what couples pictures, and less the penalties.

    In a window the neuron is read at the position where the view has it.
    """
    if program.settings.references is not None:
        score = _matched(program.settings.references, units)
    elif program.window is None:
        score = build_objective(program, centres, units)
    else:
        (shape,), window = program.terms, program.window
        place = {"row": window.row, "column": window.column}
        score = _made(shape, 0, units, place) * units["weight"][:, 0] * units["sign"]
    for coupling in program.couplings:
        weight = units[DIVERSITY_WEIGHT] if coupling.weight is None else coupling.weight
        score = score + COUPLINGS[coupling.kind](coupling, program.members) * weight
    for penalty in program.settings.penalties:
        cost = _penalty(penalty, program) * penalty.weight
        score = score - (_size_of(score) * cost if penalty.is_share_of_score else cost)
    return score


def _penalty(penalty: of_penalties.Penalty, program: Program) -> Objective:
    if not penalty.needs_batch_norm and not penalty.needs_classes:
        return _build(PENALTIES, penalty, leave_out=["weight"])  # type: ignore[no-any-return]
    made: Objective = PENALTIES[type(penalty)](sorted({shape.layer for shape in program.terms}))
    return made


def _matched(references: References, units: Units) -> Objective:
    """Return how alike a picture is to what excites its unit: the mean over the matched layers."""
    layers = references.layers or ()
    scores = [
        objectives.sort_match(layer, *(units[name] for name in names_of_target(layer))) for layer in layers
    ]
    first, *rest = scores
    return sum(rest, first) / float(len(scores))


def names_of_target(layer: str) -> tuple[str, str, str]:
    """Return what units' arrays call the channels, activations and weights that are matched at a layer."""
    return f"channels of {layer}", f"activations of {layer}", f"weights of {layer}"


def _size_of(score: Objective) -> Objective:
    return Objective(lambda T: tf.abs(score(T)))


COUPLINGS: dict[str, Callable[[Coupling, int], Objective]] = {
    "diversity": lambda coupling, members: objectives.diversity(coupling.layer, members),
    "alignment": lambda coupling, members: objectives.alignment(
        coupling.layer, coupling.decay_ratio, members
    ),
}


def _term(shape: TermShape, centre: tuple[int, int], i: int, units: Units) -> Objective:
    place: dict[str, Any] = {}
    if shape.placed:
        down, right = units["row"][:, i] - centre[0], units["column"][:, i] - centre[1]
        place = {"row": down, "column": right, "from_centre": True}
    return _made(shape, i, units, place)


def _made(shape: TermShape, i: int, units: Units, place: Mapping[str, Any]) -> Objective:
    """Return the objective of a term: what it reads of the units, then its place and its options."""
    leaf = shape.of_kind
    read: list[Any] = []
    if leaf.sweeps == "vectors":
        read = [units.get(_vector(i))]
    elif leaf.sweeps is not None:
        read = [units["index"][:, i]]
    elif file_keys(leaf):
        read = [units.get(_array(i))]
    defaults = leaf.defaults()
    options = defaults | {key: value for key, value in shape.options if key in defaults}
    made: Objective = OBJECTIVES[leaf](shape.layer, *read, **place, **options)
    return made


OBJECTIVES = complete(
    {
        leaves.ChannelObjective: objectives.channel,
        leaves.NeuronObjective: objectives.neuron,
        leaves.LayerObjective: objectives.deepdream,
        leaves.ClassLogitObjective: objectives.class_logit,
        leaves.ClassProbabilityObjective: objectives.class_probability,
        leaves.DirectionObjective: objectives.direction,
        leaves.DirectionNeuronObjective: objectives.direction_neuron,
        leaves.LocalGroupObjective: objectives.local_group,
        leaves.TensorDirectionObjective: objectives.tensor_direction,
        leaves.CaricatureObjective: objectives.caricature,
        leaves.MatchObjective: objectives.match,
        leaves.StyleObjective: objectives.style,
    },
    leaves.AnyLeaf,
    HERE.format("OBJECTIVES"),
)


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
