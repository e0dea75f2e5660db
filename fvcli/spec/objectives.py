"""What a picture shows: the objectives, alone or put together.

What a leaf leaves open it takes from its job: the layer, and in turn each of the job's channels, classes,
vectors or pictures. A list of channels or classes inside a leaf is gone through, too.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import ConfigDict, Field, model_validator

from fvcli.spec.base import Float, Index, Int, OrName, Strictly, Text
from fvcli.spec.vectors import Vector

MAX_POSITIONS = 1024
MAX_TERMS = 64
MAX_COUNT = 256
CLASS_KINDS = {"class_logit", "class_probability"}

Channel = Annotated[
    Index | Annotated[tuple[Index, ...], Field(min_length=1)] | None,
    Field(description="one channel, or a list of which each makes a picture; the job's channels by default"),
]
Class = Annotated[
    Index | Text | Annotated[tuple[Index | Text, ...], Field(min_length=1)] | None,
    Field(alias="class", description="one class, or a list of which each makes a picture"),
]
Power = Annotated[Float, Field(ge=0, le=16)]
CossimPower = Annotated[
    Power,
    Field(description="power of the cosine similarity that the product with the vector is multiplied by"),
]
Positions = Annotated[Int, Field(ge=1, le=MAX_POSITIONS)]


class Leaf(Strictly):
    """What is read of one layer."""

    layer: Text | None = None
    weight: Float = 1.0


class Placed(Leaf):
    """What is read at one position of a layer, by default the centre."""

    row: Index | None = None
    column: Index | None = None

    @model_validator(mode="after")
    def _both_or_none(self: P) -> P:
        if (self.row is None) != (self.column is None):
            raise ValueError("give both row and column, or neither for the centre")
        return self


P = TypeVar("P", bound=Placed)


class ChannelObjective(Leaf):
    """Mean of a channel over all positions: textures and patterns."""

    kind: Literal["channel"]
    channel: Channel = None


class NeuronObjective(Placed):
    """One position of a channel, by default the centre."""

    kind: Literal["neuron"]
    channel: Channel = None


class LayerObjective(Leaf):
    """Mean of squares of a whole layer (DeepDream)."""

    kind: Literal["layer"]


class ClassLogitObjective(Leaf):
    """A class before the softmax."""

    model_config = ConfigDict(populate_by_name=True)
    kind: Literal["class_logit"]
    class_: Class = None


class ClassProbabilityObjective(Leaf):
    """A class after the softmax."""

    model_config = ConfigDict(populate_by_name=True)
    kind: Literal["class_probability"]
    class_: Class = None


class DirectionObjective(Leaf):
    """Any direction in a layer's channels, or a weighted group of them: the mean over all positions."""

    kind: Literal["direction"]
    vector: Vector | None = None
    cossim_power: CossimPower = 0.0


class DirectionNeuronObjective(Placed):
    """Any direction in a layer's channels at one position, by default the centre."""

    kind: Literal["direction_neuron"]
    vector: Vector | None = None
    cossim_power: CossimPower = 0.0


class TensorDirectionObjective(Leaf):
    """A direction in channels and positions: a tensor [h, w, channels], laid over the centre of the layer."""

    kind: Literal["tensor_direction"]
    tensor: Annotated[Text, Field(min_length=1, description="a .npy file")]
    cossim_power: CossimPower = 0.0


class LocalGroupObjective(Placed):
    """A weighted group of channels in a region of the layer; all channels alike without a vector."""

    kind: Literal["local_group"]
    vector: Vector | None = None
    rows: Positions = Field(1, description="what of the region is outside the layer does not count")
    columns: Positions = 1


class CaricatureObjective(Leaf):
    """More of what a layer sees in the job's picture (Olah et al., Lucid's caricatures)."""

    kind: Literal["caricature"]
    power: CossimPower = 0.0


class MatchObjective(Leaf):
    """The activations of the job's picture, or recorded ones: feature inversion (Mahendran, Vedaldi 2015)."""

    kind: Literal["match"]
    norm: Literal["l1", "l2"] = "l2"
    activations: Annotated[Text, Field(min_length=1)] | None = Field(
        None, description="a .npy file [h, w, channels]; those of the job's picture by default"
    )


class StyleObjective(Leaf):
    """The Gram matrix of the job's picture at a layer (Gatys et al. 2015)."""

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
