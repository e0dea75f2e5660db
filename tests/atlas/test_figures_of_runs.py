"""Figures of whole runs: which units stand in which row, and what stands at a place that shows no unit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fvcli.app.plan_spec import plan_of_spec
from fvcli.atlas import compose
from fvcli.atlas.cells import Cell, source_cell, unit_cell
from fvcli.atlas.compose import good_wrap, write_figure
from fvcli.atlas.figure import Row
from fvcli.media import read_picture
from fvcli.media.movie_writer import encode_movie
from fvcli.run import RunFolder
from fvcli.spec.output import Figure
from tests.helpers.painting import paint
from tests.helpers.picture_files import save
from tests.helpers.running import SMALL_SPEC, write_spec

SPEC = """\
model: efficientnet-lite0
render: {size_px: 64, steps: 80, save_at: [64, 1, 64]}
jobs:
  - {name: edges, layer: stem_bn, channels: 0-3}
  - {name: textures, title: Two textures, layer: block1_expand_bn, channels: [3, 17]}
output:
  figure: FIGURE
"""


def begun(folder: Path, figure: str) -> RunFolder:
    """Return a run in which units are painted 20, 50, 80 ..., the second failed and the last is missing."""
    text = SPEC.replace("FIGURE", figure)
    plan = plan_of_spec(str(write_spec(folder, text)), []).plan
    with RunFolder.begin(folder / "run", plan, text) as run:
        for i, unit in enumerate(plan.units[:-1]):
            paint(run, unit, 20 + 30 * i, "failed" if i == 1 else "done", ["step-0001.png", "step-0064.png"])
    return run


class Drawn:
    """What was drawn: rows of titles and cells, each as value, caption and status."""

    def __init__(self, rows: list[Row], **facts: Any) -> None:
        self.facts = facts
        self.titles = [row.title for row in rows]
        self.cells = [[(value_of(cell), cell.caption, cell.status) for cell in row.cells] for row in rows]


def value_of(cell: Cell) -> int | None:
    return None if cell.pixels is None else int(cell.pixels.flat[0])


def drawn(monkeypatch: pytest.MonkeyPatch, run: RunFolder) -> Drawn:
    """Write a figure; return what was to be drawn."""
    heard: list[Drawn] = []

    def draw_figure(rows: list[Row], **facts: Any) -> np.ndarray:
        heard.append(Drawn(rows, **facts))
        return np.full((3, 4, 3), 77, np.uint8)

    monkeypatch.setattr(compose, "draw_figure", draw_figure)
    assert write_figure(run) == run.path / "figure.png"
    assert (read_picture(run.path / "figure.png") == 77).all()
    return heard[0]


def test_without_rows_each_job_has_one_with_its_title_and_marks_stay_without_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figure = "{title: A title, caption: A caption, columns: [one, two], wrap: 3}"
    found = drawn(monkeypatch, begun(tmp_path, figure))
    assert found.titles == ["edges", "", "Two textures"]
    assert found.cells == [
        [(20, "", "done"), (None, "", "failed"), (80, "", "done")],
        [(110, "", "done")],
        [(140, "", "done"), (None, "", "pending")],
    ]
    assert found.facts == {"title": "A title", "caption": "A caption", "columns": ("one", "two")}


def test_rows_show_what_they_name_in_the_order_of_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figure = """
    labels: true
    rows:
      - {title: Pictures, units: [textures/*3, edges/*2, edges/*0]}
      - {title: Steps, units: edges/*2, show: steps}
"""
    found = drawn(monkeypatch, begun(tmp_path, figure))
    assert found.titles == ["Pictures", "Steps"]
    assert found.cells == [
        [(140, "3", "done"), (80, "2", "done"), (20, "0", "done")],
        [(80, "1", "done"), (80, "64", "done")],
    ]


def test_a_pattern_names_units_in_the_order_of_the_plan_and_a_unit_may_be_named_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figure = "{labels: true, rows: [{units: [channel-0003, 'edges/*[20]', edges/*2, textures]}]}"
    found = drawn(monkeypatch, begun(tmp_path, figure))
    assert found.titles == [""]
    assert found.cells == [
        [
            *((110, "3", "done"), (140, "3", "done")),  # of both jobs
            *((20, "0", "done"), (80, "2", "done")),
            (80, "2", "done"),
            *((140, "3", "done"), (None, "17", "pending")),
        ]
    ]


@pytest.mark.parametrize(
    ("wrap", "titles", "cells"),
    [
        ("1", ["Four", "", "", "", "One"], [[20], [None], [80], [110], [140]]),
        ("2", ["Four", "", "One"], [[20, None], [80, 110], [140]]),
        ("3", ["Four", "", "One"], [[20, None, 80], [110], [140]]),
        ("4", ["Four", "One"], [[20, None, 80, 110], [140]]),
        ("null", ["Four", "One"], [[20, None, 80, 110], [140]]),
    ],
)
def test_a_row_that_is_too_long_goes_on_below_without_a_title(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    wrap: str,
    titles: list[str],
    cells: list[list[int | None]],
) -> None:
    rows = "[{title: Four, units: edges}, {title: One, units: textures/*3}]"
    found = drawn(monkeypatch, begun(tmp_path, f"{{wrap: {wrap}, rows: {rows}}}"))
    assert found.titles == titles
    assert [[value for value, _, _ in row] for row in found.cells] == cells


def test_a_run_whose_spec_asks_for_no_figure_has_none(tmp_path: Path) -> None:
    run = begun(tmp_path, "null")
    assert write_figure(run) is None
    assert not (tmp_path / "run/figure.png").exists()


def test_a_figure_that_is_drawn_shows_its_pictures(tmp_path: Path) -> None:
    run = begun(tmp_path, "{wrap: 2}")
    assert write_figure(run) == tmp_path / "run/figure.png"
    figure = read_picture(tmp_path / "run/figure.png")
    for value in (20, 80, 110):
        assert (figure == value).all(-1).sum() >= 96**2 - 96
    assert (figure == (200, 80, 10)).all(-1).any()  # what failed is marked, also without labels


def test_steps_are_of_the_step_that_is_named_and_may_be_damaged(tmp_path: Path) -> None:
    run = begun(tmp_path, "{}")
    first, second, third, *_, last = run.plan.units
    step = run.extra(first, "step-0064.png")
    step.write_bytes(b"x" * step.stat().st_size)
    asked = [(first, 64), (first, 1), (first, None), (second, 64), (last, 64), (third, 2)]
    cells = [unit_cell(run, unit, step) for unit, step in asked]
    assert [(value_of(cell), cell.caption, cell.status) for cell in cells] == [
        (None, "64", "damaged"),
        (20, "1", "done"),
        (20, "0", "done"),
        (None, "64", "failed"),
        (None, "64", "pending"),
        (None, "2", "damaged"),  # it was never saved
    ]


SOURCES = """\
model: efficientnet-lite0
render: {size_px: 64, steps: 2}
jobs:
  - {name: plain, layer: stem_bn, channels: 0}
  - {name: accent, layer: stem_bn, channels: 0, pictures: grey.png, start: picture}
  - {name: dream, layer: stem_bn, objective: layer, recipe: deepdream, pictures: film.gif}
  - {name: like, layer: stem_bn, objective: caricature, pictures: film.gif}
output:
  figure: {labels: true, rows: [{units: [accent, dream], show: source}]}
"""


def test_a_source_is_shown_as_the_unit_saw_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a film a dream goes on to the last frame, and everything else takes the first."""
    save(tmp_path / "grey.png", np.full((64, 64, 3), 90, np.uint8))
    frames = [np.full((64, 64, 3), 40 * i, np.uint8) for i in (1, 3)]
    (tmp_path / "film.gif").write_bytes(encode_movie(frames, "gif", 10))
    plan = plan_of_spec(str(write_spec(tmp_path, SOURCES)), []).plan
    with RunFolder.begin(tmp_path / "run", plan, SOURCES) as run:
        pass
    cells = [source_cell(run, unit) for unit in plan.units]
    assert [(value_of(cell), cell.caption, cell.status) for cell in cells] == [
        (None, "", "done"),
        (90, "grey", "done"),
        (120, "film", "done"),
        (40, "film", "done"),
    ]
    assert drawn(monkeypatch, run).cells == [[(90, "grey", "done"), (120, "film", "done")]]
    run.source_path(plan.source(str(plan.units[1].picture))).write_bytes(b"no picture")
    damaged = source_cell(run, plan.units[1])
    assert (damaged.pixels, damaged.caption, damaged.status) == (None, "grey", "damaged")
    run.source_path(plan.source(str(plan.units[2].picture))).unlink()
    missing = source_cell(run, plan.units[2])
    assert (missing.pixels, missing.caption, missing.status) == (None, "film", "damaged")


@pytest.mark.parametrize(
    ("counts", "wrap"),
    [
        ([], None),
        ([12, 3], None),
        ([13], 7),
        ([20], 7),
        ([30, 5], 8),
        ([304], 19),
        ([100] * 4, 25),
        ([48] * 2, 12),
    ],
)
def test_rows_of_more_than_twelve_are_broken_so_that_the_figure_is_no_ribbon(
    counts: list[int], wrap: int | None
) -> None:
    assert good_wrap(counts) == wrap


def test_a_figure_of_many_units_without_any_layout_has_the_proportions_of_a_screen(tmp_path: Path) -> None:
    many = {"jobs.edges.channels": "0-31", "jobs.textures.channels": "0-30", "output.figure": "{title: All}"}
    plan = plan_of_spec(str(write_spec(tmp_path)), [f"{key}={value}" for key, value in many.items()]).plan
    with RunFolder.begin(tmp_path / "run", plan, SMALL_SPEC) as run:
        for unit in plan.units:
            paint(run, unit)
    height, width = read_picture(write_figure(run)).shape[:2]
    assert 0.8 < width / height < 2
    asked = replace(plan, output=plan.output.model_copy(update={"figure": Figure(columns=("one",))}))
    ribbon = RunFolder(run.path, asked)
    assert read_picture(write_figure(ribbon)).shape[1] > 3000  # columns have titles: nothing is broken
