"""What a release wrote, later releases read: runs of versions 0.1 to 0.3, as they were written."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

from fvcli.app.plan_spec import plan_of_spec
from fvcli.media import read_picture
from fvcli.run import RunFolder
from tests.helpers.old_runs import write_former_recipes
from tests.helpers.painting import PaintingEngine
from tests.helpers.running import fvcli, pictures

DATA = Path(__file__).parents[1] / "data"
KEYS = {
    "edges/channel-0001": "233b91c111d482c8",
    "edges/channel-0003": "9c0ce465d7644fc3",
    "dogs/class_logit-0207": "0789287a668f7460",
}
# Of each run: where it is in its archive, its units and their keys.
RUNS = {
    "0.1": ("run-of-0.1", KEYS),
    "0.2": ("run-of-0.2", KEYS),
    "0.3": ("run-of-0.3", KEYS),
    "first": (
        "old/run",
        {
            "a/channel-0000": "e7f33e448a575135",
            "a/channel-0001": "b57e45b6c203deeb",
            "a/channel-0002": "66d07fdbcbccadbe",
            "b/neuron-0001": "e760a120e01d3dbd",
            "c/class_logit-0281": "46239fcac22f7167",
        },
    ),
}


@pytest.fixture(params=RUNS)
def old(request: pytest.FixtureRequest, tmp_path: Path, easel: PaintingEngine) -> tuple[Path, dict[str, str]]:
    """An unpacked run and the keys of its units."""
    archive = DATA / f"run-of-{request.param}.tgz"
    if request.param == "first":
        archive = request.getfixturevalue("data_dir") / "run-of-first-version.tgz"
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path / "unpacked", filter="data")
    place, keys = RUNS[request.param]
    run = tmp_path / "unpacked" / place
    write_former_recipes(run)
    return run, keys


def done(run: Path) -> tuple[int, int]:
    counts = json.loads(fvcli("status", run, "--json").stdout)
    return counts["done"], counts["units"]


def render(run: Path, *words: str) -> tuple[int, str]:
    result = fvcli("render", run / "spec.yaml", "-o", run, *words)
    return result.exit_code, result.stderr


def test_it_is_read_and_verified(old: tuple[Path, dict[str, str]]) -> None:
    run, keys = old
    assert done(run) == (len(keys), len(keys))
    assert fvcli("status", run, "--check").exit_code == 0
    picture = next(run.glob("units/*/*.png"))
    content = bytearray(picture.read_bytes())
    content[-40] ^= 1
    picture.write_bytes(content)
    assert fvcli("status", run, "--check").exit_code == 1


def test_its_keys_are_those_of_its_spec(old: tuple[Path, dict[str, str]]) -> None:
    run, keys = old
    planned = {unit.path: unit.key for unit in plan_of_spec(str(run / "spec.yaml"), []).plan.units}
    assert planned == keys
    assert {unit.path: unit.key for unit in RunFolder.read(run).plan.units} == keys
    for path, key in keys.items():
        assert json.loads((run / f"units/{path}.json").read_text())["key"] == key


def test_its_sheets_are_drawn(old: tuple[Path, dict[str, str]]) -> None:
    run, keys = old
    before = {path.name: read_picture(path) for path in run.glob("grids/*.png")}
    for path in run.glob("grids/*.png"):
        path.unlink()
    result = fvcli("grid", run)
    assert result.exit_code == 0, result.stderr
    after = {path.name: read_picture(path) for path in run.glob("grids/*.png")}
    assert after.keys() == before.keys()
    for (
        name,
        sheet,
    ) in after.items():  # titles have another font now; the first picture is in its place
        np.testing.assert_array_equal(sheet[40:136, 16:112], before[name][40:136, 16:112])
    assert (run / "index.html").exists()
    assert len(before) == len({path.partition("/")[0] for path in keys})


def test_it_goes_on_where_it_was(old: tuple[Path, dict[str, str]], easel: PaintingEngine) -> None:
    run, keys = old
    lost = next(iter(keys))
    (run / f"units/{lost}.png").unlink()
    others = {name: content for name, content in pictures(run).items() if lost not in name}
    code, errors = render(run)
    assert code == 0, errors
    assert easel.painted == [lost]
    assert others.items() <= pictures(run).items()
    assert done(run) == (len(keys), len(keys))
    facts = RunFolder.read(run).facts()
    assert facts is not None
    assert facts.name == "efficientnet-lite0"


def test_a_whole_one_is_left_alone(old: tuple[Path, dict[str, str]], easel: PaintingEngine) -> None:
    run, _ = old
    before = pictures(run)
    assert (RunFolder.read(run).facts() is None) == (run.name not in {"run-of-0.2", "run-of-0.3"})
    assert render(run)[0] == 0
    assert (easel.painted, pictures(run)) == ([], before)


@pytest.mark.parametrize("version", ["0.1", "0.2", "0.3"])
def test_where_recipes_have_changed_since_nothing_is_lost(
    version: str, tmp_path: Path, easel: PaintingEngine
) -> None:
    """The spec says nothing of how its pictures are made, and the recipes make others now."""
    with tarfile.open(DATA / f"run-of-{version}.tgz") as packed:
        packed.extractall(tmp_path, filter="data")
    run = tmp_path / f"run-of-{version}"
    before = pictures(run)
    code, errors = render(run)
    assert code == 2
    assert f"{run} holds 3 finished pictures of another " in errors
    assert (easel.painted, pictures(run)) == ([], before)


def test_it_grows(old: tuple[Path, dict[str, str]], easel: PaintingEngine) -> None:
    run, keys = old
    job = next(iter(keys)).partition("/")[0]
    code, errors = render(run, "--set", f"jobs.{job}.channels=0-5")
    assert code == 0, errors
    new = 6 - sum(path.startswith(f"{job}/") for path in keys)
    assert f"{run}: {len(keys)} kept, {new} new" in errors.splitlines()
    assert len(easel.painted) == new
    code, errors = render(run, "--set", f"jobs.{job}.channels=0-5", "--set", f"jobs.{job}.steps=3")
    assert code == 2
    assert (
        f"Error: jobs.{job}.steps: {2 if job == 'edges' else 8} -> 3: 6 pictures would go"
        in errors.splitlines()
    )


def test_it_is_merged(old: tuple[Path, dict[str, str]], tmp_path: Path, easel: PaintingEngine) -> None:
    run, keys = old
    result = fvcli("merge", run, "-o", tmp_path / "merged")
    assert result.exit_code == 0, result.stderr
    assert pictures(tmp_path / "merged") == pictures(run)
    assert done(tmp_path / "merged") == (len(keys), len(keys))
    first = next(iter(keys))
    shard = fvcli("render", run / "spec.yaml", "-o", tmp_path / "shard", "--only", first)
    assert shard.exit_code == 0
    (run / f"units/{first}.json").unlink()
    result = fvcli("merge", run, tmp_path / "shard", "-o", tmp_path / "both")
    assert result.exit_code == 0, result.stderr
    assert done(tmp_path / "both") == (len(keys), len(keys))
