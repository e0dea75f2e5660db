"""The two-alternative forced-choice task (2AFC), without people.

Somebody sees the pictures of a unit and two photos, one that excites it strongly and one that excites it
weakly, and says which is the strong one (Borowski et al., ICLR 2021; Zimmermann et al., *How Well do
Feature Visualizations Support Causal Understanding of CNN Activations?*, NeurIPS 2021). Here another
network is asked which photo is more similar to the pictures, as in Zimmermann, Klindt, Brendel, *Measuring
Per-Unit Interpretability at Scale Without Humans*, NeurIPS 2024 (MIS).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

MIS_SLOPE = 18.0  # per unit of similarity; the most likely one for what nine photos of a unit explain
DRAWS = 1000
SEED = 20210503
TAILS = (2.5, 97.5)


class Interval(NamedTuple):
    """A 95 % interval by the bootstrap."""

    low: float
    high: float


def wins_of(strong: np.ndarray, weak: np.ndarray) -> np.ndarray:
    """Return how each pair ends, [N, M]: 1 if the strong photo is more similar, 0 if not, 0.5 for a tie.

    Args:
        strong: [N], similarities of strong photos to the explanation.
        weak: [M], of weak ones.
    """
    apart = strong[:, None] - weak[None, :]
    return np.where(apart > 0, 1.0, np.where(apart < 0, 0.0, 0.5))


def share_of(strong: np.ndarray, weak: np.ndarray) -> float:
    """Return the share of pairs that are told apart rightly, 0 to 1; 0.5 is chance.

    Args:
        strong, weak: See ``wins_of``.
    """
    return float(wins_of(strong, weak).mean())


def mis_of(strong: np.ndarray, weak: np.ndarray, slope: float = MIS_SLOPE) -> float:
    """Return the mean probability of the right choice, 0 to 1: of 1 / (1 + exp(-slope * difference)).

    Zimmermann et al. 2024, section 3: similarities to pictures of what excites the unit, less those to
    pictures of what inhibits it; if there are none of the latter, they count as 0. Their similarity is
    DreamSim, so their slope is another, and numbers cannot be compared with theirs.

    Args:
        strong, weak: [N] and [M], similarities to the explanation.
        slope: Probability grows with it.
    """
    apart = strong[:, None] - weak[None, :]
    return float((1.0 / (1.0 + np.exp(-slope * apart))).mean())


def interval_of(wins: np.ndarray, draws: int = DRAWS, seed: int = SEED) -> Interval:
    """Return the 95 % interval of a share over other photos: both kinds are drawn again, with repeats.

    Efron, Tibshirani, *An Introduction to the Bootstrap*, 1993: percentiles. Photos are drawn, not pairs,
    because pairs that share a photo depend on each other.

    Args:
        wins: [N, M], from ``wins_of``; the mean of several networks' is fine.
        draws: How often.
        seed: Of the draws.
    """
    stream = np.random.default_rng(seed)
    rows = stream.integers(0, wins.shape[0], (draws, wins.shape[0]))
    columns = stream.integers(0, wins.shape[1], (draws, wins.shape[1]))
    counted = _counts(rows, wins.shape[0]) @ wins  # [draws, M]
    shares = (counted * _counts(columns, wins.shape[1])).sum(axis=1) / wins.size
    low, high = np.percentile(shares, TAILS)
    return Interval(float(low), float(high))


def _counts(places: np.ndarray, count: int) -> np.ndarray:
    """Return how often each place is in each row, [draws, count]."""
    found = np.zeros((len(places), count))
    np.add.at(found, (np.arange(len(places))[:, None], places), 1.0)
    return found


def interval_of_mean(values: np.ndarray, draws: int = DRAWS, seed: int = SEED) -> Interval:
    """Return the 95 % interval of the mean of units' values over other units.

    Args:
        values: [units].
        draws: How often.
        seed: Of the draws.
    """
    places = np.random.default_rng(seed).integers(0, len(values), (draws, len(values)))
    low, high = np.percentile(values[places].mean(axis=1), TAILS)
    return Interval(float(low), float(high))
