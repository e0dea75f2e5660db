"""Every kind of a spec has all that belongs to it; the test walks the schema, so that none is forgotten.

What a kind can do stands on its model in spec/. Beside that it needs a builder (worker/), a test of its
formula against NumPy (tests/optvis/), a config that shows it (configs/), and a pinned key for each of its
options (tests/plan/test_keys.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fvcli.spec import json_schema, objectives, optimizers, penalties, regularizers, transforms
from fvcli.spec.base import complete, kinds_of, options_of
from fvcli.spec.parameterizations import Parameterization
from fvcli.spec.settings import Method
from fvcli.spec.yaml_text import parse_yaml
from fvcli.worker import builders, parameterizations, renderers
from tests.plan import test_keys as keys

TESTS = Path(__file__).parents[1]
CONFIGS = TESTS.parent / "configs"
TOGETHER = {
    "sum",
    "product",
    "interpolate",
}  # they put objectives together, and have no table
DEFAULTS = {"channel"}  # kinds that configs have without naming them

# section: its union, its table of builders, and its pinned options
SECTIONS: dict[str, tuple[Any, dict[type, Any], dict[str, Any]]] = {
    "objectives": (objectives.JobObjective, builders.OBJECTIVES, keys.OBJECTIVES),
    "parameterizations": (Parameterization, parameterizations.BUILDERS, keys.PARAMETERIZATIONS),
    "transforms": (transforms.AnyTransform, builders.TRANSFORMS, keys.TRANSFORMS),
    "optimizers": (optimizers.Optimizer, builders.OPTIMIZERS, keys.OPTIMIZERS),
    "penalties": (penalties.AnyPenalty, builders.PENALTIES, keys.PENALTIES),
    "regularizers": (regularizers.AnyRegularizer, builders.REGULARIZERS, keys.REGULARIZERS),
}

# Where the formula of each kind is held against NumPy, a paper's or another tool's numbers.
FORMULAS = {
    "objectives": {
        "channel": "objectives/test_units.py::test_channel_is_the_mean_over_positions",
        "neuron": "objectives/test_units.py::test_neuron_reads_row_and_column",
        "layer": "objectives/test_units.py::test_deepdream_is_the_mean_square_of_the_layer",
        "class_logit": "objectives/test_units.py::test_class_logit_is_the_logit",
        "class_probability": "objectives/test_units.py::test_class_probability_is_the_softmax",
        "direction": "objectives/test_directions.py::test_direction_is_the_mean_over_positions",
        "direction_neuron": "objectives/test_directions.py::test_direction_neuron_is_the_centre_by_default",
        "tensor_direction": "objectives/test_directions.py::"
        "test_tensor_direction_reads_the_centre_of_the_map",
        "local_group": "objectives/test_directions.py::"
        "test_local_group_is_the_mean_over_a_region_about_the_centre",
        "caricature": "objectives/test_pictures.py::test_caricature_is_the_dot_product_and_the_angle",
        "match": "objectives/test_pictures.py::"
        "test_match_is_minus_the_mean_difference_from_the_target_picture",
        "style": "objectives/test_pictures.py::"
        "test_style_is_minus_the_mean_squared_difference_of_gram_matrices",
        "sum": "objectives/test_units.py::test_arithmetic_is_exact",
        "product": "objectives/test_units.py::test_arithmetic_is_exact",
        "interpolate": "objectives/test_together.py::test_scores_of_alignment_sum_to_the_published_total",
    },
    "parameterizations": {
        "fourier": "parameterizations/test_fourier_and_pixel.py::test_fourier_is_lucids_formula",
        "pixel": "parameterizations/test_fourier_and_pixel.py::test_pixel_is_colours_and_sigmoid",
        "laplacian": "parameterizations/test_parameterizations.py::"
        "test_laplacian_is_a_sum_of_enlarged_levels",
        "cppn": "parameterizations/test_cppn.py::test_cppn_is_its_twin",
        "deep_image_prior": "parameterizations/test_deep_image_prior.py::test_deep_image_prior_is_its_twin",
        "maco": "parameterizations/test_maco.py::test_maco_is_its_twin",
        "generator": "parameterizations/test_parameterizations.py::test_a_generators_picture_is_resampled",
    },
    "transforms": {
        "pad": "transforms/test_geometry.py::test_pad_adds_grey_on_every_side",
        "jitter": "transforms/test_geometry.py::test_jitter_is_a_crop_and_reaches_every_offset",
        "crop": "transforms/test_geometry.py::test_crop_cuts_every_side",
        "scale": "transforms/test_geometry.py::test_scale_is_its_twin",
        "rotate": "transforms/test_geometry.py::test_rotate_takes_the_nearest_pixel_and_fills_with_black",
        "affine": "transforms/test_geometry.py::test_affine_is_its_twin",
        "crops": "transforms/test_resampling_and_noise.py::test_crops_are_their_twin",
        "noise": "transforms/test_resampling_and_noise.py::test_noise_is_a_normal_one_and_an_even_one",
        "blur": "transforms/test_resampling_and_noise.py::test_blur_is_its_twin",
        "flip": "transforms/test_geometry.py::test_flip_mirrors_left_to_right_at_draws_below_one_half",
        "background": "transforms/test_resampling_and_noise.py::test_a_background_is_lucids_noise",
    },
    "optimizers": {
        "adam": "test_optimizers.py::test_adam_is_tensorflow_1s",
        "lion": "test_optimizers.py::test_lion_is_the_papers",
        "gradient": "test_optimizers.py::test_directions_are_their_formulas",
        "nadam": "test_optimizers.py::test_nadam_is_keras",
    },
    "penalties": {
        "l1": "objectives/test_penalties.py::test_l1_is_the_sum_of_absolute_differences",
        "l2": "objectives/test_penalties.py::test_l2_is_the_root_of_the_sum_of_squares",
        "total_variation": "objectives/test_penalties.py::"
        "test_total_variation_is_the_sum_of_steps_between_neighbours",
        "blur": "objectives/test_penalties.py::test_blur_input_is_half_the_squared_distance_from_the_blur",
        "boundary": "objectives/test_penalties.py::test_boundary_is_the_cost_of_the_frame",
        "alpha": "objectives/test_penalties.py::test_alpha_is_the_mean_of_the_fourth_channel",
        "blur_alpha": "objectives/test_penalties.py::"
        "test_blur_alpha_is_the_blur_penalty_of_the_fourth_channel",
        "batch_norm": "objectives/test_penalties.py::"
        "test_batch_norm_is_the_distance_from_the_statistics_of_training",
        "other_classes": "objectives/test_penalties.py::"
        "test_other_classes_is_the_log_of_the_sum_of_exponentials",
    },
    "regularizers": {
        "decay": "test_regularizers.py::test_decay_takes_a_share",
        "gaussian_blur": "test_regularizers.py::test_blur_is_scipys",
        "clip_norm": "test_regularizers.py::test_clip_norm_is_numpys",
        "clip_contribution": "test_regularizers.py::test_clip_contribution_is_numpys",
    },
}
EVERY = [(section, kind) for section, (union, *_) in SECTIONS.items() for kind in kinds_of(union)]


def pinned_options(case: tuple[Any, ...]) -> set[str]:
    """Return what a kind needs and what it may have, in the tables of pinned keys."""
    names = [(key,) if isinstance(key, str) else key for key in (*case[0], *case[-1])]
    return {name for some in names for name in some}


@cache
def shown_words() -> frozenset[str]:
    """Return every text in a config or a recipe that may be the name of a kind."""
    recipes = resources.files("fvcli.spec").joinpath("recipes.yaml").read_text()
    texts = [recipes, *(path.read_text() for path in CONFIGS.rglob("*.yaml"))]
    return frozenset(word for text in texts for word in words_in(parse_yaml(text).data))


def words_in(data: Any) -> Iterator[str]:
    if isinstance(data, dict | list):
        for part in data.values() if isinstance(data, dict) else data:
            yield from words_in(part)
    elif isinstance(data, str):
        yield data


@pytest.mark.parametrize(("section", "kind"), EVERY)
def test_a_kind_has_all_that_belongs_to_it(section: str, kind: str) -> None:
    union, table, pinned = SECTIONS[section]
    model = kinds_of(union)[kind]
    if kind not in TOGETHER:
        assert model in table, f"builder of {kind}"
    assert kind in pinned, f"tests/plan/test_keys.py lacks {kind}"
    options = {field.alias or name for name, field in model.model_fields.items()} - {"kind", "layer"}
    assert options == pinned_options(pinned[kind]), f"tests/plan/test_keys.py: options of {kind}"
    assert kind in shown_words() | DEFAULTS, f"configs/ lacks {kind}"
    assert kind in FORMULAS[section], f"tests/optvis/ lacks {kind}"
    file, _, test = FORMULAS[section][kind].partition("::")
    assert f"def {test}(" in (TESTS / "optvis" / file).read_text(), FORMULAS[section][kind]


def test_the_sections_are_those_of_the_schema() -> None:
    """A new list of kinds would be walked by nobody."""
    parts = json_schema()["$defs"].values()
    kinds = {part["properties"]["kind"]["const"] for part in parts if "kind" in part.get("properties", {})}
    assert kinds == {kind for _, kind in EVERY}


@pytest.mark.parametrize("section", SECTIONS)
def test_a_kind_without_a_builder_is_named_when_the_worker_starts(section: str) -> None:
    union, table, _ = SECTIONS[section]
    kind, model = next((k, m) for k, m in kinds_of(union).items() if k not in TOGETHER)
    leaves = objectives.AnyLeaf if section == "objectives" else union
    rest = {key: value for key, value in table.items() if key is not model}
    with pytest.raises(TypeError, match=f"^here: TABLE lacks {model.__name__} \\({kind}\\)$"):
        complete(rest, leaves, "here: TABLE")


OF_FILES = ("maco.spectrum", "generator")  # what they read is not there


@pytest.mark.parametrize("name", [name for name in keys.CASES if not any(part in name for part in OF_FILES)])
def test_every_option_is_one_of_what_is_built(name: str) -> None:
    """An option of another name in optvis would fail only while a unit is rendered."""
    plan = keys.plan_of(keys.CASES[name][0])
    for program in plan.programs:
        built = builders.build_recipe(program, channels=3)
        assert len(built.transforms) == len(program.settings.transforms)
        batch = np.zeros((4, len(program.terms)), np.int32)
        units = dict.fromkeys(("index", "row", "column", "weight"), batch) | {"sign": batch[:, 0]}
        units |= {builders.DIVERSITY_WEIGHT: np.zeros(4, np.float32)}
        units |= {f"{what} {i}": batch for what in ("vector", "array") for i in range(len(program.terms))}
        references = program.settings.references
        for layer in references.layers or () if references else ():
            units |= dict.fromkeys(builders.names_of_target(layer), batch)
        centres = dict.fromkeys(program.layers, (3, 3))
        builders.build_optimized_objective(program, centres, {k: tf.constant(v) for k, v in units.items()})


SIZES = [(kind, {**needed, **changed}) for kind, (needed, options) in keys.TRANSFORMS.items()
         for changed in ({}, *({key: value} for key, value in options.items()))]  # fmt: skip


@pytest.mark.parametrize(("kind", "options"), SIZES)
def test_a_transform_does_to_a_side_what_it_says(kind: str, options: dict[str, Any]) -> None:
    """Plans refuse views that are too small, and trust it."""
    transform = kinds_of(transforms.AnyTransform)[kind](kind=kind, **options)
    built = builders.TRANSFORMS[type(transform)](**options_of(transform))
    assert built.shared == bool(transform.drawn_factors)
    channels = 4 if transform.is_background else 3
    picture = tf.fill((2, 50, 70, channels), 0.5)
    for pick, draw in ((max, 0.999), (min, 0.0)):  # factors are in order in all cases
        count = built.draws + built.timed  # the share of the ascent that is done comes as a last draw
        shape = (count,) if built.shared else (2, count)
        view = built.apply(picture, tf.fill(shape, draw))
        sides = tuple(transform.side_after(side, pick) for side in (50, 70))
        assert tuple(view.shape[1:3]) == sides


def test_every_builder_is_of_a_kind() -> None:
    for union, table, _ in SECTIONS.values():
        assert set(table) <= set(kinds_of(union).values())


def test_every_method_has_a_renderer() -> None:
    assert set(renderers.RENDERERS) == set(Method.__args__)


def test_every_coupling_has_a_builder() -> None:
    assert set(builders.COUPLINGS) == {"diversity", "alignment"}
