"""scripts/old-models: what it would write, and what it says where a Python is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from old_models.environments import RECIPES, VERSIONS
from old_models.listing import kinds_of, write_readme

SCRIPT = RECIPES.parent / "old-models"


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_every_recipe_is_listed_and_no_two_write_the_same_file() -> None:
    recipes = {version.recipe for version in VERSIONS.values()}
    assert recipes == {"keras_2_2.py", "tf_1_15.py", "tf_2_4.py", "tf_2_15.py"}
    done = run("--list", "--only", "tf24", "--only", "keras224")
    assert done.returncode == 0
    assert "functions-tf24.h5: TensorFlow's functions as layers" in done.stdout
    assert "gru-keras224.h5: GRU of Keras 2.2: reset_after=False, hard_sigmoid" in done.stdout
    names = [name for recipe in recipes for name, _ in kinds_of(recipe)]
    assert len(names) == len(set(names)) > 100


def test_a_python_that_is_missing_is_named(tmp_path: Path) -> None:
    nowhere = {"PYENV_ROOT": str(tmp_path), "PATH": str(tmp_path)}
    words = [str(tmp_path / "models"), "--only", "tf24", "--environments", str(tmp_path / "environments")]
    done = run(*words, **nowhere)
    assert done.returncode == 1
    assert (
        "Error: tf24: there is no python3.8, neither of pyenv nor on the PATH: pyenv install 3.8"
        in done.stderr
    )
    assert not (tmp_path / "models").exists()


def test_the_list_names_only_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "plain-tf24.json").touch()
    write_readme(tmp_path)
    rows = [line for line in (tmp_path / "README.md").read_text().splitlines() if "tf24" in line]
    assert rows == ["| plain-tf24.json | to_json() and save_weights() |"]
