"""Pictures that a spec names: found, named, checked; bombs, damaged and foreign files are refused."""

from __future__ import annotations

import hashlib
import os
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
from PIL import Image

from fvcli.errors import UsageError
from fvcli.media import (
    find_array,
    find_pictures,
    formats,
    left_out,
    movie_facts,
    read_frames,
    read_picture_sized,
)
from fvcli.media.ffmpeg import ffmpeg
from fvcli.media.movie_writer import encode_movie
from tests.helpers.picture_files import noise, refused, save

# A suffix of each format that Pillow reads, and writes from noise.
SAVED = (
    "apng", "avif", "bmp", "bw", "dds", "dib", "gif", "heic", "hif", "ico", "j2k", "jfif", "jp2", "jpe",
    "jpeg", "jpg", "jpx", "pcx", "pfm", "pgm", "png", "pnm", "ppm", "qoi", "rgb", "sgi", "tga", "tif",
    "tiff", "webp",
)  # fmt: skip


def names(entry: str, beside: Path | None) -> list[str]:
    return [facts.name for facts in find_pictures(entry, beside)]


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


def test_all_files_of_a_folder_that_are_damaged_are_named_at_once(folder: Path) -> None:
    save(folder / "photos" / "good.png")
    whole = save(folder / "whole.png", noise(32, 32)).read_bytes()
    (folder / "photos" / "cut.png").write_bytes(whole[:200])
    (folder / "photos" / "text.jpg").write_text("no picture")
    said = refused("photos", folder, find_pictures)
    assert f"{folder / 'photos/cut.png'}: damaged (" in said
    assert said.endswith(
        f", {folder / 'photos/text.jpg'}: not a picture that can be read: mend these files or take them away"
    )


@pytest.mark.parametrize(
    ("name", "opacity", "is_transparent"),
    [("a.png", 255, False), ("a.png", 254, True), ("a.webp", 0, True), ("a.tif", 255, False)],
)
def test_what_is_seen_through_is_known(name: str, opacity: int, is_transparent: bool, folder: Path) -> None:
    pixels = np.full((32, 32, 4), 255, np.uint8)
    pixels[3, 4, 3] = opacity
    Image.fromarray(pixels).save(folder / name)
    (facts,) = find_pictures(name, folder)
    assert facts.is_transparent == is_transparent


def test_a_folder_gives_its_pictures_by_name(folder: Path) -> None:
    for name in ("b.png", "a.jpg", "C.webp", ".hidden.png", "deeper/d.png"):
        save(folder / "photos" / name)
    (folder / "photos" / "notes.txt").write_text("no picture")
    assert names("photos", folder) == ["C", "a", "b"]
    assert names("photos/*.png", folder) == ["b"]
    assert names("photos/*", folder) == ["C", "a", "b"]
    assert names("photos/**/*.png", folder) == ["b", "d"]


@pytest.mark.parametrize("suffix", SAVED)
def test_a_folder_gives_all_that_pillow_reads(suffix: str, folder: Path) -> None:
    path = save(folder / f"a.{suffix.upper()}", noise(32, 32))
    (facts,) = find_pictures(".", folder)
    assert (facts.name, facts.height_px, facts.frames) == ("a", 32, 1)
    assert read_picture_sized(path, None).shape == (32, 32, 3)
    assert left_out(".", folder) == ""


@pytest.mark.parametrize(
    "name", ["a.txt", "a.json", "Thumbs.db", ".DS_Store", ".hidden.heic", "LICENSE", "a.NPY"]
)
def test_what_nobody_takes_for_a_picture_needs_no_word(name: str, folder: Path) -> None:
    save(folder / "a.png")
    (folder / name).write_text("x")
    assert (names(".", folder), left_out(".", folder)) == (["a"], "")


def test_what_is_left_out_is_said_with_what_helps(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "readable_formats", lambda: ("JPEG", "PNG"))  # as without a plugin
    formats._suffixes.cache_clear()
    save(folder / "photos" / "a.png")
    for name in ("b.heic", "c.svg", "d.cr2", "e.dng", "notes.txt"):
        (folder / "photos" / name).write_bytes(b"x")
    said = "photos: left out 4 files that cannot be read (b.heic, c.svg, d.cr2 and 1 more file; for HEIC: "
    hint = "pip install 'fvcli[heic]', or convert them to JPEG)"
    assert left_out("photos", folder) == said + hint
    assert left_out("photos/*", folder).startswith("photos/*: left out 4 files")
    assert left_out("photos/a.png", folder) == left_out("photos/*.png", folder) == ""
    (folder / "photos" / "deeper").mkdir()
    assert left_out("photos", folder).endswith(" and 1 folder inside (for what is in them: photos/**/*)")
    (folder / "photos" / "a.png").unlink()
    assert "b.heic, c.svg, d.cr2 and 1 more file cannot be read; for HEIC: " in refused(
        "photos", folder, find_pictures
    )
    assert "'fvcli[heic]'" in refused("photos/b.heic", folder, find_pictures)
    formats._suffixes.cache_clear()


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
    assert "no picture that can be read" in refused("photos", folder, find_pictures)


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
    suffix=st.sampled_from(SAVED),
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
