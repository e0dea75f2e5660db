"""Scores that are built of a program's terms, for a network of given activations, and what units read."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fvcli.models import ModelFacts
from fvcli.plan import TermPlan
from fvcli.worker.assets import Assets
from fvcli.worker.builders import build_objective, build_optimized_objective, maps_of, unit_arrays
from tests.helpers.plans import plan_of

HEIGHT, WIDTH = 4, 6


class Seen:
    """Activations that are given."""

    def __init__(self, maps: dict[str, np.ndarray]) -> None:
        self._maps = {name: tf.constant(each, tf.float32) for name, each in maps.items()}

    def __call__(self, layer: str) -> tf.Tensor:
        return self._maps[layer]


def scores(facts: ModelFacts, job: dict[str, Any], seen: Seen, build: Any = build_objective) -> list[float]:
    """Return the scores of a job's units."""
    plan = plan_of(facts, [{"name": "a", **job}])
    (program,) = plan.programs
    arrays = unit_arrays(plan.units, program, dict.fromkeys(program.layers, 32), Assets(None, 3))
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


def test_maps_are_those_of_the_size_that_the_network_sees(facts: ModelFacts) -> None:
    program: Any = SimpleNamespace(layers=("stem_bn",), input_px=None)
    assert maps_of(program, facts, (96, 64)) == ({"stem_bn": (24, 16)}, {"stem_bn": 32})
    program.input_px = (64, 128)
    assert maps_of(program, facts, (96, 64))[0] == {"stem_bn": (16, 32)}


# ---- vectors


def vector(given: dict[str, Any], layer: str = "stem_bn", assets: Any = None) -> np.ndarray:
    made: np.ndarray = (assets or Assets(None, 3)).vector(TermPlan("direction", layer, vector=given), 4)
    assert made.dtype == np.float32
    return made


def test_vectors_are_what_terms_say() -> None:
    assert vector({"channels": [1, 3, 1], "weights": [2.0, -1.0, 0.5]}).tolist() == [0.0, 2.5, 0.0, -1.0]
    assert vector({"values": [1, 2, 3, 4]}).tolist() == [1.0, 2.0, 3.0, 4.0]
    drawn = vector({"random": 7})
    assert np.linalg.norm(drawn) == pytest.approx(1.0)
    assert (drawn == vector({"random": 7})).all()
    assert (drawn != vector({"random": 8})).any()
    assert (drawn != vector({"random": 7}, "stem_conv")).any()


def test_vectors_of_a_file_are_its_row_or_all_of_it(tmp_path: Path) -> None:
    rows = {"one": np.arange(4, dtype=np.float32), "many": np.arange(8, dtype=np.float32).reshape(2, 4)}
    for name, array in rows.items():
        np.save(tmp_path / f"{name}.npy", array)
    run: Any = SimpleNamespace(
        plan=SimpleNamespace(source=lambda name: name), source_path=lambda name: tmp_path / f"{name}.npy"
    )
    assets = Assets(run, 3)
    assert vector({"file": "many", "row": 1}, assets=assets).tolist() == [4.0, 5.0, 6.0, 7.0]
    assert vector({"file": "one", "row": 0}, assets=assets).tolist() == [0.0, 1.0, 2.0, 3.0]
