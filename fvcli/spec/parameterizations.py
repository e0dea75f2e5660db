"""Image parameterizations: which numbers are optimised."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from fvcli.spec.base import Bool, Float, Int, OrName, Positive, Share, Strictly, Text

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


class Shared(Strictly):
    """Low-resolution parts that the pictures of a group have in common (Mordvintsev et al. 2018)."""

    sides_px: tuple[SideBelow, ...] = (64, 32, 16, 8)
    ends_px: tuple[SideBelow, ...] = Field(
        (16, 8), description="sides of parts that go over from one at the first picture to one at the last"
    )


class Fourier(Strictly):
    """Optimise a decorrelated Fourier spectrum."""

    kind: Literal["fourier"] = "fourier"
    decorrelate: Decorrelate = True
    std: Std = 0.01
    decay_power: DecayPower = 1.0
    coarse_until: Share = 0.0
    coarse_from: Annotated[Float, Field(gt=0, le=0.5)] = 0.03
    squash: Squash = "sigmoid"
    alpha: Opaque = False
    shared: Shared | None = None


class Pixel(Strictly):
    """Optimise pixels."""

    kind: Literal["pixel"] = "pixel"
    decorrelate: Decorrelate = True
    std: Std = 0.01
    squash: Squash = "sigmoid"
    alpha: Opaque = False
    shared: Shared | None = None


class Laplacian(Strictly):
    """Optimise a pyramid of pictures, each half as large as the one before."""

    kind: Literal["laplacian"] = "laplacian"
    decorrelate: Decorrelate = True
    std: Std = 0.01
    levels: Annotated[Int, Field(ge=1, le=12)] = 4
    squash: Squash = "sigmoid"
    alpha: Opaque = False
    shared: Shared | None = None


class Cppn(Strictly):
    """Optimise a small network from coordinates to colours, which has no resolution (Stanley 2007)."""

    kind: Literal["cppn"]
    layers: Annotated[Int, Field(ge=1, le=32)] = 8
    width: Annotated[Int, Field(ge=1, le=512)] = 24
    activation: Literal["unbiased", "composite", "relu"] = "unbiased"


class Maco(Strictly):
    """Optimise the phases of a spectrum whose magnitudes are those of photos (Fel et al. 2023)."""

    kind: Literal["maco"]
    spectrum: Annotated[Text, Field(min_length=1)] | None = Field(
        None, description="a folder of pictures that magnitudes are taken from; 1 / frequency by default"
    )
    sha256: Sha256 = None
    decay_power: DecayPower = 1.2


class Generator(Strictly):
    """Optimise the code that a network of one's own makes a picture of: a learned prior."""

    kind: Literal["generator"]
    path: Annotated[Text, Field(min_length=1, description="a Keras model, code -> picture")]
    sha256: Sha256 = None
    value_range: tuple[Float, Float] = Field((0.0, 1.0), description="of the pictures that it makes")
    std: Positive = 1.0
    bound: Positive | None = Field(None, description="codes are kept within this many standard deviations")

    @model_validator(mode="after")
    def _ordered(self) -> Generator:
        if self.value_range[0] >= self.value_range[1]:
            raise ValueError("write the smaller number of value_range first")
        return self


Parameterization = Annotated[
    Fourier | Pixel | Laplacian | Cppn | Maco | Generator, Field(discriminator="kind"), OrName("kind")
]
