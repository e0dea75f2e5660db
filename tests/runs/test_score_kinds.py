"""fvcli score of units of all kinds, on a small network: what is compared with what, and what is refused."""

from __future__ import annotations

import csv
import io
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from fvcli.app import score_run
from fvcli.models import list_models
from fvcli.run import RunFolder
from fvcli.run.scores import read_run_scores
from fvcli.worker.trust import seen_pixels
from tests.helpers.running import fvcli

PHOTOS = 100
SPEC = """\
model: {path: FOLDER/net.keras, value_range: [0, 1]}
render: {size_px: 40, steps: 24, redirect_steps: 0}
jobs:
  - {name: dead, layer: r3, channels: [0]}
  - {name: two, layer: c3, channels: 1-7, variants: [{name: x, steps: 40}, {name: y, steps: 48}]}
  - name: part
    objective: {kind: neuron, row: 8, column: 8}
    layer: c3
    channels: [3]
    variants: [{name: whole, canvas: whole}, {name: seen, canvas: seen}]
  - {name: large, layer: c3, channels: [1], save_px: 80, parameterization: {kind: cppn}}
  - name: matched
    layer: c3
    channels: [2]
    recipe: vital
    steps: 4
    references: {photos: FOLDER/photos, count: 2}
  - name: dream
    objective: class_logit
    classes: [1, 2]
    pictures: photo.jpg
    recipe: deepdream
    size_px: [96, 160]
    steps: 2
    octaves: {count: 2, tile_px: 64}
"""


def network(channels: int, side_px: int | None, seed: int) -> keras.Model:
    """Return a network whose channel 0 of r3 no picture excites."""
    keras.utils.set_random_seed(seed)
    image = keras.Input((side_px, side_px, channels), name="image")
    x = image
    for number, stride in enumerate((1, 2, 1), 1):
        x = layers.Conv2D(8, 3, strides=stride, padding="same", name=f"c{number}")(x)
        x = layers.ReLU(name=f"r{number}")(x)
    x = layers.Dense(10, name="classes")(layers.GlobalAveragePooling2D(name="mean")(x))
    model = keras.Model(image, x)
    kernel, bias = model.get_layer("c3").get_weights()
    bias[0] = -50.0
    model.get_layer("c3").set_weights([kernel, bias])
    return model


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Path:
    """A folder with networks, photos and a run that is scored."""
    folder = tmp_path_factory.mktemp("kinds")
    for name, made in {
        "net": network(3, None, 3),
        "judge": network(3, 40, 4),
        "four": network(4, None, 1),
        "four-judge": network(4, 40, 5),
    }.items():
        made.save(folder / f"{name}.keras")
    photos = sorted((data_dir / "images").glob("*.jpg"))[:PHOTOS]
    (folder / "photos.txt").write_text("".join(f"{photo}\n" for photo in photos))
    (folder / "photos").mkdir()
    for photo in photos[:8]:
        shutil.copy(photo, folder / "photos")
    shutil.copy(photos[0], folder / "photo.jpg")
    (folder / "spec.yaml").write_text(SPEC.replace("FOLDER", str(folder)))
    rendered = fvcli("render", folder / "spec.yaml", "-o", folder / "run")
    assert rendered.exit_code == 0, rendered.stderr
    shutil.copytree(folder / "run", folder / "unscored")
    result = score(folder)
    assert result.exit_code == 0, result.stderr
    return folder


def score(place: Path, *more: object, run: Path | str = "run", judge: str = "judge") -> Any:
    words = ["--images", place / "photos.txt", "--judge", place / f"{judge}.keras", *more]
    return fvcli("score", place / run, *words)


def scores_of(run: Path, unit: str) -> dict[str, Any]:
    return json.loads((run / "units" / f"{unit}.scores.json").read_text())


def saved_of(run: Path, unit: str) -> float:
    return float(json.loads((run / "units" / f"{unit}.json").read_text())["score"]["saved"])


def test_one_unit_by_two_recipes_is_no_other_unit(place: Path, tmp_path: Path) -> None:
    """Each picture of one is held against six other units by two recipes, not against itself."""
    shutil.copytree(place / "unscored", tmp_path / "one")
    assert score(place, "--only", "two/*-x", run=tmp_path / "one").exit_code == 0
    for channel in range(1, 8):
        unit = f"two/channel-000{channel}-x"
        alone, both = (scores_of(run, unit)["path"] for run in (tmp_path / "one", place / "run"))
        assert both["overlap"] == alone["overlap"]
        assert both["others"] == pytest.approx(alone["others"], abs=0.05)
    path = read_run_scores(place / "run").thresholds["path"]
    assert path < 0.9  # .997 if a unit's own picture by the other recipe counted among those of others


def test_views_of_a_neuron_are_about_what_it_sees(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "unscored", tmp_path / "run")
    assert score(place, "--only", "part/*seen*", run=tmp_path / "run").exit_code == 0
    [unit] = [path.name.split(".")[0] for path in (tmp_path / "run" / "units" / "part").glob("*.scores.json")]
    alone, among = (scores_of(run, f"part/{unit}")["survival"] for run in (tmp_path / "run", place / "run"))
    assert among == alone
    assert among["views"] > 0.5


def test_a_picture_made_with_photos_may_know_the_answers(place: Path) -> None:
    [remark] = read_run_scores(place / "run").skipped
    assert remark.startswith("1 picture made with photos as references; if these are among the photos here")


def test_a_unit_that_no_photo_excites_is_asked_nothing(place: Path) -> None:
    scores = scores_of(place / "run", "dead/channel-0000")
    assert scores["two_afc"] is None
    assert scores["strength"]["share"] is None
    assert "not_predictive" not in scores["flags"]
    shutil.copytree(place / "run", place / "again")
    [row] = list(csv.DictReader(io.StringIO(score(place, "--csv", "--only", "dead/*", run="again").stdout)))
    assert [row[key] for key in ("2AFC", "interval", "photos", "MIS")] == ["-"] * 4
    assert read_run_scores(place / "again").means == {}
    rows = csv.DictReader(io.StringIO(fvcli("status", place / "run", "--csv").stdout))
    assert [row["two_afc"] for row in rows if row["job"] == "dead"] == [""]
    built = fvcli("atlas", place / "again", "-o", place / "site")
    assert built.exit_code == 0, built.stderr
    pages = [path.read_text() for path in (place / "site").rglob("*.html")]
    assert any("All photos excite it alike" in page for page in pages)


def test_pictures_that_are_saved_larger_are_seen_at_the_size_of_the_ascent(place: Path) -> None:
    scores = scores_of(place / "run", "large/channel-0001")
    assert scores["strength"]["picture"] == saved_of(place / "run", "large/channel-0001")
    assert scores["survival"]["jpeg"] > 0.5
    assert scores["path"]["overlap"] > 0.0


def test_a_larger_picture_is_seen_as_means_of_its_pixels(place: Path) -> None:
    run = RunFolder.read(place / "run")
    [program] = [program for program in run.plan.programs if program.settings.saved_px == (80, 80)]
    pixels = np.random.default_rng(0).integers(0, 256, (80, 80, 3), np.uint8)
    means = pixels.reshape(40, 2, 40, 2, 3).mean(axis=(1, 3))
    assert np.abs(seen_pixels(program, pixels) - means).max() <= 0.5 + 1e-3


def test_a_dream_is_seen_whole_as_photos_are(place: Path) -> None:
    model = keras.models.load_model(place / "net.keras")
    for file in sorted((place / "run" / "units" / "dream").glob("*.png")):
        unit = f"dream/{file.stem}"
        with Image.open(file) as picture:
            logits = model(np.asarray(picture, np.float32)[None] / 255.0).numpy()[0]
        number = json.loads(file.with_suffix(".json").read_text())["unit"]["class"]
        found = scores_of(place / "run", unit)["strength"]["picture"]
        assert found == pytest.approx(logits[number], rel=1e-3)
        assert found != pytest.approx(saved_of(place / "run", unit), rel=1e-3)  # a mean over tiles


def test_networks_that_take_no_photos_are_refused(place: Path, tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(
        f"model: {{path: {place}/four.keras, value_range: [0, 1]}}\n"
        "render: {size_px: 40, steps: 2}\njobs: [{name: a, layer: r3, channels: [1]}]\n"
    )
    rendered = fvcli("render", tmp_path / "spec.yaml", "-o", tmp_path / "run")
    assert rendered.exit_code == 0, rendered.stderr
    result = score(place, run=tmp_path / "run", judge="four-judge")
    assert result.exit_code == 2
    assert "four takes pictures of 4 channels" in result.stderr
    assert "four-judge takes pictures of 4 channels" in result.stderr
    assert not list(tmp_path.rglob("*scores.json"))


def test_more_photos_than_memory_holds_are_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fvcli.app.score_run.free_bytes", lambda: 1_000_000)
    before = (place / "run" / "scores.json").read_bytes()
    result = score(place)
    assert result.exit_code == 2
    assert (
        "100 photos at the size of the pictures take 0.0 GB of memory, and 0.0 GB are free" in result.stderr
    )
    assert (place / "run" / "scores.json").read_bytes() == before


def test_what_others_wrote_meanwhile_stays(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While networks look, a label comes into one sidecar, and another picture in the place of one."""
    run = tmp_path / "run"
    shutil.copytree(place / "unscored", run)
    labelled, replaced = (run / "units" / "two" / f"channel-000{n}-x.json" for n in (1, 2))

    def write(path: Path, **more: object) -> None:
        path.write_text(json.dumps({**json.loads(path.read_text()), **more}))

    measured = score_run.scores_of_units

    def meanwhile(*given: Any) -> Any:
        write(labelled, remarks=["burnt"])
        write(replaced, pixel_sha256="0" * 64)
        return measured(*given)

    monkeypatch.setattr(score_run, "scores_of_units", meanwhile)
    result = score(place, "--only", "two/*", run=run)
    assert result.exit_code == 0
    assert "Note: 1 picture replaced meanwhile, and left out" in result.stderr
    found = read_run_scores(run)
    assert found.units == 13
    assert "1 picture replaced meanwhile, and left out" in found.skipped
    assert "burnt" in json.loads(labelled.read_text())["remarks"]
    assert labelled.with_suffix(".scores.json").exists()
    assert not replaced.with_suffix(".scores.json").exists()
    assert json.loads(replaced.read_text())["pixel_sha256"] == "0" * 64


def test_a_picture_that_is_not_its_sidecars_is_not_scored(place: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(place / "unscored", run)
    sidecar = run / "units" / "two" / "channel-0001-x.json"
    sidecar.write_text(json.dumps({**json.loads(sidecar.read_text()), "pixel_sha256": "0" * 64}))
    result = score(place, "--only", "two/*", run=run)
    assert result.exit_code == 1
    assert f"{sidecar.with_suffix('.png')}: not the picture that its sidecar is of" in result.stderr
    assert not list(run.rglob("*scores.json"))


def test_scores_come_along_when_runs_are_joined(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "unscored", tmp_path / "target")
    result = fvcli("merge", place / "run", "-o", tmp_path / "target")
    assert result.exit_code == 0, result.stderr
    for file in ["scores.json", "units/two/channel-0001-x.scores.json", "units/two/channel-0001-x.json"]:
        assert (tmp_path / "target" / file).read_bytes() == (place / "run" / file).read_bytes()
    shutil.copytree(place / "unscored", tmp_path / "other")
    assert score(place, "--only", "two/*", run=tmp_path / "other").exit_code == 0
    shutil.copytree(place / "run", tmp_path / "both")
    result = fvcli("merge", tmp_path / "other", "-o", tmp_path / "both")
    assert result.exit_code == 0, result.stderr
    said = result.stderr + result.stdout
    assert "the runs were scored apart" in said
    assert f"fvcli score {tmp_path}/both --images DIR makes them" in said
    assert not (tmp_path / "both" / "scores.json").exists()


def test_judges_are_the_same_whenever_they_are_chosen(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    some = [replace(listing, installed=i in (5, 6, 7)) for i, listing in enumerate(list_models())]
    monkeypatch.setattr(score_run, "list_models", lambda: some)
    chosen = [choice.name for choice in score_run._judges(RunFolder.read(place / "run"), ())]
    assert chosen == [some[5].name, some[6].name]
