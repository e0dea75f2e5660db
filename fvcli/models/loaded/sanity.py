"""Say what a network makes of noise and of pictures, and whether that is what trained networks do."""

from __future__ import annotations

import numpy as np

from fvcli.models.choice import Preprocessing
from fvcli.models.loaded.guess_preprocessing import (
    MOST_LOGIT_DEVIATION,
    PICTURES,
    SMALLEST_LOGIT_DEVIATION,
)
from fvcli.models.loaded.probe_pictures import noise, test_pictures
from fvcli.models.loaded.subject import Subject

NEARLY_ALL = 0.9  # of the channels; trained networks have up to two thirds silent on four pictures


def sanity_lines(subject: Subject, preprocessing: Preprocessing, is_certain: bool = False) -> list[str]:
    """Return what the network makes of noise and of the built-in test pictures, one line each.

    Args:
        subject: The network.
        preprocessing: What its input is made of a picture by.
        is_certain: Whether that is known for certain, so that numbers which are too small have another cause.
    """
    size = (*subject.size_px, subject.channels, PICTURES)
    return [
        f"on {name}: {_statistics(subject, preprocessing, pictures, is_certain)}"
        for name, pictures in (("noise", noise(*size)), ("test pictures", test_pictures(*size)))
    ]


def _statistics(
    subject: Subject, preprocessing: Preprocessing, pictures: np.ndarray, is_certain: bool
) -> str:
    said = []
    relus = [node.name for node in subject.nodes.values() if node.kind in {"relu", "relu6"}]
    if relus:
        last = subject.read(preprocessing, pictures, relus[-1])
        silent = float((last.max(axis=(0, 1, 2)) <= 0).mean())
        said.append(f"{silent:.0%} of the channels of {relus[-1]} are silent ({_verdict_on_silent(silent)})")
    if subject.logits is not None:
        logits = subject.read(preprocessing, pictures, subject.logits)[:, 0, 0].astype(np.float64)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        sure = float((odds.max(axis=1) / odds.sum(axis=1)).mean())
        deviation = float(logits.std())
        said.append(f"the logits deviate by {deviation:.2g} ({_verdict_on_logits(deviation, is_certain)})")
        said.append(f"the likeliest class has {sure:.0%}")
    return ", ".join(said) or "nothing to tell by"


def _verdict_on_silent(share: float) -> str:
    return "nearly all: the preprocessing or the weights are wrong" if share >= NEARLY_ALL else "normal"


def _verdict_on_logits(deviation: float, is_certain: bool) -> str:
    if deviation < SMALLEST_LOGIT_DEVIATION and is_certain:
        return "too little: the network is not trained, or hardly"
    if deviation < SMALLEST_LOGIT_DEVIATION:
        return "too little: the preprocessing is wrong, or the network is not trained"
    return "too much: the preprocessing is probably wrong" if deviation > MOST_LOGIT_DEVIATION else "normal"
