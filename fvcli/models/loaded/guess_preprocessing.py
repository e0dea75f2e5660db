"""Guess what a network's input is made of a picture by, and tell whether what is declared can be right.

A network that normalizes carries the mean and the variance of what its first convolution made of the
training pictures. On pictures with the statistics of photos the right preprocessing gives the same, and
others do not. Without that, the evidence for the classes tells: of a tenth of the right range a network
makes nothing, and of a hundred times it far too much.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from fvcli.errors import CONTINUED
from fvcli.models.choice import Preprocessing
from fvcli.models.graph import Node, Pair
from fvcli.models.loaded.probe_pictures import test_pictures
from fvcli.models.zoo.applications import BUILT_IN, CAFFE, TF, TORCH
from fvcli.optvis.calls import CallGraph, Linear, Normalization
from fvcli.optvis.network import Network

UNIT = Preprocessing((0.0, 1.0))
COLOUR_CANDIDATES = (TF, TORCH, UNIT, CAFFE, BUILT_IN)  # the likelier ones first
GREY_CANDIDATES = (UNIT, TF, BUILT_IN)
SCALERS = (BUILT_IN, UNIT, TF)  # what networks take that begin with layers that scale
SCALES_ITSELF = "scale"  # the kind of these layers
LOOK_AT = 6  # layers, for one of that kind
# How far apart black and white are before the first convolution: of a network that takes small numbers, and
# of one that takes pixels from 0 to 255 as they are.
SMALL_WIDTHS, PIXEL_WIDTHS = (0.5, 8.0), (100.0, 300.0)
PICTURES = 4
TYPICAL_LOGIT_DEVIATION = 2.0  # of trained classifiers: 1.3 to 3 measured
SMALLEST_LOGIT_DEVIATION, MOST_LOGIT_DEVIATION = 0.3, 20.0  # beyond these something is wrong
MISFIT_TO_DOUBT = 0.3  # half a nat is a variance wrong by a factor of three or so
TIE = 0.3  # misfits that differ by less tell nothing
STATISTICS = "the statistics of its first normalization"
HOW = "declare value_range, mean and std to be sure, and BGR as channel_order if the network takes that"
IF_BGR = "if it takes BGR, declare channel_order: BGR"


@dataclass(frozen=True)
class Subject:
    """A network of which the preprocessing is in question.

    nodes: Its layers by name.
    logits: The layer with the evidence for classes, or None.
    """

    graph: CallGraph
    nodes: Mapping[str, Node]
    channels: int
    size_px: Pair
    logits: str | None

    def read(self, preprocessing: Preprocessing, pictures: np.ndarray, layer: str) -> np.ndarray:
        """Return a layer's activations on pictures."""
        reverse = preprocessing.channel_order == "BGR"
        network = Network(self.graph, preprocessing.ends, reverse_channels=reverse)
        return network(tf.constant(pictures), redirect=False)(layer).numpy()

    @property
    def scaler(self) -> str | None:
        """The last of the layers by which the network scales its input itself."""
        first = list(self.nodes.values())[:LOOK_AT]
        return next((node.name for node in reversed(first) if node.kind == SCALES_ITSELF), None)

    @property
    def candidates(self) -> tuple[Preprocessing, ...]:
        return COLOUR_CANDIDATES if self.channels == 3 else GREY_CANDIDATES

    @property
    def first_normalization(self) -> tuple[str, Normalization] | None:
        """The first convolution that is normalized with statistics of its training, and they."""
        for call in self.graph.calls.values():
            known = isinstance(call.role, Normalization) and _is_trained(call.role)
            below = call.inputs[0] if call.inputs else None
            if known and below is not None and isinstance(below.role, Linear) and below.name:
                return below.name, call.role
        return None


@dataclass(frozen=True)
class Guess:
    """A guess, and how it was found, as a sentence.

    is_certain: Whether the network itself leaves no other choice.
    """

    preprocessing: Preprocessing
    reason: str
    is_certain: bool = False


def _is_trained(normalization: Normalization) -> bool:
    """Tell whether it has statistics, and not those that it began with."""
    mean, variance = normalization.mean, normalization.variance
    if mean is None or variance is None:
        return False
    return bool(np.any(mean != 0.0) or np.any(variance != 1.0))


def guess_preprocessing(subject: Subject, is_untrained: bool = False) -> Guess:
    """Return the most likely preprocessing; of an untrained network only the layers tell, not the weights."""
    if (scaler := subject.scaler) is not None:
        fitting = [one for one in SCALERS if _is_plausible(_scaled(subject, one, scaler))]
        if len(fitting) == 1:
            said = fitting[0].said(subject.channels)
            because = f"because the network scales its input itself, in {scaler}"
            return Guess(fitting[0], f"preprocessing: {said}, {because}; {IF_BGR}", is_certain=True)
    found = {} if is_untrained else misfits(subject, _pictures(subject))
    if not found:
        best = BUILT_IN if scaler else TF
        said = best.said(subject.channels)
        return Guess(best, f"preprocessing guessed without any evidence: {said}; {HOW}")
    return _best_of(subject, found)


def _best_of(subject: Subject, found: Mapping[Preprocessing, float]) -> Guess:
    """Take the smallest misfit of statistics; of equal misfits of logits, the most common preprocessing."""
    fitting = _as_good(found)
    measures = subject.first_normalization is not None
    best = min(fitting, key=found.__getitem__) if measures else fitting[0]
    said = best.said(subject.channels)
    rest = min((misfit for one, misfit in found.items() if one not in fitting), default=np.inf)
    if measures and len(fitting) == 1 and found[best] < MISFIT_TO_DOUBT and rest > 4 * found[best]:
        evidence = f"by {STATISTICS} (misfit {found[best]:.2f}, of others {rest:.2f} or more)"
        return Guess(best, f"preprocessing: {said}, {evidence}; {IF_BGR}", is_certain=True)
    why = _why(measures, len(fitting))
    return Guess(
        best, f"preprocessing guessed: {said}, {why}.{_listed(subject, found, best)}\n{CONTINUED}{HOW}"
    )


def _as_good(found: Mapping[Preprocessing, float]) -> list[Preprocessing]:
    """Return the candidates that cannot be told from the best one, the more common first."""
    return [candidate for candidate, misfit in found.items() if misfit < min(found.values()) + TIE]


def _why(measures: bool, fitting: int) -> str:
    if measures:
        return f"by {STATISTICS}"
    if fitting == 1:
        return "by the scale of its logits"
    return (
        f"because it is the most common of {fitting} that fit. The scale of the logits tells no more, and a "
        f"difference in misfit below {TIE:g} says nothing"
    )


def _listed(
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


def _pictures(subject: Subject) -> np.ndarray:
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
    return None if deviation is None else _misfit_of_logits(deviation)


def logit_deviation(subject: Subject, preprocessing: Preprocessing, pictures: np.ndarray) -> float | None:
    """Return the standard deviation of all logits of some pictures, or None without logits."""
    if subject.logits is None:
        return None
    return float(subject.read(preprocessing, pictures, subject.logits).std())


def _misfit_of_logits(deviation: float) -> float:
    return abs(float(np.log(max(deviation, 1e-9) / TYPICAL_LOGIT_DEVIATION)))


def _divergence(activations: np.ndarray, normalization: Normalization) -> float:
    mean, variance = normalization.mean, normalization.variance
    assert mean is not None  # with the variance
    assert variance is not None
    alive = variance > 1e-6
    found = activations.mean((0, 1, 2), np.float64)[alive], activations.var((0, 1, 2), np.float64)[alive]
    mean, variance = mean[alive], variance[alive]
    ratio = np.maximum(found[1], 1e-12) / variance
    nats = 0.5 * (ratio - 1 - np.log(ratio) + (found[0] - mean) ** 2 / variance)
    return float(np.median(nats)) if alive.any() else 0.0


def _scaled(subject: Subject, preprocessing: Preprocessing, layer: str) -> tuple[float, float]:
    """Return what a layer makes of black and of white, as means over channels."""
    height, width = subject.size_px
    black_white = np.stack([np.full((height, width, subject.channels), end, np.float32) for end in (0, 1)])
    low, high = subject.read(preprocessing, black_white, layer).mean(axis=(1, 2, 3), dtype=np.float64)
    return float(low), float(high)


def _is_plausible(scaled: tuple[float, float]) -> bool:
    width = scaled[1] - scaled[0]
    return any(low <= width <= high for low, high in (SMALL_WIDTHS, PIXEL_WIDTHS))


def _contradiction(subject: Subject, declared: Preprocessing) -> str | None:
    """Return how a declared preprocessing contradicts the layers that scale the input, or None."""
    if (scaler := subject.scaler) is None or _is_plausible(own := _scaled(subject, declared, scaler)):
        return None
    others = [(one, found) for one in SCALERS if _is_plausible(found := _scaled(subject, one, scaler))]
    better = (
        f"; {others[0][0].said(subject.channels)} would become {others[0][1][0]:.3g} to {others[0][1][1]:.3g}"
        if others
        else ""
    )
    return (
        f"the declared preprocessing ({declared.said(subject.channels)}) contradicts the network, which "
        f"scales its input itself: {scaler} makes {own[0]:.3g} to {own[1]:.3g} of black to white{better}"
    )


def doubt(subject: Subject, preprocessing: Preprocessing, is_untrained: bool = False) -> str | None:
    """Return why a declared preprocessing can hardly be right, as a sentence, or None."""
    if (said := _contradiction(subject, preprocessing)) is not None or is_untrained:
        return said
    pictures = _pictures(subject)
    own = misfit_of(subject, preprocessing, pictures)
    if own is None or own < MISFIT_TO_DOUBT:
        return None
    if subject.first_normalization is None:
        limits = SMALLEST_LOGIT_DEVIATION, MOST_LOGIT_DEVIATION
        if own < min(map(_misfit_of_logits, limits)):
            return None
    found = misfits(subject, pictures)
    if own < 4 * min(found.values()):
        return None
    said = preprocessing.said(subject.channels)
    listed = _listed(subject, found)
    return f"the declared preprocessing ({said}) fits badly, with a misfit of {own:.2f}.{listed}"
