"""Renderers on a network whose channels are a picture's red, its blue, and nothing: scores are known."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from fvcli.app.plan_spec import plan_of_spec
from fvcli.media.movie_writer import encode_movie
from fvcli.models import load
from fvcli.run import RunFolder
from fvcli.worker import dream_renderer
from fvcli.worker.ascent_renderer import Outcome
from fvcli.worker.assets import Assets
from fvcli.worker.device import Device
from fvcli.worker.renderers import Renderer, renderer_of

CPU = Device("cpu", False, 1, whole_batches=False)
SIDE = 16
RED, BLUE, NOTHING = 0, 1, 2


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    image = keras.Input((None, None, 3))
    conv = keras.layers.Conv2D(3, 1, name="conv", use_bias=False)
    net = keras.Model(image, conv(image))
    weights = np.zeros((1, 1, 3, 3), np.float32)
    weights[0, 0, 0, RED] = weights[0, 0, 2, BLUE] = 1.0
    conv.set_weights([weights])
    path = tmp_path_factory.mktemp("net") / "net.keras"
    net.save(path)
    return path


@pytest.fixture
def renderer(network: Path, tmp_path: Path) -> Iterator[Callable[..., tuple[Renderer, RunFolder]]]:
    """Compile the program of a job."""
    with ExitStack() as stack:
        numbers = count()

        def make(job: dict[str, Any]) -> tuple[Renderer, RunFolder]:
            model = {"path": str(network), "size_px": 64, "value_range": [0, 1]}
            how = {"size_px": SIDE, "steps": 20, "early_stop": 0, "transforms": []}
            if "recipe" in job:
                del how["transforms"], how["early_stop"]
            spec = tmp_path / "spec.yaml"
            spec.write_text(json.dumps({"model": model, "render": how, "jobs": [job]}))
            plan = plan_of_spec(str(spec), ()).plan
            run = stack.enter_context(RunFolder.begin(tmp_path / f"run{next(numbers)}", plan, "{}\n"))
            return renderer_of(plan.programs[0], load(plan.model), CPU, Assets(run, 3)), run

        yield make


def rendered(
    made: tuple[Renderer, RunFolder], size: int = 1, stop_at: float = 2.0
) -> tuple[list[Outcome] | None, list[float]]:
    """Return what becomes of the units of the first program, and the shares that were reported."""
    renderer, run = made
    shares: list[float] = []
    units = [unit for unit in run.plan.units if unit.program == 0]
    stopped = lambda: bool(shares) and shares[-1] >= stop_at  # noqa: E731
    return renderer.render(run.plan.programs[0], units, size, shares.append, stopped), shares


def channels(*numbers: int, **more: Any) -> dict[str, Any]:
    return {"name": "a", "layer": "conv", "channels": list(numbers), **more}


def mean(pixels: np.ndarray, channel: int) -> float:
    return float((pixels[..., 2 * channel] / 255).mean())


@pytest.fixture
def photo(tmp_path: Path) -> str:
    pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
    pixels[..., 0], pixels[..., 2] = 51, 102
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return str(tmp_path / "photo.png")


# ---- ascents


def test_an_ascent_gives_each_unit_its_own_scores_and_pictures(renderer) -> None:
    """Of three units in an ascent of four; a channel of nothing is silent."""
    outcomes, shares = rendered(renderer(channels(RED, BLUE, NOTHING, save_at=[0, 20])), size=4)
    assert outcomes is not None
    assert len(outcomes) == 3
    for outcome, channel in zip(outcomes, (RED, BLUE), strict=False):
        assert list(outcome.after_steps) == [0, 20]
        np.testing.assert_array_equal(outcome.after_steps[20], outcome.pixels)
        assert outcome.start == pytest.approx(mean(outcome.after_steps[0], channel), abs=2 / 255)
        assert outcome.saved == pytest.approx(mean(outcome.pixels, channel), abs=1e-5)
        assert outcome.end == pytest.approx(outcome.saved, abs=1 / 255)
        assert outcome.end != outcome.saved
        assert outcome.end > outcome.start + 0.05
        assert (outcome.silent, outcome.finite, outcome.steps) == (False, True, 20)
    nothing = outcomes[2]
    assert (nothing.start, nothing.end, nothing.silent, nothing.finite) == (0.0, 0.0, True, True)
    assert shares == pytest.approx([0.8, 1.0])


def test_an_ascent_that_is_stopped_leaves_nothing(renderer) -> None:
    outcomes, shares = rendered(renderer(channels(RED)), stop_at=0.5)
    assert outcomes is None
    assert shares == pytest.approx([0.8])


def test_frames_and_single_pictures_do_not_disturb_an_ascent(renderer) -> None:
    made = renderer(channels(BLUE, animation={"format": "webp", "every": 7}, save_at=[3]))
    outcomes, shares = rendered(made)
    assert outcomes is not None
    (outcome,) = outcomes
    assert shares == pytest.approx([0.15, 0.35, 0.7, 0.8, 1.0])
    assert len(outcome.frames) == 4  # after 0, 7, 14 and 20 steps
    assert list(outcome.after_steps) == [3]
    (plain,) = rendered(renderer(channels(BLUE)))[0] or ()
    np.testing.assert_array_equal(plain.pixels, outcome.pixels)
    assert (plain.start, plain.end, plain.saved) == (outcome.start, outcome.end, outcome.saved)


def test_an_ascent_begins_with_its_picture(renderer, photo: str) -> None:
    job = channels(RED, start="picture", pictures=photo, parameterization="pixel")
    (outcome,) = rendered(renderer(job))[0] or ()
    assert outcome.start == pytest.approx(51 / 255, abs=0.01)


def test_minimising_has_scores_of_the_other_sign(renderer) -> None:
    (outcome,) = rendered(renderer(channels(RED, sign="negative")))[0] or ()
    assert -0.8 < outcome.start < outcome.end <= 0.0
    assert outcome.saved == pytest.approx(-mean(outcome.pixels, RED), abs=1e-5)


# ---- steepest directions


def test_the_steepest_direction_of_red_is_red(renderer, photo: str) -> None:
    """Only red rises, by the root of 3 where a step is 1/255 over three colours."""
    made = renderer(channels(RED, BLUE, NOTHING, steepest="l2", pictures=photo))
    outcomes, shares = rendered(made, size=4)
    assert outcomes is not None
    assert shares == [1.0]
    assert len(outcomes) == 3
    for outcome, channel, start in zip(outcomes, (RED, BLUE), (51 / 255, 102 / 255), strict=False):
        assert outcome.start == pytest.approx(start, abs=1e-6)
        assert outcome.end - outcome.start == pytest.approx(np.sqrt(3) / 255, abs=1e-6)
        assert outcome.saved == pytest.approx(1.0)
        others = [0, 2] if channel == BLUE else [2, 0]
        assert [int(outcome.pixels[0, 0, c]) for c in others] == [128, 255]
        assert (outcome.silent, outcome.finite, outcome.steps) == (False, True, 1)
    nothing = outcomes[2]
    assert (nothing.start, nothing.end, nothing.silent, nothing.finite) == (0.0, 0.0, True, True)


# ---- dreams


class FakeDream:
    """Adds a tenth to every picture; keeps what it was asked."""

    calls: list[SimpleNamespace]

    def __init__(self, _network: Any, _objective: Any, tile_px: int) -> None:
        self.tile_px = tile_px
        self.calls = []

    def run(self, image, arrays, plan, stream, heed, stopped, keep_detail):
        self.calls.append(SimpleNamespace(image=image, plan=plan, drawn=stream.random(), keep=keep_detail))
        return None if stopped() else image + np.float32(0.1)


def dreams_of_film(renderer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **octaves: Any) -> Any:
    frames = [np.full((SIDE, SIDE, 3), value, np.uint8) for value in (51, 102, 153)]
    (tmp_path / "film.gif").write_bytes(encode_movie(frames, "gif", 10))
    monkeypatch.setattr(dream_renderer, "Dream", FakeDream)
    job = {"name": "d", "layer": "conv", "channels": [RED], "recipe": "deepdream", "steps": 3}
    return renderer(
        job | {"pictures": str(tmp_path / "film.gif"), "octaves": {"count": 1, "tile_px": 64, **octaves}}
    )


def test_a_frame_of_a_film_begins_with_a_share_of_the_dream_before(
    renderer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frames 0.2, 0.4 and 0.6: dreams of 0.2, of a quarter of 0.3 and three of 0.4, and so on."""
    made = dreams_of_film(renderer, tmp_path, monkeypatch, warm_start=0.25, keep_detail=False)
    outcomes, shares = rendered(made)
    (outcome,) = outcomes or ()
    begun = [float(call.image.mean()) for call in made[0]._dream.calls]
    assert begun == pytest.approx([0.2, 0.375, 0.56875], abs=0.005)
    assert [float(frame.mean()) / 255 for frame in outcome.frames] == pytest.approx(
        [0.3, 0.475, 0.66875], abs=0.005
    )
    assert len({call.drawn for call in made[0]._dream.calls}) == 1
    assert {call.keep for call in made[0]._dream.calls} == {False}
    assert (outcome.steps, outcome.fps, outcome.finite) == (9, pytest.approx(10.0), True)
    assert shares == pytest.approx([1 / 3, 2 / 3, 1.0])
    np.testing.assert_array_equal(outcome.pixels, outcome.frames[-1])
    assert (outcome.start, outcome.end) == pytest.approx((0.2, 0.66875), abs=0.005)


def test_a_film_that_is_stopped_leaves_nothing(
    renderer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = dreams_of_film(renderer, tmp_path, monkeypatch)
    outcomes, shares = rendered(made, stop_at=0.3)
    assert outcomes is None
    assert shares == pytest.approx([1 / 3])


def test_dreams_are_made_one_after_the_other(renderer, photo: str) -> None:
    job = channels(RED, NOTHING, recipe="deepdream", steps=2, pictures=photo, save_at=[0, 1, 2])
    outcomes, shares = rendered(renderer(job | {"octaves": {"count": 1, "tile_px": 64, "bands": 1}}), size=2)
    assert outcomes is not None
    red, nothing = outcomes
    assert shares[-1] == pytest.approx(1.0)
    assert shares == sorted(shares)
    assert 0.5 in shares
    assert red.start == pytest.approx(51 / 255, abs=1e-5)
    assert red.end > red.start
    assert red.saved == pytest.approx(mean(red.pixels, RED), abs=1e-5)
    assert (red.silent, red.steps, red.fps, len(red.frames)) == (False, 2, None, 0)
    assert (nothing.silent, nothing.start, nothing.end) == (True, 0.0, 0.0)
    assert list(red.after_steps) == [0, 1, 2]
    assert int(red.after_steps[0][0, 0, 0]) == 51
    assert red.after_steps[0].mean() < red.after_steps[1].mean() < red.after_steps[2].mean()
    np.testing.assert_array_equal(red.after_steps[2], red.pixels)


# ---- generators


@pytest.mark.parametrize(("value_range", "expected"), [([-1.0, 1.0], 0.75), ([0.0, 2.0], 0.25)])
def test_pictures_of_a_generator_are_brought_from_its_range_to_that_of_pictures(
    renderer, tmp_path: Path, value_range: list[float], expected: float
) -> None:
    """It makes 0.5 of every code."""
    code = keras.Input((4,))
    layer = keras.layers.Dense(
        SIDE * SIDE * 3, kernel_initializer="zeros", bias_initializer=keras.initializers.Constant(0.5)
    )
    keras.Model(code, keras.layers.Reshape((SIDE, SIDE, 3))(layer(code))).save(tmp_path / "generator.keras")
    kind = {"kind": "generator", "path": str(tmp_path / "generator.keras"), "value_range": value_range}
    (outcome,) = rendered(renderer(channels(RED, parameterization=kind, steps=1)))[0] or ()
    assert outcome.pixels.mean() / 255 == pytest.approx(expected, abs=0.005)
    assert outcome.end == pytest.approx(expected, abs=1e-4)
