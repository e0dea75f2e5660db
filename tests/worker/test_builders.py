"""Scores and recipes that are built of a program, for a network of given activations."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fvcli.models import ModelFacts
from fvcli.worker.assets import Assets
from fvcli.worker.builders import (
    build_objective,
    build_optimized_objective,
    build_recipe,
    maps_of,
    unit_arrays,
)
from tests.helpers.neuron_plans import MILD
from tests.helpers.plans import plan_of

HEIGHT, WIDTH = 4, 6


class Seen:
    """Activations that are given."""

    def __init__(self, maps: dict[str, np.ndarray]) -> None:
        self._maps = {name: tf.constant(each, tf.float32) for name, each in maps.items()}

    def __call__(self, layer: str) -> tf.Tensor:
        return self._maps[layer]


def scores(
    facts: ModelFacts, job: dict[str, Any], seen: Seen, build: Any = build_objective, channels: int = 32
) -> list[float]:
    """Return the scores of a job's units."""
    plan = plan_of(facts, [{"name": "a", **job}])
    (program,) = plan.programs
    arrays = unit_arrays(plan.units, program, dict.fromkeys(program.layers, channels), Assets(None, 3))
    units = {name: tf.constant(array) for name, array in arrays.items()}
    centres = dict.fromkeys(program.layers, (HEIGHT // 2, WIDTH // 2))
    return build(program, centres, units)(seen).numpy().tolist()


def steps(batch: int, channels: int = 32) -> np.ndarray:
    """Return maps whose channel c is c everywhere, and 100 more at row 1, column 4."""
    maps = np.zeros((batch, HEIGHT, WIDTH, channels)) + np.arange(channels)
    maps[:, 1, 4] += 100
    return maps


def test_each_unit_has_its_own_channel_weight_and_sign(facts: ModelFacts) -> None:
    seen = Seen({"stem_bn": steps(2), "stem_conv": np.full((2, HEIGHT, WIDTH, 32), 10.0)})
    more = 100 / (HEIGHT * WIDTH)
    one = {"layer": "stem_bn", "channels": [3, 5]}
    assert scores(facts, one, seen) == pytest.approx([3 + more, 5 + more])
    assert scores(facts, one | {"sign": "negative"}, seen) == pytest.approx([-3 - more, -5 - more])
    terms = [{"kind": "channel"}, {"kind": "channel", "layer": "stem_conv", "channel": 7, "weight": -0.5}]
    summed = one | {"objective": {"kind": "sum", "terms": terms}}
    assert scores(facts, summed, seen) == pytest.approx([3 + more - 5, 5 + more - 5])
    parts = [terms[0], terms[1] | {"weight": 0.5}]
    multiplied = one | {"objective": {"kind": "product", "terms": parts}}
    assert scores(facts, multiplied, seen) == pytest.approx([(3 + more) * 5, (5 + more) * 5])


def test_a_neuron_is_read_where_it_is(facts: ModelFacts) -> None:
    """Row 1 and column 4 of a map whose centre is 2, 3; without a place at the centre itself."""
    seen = Seen({"stem_bn": steps(1)})
    job = {"layer": "stem_bn", "channels": [3]}
    assert scores(facts, job | {"objective": "neuron"}, seen) == [3.0]
    placed = {"kind": "neuron", "row": 1, "column": 4}
    assert scores(facts, job | {"objective": placed}, seen) == [103.0]


@pytest.mark.parametrize(
    ("channels", "options", "score"),
    [
        (3, {"penalties": [{"kind": "l1", "constant": 0.25, "weight": 0.5}]}, -6.0 - 0.5 * 48),
        (
            4,
            {
                "penalties": [{"kind": "alpha", "weight": 3.0}],
                "parameterization": {"kind": "fourier", "alpha": True},
            },
            -6.0 - 3.0 * 0.5 * 6.0,
        ),
    ],
)
def test_penalties_are_taken_off_as_amounts_or_as_shares_of_the_size_of_the_score(
    facts: ModelFacts, channels: int, options: dict[str, Any], score: float
) -> None:
    """A score of -6, and a picture of 0.5 all over: 192 numbers, and an alpha of 0.5."""
    seen = Seen(
        {"stem_bn": np.full((1, HEIGHT, WIDTH, 32), -6.0), "input": np.full((1, 8, 8, channels), 0.5)}
    )
    job = {"layer": "stem_bn", "channels": [3], **options}
    assert scores(facts, job, seen) == [-6.0]
    assert scores(facts, job, seen, build_optimized_objective) == pytest.approx([score])


def test_penalties_of_the_network_read_what_is_optimised(facts: ModelFacts) -> None:
    """Logits of 2, with which all 1000 classes together have 2 + ln 1000; what was seen is 3 of 2 off."""
    seen = Seen({"logits": np.full((1, 1, 1, 1000), 2.0)})
    job = {
        "objective": "class_logit",
        "classes": [3],
        "penalties": [{"kind": "other_classes", "weight": 0.5}],
    }
    expected = 2.0 - 0.5 * (2.0 + np.log(1000))
    assert scores(facts, job, seen, build_optimized_objective) == pytest.approx([expected])
    asked = []

    class Normalized(Seen):
        def normalized(self, layers: list[str]) -> Any:
            asked.append(layers)
            yield tf.fill((1, 1, 1, 4), 5.0), np.full(4, 2.0, np.float32), np.full(4, 2.0, np.float32)

    job["penalties"] = [{"kind": "batch_norm", "weight": 0.1}]
    seen = Normalized({"logits": np.full((1, 1, 1, 1000), 2.0)})
    assert scores(facts, job, seen, build_optimized_objective) == pytest.approx([2.0 - 0.1 * 1.5**2])
    assert asked == [["logits"]]


def test_sums_and_products_may_stand_in_each_other(facts: ModelFacts) -> None:
    """3 times (5 plus 2 times 7), of which half is minimised; and 3 plus 5 times 7."""
    seen = Seen({"stem_bn": np.zeros((1, HEIGHT, WIDTH, 32)) + np.arange(32)})
    three, five, seven = ({"kind": "channel", "channel": n} for n in (3, 5, 7))
    added = {"kind": "sum", "terms": [five, seven | {"weight": 2}]}
    job = {"layer": "stem_bn", "objective": {"kind": "product", "terms": [three | {"weight": 0.5}, added]}}
    assert scores(facts, job | {"sign": "negative"}, seen) == pytest.approx([-28.5])
    added = {"kind": "sum", "terms": [three, {"kind": "product", "terms": [five, seven]}]}
    assert scores(facts, {"layer": "stem_bn", "objective": added}, seen) == pytest.approx([38.0])


def test_directions_have_vectors_positions_and_options_of_their_own(facts: ModelFacts) -> None:
    """Two vectors in turn, and a second term whose vector is the same for both."""
    seen = Seen({"stem_bn": steps(2, channels=4)})
    vectors = [{"channels": [2]}, {"channels": [0, 3], "weights": [1, -1]}]
    more = 100 / (HEIGHT * WIDTH)
    job = {"layer": "stem_bn", "vectors": vectors, "objective": "direction"}
    assert scores(facts, job, seen, channels=4) == pytest.approx([2 + more, -3])
    whole = {"kind": "direction", "vector": {"channels": [1], "weights": [2]}, "weight": 0.5}
    terms = {"kind": "sum", "terms": [{"kind": "direction"}, whole]}
    assert scores(facts, job | {"objective": terms}, seen, channels=4) == pytest.approx(
        [3 + 2 * more, -2 + more]
    )
    place = {"kind": "direction_neuron", "row": 1, "column": 4}
    assert scores(facts, job | {"objective": place}, seen, channels=4) == pytest.approx([102, -3])
    region = {"kind": "local_group", "row": 1, "column": 4, "rows": 1, "columns": 2}
    assert scores(facts, job | {"objective": region}, seen, channels=4) == pytest.approx([52, -3])
    angle = {"kind": "direction", "cossim_power": 1.0}
    flat = Seen({"stem_bn": np.zeros((2, HEIGHT, WIDTH, 4)) + [0, 3, 4, 0]})
    assert scores(facts, job | {"objective": angle}, flat, channels=4) == pytest.approx(
        [4 * 0.8, 0], abs=1e-3
    )


def test_a_region_without_a_vector_is_the_mean_of_all_channels(facts: ModelFacts) -> None:
    seen = Seen({"stem_bn": steps(1, channels=4)})
    region = {"kind": "local_group", "row": 1, "column": 4}
    assert scores(facts, {"layer": "stem_bn", "objective": region}, seen, channels=4) == pytest.approx(
        [101.5]
    )


def test_a_class_is_read_by_its_number(facts: ModelFacts) -> None:
    logits = np.log(np.arange(1, 1001))[None, None, None] * np.ones((2, 1, 1, 1))
    seen = Seen({facts.logits: logits})
    job = {"objective": "class_logit", "classes": [9, 99]}
    assert scores(facts, job, seen) == pytest.approx(np.log([10, 100]))
    job["objective"] = "class_probability"
    assert scores(facts, job, seen) == pytest.approx(np.array([10, 100]) / 500500)


# ---- what is optimised beside what is scored


@pytest.mark.parametrize(("sign", "factor"), [("positive", 1.0), ("negative", -1.0)])
def test_a_neuron_is_optimised_where_its_view_has_it(facts: ModelFacts, sign: str, factor: float) -> None:
    """In row 1 and column 4 of the view, with a weight of a half; it is scored at the centre of the map."""
    job = {"name": "a", "layer": "block0_dw_bn", "channels": [3], "objective": "neuron", "sign": sign}
    plan = plan_of(facts, [job | {"canvas": "seen", "transforms": [MILD], "size_px": [160, 192]}])
    (program,) = plan.programs
    assert program.window is not None
    program = replace(program, window=replace(program.window, row=1, column=4))
    arrays = unit_arrays(plan.units, program, {"block0_dw_bn": 32}, Assets(None, 3))
    units = {name: tf.constant(array) for name, array in arrays.items()}
    units["weight"] = tf.constant([[0.5]])
    centres, seen = {"block0_dw_bn": (HEIGHT // 2, WIDTH // 2)}, Seen({"block0_dw_bn": steps(1)})
    assert build_optimized_objective(program, centres, units)(seen).numpy() == [factor * 0.5 * 103.0]
    assert build_objective(program, centres, units)(seen).numpy() == [factor * 0.5 * 3.0]


def test_pictures_of_a_group_are_pushed_apart(facts: ModelFacts) -> None:
    """The first two are one group and equal, which costs half of the weight; the others are two opposites."""
    maps = np.zeros((4, HEIGHT, WIDTH, 32))
    maps[0, ..., 1] = maps[1, ..., 1] = maps[2, ..., 1] = maps[3, ..., 2] = 1.0
    job = {"layer": "stem_bn", "channels": [1, 2], "diversity": {"count": 2, "weight": 6.0, "layer": "stem"}}
    seen = Seen({"stem_bn": np.ones((4, HEIGHT, WIDTH, 32)), "stem": maps})
    assert scores(facts, job, seen) == [1.0] * 4
    assert scores(facts, job, seen, build_optimized_objective) == pytest.approx([-2.0, -2.0, 1.0, 1.0])


def test_neighbours_of_an_interpolation_are_kept_alike(facts: ModelFacts) -> None:
    """Differences of 2, divided by 4 for neighbours and by 16 for the next but one, half for each of two."""
    maps = np.zeros((3, HEIGHT, WIDTH, 32)) + np.array([0.0, 2.0, 4.0])[:, None, None, None]
    ends = [{"kind": "channel", "layer": "stem_bn", "channel": n} for n in (1, 2)]
    kept = {"layers": ["stem"], "weight": 0.5, "decay_ratio": 4}
    line = {"kind": "interpolate", "from": ends[0], "to": ends[1], "count": 3, "alignment": kept}
    seen = Seen({"stem_bn": np.ones((3, HEIGHT, WIDTH, 32)), "stem": maps})
    assert scores(facts, {"objective": line}, seen) == pytest.approx([1.0] * 3)
    outer, inner = 4 / 4 + 16 / 16, 2 * 4 / 4
    assert scores(facts, {"objective": line}, seen, build_optimized_objective) == pytest.approx(
        [1 - 0.5 * 0.5 * cost for cost in (outer, inner, outer)]
    )


# ---- recipes


def test_a_recipe_has_what_the_settings_say(facts: ModelFacts) -> None:
    job = {"name": "a", "layer": "stem_bn", "channels": [0], "views": 3, "redirect_steps": 7}
    kinds = [{"kind": "jitter", "px": 4}, {"kind": "noise", "std": 0.1}, {"kind": "flip"}]
    blur = [{"kind": "decay", "rate": 0.5}, {"kind": "gaussian_blur", "every": 2}]
    how = {"parameterization": "pixel", "transforms": kinds, "regularizers": blur}
    for attention in (True, False):
        plan = plan_of(facts, [job | how | {"attention": attention}])
        recipe = build_recipe(plan.programs[0], 3)
        assert (recipe.views, recipe.redirect_steps, recipe.attention) == (3, 7, attention)
        assert [transform.draws for transform in recipe.transforms[::2]] == [2, 1]
        assert len(recipe.transforms) == 3
        assert len(recipe.regularizers) == 2
    params = (tf.constant([[[[8.0]]]]),)
    (decayed,) = recipe.regularizers[0].apply(params, params, tf.constant(1))
    assert float(decayed[0, 0, 0, 0]) == 4.0


@pytest.mark.parametrize(
    ("moment", "moves"),
    [("number", [0.25, 0.25]), ("band", [0.25 / np.sqrt(5), 3 * 0.25 / np.sqrt(5)])],
)
def test_gradients_are_measured_by_the_size_of_each_or_of_their_band(
    facts: ModelFacts, moment: str, moves: list[float]
) -> None:
    """Two pixels with gradients of 1 and 3, whose mean square is 5: Adam's first step."""
    optimizer = {"kind": "adam", "learning_rate": 0.25, "second_moment": moment, "anneal_from": 0.5}
    job = {"name": "a", "layer": "stem_bn", "channels": [0], "parameterization": "pixel"}
    made = build_recipe(plan_of(facts, [job | {"optimizer": optimizer}]).programs[0], 3).optimizer
    gradient = (tf.constant([[[[1.0], [3.0]]]]),)
    slots = tuple((tf.zeros_like(gradient[0]),) for _ in range(made.slots))
    (change,), _ = made.update(gradient, slots, tf.constant(1))
    assert change.numpy().ravel() == pytest.approx(moves, rel=1e-4)
    assert [float(made.rate(tf.constant(share))) for share in (0.25, 0.5, 0.75, 1.0)] == [1, 1, 0.5, 0]


# ---- what differs between units


def test_what_differs_between_units_is_an_input(facts: ModelFacts) -> None:
    terms = [
        {"kind": "neuron", "row": 1, "column": 4},
        {"kind": "channel", "layer": "stem_conv", "channel": 7, "weight": -0.5},
    ]
    job = {"name": "a", "layer": "stem_bn", "channels": [3, 5], "sign": "negative"}
    plan = plan_of(facts, [job | {"objective": {"kind": "sum", "terms": terms}}])
    arrays = unit_arrays(plan.units, plan.programs[0], {"stem_bn": 32, "stem_conv": 32}, Assets(None, 3))
    assert {name: array.tolist() for name, array in arrays.items()} == {
        "index": [[3, 7], [5, 7]],
        "row": [[1, -1], [1, -1]],
        "column": [[4, -1], [4, -1]],
        "weight": [[1.0, -0.5], [1.0, -0.5]],
        "sign": [-1.0, -1.0],
    }
    assert {array.dtype.name for array in arrays.values()} == {"int32", "float32"}
    assert arrays["weight"].dtype == arrays["sign"].dtype == np.float32


def test_maps_are_those_of_the_size_that_the_network_sees(facts: ModelFacts) -> None:
    program: Any = SimpleNamespace(layers=("stem_bn",), input_px=None)
    assert maps_of(program, facts, (96, 64)) == ({"stem_bn": (24, 16)}, {"stem_bn": 32})
    program.input_px = (64, 128)
    assert maps_of(program, facts, (96, 64))[0] == {"stem_bn": (16, 32)}
    program.layers = ("block0_project_bn", "stem")
    assert maps_of(program, facts, (96, 64))[1] == {"block0_project_bn": 16, "stem": 32}
