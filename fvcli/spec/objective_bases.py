"""What objectives of one layer have in common: what they read, and which list of a job gives their units."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import ConfigDict, Field, model_validator

from fvcli.spec.base import (
    WHEN_LEFT_OUT,
    Float,
    Index,
    Int,
    Strictly,
    Text,
    WrongTogetherError,
    file_keys,
    left_out,
)
from fvcli.spec.vectors import Vector

MAX_POSITIONS = 1024
MAX_TERMS = 64
MAX_COUNT = 256

Channel = Annotated[
    Index | Annotated[tuple[Index, ...], Field(min_length=1)] | None,
    left_out(
        "each of the job's channels",
        "Number of the channel, from 0. A list makes one picture for each entry. Example: 17.",
    ),
]
Class = Annotated[
    Index | Text | Annotated[tuple[Index | Text, ...], Field(min_length=1)] | None,
    Field(
        alias="class",
        description="Name or number of the class, from 0. A list makes one picture for each entry. "
        "Example: tabby.",
        json_schema_extra={WHEN_LEFT_OUT: "each of the job's classes"},
    ),
]
CossimPower = Annotated[  # of more than 6 the gradient of a picture that is not yet alike vanishes
    Float,
    Field(
        ge=0,
        le=6,
        description="Exponent p: the objective is dot(a, v) * cos(a, v)^p, where a are the activations and v "
        "is the vector. 0 is the plain dot product. Larger values ask for that direction only. Try 1 or 2 if "
        "all directions give the same picture.",
    ),
]
Power = Annotated[
    Float,
    Field(
        ge=0,
        le=16,
        description="Exponent p: the objective is dot(a, t) * cos(a, t)^p, where a are the activations and t "
        "those of the job's picture. 0 is the plain dot product. Larger values stay nearer to the job's "
        "picture.",
    ),
]
Positions = Annotated[Int, Field(ge=1, le=MAX_POSITIONS)]
Weight = Annotated[
    Float,
    Field(
        description="Factor of this objective's score in a sum or product. A negative weight minimises. "
        "Example: 0.5."
    ),
]


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
    layer: Text | None = left_out(
        "the job's layer", "Name of the layer to read, as `fvcli layers MODEL` lists it."
    )
    weight: Weight = 1.0

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

    row: Index | None = left_out(
        "the centre",
        "Row of the position in the layer, from 0 at the top. It is a position of the layer, not a pixel. "
        "Write `column` as well.",
    )
    column: Index | None = left_out(
        "the centre", "Column of the position in the layer, from 0 at the left. Write `row` as well."
    )

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

    layer: Text | None = left_out(
        "the network's class output",
        "Name of the layer with the class output. Leave it out: `model.logits` says it for all.",
    )
    class_: Class = None


class OfVector(Leaf):
    """What reads a direction in the channels of a layer."""

    sweeps: ClassVar[Swept | None] = "vectors"
    own_key: ClassVar[str] = "vector"

    vector: Vector | None = left_out(
        "each of the job's vectors",
        "The direction: one number for each channel, or `{channels: [3, 17], weights: [1, -1]}`, "
        "`{random: 0}` or `{file: directions.npy}`.",
    )
