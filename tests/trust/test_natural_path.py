"""The way through a network, against loops."""

from __future__ import annotations

import numpy as np
import pytest

from fvcli.trust.natural_path import (
    flow_overlap,
    flow_shares,
    overlap,
    rank_correlations,
    rank_path,
    scaled,
)

RNG = np.random.default_rng(11)


def test_shares_of_a_flow_add_up_and_leave_out_what_lowers_the_value() -> None:
    found = flow_shares(np.array([[3.0, -2.0, 1.0], [-1.0, -1.0, 0.0]]))
    assert found.tolist() == [[0.75, 0.0, 0.25], [0.0, 0.0, 0.0]]


def test_an_overlap_is_what_two_flows_have_in_common() -> None:
    assert overlap(np.array([0.5, 0.5, 0.0]), np.array([0.0, 0.5, 0.5])) == pytest.approx(0.5)
    assert overlap(np.array([0.2, 0.8]), np.array([0.2, 0.8])) == pytest.approx(1.0)
    assert overlap(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == 0.0


def test_overlaps_are_the_mean_over_layers_that_something_flows_through() -> None:
    pictures = [np.array([[1.0, 0.0], [0.5, 0.5]]), np.zeros((2, 3)), np.array([[0.0, 0.0], [1.0, 0.0]])]
    photos = [np.array([[1.0, 0.0], [0.0, 1.0]]), np.zeros((2, 3)), np.array([[1.0, 0.0], [1.0, 0.0]])]
    # layer 0: 0.5 and 1; layer 1: nothing flows; layer 2: 0, because only the photos flow there, and 1
    assert flow_overlap(pictures, photos).tolist() == [0.25, 1.0]


def spearman_by_hand(one: np.ndarray, other: np.ndarray) -> float:
    def ranks(x: np.ndarray) -> np.ndarray:
        return np.array([np.sum(x < value) + (np.sum(x == value) + 1) / 2 for value in x])

    return float(np.corrcoef(ranks(one), ranks(other))[0, 1])


def test_rank_correlations_are_spearmans_with_ties() -> None:
    one, other = RNG.integers(0, 4, (3, 12)).astype(float), RNG.normal(size=(4, 12))
    found = rank_correlations(one, other)
    by_hand = [[spearman_by_hand(a, b) for b in other] for a in one]
    assert found == pytest.approx(np.array(by_hand), abs=1e-12)
    assert rank_correlations(np.ones((1, 5)), other[:, :5]).tolist() == [[0.0] * 4]


def test_a_path_is_0_as_other_photos_and_1_as_the_units_own() -> None:
    pattern = np.linspace(0, 5, 40)
    like = [pattern + RNG.normal(0, 1, (7, 40))]
    unlike = [RNG.normal(0, 1, (60, 40))]
    own = np.mean([rank_path([pattern + RNG.normal(0, 1, 40)], like, unlike) for _ in range(40)])
    other = np.mean([rank_path([RNG.normal(0, 1, 40)], like, unlike) for _ in range(40)])
    assert own == pytest.approx(1.0, abs=0.1)
    assert other == pytest.approx(0.0, abs=0.1)


def test_a_path_of_two_layers_is_that_of_a_loop() -> None:
    sizes = 9, 14
    picture = [RNG.normal(size=n) for n in sizes]
    like, unlike = [RNG.normal(size=(4, n)) for n in sizes], [RNG.normal(size=(6, n)) for n in sizes]
    found = low = high = 0.0
    for p, own, others in zip(picture, like, unlike, strict=True):
        found += np.mean([spearman_by_hand(p, photo) for photo in own])
        low += np.mean([[spearman_by_hand(photo, other) for other in others] for photo in own])
        pairs = [spearman_by_hand(own[i], own[j]) for i in range(4) for j in range(4) if i != j]
        high += np.mean(pairs)
    expected = (found - low) / (high - low) if high > low else None
    assert rank_path(picture, like, unlike) == (None if expected is None else pytest.approx(expected))


def test_nothing_is_scaled_where_the_ends_are_the_same() -> None:
    assert scaled(0.7, 0.2, 0.2) is None
    assert scaled(0.7, 0.9, 0.2) is None
    assert scaled(0.7, 0.2, 1.2) == pytest.approx(0.5)
