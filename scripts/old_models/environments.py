"""Environments with old versions of Keras and TensorFlow, each made by the Python that they need."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

RECIPES = Path(__file__).resolve().parent
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}


class MissingError(Exception):
    """Says what an environment needs that is not here."""


@dataclass(frozen=True)
class Version:
    """What writes models.

    python: Its Python, such as ``3.7``.
    packages: What pip installs; with what TensorFlow would get too new otherwise.
    recipe: The file in this folder that its Python runs.
    """

    python: str
    packages: tuple[str, ...]
    recipe: str


WITH_TF_1 = ("tensorflow==1.15.5", "keras==2.2.4", "protobuf<3.21", "h5py<3", "numpy<1.19")
VERSIONS = {
    "keras224": Version("3.7", WITH_TF_1, "keras_2_2.py"),
    "tf115": Version("3.7", WITH_TF_1, "tf_1_15.py"),
    "tf24": Version("3.8", ("tensorflow==2.4.4", "protobuf<3.21", "numpy<1.20"), "tf_2_4.py"),
    "tf215": Version("3.11", ("tensorflow-cpu==2.15.1",), "tf_2_15.py"),
}


def find_python(version: str) -> Path:
    """Return a Python of a version: of pyenv, or on the PATH.

    Raises:
        MissingError: There is none; the message says how to get it.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for place in sorted(pyenv.glob(f"versions/{version}.*/bin/python"), reverse=True):
        return place
    found = shutil.which(f"python{version}")
    if found is None:
        raise MissingError(
            f"there is no python{version}, neither of pyenv nor on the PATH: pyenv install {version}"
        )
    return Path(found)


def python_with(version: Version, folder: Path) -> Path:
    """Return the Python of an environment, which is made first if it is not there.

    Raises:
        MissingError: The Python is not there, or pip cannot install the packages.
    """
    python, stamp = folder / "bin" / "python", folder / "installed"
    wanted = "\n".join(version.packages)
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    print(f"Installing {version.packages[0]} into {folder}", file=sys.stderr)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    commands = (
        [str(find_python(version.python)), "-m", "venv", "--clear", str(folder)],
        [*pip, "--upgrade", "pip<24"],  # those that came with old Pythons do not find wheels
        [*pip, *version.packages],
    )
    for command in commands:
        if subprocess.run(command, check=False).returncode:
            raise MissingError(f"this failed, and its message is above: {' '.join(command)}")
    stamp.write_text(wanted)
    return python


def run_recipe(python: Path, recipe: str, folder: Path) -> bool:
    """Write the models of a recipe; return whether all could be written."""
    command = [str(python), str(RECIPES / recipe), str(folder)]
    return subprocess.run(command, check=False, env={**os.environ, **QUIET}).returncode == 0
