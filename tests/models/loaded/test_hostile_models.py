"""Model files that are broken or mean harm, by the command line: one line, no code run, nothing written."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import keras
import pytest

from tests.helpers.running import fvcli, write_spec
from tests.helpers.user_models import small_pictures

MARKER = "ran"


class _Payload:
    """Unpickled, it makes a file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return os.mkdir, (str(self.folder / MARKER),)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("good") / "good.keras"
    small_pictures().save(path)
    return path


def truncated(good: Path, folder: Path) -> Path:
    (folder / "m.keras").write_bytes(good.read_bytes()[:-2000])
    return folder / "m.keras"


def pickled(good: Path, folder: Path) -> Path:
    (folder / "m.keras").write_bytes(pickle.dumps(_Payload(folder)))
    return folder / "m.keras"


def pickled_as_frozen_graph(good: Path, folder: Path) -> Path:
    (folder / "m.pb").write_bytes(pickle.dumps(_Payload(folder)))
    return folder / "m.pb"


def of_another_framework(good: Path, folder: Path) -> Path:
    (folder / "m.h5").write_bytes(b"\x08\x07\x12\x07pytorch\x1a\x052.0.0")
    return folder / "m.h5"


def _repacked(good: Path, path: Path, name: str, content: bytes) -> Path:
    """Copy an archive with one member replaced or added."""
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            if member != name:
                new.writestr(member, old.read(member))
        new.writestr(name, content)
    return path


def path_traversal(good: Path, folder: Path) -> Path:
    return _repacked(good, folder / "m.keras", f"../{MARKER}", b"out")


def zip_bomb(good: Path, folder: Path) -> Path:
    return _repacked(good, folder / "m.keras", "model.weights.h5", bytes(300_000_000))


def with_lambda(good: Path, folder: Path) -> Path:
    image = keras.Input((8, 8, 3))
    marker = str(folder / MARKER)
    made = keras.Model(image, keras.layers.Lambda(lambda x: (__import__("os").mkdir(marker), x)[1])(image))
    shutil.rmtree(marker)  # building it has called the function
    made.save(folder / "m.keras")
    return folder / "m.keras"


def importing_config(good: Path, folder: Path) -> Path:
    """A description that asks Keras to call a function of Python's."""
    with zipfile.ZipFile(good) as archive:
        config = json.loads(archive.read("config.json"))
    config["config"]["layers"][1] |= {
        "module": "os",
        "class_name": "mkdir",
        "config": {"path": str(folder / MARKER)},
    }
    return _repacked(good, folder / "m.keras", "config.json", json.dumps(config).encode())


CASES: dict[Callable[[Path, Path], Path], str] = {
    truncated: "zip",
    pickled: "pickle",
    pickled_as_frozen_graph: "pickle",
    of_another_framework: "ONNX",
    path_traversal: MARKER,
    zip_bomb: "times",
    with_lambda: "Lambda",
    importing_config: "os",
}


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_one_line_and_no_code_run(
    make: Callable[[Path, Path], Path], good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    path = make(good, folder)
    monkeypatch.chdir(folder)
    spec = write_spec(tmp_path, f"model: {path}\njobs: [{{name: a, layer: conv2}}]\n")
    result = fvcli("render", spec, "-o", tmp_path / "run")
    assert result.exit_code == 2
    assert result.stdout == ""
    [line] = result.stderr.splitlines()
    assert line.startswith(f"Error: {spec}:1: model: {path}")
    assert CASES[make] in line
    assert "a bug in fvcli" not in line
    assert not (tmp_path / "run").exists()
    assert not list(tmp_path.rglob(MARKER))
    assert sorted(p.name for p in folder.iterdir()) == [path.name]


@pytest.mark.parametrize("command", ["layers", "inspect"])
def test_other_commands_refuse_them_as_well(command: str, good: Path, tmp_path: Path) -> None:
    path = pickled(good, tmp_path)
    result = fvcli(command, path)
    assert result.exit_code == 2
    [line] = result.stderr.splitlines()
    assert "pickle" in line
    assert not (tmp_path / MARKER).exists()


def test_unknown_and_missing_files(tmp_path: Path) -> None:
    for name, said in (("no.keras", "no such file"), ("odd.x", "a text file, which is no model that fvcli")):
        if name.startswith("odd"):
            (tmp_path / name).write_bytes(b"x")
        spec = write_spec(tmp_path, f"model: {{path: {tmp_path / name}}}\njobs: [{{name: a, layer: b}}]\n")
        result = fvcli("plan", spec)
        assert result.exit_code == 2
        [line] = result.stderr.splitlines()
        assert said in line
        assert ".keras" in line
