"""Which entries of a chapter are alike, and where each stands on a map of it.

Entries are compared by the cosine of two vectors: of their activations on photos, each less its mean, or,
where there are no photos, of what their tiles look like.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

NEIGHBOURS = 8
LINKED = 12  # neighbours that hold an entry in its place on the map
A_BLOCK = 1024  # entries whose cosines are in memory at a time
A_GROUP = 16  # of which the largest is looked for
STEPS = 10_000  # of a cosine from 0 to 1: what is nearer than that is equal
LEAST = 4  # entries of a map
ROUNDS, SPARE = 60, 5  # of the search for eigenvectors, and how many more are sought
BRIDGE = 1e-4  # what holds islands together, of the strength of a link


class Neighbour(NamedTuple):
    """An entry by its position in the chapter, and its cosine."""

    position: int
    cosine: float


@dataclass(frozen=True)
class Vectors:
    """A vector of length one for each entry, float32 [entries, d], zero where nothing is known.

    source: Where they are from: ``activations`` or ``pictures``.
    """

    values: np.ndarray
    source: str

    @property
    def is_known(self) -> np.ndarray:
        """Whether something is known of each entry, bool [entries]."""
        known: np.ndarray = np.any(self.values != 0, axis=1)
        return known


@dataclass(frozen=True)
class Ranks:
    """How the entries of a page are arranged: by likeness in a row, and on a map of so many columns.

    order: Positions on the page, so that neighbours are alike.
    places: int32 [entries, 2], column and row on the map; -1 is nowhere.
    """

    order: Sequence[int]
    columns: int
    places: np.ndarray


@dataclass(frozen=True)
class Likeness:
    """How alike the entries of a chapter are.

    near: The most similar ones of each, the nearest first.
    ranks: Of each page.
    """

    vectors: Vectors
    near: Sequence[Sequence[Neighbour]]
    ranks: Sequence[Ranks]


def likeness_of(vectors: Vectors, a_page: int) -> Likeness:
    """Return how alike entries are, of which so many stand on a page."""
    ranks = []
    for begin in range(0, len(vectors.values), a_page):
        some = Vectors(vectors.values[begin : begin + a_page], vectors.source)
        ranks.append(Ranks(order(some), *places_on_map(some)))
    return Likeness(vectors, neighbours(vectors), ranks)


def vectors_of(values: np.ndarray, source: str, known: Sequence[bool]) -> Vectors:
    """Return the vectors of a table with a row for each entry; what all rows share is taken away.

    Args:
        values: [entries, d].
        source: Where they are from.
        known: Which rows say something.
    """
    there = np.asarray(known, bool)
    table = np.asarray(values, np.float32).copy()
    table[~there] = 0
    if there.any() and source == "pictures":
        table[there] -= table[there].mean(axis=0)
    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    return Vectors(np.divide(table, lengths, out=np.zeros_like(table), where=lengths > 1e-6), source)


def neighbours(vectors: Vectors, count: int = NEIGHBOURS) -> list[list[Neighbour]]:
    """Return the most similar entries of each, the nearest first; none of what is unknown.

    Of two that are equally near, to four digits, the first is nearer, so that a site is the same on every
    machine. Cosines are computed block by block, and each block serves its rows and its columns.
    """
    known = np.flatnonzero(vectors.is_known)
    values = vectors.values[known]
    size = len(known)
    found: list[list[Neighbour]] = [[] for _ in vectors.values]
    count = max(0, min(count, size - 1))
    if not count:
        return found
    nearest = _Nearest(size, count)
    begins = range(0, size, A_BLOCK)
    for row in begins:
        for column in begins[row // A_BLOCK :]:
            cosines = values[row : row + A_BLOCK] @ values[column : column + A_BLOCK].T
            if row == column:
                np.fill_diagonal(cosines, -2)  # nothing is near to itself
            nearest.add(row, column, cosines)
            if row != column:
                nearest.add(column, row, cosines.T)
    for place, positions, cosines in zip(known, nearest.positions, nearest.cosines, strict=True):
        pairs = zip(known[positions].tolist(), cosines.tolist(), strict=True)
        found[place] = [Neighbour(position, round(cosine, 3)) for position, cosine in pairs]
    return found


class _Nearest:
    """The nearest of each entry so far.

    positions: int64 [size, count], the nearest first.
    cosines, steps: Theirs, float64, and in ten-thousandths, int64.
    """

    def __init__(self, size: int, count: int) -> None:
        self._count = count
        self.positions = np.full((size, count), size)
        self.cosines = np.full((size, count), -2.0)
        self.steps = np.full((size, count), -STEPS * 2)

    def add(self, row: int, column: int, cosines: np.ndarray) -> None:
        """Note the cosines of some entries with some others, float32 [rows, columns].

        For each entry, blocks must come in the order of their columns: what is no nearer than all that was
        there before it is left out.
        """
        rows = slice(row, row + len(cosines))
        least = self.steps[rows, -1:]
        if (least == -STEPS * 2).any():
            least = np.maximum(least, _bound(cosines, self._count) - 1)
        enough = ((least + 0.25) / STEPS).astype(np.float32)  # a little less than what is rounded up to more
        at, across = _places_above(cosines, enough)
        if not len(at):
            return
        entries, at_entry = np.unique(at + row, return_inverse=True)
        cosine = np.concatenate([self.cosines[entries].ravel(), cosines[at, across]])
        position = np.concatenate([self.positions[entries].ravel(), across + column])
        entry = np.concatenate([np.repeat(np.arange(len(entries)), self._count), at_entry])
        steps = np.rint(cosine * STEPS).astype(np.int64)
        order = np.lexsort((position, -steps, entry))
        begins = np.searchsorted(entry[order], np.arange(len(entries)))
        kept = order[begins[:, None] + np.arange(self._count)]
        self.positions[entries], self.cosines[entries], self.steps[entries] = (
            position[kept],
            cosine[kept],
            steps[kept],
        )


def _places_above(cosines: np.ndarray, enough: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and columns where a table is above the value of its row, read as it lies in memory."""
    if cosines.flags.c_contiguous:
        at, across = np.divmod(np.flatnonzero(cosines > enough), cosines.shape[1])
    else:
        across, at = np.divmod(np.flatnonzero(cosines.T > enough.T), cosines.shape[0])
    return at, across


def _bound(cosines: np.ndarray, count: int) -> np.ndarray:
    """Return what at least so many of each row are not below, in ten-thousandths, int64 [rows, 1].

    It is found among the largest of groups, which is much quicker than to sort.
    """
    rows, columns = cosines.shape
    groups = columns // A_GROUP
    if groups < count:
        return np.full((rows, 1), -STEPS * 2)
    largest = cosines[:, : groups * A_GROUP].reshape(rows, groups, A_GROUP).max(axis=2)
    bound = np.partition(largest, groups - count, axis=1)[:, groups - count, None]
    steps: np.ndarray = np.floor(bound.astype(np.float64) * STEPS).astype(np.int64)
    return steps


def order(vectors: Vectors) -> list[int]:
    """Return the positions of all entries so that each is followed by the nearest that is left."""
    values, known = vectors.values, vectors.is_known
    left = np.flatnonzero(known)
    if not len(left):
        return list(range(len(values)))
    found, at = [], int(left[0])
    cosines = np.round(values @ values.T, 4)
    cosines[:, ~known] = -np.inf
    for _ in range(len(left)):
        found.append(at)
        cosines[:, at] = -np.inf
        at = int(np.argmax(cosines[at]))
    return [*found, *map(int, np.flatnonzero(~known))]


def distinct(vectors: Vectors, scores: Sequence[float], count: int) -> list[int]:
    """Return positions of entries that differ most from each other; so do the first few of them.

    The first is the one that is least like the others on the whole, and each next one the farthest from all
    those before.

    Args:
        vectors: Of the chapter's entries.
        scores: Of two that are equally far the one with the higher is taken.
        count: How many are wanted.
    """
    values, known = vectors.values, vectors.is_known
    if not known.any():
        return list(range(min(count, len(values))))
    nearest = values @ values[known].mean(axis=0)
    found: list[int] = []
    bonus = 1e-3 * np.argsort(np.argsort(scores, kind="stable"), kind="stable") / max(1, len(scores))
    for _ in range(min(count, int(known.sum()))):
        place = int(np.argmin(np.where(known, np.round(nearest, 3) - bonus, np.inf)))
        found.append(place)
        nearest = values @ values[place] if len(found) == 1 else np.maximum(nearest, values @ values[place])
        nearest[place] = np.inf
    return found


def places_on_map(vectors: Vectors) -> tuple[int, np.ndarray]:
    """Return the width of a grid, and column and row of each entry on it, int32 [entries, 2]; -1 is nowhere.

    Entries are drawn together by their nearest neighbours (Laplacian eigenmaps, Belkin and Niyogi 2003), then
    spread over the grid, first by columns and in each of these by rows, so that no two cover each other.
    """
    known = np.flatnonzero(vectors.is_known)
    places = np.full((len(vectors.values), 2), -1, np.int32)
    if len(known) < LEAST:
        return 0, places
    columns = int(np.ceil(np.sqrt(len(known) * 1.6)))
    rows = -(-len(known) // columns)
    flat = _eigenmap(vectors.values[known])
    by_column = np.argsort(flat[:, 0], kind="stable")
    for column, members in enumerate(np.array_split(by_column, -(-len(known) // rows))):
        by_row = members[np.argsort(flat[members, 1], kind="stable")]
        places[known[by_row]] = np.stack([np.full(len(by_row), column), np.arange(len(by_row))], axis=1)
    return -(-len(known) // rows), places


def _eigenmap(values: np.ndarray) -> np.ndarray:
    """Return two coordinates of each vector, float64 [n, 2]."""
    near = np.clip(np.asarray(values, np.float64) @ np.asarray(values, np.float64).T, 0, None)
    np.fill_diagonal(near, 0)
    links = min(LINKED, len(near) - 1)
    least = np.partition(near, -links, axis=1)[:, -links][:, None]
    kept = np.where(near >= least, near, 0)
    weights = np.maximum(kept, kept.T) + BRIDGE
    root = 1 / np.sqrt(weights.sum(axis=1))
    flat = _eigenvectors(weights * root[:, None] * root, 3)[:, 1:] * root[:, None]
    signs = np.sign(flat[np.abs(flat).argmax(axis=0), [0, 1]])
    rounded: np.ndarray = np.round(flat * np.where(signs == 0, 1, signs), 9)
    return rounded


def _eigenvectors(table: np.ndarray, count: int) -> np.ndarray:
    """Return the eigenvectors of the largest eigenvalues of a symmetric table, float64 [n, count].

    By subspace iteration, which is much quicker than finding all of them. The eigenvalues are raised by one,
    so that none below zero is larger than those that are sought.
    """
    size = len(table)
    begin = np.cos(np.outer(np.arange(1, size + 1), np.arange(min(size, count + SPARE))) * 0.7)  # no chance
    basis = np.linalg.qr(begin)[0]
    for _ in range(ROUNDS):
        basis = np.linalg.qr(table @ basis + basis)[0]
    _, turned = np.linalg.eigh(basis.T @ table @ basis)
    found: np.ndarray = basis @ turned[:, ::-1][:, :count]
    return found
