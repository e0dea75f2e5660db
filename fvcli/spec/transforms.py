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
    DependsOn,
    Factor,
    Float,
    Int,
    OrName,
    Positive,
    Share,
    Strictly,
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
    """Add a border."""

    kind: Literal["pad"] = "pad"
    px: Annotated[Int, Field(ge=1, le=MAX_SIDE_PX)]
    mode: Literal["constant", "reflect"] = "constant"
    value: Share = 0.5

    def side_after(self, side_px: int, pick: Pick) -> int:
        return side_px + 2 * self.px

    def refusal(self, side_px: int) -> str | None:
        if self.mode == "constant" or self.px < side_px:
            return None
        return f"a side of {side_px} px cannot be mirrored over {self.px} px; write px: {side_px - 1} or less"


class Jitter(TransformKind):
    """Crop at a random offset."""

    kind: Literal["jitter"] = "jitter"
    px: Annotated[Int, Field(ge=1, le=MAX_SIDE_PX)]

    def side_after(self, side_px: int, pick: Pick) -> int:
        return side_px - self.px


class Crop(TransformKind):
    """Cut a border off, such as one that pad added."""

    kind: Literal["crop"] = "crop"
    px: Annotated[Int, Field(ge=1, le=MAX_SIDE_PX)]

    def side_after(self, side_px: int, pick: Pick) -> int:
        return side_px - 2 * self.px


class Scale(TransformKind):
    """Resize by one of the factors."""

    kind: Literal["scale"] = "scale"
    factors: Annotated[tuple[Factor, ...], Field(min_length=1)]

    def side_after(self, side_px: int, pick: Pick) -> int:
        return int(np.float32(pick(self.factors)) * np.float32(side_px))  # as the transform rounds

    @property
    def drawn_factors(self) -> tuple[float, ...]:
        return self.factors


class Rotate(KeepsSize):
    """Turn by one of the angles."""

    kind: Literal["rotate"] = "rotate"
    degrees: Annotated[tuple[Annotated[Float, Field(ge=-360, le=360)], ...], Field(min_length=1)]


class Affine(TransformKind):
    """Turn, scale and shift in one resampling, each drawn from a range."""

    kind: Literal["affine"] = "affine"
    degrees: Annotated[Float, Field(ge=0, le=180)] = 0.0
    scales: tuple[Factor, Factor] = (1.0, 1.0)
    shift_px: Annotated[Float, Field(ge=0, le=MAX_SIDE_PX)] = 0.0
    crop_px: Annotated[Int, Field(ge=0, le=MAX_SIDE_PX)] = 0
    fill: Share = 0.5

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
    """Look at a random square of the picture, enlarged; its side goes from the first share to the last."""

    kind: Literal["crops"] = "crops"
    sides: Annotated[
        tuple[Share, Share],
        DependsOn("the size of the pictures"),
        Field(description="shares of the picture's side at the first step and at the last"),
    ] = (FIRST_PART, LAST_PART)
    spread: Share = 0.05
    centre_std: Share = 0.15
    size_px: Annotated[
        Int,
        Field(ge=8, le=MAX_SIDE_PX, description="side of the views"),
        DependsOn("the sizes of the picture and of the network's input"),
    ] = 224

    def defaults_for(self, side_px: int, native_px: int) -> dict[str, Any]:
        """End with parts of at least the published 5 % of 512 px, because smaller ones show too little."""
        last = min(FIRST_PART, max(LAST_PART, two_digits(SMALLEST_PART_PX / side_px)))
        return {"sides": (FIRST_PART, last), "size_px": min(native_px, side_px)}

    def side_after(self, side_px: int, pick: Pick) -> int:
        return self.size_px


class Noise(KeepsSize):
    """Add normal and uniform noise to every pixel."""

    kind: Literal["noise"] = "noise"
    std: Annotated[Float, Field(ge=0, le=1)] = 0.08
    uniform: Share = 0.08


class RandomBlur(KeepsSize):
    """Blur by a sigma from a range."""

    kind: Literal["blur"] = "blur"
    sigmas_px: tuple[Annotated[Float, Field(ge=0, le=64)], Annotated[Float, Field(ge=0, le=64)]] = (0.0, 1.0)


class Flip(KeepsSize):
    """Mirror half of the views."""

    kind: Literal["flip"] = "flip"


class Background(KeepsSize):
    """Lay a transparent picture over random noise with the colours and frequencies of photos."""

    is_background: ClassVar[bool] = True

    kind: Literal["background"] = "background"
    std: Positive = 0.5


AnyTransform = Annotated[
    Pad | Jitter | Crop | Scale | Rotate | Affine | Crops | Noise | RandomBlur | Flip | Background,
    Field(discriminator="kind"),
    OrName("kind"),
]
