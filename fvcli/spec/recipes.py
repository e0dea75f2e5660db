"""Fill in what a spec leaves open, from its recipe and the network."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib import resources
from typing import Any, NamedTuple

from fvcli.spec.fitting_defaults import fitted
from fvcli.spec.objectives import leaves
from fvcli.spec.output import Animation
from fvcli.spec.schema import Job, Render, Variant
from fvcli.spec.settings import ResolvedRender, Settings
from fvcli.spec.transforms import AnyTransform, Background
from fvcli.spec.yaml_text import parse_yaml

# Raised whenever the mathematics changes so that equal settings give other pixels.
ALGORITHM = 3

OWN = ("default", "classes", "vital")  # recipes whose transforms are ours, and fit the size of the picture

# What all recipes have that do not say otherwise; size_px stays open, because the network knows it.
COMMON: dict[str, Any] = {
    **{"seed": 0, "redirect_steps": 17, "precision": "float32"},
    **{"penalties": [], "regularizers": [], "views": 1, "start": "noise", "attention": False},
    **{"early_stop": 0.0, "canvas": "whole"},
}


_BY_FIELD = "by_field"  # what is no key of a spec


class ByField(NamedTuple):
    """What a recipe has by what a unit sees, as a share of the canvas: pairs, shares ascending."""

    learning_rate: tuple[tuple[float, float], ...]
    steps: tuple[tuple[float, float], ...]


def _read_recipes() -> dict[str, dict[str, Any]]:
    text = resources.files("fvcli.spec").joinpath("recipes.yaml").read_text(encoding="utf-8")
    return dict(parse_yaml(text).data)


def _ascending(pairs: Mapping[Any, Any]) -> tuple[tuple[float, float], ...]:
    return tuple(sorted((float(share), float(number)) for share, number in pairs.items()))


_WRITTEN = _read_recipes()
RECIPES = {
    name: Render.model_validate(COMMON | {key: value for key, value in keys.items() if key != _BY_FIELD})
    for name, keys in _WRITTEN.items()
}
BY_FIELD: Mapping[str, ByField] = {
    name: ByField(**{key: _ascending(pairs) for key, pairs in keys[_BY_FIELD].items()})
    for name, keys in _WRITTEN.items()
    if _BY_FIELD in keys
}


def resolve(
    job: Job, render: Render, native_size_px: tuple[int, int], variant: Variant | None = None
) -> ResolvedRender:
    """Fill in what a job leaves open: from the spec's render, then from the recipe, then the network.

    What a variant of the job says goes before all. Where no recipe is named, classes have one of their own.
    """
    inherited = overlay(render, job)
    if variant is not None:
        inherited = overlay(inherited, variant)
    of_classes = all(leaf.reads_classes for _, leaf in leaves(job.objective))
    recipe = inherited.recipe or ("classes" if of_classes else "default")
    return resolved(recipe, inherited, native_size_px)


def resolved(recipe: str, inherited: Render, native_size_px: tuple[int, int]) -> ResolvedRender:
    """Fill in what is left open from a recipe."""
    chosen = overlay(RECIPES[recipe], inherited)
    size = chosen.size_px or native_size_px
    pair = (size, size) if isinstance(size, int) else size
    given = {key: getattr(chosen, key) for key in Render.model_fields}
    given |= fitted(RECIPES[recipe], inherited, chosen, pair, native_size_px)
    transforms = given["transforms"] or ()
    if recipe in OWN and inherited.transforms is None:
        transforms = tuple(transform.for_size(min(pair)) for transform in transforms)
    return ResolvedRender.model_validate(
        {
            **given,
            **{"recipe": recipe, "size_px": pair},
            "transforms": _on_background(transforms, chosen.parameterization),
            "animation": _paced(chosen.animation),
        }
    )


def _paced(film: Animation | None) -> Animation | None:
    """Let a morph be even, unless it is eased: that is none, as in plans of fvcli 0.4 and older."""
    if film is None or film.of == "ascent":
        return film
    return film.model_copy(update={"pace": None if film.pace == "eased" else "even"})


@functools.lru_cache
def recipes_by_nearness(settings: Settings, size_px: tuple[int, int]) -> tuple[str, ...]:
    """Return all recipes, first the one that most of some settings are of; of several the first listed.

    Those that set what these leave out, such as octaves, come last.
    """
    optional = [key for key, field in Settings.model_fields.items() if field.default is None]
    known = _whole_recipes(size_px)

    def nearness(name: str) -> tuple[bool, int]:
        recipe = known[name]
        fits = all(getattr(recipe, key) is None or getattr(settings, key) is not None for key in optional)
        same = [key for key in Settings.model_fields if getattr(settings, key) == getattr(recipe, key)]
        return fits, len(same)

    return tuple(sorted(known, key=nearness, reverse=True))


@functools.lru_cache
def _whole_recipes(size_px: tuple[int, int]) -> Mapping[str, ResolvedRender]:
    return {name: resolved(name, Render(), size_px) for name in RECIPES}


def _on_background(transforms: tuple[AnyTransform, ...], image: Any) -> tuple[AnyTransform, ...]:
    """Lay transparent pictures over a background first, unless the spec says where that comes."""
    if not image.is_transparent or any(transform.is_background for transform in transforms):
        return transforms
    return (Background(), *transforms)


def overlay(below: Render, above: Render) -> Render:
    """Take each key from above where it is set, else from below; one seed goes before several from below."""
    values = {key: getattr(below, key) for key in Render.model_fields}
    given = {key: getattr(above, key) for key in Render.model_fields if getattr(above, key) is not None}
    if "seed" in given:
        values["seeds"] = None
    return Render.model_construct(**{**values, **given})
