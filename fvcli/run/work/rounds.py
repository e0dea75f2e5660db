"""Rounds: rounds/<number>.json, what one command asked of a run.

A round has the batches that lacked something when the command began. Workers take their work from it, so none
of them has to look at every unit. Their numbers only rise, so that a journal can name them.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from fvcli.errors import UsageError, command
from fvcli.plan import Plan
from fvcli.run.atomic import create_exclusive
from fvcli.run.layout import ROUNDS
from fvcli.run.objects import read_bytes


@dataclass(frozen=True)
class Round:
    """What was asked.

    name: As the file is called.
    plan: Sum of the plan whose batches these are.
    batches: Their numbers.
    wanted: Positions, in the batch, of the units that were asked for, of batches not all of whose were.
    """

    name: str
    plan: str
    batches: tuple[int, ...]
    wanted: Mapping[int, tuple[int, ...]]

    def positions_of(self, plan: Plan, batch: int) -> tuple[int, ...]:
        """Return the positions, in the plan, of the units that were asked for of a batch."""
        positions = plan.batches[batch]
        return tuple(positions[i] for i in self.wanted[batch]) if batch in self.wanted else positions

    def missing_in(self, plan: Plan) -> dict[int, int]:
        """Return how many units were asked for of each batch."""
        return {batch: len(self.positions_of(plan, batch)) for batch in self.batches}


def write_round(
    run: Path, plan: str, batches: Sequence[int], wanted: Mapping[int, Sequence[int]] | None = None
) -> Round:
    """Begin a round."""
    data = {
        "plan": plan,
        "batches": _ranges(sorted(batches)),
        "wanted": {str(batch): list(units) for batch, units in (wanted or {}).items()},
    }
    number = len(_files(run)) + 1
    while not create_exclusive(_place(run, number), (json.dumps(data) + "\n").encode()):
        number += 1
    return read_round(run, _place(run, number).stem)


def begin_round(
    run: Path,
    plan: Plan,
    batches: Sequence[int] | None = None,
    paths: frozenset[str] | None = None,
    missing: Callable[[int], bool] = lambda _: True,
) -> Round:
    """Begin a round of what a run lacks.

    Args:
        run: The run's folder.
        plan: Its plan.
        batches: Numbers of the batches that are asked for; None for all.
        paths: Paths of units to restrict them to; None for all.
        missing: Tells of a position in the plan whether its unit is missing; by default each worker looks
            when it claims a batch.
    """
    asked: list[int] = []
    wanted: dict[int, list[int]] = {}
    for batch in range(len(plan.batches)) if batches is None else batches:
        positions = plan.batches[batch]
        lacking = [i for i, position in enumerate(positions) if missing(position)]
        if paths is not None:
            lacking = [i for i in lacking if plan.units[positions[i]].path in paths]
        if lacking:
            asked.append(batch)
            if len(lacking) < len(positions):
                wanted[batch] = lacking
    latest = read_rounds(run)[-1:]
    if asked or not latest or latest[0].plan != plan.sum:
        return write_round(run, plan.sum, asked, wanted)
    return Round("", plan.sum, (), {})


def read_rounds(run: Path) -> list[Round]:
    """Return all rounds that can be read, the oldest first."""
    found = []
    for path in _files(run):
        with contextlib.suppress(UsageError):
            found.append(read_round(run, path.stem))
    return found


def latest_round(run: Path) -> Round | None:
    """Return the round that was begun last, or None if there was none."""
    files = _files(run)
    return read_round(run, files[-1].stem) if files else None


def read_round(run: Path, name: str) -> Round:
    """Return a round by its name.

    Raises:
        UsageError: There is none, or it cannot be read.
    """
    path = run / ROUNDS / f"{name}.json"
    try:
        data = json.loads(read_bytes(path))
        batches = tuple(number for first, last in data["batches"] for number in range(first, last + 1))
        wanted = {int(batch): tuple(units) for batch, units in data["wanted"].items()}
        return Round(name, data["plan"], batches, wanted)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UsageError(
            f"{path} cannot be read ({error})", f"begin anew: {command('prepare', 'SPEC', '-o', run)}"
        ) from error


def _files(run: Path) -> list[Path]:
    found = [path for path in (run / ROUNDS).glob("*.json") if path.stem.isdigit()]
    return sorted(found, key=lambda path: int(path.stem))


def _place(run: Path, number: int) -> Path:
    return run / ROUNDS / f"{number:04d}.json"


def _ranges(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Write rising numbers as first and last of each run of them."""
    if not numbers:
        return []
    breaks = [i for i, (one, other) in enumerate(pairwise(numbers), 1) if other != one + 1]
    bounds = [0, *breaks, len(numbers)]
    return [(numbers[start], numbers[stop - 1]) for start, stop in pairwise(bounds)]
