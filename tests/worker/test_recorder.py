"""What an outcome becomes on disk: a picture, what stands beside it and a sidecar, or only the reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from fvcli.media import movie_facts, pixel_sha256, read_frames, read_picture
from fvcli.models import ModelFacts
from fvcli.run import RunFolder, Sidecar
from fvcli.run.look import look_at
from fvcli.worker.ascent_renderer import Outcome
from fvcli.worker.best_photos import BestPhoto
from fvcli.worker.concurrency import Cost
from fvcli.worker.diversity_weight import FoundWeight
from fvcli.worker.recorder import Origin, Recorder, shown
from tests.helpers.running import fvcli, write_spec

SPEC = """\
model: {path: FOLDER/net.keras, value_range: [-1, 1]}
render: {size_px: 16, steps: 4, batch_size: 3, transforms: [], early_stop: 0, save_at: [4]}
jobs: [{name: a, layer: norm, channels: 0-2}]
"""


@pytest.fixture
def not_a_number(tmp_path: Path) -> Path:
    """A folder with a network whose middle channel is NaN for every picture, but has a finite gradient."""
    image = keras.Input((16, 16, 3))
    norm = keras.layers.BatchNormalization(name="norm")
    made = keras.Model(image, norm(keras.layers.Conv2D(3, 3, name="conv")(image)))
    gamma, beta, _, variance = norm.get_weights()
    norm.set_weights([gamma, beta, np.float32([0.0, np.nan, 0.0]), variance])
    made.save(tmp_path / "net.keras")
    return tmp_path


def test_a_finite_picture_with_a_score_that_is_none_has_failed(not_a_number: Path) -> None:
    run = not_a_number / "run"
    spec = write_spec(not_a_number, SPEC.replace("FOLDER", str(not_a_number)))
    result = fvcli("render", spec, "-o", run)
    assert result.exit_code == 1, result.output
    assert "a/channel-0001 failed: " in result.stderr
    known = {path.stem: json.loads(path.read_text()) for path in sorted(run.glob("units/a/*.json"))}
    assert [sidecar["status"] for sidecar in known.values()] == ["done", "failed", "done"]
    assert "the first picture is already NaN or infinite" in known["channel-0001"]["error"]
    assert known["channel-0001"]["score"] is None
    names = sorted(path.name for path in run.glob("units/a/channel-*.png") if ".step" not in path.name)
    assert names == ["channel-0000.png", "channel-0002.png"]
    for name in names:
        assert read_picture(run / "units/a" / name).std() > 0


# ---- outcomes as a renderer would hand them over

Begin = Callable[..., RunFolder]
ORIGIN = Origin(batch=3, planned_size=8, size=2, number=4)
COST = Cost(1.23456, 7.65432)
PIXELS = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
SCORES = {"start": 1.0, "end": 3.0, "saved": 2.0}
JOB = {"name": "a", "layer": "stem_bn", "channels": 5}
GIF = {"format": "gif", "fps": 5.0}


def commit(run: RunFolder, facts: ModelFacts, **outcome: Any) -> Sidecar:
    """Record an outcome of the run's first unit; return its sidecar."""
    made = {"pixels": PIXELS, **SCORES, "silent": False, "finite": True, "steps": 20} | outcome
    unit = run.plan.units[0]
    record = Recorder(run, facts, "abacus", "0a1b").commit(unit, Outcome(**made), ORIGIN, COST)
    sidecar = run.sidecar(unit)
    assert sidecar is not None
    assert sidecar.status == record.status
    return sidecar


def test_a_sidecar_says_what_was_asked_for_and_what_came_of_it(begin: Begin, facts: ModelFacts) -> None:
    run = begin(JOB | {"sign": "negative", "steps": 24, "seed": 9, "recipe": "lucid"})
    sidecar = commit(run, facts, start=-3.0, end=-1.0, saved=-2.0, curve=[0.5, np.float32(0.1)])
    (unit,) = run.plan.units
    png = run.png(unit)
    assert asdict(sidecar) == {
        "key": unit.key,
        "job": "a",
        "model": "efficientnet-lite0",
        "layer": "stem_bn",
        "objective": "channel",
        "unit": {"channel": 5},
        "label": unit.label,
        "sign": -1,
        "recipe": "lucid",
        "seed": 9,
        "steps": 20,
        "planned_steps": 24,
        "canvas": None,
        "score": {"start": 3.0, "end": 1.0, "saved": 2.0},
        "pixel_sha256": pixel_sha256(PIXELS),
        "png_bytes": png.stat().st_size,
        "weights_sha256": facts.weights_sha256,
        "seconds": 1.235,
        "cpu_seconds": 7.654,
        "batch": {"number": 3, "size": 2, "planned_size": 8},
        "attempt": 4,
        "device": "abacus",
        "status": "done",
        "error": None,
        "extras": [],
        "fingerprint": "0a1b",
        "trace": [-0.5, -0.1],
        "remarks": [],
        "diversity": None,
        "schema_version": sidecar.schema_version,
    }
    np.testing.assert_array_equal(read_picture(png), PIXELS)


def test_the_first_steps_are_told_until_a_score_is_no_number(begin: Begin, facts: ModelFacts) -> None:
    assert commit(begin(JOB), facts, curve=[1.0, 2.0, np.nan, 3.0]).trace == [1.0, 2.0]


@pytest.mark.parametrize("name", ["start", "end", "saved"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_score_that_is_no_number_fails_the_unit_whatever_its_renderer_says(
    name: str, value: float, begin: Begin, facts: ModelFacts
) -> None:
    run = begin(JOB)
    sidecar = commit(run, facts, **{name: value})
    assert (sidecar.status, sidecar.score) == ("failed", None)
    assert not run.png(run.plan.units[0]).exists()


NAN_LATER = "became NaN or infinite{}: lower optimizer.learning_rate, or weights that are very large"


@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        ({"start": np.nan}, "the score of the first picture is already NaN or infinite: check the model"),
        ({"end": np.inf, "curve": [1.0, 2.0, np.inf]}, "the score " + NAN_LATER.format(" at step 2")),
        ({"finite": False, "curve": [1.0]}, "the picture " + NAN_LATER.format("")),
    ],
)
def test_what_became_no_number_is_told_with_its_step(
    outcome: dict[str, Any], error: str, begin: Begin, facts: ModelFacts
) -> None:
    assert str(commit(begin(JOB), facts, **outcome).error).startswith(error)


TOO_FEW = "the unit does not fire after {} steps; 16 is how many are meant to wake it up"
NEVER = "the unit never fired: no gradient reached the picture"
ALREADY_SILENT = "the unit is silent from the start, so there is nothing to minimise"


@pytest.mark.parametrize(
    ("job", "steps", "error"),
    [
        ({}, 15, TOO_FEW.format(15)),
        ({}, 16, NEVER),
        ({"layer": "block1_dw"}, 15, TOO_FEW.format(15)),
        ({"layer": "block1_dw"}, 16, NEVER + "; render its pre-activation instead: block1_dw_bn"),
        ({"sign": "negative"}, 15, ALREADY_SILENT),
        ({"layer": "block1_dw", "sign": "negative"}, 16, ALREADY_SILENT),
    ],
)
def test_a_dead_unit_is_told_why(
    begin: Begin, facts: ModelFacts, job: dict[str, Any], steps: int, error: str
) -> None:
    run = begin(JOB | {"redirect_steps": 16} | job)
    sidecar = commit(run, facts, start=0.0, end=0.0, saved=0.0, silent=True, steps=steps)
    assert (sidecar.status, sidecar.error) == ("dead", error)
    assert run.png(run.plan.units[0]).exists()


@pytest.mark.parametrize(
    ("start", "end", "silent", "status"),
    [
        (0.0, 0.0, False, "dead"),
        (2.0, 2.0, False, "done"),
        (2.0, 2.0, True, "dead"),
        (2.0, 1.0, True, "done"),  # it fell silent on the way, as of a high learning rate
        (2.0, 1.0, False, "done"),
        (1.0, 2.0, True, "done"),
        (0.0, -1.0, False, "done"),
    ],
)
def test_a_unit_is_dead_if_nothing_rose_and_nothing_could(
    begin: Begin, facts: ModelFacts, start: float, end: float, silent: bool, status: str
) -> None:
    sidecar = commit(begin(JOB), facts, start=start, end=end, silent=silent)
    assert sidecar.status == status
    assert (sidecar.error is None) == (status == "done")


@pytest.mark.parametrize(
    ("end", "remarks"), [(0.5, ["score_fell", "one_colour"]), (1.0, ["score_still", "one_colour"])]
)
def test_a_picture_that_is_odd_is_remarked_on(
    end: float, remarks: list[str], begin: Begin, facts: ModelFacts
) -> None:
    grey = np.full((4, 4, 3), 128, np.uint8)
    assert commit(begin(JOB), facts, pixels=grey, end=end, saved=end).remarks == remarks


def test_what_stands_beside_a_picture_is_written_and_counted(begin: Begin, facts: ModelFacts) -> None:
    run = begin(JOB | {"animation": GIF})
    after = {0: np.zeros_like(PIXELS), 16: PIXELS[::-1]}
    frames = [np.full((4, 4, 3), 50 * i, np.uint8) for i in range(1, 5)]
    sidecar = commit(run, facts, after_steps=after, frames=frames)
    (unit,) = run.plan.units
    assert sidecar.extra_names == ["step-0000.png", "step-0016.png", "gif"]
    assert [x["bytes"] for x in sidecar.extras] == [
        run.extra(unit, name).stat().st_size for name in sidecar.extra_names
    ]
    for step, pixels in after.items():
        found = read_picture(run.extra(unit, f"step-{step:04d}.png"))
        np.testing.assert_array_equal(found, pixels)
    film = run.extra(unit, "gif")
    assert [int(frame[0, 0, 0]) for frame in read_frames(film)] == [50, 100, 150, 200]
    assert movie_facts(film).fps == pytest.approx(5.0)


def test_a_dream_of_a_film_is_as_fast_as_the_film(begin: Begin, facts: ModelFacts) -> None:
    """Whatever the animation says of films of ascents; without one it is an mp4."""
    frames = [np.full((16, 16, 3), 50 * i, np.uint8) for i in range(1, 5)]
    run = begin(JOB | {"animation": GIF})
    commit(run, facts, frames=frames, fps=10.0)
    assert movie_facts(run.extra(run.plan.units[0], "gif")).fps == pytest.approx(10.0)


@pytest.mark.parametrize(("fps", "found"), [(10.0, 10.0), (None, 25.0)])
def test_a_film_that_nothing_was_said_of_is_an_mp4(
    begin: Begin, facts: ModelFacts, fps: float | None, found: float
) -> None:
    run = begin(JOB)
    frames = np.stack([np.full((16, 16, 3), 50 * i, np.uint8) for i in range(1, 5)])
    assert commit(run, facts, frames=frames, fps=fps).extra_names == ["mp4"]
    assert movie_facts(run.extra(run.plan.units[0], "mp4")).fps == pytest.approx(found)


def test_a_film_that_cannot_be_written_is_a_failure(begin: Begin, facts: ModelFacts) -> None:
    run = begin(JOB | {"animation": GIF})
    sidecar = commit(run, facts, frames=[PIXELS, PIXELS[:2]])
    assert sidecar.status == "failed"
    assert sidecar.error == "a frame is (2, 4, 3) in size, the first one (4, 4, 3)"
    assert not list(run.units.rglob("*.png"))


def test_a_failure_says_why_and_takes_nothing_away(begin: Begin, facts: ModelFacts) -> None:
    run = begin(JOB)
    (unit,) = run.plan.units
    recorder = Recorder(run, facts, "abacus", "0a1b")
    assert recorder.fail(unit, ORIGIN, "it broke").status == "failed"
    failed = run.sidecar(unit)
    assert failed is not None
    assert (failed.status, failed.error, failed.steps) == ("failed", "it broke", 0)
    assert (failed.score, failed.pixel_sha256, failed.png_bytes) == (None, None, None)
    assert (failed.seconds, failed.cpu_seconds) == (0.0, 0.0)
    assert failed.batch == {"number": 3, "size": 2, "planned_size": 8}
    done = commit(run, facts)
    assert recorder.fail(unit, ORIGIN, "it broke later").status == "done"
    assert run.sidecar(unit) == done


def test_films_have_three_colours() -> None:
    grey, coloured = np.full((2, 2, 1), 7, np.uint8), np.arange(16, dtype=np.uint8).reshape(2, 2, 4)
    of_grey, of_coloured = shown([grey, coloured])
    np.testing.assert_array_equal(of_grey, np.full((2, 2, 3), 7))
    np.testing.assert_array_equal(of_coloured, coloured[..., :3])


def test_opacity_is_saved_as_such(begin: Begin, facts: ModelFacts) -> None:
    run = begin(JOB)
    commit(run, facts, pixels=np.full((4, 4, 4), 128, np.uint8), transparent=True)
    with Image.open(run.png(run.plan.units[0])) as picture:
        assert (picture.mode, picture.getpixel((0, 0))) == ("RGBA", (128, 128, 128, 128))


# ---- what output asks for


def test_copies_curve_and_array_stand_beside_the_picture(begin: Begin, facts: ModelFacts) -> None:
    run = begin(JOB | {"save_at": [2]}, output={"also": ["jpeg", "webp"], "curve": True, "array": True})
    exact = PIXELS.astype(np.float32) / 255 + 0.001
    curve = [0.5 * i for i in range(20)]
    sidecar = commit(run, facts, exact=exact, curve=curve, after_steps={2: PIXELS[::-1]})
    unit = run.plan.units[0]
    copies = ["jpg", "webp", "step-0002.jpg", "step-0002.webp"]
    assert sidecar.extra_names == ["step-0002.png", "curve.json", "npy", *copies]
    assert {extra["name"] for extra in sidecar.extras if extra.get("quality") == 90} == {*copies}
    assert json.loads(run.extra(unit, "curve.json").read_text()) == {"scores": curve}
    assert sidecar.trace == curve[:16]
    array = np.load(run.extra(unit, "npy"))
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, exact)
    with Image.open(run.extra(unit, "jpg")) as copy, Image.open(run.extra(unit, "step-0002.jpg")) as begun:
        assert np.abs(np.asarray(copy).astype(int) - PIXELS).mean() < 8
        assert np.abs(np.asarray(begun).astype(int) - PIXELS[::-1]).mean() < 8
    assert run.is_finished(unit)
    assert [look_at(run).state(place) for place in run.plan.places()] == ["done"]


def test_a_curve_has_the_sign_of_the_objective(begin: Begin, facts: ModelFacts) -> None:
    run = begin(JOB | {"sign": "negative"}, output={"curve": True})
    commit(run, facts, curve=[-1.0, -2.0])
    assert json.loads(run.extra(run.plan.units[0], "curve.json").read_text()) == {"scores": [1.0, 2.0]}


@pytest.mark.parametrize(("photo_score", "beats"), [(-2.5, True), (-2.0, False), (-1.5, False)])
def test_a_weight_that_was_found_is_told_with_scores_without_sign(
    begin: Begin, facts: ModelFacts, photo_score: float, beats: bool
) -> None:
    """Of what is minimised, where 2.0 is better than 2.5; a score that is no number is not told."""
    run = begin(JOB | {"sign": "negative"})
    found = FoundWeight(1 / 3, BestPhoto(photo_score, "a.jpg"), [(10.0, float("nan")), (1 / 3, -1.25)])
    scores = {name: -score for name, score in SCORES.items()}
    sidecar = commit(run, facts, **scores | {"start": -5.0}, diversity=found)
    assert sidecar.diversity == {
        "weight": 0.33333333,
        "photo": "a.jpg",
        "photo_score": -photo_score,
        "beats_photo": beats,
        "trials": [
            {"weight": 10.0, "lowest_score": None},
            {"weight": 0.33333333, "lowest_score": 1.25},
        ],
    }
    assert ("weaker_than_photos" in sidecar.remarks) == (not beats)
