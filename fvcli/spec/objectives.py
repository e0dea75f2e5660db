"""What a picture shows: the objectives, alone or put together.

A leaf is an objective that reads one layer. A leaf without a ``layer`` uses the job's layer. A leaf without a
channel, class or vector is rendered once for each of the job's. A list of channels or classes in a leaf makes
a picture for each entry. Each kind of leaf says itself what it reads; see ``Leaf``.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, model_validator

from fvcli.spec.base import (
    FileName,
    Float,
    Int,
    NamesFile,
    OrName,
    Strictly,
    Text,
    WrongTogetherError,
    kinds_of,
    left_out,
)
from fvcli.spec.objective_bases import (
    MAX_COUNT,
    MAX_TERMS,
    CossimPower,
    Leaf,
    OfChannel,
    OfClass,
    OfVector,
    Placed,
    Positions,
    Power,
    Weight,
)
from fvcli.spec.vectors import Vector


class ChannelObjective(OfChannel):
    """The mean of a channel over all positions of its layer: shows its texture or pattern.

    Example: objective: {kind: channel, channel: 17}
    """

    kind: Literal["channel"]


class NeuronObjective(Placed, OfChannel):
    """One position of a channel: shows a single form in place of a texture.

    Example: objective: {kind: neuron, row: 3, column: 4}
    """

    fits_window: ClassVar[bool] = True

    kind: Literal["neuron"]


class LayerObjective(Leaf):
    """The mean of the squared activations of a whole layer (DeepDream): whatever the layer responds to.

    Example: objective: {kind: layer, layer: block6_expand_bn}
    """

    kind: Literal["layer"]


class ClassLogitObjective(OfClass):
    """The logit of a class, its score before the softmax: shows the class itself.

    Example: objective: {kind: class_logit, class: tabby}
    """

    kind: Literal["class_logit"]


class ClassProbabilityObjective(OfClass):
    """The probability of a class, after the softmax: also lowers all other classes.

    Prefer `class_logit`. A probability can rise by lowering other classes, without showing its own.

    Example: objective: {kind: class_probability, class: tabby}
    """

    kind: Literal["class_probability"]


class DirectionObjective(OfVector):
    """A direction in a layer's channels, such as a weighted group of channels: the mean over all positions.

    Example: objective: {kind: direction, cossim_power: 2, vector: {channels: [3, 17], weights: [1, -1]}}
    """

    kind: Literal["direction"]
    cossim_power: CossimPower = 0.0


class DirectionNeuronObjective(Placed, OfVector):
    """A direction in a layer's channels at one position of the layer.

    Example: objective: {kind: direction_neuron, row: 3, column: 4, vector: {channels: [3, 17]}}
    """

    kind: Literal["direction_neuron"]
    cossim_power: CossimPower = 0.0


class TensorDirectionObjective(Leaf):
    """A direction with a vector of its own at each position: an array [h, w, channels].

    The array is laid over the centre of the layer. If it is larger, the centre of the array is used.

    Example: objective: {kind: tensor_direction, tensor: direction.npy}
    """

    reads_place: ClassVar[bool] = True

    kind: Literal["tensor_direction"]
    tensor: Annotated[FileName, NamesFile("array")] = Field(
        description="Path of a .npy file with an array [h, w, channels]; the layer has as many channels."
    )
    cossim_power: CossimPower = 0.0


class LocalGroupObjective(Placed, OfVector):
    """The mean of a weighted group of channels in a region of the layer.

    Example: objective: {kind: local_group, rows: 3, columns: 3, vector: {channels: [3, 17]}}
    """

    can_read_all: ClassVar[bool] = True

    kind: Literal["local_group"]
    vector: Vector | None = left_out(
        "each of the job's vectors, or all channels with equal weight if the job has none",
        "The weights of the channels, written as for `direction`. Example: `{channels: [3, 17]}`.",
    )
    rows: Positions = Field(
        1, description="Height of the region, in positions. Parts outside the layer are ignored."
    )
    columns: Positions = Field(
        1, description="Width of the region, in positions. Parts outside the layer are ignored."
    )


class CaricatureObjective(Leaf):
    """A caricature: exaggerates what a layer sees in the job's picture (Lucid). The job needs `pictures`.

    Example: objective: {kind: caricature, power: 2}
    """

    compares: ClassVar[bool] = True

    kind: Literal["caricature"]
    power: Power = 0.0


class MatchObjective(Leaf):
    """Feature inversion: a picture with the same activations as the job's picture, or as recorded ones.

    Shows what a layer keeps of a picture (Mahendran, Vedaldi 2015).

    Example: objective: {kind: match, norm: l1}
    """

    compares: ClassVar[bool] = True

    kind: Literal["match"]
    norm: Literal["l1", "l2"] = Field(
        "l2",
        description="How the difference of activations is measured: `l2` is the mean of squares, `l1` the "
        "mean of absolute values. `l1` cares less about the few strongest activations.",
    )
    activations: Annotated[FileName | None, NamesFile("array")] = left_out(
        "the activations of the job's picture",
        "Path of a .npy file with recorded activations [h, w, channels].",
    )


class StyleObjective(Leaf):
    """The style of the job's picture: the same Gram matrix at a layer (Gatys et al. 2015).

    A Gram matrix says which channels are active together, and not where. Several layers go into a `sum`.

    Example: objective: {kind: style, layer: block4_expand_bn}
    """

    compares: ClassVar[bool] = True

    kind: Literal["style"]


Terms = Annotated[
    tuple["Objective", ...],
    Field(
        min_length=1,
        max_length=MAX_TERMS,
        description="The objectives that are put together, each a mapping with a `kind`, or a kind's name.",
    ),
]


class SumObjective(Strictly):
    """A weighted sum of objectives, over one or several layers: shows all of them in one picture.

    Example: objective: {kind: sum, terms: [{kind: channel, channel: 3}, {kind: channel, channel: 17}]}
    """

    kind: Literal["sum"]
    terms: Terms
    weight: Weight = 1.0


class ProductObjective(Strictly):
    """A product of objectives, over one or several layers: high only if every one is high.

    Example: objective: {kind: product, terms: [{kind: channel, channel: 3}, {kind: channel, channel: 17}]}
    """

    kind: Literal["product"]
    terms: Terms
    weight: Weight = 1.0


class Alignment(Strictly):
    """Keep neighbouring pictures of an interpolation alike, so that forms stay in place (Lucid).

    It subtracts the squared differences between the activations of pictures that are up to 4 apart.

    Example: objective: {kind: interpolate, from: layer, to: channel, alignment: {layers: [block2_add]}}
    """

    layers: Annotated[tuple[Text, ...], Field(min_length=1)] = Field(
        description="Layers whose activations are compared. Early layers keep places and colours alike. "
        "Example: [block2_add]."
    )
    weight: Float = Field(
        0.1, description="How strongly pictures are kept alike. Raise it if forms jump between pictures."
    )
    decay_ratio: Annotated[Float, Field(gt=0)] = Field(
        5.0,
        description="Pictures that are one place further apart count this many times less. Lower it to align "
        "distant pictures, too.",
    )


class InterpolateObjective(Strictly):
    """A row of pictures from one objective to another, whose weights change in equal parts.

    Example: objective: {kind: interpolate, from: {kind: channel, channel: 3}, to: {kind: layer}, count: 6}
    """

    model_config = ConfigDict(populate_by_name=True)
    kind: Literal["interpolate"]
    from_: Objective = Field(alias="from", description="The objective of the first picture.")
    to: Objective = Field(description="The objective of the last picture.")
    count: Annotated[Int, Field(ge=2, le=MAX_COUNT)] = Field(
        6, description="Number of pictures, the first and the last included."
    )
    alignment: Alignment | None = left_out(
        "pictures are optimised independently of each other",
        "Keep neighbouring pictures alike, so that the row looks like one form that changes.",
    )


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
    """Several pictures of each unit that are kept unlike each other (Olah et al. 2017, "Diversity").

    They show different facets of one unit. Pictures are compared by their Gram matrices, which say which
    channels of a layer are active together.

    `weight: auto` finds the largest weight with which all of them still excite the unit more than the best of
    your photos does.

    Example: diversity: {count: 4, weight: 5, layer: block6_expand}
    """

    count: Annotated[Int, Field(ge=2, le=MAX_COUNT)] = Field(
        4,
        description="Number of pictures of each unit. They are optimised together, so memory grows with it.",
    )
    weight: Literal["auto"] | Annotated[Float, Field(ge=0)] = Field(
        5.0,
        description="How strongly the pictures are pushed apart. Raise it if they look alike, lower it if "
        "they no longer show the unit. `auto` finds it for each unit by short trials, and needs `photos`.",
    )
    layer: Text | None = left_out(
        "the layer that the objective reads",
        "Layer whose activations are compared. A layer behind a ReLU tells pictures apart better than its "
        "input. Example: block6_expand.",
    )
    photos: Annotated[FileName | None, NamesFile("stills")] = left_out(
        "none",
        "For `weight: auto`: folder of photos. Each picture has to excite its unit more than the best of "
        "them does. Example: photos/.",
    )

    @model_validator(mode="after")
    def _photos_decide(self) -> Diversity:
        if self.weight == "auto" and self.photos is None:
            message = "weight: auto is measured against photos; add photos: FOLDER, or write a number"
            raise WrongTogetherError(message, "weight", "photos")
        if self.weight != "auto" and self.photos is not None:
            message = "photos are read for weight: auto alone; write that, or leave photos out"
            raise WrongTogetherError(message, "weight", "photos")
        return self


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
