"""fvcli score: equal to plain NumPy, kept beside the pictures, and said wherever a run is shown."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fvcli.media import list_pictures, read_pixels
from fvcli.models import ModelChoice, load
from fvcli.run import RunFolder
from fvcli.run.scores import read_run_scores, read_unit_scores
from fvcli.trust.layers import judge_layers
from tests.helpers.running import fvcli

PHOTOS = 120
SIDE_PX = 64
JUDGE = "efficientnet-lite1"
SPEC = f"""\
model: efficientnet-lite0
render: {{size_px: {SIDE_PX}, steps: 8}}
jobs:
  - {{name: early, layer: block2_expand_bn, channels: [20, 58, 105]}}
  - {{name: many, layer: block4_expand_bn, channels: [41], diversity: {{count: 2}}}}
  - {{name: less, layer: block4_expand_bn, channels: [92], sign: negative}}
  - {{name: dogs, objective: class_logit, classes: [pug]}}
  - {{name: photo, objective: match, layer: block2_add, pictures: photo.jpg}}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Path:
    """A folder with a run that is scored, and the list of photos."""
    folder = tmp_path_factory.mktemp("scores")
    photos = sorted((data_dir / "images").glob("*.jpg"))[:PHOTOS]
    shutil.copy(photos[0], folder / "photo.jpg")
    (folder / "photos.txt").write_text("".join(f"{photo}\n" for photo in photos))
    (folder / "spec.yaml").write_text(SPEC)
    assert fvcli("render", folder / "spec.yaml", "-o", folder / "run").exit_code == 0
    shutil.copytree(folder / "run", folder / "before")
    result = score(folder)
    assert result.exit_code == 0, result.stderr
    return folder


def score(place: Path, *more: str, run: str = "run") -> Any:
    return fvcli("score", place / run, "--images", place / "photos.txt", "--judge", JUDGE, *more)


def scores_of(place: Path, unit: str) -> dict[str, Any]:
    return json.loads((place / "run" / "units" / f"{unit}.scores.json").read_text())


@cache
def features(name: str, layers: tuple[str, ...], files: tuple[Path, ...], side: int) -> list[np.ndarray]:
    """Return activations' means over positions, [files, channels] of each layer."""
    model = load(ModelChoice(name))
    found = []
    for layer in layers:
        rows = [model.activations(read_pixels(file, (side, side))[None] / 255.0, layer) for file in files]
        found.append(np.concatenate([row.mean(axis=(1, 2)) for row in rows]))
    return found


def restated(
    place: Path, layer: str, channel: int, pictures: list[str], others: list[str]
) -> dict[str, float]:
    """The share, the score and the photos' share of a unit, in twenty lines of NumPy."""
    listed = list_pictures(place / "photos.txt")
    photos = tuple(listed.path(number) for number in listed.drawn(PHOTOS))
    values = features("efficientnet-lite0", (layer,), photos, SIDE_PX)[0][:, channel]
    facts = load(ModelChoice(JUDGE)).facts
    layers, side = judge_layers(facts), facts.native_size_px[0]
    files = tuple(place / "run" / "units" / f"{unit}.png" for unit in [*pictures, *others])
    asking = np.arange(PHOTOS)[1::2]
    order = asking[np.argsort(-values[asking], kind="stable")]
    strong, weak = order[:5], order[-5:]
    best = 2 * np.argsort(-values[::2], kind="stable")[: len(pictures)]
    by_pictures, by_photos = np.zeros(PHOTOS), np.zeros(PHOTOS)
    each = zip(features(JUDGE, layers, photos, side), features(JUDGE, layers, files, side), strict=True)
    for of_photos, of_pictures in each:
        spread = of_photos.std(axis=0)
        spread += 1e-3 * spread.mean() + 1e-9
        z, p = ((x - of_photos.mean(axis=0)) / spread for x in (of_photos, of_pictures))
        p = p[: len(pictures)] - p[len(pictures) :].sum(axis=0) / (len(others) + 4)
        z, p = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (z, p))
        by_pictures += (z @ p.T).mean(axis=1) / 4
        by_photos += (z @ z[best].T).mean(axis=1) / 4
    apart, apart_photos = (q[strong][:, None] - q[weak][None] for q in (by_pictures, by_photos))
    mis = np.mean(1 / (1 + np.exp(-18.0 * apart)))
    return {"share": np.mean(apart > 0), "mis": mis, "photos": np.mean(apart_photos > 0)}


def states(run: Path) -> dict[str, int]:
    """Return how many units are in which state, where every picture is read."""
    rows = csv.DictReader(io.StringIO(fvcli("status", run, "--csv", "--check").stdout))
    return dict(Counter(row["status"] for row in rows))


ALL = [
    *("early/channel-0020", "early/channel-0058", "early/channel-0105"),
    *("many/channel-0041-d1", "many/channel-0041-d2", "less/channel-0092-negative", "dogs/class_logit-0254"),
]


@pytest.mark.parametrize(
    ("layer", "channel", "pictures"),
    [
        ("block2_expand_bn", 20, ALL[:1]),
        ("block2_expand_bn", 105, ALL[2:3]),
        ("block4_expand_bn", 41, ALL[3:5]),
    ],
)
def test_shares_are_those_of_plain_numpy(place: Path, layer: str, channel: int, pictures: list[str]) -> None:
    others = [unit for unit in ALL if unit not in pictures]
    expected = restated(place, layer, channel, pictures, others)
    found = scores_of(place, pictures[0])["two_afc"]
    assert found["pictures"] == len(pictures)
    assert found["share"] == pytest.approx(expected["share"], abs=1e-6)
    assert found["photos"] == pytest.approx(expected["photos"], abs=1e-6)
    assert found["mis"] == pytest.approx(expected["mis"], abs=1e-4)
    assert found["low"] <= found["share"] <= found["high"]


def test_a_unit_to_be_silenced_asks_for_photos_that_silence_it(place: Path) -> None:
    listed = list_pictures(place / "photos.txt")
    photos = tuple(listed.path(number) for number in listed.drawn(PHOTOS))
    values = features("efficientnet-lite0", ("block4_expand_bn",), photos, SIDE_PX)[0][:, 92]
    strength = scores_of(place, "less/channel-0092-negative")["strength"]
    assert strength["best_photo"] == pytest.approx(values.min(), rel=1e-4)
    assert strength["mean_photo"] == pytest.approx(values.mean(), rel=1e-3)
    expected = (strength["picture"] - values.mean()) / (values.min() - values.mean())
    assert strength["share"] == pytest.approx(expected, rel=1e-3)


def test_scores_are_of_the_picture_that_is_there(place: Path) -> None:
    run = RunFolder.read(place / "run")
    scored = 0
    for unit in run.plan.units:
        sidecar = run.sidecar(unit)
        assert sidecar is not None
        scores = read_unit_scores(run, unit, sidecar)
        if unit.job == "photo":  # it compares with a picture
            assert scores is None
            continue
        scored += 1
        assert scores is not None
        assert scores.strength.picture == sidecar.score["saved"]
        assert set(scores.flags) <= set(sidecar.remarks)
        assert 0.0 <= scores.two_afc.noise <= 1.0
        assert scores.survival.jpeg is None or scores.survival.jpeg < 1.5
    assert scored == len(ALL)


def test_the_run_says_by_what_it_was_scored(place: Path) -> None:
    found = read_run_scores(place / "run")
    assert found is not None
    assert found.photos == PHOTOS
    assert list(found.judges) == [JUDGE]
    assert found.units == len(ALL)
    shares = [scores_of(place, unit)["two_afc"]["share"] for unit in ALL]
    assert found.means["pictures"][0] == pytest.approx(np.mean(shares), abs=1e-5)
    assert "1 unit left out, whose objective compares with a picture" in found.skipped


def test_the_diverse_pictures_of_a_unit_are_compared_with_each_other(place: Path) -> None:
    first, second = (scores_of(place, unit) for unit in ALL[3:5])
    assert first["agreement"] == second["agreement"]
    assert -1.0 <= first["agreement"] <= 1.0
    assert scores_of(place, ALL[0])["agreement"] is None
    assert first["two_afc"] == second["two_afc"]


def test_a_class_says_which_judges_name_it(place: Path) -> None:
    transfer = scores_of(place, "dogs/class_logit-0254")["transfer"]
    assert set(transfer["named"]) == {JUDGE}
    with Image.open(place / "run" / "units" / "dogs" / "class_logit-0254.png") as picture:
        pixels = np.asarray(picture.resize((240, 240), Image.Resampling.LANCZOS))[None] / 255.0
    model = load(ModelChoice(JUDGE))
    logits = model.activations(pixels, str(model.facts.logits))[0, 0, 0]
    assert transfer["first"] == float(logits.argmax() == 254)
    assert transfer["first_five"] == float(254 in np.argsort(-logits)[:5])
    assert scores_of(place, ALL[0])["transfer"] is None


def test_pictures_and_scores_stay_as_they_are_when_scored_again(place: Path) -> None:
    def files() -> dict[str, bytes]:
        return {
            path.name: path.read_bytes() for path in (place / "run" / "units").rglob("*") if path.is_file()
        }

    before = files()
    for old in (place / "before" / "units").rglob("*.png"):
        assert before[old.name] == old.read_bytes()
    assert score(place).exit_code == 0
    assert files() == before


def test_nothing_is_left_to_render_after_scoring(place: Path) -> None:
    result = fvcli("render", place / "spec.yaml", "-o", place / "run")
    assert result.exit_code == 0
    assert "nothing was left to render, 8 of 8 in the run" in result.stdout
    assert states(place / "run") == {"done": len(ALL) + 1}


def test_flags_are_shown_by_status_and_go_when_scores_change(place: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(place / "run", run)
    sidecar = run / "units" / "early" / "channel-0020.json"
    facts = json.loads(sidecar.read_text())
    sidecar.write_text(json.dumps({**facts, "remarks": ["other_path", "burnt"]}))
    assert "by another way than photos do: early/channel-0020" in fvcli("status", run).stdout
    photos = place / "photos.txt"
    result = fvcli("score", run, "--images", photos, "--judge", JUDGE, "--only", "early/*")
    assert result.exit_code == 0, result.stderr
    remarks = json.loads(sidecar.read_text())["remarks"]
    assert "burnt" in remarks
    assert remarks[1:] == json.loads((run / "units/early/channel-0020.scores.json").read_text())["flags"]
    assert read_run_scores(run).units == 3


def test_pictures_of_random_weights_are_marked(place: Path, tmp_path: Path) -> None:
    spec, run = tmp_path / "spec.yaml", tmp_path / "run"
    spec.write_text(
        "model: {name: efficientnet-lite0, weights: random}\nrender: {size_px: 64, steps: 2}\n"
        "jobs: [{name: a, layer: block0_dw_bn, channels: [0, 1]}]\n"
    )
    rendered = fvcli("render", spec, "-o", run)
    assert rendered.exit_code == 0, rendered.stderr
    result = fvcli("score", run, "--images", place / "photos.txt", "--judge", JUDGE)
    assert result.exit_code == 0, result.stderr
    assert read_run_scores(run).flags["untrained"] == 2
    assert "random weights" in fvcli("status", run).stdout
    assert read_run_scores(place / "run").flags["untrained"] == 0


def test_merged_runs_keep_their_scores(place: Path, tmp_path: Path) -> None:
    result = fvcli("merge", place / "run", "-o", tmp_path / "merged")
    assert result.exit_code == 0, result.stderr
    for unit in ALL:
        file = f"units/{unit}.scores.json"
        assert (tmp_path / "merged" / file).read_bytes() == (place / "run" / file).read_bytes()


def test_a_unit_counts_without_its_scores(place: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(place / "run", run)
    (run / "units/early/channel-0020.scores.json").unlink()
    assert states(run) == {"done": len(ALL) + 1}


def test_tables_are_printed_as_asked(place: Path) -> None:
    shutil.copytree(place / "run", place / "tables")
    rows = list(csv.DictReader(io.StringIO(score(place, "--csv", run="tables").stdout)))
    assert [row["unit"] for row in rows] == ALL
    assert rows[0]["2AFC"] == f"{scores_of(place, ALL[0])['two_afc']['share']:.2f}"
    data = json.loads(score(place, "--json", "--only", "early/*", run="tables").stdout)
    assert [unit["unit"] for unit in data["units"]] == ALL[:3]
    assert data["run"]["units"] == 3
    text = score(place, "--top", "2", "--only", "early/*", run="tables").stdout
    assert sum(unit in text for unit in ALL) == 2
    assert "explained by" in text


def test_all_mistakes_are_said_at_once_and_nothing_is_written(place: Path, tmp_path: Path) -> None:
    (tmp_path / "few.txt").write_text("\n".join((place / "photos.txt").read_text().splitlines()[:40]))
    assert fvcli("prepare", place / "spec.yaml", "-o", tmp_path / "run").exit_code == 0
    result = fvcli("score", tmp_path / "run", "--images", tmp_path / "few.txt", "--judge", "nonsense")
    assert result.exit_code == 2
    assert "no finished picture to score" in result.stderr
    assert "40 readable photos; scores need 100" in result.stderr
    assert "nonsense" in result.stderr
    assert not (tmp_path / "run" / "scores.json").exists()


def test_a_network_cannot_judge_its_own_pictures(place: Path) -> None:
    before = (place / "run" / "scores.json").read_bytes()
    result = fvcli("score", place / "run", "--images", place / "photos.txt", "--judge", "efficientnet-lite0")
    assert result.exit_code == 2
    assert "made the pictures, and cannot judge them" in result.stderr
    assert (place / "run" / "scores.json").read_bytes() == before


def test_damaged_photos_are_left_out_and_said(place: Path, tmp_path: Path) -> None:
    photos = (place / "photos.txt").read_text().splitlines()
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    (tmp_path / "photos.txt").write_text("\n".join([*photos, str(tmp_path / "broken.jpg")]))
    shutil.copytree(place / "run", tmp_path / "run")
    words = ["--images", tmp_path / "photos.txt", "--judge", JUDGE, "--only", "early/*20"]
    result = fvcli("score", tmp_path / "run", *words)
    assert result.exit_code == 0, result.stderr
    assert "1 file could not be read, and left out" in result.stderr


# ---- photos of a run's examples


def test_a_run_with_examples_says_where_its_photos_are(place: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(place / "run", run)
    refused = fvcli("score", run, "--images", run, "--judge", JUDGE)
    assert refused.exit_code == 2
    assert f"{run}: a run without examples" in refused.stderr
    assert f"fvcli examples {run} --images DIR" in refused.stderr
    photos = tmp_path / "list.txt"
    shutil.copy(place / "photos.txt", photos)
    result = fvcli("examples", run, "--images", photos)
    assert result.exit_code == 0, result.stderr
    only = ("--judge", JUDGE, "--only", "early/*")
    expected = fvcli("score", run, "--images", photos, *only, "--json")
    found = fvcli("score", run, "--images", run, *only, "--json")
    assert found.exit_code == 0, found.stderr
    assert json.loads(found.stdout) == json.loads(expected.stdout)
    photos.write_text("".join(f"{line}\n" for line in photos.read_text().splitlines()[1:]))
    changed = fvcli("score", run, "--images", run, *only)
    assert changed.exit_code == 2
    assert f"{photos} has other pictures now than its examples are of" in changed.stderr
    photos.unlink()
    gone = fvcli("score", run, "--images", run, *only)
    assert gone.exit_code == 2
    assert f"its examples are of {photos}, which is not here" in gone.stderr
    head = run / "examples" / "examples.json"
    data = json.loads(head.read_text())
    del data["images_path"]  # as older versions wrote it
    head.write_text(json.dumps(data))
    old = fvcli("score", run, "--images", run, *only)
    assert old.exit_code == 2
    assert "its examples do not say where their pictures (list.txt) are" in old.stderr


@pytest.mark.parametrize(
    ("command", "below"),
    [("examples", ""), ("examples", "units"), ("score", "units"), ("score", "units/early")],
)
def test_the_pictures_of_a_run_are_not_taken_for_photos(place: Path, command: str, below: str) -> None:
    images = place / "run" / below
    result = fvcli(command, place / "before", "--images", images)
    assert result.exit_code == 2
    assert "whose pictures are no photos" in result.stderr
    assert str(images) in result.stderr
    assert not (place / "before" / "examples").exists()
