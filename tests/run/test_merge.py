"""Shards that become one run: where they were rendered does not matter, what they show does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from fvcli.run import RunFolder
from fvcli.run import lacking as lacking_module
from tests.helpers.painting import PaintingEngine, paint
from tests.helpers.running import SMALL_SPEC, fvcli, write_spec

PHOTOS = """\
model: efficientnet-lite0
render: {size_px: 64, steps: 2, batch_size: 1}
jobs:
  - {name: seen, layer: stem_bn, objective: caricature, pictures: photos}
"""


def shard(folder: Path, part: str, text: str = SMALL_SPEC, *words: str) -> Path:
    """Render a shard in a folder of its own, beside its spec."""
    folder.mkdir(parents=True, exist_ok=True)
    spec, run = write_spec(folder, text), folder / f"shard-{part[0]}"
    result = fvcli("render", spec, "-o", run, "--shard", part, *words)
    assert result.exit_code in {0, 1}, result.stderr
    return run


def counts(run: Path) -> dict[str, int]:
    found = json.loads(fvcli("status", run, "--json").stdout)
    return {state: found[state] for state in ("done", "dead", "failed", "pending")}


@pytest.fixture(autouse=True)
def _painted(easel: PaintingEngine) -> None:
    """No network is needed here."""


def test_dead_and_failed_units_are_counted_and_a_failed_one_is_told_by_the_exit_code(
    tmp_path: Path, easel: PaintingEngine
) -> None:
    easel.statuses = {"edges/channel-0001": "dead"}
    first, second = shard(tmp_path, "1/2"), shard(tmp_path, "2/2")
    result = fvcli("merge", first, second, "-o", tmp_path / "run")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, f"{tmp_path}/run: 6 done, 1 dead")
    easel.statuses = {"edges/channel-0000": "failed"}
    third = shard(tmp_path / "other", "1/2")
    result = fvcli("merge", third, "-o", tmp_path / "failed")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1] == f"{tmp_path}/failed: 2 done, 1 failed, 4 pending"
    assert str(tmp_path / "failed/grids/edges.png") in result.stdout.splitlines()


def test_what_a_merge_lacks_is_told_by_unit_shard_and_exit_code(tmp_path: Path) -> None:
    run = tmp_path / "run"
    parts = [shard(tmp_path, f"{i}/4") for i in (1, 2, 3, 4)]
    result = fvcli("merge", parts[0], parts[1], parts[2], "-o", run)
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (1, f"{run}: 5 done, 2 pending")
    assert result.stderr.splitlines() == [
        f"Error: {run} lacks 2 of 7 units: textures/channel-0003, textures/channel-0017",
        "  shard 4/4 is lacking: fvcli render SPEC -o PART --shard 4/4",
        f"    then: fvcli merge PART -o {run}",
        f"  or render what is lacking here: fvcli render SPEC -o {run}",
    ]
    whole = fvcli("merge", parts[3], "-o", run)
    assert (whole.exit_code, whole.stderr) == (0, "")


def test_a_part_that_is_not_finished_is_named(tmp_path: Path) -> None:
    run = tmp_path / "run"
    first, second = shard(tmp_path, "1/2"), shard(tmp_path, "2/2")
    (second / "units/textures/channel-0017.json").unlink()
    result = fvcli("merge", first, second, "-o", run)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"Error: {run} lacks 1 of 7 units: textures/channel-0017",
        f"  {second} is not finished; give its fvcli render once more, then: fvcli merge {second} -o {run}",
        f"  or render what is lacking here: fvcli render SPEC -o {run}",
    ]


@pytest.mark.parametrize(
    ("asked", "lacking", "shards"),
    [
        ([(0, 3), (1, 4)], {2, 5}, ((3, 3),)),
        ([(0,), (1,)], {2, 3, 4, 5}, ((3, 6), (4, 6), (5, 6), (6, 6))),
        ([(0, 3)], {1, 2, 4, 5}, ((2, 3), (3, 3))),
        ([(0, 3)], {1, 2, 4}, ()),  # of shard 3 something is there
        ([(0, 1, 4)], {2, 3, 5}, ()),  # no slice, as of --only
        ([], {5}, ()),
    ],
)
def test_which_shards_are_lacking(
    asked: list[tuple[int, ...]], lacking: set[int], shards: tuple[tuple[int, int], ...]
) -> None:
    count = lacking_module._count_of_shards(asked, 6)
    assert (lacking_module._whole_shards(lacking, 6, count) if count else ()) == shards


def test_a_finished_picture_goes_before_a_failure_whichever_comes_first(
    tmp_path: Path, easel: PaintingEngine
) -> None:
    easel.statuses = {"edges/channel-0000": "failed"}
    failed = shard(tmp_path / "failed", "1/2")
    easel.statuses = {"edges/channel-0000": "dead"}
    dead = shard(tmp_path / "dead", "1/2")
    for i, order in enumerate([(failed, dead), (dead, failed)]):
        result = fvcli("merge", *order, "-o", tmp_path / f"run{i}")
        assert result.exit_code == 1  # the other shard is lacking
        assert counts(tmp_path / f"run{i}")["dead"] == 1


def test_pictures_and_facts_of_the_model_come_along(tmp_path: Path) -> None:
    first, second = shard(tmp_path, "1/2"), shard(tmp_path, "2/2")
    assert fvcli("merge", first, second, "-o", tmp_path / "run").exit_code == 0
    merged = RunFolder.read(tmp_path / "run")
    facts = merged.facts()
    assert facts is not None
    assert (facts.name, facts.native_size_px, len(facts.labels)) == ("efficientnet-lite0", (224, 224), 1000)
    assert facts == RunFolder.read(second).facts()
    for part in (first, second):
        for file in part.glob("units/*/*"):
            assert (tmp_path / "run" / file.relative_to(part)).read_bytes() == file.read_bytes()
    (first / "model.json").unlink()  # as of an older version
    assert fvcli("merge", first, second, "-o", tmp_path / "older").exit_code == 0
    assert RunFolder.read(tmp_path / "older").facts() == facts


def test_shards_of_other_places_are_one_run(tmp_path: Path) -> None:
    """The same spec and photos, at two places of two machines."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for value in (10, 200):
        iio.imwrite(photos / f"grey-{value}.png", np.full((64, 64, 3), value, np.uint8))
    homes = [tmp_path / "home/a/p", tmp_path / "data/p"]
    for home in homes:
        shutil.copytree(photos, home / "photos")
    shutil.rmtree(photos)
    first, second = (shard(home, f"{i}/2", PHOTOS) for i, home in enumerate(homes, 1))
    assert counts(first)["done"] == counts(second)["done"] == 1
    shutil.rmtree(homes[1] / "photos")
    shutil.rmtree(homes[0] / "photos")  # the runs have copies
    result = fvcli("merge", first, second, "-o", tmp_path / "run")
    assert result.exit_code == 0, result.stderr
    assert counts(tmp_path / "run")["done"] == 2
    assert len(list((tmp_path / "run/sources").iterdir())) == 2
    result = fvcli("merge", second, "-o", tmp_path / "run")  # once more, from the other place
    assert result.exit_code == 0, result.stderr


def test_a_title_does_not_make_another_run(tmp_path: Path) -> None:
    titled = SMALL_SPEC.replace("{name: edges,", "{name: edges, title: Lines,")
    first, second = shard(tmp_path / "a", "1/2"), shard(tmp_path / "b", "2/2", titled)
    result = fvcli("merge", first, second, "-o", tmp_path / "run")
    assert result.exit_code == 0, result.stderr
    assert counts(tmp_path / "run")["done"] == 7


def test_another_spec_is_refused_in_its_words(tmp_path: Path) -> None:
    first = shard(tmp_path / "a", "1/2")
    other = shard(tmp_path / "b", "2/2", SMALL_SPEC.replace("[3, 17]", "[3]"), "--set", "render.seed=1")
    result = fvcli("merge", first, other, "-o", tmp_path / "run")
    assert result.exit_code == 2
    assert [line.removeprefix("Error: ") for line in result.stderr.splitlines()] == [
        f"{other} is the run of another plan than {first}",
        "render.seed: 0 -> 1",
        "jobs.textures.channels: 1 picture is not there",
        "merge shards of one spec",
    ]
    assert not (tmp_path / "run").exists()


def test_batches_are_part_of_a_plan(tmp_path: Path) -> None:
    """Keys with another order of units: shards would not be slices of one whole."""
    first = shard(tmp_path / "a", "1/2")
    other = shard(tmp_path / "b", "2/2", SMALL_SPEC.replace("channels: 0-4", "channels: [4, 3, 2, 1, 0]"))
    result = fvcli("merge", first, other, "-o", tmp_path / "run")
    assert result.exit_code == 2
    assert "the same pictures in another order" in result.stderr


def test_nothing_finished_in_the_target_is_overwritten(tmp_path: Path) -> None:
    """Pictures that --force with --only left there are of another spec."""
    spec, run, seed = write_spec(tmp_path), tmp_path / "run", ("--set", "render.seed=1")
    assert fvcli("render", spec, "-o", run).exit_code == 0
    forced = fvcli("render", spec, "-o", run, "--force", "--only", "edges/channel-0004", *seed)
    assert forced.exit_code == 0
    part = shard(tmp_path / "other", "1/2", SMALL_SPEC, *seed)
    before = {path: path.read_bytes() for path in run.glob("units/*/*")}
    result = fvcli("merge", part, "-o", run)
    assert result.exit_code == 2
    assert "Error: render.seed: 0 -> 1: 6 pictures would go" in result.stderr.splitlines()
    assert {path: path.read_bytes() for path in run.glob("units/*/*")} == before


def test_clashes_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    first, second = shard(tmp_path / "a", "1/2"), shard(tmp_path / "b", "1/2")
    folder = RunFolder.read(second)
    paint(folder, folder.plan.units[0], 99)
    result = fvcli("merge", first, second, "-o", tmp_path / "run")
    assert result.exit_code == 2
    assert f"edges/channel-0000 differs between {first} and {second}" in result.stderr
    assert not (tmp_path / "run").exists()


def test_pictures_that_only_the_other_spec_has_are_counted(tmp_path: Path) -> None:
    """Not how many more it has: one of the first run's is not there."""
    first = shard(tmp_path / "a", "1/2")
    other = shard(tmp_path / "b", "2/2", SMALL_SPEC.replace("[3, 17]", "[3, 5, 6]"))
    result = fvcli("merge", first, other, "-o", tmp_path / "run")
    assert result.exit_code == 2
    assert [line.removeprefix("Error: ") for line in result.stderr.splitlines()] == [
        f"{other} is the run of another plan than {first}",
        "jobs.textures.channels: 1 picture is not there",
        f"2 of its pictures are not in {first}",
        "merge shards of one spec",
    ]


def test_a_shard_without_its_spec_is_no_whole_run(tmp_path: Path) -> None:
    first = shard(tmp_path, "1/2")
    (first / "spec.yaml").unlink()
    result = fvcli("merge", first, "-o", tmp_path / "run")
    assert result.exit_code == 2
    assert result.stderr == (
        f"Error: {first}/spec.yaml: No such file or directory: give a whole run folder\n"
    )
    assert not (tmp_path / "run").exists()
