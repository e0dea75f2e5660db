"""Renders that differ on purpose: every field of a difference has its effect, and no other."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fvcli.app.plan_spec import plan_of_spec
from fvcli.media import read_picture
from fvcli.models import load
from fvcli.models.loaded.model import LoadedModel
from fvcli.optvis.calls import Call, CallGraph
from fvcli.python_module import python_module
from fvcli.run import RunFolder, Sidecar
from fvcli.worker import variant
from fvcli.worker.device import Device
from fvcli.worker.options import WorkerOptions
from fvcli.worker.variant import Difference, layer_to_change, render_variant
from tests.helpers.red_and_blue import BLUE, CPU, HEIGHT, PLAIN, RED, WIDTH, by_signs, mean

HOW: dict[str, Any] = {
    **{"size_px": [HEIGHT, WIDTH], "steps": 2, "early_stop": 0, "transforms": [], "batch_size": 3},
    **{"parameterization": PLAIN, "optimizer": by_signs(0.05), "precision": "float32"},
}
JOBS = [
    {"name": "a", "layer": "conv", "channels": [RED, BLUE, RED + 2]},
    {"name": "b", "layer": "wide", "channels": [0]},
]
Begin = Callable[[], RunFolder]


@pytest.fixture
def begin(network: Path, tmp_path: Path) -> Iterator[Begin]:
    """Make folders of four units in two batches."""
    with ExitStack() as stack:

        def make() -> RunFolder:
            choice = {"path": str(network), "size_px": 64, "value_range": [0, 1]}
            spec = tmp_path / "spec.yaml"
            spec.write_text(json.dumps({"model": choice, "render": HOW, "jobs": JOBS}))
            plan = plan_of_spec(str(spec), ()).plan
            number = len(list(tmp_path.glob("run*")))
            return stack.enter_context(RunFolder.begin(tmp_path / f"run{number}", plan, "{}\n"))

        yield make


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int | None, int]]:
    """What devices are set up with; TensorFlow cannot be set up twice in a process."""
    asked: list[tuple[int | None, int]] = []

    def set_up_device(lanes: int | None = None, threads: int = 1) -> Device:
        asked.append((lanes, threads))
        return CPU if lanes is None else replace(CPU, lanes=lanes)

    monkeypatch.setattr(variant, "set_up_device", set_up_device)
    return asked


def sidecars(run: RunFolder) -> list[Sidecar]:
    found = [run.sidecar(unit) for unit in run.plan.units]
    return [sidecar for sidecar in found if sidecar is not None]


def pixels(run: RunFolder) -> list[np.ndarray]:
    return [read_picture(run.png(unit)) for unit in run.plan.units]


def saved(run: RunFolder) -> list[float]:
    return [sidecar.score["saved"] for sidecar in sidecars(run) if sidecar.score]


def test_without_a_difference_all_is_rendered_as_usual(begin: Begin, devices: list[Any]) -> None:
    run = begin()
    assert len(run.plan.batches) == 2
    render_variant(run.path, Difference())
    assert devices == [(None, 1)]
    assert [sidecar.status for sidecar in sidecars(run)] == ["done", "done", "dead", "done"]
    red, blue = pixels(run)[:2]
    assert mean(red, RED) == pytest.approx(0.6, abs=0.003)  # two steps of 0.05 from grey
    assert saved(run)[:2] == pytest.approx([mean(red, RED), mean(blue, BLUE)], abs=1e-6)
    assert {sidecar.batch["size"] for sidecar in sidecars(run)} == {1}


@pytest.mark.parametrize("more", [{"lanes": 1}, {"lanes": 3, "threads": 2}])
def test_lanes_and_threads_change_how_it_is_computed(
    begin: Begin, devices: list[Any], more: dict[str, int]
) -> None:
    one, other = begin(), begin()
    render_variant(one.path, Difference())
    render_variant(other.path, Difference(**more))
    assert devices == [(None, 1), (more["lanes"], more.get("threads", 1))]
    for was, now in zip(pixels(one), pixels(other), strict=True):
        np.testing.assert_array_equal(was, now)


def test_other_batches_are_whole_ones(begin: Begin, devices: list[Any]) -> None:
    run = begin()
    render_variant(run.path, Difference(lanes=1, other_batches=True))
    batches = [(sidecar.batch["size"], sidecar.batch["planned_size"]) for sidecar in sidecars(run)]
    assert batches == [(3, 3)] * 4
    assert saved(run)[0] == pytest.approx(0.6, abs=0.003)


def test_a_layers_weights_are_changed_by_a_share(begin: Begin, devices: list[Any]) -> None:
    """A tenth of normal numbers; what was 0 stays 0, so that red and blue each have one weight."""
    run = begin()
    render_variant(run.path, Difference(layer="conv", share=0.1))
    noise = np.random.default_rng(0).standard_normal((1, 1, 3, 3))
    of_red, of_blue = (float(1 + 0.1 * n) for n in (noise[0, 0, 0, RED], noise[0, 0, 2, BLUE]))
    assert min(abs(of_red - 1), abs(of_blue - 1)) > 1e-3
    red, blue = pixels(run)[:2]
    assert saved(run)[:2] == pytest.approx([of_red * mean(red, RED), of_blue * mean(blue, BLUE)], rel=1e-5)
    starts = [sidecar.score["start"] for sidecar in sidecars(run) if sidecar.score]
    assert starts[:2] == pytest.approx([0.5 * of_red, 0.5 * of_blue], rel=1e-3)
    other = begin()
    render_variant(other.path, Difference(layer="conv", share=0.0))
    assert saved(other)[0] == pytest.approx(mean(pixels(other)[0], RED), abs=1e-6)


def test_a_share_of_no_layer_changes_nothing(begin: Begin, devices: list[Any]) -> None:
    run = begin()
    render_variant(run.path, Difference(share=0.1))
    assert saved(run)[0] == pytest.approx(mean(pixels(run)[0], RED), abs=1e-6)


@pytest.mark.parametrize("allowed", [False, True])
def test_code_is_allowed_to_the_worker(
    begin: Begin, devices: list[Any], monkeypatch: pytest.MonkeyPatch, allowed: bool
) -> None:
    made: list[tuple[Any, ...]] = []

    class Idle:
        def __init__(self, run: RunFolder, options: WorkerOptions, *, device: Device, change: Any) -> None:
            made.append((run.path, options.allow_code, device, change))

        def render(self, numbers: range) -> list[Any]:
            made.append(tuple(numbers))
            return []

    monkeypatch.setattr(variant, "Worker", Idle)
    run = begin()
    render_variant(run.path, Difference(lanes=2, other_batches=True, allow_code=allowed))
    (path, allow_code, device, change), numbers = made
    assert (path, allow_code, device) == (run.path, allowed, replace(CPU, lanes=2, whole_batches=True))
    model = LoadedModel(None, None)  # type: ignore[arg-type]
    assert change(model) is model
    assert numbers == (0, 1)


def test_a_layer_half_way_to_all_is_changed(network: Path, begin: Begin) -> None:
    """Of two the second; where one of the targets is made from the first alone, the first."""
    model = load(begin().plan.model)
    assert layer_to_change(model, ["wide"]) == "wide"
    assert layer_to_change(model, ["conv"]) == "conv"
    assert layer_to_change(model, ["conv", "wide"]) == "conv"
    image = Call("", (), lambda _: None)
    plain = replace(model, graph=CallGraph(image, {"plain": Call("plain", (image,), lambda x: x[0])}))
    assert layer_to_change(plain, ["plain"]) is None


def test_what_is_finished_is_left_alone(begin: Begin, devices: list[Any]) -> None:
    run = begin()
    render_variant(run.path, Difference())
    times = [run.png(unit).stat().st_mtime_ns for unit in run.plan.units]
    run.json(run.plan.units[1]).unlink()
    render_variant(run.path, Difference())
    now = [run.png(unit).stat().st_mtime_ns for unit in run.plan.units]
    assert [was == is_now for was, is_now in zip(times, now, strict=True)] == [True, False, True, True]


def test_it_is_a_process_of_its_own(begin: Begin) -> None:
    run = begin()
    difference = json.dumps({"lanes": 1, "threads": 2, "layer": "conv", "share": 0.5, "allow_code": False})
    command = [*python_module("fvcli.worker.variant"), str(run.path), difference]
    environment = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": "0"}
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert ended.returncode == 0, ended.stderr
    noise = np.random.default_rng(0).standard_normal((1, 1, 3, 3))[0, 0, 0, RED]
    assert saved(run)[0] == pytest.approx((1 + 0.5 * noise) * mean(pixels(run)[0], RED), rel=1e-4)
    (place,) = (run.path / "fingerprints").glob("*.json")
    assert json.loads(place.read_text())["device"]["onednn"] is False
