"""Fill in what a spec leaves open, from its recipe and the network."""

from __future__ import annotations

from importlib import resources
from typing import Any

from fvcli.spec.objectives import CLASS_KINDS, leaves
from fvcli.spec.schema import Job, Render, Variant
from fvcli.spec.transforms import Affine, Background
from fvcli.spec.yaml_text import parse_yaml

# Raised whenever the mathematics changes so that equal settings give other pixels.
ALGORITHM = 3

OWN = ("default", "classes")  # recipes that are not anybody else's, and fit their transforms to the picture
FULL_SHIFT_PX = 128  # pictures smaller than this are shifted less by them

# What all recipes have that do not say otherwise; size_px stays open, because the network knows it.
COMMON: dict[str, Any] = {
    **{"seed": 0, "redirect_steps": 17, "precision": "float32", "memory_gb": 0.4},
    **{"penalties": [], "regularizers": [], "views": 1, "start": "noise", "attention": False},
    **{"early_stop": 0.0, "canvas": "whole"},
}


def _read_recipes() -> dict[str, Render]:
    text = resources.files("fvcli.spec").joinpath("recipes.yaml").read_text()
    return {name: Render.model_validate(COMMON | keys) for name, keys in parse_yaml(text).data.items()}


RECIPES = _read_recipes()


def resolve(
    job: Job, render: Render, native_size_px: tuple[int, int], variant: Variant | None = None
) -> Render:
    """Fill in what a job leaves open: from the spec's render, then from the recipe, then the network.

    What a variant of the job says goes before all. Where no recipe is named, classes have one of their own.
    """
    inherited = overlay(render, job)
    if variant is not None:
        inherited = overlay(inherited, variant)
    of_classes = all(leaf.kind in CLASS_KINDS for _, leaf in leaves(job.objective))
    recipe = inherited.recipe or ("classes" if of_classes else "default")
    chosen = overlay(RECIPES[recipe], inherited)
    size = chosen.size_px or native_size_px
    pair = (size, size) if isinstance(size, int) else size
    update: dict[str, Any] = {"recipe": recipe, "size_px": pair}
    if recipe in OWN and inherited.transforms is None:
        update["transforms"] = tuple(_for_size(t, min(pair)) for t in chosen.transforms or ())
    chosen = chosen.model_copy(update=update)
    return chosen.model_copy(update={"transforms": _on_background(chosen)})


def _on_background(settings: Render) -> tuple[Any, ...]:
    """Lay transparent pictures over a background first, unless the spec says where that comes."""
    transforms = settings.transforms or ()
    is_opaque = not getattr(settings.parameterization, "alpha", False)
    if is_opaque or any(isinstance(transform, Background) for transform in transforms):
        return transforms
    return (Background(), *transforms)


def _for_size(transform: Any, side_px: int) -> Any:
    """Shift and crop small pictures less, so that enough of them is left to see."""
    if not isinstance(transform, Affine):
        return transform
    share = min(1.0, side_px / FULL_SHIFT_PX)
    shift, crop = transform.shift_px * share, int(transform.crop_px * share) // 2 * 2
    return transform.model_copy(update={"shift_px": shift, "crop_px": crop})


def overlay(below: Render, above: Render) -> Render:
    """Take each key from above where it is set, else from below."""
    values = {key: getattr(below, key) for key in Render.model_fields}
    given = {key: getattr(above, key) for key in Render.model_fields if getattr(above, key) is not None}
    return Render.model_construct(**{**values, **given})
