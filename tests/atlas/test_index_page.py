"""The page of a run: every unit with its picture, score and status, from the run folder alone."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from fvcli.app.draw_sheets import draw_run, draw_sheets
from fvcli.app.plan_spec import plan_of_spec
from fvcli.app.prepare_run import prepare_run
from fvcli.atlas import index_page
from fvcli.run import RunFolder
from tests.helpers.painting import PaintingEngine, paint
from tests.helpers.running import fvcli, write_spec

SPEC = """\
model: efficientnet-lite0
render: {size_px: [48, 64], steps: 24}
jobs:
  - {name: some.edges, title: "Edges <b>& \\"more\\" שלום", layer: stem_bn, channels: 0-4}
  - {name: both, layer: [stem_bn, block1_expand_bn], channels: [3, 17]}
output: {figure: {title: "<script>alert(1)</script>"}}
"""
RUN = "50% <i>#1"


class Links(HTMLParser):
    """Gathers the tags of a page, where its links lead, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [str(value) for name, value in attrs if name in {"href", "src"}]

    def handle_data(self, data: str) -> None:
        self.text += [data.strip()] if data.strip() else []


def painted(folder: Path, text: str = SPEC) -> RunFolder:
    """Return a run whose second unit is dead, the third failed and the last is missing."""
    folder.mkdir(exist_ok=True)
    prepare_run(plan_of_spec(str(write_spec(folder, text)), []), folder / RUN)
    run = RunFolder.read(folder / RUN)
    for i, unit in enumerate(run.plan.units[:-1]):
        status = {1: "dead", 2: "failed"}.get(i, "done")
        paint(run, unit, 30 * i, status, ["step-0001.png"], saved=i / 3)
    return run


def read(page: Path) -> Links:
    links = Links()
    links.feed(page.read_text("utf-8"))
    return links


def test_all_that_the_page_links_to_is_in_the_run(tmp_path: Path) -> None:
    run = painted(tmp_path)
    draw_sheets(run)
    moved = tmp_path / "elsewhere"
    run.path.rename(moved)
    found = read(moved / "index.html").links
    files = [link for link in found if not link.startswith("#")]
    assert all((moved / unquote(link)).is_file() for link in files)
    pictures = {str(path.relative_to(moved)) for path in moved.glob("units/*/*.png")}
    assert len(pictures) == 14  # seven units, and what each was after a step
    assert pictures <= {unquote(link) for link in files}
    assert {"figure.png", "grids/both.png"} <= set(files)
    assert {link for link in found if link.startswith("#")} == {"#job-1", "#job-2"}


def test_the_page_says_what_became_of_each_unit(tmp_path: Path) -> None:
    text = read(painted_page(tmp_path)).text
    assert [word for word in text if word in {"dead", "failed", "pending"}].count("pending") == 1
    assert {"6 done", "1 dead", "1 failed", "1 pending"} <= set(text)
    assert {"it broke", "it never fired"} <= set(text)
    assert "score 1" in text  # 3 / 3
    assert "score 0.3333" in text
    assert text.index("stem_bn") < text.index("block1_expand_bn")  # headings of the second job


def test_a_film_stands_where_its_picture_would(tmp_path: Path) -> None:
    run = painted(tmp_path, "model: efficientnet-lite0\njobs: [{name: a, layer: stem_bn, channels: 0-2}]\n")
    unit = run.plan.units[0]
    told = json.loads(run.json(unit).read_text())
    told["extras"].append({"name": "mp4", "bytes": 4})
    run.extra(unit, "mp4").write_bytes(b"film")
    run.json(unit).write_text(json.dumps(told))
    page = read(draw_sheets(run).paths[-1])
    assert "video" in page.tags
    assert page.links.count("units/a/channel-0000.mp4") == 2  # played here, and to be kept
    assert page.links.count("units/a/channel-0000.png") == 1
    assert "channel-0000" not in page.text  # its label says the same


def painted_page(folder: Path) -> Path:
    run = painted(folder)
    return draw_sheets(run).paths[-1]


def test_names_and_titles_are_text_and_nothing_runs(tmp_path: Path) -> None:
    page = painted_page(tmp_path)
    found = read(page)
    assert 'Edges <b>& "more" שלום' in found.text
    assert found.text.count("<script>alert(1)</script>") == 2  # the title, and the head of the page
    assert found.tags.isdisjoint({"i", "script", "iframe", "object", "form"})
    source = page.read_text("utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', source)
    assert policy is not None
    assert policy[1].startswith(
        "default-src 'none'; img-src 'self' file: data:; media-src 'self' file:; style-src 'sha256-"
    )
    assert "http://" not in source
    assert "https://" not in source


def test_a_page_says_its_spec_and_what_made_it(tmp_path: Path) -> None:
    run = painted(tmp_path)
    facts = {"versions": {"python": "3.11"}, "platform": "Linux", "device": "cpu", "argv": ["fvcli", "a b"]}
    (run.path / "run.json").write_text(json.dumps(facts))
    text = "\n".join(read(draw_sheets(run).paths[-1]).text)
    assert SPEC.strip() in text
    assert "python 3.11" in text
    assert "fvcli 'a b'" in text
    (run.path / "run.json").write_text("[]")
    assert "python" not in "\n".join(read(draw_sheets(run).paths[-1]).text)


def test_of_a_large_run_the_page_shows_the_sheets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_page, "UNITS_SHOWN", 8)
    monkeypatch.setattr(index_page, "NOTABLE_SHOWN", 1)
    found = read(painted_page(tmp_path))
    assert not [link for link in found.links if link.startswith("units/")]
    assert found.links.count("grids/both.png") == 2
    assert "1 more: fvcli status" in found.text


def test_a_page_of_very_many_sheets_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fvcli.atlas.grid.CELLS_A_SHEET", 1)
    monkeypatch.setattr(index_page, "UNITS_SHOWN", 0)
    monkeypatch.setattr(index_page, "SHEETS_SHOWN", 2)
    found = read(painted_page(tmp_path))
    assert found.links.count("grids/both.png") == found.links.count("grids/both-2.png") == 2
    assert "grids/both-3.png" not in found.links
    assert "1 more contact sheets in the folder grids." in found.text


def test_a_page_is_no_foreign_file_and_goes_with_the_sheets_of_another_plan(
    tmp_path: Path, easel: PaintingEngine
) -> None:
    spec, run = write_spec(tmp_path), tmp_path / "run"
    assert fvcli("render", spec, "-o", run).exit_code == 0
    before = (run / "index.html").read_bytes()
    assert fvcli("render", spec, "-o", run).exit_code == 0
    assert (run / "index.html").read_bytes() == before
    more = fvcli("render", spec, "-o", run, "--set", "jobs.edges.title=Another")
    assert more.exit_code == 0
    assert "Another" in read(run / "index.html").text
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    assert fvcli("merge", run, copy, "-o", tmp_path / "merged").stdout.splitlines()[-2].endswith("index.html")
    assert fvcli("accept", run, "--golden", tmp_path / "golden", "--reason", "first").exit_code == 0
    assert not (tmp_path / "golden/index.html").exists()


def test_what_cannot_be_drawn_is_said_once_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fvcli.atlas.fonts._system_fonts", tuple)
    run = painted(tmp_path, SPEC.replace("Edges", "\U00012000 ཀ"))
    (remark,) = draw_run(run.path).remarks
    assert "2 characters of titles or labels cannot be drawn" in remark
    assert "U+0F40 TIBETAN LETTER KA, U+12000 CUNEIFORM SIGN A" in remark
    result = fvcli("grid", run.path)
    assert [line for line in result.stderr.splitlines() if "cannot be drawn" in line] == [f"Note: {remark}"]
    assert draw_run(painted(tmp_path / "plain").path).remarks == ()


def test_names_that_are_no_text_do_not_stop_a_page(tmp_path: Path) -> None:
    run = painted(tmp_path)
    paint(run, run.plan.units[-1], pixels=np.zeros((8, 8, 3), np.uint8))
    (run.path / "spec.yaml").write_bytes(b"model: \xff\xfe")
    assert draw_sheets(run).paths[-1].read_text("utf-8").endswith("</html>\n")
