"""The strongest photos of units, and what is matched with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from fvcli.errors import UsageError
from fvcli.media import read_picture
from fvcli.run import RunFolder
from fvcli.worker.ascent_renderer import AscentRenderer
from fvcli.worker.builders import names_of_target
from fvcli.worker.reference_photos import ReferencePhotos, best_of
from tests.helpers.picture_files import save
from tests.helpers.red_and_blue import HEIGHT, WIDTH, Made, outcomes_of

RED, BLUE = 0, 1
COLOURS = [(10, 200), (250, 40), (120, 130), (90, 220), (200, 90)]  # red and blue of each photo
SAID: list[float] = []


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Five photos, each half black and half of one colour."""
    folder = tmp_path / "photos"
    for i, (red, blue) in enumerate(COLOURS):
        pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        pixels[:, : WIDTH // 2] = red, 0, blue
        save(folder / f"{i}.png", pixels)
    return folder


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of two layers: the colours, halved; and red, blue and twice red less blue of these."""
    image = keras.Input((None, None, 3))
    half = keras.layers.Conv2D(3, 1, name="half", use_bias=False)
    units = keras.layers.Conv2D(3, 1, name="units", use_bias=False)
    made = keras.Model(image, units(half(image)))
    half.set_weights([np.eye(3, dtype=np.float32).reshape(1, 1, 3, 3) / 2])
    kernel = np.array([[1, 0, 2], [0, 0, 0], [0, 1, -1]], np.float32)
    units.set_weights([kernel.reshape(1, 1, 3, 3)])
    path = tmp_path_factory.mktemp("net") / "net.keras"
    made.save(path)
    return path


def job(folder: Path, **more: Any) -> dict[str, Any]:
    references = {"photos": str(folder), "count": 2, "focus": 1.0}
    return {"name": "a", "layer": "units", "channels": [0, 1, 2], "references": references, **more}


def references_of(made: Made) -> tuple[ReferencePhotos, RunFolder]:
    renderer, run = made
    assert isinstance(renderer, AscentRenderer)
    return renderer._references, run


def chosen(made: Made, position: int) -> list[str]:
    """Return the names of the photos that a unit is matched with."""
    references, run = references_of(made)
    asked = run.plan.programs[0].settings.references
    assert asked is not None
    found = references._chosen(asked, run.plan.units[position], SAID.append, lambda: False)
    assert found is not None
    return [path.stem for path in found]


def test_a_channels_references_are_its_strongest_photos(renderer: Callable[..., Made], photos: Path) -> None:
    made = renderer(job(photos))
    assert [chosen(made, i) for i in range(3)] == [["1", "4"], ["3", "0"], ["1", "4"]]


def test_what_inhibits_a_unit_is_matched_with_its_weakest_photos(
    renderer: Callable[..., Made], photos: Path
) -> None:
    assert chosen(renderer(job(photos, sign="negative")), 1) == ["1", "4"]


@pytest.mark.parametrize(
    ("objective", "expected"),
    [
        ({"kind": "neuron", "channel": 1, "row": 3, "column": 15}, ["0", "1"]),  # where all are black
        ({"kind": "neuron", "channel": 1, "row": 3, "column": 4}, ["3", "0"]),
        ({"kind": "direction", "vector": [1.0, 1.0, 0.0]}, ["3", "1"]),
        (
            {"kind": "sum", "terms": [{"kind": "channel", "channel": 0}, {"kind": "channel", "channel": 1}]},
            ["3", "1"],
        ),
    ],
)
def test_references_are_the_strongest_by_the_objective_itself(
    renderer: Callable[..., Made], photos: Path, objective: dict[str, Any], expected: list[str]
) -> None:
    asked = {key: value for key, value in job(photos, objective=objective).items() if key != "channels"}
    assert chosen(renderer(asked), 0) == expected


def test_targets_are_the_activations_of_the_chosen_photos(
    renderer: Callable[..., Made], photos: Path
) -> None:
    """Red matters only where there is some; green never does."""
    references, run = references_of(renderer(job(photos)))
    found = references.targets(run.plan.programs[0], run.plan.units[:1], SAID.append, lambda: False)
    assert found is not None
    channels, activations, weights = (found[name][0] for name in names_of_target("half"))
    assert channels.tolist() == [0, 1, 2]
    assert (weights > 0).tolist() == [True, False, False]
    assert activations[0] == pytest.approx(np.full(HEIGHT * WIDTH, (250 + 200) / 2 / 2 / 255), abs=1e-6)
    channels, activations, weights = (found[name][0] for name in names_of_target("units"))
    assert (weights > 0).tolist() == [True, False, False]


def test_targets_of_a_unit_are_the_same_alone_and_among_others(
    renderer: Callable[..., Made], photos: Path
) -> None:
    references, run = references_of(renderer(job(photos)))
    others, other_run = references_of(renderer(job(photos)))
    ask = SAID.append, lambda: False
    together = references.targets(run.plan.programs[0], run.plan.units, *ask)
    alone = others.targets(other_run.plan.programs[0], other_run.plan.units[1:2], *ask)
    assert together is not None
    assert alone is not None
    assert {name: array[1].tobytes() for name, array in together.items()} == {
        name: array[0].tobytes() for name, array in alone.items()
    }


def test_the_folder_is_looked_at_once_for_all_channels(
    renderer: Callable[..., Made], photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    references, run = references_of(renderer(job(photos)))
    read: list[Path] = []
    photo = references._assets.photo
    monkeypatch.setattr(
        references._assets, "photo", lambda path, size: read.append(path) or photo(path, size)
    )
    for unit in run.plan.units:
        references.targets(run.plan.programs[0], [unit], SAID.append, lambda: False)
    assert len(read) == len(COLOURS) + 2 * len(run.plan.units)


def test_looking_at_a_folder_can_be_stopped(renderer: Callable[..., Made], photos: Path) -> None:
    made, run = renderer(job(photos))
    assert made.render(run.plan.programs[0], run.plan.units, 1, SAID.append, lambda: True) is None


def test_other_photos_than_were_planned_with_are_refused(renderer: Callable[..., Made], photos: Path) -> None:
    references, run = references_of(renderer(job(photos)))
    save(photos / "0.png", np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    with pytest.raises(UsageError, match="SHA-256"):
        references.targets(run.plan.programs[0], run.plan.units, SAID.append, lambda: False)


def test_a_picture_becomes_like_the_photos_of_its_unit(renderer: Callable[..., Made], photos: Path) -> None:
    """As red as the red parts of the reddest photos; nothing asks for anything of the other colours."""
    plain = {"kind": "pixel", "decorrelate": False, "squash": "clip", "std": 1e-6}
    rate = {"kind": "adam", "learning_rate": 0.05, "anneal_from": 0.5}
    made = renderer(job(photos, channels=[RED], parameterization=plain, optimizer=rate, steps=100))
    (outcome,) = outcomes_of(made)
    red, green, blue = (outcome.pixels[..., i].mean() / 255 for i in range(3))
    assert red == pytest.approx((250 + 200) / 2 / 255, abs=0.02)
    assert (green, blue) == pytest.approx((0.5, 0.5), abs=0.02)
    assert outcome.saved == pytest.approx(red / 2, abs=1e-4)
    assert outcome.curve[0] < outcome.curve[-1] <= 0
    assert outcome.curve[-1] == pytest.approx(0, abs=1e-2)


def test_one_trace_serves_all_units(renderer: Callable[..., Made], photos: Path) -> None:
    made, run = renderer(job(photos))
    assert isinstance(made, AscentRenderer)
    for unit in run.plan.units:
        made.render(run.plan.programs[0], [unit], 1, SAID.append, lambda: False)
    assert made._ascent.traces == 1


def test_the_best_are_kept_in_order_and_of_equal_ones_the_first() -> None:
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 6, (40, 3)).astype(np.float32)
    scores[7, 1] = np.nan
    best = np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int64)
    for begin in range(0, 40, 9):
        some = scores[begin : begin + 9]
        best = best_of(best, some, range(begin, begin + len(some)), 5)
    expected = np.argsort(-np.where(np.isnan(scores), -np.inf, scores), axis=0, kind="stable")[:5]
    np.testing.assert_array_equal(best[1], expected)
    assert 7 not in best[1][:, 1]


def test_the_photos_are_seen_at_the_size_of_the_picture(renderer: Callable[..., Made], photos: Path) -> None:
    references, _ = references_of(renderer(job(photos)))
    seen = references._read(photos / "0.png")
    assert seen.shape == (1, HEIGHT, WIDTH, 3)
    np.testing.assert_allclose(seen[0], read_picture(photos / "0.png") / 255, atol=1e-6)
    assert isinstance(seen, tf.Tensor)
