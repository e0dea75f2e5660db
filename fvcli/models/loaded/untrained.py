"""Tell whether a network is as it was made, before any training."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fvcli.models.loaded.guess_preprocessing import logit_deviation
from fvcli.models.loaded.probe_pictures import test_pictures
from fvcli.models.loaded.subject import Subject
from fvcli.optvis.calls import CallGraph, Linear, Normalization

FEWEST = 2  # arrays that have to agree: a single bias of zeros is no evidence
# Trained classifiers that get a range that is 255 times too small: 0.16 and more measured.
HARDLY = 0.03
PICTURES = 2
SO = "these weights look untrained, so pictures show nothing that was learnt"


def untrained(subject: Subject) -> str | None:
    """Return why a network looks untrained, as a sentence, or None."""
    starts = [*_still_at_the_start(subject.graph)]
    if len(starts) >= FEWEST and all(starts):
        return f"{SO}: all biases are 0, and no BatchNormalization has statistics of training"
    if starts and not all(starts):
        return None
    if (deviation := _most_the_logits_differ(subject)) is not None and deviation < HARDLY:
        return f"{SO}: whatever the range of the input, the logits hardly differ ({deviation:.2g} at most)"
    return None


def _still_at_the_start(graph: CallGraph) -> Iterator[bool]:
    """Yield for each bias and each normalization whether it has the values that training begins with."""
    for call in graph.calls.values():
        if isinstance(call.role, Linear) and call.role.bias is not None:
            yield not np.any(call.role.bias)
        elif isinstance(call.role, Normalization):
            yield _is_as_made(call.role)


def _is_as_made(normalization: Normalization) -> bool:
    mean, variance = normalization.mean, normalization.variance
    if mean is None or variance is None:
        return False
    return not np.any(mean) and bool(np.all(variance == 1.0)) and not np.any(normalization.shift)


def _most_the_logits_differ(subject: Subject) -> float | None:
    pictures = test_pictures(*subject.size_px, subject.channels, PICTURES)
    found = [logit_deviation(subject, candidate, pictures) for candidate in subject.candidates]
    return max((deviation for deviation in found if deviation is not None), default=None)
