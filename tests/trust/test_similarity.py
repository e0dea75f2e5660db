"""Similarities to pictures, against loops."""

from __future__ import annotations

import numpy as np
import pytest

from fvcli.trust.similarity import FEW, SMALLEST_SPREAD, TINY, Space, directions, similarities

RNG = np.random.default_rng(7)
PHOTOS = [RNG.normal(2, 3, (30, 5)), RNG.normal(-1, 0.5, (30, 8))]
PICTURES = [RNG.normal(4, 3, (6, 5)), RNG.normal(0, 0.5, (6, 8))]
GROUPS = np.array([0, 0, 1, 2, 3, 3])


def direction_by_hand(layer: int, picture: np.ndarray, group: int | None) -> np.ndarray:
    photos = PHOTOS[layer]
    spreads = [float(np.std(photos[:, c])) for c in range(photos.shape[1])]
    least = SMALLEST_SPREAD * sum(spreads) / len(spreads) + TINY

    def standardised(x: np.ndarray) -> np.ndarray:
        return np.array([(x[c] - np.mean(photos[:, c])) / (spreads[c] + least) for c in range(len(x))])

    found = standardised(picture)
    if group is not None:
        others = [standardised(x) for x, of in zip(PICTURES[layer], GROUPS, strict=True) if of != group]
        found = found - sum(others) / (len(others) + FEW)
    return found / (np.sqrt((found**2).sum()) + TINY)


def test_directions_are_those_of_loops() -> None:
    space = Space.of(PHOTOS)
    photos, pictures = directions(PHOTOS, space), directions(PICTURES, space, GROUPS)
    for layer in (0, 1):
        for i in range(30):
            assert photos[layer][i] == pytest.approx(
                direction_by_hand(layer, PHOTOS[layer][i], None), abs=1e-9
            )
        for i, group in enumerate(GROUPS):
            expected = direction_by_hand(layer, PICTURES[layer][i], int(group))
            assert pictures[layer][i] == pytest.approx(expected, abs=1e-9)


def test_a_similarity_is_the_mean_cosine_over_layers_and_pictures() -> None:
    space = Space.of(PHOTOS)
    photos, pictures = directions(PHOTOS, space), directions(PICTURES, space, GROUPS)
    found = similarities(photos, [layer[GROUPS == 0] for layer in pictures])
    by_hand = [
        np.mean([photos[layer][i] @ pictures[layer][k] for layer in (0, 1) for k in (0, 1)])
        for i in range(30)
    ]
    assert found == pytest.approx(by_hand, abs=1e-12)
    assert np.abs(found).max() <= 1.0


def test_what_all_pictures_share_does_not_count() -> None:
    """Pictures that all differ from photos in one way are told apart by the rest."""
    stream = np.random.default_rng(1)
    photos = [stream.normal(0, 1, (200, 16))]
    own = stream.normal(0, 1, (40, 16))
    moved = [own + 10.0]
    space = Space.of(photos)
    taken_off = directions(moved, space, np.arange(40))
    plain = directions(moved, space)
    true = directions([own], space)
    assert np.sum(taken_off[0] * true[0], axis=1).mean() > 0.6
    assert np.sum(plain[0] * true[0], axis=1).mean() < 0.3


def test_a_channel_that_never_changes_does_not_decide() -> None:
    photos = [np.column_stack([np.zeros(50), np.linspace(0, 1, 50)])]
    space = Space.of(photos)
    found = directions([np.array([[0.0, 1.0]])], space)[0][0]
    assert np.isfinite(found).all()
    assert found == pytest.approx([0.0, 1.0], abs=1e-6)
