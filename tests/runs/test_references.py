"""Pictures that are matched with photos: real renders of the default network, small and short."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fvcli.media import read_picture
from tests.helpers.picture_files import save
from tests.helpers.running import fvcli, pictures, write_spec

PHOTOS = Path(__file__).parents[2] / "configs" / "photos"
SPEC = """\
model: efficientnet-lite0
render: {recipe: vital, size_px: 96, steps: 20, references: {photos: photos, count: 3}}
jobs:
  - {name: part, layer: block9_expand_bn, channels: [3, 50]}
  - {name: class, objective: class_logit, classes: [espresso]}
output: {curve: true}
"""


def photos_in(folder: Path) -> Path:
    """Make a folder of twelve photos: parts of three, each upright and mirrored."""
    for path in sorted(PHOTOS.glob("*.jpg")):
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))
        height, width = (side // 2 for side in pixels.shape[:2])
        parts = pixels[:height, :width], pixels[height:, width:]
        for i, part in enumerate((*parts, *(half[:, ::-1] for half in parts))):
            save(folder / f"{path.stem}-{i}.png", part)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rendered spec, and its photos."""
    folder = tmp_path_factory.mktemp("references")
    photos_in(folder / "photos")
    result = fvcli("render", write_spec(folder, SPEC), "-o", folder / "run")
    assert result.exit_code == 0, result.stderr
    return folder


def sidecar(folder: Path, unit: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "run/units" / f"{unit}.json").read_text())
    return found


UNITS = ["part/channel-0003", "part/channel-0050", "class/class_logit-0967"]


@pytest.mark.parametrize("unit", UNITS)
def test_a_picture_comes_nearer_to_its_photos_and_excites_its_unit(folder: Path, unit: str) -> None:
    made = sidecar(folder, unit)
    curve = json.loads((folder / "run/units" / f"{unit}.curve.json").read_text())["scores"]
    assert made["status"] == "done"
    assert 0.75 * curve[0] < np.mean(curve[-4:]) < 0  # scores of matching are at most 0
    if unit.startswith("part"):  # a class needs more steps than these
        assert made["score"]["saved"] > made["score"]["start"] + 0.05
    pixels = read_picture(folder / "run/units" / f"{unit}.png")
    assert pixels.std(axis=(0, 1)).mean() > 10


@pytest.mark.parametrize("unit", UNITS[1:2])
def test_a_picture_has_the_same_bytes_alone_and_renders_itself_again(folder: Path, unit: str) -> None:
    alone = fvcli("render", folder / "spec.yaml", "-o", folder / "alone", "--only", unit)
    assert alone.exit_code == 0, alone.stderr
    whole = pictures(folder / "run")
    assert pictures(folder / "alone") == {f"units/{unit}.png": whole[f"units/{unit}.png"]}
    again = fvcli("render", "--from", folder / f"run/units/{unit}.png", "-o", folder / "again")
    assert again.exit_code == 0, again.stderr
    assert [*pictures(folder / "again").values()] == [whole[f"units/{unit}.png"]]


def test_a_finished_run_needs_no_photos(folder: Path) -> None:
    """Photos are read while units are rendered; sheets, scores and comparisons do without."""
    (folder / "photos").rename(folder / "moved")
    try:
        assert fvcli("status", folder / "run").exit_code == 0
        compared = fvcli("diff", folder / "run", folder / "run")
        assert compared.exit_code == 0, compared.stderr
        lacking = fvcli("render", folder / "spec.yaml", "-o", folder / "other")
        assert lacking.exit_code == 2
        assert "references.photos: photos: nothing there" in lacking.stderr
    finally:
        (folder / "moved").rename(folder / "photos")
