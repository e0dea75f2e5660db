"""Likeness of entries: against plain NumPy, and what a map of them must be."""

from __future__ import annotations

import numpy as np
import pytest

from fvcli.atlas.site.similarity import Vectors, distinct, neighbours, order, places_on_map, vectors_of

CLUSTERS = 6


def table(count: int = 60, seed: int = 0) -> np.ndarray:
    """Return rows around a few centres: of equal rest they are alike."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(CLUSTERS, 16))
    return (centres[np.arange(count) % CLUSTERS] + 0.2 * rng.normal(size=(count, 16))).astype(np.float32)


def unit_rows(values: np.ndarray) -> np.ndarray:
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def with_unknown(count: int = 60, unknown: tuple[int, ...] = (0, 7, 59)) -> Vectors:
    known = np.ones(count, bool)
    known[list(unknown)] = False
    return vectors_of(table(count), "activations", known)


def test_vectors_have_length_one_and_unknown_ones_none() -> None:
    values = table()
    known = np.arange(60) != 3
    found = vectors_of(values, "activations", known)
    np.testing.assert_allclose(found.values[known], unit_rows(values)[known], rtol=1e-5)
    assert not found.values[3].any()
    np.testing.assert_array_equal(found.is_known, known)


def test_from_pictures_what_all_share_is_taken_away() -> None:
    values = table() + 100
    known = np.arange(60) != 3
    found = vectors_of(values, "pictures", known)
    expected = unit_rows(values[known] - values[known].mean(axis=0))
    np.testing.assert_allclose(found.values[known], expected, atol=1e-4)
    assert not vectors_of(np.full((3, 4), 7.0), "pictures", [True] * 3).values.any()  # all are the same


def test_neighbours_are_the_largest_cosines() -> None:
    vectors = with_unknown()
    values = vectors.values.astype(np.float64)
    cosines = values @ values.T
    np.fill_diagonal(cosines, -2)
    cosines[:, ~vectors.is_known] = -2
    for row, found in enumerate(neighbours(vectors, 8)):
        if not vectors.is_known[row]:
            assert found == []
            continue
        expected = np.sort(cosines[row])[::-1][:8]
        assert len(found) == len({one.position for one in found}) == 8
        np.testing.assert_allclose([one.cosine for one in found], expected, atol=1e-3)
        np.testing.assert_allclose(
            [cosines[row, one.position] for one in found], [one.cosine for one in found], atol=1e-3
        )


def test_more_entries_than_a_block_have_the_same_neighbours_and_ties_go_to_the_first() -> None:
    vectors = vectors_of(np.tile(np.eye(4, dtype=np.float32), (300, 1)), "activations", [True] * 1200)
    found = neighbours(vectors, 3)
    assert [one.position for one in found[0]] == [4, 8, 12]
    assert [one.position for one in found[1199]] == [3, 7, 11]
    assert {one.cosine for one in found[700]} == {1.0}


def test_few_entries_have_few_neighbours() -> None:
    assert neighbours(vectors_of(table(1), "activations", [True])) == [[]]
    assert [len(one) for one in neighbours(vectors_of(table(3), "activations", [True] * 3))] == [2, 2, 2]
    assert neighbours(vectors_of(table(3), "activations", [False] * 3)) == [[], [], []]


def test_each_in_the_row_is_the_nearest_that_is_left() -> None:
    vectors = with_unknown()
    found = order(vectors)
    assert sorted(found) == list(range(60))
    assert found[0] == 1  # the first that is known
    assert found[-3:] == [0, 7, 59]
    cosines = vectors.values @ vectors.values.T
    for place in range(56):
        left = found[place + 1 : 57]
        assert cosines[found[place], left[0]] >= cosines[found[place], left].max() - 1e-4


def test_distinct_entries_are_known_different_and_of_all_kinds() -> None:
    vectors = with_unknown()
    found = distinct(vectors, [0.0] * 60, CLUSTERS)
    assert len(set(found)) == len(found) == CLUSTERS
    assert distinct(vectors, [0.0] * 60, 3) == found[:3]  # so that a narrow page shows the most distinct, too
    assert {place % CLUSTERS for place in found} == set(range(CLUSTERS))
    assert not {0, 7, 59} & set(found)


def test_of_equally_distinct_entries_the_highest_score_is_taken() -> None:
    twins = np.repeat(np.eye(4, dtype=np.float32), 3, axis=0)
    scores = [0, 5, 1, 9, 2, 3, 0, 0, 1, 2, 4, 3]
    assert distinct(vectors_of(twins, "activations", [True] * 12), scores, 4) == [3, 1, 10, 8]


def test_what_nothing_is_known_of_is_shown_in_order() -> None:
    nothing = vectors_of(table(5), "activations", [False] * 5)
    assert distinct(nothing, [0.0] * 5, 3) == [0, 1, 2]
    assert distinct(nothing, [0.0] * 5, 12) == [0, 1, 2, 3, 4]
    assert order(nothing) == [0, 1, 2, 3, 4]
    columns, places = places_on_map(nothing)
    assert columns == 0
    assert (places == -1).all()


@pytest.mark.parametrize("count", [4, 5, 7, 60, 257])
def test_on_the_map_everything_known_has_a_place_of_its_own(count: int) -> None:
    columns, places = places_on_map(vectors_of(table(count), "activations", [True] * count))
    assert places.shape == (count, 2)
    assert len({tuple(place) for place in places.tolist()}) == count
    assert places.min() == 0
    assert places[:, 0].max() == columns - 1
    assert columns * (places[:, 1].max() + 1) < count + 2 * columns + 2  # hardly any place is empty


def test_the_unknown_are_nowhere_on_the_map() -> None:
    _, places = places_on_map(with_unknown())
    assert [i for i, place in enumerate(places.tolist()) if place == [-1, -1]] == [0, 7, 59]


def test_on_the_map_neighbours_stand_nearer_than_chance() -> None:
    vectors = vectors_of(table(240), "activations", [True] * 240)
    _, places = places_on_map(vectors)
    near = [
        np.linalg.norm(places[i] - places[one.position])
        for i, found in enumerate(neighbours(vectors))
        for one in found
    ]
    any_two = np.linalg.norm(places[:, None] - places[None], axis=2)
    assert np.mean(near) < 0.6 * any_two.mean()


def test_a_map_is_the_same_every_time() -> None:
    first, second = (places_on_map(vectors_of(table(100), "pictures", [True] * 100))[1] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_all_alike_entries_have_a_map_as_well() -> None:
    same = vectors_of(np.ones((9, 4)), "activations", [True] * 9)
    _, places = places_on_map(same)
    assert len({tuple(place) for place in places.tolist()}) == 9


@pytest.mark.parametrize("kinds", [0, 5])  # all different, or many that are equal
def test_blocks_find_what_sorting_all_cosines_finds(monkeypatch: pytest.MonkeyPatch, kinds: int) -> None:
    monkeypatch.setattr("fvcli.atlas.site.similarity.A_BLOCK", 64)
    monkeypatch.setattr("fvcli.atlas.site.similarity.A_GROUP", 4)
    values = table(500, seed=2)
    values = values[np.arange(500) % kinds] if kinds else values
    known = np.arange(500) % 9 != 4
    vectors = vectors_of(values, "activations", known)
    steps = np.rint(vectors.values @ vectors.values.T * 10_000)
    steps[:, ~known] = -20_000
    np.fill_diagonal(steps, -20_000)
    expected = np.argsort(-steps, axis=1, kind="stable")[:, :8]
    found = neighbours(vectors, 8)
    assert [len(one) for one in found] == [8 if there else 0 for there in known]
    same = [[one.position for one in near] == expected[i].tolist() for i, near in enumerate(found) if near]
    assert np.mean(same) > 0.98  # but where the last bit of a cosine decides how it is rounded
