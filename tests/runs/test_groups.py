"""Whole runs of pictures that are optimised together: coupled, with shared parts, different if asked to."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from fvcli.media import read_frames, read_picture
from tests.helpers.running import fvcli, rendered, write_spec
from tests.helpers.tensorflow_setup import default_network

LINE = """objective: {kind: interpolate, count: 3, from: {kind: channel, layer: stem_bn, channel: 3},
                to: {kind: channel, layer: stem_bn, channel: 5}}"""


def pixels(run: Path) -> dict[str, np.ndarray]:
    return {path.stem: read_picture(path) for path in sorted((run / "units").rglob("*.png"))}


def test_views_of_pictures_are_coupled_with_those_of_other_pictures(tmp_path: Path) -> None:
    """Two views that are alike give what one view gives."""
    job = """
  - {name: a, layer: stem_bn, channels: [3], diversity: {count: 3, weight: 50}, transforms: [], views: """
    found = []
    for views in (1, 2):
        folder = tmp_path / str(views)
        folder.mkdir()
        found.append(pixels(rendered(folder, f"{job}{views}}}\n")))
    assert len(found[0]) == 3
    for name, picture in found[0].items():
        assert np.abs(picture.astype(int) - found[1][name]).max() <= 1
    alone = tmp_path / "alone"
    alone.mkdir()
    apart = pixels(rendered(alone, job.replace("weight: 50", "weight: 0") + "1}\n"))
    assert any(np.abs(apart[name].astype(int) - picture).max() > 8 for name, picture in found[0].items())


def test_a_film_of_shared_parts_goes_through_the_saved_pictures(tmp_path: Path) -> None:
    jobs = f"""
  - name: a
    parameterization: {{kind: pixel, std: 0.5, shared: {{sides_px: [8], ends_px: [16]}}}}
    animation: {{format: webp, of: numbers, frames: 8, pace: eased}}
    {LINE}
"""
    run = rendered(tmp_path, jobs)
    frames = list(read_frames(run / "units/a/interpolate-00.webp"))
    saved = pixels(run)
    assert np.abs(saved["interpolate-00"].astype(int) - saved["interpolate-02"]).max() > 20
    for frame, name in ((0, "interpolate-00"), (2, "interpolate-01"), (4, "interpolate-02")):
        assert np.abs(frames[frame].astype(int) - saved[name]).max() <= 1


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
    acts = default_network().activations(pictures, LAYER)
    maps = acts.reshape(len(acts), -1, acts.shape[-1]).astype(np.float64)
    grams = np.einsum("npc,npd->ncd", maps, maps).reshape(len(maps), -1)
    grams /= np.linalg.norm(grams, axis=1, keepdims=True)
    return float((grams @ grams.T)[~np.eye(len(grams), dtype=bool)].mean())


def mean_score(folder: Path) -> float:
    saved = [json.loads(path.read_text())["score"]["saved"] for path in folder.glob("*.json")]
    assert len(saved) == 4
    return float(np.mean(saved))
