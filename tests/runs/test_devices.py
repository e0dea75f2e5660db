"""Lanes, batches, memory and compiling: what they change of a run, and what not."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from fvcli.media import read_picture
from fvcli.worker import renderers
from tests.helpers.running import OnDevice, fvcli, pictures, sidecars, write_spec


@pytest.mark.parametrize(
    ("kind", "text", "size"),
    [
        ("ResourceExhaustedError", "OOM when allocating tensor", 8),
        *[
            (
                "AbortedError",
                "Operation received an exception:Status: 1, message: could not create a primitive",
                2,
            )
        ],
    ],
)
def test_out_of_memory_goes_on_with_smaller_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_device: OnDevice, kind: str, text: str, size: int
) -> None:
    """TensorFlow's errors, raised where they would be; real ones would take the machine's memory."""
    import tensorflow as tf

    from fvcli.optvis.ascent import Ascent

    on_device(whole_batches=True)
    advance = Ascent.advance

    def advance_in_little_memory(self, state, units, *rest):
        if len(units["sign"]) > 1:
            raise getattr(tf.errors, kind)(None, None, text)
        return advance(self, state, units, *rest)

    monkeypatch.setattr(Ascent, "advance", advance_in_little_memory)
    spec = write_spec(tmp_path)
    how = ("--set", "render.steps=2", "--set", f"render.batch_size={size}")
    result = fvcli("render", spec, "-o", tmp_path / "run", "--only", "textures", *how)
    assert result.exit_code == 0, result.stderr
    assert "out of memory" in result.stderr
    for sidecar in sidecars(tmp_path / "run").values():
        assert sidecar["batch"] | {"number": 0} == {"number": 0, "size": 1, "planned_size": size}
        assert sidecar["status"] == "done"


def test_each_halving_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_device: OnDevice
) -> None:
    """Two ascents run out of memory at a time: the second one is told nothing new."""
    from fvcli.optvis.ascent import Ascent

    on_device(whole_batches=True)
    advance = Ascent.advance

    def advance_in_little_memory(self, state, units, *rest):
        if len(units["sign"]) > 1:
            raise MemoryError
        return advance(self, state, units, *rest)

    monkeypatch.setattr(Ascent, "advance", advance_in_little_memory)
    how = ("--set", "render.steps=2", "--set", "render.batch_size=4", "--only", "edges")
    result = fvcli("render", write_spec(tmp_path), "-o", tmp_path / "run", *how)
    assert result.exit_code == 0, result.stderr
    told = [line.split(" goes on ")[1] for line in result.stderr.splitlines() if " goes on " in line]
    assert sorted(told) == ["with 1 picture at a time", "with 2 pictures at a time"]  # of either batch


# ---- devices: lanes, whole batches, what is compiled


def pixels_of(run: Path) -> dict[str, bytes]:
    """Return the pixels of every picture; its file names the batch size, too."""
    return {name: read_picture(run / name).tobytes() for name in pictures(run)}


def test_pixels_do_not_depend_on_the_batch_size_on_a_cpu(whole: Path, tmp_path: Path) -> None:
    expected = pixels_of(whole)
    for size in (1, 5):
        changed = ["--set", f"render.batch_size={size}", "--only", "edges"]
        result = fvcli("render", whole / "spec.yaml", "-o", tmp_path / f"run{size}", *changed)
        assert result.exit_code == 0, result.stderr
        found = pixels_of(tmp_path / f"run{size}")
        assert len(found) == 5
        assert found.items() <= expected.items()


@pytest.mark.parametrize("lanes", [1, 3])
def test_bytes_do_not_depend_on_the_number_of_lanes(
    whole: Path, tmp_path: Path, on_device: OnDevice, lanes: int
) -> None:
    on_device(lanes=lanes)
    result = fvcli("render", whole / "spec.yaml", "-o", tmp_path / "run", "--only", "edges")
    assert result.exit_code == 0, result.stderr
    found = pictures(tmp_path / "run")
    assert len(found) == 5
    assert found.items() <= pictures(whole).items()


def test_whole_batches_reach_the_same_scores(whole: Path, tmp_path: Path, on_device: OnDevice) -> None:
    """The way of a GPU: an ascent takes a whole batch, which only rounds otherwise."""
    on_device(whole_batches=True, lanes=1)
    result = fvcli("render", whole / "spec.yaml", "-o", tmp_path / "run")
    assert result.exit_code == 0, result.stderr
    found, expected = sidecars(tmp_path / "run"), sidecars(whole)
    assert found.keys() == expected.keys()
    for name, sidecar in found.items():
        assert sidecar["batch"]["size"] == sidecar["batch"]["planned_size"] == 2
        assert (sidecar["status"], sidecar["steps"]) == ("done", 24)
        assert sidecar["score"]["end"] == pytest.approx(expected[name]["score"]["end"], rel=0.02), name
    only = fvcli("render", whole / "spec.yaml", "-o", tmp_path / "only", "--only", "edges/channel-0004")
    assert only.exit_code == 0, only.stderr
    name = "units/edges/channel-0004.png"
    assert pictures(tmp_path / "only") == {name: (tmp_path / "run" / name).read_bytes()}


MANY_JOBS = """\
model: efficientnet-lite0
render: {size_px: 48, steps: 4, batch_size: 2}
jobs:
  - {name: plain, layer: stem_bn, channels: [0, 1, 2]}
  - {name: longer, layer: stem_bn, channels: [0], steps: 20}
  - {name: other-seed, layer: stem_bn, channels: [0], seed: 9}
  - {name: patient, layer: stem_bn, channels: [0], early_stop: 0.5}
  - {name: larger-batch, layer: stem_bn, channels: [0], batch_size: 3}
  - {name: negative, layer: stem_bn, channels: [5], sign: negative}
  - {name: other-layer, layer: stem_conv, channels: [0]}
  - {name: other-size, layer: stem_conv, channels: [0], size_px: 56}
"""


def test_what_differs_only_in_inputs_is_compiled_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    made = []

    class Counted(renderers.AscentRenderer):
        def __init__(self, *args: object) -> None:
            super().__init__(*args)
            made.append(self)

    monkeypatch.setitem(renderers.RENDERERS, "ascent", Counted)
    result = fvcli("render", write_spec(tmp_path, MANY_JOBS), "-o", tmp_path / "run")
    assert result.exit_code == 0, result.stderr
    assert len(sidecars(tmp_path / "run")) == 10
    assert len(made) == 3
    assert [one._ascent.traces for one in made] == [1, 1, 1]
    assert sidecars(tmp_path / "run")["longer/channel-0000.json"]["steps"] == 20


def test_units_answer_for_the_cpu_time_that_there_was(tmp_path: Path) -> None:
    before = time.process_time()
    result = fvcli("render", write_spec(tmp_path), "-o", tmp_path / "run", "--set", "render.steps=8")
    assert result.exit_code == 0, result.stderr
    spent = time.process_time() - before
    each = [sidecar["cpu_seconds"] for sidecar in sidecars(tmp_path / "run").values()]
    assert len(each) == 7
    assert min(each) > 0.0
    assert 0.1 * spent < sum(each) <= spent + 7 * 0.0005  # they are rounded
