"""What a run that was joined from shards still lacks, and of which shards that is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from fvcli.run.folder import RunFolder
from fvcli.run.look import look_at
from fvcli.run.work.rounds import read_rounds


@dataclass(frozen=True)
class Lacking:
    """What a run lacks.

    units: Path of each unit without a result, in the plan's order.
    shards: The shards that are lacking whole, each as its number from 1 and how many there are; empty where
        that cannot be told.
    parts: The joined runs that did not render all that they had to.
    """

    units: tuple[str, ...] = ()
    shards: tuple[tuple[int, int], ...] = ()
    parts: tuple[Path, ...] = ()


def lacking_of(run: RunFolder, parts: Sequence[Path]) -> Lacking:
    """Look at what a run lacks that was joined from parts.

    Args:
        run: The joined run.
        parts: The runs that it was joined from; the first round of each says which batches it had to render.
    """
    look = look_at(run)
    missing = {i for i, place in enumerate(run.plan.places()) if look.state(place) is None}
    if not missing:
        return Lacking()
    batches = run.plan.batches
    lacking = {number for number, batch in enumerate(batches) if missing & {*batch}}
    is_whole = all(missing >= {*batches[number]} for number in lacking)
    asked = {part: rounds[0].batches for part in parts if (rounds := read_rounds(part))}
    count = _count_of_shards([*asked.values()], len(batches))
    shards = _whole_shards(lacking, len(batches), count) if count and is_whole else ()
    unfinished = tuple(part for part, numbers in asked.items() if lacking & {*numbers})
    return Lacking(tuple(run.plan.units[i].path for i in sorted(missing)), shards, unfinished)


def _count_of_shards(asked: Sequence[Sequence[int]], batches: int) -> int | None:
    """Return the smallest number of shards of which each part can be one; None if there is none."""
    counts = (n for n in range(2, batches + 1) if all(_is_shard(part, batches, n) for part in asked))
    return next(counts, None) if asked else None


def _is_shard(part: Sequence[int], batches: int, count: int) -> bool:
    return bool(part) and part[0] < count and [*part] == [*range(part[0], batches, count)]


def _whole_shards(lacking: Set[int], batches: int, count: int) -> tuple[tuple[int, int], ...]:
    """Return the shards that a set of batches is made of, or none if it is made of others, too."""
    firsts: Iterable[int] = sorted(number for number in lacking if number < count)
    made_of = {number for first in firsts for number in range(first, batches, count)}
    return tuple((first + 1, count) for first in sorted(firsts)) if made_of == lacking else ()
