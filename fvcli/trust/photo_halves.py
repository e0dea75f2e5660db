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
    """

    strong: np.ndarray
    weak: np.ndarray


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
    goes first.

    Args:
        values: [photos], the unit's objective on each.
        halves: Of the photos.
    """
    count = asked_on_each_side(len(halves.asking))
    order = halves.asking[np.argsort(-values[halves.asking], kind="stable")]
    return Queries(order[:count], order[::-1][:count])


def references_of(values: np.ndarray, halves: Halves, count: int) -> np.ndarray:
    """Return the places of the strongest photos of the half that explains, strongest first.

    Args:
        values: [photos], the unit's objective on each.
        halves: Of the photos.
        count: How many.
    """
    chosen: np.ndarray = halves.explaining[np.argsort(-values[halves.explaining], kind="stable")][:count]
    return chosen
