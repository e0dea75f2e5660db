"""Guess what a network's input is made of a picture by.

The first layers tell it, where they scale the picture. Else a network that normalizes carries the mean and
the variance of what its first convolution made of the training pictures. On pictures with the statistics of
photos the right preprocessing gives the same, and others do not. Without that, the evidence for the classes
tells: of a tenth of the right range a network makes nothing, and of a hundred times it far too much.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fvcli.errors import CONTINUED
from fvcli.models.choice import COLOURS, Preprocessing
from fvcli.models.loaded.first_layers import Entrance, entrances_of, learnt_shares
from fvcli.models.loaded.probe_pictures import test_pictures
from fvcli.models.loaded.range_of_first_layers import Range, as_adapted, range_of
from fvcli.models.loaded.subject import Subject
from fvcli.models.zoo.applications import BUILT_IN
from fvcli.optvis.calls import Normalization

PICTURES = 4
TYPICAL_LOGIT_DEVIATION = 2.0  # of trained classifiers: 1.3 to 3 measured
SMALLEST_LOGIT_DEVIATION, MOST_LOGIT_DEVIATION = 0.3, 20.0  # beyond these something is wrong
MISFIT_TO_DOUBT = 0.3  # half a nat is a variance wrong by a factor of three or so
TIE = 0.3  # misfits that differ by less tell nothing
PARTLY_LEARNT = 0.2  # misfit of statistics that are taken for partly those that they began with, as few are
ALIKE = 0.4  # logarithms of variances that differ by less; those of trained networks differ by more than 1
STATISTICS = "the statistics of its first normalization"
HOW = "declare value_range, mean and std to be sure"
OR_BGR = ", and BGR as channel_order if the network takes that"
IF_BGR = "; if it takes BGR, declare channel_order: BGR"


@dataclass(frozen=True)
class Guess:
    """A guess, and how it was found, as a sentence.

    is_certain: Whether the network itself leaves no other choice.
    """

    preprocessing: Preprocessing
    reason: str
    is_certain: bool = False


def guess_preprocessing(subject: Subject, is_untrained: bool = False) -> Guess:
    """Return the most likely preprocessing; of an untrained network only the first layers tell."""
    entrances = entrances_of(subject)
    if (known := range_of(entrances, subject.channels)) is not None:
        return _as_told(subject, entrances[0], known)
    if entrances and not entrances[0].only_scales and not entrances[0].is_learnt:
        return _as_adapted(subject, entrances[0])
    found = {} if is_untrained else misfits(subject, pictures_for(subject))
    if not found:
        best = BUILT_IN if entrances else subject.candidates[0]
        said = best.said(subject.channels)
        return Guess(best, f"preprocessing guessed without any evidence: {said}; {_how(subject)}")
    return _best_of(subject, found)


def _as_told(subject: Subject, entrance: Entrance, known: Range) -> Guess:
    said = known.preprocessing.said(subject.channels)
    because = f"because {_what_it_does(entrance, known.by_statistics)}"
    if not known.is_certain:
        return Guess(known.preprocessing, f"preprocessing guessed: {said}, {because}; {_how(subject)}")
    more = IF_BGR if subject.channels == COLOURS else ""
    if known.tells_order:
        more = ", which takes off the mean of photos in that order"
    return Guess(known.preprocessing, f"preprocessing: {said}, {because}{more}", is_certain=True)


def _what_it_does(entrance: Entrance, by_statistics: bool) -> str:
    if entrance.is_learnt:
        return f"the network begins with {entrance.layer}, which has the statistics of such pictures"
    if by_statistics:
        return _for_pictures(entrance)
    return f"the network scales its input itself, in {entrance.layer}"


def _for_pictures(entrance: Entrance) -> str:
    mean, deviation = entrance.neutral.mean(), 1 / np.abs(entrance.gain).mean()
    return f"{entrance.layer} is for pictures with the mean {mean:.3g} and the deviation {deviation:.3g}"


def _as_adapted(subject: Subject, entrance: Entrance) -> Guess:
    best = as_adapted(entrance)
    said, because = best.said(subject.channels), _for_pictures(entrance)
    return Guess(
        best, f"preprocessing guessed: {said}, because {because}, which have no usual range; {_how(subject)}"
    )


def _best_of(subject: Subject, found: Mapping[Preprocessing, float]) -> Guess:
    """Take the smallest misfit of statistics; of equal misfits of logits, the most common preprocessing."""
    fitting = _as_good(found)
    measures = subject.first_normalization is not None
    best = min(fitting, key=found.__getitem__) if measures else fitting[0]
    said = best.said(subject.channels)
    rest = min((misfit for one, misfit in found.items() if one not in fitting), default=np.inf)
    if measures and len(fitting) == 1 and found[best] < MISFIT_TO_DOUBT and rest > 4 * found[best]:
        evidence = f"by {STATISTICS} (misfit {found[best]:.2f}, of others {rest:.2f} or more)"
        more = IF_BGR if subject.channels == COLOURS else ""
        return Guess(best, f"preprocessing: {said}, {evidence}{more}", is_certain=True)
    why, misfit = _why(measures, len(fitting)), listed_misfits(subject, found, best)
    return Guess(best, f"preprocessing guessed: {said}, {why}.{misfit}\n{CONTINUED}{_how(subject)}")


def _how(subject: Subject) -> str:
    return HOW + (OR_BGR if subject.channels == COLOURS else "")


def _as_good(found: Mapping[Preprocessing, float]) -> list[Preprocessing]:
    """Return the candidates that cannot be told from the best one, the more common first."""
    return [candidate for candidate, misfit in found.items() if misfit < min(found.values()) + TIE]


def _why(measures: bool, fitting: int) -> str:
    if measures:
        alike = f", which hardly tells {fitting} that fit from each other" if fitting > 1 else ""
        return f"by {STATISTICS}{alike}"
    if fitting == 1:
        return "by the scale of its logits"
    return (
        f"because it is the most common of {fitting} that fit. The scale of the logits tells no more, and a "
        f"difference in misfit below {TIE:g} says nothing"
    )


def listed_misfits(
    subject: Subject, found: Mapping[Preprocessing, float], taken: Preprocessing | None = None
) -> str:
    """Say the misfit of each candidate, a line for each of the best, and one for all others."""
    fitting = _as_good(found)
    lines = [
        f"{found[one]:.2f}  {one.said(subject.channels)}{' (taken)' if one == taken else ''}"
        for one in sorted(fitting, key=found.__getitem__)
    ]
    rest = [misfit for one, misfit in found.items() if one not in fitting]
    lines += [f"{min(rest):.2f}  or more: all others"] if rest else []
    return "".join(
        f"\n{CONTINUED}{line}" for line in ["misfit of each candidate, where 0 is perfect:", *lines]
    )


def misfits(subject: Subject, pictures: np.ndarray) -> dict[Preprocessing, float]:
    """Return how badly each candidate fits, 0 being perfect; nothing where nothing can be told."""
    return {
        candidate: misfit
        for candidate in subject.candidates
        if (misfit := misfit_of(subject, candidate, pictures)) is not None
    }


def pictures_for(subject: Subject) -> np.ndarray:
    """Return fewer pictures where the whole network has to be computed."""
    count = PICTURES if subject.first_normalization is not None else PICTURES // 2
    return test_pictures(*subject.size_px, subject.channels, count)


def misfit_of(subject: Subject, preprocessing: Preprocessing, pictures: np.ndarray) -> float | None:
    """Return how far a network's activations on pictures are from what they were in training.

    With a normalization: the median over channels of the Kullback-Leibler divergence of two Gaussians, in
    nats; else how far the logarithm of the logits' deviation is from that of trained classifiers.
    """
    if subject.first_normalization is not None:
        layer, normalization = subject.first_normalization
        return _divergence(subject.read(preprocessing, pictures, layer), normalization)
    deviation = logit_deviation(subject, preprocessing, pictures)
    return None if deviation is None else misfit_of_logits(deviation)


def logit_deviation(subject: Subject, preprocessing: Preprocessing, pictures: np.ndarray) -> float | None:
    """Return the standard deviation of all logits of some pictures, or None without logits."""
    if subject.logits is None:
        return None
    return float(subject.read(preprocessing, pictures, subject.logits).std())


def misfit_of_logits(deviation: float) -> float:
    return abs(float(np.log(max(deviation, 1e-9) / TYPICAL_LOGIT_DEVIATION)))


def _divergence(activations: np.ndarray, normalization: Normalization) -> float:
    mean, variance = normalization.mean, normalization.variance
    assert mean is not None  # with the variance
    assert variance is not None
    alive = variance > 1e-6
    if not alive.any():
        return 0.0
    found = activations.mean((0, 1, 2), np.float64)[alive], activations.var((0, 1, 2), np.float64)[alive]
    mean, variance = mean[alive], variance[alive]
    # Variances that are all about the 1 that they began with have hardly learnt.
    partly = 0.0 if np.ptp(np.log(variance)) < ALIKE else PARTLY_LEARNT
    return min(
        _nats(share * found[0], share * found[1] + 1 - share, mean, variance) + (share < 1) * partly
        for share in learnt_shares(variance)
    )


def _nats(
    found_mean: np.ndarray, found_variance: np.ndarray, mean: np.ndarray, variance: np.ndarray
) -> float:
    """Return the median over channels of the divergence of Gaussians."""
    ratio = np.maximum(found_variance, 1e-12) / variance
    return float(np.median(0.5 * (ratio - 1 - np.log(ratio) + (found_mean - mean) ** 2 / variance)))
