"""What a picture shows: the objectives, alone or in a weighted sum."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from fvcli.spec.base import Float, Index, OrName, Strictly, Text

Kind = Literal["channel", "neuron", "layer", "class_logit", "class_probability"]


def _check_place(row: int | None, column: int | None) -> None:
    if (row is None) != (column is None):
        raise ValueError("give both row and column, or neither for the centre")


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
        _check_place(self.row, self.column)
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
        _check_place(self.row, self.column)
        return self


class SumObjective(Strictly):
    """A weighted sum of objectives, over one or several layers."""

    kind: Literal["sum"]
    terms: Annotated[tuple[Term, ...], Field(min_length=1, max_length=64)]


AnyObjective = (
    ChannelObjective
    | NeuronObjective
    | LayerObjective
    | ClassLogitObjective
    | ClassProbabilityObjective
    | SumObjective
)
Objective = Annotated[AnyObjective, Field(discriminator="kind"), OrName("kind")]
