"""Frames of films that are not finished: kept whole or not at all, taken up again, and removed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fvcli.app.plan_spec import plan_of_spec
from fvcli.errors import FvcliError
from fvcli.run import RunFolder
from fvcli.run.layout import FILMS
from fvcli.run.unfinished_films import KeptFrames, forget_frames
from tests.helpers.painting import paint
from tests.helpers.running import SMALL_SPEC, fvcli, write_spec

SHAPE = (4, 5, 3)


def frame(number: int) -> np.ndarray:
    return np.full(SHAPE, number, np.uint8)


def dream(number: int) -> np.ndarray:
    return np.full(SHAPE, number / 7, np.float32)


def kept(run: Path, count: int, key: str = "a", fingerprint: str = "f") -> KeptFrames:
    frames = KeptFrames(run, key, fingerprint, SHAPE)
    for number in range(count):
        frames.keep(frame(number), dream(number))
    return frames


def names(run: Path) -> list[str]:
    return sorted(str(path.relative_to(run / FILMS)) for path in (run / FILMS).rglob("*.npy"))


def test_frames_are_taken_up_behind_the_last_one(tmp_path: Path) -> None:
    assert len(kept(tmp_path, 3)) == 3
    assert names(tmp_path) == ["a-f/00000.npy", "a-f/00001.npy", "a-f/00002-dream.npy", "a-f/00002.npy"]
    again = KeptFrames(tmp_path, "a", "f", SHAPE)
    np.testing.assert_array_equal(again.go_on(), dream(2))
    assert len(again) == 3
    np.testing.assert_array_equal(list(again), [frame(i) for i in range(3)])
    with pytest.raises(IndexError):
        again[3]


@pytest.mark.parametrize(
    ("key", "fingerprint", "shape"), [("b", "f", SHAPE), ("a", "g", SHAPE), ("a", "f", (4, 6, 3))]
)
def test_frames_of_another_unit_machine_or_size_are_not(
    key: str, fingerprint: str, shape: tuple[int, ...], tmp_path: Path
) -> None:
    kept(tmp_path, 2)
    other = KeptFrames(tmp_path, key, fingerprint, shape)
    assert other.go_on() is None
    assert len(other) == 0


def test_a_kill_between_a_frame_and_its_dream_costs_that_frame(tmp_path: Path) -> None:
    """The dream of the frame before is removed last."""
    kept(tmp_path, 2)
    folder = tmp_path / FILMS / "a-f"
    np.save(folder / "00002.npy", frame(2))
    again = KeptFrames(tmp_path, "a", "f", SHAPE)
    np.testing.assert_array_equal(again.go_on(), dream(1))
    np.save(folder / "00002-dream.npy", dream(2))  # and 00001-dream.npy is still there
    np.testing.assert_array_equal(again.go_on(), dream(2))
    assert len(again) == 3


def test_what_is_damaged_is_not_taken_up(tmp_path: Path) -> None:
    kept(tmp_path, 2)
    folder = tmp_path / FILMS / "a-f"
    (folder / "00001-dream.npy").write_bytes((folder / "00001-dream.npy").read_bytes()[:-9])
    assert KeptFrames(tmp_path, "a", "f", SHAPE).go_on() is None
    frames = kept(tmp_path, 2)
    (folder / "00000.npy").unlink()
    assert KeptFrames(tmp_path, "a", "f", SHAPE).go_on() is None
    with pytest.raises(FvcliError, match=r"00000\.npy: a frame of a film cannot be read"):
        list(frames)


def test_frames_before_a_damaged_one_are_not_taken_up_either(tmp_path: Path) -> None:
    kept(tmp_path, 3)
    place = next((tmp_path / FILMS).rglob("*1.npy"))
    place.write_bytes(place.read_bytes()[:-5])
    frames = KeptFrames(tmp_path, "a", "f", SHAPE)
    assert (frames.go_on(), len(frames)) == (None, 0)


def test_frames_are_forgotten_by_unit(tmp_path: Path) -> None:
    kept(tmp_path, 1, "a", "f")
    kept(tmp_path, 1, "a", "g")
    kept(tmp_path, 1, "ab", "f")
    forget_frames(tmp_path, "a")
    assert names(tmp_path) == ["ab-f/00000-dream.npy", "ab-f/00000.npy"]
    forget_frames(tmp_path / "nowhere", "a")


def test_a_run_that_begins_keeps_frames_of_what_is_still_to_be_rendered(tmp_path: Path) -> None:
    """Those of finished units and of other plans go; status and merge do not see any of them."""
    spec, run = write_spec(tmp_path), tmp_path / "run"
    plan = plan_of_spec(str(spec), []).plan
    with RunFolder.begin(run, plan, SMALL_SPEC) as folder:
        paint(folder, plan.units[0])
    for key in (plan.units[0].key, plan.units[1].key, "0123456789abcdef"):
        kept(run, 1, key)
    assert "edges        1" in fvcli("status", run).stdout
    assert fvcli("merge", run, "-o", tmp_path / "merged").exit_code == 1  # units are lacking
    assert not (tmp_path / "merged" / FILMS).exists()
    with RunFolder.begin(run, plan, SMALL_SPEC):
        pass
    assert names(run) == [f"{plan.units[1].key}-f/00000-dream.npy", f"{plan.units[1].key}-f/00000.npy"]
