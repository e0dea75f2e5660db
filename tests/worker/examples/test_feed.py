"""Pictures that are fed to the network: damaged ones leave their place empty, missing ones are an error."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from fvcli.errors import FvcliError
from fvcli.media import list_pictures
from fvcli.worker.examples.feed import Fed, feed, first_readable, refuse_a_lost_disk, refuse_lost
from tests.helpers.picture_files import save


def fed_of(folder: Path, lost: str | None) -> tuple[Fed, Path]:
    """Return a batch of a good, a damaged and perhaps a lost picture, and the path of the last."""
    for name in ("a.png", "c.png"):
        save(folder / name)
    (folder / "b.png").write_bytes(b"no")
    pictures = list_pictures(folder)
    if lost is not None:
        (folder / lost).unlink()
    [batch] = feed(pictures, [range(3)], 4, (8, 8), 3)
    refuse_lost(batch, pictures)
    return batch, folder


def test_a_damaged_picture_leaves_its_place_empty(tmp_path: Path) -> None:
    batch, _ = fed_of(tmp_path, None)
    assert batch.numbers.tolist() == [0, 1, 2, -1]
    assert batch.is_read.tolist() == [True, False, True, False]
    assert batch.errors.tolist() == [0, 0, 0, 0]
    assert "not a picture" in batch.reasons[1]


def test_a_picture_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FvcliError, match=r"c\.png: No such file or directory; it was there before: bring"):
        fed_of(tmp_path, "c.png")


def test_what_the_system_refuses_is_told_by_its_number(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    (tmp_path / "b.png").mkdir()
    (tmp_path / "list.txt").write_text(f"{tmp_path}/a.png\n{tmp_path}/b.png\n")
    [batch] = feed(list_pictures(tmp_path / "list.txt"), [range(2)], 2, (8, 8), 3)
    assert batch.errors.tolist() == [0, errno.EISDIR]


def test_most_of_a_block_refused_is_a_lost_disk() -> None:
    refuse_a_lost_disk("photos", 2, 4)
    with pytest.raises(FvcliError, match="photos: the system refused to read 3 of 4 pictures in a row"):
        refuse_a_lost_disk("photos", 3, 4)


def test_the_first_that_can_be_read_are_decoded_once(tmp_path: Path) -> None:
    fed_of(tmp_path, None)
    pictures = list_pictures(tmp_path)
    numbers, found = first_readable(pictures, [1, 2, 0], 2, (8, 8), 3)
    assert numbers == list(found) == [2, 0]  # 1 is damaged, so that the next takes its place
    assert first_readable(pictures, [1, 2, 0], 1, (8, 8), 3)[0] == [2]
    assert first_readable(pictures, [1, 2, 0], 9, (8, 8), 3)[0] == [2, 0]
    numbers, large = first_readable(pictures, [2, 0], 2, (5000, 5000), 3)
    assert (numbers, list(large)) == ([2, 0], [2])  # there is no room to keep the other decoded
    for path in (tmp_path / "a.png", tmp_path / "c.png"):
        path.unlink()
    [batch] = feed(pictures, [range(3)], 4, (8, 8), 3, found)
    assert batch.is_read.tolist() == [True, False, True, False]
    for place, number in enumerate((0, 2)):
        assert (batch.images.numpy()[2 * place] == found[number]).all()


def test_a_picture_that_is_gone_before_it_is_drawn_is_an_error(tmp_path: Path) -> None:
    fed_of(tmp_path, None)
    pictures = list_pictures(tmp_path)
    (tmp_path / "c.png").unlink()
    with pytest.raises(FvcliError, match=r"c\.png: No such file or directory; it was there before: bring"):
        first_readable(pictures, [2, 1, 0], 2, (8, 8), 3)
