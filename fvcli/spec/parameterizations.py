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
    left_out,
    written_as,
)

Std = Annotated[
    Positive,
    Field(
        description="Standard deviation of the noise that the optimisation starts from. Larger values leave "
        "more grain."
    ),
]
Squash = Annotated[
    Literal["sigmoid", "clip"],
    Field(
        description="How pixels are kept between black and white: `sigmoid` bends them smoothly, `clip` cuts "
        "them off, as older methods did."
    ),
]
Opaque = Annotated[
    Bool,
    Field(
        description="Also optimise the opacity of each pixel. What the objective does not need becomes "
        "transparent. Use it with the penalty `alpha`."
    ),
]
Decorrelate = Annotated[
    Bool,
    Field(
        description="Optimise decorrelated colours, which vary independently in photos. Without it colours "
        "are often garish."
    ),
]
DecayPower = Annotated[
    Float,
    Field(
        ge=0,
        le=4,
        description="Exponent of frequency by which fine detail is held back. Raise it for smoother "
        "pictures, lower it for more detail.",
    ),
]
Sha256 = Annotated[Text, written_as(r"^[0-9a-fA-F]{64}$", "64 hexadecimal digits")]
MapChannels = Annotated[Int, Field(ge=1, le=256)]
SideBelow = Annotated[Int, Field(ge=1, le=1024)]
CPPN_BYTES = 4 * 4  # a pixel and unit of a layer: its sum, two activations, a gradient
MAP_BYTES = 4 * 12  # a place and channel of an untrained network: each stage of its layer, and gradients
COLOURS = 3


class Shared(Strictly):
    """Coarse parts that the pictures of a group share, so that forms are in the same places.

    A group is the pictures that are optimised together: those of an `interpolate` objective, or diverse ones
    (Mordvintsev et al. 2018).

    Example: parameterization: {kind: fourier, shared: {}}
    """

    sides_px: tuple[SideBelow, ...] = Field(
        (64, 32, 16, 8),
        description="Sizes of the parts that all pictures share, in pixels of the longer side. Larger ones "
        "make pictures more alike.",
    )
    ends_px: tuple[SideBelow, ...] = Field(
        (16, 8),
        description="Sizes of the shared parts that are blended from the first picture's to the last "
        "picture's.",
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
    shared: Annotated[Shared | None, AddedLater()] = left_out(
        "nothing is shared", "Coarse parts that pictures share which are optimised together."
    )

    @property
    def is_transparent(self) -> bool:
        return self.alpha

    @property
    def shared_parts(self) -> Shared | None:
        return self.shared

    def refusal(self, channels: int) -> str | None:
        return "alpha needs a network that takes colours" if self.alpha and channels != COLOURS else None


class Fourier(OnGrid):
    """Frequencies: smooth, clear forms with little noise. The best choice for most pictures.

    Example: parameterization: {kind: fourier, decay_power: 1.1}
    """

    kind: Literal["fourier"] = "fourier"
    decay_power: DecayPower = 1.0
    coarse_until: Share = Field(
        0.0,
        description="Share of the steps in which fine detail is released bit by bit, so that large forms "
        "settle first. 0 releases all from the start. Example: 0.5.",
    )
    coarse_from: Annotated[Float, Field(gt=0, le=0.5)] = Field(
        0.03,
        description="Frequency, in cycles per pixel, up to which detail is free at the first step, if "
        "coarse_until is above 0.",
    )


class Pixel(OnGrid):
    """Plain pixels: as before 2017. They need penalties, regularizers or transforms against noise.

    Example: parameterization: {kind: pixel, decorrelate: false}
    """

    kind: Literal["pixel"] = "pixel"

    @property
    def is_plain_pixels(self) -> bool:
        return not self.alpha and self.shared is None


class Laplacian(OnGrid):
    """A sum of pictures, each half as large as the one before: between pixels and frequencies.

    Example: parameterization: {kind: laplacian, levels: 5}
    """

    kind: Literal["laplacian"] = "laplacian"
    levels: Annotated[Int, Field(ge=1, le=12)] = Field(
        4, description="Number of pictures in the sum. More of them make larger forms easier."
    )


class Cppn(ParameterizationKind):
    """The weights of a small network from coordinates to colours: smooth pictures of any size (Stanley 2007).

    Example: parameterization: {kind: cppn, layers: 10, width: 32}
    """

    any_size: ClassVar[bool] = True

    kind: Literal["cppn"]
    layers: Annotated[Int, Field(ge=1, le=32)] = Field(
        8, description="Number of hidden layers. More of them make richer forms and take longer."
    )
    width: Annotated[Int, Field(ge=1, le=512)] = Field(
        24, description="Number of units in each hidden layer. More of them make more detail."
    )
    activation: Literal["unbiased", "composite", "relu"] = Field(
        "unbiased",
        description="What follows each hidden layer: `composite` is atan and its square, `unbiased` the same "
        "with a mean of 0, `relu` gives straight edges.",
    )

    def gradient_bytes(self, height_px: int, width_px: int) -> int:
        return height_px * width_px * self.layers * self.width * CPPN_BYTES


class DeepImagePrior(ParameterizationKind):
    """The weights of an untrained convolutional network that turns noise into a picture: forms without grain.

    The network has levels, each half as large as the one above (Ulyanov, Vedaldi, Lempitsky 2018).

    Example: parameterization: {kind: deep_image_prior, channels: [16, 32, 32, 32]}
    """

    kind: Literal["deep_image_prior"]
    channels: Annotated[tuple[MapChannels, ...], Field(min_length=1, max_length=10)] = Field(
        (16, 16, 32, 32, 32),
        description="Number of channels at each level, from the size of the picture down. More channels make "
        "richer forms, more levels larger ones. The first level takes most of the time.",
    )
    skip_channels: MapChannels = Field(
        8,
        description="Number of channels that lead across at each level, past the smaller ones. More of them "
        "bring more fine detail.",
    )
    input_channels: MapChannels = Field(8, description="Number of channels of the noise.")
    input_std: Positive = Field(0.1, description="Standard deviation of the noise.")
    decorrelate: Decorrelate = True

    def gradient_bytes(self, height_px: int, width_px: int) -> int:
        pixels = height_px * width_px
        maps = sum((channels + self.skip_channels) / 4**level for level, channels in enumerate(self.channels))
        return int(pixels * (maps + self.input_channels) * MAP_BYTES)


class Maco(ParameterizationKind):
    """The phases of a spectrum with the magnitudes of photos: large, photo-like pictures (Fel et al. 2023).

    Example: parameterization: {kind: maco, spectrum: photos/}
    """

    kind: Literal["maco"]
    spectrum: Annotated[FileName | None, NamesFile("stills")] = left_out(
        "1 / frequency^decay_power",
        "Folder of photos whose mean magnitudes the picture gets. Example: photos/.",
    )
    sha256: Sha256 | None = left_out(
        "not checked", "SHA-256 that the photos must have, 64 hexadecimal digits."
    )
    decay_power: DecayPower = 1.2

    def refusal(self, channels: int) -> str | None:
        if channels not in {1, COLOURS}:
            return "maco needs one or three channels"
        return "a spectrum of photos has colours" if self.spectrum and channels != COLOURS else None


class Generator(ParameterizationKind):
    """The input code of your own generator network: pictures like those it was trained on.

    Example: parameterization: {kind: generator, path: decoder.keras, bound: 3}
    """

    kind: Literal["generator"]
    path: Annotated[FileName, NamesFile("model")] = Field(
        description="Path of a Keras model that takes a code and returns a picture. Example: decoder.keras."
    )
    sha256: Sha256 | None = left_out("not checked", "SHA-256 that the file must have, 64 hexadecimal digits.")
    value_range: tuple[Float, Float] = Field(
        (0.0, 1.0), description="Values of black and white in the generator's pictures. Example: [-1, 1]."
    )
    std: Positive = Field(
        1.0, description="Standard deviation of the codes that the generator was trained with."
    )
    bound: Positive | None = left_out(
        "no limit",
        "Codes are kept within this many standard deviations. Set it if pictures no longer look like the "
        "generator's. Example: 3.",
    )

    @field_validator("value_range", mode="after")
    @classmethod
    def _ordered(cls, value: tuple[float, float]) -> tuple[float, float]:
        if value[0] >= value[1]:
            raise ValueError("write the smaller number first")
        return value

    def refusal(self, channels: int) -> str | None:
        return "a generator makes colours" if channels != COLOURS else None


AnyParameterization = Fourier | Pixel | Laplacian | Cppn | DeepImagePrior | Maco | Generator
Parameterization = Annotated[AnyParameterization, Field(discriminator="kind"), OrName("kind")]
