"""Defaults that depend on other pieces: literal values, and what is never changed."""

from __future__ import annotations

from typing import Any

import pytest

from fvcli.spec.recipes import RECIPES, resolve
from fvcli.spec.schema import Job, Render
from fvcli.spec.settings import ResolvedRender

NATIVE = (224, 224)


def resolved(**render: Any) -> ResolvedRender:
    """Resolve a job of a channel of a network of 224 px."""
    return resolve(Job.model_validate({"name": "a", "layer": "b"}), Render.model_validate(render), NATIVE)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_is_left_as_it_is(recipe: str) -> None:
    found = resolved(recipe=recipe)
    assert found.optimizer == RECIPES[recipe].optimizer
    assert found.penalties == RECIPES[recipe].penalties


@pytest.mark.parametrize(
    ("render", "rate"),
    [
        ({"optimizer": "adam"}, 0.05),
        ({"optimizer": "lion"}, 0.05),
        ({"optimizer": "nadam"}, 0.1),
        ({"optimizer": {"kind": "gradient"}}, 0.0054),
        ({"optimizer": {"kind": "gradient"}, "steps": 512}, 0.003),
        ({"optimizer": {"kind": "gradient", "step": "sign"}, "steps": 512}, 0.05),
        ({"optimizer": {"kind": "gradient"}, "parameterization": "pixel"}, 0.054),
        ({"optimizer": "adam", "parameterization": "cppn"}, 0.003),
        ({"optimizer": "nadam", "parameterization": "maco"}, 1.0),
        ({"optimizer": {"kind": "adam", "beta1": 0.5}, "parameterization": "cppn"}, 0.003),
        ({"optimizer": {"kind": "adam", "learning_rate": 0.5}, "parameterization": "cppn"}, 0.5),
        # the recipe's own rate, unless the parameterization is another
        ({}, 0.12),
        ({"parameterization": "laplacian"}, 0.12),
        ({"parameterization": "cppn"}, 0.003),
        ({"parameterization": "cppn", "recipe": "cppn"}, 0.005),
        ({"parameterization": "fourier", "recipe": "cppn"}, 0.05),
        ({"parameterization": "fourier", "recipe": "yosinski-1"}, 0.003),
        ({"parameterization": "pixel", "recipe": "yosinski-1"}, 0.01),
        # a dream has rates of its own
        ({"recipe": "deepdream", "optimizer": {"kind": "gradient", "step": "mean"}}, 0.05),
    ],
)
def test_a_learning_rate_suits_what_is_optimised(render: dict[str, Any], rate: float) -> None:
    assert resolved(**render).optimizer.learning_rate == rate


@pytest.mark.parametrize(
    ("optimizer", "step"),
    [
        ({"kind": "gradient"}, "mean"),
        ({"kind": "gradient", "momentum": 0.5}, "mean"),
        ({"kind": "gradient", "learning_rate": 3.0}, "plain"),
        ({"kind": "gradient", "learning_rate": 3.0, "step": "unit"}, "unit"),
    ],
)
def test_a_gradient_is_taken_as_it_is_only_where_its_rate_is_written(
    optimizer: dict[str, Any], step: str
) -> None:
    assert resolved(optimizer=optimizer).optimizer.step == step


@pytest.mark.parametrize(
    ("kind", "at_224", "at_112", "at_448_by_112"),
    [
        ("l1", 1e-4, 4e-4, 1e-4),
        ("l2", 0.025, 0.05, 0.025),
        ("total_variation", 2e-5, 8e-5, 2e-5),
        ("blur", 7e-4, 2.8e-3, 7e-4),
        ("boundary", 5e-3, 0.02, 5e-3),
        ("alpha", 1.0, 1.0, 1.0),
        ("blur_alpha", 0.1, 0.4, 0.1),
    ],
)
def test_a_weight_suits_the_size(kind: str, at_224: float, at_112: float, at_448_by_112: float) -> None:
    sizes = [224, 112, [448, 112]]
    found = [resolved(penalties=[kind], size_px=size).penalties[0].weight for size in sizes]
    assert found == [at_224, at_112, at_448_by_112]
    written = resolved(penalties=[{"kind": kind, "weight": 3.0}], size_px=112).penalties[0]
    assert written.weight == 3.0


@pytest.mark.parametrize(
    ("size_px", "sides", "views_px"),
    [(512, (0.5, 0.05), 224), (224, (0.5, 0.11), 224), (64, (0.5, 0.4), 64), (32, (0.5, 0.5), 32)],
)
def test_crops_show_enough_of_a_small_picture(
    size_px: int, sides: tuple[float, float], views_px: int
) -> None:
    (found,) = resolved(transforms=["crops"], size_px=size_px).transforms
    assert (found.sides, found.size_px) == (sides, views_px)
    (found,) = resolved(transforms=[{"kind": "crops", "sides": [0.4, 0.1]}], size_px=size_px).transforms
    assert found.sides == (0.4, 0.1)
    (of_recipe,) = [one for one in resolved(recipe="maco", size_px=size_px).transforms if one.kind == "crops"]
    assert (of_recipe.sides, of_recipe.size_px) == ((0.5, 0.05), 224)
