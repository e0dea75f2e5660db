"""The spec as frozen, validated models; its JSON Schema is made from them."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    Strict,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

MAX_SIDE_PX = 8192
MAX_INDEX = 10_000_000

Int = Annotated[int, Strict()]
Bool = Annotated[bool, Strict()]
Float = Annotated[float, Strict()]
Text = Annotated[str, Strict()]
Side = Annotated[Int, Field(ge=8, le=MAX_SIDE_PX)]
Index = Annotated[Int, Field(ge=0, le=MAX_INDEX)]
Positive = Annotated[Float, Field(gt=0)]
Factor = Annotated[Float, Field(ge=0.1, le=10)]
Share = Annotated[Float, Field(ge=0, le=1)]
Beta = Annotated[Float, Field(ge=0, lt=1)]


class Strictly(BaseModel):
    """Immutable, no unknown keys, no infinities."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


# ---- objectives

Kind = Literal["channel", "neuron", "layer", "class_logit", "class_probability"]


class ChannelObjective(Strictly):
    """Mean of a channel over all positions: textures and patterns."""

    kind: Literal["channel"]


class NeuronObjective(Strictly):
    """One position of a channel, by default the centre."""

    kind: Literal["neuron"]
    row: Index | None = None
    column: Index | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> NeuronObjective:
        if (self.row is None) != (self.column is None):
            raise ValueError("give both row and column, or neither for the centre")
        return self


class LayerObjective(Strictly):
    """Mean of squares of a whole layer (DeepDream)."""

    kind: Literal["layer"]


class ClassLogitObjective(Strictly):
    """A class before the softmax."""

    kind: Literal["class_logit"]


class ClassProbabilityObjective(Strictly):
    """A class after the softmax."""

    kind: Literal["class_probability"]


class Term(Strictly):
    """One part of a weighted sum; without channel or class it takes each of the job's in turn."""

    model_config = ConfigDict(populate_by_name=True)

    kind: Kind
    layer: Text | None = None
    channel: Index | None = None
    class_: Index | Text | None = Field(None, alias="class")
    row: Index | None = None
    column: Index | None = None
    weight: Float = 1.0

    @model_validator(mode="after")
    def _fits(self) -> Term:
        if self.class_ is not None and not self.kind.startswith("class_"):
            raise ValueError(f"a {self.kind} term takes no class")
        if self.channel is not None and self.kind not in {"channel", "neuron"}:
            raise ValueError(f"a {self.kind} term takes no channel")
        if (self.row is not None or self.column is not None) and self.kind != "neuron":
            raise ValueError("only a neuron term takes row and column")
        if (self.row is None) != (self.column is None):
            raise ValueError("give both row and column, or neither for the centre")
        return self


class SumObjective(Strictly):
    """A weighted sum of objectives, over one or several layers."""

    kind: Literal["sum"]
    terms: Annotated[tuple[Term, ...], Field(min_length=1, max_length=64)]


class OrName:
    """Let a plain name stand for a mapping: ``channel`` for ``{kind: channel}``."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def expand(value: Any) -> Any:
            return {self.key: value} if isinstance(value, str) else value

        return core_schema.no_info_before_validator_function(expand, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        mapping = handler(core)
        branches = mapping.get("discriminator", {}).get("mapping", {})
        required = {
            name: handler.resolve_ref_schema({"$ref": ref}).get("required", [])
            for name, ref in branches.items()
        }
        alone = [name for name, keys in required.items() if set(keys) <= {self.key}]
        return {"anyOf": [{"type": "string", **({"enum": alone} if alone else {})}, mapping]}


AnyObjective = (
    ChannelObjective
    | NeuronObjective
    | LayerObjective
    | ClassLogitObjective
    | ClassProbabilityObjective
    | SumObjective
)
Objective = Annotated[AnyObjective, Field(discriminator="kind"), OrName("kind")]


# ---- which units

_RANGE = re.compile(r"^(\d+)(?:\s*-\s*(\d+))?$")
_RANGES = r"\d+(\s*-\s*\d+)?(\s*,\s*\d+(\s*-\s*\d+)?)*"  # the same in words of JSON Schema
_HOW = "write all, 0-15, [3, 17] or {every: 8}"


class Channels(Strictly):
    """Which channels of a layer: all of them, every n-th, or the listed ones, in order."""

    every: Annotated[Int, Field(ge=1)] | None = None
    indices: tuple[Index, ...] = ()

    @model_validator(mode="after")
    def _distinct(self) -> Channels:
        seen: set[int] = set()
        twice = sorted({i for i in self.indices if i in seen or seen.add(i)})  # type: ignore[func-returns-value]
        if twice:
            raise ValueError(f"channel {twice[0]} is listed twice")
        return self


def _channels(value: Any) -> Any:
    if value == "all":
        return {"every": 1}
    if isinstance(value, int) and not isinstance(value, bool):
        return {"indices": [value]}
    if isinstance(value, str):
        return {"indices": _ranges(value)}
    if isinstance(value, list):
        if not value:
            raise ValueError(f"the list is empty; {_HOW}")
        return {"indices": [index for item in value for index in _item(item)]}
    if isinstance(value, dict) and set(value) == {"every"}:
        return value
    raise ValueError(_HOW)


def _item(item: Any) -> list[Any]:
    return _ranges(item) if isinstance(item, str) else [item]


def _ranges(text: str) -> list[int]:
    found: list[int] = []
    for part in text.split(","):
        match = _RANGE.match(part.strip())
        if not match:
            raise ValueError(f"{text!r} names no channels; {_HOW}")
        first = int(match[1])
        last = int(match[2]) if match[2] else first
        if last < first or last > MAX_INDEX:
            raise ValueError(f"{part.strip()} is no range of channels, low to high")
        if last - first > 1_000_000:
            raise ValueError(f"{part.strip()} has more than a million channels; write all")
        found.extend(range(first, last + 1))
    return found


def _write_channels(channels: Channels) -> Any:
    if channels.every == 1:
        return "all"
    return {"every": channels.every} if channels.every else list(channels.indices)


_CHANNELS_SCHEMA = {
    "description": "all, a range such as 0-15, a list such as [3, 17], or {every: 8}",
    "anyOf": [
        {"type": "integer", "minimum": 0},
        {"type": "string", "pattern": f"^(all|{_RANGES})$"},
        {
            "type": "array",
            "minItems": 1,
            "items": {
                "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": f"^{_RANGES}$"}]
            },
        },
        {
            "type": "object",
            "properties": {"every": {"type": "integer", "minimum": 1}},
            "required": ["every"],
            "additionalProperties": False,
        },
    ],
}
ChannelsField = Annotated[
    Channels,
    BeforeValidator(_channels),
    PlainSerializer(_write_channels),
    WithJsonSchema(_CHANNELS_SCHEMA),
]


# ---- recipes: image parameterization, transforms, optimizer


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
    scales: tuple[Annotated[Float, Field(ge=0.1, le=10)], Annotated[Float, Field(ge=0.1, le=10)]] = (
        1.0,
        1.0,
    )
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
    """Adam; epsilon as in TensorFlow 1."""

    kind: Literal["adam"] = "adam"
    learning_rate: Positive = 0.05
    beta1: Beta = 0.9
    beta2: Beta = 0.999
    epsilon: Positive = 1e-8
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

    name: Annotated[Text, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
    layer: Text | None = None
    objective: Objective = ChannelObjective(kind="channel")
    sign: Literal["positive", "negative"] = "positive"
    channels: ChannelsField | None = None
    classes: Annotated[tuple[Index | Text, ...], Field(min_length=1)] | None = None


class Model(Strictly):
    """A network by name, with its own weights file if wanted."""

    name: Text
    weights: Text = Field("imagenet", min_length=1, description="imagenet, or the path of a .pth file")
    sha256: Annotated[Text, Field(pattern=r"^[0-9a-fA-F]{64}$")] | None = None


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
