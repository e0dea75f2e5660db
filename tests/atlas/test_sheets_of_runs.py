"""Contact sheets of whole runs: which units stand on which sheet, how they are titled, and how arranged."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fvcli.app.plan_spec import plan_of_spec
from fvcli.atlas import grid
from fvcli.atlas.cells import Cell, unit_cell
from fvcli.atlas.grid import draw_grid, grid_paths, sheets_of, write_grids
from fvcli.atlas.grid_layout import cell_shape
from fvcli.atlas.index_page import index_page
from fvcli.atlas.lettering import set_label
from fvcli.media import read_picture
from fvcli.run import RunFolder
from fvcli.run.remarks import SAID
from tests.helpers.painting import paint
from tests.helpers.running import SMALL_SPEC, write_spec
from tests.helpers.seen_pixels import BLUE, GREEN, RED, bounds, extent, lettered, picture, places


def painted(folder: Path, *overrides: str, only: str = "") -> RunFolder:
    """Return a run of seven units in colours of their own; of one job if it is given."""
    plan = plan_of_spec(str(write_spec(folder)), overrides).plan
    with RunFolder.begin(folder / "run", plan, SMALL_SPEC) as run:
        for i, unit in enumerate(plan.units):
            if only in unit.job:
                program = plan.programs[unit.program]
                shape = program.height_px // 8, program.width_px // 8, 3
                paint(run, unit, pixels=np.full(shape, 20 + 30 * i, np.uint8))
    return run


def plain(count: int, height: int, width: int) -> list[Cell]:
    return [Cell(np.full((height, width, 3), 250, np.uint8), "") for _ in range(count)]


def test_a_sheet_that_is_full_is_followed_by_no_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grid, "CELLS_A_SHEET", 2)
    run = painted(tmp_path)
    names = ["edges.png", "edges-2.png", "edges-3.png", "textures.png"]
    written = write_grids(run)
    assert written == grid_paths(run) == [tmp_path / "run/grids" / name for name in names]
    sheets = [
        ("edges: stem_bn, channel, efficientnet-lite0, default (1 of 3)", run.plan.units[:2]),
        ("edges: stem_bn, channel, efficientnet-lite0, default (2 of 3)", run.plan.units[2:4]),
        ("edges: stem_bn, channel, efficientnet-lite0, default (3 of 3)", run.plan.units[4:5]),
        ("textures: block1_expand_bn, channel, efficientnet-lite0, default", run.plan.units[5:]),
    ]
    for path, (title, units) in zip(written, sheets, strict=True):
        expected = draw_grid([unit_cell(run, unit) for unit in units], len(units), (64, 64), title)
        np.testing.assert_array_equal(read_picture(path), expected)


def test_a_job_of_which_nothing_is_there_has_no_sheet(tmp_path: Path) -> None:
    run = painted(tmp_path, only="textures")
    assert write_grids(run) == [tmp_path / "run/grids/textures.png"]
    assert not (tmp_path / "run/grids/edges.png").exists()


def test_what_a_newer_fvcli_wrote_is_marked_as_such(tmp_path: Path) -> None:
    run = painted(tmp_path, only="textures")
    path = run.json(run.plan.units[-1])
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema_version": 99}))
    states = [unit_cell(run, unit).status for unit in run.plan.units[-3:]]
    assert states == ["pending", "done", "newer"]


def test_a_job_of_which_one_unit_is_there_has_a_sheet(tmp_path: Path) -> None:
    plan = plan_of_spec(str(write_spec(tmp_path)), []).plan
    with RunFolder.begin(tmp_path / "run", plan, SMALL_SPEC) as run:
        paint(run, plan.units[3], 200)
    assert write_grids(run) == [tmp_path / "run/grids/edges.png"]


def test_only_the_sheets_that_have_something_to_show_are_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A unit that failed is something to show."""
    monkeypatch.setattr(grid, "CELLS_A_SHEET", 2)
    plan = plan_of_spec(str(write_spec(tmp_path)), []).plan
    with RunFolder.begin(tmp_path / "run", plan, SMALL_SPEC) as run:
        paint(run, plan.units[3], status="failed")
    assert write_grids(run) == [tmp_path / "run/grids/edges-2.png"]
    names = ["edges.png", "edges-2.png", "edges-3.png", "textures.png"]
    assert grid_paths(run) == [tmp_path / "run/grids" / name for name in names]


def test_each_job_has_cells_in_its_own_proportions(tmp_path: Path) -> None:
    sizes = ("jobs.edges.size_px=[64, 128]", "jobs.textures.size_px=[160, 120]")
    run = painted(tmp_path, *sizes, "output.grid.labels=false")
    edges, textures = map(read_picture, write_grids(run))
    assert extent(edges, (20,) * 3) == (40, 40 + 64, 16, 16 + 128)
    assert extent(textures, (170,) * 3) == (40, 40 + 160, 16, 16 + 120)


def test_texts_stand_above_the_first_row_and_below_each_cell() -> None:
    """The title has 14 px letters, and the label of a cell 96 px wide 11 px, of 160 px 16 px.

    A label may be as wide as its cell, however flat that is.
    """
    ground, ink = (24, 24, 27), (228, 228, 231)
    for side, label_px in ((96, 11), (128, 14), (160, 16)):
        flat = picture(side // 2, side)
        sheet = draw_grid([Cell(flat, "HHHHHHg")], 1, flat.shape[:2], "Agj")
        bare = picture(*sheet.shape[:2], ground)
        bare[40 : 40 + side // 2, 16 : 16 + side] = flat
        titled = lettered(bare, "Agj", 14, (16, 16), ink)
        expected = lettered(titled, "HHHHHHg", label_px, (16, 40 + side // 2 + 2), ink)
        np.testing.assert_array_equal(sheet, expected)


def test_a_title_stands_in_the_size_of_its_sheet() -> None:
    """Twenty cells of 96 px are 1,920 px wide: more than 28 px letters are never needed."""
    for columns, size_px in ((1, 14), (8, 19), (20, 28)):
        sheet = draw_grid(plain(1, 96, 96), 1, (96, 96), "Agj", columns=columns)
        expected = lettered(picture(60, 200, (24, 24, 27)), "Agj", size_px, (16, 16), (228, 228, 231))
        top, bottom, left, right = bounds(~places(expected, (24, 24, 27)))
        word = np.s_[top:bottom, left:right]
        np.testing.assert_array_equal(sheet[word], expected[word])


@pytest.mark.parametrize(("status", "frame"), [("pending", (140, 140, 150)), ("damaged", (251, 146, 60))])
@pytest.mark.parametrize(
    ("height", "width", "text_px"), [(96, 96, 12), (121, 121, 15), (256, 256, 31), (96, 256, 31)]
)
def test_a_mark_fills_its_cell_with_its_frame_and_word(
    status: str, frame: tuple[int, int, int], height: int, width: int, text_px: int
) -> None:
    sheet = draw_grid([Cell(None, "", status)], 1, (height, width), "t")
    assert extent(sheet, frame) == (40, 40 + height, 16, 16 + width)
    assert extent(sheet, (48, 48, 53)) == (42, 38 + height, 18, 14 + width)
    assert places(sheet[40 + height :], (24, 24, 27)).all()
    expected = lettered(picture(*sheet.shape[:2], (24, 24, 27)), status, text_px, (16 + 8, 40 + 6), frame)
    top, bottom, left, right = bounds(~places(expected, (24, 24, 27)))
    word = np.s_[top:bottom, left:right]
    np.testing.assert_array_equal(sheet[word], expected[word])


def test_a_place_without_a_picture_is_filled_and_not_framed() -> None:
    sheet = draw_grid([Cell(None)], 1, (64, 128), "t")
    assert extent(sheet, (48, 48, 53)) == (40, 40 + 64, 16, 16 + 128)
    assert places(sheet, (48, 48, 53)).sum() == 64 * 128


@pytest.mark.parametrize(("shape", "height"), [((100, 150), 100), ((63, 290), 56), ((66, 290), 58)])
def test_cells_are_as_high_as_pictures_to_the_nearest_pixel(shape: tuple[int, int], height: int) -> None:
    """Pictures 290 px wide are shown 256 px wide: 63 rows become 55.6, and 66 rows 58.3."""
    sheet = draw_grid(plain(1, *shape), 1, shape, "t")
    assert places(sheet, (250,) * 3).sum() == height * min(256, shape[1])


def test_fine_stripes_become_grey_when_a_picture_is_scaled_down() -> None:
    stripes = np.zeros((512, 512, 3), np.uint8)
    stripes[:, ::2] = 200
    sheet = draw_grid([Cell(stripes)], 1, (512, 512), "t")
    assert np.abs(sheet[50:280, 30:260].astype(int) - 100).max() <= 3


def test_a_sheet_is_as_wide_as_its_whole_title() -> None:
    """Forty letters of 14 px are 415 px wide."""
    sheet = draw_grid(plain(1, 96, 96), 1, (96, 96), "H" * 40)
    assert sheet.shape[1] == 415 + 2 * 16
    expected = lettered(picture(40, 447, (24, 24, 27)), "H" * 40, 14, (16, 16), (228, 228, 231))
    np.testing.assert_array_equal(sheet[:40], expected)


def test_a_title_that_is_too_long_goes_on_below_and_a_picture_is_never_without_height() -> None:
    """Of 14 px 46 letters are 478 px wide; a narrow sheet grows to 480. Lines are 18.5 px apart."""
    sheet = draw_grid(plain(1, 1, 600), 1, (1, 600), "H" * 450)
    assert sheet.shape == (16 + 190 + 1 + 22 + 16, 478 + 2 * 16, 3)
    assert (sheet[:, -16:] == (24, 24, 27)).all()
    assert (sheet == 250).all(-1).sum() == 256
    lines = ["H" * 46] * 9 + ["H" * 36]
    expected = picture(206, 510, (24, 24, 27))
    for i, line in enumerate(lines):
        expected = lettered(expected, line, 14, (16, 16 + round(i * 18.48)), (228, 228, 231))
    np.testing.assert_array_equal(sheet[:206], expected)


def test_a_sheet_is_arranged_as_its_spec_says(tmp_path: Path) -> None:
    """Five cells in rows of four, each 128 x 64 px, and close together without labels."""
    options = ("render.size_px=[64, 128]", "output.grid.columns=4", "output.grid.labels=false")
    run = painted(tmp_path, *options, only="edges")
    sheet = read_picture(write_grids(run)[0])
    assert sheet.shape[:2] == (40 + 2 * (64 + 8) - 8 + 16, 16 + 4 * (128 + 8) - 8 + 16)
    for i in range(5):
        top, left = 40 + i // 4 * 72, 16 + i % 4 * 136
        assert (sheet[top : top + 64, left : left + 128] == 20 + 30 * i).all()


@pytest.mark.parametrize(
    ("count", "shape", "columns"),
    [
        (1, (96, 96), 1),
        (2, (96, 96), 2),
        (3, (96, 96), 3),
        (5, (96, 96), 3),  # one place is empty, but five in a row are far from a screen
        (7, (96, 96), 4),
        (8, (96, 96), 4),  # never two: a sheet is not portrait
        (9, (96, 96), 3),
        (10, (96, 96), 5),
        (12, (96, 96), 4),
        (18, (96, 96), 6),
        (21, (96, 96), 7),
        (6, (96, 192), 2),
        (6, (192, 96), 6),
        (4, (480, 96), 4),
        (16, (96, 96), 4),
        (32, (96, 96), 8),
        (100, (96, 96), 10),
        (11, (96, 96), 4),
    ],
)
def test_sheets_are_somewhat_wider_than_high_and_their_rows_full(
    count: int, shape: tuple[int, int], columns: int
) -> None:
    sheet = draw_grid(plain(count, *shape), count, shape, "t", labels=False)
    ys, xs = np.nonzero((sheet == 250).all(-1))
    first_row = xs[ys == ys.max() - (shape[0] + 8) * (-(-count // columns) - 1)]
    assert len(first_row) == columns * shape[1]
    assert sheet.shape[1] == 2 * 16 + columns * (shape[1] + 8) - 8


@pytest.mark.parametrize(
    ("count", "columns", "side", "shown"),
    [(1, 1, 95, 96), (1, 1, 97, 97), (1, 1, 256, 256), (1, 1, 257, 256), (1, 40, 224, 96), (1, 20, 224, 195)],
)
def test_cells_are_of_a_readable_size(count: int, columns: int, side: int, shown: int) -> None:
    """96 px at the least, 256 at the most, and between them so that the sheet is 4096 wide at the most."""
    sheet = draw_grid(plain(count, side, side), count, (side, side), "t", columns=columns)
    assert (sheet == 250).all(-1).sum() == shown**2
    assert sheet.shape[1] == 2 * 16 + columns * (shown + 8) - 8


def test_labels_and_titles_grow_with_their_sheets() -> None:
    """Under a cell 20 rows for letters of 14 px, or 15 and 22 for 11 and 16; above the first 24 to 48."""
    heights = [
        draw_grid(plain(1, side, side), 1, (side, side), "t", columns=columns).shape[0]
        for side, columns in ((96, 1), (128, 1), (256, 1), (96, 8), (96, 40))
    ]
    assert heights == [
        16 + 24 + 96 + 15 + 16,
        16 + 24 + 128 + 20 + 16,
        16 + 24 + 256 + 22 + 16,
        16 + 32 + 96 + 15 + 16,
        16 + 48 + 96 + 15 + 16,
    ]


@pytest.mark.parametrize(
    ("status", "ink"), [("done", (228, 228, 231)), ("failed", (251, 146, 60)), ("pending", (140, 140, 150))]
)
def test_a_label_has_the_colour_of_its_mark(status: str, ink: tuple[int, int, int]) -> None:
    picture = np.zeros((128, 128, 3), np.uint8)
    sheet = draw_grid([Cell(picture, "HHH", status)], 1, (128, 128), "t")
    under = sheet[40 + 128 : -16].reshape(-1, 3).tolist()
    brightest = max(under, key=sum)
    assert brightest == list(ink)


def test_planes_that_stand_side_by_side_keep_their_proportions() -> None:
    """Two planes of 128 x 128 are 128 x 256: half as high as their cell, in its middle."""
    planes = np.stack([np.full((128, 128), grey, np.uint8) for grey in (70, 200)], axis=-1)
    sheet = draw_grid([Cell(planes), Cell(picture())], 2, (128, 128), "", labels=False)
    top, bottom, left, right = extent(sheet, RED)
    assert (bottom - top, right - left) == (128, 128)
    found = [extent(sheet[:, : left - 8], (grey,) * 3) for grey in (70, 200)]
    edge = 4  # of what is scaled down the colour changes at the seam
    assert [(box[0], box[1]) for box in found] == [(top + 32, top + 96)] * 2
    assert found[0][2] == left - 8 - 128
    assert abs(found[0][3] - (left - 8 - 64)) <= edge
    assert found[1][3] == left - 8


def test_a_label_that_is_too_long_ends_in_an_ellipsis_within_its_cell() -> None:
    """Under a cell 96 px wide eleven letters of 8.15 px fit; of twelve, ten stay."""

    def under(text: str) -> np.ndarray:
        cell = Cell(np.zeros((96, 96, 3), np.uint8), text)
        return draw_grid([cell], 1, (96, 96), "t", columns=2)[40 + 96 :]

    np.testing.assert_array_equal(under("H" * 12), under("H" * 10 + "\N{HORIZONTAL ELLIPSIS}"))
    assert (under("H" * 11) != under("H" * 12)).any()
    assert (under("H" * 12)[:, 16 + 96 :] == (24, 24, 27)).all()


# ---- sections, and pictures of several sizes


def of_layers(folder: Path, job: str) -> RunFolder:
    text = f"model: efficientnet-lite0\nrender: {{size_px: 64, steps: 8}}\njobs:\n  - {{name: all, {job}}}\n"
    plan = plan_of_spec(str(write_spec(folder, text)), []).plan
    with RunFolder.begin(folder / "run", plan, text) as run:
        for unit in plan.units:
            program = plan.programs[unit.program]
            paint(run, unit, pixels=picture(program.height_px, program.width_px, (230, 20, 20)))
    return run


def test_a_job_of_several_layers_has_a_section_for_each_and_labels_are_the_channels(tmp_path: Path) -> None:
    variants = "variants: [{name: long, steps: 9}, {name: short, steps: 7}]"
    run = of_layers(tmp_path, f"layer: [stem_bn, block1_expand_bn], channels: [3, 17], {variants}")
    ((job, units),) = run.plan.by_job()
    (sheet,) = sheets_of(job, units)
    assert sheet.title == "all: stem_bn, block1_expand_bn, channel, efficientnet-lite0, default"
    assert sheet.sections == [("stem_bn", 4), ("block1_expand_bn", 4)]
    assert sheet.captions == ["3 long", "3 short", "17 long", "17 short"] * 2
    assert [unit.layer for unit in sheet.units] == ["stem_bn"] * 4 + ["block1_expand_bn"] * 4
    expected = draw_grid(
        [Cell(picture(64, 64, (230, 20, 20)), caption) for caption in sheet.captions],
        8,
        (64, 64),
        sheet.title,
        sections=sheet.sections,
    )
    np.testing.assert_array_equal(read_picture(write_grids(run)[0]), expected)


def test_a_section_begins_with_its_heading_and_in_a_row_of_its_own() -> None:
    """Headings are of 13 px in 27 rows; rows of cells are 119 px apart."""
    cells = [Cell(picture(96, 96, colour)) for colour in (RED, BLUE, GREEN)]
    sections = [("one", 2), ("two", 1)]
    sheet = draw_grid(cells, 3, (96, 96), "t", columns=2, sections=sections)
    assert extent(sheet, RED) == (40 + 27, 40 + 27 + 96, 16, 112)
    assert extent(sheet, BLUE) == (40 + 27, 40 + 27 + 96, 120, 216)
    assert extent(sheet, GREEN) == (40 + 27 + 119 + 27, 40 + 27 + 119 + 27 + 96, 16, 112)
    for heading, top in (("one", 40 + 6), ("two", 40 + 27 + 119 + 6)):
        ground = picture(27, sheet.shape[1], (24, 24, 27))
        expected = lettered(ground, heading, 13, (16, 3), (228, 228, 231))
        np.testing.assert_array_equal(sheet[top - 3 : top + 18], expected[:21])


def test_layers_of_one_unit_each_stand_side_by_side_with_their_names(tmp_path: Path) -> None:
    run = of_layers(tmp_path, "layer: [stem_bn, block1_expand_bn, block2_expand_bn], channels: 3")
    ((job, units),) = run.plan.by_job()
    (sheet,) = sheets_of(job, units)
    assert sheet.sections == [("", 3)]
    assert sheet.captions == ["stem_bn 3", "block1_expand_bn 3", "block2_expand_bn 3"]


def test_pictures_of_other_proportions_are_fitted_and_never_stretched(tmp_path: Path) -> None:
    sizes = (
        "[{name: wide, size_px: [64, 320]}, {name: square, size_px: 128}, {name: tall, size_px: [320, 64]}]"
    )
    run = of_layers(tmp_path, f"layer: stem_bn, channels: 3, variants: {sizes}")
    sheet = places(read_picture(write_grids(run)[0]), (230, 20, 20))
    widths = [sheet[:, left : left + 256] for left in (16, 16 + 264, 16 + 528)]
    found = [bounds(part) for part in widths]
    assert [(bottom - top, right - left) for top, bottom, left, right in found] == [
        (51, 256), (256, 256), (256, 51),
    ]  # fmt: skip
    assert found[0][:2] == (48 + 102, 48 + 153)  # in the middle of its cell


@pytest.mark.parametrize(
    ("sizes", "shape"),
    [
        ([(64, 64)], (64, 64)),
        ([(512, 512)], (512, 512)),
        ([(64, 320), (128, 128)], (128, 256)),
        ([(48, 48), (32, 32)], (48, 48)),
        ([(2000, 100), (100, 2000)], (256, 256)),
    ],
)
def test_cells_hold_pictures_of_all_sizes(sizes: list[tuple[int, int]], shape: tuple[int, int]) -> None:
    assert cell_shape(sizes) == shape


def test_very_high_pictures_do_not_make_a_sheet_endless() -> None:
    sheet = draw_grid(plain(2, 3000, 30), 2, (3000, 30), "t", labels=False)
    assert extent(sheet, (250, 250, 250))[:2] == (40, 40 + 512)


def test_long_labels_take_several_lines_and_keep_their_numbers() -> None:
    name = "a_picture_of_a_dog_that_nobody_has_seen_for_a_very_long_time_indeed"
    block = set_label(f"{name} 1203", 96, 11)
    assert len(block.lines) == 3
    assert "".join(block.lines).endswith("\N{HORIZONTAL ELLIPSIS} 1203") or block.lines[-1] == "1203"
    assert set_label("German Shorthaired Pointer", 96, 11).lines == ("German", "Shorthaired", "Pointer")
    assert set_label("block12_expand_bn 7", 60, 11, 1).lines[0].endswith(" 7")


def test_rows_are_as_far_apart_as_the_longest_label_needs() -> None:
    """A line more of 11 px letters takes 15 rows."""
    short, long = (
        draw_grid(plain(2, 96, 96), 2, (96, 96), "t", columns=1, captions=[label, ""]).shape[0]
        for label in ("Dog", "German Shorthaired Pointer")
    )
    assert long - short == 2 * 30


@pytest.mark.parametrize(("remarks", "word"), [(["burnt"], "burnt"), (["one_colour", "burnt"], "one colour")])
def test_a_picture_that_is_odd_is_marked_on_its_sheet(tmp_path: Path, remarks: list[str], word: str) -> None:
    run = painted(tmp_path, only="textures")
    unit = run.plan.units[-1]
    told = json.loads(run.json(unit).read_text())
    run.json(unit).write_text(json.dumps({**told, "remarks": remarks}))
    cells = [unit_cell(run, unit) for unit in run.plan.units[-2:]]
    assert [(cell.status, cell.odd) for cell in cells] == [("done", ""), ("done", word)]
    sheet = read_picture(write_grids(run)[0])
    warning = places(sheet, (251, 146, 60))
    assert bounds(warning)[2] == 16 + 96 + 8  # the frame of the second picture
    np.testing.assert_array_equal(sheet, draw_grid(cells, 2, (64, 64), run.plan.jobs[1].title))
    (page,) = [part for part in index_page(run).jobs if part.name == "textures"]
    assert [card.remarks for card in page.sections[0][1]] == [[], [SAID[kind] for kind in remarks]]
