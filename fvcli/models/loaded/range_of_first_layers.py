"""Tell the range of the pictures that a network was made for by what it does to them first.

Three signs, the most certain first:

- It takes off the mean that ImageNet's photos have: that tells even the order of colours.
- It makes a range that networks usually take, as x / 127.5 - 1 does, of one candidate and of no other.
- It was adapted to pictures, as Normalization is: then it has their mean and deviation. Both have to be
  possible in the candidate's range, and the deviation is about a quarter of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fvcli.models.choice import COLOURS, Preprocessing
from fvcli.models.loaded.first_layers import Entrance
from fvcli.models.loaded.subject import UNIT
from fvcli.models.zoo.applications import BUILT_IN, CAFFE, TF, TORCH

CENTRED = Preprocessing((-0.5, 0.5))
SCALED = (BUILT_IN, UNIT, TF)  # what networks take that scale it themselves
STANDARDIZED = (TORCH, CAFFE)
SIXTEEN_BITS = Preprocessing((0.0, 65535.0))
USUAL_RANGES = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0), (-0.5, 0.5), (-128.0, 127.0))
USUAL = 0.006  # of its width: so far may a range be from a usual one, as (x - 128) / 128 is
# Of photos from 0 to 255, in the order RGB; of ImageNet as torchvision, VGG, and Caffe have them.
PHOTO_MEANS = ((123.675, 116.28, 103.53), (123.68, 116.779, 103.939), (123.0, 117.0, 104.0))
SAME_MEAN = 1.0  # of 255
MEAN, DEVIATION = 0.45, 0.27  # of photos, as a share of their range
RARE = 0.3  # misfit of what few networks take
LEAST_MISFIT_APART = 0.25
MOST_MISFIT = 1.8  # a deviation of a 22nd of the range
# How far apart black and white are before the first convolution: of a network that takes small numbers, and
# of one that takes pixels from 0 to 255 as they are.
SMALL_WIDTHS, PIXEL_WIDTHS = (0.5, 8.0), (100.0, 300.0)
SAME_RANGE = 0.25  # of the width: so far may what is declared be from what was found


class Range(NamedTuple):
    """A preprocessing that an entrance was made for.

    tells_order: Whether it tells the order of colours, too.
    by_statistics: Whether the mean and the deviation of the pictures tell it.
    """

    preprocessing: Preprocessing
    is_certain: bool
    tells_order: bool = False
    by_statistics: bool = False


def range_of(entrances: Sequence[Entrance], channels: int) -> Range | None:
    """Return what the first layers say that the network takes, or None if they say nothing."""
    if not entrances:
        return None
    entrance = entrances[0]
    known = _of_photos(entrance, channels)
    if known is not None:
        return known
    usual = [one for one in (*SCALED, SIXTEEN_BITS) if _is_usual(entrance, one)]
    if len(usual) == 1 and not entrance.is_learnt:
        return Range(usual[0], is_certain=True)
    return _of_statistics(entrances, channels) or _of_width(entrance)


def _of_photos(entrance: Entrance, channels: int) -> Range | None:
    """Look for ImageNet's mean among what is taken off, at either scale and in either order."""
    if channels != COLOURS:
        return None
    for one in (BUILT_IN, UNIT):
        taken_off = entrance.neutral * 255.0 / one.value_range[1]
        for order, means in (("RGB", taken_off), ("BGR", taken_off[::-1])):
            if any(np.abs(means - known).max() < SAME_MEAN for known in PHOTO_MEANS):
                found = Preprocessing(one.value_range, channel_order=order)
                return Range(found, is_certain=True, tells_order=True)
    return None


def _is_usual(entrance: Entrance, candidate: Preprocessing) -> bool:
    low, high = entrance.ends(candidate)
    apart = USUAL * np.abs(high - low)
    return any(bool(np.all(abs(low - a) < apart) and np.all(abs(high - b) < apart)) for a, b in USUAL_RANGES)


def _of_statistics(entrances: Sequence[Entrance], channels: int) -> Range | None:
    more = (CENTRED, SIXTEEN_BITS, *(STANDARDIZED if channels == COLOURS else ()))
    candidates = SCALED if entrances[0].only_scales else (*SCALED, *more)
    found = {one: min(_misfit(entrance, one) for entrance in entrances) for one in candidates}
    best, second = sorted(found, key=found.__getitem__)[:2]
    if found[best] > MOST_MISFIT:
        return None
    apart = found[second] - found[best] > LEAST_MISFIT_APART
    settled = _misfit(entrances[0], best) <= found[best]  # as they stand
    return Range(best, is_certain=apart and settled, by_statistics=True)


def _misfit(entrance: Entrance, candidate: Preprocessing) -> float:
    is_partly_learnt = entrance.learnt not in {None, 1.0}
    return misfit_of_statistics(entrance, candidate) + (RARE if is_partly_learnt else 0.0)


def misfit_of_statistics(entrance: Entrance, candidate: Preprocessing) -> float:
    """Return how unlike photos' a mean and a deviation are in a range; infinite if they cannot be.

    A deviation can be no more than sqrt(p (1 - p)) of the range, where p is where in it the mean is: then all
    pictures are black and white (Bhatia, Davis 2000).
    """
    low, high = (np.broadcast_to(end, entrance.gain.shape) for end in candidate.ends)
    order = slice(None, None, -1 if candidate.channel_order == "BGR" else 1)
    mean = (entrance.neutral[order] - low) / (high - low)
    deviation = 1 / np.abs(entrance.gain * (high - low))
    if np.any(deviation**2 > 1.05 * mean * (1 - mean)):  # nor can the mean be outside
        return float("inf")
    unlike = np.abs(np.log(deviation / DEVIATION)).mean() + RARE * np.abs(mean - MEAN).mean()
    return float(unlike) + (0.0 if candidate in SCALED else RARE)


def _of_width(entrance: Entrance) -> Range | None:
    fitting = [one for one in SCALED if is_plausible(entrance, one)]
    return Range(fitting[0], is_certain=True) if len(fitting) == 1 else None


def is_plausible(entrance: Entrance, candidate: Preprocessing) -> bool:
    """Tell whether what becomes of black and white can be what a network takes."""
    low, high = (float(end.mean()) for end in entrance.ends(candidate))
    width = abs(high - low)
    about_zero = min(low, high) < 0.05 * width and max(low, high) > 0.3 * width
    return about_zero and any(least <= width <= most for least, most in (SMALL_WIDTHS, PIXEL_WIDTHS))


def is_same(one: Preprocessing, other: Preprocessing, channels: int) -> bool:
    """Tell whether two make about the same of black and of white."""
    ends = [np.stack([np.broadcast_to(end, channels) for end in each.ends]) for each in (one, other)]
    width = np.abs(ends[1][1] - ends[1][0])
    return bool(np.all(np.abs(ends[0] - ends[1]) < SAME_RANGE * width))


def as_adapted(entrance: Entrance) -> Preprocessing:
    """Return the range in which an entrance makes photos have the mean 0 and the deviation 1."""
    neutral, deviation = float(entrance.neutral.mean()), float(1 / np.abs(entrance.gain).mean())
    ends = neutral - deviation * MEAN / DEVIATION, neutral + deviation * (1 - MEAN) / DEVIATION
    return Preprocessing((_short(ends[0]), _short(ends[1])))


def _short(number: float) -> float:
    return float(f"{number:.3g}")
