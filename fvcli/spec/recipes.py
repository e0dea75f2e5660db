"""Recipes: named, complete choices of parameterization, transforms, optimizer and steps."""

from __future__ import annotations

from typing import Any

from fvcli.spec.pieces import Adam, Affine, Crop, Fourier, Jitter, Pad, Rotate, Scale
from fvcli.spec.schema import Render

# Raised whenever the mathematics changes so that equal settings give other pixels.
ALGORITHM = 3

FULL_SHIFT_PX = 128  # pictures smaller than this are shifted less by `default`

# Shared by all recipes; size_px stays open, because the network knows it.
_COMMON = {"seed": 0, "redirect_steps": 17, "precision": "auto", "memory_gb": 0.4}
# What the recipes of other systems do not have.
_AS_PUBLISHED = {**_COMMON, "early_stop": 0.0, "canvas": "whole", "precision": "float32"}

# Lucid 0.3.10, render_vis and its standard_transforms.
_LUCID_SCALES = tuple(1 + (i - 5) / 50 for i in range(11))
_LUCID_DEGREES = tuple(float(d) for d in (*range(-10, 11), *5 * [0]))

RECIPES: dict[str, Render] = {
    # Chosen by looking and measuring; docs/recipes.md says against what.
    "default": Render(
        steps=128,
        parameterization=Fourier(decay_power=1.1, coarse_until=0.15, coarse_from=0.1),
        transforms=(Affine(degrees=8, scales=(0.93, 1.08), shift_px=8, crop_px=16),),
        optimizer=Adam(learning_rate=0.12, beta1=0.3, beta2=0.9, second_moment="band", anneal_from=0.5),
        early_stop=0.01,
        canvas="seen",
        **_COMMON,
    ),
    # A threshold of 512 is 513 updates in Lucid's loop; redirection lasts while global_step <= 16.
    "lucid": Render(
        steps=513,
        parameterization=Fourier(),
        transforms=(
            Pad(px=12),
            Jitter(px=8),
            Scale(factors=_LUCID_SCALES),
            Rotate(degrees=_LUCID_DEGREES),
            Jitter(px=4),
        ),
        optimizer=Adam(),
        **_AS_PUBLISHED,
    ),
    # Olah, Mordvintsev, Schubert, Distill 2017, the footnote on how the pictures were made.
    "distill": Render(
        steps=2560,
        parameterization=Fourier(),
        transforms=(
            Pad(px=16),
            Jitter(px=16),
            Scale(factors=(1.0, 0.975, 1.025, 0.95, 1.05)),
            Rotate(degrees=tuple(float(d) for d in range(-5, 6))),
            Jitter(px=8),
            Crop(px=16),
        ),
        optimizer=Adam(),
        **_AS_PUBLISHED,
    ),
}


def resolve(job: Render, render: Render, native_size_px: tuple[int, int]) -> Render:
    """Fill in what a job leaves open: from the spec's render, then from the recipe, then the network."""
    inherited = overlay(render, job)
    recipe = inherited.recipe or "default"
    chosen = overlay(RECIPES[recipe], inherited)
    size = chosen.size_px or native_size_px
    pair = (size, size) if isinstance(size, int) else size
    update: dict[str, Any] = {"recipe": recipe, "size_px": pair}
    if recipe == "default" and inherited.transforms is None:
        update["transforms"] = tuple(_for_size(t, min(pair)) for t in chosen.transforms or ())
    return chosen.model_copy(update=update)


def _for_size(transform: Any, side_px: int) -> Any:
    """Shift and crop small pictures less, so that enough of them is left to see."""
    share = min(1.0, side_px / FULL_SHIFT_PX)
    shift, crop = transform.shift_px * share, int(transform.crop_px * share) // 2 * 2
    return transform.model_copy(update={"shift_px": shift, "crop_px": crop})


def overlay(below: Render, above: Render) -> Render:
    """Take each key from above where it is set, else from below."""
    values = {key: getattr(below, key) for key in Render.model_fields}
    given = {key: getattr(above, key) for key in Render.model_fields if getattr(above, key) is not None}
    return Render.model_construct(**{**values, **given})
