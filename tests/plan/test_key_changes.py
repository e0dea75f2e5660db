"""Keys change with the picture, and with nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fvcli.models import ModelFacts
from fvcli.plan import Unit
from fvcli.plan.views import USUAL_BATCH_GB
from fvcli.spec.recipes import RECIPES
from tests.helpers.plans import EVERY_KIND, LOGITS, NEURON, ONE, SUM, Data, plan_of


def only_unit(facts: ModelFacts, job: Data, **render: Any) -> Unit:
    (unit,) = plan_of(facts, [job], render=render).units
    return unit


DEFAULT: Data = RECIPES["default"].model_dump(mode="json", exclude_none=True)


# ---- keys


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda job: [job | {"name": "renamed"}], id="name"),
        pytest.param(lambda job: [job | {"channels": [7, 2]}], id="neighbours"),
        pytest.param(lambda job: [NEURON, job], id="order"),
        pytest.param(lambda job: [job, LOGITS, SUM], id="jobs"),
        pytest.param(lambda job: [job | {"memory_gb": USUAL_BATCH_GB}], id="same-memory"),
        pytest.param(lambda job: [job | DEFAULT | {"size_px": [224, 224]}], id="defaults"),
        pytest.param(lambda job: [job | {"recipe": "default"}], id="recipe"),
        pytest.param(lambda job: [job | {"objective": {"kind": "channel"}}], id="mapping"),
    ],
)
def test_key_does_not_change_with(facts: ModelFacts, change: Callable[[Data], list[Data]]) -> None:
    units = [unit for unit in plan_of(facts, change(ONE)).units if unit.label == "2"]
    assert [unit.key for unit in units] == [only_unit(facts, ONE).key]
    assert units[0].identity == only_unit(facts, ONE).identity


def test_key_does_not_change_with_grids(facts: ModelFacts) -> None:
    plan = plan_of(facts, [ONE], output={"grid": {"columns": 3, "labels": False}})
    assert plan.units[0].key == only_unit(facts, ONE).key


AFFINE: Data = {"kind": "affine", "degrees": 10, "scales": [0.9, 1.1], "shift_px": 8, "crop_px": 16}
PICTURE_CHANGES: list[Data] = [
    {"steps": 191},
    {"seed": 1},
    {"size_px": 223},
    {"size_px": [224, 223]},
    {"batch_size": 1},
    {"batch_size": 5},
    {"redirect_steps": 0},
    {"early_stop": 0},
    {"early_stop": 0.5},
    {"canvas": "whole"},
    {"precision": "float32"},
    {"precision": "float16"},
    {"parameterization": "pixel"},
    {"parameterization": {"kind": "fourier", "decorrelate": False}},
    {"parameterization": {"kind": "fourier", "std": 0.02}},
    {"parameterization": {"kind": "fourier", "decay_power": 0.5}},
    {"parameterization": {"kind": "fourier", "coarse_until": 0.3}},
    {"parameterization": {"kind": "fourier", "coarse_until": 0.3, "coarse_from": 0.1}},
    {"transforms": []},
    *({"transforms": [AFFINE | {key: value}]} for key, value in [
        ("degrees", 9),
        ("scales", [0.9, 1.2]),
        ("shift_px", 7),
        ("crop_px", 15),
        ("fill", 0.4),
    ]),
    {"transforms": [{"kind": "pad", "px": 3}, AFFINE]},
    {"transforms": [AFFINE, {"kind": "pad", "px": 3}]},
    {"transforms": [AFFINE, {"kind": "crop", "px": 3}]},
    {"transforms": [AFFINE, {"kind": "crop", "px": 4}]},
    {"transforms": [AFFINE, {"kind": "pad", "px": 3, "mode": "reflect"}]},
    {"transforms": [{"kind": "rotate", "degrees": [0]}, AFFINE]},
    {"transforms": [{"kind": "scale", "factors": [1]}, AFFINE]},
    {"optimizer": "adam"},
    *({"optimizer": {"kind": "lion", key: 0.4}} for key in ("learning_rate", "beta1", "beta2")),
    {"optimizer": {"kind": "lion", "anneal_from": 0.4}},
    {"optimizer": {"kind": "adam", "epsilon": 1e-7}},
    {"optimizer": {"kind": "adam", "second_moment": "band"}},
    {"recipe": "lucid"},
    {"recipe": "distill"},
]  # fmt: skip
OTHER_UNITS: list[Data] = [
    {"sign": "negative"},
    {"channels": 3},
    {"layer": "stem"},
    {"objective": "neuron"},
    {"objective": {"kind": "neuron", "row": 0, "column": 0}},
    {"objective": {"kind": "neuron", "row": 0, "column": 1}},
]


@pytest.mark.parametrize("change", [*PICTURE_CHANGES, *OTHER_UNITS], ids=str)
def test_key_changes_with(facts: ModelFacts, change: Data) -> None:
    assert only_unit(facts, ONE | change).key != only_unit(facts, ONE).key


def test_all_keys_differ(facts: ModelFacts) -> None:
    keys = [only_unit(facts, ONE | change).key for change in [*PICTURE_CHANGES, *OTHER_UNITS]]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("change", PICTURE_CHANGES, ids=str)
def test_render_and_job_give_the_same_key(facts: ModelFacts, change: Data) -> None:
    assert only_unit(facts, ONE, **change).key == only_unit(facts, ONE | change).key


@pytest.mark.parametrize("change", PICTURE_CHANGES, ids=str)
def test_identity_does_not_change_with_how_it_is_rendered(facts: ModelFacts, change: Data) -> None:
    """The start of an ascent is the same for 64 steps and for 512, in batches of 8 and of 16."""
    assert only_unit(facts, ONE | change).identity == only_unit(facts, ONE).identity


@pytest.mark.parametrize("change", OTHER_UNITS, ids=str)
def test_identity_changes_with_what_is_rendered(facts: ModelFacts, change: Data) -> None:
    assert only_unit(facts, ONE | change).identity != only_unit(facts, ONE).identity


def test_key_changes_with_weights_and_model(facts: ModelFacts) -> None:
    key = only_unit(facts, ONE).key
    assert only_unit(replace(facts, weights_sha256="0" * 64), ONE).key != key
    assert only_unit(replace(facts, name="efficientnet-lite9"), ONE).key != key
    assert only_unit(replace(facts, weights="/elsewhere/same.pth"), ONE).key == key


@pytest.mark.parametrize(
    "change",
    [
        {"value_range": (0.0, 1.0)},
        {"mean": (0.1, 0.2, 0.3)},
        {"std": (0.5, 0.5, 0.5)},
        {"channel_order": "BGR"},
    ],
    ids=str,
)
def test_key_changes_with_preprocessing(facts: ModelFacts, change: dict[str, Any]) -> None:
    """What the network gets of a picture decides what its picture is."""
    other = replace(facts, preprocessing=replace(facts.preprocessing, **change))
    assert only_unit(other, ONE).key != only_unit(facts, ONE).key


def test_key_changes_with_the_weight_of_a_term(facts: ModelFacts) -> None:
    terms = SUM["objective"]["terms"]
    heavier = SUM | {"objective": {"kind": "sum", "terms": [terms[0] | {"weight": 0.6}, *terms[1:]]}}
    assert only_unit(facts, heavier).key != only_unit(facts, SUM).key


def test_keys_are_short_hex(facts: ModelFacts) -> None:
    for unit in plan_of(facts, [job | {"name": f"j{i}"} for i, job in enumerate(EVERY_KIND)]).units:
        assert len(unit.key) == 16
        assert int(unit.key, 16) >= 0


def test_key_of_today(facts: ModelFacts) -> None:
    """Keys stay what they are from version to version, or ALGORITHM is raised and this line changed."""
    assert only_unit(facts, ONE, recipe="lucid", batch_size=8).key == "bfed71f4b7099894"
