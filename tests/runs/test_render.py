"""Whole runs of the small spec: files, sidecars, what is missing, what failed, what is dead."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fvcli.media import pixel_sha256, read_picture
from fvcli.run import RunFolder
from tests.helpers.running import HEAD, SMALL_SPEC, fvcli, pictures, sidecars, write_spec
from tests.helpers.small_network import small_network_spec

EVERY_KIND = """\
model: efficientnet-lite0
render:
  {size_px: [64, 80], steps: 16, batch_size: 2, redirect_steps: 0, transforms: [{kind: jitter, px: 4}]}
jobs:
  - {name: channels, layer: block1_expand_bn, channels: [3, 17]}
  - {name: negative, layer: block1_expand_bn, channels: [3], sign: negative}
  - {name: neurons, layer: block2_expand_bn, objective: neuron, channels: [5]}
  - {name: placed, layer: block2_expand_bn, objective: {kind: neuron, row: 2, column: 9}, channels: [5]}
  - {name: dream, layer: stem_bn, objective: layer}
  - {name: logits, objective: class_logit, classes: [tabby]}
  - name: probabilities
    objective: class_probability
    classes: [500]
    steps: 64
    optimizer: adam
    parameterization: fourier
  - name: sums
    objective:
      kind: sum
      terms: [{kind: channel, layer: stem_bn, channel: 3}, {kind: layer, layer: stem, weight: -0.5}]
"""


def test_a_run_has_every_file(whole: Path) -> None:
    names = {str(path.relative_to(whole)) for path in whole.rglob("*") if path.is_file()}
    units = {f"units/edges/channel-{i:04d}" for i in range(5)}
    units |= {f"units/textures/channel-{i:04d}" for i in (3, 17)}
    assert {f"{unit}{suffix}" for unit in units for suffix in (".png", ".json")} <= names
    assert {"spec.yaml", "plan.json", "run.json", "grids/edges.png", "grids/textures.png"} <= names
    assert not [name for name in names if name.endswith(".tmp")]
    assert (whole / "spec.yaml").read_text() == SMALL_SPEC


def test_sidecars_say_what_was_done(whole: Path) -> None:
    sidecar = sidecars(whole)["textures/channel-0017.json"]
    assert sidecar["unit"] == {"channel": 17}
    assert (sidecar["job"], sidecar["layer"], sidecar["objective"]) == (
        "textures",
        "block1_expand_bn",
        "channel",
    )
    assert (sidecar["status"], sidecar["error"], sidecar["steps"], sidecar["seed"]) == ("done", None, 24, 0)
    assert sidecar["batch"] == {"number": 3, "size": 1, "planned_size": 2}  # a CPU takes one at a time
    assert (sidecar["schema_version"], sidecar["planned_steps"], sidecar["canvas"]) == (4, 24, None)
    assert sidecar["score"]["end"] > sidecar["score"]["start"]
    pixels = read_picture(whole / "units/textures/channel-0017.png")
    assert pixels.shape == (64, 64, 3)
    assert sidecar["pixel_sha256"] == pixel_sha256(pixels)


def test_a_finished_run_is_left_alone(whole: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in whole.glob("units/**/*")}
    result = fvcli("render", whole / "spec.yaml", "-o", whole)
    assert result.exit_code == 0
    assert "nothing was left to render, 7 of 7 in the run" in result.stdout
    assert {path: path.stat().st_mtime_ns for path in whole.glob("units/**/*")} == before


@pytest.mark.parametrize("suffix", [".png", ".json"])
def test_exactly_what_is_missing_is_rendered_again(whole: Path, suffix: str) -> None:
    before = pictures(whole)
    times = {path: path.stat().st_mtime_ns for path in whole.glob("units/**/*.png")}
    lost = whole / "units/edges/channel-0003.png"
    lost.with_suffix(suffix).unlink()
    assert fvcli("render", whole / "spec.yaml", "-o", whole).exit_code == 0
    assert pictures(whole) == before
    changed = [path for path, time in times.items() if path.stat().st_mtime_ns != time]
    assert changed == [lost]
    assert json.loads(lost.with_suffix(".json").read_text())["attempt"] > 1


def test_only_gives_the_bytes_of_the_whole_run(whole: Path, tmp_path: Path) -> None:
    spec = write_spec(tmp_path)
    result = fvcli("render", spec, "-o", tmp_path / "run", "--only", "edges/channel-0004")
    assert result.exit_code == 0, result.stderr
    assert pictures(tmp_path / "run") == {
        "units/edges/channel-0004.png": (whole / "units/edges/channel-0004.png").read_bytes()
    }


def test_a_lone_picture_is_rendered_again(whole: Path, tmp_path: Path) -> None:
    picture = tmp_path / "found.png"
    picture.write_bytes((whole / "units/textures/channel-0017.png").read_bytes())
    result = fvcli("render", "--from", picture, "-o", tmp_path / "again")
    assert result.exit_code == 0, result.stderr
    assert list(pictures(tmp_path / "again").values()) == [picture.read_bytes()]


def test_another_spec_is_refused_and_force_replaces(tmp_path: Path) -> None:
    spec, run = small_network_spec(tmp_path), tmp_path / "run"
    assert fvcli("render", spec, "-o", run).exit_code == 0
    before = pictures(run)
    assert len(before) == 3
    changed = ("render", spec, "-o", run, "--set", "render.seed=1")
    refused = fvcli(*changed)
    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert pictures(run) == before
    forced = fvcli(*changed, "--force")
    assert forced.exit_code == 0, forced.stderr
    assert pictures(run).keys() == before.keys()
    assert all(pictures(run)[name] != before[name] for name in before)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("all my work")
    result = fvcli("render", write_spec(tmp_path), "-o", tmp_path)
    assert result.exit_code == 2
    assert "holds no run" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["spec.yaml", "thesis.txt"]


def test_saved_score_is_that_of_the_picture_for_every_kind(model, tmp_path: Path) -> None:
    result = fvcli("render", write_spec(tmp_path, EVERY_KIND), "-o", tmp_path / "run")
    assert result.exit_code == 0, result.stderr
    found = sidecars(tmp_path / "run")
    assert len(found) == 9
    for name, sidecar in found.items():
        pixels = read_picture((tmp_path / "run/units" / name).with_suffix(".png"))
        assert pixels.shape == (64, 80, 3)
        acts = model(pixels[None].astype(np.float32) / 127.5 - 1)
        expected = plain_objective(sidecar, acts)
        assert sidecar["score"]["saved"] == pytest.approx(expected, rel=0.01, abs=1e-6), name
        assert sidecar["sign"] * (sidecar["score"]["end"] - sidecar["score"]["start"]) > 0, name


def plain_objective(sidecar: dict, acts: dict) -> float:
    """State each objective in NumPy on the activations of the whole model."""
    unit = sidecar["unit"]
    if sidecar["objective"] == "sum":
        return float(np.mean(acts["stem_bn"][..., 3]) - 0.5 * np.mean(np.square(acts["stem"])))
    layer = np.asarray(acts[sidecar["layer"]])
    if sidecar["objective"] == "channel":
        return float(layer[..., unit["channel"]].mean())
    if sidecar["objective"] == "neuron":
        row, column = unit.get("row", layer.shape[1] // 2), unit.get("column", layer.shape[2] // 2)
        return float(layer[0, row, column, unit["channel"]])
    if sidecar["objective"] == "layer":
        return float(np.mean(layer**2))
    if sidecar["objective"] == "class_logit":
        return float(layer[0, unit["class"]])
    return float((np.exp(layer) / np.exp(layer).sum())[0, unit["class"]])


def test_a_unit_that_fails_is_recorded_and_the_rest_goes_on(tmp_path: Path) -> None:
    path = small_network_spec(tmp_path, 1)
    broken = "{name: broken, layer: second, channels: [1], optimizer: {kind: adam, learning_rate: 1e38}}"
    path.write_text(f"{path.read_text()}  - {broken}\n")
    result = fvcli("render", path, "-o", tmp_path / "run")
    assert result.exit_code == 1
    assert "broken/channel-0001 failed: the picture became NaN or infinite" in result.stderr
    found = sidecars(tmp_path / "run")
    assert found["broken/channel-0001.json"]["status"] == "failed"
    assert found["edges/channel-0000.json"]["status"] == "done"
    status = json.loads(fvcli("status", tmp_path / "run", "--json").stdout)
    assert (status["done"], status["failed"]) == (1, 1)
    assert (tmp_path / "run/grids/broken.png").exists()
    assert fvcli("render", path, "-o", tmp_path / "run").exit_code == 1  # tried again


def test_dead_units_are_told_and_redirection_revives_some(tmp_path: Path) -> None:
    """Many channels of `head` are silent on grey; what a redirected start cannot wake is said to be dead."""
    spec = """
model: efficientnet-lite0
render: {size_px: 64, steps: 24, batch_size: 8}
jobs:
  - {name: with, layer: head, channels: 0-7}
  - {name: without, layer: head, channels: 0-7, redirect_steps: 0}
"""
    assert fvcli("render", write_spec(tmp_path, spec), "-o", tmp_path / "run").exit_code == 0
    found = sidecars(tmp_path / "run").values()
    dead = [s for s in found if (s["job"], s["status"]) == ("without", "dead")]
    revived = [s for s in found if (s["job"], s["status"]) == ("with", "done")]
    assert dead
    assert len(revived) > 8 - len(dead)
    assert all(s["score"] == {"start": 0.0, "end": 0.0, "saved": 0.0} for s in dead)
    assert all("pre-activation" in s["error"] for s in dead)
    shown = fvcli("status", tmp_path / "run").stdout
    assert all(f"without/channel-{s['unit']['channel']:04d} is dead" in shown for s in dead)


def test_what_cannot_be_read_fails_its_units_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "generator.keras").write_text("no model")
    jobs = """
  - {name: a, layer: stem_bn, channels: [3], parameterization: {kind: generator, path: generator.keras}}
  - {name: b, layer: stem_bn, channels: [3]}
"""
    result = fvcli("render", write_spec(tmp_path, HEAD + jobs), "-o", tmp_path / "run")
    assert result.exit_code == 1
    assert "Traceback" not in result.stderr
    run = RunFolder.read(tmp_path / "run")
    failed, done = (run.sidecar(unit) for unit in run.plan.units)
    assert (failed.status, done.status) == ("failed", "done")
    assert "generator.keras" in failed.error
    assert run.grid("b").exists()
