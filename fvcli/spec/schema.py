"""The spec as frozen, validated models; its JSON Schema is made from them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from fvcli.spec.base import Bool, Float, Index, Int, OneOrMore, OrName, Side, Strictly, Text
from fvcli.spec.channels import ChannelsField
from fvcli.spec.objectives import ChannelObjective, Objective
from fvcli.spec.pieces import AnyTransform, Optimizer, Parameterization


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
        one = isinstance(value, int) and not isinstance(value, bool)
        two = isinstance(value, list) and len(value) == 2
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


class Model(Strictly):
    """A network by name, with its own weights file if wanted."""

    name: Text
    weights: Text = Field("imagenet", min_length=1, description="imagenet, or the path of a .pth file")
    sha256: (
        Annotated[Text, Field(pattern=r"^[0-9a-fA-F]{64}$", description="64 hexadecimal digits")] | None
    ) = None


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
    model: Annotated[Model, OrName("name")]
    render: Render = Render()
    jobs: Annotated[tuple[Job, ...], Field(min_length=1)]
    output: Output = Output()

    @field_validator("version", mode="before")
    @classmethod
    def _readable(cls, value: Any) -> Any:
        if type(value) is not int or value != 1:
            raise ValueError(f"{value!r} is not possible; this fvcli reads version 1")
        return value
