"""junit.xml."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from junitparser import Error, Failure, Skipped
from junitparser.xunit2 import JUnitXml

from fvcli.golden.reports.junit import write_junit
from fvcli.golden.results import STATUSES, Comparison, Drift, Side
from tests.helpers.plain_comparisons import HOSTILE, comparison, hostile_comparison, unit_result

# What the schema of Jenkins lets stand where (junit-10.xsd of its xunit plugin, in our words).
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"testsuite", "properties", "testcase", "system-out", "system-err"},
    "properties": {"property"},
    "testcase": {"skipped", "error", "failure", "system-out", "system-err"},
}
MUST = {
    "testsuite": {"name", "tests", "failures", "errors"},
    "property": {"name", "value"},
    "testcase": {"name"},
}
MAY = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "time", "skipped"},
    "property": {"name", "value"},
    "testcase": {"name", "classname", "time"},
    **{tag: {"type", "message"} for tag in ("failure", "error", "skipped")},
}


def written(found: Comparison, folder: Path) -> ET.Element:
    """Write a report, check its form, and return it."""
    write_junit(found, folder / "junit.xml", root=folder)
    root = ET.parse(folder / "junit.xml").getroot()
    for element in root.iter():
        assert {child.tag for child in element} <= CHILDREN.get(element.tag, set())
        assert MUST.get(element.tag, set()) <= set(element.keys()) <= MAY.get(element.tag, set())
    return root


def case(root: ET.Element, name: str) -> ET.Element:
    (found,) = (one for one in root.iter("testcase") if one.get("name") == name)
    return found


def test_a_difference_is_a_failure(tmp_path: Path) -> None:
    unit = unit_result(
        *("edges/channel-0042", "diff"),
        gate="score",
        why="score -2.6 % (limit 1 %)",
        values={"score": -0.026, "rms": 31.25},
        limits={"score": 0.01},
        settings=("render.steps: 64 -> 32",),
        golden=Side(picture=str(tmp_path / "golden" / "a.png")),
        run=Side(picture=str(tmp_path / "run" / "a.png"), seconds=1.23456),
    )
    root = written(comparison(unit), tmp_path)
    suite = root[0]
    assert suite.attrib == {
        **{"name": "edges", "tests": "1", "failures": "1", "errors": "0", "skipped": "0", "time": "1.235"}
    }
    assert [(one.get("name"), one.get("value")) for one in suite.iter("property")] == [
        *(("golden", "golden"), ("run", "run"), ("networks", "asked"))
    ]
    found = case(root, "channel-0042")
    assert found.attrib == {"name": "channel-0042", "classname": "fvcli.edges.mixed4a", "time": "1.235"}
    failure, output = found
    assert failure.attrib == {"message": "score -2.6 % (limit 1 %)", "type": "diff"}
    assert failure.text == "\n".join(
        [
            "diff: score -2.6 % (limit 1 %)",
            "shows: channel-0042",
            "layer: mixed4a",
            "decided by: score",
            "score: -2.6 % (limit 1 %)",
            "pixel difference: 31.2 of 255",
            "setting: render.steps: 64 -> 32",
            f"picture of the golden: {tmp_path}/golden/a.png",
            f"picture of the run: {tmp_path}/run/a.png",
        ]
    )
    assert output.text == "[[ATTACHMENT|run/a.png]]\n[[ATTACHMENT|golden/a.png]]"


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("allow_new", [False, True])
def test_each_status_has_its_outcome(tmp_path: Path, status: str, allow_new: bool) -> None:
    written(comparison(unit_result(status=status), allow_new=allow_new), tmp_path)
    expected = {"error": [Error], "match": [], "close": []}.get(status, [Failure])
    if status == "new" and allow_new:
        expected = [Skipped]
    (job, atlas) = JUnitXml.fromfile(str(tmp_path / "junit.xml"))
    (found,) = job
    assert [type(one) for one in found.result] == expected
    assert [one.type for one in found.result] == [status] * len(expected)
    assert [one.message for one in found.result] == [status] * len(expected)  # there is no reason to give
    assert (job.errors, job.failures, job.skipped) == tuple(
        int(expected == [kind]) for kind in (Error, Failure, Skipped)
    )
    assert (atlas.errors, atlas.failures, atlas.skipped) == (0, 0, 1)


def test_pictures_are_attached_where_somebody_has_to_look(tmp_path: Path) -> None:
    side = Side(picture=str(tmp_path / "a.png"))
    units = [unit_result(f"job/{status}", status, run=side) for status in ("match", "new", "error", "dead")]
    root = written(comparison(*units, allow_new=True), tmp_path)
    has_output = {one.get("name"): one.find("system-out") is not None for one in root[0].iter("testcase")}
    assert has_output == {"match": False, "new": False, "error": True, "dead": True}


def test_pictures_elsewhere_are_attached_by_their_whole_path(tmp_path: Path) -> None:
    places = [tmp_path / "far" / "a.png", tmp_path / "b]].png", tmp_path / "c\n.png", tmp_path / "d😀.png"]
    units = [unit_result(f"job/{i}", "diff", run=Side(picture=str(at))) for i, at in enumerate(places)]
    (tmp_path / "here").mkdir()
    root = written(comparison(*units), tmp_path / "here")
    outputs = [one.findtext("system-out") for one in root[0].iter("testcase")]
    far, emoji = (f"[[ATTACHMENT|{at}]]" for at in (places[0], places[3]))
    assert outputs == [far, None, None, emoji]


@pytest.mark.parametrize(("mean", "outcome"), [(0.001, None), (0.01, "failure"), (-0.01, "failure")])
def test_the_drift_is_a_test_case(tmp_path: Path, mean: float, outcome: str | None) -> None:
    root = written(comparison(unit_result(), drift=Drift(120, mean, 0.003)), tmp_path)
    drift = case(root, "drift")
    assert drift.get("classname") == "fvcli.whole atlas"
    assert [one.tag for one in drift] == ([outcome] if outcome else [])
    if outcome:
        sign = "+" if mean > 0 else "-"
        assert drift[0].attrib == {"message": f"mean score change {sign}1 % (limit 0.3 %)", "type": "drift"}
        assert "over 120 scores" in (drift[0].text or "")


def test_times_that_are_no_numbers_are_left_out(tmp_path: Path) -> None:
    seconds = [None, float("nan"), float("inf"), 0.00004, 12345.6789]
    units = [unit_result(f"job/{i}", run=Side(seconds=one)) for i, one in enumerate(seconds)]
    root = written(comparison(*units), tmp_path)
    assert [one.get("time") for one in root[0].iter("testcase")] == [None, None, None, "0.0", "12345.679"]
    assert root[0].get("time") == "12345.679"


def test_a_suite_for_each_job_in_the_order_of_the_worst(tmp_path: Path) -> None:
    units = [unit_result(path) for path in ("b/1", "a/1", "b/2")]
    root = written(comparison(*units), tmp_path)
    assert [(one.get("name"), one.get("tests")) for one in root] == [
        *(("b", "2"), ("a", "1"), ("whole atlas", "1"))
    ]


@pytest.mark.parametrize("status", ["diff", "error", "new"])
def test_hostile_names(tmp_path: Path, status: str) -> None:
    root = written(hostile_comparison(status), tmp_path)
    cases = [one for one in root.iter("testcase") if one.get("name") != "drift"]
    assert len(cases) == len(HOSTILE)
    keys = [(one.get("classname"), one.get("name")) for one in cases]
    assert len(set(keys)) == len(keys)  # GitLab keeps one of two that are equal
    assert len(JUnitXml.fromfile(str(tmp_path / "junit.xml"))) == len(HOSTILE) + 1


def test_a_large_atlas_is_quick_and_small(tmp_path: Path) -> None:
    units = [
        unit_result(
            *(f"job-{i % 40}/{i}", "diff"),
            why="texture 9.3 % apart (limit 1.5 %) " * 3,
            values=dict.fromkeys("abcdefg", 0.5),
            run=Side(picture=str(tmp_path / "run" / "units" / f"job-{i % 40}" / f"{i}.png")),
        )
        for i in range(5000)
    ]
    start = time.perf_counter()
    written(comparison(*units), tmp_path)
    assert time.perf_counter() - start < 5
    assert (tmp_path / "junit.xml").stat().st_size < 10_000_000  # GitLab takes 30 MB
