"""Whole runs of neurons that have a window: the picture is whole, and grey around what was optimised."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from fvcli.media import read_picture
from tests.helpers.running import fvcli, pictures, write_spec

MILD = {"kind": "affine", "degrees": 5.0, "scales": [0.95, 1.05], "shift_px": 2.0, "crop_px": 8}


# ---- views stay on the canvas


scales = st.floats(0.5, 2.0)


# ---- whole runs


SPEC = f"""\
model: efficientnet-lite0
render: {{size_px: [97, 130], steps: 16, batch_size: 2, transforms: [{json.dumps(MILD)}]}}
jobs:
  - {{name: central, layer: block1_dw_bn, objective: neuron, channels: [3, 40]}}
  - {{name: placed, layer: block1_dw_bn, objective: {{kind: neuron, row: 2, column: 29}}, channels: [3]}}
  - {{name: deeper, layer: block2_add, objective: neuron, channels: [5], sign: negative}}
"""
UNITS = 4


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("windows")
    result = fvcli("render", write_spec(folder, SPEC), "-o", folder / "run")
    assert result.exit_code == 0, result.stderr
    return folder / "run"


def sidecars(run: Path) -> dict[str, dict[str, Any]]:
    found = sorted(run.glob("units/**/*.json"))
    return {str(path.relative_to(run).with_suffix(".png")): json.loads(path.read_text()) for path in found}


def test_pictures_are_whole_and_grey_around_the_canvas(whole):
    assert len(sidecars(whole)) == UNITS
    for name, sidecar in sidecars(whole).items():
        pixels = read_picture(whole / name)
        assert pixels.shape == (97, 130, 3)
        canvas = sidecar["canvas"]
        seen = np.zeros(pixels.shape[:2], bool)
        top, left = canvas["top"], canvas["left"]
        seen[max(0, top) : top + canvas["height"], max(0, left) : left + canvas["width"]] = True
        assert set(np.unique(pixels[~seen])) <= {127, 128}
        assert pixels[seen].std() > 5.0
    assert sidecars(whole)["units/placed/neuron-0003-r002-c029.png"]["canvas"]["top"] < 0


def test_saved_score_is_that_of_the_picture(model, whole):
    for name, sidecar in sidecars(whole).items():
        pixels = read_picture(whole / name)
        layer = model(pixels[None].astype(np.float32) / 127.5 - 1)[sidecar["layer"]].numpy()
        unit = sidecar["unit"]
        row, column = unit.get("row", layer.shape[1] // 2), unit.get("column", layer.shape[2] // 2)
        expected = layer[0, row, column, unit["channel"]]
        assert sidecar["score"]["saved"] == pytest.approx(expected, rel=1e-3, abs=1e-3), name
        gain = sidecar["sign"] * (sidecar["score"]["end"] - sidecar["score"]["start"])
        assert gain > 0.5, name


def test_only_a_lone_picture_and_a_shard_give_the_same_bytes(whole, tmp_path):
    expected = pictures(whole)
    assert len(expected) == UNITS
    spec, name = write_spec(tmp_path, SPEC), "units/central/neuron-0040.png"
    only = fvcli("render", spec, "-o", tmp_path / "only", "--only", "central/neuron-0040")
    assert only.exit_code == 0, only.stderr
    assert pictures(tmp_path / "only") == {name: expected[name]}
    lone = fvcli("render", "--from", whole / name, "-o", tmp_path / "lone")
    assert lone.exit_code == 0, lone.stderr
    assert pictures(tmp_path / "lone") == {name: expected[name]}
    shard = fvcli("render", spec, "-o", tmp_path / "shard", "--shard", "2/2")
    assert shard.exit_code == 0, shard.stderr
    found = pictures(tmp_path / "shard")
    assert 0 < len(found) < len(expected)
    assert found.items() <= expected.items()


def test_a_small_canvas_is_worth_it(whole):
    """A neuron's ascent works on a small part of the picture."""
    canvases = [sidecar["canvas"] for sidecar in sidecars(whole).values()]
    assert all(canvas["height"] * canvas["width"] < 0.2 * 97 * 130 for canvas in canvases)
