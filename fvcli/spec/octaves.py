"""The sizes that a dream goes through."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fvcli.spec.base import Bool, Float, Int, Positive, Share, Strictly, left_out

Blur = Annotated[Float, Field(ge=0, le=64)]


Rates = Annotated[
    tuple[Positive, Positive],
    Field(
        description="Mean change of a pixel by the first and by the last step of an octave; black to white "
        "is 1. Raise both for a stronger dream."
    ),
]
Bands = Annotated[
    Int,
    Field(
        ge=1,
        le=8,
        description="Number of sizes of detail that get an equal part of each step. More make smoother, more "
        "colourful dreams.",
    ),
]


class Octave(Strictly):
    """One size of a dream, and the steps at it.

    Example: octaves: {each: [{scale: 0.5, steps: 20}, {scale: 1, steps: 10}]}
    """

    scale: Annotated[Float, Field(gt=0, le=1)] = Field(
        description="Size of the octave, as a share of the picture's. The last one is 1."
    )
    steps: Annotated[Int, Field(ge=1, le=100_000)] = Field(description="Number of steps at this size.")
    rates: Rates = (0.006, 0.006)
    bands: Bands = 1
    blurs_px: tuple[Blur, Blur] = Field(
        (0.0, 0.0),
        description="Standard deviation in pixels of a blur after the first and after the last step.",
    )


class Octaves(Strictly):
    """A dream: the picture is changed at growing sizes, so that large forms come first (DeepDream).

    Example: octaves: {count: 4, scale: 1.5, rates: [0.008, 0.004]}
    """

    count: Annotated[Int, Field(ge=1, le=32)] = Field(
        5, description="Number of sizes. More of them start smaller and give larger forms."
    )
    scale: Annotated[Float, Field(gt=1, le=4)] = Field(
        1.4, description="How many times larger each size is than the one before."
    )
    rates: Rates = (0.006, 0.003)
    bands: Bands = 3
    tile_px: Annotated[Int, Field(ge=64, le=2048)] = Field(
        384,
        description="Side in pixels of the square tiles that are computed one after the other. Memory grows "
        "with its square. The score is the mean over tiles.",
    )
    keep_detail: Bool = Field(
        True,
        description="Give the picture back, at each size, the detail of the original that smaller sizes "
        "lost. Turn it off if you start from noise.",
    )
    warm_start: Share = Field(
        0.5,
        description="For a film: share of the last frame's dream that is mixed into the next frame. Higher "
        "values flicker less.",
    )
    each: Annotated[tuple[Octave, ...], Field(min_length=1, max_length=32)] | None = left_out(
        "`count` sizes by `scale`",
        "The sizes one by one, from small to large, instead of count, scale, rates, bands and steps.",
    )
