"""The spec as frozen, validated models; its JSON Schema is made from them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from fvcli.spec.base import Bool, Float, Index, Int, OneOrMore, OrName, Positive, Side, Strictly, Text
from fvcli.spec.channels import ChannelsField
from fvcli.spec.objectives import ChannelObjective, Objective
from fvcli.spec.pieces import AnyTransform, Optimizer, Parameterization

MAX_CHANNELS = 4096
MODEL_FILES = (".keras", ".h5", ".hdf5", ".json", ".pb")


class Render(Strictly):
    """How pictures are made; what a job leaves out comes from render, then from the recipe."""

    recipe: Literal["default", "lucid", "distill"] | None = None
    size_px: Side | tuple[Side, Side] | None = Field(
        None, description="side, or [height, width]; by default the network's own"
    )
    steps: Annotated[Int, Field(ge=1, le=100_000)] | None = None
    seed: Annotated[Int, Field(ge=0, lt=2**63)] | None = None
    parameterization: Parameterization | None = None
    transforms: tuple[AnyTransform, ...] | None = None
    optimizer: Optimizer | None = None
    redirect_steps: Annotated[Int, Field(ge=0, le=100_000)] | None = Field(
        None, description="steps during which silent ReLUs pass gradients on"
    )
    early_stop: Annotated[Float, Field(ge=0, lt=1)] | None = Field(
        None,
        description="finish a unit early when 16 steps raise its score by less than this share of its whole "
        "rise, twice in a row; 0 never does",
    )
    canvas: Literal["whole", "seen"] | None = Field(
        None, description="what a neuron's ascent works on: the whole picture, or what the neuron sees of it"
    )
    precision: Literal["auto", "float32", "bfloat16", "float16"] | None = Field(
        None, description="what the network computes in; auto is the fastest that the device does well"
    )
    batch_size: Annotated[Int, Field(ge=1, le=4096)] | None = Field(
        None, description="pictures optimised together; by default what memory_gb holds"
    )
    memory_gb: Annotated[Float, Field(gt=0, le=4096)] | None = Field(
        None, description="memory that the activations of a batch may take"
    )

    @field_validator("size_px", mode="before")
    @classmethod
    def _sides(cls, value: Any) -> Any:
        return checked_size(value)


def checked_size(value: Any) -> Any:
    """Say plainly how a size is written, where it is written otherwise."""
    one = isinstance(value, int) and not isinstance(value, bool)
    two = isinstance(value, list | tuple) and len(value) == 2
    if value is not None and not (one or two):
        raise ValueError("write one side, such as 224, or [height, width]")
    return value


class Job(Render):
    """One family of pictures: an objective over the units of a layer."""

    name: Annotated[Text, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")] = Field(
        description="1 to 100 letters, digits, dots, dashes and underscores, a letter or digit first"
    )
    layer: Text | None = None
    objective: Objective = ChannelObjective(kind="channel")
    sign: Literal["positive", "negative"] = "positive"
    channels: ChannelsField | None = None
    classes: Annotated[tuple[Index | Text, ...], Field(min_length=1), OneOrMore()] | None = None


class OrModel(OrName):
    """Let plain text stand for a model: a path if it looks like one, else a name."""

    def key_of(self, text: str) -> str:
        return model_key(text)


def model_key(text: str) -> str:
    """Say whether plain text that stands for a model is its path or its name."""
    return "path" if "/" in text or text.lower().endswith(MODEL_FILES) else "name"


Numbers = Annotated[tuple[Float, ...], Field(min_length=1, max_length=MAX_CHANNELS), OneOrMore()]


class Model(Strictly):
    """A network by name, in a file of one's own, or made by a Python function."""

    name: Text | None = None
    path: Annotated[Text, Field(min_length=1)] | None = Field(
        None, description="a .keras, .h5, .json or .pb file, or the folder of a SavedModel"
    )
    factory: (
        Annotated[
            Text, Field(pattern=r"^[\w.]+:\w+$", description="module:function, which --allow-code lets run")
        ]
        | None
    ) = None
    weights: Annotated[Text, Field(min_length=1)] | None = Field(
        None, description="imagenet, random, or the path of a weights file"
    )
    sha256: (
        Annotated[Text, Field(pattern=r"^[0-9a-fA-F]{64}$", description="64 hexadecimal digits")] | None
    ) = None
    size_px: Side | tuple[Side, Side] | None = Field(
        None, description="side, or [height, width], of an input that the network leaves open"
    )
    input: Text | None = Field(None, description="the input that takes the picture, where there are several")
    fill: dict[str, Float] | None = Field(
        None, description="what other inputs are filled with; zeros otherwise"
    )
    logits: Text | None = Field(None, description="the layer that class objectives read")
    labels: Text | None = Field(None, description="imagenet, or a text file with a class name a line")
    value_range: tuple[Float, Float] | None = Field(
        None, description="what a picture's 0 and 1 become before mean is subtracted; [0, 1] by default"
    )
    mean: Numbers | None = Field(None, description="one number, or one a channel in the network's order")
    std: Annotated[tuple[Positive, ...], Field(min_length=1, max_length=MAX_CHANNELS), OneOrMore()] | None = (
        Field(None, description="what is divided by at last; one number, or one a channel")
    )
    channel_order: Literal["RGB", "BGR"] | None = None
    data_format: Literal["channels_first", "channels_last"] | None = None

    @field_validator("size_px", mode="before")
    @classmethod
    def _sides(cls, value: Any) -> Any:
        return checked_size(value)

    @field_validator("value_range", mode="after")
    @classmethod
    def _ordered(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and value[0] >= value[1]:
            raise ValueError("write the smaller number first")
        return value

    @model_validator(mode="after")
    def _one_of_three(self) -> Model:
        given = [key for key in ("name", "path", "factory") if getattr(self, key) is not None]
        if len(given) != 1:
            found = " and ".join(given) if given else "none"
            raise ValueError(f"a model takes one of name, path and factory, and here is {found}")
        return self


class Grid(Strictly):
    """How contact sheets look."""

    columns: Literal["auto"] | Annotated[Int, Field(ge=1, le=1000)] = "auto"
    labels: Bool = True


class Output(Strictly):
    """What is written beside the pictures."""

    grid: Grid = Grid()


class Spec(Strictly):
    """A whole spec."""

    version: Literal[1] = 1
    model: Annotated[Model, OrModel("name")]
    render: Render = Render()
    jobs: Annotated[tuple[Job, ...], Field(min_length=1)]
    output: Output = Output()

    @field_validator("version", mode="before")
    @classmethod
    def _readable(cls, value: Any) -> Any:
        if type(value) is not int or value != 1:
            raise ValueError(f"{value!r} is not possible; this fvcli reads version 1")
        return value
