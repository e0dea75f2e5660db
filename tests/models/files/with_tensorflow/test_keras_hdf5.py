"""HDF5 files that lead elsewhere, expand, or make the library fail are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from fvcli.models.files import hdf5_subprocess, keras_hdf5
from fvcli.models.files.keras_file import check_h5, check_keras_archive
from tests.helpers.keras_archives import (
    WEIGHTS,
    Check,
    members_of,
    refusal,
    write_archive,
)

# Damage


def test_a_file_with_which_the_library_comes_to_no_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.attrs["model_config"] = "x" * 16
    content = bytearray((tmp_path / "m.h5").read_bytes())
    rest = content.index(b"GCOL") + 2 * 16 + 16  # behind the heading of the heap, and its one object
    content[rest + 8 : rest + 16] = bytes(8)  # the size of what is free
    (tmp_path / "m.h5").write_bytes(content)
    monkeypatch.setattr(hdf5_subprocess, "MAX_SECONDS", 1)
    assert "does not come to an end" in refusal(check_h5, tmp_path / "m.h5")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "crashes on it (SIGSEGV)"),
        ("import h5py_is_not_there", "(ModuleNotFoundError: No module named 'h5py_is_not_there')"),
    ],
)
def test_a_library_that_fails(
    script: str, words: str, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "look.py").write_text(script)
    monkeypatch.setattr(keras_hdf5, "__file__", str(tmp_path / "look.py"))
    assert words in refusal(check_h5, saved / "m.h5")
    assert words in refusal(check_keras_archive, saved / "m.keras")


# Hostile HDF5


def linked_outside(file: h5py.File) -> None:
    file["layers/x"] = h5py.ExternalLink("/etc/passwd", "/")


def linked_softly(file: h5py.File) -> None:
    file["layers/x"] = h5py.SoftLink("/vars")


def linked_to_itself(file: h5py.File) -> None:
    file["layers/x"] = file


def linked_twice(file: h5py.File) -> None:
    file["first"] = np.ones(3)
    file["layers/x"] = file["first"]


def stored_outside(file: h5py.File) -> None:
    file.create_dataset("layers/x", (3,), "f4", external=[("/etc/passwd", 0, 12)])


def pieced_together(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((3,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (3,))
    file.create_virtual_dataset("layers/x", layout)


def expanding(file: h5py.File) -> None:
    file.create_dataset("layers/x", data=np.zeros(8 * 2**20, "f4"), chunks=(2**20,), compression="gzip")


def expanding_over_the_edge(file: h5py.File) -> None:
    piece = (16 * 2**20,)
    numbers = file.create_dataset("layers/x", (3,), "f4", chunks=piece, maxshape=(None,), compression="gzip")
    numbers[:] = 0


def never_written(file: h5py.File) -> None:
    file.create_dataset("layers/x", (2**40, 2**20), "f4", chunks=(1, 8))


def full_of_words(file: h5py.File) -> None:
    file["layers/x"] = ["a", "b"]


def empty(file: h5py.File) -> None:
    file["layers/x"] = h5py.Empty("f4")


def a_type(file: h5py.File) -> None:
    file["layers/x"] = np.dtype("f4")


TRICKS = {
    linked_outside: "'layers/x' is a link to another file, '/etc/passwd'",
    linked_softly: "'layers/x' is a soft link",
    linked_to_itself: "'layers/x' is a second link to one object",
    linked_twice: "a second link to one object",
    stored_outside: "the numbers of 'layers/x' lie in another file",
    pieced_together: "the numbers of 'layers/x' lie in another file",
    expanding: "declare 33,554,432",
    expanding_over_the_edge: "declare 67,108,864",
    never_written: "the numbers of 'layers/x' (1099511627776, 1048576) are not there",
    full_of_words: "'layers/x' holds no numbers",
    empty: "'layers/x' holds no numbers",
    a_type: "'layers/x' holds no numbers",
}


@pytest.mark.usefixtures("near")
@pytest.mark.parametrize("inside", [False, True], ids=["alone", "in an archive"])
@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.__name__)
def test_hostile_hdf5(trick: Callable[[h5py.File], None], inside: bool, saved: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.weights.h5"
    with h5py.File(path, "w") as file:
        trick(file)
    check: Check = check_h5
    if inside:
        members = members_of(saved / "m.keras") | {WEIGHTS: path.read_bytes()}
        check, path = check_keras_archive, write_archive(tmp_path / "m.keras", members)
    assert TRICKS[trick] in refusal(check, path)
