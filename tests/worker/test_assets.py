"""What units read: directions, arrays, pictures, films, and the spectra of folders of photos."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fvcli.errors import UsageError
from fvcli.media import find_stills, sha256_of_all
from fvcli.media.movie_writer import encode_movie
from fvcli.plan import TermPlan
from fvcli.worker import assets as worker_assets
from fvcli.worker.assets import Assets
from tests.helpers.picture_files import save


@pytest.fixture
def assets(tmp_path: Path) -> Callable[..., Assets]:
    """Make the assets of a run whose sources are the files of the folder, each its own sum."""

    def make(channels: int = 3, frames: int = 1) -> Assets:
        run: Any = SimpleNamespace(
            plan=SimpleNamespace(source=lambda name: SimpleNamespace(name=name, frames=frames)),
            source_path=lambda source: tmp_path / source.name,
            sources=tmp_path / "sources",
        )
        run.sources.mkdir(exist_ok=True)
        return Assets(run, channels)

    return make


# ---- directions


def vector(given: dict[str, Any], layer: str = "stem_bn", assets: Any = None) -> np.ndarray:
    made: np.ndarray = (assets or Assets(None, 3)).vector(TermPlan("direction", layer, vector=given), 4)
    assert made.dtype == np.float32
    return made


def test_vectors_are_what_terms_say() -> None:
    assert vector({"channels": [1, 3, 1], "weights": [2.0, -1.0, 0.5]}).tolist() == [0.0, 2.5, 0.0, -1.0]
    assert vector({"values": [1, 2, 3, 4]}).tolist() == [1.0, 2.0, 3.0, 4.0]
    drawn = vector({"random": 7})
    assert np.linalg.norm(drawn) == pytest.approx(1.0)
    assert (drawn == vector({"random": 7})).all()
    assert (drawn != vector({"random": 8})).any()
    assert (drawn != vector({"random": 7}, "stem_conv")).any()


def test_random_directions_are_the_same_for_ever() -> None:
    """Pictures that people have rendered show these."""
    expected = [0.40840295, 0.25570418, -0.19475364, 0.854338]
    assert vector({"random": 7}) == pytest.approx(expected, abs=1e-6)


def test_vectors_of_a_file_are_its_row_or_all_of_it(tmp_path: Path, assets: Callable[..., Assets]) -> None:
    np.save(tmp_path / "one.npy", np.arange(4))
    np.save(tmp_path / "many.npy", np.arange(8.0).reshape(2, 4))
    made = assets()
    assert vector({"file": "many.npy", "row": 1}, assets=made).tolist() == [4.0, 5.0, 6.0, 7.0]
    assert vector({"file": "many.npy", "row": 0}, assets=made).tolist() == [0.0, 1.0, 2.0, 3.0]
    assert vector({"file": "one.npy", "row": 0}, assets=made).tolist() == [0.0, 1.0, 2.0, 3.0]


def test_each_array_is_read_from_its_own_file_once(tmp_path: Path, assets: Callable[..., Assets]) -> None:
    for name, value in (("a.npy", 1.5), ("b.npy", 2.5)):
        np.save(tmp_path / name, np.full((2, 3, 4), value))
    made = assets()
    first = made.array("a.npy")
    assert (first.dtype, first.shape, first[0, 0, 0]) == (np.float32, (2, 3, 4), 1.5)
    assert made.array("b.npy")[0, 0, 0] == 2.5
    assert made.array("a.npy") is first


# ---- pictures and films


def test_pictures_have_the_size_and_the_channels_of_the_network(
    tmp_path: Path, assets: Callable[..., Assets]
) -> None:
    """Green weighs 0.587 in grey."""
    pixels = np.zeros((12, 20, 3), np.uint8)
    pixels[:, :10] = (0, 255, 0)
    save(tmp_path / "a.png", pixels)
    found = assets().picture("a.png", (12, 20))
    assert (found.dtype, found.shape) == (np.float32, (12, 20, 3))
    np.testing.assert_array_equal(found, pixels / 255)
    grey = assets(channels=1).picture("a.png", (12, 20))
    assert grey.shape == (12, 20, 1)
    assert (grey[0, 0, 0], grey[0, -1, 0]) == (pytest.approx(0.587), 0.0)


def test_what_is_transparent_is_seen_on_grey(tmp_path: Path, assets: Callable[..., Assets]) -> None:
    save(tmp_path / "a.png", np.zeros((12, 20, 4), np.uint8))
    assert np.unique(assets().picture("a.png", (12, 20))).tolist() == [0.5]


def test_a_picture_is_read_once_for_each_size(tmp_path: Path, assets: Callable[..., Assets]) -> None:
    save(tmp_path / "a.png", np.full((12, 20, 3), 51, np.uint8))
    save(tmp_path / "b.png", np.full((12, 20, 3), 102, np.uint8))
    made = assets()
    large = made.picture("a.png", (12, 20))
    assert made.picture("a.png", (6, 10)).shape == (6, 10, 3)
    assert made.picture("b.png", (12, 20)).mean() == pytest.approx(0.4)
    assert made.picture("a.png", (12, 20)) is large


def test_of_a_film_a_picture_is_its_first_frame(tmp_path: Path, assets: Callable[..., Assets]) -> None:
    films = [np.full((12, 20, 3), value, np.uint8) for value in (51, 102)]
    (tmp_path / "film.gif").write_bytes(encode_movie(films, "gif", 10))
    found = assets(frames=2).picture("film.gif", (12, 20))
    assert found.mean() == pytest.approx(0.2, abs=1e-4)
    frames = list(assets(channels=1, frames=2).frames("film.gif", (6, 10)))
    assert [frame.shape for frame in frames] == [(6, 10, 1)] * 2
    assert [float(frame.mean()) for frame in frames] == pytest.approx([0.2, 0.4], abs=1e-4)
    assert {frame.dtype.name for frame in frames} == {"float32"}


# ---- spectra of photos


SPECTRUM_PX = (8, 12)


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Two folders with a picture each; spectra of them are small."""
    monkeypatch.setattr(worker_assets, "SPECTRUM_PX", SPECTRUM_PX)
    for name, value in (("dark", 51), ("bright", 204)):
        save(tmp_path / name / "a.png", np.full((*SPECTRUM_PX, 3), value, np.uint8))
    return str(tmp_path / "dark"), str(tmp_path / "bright")


def sum_of(folder: str) -> str:
    return sha256_of_all(find_stills(folder, None))


def test_a_spectrum_is_of_decorrelated_colours(
    folders: tuple[str, str], assets: Callable[..., Assets]
) -> None:
    """A picture of one grey has a logit of -1.386 everywhere, all of it in the frequency 0."""
    found = assets().spectrum(folders[0], sum_of(folders[0]))
    assert (found.dtype, found.shape) == (np.float32, (3, 8, 7))
    photo_colours = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
    longest = np.sqrt(0.26**2 + 0.27**2 + 0.27**2)
    colours = np.linalg.solve(photo_colours / longest, np.full(3, np.log(0.2 / 0.8)))
    assert found[:, 0, 0] == pytest.approx(np.abs(colours) * 8 * 12, rel=1e-4)
    assert found[:, 1:].max() < 1e-3
    assert found[:, :, 1:].max() < 1e-3


def test_each_folder_has_a_spectrum_of_its_own(
    folders: tuple[str, str], assets: Callable[..., Assets], tmp_path: Path
) -> None:
    """One of a folder that has changed is worked out anew; what was worked out once is only read."""
    made = assets()
    save(Path(folders[1]) / "b.png", np.full((*SPECTRUM_PX, 3), 153, np.uint8))
    sums = [sum_of(folder) for folder in folders]
    dark, bright = (made.spectrum(folder, sha256) for folder, sha256 in zip(folders, sums, strict=True))
    ratio = (np.log(0.8 / 0.2) + np.log(0.6 / 0.4)) / 2 / np.log(0.8 / 0.2)  # the mean of two pictures
    assert bright[0, 0, 0] / dark[0, 0, 0] == pytest.approx(ratio, rel=1e-4)
    kept = {path.name for path in (tmp_path / "sources").iterdir()}
    assert kept == {f"spectrum-{sha256[:8]}.npy" for sha256 in sums}
    save(Path(folders[0]) / "a.png", np.full((*SPECTRUM_PX, 3), 153, np.uint8))
    np.testing.assert_array_equal(made.spectrum(folders[0], sums[0]), dark)
    changed = made.spectrum(folders[0], sum_of(folders[0]))
    assert changed[0, 0, 0] / dark[0, 0, 0] == pytest.approx(np.log(1.5) / np.log(4), rel=1e-4)


def test_a_folder_that_is_another_one_than_was_planned_with_is_refused(
    folders: tuple[str, str], assets: Callable[..., Assets], tmp_path: Path
) -> None:
    planned = sum_of(folders[0])
    save(Path(folders[0]) / "b.png", np.full((*SPECTRUM_PX, 3), 153, np.uint8))
    with pytest.raises(UsageError, match=f"dark: SHA-256 is .*, expected {planned[:16]}"):
        assets().spectrum(folders[0], planned)
    assert list((tmp_path / "sources").iterdir()) == []
