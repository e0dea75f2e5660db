"""Whole runs of all objectives but the simplest: several layers, directions, photos, groups."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fvcli.media import read_picture
from fvcli.run import RunFolder, run_status
from fvcli.worker import render_batches
from tests.helpers.running import fvcli, pictures, write_spec
from tests.helpers.tensorflow_setup import default_network

PHOTO = Path(__file__).parents[2] / "configs" / "photos" / "chelsea.jpg"
SPEC = """\
model: efficientnet-lite0
render:
  {size_px: [64, 80], steps: 8, redirect_steps: 0, transforms: [{kind: jitter, px: 4}], early_stop: 0}
jobs:
  - name: directions
    layer: stem_bn
    objective: {kind: direction, cossim_power: 2}
    vectors: [{random: 0-1}, {channels: [3, 17], weights: [1, -0.5]}, {file: rows.npy}]
  - name: at
    layer: stem_bn
    objective: {kind: direction_neuron, vector: {channels: [3, 4]}, row: 2, column: 9}
  - {name: tensors, layer: stem_bn, objective: {kind: tensor_direction, tensor: cube.npy}}
  - name: groups
    layer: stem_bn
    objective: {kind: local_group, vector: {channels: [3]}, rows: 4, columns: 6}
  - name: all-channels
    layer: stem_bn
    objective: {kind: local_group, rows: 4, columns: 6}
  - name: products
    objective:
      kind: product
      terms:
        - {kind: channel, layer: stem_bn, channel: 3}
        - kind: sum
          weight: 2
          terms: [{kind: channel, layer: block0_dw, channel: 4}, {kind: layer, layer: stem}]
  - name: pairs
    layer: stem_bn
    objective:
      kind: sum
      terms: [{kind: channel, channel: [1, 2]}, {kind: channel, channel: [3, 4], weight: 0.5}]
  - {name: caricatures, layer: [stem_bn, block0_dw], objective: {kind: caricature, power: 1}, pictures: PHOTO}
  - {name: inversions, layer: stem_bn, objective: match, pictures: PHOTO}
  - {name: recorded, layer: stem_bn, objective: {kind: match, norm: l1, activations: map.npy}}
  - {name: styles, layer: stem_bn, objective: style, pictures: PHOTO}
  - {name: diverse, layer: stem_bn, channels: [3, 5], diversity: {count: 3, weight: 2}}
  - name: between
    objective:
      kind: interpolate
      count: 3
      from: {kind: channel, layer: stem_bn, channel: 3}
      to: {kind: channel, layer: block0_dw, channel: 4}
      alignment: {layers: [stem_bn], weight: 0.1, decay_ratio: 5}
    parameterization: {kind: fourier, shared: {sides_px: [16, 8], ends_px: [8]}}
"""


def photo_pixels() -> np.ndarray:
    """Return the photo, cut to the proportions of the pictures, and as small."""
    with Image.open(PHOTO) as image:
        assert image.size == (384, 256)
        return np.asarray(image.crop((32, 0, 352, 256)).resize((80, 64), Image.Resampling.LANCZOS))


def spec_with_files(folder: Path) -> Path:
    """Write the spec and the arrays that it names beside each other."""
    rng = np.random.default_rng(0)
    np.save(folder / "rows.npy", rng.normal(size=(2, 32)).astype(np.float32))
    np.save(folder / "cube.npy", rng.normal(size=(5, 4, 32)).astype(np.float32))
    photo = photo_pixels()[None].astype(np.float32) / 255
    np.save(folder / "map.npy", default_network().activations(photo, "stem_bn")[0])
    return write_spec(folder, SPEC.replace("PHOTO", str(PHOTO)))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("joint")
    result = fvcli("render", spec_with_files(folder), "-o", folder / "run")
    assert result.exit_code == 0, result.stderr
    return folder / "run"


def sidecars(run: Path) -> dict[str, dict]:
    found = sorted(run.glob("units/**/*.json"))
    return {str(path.relative_to(run / "units"))[:-5]: json.loads(path.read_text()) for path in found}


def test_every_unit_is_there(whole: Path) -> None:
    jobs = [name.partition("/")[0] for name in sidecars(whole)]
    counts = {job: jobs.count(job) for job in dict.fromkeys(jobs)}
    assert counts == {
        "directions": 5,
        "at": 1,
        "tensors": 1,
        "groups": 1,
        "all-channels": 1,
        "products": 1,
        "pairs": 4,
        "caricatures": 2,
        "inversions": 1,
        "recorded": 1,
        "styles": 1,
        "diverse": 6,
        "between": 3,
    }
    assert all(sidecar["status"] == "done" for sidecar in sidecars(whole).values())


def test_scores_rise(whole: Path) -> None:
    for name, sidecar in sidecars(whole).items():
        assert sidecar["score"]["end"] > sidecar["score"]["start"], name
        assert sidecar["remarks"] == [], name


# ---- score.saved, restated in NumPy


def plain(sidecar: dict, own: dict, photo: dict, folder: Path) -> float:
    """State what a unit scores, from the activations of its picture and of the photo."""
    job, unit = sidecar["job"], sidecar["unit"]
    stem = own["stem_bn"]
    if job == "products":
        deep = own["block0_dw"][..., 4].mean() + (own["stem"] ** 2).mean()
        return stem[..., 3].mean() * 2 * deep
    if job == "pairs":
        first, second = (term["channel"] for term in unit["terms"])
        return stem[..., first].mean() + 0.5 * stem[..., second].mean()
    if job == "diverse":
        return stem[..., unit["channel"]].mean()
    if job == "between":
        t = unit["step"] / (unit["of"] - 1)
        return (1 - t) * stem[..., 3].mean() + t * own["block0_dw"][..., 4].mean()
    if job in {"groups", "all-channels"}:  # 4 x 6 positions about row 16, column 20
        region = stem[14:18, 17:23]
        return region[..., 3].mean() if job == "groups" else region.mean()
    if job == "at":
        return stem[2, 9, 3] + stem[2, 9, 4]
    if job == "directions":
        vector = vector_of(unit["vector"], folder)
        dots = stem @ vector
        cosines = dots / (1e-4 + np.linalg.norm(stem, axis=-1)) / (1e-4 + np.linalg.norm(vector))
        return (dots * np.maximum(0.1, cosines) ** 2).mean()
    if job == "tensors":
        cube = np.load(folder / "cube.npy")
        top, left = (32 - 5) // 2, (40 - 4) // 2
        return (stem[top : top + 5, left : left + 4] * cube).sum(-1).mean()
    return of_picture(job, sidecar["layer"], own, photo, folder)


def of_picture(job: str, layer: str, own: dict, photo: dict, folder: Path) -> float:
    mine, theirs = own[layer], photo[layer]
    if job == "caricatures":
        dot = (mine * theirs).sum()
        lengths = (1e-6 + np.linalg.norm(mine)) * (1e-6 + np.linalg.norm(theirs))
        return dot * max(0.1, dot / lengths)
    if job == "inversions":
        return -((mine - theirs) ** 2).mean()
    if job == "recorded":
        return -np.abs(mine - np.load(folder / "map.npy")).mean()
    grams = [np.einsum("hwc,hwd->cd", acts, acts) / acts[..., 0].size for acts in (mine, theirs)]
    return -((grams[0] - grams[1]) ** 2).mean()


def vector_of(said: dict, folder: Path) -> np.ndarray:
    if "channels" in said:
        vector = np.zeros(32)
        vector[said["channels"]] = said["weights"]
        return vector
    if "file" in said:
        return np.load(folder / "rows.npy")[said["row"]].astype(np.float64)
    from fvcli.optvis.streams import stream

    drawn = stream("direction", said["random"], "stem_bn").standard_normal(32)
    return drawn / np.linalg.norm(drawn)


def test_saved_scores_are_those_of_the_pictures(whole: Path) -> None:
    loaded = default_network()
    layers = ("stem_bn", "stem", "block0_dw")

    def activations(pixels: np.ndarray) -> dict[str, np.ndarray]:
        seen = pixels[None].astype(np.float32) / 255
        return {layer: loaded.activations(seen, layer)[0].astype(np.float64) for layer in layers}

    photo = activations(photo_pixels())
    for name, sidecar in sidecars(whole).items():
        own = activations(read_picture(whole / "units" / f"{name}.png"))
        expected = plain(sidecar, own, photo, whole.parent)
        loose = 0.02 if sidecar["job"] in {"caricatures", "inversions", "styles"} else 1e-4
        assert sidecar["score"]["saved"] == pytest.approx(expected, rel=loose, abs=1e-5), name


# ---- groups


def test_members_of_a_group_differ(whole: Path) -> None:
    group = [read_picture(whole / f"units/diverse/channel-0003-d{i}.png").astype(int) for i in (1, 2, 3)]
    assert min(np.abs(a - b).mean() for a in group for b in group if a is not b) > 1


def test_one_of_a_group_gives_the_bytes_of_the_whole_run(whole: Path, tmp_path: Path) -> None:
    spec = spec_with_files(tmp_path)
    wanted = ("diverse/channel-0005-d2", "between/interpolate-01")
    for i, unit in enumerate(wanted):
        result = fvcli("render", spec, "-o", tmp_path / f"run{i}", "--only", unit)
        assert result.exit_code == 0, result.stderr
        assert list(sidecars(tmp_path / f"run{i}")) == [unit]
        png = f"units/{unit}.png"
        assert (tmp_path / f"run{i}" / png).read_bytes() == (whole / png).read_bytes()


def test_a_missing_member_is_rendered_again_and_the_others_are_left_alone(whole: Path) -> None:
    before = pictures(whole)
    place = whole / "units/diverse/channel-0003-d2.json"
    others = {path: path.stat().st_mtime_ns for path in whole.glob("units/*/*") if path.stem != place.stem}
    place.unlink()
    result = fvcli("render", whole.parent / "spec.yaml", "-o", whole)
    assert result.exit_code == 0, result.stderr
    assert pictures(whole) == before
    assert others == {path: path.stat().st_mtime_ns for path in others}


def test_shards_with_groups_and_sources_merge_to_one_run(whole: Path, tmp_path: Path) -> None:
    """Shards of a few of the jobs; the same units in another spec have the same bytes."""
    spec = spec_with_files(tmp_path)
    beginning, *jobs = re.split(r"(?m)^(?=  - )", spec.read_text())
    kept = [job for job in jobs if any(name in job for name in ("tensors", "recorded", "diverse", "between"))]
    spec.write_text("".join([beginning, *kept]))
    for i in (1, 2):
        result = fvcli("render", spec, "-o", tmp_path / f"part{i}", "--shard", f"{i}/2")
        assert result.exit_code == 0, result.stderr
    for name in ("rows.npy", "cube.npy", "map.npy"):
        (tmp_path / name).unlink()  # the shards have copies
    result = fvcli("merge", tmp_path / "part1", tmp_path / "part2", "-o", tmp_path / "merged")
    assert result.exit_code == 0, result.stderr
    merged = pictures(tmp_path / "merged")
    assert len(merged) == 11
    assert merged.items() <= pictures(whole).items()
    named = {path.stem.partition("-")[0] for path in (tmp_path / "merged/sources").iterdir()}
    assert named == {"cube", "map"}


@pytest.mark.parametrize(
    "unit", ["diverse/channel-0003-d3", "pairs/sum-0002-0003", "caricatures/chelsea-stem_bn-caricature"]
)
def test_a_picture_is_rendered_again_from_its_own_text(whole: Path, tmp_path: Path, unit: str) -> None:
    names = {str(path.relative_to(whole / "units"))[:-4] for path in whole.glob("units/*/*.png")}
    assert unit in names, sorted(names)
    png = whole / "units" / f"{unit}.png"
    result = fvcli("render", "--from", png, "-o", tmp_path / "again")
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "again/units" / f"{unit}.png").read_bytes() == png.read_bytes()
    counts = run_status(RunFolder.read(tmp_path / "again")).counts
    assert counts["done"] == len(pictures(tmp_path / "again"))  # a group comes whole, and nothing else


def test_a_source_that_changed_is_refused(tmp_path: Path) -> None:
    spec = spec_with_files(tmp_path)
    words = ("render", spec, "-o", tmp_path / "run", "--only", "tensors")
    assert fvcli(*words).exit_code == 0
    np.save(tmp_path / "cube.npy", np.ones((5, 4, 32), np.float32))
    result = fvcli(*words)
    assert result.exit_code == 2
    assert "another spec" in result.stderr


def test_a_group_of_a_gpu_batch_is_coupled_within_itself(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With whole batches two groups ascend together: each reaches what it reaches alone."""
    from dataclasses import replace

    set_up = render_batches.set_up_device
    monkeypatch.setattr(
        render_batches, "set_up_device", lambda *how: replace(set_up(*how), whole_batches=True)
    )
    spec = spec_with_files(tmp_path)
    result = fvcli("render", spec, "-o", tmp_path / "run", "--only", "diverse")
    assert result.exit_code == 0, result.stderr
    expected = sidecars(whole)
    for name, sidecar in sidecars(tmp_path / "run").items():
        assert sidecar["batch"]["size"] == 6
        assert sidecar["score"]["end"] == pytest.approx(expected[name]["score"]["end"], rel=0.01)
