"""report.html, read as text: what is in it, where its pictures are, and that no name can break out."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from fvcli.errors import FvcliError
from fvcli.golden.reports.html import SCRIPTS, STYLES, verdict_sentence, write_html
from fvcli.golden.results import Comparison, Drift, Side, UnitResult
from tests.helpers.comparisons import (
    HOSTILE,
    comparison,
    hostile_unit,
    unit_result,
    write_noise,
    write_picture,
)


class Page(HTMLParser):
    """What a browser reads: elements with their attributes, and the texts of blocks that have an id."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.blocks: dict[str, str] = {}
        self.texts: list[str] = []
        self.source = path.read_bytes().decode("utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        tag, attributes = self.elements[-1] if self.elements else ("", {})
        if tag in {"script", "style"} and self.cdata_elem:
            name = attributes.get("id") or tag
            self.blocks[name] = self.blocks.get(name, "") + data
        else:
            self.texts.append(data)

    @property
    def data(self) -> dict[str, Any]:
        return json.loads(self.blocks["data"])

    @property
    def units(self) -> dict[str, dict[str, Any]]:
        return {unit["path"]: unit for unit in self.data["units"]}

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def picture(self, number: int) -> bytes:
        return base64.b64decode(self.blocks[f"picture-{number}"], validate=True)


@pytest.fixture
def page(tmp_path: Path) -> Callable[..., Page]:
    """Write a page into tmp_path/report and read it."""

    def write(found: Comparison, **options: int) -> Page:
        return Page(write_html(found, tmp_path / "report", **options))

    return write


@pytest.fixture
def red(tmp_path: Path) -> str:
    return write_picture(tmp_path / "golden/red.png", (200, 30, 30))


@pytest.fixture
def blue(tmp_path: Path) -> str:
    return write_picture(tmp_path / "run/blue.png", (30, 30, 200))


def test_a_unit_is_told_with_its_values_beside_their_limits(
    page: Callable[..., Page], red: str, blue: str
) -> None:
    written = page(
        comparison(unit_result("a/x", "diff", red, blue, change="cpu", settings=["steps: 1 -> 2"]))
    )
    assert written.units["a/x"] == {
        "path": "a/x",
        "job": "a",
        "unit": "x",
        "label": "label of x",
        "layer": "mixed4a",
        "status": "diff",
        "why": "texture 37.4 % apart (limit 20 %)",
        "gate": "texture",
        "values": [
            ["score", "-5 %", "\u2264 20 %", 0.25, 0],
            ["texture", "37.4 %", "\u2264 20 %", 1.87, 1],
            ["structure", "0.650", "\u2265 0.300", 0.5, 0],
            ["pixel difference", "23.4 of 255"],
        ],
        "settings": ["steps: 1 -> 2"],
        "facts": [
            ["score", "4.5", "4.25"],
            ["steps", "32", "32"],
            ["size", "8 x 8 x 3", "8 x 8 x 3"],
            ["state", "done", "done"],
            ["seconds", "0.2", "0.3"],
            ["key", "a" * 16, "b" * 16],
            ["rendered on", "", "another CPU"],
        ],
        "golden": {"at": 0, "w": 8, "h": 8},
        "run": {"at": 1, "w": 8, "h": 8},
    }
    assert written.picture(0) == Path(red).read_bytes()
    assert written.picture(1) == Path(blue).read_bytes()


def test_the_head_says_what_was_compared_and_found(page: Callable[..., Page], red: str, blue: str) -> None:
    units = [
        unit_result("a/x", "diff", red, blue, change="cpu"),
        unit_result("a/y", "close", red, blue, change="cpu"),
        unit_result("a/z", "match", red, red, change="same"),
    ]
    tolerances = {"cpu": {"score": 0.2, "structure": 0.3, "drift": 0.02}, "same": {"score": 0.005}}
    found = comparison(
        *units,
        tolerances=tolerances,
        could_not_tell=("The golden keeps no scores.",),
        remarks=("It is not calibrated.",),
    )
    text = page(found).text
    for said in (
        "Fail. 1 of 3 units failed.",
        "Golden goldens/lite0 Run runs/nightly",
        "all 3",
        "diff 1",
        "close 1",
        "match 1",
        "+0.1 % over 3 units, limit 2 %",
        "the same machine (1 unit) another CPU (2 units)",
        "asked for scores and textures",
        "value the same machine another CPU score 0.5 % 20 % structure 0.300 drift of all scores 2 %",
        "The golden keeps no scores.",
        "It is not calibrated.",
    ):
        assert said in text
    assert "missing 0" not in text


@pytest.mark.parametrize(
    ("statuses", "more", "sentence"),
    [
        ([], {}, "No unit was compared."),
        (["match"], {}, "The only unit is fine."),
        (["diff"], {}, "The only unit failed."),
        (["close", "match"], {}, "All 2 units are fine."),
        (["new"], {"allow_new": True}, "The only unit is fine."),
        (["new", "match"], {}, "1 of 2 units failed."),
        (
            ["match"] * 2,
            {"drift": Drift(2, -0.03, 0.02)},
            "The scores of all units together drifted beyond the limit.",
        ),
    ],
)
def test_the_verdict_is_a_sentence(statuses: list[Any], more: dict[str, Any], sentence: str) -> None:
    units = [unit_result(f"a/{i}", status, None, None) for i, status in enumerate(statuses)]
    assert verdict_sentence(comparison(*units, **more)) == sentence


def test_drift_beyond_the_limit_fails(page: Callable[..., Page], red: str) -> None:
    written = page(comparison(unit_result("a/x", "match", red, red), drift=Drift(1, -0.03, 0.02)))
    assert "Fail. The scores of all units together drifted beyond the limit." in written.text
    assert ("rect", {"class": "beyond", "width": "75.0", "height": "6"}) in written.elements


def test_without_scores_and_networks_the_head_says_so(page: Callable[..., Page], red: str) -> None:
    text = page(comparison(unit_result("a/x", "match", red, red), drift=None, with_model=False)).text
    assert "not known: no scores could be compared" in text
    assert "not asked: only pixels and recorded scores were compared" in text


def test_one_unit_of_thousands_is_seen_in_the_bar(page: Callable[..., Page]) -> None:
    units = [unit_result(f"a/{i}", "match" if i else "diff", None, None) for i in range(2000)]
    bar = [found for tag, found in page(comparison(*units)).elements if tag == "rect" and "height" in found]
    assert [(found["class"], found["x"], found["width"]) for found in bar[:2]] == [
        ("fill-diff", "0.0", "5.97"),
        ("fill-match", "5.97", "994.03"),
    ]


def test_values_that_are_no_numbers_are_said(page: Callable[..., Page], red: str, blue: str) -> None:
    values = {"score": math.nan, "texture": math.inf, "first_steps": 1e-5, "first_steps_of_all": 0.0}
    limits = {"score": 0.2, "texture": 0.2, "first_steps": 0.0, "first_steps_of_all": 0.0}
    unit = unit_result("a/x", "diff", red, blue, gate="first_steps", values=values, limits=limits)
    infinite = replace(unit, golden=Side(red, score=math.inf))
    written = page(comparison(infinite, drift=Drift(1, math.nan, 0.02)))
    assert written.units["a/x"]["values"] == [
        ["first steps, all units", "0 %", "\u2264 0 %", 0.0, 0],
        ["first steps", "0.001 %", "\u2264 0 %", None, 1],
        ["score", "not a number", "\u2264 20 %", None, 0],
        ["texture", "infinite", "\u2264 20 %", None, 0],
    ]
    assert written.units["a/x"]["facts"][0] == ["score", "infinite", "4.25"]
    assert "not a number over 1 unit" in written.text


def test_a_picture_stands_for_both_only_where_the_pixels_are_the_same(
    page: Callable[..., Page], red: str, blue: str
) -> None:
    accepted = unit_result("a/x", "match", red, blue, gate="accepted", why="accepted by Ada")
    written = page(comparison(unit_result("a/same", "match", red, blue), accepted))
    assert [unit["path"] for unit in written.data["units"]] == ["a/x", "a/same"]  # the pair stands before
    assert written.units["a/x"]["run"] == {"at": 2, "w": 8, "h": 8}
    assert "run" not in written.units["a/same"]
    assert written.units["a/same"]["same"] is True
    assert written.picture(0) == Path(red).read_bytes()


def test_golden_s_lost_picture_is_replaced_by_the_same_of_the_run(
    page: Callable[..., Page], blue: str
) -> None:
    written = page(comparison(unit_result("a/x", "match", "/nowhere/lost.png", blue)))
    assert written.picture(written.units["a/x"]["golden"]["at"]) == Path(blue).read_bytes()


# ---- names that try to break out


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_breaks_out(page: Callable[..., Page], red: str, blue: str, name: str) -> None:
    calm, hostile = (
        Comparison(
            text,
            text,
            (unit_result("j/u", "diff", red, blue),) if text == "calm" else (hostile_unit(text, red, blue),),
            could_not_tell=(text,),
            remarks=(text,),
            tolerances={"cpu": {text: 0.5}},
        )
        for text in ("calm", name)
    )
    expected = [tag for tag, _ in page(calm).elements]
    written = page(hostile)
    assert [tag for tag, _ in written.elements] == expected
    (unit,) = written.data["units"]
    told = [
        unit["path"],
        unit["job"],
        unit["unit"],
        unit["label"],
        unit["layer"],
        unit["why"],
        *unit["settings"],
    ]
    assert told == [f"{name}/{name}", name, name, f"label {name}", f"layer {name}", name, name]
    assert written.blocks["data"].isascii()
    assert not set("<>&'") & set(written.blocks["data"])


def test_names_that_are_no_valid_unicode_do_not_stop_the_report(page: Callable[..., Page], red: str) -> None:
    written = page(
        Comparison("golden-\udcff", "run", (hostile_unit("unit-\ud800", red, "/nowhere/\udcff.png"),))
    )
    assert "golden-?" in written.text
    assert written.data["units"][0]["unit"] == "unit-\ud800"


def test_nothing_on_the_page_is_loaded_from_elsewhere(page: Callable[..., Page], red: str, blue: str) -> None:
    written = page(comparison(unit_result("a/x", "diff", red, blue)))
    policies = [
        found["content"] for _, found in written.elements if "Content-Security-Policy" in found.values()
    ]

    def hash_of(name: str) -> str:
        return base64.b64encode(hashlib.sha256(written.blocks[name].encode()).digest()).decode()

    assert policies == [
        "default-src 'none'; img-src 'self' file: data:; "
        f"style-src 'sha256-{hash_of('style')}'; script-src 'sha256-{hash_of('script')}'; "
        "base-uri 'none'; form-action 'none'"
    ]
    assert not [found for _, found in written.elements if "src" in found or "style" in found]
    links = [found["href"] for _, found in written.elements if found.get("href")]
    assert all(link.startswith("data:") for link in links)


def test_the_page_s_own_files_are_safe_to_put_inside_it() -> None:
    sources = {
        name: (files("fvcli.golden.reports") / "page" / name).read_text() for name in (*SCRIPTS, *STYLES)
    }
    for name, source in sources.items():
        assert not re.search(
            r"</|<!--|innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|https?:|@import", source
        ), name
        assert source.isascii() or not re.search("[\u2028\u2029]", source)


# ---- pictures: inside, beside, or not there


def noises(folder: Path, count: int) -> list[UnitResult]:
    """Return units with pictures of 16 x 16 pixels of noise, each of about 850 bytes."""
    return [
        unit_result(
            f"a/{i}",
            "diff",
            write_noise(folder / f"golden/{i}.png", i),
            write_noise(folder / f"run/{i}.png", 100 + i),
        )
        for i in range(count)
    ]


def base64_bytes(path: str | None) -> int:
    assert path is not None
    return len(base64.b64encode(Path(path).read_bytes()))


def test_the_worst_units_pictures_are_inside_as_far_as_the_budget_goes(
    page: Callable[..., Page], tmp_path: Path
) -> None:
    units = noises(tmp_path, 3)
    three = sum(base64_bytes(side.picture) for side in (units[0].golden, units[0].run, units[1].golden))
    written = page(comparison(*units), budget_bytes=three)
    places = [(unit["golden"]["at"], unit["run"]["at"]) for unit in written.data["units"]]
    assert places == [
        (0, 1),
        (2, "pictures/00001-run-a-1.png"),
        ("pictures/00002-golden-a-2.png", "pictures/00002-run-a-2.png"),
    ]
    assert sum(len(text) for name, text in written.blocks.items() if name.startswith("picture-")) == three
    for place, side in zip(places[2], (units[2].golden, units[2].run), strict=True):
        assert side.picture is not None
        assert (tmp_path / "report" / str(place)).read_bytes() == Path(side.picture).read_bytes()


def test_one_byte_less_and_the_last_picture_is_beside_the_page(
    page: Callable[..., Page], tmp_path: Path
) -> None:
    (unit,) = noises(tmp_path, 1)
    both = base64_bytes(unit.golden.picture) + base64_bytes(unit.run.picture)
    places = [
        page(comparison(unit), budget_bytes=both - less).data["units"][0]["run"]["at"] for less in (0, 1)
    ]
    assert places == [1, "pictures/00000-run-a-0.png"]


def test_file_names_are_ascii_and_differ_where_names_differ_only_in_what_files_cannot_have(
    page: Callable[..., Page], tmp_path: Path, red: str
) -> None:
    names = [
        "j/A",
        "j/a",
        "j/\u00e9",
        "j/\u00e8",
        "../..",
        "j/" + "x" * 300,
        *[f"j/{name}" for name in HOSTILE],
    ]
    page(comparison(*[unit_result(name, "diff", red, red) for name in names]), budget_bytes=0)
    found = [path.name for path in (tmp_path / "report/pictures").iterdir()]
    assert len({name.lower() for name in found}) == len(found) == 2 * len(names)
    assert all(re.fullmatch(r"\d{5}-(golden|run)-[A-Za-z0-9._-]{1,80}\.png", name) for name in found)


def test_an_earlier_report_s_pictures_go_and_other_files_stay(
    page: Callable[..., Page], tmp_path: Path
) -> None:
    units = noises(tmp_path, 2)
    page(comparison(*units), budget_bytes=0)
    mine = tmp_path / "report/pictures/mine.png"
    mine.write_bytes(b"mine")
    page(comparison(units[0]), budget_bytes=0)
    left = sorted(path.name for path in mine.parent.iterdir())
    assert left == ["00000-golden-a-0.png", "00000-run-a-0.png", "mine.png"]


def test_what_cannot_be_shown_is_said_without_the_path_of_its_folder(
    page: Callable[..., Page], tmp_path: Path, red: str
) -> None:
    pointer = tmp_path / "pointer.png"
    pointer.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    cut = tmp_path / "cut.png"
    cut.write_bytes(Path(red).read_bytes()[:20])
    odd = tmp_path / "odd.png"
    odd.write_bytes(b"\x89PNG\r\n\x1a\n" + b"not the header of a picture")
    folder = tmp_path / "folder.png"
    folder.mkdir()
    sides = [(None, "lost.png"), ("pointer.png", "cut.png"), ("folder.png", "nul\x00.png"), ("odd.png", None)]
    units = [
        unit_result(f"a/{i}", "error", *(side and str(tmp_path / side) for side in pair))
        for i, pair in enumerate(sides)
    ]
    written = page(comparison(*units))
    lacks = [unit[whose]["lack"] for unit in written.data["units"] for whose in ("golden", "run")]
    assert lacks == [
        "The golden has no picture.",
        "The file lost.png of the run is missing.",
        "The file pointer.png of the golden is not a PNG picture.",
        "The file cut.png of the run is not a PNG picture.",
        "The file folder.png of the golden cannot be read: Is a directory.",
        "The file nul\x00.png of the run cannot be read: its name is not valid.",
        "The file odd.png of the golden is not a PNG picture.",
        "The run has no picture.",
    ]
    assert str(tmp_path) not in written.source


def test_memory_does_not_grow_with_the_pictures(tmp_path: Path) -> None:
    large = write_noise(tmp_path / "large.png", 0, 1024)  # 3 MB
    units = [unit_result(f"a/{i}", "diff", large, large) for i in range(10)]
    write_html(comparison(units[0]), tmp_path / "report")  # what is loaded once
    tracemalloc.start()
    path = write_html(comparison(*units), tmp_path / "report", 200_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert path.stat().st_size > 80_000_000
    assert peak < 3_000_000
    assert base64.b64encode(Path(large).read_bytes()) in path.read_bytes()


def test_the_report_is_there_whole_or_not_at_all(tmp_path: Path, red: str) -> None:
    (tmp_path / "report").write_text("a file, not a folder")
    with pytest.raises(FvcliError, match=r"report.html cannot be written"):
        write_html(comparison(unit_result("a/x", "match", red, red)), tmp_path / "report")
    with pytest.raises(FvcliError, match=r"00000-golden-a-x.png cannot be written"):
        write_html(comparison(unit_result("a/x", "match", red, red)), tmp_path / "report", budget_bytes=0)


def test_where_scripts_are_forbidden_the_failed_units_can_be_read(page: Callable[..., Page]) -> None:
    units = [unit_result(f"a/{i}", "missing", None, None) for i in range(60)]
    text = page(comparison(*units, unit_result("a/fine", "match", None, None))).text
    assert "a/0 : missing, the run does not have it" in text
    assert "a/49 : missing" in text
    assert "a/50 : missing" not in text
    assert "10 more failed." in text
    assert "a/fine" not in text
