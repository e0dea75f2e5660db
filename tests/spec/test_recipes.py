"""Recipes are complete, and those of other systems are what these published."""

from __future__ import annotations

import json
import typing
from typing import Any

import pytest

from fvcli.spec.optimizers import Adam
from fvcli.spec.parameterizations import Fourier
from fvcli.spec.recipes import RECIPES
from fvcli.spec.schema import Render
from fvcli.spec.transforms import Affine, Crop, Jitter, Pad, Rotate, Scale
from tests.helpers.specs import MINIMAL, resolved, with_job

# ---- defaults and shorthands


def test_what_is_left_open_comes_from_the_default_recipe() -> None:
    settings = resolved(MINIMAL, native_size_px=240)
    assert settings.recipe == "default"
    assert settings.size_px == (240, 240)
    for key in Render.model_fields:
        if key not in {"recipe", "size_px"}:
            assert getattr(settings, key) == getattr(RECIPES["default"], key)


# ---- recipes


def test_recipes_are_the_recipes_of_the_schema() -> None:
    words = [
        word
        for choice in typing.get_args(Render.model_fields["recipe"].annotation)
        for word in typing.get_args(choice)
    ]
    assert words == list(RECIPES)


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_are_complete_and_valid(name: str) -> None:
    recipe = RECIPES[name]
    left_open = {key for key in Render.model_fields if getattr(recipe, key) is None}
    asked_for = {
        "seeds",
        "save_px",
        "octaves",
        "steepest",
        "save_at",
        "animation",
        "references",
    }  # which no recipe does by itself
    asked_for -= {"octaves"} if name.startswith("deep") else set()
    asked_for -= {"references"} if name == "vital" else set()
    assert left_open == {"recipe", "size_px", "batch_size", "memory_gb"} | asked_for
    assert Render.model_validate(json.loads(recipe.model_dump_json(exclude_none=True))) == recipe


def test_lucid() -> None:
    """Lucid 0.3.10: render_vis with param.image and standard_transforms."""
    lucid = RECIPES["lucid"]
    assert lucid.steps == 513  # thresholds=(512,) and a loop over range(513)
    assert lucid.redirect_steps == 17  # global_step 0 to 16
    assert lucid.optimizer == Adam(learning_rate=0.05, beta1=0.9, beta2=0.999, epsilon=1e-8)
    assert lucid.parameterization == Fourier(decorrelate=True, std=0.01, decay_power=1.0)
    pad, jitter, scale, rotate, last = lucid.transforms or ()
    assert pad == Pad(px=12, mode="constant", value=0.5)
    assert jitter == Jitter(px=8)
    assert isinstance(scale, Scale)
    assert scale.factors == tuple(1 + (i - 5) / 50.0 for i in range(11))
    assert scale.factors == pytest.approx([0.9, 0.92, 0.94, 0.96, 0.98, 1, 1.02, 1.04, 1.06, 1.08, 1.1])
    assert isinstance(rotate, Rotate)
    assert list(rotate.degrees) == [*range(-10, 11), 0, 0, 0, 0, 0]
    assert len(rotate.degrees) == 26
    assert last == Jitter(px=4)


def test_distill() -> None:
    """The footnote of the article on how its pictures were made."""
    distill = RECIPES["distill"]
    assert distill.steps == 2560
    assert isinstance(distill.optimizer, Adam)
    assert distill.optimizer.learning_rate == 0.05
    assert isinstance(distill.parameterization, Fourier)
    assert distill.parameterization.decorrelate is True
    assert distill.transforms == (
        Pad(px=16),
        Jitter(px=16),
        Scale(factors=(1, 0.975, 1.025, 0.95, 1.05)),
        Rotate(degrees=(-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5)),
        Jitter(px=8),
        Crop(px=16),  # "crop padding": as much as was added
    )


@pytest.mark.parametrize("name", ["lucid", "distill"])
def test_recipes_of_other_systems_have_nothing_of_ours(name: str) -> None:
    recipe = RECIPES[name]
    assert (recipe.early_stop, recipe.canvas, recipe.precision) == (0.0, "whole", "float32")


def test_default_recipe_is_quick() -> None:
    default = RECIPES["default"]
    assert 3 * (default.steps or 0) < (RECIPES["lucid"].steps or 0)
    assert all(isinstance(transform, Affine) for transform in default.transforms or ())


# ---- the starter


@pytest.mark.parametrize(
    ("objective", "recipe"),
    [
        ("class_logit", "classes"),
        ("class_probability", "classes"),
        ({"kind": "sum", "terms": [{"kind": "class_logit", "class": 1}, {"kind": "class_logit"}]}, "classes"),
        ({"kind": "sum", "terms": [{"kind": "class_logit", "class": 1}, {"kind": "channel"}]}, "default"),
        ("neuron", "default"),
    ],
)
def test_classes_have_a_recipe_of_their_own(objective: Any, recipe: str) -> None:
    assert resolved(with_job(objective=objective)).recipe == recipe
    assert resolved(with_job(objective=objective), "render.recipe=lucid").recipe == "lucid"


def test_small_pictures_of_classes_are_shifted_less() -> None:
    affine, noise = resolved(with_job(objective="class_logit"), native_size_px=64).transforms or ()
    assert (affine.shift_px, affine.crop_px) == (8, 8)
    assert noise == RECIPES["classes"].transforms[1]
