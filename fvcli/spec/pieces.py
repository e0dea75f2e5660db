"""What a recipe is put together from: image parameterization, transforms, optimizer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from fvcli.spec.base import MAX_SIDE_PX, Beta, Bool, Factor, Float, Int, OrName, Positive, Share, Strictly


class Fourier(Strictly):
    """Optimise a decorrelated Fourier spectrum."""

    kind: Literal["fourier"] = "fourier"
    decorrelate: Bool = True
    std: Positive = 0.01
    decay_power: Annotated[Float, Field(ge=0, le=4)] = 1.0
    coarse_until: Share = 0.0
    coarse_from: Annotated[Float, Field(gt=0, le=0.5)] = 0.03


class Pixel(Strictly):
    """Optimise pixels."""

    kind: Literal["pixel"] = "pixel"
    decorrelate: Bool = True
    std: Positive = 0.01


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


class Adam(Strictly):
    """Adam; epsilon as in TensorFlow 1; a second moment for each number, or for each band of frequencies."""

    kind: Literal["adam"] = "adam"
    learning_rate: Positive = 0.05
    beta1: Beta = 0.9
    beta2: Beta = 0.999
    epsilon: Positive = 1e-8
    second_moment: Literal["number", "band"] = "number"
    anneal_from: Share = 1.0


class Lion(Strictly):
    """Lion: steps of one size, in the sign of the momentum."""

    kind: Literal["lion"] = "lion"
    learning_rate: Positive = 0.05
    beta1: Beta = 0.5
    beta2: Beta = 0.9
    anneal_from: Share = 1.0


Parameterization = Annotated[Fourier | Pixel, Field(discriminator="kind"), OrName("kind")]
AnyTransform = Annotated[Pad | Jitter | Crop | Scale | Rotate | Affine, Field(discriminator="kind")]
Optimizer = Annotated[Adam | Lion, Field(discriminator="kind"), OrName("kind")]
