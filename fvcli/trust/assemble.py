"""From what networks said of units to numbers that people read: strength, way, survival and more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fvcli.trust.measured import Left, Way
from fvcli.trust.natural_path import flow_overlap, flow_shares, rank_path, scaled
from fvcli.trust.similarity import Features, Space, directions

FIRST_FIVE = 5
OTHER_PHOTOS = 50  # that the unit's own photos are compared with


def strength_of(picture: float, photos: np.ndarray) -> float | None:
    """Return how strongly a picture excites its unit: 0 as the mean photo, 1 as the best one.

    Args:
        picture: The signed objective of the saved picture.
        photos: [photos], of photos.

    Returns:
        None if all photos are alike.
    """
    return scaled(picture, float(photos.mean()), float(photos.max()))


@dataclass(frozen=True)
class WayFound:
    """How the way of one picture compares; see ``fvcli.run.scores.Way``.

    other_shares: Of some other units' pictures by their own ways: scaled like ``share``, each without itself
        among those that are 0.
    """

    overlap: float | None = None
    photos: float | None = None
    others: float | None = None
    share: float | None = None
    ranks: float | None = None
    other_shares: Sequence[float] = ()


def ways_found(
    ways: Sequence[Way], shows: np.ndarray, own: int, all_means: Sequence[np.ndarray]
) -> list[WayFound]:
    """Return how the ways of units of one layer compare.

    Args:
        ways: Of each unit.
        shows: int [units]: units that show the same, by whatever recipe, have the same number, and are not
            held against each other.
        own: How many photos there are of each half.
        all_means: Of each layer, [photos, channels], of other photos.
    """
    if not ways or not ways[0].products:
        return [WayFound() for _ in ways]
    flows = [[flow_shares(layer) for layer in way.products] for way in ways]
    pictures = [[layer[:1] for layer in unit] for unit in flows]
    together = [np.concatenate([unit[i] for unit in pictures]) for i in range(len(pictures[0]))]
    found = []
    for place, unit in enumerate(flows):
        explaining = [layer[1 : own + 1] for layer in unit]
        asking = [layer[own + 1 :] for layer in unit]
        overlaps = flow_overlap(together, explaining)
        others = overlaps[shows != shows[place]]
        like = float(flow_overlap(asking, explaining).mean())
        unlike = float(others.mean()) if len(others) else None
        ranks = rank_path(
            [layer[0] for layer in ways[place].means],
            [layer[1 : own + 1] for layer in ways[place].means],
            [layer[:: max(1, len(layer) // OTHER_PHOTOS)] for layer in all_means],
        )
        value = float(overlaps[place])
        found.append(
            WayFound(
                value,
                like,
                unlike,
                None if unlike is None else scaled(value, unlike, like),
                ranks,
                _other_shares(others, like),
            )
        )
    return found


def _other_shares(others: np.ndarray, like: float) -> list[float]:
    """Return others, scaled as if each were the unit's own picture."""
    if len(others) < 2:  # nothing would be left to compare with
        return []
    rest = (others.sum() - others) / (len(others) - 1)
    shares = [scaled(float(value), float(unlike), like) for value, unlike in zip(others, rest, strict=True)]
    return [share for share in shares if share is not None]


def survival_of(left: Left, mean_photo: float) -> tuple[float | None, float | None]:
    """Return which share of what a picture has above the mean photo is left in views, and after a JPEG.

    Args:
        left: What is left of it.
        mean_photo: The signed objective of the mean photo.

    Returns:
        None, None if the picture has nothing above it.
    """
    above = left.saved - mean_photo
    if above <= 0:
        return None, None
    return (float(np.mean(left.views)) - mean_photo) / above, (left.jpeg - mean_photo) / above


def agreement_of(
    judged: Sequence[tuple[Features, Features]], groups: np.ndarray, alike: np.ndarray
) -> list[float | None]:
    """Return how alike the pictures of each unit are: the mean similarity of two, None where there is one.

    As other units' pictures: about 0; the same picture: 1.

    Args:
        judged: Pooled features of photos and of pictures, of each judge.
        groups: int [pictures], the unit of each.
        alike: int [pictures], what each shows, whatever the recipe.
    """
    found: list[list[float]] = [[] for _ in range(int(groups.max()) + 1)]
    for photos, pictures in judged:
        layers = directions(pictures, Space.of(photos), alike)
        for unit, values in enumerate(found):
            members = np.flatnonzero(groups == unit)
            if len(members) > 1:
                each = np.mean([layer[members] @ layer[members].T for layer in layers], axis=0)
                values.append(float((each.sum() - np.trace(each)) / (each.size - len(members))))
    return [float(np.mean(values)) if values else None for values in found]


def named_by(logits: np.ndarray, count: int = FIRST_FIVE) -> np.ndarray:
    """Return the classes with the largest logits, the largest first, int [pictures, count].

    Args:
        logits: [pictures, classes].
        count: How many.
    """
    first: np.ndarray = np.argsort(-logits, axis=1, kind="stable")[:, :count]
    return first
