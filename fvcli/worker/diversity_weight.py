"""The weight of ``diversity: {weight: auto}``: the largest one with which pictures beat the best photo.

Olah et al. 2017 ("Diversity") say that the weight is hard to choose: pictures of a weight that is too large
no longer excite the unit. So each group of pictures has short trials, and then its ascent:

    weight   trial     lowest score of the group, against the best photo
     3.16    ----->    above: try a larger one
    56.2     ----->    below: try a smaller one
    13.3     ----->    ...
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from fvcli.optvis.bisection import largest_passing
from fvcli.plan.weight_trials import HALVINGS, HIGHEST, LOWEST
from fvcli.worker.best_photos import BestPhoto

Trial = Callable[[np.ndarray], np.ndarray | None]


@dataclass(frozen=True)
class FoundWeight:
    """What trials came to for a group; scores have the unit's sign.

    weight: The largest one that passed; 0 where none did.
    photo: What pictures had to beat.
    trials: Each weight that was tried, and the lowest score of the group with it.
    """

    weight: float
    photo: BestPhoto
    trials: Sequence[tuple[float, float]]


class _StoppedError(Exception):
    """Trials were stopped."""


def found_weights(trial: Trial, photos: Sequence[BestPhoto], members: int) -> list[FoundWeight] | None:
    """Find the weight of each group; None if a trial was stopped.

    Args:
        trial: A weight for each group, float32 -> the plain objective of each picture [groups x members],
            or None if it was stopped.
        photos: The best one for each group.
        members: How many pictures a group has.
    """
    least = np.array([photo.score for photo in photos])
    tried: list[tuple[np.ndarray, np.ndarray]] = []

    def beat(weights: np.ndarray) -> np.ndarray:
        scores = trial(weights.astype(np.float32))
        if scores is None:
            raise _StoppedError
        lowest = scores.reshape(len(photos), members).min(axis=1)
        tried.append((weights.astype(np.float32), lowest))
        beats: np.ndarray = lowest > least  # not so where it is NaN
        return beats

    try:
        weights = largest_passing(beat, len(photos), LOWEST, HIGHEST, HALVINGS)
    except _StoppedError:
        return None
    return [
        FoundWeight(float(np.float32(weights[i])), photo, [(float(w[i]), float(low[i])) for w, low in tried])
        for i, photo in enumerate(photos)
    ]
