"""Look into an HDF5 file in a process of its own, which may crash or run forever without harm."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import IO, Any

from fvcli.errors import FvcliError
from fvcli.models.files import keras_hdf5
from fvcli.models.files.keras_hdf5 import COPY_AGAIN, Contents

MAX_SECONDS = 20  # of computing; a file of Keras's takes a part of one
BYTES_PER_SECOND = 50_000_000  # what a packed file may take beyond
OUT_OF_TIME = {-signal.SIGXCPU, -signal.SIGKILL}


def look_in_subprocess(file: IO[bytes], what: str) -> Contents:
    """Return what a file has, as ``keras_hdf5.look_into`` does.

    Args:
        file: The file, open for reading; one that the system knows.
        what: What to call it in messages.

    Raises:
        FvcliError: It is damaged, leads elsewhere, or declares more than is there.
    """
    seconds = MAX_SECONDS + os.fstat(file.fileno()).st_size // BYTES_PER_SECOND
    command = [sys.executable, keras_hdf5.__file__, str(seconds)]
    done = subprocess.run(command, stdin=file, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FvcliError(f"{what}: {_failure(done)}", COPY_AGAIN)
    answer = json.loads(done.stdout)
    if "sentence" in answer:
        raise FvcliError(f"{what}: {answer['sentence']}", answer["hint"])
    return _contents(answer)


def _failure(done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode in OUT_OF_TIME:
        return "the HDF5 library does not come to an end with it"
    if done.returncode < 0:
        return f"the HDF5 library crashes on it ({signal.Signals(-done.returncode).name})"
    lines = done.stderr.split("\n")
    return f"it cannot be looked into ({next((line for line in lines[::-1] if line), 'no reason given')})"


def _contents(answer: dict[str, Any]) -> Contents:
    """Make shapes tuples again, which JSON has not."""
    layers = answer["by_layer"]
    return Contents(
        answer["description"],
        layers and [(name, [tuple(shape) for shape in shapes]) for name, shapes in layers],
        {path: tuple(shape) for path, shape in answer["by_path"].items()},
        answer["version"],
    )
