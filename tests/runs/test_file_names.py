"""Whole runs of photos and units whose names are long, or in other scripts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.helpers.running import fvcli, pictures, write_spec

PHOTO = Path(__file__).parents[2] / "configs" / "photos" / "coffee.jpg"
NAMES = ("写真", "𠮷田", "😀", "w" * 240)
SPEC = """\
model: efficientnet-lite0
render: {size_px: 64, steps: 1, redirect_steps: 0, save_at: [0]}
jobs:
  - {name: photos, layer: stem_bn, objective: caricature, pictures: photos}
  - name: many
    objective:
      kind: sum
      terms: [TERMS]
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("names")
    (folder / "photos").mkdir()
    for name in NAMES:
        shutil.copy(PHOTO, folder / "photos" / f"{name}.jpg")
    terms = ", ".join(f"{{kind: channel, layer: stem_bn, channel: [{i % 32}]}}" for i in range(60))
    spec = write_spec(folder, SPEC.replace("TERMS", terms))
    result = fvcli("render", spec, "-o", folder / "run")
    assert result.exit_code == 0, result.stderr
    return folder / "run"


def test_photos_give_their_names_to_pictures(run: Path) -> None:
    names = sorted(path.stem for path in (run / "units/photos").glob("*.json"))
    assert names == sorted(
        ["写真-caricature", "𠮷田-caricature", "u1f600-caricature", "w" * 71 + "-b8b7d468-caricature"]
    )


def test_many_terms_make_a_name_that_a_disk_takes(run: Path) -> None:
    (picture,) = (path for path in (run / "units/many").glob("*.png") if "step" not in path.name)
    assert picture.name.startswith("sum-0000-0001-0002-")
    assert len(picture.name) < 200


@pytest.mark.parametrize("name", ["写真", "𠮷田", "u1f600"])
def test_such_a_picture_is_rendered_again(name: str, run: Path, tmp_path: Path) -> None:
    picture = run / f"units/photos/{name}-caricature.png"
    again = fvcli("render", "--from", picture, "-o", tmp_path / "again")
    assert again.exit_code == 0, again.stderr
    assert picture.read_bytes() in pictures(tmp_path / "again").values()
    assert json.loads((tmp_path / "again/plan.json").read_text())["sources"][0]["sha256"]
