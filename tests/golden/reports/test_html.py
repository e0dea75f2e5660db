"""report.html, read as text: what is in it, and that no name can break out."""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from fvcli.errors import FvcliError
from fvcli.golden.reports.html import SCRIPTS, STYLES, verdict_sentence, write_html
from fvcli.golden.results import Comparison, Drift, Side
from tests.helpers.comparisons import HOSTILE, comparison, hostile_unit, unit_result
from tests.helpers.report_page import Page


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
        "gate": "texture, 1.87 times its limit",
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
        "gain": 1,
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
    text = page(comparison(unit_result("a/x", "match", red, red), drift=None, networks="not asked")).text
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


def test_scores_stand_in_a_row_for_each_network(page: Callable[..., Page], red: str, blue: str) -> None:
    """The run's network sees 3 -> 4, the golden's 5 -> 1: what it says counts."""
    golden, run = Side(red, score=5.0, other_score=3.0), Side(blue, score=4.0, other_score=1.0)
    unit = replace(unit_result("a/x", "diff", red, blue), golden=golden, run=run)
    written = page(comparison(unit, golden_model="before.keras", run_model="after.keras"))
    assert written.units["a/x"]["facts"][:2] == [
        ["score by the golden's network", "5", "1"],
        ["score by the run's network", "3", "4"],
    ]
    assert written.units["a/x"]["values"][0][0] == "score by the golden's network"
    assert "from the golden's pictures to the run's, each by the network that sees the larger" in written.text
    for side, network in (("goldens/lite0", "before.keras"), ("runs/nightly", "after.keras")):
        assert f"{side} network {network}" in written.text


@pytest.mark.parametrize(
    ("values", "name"),
    [({"score": 0.1}, "score by its own network"), ({"texture": 0.1}, "score by the run's network")],
)
def test_scores_of_two_networks_of_which_one_or_none_was_asked_say_by_which_they_are(
    page: Callable[..., Page], red: str, blue: str, values: dict[str, float], name: str
) -> None:
    golden, run = Side(red, score=5.0, weights_sha256="a"), Side(blue, score=4.0, weights_sha256="b")
    unit = replace(unit_result("a/x", "diff", red, blue, values=values, limits={}), golden=golden, run=run)
    assert page(comparison(unit)).units["a/x"]["facts"][0] == [name, "5", "4"]


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
