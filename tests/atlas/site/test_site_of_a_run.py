"""The site of a run with everything: where its pages are, that all links lead somewhere, its data."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from fvcli.atlas.site.collect import collect
from fvcli.atlas.site.labels_file import read_labels
from fvcli.run import RunFolder
from tests.helpers.atlas_runs import EARLY, HEBREW, LATE, LAYER, Page, contents, dead_links
from tests.helpers.running import fvcli

TESTS = Path(__file__).parents[2]


def test_pages_have_the_addresses_that_the_manual_gives(run: RunFolder, site: Path) -> None:
    for name in (
        "index.html",
        f"l/{LAYER}/index.html",
        f"u/{LAYER}/30.html",
        "u/logits/281.html",
        "l/job-ways/index.html",
    ):
        assert (site / name).is_file(), name
    for unit in run.plan.units:
        text = (site / f"k/{unit.key}.html").read_text()
        assert 'content="0; url=../u/' in text, unit.path
    key = next(unit.key for unit in run.plan.units if unit.path == "opposite/channel-0002-negative")
    assert f"../u/{LAYER}/2.html#fig-3" in (site / f"k/{key}.html").read_text()


def test_every_link_of_every_page_leads_to_a_place_that_is_there(site: Path, pages: dict[str, Page]) -> None:
    assert len(pages) == 1 + 5 + 99 + 119
    assert dead_links(site, pages) == []


def test_pages_are_well_formed(pages: dict[str, Page]) -> None:
    for name, page in pages.items():
        assert len(page.ids) == len(set(page.ids)), name
        if not name.startswith("k/"):
            policy = next(one["content"] for tag, one in page.tags if one.get("http-equiv"))
            assert str(policy).startswith("default-src 'none'"), name
        for tag, attributes in page.tags:
            assert tag not in {"style", "iframe", "object"}, name
            assert not [one for one in attributes if one.startswith("on") or one == "style"], (name, tag)
            assert tag != "script" or attributes.get("src"), name
            assert tag != "img" or "alt" in attributes, name


def test_pages_say_which_states_units_have(site: Path, pages: dict[str, Page]) -> None:
    layer = pages[f"l/{LAYER}/index.html"].text
    assert "1 failed, 1 not rendered yet" in layer
    assert "it never fired" in pages[f"u/{LAYER}/5.html"].text
    assert "failed: it broke" in pages[f"u/{LAYER}/6.html"].text
    assert "not rendered" in pages[f"u/{LAYER}/7.html"].text
    assert "not rendered" in pages[f"u/{LATE}/0.html"].text
    assert f"u/{LAYER}/7.html" in " ".join(pages[f"l/{LAYER}/index.html"].links)


def test_the_page_of_a_channel_has_all_its_figures(pages: dict[str, Page]) -> None:
    page = pages[f"u/{LAYER}/0.html"]
    figures = [one for one in page.ids if one.startswith("fig-")]
    assert sorted(figures, key=lambda one: int(one[4:])) == [
        f"fig-{number}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12)
    ]
    assert {"wheels", "round things"} <= set(page.texts)
    assert HEBREW in pages[f"u/{EARLY}/2.html"].texts
    assert "+0.500" in page.text
    plain = pages[f"u/{EARLY}/1.html"]
    assert {"fig-1", "fig-11"} <= set(plain.ids)
    assert not {"fig-2", "fig-4", "fig-5", "fig-8"} & set(plain.ids)  # none of its layer looks like it


def test_atlas_json_names_what_is_there(run: RunFolder, site: Path) -> None:
    told = json.loads((site / "atlas.json").read_text("utf-8"))
    atlas = collect(run, None, read_labels(run.path / "labels.tsv"))
    assert told["counts"] == {"dead": 1, "done": 112, "failed": 2, "missing": 4}
    assert told["has_photos"] is True
    assert told["model"]["name"] == "efficientnet-lite0"
    assert [one["name"] for one in told["layers"]] == [one.name for one in atlas.chapters]
    for layer, chapter in zip(told["layers"], atlas.chapters, strict=True):
        assert all((site / name).is_file() for name in layer["pages"])
        units = [
            unit for name in layer["data"] for unit in json.loads((site / name).read_text("utf-8"))["units"]
        ]
        assert layer["units"] == len(units) == len(chapter.entries)
        for unit, entry in zip(units, chapter.entries, strict=True):
            assert (unit["name"], unit["status"], unit["number"]) == (entry.name, entry.status, entry.number)
            assert unit["label"] == (entry.label.name if entry.label else None)
            assert (site / unit["page"]).is_file()
            assert len(unit["similar"]) <= 8
            assert {name for name, _ in unit["similar"]} <= {one.name for one in chapter.entries}
            for picture, known in zip(unit["pictures"], entry.pictures, strict=True):
                assert (picture["key"], picture["figure"]) == (known.key, known.figure)
                assert (picture["file"] is not None) == known.is_shown
                assert picture["file"] is None or (site / picture["file"]).is_file()


def test_tiles_are_the_pictures_that_they_are_said_to_be(run: RunFolder, site: Path) -> None:
    told = json.loads((site / "atlas.json").read_text("utf-8"))
    side = told["tile_px"]
    checked = 0
    for layer in told["layers"]:
        for name in layer["data"]:
            for unit in json.loads((site / name).read_text("utf-8"))["units"]:
                column, row = unit["tile"]
                with Image.open(site / unit["sheet"]) as sheet:
                    tile = np.asarray(sheet)[
                        row * side : (row + 1) * side, column * side : (column + 1) * side
                    ]
                shown = unit["pictures"][0]["file"]
                if shown is None:
                    assert np.ptp(tile.reshape(-1, 3), axis=0).max() < 40  # nothing but a neighbour's edge
                    continue
                with Image.open(site / shown) as picture:
                    expected = np.asarray(picture.convert("RGB").resize((side, side)), np.float32)
                assert np.abs(tile - expected)[8:-8, 8:-8].mean() < 12, unit["page"]
                checked += 1
    assert checked == 93


def test_scripts_have_the_data_of_their_pages(site: Path) -> None:
    text = (site / f"d/{LAYER}-1.js").read_text()
    data = json.loads(re.fullmatch(r"fvcli\.page\((.*)\);\n", text)[1])  # type: ignore[index]
    assert data["names"] == [str(i) for i in range(80)]
    assert data["states"] == {"5": "dead", "6": "failed", "7": "missing"}
    assert sorted(data["rank"]) == list(range(80))
    assert data["labels"] == {"0": "wheels", "1": "stripes that go from left to right"}
    assert data["classNames"] == ["cats", "dogs", "flowers"]
    assert [data["classNames"][i] for i in data["classes"][0]][:1] == ["cats"]
    assert data["pictures"][6] == data["pictures"][7] == ""
    places = np.array(data["map"]["places"]).reshape(-1, 2)
    assert len({tuple(place) for place in places.tolist() if place[0] >= 0}) == (places[:, 0] >= 0).sum() > 4
    index = json.loads(re.fullmatch(r"fvcli\.index\((.*)\);\n", (site / "d/index.js").read_text())[1])  # type: ignore[index]
    assert [one["folder"] for one in index["chapters"]] == [EARLY, LATE, LAYER, "logits", "job-ways"]


def test_no_file_is_large_but_pictures(site: Path) -> None:
    large = [name for name, content in contents(site).items() if len(content) > 300_000]
    assert large == []


def test_a_copied_run_gives_the_same_bytes_where_there_is_no_tensorflow(
    run: RunFolder, site: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "elsewhere/copy"
    shutil.copytree(run.path, copy, ignore=shutil.ignore_patterns("site"))
    path = os.pathsep.join([str(TESTS / "helpers/no_tensorflow"), *filter(None, sys.path)])
    empty = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "HOME": str(tmp_path), "PYTHONHASHSEED": "7"}
    done = subprocess.run(
        [sys.executable, "-m", "fvcli", "atlas", str(copy), "-o", str(tmp_path / "out")],
        env={**os.environ, **empty, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path / 'out/index.html'}\n"
    found, expected = contents(tmp_path / "out"), contents(site)
    assert sorted(found) == sorted(expected)
    assert [name for name in found if found[name] != expected[name]] == []
    assert not (copy / "site").exists()


def test_title_labels_address_and_place_can_be_given(small: RunFolder, tmp_path: Path) -> None:
    names = tmp_path / "names.tsv"
    names.write_text("stem_bn\t0001\tdots\n")
    words = ("--title", "What it sees", "--labels", names, "--url", "https://example.org/a b")
    result = fvcli("atlas", small.path, "-o", tmp_path / "out", *words)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"{tmp_path / 'out/index.html'}\n"
    assert "14 units" in result.stderr
    overview = Page(tmp_path / "out/index.html")
    assert "What it sees" in overview.texts
    for name, sheet in (("l/stem_bn/index.html", "s/stem_bn/0.webp"), ("u/stem_bn/1.html", "p/stem_bn/")):
        page = Page(tmp_path / "out" / name)
        (card,) = [one["content"] for tag, one in page.tags if one.get("property") == "og:image"]
        assert str(card).startswith(f"https://example.org/a b/{sheet}"), name
    assert "dots" in Page(tmp_path / "out/u/stem_bn/1.html").texts
    assert "og:image" not in (small.path / "site/l/stem_bn/index.html").read_text()


def test_what_is_wrong_is_said_before_anything_is_built(small: RunFolder, tmp_path: Path) -> None:
    names = tmp_path / "names.tsv"
    names.write_text("stem_bn 1 dots\n")
    result = fvcli("atlas", small.path, "-o", tmp_path / "out", "--labels", names)
    assert result.exit_code == 2
    assert f"{names}:1: 1 columns, not 3 or 4" in result.stderr
    for unit in small.plan.units:
        small.json(unit).unlink(missing_ok=True)
    result = fvcli("atlas", small.path, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert "no unit is rendered yet" in result.stderr
    assert fvcli("atlas", tmp_path).exit_code == 2
    assert not (tmp_path / "out").exists()
