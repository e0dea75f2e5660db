"""diff.html, read as text: what is in it, and that no name and no number can break it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from fvcli.app.write_diff import write_diff
from fvcli.golden.model_diff import ModelDiff
from fvcli.golden.reports.diff_html import SCRIPTS, STYLES, diff_sentence, write_diff_html
from fvcli.golden.reports.html import write_html
from tests.helpers.comparisons import HOSTILE, comparison, unit_result
from tests.helpers.model_diffs import hostile_diff, model_diff, one_side, unit_diff
from tests.helpers.report_page import Page


@pytest.fixture
def diff_page(tmp_path: Path) -> Callable[..., Page]:
    """Write a page into tmp_path/report and read it."""

    def write(found: ModelDiff, **options: int) -> Page:
        return Page(write_diff_html(found, tmp_path / "report", **options))

    return write


def test_a_unit_is_told_with_what_each_network_says_of_each_picture(
    diff_page: Callable[..., Page], red: str, blue: str
) -> None:
    a = one_side(red, 0.25, rank=3, own=9.0, other=3.0, noise=1.0)
    b = one_side(blue, None, rank=16, own=-0.5, other=2.0, noise=0.5)
    written = diff_page(model_diff(unit_diff("a/x", a, b, 1.0)))
    assert written.units["a/x"] == {
        "path": "a/x",
        "job": "a",
        "unit": "x",
        "label": "label of x",
        "layer": "mixed4a",
        "changed": ["1.00", 1.0],
        "shared": [["0.25", 0.25], ["no rise", None]],
        "ranks": ["3 of 16", "16 of 16"],
        "scores": [["9", "3", "1"], ["2", "-0.5", "0.5"]],  # for A's picture, B's picture, noise
        "a": {"at": 0, "w": 8, "h": 8},
        "b": {"at": 1, "w": 8, "h": 8},
    }
    assert written.picture(0) == Path(red).read_bytes()
    assert written.picture(1) == Path(blue).read_bytes()
    assert written.data["sides"] == {"a": "A", "b": "B"}
    assert list(written.data["views"]) == ["side", "slider", "blink"]


def test_units_keep_their_order_and_ranks_that_are_not_known_are_left_out(
    diff_page: Callable[..., Page], red: str
) -> None:
    side = one_side(red, rank=None)
    units = [unit_diff(f"a/{name}", side, side, ranked=None) for name in "zay"]
    written = diff_page(model_diff(*units))
    assert [unit["path"] for unit in written.data["units"]] == ["a/z", "a/a", "a/y"]
    assert not [unit for unit in written.data["units"] if "ranks" in unit]


def test_the_head_says_what_was_compared_and_found(diff_page: Callable[..., Page], red: str) -> None:
    alive, dead = one_side(red), one_side(red, None)
    units = [
        unit_diff("a/1", alive, dead, 1.0),
        unit_diff("a/2", alive, alive, 0.5),
        unit_diff("a/3", alive, alive, 0.123),
        unit_diff("a/4", dead, dead, 0.0),
    ]
    text = diff_page(model_diff(*units, remarks=("Both are the same.",))).text
    for said in (
        "2 of 4 units changed by half or more.",
        "A lite0 run runs/before B lite0 (tuned.h5) run runs/after",
        "Compared 4 units Median change 0.31 ",
        "Changed by 0.5 or more 2",
        "No rise above noise 1 only in B 1 in both",
        "0.00 to 0.05: 1 unit",
        "0.95 to 1.00: 1 unit",
        "Both are the same.",
        "a/3 : changed 0.12",
    ):
        assert said in text


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ([], "No unit was compared."),
        ([0.25], "The only unit changed by 0.25."),
        ([math.nan], "The only unit changed by not a number."),
        ([0.49, 0.1], "None of 2 units changed by half or more."),
        ([1.0, 0.5, 0.1], "2 of 3 units changed by half or more."),
    ],
)
def test_what_was_found_is_a_sentence(
    diff_page: Callable[..., Page], red: str, changes: list[float], sentence: str
) -> None:
    side = one_side(red)
    found = model_diff(*(unit_diff(f"a/{i}", side, side, change) for i, change in enumerate(changes)))
    assert diff_sentence(found) == sentence
    assert sentence in diff_page(found).text


def test_one_unit_of_thousands_is_seen_in_the_drawing(diff_page: Callable[..., Page]) -> None:
    side = one_side("/nowhere/lost.png")
    units = [unit_diff(f"a/{i}", side, side, 1.0 if i == 0 else 0.0) for i in range(2000)]
    bars = [found for tag, found in diff_page(model_diff(*units)).elements if tag == "rect"]
    assert [(found["x"], found["height"]) for found in bars] == [("0.05", "40.0"), ("19.05", "1.5")]


def strange_numbers(red: str) -> ModelDiff:
    a = one_side(red, math.nan, own=math.nan, other=math.inf, noise=-math.inf)
    return model_diff(unit_diff("a/x", a, one_side(red, math.inf), math.nan), unit_diff("a/y", a, a, 0.5))


def test_numbers_that_are_not_finite_are_said(diff_page: Callable[..., Page], red: str) -> None:
    written = diff_page(strange_numbers(red))
    unit = written.units["a/x"]
    assert unit["changed"] == ["not a number", None]
    assert unit["shared"] == [["not a number", None], ["infinite", None]]
    assert unit["scores"][0] == ["not a number", "infinite", "-infinite"]
    assert "Median change not a number" in written.text


def test_diff_json_is_json_whatever_the_numbers_are(tmp_path: Path, red: str) -> None:
    page = write_diff(strange_numbers(red), tmp_path / "report")
    assert page == tmp_path / "report/diff.html"

    def refuse(constant: str) -> Any:
        raise AssertionError(constant)

    data = json.loads((tmp_path / "report/diff.json").read_bytes(), parse_constant=refuse)
    assert data["median_changed"] is None
    assert data["units"][0]["a"] == {
        "picture": "../golden/red.png",
        "noise": None,
        "own": None,
        "other": None,
        "shared": None,
        "rank": 3,
    }
    assert data["units"][1]["changed"] == 0.5


def test_what_cannot_be_shown_is_said(diff_page: Callable[..., Page], tmp_path: Path) -> None:
    odd = tmp_path / "odd.png"
    odd.write_text("no picture")
    unit = unit_diff("a/x", one_side(str(tmp_path / "lost.png")), one_side(str(odd)))
    written = diff_page(model_diff(unit)).units["a/x"]
    lacks = (written["a"]["lack"], written["b"]["lack"])
    assert lacks == ("The file lost.png of A is missing.", "The file odd.png of B is not a PNG picture.")


def test_pictures_beyond_the_budget_stand_beside_the_page_and_leave_those_of_a_report_alone(
    diff_page: Callable[..., Page], tmp_path: Path, red: str, blue: str
) -> None:
    write_html(comparison(unit_result("a/x", "diff", red, blue)), tmp_path / "report", 0)
    side = one_side(red)
    written = diff_page(
        model_diff(unit_diff("a/x", side, side), unit_diff("a/y", side, side)), budget_bytes=0
    )
    assert written.units["a/y"]["b"]["at"] == "pictures/00001-b-a-y.png"
    diff_page(model_diff(unit_diff("a/x", side, side)), budget_bytes=0)
    left = sorted(path.name for path in (tmp_path / "report/pictures").iterdir())
    assert left == ["00000-a-a-x.png", "00000-b-a-x.png", "00000-golden-a-x.png", "00000-run-a-x.png"]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_breaks_out(diff_page: Callable[..., Page], red: str, name: str) -> None:
    def found(text: str) -> ModelDiff:
        unit = hostile_diff(text, one_side(red), one_side(red))
        return model_diff(unit, a=text, b=text, model_a=text, model_b=text, remarks=(text,))

    expected = [tag for tag, _ in diff_page(found("calm")).elements]
    written = diff_page(found(name))
    assert [tag for tag, _ in written.elements] == expected
    (unit,) = written.data["units"]
    told = [unit[key] for key in ("path", "job", "unit", "label", "layer")]
    assert told == [f"{name}/{name}", name, name, f"label {name}", f"layer {name}"]
    assert written.blocks["data"].isascii()
    assert not set("<>&'") & set(written.blocks["data"])


def test_nothing_on_the_page_is_loaded_from_elsewhere(diff_page: Callable[..., Page], red: str) -> None:
    written = diff_page(model_diff(unit_diff("a/x", one_side(red), one_side(red))))
    (policy,) = [
        found["content"] for _, found in written.elements if "Content-Security-Policy" in found.values()
    ]
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src 'self' file: data:; style-src 'sha256-")
    assert not [found for _, found in written.elements if "src" in found or "style" in found]
    for name in (*SCRIPTS, *STYLES):
        source = (files("fvcli.golden.reports") / "page" / name).read_text()
        assert not re.search(r"</|<!--|innerHTML|outerHTML|insertAdjacentHTML|https?:|@import", source), name


def test_where_scripts_are_forbidden_the_first_units_can_be_read(diff_page: Callable[..., Page]) -> None:
    side = one_side("/nowhere/lost.png")
    text = diff_page(model_diff(*(unit_diff(f"a/{i}", side, side) for i in range(60)))).text
    assert "a/49 : changed 0.75" in text
    assert "a/50 : changed" not in text
    assert "10 more units." in text
