"""Whole runs of ``diversity: {weight: auto}``: what sidecars say; nothing around a unit changes its bytes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.picture_files import noise, save
from tests.helpers.running import fvcli, pictures, write_spec

PHOTOS = Path(__file__).parents[2] / "configs" / "photos"
SPEC = """\
model: efficientnet-lite0
render: {size_px: 64, steps: 48, early_stop: 0}
jobs:
  - {name: a, layer: block1_expand_bn, channels: [3, 17], diversity: {count: 2, weight: auto, photos: photos}}
"""


def sidecars(run: Path) -> dict[str, dict[str, Any]]:
    found = {path.stem: json.loads(path.read_text()) for path in sorted(run.glob("units/a/*.json"))}
    assert all(facts["status"] == "done" for facts in found.values())
    return found


def rendered(spec: Path, run: Path, *more: str) -> Path:
    result = fvcli("render", spec, "-o", run, "--threads", "2", *more)
    assert result.exit_code == 0, result.output
    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A spec beside three photos, and its run."""
    found = tmp_path_factory.mktemp("auto")
    shutil.copytree(PHOTOS, found / "photos")
    rendered(write_spec(found, SPEC), found / "run")
    return found


def test_sidecars_tell_what_was_found_and_how(folder: Path) -> None:
    found = sidecars(folder / "run")
    assert list(found) == [f"channel-{number:04d}-d{i}" for number in (3, 17) for i in (1, 2)]
    names = {path.name for path in PHOTOS.glob("*.jpg")}
    for facts in found.values():
        said = facts["diversity"]
        assert said["photo"] in names
        assert said["beats_photo"] == (facts["score"]["saved"] > said["photo_score"])
        assert len(said["trials"]) == 6
        passed = [one["weight"] for one in said["trials"] if one["lowest_score"] > said["photo_score"]]
        assert said["weight"] == max(passed, default=0.0)
        assert ("weaker_than_photos" in facts["remarks"]) == (not said["beats_photo"])
    first, second, third, _ = (facts["diversity"] for facts in found.values())
    assert {key: first[key] for key in ("weight", "photo", "trials")} == {
        key: second[key] for key in ("weight", "photo", "trials")
    }
    assert first["weight"] > 0
    assert first["photo_score"] != third["photo_score"]


def test_a_group_alone_and_what_is_rendered_again_have_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    whole = pictures(folder / "run")
    alone = pictures(rendered(folder / "spec.yaml", tmp_path / "alone", "--only", "a/channel-0017-*"))
    assert alone == {name: whole[name] for name in whole if "0017" in name}
    again = tmp_path / "again"
    shutil.copytree(folder / "run", again)
    for path in again.glob("units/a/channel-0003-d2.*"):
        path.unlink()
    assert pictures(rendered(folder / "spec.yaml", again)) == whole


def test_a_picture_renders_its_group_again(folder: Path, tmp_path: Path) -> None:
    """Its spec names photos without their folder, so they are looked for where the run knows them."""
    result = fvcli("render", "--from", folder / "run/units/a/channel-0017-d1.png", "-o", tmp_path / "again")
    assert result.exit_code == 0, result.output
    whole = pictures(folder / "run")
    expected = [content for name, content in whole.items() if "0017" in name]
    assert list(pictures(tmp_path / "again").values()) == expected


def test_a_picture_that_no_photo_should_beat_is_remarked_on(folder: Path, tmp_path: Path) -> None:
    """Pictures of one step are held against what an ascent of 48 steps came to."""
    (tmp_path / "photos").mkdir()
    shutil.copy(folder / "run/units/a/channel-0003-d1.png", tmp_path / "photos")
    spec = write_spec(tmp_path, SPEC.replace("[3, 17]", "[3]").replace("steps: 48", "steps: 1"))
    run = rendered(spec, tmp_path / "run")
    for facts in sidecars(run).values():
        assert (facts["diversity"]["weight"], facts["diversity"]["beats_photo"]) == (0.0, False)
        assert "weaker_than_photos" in facts["remarks"]
    said = fvcli("status", run)
    assert "a photo excites the unit more than the picture: a/channel-0003-d1" in said.output


def test_photos_that_change_after_the_plan_fail_the_units_and_say_why(tmp_path: Path) -> None:
    save(tmp_path / "photos" / "0.png")
    spec = write_spec(tmp_path, SPEC.replace("[3, 17]", "[3]"))
    assert fvcli("prepare", spec, "-o", tmp_path / "run").exit_code == 0
    save(tmp_path / "photos" / "0.png", noise(seed=1))
    assert fvcli("work", tmp_path / "run").exit_code == 1
    facts = json.loads((tmp_path / "run/units/a/channel-0003-d1.json").read_text())
    assert facts["status"] == "failed"
    assert "photos: SHA-256 is" in facts["error"]
