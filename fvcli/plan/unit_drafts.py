"""What one unit maximises, and how it is named: in files, under pictures, in sidecars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fvcli.models import ModelFacts
from fvcli.plan.terms import Formula, TermPlan


@dataclass(frozen=True, slots=True)
class Direction:
    """A direction in channels: how files and people call it, and what it is (see ``TermPlan.vector``).

    written: What the spec has for it, in messages: the file, or the position among several entries.
    """

    name: str
    label: str
    vector: Mapping[str, Any]
    written: str = ""


@dataclass(frozen=True, slots=True)
class SweptEntry:
    """One entry of a job's channels, classes or vectors, which terms without one of their own take."""

    index: int = -1
    direction: Direction | None = None


@dataclass(frozen=True, slots=True)
class UnitDraft:
    """What one unit maximises: its terms, and its file name, label and description.

    formula: how the terms are put together; None: they are added.
    picture: the SHA-256 of the job's picture that it starts from or aims at.
    member, members: its position in its group of pictures that are optimised together, and their number.
    """

    terms: tuple[TermPlan, ...]
    name: str
    label: str
    unit: Mapping[str, Any] = field(default_factory=dict)
    formula: Formula | None = None
    picture: str | None = None
    member: int = 0
    members: int = 1

    def within(self, name: str, label: str = "", **unit: Any) -> UnitDraft:
        """Return the same draft with something before its name and label, and described further."""
        labels = f"{label} {self.label}" if label else self.label
        described = {**self.unit, **unit} if unit else self.unit
        group = self.formula, self.picture, self.member, self.members
        return UnitDraft(self.terms, f"{name}-{self.name}", labels, described, *group)

    def followed_by(self, name: str, label: str, **unit: Any) -> UnitDraft:
        """Return the same draft with something behind its name, another label, and described further."""
        return replace(self, name=f"{self.name}-{name}", label=label, unit={**self.unit, **unit})


def draft_of_term(term: TermPlan, direction: Direction | None, facts: ModelFacts) -> UnitDraft:
    """Return the draft of a single term."""
    place = f"-r{term.row:03d}-c{term.column:03d}" if term.row >= 0 else ""
    at = f" @ {term.row},{term.column}" if term.row >= 0 else ""
    unit = describe(term, facts)
    if direction is not None:
        return UnitDraft((term,), f"{term.kind}-{direction.name}{place}", f"{direction.label}{at}", unit)
    if term.index < 0:
        return UnitDraft((term,), f"{term.kind}{place}", f"{term.layer}{at}", unit)
    label = facts.labels[term.index] if term.of_kind.sweeps == "classes" else f"{term.index}{at}"
    return UnitDraft((term,), f"{term.kind}-{term.index:04d}{place}", label, unit)


def draft_of_terms(
    kind: str,
    terms: Sequence[TermPlan],
    own: Sequence[int],
    swept: SweptEntry,
    formula: Formula | None,
    facts: ModelFacts,
    label: str,
) -> UnitDraft:
    """Return the draft of several terms.

    Args:
        kind: Of what puts them together.
        terms: In order.
        own: What was taken of the lists that terms have themselves.
        swept: What was taken of the job's.
        formula: How they are put together.
        facts: Of the model.
        label: What people call all of them.
    """
    described = [{"kind": t.kind, "layer": t.layer, **describe(t, facts), "weight": t.weight} for t in terms]
    numbers = "".join(f"-{index:04d}" for index in own)
    unit: dict[str, Any] = {"terms": described}
    name = f"{kind}{numbers}"
    if swept.direction is not None:
        name += f"-vector-{swept.direction.name}"
    elif swept.index >= 0:
        is_class = any(t.of_kind.sweeps == "classes" and t.index == swept.index for t in terms)
        key = "class" if is_class else "channel"
        name += f"-{key}-{swept.index:04d}"
        unit = {key: swept.index, **unit}
    return UnitDraft(tuple(terms), name, label, unit, formula)


def describe(term: TermPlan, facts: ModelFacts) -> dict[str, Any]:
    """Return what a term reads within its layer, as plain data for sidecars."""
    place = {"row": term.row, "column": term.column} if term.row >= 0 else {}
    if term.vector is not None:
        return {"vector": term.vector, **place}
    if term.of_kind.sweeps == "classes":
        return {"class": term.index, "class_name": facts.labels[term.index]}
    return ({"channel": term.index} if term.index >= 0 else {}) | place
