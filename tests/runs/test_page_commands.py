"""The tutorial and the page about own models, word by word in an empty folder, with pictures of one step.

The commands of other pages are run in tests/docs/test_pages.py, where pictures are only painted.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import keras
import pytest

from tests.helpers.page_commands import run_quickly
from tests.helpers.pages import page, steps
from tests.helpers.running import sidecars


def follow(name: str, folder: Path) -> list[str]:
    """Do what a page says, in order; return what each command said."""
    said = []
    for file, text in steps(page(name)):
        if file:
            (folder / file).write_text(text)
            continue
        words = shlex.split(text)
        assert words[0] == "fvcli"
        done = run_quickly(words[1:])
        assert done.exit_code == 0, (text, done.stderr)
        said.append(done.stdout + done.stderr)
    return said


def test_the_tutorial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = follow("tutorial", tmp_path)
    shown = page("tutorial").partition("```text\n")[2].partition("```")[0]
    assert any(shown in text for text in said), "what the page shows of fvcli plan is what it prints"
    assert any("run: 4 kept, 7 new" in text for text in said)
    assert "run: 4 kept, 7 new" in page("tutorial")
    found = sidecars(tmp_path / "run")
    assert len(found) == 11
    assert {sidecar["status"] for sidecar in found.values()} == {"done"}
    assert json.loads((tmp_path / "run/units/textures/channel-0003.json").read_text())["steps"] == 1
    for file in ("index.html", "grids/textures.png"):
        assert (tmp_path / "run" / file).is_file()
        assert f"run/{file}" in page("tutorial")


@pytest.fixture(scope="module")
def own_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that fvcli does not know, with the layers that the page names."""
    keras.utils.set_random_seed(0)
    image = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(8, 3, name="conv1")(image)
    x = keras.layers.Conv2D(8, 3, strides=2, name="conv2")(keras.layers.ReLU()(x))
    classes = keras.layers.Dense(4)(keras.layers.GlobalAveragePooling2D()(x))
    path = tmp_path_factory.mktemp("own") / "my.keras"
    keras.Model(image, classes).save(path)
    return path


def test_ones_own_model(own_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(own_model.parent)
    said = follow("own-model", own_model.parent)
    assert "conv1" in said[0]
    assert "conv1" in said[1]
    assert sorted(sidecars(own_model.parent / "run")) == [
        *(f"early/channel-{channel:04d}.json" for channel in range(4)),
        *(f"late/channel-{channel:04d}.json" for channel in range(0, 8, 2)),
    ]
    assert len(sidecars(own_model.parent / "look")) == 4
