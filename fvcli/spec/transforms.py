"""Transforms: what a picture must be robust to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from fvcli.spec.base import MAX_SIDE_PX, Factor, Float, Int, OrName, Positive, Share, Strictly


class Pad(Strictly):
    """Add a border."""

    kind: Literal["pad"] = "pad"
    px: Annotated[Int, Field(ge=1, le=MAX_SIDE_PX)]
    mode: Literal["constant", "reflect"] = "constant"
    value: Share = 0.5


class Jitter(Strictly):
    """Crop at a random offset."""

    kind: Literal["jitter"] = "jitter"
    px: Annotated[Int, Field(ge=1, le=MAX_SIDE_PX)]


class Crop(Strictly):
    """Cut a border off, such as one that pad added."""

    kind: Literal["crop"] = "crop"
    px: Annotated[Int, Field(ge=1, le=MAX_SIDE_PX)]


class Scale(Strictly):
    """Resize by one of the factors."""

    kind: Literal["scale"] = "scale"
    factors: Annotated[tuple[Factor, ...], Field(min_length=1)]


class Rotate(Strictly):
    """Turn by one of the angles."""

    kind: Literal["rotate"] = "rotate"
    degrees: Annotated[tuple[Annotated[Float, Field(ge=-360, le=360)], ...], Field(min_length=1)]


class Affine(Strictly):
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


class Crops(Strictly):
    """Look at a random square of the picture, enlarged; its side goes from the first share to the last."""

    kind: Literal["crops"] = "crops"
    sides: tuple[Share, Share] = (0.5, 0.05)
    spread: Share = 0.05
    centre_std: Share = 0.15
    size_px: Annotated[Int, Field(ge=8, le=MAX_SIDE_PX)] = 224


class Noise(Strictly):
    """Add normal and uniform noise to every pixel."""

    kind: Literal["noise"] = "noise"
    std: Annotated[Float, Field(ge=0, le=1)] = 0.08
    uniform: Share = 0.08


class RandomBlur(Strictly):
    """Blur by a sigma from a range."""

    kind: Literal["blur"] = "blur"
    sigmas_px: tuple[Annotated[Float, Field(ge=0, le=64)], Annotated[Float, Field(ge=0, le=64)]] = (0.0, 1.0)


class Flip(Strictly):
    """Mirror half of the views."""

    kind: Literal["flip"] = "flip"


class Background(Strictly):
    """Lay a transparent picture over random noise with the colours and frequencies of photos."""

    kind: Literal["background"] = "background"
    std: Positive = 0.5


AnyTransform = Annotated[
    Pad | Jitter | Crop | Scale | Rotate | Affine | Crops | Noise | RandomBlur | Flip | Background,
    Field(discriminator="kind"),
    OrName("kind"),
]
