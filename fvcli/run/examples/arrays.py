"""The arrays of a layer's examples: layers/FOLDER.npz."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np


@dataclass(frozen=True)
class LayerArrays:
    """What is known of U units of a layer. T tiles are as ``layout`` has them; G is the size of the gallery.

    The statistic of a unit on a picture is the maximum over positions of its activation.

    channels: int32 [U], ascending.
    pictures: int32 [U, T], numbers of pictures; -1: none. Of a film numbers of frames.
    values: float32 [U, T], the statistic; NaN: none.
    boxes: int32 [U, T, 4]: top, left, height, width of the crop, in pixels of what the network saw; 0: none.
    quantiles: float32 [U, 11], of the statistic: the least, nine between the tenths, the greatest.
    bin_edges: float32 [U, 51], evenly from the least to the greatest of all pictures.
    histogram: int64 [U, 50], pictures of the sample in each bin; an edge belongs to the bin above it.
    mean: float32 [U], of the activation over all pictures and positions.
    max, min: float32 [U], of the statistic over all pictures.
    fires: float32 [U], share of the pictures whose statistic is above 0.
    density: float32 [U], share of all positions of all pictures whose activation is above 0.
    vectors: float16 [U, G], the statistic on the pictures of the gallery, each unit's minus its mean, over
        its standard deviation; 0 where that is 0.
    gallery: int32 [G], numbers of these pictures, ascending.
    effect_classes: int32 [U, 10], the 5 classes that a unit pushes most, then the 5 that it pushes against
        most, the strongest last; -1: none.
    effects: float32 [U, 10], how much; 0 where there is none.
    """

    channels: np.ndarray
    pictures: np.ndarray
    values: np.ndarray
    boxes: np.ndarray
    quantiles: np.ndarray
    bin_edges: np.ndarray
    histogram: np.ndarray
    mean: np.ndarray
    max: np.ndarray
    min: np.ndarray
    fires: np.ndarray
    density: np.ndarray
    vectors: np.ndarray
    gallery: np.ndarray
    effect_classes: np.ndarray
    effects: np.ndarray

    def to_npz(self) -> bytes:
        return npz({field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def from_npz(cls, content: bytes) -> LayerArrays:
        """Read arrays.

        Raises:
            ValueError, KeyError, OSError: They are none.
        """
        with np.load(io.BytesIO(content), allow_pickle=False) as found:
            return cls(**{field.name: found[field.name] for field in fields(cls)})

    def row(self, channel: int) -> int | None:
        """Return the row of a channel, or None if it has none."""
        row = int(np.searchsorted(self.channels, channel))
        return row if row < len(self.channels) and self.channels[row] == channel else None


def npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return the content of a .npz file; equal arrays give equal bytes."""
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **{name: arrays[name] for name in sorted(arrays)})
    return file.getvalue()
