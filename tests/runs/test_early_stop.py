"""Pictures that rise no more take fewer steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.running import OnDevice, fvcli, pictures, sidecars, write_spec

# ---- early stopping


# Neurons behind a ReLU6: those that reach 6 rise no more. The recipe's own early_stop is what is tested.
SATURATING = """\
model: efficientnet-lite0
render: {size_px: 64, steps: 200, batch_size: 4, optimizer: adam, parameterization: fourier}
jobs: [{name: neurons, layer: block1_expand, objective: neuron, channels: [3, 17, 40, 64]}]
"""


@pytest.fixture(scope="module")
def saturated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saturated")
    result = fvcli("render", write_spec(folder, SATURATING), "-o", folder / "run")
    assert result.exit_code == 0, result.stderr
    return folder / "run"


def test_what_has_flattened_takes_fewer_steps(saturated: Path) -> None:
    found = sidecars(saturated).values()
    assert all(sidecar["planned_steps"] == 200 for sidecar in found)
    early = [sidecar for sidecar in found if sidecar["steps"] < 200]
    assert early
    for sidecar in early:
        assert sidecar["status"] == "done"
        assert sidecar["steps"] % 16 == 0
        assert sidecar["score"]["end"] > max(1.0, sidecar["score"]["start"])


def test_early_stopping_can_be_left_out_and_changes_little(saturated: Path, tmp_path: Path) -> None:
    result = fvcli("render", saturated / "spec.yaml", "-o", tmp_path / "run", "--set", "render.early_stop=0")
    assert result.exit_code == 0, result.stderr
    before = sidecars(saturated)
    for name, sidecar in sidecars(tmp_path / "run").items():
        assert sidecar["steps"] == 200
        assert before[name]["score"]["end"] > 0.8 * sidecar["score"]["end"]
        if before[name]["steps"] == 200:
            assert before[name]["pixel_sha256"] == sidecar["pixel_sha256"]


def test_batch_mates_that_stop_early_change_no_byte(
    saturated: Path, tmp_path: Path, on_device: OnDevice
) -> None:
    """As on a GPU: those that go on and those that stop stand in one batch; each alone gives the same."""
    on_device(whole_batches=True, lanes=1)
    result = fvcli("render", saturated / "spec.yaml", "-o", tmp_path / "run")
    assert result.exit_code == 0, result.stderr
    together = sidecars(tmp_path / "run")
    assert len({sidecar["steps"] for sidecar in together.values()}) > 1
    expected = pictures(tmp_path / "run")
    by_steps = sorted(together, key=lambda name: together[name]["steps"])
    for name in (by_steps[0], by_steps[-1]):
        out = tmp_path / name.replace("/", "-")
        alone = fvcli("render", saturated / "spec.yaml", "-o", out, "--only", name.removesuffix(".json"))
        assert alone.exit_code == 0, alone.stderr
        assert pictures(out).items() <= expected.items()
        assert sidecars(out)[name]["steps"] == together[name]["steps"]


@pytest.mark.parametrize("recipe", ["lucid", "distill"])
def test_recipes_of_other_systems_never_stop_early(tmp_path: Path, recipe: str) -> None:
    spec = f"""
model: efficientnet-lite0
render: {{recipe: {recipe}, size_px: 48, steps: 80, transforms: [{{kind: jitter, px: 2}}]}}
jobs: [{{name: flat, layer: stem, objective: neuron, channels: [0, 3]}}]
"""
    result = fvcli("render", write_spec(tmp_path, spec), "-o", tmp_path / "run")
    assert result.exit_code == 0, result.stderr
    found = sidecars(tmp_path / "run")
    assert [sidecar["steps"] for sidecar in found.values()] == [80, 80]
    assert {sidecar["canvas"] for sidecar in found.values()} == {None}
