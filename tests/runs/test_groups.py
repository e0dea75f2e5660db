"""Pictures that are optimised together: views, keys, films, early ends, what is rendered alone again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from fvcli.media import read_frames, read_picture
from fvcli.optvis.parameterizations import pixel, shared, with_shared
from fvcli.optvis.streams import stream
from fvcli.run import RunFolder
from fvcli.spec.recipes import resolved
from fvcli.spec.schema import Render
from fvcli.spec.settings import Settings
from fvcli.worker.film_frames import Film
from tests.helpers.running import fvcli, write_spec

HEAD = """
model: efficientnet-lite0
render: {size_px: [48, 64], steps: 6, redirect_steps: 0, early_stop: 0, seed: 0, memory_gb: 2}
jobs:
"""
LINE = """objective: {kind: interpolate, count: 3, from: {kind: channel, layer: stem_bn, channel: 3},
                to: {kind: channel, layer: stem_bn, channel: 5}}"""


def rendered(folder: Path, jobs: str, *more: str) -> Path:
    result = fvcli("render", write_spec(folder, HEAD + jobs), "-o", folder / "run", *more)
    assert result.exit_code == 0, result.stderr
    return folder / "run"


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
    animation: {{format: webp, of: numbers, frames: 8}}
    {LINE}
"""
    run = rendered(tmp_path, jobs)
    frames = list(read_frames(run / "units/a/interpolate-00.webp"))
    saved = pixels(run)
    assert np.abs(saved["interpolate-00"].astype(int) - saved["interpolate-02"]).max() > 20
    for frame, name in ((0, "interpolate-00"), (2, "interpolate-01"), (4, "interpolate-02")):
        assert np.abs(frames[frame].astype(int) - saved[name]).max() <= 1


def test_settled_numbers_show_the_same_at_every_place() -> None:
    whole = with_shared(pixel(16, 20, std=0.5), shared(16, 20, members=3, sides=(8,), ends=(4, 8), std=0.5))
    numbers = tuple(map(tf.constant, whole.initial([stream(0, i) for i in range(3)])))
    expected = whole.to_image(numbers).numpy()
    for i in range(3):
        settled = whole.settled(tuple(part[i : i + 1] for part in numbers), i / 2)
        everywhere = whole.to_image(tuple(tf.repeat(part, 3, axis=0) for part in settled)).numpy()
        np.testing.assert_allclose(everywhere, np.repeat(expected[i : i + 1], 3, axis=0), atol=1e-6)


def settings_of(**render: object) -> Settings:
    return resolved("lucid", Render.model_validate(render), (64, 64)).settings()


def test_films_end_when_their_picture_does() -> None:
    film = Film(settings_of(save_at=[0, 4], animation={"every": 2}), 6)
    for step in (0, 2, 4):
        film.keep(step, np.full((2, 1, 1, 3), step / 255))
    film.finish(np.full((2, 1, 1, 3), 9 / 255), np.full((2, 1, 1, 3), 9, np.uint8))
    shown = [[int(frame[0, 0, 0]) for frame in frames] for frames in film.frames([3, 5])]
    assert shown == [[0, 2, 9], [0, 2, 4, 9]]
    at_frames = [[int(frame[0, 0, 0]) for frame in frames] for frames in film.frames([4, 6])]
    assert at_frames == [[0, 2, 9], [0, 2, 4, 9]]  # the end takes the place of a frame of that step
    assert [int(picture[0, 0, 0]) for picture in film.saved_of(0).values()] == [0, 4]


@pytest.mark.parametrize(
    "job",
    [
        "{name: a, layer: stem_bn, channels: [3], recipe: maco, views: 1, attention: false, transforms: []}",
        "{name: a, layer: stem_bn, channels: [3], recipe: yosinski-1, regularizers: []}",
        "{name: a, layer: stem_bn, channels: [3], recipe: frequency-penalized, penalties: []}",
        "{name: a, layer: stem_bn, objective: caricature, pictures: photos}",
    ],
)
def test_a_picture_renders_itself_again_from_anywhere(
    job: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = tmp_path / "given"
    (given / "photos").mkdir(parents=True)
    for suffix, value in (("png", 40), ("bmp", 200)):  # two pictures with one name
        picture = np.full((48, 64, 3), value, np.uint8)
        tf.keras.utils.save_img(given / "photos" / f"grey.{suffix}", picture, scale=False)
    run = rendered(given, f"  - {job}\n")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    last = sorted((run / "units").rglob("*.png"))[-1]
    again = fvcli("render", "--from", last, "-o", "again")
    assert again.exit_code == 0, again.stderr
    found = [json.loads(path.read_text()) for path in Path("again/units").rglob("*.json")]
    kept = json.loads(last.with_suffix(".json").read_text())
    assert [(one["key"], one["pixel_sha256"]) for one in found] == [(kept["key"], kept["pixel_sha256"])]


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


def test_a_dream_larger_than_a_tile_is_scored_tile_by_tile(tmp_path: Path) -> None:
    photo = Path(__file__).parents[2] / "configs" / "photos" / "coffee.jpg"
    jobs = f"""
  - {{name: a, layer: stem_bn, objective: layer, recipe: deepdream, pictures: {photo},
     octaves: {{count: 1, tile_px: TILE}}}}
"""
    scores = []
    for tile in (64, 256):
        folder = tmp_path / str(tile)
        folder.mkdir()
        run = rendered(folder, jobs.replace("TILE", str(tile)), "--set", "render.size_px=[128, 192]")
        scores.append(json.loads((run / "units/a/coffee-layer.json").read_text())["score"])
    assert scores[0]["saved"] > scores[0]["start"]
    assert scores[0]["start"] == pytest.approx(scores[1]["start"], rel=0.2)
    assert scores[0]["start"] != scores[1]["start"]
