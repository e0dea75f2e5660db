"""Compare a run with a golden, unit by unit and as a whole."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from fvcli.errors import FvcliError, UsageError, counted
from fvcli.golden.computers import words_for
from fvcli.golden.folder import Golden, is_golden
from fvcli.golden.gates import pooled, result_of
from fvcli.golden.history import History
from fvcli.golden.look import Look, look_at
from fvcli.golden.metrics import texture_distance
from fvcli.golden.model_names import model_names
from fvcli.golden.pairs import pairs_of
from fvcli.golden.results import STATUSES, Change, Comparison, Drift, Networks, UnitResult
from fvcli.media import read_picture
from fvcli.plan import Unit
from fvcli.run import RunFolder, read_fingerprint

THREADS = 2  # reading and measuring; more do not help, because most of it holds Python's lock
PAIRS_AT_A_TIME = 4  # given to the networks
POOLED = ("first_steps", "response")  # what a change of the computation changes in all units of a program
Key = tuple[int, Change]


class NothingToCompareError(UsageError):
    """The golden and the run have no finished unit in common."""


class Said(Protocol):
    """What a network says of a picture; see ``worker.judge.Judged``."""

    @property
    def score(self) -> float: ...

    @property
    def textures(self) -> tuple[np.ndarray, ...]: ...


class Judge(Protocol):
    """A network that can be asked about pictures of the golden's units."""

    def judge(self, units: Sequence[Unit], pixels: Sequence[np.ndarray]) -> Sequence[Said]: ...


class Judges(NamedTuple):
    """The networks; golden's is None where it is the run's, or cannot be had."""

    run: Judge
    golden: Judge | None = None


@dataclass(frozen=True)
class Options:
    """How to compare.

    only: Patterns of job/unit, job or unit.
    common: Whether units that only one of both has are passed over.
    allow_new: Whether units that the golden does not have are fine.
    strict: Whether any other pixel is a difference.
    accepted: What was accepted elsewhere, beside the golden's own history.
    """

    only: Sequence[str] = ()
    common: bool = False
    allow_new: bool = False
    strict: bool = False
    accepted: History = field(default_factory=History)


def compare(
    golden: Golden,
    run: RunFolder,
    options: Options,
    ask: Callable[[Sequence[Look]], Judges | None] = lambda looks: None,
    seen: Callable[[int, int], None] = lambda count, total: None,
) -> Comparison:
    """Return what is found.

    Args:
        golden: What it is compared with.
        run: What is compared.
        options: How.
        ask: Is given the pairs whose pixels differ, if there are any, and returns the networks, or None if
            none is to be asked.
        seen: Is told how many pairs were looked at, and of how many.

    Raises:
        NothingToCompareError: They have no unit in common.
    """
    return conclude(golden, run, measure(golden, run, options, ask, seen), options)


@dataclass(frozen=True)
class Measured:
    """All pairs, whether the networks were asked, and what should be known of the choice, in sentences."""

    looks: tuple[Look, ...]
    networks: Networks
    remarks: tuple[str, ...] = ()


def measure(
    golden: Golden,
    run: RunFolder,
    options: Options,
    ask: Callable[[Sequence[Look]], Judges | None] = lambda looks: None,
    seen: Callable[[int, int], None] = lambda count, total: None,
) -> Measured:
    """Look at all pairs, and ask the networks about those whose pixels differ; see ``compare``."""
    looks = _looks(golden, run, options, seen)
    remarks: tuple[str, ...] = ()
    if options.common:
        common = [look for look in looks if not _is_of_one_side(look)]
        if len(common) < len(looks):
            left = counted(len(looks) - len(common), "unit")
            remarks = (f"{left}: only in the golden or only in the run, passed over",)
        looks = common
    _refuse_nothing(golden, run, looks, options)
    differing = [look for look in looks if look.are_comparable]
    judges = ask(differing) if differing else None
    if judges is not None:
        looks = _judged(looks, judges)
    networks: Networks = "asked" if judges else "not asked" if differing else "not needed"
    return Measured(tuple(looks), networks, remarks)


def conclude(golden: Golden, run: RunFolder, measured: Measured, options: Options) -> Comparison:
    """Return what follows from what was measured, by the golden's tolerances."""
    looks = measured.looks
    pools = pools_of(looks)
    history = golden.history.with_lines_of(options.accepted)
    results = [_result(golden, look, pools, history, options) for look in looks]
    golden_model, run_model = model_names(golden.run.plan, run.plan)
    accepted = {result.path for result in results if result.gate == "accepted"}
    return Comparison(
        golden=str(golden.path),
        run=str(run.path),
        units=tuple(sorted(results, key=lambda one: (STATUSES.index(one.status), -one.excess))),
        drift=_drift(golden, [look for look in looks if look.pair.path not in accepted]),
        tolerances={change: golden.tolerances[change].model_dump() for change in _changes(looks)},
        networks=measured.networks,
        could_not_tell=tuple(_unknown(looks, measured.networks)),
        remarks=(*_remarks(golden, run, looks), *measured.remarks),
        allow_new=options.allow_new,
        golden_model=golden_model,
        run_model=run_model,
    )


# ---- looking


def _looks(golden: Golden, run: RunFolder, options: Options, seen: Callable[[int, int], None]) -> list[Look]:
    pairs = pairs_of(golden.units, run.plan, golden.run.plan, options.only)
    looks = []
    fingerprint_of = cache(read_fingerprint)
    with ThreadPoolExecutor(THREADS) as pool:
        for look in pool.map(lambda pair: look_at(golden, run, pair, fingerprint_of), pairs):
            looks.append(look)
            seen(len(looks), len(pairs))
    return [look for look in looks if look.pair.golden or not look.pending]  # neither has the others


def _is_of_one_side(look: Look) -> bool:
    return look.problem is None and look.pixels is None


def _refuse_nothing(golden: Golden, run: RunFolder, looks: Sequence[Look], options: Options) -> None:
    """Raise UsageError where no unit is on both sides, not even a damaged one."""
    if any(look.pair.golden and look.pair.run and not look.pending for look in looks):
        return
    which = f" that matches {', '.join(options.only)}" if options.only else ""
    pending = any(look.pending for look in looks)
    message = f"nothing to compare: {golden.path} and {run.path} have no finished unit in common{which}"
    hint = f"render {run.path} first" if pending else "compare a run of the golden's spec"
    raise NothingToCompareError(message, hint)


# ---- asking the networks


def _judged(looks: Sequence[Look], judges: Judges) -> list[Look]:
    """Return the looks with what the networks say of those whose pixels differ, or why they cannot."""
    found = {look.pair.path: look for look in looks}
    differing = sorted((look for look in looks if look.are_comparable), key=_program)
    for _, several in groupby(differing, key=_program):  # each is compiled once
        same_program = list(several)
        for i in range(0, len(same_program), PAIRS_AT_A_TIME):
            some = same_program[i : i + PAIRS_AT_A_TIME]
            try:
                found |= {look.pair.path: look for look in _ask(some, judges)}
            except FvcliError as error:
                problem = f"the network cannot be asked about it: {error}"
                found |= {look.pair.path: replace(look, problem=problem) for look in some}
    return [found[look.pair.path] for look in looks]


def _program(look: Look) -> int:
    assert look.pair.golden is not None  # or there is nothing to compare
    return look.pair.golden.program


def _ask(looks: Sequence[Look], judges: Judges) -> Iterator[Look]:
    units = [look.pair.golden for look in looks if look.pair.golden]
    olds, news = ([_pixels(look, side) for look in looks] for side in ("golden", "run"))
    by_run = _said(judges.run, units, olds, news)
    by_golden = _said(judges.golden, units, olds, news) if judges.golden else by_run
    for look, (old, new), (old_then, new_then) in zip(looks, by_run, by_golden, strict=True):
        scale = look.scale
        changes = [_told((a.score - b.score) / scale) for a, b in ((new, old), (new_then, old_then))]
        textures = [_told(_apart(old, new)), _told(_apart(old_then, new_then))]
        values = {**look.values, "score": max(changes, key=abs), "texture": max(textures)}
        run_side = replace(look.run, score=new.score)
        golden_side = replace(look.golden, score=old_then.score)
        if judges.golden:
            answers = [_told(a.score - b.score) for a, b in ((old, old_then), (new, new_then))]
            values["response"] = max(map(abs, answers)) / scale
            run_side = replace(run_side, other_score=new_then.score)
            golden_side = replace(golden_side, other_score=old.score)
        if not look.same_weights:
            values.pop("first_steps", None)  # of two networks they differ anyway
        yield replace(look, values=values, golden=golden_side, run=run_side)


def _told(value: float) -> float:
    """Return a difference; where a network answers NaN it is beyond every limit, and not below each."""
    return value if math.isfinite(value) else math.inf


def _pixels(look: Look, side: str) -> np.ndarray:
    """Return the pixels of one side of a pair."""
    return read_picture(Path(getattr(look, side).picture))


def _said(
    judge: Judge, units: Sequence[Unit], olds: Sequence[np.ndarray], news: Sequence[np.ndarray]
) -> list[tuple[Said, Said]]:
    """Return what a network says of the old and of the new picture of each unit."""
    said = judge.judge([*units, *units], [*olds, *news])
    return list(zip(said[: len(units)], said[len(units) :], strict=True))


def _apart(old: Said, new: Said) -> float:
    """Return how far textures are apart, the mean over the layers."""
    return float(np.mean([texture_distance(a, b) for a, b in zip(old.textures, new.textures, strict=True)]))


# ---- deciding


def pools_of(looks: Sequence[Look]) -> dict[Key, dict[str, float]]:
    """Return what all units of each program have in common; of programs with few units what those have."""
    found: dict[Key, dict[str, float]] = {}
    for name in POOLED:
        for key, value in _pooled(name, looks).items():
            found.setdefault(key, {})[f"{name}_of_all"] = value
    return found


def _pooled(name: str, looks: Sequence[Look]) -> dict[Key, float]:
    groups: dict[Key, list[float]] = {}
    for look in looks:
        if look.pixels and name in look.values and not look.settings:
            groups.setdefault((_program(look), look.change), []).append(look.values[name])
    large = {key: value for key, values in groups.items() if (value := pooled(values)) is not None}
    small = {key: values for key, values in groups.items() if key not in large}
    for change in {change for _, change in small}:
        keys = [key for key in small if key[1] == change]
        value = pooled([value for key in keys for value in small[key]])
        if value is not None:
            large |= dict.fromkeys(keys, value)
    return large


def _result(
    golden: Golden, look: Look, pools: Mapping[Key, Mapping[str, float]], history: History, options: Options
) -> UnitResult:
    limits = golden.tolerances[look.change]
    pool = pools.get((_program(look), look.change)) if look.are_comparable and not look.settings else None
    accepted = (
        history.accepted(look.pair.path, look.pixels[1]) if look.are_comparable and look.pixels else None
    )
    return result_of(look, limits, pool, accepted, options.strict)


def _drift(golden: Golden, looks: Sequence[Look]) -> Drift | None:
    """Return the mean change of all scores; the limit is that of the widest change that was met."""
    scores = [look.values["score"] for look in looks if look.pixels and "score" in look.values]
    if not scores:
        return None
    limit = max(golden.tolerances[change].drift for change in _changes(looks))
    return Drift(len(scores), float(np.mean(scores)), limit)


def _changes(looks: Iterable[Look]) -> list[Change]:
    return list(dict.fromkeys(look.change for look in looks if look.pixels))


# ---- words


def _remarks(golden: Golden, run: RunFolder, looks: Sequence[Look]) -> Iterator[str]:
    yield from golden.remarks
    if not golden.is_accepted and is_golden(run.path):
        yield f"{run.path} is a golden, and {golden.path} is not: are they the wrong way round?"
    for change in _changes(looks):
        count = sum(look.change == change for look in looks if look.pixels and not look.unknown_computer)
        if change != "same" and count:
            kernels = ", or with other kernels," if change == "cpu" else ""
            yield f"{counted(count, 'unit')}: rendered on {words_for(change)}{kernels} than the golden"
    unknown = sum(look.unknown_computer for look in looks if look.pixels)
    if unknown:
        what = "it is not known what they were rendered on, so they count as rendered on another CPU"
        yield f"{counted(unknown, 'unit')}: {what}"
    yield from _renamed(looks)
    unmoved = sum(bool(look.settings) for look in looks if look.pixels and look.pixels[0] == look.pixels[1])
    if unmoved:
        what = "the spec changed, and the pixels did not (accept --all takes them over)"
        yield f"{counted(unmoved, 'unit')}: {what}"


def _renamed(looks: Sequence[Look]) -> Iterator[str]:
    """Say of units that only one of both has that they are the same units by other names."""
    of_run = {look.pair.run.key: look for look in looks if look.pair.run and look.pair.golden is None}
    missing = [look for look in looks if look.pair.golden and look.pair.run is None]
    pairs = [
        (look, of_run[look.pair.golden.key])
        for look in missing
        if look.pair.golden and look.pair.golden.key in of_run
    ]
    if pairs:
        was, now = pairs[0]
        example = f"{was.pair.path} is {now.pair.path} in the run"
        yield f"{counted(len(pairs), 'missing unit')}: there by another name, such as {example}"


def _unknown(looks: Sequence[Look], networks: Networks) -> Iterator[str]:
    differing = [look for look in looks if look.are_comparable]
    if networks == "not asked":
        yield (
            f"of {counted(len(differing), 'unit')} with other pixels, textures were not compared, and scores "
            "only as they were recorded, because no network was asked"
        )
        others = sum(not look.same_weights for look in differing)
        if others:
            yield f"of {counted(others, 'unit')}, scores were not compared, because the networks differ"
    silent = sum("first_steps" not in look.values and look.same_weights for look in differing)
    if silent:
        yield (
            f"of {counted(silent, 'unit')}, the first steps were not compared, because they were not recorded"
        )
