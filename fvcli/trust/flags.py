"""Which pictures are not to be trusted, by thresholds that controls of the same run give.

| flag | what is said | threshold |
|---|---|---|
| weaker_than_photos | a photo excites the unit more than its picture does | the best photo |
| not_predictive | the picture does not tell the unit's photos apart | what pictures of other units do |
| other_path | the picture excites the unit by another way than photos | ways of other units' pictures |
| untrained | the network has random weights, whose shallow units are as predictable as trained ones | none |
| fragile | the picture loses its effect if it is turned, moved or saved as a JPEG | the unit's photos |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fvcli.run.remarks import FRAGILE, NOT_PREDICTIVE, OTHER_PATH, UNTRAINED, WEAKER
from fvcli.trust.two_afc import Interval

FLAGS = (UNTRAINED, WEAKER, NOT_PREDICTIVE, OTHER_PATH, FRAGILE)

LEAST_CONTROLS = 20  # values that a percentile is taken of
STRICT = 95.0  # percent of other units' pictures that are below the path's threshold
LOOSE = 5.0  # percent of photos that are below the threshold of survival
# Where a run has too few controls. Of the path also the least: a network may be such that pictures of other
# units have nothing at all in common with photos.
USUAL_CHANCE, USUAL_PATH, USUAL_SURVIVAL = 0.5, 0.25, 0.3


@dataclass(frozen=True)
class Thresholds:
    """What is flagged.

    chance: The 2AFC share of other units' pictures; flagged is what is surely below: its interval's upper
    end.
    path: Of ``Found.path``; flagged is what is below.
    survival: Of ``Found.survival``; flagged is what is below.
    controls: How many values each comes from, in this order; 0 where it is the usual one.
    """

    chance: float
    path: float
    survival: float
    controls: tuple[int, int, int]


@dataclass(frozen=True)
class Found:
    """What was found of one unit; None where it could not be.

    strength: (saved - mean photo) / (best photo - mean photo).
    interval: Of the 2AFC share.
    path: The overlap of ways, where other units' pictures are 0 and the unit's photos 1.
    survival: The smaller of what is left after views and after a JPEG, as a share of what the picture has
        above the mean photo.
    untrained: Whether the network has random weights.
    """

    strength: float | None
    interval: Interval | None
    path: float | None
    survival: float | None
    untrained: bool = False


def thresholds_from(
    others: Sequence[float], other_ways: Sequence[float], photo_survivals: Sequence[float]
) -> Thresholds:
    """Return the thresholds that a run's controls give.

    Args:
        others: 2AFC shares of pictures of other units.
        other_ways: Overlaps of the ways of other units' pictures, scaled as ``Found.path``.
        photo_survivals: Of the strongest photo of each unit, as ``Found.survival``.
    """
    counts = [
        len(found) if len(found) >= LEAST_CONTROLS else 0 for found in (others, other_ways, photo_survivals)
    ]
    return Thresholds(
        chance=float(np.mean(others)) if counts[0] else USUAL_CHANCE,
        path=max(USUAL_PATH, float(np.percentile(other_ways, STRICT)) if counts[1] else USUAL_PATH),
        survival=float(np.percentile(photo_survivals, LOOSE)) if counts[2] else USUAL_SURVIVAL,
        controls=(counts[0], counts[1], counts[2]),
    )


def flags_of(found: Found, thresholds: Thresholds) -> tuple[str, ...]:
    """Return the flags of one unit, in the order of ``FLAGS``."""
    raised = {
        UNTRAINED: found.untrained,
        WEAKER: found.strength is not None and found.strength < 1.0,
        NOT_PREDICTIVE: found.interval is not None and found.interval.high < thresholds.chance,
        OTHER_PATH: found.path is not None and found.path < thresholds.path,
        FRAGILE: found.survival is not None and found.survival < thresholds.survival,
    }
    return tuple(flag for flag in FLAGS if raised[flag])
