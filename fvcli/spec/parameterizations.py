"""Image parameterizations: what is optimised, and how a picture is made of it.

Each kind says itself what it can do; see ``ParameterizationKind``.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from fvcli.spec.base import (
    AddedLater,
    Bool,
    FileName,
    Float,
    Int,
    NamesFile,
    OrName,
    Positive,
    Share,
    Strictly,
    Text,
)

Std = Annotated[Positive, Field(description="standard deviation of the numbers at the start")]
Squash = Annotated[
    Literal["sigmoid", "clip"], Field(description="how pixels are brought into the range of a picture")
]
Opaque = Annotated[Bool, Field(description="optimise the opacity of each pixel, too")]
Decorrelate = Annotated[Bool, Field(description="optimise decorrelated colours")]
DecayPower = Annotated[Float, Field(ge=0, le=4, description="how strongly high frequencies are held back")]
Sha256 = Annotated[
    Text | None, Field(pattern=r"^[0-9a-fA-F]{64}$", description="what the files must hash to")
]
SideBelow = Annotated[Int, Field(ge=1, le=1024)]
CPPN_BYTES = 4 * 4  # a pixel and unit of a layer: its sum, two activations, a gradient
COLOURS = 3


class Shared(Strictly):
    """Low-resolution parts that the pictures of a group have in common (Mordvintsev et al. 2018)."""

    sides_px: tuple[SideBelow, ...] = (64, 32, 16, 8)
    ends_px: tuple[SideBelow, ...] = Field(
        (16, 8), description="sides of parts that go over from one at the first picture to one at the last"
    )


class ParameterizationKind(Strictly):
    """What every parameterization says of itself.

    any_size: Whether its pictures have no size of their own, and can be saved at any.
    holds_pictures: Whether a given picture, or a part of one, can be written in it.
    """

    any_size: ClassVar[bool] = False
    holds_pictures: ClassVar[bool] = False

    @property
    def is_transparent(self) -> bool:
        """Whether the last channel of its pictures is opacity."""
        return False

    @property
    def is_plain_pixels(self) -> bool:
        """Whether it is pixels, and nothing beside them."""
        return False

    @property
    def shared_parts(self) -> Shared | None:
        """What the pictures of a group have in common."""
        return None

    def refusal(self, channels: int) -> str | None:
        """Say why a picture with so many channels cannot be made, or None."""
        return None

    def gradient_bytes(self, height_px: int, width_px: int) -> int:
        """Estimate what one picture keeps for its gradient, where that is not small."""
        return 0


class OnGrid(ParameterizationKind):
    """What is common to the parameterizations with a number for each place of a grid."""

    holds_pictures: ClassVar[bool] = True

    decorrelate: Decorrelate = True
    std: Std = 0.01
    squash: Annotated[Squash, AddedLater()] = "sigmoid"
    alpha: Annotated[Opaque, AddedLater()] = False
    shared: Annotated[Shared | None, AddedLater()] = None

    @property
    def is_transparent(self) -> bool:
        return self.alpha

    @property
    def shared_parts(self) -> Shared | None:
        return self.shared

    def refusal(self, channels: int) -> str | None:
        return "alpha needs a network that takes colours" if self.alpha and channels != COLOURS else None


class Fourier(OnGrid):
    """Optimise a decorrelated Fourier spectrum."""

    kind: Literal["fourier"] = "fourier"
    decay_power: DecayPower = 1.0
    coarse_until: Share = 0.0
    coarse_from: Annotated[Float, Field(gt=0, le=0.5)] = 0.03


class Pixel(OnGrid):
    """Optimise pixels."""

    kind: Literal["pixel"] = "pixel"

    @property
    def is_plain_pixels(self) -> bool:
        return not self.alpha and self.shared is None


class Laplacian(OnGrid):
    """Optimise a pyramid of pictures, each half as large as the one before."""

    kind: Literal["laplacian"] = "laplacian"
    levels: Annotated[Int, Field(ge=1, le=12)] = 4


class Cppn(ParameterizationKind):
    """Optimise a small network from coordinates to colours, which has no resolution (Stanley 2007)."""

    any_size: ClassVar[bool] = True

    kind: Literal["cppn"]
    layers: Annotated[Int, Field(ge=1, le=32)] = 8
    width: Annotated[Int, Field(ge=1, le=512)] = 24
    activation: Literal["unbiased", "composite", "relu"] = "unbiased"

    def gradient_bytes(self, height_px: int, width_px: int) -> int:
        return height_px * width_px * self.layers * self.width * CPPN_BYTES


class Maco(ParameterizationKind):
    """Optimise the phases of a spectrum whose magnitudes are those of photos (Fel et al. 2023)."""

    kind: Literal["maco"]
    spectrum: Annotated[FileName | None, NamesFile("stills")] = Field(
        None, description="a folder of pictures that magnitudes are taken from; 1 / frequency by default"
    )
    sha256: Sha256 = None
    decay_power: DecayPower = 1.2

    def refusal(self, channels: int) -> str | None:
        if channels not in {1, COLOURS}:
            return "maco needs one or three channels"
        return "a spectrum of photos has colours" if self.spectrum and channels != COLOURS else None


class Generator(ParameterizationKind):
    """Optimise the code that a network of one's own makes a picture of: a learned prior."""

    kind: Literal["generator"]
    path: Annotated[FileName, NamesFile("model")] = Field(description="a Keras model, code -> picture")
    sha256: Sha256 = None
    value_range: tuple[Float, Float] = Field((0.0, 1.0), description="of the pictures that it makes")
    std: Positive = 1.0
    bound: Positive | None = Field(None, description="codes are kept within this many standard deviations")

    @field_validator("value_range", mode="after")
    @classmethod
    def _ordered(cls, value: tuple[float, float]) -> tuple[float, float]:
        if value[0] >= value[1]:
            raise ValueError("write the smaller number first")
        return value

    def refusal(self, channels: int) -> str | None:
        return "a generator makes colours" if channels != COLOURS else None


AnyParameterization = Fourier | Pixel | Laplacian | Cppn | Maco | Generator
Parameterization = Annotated[AnyParameterization, Field(discriminator="kind"), OrName("kind")]
