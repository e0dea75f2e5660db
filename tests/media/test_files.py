"""Pictures and arrays that a spec names: found, checked, and read as numbers; hostile files, too."""

from __future__ import annotations

import hashlib
import os
import pickle
import struct
import subprocess
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from fvcli.errors import FvcliError, UsageError
from fvcli.media import (
    find_array,
    find_pictures,
    mean_spectrum,
    movie_facts,
    read_array,
    read_frames,
    read_picture_sized,
)
from fvcli.media.ffmpeg import ffmpeg
from fvcli.media.movie_writer import encode_movie

ORIENTATION = 0x0112  # the EXIF tag


def noise(height: int = 24, width: int = 36, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def save(path: Path, pixels: np.ndarray | None = None, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise() if pixels is None else pixels).save(path, **options)
    return path


def names(entry: str, beside: Path | None) -> list[str]:
    return [facts.name for facts in find_pictures(entry, beside)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of a spec; the working directory is another one."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (tmp_path / "specs").mkdir()
    return tmp_path / "specs"


def refused(entry: str, beside: Path | None, find: Callable[[str, Path | None], object]) -> str:
    with pytest.raises(UsageError) as caught:
        find(entry, beside)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_facts_of_a_picture(folder: Path) -> None:
    path = save(folder / "a photo (1).png")
    (facts,) = find_pictures("a photo (1).png", folder)
    assert (facts.name, facts.path) == ("a_photo_1_", str(path))
    assert facts.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (facts.height_px, facts.width_px, facts.frames, facts.fps) == (24, 36, 1, 0)


def test_beside_the_spec_comes_before_the_working_directory(folder: Path) -> None:
    here = save(Path.cwd() / "a.png")
    assert find_pictures("a.png", folder)[0].path == str(here)
    there = save(folder / "a.png")
    assert find_pictures("a.png", folder)[0].path == str(there)
    assert find_pictures("a.png", None)[0].path == str(here)
    assert find_pictures(str(here), folder)[0].path == str(here)


def test_a_folder_gives_its_pictures_by_name(folder: Path) -> None:
    for name in ("b.png", "a.jpg", "C.webp", ".hidden.png", "deeper/d.png"):
        save(folder / "photos" / name)
    (folder / "photos" / "notes.txt").write_text("no picture")
    assert names("photos", folder) == ["C", "a", "b"]
    assert names("photos/*.png", folder) == ["b"]
    assert names("photos/*", folder) == ["C", "a", "b"]
    assert names("photos/**/*.png", folder) == ["b", "d"]


def test_names_of_one_entry_differ(folder: Path) -> None:
    for name in ("a.jpg", "a.png", "a-2.png", "a b.png", "a_b.png"):
        save(folder / "photos" / name)
    assert names("photos", folder) == ["a_b", "a-2", "a", "a-3", "a_b-2"]


@pytest.mark.parametrize(
    ("stem", "name"),
    [("._-", "unnamed"), ("-rf", "rf"), ("\u732b", "\u732b")],
)
def test_names_are_fit_for_files(stem: str, name: str, folder: Path) -> None:
    assert names(save(folder / f"{stem}.png").name, folder) == [name]


def test_a_name_with_the_letters_of_a_pattern_is_a_name(folder: Path) -> None:
    save(folder / "a[1].png")
    assert names("a[1].png", folder) == ["a_1_"]


def test_a_folder_with_the_letters_of_a_pattern(folder: Path) -> None:
    save(folder / "[x]" / "a.png")
    assert names("*.png", folder / "[x]") == ["a"]


@pytest.mark.parametrize("entry", ["a" * 5000, "a\0b", "", "~nobody-of-this-name/a.png", "//", "[", "."])
@pytest.mark.parametrize("find", [find_pictures, find_array])
def test_strange_entries(entry: str, find: Callable[[str, Path | None], object], folder: Path) -> None:
    refused(entry, folder, find)


def test_what_is_no_file_is_not_opened(folder: Path) -> None:
    os.mkfifo(folder / "pipe.png")
    refused("pipe.png", folder, find_pictures)
    refused(".", folder, find_pictures)


def test_nothing_there_names_both_places(folder: Path) -> None:
    for entry in ("no.png", "no/*.png"):
        said = refused(entry, folder, find_pictures)
        assert str(folder / entry) in said
        assert str(Path.cwd() / entry) in said
    assert str(folder / "no.npy") in refused("no.npy", folder, find_array)


def test_a_folder_without_pictures(folder: Path) -> None:
    (folder / "photos").mkdir()
    (folder / "photos" / "notes.txt").write_text("no picture")
    assert "no picture in this folder" in refused("photos", folder, find_pictures)


def test_an_upright_picture_is_as_the_camera_was_held(folder: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # a quarter turn to the right
    pixels = np.zeros((24, 36, 3), np.uint8)
    pixels[:, :18] = 255  # on the left, thus on top
    path = save(folder / "a.png", pixels, exif=exif)
    (facts,) = find_pictures("a.png", folder)
    assert (facts.height_px, facts.width_px) == (36, 24)
    seen = read_picture_sized(path, None)
    assert seen.shape == (36, 24, 3)
    assert seen[:18].min() == 1
    assert seen[18:].max() == 0


@pytest.mark.parametrize("kind", ["mp4", "gif", "webp"])
def test_movies_are_pictures_with_frames(kind: str, folder: Path) -> None:
    content = encode_movie([noise(seed=i) for i in range(5)], kind, 12.5)  # type: ignore[arg-type]
    (folder / f"film.{kind}").write_bytes(content)
    save(folder / "still.gif")
    (film,) = find_pictures(f"film.{kind}", folder)
    assert (film.height_px, film.width_px, film.frames, film.fps) == (24, 36, 5, 12.5)
    assert names(".", folder) == ["film", "still"]
    assert find_pictures("still.gif", folder)[0].frames == 1


def test_photos_with_previews_and_documents_are_no_movies(folder: Path) -> None:
    for name, kind in (("camera.jpg", "MPO"), ("scan.tif", "TIFF")):
        pages = [Image.fromarray(noise(seed=i)) for i in range(3)]
        pages[0].save(folder / name, kind, save_all=True, append_images=pages[1:])
        assert find_pictures(name, folder)[0].frames == 1
        assert read_picture_sized(folder / name, None).shape == (24, 36, 3)


def png_head(width: int, height: int) -> bytes:
    """A PNG file that promises pixels and has none."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = b"IDAT" + zlib.compress(b"\0" * 4096)
    chunks = (struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (head, pixels))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(
    "side", [7100, 11_000, 20_000, 2**31 - 1]
)  # Pillow warns at 9,500, refuses at 13,500
def test_bombs_are_refused(side: int, folder: Path) -> None:
    (folder / "bomb.png").write_bytes(png_head(side, side))
    for find in (find_pictures, lambda entry, beside: read_picture_sized(beside / entry, (8, 8))):
        said = refused("bomb.png", folder, find)
        assert "more than 50 million pixels" in said
        assert "bomb.png" in said


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("text.png", b"this is text\n"),
        ("empty.jpg", b""),
        ("half.png", png_head(100, 100)),
        ("program.png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n"),
        ("text.mp4", b"this is text\n"),
        ("list.mp4", b"#EXTM3U\n#EXTINF:1,\n/etc/hostname\n"),
    ],
)
def test_files_that_are_no_pictures(name: str, content: bytes, folder: Path) -> None:
    (folder / name).write_bytes(content)
    save(folder / "fine.png")
    for entry in (name, "."):
        assert f"{folder / name}: " in refused(entry, folder, find_pictures)


@pytest.mark.parametrize("suffix", ["jpg", "png", "gif", "webp", "tif", "bmp"])
def test_truncated_pictures_are_found_before_they_are_needed(suffix: str, folder: Path) -> None:
    path = save(folder / f"a.{suffix}", noise(64, 64))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    for find in (find_pictures, lambda entry, beside: read_picture_sized(beside / entry, None)):
        assert str(path) in refused(path.name, folder, find)


@given(
    suffix=st.sampled_from(["jpg", "png", "gif", "webp", "tif", "bmp", "ppm", "tga"]),
    seed=st.integers(0, 10**6),
)
@settings(max_examples=200)
def test_scrambled_pictures_are_read_or_refused(
    suffix: str, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Nothing but our own error comes out, whatever is in the file."""
    path = save(tmp_path_factory.getbasetemp() / "scrambled" / f"a.{suffix}")
    chance = np.random.default_rng(seed)
    content = bytearray(path.read_bytes())
    for place in chance.integers(0, min(len(content), 200), chance.integers(1, 6)):
        content[place] = chance.integers(256)
    path.write_bytes(content)
    for read in (movie_facts, lambda p: read_picture_sized(p, (8, 8)), lambda p: list(read_frames(p))):
        with suppress(UsageError):
            read(path)


def test_videos_may_not_be_too_large_either(folder: Path) -> None:
    source = ["-f", "lavfi", "-i", "color=s=8000x7000:r=5:d=0.2", "-c:v", "mpeg4"]
    subprocess.run([ffmpeg("testing"), "-v", "error", *source, str(folder / "large.avi")], check=True)
    assert "50 million pixels" in refused("large.avi", folder, find_pictures)


def test_a_folder_is_no_picture(folder: Path) -> None:
    (folder / "a.png").mkdir()
    assert "no picture" in refused("a.png", folder, find_pictures)
    with pytest.raises(UsageError, match="Is a directory"):
        read_picture_sized(folder / "a.png", None)


def test_pixels_are_from_0_to_1(folder: Path) -> None:
    pixels = noise()
    seen = read_picture_sized(save(folder / "a.png", pixels), None)
    assert seen.dtype == np.float32
    np.testing.assert_allclose(seen, pixels / 255, atol=1e-6)


def test_what_is_transparent_is_over_mid_grey(folder: Path) -> None:
    rgba = np.dstack([noise(), np.zeros((24, 36), np.uint8)])
    np.testing.assert_array_equal(read_picture_sized(save(folder / "a.png", rgba), None), 0.5)
    rgba[..., 3] = 51
    seen = read_picture_sized(save(folder / "b.png", rgba), None)
    np.testing.assert_allclose(seen, 0.8 * 0.5 + 0.2 * rgba[..., :3] / 255, atol=1e-6)


def test_palettes(folder: Path) -> None:
    picture = Image.fromarray(noise()).quantize(16)
    picture.save(folder / "a.png")
    expected = np.asarray(picture.convert("RGB")) / 255
    np.testing.assert_allclose(read_picture_sized(folder / "a.png", None), expected, atol=1e-6)
    picture.save(folder / "b.png", transparency=3)
    clear = np.asarray(picture) == 3
    seen = read_picture_sized(folder / "b.png", None)
    assert clear.any()
    np.testing.assert_array_equal(seen[clear], 0.5)
    np.testing.assert_allclose(seen[~clear], expected[~clear], atol=1e-6)


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_16_bits_keep_their_precision(suffix: str, folder: Path) -> None:
    deep = np.linspace(0, 65535, 24 * 36).reshape(24, 36).astype(np.uint16)
    seen = read_picture_sized(save(folder / f"a.{suffix}", deep), None)
    np.testing.assert_allclose(seen, np.repeat(deep[..., None], 3, -1) / 65535, atol=1e-6)


def test_floats_are_taken_as_they_are_and_must_be_finite(folder: Path) -> None:
    real = np.linspace(-0.5, 1.5, 24 * 36, dtype=np.float32).reshape(24, 36)
    seen = read_picture_sized(save(folder / "a.tif", real), None)
    np.testing.assert_array_equal(seen[..., 0], np.clip(real, 0, 1))
    real[3, 4] = np.nan
    save(folder / "b.tif", real)
    with pytest.raises(UsageError, match="not finite"):
        read_picture_sized(folder / "b.tif", None)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "CMYK", "YCbCr"])
def test_other_kinds_of_colour(mode: str, folder: Path) -> None:
    grey = Image.fromarray(np.repeat(np.repeat(np.uint8([[0, 255], [255, 0]]), 16, 0), 16, 1))
    path = folder / ("a.png" if mode in {"1", "L", "LA"} else "a.tif" if mode == "CMYK" else "a.jpg")
    grey.convert("RGB").convert(mode).save(path)
    seen = read_picture_sized(path, None)
    assert seen.shape == (32, 32, 3)
    np.testing.assert_allclose(seen, np.repeat(np.asarray(grey)[..., None], 3, -1) / 255, atol=0.02)


def test_luminance(folder: Path) -> None:
    pixels = noise()
    seen = read_picture_sized(save(folder / "a.png", pixels), None, channels=1)
    assert seen.shape == (24, 36, 1)
    np.testing.assert_allclose(seen[..., 0], pixels / 255 @ [0.299, 0.587, 0.114], atol=1e-5)


@pytest.mark.parametrize("size_px", [(24, 24), (10, 30), (48, 24), (7, 5), (1, 1)])
@pytest.mark.parametrize("channels", [1, 3])
def test_sizes_and_ranges(size_px: tuple[int, int], channels: int, folder: Path) -> None:
    seen = read_picture_sized(save(folder / "a.png"), size_px, channels)
    assert (seen.shape, seen.dtype) == ((*size_px, channels), np.float32)
    assert 0 <= seen.min() <= seen.max() <= 1


def test_the_middle_is_cut_out_and_nothing_is_stretched(folder: Path) -> None:
    pixels = np.zeros((40, 100, 3), np.uint8)
    pixels[:, 30:70] = 255
    wide = read_picture_sized(save(folder / "a.png", pixels), (20, 20))
    np.testing.assert_allclose(wide[:, 2:-2], 1, atol=0.01)  # the kernel sees the nearest pixels outside
    tall = read_picture_sized(save(folder / "b.png", pixels.swapaxes(0, 1)), (20, 20))
    np.testing.assert_allclose(tall, wide.swapaxes(0, 1), atol=1e-6)
    same = read_picture_sized(folder / "a.png", (40, 100))
    np.testing.assert_allclose(same, pixels / 255, atol=1e-6)


def test_resampling_keeps_the_mean_and_agrees_with_pillow(folder: Path) -> None:
    pixels = 64 + noise(96, 96) // 2  # Pillow would clip between the two directions, too
    path = save(folder / "a.png", pixels)
    assert read_picture_sized(path, (24, 24)).mean() == pytest.approx(pixels.mean() / 255, abs=0.01)
    for height, width in ((24, 24), (24, 31), (50, 20), (130, 100)):
        with Image.open(path) as image:
            theirs = np.asarray(ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)) / 255
        np.testing.assert_allclose(read_picture_sized(path, (height, width)), theirs, atol=1.5 / 255)


def test_arrays(folder: Path) -> None:
    for dtype in ("float32", "float64", ">f4", "float16", "int8", "uint16", "int64"):
        array = np.arange(12).reshape(3, 4).astype(dtype)
        np.save(folder / "a.npy", array)
        facts = find_array("a.npy", folder)
        assert (facts.name, facts.path, facts.shape) == ("a", str(folder / "a.npy"), (3, 4))
        assert facts.sha256 == hashlib.sha256((folder / "a.npy").read_bytes()).hexdigest()
        seen = read_array(folder / "a.npy")
        assert seen.dtype == np.float32
        np.testing.assert_array_equal(seen, array.astype(np.float32))


def test_arrays_in_the_other_order_and_without_axes(folder: Path) -> None:
    for array in (np.asfortranarray(np.arange(12.0).reshape(3, 4)), np.float32(3)):
        np.save(folder / "a.npy", array)
        assert find_array("a.npy", folder).shape == np.shape(array)
        np.testing.assert_array_equal(read_array(folder / "a.npy"), array)


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.array([1, np.nan]), "not finite"),
        (np.array([1, np.inf], np.float32), "not finite"),
        (np.array([1, 1e300]), "not finite"),
        (np.array([1 + 2j]), "not real numbers"),
        (np.array([True]), "not real numbers"),
        (np.array(["a"]), "not real numbers"),
        (np.zeros(3, "f4,f4"), "not real numbers"),
        (np.zeros((0, 4)), "no numbers"),
        (np.array([{"a": 1}], object), "not a readable .npy"),
    ],
)
def test_arrays_of_other_things_are_refused(array: np.ndarray, reason: str, folder: Path) -> None:
    np.save(folder / "a.npy", array)
    said = refused("a.npy", folder, find_array)
    assert reason in said
    assert str(folder / "a.npy") in said


class Trap:
    """A pickle of it would write a file."""

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.write_text, (Path("trapped"), "")


@pytest.mark.parametrize("kind", ["pickle", "pickle inside", "text", "empty", "truncated", "archive"])
def test_files_that_are_no_arrays(kind: str, folder: Path) -> None:
    path = folder / "a.npy"
    np.save(path, np.array([Trap()], object) if kind == "pickle inside" else np.arange(1000.0))
    if kind == "archive":
        with path.open("wb") as file:
            np.savez(file, a=np.arange(3))
    elif kind == "truncated":
        path.write_bytes(path.read_bytes()[:4000])
    elif kind != "pickle inside":
        path.write_bytes({"pickle": pickle.dumps(Trap()), "text": b"1 2 3\n", "empty": b""}[kind])
    assert "a.npy: not a readable .npy" in refused("a.npy", folder, find_array)
    with pytest.raises(UsageError, match=r"not a readable \.npy"):
        read_array(path)
    assert not Path("trapped").exists()


@given(seed=st.integers(0, 10**6))
@settings(max_examples=100)
def test_scrambled_arrays_are_read_or_refused(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "scrambled.npy"
    np.save(path, np.arange(100, dtype=np.float32).reshape(4, 25))
    chance = np.random.default_rng(seed)
    content = bytearray(path.read_bytes())
    for place in chance.integers(0, 80, chance.integers(1, 4)):
        content[place] = chance.integers(256)
    path.write_bytes(content)
    for read in (lambda p: find_array(str(p), None), read_array):
        with suppress(UsageError):
            read(path)


def test_the_spectrum_agrees_with_its_formula(folder: Path) -> None:
    decorrelate = np.linalg.inv(np.array([[0.26, 0.09, 0.02], [0.27, 0, -0.05], [0.27, -0.09, 0.03]]))
    paths = [save(folder / f"{i}.png", noise(20, 30, seed=i)) for i in range(3)]
    seen = mean_spectrum(paths, (20, 30), decorrelate)
    assert (seen.shape, seen.dtype) == ((3, 20, 16), np.float32)
    expected = np.zeros((3, 20, 16))
    for i in range(3):
        x = np.clip(noise(20, 30, seed=i) / 255, 0.01, 0.99)
        logits = np.log(x / (1 - x))
        for channel in range(3):
            plane = sum(decorrelate[channel, k] * logits[..., k] for k in range(3))
            expected[channel] += np.abs(np.fft.fft2(plane))[:, :16] / 3
    np.testing.assert_allclose(seen, expected, rtol=1e-4, atol=1e-3)


def test_the_spectrum_of_grey_is_nothing_and_of_flat_colour_is_at_zero(folder: Path) -> None:
    grey = save(folder / "grey.tif", np.full((16, 16), 0.5, np.float32))
    np.testing.assert_allclose(mean_spectrum([grey], (16, 17), np.eye(3)), np.zeros((3, 16, 9)), atol=1e-4)
    red = save(folder / "red.png", np.full((16, 16, 3), (255, 0, 0), np.uint8))
    seen = mean_spectrum([red], (16, 16), np.eye(3))
    np.testing.assert_allclose(seen[:, 0, 0], 256 * np.log(99), rtol=1e-4)
    seen[:, 0, 0] = 0
    np.testing.assert_allclose(seen, 0, atol=1e-3)


def test_a_spectrum_of_no_pictures(folder: Path) -> None:
    with pytest.raises(FvcliError, match="no picture"):
        mean_spectrum([], (16, 16), np.eye(3))
