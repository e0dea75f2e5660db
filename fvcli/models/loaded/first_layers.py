"""What a network makes of a picture before its first kernel: it tells the range that the network takes.

    picture --> Rescaling --> Normalization --> convolution       x / 127.5 - 1, x[..., ::-1] - mean
                                                                  BatchNormalization on the picture itself

All this is gain * (x - neutral) for each channel of the picture, whatever it is written with, so it is found
by asking what becomes of black, of white, and of each channel alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fvcli.models.choice import Preprocessing
from fvcli.models.graph import IMAGE, Node
from fvcli.models.loaded.subject import Subject, is_trained
from fvcli.optvis.calls import Normalization

LOOK_AT = 16  # layers at the beginning
NORMALIZES = "batch_norm"
SCALES = {"scale", "add", "subtract", "multiply", "divide", "negative", "bias", NORMALIZES}
PREPARES = {
    *("slice", "take", "split", "concat", "pad", "crop", "resize", "upsample", "average_pool", "max_pool"),
    *("augmentation", "identity", "dropout", "noise", "flip", "reversev2", "cast", "clip", "linear"),
    *("reshape", "expand_dims", "squeeze", "transpose"),
}
WIDE = Preprocessing((0.0, 255.0))  # far ends, so that small gains beside large shifts can be measured
LEARNT = tuple(1 - 0.99 ** (400 * 0.98**i) for i in range(330))  # after 400 to 0.5 steps of training
NEARLY = 0.999
LEAST_VARIANCE = 1e-12  # of a channel that is always the same
STRAIGHT = 1e-3  # of the width: so far may grey be from the middle of black and white


@dataclass(frozen=True)
class Entrance:
    """What a network does to each channel of the picture, in the network's order: gain * (x - neutral).

    layer: The last of the layers that do it.
    gain, neutral: [channels].
    learnt: How much of a BatchNormalization's statistics is supposed to be that of pictures; None: they were
        not learnt.
    """

    layer: str
    gain: np.ndarray
    neutral: np.ndarray
    learnt: float | None = None

    def ends(self, preprocessing: Preprocessing) -> tuple[np.ndarray, np.ndarray]:
        """Return what becomes of black and of white, [channels] each."""
        low, high = (np.broadcast_to(end, self.gain.shape) for end in preprocessing.ends)
        return self.gain * (low - self.neutral), self.gain * (high - self.neutral)

    @property
    def is_learnt(self) -> bool:
        return self.learnt is not None

    @property
    def only_scales(self) -> bool:
        return bool(np.allclose(self.gain * self.neutral, 0.0, atol=1e-6))

    @property
    def changes_nothing(self) -> bool:
        return bool(np.allclose(self.gain, 1.0, rtol=1e-3) and np.allclose(self.neutral, 0.0, atol=1e-6))


def entrances_of(subject: Subject) -> list[Entrance]:
    """Return what a network does to the picture itself; nothing if it begins with a kernel.

    There are several where it is a BatchNormalization of which nobody knows how far it has learnt.
    """
    for node in reversed([*_before_kernels(subject)]):
        if node.kind == NORMALIZES:
            found = _normalized(subject, node)
        else:
            measured = _measured(subject, node.name)
            found = [] if measured is None or measured.changes_nothing else [measured]
        if found:
            return found
    return []


def _before_kernels(subject: Subject) -> Iterator[Node]:
    """Yield the layers that scale the picture and are made of it by nothing but scaling and arranging."""
    known = {IMAGE}
    for node in list(subject.nodes.values())[:LOOK_AT]:
        if node.kind in SCALES | PREPARES and node.inputs and known.issuperset(node.inputs):
            known.add(node.name)
            if node.kind in SCALES:
                yield node


def _nothing(subject: Subject) -> Entrance:
    return Entrance(IMAGE, np.ones(subject.channels), np.zeros(subject.channels))


def _normalized(subject: Subject, node: Node) -> list[Entrance]:
    """Return a BatchNormalization by its statistics alone, as gamma and beta are not the pictures'."""
    role = subject.graph.calls[node.name].role
    if not isinstance(role, Normalization) or not is_trained(role):
        return []
    below = _nothing(subject) if node.inputs[0] == IMAGE else _measured(subject, node.inputs[0])
    mean, variance = role.mean, role.variance
    if below is None or mean is None or variance is None or len(mean) != len(below.gain):
        return []
    found = []
    for learnt in learnt_shares(variance):
        pictures_mean, pictures_variance = mean / learnt, (variance - (1 - learnt)) / learnt
        gain = below.gain / np.sqrt(np.maximum(pictures_variance, LEAST_VARIANCE))
        found.append(Entrance(node.name, gain, below.neutral + pictures_mean / below.gain, learnt))
    return found


def learnt_shares(variance: np.ndarray) -> list[float]:
    """Return how much of a moving variance may have been learnt, 1 first.

    The rest is the 1 that it began with. Each step of training changes it by a hundredth, so after few steps
    most of it is that 1.
    """
    return [1.0] + [share for share in LEARNT if 1 - share < variance.min() * NEARLY]


def _measured(subject: Subject, layer: str) -> Entrance | None:
    """Return what has become of the picture at a layer; None if it is not one gain for each channel."""
    count, (height, width) = subject.channels, subject.size_px
    shades = np.concatenate([np.repeat([[0.0], [1.0], [0.5]], count, axis=1), np.eye(count)])
    pictures = np.broadcast_to(shades[:, None, None], (len(shades), height, width, count))
    made = subject.read(WIDE, np.ascontiguousarray(pictures, np.float32), layer)
    black, white, grey, *alone = np.median(made.astype(np.float64), axis=(1, 2))  # [outputs] each
    whole = white - black
    if np.any(whole == 0) or not np.allclose(2 * grey, black + white, atol=STRAIGHT * np.abs(whole).max()):
        return None
    shares = (np.stack(alone) - black) / whole  # [channels, outputs]
    source = np.abs(shares).argmax(axis=0)
    gain, neutral = whole / 255.0, -black * 255.0 / whole  # [outputs]
    if np.allclose(shares[source, np.arange(len(source))], 1.0, atol=1e-2) and {*source} == {*range(count)}:
        of_each = [np.flatnonzero(source == i)[0] for i in range(count)]
        return Entrance(layer, gain[of_each], neutral[of_each])
    if len(whole) > 1:  # colours are mixed
        return None
    return Entrance(layer, np.full(count, gain[0]), np.full(count, neutral[0]))  # grey is made of them
