"""How alike pictures and photos are to another network.

    pooled features of each layer --standardised by photos--> less what all pictures share --> length 1
    similarity: the mean over the layers of the cosine

Pictures of one recipe differ from photos all in the same way, such as in contrast and colours. A photo that
is a little like all pictures would win against one that is not, whatever the unit. So what the other
pictures of the run have in common is taken off first. Where there are few of them, less is taken off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SMALLEST_SPREAD = 1e-3  # of a layer's mean spread, so that a silent channel does not decide
FEW = 4.0  # as many pictures without anything in common are added to what pictures share
TINY = 1e-9

Features = Sequence[np.ndarray]  # [pictures, channels] of each layer


@dataclass(frozen=True)
class Space:
    """What photos are like in a network's layers: [channels] of each layer.

    means, spreads: Mean and standard deviation of a channel's pooled feature over the photos.
    """

    means: Sequence[np.ndarray]
    spreads: Sequence[np.ndarray]

    @classmethod
    def of(cls, photos: Features) -> Space:
        """Return the space of photos, [photos, channels] of each layer."""
        spreads = [layer.std(axis=0) for layer in photos]
        return cls(
            [layer.mean(axis=0) for layer in photos],
            [spread + SMALLEST_SPREAD * spread.mean() + TINY for spread in spreads],
        )

    def standardised(self, features: Features) -> list[np.ndarray]:
        """Return features in standard deviations of photos: z = (x - mean) / spread."""
        parts = zip(features, self.means, self.spreads, strict=True)
        return [(layer - mean) / spread for layer, mean, spread in parts]


def directions(features: Features, space: Space, groups: np.ndarray | None = None) -> list[np.ndarray]:
    """Return standardised features of length 1.

    Of pictures, what those of all other groups share is taken off before: the sum of the others, divided by
    how many they are and ``FEW`` more.

    Args:
        features: [pictures, channels] of each layer.
        space: Of photos.
        groups: int [pictures], what each picture shows, whatever the recipe. None for photos: nothing is
            taken off.
    """
    found = space.standardised(features)
    if groups is not None:
        found = [layer - _shared_by_others(layer, groups) for layer in found]
    return [layer / (np.linalg.norm(layer, axis=1, keepdims=True) + TINY) for layer in found]


def _shared_by_others(layer: np.ndarray, groups: np.ndarray) -> np.ndarray:
    count = int(groups.max()) + 1
    sums = np.zeros((count, layer.shape[1]), layer.dtype)
    np.add.at(sums, groups, layer)
    sizes = np.bincount(groups, minlength=count)
    others = sums.sum(axis=0) - sums
    shared: np.ndarray = (others / (len(layer) - sizes + FEW)[:, None])[groups]
    return shared


def similarities(photos: Sequence[np.ndarray], pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Return how alike each photo is to an explanation, [photos], from -1 to 1.

    The mean over the layers and the pictures of the cosine.

    Args:
        photos: Directions [photos, channels] of each layer.
        pictures: Directions [K, channels] of each layer, of the K pictures of the explanation.
    """
    each = [layer @ explaining.mean(axis=0) for layer, explaining in zip(photos, pictures, strict=True)]
    mean: np.ndarray = np.mean(each, axis=0)
    return mean
