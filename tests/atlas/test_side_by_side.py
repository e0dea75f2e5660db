"""Contact sheets of jobs with several ways: one compares down and across."""

from __future__ import annotations

from pathlib import Path

import pytest

from fvcli.app.plan_spec import plan_of_spec
from fvcli.atlas.grid import sheets_of
from fvcli.atlas.grid_layout import lay_out
from tests.helpers.running import write_spec

SPEC = """\
model: efficientnet-lite0
render: {{size_px: 64, steps: 8}}
jobs:
  - {{name: j, layer: {layer}, channels: {channels}, {more}}}
"""


def variants(count: int) -> str:
    return f"variants: [{', '.join(f'{{name: v{i}, steps: {i + 1}}}' for i in range(count))}]"


def sheet(folder: Path, channels: str, more: str, layer: str = "block4_expand_bn") -> list[list[str]]:
    """Return the captions of a job's only sheet, row by row."""
    text = SPEC.format(channels=channels, more=more, layer=layer)
    plan = plan_of_spec(str(write_spec(folder, text)), []).plan
    ((job, units),) = plan.by_job()
    (found,) = sheets_of(job, units)
    columns = lay_out(found.sections, (64, 64), found.title, together=found.together).columns
    parts = [[caption for _, caption in part] for _, part in found.parts()]
    assert sorted(unit.path for unit in found.units) == sorted(unit.path for unit in plan.units)
    return [part[i : i + columns] for part in parts for i in range(0, len(part), columns)]


@pytest.mark.parametrize("count", [5, 7, 15])
def test_a_row_is_a_unit_and_a_column_a_variant(tmp_path: Path, count: int) -> None:
    rows = sheet(tmp_path, "[2, 178]", variants(count))
    assert rows == [[f"{channel} v{i}" for i in range(count)] for channel in (2, 178)]


@pytest.mark.parametrize(("channels", "count"), [("0-11", 2), ("0-39", 3), ("[4, 9, 2]", 6)])
def test_a_row_of_several_units_has_them_whole_and_each_column_has_one_variant(
    tmp_path: Path, channels: str, count: int
) -> None:
    rows = sheet(tmp_path, channels, variants(count))
    for column in range(len(rows[0])):
        assert len({row[column].split()[1] for row in rows if column < len(row)}) == 1
    for row in rows:
        assert [caption.split()[0] for caption in row[::count]] == [
            caption.split()[0] for caption in row[count - 1 :: count]
        ]


def test_more_variants_than_a_row_has_room_for_stand_below_each_other(tmp_path: Path) -> None:
    rows = sheet(tmp_path, "[2, 3]", variants(20))
    flat = [caption for row in rows for caption in row]
    assert flat == [f"{channel} v{i}" for i in range(20) for channel in (2, 3)]
    assert all(row[0].startswith("2 ") and len(row) % 2 == 0 for row in rows)


def test_the_variants_of_one_unit_stand_in_rows_as_any_others(tmp_path: Path) -> None:
    assert sheet(tmp_path, "[3]", variants(9)) == [[f"3 v{i + j}" for j in range(3)] for i in (0, 3, 6)]


def test_of_one_unit_a_row_is_a_variant_and_a_column_a_seed(tmp_path: Path) -> None:
    rows = sheet(tmp_path, "[3]", f"seeds: 0-3, {variants(3)}")
    assert rows == [[f"3 v{i} seed {seed}" for seed in range(4)] for i in range(3)]


def test_seeds_and_signs_stand_beside_their_variant(tmp_path: Path) -> None:
    rows = sheet(tmp_path, "[3, 9, 11]", f"sign: both, {variants(2)}")
    assert rows == [[f"{c} {sign} v{i}" for i in (0, 1) for sign in ("(+)", "(-)")] for c in (3, 9, 11)]
    seeds = sheet(tmp_path, "[3, 9]", "seeds: 0-4")
    assert seeds == [[f"{c} seed {i}" for i in range(5)] for c in (3, 9)]


def test_each_layer_has_a_section_with_the_same_columns(tmp_path: Path) -> None:
    layers = "[block4_expand_bn, block1_expand_bn, block9_expand_bn]"
    assert sheet(tmp_path, "[3]", variants(4), layers) == [[f"3 v{i}" for i in range(4)]] * 3
    rows = sheet(tmp_path, "[3, 5]", variants(4), layers)
    assert rows in (
        [[f"{c} v{i}" for c in (3, 5) for i in range(4)]] * 3,
        [[f"3 v{i}" for i in range(4)]] * 6,
    )
