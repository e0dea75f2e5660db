"""Diverse pictures of a poly-semantic unit differ, and hardly fire less than four seeds without the term."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from fvcli.media import read_picture
from fvcli.models import ModelChoice, load
from tests.helpers.running import fvcli, write_spec

LAYER = "block6_expand"  # behind the ReLU6; the unit is before it
SPEC = """\
model: efficientnet-lite0
render: {size_px: 112, steps: 96, early_stop: 0}
jobs:
  - name: seeds
    layer: block6_expand_bn
    channels: [200]
    variants: [{name: s0, seed: 0}, {name: s1, seed: 1}, {name: s2, seed: 2}, {name: s3, seed: 3}]
  - {name: diverse, layer: block6_expand_bn, channels: [200], diversity: {count: 4, layer: block6_expand}}
"""


def test_four_diverse_pictures(tmp_path: Path) -> None:
    result = fvcli("render", write_spec(tmp_path, SPEC), "-o", tmp_path / "run")
    assert result.exit_code == 0, result.stderr
    seeds, diverse = (tmp_path / "run/units" / job for job in ("seeds", "diverse"))
    assert mean_cosine(diverse) < mean_cosine(seeds) * 2 / 3
    assert mean_score(diverse) > mean_score(seeds) * 0.85


def mean_cosine(folder: Path) -> float:
    """Return the mean cosine of the Gram matrices of each two pictures."""
    pictures = np.stack([read_picture(path) for path in sorted(folder.glob("*.png"))]) / np.float32(255)
    acts = load(ModelChoice("efficientnet-lite0")).activations(pictures, LAYER)
    maps = acts.reshape(len(acts), -1, acts.shape[-1]).astype(np.float64)
    grams = np.einsum("npc,npd->ncd", maps, maps).reshape(len(maps), -1)
    grams /= np.linalg.norm(grams, axis=1, keepdims=True)
    return float((grams @ grams.T)[~np.eye(len(grams), dtype=bool)].mean())


def mean_score(folder: Path) -> float:
    saved = [json.loads(path.read_text())["score"]["saved"] for path in folder.glob("*.json")]
    assert len(saved) == 4
    return float(np.mean(saved))
