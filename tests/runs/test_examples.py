"""fvcli examples: equal to plain NumPy, however the work was shared out, stopped or gone on with."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from fvcli.errors import command
from fvcli.media import encode_movie, read_pixels
from fvcli.run.examples import Examples, LayerArrays, read_examples
from fvcli.run.examples.layout import GROUPS, LOWEST_TILES, TOP_TILES, group_tiles
from fvcli.run.unit_links import read_links
from tests.helpers.example_runs import BLOCK, SIDE_PX, UNITS, Twin, examples_files, write_network_spec
from tests.helpers.films import varied_film
from tests.helpers.running import fvcli, start_fvcli, wait_until
from tests.helpers.s3_server import bucket

PICTURES = 200
TESTS = Path(__file__).parent.parent
OUR_LAYERS = {"first": "first", "second": "second", "classes": "classes"}  # of UNITS, as fvcli names them


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Path:
    """A folder with a spec, its network, and a list of photos."""
    folder = tmp_path_factory.mktemp("examples")
    write_network_spec(folder)
    photos = sorted((data_dir / "images").glob("*.jpg"))[:PICTURES]
    (folder / "photos.txt").write_text("".join(f"{photo}\n" for photo in photos))
    return folder


@pytest.fixture(scope="module")
def photos(place: Path) -> list[Path]:
    return [Path(line) for line in (place / "photos.txt").read_text().splitlines()]


@pytest.fixture(scope="module")
def labels(data_dir: Path) -> Path:
    return data_dir / "images/labels.csv"


def words(place: Path, labels: Path, run: Path) -> list[str | Path]:
    given = ["--images", place / "photos.txt", "--labels", labels, "--block", str(BLOCK)]
    return ["examples", place / "spec.yaml", *given, "-o", run]


@pytest.fixture(scope="module")
def whole(place: Path, labels: Path) -> Path:
    """A run whose examples were worked out in one go."""
    done = fvcli(*words(place, labels, place / "whole"))
    assert done.exit_code == 0, done.stderr
    assert "1 unit without examples, because they do not read one channel of one layer (direction: 1)" in (
        done.stderr
    )
    assert done.stdout == f"{place}/whole/examples: 20 units, 200 pictures\n"
    return place / "whole"


@pytest.fixture(scope="module")
def found(whole: Path) -> Examples:
    examples = read_examples(whole)
    assert examples is not None
    return examples


@pytest.fixture(scope="module", params=["first", "second", "classes"])
def layer(request: pytest.FixtureRequest, place: Path, photos: list[Path]) -> Twin:
    """A layer as NumPy has it; of the classes the logits, which Keras keeps inside its last layer."""
    name = str(request.param)
    if name != "classes":
        return Twin(place / "net.keras", name, UNITS[name], photos)
    twin = Twin(place / "net.keras", "mean", list(range(16)), photos)
    kernel, bias = keras.models.load_model(place / "net.keras").get_layer("classes").get_weights()
    twin.maps = (twin.maps @ kernel + bias)[..., UNITS[name]]
    twin.layer = name
    return twin


def arrays_of(found: Examples, name: str) -> LayerArrays:
    heads = [head for head in found.head.layers if head.name.startswith(name)]
    assert len(heads) == 1, found.head.layers
    return found.arrays(heads[0])


CLOSE = {"rtol": 1e-4, "atol": 1e-5}


# ---- equal to plain NumPy


def test_statistics_are_those_of_numpy(found: Examples, layer: Twin) -> None:
    arrays = arrays_of(found, layer.layer)
    values, maps = layer.values, layer.maps
    assert arrays.channels.tolist() == UNITS[layer.layer]
    np.testing.assert_allclose(arrays.max, values.max(axis=0), **CLOSE)
    np.testing.assert_allclose(arrays.min, values.min(axis=0), **CLOSE)
    np.testing.assert_allclose(arrays.mean, maps.mean(axis=(0, 1, 2), dtype=np.float64), **CLOSE)
    np.testing.assert_allclose(arrays.fires, (values > 0).mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(arrays.density, (maps > 0).mean(axis=(0, 1, 2)), atol=2e-5)
    quantiles = np.quantile(values, np.linspace(0, 1, 11), axis=0).T
    np.testing.assert_allclose(arrays.quantiles, quantiles, **CLOSE)
    assert arrays.histogram.sum(axis=1).tolist() == [PICTURES] * len(arrays.channels)
    for unit in range(len(arrays.channels)):
        edges = np.linspace(values[:, unit].min(), values[:, unit].max(), 51)
        np.testing.assert_allclose(arrays.bin_edges[unit], edges, rtol=1e-3, atol=1e-4)
        counts, _ = np.histogram(values[:, unit], edges)
        assert np.abs(np.cumsum(counts) - np.cumsum(arrays.histogram[unit])).max() <= 1  # at an edge


def test_the_top_and_the_lowest_are_those_of_numpy(found: Examples, layer: Twin) -> None:
    arrays = arrays_of(found, layer.layer)
    for unit in range(len(arrays.channels)):
        values = layer.values[:, unit]
        for tiles, order in ((TOP_TILES, -values), (LOWEST_TILES, values)):
            chosen = arrays.pictures[unit, tiles]
            np.testing.assert_allclose(values[chosen], values[np.argsort(order)[: len(tiles)]], **CLOSE)
            np.testing.assert_allclose(arrays.values[unit, tiles], values[chosen], **CLOSE)
            assert len(set(chosen.tolist())) == len(tiles)


def test_each_group_shows_three_pictures_of_its_tenth(found: Examples, layer: Twin) -> None:
    arrays = arrays_of(found, layer.layer)
    sums = [hashlib.sha256(str(photo).encode()).hexdigest() for photo in layer.pictures]
    drawn = np.argsort(sums)[:128]  # groups are shown from these
    assert (np.isin(arrays.pictures[:, 20:50], drawn)).all()
    for unit in range(len(arrays.channels)):
        ranks = np.argsort(np.argsort(layer.values[:, unit], kind="stable"))
        for group in range(GROUPS):
            tiles = group_tiles(group)
            shown, values = arrays.pictures[unit, tiles], arrays.values[unit, tiles]
            low, high = arrays.quantiles[unit, group : group + 2]
            assert (values >= low - 1e-5).all()
            assert (values <= high + 1e-5).all()
            assert (np.diff(values) <= 0).all()
            is_in = (ranks >= 199 * group / 10) & (ranks < 199 * (group + 1) / 10)
            members = np.sort(ranks[is_in & np.isin(np.arange(PICTURES), drawn)])[::-1]
            even = [(2 * j + 1) * len(members) // 6 for j in range(3)]
            if len(np.unique(layer.values[:, unit])) == PICTURES:  # or ranks are those of equal values
                places = np.searchsorted(-members, -ranks[shown])
                assert np.abs(places - even).max() <= 1  # rounding may exchange neighbours


def test_a_crop_has_the_strongest_position_in_its_middle(found: Examples, layer: Twin) -> None:
    arrays = arrays_of(found, layer.layer)
    field = {"first": 3, "second": 8, "classes": SIDE_PX}[layer.layer]
    stride, offset = {"first": (1, -1), "second": (4, -1), "classes": (0, 0)}[layer.layer]
    boxes = arrays.boxes
    assert (boxes[..., 2:] == field).all()
    for unit in range(len(arrays.channels)):
        for tile in (0, 10, 25, 52):
            picture = int(arrays.pictures[unit, tile])
            position = np.array(layer.positions(picture, unit))
            begin = np.clip(position * stride + offset, 0, SIDE_PX - field)
            same = layer.maps[picture, ..., unit]
            if (same == same.max()).sum() == 1:
                assert boxes[unit, tile, :2].tolist() == begin.tolist()


def test_vectors_are_values_in_standard_deviations(found: Examples, layer: Twin) -> None:
    arrays = arrays_of(found, layer.layer)
    values = layer.values[arrays.gallery].astype(np.float64)
    deviation = values.std(axis=0)
    expected = np.where(
        deviation > 0, (values - values.mean(axis=0)) / np.where(deviation > 0, deviation, 1), 0
    )
    assert arrays.vectors.shape == (len(arrays.channels), PICTURES)
    np.testing.assert_allclose(arrays.vectors, expected.T, rtol=2e-3, atol=2e-3)


# ---- effects on classes


def ranked(effects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the classes of one unit's effects, the 5 largest and the 5 least, and these effects."""
    order = np.argsort(-effects, kind="stable")
    chosen = np.concatenate([order[:5], order[-5:]])
    counts = np.concatenate([effects[order[:5]] > 0, effects[order[-5:]] < 0])
    return np.where(counts, chosen, -1), np.where(counts, effects[chosen], 0)


def test_effects_of_a_layer_below_the_classes_are_its_weights(found: Examples, place: Path) -> None:
    kernel = keras.models.load_model(place / "net.keras").get_layer("classes").get_weights()[0]
    arrays = arrays_of(found, "second")
    assert [head.effect for head in found.head.layers] == ["gradient x activation", "weights", None]
    for unit, channel in enumerate(UNITS["second"]):
        classes, effects = ranked(kernel[channel])
        assert arrays.effect_classes[unit].tolist() == classes.tolist()
        np.testing.assert_allclose(arrays.effects[unit], effects, rtol=1e-4, atol=1e-6)
    assert (arrays_of(found, "classes").effect_classes == -1).all()


def test_effects_of_other_layers_are_gradient_times_activation(
    found: Examples, place: Path, photos: list[Path]
) -> None:
    model = keras.models.load_model(place / "net.keras")
    kernel, bias = model.get_layer("classes").get_weights()
    cut = keras.Model(model.inputs, [model.get_layer("first").output, model.get_layer("mean").output])
    pixels = np.stack([read_pixels(path, (SIDE_PX, SIDE_PX)) for path in photos]) / np.float32(255)
    with tf.GradientTape() as tape:
        images = tf.constant(pixels)
        tape.watch(images)
        first, mean = cut(images, training=False)
        logits = mean @ kernel + bias
        predicted = np.argmax(logits, axis=1)
        lead = tf.gather(logits, predicted, batch_dims=1) - tf.reduce_mean(logits, axis=1)
    scores = (tape.gradient(lead, first) * first).numpy().sum(axis=(1, 2))[:, UNITS["first"]]
    by_class = np.zeros((10, len(UNITS["first"])))
    for class_ in np.unique(predicted):
        by_class[class_] = scores[predicted == class_].mean(axis=0)
    arrays = arrays_of(found, "first")
    assert found.head.effect_pictures == PICTURES
    for unit in range(len(UNITS["first"])):
        classes, effects = ranked(by_class[:, unit])
        assert arrays.effect_classes[unit].tolist() == classes.tolist()
        np.testing.assert_allclose(arrays.effects[unit], effects, rtol=1e-3, atol=1e-6)


# ---- sheets, names, classes


def test_a_tile_is_the_crop_of_its_picture(found: Examples, photos: list[Path]) -> None:
    head = found.head.layers[1]
    arrays = found.arrays(head)
    for unit in (0, 7):
        with Image.open(found.sheet(head, int(arrays.channels[unit]))) as sheet:
            assert (sheet.format, sheet.size) == ("JPEG", (8 * 96, 7 * 96))
            pixels = np.asarray(sheet.convert("RGB"), np.float32)
        for tile in (0, 9, 30, 52):
            top, left, height, width = arrays.boxes[unit, tile]
            picture = read_pixels(photos[arrays.pictures[unit, tile]], (SIDE_PX, SIDE_PX))
            crop = Image.fromarray(picture[top : top + height, left : left + width])
            row, column = divmod(tile, 8)
            shown = pixels[row * 96 : row * 96 + 96, column * 96 : column * 96 + 96]
            far = np.abs(shown.mean(axis=(0, 1)) - np.asarray(crop, np.float32).mean(axis=(0, 1)))
            assert far.max() < 12, (unit, tile)
        assert (pixels[6 * 96 + 16 :, 5 * 96 + 16 :] > 250).all()  # white where there is no tile


def test_where_it_fired_is_brightest_at_the_crops_position(found: Examples, layer: Twin) -> None:
    [head] = [head for head in found.head.layers if head.name.startswith(layer.layer)]
    arrays = found.arrays(head)
    for unit, channel in enumerate(arrays.channels.tolist()):
        with Image.open(found.where(head, channel)) as image:
            assert (image.mode, image.size) == ("L", (8 * 16, 7 * 16))
            cells = np.asarray(image)
        fired = layer.values[arrays.pictures[unit, 0], unit] > 0
        if layer.layer == "classes":
            assert (cells[:16, :16] == 255).all()  # it has no places
        else:
            assert cells[:16, :16].max() >= 190 * fired


def test_pictures_that_are_shown_have_names_and_classes(
    found: Examples, photos: list[Path], labels: Path
) -> None:
    with labels.open() as file:
        names = {row["file"]: row["name"] for row in csv.DictReader(file)}
    shown = {int(n) for head in found.head.layers for n in np.unique(found.arrays(head).pictures)} - {-1}
    assert set(found.pictures) == shown
    for number, picture in found.pictures.items():
        assert picture == (number, str(photos[number]), names[photos[number].name])
    assert found.head.classes == "labels"
    assert len(found.head.class_names) > 150
    assert found.skipped == []


# ---- the same bytes, however it is worked on


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_what_was_stopped_goes_on_and_gives_the_same_bytes(
    number: int, whole: Path, place: Path, labels: Path
) -> None:
    run = place / f"stopped-{number}"
    parts = run / "examples/parts"
    process = start_fvcli(*words(place, labels, run))
    wait_until(lambda: len(list(parts.glob("0*.npz"))) >= 1, process)
    process.send_signal(number)
    _, said = process.communicate()
    assert process.returncode == (-9 if number == signal.SIGKILL else 75), said
    assert number == signal.SIGKILL or "Stopped by SIGINT" in said
    kept = len(list(parts.glob("0*.npz")))
    assert kept >= 1
    assert read_examples(run) is None
    done = fvcli(*words(place, labels, run))
    assert done.exit_code == 0, done.stderr
    if kept < 4:
        to_go = PICTURES - kept * BLOCK
        assert f"{to_go} pictures to go" in done.stderr
    assert not parts.exists()
    assert examples_files(run) == examples_files(whole)


def test_three_shards_are_merged_and_finished_without_tensorflow(
    whole: Path, place: Path, labels: Path
) -> None:
    shards = [place / f"shard-{i}" for i in (1, 2, 3)]
    for i, shard in enumerate(shards):
        done = fvcli(*words(place, labels, shard), "--shard", f"{i + 1}/3")
        assert done.exit_code == 0, done.stderr
        assert f"{shard}: {2 if i == 0 else 1} of 4 blocks of pictures worked out" in done.stdout
        given = ["--images", place / "photos.txt", "-o", shard, "--labels", labels, "--block", BLOCK]
        assert f"this finishes it: {command('examples', place / 'spec.yaml', *given)}\n" in done.stderr
    run = place / "merged"
    assert fvcli("merge", *shards, "-o", run).exit_code == 1  # no unit is rendered
    finishing = [str(word) for word in words(place, labels, run)[2:-2]]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(TESTS / "helpers/no_tensorflow"), *sys.path]),
    }
    done = subprocess.run(
        [sys.executable, "-m", "fvcli", "examples", str(run), *finishing],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert examples_files(run) == examples_files(whole)
    assert links_files(run) == links_files(whole)


def links_files(run: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (run / "links").iterdir()}


def test_weights_between_the_units_are_looked_up_once(whole: Path, place: Path, labels: Path) -> None:
    links = read_links(whole)
    assert links is not None
    assert [layer.channels.tolist() for layer in links.layers.values()] == list(map(list, UNITS.values()))
    run = place / "once"
    first = fvcli(*words(place, labels, run), "--shard", "1/2")
    second = fvcli(*words(place, labels, run), "--shard", "2/2")
    said = "looking up the weights between units"
    assert (first.stderr.count(said), second.stderr.count(said)) == (1, 0)
    assert links_files(run) == links_files(whole)


@pytest.mark.parametrize("how", ["damaged", "gone"])
def test_links_of_finished_examples_are_mended_alone(
    whole: Path, place: Path, labels: Path, tmp_path: Path, how: str
) -> None:
    shutil.copytree(whole, run := tmp_path / "run")
    if how == "damaged":
        (run / "links/links.json").write_text("{")
    else:
        shutil.rmtree(run / "links")
    before = {file: file.stat().st_mtime_ns for file in (run / "examples").rglob("*")}
    mended = fvcli(*words(place, labels, run))
    assert mended.exit_code == 0, mended.stderr
    assert "looking up the weights between units" in mended.stderr
    assert f"{PICTURES} pictures" in mended.stdout
    assert links_files(run) == links_files(whole)
    assert {file: file.stat().st_mtime_ns for file in (run / "examples").rglob("*")} == before
    assert fvcli(*words(place, labels, run)).stdout == f"{run}: nothing was left to do\n"


def test_shards_in_one_run_are_finished_by_the_last(whole: Path, place: Path, labels: Path) -> None:
    run = place / "together"
    assert fvcli(*words(place, labels, run), "--shard", "2/2").exit_code == 0
    assert read_examples(run) is None
    assert fvcli(*words(place, labels, run), "--shard", "1/2").exit_code == 0
    assert examples_files(run) == examples_files(whole)


def test_finished_examples_are_left_alone_and_others_refused(
    whole: Path, place: Path, labels: Path, tmp_path: Path
) -> None:
    before = examples_files(whole)
    done = fvcli(*words(place, labels, whole))
    assert (done.exit_code, done.stdout) == (0, f"{whole}: nothing was left to do\n")
    done = fvcli("examples", whole, "--images", place / "photos.txt", "--block", str(BLOCK))
    assert done.exit_code == 2
    assert "differs from what is asked for in the classes of the pictures: add --again" in done.stderr
    shutil.copytree(whole, tmp_path / "run")
    some = tmp_path / "some.txt"
    some.write_text("\n".join((place / "photos.txt").read_text().splitlines()[:20]))
    again = fvcli("examples", tmp_path / "run", "--images", some, "--again")
    assert again.exit_code == 0, again.stderr
    found = read_examples(tmp_path / "run")
    assert found is not None
    assert found.head.pictures == 20
    assert examples_files(whole) == before


def test_parts_of_other_pictures_are_not_merged(place: Path, labels: Path, tmp_path: Path) -> None:
    some = tmp_path / "some.txt"
    some.write_text("\n".join((place / "photos.txt").read_text().splitlines()[:20]))
    for name, images in (("a", some), ("b", place / "photos.txt")):
        run = tmp_path / name
        done = fvcli("examples", place / "spec.yaml", "--images", images, "-o", run, "--shard", "2/2")
        assert done.exit_code == 0, done.stderr
    done = fvcli("merge", tmp_path / "a", tmp_path / "b", "-o", tmp_path / "run")
    assert done.exit_code == 2
    assert "differ in the number of pictures, the names or sizes of the pictures" in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_run_in_an_object_store_has_the_same_bytes(whole: Path, place: Path, labels: Path) -> None:
    import s3fs

    with bucket() as address:
        done = fvcli(*words(place, labels, Path("x"))[:-1], f"{address}/run")
        assert done.exit_code == 0, done.stderr
        store = s3fs.S3FileSystem(skip_instance_cache=True)
        found = {
            name.partition("/run/examples/")[2]: store.cat_file(name)
            for name in store.find("bucket/run/examples")
        }
    assert found == examples_files(whole)


# ---- damaged files


def damaged(folder: Path, good: Path) -> dict[str, str]:
    """Plant 50 files that cannot be read among pictures; return their names and what is said of them."""
    content = good.read_bytes()
    kinds: list[tuple[Callable[[int], bytes], str]] = [
        (lambda _: b"", "not a picture"),
        (lambda i: content[: 2000 + i], "damaged"),
        (lambda i: b"\xff\xd8" + bytes([i]) * 500, "not a picture|damaged"),
        (lambda _: b"GIF89a" + b"\0" * 20, "damaged|not a picture"),
        (lambda i: bytes(range(256)) * (i + 1), "not a picture"),
    ]
    planted = {}
    for i in range(50):
        make, said = kinds[i % len(kinds)]
        name = f"{i:04d}_x.{('jpg', 'png', 'webp')[i % 3]}"
        (folder / name).write_bytes(make(i))
        planted[name] = said
    return planted


def test_damaged_files_are_listed_and_change_nothing(place: Path, photos: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for photo in photos[:100]:
        (folder / photo.name).symlink_to(photo)
    given = ["examples", place / "spec.yaml", "--images", folder, "--block", "64", "-o"]
    assert fvcli(*given, tmp_path / "clean").exit_code == 0
    planted = damaged(folder, photos[0])
    (folder / ".hidden.jpg").write_bytes(b"")
    (folder / "notes.md").write_text("")
    done = fvcli(*given, tmp_path / "run")
    assert done.exit_code == 0, done.stderr
    assert "left out 1 file of another kind and 1 hidden file" in done.stderr
    assert "50 files could not be read" in done.stderr
    clean, run = read_examples(tmp_path / "clean"), read_examples(tmp_path / "run")
    assert clean is not None
    assert run is not None
    assert {file.name for file in run.skipped} == set(planted)
    assert all(re.search(planted[file.name], file.reason) for file in run.skipped), run.skipped
    assert (run.head.pictures, run.head.skipped) == (100, 50)
    for before, after in zip(clean.head.layers, run.head.layers, strict=True):
        was, now = clean.arrays(before), run.arrays(after)
        for name in ("values", "boxes", "quantiles", "bin_edges", "histogram", "max", "min", "vectors"):
            np.testing.assert_array_equal(getattr(was, name), getattr(now, name), name)
        for name in ("mean", "density", "fires", "effects"):  # summed in another order
            np.testing.assert_allclose(getattr(was, name), getattr(now, name), rtol=1e-6)
        names = [clean.pictures[n].name for n in was.pictures.ravel().tolist()]
        assert names == [run.pictures[n].name for n in now.pictures.ravel().tolist()]
        for channel in was.channels.tolist():
            for file in (Examples.sheet, Examples.where):
                assert file(clean, before, channel).read_bytes() == file(run, after, channel).read_bytes()


def test_no_picture_that_can_be_read_is_an_error(place: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(b"no")
    done = fvcli("examples", place / "spec.yaml", "--images", folder, "-o", tmp_path / "run")
    assert done.exit_code == 1
    assert (
        "none of 1 pictures could be read: the first is a.jpg: not a picture that can be read" in done.stderr
    )
    Image.new("RGB", (80, 70)).save(folder / "a.jpg")  # once it is mended it goes on
    assert fvcli("examples", tmp_path / "run", "--images", folder).exit_code == 0


# ---- films, folders, mistakes


def test_of_a_film_the_top_are_a_second_apart(place: Path, tmp_path: Path) -> None:
    brightness = [50 + 2 * (i % 50) for i in range(150)]  # brightest at 4.9 s, 9.9 s and 14.9 s
    frames = [np.full((64, 64, 3), value, np.uint8) for value in brightness]
    film = tmp_path / "film.webp"
    film.write_bytes(encode_movie(frames, "webp", 10.0))
    given = ["examples", place / "spec.yaml", "--images", film, "--block", "40"]
    assert fvcli(*given, "-o", tmp_path / "run").exit_code == 0
    found = read_examples(tmp_path / "run")
    assert found is not None
    assert found.head.video is not None
    assert (found.head.video.fps, found.head.video.frames) == (10.0, 150)
    for head in found.head.layers:
        arrays = found.arrays(head)
        for unit in range(len(arrays.channels)):
            top = [n for n in arrays.pictures[unit, TOP_TILES].tolist() if n >= 0]
            assert all(abs(a - b) >= 10 for i, a in enumerate(top) for b in top[:i])
            assert 7 <= len(top) <= 15
            assert arrays.values[unit, 0] == arrays.max[unit]
    number = int(found.arrays(found.head.layers[0]).pictures[0, 0])
    assert found.time_s(number) == number / 10
    assert found.pictures[number].name == f"0:{number / 10:05.2f}"
    for i in (1, 2):
        assert fvcli(*given, "-o", tmp_path / "parted", "--shard", f"{i}/2").exit_code == 0
    assert examples_files(tmp_path / "parted") == examples_files(tmp_path / "run")


def test_a_film_of_varying_pace_is_timed_by_its_frames(place: Path, tmp_path: Path) -> None:
    # 30 frames in 0.3 s, 10 that are shown for 2 s each, 30 in 3 s; the mean pace is 3 a second
    times = np.cumsum([0.0, *[0.01] * 30, *[2.0] * 10, *[0.1] * 29]).round(3)
    drawn = np.random.default_rng(5).integers(30, 220, 70)
    film = varied_film(
        tmp_path / "film.mkv", [np.full((64, 64, 3), value, np.uint8) for value in drawn], times.tolist()
    )
    done = fvcli("examples", place / "spec.yaml", "--images", film, "--block", "16", "-o", tmp_path / "run")
    assert done.exit_code == 0, done.stderr
    found = read_examples(tmp_path / "run")
    assert found is not None
    rows = [line.split("\t") for line in (tmp_path / "run/examples/pictures.tsv").read_text().splitlines()]
    assert rows[0] == ["number", "name", "class", "time_s"]
    for number, name, _, time_s in rows[1:]:
        minutes, seconds = divmod(times[int(number)], 60)
        assert name == f"{int(minutes)}:{seconds:05.2f}"
        assert float(time_s) == found.time_s(int(number)) == pytest.approx(times[int(number)])
    seconds_of = np.floor(times + 1e-6)
    for head in found.head.layers:
        arrays = found.arrays(head)
        for unit in range(len(arrays.channels)):
            top = [n for n in arrays.pictures[unit, TOP_TILES].tolist() if n >= 0]
            shown_at = times[top]
            assert all(abs(a - b) > 0.999 for i, a in enumerate(shown_at) for b in shown_at[:i])
            assert len(top) >= 11  # each of the ten that stand still, and one of the frames before them
            assert len(set(seconds_of[top])) == len(top)
            assert arrays.values[unit, 0] == arrays.max[unit]
    assert found.head.video is not None
    assert found.head.video.fps == pytest.approx(69 / times[-1])


def test_a_film_without_times_says_so(place: Path, tmp_path: Path) -> None:
    first, *others = (Image.new("RGB", (64, 64), (30 * i, 0, 0)) for i in range(8))
    film = tmp_path / "film.webp"
    first.save(film, save_all=True, append_images=others, duration=0, lossless=True)
    done = fvcli("examples", place / "spec.yaml", "--images", film, "-o", tmp_path / "run")
    assert done.exit_code == 0, done.stderr
    assert "its frames have no times in order; they are taken as shown 10 a second" in " ".join(
        done.stderr.split()
    )


def test_classes_are_folders_where_there_are_several(place: Path, photos: list[Path], tmp_path: Path) -> None:
    for kind, some in (("cats", photos[:4]), ("big/dogs", photos[4:9])):
        (tmp_path / "photos" / kind).mkdir(parents=True)
        for photo in some:
            (tmp_path / "photos" / kind / photo.name).symlink_to(photo)
    done = fvcli("examples", place / "spec.yaml", "--images", tmp_path / "photos", "-o", tmp_path / "run")
    assert done.exit_code == 0, done.stderr
    found = read_examples(tmp_path / "run")
    assert found is not None
    assert (found.head.classes, found.head.class_names) == ("folders", ("cats", "dogs"))
    assert {picture.name: picture.class_name for picture in found.pictures.values()} == {
        **{f"cats/{photo.name}": "cats" for photo in photos[:4]},
        **{f"big/dogs/{photo.name}": "dogs" for photo in photos[4:9]},
    }
    arrays = found.arrays(found.head.layers[0])
    assert (arrays.pictures[:, 9:20] == -1).all()  # there are no more pictures
    assert np.isnan(arrays.values[:, 9:20]).all()
    assert (arrays.boxes[:, 9:20] == 0).all()


def test_a_class_whose_name_is_no_utf_8(place: Path, photos: list[Path], tmp_path: Path) -> None:
    for kind, photo in ((b"caf\xe9", photos[0]), (b"tea", photos[1])):
        folder = tmp_path / "photos" / os.fsdecode(kind)
        folder.mkdir(parents=True)
        (folder / "1.jpg").symlink_to(photo)
    done = fvcli("examples", place / "spec.yaml", "--images", tmp_path / "photos", "-o", tmp_path / "run")
    assert done.exit_code == 0, done.stderr
    found = read_examples(tmp_path / "run")
    assert found is not None
    assert found.head.class_names == (r"caf\udce9", "tea")
    assert found.pictures[0] == (0, r"caf\udce9/1.jpg", r"caf\udce9")


def test_all_mistakes_are_told_at_once_and_nothing_is_written(place: Path, tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    text = json.loads((place / "spec.yaml").read_text())
    spec.write_text(json.dumps({**text, "jobs": text["jobs"][3:]}))
    given = ["--images", tmp_path / "nowhere", "--labels", tmp_path / "none.csv", "-o", tmp_path / "run"]
    done = fvcli("examples", spec, *given, "--again", "--shard", "1/2")
    assert done.exit_code == 2
    lines = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 4
    assert "no unit of this plan reads one channel" in lines[0]
    assert "nowhere: nothing there" in lines[1]
    assert "none.csv: no such file" in lines[2]
    assert "--again would remove what other shards have worked out" in lines[3]
    assert not (tmp_path / "run").exists()


def test_another_network_than_the_runs_is_refused(whole: Path, place: Path, tmp_path: Path) -> None:
    shutil.copytree(place, tmp_path / "place", ignore=lambda _, names: {n for n in names if "shard" in n})
    run = tmp_path / "place/whole"
    shutil.rmtree(run / "examples")
    plan = json.loads((run / "plan.json").read_text())
    other = tmp_path / "other.keras"
    model = keras.models.load_model(place / "net.keras")
    model.set_weights([weights + 1 for weights in model.get_weights()])
    model.save(other)
    plan["model"]["path"] = str(other)
    (run / "plan.json").write_text(json.dumps(plan))
    done = fvcli("examples", run, "--images", place / "photos.txt")
    assert done.exit_code == 2
    assert "not the weights that" in done.stderr
    assert not (run / "examples").exists()


def test_a_run_takes_no_other_output_and_no_overrides(whole: Path, place: Path) -> None:
    images = ["--images", place / "photos.txt"]
    done = fvcli("examples", whole, *images, "-o", place / "elsewhere")
    assert done.exit_code == 2
    assert "its examples are written into it" in done.stderr
    done = fvcli("examples", whole, *images, "--set", "render.steps=1")
    assert done.exit_code == 2
    assert "--set changes a spec" in done.stderr


def test_where_files_are_grey_pngs_that_readers_can_lay_over(found: Examples) -> None:
    head = found.head.layers[0]
    content = found.where(head, 0).read_bytes()
    with Image.open(io.BytesIO(content)) as image:
        assert image.format == "PNG"
        assert np.asarray(image)[6 * 16 :, 5 * 16 :].max() == 0  # nothing where there is no tile


# ---- networks that give what is no number


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_channel_that_is_no_number_is_an_error(wrong: float, place: Path, tmp_path: Path) -> None:
    model = keras.models.load_model(place / "net.keras")
    layer = model.get_layer("first_bn")
    scale, shift, mean, variance = layer.get_weights()
    shift[[3, 7]] = wrong
    layer.set_weights([scale, shift, mean, variance])
    model.save(tmp_path / "net.keras")
    spec = tmp_path / "spec.yaml"
    jobs = [{"name": "first", "layer": "first_bn", "channels": [0, 1, 3, 7]}]  # a ReLU makes 0 of NaN
    model_of = {"path": str(tmp_path / "net.keras"), "value_range": [0, 1]}
    spec.write_text(json.dumps({"model": model_of, "jobs": jobs}))
    done = fvcli("examples", spec, "--images", place / "photos.txt", "-o", tmp_path / "run")
    first = (place / "photos.txt").read_text().splitlines()[0]
    assert done.exit_code == 1
    assert f"first_bn, channels 3, 7: not finite for the picture {first}: check the model" in done.stderr
    assert not list((tmp_path / "run/examples/parts").glob("0*.npz"))
