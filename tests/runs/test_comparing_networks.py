"""Two checkpoints of a network of one's own, rendered, compared and told apart, through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.helpers.running import fvcli, write_spec

SPEC = """\
model: {path: before.keras, value_range: [0, 1]}
render: {size_px: 32, steps: 12}
jobs:
  - {name: second, layer: second, channels: 0-8}
"""
CHANGED = (2, 5)  # channels that look for something else after the training


def network(seed: int = 0) -> keras.Model:
    rng = np.random.default_rng(seed)
    image = keras.Input((32, 32, 3))
    first = keras.layers.Conv2D(8, 5, padding="same", activation="relu", name="first")
    second = keras.layers.Conv2D(9, 5, padding="same", name="second")
    model = keras.Model(image, second(first(image)))
    for layer in (first, second):
        kernel, bias = layer.get_weights()
        layer.set_weights([rng.normal(0, 0.3, kernel.shape), bias])
    return model


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """before and after: two units were trained into others, all others by half a percent."""
    folder = tmp_path_factory.mktemp("checkpoints")
    before, after = network(), network()
    kernel, bias = after.get_layer("second").get_weights()
    other = np.random.default_rng(9).normal(0, 0.3, kernel.shape)
    kernel = kernel * (1 + 0.005 * np.random.default_rng(1).standard_normal(kernel.shape))
    kernel[..., CHANGED] = other[..., CHANGED]
    after.get_layer("second").set_weights([kernel, bias])
    for name, model in (("before", before), ("after", after)):
        model.save(folder / f"{name}.keras")
    spec = write_spec(folder, SPEC)
    for name in ("before", "after"):
        result = fvcli("render", spec, "-o", folder / name, "--set", f"model.path={folder / name}.keras")
        assert result.exit_code == 0, result.stderr
    return folder


def test_the_units_that_look_for_something_else_come_first(runs: Path, tmp_path: Path) -> None:
    result = fvcli("diff", runs / "before", runs / "after", "--report", tmp_path, "--top", "2")
    assert result.exit_code == 0, result.stderr
    units = json.loads((tmp_path / "diff.json").read_text())["units"]
    assert {unit["path"] for unit in units[:2]} == {f"second/channel-{i:04d}" for i in CHANGED}
    assert min(unit["changed"] for unit in units[:2]) > 5 * max(unit["changed"] for unit in units[2:])
    assert max(unit["changed"] for unit in units[2:]) < 0.01
    ranks = [unit["a"]["rank"] for unit in units]
    assert sum(ranks[:2]) / 2 > sum(ranks[2:]) / 7
    for unit in units:
        for side, run in (("a", "before"), ("b", "after")):
            sidecar = json.loads((runs / run / f"units/{unit['path']}.json").read_text())
            assert unit[side]["own"] == pytest.approx(sidecar["score"]["saved"], rel=1e-5)
    assert "... and 7 more (--top, or --report DIR)" in result.stdout
    mirrored = fvcli("diff", runs / "after", runs / "before", "--json")
    assert {unit["path"] for unit in json.loads(mirrored.stdout)["units"][:2]} == {
        u["path"] for u in units[:2]
    }


def test_a_run_of_the_same_network_has_not_changed(runs: Path) -> None:
    result = fvcli("diff", runs / "before", runs / "before")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "9 units compared, the median has changed by 0.00"
    assert "Note: both runs were rendered with the same weights" in result.stderr


def test_a_golden_and_a_retrained_network_answer_each_others_pictures(runs: Path, tmp_path: Path) -> None:
    golden = tmp_path / "golden"
    result = fvcli("accept", runs / "before", "--golden", golden, "--reason", "first")
    assert result.exit_code == 0, result.stderr
    assert f"Note: {golden} does not hold {runs / 'before.keras'}: a CI job that renders " in result.stderr
    result = fvcli("compare", golden, runs / "after", "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert {unit["status"] for unit in found["units"]} == {"diff"}
    assert {unit["gate"] for unit in found["units"]} == {"response"}
    assert found["golden_model"] == str(runs / "before.keras")
    assert found["run_model"] == str(runs / "after.keras")
    worst = {unit["path"] for unit in found["units"][:2]}
    assert worst == {f"second/channel-{i:04d}" for i in CHANGED}
    for unit in found["units"]:
        assert unit["values"]["response"] > 1e-5
        assert None not in {unit["golden"]["other_score"], unit["run"]["other_score"]}


def test_where_the_goldens_network_is_not_here_it_is_said(runs: Path, tmp_path: Path) -> None:
    golden = tmp_path / "golden"
    fvcli("accept", runs / "before", "--golden", golden, "--reason", "first")
    (runs / "before.keras").rename(runs / "moved.keras")
    try:
        result = fvcli("compare", golden, runs / "after")
        assert result.exit_code == 1
        assert "the golden was rendered with other weights, and they are not here" in result.stderr
        named = fvcli("compare", golden, runs / "after", "--golden-model", runs / "moved.keras", "--json")
        assert {unit["gate"] for unit in json.loads(named.stdout)["units"]} == {"response"}
        wrong = fvcli("compare", golden, runs / "after", "--golden-model", runs / "after.keras")
        assert wrong.exit_code == 2
        assert "not the weights that the golden was rendered with" in wrong.stderr
    finally:
        (runs / "moved.keras").rename(runs / "before.keras")


def test_a_run_whose_network_was_overwritten_is_refused(runs: Path, tmp_path: Path) -> None:
    golden = tmp_path / "golden"
    fvcli("accept", runs / "before", "--golden", golden, "--reason", "first")
    content = (runs / "after.keras").read_bytes()
    network(seed=5).save(runs / "after.keras")
    try:
        for result in (
            fvcli("compare", golden, runs / "after"),
            fvcli("diff", runs / "before", runs / "after"),
        ):
            assert result.exit_code == 2
            assert "not the weights that" in result.stderr
        assert fvcli("compare", golden, runs / "after", "--no-model").exit_code == 1
    finally:
        (runs / "after.keras").write_bytes(content)
