"""Settings: what is decided once a recipe has filled in the rest, and what of it is left out of keys."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from fvcli.spec import settings
from fvcli.spec.base import kinds_of
from fvcli.spec.parameterizations import Parameterization
from fvcli.spec.recipes import RECIPES, recipes_by_nearness, resolved
from fvcli.spec.schema import Render
from fvcli.spec.settings import Settings
from fvcli.spec.transforms import TransformKind


def settings_of(recipe: str = "lucid", **render: Any) -> Settings:
    return resolved(recipe, Render.model_validate(render), (96, 64)).settings()


@pytest.mark.parametrize("recipe", RECIPES)
def test_what_is_written_is_read_back(recipe: str) -> None:
    made = settings_of(recipe)
    assert Settings.model_validate(made.model_dump(mode="json")) == made


def test_what_was_added_later_is_written_only_where_it_is_set() -> None:
    plain = settings_of().model_dump(mode="json")
    assert {*plain} == {
        *("steps", "seed", "parameterization", "transforms", "optimizer", "redirect_steps"),
        *("early_stop", "canvas", "precision"),
    }
    assert {*plain["parameterization"]} == {
        *("kind", "decorrelate", "std", "decay_power", "coarse_until", "coarse_from")
    }
    changed = settings_of(views=2, parameterization={"kind": "pixel", "alpha": True}).model_dump(mode="json")
    assert changed["views"] == 2
    assert changed["parameterization"]["alpha"] is True


@pytest.mark.parametrize(
    ("render", "method"),
    [
        ({}, "ascent"),
        ({"octaves": {}}, "dream"),
        ({"steepest": "l2"}, "steepest"),
        ({"steepest": "l2", "octaves": {}}, "steepest"),
    ],
)
def test_the_method_follows_from_what_is_set(render: dict[str, Any], method: str) -> None:
    assert settings_of(**render).method == method


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_is_nearest_to_itself(recipe: str) -> None:
    nearest, *others = recipes_by_nearness(settings_of(recipe, steps=3, seed=5), (96, 64))
    assert nearest == recipe
    assert {nearest, *others} == {*RECIPES}


def test_a_key_of_render_without_effect_is_found_when_fvcli_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    class More(Render):
        forgotten: int | None = None

    monkeypatch.setattr(settings, "Render", More)
    with pytest.raises(TypeError, match="forgotten"):
        settings._check_keys()


def test_a_transform_has_to_say_what_becomes_of_a_side() -> None:
    class Forgotten(TransformKind):
        kind: Literal["forgotten"] = "forgotten"

    with pytest.raises(TypeError, match="side_after"):
        Forgotten()


def test_kinds_say_which_of_them_can_begin_with_a_picture_or_have_any_size() -> None:
    able = {
        can: [kind for kind, model in kinds_of(Parameterization).items() if getattr(model, can)]
        for can in ("holds_pictures", "any_size")
    }
    assert able == {"holds_pictures": ["fourier", "pixel", "laplacian"], "any_size": ["cppn"]}
