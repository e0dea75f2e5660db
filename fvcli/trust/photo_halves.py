"""Which photos ask, and which may explain: two halves, so that no photo is asked about itself.

photos --every other--> half that explains: the strongest are what pictures are held against
                    \\-> half that asks: the strongest and the weakest are the queries
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LEAST_PHOTOS = 100
ASKED_SHARE = 0.02  # of the half that asks, on each side
LEAST_ASKED, MOST_ASKED = 5, 20


@dataclass(frozen=True)
class Halves:
    """Places of photos, int64 each.

    explaining: Of those that may be held against pictures.
    asking: Of those that queries are taken from.
    """

    explaining: np.ndarray
    asking: np.ndarray


@dataclass(frozen=True)
class Queries:
    """Places of the photos that are asked about one unit, int64 [N] each.

    strong: Those that excite it most, the strongest first.
    weak: Those that excite it least, the weakest first.

    Every strong one excites it more than every weak one. Both are empty if all photos excite it alike.
    """

    strong: np.ndarray
    weak: np.ndarray

    @property
    def can_be_asked(self) -> bool:
        return bool(len(self.strong))


def halves_of(count: int) -> Halves:
    """Return two halves of photos that are in an order by chance.

    Args:
        count: How many photos there are.
    """
    places = np.arange(count)
    return Halves(places[::2], places[1::2])


def asked_on_each_side(asking: int) -> int:
    """Return how many strong and how many weak photos are asked about, of so many that could be."""
    return int(np.clip(round(ASKED_SHARE * asking), LEAST_ASKED, MOST_ASKED))


def queries_of(values: np.ndarray, halves: Halves) -> Queries:
    """Return the photos that are asked about a unit.

    The most extreme ones, as in Borowski et al., *Exemplary Natural Images Explain CNN Activations Better
    than State-of-the-Art Feature Visualization*, ICLR 2021, section 3. Of equal values the earlier place
    goes first. Where strong and weak ones have a value in common, as behind a ReLU that few photos open,
    those that have it are left out, on one side at least.

    Args:
        values: [photos], the unit's objective on each.
        halves: Of the photos.
    """
    count = asked_on_each_side(len(halves.asking))
    order = strongest_of(values, halves.asking)
    strong, weak = order[:count], order[::-1][:count]
    if values[strong[-1]] > values[weak[-1]]:
        return Queries(strong, weak)
    tie = values[strong[-1]]
    above, below = strong[values[strong] > tie], weak[values[weak] < tie]
    if not len(above) and not len(below):
        return Queries(above, below)
    return Queries(above if len(above) else strong, below if len(below) else weak)


def strongest_of(values: np.ndarray, places: np.ndarray, count: int | None = None) -> np.ndarray:
    """Return the places of the photos that excite a unit most, the strongest first.

    Args:
        values: [photos], the unit's objective on each.
        places: Of the photos to choose from, int64.
        count: How many; all without a number.
    """
    chosen: np.ndarray = places[np.argsort(-values[places], kind="stable")][:count]
    return chosen


def references_of(values: np.ndarray, halves: Halves, count: int) -> np.ndarray:
    """Return the places of the strongest photos of the half that explains, strongest first.

    Args:
        values: [photos], the unit's objective on each.
        halves: Of the photos.
        count: How many.
    """
    return strongest_of(values, halves.explaining, count)
