"""What a picture shows: the objectives, alone or put together.

What a leaf leaves open it takes from its job: the layer, and in turn each of the job's channels, classes,
vectors or pictures. A list of channels or classes inside a leaf is gone through, too. Each kind of leaf says
itself what it reads; see ``Leaf``.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import ConfigDict, Field, model_validator

from fvcli.spec.base import (
    FileName,
    Float,
    Index,
    Int,
    NamesFile,
    OrName,
    Strictly,
    Text,
    WrongTogetherError,
    file_keys,
    kinds_of,
)
from fvcli.spec.vectors import Vector

MAX_POSITIONS = 1024
MAX_TERMS = 64
MAX_COUNT = 256

Channel = Annotated[
    Index | Annotated[tuple[Index, ...], Field(min_length=1)] | None,
    Field(description="one channel, or a list of which each makes a picture; the job's channels by default"),
]
Class = Annotated[
    Index | Text | Annotated[tuple[Index | Text, ...], Field(min_length=1)] | None,
    Field(alias="class", description="one class, or a list of which each makes a picture"),
]
CossimPower = Annotated[  # of more than 6 the gradient of a picture that is not yet alike vanishes
    Float,
    Field(
        ge=0,
        le=6,
        description="exponent p of dot(a, v) * cos(a, v)^p; 0 is the plain dot product, "
        "larger values ask for that direction only",
    ),
]
Power = Annotated[
    Float,
    Field(
        ge=0,
        le=16,
        description="exponent p of dot(a, t) * cos(a, t)^p, where t are the picture's activations; 0 is the "
        "plain dot product, larger values stay nearer to the picture",
    ),
]
Positions = Annotated[Int, Field(ge=1, le=MAX_POSITIONS)]


Swept = Literal["channels", "classes", "vectors"]  # the lists of a job that units are taken from


class Leaf(Strictly):
    """What is read of one layer.

    sweeps: Which list of its job it takes its units from; None: it reads the whole layer.
    own_key: Which key of its own says the same, instead.
    can_read_all: Whether it also makes sense without any unit of that list.
    reads_place: Whether the position in the layer matters.
    fits_window: Whether it is the same when the network sees only the field of that position.
    compares: Whether it compares with what the network makes of the job's picture.
    structure: The keys that are no options of the kind. Options are compiled in, and enter the unit key.
    """

    sweeps: ClassVar[Swept | None] = None
    own_key: ClassVar[str] = ""
    can_read_all: ClassVar[bool] = False
    reads_place: ClassVar[bool] = False
    fits_window: ClassVar[bool] = False
    compares: ClassVar[bool] = False
    structure: ClassVar[frozenset[str]] = frozenset(
        {"kind", "layer", "weight", "row", "column", "channel", "class_", "vector"}
    )

    kind: str
    layer: Text | None = None
    weight: Float = 1.0

    @property
    def own_units(self) -> Any:
        """What its own key names: an entry, a tuple of entries that each make a picture, or None."""
        return getattr(self, self.own_key) if self.own_key else None

    @property
    def open_sweep(self) -> Swept | None:
        """Which list of its job it takes its units from, because it has none of its own."""
        return self.sweeps if self.own_units is None else None

    @property
    def reads_classes(self) -> bool:
        """Whether it reads the layer of class outputs, and no other."""
        return self.sweeps == "classes"

    @property
    def place(self) -> tuple[int, int]:
        """Its row and column, -1 for each where it has none."""
        return (-1, -1)

    @property
    def array(self) -> tuple[str, str] | None:
        """The key that names a file of numbers in the shape of the layer, and the file, if there is one."""
        named = ((key, getattr(self, key)) for key in file_keys(type(self)))
        return next(((key, name) for key, name in named if name is not None), None)

    @property
    def aims_at_picture(self) -> bool:
        """Whether it needs the job's picture to compare with."""
        return self.compares and self.array is None

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Return the default of every option: what it sets beside its structure and its files."""
        names = cls.model_fields.keys() - cls.structure - file_keys(cls).keys()
        return {name: cls.model_fields[name].default for name in sorted(names)}

    @property
    def options(self) -> tuple[tuple[str, Any], ...]:
        """Its options that have not their default, sorted by name."""
        given = ((name, getattr(self, name), default) for name, default in self.defaults().items())
        return tuple((name, value) for name, value, default in given if value != default)


class Placed(Leaf):
    """What is read at one position of a layer, by default the centre."""

    reads_place: ClassVar[bool] = True

    row: Index | None = None
    column: Index | None = None

    @model_validator(mode="after")
    def _both_or_none(self: P) -> P:
        if (self.row is None) != (self.column is None):
            message = "give both row and column, or neither for the centre"
            raise WrongTogetherError(message, "row", "column")
        return self

    @property
    def place(self) -> tuple[int, int]:
        return (-1, -1) if self.row is None or self.column is None else (self.row, self.column)


P = TypeVar("P", bound=Placed)


class OfChannel(Leaf):
    """What reads one channel."""

    sweeps: ClassVar[Swept | None] = "channels"
    own_key: ClassVar[str] = "channel"

    channel: Channel = None


class OfClass(Leaf):
    """What reads one class."""

    model_config = ConfigDict(populate_by_name=True)
    sweeps: ClassVar[Swept | None] = "classes"
    own_key: ClassVar[str] = "class_"

    class_: Class = None


class OfVector(Leaf):
    """What reads a direction in the channels of a layer."""

    sweeps: ClassVar[Swept | None] = "vectors"
    own_key: ClassVar[str] = "vector"

    vector: Vector | None = None


class ChannelObjective(OfChannel):
    """Mean of a channel over all positions: textures and patterns."""

    kind: Literal["channel"]


class NeuronObjective(Placed, OfChannel):
    """One position of a channel, by default the centre."""

    fits_window: ClassVar[bool] = True

    kind: Literal["neuron"]


class LayerObjective(Leaf):
    """Mean of squares of a whole layer (DeepDream)."""

    kind: Literal["layer"]


class ClassLogitObjective(OfClass):
    """A class before the softmax."""

    kind: Literal["class_logit"]


class ClassProbabilityObjective(OfClass):
    """A class after the softmax."""

    kind: Literal["class_probability"]


class DirectionObjective(OfVector):
    """Any direction in a layer's channels, or a weighted group of them: the mean over all positions."""

    kind: Literal["direction"]
    cossim_power: CossimPower = 0.0


class DirectionNeuronObjective(Placed, OfVector):
    """Any direction in a layer's channels at one position, by default the centre."""

    kind: Literal["direction_neuron"]
    cossim_power: CossimPower = 0.0


class TensorDirectionObjective(Leaf):
    """A direction in channels and positions: a tensor [h, w, channels], laid over the centre of the layer."""

    reads_place: ClassVar[bool] = True

    kind: Literal["tensor_direction"]
    tensor: Annotated[FileName, NamesFile("array")] = Field(description="a .npy file")
    cossim_power: CossimPower = 0.0


class LocalGroupObjective(Placed, OfVector):
    """A weighted group of channels in a region of the layer; all channels alike without a vector."""

    can_read_all: ClassVar[bool] = True

    kind: Literal["local_group"]
    rows: Positions = Field(1, description="what of the region is outside the layer does not count")
    columns: Positions = 1


class CaricatureObjective(Leaf):
    """More of what a layer sees in the job's picture (Olah et al., Lucid's caricatures)."""

    compares: ClassVar[bool] = True

    kind: Literal["caricature"]
    power: Power = 0.0


class MatchObjective(Leaf):
    """The activations of the job's picture, or recorded ones: feature inversion (Mahendran, Vedaldi 2015)."""

    compares: ClassVar[bool] = True

    kind: Literal["match"]
    norm: Literal["l1", "l2"] = "l2"
    activations: Annotated[FileName | None, NamesFile("array")] = Field(
        None, description="a .npy file [h, w, channels]; those of the job's picture by default"
    )


class StyleObjective(Leaf):
    """The Gram matrix of the job's picture at a layer (Gatys et al. 2015)."""

    compares: ClassVar[bool] = True

    kind: Literal["style"]


class SumObjective(Strictly):
    """A weighted sum of objectives, over one or several layers."""

    kind: Literal["sum"]
    terms: Annotated[tuple[Objective, ...], Field(min_length=1, max_length=MAX_TERMS)]
    weight: Float = 1.0


class ProductObjective(Strictly):
    """A product of objectives, over one or several layers."""

    kind: Literal["product"]
    terms: Annotated[tuple[Objective, ...], Field(min_length=1, max_length=MAX_TERMS)]
    weight: Float = 1.0


class Alignment(Strictly):
    """How alike neighbouring steps of an interpolation are kept, in which layers; as Lucid has it."""

    layers: Annotated[tuple[Text, ...], Field(min_length=1)]
    weight: Float = 0.1
    decay_ratio: Annotated[Float, Field(gt=0)] = 5.0


class InterpolateObjective(Strictly):
    """From one objective to another in equal steps, each of which is a picture."""

    model_config = ConfigDict(populate_by_name=True)
    kind: Literal["interpolate"]
    from_: Objective = Field(alias="from")
    to: Objective
    count: Annotated[Int, Field(ge=2, le=MAX_COUNT)] = 6
    alignment: Alignment | None = None


AnyLeaf = (
    ChannelObjective
    | NeuronObjective
    | LayerObjective
    | ClassLogitObjective
    | ClassProbabilityObjective
    | DirectionObjective
    | DirectionNeuronObjective
    | TensorDirectionObjective
    | LocalGroupObjective
    | CaricatureObjective
    | MatchObjective
    | StyleObjective
)
AnyObjective = AnyLeaf | SumObjective | ProductObjective
Objective = Annotated[AnyObjective, Field(discriminator="kind"), OrName("kind")]
JobObjective = Annotated[AnyObjective | InterpolateObjective, Field(discriminator="kind"), OrName("kind")]
Combined = SumObjective | ProductObjective
LEAVES: dict[str, type[Leaf]] = kinds_of(AnyLeaf)
for _model in (SumObjective, ProductObjective, InterpolateObjective):
    _model.model_rebuild()


class Diversity(Strictly):
    """Several pictures of each unit, pushed apart by their Gram matrices (Olah et al. 2017, "Diversity")."""

    count: Annotated[Int, Field(ge=2, le=MAX_COUNT)] = 4
    weight: Annotated[Float, Field(ge=0)] = 5.0
    layer: Text | None = Field(None, description="whose Gram matrices; by default the one that is read")


def leaves(
    objective: AnyObjective | InterpolateObjective, path: tuple[str | int, ...] = ()
) -> list[tuple[tuple[str | int, ...], AnyLeaf]]:
    """Return the leaves of an objective in order, each with its place below it."""
    if isinstance(objective, InterpolateObjective):
        return [*leaves(objective.from_, (*path, "from")), *leaves(objective.to, (*path, "to"))]
    if isinstance(objective, Combined):
        below = [leaves(term, (*path, "terms", i)) for i, term in enumerate(objective.terms)]
        return [found for some in below for found in some]
    return [(path, objective)]
