"""Which pictures are shown, what a position sees, and what the cells of its crop show."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fvcli.models import LayerFacts, ModelFacts
from fvcli.run.examples.choose import groups_of, ranks, shown_of_groups, strongest
from fvcli.run.examples.crops import crops_of
from fvcli.run.examples.origin import most_cells
from fvcli.run.examples.sheets import inner

# ---- pictures


def test_the_strongest_come_first_and_of_equal_ones_the_earlier() -> None:
    values = np.array([[1, 3, 3, 2, 9]], np.float32)
    numbers = np.array([[4, 8, 2, 6, -1]], np.int32)
    assert strongest(values, numbers, 3).tolist() == [[2, 1, 3]]
    assert strongest(values, numbers, 6).tolist() == [[2, 1, 3, 0, -1, -1]]


def test_of_a_film_the_strongest_push_their_neighbours_aside() -> None:
    values = np.array([[5, 9, 8, 4, 7]], np.float32)
    numbers = np.array([[0, 10, 19, 20, 31]], np.int32)
    evenly = np.arange(32) / 10
    assert strongest(values, numbers, 4, evenly).tolist() == [[1, 4, 0, 3]]
    slower = np.where(np.arange(32) < 15, evenly, evenly + 1)  # so that 19 is more than a second behind 10
    assert strongest(values, numbers, 4, slower).tolist() == [[1, 2, 4, 0]]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40), st.data())
def test_groups_are_between_tenths_and_show_what_stands_evenly_in_them(
    values: list[int], data: st.DataObject
) -> None:
    sample = np.array(values, np.float32)[:, None]
    rank = ranks(sample)
    assert sorted(rank[:, 0].tolist()) == list(range(len(values)))
    quantiles = np.quantile(sample[:, 0], np.linspace(0, 1, 11))
    group = groups_of(rank, len(values))[:, 0]
    assert (sample[:, 0] >= quantiles[group] - 1e-6).all()
    assert (sample[:, 0] <= quantiles[group + 1] + 1e-6).all()
    gallery = sorted(data.draw(st.sets(st.integers(0, len(values) - 1), min_size=1)))
    shown = shown_of_groups(rank[gallery], len(values))[0]
    for place in range(10):
        members = [i for i, picture in enumerate(gallery) if group[picture] == 9 - place]
        members.sort(key=lambda i: -rank[gallery[i], 0])
        even = [members[(2 * j + 1) * len(members) // 6] for j in range(3)] if len(members) > 2 else members
        assert shown[3 * place : 3 * place + 3].tolist() == [*even, *[-1] * (3 - len(even))]


# ---- crops


def layer(size: tuple[int, int], field: int | None, stride: int | Fraction, offset: int) -> LayerFacts:
    fields, strides = ((field, field), (stride, stride)) if field else (None, None)
    return LayerFacts("layer", "conv", *size, 8, fields, strides, (), (offset, offset))


def test_a_crop_is_the_field_moved_inside_the_picture() -> None:
    crops = crops_of(layer((4, 4), 20, 16, -4), (64, 64), 16)
    boxes = crops.boxes(np.array([[0, 5, 15, -1]]))
    assert boxes.tolist() == [[[0, 0, 20, 20], [12, 12, 20, 20], [44, 44, 20, 20], [0, 0, 0, 0]]]
    assert crops.crop_px == (20, 20)


def test_a_field_as_large_as_the_picture_is_the_whole_picture() -> None:
    for field, stride in ((64, 16), (200, 16), (None, 1)):
        crops = crops_of(layer((4, 4), field, stride, -100 if field == 200 else 0), (64, 48), 16)
        assert crops.boxes(np.arange(16)).tolist() == [[0, 0, 64, 48]] * 16
    assert crops.cells == (4, 4)
    assert crops.are_whole


def test_vectors_and_tokens_have_one_cell() -> None:
    for height in (1, 50):
        crops = crops_of(layer((height, 1), None, 1, 0), (32, 32), 16)
        assert (crops.cells, crops.boxes(np.array([height - 1])).tolist()) == ((1, 1), [[0, 0, 32, 32]])


@pytest.mark.parametrize("most", [4, 8, 16])
def test_cells_show_the_positions_in_the_crop_and_the_strongest_among_them(
    facts: ModelFacts, most: int
) -> None:
    for name in ("stem_bn", "block1_expand_bn", "block4_expand_bn", "block8_expand_bn", "head_bn", "logits"):
        of = facts.layers_at(224, 224)[name]
        crops = crops_of(of, (224, 224), most)
        assert max(crops.cells) <= most
        for axis, table in ((crops.down, crops.rows), (crops.across, crops.columns)):
            assert table.shape == (axis.positions, crops.cells[0])
            assert (np.diff(table, axis=1) >= 0).all()
            for position in range(axis.positions):
                assert position // crops.pooled[0] in table[position]
                if axis.field_px is None:
                    continue
                begin, end = axis.begin_px(position), axis.begin_px(position) + axis.crop_px
                assert begin >= 0
                assert end <= 224
                for shown in table[
                    position
                ].tolist():  # its middle is in the crop, or as near as there is one
                    middle = (
                        axis.offset_px + axis.field_px / 2 + float(axis.stride_px) * shown * crops.pooled[0]
                    )
                    assert begin - 2 * axis.stride_px * crops.pooled[0] <= middle
                    assert middle <= end + 2 * axis.stride_px * crops.pooled[0]


def test_the_more_units_the_coarser_it_is_kept_where_they_fired() -> None:
    assert [most_cells(units) for units in (1, 4000, 40_000, 1_000_000)] == [16, 16, 8, 4]


def test_a_crop_that_is_not_square_stands_in_the_middle_of_its_tile() -> None:
    assert inner(10, 10, 96) == (slice(0, 96), slice(0, 96))
    assert inner(100, 50, 96) == (slice(0, 96), slice(24, 72))
    assert inner(1, 500, 16) == (slice(7, 8), slice(0, 16))
