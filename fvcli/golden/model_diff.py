"""Which units of two checkpoints of one architecture look for something else.

Each network is shown the other's pictures. ``shared`` is the part of a unit's rise that the other network's
picture brings: 1 where it does as well as the unit's own, 0 where it does no more than noise.

    shared by A = (A(picture of B) - A(noise)) / (A(picture of A) - A(noise))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from fvcli import __version__
from fvcli.golden.compare import Judge
from fvcli.golden.model_names import model_names
from fvcli.golden.model_pairs import ModelPair, model_pairs
from fvcli.media import read_picture
from fvcli.plan import Plan, Unit
from fvcli.run import RunFolder, Sidecar
from fvcli.run.sidecar import DEAD

DIFF_VERSION = 1
UNITS_AT_A_TIME = 4
ENOUGH_TO_RANK = 8  # pictures of a layer


@dataclass(frozen=True)
class OneSide:
    """A unit in one of the networks.

    picture: Its file.
    noise: Its score before the optimisation.
    own, other: Its score for its own network's picture, and for the other's.
    shared: How much of its rise the other's picture brings, cut to 0 and 1; None where there is no
        rise: of a dead unit, and where the own picture does no better than noise.
    rank: Its place for the other network's picture of this unit, among all the other's pictures of the layer:
        1 if none excites it more. None where that is not asked.
    """

    picture: str
    noise: float
    own: float
    other: float
    shared: float | None
    rank: int | None = None


@dataclass(frozen=True)
class UnitDiff:
    """A unit in both networks.

    changed: 1 less what is shared, the mean over both; 1 where one does not rise, 0 where neither does.
    ranked: Among how many pictures ``rank`` is.
    """

    path: str
    job: str
    unit: str
    label: str
    layer: str
    changed: float
    a: OneSide
    b: OneSide
    ranked: int | None = None


@dataclass(frozen=True)
class ModelDiff:
    """Two runs, compared unit by unit, those that changed most first."""

    a: str
    b: str
    model_a: str
    model_b: str
    units: tuple[UnitDiff, ...]
    remarks: tuple[str, ...] = ()

    @property
    def median(self) -> float:
        return float(np.median([unit.changed for unit in self.units]))

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        about = {"version": DIFF_VERSION, "fvcli": __version__, "median_changed": self.median}
        return {**about, **asdict(self)}


@dataclass(frozen=True)
class _Said:
    """What one network says of both pictures of a unit, and the means of the layer that it reads."""

    own: float
    other: float
    means: np.ndarray


def diff_models(
    a: RunFolder,
    b: RunFolder,
    judges: Callable[[], tuple[Judge, Judge]],
    only: Sequence[str] = (),
    seen: Callable[[int, int], None] = lambda count, total: None,
) -> ModelDiff:
    """Return how the units of two runs differ.

    Args:
        a, b: Runs of one spec with two networks.
        judges: Returns the network of each; both are asked about the units of the first run.
        only: Patterns of job/unit, job or unit.
        seen: Is told how many units were compared, and of how many.

    Raises:
        NothingToCompareError: No unit is finished in both.
        UsageError: Units of one name cannot be compared; see ``model_pairs``.
    """
    chosen = model_pairs(a, b, only)
    pairs = chosen.pairs
    of_a, of_b = judges()
    found: list[UnitDiff] = []
    for _, group in groupby(sorted(pairs, key=_program), key=_program):  # each is compiled once
        found += _of_program(a, b, list(group), (of_a, of_b))
        seen(len(found), len(pairs))
    model_a, model_b = model_names(a.plan, b.plan)
    return ModelDiff(
        a=str(a.path),
        b=str(b.path),
        model_a=model_a,
        model_b=model_b,
        units=tuple(sorted(found, key=lambda unit: -unit.changed)),
        remarks=chosen.remarks,
    )


def _program(pair: ModelPair) -> int:
    return pair.a.program


def _of_program(
    a: RunFolder, b: RunFolder, pairs: Sequence[ModelPair], judges: tuple[Judge, Judge]
) -> list[UnitDiff]:
    said: list[tuple[_Said, _Said]] = []
    for i in range(0, len(pairs), UNITS_AT_A_TIME):
        said += _ask(a, b, pairs[i : i + UNITS_AT_A_TIME], judges)
    ranks = _ranks(pairs, said)
    found = []
    for i, (pair, (by_a, by_b)) in enumerate(zip(pairs, said, strict=True)):
        side_a = _side(a, pair.a, pair.facts[0], by_a, ranks and ranks[0][i])
        side_b = _side(b, pair.b, pair.facts[1], by_b, ranks and ranks[1][i])
        unit = pair.a
        found.append(
            UnitDiff(
                path=unit.path,
                job=unit.job,
                unit=unit.name,
                label=unit.label,
                layer=unit.layer,
                changed=_changed(side_a.shared, side_b.shared),
                a=side_a,
                b=side_b,
                ranked=len(pairs) if ranks else None,
            )
        )
    return found


def _ask(
    a: RunFolder, b: RunFolder, pairs: Sequence[ModelPair], judges: tuple[Judge, Judge]
) -> list[tuple[_Said, _Said]]:
    units = [pair.a for pair in pairs]
    pictures = [
        *(read_picture(Path(a.png(pair.a))) for pair in pairs),
        *(read_picture(Path(b.png(pair.b))) for pair in pairs),
    ]
    of_a, of_b = (judge.judge([*units, *units], pictures) for judge in judges)
    count, read = len(pairs), _texture_read(a.plan, units[0])
    return [
        (
            _Said(of_a[i].score, of_a[count + i].score, of_a[count + i].textures[read][0]),
            _Said(of_b[count + i].score, of_b[i].score, of_b[i].textures[read][0]),
        )
        for i in range(count)
    ]


def _texture_read(plan: Plan, unit: Unit) -> int:
    """Return the place from the end, among textures, of the layer that a unit's first term reads."""
    layers = plan.programs[unit.program].layers  # textures end with these
    return layers.index(unit.terms[0].layer) - len(layers)


def _side(run: RunFolder, unit: Unit, facts: Sidecar, said: _Said, rank: int | None) -> OneSide:
    noise = facts.score["start"] if facts.score else 0.0
    rise = said.own - noise
    no_rise = facts.status == DEAD or rise * unit.sign <= 0
    shared = None if no_rise else min(1.0, max(0.0, (said.other - noise) / rise))
    return OneSide(str(run.png(unit)), noise, said.own, said.other, shared, rank)


def _changed(a: float | None, b: float | None) -> float:
    if a is None and b is None:
        return 0.0
    return 1.0 if a is None or b is None else 1.0 - (a + b) / 2


def _ranks(
    pairs: Sequence[ModelPair], said: Sequence[tuple[_Said, _Said]]
) -> tuple[list[int], list[int]] | None:
    """Return each unit's rank for the other network's picture of it, in A and in B.

    Only where the units are channels of one layer, of which its mean over positions is the score.
    """
    terms = [pair.a.terms[0] for pair in pairs]
    plain = all(len(pair.a.terms) == 1 for pair in pairs) and all(term.kind == "channel" for term in terms)
    if not plain or len(pairs) < ENOUGH_TO_RANK:
        return None
    channels = [term.index for term in terms]
    ranks = []
    for side in (0, 1):
        answers = np.stack([pair[side].means for pair in said])[:, channels]  # [pictures, units]
        signed = answers * np.array([pair.a.sign * pair.a.terms[0].weight for pair in pairs])
        ranks.append([int((signed[:, i] > signed[i, i]).sum()) + 1 for i in range(len(pairs))])
    return ranks[0], ranks[1]
