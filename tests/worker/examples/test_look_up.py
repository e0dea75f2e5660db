"""What is looked up of pairs: the same on a CPU and on a device, and as plain NumPy finds it."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fvcli.models import LayerFacts
from fvcli.run.examples.crops import Crops, crops_of
from fvcli.worker.examples.look_up import Pairs, in_memory, of_pictures, on_device
from fvcli.worker.examples.reduce_maps import Reduced, in_graph, of_graph
from fvcli.worker.examples.reduce_maps import in_memory as in_memory_reduced

SIZE_PX = (64, 48)
LAYERS = {
    "small fields": (16, 12, (9, 9), (4, 4), (-2, -2)),
    "large fields": (16, 12, (40, 40), (4, 4), (-18, -18)),
    "the whole picture": (4, 3, None, None, (0, 0)),
    "finer than cells": (64, 48, (60, 40), (1, 1), (-29, -19)),
    "vector": (1, 1, None, None, (0, 0)),
    "tokens": (9, 1, None, None, (0, 0)),
}


def crops(name: str) -> Crops:
    height, width, field, stride, offset = LAYERS[name]
    facts = LayerFacts("layer", "conv", height, width, 6, field, stride, (), offset)
    return crops_of(facts, SIZE_PX, 8)


def both(maps: np.ndarray) -> list[Reduced]:
    """Reduce maps with NumPy, and in a graph as it is done on a GPU."""
    tensor = tf.constant(maps)
    return [in_memory_reduced(tensor), of_graph(in_graph(tensor))]


def drawn_maps(found: Crops, ties: bool) -> np.ndarray:
    maps = np.random.default_rng(1).normal(size=(5, *found.positions, 6)).astype(np.float32)
    return np.round(maps) if ties else maps


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("ties", [False, True])
def test_pairs_are_looked_up_as_plainly_as_can_be(name: str, ties: bool) -> None:
    found = crops(name)
    maps = drawn_maps(found, ties)
    pictures, units = (part.ravel() for part in np.meshgrid(range(5), range(6), indexing="ij"))
    reduced = both(maps)[0]
    pairs = Pairs(pictures, units, reduced.row[pictures, units], reduced.most[pictures, units])
    firsts = maps.reshape(5, -1, 6).argmax(axis=1)[pictures, units]
    for some in (slice(None), slice(3, 20, 4)):  # all pairs, and a few
        asked = Pairs(*(part[some] for part in pairs))
        here, there = (look_up(found)(tf.constant(maps), asked) for look_up in (in_memory, on_device))
        np.testing.assert_array_equal(here.where, there.where)
        np.testing.assert_array_equal(here.positions, there.positions)
        if name != "vector":
            np.testing.assert_array_equal(here.positions, firsts[some])
            if name != "tokens":  # which have no places
                check_cells(here.where, maps, found, asked, firsts[some])


@pytest.mark.parametrize("name", LAYERS)
def test_all_units_of_some_pictures_are_looked_up_as_their_pairs_are(name: str) -> None:
    found = crops(name)
    here, there = both(drawn_maps(found, ties=True))
    pictures = np.array([1, 4])
    of_here = of_pictures(in_memory(found), found, here, pictures)
    of_there = of_pictures(on_device(found), found, there, pictures)
    assert of_here.where.shape == (2, 6, *found.cells)
    rows, units = (part.ravel() for part in np.meshgrid(pictures, range(6), indexing="ij"))
    pairs = Pairs(rows, units, here.row[rows, units], here.most[rows, units])
    one_by_one = in_memory(found)(here.maps, pairs)
    for details in (of_here, of_there):
        np.testing.assert_array_equal(details.positions.ravel(), one_by_one.positions)
        np.testing.assert_array_equal(details.where.reshape(12, *found.cells), one_by_one.where)


@pytest.mark.parametrize("most", [1e-35, 7e-37, 1e-37])  # 255 / 1e-37 is beyond float32
@pytest.mark.parametrize("field", [(1, 1), None])
@pytest.mark.parametrize("is_on_device", [False, True])
def test_tiny_maxima_are_shown_as_others_are(
    most: float, field: tuple[int, int] | None, is_on_device: bool
) -> None:
    facts = LayerFacts("layer", "softmax", 2, 2, 1, field, (1, 1) if field else None, (), (0, 0))
    found = crops_of(facts, (2, 2), 8)
    of_maximum = np.array([[1, 0.25], [0, -1]], np.float32)
    maps = (of_maximum * np.float32(most))[None, :, :, None]
    maps = np.concatenate([maps, of_maximum[None, :, :, None]])  # beside one that is not tiny
    maps[:, 1, 1] = -1e10  # which multiplied is beyond float32, too
    look_up, reduced = (on_device if is_on_device else in_memory)(found), both(maps)[is_on_device]
    details = of_pictures(look_up, found, reduced, np.array([0, 1]))
    shown = found.cells
    expected = np.array([[255, 64], [0, 0]])[: shown[0], : shown[1]]
    np.testing.assert_array_equal(details.where[:, 0], [expected, expected])
    np.testing.assert_array_equal(details.positions.ravel(), [0, 0])


def test_maxima_too_small_for_full_digits_are_shown_by_numpy() -> None:
    facts = LayerFacts("layer", "softmax", 2, 2, 1, None, None, (), (0, 0))
    found = crops_of(facts, (2, 2), 8)
    least = np.float32(1.4e-45)  # above 0, there is no smaller float32
    maps = (np.array([[2, 1], [0, -2]], np.float32) * least)[None, :, :, None]
    reduced = Reduced(maps, maps.max(axis=(1, 2)), np.zeros((1, 1), np.int32), np.zeros((1, 1)), np.zeros(1))
    details = of_pictures(in_memory(found), found, reduced, np.array([0]))
    np.testing.assert_array_equal(details.where, [[[[255, 128], [0, 0]]]])


@pytest.mark.parametrize(
    "shape", [(7, 7, 300), (112, 112, 5), (9, 30, 40), (3, 300, 2), (4, 1, 3), (1, 1, 4)]
)
def test_maps_are_reduced_as_plain_numpy_does_it(shape: tuple[int, int, int]) -> None:
    height, width, count = shape
    maps = np.random.default_rng(2).normal(size=(3, *shape)).astype(np.float32).round(1)
    maps[1] = 1.0  # everywhere the maximum, and above 0 more often than 8 bits can count
    flat = maps.reshape(3, height * width, count)
    for reduced in both(maps):
        np.testing.assert_array_equal(reduced.maps, maps)
        np.testing.assert_array_equal(reduced.most, flat.max(axis=1))
        np.testing.assert_array_equal(reduced.row, flat.argmax(axis=1) // width)
        np.testing.assert_allclose(reduced.total, flat.sum(axis=1, dtype=np.float64), rtol=1e-5, atol=1e-2)
        np.testing.assert_array_equal(reduced.positive, (flat > 0).sum(axis=1))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_no_number_is_seen_in_the_sum(wrong: float) -> None:
    maps = np.ones((2, 4, 6, 3), np.float32)
    maps[1, 2, 5, 1] = wrong
    for reduced in both(maps):
        assert np.argwhere(~np.isfinite(reduced.total)).tolist() == [[1, 1]]


def test_both_infinities_in_a_map_and_a_row_beyond_float32_are_seen_without_a_warning() -> None:
    maps = np.ones((2, 4, 6, 3), np.float32)
    maps[0, 2, :2, 1] = np.inf, -np.inf  # in one row
    maps[1, 1, 0, 2], maps[1, 3, 0, 2] = np.inf, -np.inf  # in two
    maps[1, 2, :2, 0] = 3e38  # finite, their sum is not
    reduced = in_memory_reduced(tf.constant(maps))
    assert np.argwhere(~np.isfinite(reduced.total)).tolist() == [[0, 1], [1, 0], [1, 2]]
    np.testing.assert_array_equal(reduced.most[1], np.array([3e38, 1, np.inf], np.float32))


def check_cells(where: np.ndarray, maps: np.ndarray, of: Crops, pairs: Pairs, firsts: np.ndarray) -> None:
    for i, (picture, unit) in enumerate(zip(pairs.pictures, pairs.units, strict=True)):
        own = maps[picture, ..., unit]
        row, column = divmod(int(firsts[i]), of.positions[1])
        down, across = of.pooled
        for r, shown_row in enumerate(of.rows[row]):
            for c, shown_column in enumerate(of.columns[column]):
                pooled = own[shown_row * down :, shown_column * across :][:down, :across].max()
                expected = 255 * max(0.0, pooled) / own.max() if own.max() > 0 else 0
                assert abs(int(where[i, r, c]) - expected) <= 0.51
        if own.max() > 0:
            assert where[i].max() == 255
