"""Scores of painted pictures, as ``fvcli score`` leaves them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from fvcli.plan import Unit
from fvcli.run import RunFolder
from fvcli.run.remarks import FRAGILE, NOT_PREDICTIVE, OTHER_PATH, WEAKER
from fvcli.run.scores import (
    RunScores,
    Strength,
    Survival,
    Transfer,
    TwoAfc,
    UnitScores,
    Way,
    write_run_scores,
    write_unit_scores,
)

FLAGS = (WEAKER, NOT_PREDICTIVE, OTHER_PATH, FRAGILE)
JUDGES = ("efficientnet-lite1", "efficientnet-lite2")


def scores_of(run: RunFolder, unit: Unit, share: float = 0.75, flags: Sequence[str] = ()) -> UnitScores:
    """Return scores of a finished unit; those that have a flag have a number that deserves it."""
    sidecar = run.sidecar(unit)
    assert sidecar is not None
    is_class = unit.objective.startswith("class")
    return UnitScores(
        key=unit.key,
        pixel_sha256=str(sidecar.pixel_sha256),
        two_afc=TwoAfc(
            share=share,
            low=share - 0.125,
            high=share + 0.125,
            pictures=4,
            by_judge={JUDGES[0]: share - 0.01, JUDGES[1]: share + 0.01},
            photos=0.875,
            noise=0.515625,
            others=0.5625,
            mis=share - 0.0625,
            mis_of_photos=0.8125,
        ),
        strength=Strength(2.0, 2.5, 0.5, 0.75 if WEAKER in flags else 1.25),
        path=Way(0.25, 0.5, 0.125, -0.125 if OTHER_PATH in flags else 0.625, None),
        survival=Survival(0.125 if FRAGILE in flags else 0.875, 0.9375, 0.5),
        agreement=0.4375,
        transfer=Transfer(0.5, 1.0, {JUDGES[0]: "tabby", JUDGES[1]: "tiger cat"}) if is_class else None,
        flags=tuple(flags),
    )


def score_unit(run: RunFolder, path: str, share: float = 0.75, flags: Sequence[str] = ()) -> None:
    """Write the scores of the finished unit that is called job/unit."""
    unit = next(unit for unit in run.plan.units if unit.path == path)
    _write(run, unit, scores_of(run, unit, share, flags))


def _write(run: RunFolder, unit: Unit, scores: UnitScores) -> None:
    sidecar = run.sidecar(unit)
    assert sidecar is not None
    write_unit_scores(run, unit, sidecar, scores, FLAGS)


def score_all(run: RunFolder) -> None:
    """Write scores of all finished units, and of the run.

    Of a hundred shares one has each unit in the plan's order, so that few are equal. Every third unit has one
    flag, in turn, and every twelfth all of them.
    """
    counts: Counter[str] = Counter()
    scored = 0
    for number, unit in enumerate(run.plan.units):
        if run.is_finished(unit):
            flags = FLAGS if number % 12 == 0 else FLAGS[number // 3 % 4 :][:1] if number % 3 == 0 else ()
            _write(run, unit, scores_of(run, unit, 0.5 + (number * 37 % 100) / 300, flags))
            counts.update(flags)
            scored += 1
    score_run(run, scored, counts)


def score_run(
    run: RunFolder, units: int = 1, flags: Mapping[str, int] | None = None, judges: Sequence[str] = JUDGES
) -> None:
    """Write what was found of a run."""
    means = {"photos": [0.85, 0.82, 0.88], "pictures": [0.71, 0.66, 0.76], "others": [0.55, 0.5, 0.6]}
    scores = RunScores(
        photos=1000,
        pictures_digest="0" * 64,
        judges=dict.fromkeys(judges, "0" * 64),
        thresholds={"chance": 0.55, "path": 0.33, "survival": 0.3},
        means={**means, "noise": [0.52, 0.47, 0.57]},
        units=units,
        flags=dict(flags or {}),
    )
    write_run_scores(run.path, scores)
