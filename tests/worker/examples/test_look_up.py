"""What is looked up of pairs: the same on a CPU and on a device, and as plain NumPy finds it."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fvcli.models import LayerFacts
from fvcli.run.examples.crops import Crops, crops_of
from fvcli.worker.examples.layer_maps import _reduced
from fvcli.worker.examples.look_up import Pairs, in_memory, on_device

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


def pairs_of(maps: np.ndarray, pictures: np.ndarray, units: np.ndarray) -> tuple[list[np.ndarray], Pairs]:
    parts = [part.numpy() for part in _reduced(tf.constant(maps))[1:]]
    most, row = parts[:2]
    return parts, Pairs(pictures, units, row[pictures, units], most[pictures, units])


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("ties", [False, True])
def test_pairs_are_looked_up_as_plainly_as_can_be(name: str, ties: bool) -> None:
    found, drawn = crops(name), np.random.default_rng(1)
    maps = drawn.normal(size=(5, *found.positions, 6)).astype(np.float32)
    if ties:
        maps = np.round(maps)
    pictures, units = (part.ravel() for part in np.meshgrid(range(5), range(6), indexing="ij"))
    (most, row, mean, positive), pairs = pairs_of(maps, pictures, units)
    flat = maps.reshape(5, -1, 6)
    np.testing.assert_array_equal(most, flat.max(axis=1))
    np.testing.assert_array_equal(row, flat.argmax(axis=1) // found.positions[1])
    np.testing.assert_allclose(mean, flat.mean(axis=1), atol=1e-5)
    np.testing.assert_allclose(positive, (flat > 0).mean(axis=1), atol=1e-6)
    for some in (slice(None), slice(3, 20, 4)):  # all pairs, and a few
        asked = Pairs(*(part[some] for part in pairs))
        here, there = (look_up(found)(tf.constant(maps), asked) for look_up in (in_memory, on_device))
        np.testing.assert_array_equal(here.where, there.where)
        np.testing.assert_array_equal(here.positions, there.positions)
        if name != "vector":
            firsts = flat.argmax(axis=1)[pictures[some], units[some]]
            np.testing.assert_array_equal(here.positions, firsts)
            if name != "tokens":  # which have no places
                check_cells(here.where, maps, found, asked, firsts)


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
