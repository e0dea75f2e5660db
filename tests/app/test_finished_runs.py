"""What a second render does to a run that has everything or some of it."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fvcli.app.draw_sheets import draw_run
from fvcli.app.plan_spec import PlannedSpec, plan_of_picture, plan_of_spec
from fvcli.app.read_status import read_status
from fvcli.app.render_run import Observer, RenderOptions, render_run
from fvcli.errors import UsageError
from fvcli.plan import choose_units
from fvcli.run import RunFolder
from tests.helpers.painting import PaintingEngine
from tests.helpers.running import SMALL_SPEC, write_spec

FIGURE = "output: {figure: {title: A figure}}\n"


@pytest.fixture
def planned(tmp_path: Path, easel: PaintingEngine) -> PlannedSpec:
    return plan_of_spec(str(write_spec(tmp_path, SMALL_SPEC + FIGURE)), [])


@pytest.fixture
def run(planned: PlannedSpec, tmp_path: Path, easel: PaintingEngine) -> Path:
    """Return a run that has everything."""
    render_run(planned, tmp_path / "run")
    easel.painted.clear()
    return tmp_path / "run"


class Listener(Observer):
    """Writes down what is said."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def said(self, text: str) -> None:
        self.heard.append(text)


def sheets_of(run: Path) -> list[Path]:
    return [run / "grids/edges.png", run / "grids/textures.png", run / "figure.png", run / "index.html"]


def test_sheets_that_are_all_there_are_left_alone_and_still_told(planned: PlannedSpec, run: Path) -> None:
    for path in sheets_of(run):
        path.write_bytes(b"kept")
    outcome = render_run(planned, run)
    assert list(outcome.sheets) == sheets_of(run)
    assert [path.read_bytes() for path in sheets_of(run)] == [b"kept"] * 4


@pytest.mark.parametrize("lost", range(4))
def test_all_sheets_are_drawn_again_if_one_is_lost(planned: PlannedSpec, run: Path, lost: int) -> None:
    for path in sheets_of(run):
        path.write_bytes(b"old")
    sheets_of(run)[lost].unlink()
    outcome = render_run(planned, run)
    assert list(outcome.sheets) == sheets_of(run)
    assert all(len(path.read_bytes()) > 100 for path in sheets_of(run))


def test_sheets_are_drawn_again_if_anything_was_rendered(
    planned: PlannedSpec, run: Path, easel: PaintingEngine
) -> None:
    for path in sheets_of(run):
        path.write_bytes(b"old")
    (run / "units/edges/channel-0003.json").unlink()
    outcome = render_run(planned, run, RenderOptions(only=["edges"]))
    assert easel.painted == ["edges/channel-0003"]
    assert all(len(path.read_bytes()) > 100 for path in sheets_of(run))
    assert (outcome.counts, outcome.done, outcome.planned) == ({"done": 5}, 7, 7)


def test_units_that_are_finished_are_rendered_anew_only_if_they_are_asked_for(
    planned: PlannedSpec, run: Path, easel: PaintingEngine
) -> None:
    render_run(planned, run)
    assert easel.painted == []
    render_run(planned, run, RenderOptions(only=["textures"], again=True))
    assert easel.painted == ["textures/channel-0003", "textures/channel-0017"]
    moved = sorted(str(path.relative_to(run)) for path in run.glob("replaced-1/**/*17.png"))
    assert moved == ["replaced-1/units/textures/channel-0017.png"]


def test_a_slice_that_is_rendered_anew_leaves_the_others_alone(
    planned: PlannedSpec, run: Path, easel: PaintingEngine
) -> None:
    outcome = render_run(planned, run, RenderOptions(shard=(1, 4), again=True))
    assert 0 < len(easel.painted) < 7
    assert outcome.counts == {"done": len(easel.painted)}
    assert outcome.done == 7


def test_a_slice_says_which_it_is_and_what_it_came_to(planned: PlannedSpec, tmp_path: Path) -> None:
    outcomes = [render_run(planned, tmp_path / f"part{i}", RenderOptions(shard=(i, 4))) for i in (1, 2, 3, 4)]
    assert sum(outcome.counts["done"] for outcome in outcomes) == 7
    assert [outcome.done for outcome in outcomes] == [outcome.counts["done"] for outcome in outcomes]
    assert {outcome.planned for outcome in outcomes} == {7}
    assert {outcome.sheets for outcome in outcomes} == {()}
    assert not (tmp_path / "part1/figure.png").exists()


def test_a_picture_of_another_spec_is_moved_only_with_force(
    planned: PlannedSpec, run: Path, easel: PaintingEngine
) -> None:
    spec = write_spec(run.parent, SMALL_SPEC.replace("steps: 24", "steps: 25"), "other.yaml")
    other = plan_of_spec(str(spec), [])
    with pytest.raises(UsageError, match="force"):
        render_run(other, run)
    assert easel.painted == []
    assert render_run(other, run, RenderOptions(force=True)).counts == {"done": 7}
    assert len(list((run / "replaced-1").rglob("channel-????.png"))) == 7


def test_what_became_of_pictures_is_said_and_logged(planned: PlannedSpec, run: Path) -> None:
    listener = Listener()
    render_run(planned, run, RenderOptions(only=["textures"], again=True), listener)
    assert len(listener.heard) == 2
    assert listener.heard[0].startswith(f"{run}: ")
    assert "replaced-1" in listener.heard[0]
    log = (run / "logs/render.log").read_text().splitlines()
    assert [line[20:] for line in log[-2:]] == listener.heard


# ---- sheets of a run in a folder


def test_the_sheets_of_a_run_are_drawn_from_what_is_finished(planned: PlannedSpec, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no run here"):
        draw_run(tmp_path / "nowhere")
    with RunFolder.begin(tmp_path / "empty", planned.plan, planned.text):
        pass
    with pytest.raises(UsageError) as refused:
        draw_run(tmp_path / "empty")
    assert str(refused.value) == (
        f"{tmp_path}/empty: no unit is rendered yet: see: fvcli status {tmp_path}/empty"
    )
    assert not (tmp_path / "empty/figure.png").exists()
    run = tmp_path / "run"
    render_run(planned, run, RenderOptions(only=["textures"]))
    names = ("grids/textures.png", "figure.png", "index.html")
    assert list(draw_run(run).paths) == [run / name for name in names]
    assert read_status(run).counts["pending"] == 5


# ---- patterns


def test_patterns_name_units_that_any_of_them_matches(planned: PlannedSpec) -> None:
    assert choose_units(planned.plan, []) is None
    assert choose_units(planned.plan, ["textures", "edges/*4"]) == {
        "edges/channel-0004",
        "textures/channel-0003",
        "textures/channel-0017",
    }
    with pytest.raises(UsageError) as refused:
        choose_units(planned.plan, ["cats", "edges", "dogs/*"])
    other = replace(planned.plan, jobs=planned.plan.jobs[:1], units=planned.plan.units[:1])
    with pytest.raises(
        UsageError, match="--only cats: no unit matches: units are named like edges/channel-0000, t"
    ):
        choose_units((other, planned.plan), ["cats", "textures"])
    named = "no unit matches: units are named like edges/channel-0000, textures/channel-0003"
    assert str(refused.value).splitlines() == [f"--only cats: {named}", f"--only dogs/*: {named}"]


# ---- pictures that carry their spec


def test_a_picture_in_its_run_keeps_its_name_and_its_job(
    planned: PlannedSpec, run: Path, tmp_path: Path, easel: PaintingEngine
) -> None:
    inside = plan_of_picture(run / "units/textures/channel-0017.png", [])
    assert [unit.path for unit in inside.plan.units] == ["textures/channel-0017"]
    assert inside.plan.units[0].key == planned.plan.units[-1].key
    assert inside.remarks == ()
    renamed = run / "units/textures/my-own.png"
    (run / "units/textures/channel-0003.png").rename(renamed)
    assert [unit.path for unit in plan_of_picture(renamed, []).plan.units] == ["textures/my-own"]
    outside = tmp_path / "elsewhere" / "called.png"
    outside.parent.mkdir()
    outside.write_bytes(renamed.read_bytes())
    found = plan_of_picture(outside, [])
    assert [unit.name for unit in found.plan.units] == ["channel-0003"]
    assert found.remarks == ()
    changed = plan_of_picture(outside, ["render.steps=99"])
    assert changed.remarks == ()  # it was asked for
    assert changed.plan.programs[0].settings.steps == 99


def test_a_picture_of_an_earlier_algorithm_is_said_to_differ(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = run / "units/textures/channel-0017.png"
    spec = {"model": "efficientnet-lite0", "jobs": [{"name": "a", "layer": "stem"}]}
    carried = {"key": "0" * 64, "spec": spec}
    monkeypatch.setattr("fvcli.app.plan_spec.picture_text", lambda path: carried)
    assert plan_of_picture(picture, []).remarks == (
        f"{picture} was rendered with another model, another photo or an earlier algorithm: "
        "what comes out will differ from it",
    )


# ---- a machine without ffmpeg


class Listening(Observer):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def said(self, text: str) -> None:
        self.heard.append(text)


def test_a_machine_is_asked_only_for_what_is_still_to_be_rendered(
    tmp_path: Path, easel: PaintingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = """\
model: efficientnet-lite0
jobs:
  - {name: still, layer: stem_bn, channels: 0}
  - {name: film, layer: stem_bn, channels: 0, animation: {every: 4}}
  - {name: more, layer: stem_bn, channels: 0-1, animation: {every: 5}}
"""
    planned = plan_of_spec(str(write_spec(tmp_path, jobs)), [])
    render_run(planned, tmp_path / "run")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    assert render_run(planned, tmp_path / "run").counts == {"done": 4}
    assert render_run(planned, tmp_path / "other", RenderOptions(only=["still"])).counts == {"done": 1}
    for unit in ("film/channel-0000", "more/channel-0001"):
        (tmp_path / f"run/units/{unit}.json").unlink()
    observer = Listening()
    render_run(planned, tmp_path / "run", None, observer)
    assert observer.heard[0].startswith(
        "Note: jobs.film, jobs.more: on this machine films are written as webp, because "
    )
