"""What scores are made of: terms that each read a layer, how they are put together, what couples groups."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from operator import attrgetter
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from fvcli.spec.objective_bases import Leaf
from fvcli.spec.objectives import LEAVES

KEY_DIGITS = 16


def _as_tuples(formula: Any) -> Any:
    return tuple(map(_as_tuples, formula)) if isinstance(formula, list | tuple) else formula


# ("sum" or "product", then positions of terms and formulas)
Formula = Annotated[tuple[Any, ...], BeforeValidator(_as_tuples)]
Option = str | float | int | bool | tuple[int, ...]  # what an option of a kind may be


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def canonical(data: Any) -> str:
    """Write data as JSON in the one way that equal data share."""
    return _ENCODER.encode(data)


def digest(data: Any) -> str:
    """Return the first 16 hex digits of the SHA-256 of data's canonical JSON."""
    return digest_of_text(canonical(data))


def digest_of_text(text: str) -> str:
    """Return the first 16 hex digits of the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_DIGITS]


@dataclass(frozen=True)
class TermShape:
    """The part of a term that is compiled in.

    placed: Whether a position is given.
    options: What the kind takes beside it, such as a power, as pairs in alphabetical order.
    """

    kind: str
    layer: str
    placed: bool = False
    options: tuple[tuple[str, Option], ...] = ()

    @property
    def of_kind(self) -> type[Leaf]:
        """What its kind says of itself."""
        return LEAVES[self.kind]

    @property
    def aims_at_picture(self) -> bool:
        """Whether it compares with what the network sees in the unit's picture, not with an array."""
        return self.of_kind.compares and "shape" not in dict(self.options)


@dataclass(frozen=True, slots=True)
class TermPlan:
    """One term of a unit's objective.

    index: the channel or the class, -1 for what reads more than one.
    vector: a direction: its values, or channels and weights, or a random seed, or a source and its row.
    source: the SHA-256 of the array that is read from a file.
    """

    kind: str
    layer: str
    index: int = -1
    row: int = -1
    column: int = -1
    weight: float = 1.0
    vector: Mapping[str, Any] | None = None
    source: str | None = None
    options: tuple[tuple[str, Option], ...] = ()

    @property
    def of_kind(self) -> type[Leaf]:
        """What its kind says of itself."""
        return LEAVES[self.kind]

    @property
    def shape(self) -> TermShape:
        return TermShape(self.kind, self.layer, self.row >= 0, self.options)

    def facts(self) -> dict[str, Any]:
        """Return all as plain data, without what most kinds do not have."""
        values = zip(_FIELDS, _VALUES(self), strict=True)
        return {name: value for name, value in values if value or name not in _RARE}


_FIELDS = tuple(field.name for field in fields(TermPlan))
_VALUES = attrgetter(*_FIELDS)
_RARE = frozenset({"vector", "source", "options"})


@dataclass(frozen=True)
class Coupling:
    """What couples the pictures of a group: diversity, or the alignment of neighbours, at a layer.

    weight: How much it counts; None: as much as can be while pictures beat the best of some photos.
    photos: The SHA-256 of these photos together, and folder: where they are.
    """

    kind: Literal["diversity", "alignment"]
    layer: str
    weight: float | None
    decay_ratio: float = 0.0
    photos: str | None = None
    folder: str | None = None

    def facts(self) -> dict[str, Any]:
        """Return what decides pictures as plain data: of photos what is in them, not where they are."""
        found = asdict(self)
        del found["folder"]
        if self.photos is None:
            del found["photos"]
        return found


def layers_of(terms: Sequence[TermShape], couplings: Sequence[Coupling]) -> tuple[str, ...]:
    """Return the layers that are read, in order."""
    named = [*(term.layer for term in terms), *(coupling.layer for coupling in couplings)]
    return tuple(dict.fromkeys(named))
