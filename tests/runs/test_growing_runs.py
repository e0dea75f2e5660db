"""Runs of the real network that grow: what is kept has the bytes of a fresh run, killed or not."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path

import pytest

from fvcli.media import read_picture
from tests.helpers.old_runs import write_former_recipes
from tests.helpers.running import fvcli, pictures, start_fvcli, wait_until, write_spec

SPEC = """\
model: efficientnet-lite0
render: {size_px: 64, steps: 2, batch_size: 2}
jobs:
  - {name: edges, layer: stem_bn, channels: 0-2, save_at: [1]}
"""
LONG = 200  # steps, so that a signal meets a batch at work


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the spec with two more channels, rendered in one go."""
    folder = tmp_path_factory.mktemp("grown")
    spec = write_spec(folder, SPEC.replace("0-2", "0-4"))
    assert fvcli("render", spec, "-o", folder / "run").exit_code == 0
    return folder / "run"


def pixels(run: Path) -> dict[str, bytes]:
    return {name: read_picture(run / name).tobytes() for name in pictures(run)}


def test_a_run_that_grew_has_the_pixels_of_a_fresh_one(grown: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert fvcli("render", write_spec(tmp_path, SPEC), "-o", run).exit_code == 0
    before = pictures(run)
    result = fvcli("render", grown / "spec.yaml", "-o", run)
    assert result.exit_code == 0, result.stderr
    assert f"{run}: 3 kept, 2 new" in result.stderr
    assert before.items() <= pictures(run).items()
    assert pixels(run) == pixels(grown)
    assert fvcli("status", run, "--check").exit_code == 0


def test_a_renamed_job_has_the_bytes_of_a_fresh_run(grown: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(grown, run)
    spec = write_spec(tmp_path, (grown / "spec.yaml").read_text().replace("edges", "lines"))
    assert fvcli("render", spec, "-o", run).exit_code == 0
    fresh = fvcli("render", spec, "-o", tmp_path / "fresh", "--only", "lines/channel-000[14]")
    assert fresh.exit_code == 0, fresh.stderr
    found = pictures(tmp_path / "fresh")
    assert len(found) == 4
    assert found.items() <= pictures(run).items()
    assert fvcli("status", run, "--check").exit_code == 0


def test_the_picture_of_an_old_run_is_rendered_to_its_pixels(tmp_path: Path) -> None:
    with tarfile.open(Path(__file__).parents[1] / "data/run-of-0.1.tgz") as packed:
        packed.extractall(tmp_path, filter="data")
    run = tmp_path / "run-of-0.1"
    write_former_recipes(run)
    before = pixels(run)
    (run / "units/edges/channel-0003.png").unlink()
    result = fvcli("render", run / "spec.yaml", "-o", run)
    assert result.exit_code == 0, result.stderr
    assert pixels(run).keys() == before.keys()
    again = read_picture(run / "units/edges/channel-0003.png").astype(int)
    old = read_picture(Path(_unpacked(tmp_path), "units/edges/channel-0003.png")).astype(int)
    assert abs(again - old).max() <= 2  # another kind of machine may round otherwise


def _unpacked(tmp_path: Path) -> Path:
    with tarfile.open(Path(__file__).parents[1] / "data/run-of-0.1.tgz") as packed:
        packed.extractall(tmp_path / "once-more", filter="data")
    return tmp_path / "once-more/run-of-0.1"


def test_again_that_is_killed_goes_on_without_again(grown: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    spec = write_spec(tmp_path, SPEC.replace("steps: 2", f"steps: {LONG}"))
    assert fvcli("render", spec, "-o", run).exit_code == 0
    before = pictures(run)
    process = start_fvcli("render", spec, "-o", run, "--again")
    wait_until(lambda: bool(list(run.glob("attempts/*/*.2.json"))), process)
    process.kill()
    process.communicate()
    moved = {name.removeprefix("replaced-1/"): content for name, content in _replaced(run).items()}
    assert moved == before
    assert fvcli("render", spec, "-o", run).exit_code == 0
    assert pictures(run) == before
    assert not (run / "replaced-2").exists()


def _replaced(run: Path) -> dict[str, bytes]:
    return {str(p.relative_to(run)): p.read_bytes() for p in sorted(run.glob("replaced-1/units/*/*.png"))}


def test_a_stopped_again_says_how_to_go_on_without_it(tmp_path: Path) -> None:
    run = tmp_path / "run"
    spec = write_spec(tmp_path, SPEC.replace("steps: 2", f"steps: {LONG}"))
    process = start_fvcli("render", spec, "-o", run, "--again", "--only", "edges")
    wait_until(lambda: bool(list(run.glob("attempts/*/*.json"))), process)
    process.terminate()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 75
    assert f"to go on: fvcli render {spec} -o {run} --only edges" in errors


def test_a_run_has_the_facts_of_its_model(grown: Path) -> None:
    facts = json.loads((grown / "model.json").read_text())
    assert (facts["version"], facts["name"], facts["logits"]) == (1, "efficientnet-lite0", "logits")
    assert facts["preprocessing"]["value_range"] == [-1.0, 1.0]
