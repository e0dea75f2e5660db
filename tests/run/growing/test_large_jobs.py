"""Jobs with so many units that they have numbered folders: growing over the limit loses no picture."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from fvcli.plan import unit_folders
from fvcli.run import RunFolder
from fvcli.run.growing import moves, preparation
from tests.helpers.large_plans import make_small_plans_large
from tests.helpers.painting import PaintingEngine
from tests.helpers.running import fvcli, write_spec

SPEC = """\
model: efficientnet-lite0
render: {size_px: 64, steps: 8, batch_size: 2, save_at: [4]}
jobs:
  - {name: edges, layer: stem_bn, channels: 0-2}
  - {name: dogs, objective: class_logit, classes: [207, 208]}
"""
GROWN = SPEC.replace("0-2", "0-6")
Render = Callable[..., Result]


@pytest.fixture(autouse=True)
def _small_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a unit with three files, three have room in a folder, and two in a numbered one."""
    make_small_plans_large(monkeypatch, max_entries=9)


@pytest.fixture
def render(tmp_path: Path, easel: PaintingEngine) -> Render:
    def render(text: str, *words: str, run: str = "run") -> Result:
        easel.painted.clear()
        result = fvcli("render", write_spec(tmp_path, text), "-o", tmp_path / run, *words)
        assert result.exit_code == 0, result.stderr
        return result

    return render


@pytest.fixture
def run(tmp_path: Path, render: Render) -> Path:
    render(SPEC)
    return tmp_path / "run"


def units(run: Path) -> dict[str, bytes]:
    """Return every file below the folder of units."""
    files = ((path.relative_to(run / "units").as_posix(), path) for path in run.glob("units/**/*"))
    return {name: path.read_bytes() for name, path in files if path.is_file()}


def is_whole(run: Path) -> bool:
    folder = RunFolder.read(run)
    return all(folder.is_finished(unit) for unit in folder.plan.units)


def test_a_job_that_grows_over_the_limit_moves_into_folders(
    run: Path, render: Render, easel: PaintingEngine
) -> None:
    before = units(run)
    assert {name.count("/") for name in before} == {1}
    result = render(GROWN)
    assert "5 kept, 4 new" in result.stderr
    assert "another name" not in result.stderr
    assert sorted(easel.painted) == [f"edges/channel-{i:04d}" for i in range(3, 7)]
    after = units(run)
    assert is_whole(run)
    folders = {name.rpartition("/")[0] for name in after}
    assert folders == {"dogs", *(f"edges/{i:04d}" for i in range(4))}
    for name, content in before.items():
        job, file = name.split("/")
        place = f"edges/{int(file[8:12]) // 2:04d}/{file}" if job == "edges" else name
        assert after[place] == content
    assert all(len(os.listdir(folder)) <= 9 for folder in run.glob("units/**/") if folder.is_dir())
    assert not list(run.glob(".*moving*"))
    assert not list(run.glob(".unfinished"))
    counts = json.loads(fvcli("status", run, "--json").stdout)
    assert (counts["done"], counts["pending"], counts["of_other_specs"]) == (9, 0, 0)
    assert fvcli("status", run, "--check").exit_code == 0


def test_a_job_that_shrinks_below_it_moves_back(run: Path, render: Render, easel: PaintingEngine) -> None:
    before = units(run)
    render(GROWN)
    render(SPEC, "--force")
    assert easel.painted == []
    assert units(run) == before
    assert is_whole(run)
    moved = run / "replaced-1"
    assert sorted(path.name for path in moved.glob("units/edges/*/*.png") if "step" not in path.name) == [
        f"channel-{i:04d}.png" for i in range(3, 7)
    ]
    assert len(RunFolder.read(moved).plan.units) == 9  # with its parts


@pytest.mark.parametrize("text", [GROWN, GROWN.replace("edges", "lines")], ids=["grown", "renamed"])
def test_a_kill_on_the_way_loses_nothing(
    run: Path, render: Render, easel: PaintingEngine, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    spec = write_spec(run.parent, text)
    for place, step in (
        (preparation, "stage"),
        (moves, "sync_folder"),
        (preparation, "remove_units"),
        (preparation, "write_plan"),
        (preparation, "install"),
        (moves, "_put_in_place"),
        (moves, "_sweep"),
        (preparation.Preparation, "_tell_anew"),
    ):
        easel.painted.clear()
        with monkeypatch.context() as patch:
            patch.setattr(place, step, killed)
            with pytest.raises(Killed):
                fvcli("render", spec, "-o", run)
        assert easel.painted == [], step
    render(text)
    assert len(easel.painted) == 4
    assert is_whole(run)
    assert json.loads(fvcli("status", run, "--json").stdout)["of_other_specs"] == 0


def test_sidecars_are_told_anew_after_a_kill(
    run: Path, render: Render, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the plan that the next process finds is its own."""
    render(GROWN)
    render(GROWN.replace("edges", "lines"))
    with monkeypatch.context() as patch:
        patch.setattr(preparation.Preparation, "_tell_anew", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            preparation.Preparation.apply(
                preparation.Preparation(run, RunFolder.read(run).plan, "spec"),
                preparation.Growth(old=RunFolder.read(run).plan, changes_plan=False, changes_sheets=True),
            )
    assert (run / ".unfinished").exists()
    sidecar = run / "units/lines/0000/channel-0000.json"
    sidecar.write_text(sidecar.read_text().replace('"job": "lines"', '"job": "edges"'))
    render(GROWN.replace("edges", "lines"))
    assert json.loads(sidecar.read_text())["job"] == "lines"
    assert not (run / ".unfinished").exists()


def test_pictures_of_an_unchanged_large_plan_are_not_looked_at(
    run: Path, render: Render, monkeypatch: pytest.MonkeyPatch, easel: PaintingEngine
) -> None:
    from fvcli.run.growing import growth

    render(GROWN)
    monkeypatch.setattr(growth, "all_finished", lambda units: 1 / 0)
    render(GROWN)
    render(GROWN.replace("channels: 0-6", "channels: [0, 1, 2, 3, 4, 5, 6]"), "--only", "edges/*")
    assert easel.painted == []
    monkeypatch.undo()


def test_a_run_of_an_older_release_is_laid_out_anew(
    tmp_path: Path, render: Render, easel: PaintingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        make_small_plans_large(patch, whole=99, max_entries=99)
        render(GROWN)
    assert RunFolder.read(run).plan.units[0].stem == "edges/channel-0000"
    assert is_whole(run)  # as it was written
    result = render(GROWN)
    assert "9 kept, 0 new" in result.stderr
    assert easel.painted == []
    assert RunFolder.read(run).plan.units[0].stem == "edges/0000/channel-0000"
    assert is_whole(run)
    assert not list(run.glob("units/edges/*.*"))


def test_shards_are_merged_into_folders(tmp_path: Path, render: Render) -> None:
    for i in (1, 2):
        render(GROWN, "--shard", f"{i}/2", run=f"shard-{i}")
    result = fvcli("merge", tmp_path / "shard-1", tmp_path / "shard-2", "-o", tmp_path / "whole")
    assert result.exit_code == 0, result.stderr
    assert is_whole(tmp_path / "whole")
    assert len(list((tmp_path / "whole").glob("units/edges/0003/*"))) == 3
    assert (tmp_path / "whole/grids/edges.png").exists()


def test_a_golden_of_a_large_job_has_its_folders(run: Path, render: Render, tmp_path: Path) -> None:
    render(GROWN)
    golden = tmp_path / "golden"
    result = fvcli("accept", run, "--golden", golden, "--reason", "why")
    assert result.exit_code == 0, result.stderr
    assert (golden / "units/edges/0003/channel-0006.png").exists()
    assert "units/edges/0003/channel-0006.png" in (golden / "manifest.sha256").read_text()
    assert fvcli("compare", golden, run, "--no-model").exit_code == 0
    smaller = GROWN.replace("0-6", "0-2")
    render(smaller, run="smaller")
    accepted = fvcli("accept", tmp_path / "smaller", "--golden", golden, "--reason", "fewer", "--all")
    assert accepted.exit_code == 0, accepted.output
    assert fvcli("compare", golden, tmp_path / "smaller", "--no-model").exit_code == 0
    assert not (golden / "units/edges/0003").exists()


def test_a_picture_in_a_folder_is_rendered_again_as_what_it_was(
    run: Path, render: Render, tmp_path: Path
) -> None:
    render(GROWN)
    picture = run / "units/edges/0002/channel-0005.png"
    result = fvcli("render", "--from", picture, "-o", tmp_path / "again")
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "again/units/edges/channel-0005.png").exists()


def test_limits_are_the_only_thing_that_makes_folders(
    tmp_path: Path, render: Render, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unit_folders, "MAX_ENTRIES", 21)
    render(GROWN)
    assert not list(tmp_path.glob("run/units/*/0*"))
    assert is_whole(tmp_path / "run")
