"""The figure of a run, from its files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fvcli.app.plan_spec import plan_of_spec
from fvcli.atlas import write_figure
from fvcli.atlas.figure import Row
from fvcli.run import RunFolder
from tests.helpers.painting import paint
from tests.helpers.running import SMALL_SPEC, write_spec


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Row]:
    """The rows of the figure that is drawn."""
    rows: list[Row] = []

    def draw(found: list[Row], **_: object) -> np.ndarray:
        rows.extend(found)
        return np.zeros((1, 1, 3), np.uint8)

    monkeypatch.setattr("fvcli.atlas.compose.draw_figure", draw)
    return rows


@pytest.mark.parametrize(("labels", "captions"), [("true", ["0", "1", "2"]), ("false", ["", "", ""])])
def test_a_figure_without_labels_still_marks_what_is_not_done(
    tmp_path: Path, drawn: list[Row], labels: str, captions: list[str]
) -> None:
    rows = "output.figure.rows=[{title: Edges, units: edges}]"
    spec = str(write_spec(tmp_path))
    plan = plan_of_spec(spec, [rows, f"output.figure.labels={labels}", "jobs.edges.channels=0-2"]).plan
    with RunFolder.begin(tmp_path / "run", plan, SMALL_SPEC) as run:
        paint(run, plan.units[0], 7)
        paint(run, plan.units[1], 8, "dead")
        write_figure(run)
    [row] = drawn
    assert row.title == "Edges"
    assert [cell.status for cell in row.cells] == ["done", "dead", "pending"]
    assert [cell.caption for cell in row.cells] == captions
    values = [None if cell.pixels is None else int(cell.pixels[0, 0, 0]) for cell in row.cells]
    assert values == [7, 8, None]
