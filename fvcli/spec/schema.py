"""The spec as frozen, validated models; its JSON Schema is made from them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, field_validator, model_validator

from fvcli.spec.base import (
    Bool,
    Float,
    Index,
    Int,
    NamesFile,
    OneOrMore,
    OrName,
    Positive,
    Side,
    Strictly,
    Text,
    WrongTogetherError,
)
from fvcli.spec.channels import ChannelsField, SeedsField
from fvcli.spec.objectives import ChannelObjective, Diversity, JobObjective
from fvcli.spec.octaves import Octaves
from fvcli.spec.optimizers import Optimizer
from fvcli.spec.output import Animation, Output
from fvcli.spec.parameterizations import Parameterization
from fvcli.spec.penalties import AnyPenalty
from fvcli.spec.regularizers import AnyRegularizer
from fvcli.spec.transforms import AnyTransform
from fvcli.spec.vectors import Vectors

MAX_CHANNELS = 4096
MAX_STEPS = 100_000
MAX_VIEWS = 256
MAX_VARIANTS = 256
RecipeName = Literal[
    "default",
    "classes",
    "lucid",
    "distill",
    "naive",
    "frequency-penalized",
    "robust",
    "preconditioned",
    "yosinski-1",
    "yosinski-2",
    "yosinski-3",
    "yosinski-4",
    "cppn",
    "maco",
    "transparent",
    "deepdream",
    "deepdraw",
]
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
NAME_IN_WORDS = "1 to 100 letters, digits, dots, dashes and underscores, a letter or digit first"
# Suffixes by which a plain text is a path: of models, and of what is taken for one.
MODEL_FILES = (
    *(".keras", ".h5", ".hdf5", ".hdf", ".json", ".pb", ".model", ".pt", ".pth", ".ckpt", ".onnx", ".tflite"),
    *(".safetensors", ".mlmodel", ".mlpackage", ".caffemodel", ".prototxt", ".zip", ".npz", ".pkl", ".bin"),
    *(".yaml", ".yml", ".png", ".jpg", ".jpeg"),
)


Names = Annotated[tuple[Annotated[Text, Field(min_length=1)], ...], Field(min_length=1), OneOrMore()]


class Render(Strictly):
    """How pictures are made; what a job leaves out comes from render, then from the recipe."""

    recipe: RecipeName | None = Field(
        None,
        description="where what is left open comes from; by default `classes` for classes, else `default`",
    )
    size_px: Side | tuple[Side, Side] | None = Field(
        None, description="side, or [height, width]; by default the network's own"
    )
    save_px: Side | tuple[Side, Side] | None = Field(
        None, description="size of the saved picture, where the parameterization has none of its own (cppn)"
    )
    steps: Annotated[Int, Field(ge=1, le=MAX_STEPS)] | None = Field(
        None, description="of the ascent; of a dream those at each octave"
    )
    seed: Annotated[Int, Field(ge=0, lt=2**63)] | None = Field(
        None, description="another one makes another picture of the same unit"
    )
    seeds: SeedsField | None = Field(
        None,
        description="several seeds, such as 0-3 or [0, 7]: each unit gets a picture for each of them; "
        "instead of seed",
    )
    parameterization: Parameterization | None = Field(None, description="which numbers are optimised")
    transforms: tuple[AnyTransform, ...] | None = Field(
        None, description="what pictures must be robust to, in order"
    )
    optimizer: Optimizer | None = Field(None, description="how they are optimised")
    penalties: tuple[AnyPenalty, ...] | None = Field(None, description="what is subtracted from the score")
    regularizers: tuple[AnyRegularizer, ...] | None = Field(
        None, description="what is done to the pixels after each step"
    )
    views: Annotated[Int, Field(ge=1, le=MAX_VIEWS)] | None = Field(
        None, description="how many random views of a picture a step looks at"
    )
    start: Literal["noise", "picture"] | None = Field(
        None, description="what an ascent starts from: noise, or the job's picture"
    )
    attention: Bool | None = Field(
        None, description="save as the picture's opacity where its gradient was large (MACO)"
    )
    octaves: Octaves | None = Field(
        None, description="ascend on growing sizes of the job's picture, tile by tile (DeepDream)"
    )
    steepest: Literal["l2", "l_inf", "spatial", "full"] | None = Field(
        None, description="no ascent: the direction in which the job's picture would move first"
    )
    save_at: Annotated[tuple[Annotated[Int, Field(ge=0, le=MAX_STEPS)], ...], Field(min_length=1)] | None = (
        Field(None, description="steps after which the picture is saved as well")
    )
    animation: Animation | None = Field(None, description="a film of the ascent, or between two pictures")
    redirect_steps: Annotated[Int, Field(ge=0, le=MAX_STEPS)] | None = Field(
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
        None,
        description="pictures of a batch, and of a GPU's work at once; by default a batch has at most 8, and "
        "a GPU works on as many batches at once as memory_gb holds",
    )
    memory_gb: Annotated[Float, Field(gt=0, le=4096)] | None = Field(
        None,
        description="GB that the pictures of a batch may take, and on a GPU all at once (default 10); "
        "by default there is no limit but what the machine has free",
    )

    @field_validator("size_px", "save_px", mode="before")
    @classmethod
    def _sides(cls, value: Any) -> Any:
        return checked_size(value)

    @model_validator(mode="after")
    def _one_of_seed_and_seeds(self: R) -> R:
        if self.seed is not None and self.seeds is not None:
            message = "write seed for one picture of each unit, or seeds for several, and not both"
            raise WrongTogetherError(message, "seed", "seeds")
        return self


R = TypeVar("R", bound=Render)


def checked_size(value: Any) -> Any:
    """Say plainly how a size is written, where it is written otherwise."""
    one = isinstance(value, int) and not isinstance(value, bool)
    two = isinstance(value, list | tuple) and len(value) == 2
    if value is not None and not (one or two):
        raise ValueError(f"{value!r} is no size: one side, such as 224, or [height, width]")
    return value


class Variant(Render):
    """What one variant of each of a job's pictures is rendered with instead."""

    name: Annotated[Text, Field(pattern=NAME)] = Field(description=NAME_IN_WORDS)


class Job(Render):
    """One family of pictures: an objective over the units of a layer."""

    name: Annotated[Text, Field(pattern=NAME)] = Field(description=NAME_IN_WORDS)
    title: Text | None = Field(None, description="of its contact sheet and its row of the figure")
    layer: Names | None = Field(None, description="a layer, or a list of them")
    objective: JobObjective = Field(ChannelObjective(kind="channel"), description="what is maximised")
    sign: Literal["positive", "negative", "both"] = Field(
        "positive", description="negative minimises; both makes two pictures of each unit"
    )
    channels: ChannelsField | None = Field(
        None, description="all (the default), a range such as 0-15, a list, or {every: 8}"
    )
    classes: Annotated[tuple[Index | Text, ...], Field(min_length=1), OneOrMore()] | None = Field(
        None, description="names or indices; all by default"
    )
    vectors: Vectors | None = Field(None, description="directions, for objectives that take one")
    pictures: Annotated[Names | None, NamesFile("pictures")] = Field(
        None,
        description="picture or film files, folders or patterns, which ascents start from or aim at; "
        "cut in the middle to the proportions of size_px",
    )
    diversity: Diversity | None = Field(None, description="several pictures of each unit, pushed apart")
    variants: Annotated[tuple[Variant, ...], Field(min_length=1, max_length=MAX_VARIANTS)] | None = Field(
        None, description="render each picture in several ways"
    )
    only: Names | None = Field(None, description="names of the pictures to keep of this job; no patterns")

    @field_validator("variants", mode="after")
    @classmethod
    def _variants_differ(cls, value: tuple[Variant, ...] | None) -> tuple[Variant, ...] | None:
        names = [variant.name.lower() for variant in value or ()]
        twice = [name for i, name in enumerate(names) if name in names[:i]]
        if twice:
            raise ValueError(f"two variants have the name {twice[0]!r}")
        return value


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
        keys = ("name", "path", "factory")
        given = [key for key in keys if getattr(self, key) is not None]
        if len(given) != 1:
            found = " and ".join(given) if given else "none"
            message = f"a model takes one of name, path and factory, and here is {found}"
            raise WrongTogetherError(message, *keys)
        return self


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
