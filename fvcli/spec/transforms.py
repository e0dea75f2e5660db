"""Transforms: what a picture must be robust to.

Each kind says itself what it does to the size of a picture; see ``TransformKind``.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator

from fvcli.spec.base import (
    MAX_SIDE_PX,
    Factor,
    Float,
    Int,
    OrName,
    Positive,
    Share,
    Strictly,
    left_out,
    two_digits,
)

if TYPE_CHECKING:
    from typing_extensions import Self  # of Python 3.11

Pick = Callable[[Iterable[float]], float]  # max, min or another that takes one of what could be drawn
FIRST_PART, LAST_PART = 0.5, 0.05  # of a picture's side (Fel et al. 2023)
SMALLEST_PART_PX = 25.6  # LAST_PART of 512 px
FULL_SHIFT_PX = 128  # pictures smaller than this are shifted less by fvcli's own recipes


class TransformKind(Strictly, ABC):
    """What every transform says of itself.

    is_background: Whether it gives transparent pictures a background.
    """

    is_background: ClassVar[bool] = False

    @abstractmethod
    def side_after(self, side_px: int, pick: Pick) -> int:
        """Return what becomes of a side of a picture; below 1 if nothing of it is left."""

    def refusal(self, side_px: int) -> str | None:
        """Say why it cannot be done to pictures with a side of that length, or None."""
        return None

    @property
    def drawn_factors(self) -> tuple[float, ...]:
        """What a whole batch is resized by, one drawn at each step; nothing where sizes do not change."""
        return ()

    def for_size(self, side_px: int) -> Self:
        """Return what fits a picture with that shorter side, if small pictures need another."""
        return self

    def defaults_for(self, side_px: int, native_px: int) -> dict[str, Any]:
        """Return defaults that depend on the shorter sides of the picture and of the network's input."""
        return {}


class KeepsSize(TransformKind):
    """A transform that leaves sizes as they are."""

    def side_after(self, side_px: int, pick: Pick) -> int:
        return side_px


class Pad(TransformKind):
    """Add a border, so that later shifts and turns do not run out of picture.

    Example: transforms: [{kind: pad, px: 16}]
    """

    kind: Literal["pad"] = "pad"
    px: Annotated[Int, Field(ge=1, le=MAX_SIDE_PX)] = Field(
        description="Width of the border in pixels, on each side. Example: 16."
    )
    mode: Literal["constant", "reflect"] = Field(
        "constant",
        description="What the border shows: one grey (`constant`), or the picture mirrored (`reflect`).",
    )
    value: Share = Field(0.5, description="Grey of a constant border, from 0 (black) to 1 (white).")

    def side_after(self, side_px: int, pick: Pick) -> int:
        return side_px + 2 * self.px

    def refusal(self, side_px: int) -> str | None:
        if self.mode == "constant" or self.px < side_px:
            return None
        return f"a side of {side_px} px cannot be mirrored over {self.px} px; write px: {side_px - 1} or less"


class Jitter(TransformKind):
    """Shift the picture at random, by cutting a border off unevenly: works against fine noise.

    Example: transforms: [{kind: jitter, px: 8}]
    """

    kind: Literal["jitter"] = "jitter"
    px: Annotated[Int, Field(ge=1, le=MAX_SIDE_PX)] = Field(
        description="Largest shift in pixels. The picture gets as much smaller. Example: 8."
    )

    def side_after(self, side_px: int, pick: Pick) -> int:
        return side_px - self.px


class Crop(TransformKind):
    """Cut a border off, such as one that `pad` added.

    Example: transforms: [{kind: crop, px: 16}]
    """

    kind: Literal["crop"] = "crop"
    px: Annotated[Int, Field(ge=1, le=MAX_SIDE_PX)] = Field(
        description="Width of what is cut off in pixels, on each side. Example: 16."
    )

    def side_after(self, side_px: int, pick: Pick) -> int:
        return side_px - 2 * self.px


class Scale(TransformKind):
    """Resize by one of several factors, the same for all pictures of a batch.

    Example: transforms: [{kind: scale, factors: [0.9, 1, 1.1]}]
    """

    kind: Literal["scale"] = "scale"
    factors: Annotated[tuple[Factor, ...], Field(min_length=1)] = Field(
        description="Factors, one of which is drawn at each step; above 1 enlarges. Example: [0.9, 1, 1.1]."
    )

    def side_after(self, side_px: int, pick: Pick) -> int:
        return int(np.float32(pick(self.factors)) * np.float32(side_px))  # as the transform rounds

    @property
    def drawn_factors(self) -> tuple[float, ...]:
        return self.factors


class Rotate(KeepsSize):
    """Turn by one of several angles; corners become black.

    Example: transforms: [{kind: rotate, degrees: [-5, 0, 5]}]
    """

    kind: Literal["rotate"] = "rotate"
    degrees: Annotated[tuple[Annotated[Float, Field(ge=-360, le=360)], ...], Field(min_length=1)] = Field(
        description="Angles in degrees, one of which is drawn at each step. Example: [-5, 0, 5]."
    )


class Affine(TransformKind):
    """Turn, scale and shift at random, in one resampling: the best choice against noise.

    Example: transforms: [{kind: affine, degrees: 8, scales: [0.9, 1.1], shift_px: 8, crop_px: 16}]
    """

    kind: Literal["affine"] = "affine"
    degrees: Annotated[Float, Field(ge=0, le=180)] = Field(
        0.0, description="Largest turn, in degrees to either side. Example: 8."
    )
    scales: tuple[Factor, Factor] = Field(
        (1.0, 1.0),
        description="Smallest and largest factor of size; above 1 enlarges. A wider range gives larger "
        "forms. Example: [0.9, 1.1].",
    )
    shift_px: Annotated[Float, Field(ge=0, le=MAX_SIDE_PX)] = Field(
        0.0, description="Largest shift in pixels, down and across. Example: 8."
    )
    crop_px: Annotated[Int, Field(ge=0, le=MAX_SIDE_PX)] = Field(
        0,
        description="How many pixels smaller than the picture the result is, in height and in width. It "
        "hides edges that turns and shifts bring in. Example: 16.",
    )
    fill: Share = Field(
        0.5, description="Grey of what lies outside the picture, from 0 (black) to 1 (white)."
    )

    @field_validator("scales")
    @classmethod
    def _ordered(cls, scales: tuple[float, float]) -> tuple[float, float]:
        if scales[0] > scales[1]:
            raise ValueError("write the smaller factor first")
        return scales

    def side_after(self, side_px: int, pick: Pick) -> int:
        return side_px - self.crop_px

    def for_size(self, side_px: int) -> Self:
        """Shift and crop small pictures less, so that enough of them is left to see."""
        share = min(1.0, side_px / FULL_SHIFT_PX)
        shift, crop = self.shift_px * share, int(self.crop_px * share) // 2 * 2
        return self.model_copy(update={"shift_px": shift, "crop_px": crop})

    def margin_px(self, shift_px: float, view_px: int) -> int:
        """Return how far around a view it can reach: shifted, and turned at its smallest scale."""
        angle = math.radians(min(45.0, self.degrees))
        reach = (math.cos(angle) + math.sin(angle)) / self.scales[0]
        return math.ceil(shift_px + max(0.0, reach - 1.0) * view_px / 2)

    def in_window(self, canvas_px: int, view_px: int, shift_px: float) -> Self:
        """Return it as it looks around in a canvas that is larger than the view."""
        return self.model_copy(update={"crop_px": canvas_px - view_px, "shift_px": shift_px})


class Crops(TransformKind):
    """Enlarge a random square of the picture: large squares first, small ones at the end (MACO).

    Example: transforms: [{kind: crops, sides: [0.5, 0.1]}]
    """

    kind: Literal["crops"] = "crops"
    sides: tuple[Share, Share] = left_out(
        f"`[{FIRST_PART}, {LAST_PART}]`; for pictures below 512 px the last square is 26 px wide",
        "Side of the square at the first and at the last step, as a share of the picture's shorter side. "
        "Example: [0.5, 0.1].",
        (FIRST_PART, LAST_PART),
    )
    spread: Share = Field(
        0.05, description="Standard deviation of the square's side, as a share of the picture's shorter side."
    )
    centre_std: Share = Field(
        0.15,
        description="Standard deviation of the square's centre, as a share of height and width. Larger "
        "values reach the borders more often.",
    )
    size_px: Annotated[Int, Field(ge=8, le=MAX_SIDE_PX)] = left_out(
        "the side of the network's input, but at most the picture's",
        "Side in pixels to which the square is resized.",
        224,
    )

    def defaults_for(self, side_px: int, native_px: int) -> dict[str, Any]:
        """End with parts of at least the published 5 % of 512 px, because smaller ones show too little."""
        last = min(FIRST_PART, max(LAST_PART, two_digits(SMALLEST_PART_PX / side_px)))
        return {"sides": (FIRST_PART, last), "size_px": min(native_px, side_px)}

    def side_after(self, side_px: int, pick: Pick) -> int:
        return self.size_px


class Noise(KeepsSize):
    """Add noise to every pixel, so that fine detail does not pay.

    Example: transforms: [{kind: noise, std: 0.1, uniform: 0}]
    """

    kind: Literal["noise"] = "noise"
    std: Annotated[Float, Field(ge=0, le=1)] = Field(
        0.08, description="Standard deviation of the normal noise; black to white is 1."
    )
    uniform: Share = Field(
        0.08, description="Width of the uniform noise: it lies between minus and plus half of this."
    )


class RandomBlur(KeepsSize):
    """Blur by a random amount, so that fine detail does not pay.

    Example: transforms: [{kind: blur, sigmas_px: [0, 2]}]
    """

    kind: Literal["blur"] = "blur"
    sigmas_px: tuple[Annotated[Float, Field(ge=0, le=64)], Annotated[Float, Field(ge=0, le=64)]] = Field(
        (0.0, 1.0), description="Smallest and largest standard deviation of the blur, in pixels."
    )


class Flip(KeepsSize):
    """Mirror the picture, left to right, half of the time.

    Example: transforms: [{kind: flip}]
    """

    kind: Literal["flip"] = "flip"


class Background(KeepsSize):
    """Lay a transparent picture over random noise with the colours and frequencies of photos.

    Transparent pictures get it as their first transform if a spec names none.

    Example: transforms: [{kind: background, std: 0.5}]
    """

    is_background: ClassVar[bool] = True

    kind: Literal["background"] = "background"
    std: Positive = Field(0.5, description="Contrast of the noise. More of it makes opacity matter more.")


AnyTransform = Annotated[
    Pad | Jitter | Crop | Scale | Rotate | Affine | Crops | Noise | RandomBlur | Flip | Background,
    Field(discriminator="kind"),
    OrName("kind"),
]
