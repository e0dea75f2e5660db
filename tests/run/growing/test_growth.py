"""A run whose spec changes: what is kept, what is refused and in which words, what --force and --again do."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from click.testing import Result

from fvcli.app.plan_spec import plan_of_spec
from fvcli.engines import ENGINES
from fvcli.errors import FvcliError
from fvcli.media import pixel_sha256, read_picture
from fvcli.run import Asked, RunFolder
from fvcli.run.atomic import TEMPORARY
from tests.helpers.painting import PaintingEngine, claimed, paint
from tests.helpers.running import at_work_elsewhere, fvcli, write_spec

SPEC = """\
model: efficientnet-lite0
render: {size_px: 64, steps: 64, batch_size: 2, optimizer: {kind: adam, learning_rate: 0.05}}
jobs:
  - {name: edges, layer: stem_bn, channels: 0-3}
  - {name: dogs, objective: class_logit, classes: [207, 208], recipe: default}
"""
UNITS = {
    *(f"edges/channel-{i:04d}" for i in range(4)),
    *("dogs/class_logit-0207", "dogs/class_logit-0208"),
}
Render = Callable[..., Result]
Files = dict[str, bytes]
NOT_COMPARED = {"logs", "workers", "rounds"}


@pytest.fixture
def render(tmp_path: Path, easel: PaintingEngine) -> Render:
    """Render the spec, or another text, into the run folder of the test."""

    def render(*words: str, text: str = SPEC, run: str = "run") -> Result:
        easel.painted.clear()
        return fvcli("render", write_spec(tmp_path, text), "-o", tmp_path / run, *words)

    return render


@pytest.fixture(scope="module")
def painted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole run of the spec."""
    folder = tmp_path_factory.mktemp("painted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ENGINES, "local", PaintingEngine)
        result = fvcli("render", write_spec(folder, SPEC), "-o", folder / "run")
    assert result.exit_code == 0, result.stderr
    return folder / "run"


@pytest.fixture
def run(tmp_path: Path, painted: Path, easel: PaintingEngine) -> Path:
    """A copy of it."""
    shutil.copytree(painted, tmp_path / "run")
    return tmp_path / "run"


def files(run: Path, below: str = "") -> Files:
    """Return every file below a folder, but locks, logs and what tells who was at work."""
    return {
        str(path.relative_to(run / below)): path.read_bytes()
        for path in sorted((run / below).rglob("*"))
        if path.is_file() and not path.name.startswith(".lock") and path.parent.name not in NOT_COMPARED
    }


def finished(run: Path) -> set[str]:
    """Return the units that have a whole picture of the run's plan."""
    folder = RunFolder.read(run)
    return {unit.path for unit in folder.plan.units if folder.is_finished(unit)}


def refusal(result: Result, run: Path, pictures: int) -> list[str]:
    """Return the lines of a refusal between its first and its last."""
    assert result.exit_code == 2, result.output
    first, *lines, last = [line.removeprefix("Error: ") for line in result.stderr.splitlines()]
    noun = "picture" if pictures == 1 else "pictures"
    assert first == f"{run} holds {pictures} finished {noun} of another spec"
    number = 1 + len(list(run.glob("replaced-*")))
    assert (
        last == f"give another folder, or render with --force, which moves them to {run}/replaced-{number}/"
    )
    return lines


# ---- growing


def test_what_is_added_is_rendered_and_the_rest_is_left_alone(
    run: Path, render: Render, easel: PaintingEngine
) -> None:
    before = {path: path.stat().st_mtime_ns for path in run.glob("units/*/*")}
    grown = SPEC.replace("channels: 0-3", "channels: 0-5")
    result = render(text=grown)
    assert result.exit_code == 0, result.stderr
    assert f"{run}: 6 kept, 2 new" in result.stderr.splitlines()
    assert f"{run}: 6 kept, 2 new" in (run / "logs/render.log").read_text()
    assert easel.painted == ["edges/channel-0004", "edges/channel-0005"]
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert (run / "spec.yaml").read_text() == grown
    assert "nothing was left to render, 8 of 8 in the run" in render(text=grown).stdout
    assert easel.painted == []


def test_units_that_were_not_finished_are_counted_apart(run: Path, render: Render) -> None:
    (run / "units/edges/channel-0001.png").unlink()
    result = render(text=SPEC.replace("channels: 0-3", "channels: 0-4"))
    assert f"{run}: 5 kept, 1 new, 1 still to render" in result.stderr.splitlines()


def test_titles_captions_and_sheets_may_change(run: Path, render: Render, easel: PaintingEngine) -> None:
    units, sheet = files(run, "units"), (run / "grids/edges.png").read_bytes()
    titled = SPEC.replace("{name: edges,", "{name: edges, title: Lines,")
    assert render(text=titled).exit_code == 0
    assert easel.painted == []
    assert files(run, "units") == units
    assert (run / "grids/edges.png").read_bytes() != sheet
    assert json.loads((run / "plan.json").read_text())["jobs"][0]["title"] == "Lines"
    assert render("--set", "output.figure.caption=All of it", text=titled).exit_code == 0
    assert (run / "figure.png").exists()
    assert easel.painted == []


def test_a_renamed_job_takes_its_pictures_along(run: Path, render: Render, easel: PaintingEngine) -> None:
    renamed = SPEC.replace("name: edges", "name: lines")
    result = render(text=renamed)
    assert result.exit_code == 0, result.stderr
    assert f"{run}: 6 kept (4 under another name), 0 new" in result.stderr.splitlines()
    assert easel.painted == []
    assert not (run / "units/edges").exists()
    assert not (run / "grids/edges.png").exists()
    sidecar = json.loads((run / "units/lines/channel-0002.json").read_text())
    assert (sidecar["job"], sidecar["label"], sidecar["unit"]) == ("lines", "2", {"channel": 2})
    assert finished(run) == {path.replace("edges", "lines") for path in UNITS}
    assert render(text=renamed, run="fresh").exit_code == 0
    assert files(run, "units") == files(run.with_name("fresh"), "units")  # the text inside them, too
    assert not list(run.glob(".moving-*"))


def test_jobs_may_change_names_with_one_another(run: Path, render: Render, easel: PaintingEngine) -> None:
    spec = SPEC.replace("objective: class_logit, classes: [207, 208]", "layer: stem_bn, channels: 4-7")
    assert render(text=spec, run="swapped").exit_code == 0
    swapped = spec.replace("edges", "x").replace("dogs", "edges").replace("x,", "dogs,")
    result = render(text=swapped, run="swapped")
    assert result.exit_code == 0, result.stderr
    assert "8 kept (8 under another name), 0 new" in result.stderr
    assert easel.painted == []
    assert render(text=swapped, run="fresh").exit_code == 0
    found = files(run.with_name("swapped"), "units")
    assert found == files(run.with_name("fresh"), "units")
    assert len(found) == 3 * 8


def test_pictures_on_their_way_to_another_job_survive_a_kill(
    run: Path, render: Render, easel: PaintingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fvcli.run.growing import preparation

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    renamed = SPEC.replace("name: edges", "name: lines")
    for step in ("forget_attempts", "remove_units", "install"):
        with monkeypatch.context() as patch:
            patch.setattr(preparation, step, killed)
            render(text=renamed)
        assert list(run.glob(".moving-*")), step
    assert not (run / "units/edges").exists()
    assert render(text=renamed).exit_code == 0
    assert easel.painted == []
    assert len(finished(run)) == 6
    assert json.loads(fvcli("status", run, "--json").stdout)["of_other_specs"] == 0
    assert not list(run.glob(".moving-*"))


def test_pictures_on_their_way_may_be_given_yet_another_name(
    run: Path, render: Render, easel: PaintingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fvcli.run.growing import preparation

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(preparation, "install", killed)
        render(text=SPEC.replace("name: edges", "name: lines"))
    assert sorted(path.parent.name for path in run.rglob("channel-0000.png")) == ["lines"]  # on its way
    result = render(text=SPEC.replace("name: edges", "name: strokes"))
    assert result.exit_code == 0, result.stderr
    assert easel.painted == []
    assert finished(run) == {path.replace("edges", "strokes") for path in UNITS}
    assert not list(run.glob(".moving-*"))


def test_a_renamed_job_takes_all_its_pictures_along_whatever_is_rendered(
    run: Path, render: Render, easel: PaintingEngine
) -> None:
    renamed = SPEC.replace("name: edges", "name: lines").replace("0-3", "0-4")
    for pattern in ("lines/channel-0004", "dogs"):
        result = render("--only", pattern, text=renamed)
        assert result.exit_code == 0, result.stderr
        assert easel.painted == (["lines/channel-0004"] if pattern != "dogs" else [])
        assert finished(run) == {*("lines/channel-0004", *(path.replace("edges", "lines") for path in UNITS))}
        assert not (run / "units/edges").exists()


def test_a_renamed_job_waits_where_pictures_of_another_spec_stand(
    run: Path, render: Render, easel: PaintingEngine
) -> None:
    """With --only they stay where they are; without it, --force moves them out of the way."""
    lines = "  - {name: lines, layer: stem_bn, channels: 0-3, seed: 5}\n"
    assert render(text=SPEC + lines).exit_code == 0
    other = SPEC + lines.replace("seed: 5", "seed: 6")
    assert render("--force", "--only", "dogs", text=other).exit_code == 0
    renamed = SPEC.replace("name: edges", "name: lines")
    pictures = {path.read_bytes() for path in run.glob("units/*/*.png")}
    result = render("--force", "--only", "lines/channel-0001", text=renamed)
    assert result.exit_code == 0, result.stderr
    assert easel.painted == []
    assert finished(run) == {"lines/channel-0001", "dogs/class_logit-0207", "dogs/class_logit-0208"}
    assert not list(run.glob(".moving-*"))
    assert render("--force", text=renamed).exit_code == 0
    assert easel.painted == []
    assert finished(run) == {path.replace("edges", "lines") for path in UNITS}
    assert not (run / "units/edges").exists()
    assert {path.read_bytes() for path in run.rglob("*.png")} >= pictures


def test_renamed_jobs_wait_for_one_another(tmp_path: Path, render: Render, easel: PaintingEngine) -> None:
    """Each of two takes the place of the next, and the last place is another spec's."""

    def spec(**jobs: str) -> str:
        lines = [f"  - {{name: {name}, channels: 0, {layer}}}\n" for name, layer in jobs.items()]
        return SPEC[: SPEC.index("  - {name: edges")] + "".join(lines)

    run, first, second = tmp_path / "run", "layer: stem_conv", "layer: stem_bn"
    assert render(text=spec(a=first, b=second, c="layer: stem")).exit_code == 0
    changed = spec(a=first, b=second, c="layer: stem, seed: 1")
    assert render("--force", "--only", "a", text=changed).exit_code == 0
    before = files(run, "units")
    renamed = spec(b=first, c=second, e="layer: stem, seed: 5")
    assert render("--force", "--only", "e", text=renamed).exit_code == 0
    assert easel.painted == ["e/channel-0000"]
    assert before.items() <= files(run, "units").items()
    assert not list(run.glob(".moving-*"))
    assert render("--force", text=renamed).exit_code == 0
    assert easel.painted == []
    assert finished(run) == {"b/channel-0000", "c/channel-0000", "e/channel-0000"}
    kept = {path.read_bytes() for path in run.rglob("channel-0000.png")}
    assert kept >= {content for name, content in before.items() if name.endswith("channel-0000.png")}


def test_a_picture_that_two_jobs_have_is_rendered_once(
    run: Path, render: Render, easel: PaintingEngine
) -> None:
    result = render(text=SPEC + "  - {name: again, layer: stem_bn, channels: [2]}\n")
    assert result.exit_code == 0, result.stderr
    assert easel.painted == []
    pixels = [read_picture(run / f"units/{job}/channel-0002.png") for job in ("edges", "again")]
    assert pixel_sha256(pixels[0]) == pixel_sha256(pixels[1])


def test_without_finished_pictures_another_spec_needs_no_force(
    run: Path, render: Render, easel: PaintingEngine
) -> None:
    for sidecar in run.glob("units/*/*.json"):
        sidecar.unlink()
    result = render("--set", "render.seed=1")
    assert result.exit_code == 0, result.stderr
    assert f"{run}: 0 kept, 6 new" in result.stderr
    assert len(easel.painted) == 6


def test_a_picture_that_failed_is_not_in_the_way(run: Path, render: Render, easel: PaintingEngine) -> None:
    easel.statuses = dict.fromkeys(UNITS, "failed")
    assert render(run="failing").exit_code == 1
    easel.statuses = {}
    assert render("--set", "render.seed=1", run="failing").exit_code == 0


def test_what_somebody_else_laid_into_the_folder_stays(run: Path, render: Render) -> None:
    copy = run / "units/backup"
    (run / "units/edges").rename(copy)
    assert render().exit_code == 0
    assert len(list(copy.iterdir())) == 12
    assert render(text=SPEC.replace("name: edges", "name: lines")).exit_code == 0
    assert len(list(copy.iterdir())) == 12


def test_pictures_that_somebody_laid_there_from_another_run_are_in_nobodys_way(
    run: Path, render: Render
) -> None:
    """No plan of this folder has them: neither a refusal nor --force is about them."""
    assert render("--set", "render.seed=7", run="other").exit_code == 0
    shutil.copytree(run.with_name("other") / "units/edges", run / "units/guests")
    before = files(run, "units/guests")
    grown = SPEC.replace("channels: 0-3", "channels: 0-4")
    for words in ([], ["--force"]):
        result = render(*words, text=grown)
        assert result.exit_code == 0, result.stderr
    assert files(run, "units/guests") == before
    assert not (run / "replaced-1").exists()
    assert json.loads(fvcli("status", run, "--json").stdout)["of_other_specs"] == 4


# ---- refusing


@pytest.mark.parametrize(
    ("words", "pictures", "lines"),
    [
        (["render.steps=32"], 6, ["render.steps: 64 -> 32: 6 pictures would go"]),
        (["jobs.edges.steps=32"], 4, ["jobs.edges.steps: 64 -> 32: 4 pictures would go"]),
        (
            ["render.optimizer.learning_rate=0.1"],
            6,
            ["render.optimizer.learning_rate: 0.05 -> 0.1: 6 pictures would go"],
        ),
        (
            ["render.optimizer=lion", "render.seed=1"],
            6,
            [
                "render.seed: 0 -> 1: 6 pictures would go",
                "render.optimizer: adam -> lion: 6 pictures would go",
            ],
        ),
        (["render.size_px=[64, 80]"], 6, ["render.size_px: 64 -> [64, 80]: 6 pictures would go"]),
        (["render.batch_size=1"], 6, ["render.batch_size: 2 -> 1: 6 pictures would go"]),
        (["jobs.edges.layer=stem_conv"], 4, ["jobs.edges.layer: stem_bn -> stem_conv: 4 pictures would go"]),
        (["jobs.edges.channels=0-1"], 2, ["jobs.edges.channels: 2 pictures are no longer asked for"]),
        (["jobs.edges.channels=1-3"], 1, ["jobs.edges.channels: 1 picture is no longer asked for"]),
        (
            ["jobs.edges.sign=negative"],
            4,
            ["jobs.edges.sign: 4 pictures are no longer asked for"],
        ),
        (
            ["jobs.edges.objective=neuron"],
            4,
            ["jobs.edges.objective: 4 pictures are no longer asked for"],
        ),
        (
            ["jobs.dogs.objective=class_probability"],
            2,
            ["jobs.dogs.objective: 2 pictures are no longer asked for"],
        ),
        (["model.channel_order=BGR"], 6, ["model.channel_order: RGB -> BGR: 6 pictures would go"]),
        (["jobs.dogs.recipe=lucid"], 2, ["jobs.dogs.recipe: default -> lucid: 2 pictures would go"]),
        (
            ["jobs.edges.penalties=[{kind: l2, weight: 0.1}]"],
            4,
            ["jobs.edges.penalties: [] -> [l2]: 4 pictures would go"],
        ),
    ],
)
def test_what_would_go_is_said_in_the_words_of_the_spec(
    run: Path, render: Render, words: list[str], pictures: int, lines: list[str]
) -> None:
    before = files(run)
    result = render(*(word for override in words for word in ("--set", override)))
    assert refusal(result, run, pictures) == lines
    assert files(run) == before


def test_everything_that_goes_is_said_at_once(run: Path, render: Render) -> None:
    text = SPEC[: SPEC.index("  - {name: dogs")].replace("0-3", "0-2").replace("steps: 64", "steps: 32")
    assert refusal(render(text=text), run, 6) == [
        "render.steps: 64 -> 32: 3 pictures would go",
        "jobs.edges.channels: 1 picture is no longer asked for",
        "jobs.dogs: no longer in the spec: 2 pictures would go",
    ]


def test_a_refusal_leaves_no_trace(run: Path, render: Render) -> None:
    """Not even a lock, in a run that was copied without."""
    for lock in run.glob(".lock*"):
        lock.unlink()
    assert render("--set", "render.seed=1").exit_code == 2
    assert not list(run.glob(".*"))


def test_only_finished_pictures_are_counted(run: Path, render: Render) -> None:
    (run / "units/edges/channel-0001.json").unlink()
    assert refusal(render("--set", "jobs.edges.steps=1"), run, 3) == [
        "jobs.edges.steps: 64 -> 1: 3 pictures would go"
    ]


def test_another_algorithm_is_said_as_such(
    run: Path, render: Render, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fvcli.plan import keys

    monkeypatch.setattr(keys, "ALGORITHM", keys.ALGORITHM + 1)
    assert refusal(render(), run, 6) == [
        "jobs.edges, jobs.dogs: rendered by another version of fvcli's algorithm: 6 pictures would go"
    ]


def test_other_weights_are_said(run: Path, render: Render) -> None:
    plan = json.loads((run / "plan.json").read_text())
    for program in plan["programs"]:
        program["weights_sha256"] = "0" * 64
    for unit in plan["units"]:
        unit["key"] = unit["key"][::-1]
    (run / "plan.json").write_text(json.dumps(plan))
    for sidecar in run.glob("units/*/*.json"):
        data = json.loads(sidecar.read_text())
        sidecar.write_text(json.dumps({**data, "key": data["key"][::-1]}))
    assert refusal(render(), run, 6) == ["model.weights: 00000000 -> 57934424: 6 pictures would go"]


def test_a_plan_that_cannot_be_read_is_not_overwritten(run: Path, render: Render) -> None:
    (run / "plan.json").write_text("{")
    before = files(run)
    result = render()
    assert result.exit_code == 2
    assert f"{run}/plan.json: not a readable plan" in result.stderr
    assert files(run) == before
    forced = render("--force")
    assert forced.exit_code == 0, forced.stderr
    assert len(finished(run)) == 6


# ---- force


def test_force_moves_what_goes_and_deletes_nothing(run: Path, render: Render, easel: PaintingEngine) -> None:
    before = files(run)
    words = ("--set", "jobs.edges.steps=32", "--set", "jobs.dogs.classes=[207]")
    result = render("--force", *words)
    assert result.exit_code == 0, result.stderr
    assert f"{run}: 1 kept, 4 new, 5 moved to {run}/replaced-1" in result.stderr.splitlines()
    assert sorted(easel.painted) == sorted(path for path in UNITS if path.startswith("edges"))
    moved = files(run, "replaced-1")
    gone = [f"edges/channel-{i:04d}" for i in range(4)] + ["dogs/class_logit-0208"]
    units = [f"units/{path}.{kind}" for path in gone for kind in ("png", "json", "step-0001.png")]
    assert moved == {name: before[name] for name in [*units, "plan.json", "spec.yaml", "model.json"]}
    kept = {name: content for name, content in before.items() if "logit-0207" in name}
    assert len(kept) == 3
    assert kept.items() <= files(run).items()  # with what stands beside it
    again = render("--force", "--set", "jobs.edges.steps=16", "--set", "jobs.dogs.classes=[207]")
    assert again.exit_code == 0
    assert len(list((run / "replaced-2/units/edges").iterdir())) == 12
    assert files(run, "replaced-1") == moved
    counts = json.loads(fvcli("status", run / "replaced-1", "--json").stdout)
    assert (counts["done"], counts["pending"]) == (5, 1)
    assert fvcli("grid", run / "replaced-1").exit_code == 0


def test_force_without_anything_to_move_makes_no_folder(run: Path, render: Render) -> None:
    result = render("--force", text=SPEC.replace("0-3", "0-4"))
    assert result.exit_code == 0
    assert f"{run}: 6 kept, 1 new" in result.stderr.splitlines()
    assert not (run / "replaced-1").exists()


def test_force_with_only_touches_nothing_else(run: Path, render: Render, easel: PaintingEngine) -> None:
    before = files(run, "units")
    seed = ("--set", "render.seed=1")
    result = render("--force", "--only", "edges/channel-000[01]", *seed)
    assert result.exit_code == 0, result.stderr
    assert f"{run}: 0 kept, 6 new, 2 moved to {run}/replaced-1" in result.stderr.splitlines()
    assert easel.painted == ["edges/channel-0000", "edges/channel-0001"]
    after = files(run, "units")
    stayed = {name for name in before if not name.startswith(("edges/channel-0000", "edges/channel-0001"))}
    assert {name: after[name] for name in stayed} == {name: before[name] for name in stayed}
    assert json.loads(fvcli("status", run, "--json").stdout)["of_other_specs"] == 4
    assert (
        f"4 finished pictures of other specs are in {run}/units; fvcli render" in fvcli("status", run).stdout
    )
    assert refusal(render(*seed), run, 4) == ["render.seed: 0 -> 1: 4 pictures would go"]
    assert files(run, "units") == after
    assert render("--only", "edges/channel-000[01]", *seed).exit_code == 0  # that harms none
    whole = render("--force", *seed)
    assert whole.exit_code == 0, whole.stderr
    assert len(files(run, "replaced-2/units")) == 4 * 3
    assert len(finished(run)) == 6


def test_pictures_of_a_removed_job_are_still_known_after_force_with_only(run: Path, render: Render) -> None:
    text = SPEC[: SPEC.index("  - {name: dogs")].replace("steps: 64", "steps: 32")
    assert render("--force", "--only", "edges/channel-0000", text=text).exit_code == 0
    assert refusal(render(text=text), run, 5) == [
        "render.steps: 64 -> 32: 3 pictures would go",
        "jobs.dogs: no longer in the spec: 2 pictures would go",
    ]


def test_force_with_only_keeps_the_old_plan_even_if_no_picture_moves(run: Path, render: Render) -> None:
    """Without it nobody could tell later what the pictures of the removed job are."""
    (run / "units/edges/channel-0000.json").unlink()
    text = SPEC[: SPEC.index("  - {name: dogs")].replace("steps: 64", "steps: 32")
    forced = render("--force", "--only", "edges/channel-0000", text=text)
    assert f"{run}: 0 kept, 4 new" in forced.stderr.splitlines()
    assert set(files(run, "replaced-1")) == {"plan.json", "spec.yaml", "model.json"}
    assert refusal(render(text=text), run, 5) == [
        "render.steps: 64 -> 32: 3 pictures would go",
        "jobs.dogs: no longer in the spec: 2 pictures would go",
    ]


def test_only_does_not_make_another_spec_right(run: Path, render: Render) -> None:
    grown = SPEC.replace("0-3", "0-4").replace("steps: 64", "steps: 32")
    result = render("--only", "edges/channel-0004", text=grown)
    assert refusal(result, run, 6) == ["render.steps: 64 -> 32: 6 pictures would go"]


def test_a_kill_while_pictures_are_moved_loses_none(
    run: Path, render: Render, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fvcli.run.growing import preparation, set_aside

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    pixels = {read_picture(path).tobytes() for path in run.glob("units/*/*.png")}
    for place, step in [(set_aside, "sync_folder"), (preparation, "remove_units")]:
        with monkeypatch.context() as patch:
            patch.setattr(place, step, killed)
            render("--force", "--set", "render.seed=1")
        assert len(finished(run)) == 6
    assert render("--force", "--set", "render.seed=1").exit_code == 0
    kept = {read_picture(path).tobytes() for path in run.glob("replaced-*/units/*/*.png")}
    assert kept == pixels


# ---- again


def test_again_renders_what_is_chosen_anew(run: Path, render: Render, easel: PaintingEngine) -> None:
    before = files(run, "units")
    result = render("--again", "--only", "edges/channel-0001", "--only", "dogs")
    assert result.exit_code == 0, result.stderr
    assert f"{run}: 3 kept, 0 new, 3 still to render, 3 moved to {run}/replaced-1" in result.stderr
    assert set(easel.painted) == {"edges/channel-0001", "dogs/class_logit-0207", "dogs/class_logit-0208"}
    assert files(run, "units") == before
    assert len(files(run, "replaced-1/units")) == 9
    assert render("--again").exit_code == 0
    assert set(easel.painted) == UNITS
    assert len(files(run, "replaced-2/units")) == 18
    assert render().exit_code == 0
    assert easel.painted == []


def test_again_that_was_killed_goes_on_without_again(
    run: Path, render: Render, easel: PaintingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    paint = PaintingEngine.run
    with monkeypatch.context() as patch:
        patch.setattr(PaintingEngine, "run", lambda self, *rest: _stop_after_the_first(paint(self, *rest)))
        render("--again")
    assert len(easel.painted) == 2
    assert render().exit_code == 0
    assert len(easel.painted) == 4
    assert not (run / "replaced-2").exists()


def _stop_after_the_first(events):
    yield next(events)
    raise KeyboardInterrupt


def test_again_of_another_spec_still_needs_force(run: Path, render: Render, easel: PaintingEngine) -> None:
    lines = refusal(render("--again", "--set", "jobs.dogs.seed=1"), run, 2)
    assert lines == ["jobs.dogs.seed: 0 -> 1: 2 pictures would go"]
    both = render("--again", "--force", "--set", "jobs.dogs.seed=1")
    assert f"{run}: 0 kept, 2 new, 4 still to render, 6 moved to {run}/replaced-1" in both.stderr
    assert set(easel.painted) == UNITS


def test_again_in_an_empty_folder_just_renders(render: Render, easel: PaintingEngine) -> None:
    assert render("--again").exit_code == 0
    assert set(easel.painted) == UNITS


# ---- only


def test_only_may_be_given_several_times(render: Render, easel: PaintingEngine) -> None:
    result = render("--only", "edges/channel-0000", "--only", "dogs/*8", "--only", "edges/channel-0000")
    assert result.exit_code == 0, result.stderr
    assert set(easel.painted) == {"edges/channel-0000", "dogs/class_logit-0208"}
    assert result.stdout.splitlines()[-1].endswith("run: 2 done by this command, 2 of 6 in the run")


def test_every_pattern_that_matches_nothing_is_named(tmp_path: Path, render: Render) -> None:
    result = render("--only", "cats", "--only", "edges", "--only", "edges/channel-9*")
    assert result.exit_code == 2
    named = "no unit matches: units are named like edges/channel-0000, dogs/class_logit-0207"
    assert result.stderr.splitlines() == [
        f"Error: --only cats: {named}",
        f"Error: --only edges/channel-9*: {named}",
    ]
    assert not (tmp_path / "run").exists()


def test_only_of_one_unit_out_of_a_full_batch(tmp_path: Path, render: Render, easel: PaintingEngine) -> None:
    """A batch has two units; the other one is left for later."""
    result = render("--only", "edges/channel-0001")
    assert result.exit_code == 0
    assert easel.painted == ["edges/channel-0001"]
    assert finished(tmp_path / "run") == {"edges/channel-0001"}
    assert render().stdout.splitlines()[-1].endswith("run: 5 done by this command, 6 of 6 in the run")
    assert "edges/channel-0001" not in easel.painted
    assert len(easel.painted) == 5


def test_only_answers_for_its_units_alone(tmp_path: Path, render: Render, easel: PaintingEngine) -> None:
    easel.statuses = {"edges/channel-0001": "failed", "edges/channel-0002": "dead"}
    whole = render()
    assert whole.exit_code == 1
    assert whole.stdout.splitlines()[-1] == f"{tmp_path}/run: 4 done, 1 failed, 1 dead"
    assert "Error: edges/channel-0001 failed: it broke" in whole.stderr
    beside = render("--only", "edges/channel-0000", "--only", "edges/channel-0002")
    nothing = f"{tmp_path}/run: nothing was left to render, 5 of 6 in the run"
    assert (beside.exit_code, beside.stdout.splitlines()[-1]) == (0, nothing)
    assert "failed" not in beside.stderr
    failed = render("--only", "edges/channel-0001")
    again = f"{tmp_path}/run: 1 failed by this command, 5 of 6 in the run"
    assert (failed.exit_code, failed.stdout.splitlines()[-1]) == (1, again)


# ---- attempts, shards, sheets


def test_notes_about_batches_of_another_plan_do_not_mislead_status(
    run: Path, render: Render, easel: PaintingEngine
) -> None:
    folder = RunFolder.read(run)
    claimed(folder, 0)
    (run / "units/edges/channel-0000.png").unlink()
    assert json.loads(fvcli("status", run, "--json").stdout)["lost"] == 1
    text = SPEC.replace(
        "  - {name: edges", "  - {name: first, layer: stem_conv, channels: [0]}\n  - {name: edges"
    )
    assert render("--only", "edges/channel-0001", text=text).exit_code == 0
    counts = json.loads(fvcli("status", run, "--json").stdout)
    assert (counts["done"], counts["lost"], counts["pending"]) == (5, 0, 2)


def test_shards_grow_a_run_together(run: Path, render: Render, easel: PaintingEngine) -> None:
    text = SPEC.replace("0-3", "0-7")
    first = render("--shard", "1/2", text=text)
    assert first.exit_code == 0, first.stderr
    assert f"{run}: 6 kept, 4 new" in first.stderr
    second = render("--shard", "2/2", text=text)
    assert second.exit_code == 0, second.stderr
    assert second.stderr.startswith(f"{run}: 2 kept, 2 to render\n")  # of its slice
    assert len(finished(run)) == 10


def test_a_shard_of_another_spec_waits_for_those_at_work(run: Path, render: Render) -> None:
    text = SPEC.replace("0-3", "0-7")
    before = files(run)
    with at_work_elsewhere(run) as pid:
        assert render("--shard", "2/2").exit_code == 0  # the same spec
        refused = render("--shard", "2/2", text=text)
    assert refused.exit_code == 2
    assert f"{run} is being rendered (process " in refused.stderr
    assert f"process {pid}" in refused.stderr
    assert files(run) == before
    assert render("--shard", "2/2", text=text).exit_code == 0


def test_force_with_a_shard_is_refused_where_pictures_would_go(run: Path, render: Render) -> None:
    before = files(run)
    result = render("--shard", "1/2", "--force", "--set", "jobs.dogs.seed=1")
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        f"Error: {run}: --force with --shard would move pictures that other shards rendered",
        "Error: jobs.dogs.seed: 0 -> 1: 2 pictures would go",
        "Error: render once without --shard, or give a new folder",
    ]
    assert files(run) == before
    assert render("--shard", "1/2", "--force").exit_code == 0
    assert render("--shard", "1/2", "--force", run="new").exit_code == 0


def test_again_of_a_shard_is_of_its_units_alone(run: Path, render: Render, easel: PaintingEngine) -> None:
    result = render("--again", "--shard", "1/3")
    assert result.exit_code == 0, result.stderr
    assert easel.painted == ["edges/channel-0000", "edges/channel-0001"]
    assert len(files(run, "replaced-1/units")) == 6


def test_a_deleted_sheet_is_drawn_again(run: Path, render: Render, easel: PaintingEngine) -> None:
    before = (run / "grids/edges.png").read_bytes()
    (run / "grids/edges.png").unlink()
    result = render()
    assert result.exit_code == 0
    assert str(run / "grids/edges.png") in result.stdout.splitlines()
    assert (run / "grids/edges.png").read_bytes() == before
    assert easel.painted == []


def test_a_finished_picture_of_another_key_is_never_overwritten(run: Path, render: Render) -> None:
    """The last guard: whatever was overlooked before, a commit does not do it."""
    before = files(run, "units")
    plan = plan_of_spec(str(run / "spec.yaml"), ["render.seed=1"]).plan
    for status in ("done", "failed"):
        with pytest.raises(FvcliError, match="was rendered with another spec meanwhile"):
            paint(RunFolder(run, plan), plan.units[0], status=status)
    assert files(run, "units") == before


def test_shards_that_begin_at_the_same_time_grow_a_run_once(run: Path) -> None:
    """Each renames and adds; the first does it, and the others find it done."""
    text = SPEC.replace("name: edges", "name: lines").replace("0-3", "0-7")
    planned = plan_of_spec(str(write_spec(run.parent, text)), [])
    before = {read_picture(path).tobytes() for path in run.glob("units/*/*.png")}
    together = threading.Barrier(4)

    def begin(i: int) -> int:
        together.wait()
        shard = f"{i}-of-4"
        with RunFolder.begin(run, planned.plan, planned.text, planned.facts, shard=shard) as begun:
            together.wait()  # all of them are at work
            assert begun.growth is not None
            return len(begun.growth.moves)

    with ThreadPoolExecutor(4) as pool:
        moved = sorted(pool.map(begin, range(1, 5)))
    assert moved == [0, 0, 0, 4]
    assert finished(run) == {path.replace("edges", "lines") for path in UNITS}
    assert {read_picture(path).tobytes() for path in run.glob("units/*/*.png")} == before
    assert not list(run.glob(".moving-*"))


def test_what_stands_only_on_its_way_to_another_job_is_not_swept_up(
    run: Path, render: Render, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rename that was killed, then another spec with --only: one picture of two is put in its place."""
    from fvcli.run.growing.preparation import Preparation

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    pictures = {path.read_bytes() for path in run.glob("units/edges/*.png")}
    renamed = SPEC.replace("name: edges", "name: lines")
    with monkeypatch.context() as patch:
        patch.setattr(Preparation, "_write_plan", killed)
        render(text=renamed)
    result = render("--only", "lines/channel-0000", text=renamed.replace("0-3", "0-2"))
    assert result.exit_code == 0, result.stderr
    assert {path.read_bytes() for path in run.rglob("*.png")} >= pictures


def test_a_source_that_is_gone_is_said_before_anything_is_moved(tmp_path: Path, render: Render) -> None:
    photos, text = (
        tmp_path / "photos",
        SPEC + "  - {name: seen, layer: stem_bn, objective: caricature, pictures: photos}\n",
    )
    photos.mkdir()
    iio.imwrite(photos / "grey.png", np.full((64, 64, 3), 90, np.uint8))
    assert render(text=text).exit_code == 0
    run = tmp_path / "run"
    planned = plan_of_spec(str(write_spec(tmp_path, text)), ["render.seed=1"])
    shutil.rmtree(photos)
    shutil.rmtree(run / "sources")
    before = files(run)
    begun = RunFolder.begin(run, planned.plan, planned.text, planned.facts, asked=Asked(force=True))
    with pytest.raises(FvcliError, match="No such file"), begun:
        pass
    assert files(run) == before


def test_a_source_that_was_changed_is_not_rendered_as_what_was_planned(
    tmp_path: Path, render: Render
) -> None:
    photo, text = (
        tmp_path / "grey.png",
        SPEC + "  - {name: seen, layer: stem_bn, objective: caricature, pictures: grey.png}\n",
    )
    iio.imwrite(photo, np.full((64, 64, 3), 90, np.uint8))
    planned = plan_of_spec(str(write_spec(tmp_path, text)), [])
    iio.imwrite(photo, np.full((64, 64, 3), 91, np.uint8))
    begun = RunFolder.begin(tmp_path / "run", planned.plan, planned.text)
    with pytest.raises(FvcliError) as refused, begun:
        pass
    assert str(refused.value) == (f"{photo} was changed since the plan was made: render the spec anew")


def test_pictures_that_no_plan_of_the_folder_knows_are_told_by_their_sidecars(
    run: Path, render: Render
) -> None:
    """Somebody copied them over those that were there."""
    assert render("--set", "render.seed=7", run="other").exit_code == 0
    shutil.copytree(run.with_name("other") / "units/edges", run / "units/edges", dirs_exist_ok=True)
    before = files(run)
    assert refusal(render(), run, 4) == ["jobs.edges.seed: 7 -> 0: 4 pictures would go"]
    assert files(run) == before
    assert render("--force").exit_code == 0
    moved, others = files(run, "replaced-1/units"), files(run.with_name("other"), "units")
    assert moved == {name: others[name] for name in others if name.startswith("edges/")}
    assert len(moved) == 4 * 3


def test_pictures_of_one_name_from_a_killed_rename_do_not_overwrite_one_another(
    tmp_path: Path, render: Render, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two jobs that changed names were killed on the way: each place has a picture here and one there."""
    from fvcli.run.growing import preparation

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    text = """\
model: efficientnet-lite0
render: {size_px: 64}
jobs:
  - {name: a, layer: stem_bn, channels: 0}
  - {name: b, layer: stem_conv, channels: 0}
"""
    assert render(text=text).exit_code == 0
    run = tmp_path / "run"
    swapped = text.replace("name: a", "name: x").replace("name: b", "name: a").replace("name: x", "name: b")
    with monkeypatch.context() as patch:
        patch.setattr(preparation, "remove_units", killed)
        render(text=swapped)
    pictures = {path: path.read_bytes() for path in run.rglob("channel-0000.png")}
    assert (len(pictures), len(set(pictures.values()))) == (4, 2)
    result = render("--force", "--set", "render.seed=1", text=text)
    assert result.exit_code == 0, result.stderr
    for number in (1, 2):
        kept = {path.read_bytes() for path in run.glob(f"replaced-{number}/units/*/channel-0000.png")}
        assert kept == set(pictures.values())
    assert finished(run) == {"a/channel-0000", "b/channel-0000"}


def test_a_render_leaves_alone_what_another_process_is_writing(run: Path, render: Render) -> None:
    code = (
        "import sys, time; from pathlib import Path; from fvcli.run.atomic import open_atomic\n"
        "with open_atomic(Path(sys.argv[1])): print(flush=True); time.sleep(60)"
    )
    words = [sys.executable, "-c", code, str(run / "units/edges/channel-0000.png")]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as writing:
        assert writing.stdout is not None
        writing.stdout.readline()
        assert render().exit_code == 0
        assert len(list((run / "units/edges").glob(f"{TEMPORARY}*"))) == 1
        writing.kill()
    assert render().exit_code == 0
    assert not list((run / "units/edges").glob(f"{TEMPORARY}*"))
