"""Steps, films, opacity, pictures to begin with, dreams, generators and figures, in one run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import imageio.v3 as iio
import keras
import numpy as np
import pytest
from PIL import Image

from fvcli.atlas.cells import source_cell
from fvcli.media import movie_facts, read_frames, read_picture
from fvcli.media.movie_writer import encode_movie
from fvcli.run import RunFolder
from tests.helpers.running import fvcli, rendered, write_spec
from tests.helpers.tensorflow_setup import default_network

PHOTO = Path(__file__).parents[2] / "configs" / "photos" / "coffee.jpg"
LAYER, CHANNEL = "stem_bn", 3
SPEC = """\
model: efficientnet-lite0
render: {size_px: [48, 64], steps: 24, redirect_steps: 0, early_stop: 0, transforms: [{kind: jitter, px: 4}]}
jobs:
  - {name: plain, layer: stem_bn, channels: 3}
  - {name: strip, layer: stem_bn, channels: 3, save_at: [0, 5, 16, 24]}
  - {name: film, layer: stem_bn, channels: 3, animation: {format: webp, every: 8}}
  - {name: alpha, layer: stem_bn, channels: 3, parameterization: {kind: fourier, alpha: true},
     penalties: [alpha]}
  - {name: attention, layer: stem_bn, channels: 3, attention: true}
  - {name: large, layer: stem_bn, channels: 3, parameterization: {kind: cppn, layers: 3},
     save_px: [96, 128]}
  - {name: accent, layer: stem_bn, channels: 3, start: picture, pictures: PHOTO}
  - {name: steepest, layer: stem_bn, channels: 3, steepest: full, pictures: PHOTO}
  - {name: dream, layer: stem_bn, objective: layer, recipe: deepdream, steps: 3, pictures: PHOTO,
     octaves: {count: 2, tile_px: 64}, save_at: [0, 3]}
  - {name: dreamt-film, layer: stem_bn, objective: layer, recipe: deepdream, steps: 2, pictures: film.gif,
     octaves: {count: 1, tile_px: 64}}
  - name: both
    layer: stem_bn
    objective: layer
    pictures: PHOTO
    steps: 2
    octaves: {count: 1, tile_px: 64}
    variants: [{name: x, recipe: deepdream}, {name: y, recipe: deepdraw, save_at: [0]}]
  - name: drawn
    layer: stem_bn
    objective: layer
    recipe: deepdraw
    octaves:
      tile_px: 64
      keep_detail: false
      each: [{scale: 0.9, steps: 2, blurs_px: [1, 0.5]}, {scale: 1, steps: 2}]
  - name: morph
    objective: {kind: interpolate, count: 2, from: {kind: channel, layer: stem_bn, channel: 3},
                to: {kind: channel, layer: stem_bn, channel: 5}}
    parameterization: {kind: cppn, layers: 2}
    save_at: [0]
    save_px: [96, 128]
    animation: {format: gif, of: interpolation, frames: 6}
  - {name: made, layer: stem_bn, channels: 3, parameterization: {kind: generator, path: generator.keras}}
  - {name: photo-like, layer: stem_bn, channels: 3, parameterization: {kind: maco, spectrum: photos},
     views: 2}
output:
  figure:
    title: Extras
    rows:
      - {title: Steps, units: strip, show: steps}
      - {title: Photo, units: accent, show: source}
      - {title: Film, units: dreamt-film, show: source}
      - {units: [alpha, attention, made]}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rendered spec, and the files that it names."""
    folder = tmp_path_factory.mktemp("extras")
    (folder / "photos").mkdir()
    for photo in sorted(PHOTO.parent.glob("*.jpg")):
        shutil.copy(photo, folder / "photos")
    frames = [np.full((48, 64, 3), 40 * i, np.uint8) for i in range(1, 4)]
    (folder / "film.gif").write_bytes(encode_movie(frames, "gif", 10))
    generator = keras.Sequential(
        [
            keras.layers.Input((8,)),
            keras.layers.Dense(6 * 8 * 4, activation="relu"),
            keras.layers.Reshape((6, 8, 4)),
            keras.layers.Conv2DTranspose(3, 4, strides=4, padding="same", activation="sigmoid"),
        ]
    )
    generator.save(folder / "generator.keras")
    text = SPEC.replace("PHOTO", str(PHOTO))
    result = fvcli("render", write_spec(folder, text), "-o", folder / "run")
    assert result.exit_code == 0, result.stderr
    return folder


def sidecar(folder: Path, unit: str) -> dict:
    return json.loads((folder / "run/units" / f"{unit}.json").read_text())


def pixels(folder: Path, unit: str) -> np.ndarray:
    return read_picture(folder / "run/units" / f"{unit}.png")


def score(picture: np.ndarray, channel: int = CHANNEL) -> float:
    """Return the mean of a channel on a picture in [0, 1]."""
    acts = default_network().activations(picture[None].astype(np.float32), LAYER)
    return float(acts[..., channel].mean())


# ---- steps and films


def test_steps_are_saved_and_change_nothing(folder: Path) -> None:
    plain, strip = sidecar(folder, "plain/channel-0003"), sidecar(folder, "strip/channel-0003")
    assert plain["pixel_sha256"] == strip["pixel_sha256"]
    names = [f"step-{step:04d}.png" for step in (0, 5, 16, 24)]
    assert [extra["name"] for extra in strip["extras"]] == names
    steps = [pixels(folder, f"strip/channel-0003.{name[:-4]}") for name in names]
    scores = [score(picture / 255) for picture in steps]
    assert scores == sorted(scores)
    np.testing.assert_array_equal(steps[-1], pixels(folder, "strip/channel-0003"))


def test_a_film_of_the_ascent(folder: Path) -> None:
    assert (
        sidecar(folder, "film/channel-0003")["pixel_sha256"]
        == (sidecar(folder, "plain/channel-0003")["pixel_sha256"])
    )
    frames = list(read_frames(folder / "run/units/film/channel-0003.webp"))
    assert len(frames) == 4  # steps 0, 8, 16, 24
    np.testing.assert_array_equal(frames[-1], pixels(folder, "film/channel-0003"))


def test_a_unit_without_its_film_is_not_finished(folder: Path) -> None:
    film = folder / "run/units/film/channel-0003.webp"
    content = film.read_bytes()
    film.unlink()
    result = fvcli("render", folder / "spec.yaml", "-o", folder / "run")
    assert result.exit_code == 0, result.stderr
    assert film.read_bytes() == content


def test_a_film_between_the_numbers_of_two_pictures(folder: Path) -> None:
    frames = list(read_frames(folder / "run/units/morph/interpolate-00.gif"))
    ends = [pixels(folder, f"morph/interpolate-0{i}").astype(float) for i in (0, 1)]
    assert np.abs(frames[0] - ends[0]).mean() < 6  # a gif has 256 colours
    assert np.abs(frames[len(frames) // 2] - ends[1]).mean() < 6
    assert frames[0].shape == ends[0].shape == (96, 128, 3)
    names = [extra["name"] for extra in sidecar(folder, "morph/interpolate-01")["extras"]]
    assert names == ["step-0000.png"]  # the film is beside the first of them
    firsts = [pixels(folder, f"morph/interpolate-0{i}.step-0000") for i in (0, 1)]
    assert firsts[0].shape == (96, 128, 3)
    np.testing.assert_array_equal(*firsts)


# ---- opacity, sizes


@pytest.mark.parametrize("job", ["alpha", "attention"])
def test_transparent_pictures_have_an_opacity(folder: Path, job: str) -> None:
    with Image.open(folder / f"run/units/{job}/channel-0003.png") as image:
        assert image.mode == "RGBA"
    found = pixels(folder, f"{job}/channel-0003")
    assert found.shape == (48, 64, 4)
    assert found[..., 3].std() > 1


def test_score_of_a_transparent_picture_is_that_on_grey(folder: Path) -> None:
    found = pixels(folder, "alpha/channel-0003") / 255
    colours, opacity = found[..., :3], found[..., 3:]
    saved = sidecar(folder, "alpha/channel-0003")["score"]["saved"]
    assert saved == pytest.approx(score(colours * opacity + 0.5 * (1 - opacity)), rel=1e-3)


def test_attention_is_beside_the_picture_that_is_scored(folder: Path) -> None:
    found = pixels(folder, "attention/channel-0003")
    assert sidecar(folder, "attention/channel-0003")["score"]["saved"] == pytest.approx(
        score(found[..., :3] / 255), rel=1e-4
    )
    np.testing.assert_array_equal(found[..., :3], pixels(folder, "plain/channel-0003"))


def test_a_picture_without_resolution_is_saved_larger(folder: Path) -> None:
    found = pixels(folder, "large/channel-0003")
    assert found.shape == (96, 128, 3)
    small = found.reshape(48, 2, 64, 2, 3).mean(axis=(1, 3)) / 255
    assert sidecar(folder, "large/channel-0003")["score"]["saved"] == pytest.approx(score(small), rel=1e-3)


# ---- pictures to begin with


def photo(size: tuple[int, int]) -> np.ndarray:
    """Return the photo at a size of its proportions or narrower, in [0, 1]."""
    with Image.open(PHOTO) as image:
        width = image.height * size[1] // size[0]
        left = (image.width - width) / 2
        box = (left, 0, left + width, image.height)
        return np.asarray(image.resize(size[::-1], Image.Resampling.LANCZOS, box)) / 255


def test_an_ascent_from_a_photo_begins_there(folder: Path) -> None:
    found = sidecar(folder, "accent/coffee-channel-0003")
    assert found["score"]["start"] == pytest.approx(score(photo((48, 64))), abs=0.05)
    assert found["score"]["end"] > found["score"]["start"]


def test_the_steepest_direction_leads_up(folder: Path) -> None:
    found = sidecar(folder, "steepest/coffee-channel-0003")
    assert found["score"]["end"] > found["score"]["start"]
    assert found["score"]["start"] == pytest.approx(score(photo((48, 64))), abs=0.05)
    assert (found["steps"], found["trace"]) == (1, [])
    shown = pixels(folder, "steepest/coffee-channel-0003").astype(float)
    assert abs(shown.mean() - 127.5) < 20  # a direction, around mid grey


def test_a_dream_has_the_size_of_its_picture(folder: Path) -> None:
    found = sidecar(folder, "dream/coffee-layer")
    assert pixels(folder, "dream/coffee-layer").shape == (48, 64, 3)  # as the spec says
    assert found["score"]["end"] > found["score"]["start"]
    taken = (found["steps"], found["planned_steps"], found["trace"])
    assert taken == (3, 3, [])  # of one octave, because the next smaller one is too small
    begin = pixels(folder, "dream/coffee-layer.step-0000") / 255
    assert np.abs(begin - photo((48, 64))).mean() < 0.01
    spec = folder / "own-size.yaml"
    job = f"{{name: a, layer: stem_bn, objective: layer, recipe: deepdream, pictures: {PHOTO}}}"
    spec.write_text(f"model: efficientnet-lite0\njobs: [{job}]\n")
    plan = json.loads(fvcli("plan", spec, "--json").stdout)
    assert (plan["programs"][0]["height_px"], plan["programs"][0]["width_px"]) == (256, 384)


def test_a_film_is_dreamt_frame_by_frame(folder: Path) -> None:
    place = folder / "run/units/dreamt-film/film-layer.mp4"
    facts, given = movie_facts(place), movie_facts(folder / "film.gif")
    assert (facts.frames, facts.height_px, facts.width_px) == (given.frames, 48, 64)
    assert facts.fps == pytest.approx(given.fps, rel=0.01)
    frames = [frame.astype(float) for frame in read_frames(place)]
    means = [frame.mean() for frame in frames]
    assert means[0] < means[1] < means[2]  # as in the film
    assert all(frame.std() > 1 for frame in frames)  # which has plain frames
    found = sidecar(folder, "dreamt-film/film-layer")
    assert (found["steps"], found["planned_steps"]) == (2 * given.frames, 2)


def test_a_dream_may_begin_with_noise(folder: Path) -> None:
    found = sidecar(folder, "drawn/layer")
    assert found["steps"] == 2  # a smaller octave would be too small
    assert found["score"]["end"] > found["score"]["start"]


def test_a_variant_begins_with_noise_beside_one_that_begins_with_the_picture(folder: Path) -> None:
    begin = pixels(folder, "both/coffee-layer-y.step-0000") / 255
    assert begin.mean() == pytest.approx(0.5, abs=0.01)
    assert begin.std() == pytest.approx(0.05, rel=0.1)
    assert np.abs(pixels(folder, "both/coffee-layer-x") / 255 - photo((48, 64))).mean() < 0.05


# ---- what is read from files


def test_a_generator_makes_the_picture(folder: Path) -> None:
    found = sidecar(folder, "made/channel-0003")
    assert found["status"] == "done"
    assert found["score"]["end"] > found["score"]["start"]


def test_magnitudes_of_a_folder_are_kept_and_its_place_does_not_matter(folder: Path, tmp_path: Path) -> None:
    kept = list((folder / "run/sources").glob("spectrum-*.npy"))
    assert len(kept) == 1
    assert np.load(kept[0]).shape == (3, 512, 257)
    shutil.copytree(folder / "photos", tmp_path / "elsewhere")
    key = sidecar(folder, "photo-like/channel-0003")["key"]
    words = ("plan", folder / "spec.yaml", "--json", "--set")
    moved = f"jobs.photo-like.parameterization.spectrum={tmp_path / 'elsewhere'}"
    units = json.loads(fvcli(*words, moved).stdout)["units"]
    assert [unit["key"] for unit in units if unit["job"] == "photo-like"] == [key]
    next((tmp_path / "elsewhere").glob("*.jpg")).unlink()
    units = json.loads(fvcli(*words, moved).stdout)["units"]
    assert [unit["key"] for unit in units if unit["job"] == "photo-like"] != [key]


# ---- the figure


def test_the_figure_shows_its_rows(folder: Path) -> None:
    figure = iio.imread(folder / "run/figure.png")
    assert figure.ndim == 3
    assert figure.shape[1] > 4 * 96
    again = fvcli("grid", folder / "run")
    assert again.exit_code == 0
    assert str(folder / "run/figure.png") in again.stdout
    np.testing.assert_array_equal(iio.imread(folder / "run/figure.png"), figure)


def test_sources_stand_in_figures_as_people_see_them(folder: Path) -> None:
    run = RunFolder.read(folder / "run")
    cells = {unit.path: source_cell(run, unit) for unit in run.plan.units if unit.picture}
    np.testing.assert_array_equal(cells["dreamt-film/film-layer"].pixels, np.full((48, 64, 3), 120, np.uint8))
    whole = iio.imread(PHOTO)
    np.testing.assert_array_equal(cells["dream/coffee-layer"].pixels, whole)
    assert {cell.status for cell in cells.values()} == {"done"}


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
        of_ascents = ("redirect_steps", "early_stop")
        unset = [word for key in of_ascents for word in ("--set", f"render.{key}=null")]
        run = rendered(folder, jobs.replace("TILE", str(tile)), "--set", "render.size_px=[128, 192]", *unset)
        scores.append(json.loads((run / "units/a/coffee-layer.json").read_text())["score"])
    assert scores[0]["saved"] > scores[0]["start"]
    assert scores[0]["start"] == pytest.approx(scores[1]["start"], rel=0.2)
    assert scores[0]["start"] != scores[1]["start"]
