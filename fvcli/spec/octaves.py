"""The sizes that a dream goes through."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fvcli.spec.base import Bool, Float, Int, Positive, Share, Strictly

Blur = Annotated[Float, Field(ge=0, le=64)]


Rates = Annotated[
    tuple[Positive, Positive],
    Field(description="how much the first and the last step change a pixel, on average"),
]
Bands = Annotated[
    Int, Field(ge=1, le=8, description="sizes of detail that each have an equal part in a step")
]


class Octave(Strictly):
    """One size of a dream, as a share of its picture's, and the steps taken at it."""

    scale: Annotated[Float, Field(gt=0, le=1)]
    steps: Annotated[Int, Field(ge=1, le=100_000)]
    rates: Rates = (0.006, 0.006)
    bands: Bands = 1
    blurs_px: tuple[Blur, Blur] = Field((0.0, 0.0), description="after the first and the last step")


class Octaves(Strictly):
    """Sizes that a dream goes through, each larger than the one before by a factor, or listed."""

    count: Annotated[Int, Field(ge=1, le=32)] = 5
    scale: Annotated[Float, Field(gt=1, le=4)] = 1.4
    rates: Rates = (0.006, 0.003)
    bands: Bands = 3
    tile_px: Annotated[Int, Field(ge=64, le=2048)] = Field(
        384, description="side of what is computed at once; scores of larger pictures are means of tiles"
    )
    keep_detail: Bool = Field(True, description="give back at each size what smaller ones could not show")
    warm_start: Share = Field(0.5, description="of a film: how much of the last dream goes into a frame")
    each: Annotated[tuple[Octave, ...], Field(min_length=1, max_length=32)] | None = Field(
        None, description="octaves one by one, instead of count, scale, rate and steps"
    )
