"""The strongest of a block: those of a plain sort, although only some pictures are looked at twice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fvcli.run.examples.choose import strongest
from fvcli.worker.examples.extremes import Extremes, Kept
from fvcli.worker.examples.tally import kept_of_block

BATCH, UNITS = 4, 3


def collected(values: np.ndarray, count: int, seconds: np.ndarray | None) -> tuple[Kept, int]:
    """Give values [pictures, units] in batches; return what is kept, and how many pairs were looked up."""
    extremes, looked_up = Extremes(UNITS, count, (1, 1), seconds), 0
    for begin in range(0, len(values), BATCH):
        some = values[begin : begin + BATCH]
        numbers = np.arange(begin, begin + len(some))
        pictures, units = np.nonzero(extremes.may_be(some, numbers))
        looked_up += len(pictures)
        positions = (100 * numbers[pictures] + units).astype(np.int32)
        where = positions.astype(np.uint8)[:, None, None]
        extremes.add(units, numbers[pictures].astype(np.int32), some[pictures, units], positions, where)
    return extremes.kept(UNITS), looked_up


@given(st.lists(st.lists(st.integers(-3, 3), min_size=UNITS, max_size=UNITS), min_size=1, max_size=30))
def test_they_are_those_of_a_plain_sort(rows: list[list[int]]) -> None:
    values = np.array(rows, np.float32)
    kept, _ = collected(values, 5, None)
    for unit in range(UNITS):
        order = np.argsort(-values[:, unit], kind="stable")[:5]
        expected = [*order.tolist(), *[-1] * (5 - len(order))]
        assert kept["numbers"][unit].tolist() == expected
        assert kept["values"][unit, : len(order)].tolist() == values[order, unit].tolist()
        assert kept["positions"][unit, : len(order)].tolist() == (100 * order + unit).tolist()


def test_few_pictures_are_looked_up() -> None:
    values = np.random.default_rng(0).normal(size=(1000, UNITS)).astype(np.float32)
    _, looked_up = collected(values, 20, None)
    assert looked_up < 0.15 * values.size
    _, of_silence = collected(np.zeros((1000, UNITS), np.float32), 20, None)
    assert of_silence <= 25 * UNITS


@given(st.data(), st.sampled_from([0.02, 0.3, 0.9, 5.0]))
def test_of_a_film_blocks_keep_enough_for_the_whole(data: st.DataObject, longest_s: float) -> None:
    rows = data.draw(
        st.lists(st.lists(st.integers(0, 9), min_size=UNITS, max_size=UNITS), min_size=1, max_size=60)
    )
    values = np.array(rows, np.float32)
    steps = st.integers(0, round(100 * longest_s)).map(lambda hundredths: hundredths / 100)
    some = data.draw(st.lists(steps, min_size=len(rows), max_size=len(rows)))  # frames are not evenly apart
    times_s = np.cumsum([0.0, *some[1:]])
    seconds = np.floor(times_s + 1e-6).astype(np.int64)
    count = 3
    kept, _ = collected(values, kept_of_block(count, is_film=True), seconds)
    places = strongest(kept["values"], kept["numbers"], count, times_s)
    for unit in range(UNITS):
        own = values[:, unit]
        peaks = [int(np.nonzero(seconds == s)[0][own[seconds == s].argmax()]) for s in np.unique(seconds)]
        expected: list[int] = []
        for peak in sorted(peaks, key=lambda number: (-own[number], number)):
            apart = all(abs(times_s[peak] - times_s[other]) >= 1 - 1e-6 for other in expected)
            if len(expected) < count and apart:
                expected.append(peak)
        found = [int(kept["numbers"][unit, place]) for place in places[unit] if place >= 0]
        assert found == expected


@pytest.mark.parametrize("seconds", [None, np.arange(9)])
def test_places_without_a_picture_are_no_pictures(seconds: np.ndarray | None) -> None:
    extremes = Extremes(UNITS, 2, (1, 1), seconds)
    values = np.full((BATCH, UNITS), -np.inf, np.float32)
    assert not extremes.may_be(values, np.full(BATCH, -1)).any()
    assert (extremes.kept(UNITS)["numbers"] == -1).all()
