"""Which pictures a folder, a list or a film names, their order, their classes, and what is said of others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fvcli.errors import UsageError
from fvcli.media import classes_of, encode_movie, list_pictures, read_picture_sized, read_pixels
from tests.helpers.picture_files import noise, save

# ---- names and order


def test_a_folder_has_all_pictures_below_it_by_name(tmp_path: Path) -> None:
    for name in ("b.jpg", "a/z.png", "a/b.webp", "a.bmp", "Ä.png", "a/.hidden.png", ".cache/x.png"):
        save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "film.mp4").write_bytes(b"")
    found = list_pictures(tmp_path)
    assert list(found.names) == ["a.bmp", "a/b.webp", "a/z.png", "b.jpg", "Ä.png"]
    assert found.path(1) == tmp_path / "a/b.webp"
    assert found.remark == f"{tmp_path}: left out 2 files of other kinds and 2 hidden files"


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    save(tmp_path / "photos/a.png")
    (tmp_path / "photos/again").symlink_to(tmp_path / "photos")
    assert list(list_pictures(tmp_path / "photos").names) == ["a.png"]


def test_a_list_keeps_its_order_and_counts_a_path_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("b.png", "a.png"):
        save(tmp_path / "photos" / name)
    text = f"b.png\r\n\n{tmp_path}/photos/a.png\nb.png\n"
    (tmp_path / "photos/list.txt").write_text(text)
    found = list_pictures(tmp_path / "photos/list.txt")
    assert list(found.names) == ["b.png", f"{tmp_path}/photos/a.png"]
    assert all(found.path(i).exists() for i in range(2))
    assert "1 line named a picture again" in found.remark
    (tmp_path / "list.txt").write_text("photos/a.png\n")
    monkeypatch.chdir(tmp_path)
    assert list_pictures(Path("list.txt")).path(0) == tmp_path / "photos/a.png"


def test_a_film_has_its_frames_by_time(tmp_path: Path) -> None:
    film = tmp_path / "film.webp"
    film.write_bytes(encode_movie([noise(seed=i) for i in range(5)], "webp", 4.0))
    found = list_pictures(film)
    assert list(found.names) == ["0:00.00", "0:00.25", "0:00.50", "0:00.75", "0:01.00"]
    assert found.movie is not None
    assert found.movie.fps == 4.0


def test_pictures_are_drawn_by_their_names_alone(tmp_path: Path) -> None:
    for i in range(30):
        save(tmp_path / f"{i}.png")
    before = list_pictures(tmp_path)
    drawn = [before.names[i] for i in before.drawn(10)]
    assert len(set(drawn)) == 10
    for i in range(30, 40):
        save(tmp_path / f"0{i}.png")
    after = list_pictures(tmp_path)
    assert [name for i in after.drawn(40) if (name := after.names[i]) in before.names][:10] == drawn
    assert after.digest != before.digest


def test_the_digest_tells_other_pictures_of_the_same_names_wherever_they_are(tmp_path: Path) -> None:
    digests = []
    for folder, side in (("a", 8), ("b", 8), ("c", 16)):
        for name in ("1.png", "2.png"):
            save(tmp_path / folder / name, noise(seed=1, height=side, width=side))
        digests.append(list_pictures(tmp_path / folder).digest)
    assert digests[0] == digests[1] != digests[2]


def test_the_digest_tells_films_of_one_length_and_size(tmp_path: Path) -> None:
    digests = []
    for value in (10, 200):
        film = tmp_path / f"{value}.gif"
        shown = [np.full((16, 16, 3), value + i, np.uint8) for i in range(4)]
        film.write_bytes(encode_movie(shown, "gif", 5.0))
        found = list_pictures(film)
        digests.append((found.names, found.sizes, found.digest))
    assert digests[0][:2] == digests[1][:2]
    assert digests[0][2] != digests[1][2]


def test_pictures_that_are_missing_are_told_at_once(tmp_path: Path) -> None:
    save(tmp_path / "photos/a.png")
    (tmp_path / "photos/gone.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "list.txt").write_text(f"{tmp_path}/photos/a.png\nx.png\ny.png\n")
    with pytest.raises(UsageError, match=r"photos: 1 picture not there \(gone\.png\)"):
        list_pictures(tmp_path / "photos")
    with pytest.raises(UsageError, match=r"list\.txt: 2 pictures not there \(x\.png, y\.png\)"):
        list_pictures(tmp_path / "list.txt")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda p: p / "nowhere", "nothing there"),
        (lambda p: p, "no picture in it, nor below it: give PNG"),
        (lambda p: save(p / "one.png"), "one picture: name a folder of pictures"),
        (lambda p: written(p / "list.txt", "\n"), "no path in it"),
        (lambda p: written(p / "list.txt", "x.png\n"), "x.png is neither in"),
        (lambda p: written(p / "table.csv", "x"), "neither a film nor a list"),
        (lambda p: written(p / "film.mp4", "x"), "not a readable video"),
    ],
)
def test_what_names_no_pictures_is_refused(make, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=said):
        list_pictures(make(tmp_path))


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


# ---- classes


def photos(folder: Path, *names: str) -> Path:
    for name in names:
        save(folder / name)
    return folder


def test_a_class_is_the_folder_of_a_picture(tmp_path: Path) -> None:
    pictures = list_pictures(photos(tmp_path, "a.png", "train/cat/1.png", "train/dog/2.png"))
    found = classes_of(pictures, None)
    assert [found[i] for i in range(3)] == ["", "cat", "dog"]
    assert (found.source, found.names) == ("folders", ("cat", "dog"))


def test_one_folder_is_no_class(tmp_path: Path) -> None:
    found = classes_of(list_pictures(photos(tmp_path, "a.png", "cat/1.png")), None)
    assert (found.source, found.names, found.digest, found[1]) == (None, (), "", "")


def test_labels_name_files_with_or_without_their_folders(tmp_path: Path) -> None:
    pictures = list_pictures(photos(tmp_path / "photos", "a/1.png", "b/2.png", "c/3.png"))
    table = written(
        tmp_path / "labels.csv", '\ufeffFile,x,Name\na/1.png,,"cat, big"\n2.png,,dog\nother.png,,emu\n'
    )
    found = classes_of(pictures, table)
    assert list(found.of) == ["cat, big", "dog", ""]
    assert found.names == ("cat, big", "dog")
    assert found.remark == f"{table}: no class for 1 picture (c/3.png)"


def test_labels_that_leave_a_class_open_are_refused_all_at_once(tmp_path: Path) -> None:
    pictures = list_pictures(photos(tmp_path / "photos", "a/1.png", "b/1.png", "b/2.png", "b/3.png"))
    text = "file,class\n1.png,cat\n2.png,cat\n2.png,dog\n3.png,emu\n3.png,emu\n"
    with pytest.raises(UsageError) as raised:
        classes_of(pictures, written(tmp_path / "labels.csv", text))
    assert str(raised.value).splitlines() == [
        f"{tmp_path}/labels.csv: several classes of 1 file (2.png): name each file once",
        f"{tmp_path}/labels.csv: one line is of several pictures (a/1.png, b/1.png): "
        "name files with their folders, such as a/1.png",
    ]
    text = "file,class\n1.png,cat\na/1.png,dog\n2.png,dog\n"
    found = classes_of(pictures, written(tmp_path / "labels.csv", text))
    assert list(found.of) == ["dog", "cat", "dog", ""]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "file,class\nother.png,x\n",
            "names none of the pictures of .*: it names other.png, and the pictures are",
        ),
        ("picture,kind\n", "no columns 'file' and 'class': it has: picture, kind"),
        ("", "it has: nothing"),
    ],
)
def test_labels_that_name_nothing_are_refused(text: str, said: str, tmp_path: Path) -> None:
    pictures = list_pictures(photos(tmp_path / "photos", "a.png"))
    with pytest.raises(UsageError, match=said):
        classes_of(pictures, written(tmp_path / "labels.csv", text))


# ---- pixels


@pytest.mark.parametrize("size_px", [(24, 24), (17, 40), (64, 64)])
@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_are_those_of_the_reader_of_single_pictures(
    size_px: tuple[int, int], channels: int, tmp_path: Path
) -> None:
    y, x = np.meshgrid(np.linspace(0, 255, 120), np.linspace(0, 255, 90), indexing="ij")
    smooth = np.stack([y, x, 255 - y], axis=-1).astype(np.uint8)
    path = save(tmp_path / "photo.png", smooth)
    found = read_pixels(path, size_px, channels)
    expected = read_picture_sized(path, size_px, channels) * 255
    assert (found.dtype, found.shape) == (np.uint8, (*size_px, channels))
    assert np.abs(found - expected).max() < 3
    assert np.abs(found - expected).mean() < 1


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "YCbCr"])
def test_every_kind_of_picture_is_read(mode: str, tmp_path: Path) -> None:
    suffix = {"CMYK": "jpg", "YCbCr": "jpg"}.get(mode, "png")
    path = tmp_path / f"photo.{suffix}"
    if mode == "I;16":
        Image.fromarray(np.full((40, 50), 40_000, np.uint16)).save(path)
    else:
        Image.fromarray(np.full((40, 50, 3), 200, np.uint8)).convert(mode).save(path)
    expected = read_picture_sized(path, (20, 20)) * 255
    far = np.abs(read_pixels(path, (20, 20)) - expected)
    assert far.max() <= 2 if mode != "1" else far.mean() < 6  # which is black and white dots


def test_a_photo_is_turned_upright_and_a_large_one_read_at_a_fraction(tmp_path: Path) -> None:
    wide = np.zeros((600, 1200, 3), np.uint8)
    wide[:, :600] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    path = tmp_path / "photo.jpg"
    Image.fromarray(wide).save(path, exif=exif)
    found = read_pixels(path, (64, 32)).astype(int)
    assert found[:28].min() > 250
    assert found[36:].max() < 5


def test_what_is_damaged_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "photo.png")
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(UsageError, match="damaged"):
        read_pixels(path, (8, 8))
