"""How well pictures, photos and noise explain units, by the 2AFC task with other networks as judges.

[photos, explanations] similarities of each judge --strong and weak photos of each unit--> shares
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fvcli.trust.photo_halves import Halves, Queries, queries_of, references_of
from fvcli.trust.similarity import Features, Space, directions, similarities
from fvcli.trust.two_afc import Interval, interval_of, mis_of, share_of, wins_of

MOST_OTHERS = 8  # pictures of other units that a unit's photos are held against


@dataclass(frozen=True)
class JudgedFeatures:
    """Pooled features of one judge, [pictures, channels] of each layer.

    name: What people call the judge.
    photos: Of the photos, in the order of their places.
    pictures: Of the pictures of all units.
    noise: Of pictures of noise.
    """

    name: str
    photos: Features
    pictures: Features
    noise: Features


@dataclass(frozen=True)
class Explained:
    """How well one unit is explained; shares from 0 to 1, of which 0.5 is chance.

    share: Of pairs of photos that are told apart by its pictures, the mean over the judges.
    interval: Of the share, over other photos.
    mis: The mean probability of the right choice.
    by_judge: The share by judge.
    photos: The share by as many photos of the unit: the ceiling.
    photos_mis: The mean probability by them.
    noise: The share by pictures of noise: the floor.
    others: Shares by pictures of other units, if there are any.
    """

    share: float
    interval: Interval
    mis: float
    by_judge: Mapping[str, float]
    photos: float
    photos_mis: float
    noise: float
    others: Sequence[float]


def explain(
    judges: Sequence[JudgedFeatures],
    groups: np.ndarray,
    values: np.ndarray,
    halves: Halves,
    alike: np.ndarray | None = None,
) -> list[Explained | None]:
    """Return how well each unit is explained; None of a unit that all photos which may be asked excite alike.

    Args:
        judges: At least one.
        groups: int [pictures], the unit that each picture explains, from 0; several can explain one.
        values: [photos, units], signed objectives.
        halves: Of the photos.
        alike: int [pictures]: units whose pictures have one number are no others for each other, such as one
            channel by two recipes. By default every unit is another one.
    """
    alike = groups if alike is None else alike
    asked = [_Asked(judge, groups, alike) for judge in judges]
    kinds = np.array([alike[groups == unit][0] for unit in range(values.shape[1])])
    return [_explained(asked, groups, values[:, unit], halves, unit, kinds) for unit in range(len(kinds))]


def explained_by_photos(
    judges: Sequence[JudgedFeatures], values: np.ndarray, halves: Halves, count: int
) -> list[float]:
    """Return the share of each unit by some of its strongest photos; see ``Explained.photos``.

    Args:
        judges: At least one; their pictures are not heeded.
        values: [photos, units], signed objectives.
        halves: Of the photos.
        count: How many photos explain a unit.

    Raises:
        ValueError: All photos that may be asked about excite a unit alike.
    """
    seen = [directions(judge.photos, Space.of(judge.photos)) for judge in judges]

    def of(unit: int) -> float:
        places, queries = references_of(values[:, unit], halves, count), queries_of(values[:, unit], halves)
        if not queries.can_be_asked:
            raise ValueError(f"unit {unit}: all photos excite it alike")
        found = [similarities(photos, [layer[places] for layer in photos]) for photos in seen]
        return _mean_share(found, queries)

    return [of(unit) for unit in range(values.shape[1])]


class _Asked:
    """What one judge makes of photos and explanations."""

    def __init__(self, judge: JudgedFeatures, groups: np.ndarray, alike: np.ndarray) -> None:
        self.name = judge.name
        space = Space.of(judge.photos)
        self._photos = directions(judge.photos, space)
        self._pictures = directions(judge.pictures, space, alike)
        noise = directions(judge.noise, space, np.arange(len(judge.noise[0])))
        self.noise = [self._similar([layer[[i]] for layer in noise]) for i in range(len(noise[0]))]
        self.units = [
            self._similar([layer[groups == unit] for layer in self._pictures])
            for unit in range(int(groups.max()) + 1)
        ]

    def _similar(self, explanation: Sequence[np.ndarray]) -> np.ndarray:
        return similarities(self._photos, explanation)

    def by_photos(self, places: np.ndarray) -> np.ndarray:
        return self._similar([layer[places] for layer in self._photos])


def _explained(
    asked: Sequence[_Asked],
    groups: np.ndarray,
    values: np.ndarray,
    halves: Halves,
    unit: int,
    kinds: np.ndarray,
) -> Explained | None:
    queries = queries_of(values, halves)
    if not queries.can_be_asked:
        return None
    references = references_of(values, halves, int((groups == unit).sum()))
    own = [judge.units[unit] for judge in asked]
    photos = [judge.by_photos(references) for judge in asked]
    wins = [wins_of(found[queries.strong], found[queries.weak]) for found in own]
    others = _others(unit, kinds)
    return Explained(
        share=float(np.mean(wins)),
        interval=interval_of(np.mean(wins, axis=0)),
        mis=_mean_mis(own, queries),
        by_judge={judge.name: float(won.mean()) for judge, won in zip(asked, wins, strict=True)},
        photos=_mean_share(photos, queries),
        photos_mis=_mean_mis(photos, queries),
        noise=float(
            np.mean([_mean_share(found, queries) for found in zip(*(j.noise for j in asked), strict=True)])
        ),
        others=[_mean_share([judge.units[other] for judge in asked], queries) for other in others],
    )


def _others(unit: int, kinds: np.ndarray) -> list[int]:
    """Return some units of other kinds, evenly spread, the same ones whenever it is asked."""
    rest = [int(other) for other in np.flatnonzero(kinds != kinds[unit])]
    step = max(1, len(rest) // MOST_OTHERS)
    return rest[unit % step :: step][:MOST_OTHERS]


def _mean_share(found: Sequence[np.ndarray], queries: Queries) -> float:
    return float(np.mean([share_of(each[queries.strong], each[queries.weak]) for each in found]))


def _mean_mis(found: Sequence[np.ndarray], queries: Queries) -> float:
    return float(np.mean([mis_of(each[queries.strong], each[queries.weak]) for each in found]))
