"""What a network says of saved pictures: the scores that are recorded beside them, and textures by NumPy."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fvcli.media import read_picture
from fvcli.models import ModelFacts, load
from fvcli.models.graph import Node
from fvcli.models.graph import Window as Reach
from fvcli.models.loaded.model import LoadedModel
from fvcli.plan import Program, Unit
from fvcli.run import RunFolder
from fvcli.worker.judge import Judge, Judged, texture_layers
from tests.helpers.picture_files import noise, save
from tests.helpers.plans_of_files import plan_of
from tests.helpers.red_and_blue import CPU, HEIGHT, WIDTH, Make, save_of_one_pixel
from tests.helpers.running import fvcli, write_spec

AFFINE = {"kind": "affine", "degrees": 5.0, "scales": [0.95, 1.05], "shift_px": 2.0, "crop_px": 8}
TILES = {"count": 1, "tile_px": 64}
STEM = {"layer": "stem_bn", "channels": 3}
JOBS: list[dict[str, Any]] = [
    {"name": "plain", "layer": "stem_bn", "channels": "0-8"},
    {"name": "negative", **STEM, "sign": "negative"},
    {"name": "alpha", **STEM, "parameterization": {"kind": "fourier", "alpha": True}, "penalties": ["alpha"]},
    {"name": "attention", **STEM, "attention": True},
    {"name": "large", **STEM, "parameterization": {"kind": "cppn", "layers": 2}, "save_px": [63, 84]},
    {"name": "photo", **STEM, "start": "picture", "pictures": "PHOTO"},
    {"name": "caricature", "layer": "block0_dw_bn", "objective": "caricature", "pictures": "PHOTO"},
    {"name": "steepest", **STEM, "steepest": "l2", "pictures": "PHOTO"},
    {
        **{"name": "dream", "layer": "stem_bn", "objective": "layer", "recipe": "deepdream", "steps": 2},
        **{"pictures": "PHOTO", "octaves": TILES},
    },
    {
        **{"name": "tiled", "layer": "stem_bn", "channels": 3, "recipe": "deepdream", "steps": 1},
        **{"pictures": "PHOTO", "size_px": [70, 90], "octaves": TILES, "sign": "negative"},
    },
    {
        **{"name": "neuron", "layer": "block1_dw_bn", "objective": "neuron", "channels": [3, 40]},
        **{"size_px": [97, 130], "transforms": [AFFINE]},
    },
    {
        **{"name": "edge", "layer": "block1_dw_bn", "channels": 3, "sign": "negative"},
        **{"objective": {"kind": "neuron", "row": 2, "column": 29}},
        **{"size_px": [97, 130], "transforms": [AFFINE]},
    },
    {
        **{"name": "sum", "layer": "stem_bn", "channels": [1, 2]},
        "objective": {
            "kind": "sum",
            "terms": ["channel", {"kind": "channel", "layer": "block0_dw_bn", "channel": 5, "weight": -0.5}],
        },
    },
    {
        **{"name": "facets", "layer": "stem_bn", "channels": 3},
        **{"diversity": {"count": 2, "layer": "block0_dw_bn", "weight": 1}},
    },
]
WINDOWED = {"neuron", "edge"}


@pytest.fixture(scope="session")
def judged_run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run of the default network with a picture of every sort."""
    folder = tmp_path_factory.mktemp("judged")
    photo = save(folder / "photo.png", noise(80, 100))
    steps = {"steps": 4, "redirect_steps": 0, "early_stop": 0}
    render = {"size_px": [48, 64], **steps, "transforms": [{"kind": "jitter", "px": 4}]}
    spec = {"model": "efficientnet-lite0", "render": render, "jobs": JOBS}
    text = json.dumps(spec).replace("PHOTO", str(photo))
    result = fvcli("render", write_spec(folder, text), "-o", folder / "run")
    assert result.exit_code == 0, result.stderr
    return RunFolder.read(folder / "run")


@pytest.fixture(scope="session")
def network_of_run(judged_run: RunFolder) -> LoadedModel:
    return load(judged_run.plan.model)


@pytest.fixture(scope="session")
def judge(judged_run: RunFolder, network_of_run: LoadedModel) -> Judge:
    return Judge(judged_run, network_of_run, CPU)


def units_of(run: RunFolder, job: str) -> list[Unit]:
    return [unit for unit in run.plan.units if unit.job == job]


def pixels_of(run: RunFolder, job: str) -> list[np.ndarray]:
    return [read_picture(run.png(unit)) for unit in units_of(run, job)]


def program_of(run: RunFolder, job: str) -> Program:
    return run.plan.programs[units_of(run, job)[0].program]


# ---- scores


@pytest.mark.parametrize("job", [job["name"] for job in JOBS])
def test_a_saved_picture_has_the_score_that_was_recorded(
    judged_run: RunFolder, judge: Judge, job: str
) -> None:
    units = units_of(judged_run, job)
    found = judge.judge(units, pixels_of(judged_run, job))
    assert len(found) == len(units)
    for unit, said in zip(units, found, strict=True):
        sidecar = judged_run.sidecar(unit)
        assert sidecar is not None
        assert sidecar.score is not None
        assert said.score == pytest.approx(sidecar.score["saved"], rel=1e-5, abs=1e-6)
        assert abs(said.score) > 1e-3
    assert (program_of(judged_run, job).window is not None) == (job in WINDOWED)


def test_the_pictures_are_of_every_sort(judged_run: RunFolder) -> None:
    shapes = {job["name"]: pixels_of(judged_run, job["name"])[0].shape for job in JOBS}
    assert {name: shape for name, shape in shapes.items() if shape != (48, 64, 3)} == {
        **{"alpha": (48, 64, 4), "attention": (48, 64, 4), "large": (63, 84, 3)},
        **{"tiled": (70, 90, 3), "neuron": (97, 130, 3), "edge": (97, 130, 3)},
    }
    methods = {job["name"]: program_of(judged_run, job["name"]).settings.method for job in JOBS}
    assert {name: method for name, method in methods.items() if method != "ascent"} == {
        **{"steepest": "steepest", "dream": "dream", "tiled": "dream"},
    }


def test_the_score_is_without_sign(judged_run: RunFolder, judge: Judge, network_of_run: LoadedModel) -> None:
    """The mean of a channel, also where it is minimised."""
    for job in ("negative", "plain"):
        unit, pixels = units_of(judged_run, job)[0], pixels_of(judged_run, job)[0]
        maps = network_of_run.activations(pixels[None] / np.float32(255), "stem_bn")
        (said,) = judge.judge([unit], [pixels])
        assert said.score == pytest.approx(maps[0, ..., unit.terms[0].index].mean(), rel=1e-5)


def test_each_picture_is_scored_by_its_own_unit(judged_run: RunFolder, judge: Judge) -> None:
    units, pixels = units_of(judged_run, "plain"), pixels_of(judged_run, "plain")
    swapped = judge.judge([units[1], units[0], units[1]], [pixels[0], pixels[1], pixels[1]])
    alone = [
        judge.judge([unit], [picture])[0].score for unit, picture in zip(units[:2], pixels[:2], strict=True)
    ]
    assert swapped[2].score == pytest.approx(alone[1], rel=1e-6)
    assert swapped[0].score != pytest.approx(alone[0], rel=1e-3)
    assert swapped[1].score != pytest.approx(alone[1], rel=1e-3)


# ---- textures


def seen_pixels(job: str, pixels: np.ndarray) -> np.ndarray:
    """Return a picture as the network sees it: opacity is for people, or lies on mid grey."""
    shares = pixels.astype(np.float64) / 255
    if job == "attention":
        return shares[..., :3]
    return shares[..., :3] * shares[..., 3:] + 0.5 * (1 - shares[..., 3:]) if job == "alpha" else shares


@pytest.mark.parametrize(
    "job", ["plain", "alpha", "attention", "large", "dream", "steepest", "edge", "facets"]
)
def test_textures_are_means_and_deviations_over_all_positions(
    judged_run: RunFolder, judge: Judge, network_of_run: LoadedModel, job: str
) -> None:
    units, pixels = units_of(judged_run, job), pixels_of(judged_run, job)
    layers = texture_layers(program_of(judged_run, job), network_of_run.facts)
    seen = np.stack([seen_pixels(job, picture) for picture in pixels])
    maps = {layer: network_of_run.activations(seen, layer) for layer in layers}
    for i, said in enumerate(judge.judge(units, pixels)):
        assert len(said.textures) == len(layers)
        for layer, texture in zip(layers, said.textures, strict=True):
            one = maps[layer][i].astype(np.float64)
            expected = np.stack([one.mean(axis=(0, 1)), one.std(axis=(0, 1))])
            assert texture.dtype == np.float32
            np.testing.assert_allclose(texture, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def same(one: Judged, other: Judged) -> None:
    assert one.score == pytest.approx(other.score, rel=1e-6)
    for a, b in zip(one.textures, other.textures, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_how_many_are_asked_about_changes_nothing(judged_run: RunFolder, judge: Judge) -> None:
    """Nine are a full batch and one that is filled up."""
    units, pixels = units_of(judged_run, "plain"), pixels_of(judged_run, "plain")
    assert len(units) == 9
    everything = judge.judge(units, pixels)
    assert len(everything) == 9
    assert judge.judge([], []) == []
    for i, said in enumerate(everything):
        (alone,) = judge.judge([units[i]], [pixels[i]])
        same(said, alone)
    for said, again in zip(judge.judge(units[3:8], pixels[3:8]), everything[3:8], strict=True):
        same(said, again)


def test_programs_may_take_turns(judged_run: RunFolder, judge: Judge) -> None:
    first = judge.judge(units_of(judged_run, "negative"), pixels_of(judged_run, "negative"))
    judge.judge(units_of(judged_run, "sum"), pixels_of(judged_run, "sum"))
    second = judge.judge(units_of(judged_run, "negative"), pixels_of(judged_run, "negative"))
    same(first[0], second[0])


def test_another_network_says_something_else(
    judged_run: RunFolder, judge: Judge, network_of_run: LoadedModel
) -> None:
    """One that takes its pictures from 0 to 1 instead of from -1 to 1."""
    preprocessing = replace(network_of_run.facts.preprocessing, value_range=(0.0, 1.0))
    other = replace(network_of_run, facts=replace(network_of_run.facts, preprocessing=preprocessing))
    units, pixels = units_of(judged_run, "plain")[:2], pixels_of(judged_run, "plain")[:2]
    said, expected = Judge(judged_run, other, CPU).judge(units, pixels), judge.judge(units, pixels)
    assert said[0].score != pytest.approx(expected[0].score, rel=0.05)
    assert not np.allclose(said[0].textures[0], expected[0].textures[0], rtol=0.05)


def test_a_network_of_one_size_sees_pictures_of_that_size(renderer: Make, tmp_path: Path, photo: str) -> None:
    """Of 6 x 10 pixels; class 1 is the red in its upper left, of four of the picture's pixels the mean."""
    model = save_of_one_pixel(tmp_path / "fixed.keras")
    job = {"name": "a", "layer": "classes", "channels": [1], "steepest": "l2", "pictures": photo}
    _, run = renderer(job, model=model, input_px=None)
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:2, :2, 0] = [[40, 80], [120, 160]]
    (said,) = Judge(run, load(run.plan.model), CPU).judge(run.plan.units, [pixels])
    assert said.score == pytest.approx(100 / 255, abs=1e-6)
    np.testing.assert_allclose(said.textures[-1], [[0, 100 / 255], [0, 0]], atol=1e-6)


# ---- which layers


def chain(facts: ModelFacts, *nodes: Node) -> ModelFacts:
    return replace(facts, nodes=nodes, native_size_px=(64, 64))


def program_at(facts: ModelFacts, *layers: str) -> Program:
    """Return a program of 64 x 64 pixels that reads some layers."""
    (program,) = plan_of(facts, {"name": "a", "layer": "stem_bn", "channels": [0]}).programs
    (shape,) = program.terms
    return replace(program, terms=tuple(replace(shape, layer=layer) for layer in layers))


def node(name: str, *inputs: str, **more: Any) -> Node:
    return Node(name, "conv", inputs or ("input",), 4, **more)


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, []),
        (1, ["n0"]),
        (2, ["n0", "n1"]),
        (3, ["n0", "n1", "n2"]),
        (4, ["n0", "n1", "n2", "n3"]),
        (5, ["n1", "n2", "n3", "n4"]),
        (10, ["n2", "n4", "n6", "n8"]),
        (100, ["n20", "n40", "n60", "n80"]),
    ],
)
def test_four_layers_below_the_target_are_spread_evenly(
    facts: ModelFacts, count: int, expected: list[str]
) -> None:
    names = ["input", *(f"n{i}" for i in range(count))]
    nodes = [node(name, below) for below, name in zip(names, [*names[1:], "target"], strict=True)]
    above = node("above", "target")
    found = texture_layers(program_at(facts, "target"), chain(facts, *nodes, above))
    assert found == [*expected, "target"]


def test_only_layers_with_positions_that_the_target_is_made_of(facts: ModelFacts) -> None:
    """Not a branch beside it, nor a vector; the target itself may be one."""
    nodes = chain(
        facts,
        node("a"),
        node("beside", "a"),
        node("b", "a", window=Reach(stride=(64, 1))),  # a column of one row
        node("pool", "b", window=None),
        node("logits", "pool", window=None),
    )
    assert texture_layers(program_at(facts, "logits"), nodes) == ["a", "b", "logits"]
    assert texture_layers(program_at(facts, "b"), nodes) == ["a", "b"]
    assert texture_layers(program_at(facts, "logits", "beside"), nodes) == ["a", "b", "logits", "beside"]
    assert texture_layers(program_at(facts, "beside", "a"), nodes) == ["beside", "a"]


def test_sizes_are_those_that_the_network_sees(facts: ModelFacts) -> None:
    """Of 64 pixels the layer has one position, of the 128 that pictures are resized to it has four."""
    nodes = chain(facts, node("a"), node("coarse", "a", window=Reach(stride=(64, 64))), node("t", "coarse"))
    program = program_at(facts, "t")
    assert texture_layers(program, nodes) == ["a", "t"]
    assert texture_layers(replace(program, input_px=(128, 128)), nodes) == ["a", "coarse", "t"]


def test_layers_of_the_default_network(judged_run: RunFolder, facts: ModelFacts) -> None:
    assert texture_layers(program_of(judged_run, "plain"), facts) == ["stem_conv", "stem_bn"]
    assert texture_layers(program_of(judged_run, "facets"), facts)[-2:] == ["stem_bn", "block0_dw_bn"]
