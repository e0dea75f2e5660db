"""Which units of two runs of one spec can be shown to both networks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fvcli.errors import UsageError, counted, size_in_words, some_lines, some_of
from fvcli.golden.compare import NothingToCompareError
from fvcli.plan import Unit, choose_units
from fvcli.plan.picture_facts import differences, picture_facts
from fvcli.run import RunFolder, Sidecar
from fvcli.run.check import damage_of

EXAMPLES = 3  # that a message names
MOST_REMARKS = 10
HINT = "render one spec with both networks"
NETWORK = "model"  # it, and all keys below it, may differ


@dataclass(frozen=True)
class ModelPair:
    """A unit as both runs have it, finished in both.

    facts: What their sidecars say.
    """

    a: Unit
    b: Unit
    facts: tuple[Sidecar, Sidecar]


@dataclass(frozen=True)
class ModelPairs:
    """All that can be compared, and what should be known, in sentences."""

    pairs: tuple[ModelPair, ...]
    remarks: tuple[str, ...]


def model_pairs(a: RunFolder, b: RunFolder, only: Sequence[str] = ()) -> ModelPairs:
    """Return the units that are finished in both runs, in the order of the first.

    Args:
        a, b: Runs of one spec with two networks.
        only: Patterns of job/unit, job or unit.

    Raises:
        NothingToCompareError: There is none.
        UsageError: A pattern names no unit, or units cannot be compared: they show something else, are of
            another size or damaged.
    """
    wanted = choose_units((a.plan, b.plan), only)
    of_a, of_b = (
        {unit.path: unit for unit in run.plan.units if wanted is None or unit.path in wanted}
        for run in (a, b)
    )
    both = [(unit, of_b[path]) for path, unit in of_a.items() if path in of_b]
    _refuse_others(a, b, both)
    pairs = [pair for one, other in both if (pair := _finished(a, b, one, other)) is not None]
    if not pairs:
        raise NothingToCompareError(
            f"nothing to compare: {a.path} and {b.path} have no finished unit in common", HINT
        )
    _refuse_damaged(a, b, pairs)
    remarks = [
        *_of_one_side(a, of_a.keys() - of_b.keys()),
        *_of_one_side(b, of_b.keys() - of_a.keys()),
        *_unfinished(len(both) - len(pairs)),
        *_of_weights(pairs),
        *_of_specs(a, b, pairs),
    ]
    return ModelPairs(tuple(pairs), tuple(remarks))


def _finished(a: RunFolder, b: RunFolder, one: Unit, other: Unit) -> ModelPair | None:
    facts = a.sidecar(one), b.sidecar(other)
    if facts[0] is None or facts[1] is None or not (facts[0].is_finished and facts[1].is_finished):
        return None
    return ModelPair(one, other, (facts[0], facts[1]))


# ---- what cannot be compared


def _refuse_others(a: RunFolder, b: RunFolder, both: Sequence[tuple[Unit, Unit]]) -> None:
    """Raise UsageError if units of one name are not the same, or not of one size."""
    odd = [one.path for one, other in both if one.identity != other.identity]
    if odd:
        raise UsageError(f"{some_of(odd, 'unit')}: not the same unit in {a.path} and {b.path}", HINT)
    sizes = [(one, _size(a, one), _size(b, other)) for one, other in both]
    unlike = [(unit.path, was, now) for unit, was, now in sizes if was != now]
    if unlike:
        _, was, now = unlike[0]
        message = f"{some_of([path for path, _, _ in unlike], 'unit')}: {was} in {a.path}, {now} in {b.path}"
        raise UsageError(message, HINT)


def _size(run: RunFolder, unit: Unit) -> str:
    program = run.plan.programs[unit.program]
    return size_in_words((program.height_px, program.width_px), " px")


def _refuse_damaged(a: RunFolder, b: RunFolder, pairs: Sequence[ModelPair]) -> None:
    found = [
        f"{run.png(unit)}: {problem}"
        for pair in pairs
        for run, unit in ((a, pair.a), (b, pair.b))
        if (problem := damage_of(run, unit)) is not None
    ]
    if found:
        hint = "render it again, or compare a part with --only"
        raise UsageError("\n".join(some_lines(found, "picture", EXAMPLES)), hint)


# ---- what should be known


def _of_one_side(run: RunFolder, paths: set[str]) -> Iterator[str]:
    if paths:
        yield f"{some_of(sorted(paths), 'unit')}: only in {run.path}, passed over"


def _unfinished(count: int) -> Iterator[str]:
    if count:
        yield f"{counted(count, 'unit')} not finished in both runs, passed over"


def _of_weights(pairs: Sequence[ModelPair]) -> Iterator[str]:
    if all(one.weights_sha256 == other.weights_sha256 for one, other in (pair.facts for pair in pairs)):
        yield "both runs were rendered with the same weights"


def _of_specs(a: RunFolder, b: RunFolder, pairs: Sequence[ModelPair]) -> Iterator[str]:
    """Say in what else than the network the runs differ, for pictures differ by that, too."""
    found = Counter(
        f"{one.key}: {one.was} -> {one.now}"
        for pair in pairs
        for one in differences(picture_facts(a.plan, pair.a), picture_facts(b.plan, pair.b))
        if one.key.partition(".")[0] != NETWORK
    )
    for line, count in list(found.items())[:MOST_REMARKS]:
        yield f"not only the networks differ, but also the specs of {counted(count, 'unit')}: {line}"
    if len(found) > MOST_REMARKS:
        yield f"and {counted(len(found) - MOST_REMARKS, 'more difference')} of the specs"
