"""How large the views are that the network sees, and what memory they take."""

from __future__ import annotations

from collections.abc import Sequence

from fvcli.models import ModelFacts
from fvcli.plan.data import Window
from fvcli.spec.octaves import Octaves
from fvcli.spec.settings import ResolvedRender
from fvcli.spec.transforms import Pick, TransformKind

# What one more image of a batch adds to peak memory, as a share of the float32 outputs of all its layers:
# 0.33 to 0.65 measured on a CPU (EfficientNet-Lite0 up to block4 and head, recipes default and lucid).
MEMORY_FACTOR = 0.7
LEAST_OCTAVE_PX = 64  # smaller octaves are left out; as optvis has it
USUAL_BATCH_GB = 0.4
BATCH_GB = {"maco": 1.5}  # of recipes that differ from it
MAX_AUTO_BATCH = 8  # units that are claimed together; a CPU takes one picture at a time anyway
GPU_GB = 10.0  # for activations, of a GPU of 16: weights, TensorFlow and a wrong estimate need the rest
MAX_GPU_PICTURES = 256  # more make a GPU no faster


def view_size(
    transforms: Sequence[TransformKind], height_px: int, width_px: int, pick: Pick
) -> tuple[int, int]:
    """Return height and width after all transforms, (0, 0) if one of them leaves nothing.

    pick is max for the largest views, min for the smallest.
    """
    for transform in transforms:
        height_px, width_px = (transform.side_after(side, pick) for side in (height_px, width_px))
        if min(height_px, width_px) < 1:
            return 0, 0
    return height_px, width_px


def view_refusal(transforms: Sequence[TransformKind], height_px: int, width_px: int) -> str | None:
    """Say which transform cannot be done to the smallest views that come to it, or None."""
    for i, transform in enumerate(transforms):
        side_px = min(view_size(transforms[:i], height_px, width_px, min))
        if (refusal := transform.refusal(side_px)) is not None:
            return refusal
    return None


def input_size(
    facts: ModelFacts, layers: Sequence[str], transforms: Sequence[TransformKind], size_px: tuple[int, int]
) -> tuple[int, int] | None:
    """Return the size that views are resized to for some layers, or None if they are taken as they are.

    That is the network's own for layers that are bound to it. It is the picture's, or else the network's,
    where a view would not do: in networks whose branches meet at some sizes only.
    """
    own = facts.input_size(layers)
    if own is not None:
        return own
    factors = [transform.drawn_factors for transform in transforms if transform.drawn_factors]
    picks = [lambda _, factor=factor: factor for factor in factors[0]] if len(factors) == 1 else [max, min]
    views = {view_size(transforms, *size_px, pick) for pick in picks}
    if all(facts.takes(layers, view) for view in views):
        return None
    return size_px if facts.takes(layers, size_px) else facts.native_size_px


def octave_steps(octaves: Octaves, steps: int, size_px: tuple[int, int]) -> list[tuple[float, int]]:
    """Return share of the picture's size and steps of each octave of a dream that is large enough.

    Args:
        octaves: Of the settings.
        steps: At each of them, where they are not listed.
        size_px: Height and width of the picture.
    """
    each = [(octave.scale, octave.steps) for octave in octaves.each or ()]
    each = each or [(octaves.scale**-i, steps) for i in reversed(range(octaves.count))]
    return [pair for pair in each[:-1] if round(min(size_px) * pair[0]) >= LEAST_OCTAVE_PX] + each[-1:]


def image_bytes(
    facts: ModelFacts, layers: Sequence[str], transforms: Sequence[TransformKind], size_px: tuple[int, int]
) -> int:
    """Estimate the memory that one image of an ascent takes, in bytes."""
    seen = view_size(transforms, *size_px, max)
    height, width = (max(pair) for pair in zip(seen, size_px, strict=True))
    return int(MEMORY_FACTOR * facts.activation_bytes(layers, height, width))


def needed_bytes(
    facts: ModelFacts,
    layers: Sequence[str],
    settings: ResolvedRender,
    window: Window | None,
    input_px: tuple[int, int] | None,
    has_target: bool,
) -> int:
    """Estimate the memory that one picture of a program takes, in bytes, with all its views."""
    if settings.octaves is not None:
        tile = settings.octaves.tile_px
        return image_bytes(facts, layers, (), (tile, tile))
    if window is not None:
        return image_bytes(facts, layers, (), (window.view_px, window.view_px))
    seen, transforms = (input_px, ()) if input_px else (settings.size_px, settings.transforms)
    a_view = image_bytes(facts, layers, transforms, seen)
    painting = settings.parameterization.gradient_bytes(*settings.size_px)
    return a_view * settings.views * (2 if has_target else 1) + painting


def batch_gb(settings: ResolvedRender) -> float:
    """Return what decides how many pictures a batch has, whatever the machine: it is part of keys."""
    return settings.memory_gb or BATCH_GB.get(settings.recipe, USUAL_BATCH_GB)


def gpu_batches_for(memory_gb: float, bytes_an_image: int, batch_size: int) -> int:
    """Return how many batches a GPU works on at once: the largest power of two that fits, at least 1."""
    fitting = min(MAX_GPU_PICTURES, int(memory_gb * 1e9 / max(1, bytes_an_image)))
    return 1 << max(0, (fitting // batch_size).bit_length() - 1)


def gigabytes(count: int) -> str:
    """Write a number of bytes as people do, and small ones not as nothing."""
    return f"{count / 1e9:.{2 if count >= 1e7 else 6}f} GB"


def batch_size_for(memory_gb: float, bytes_an_image: int) -> int:
    """Return the largest power of two of images that fit, 0 if not even one does."""
    fitting = int(memory_gb * 1e9 / max(1, bytes_an_image))
    return min(MAX_AUTO_BATCH, 1 << fitting.bit_length() - 1) if fitting else 0
