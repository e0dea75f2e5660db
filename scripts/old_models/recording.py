"""Write models as files, each with an input and the outputs that this version computes.

Plain code for Python 3.7 to 3.11: the Python of each old environment runs it.
"""

from __future__ import annotations

import shutil
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Kind:
    """A file to write; see ``kind`` and ``written``."""

    name: str
    build: Callable[..., Any]
    high: float = 1.0
    is_shaken: bool = True
    writes_itself: bool = False

    def write(self, path: Path) -> tuple[np.ndarray, list[np.ndarray]] | None:
        """Write the file, and return its input and outputs where there are any."""
        if self.writes_itself:
            return self.build(path)
        model = self.build()
        return save(shake(model) if self.is_shaken else model, path, self.high)


KINDS: list[Kind] = []


def kind(
    name: str, about: str, high: float = 1.0, shaken: bool = True
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function without arguments that returns a Keras model.

    Args:
        name: What it is saved as; the end says how: .h5, .keras, .json (and weights), -savedmodel, -export.
        about: What the file stands for; read from the source by scripts/old-models.
        high: The largest number of its input; the smallest is 0.
        shaken: Whether biases and statistics are given numbers, because the model is not trained.
    """

    def register(build: Callable[..., Any]) -> Callable[..., Any]:
        KINDS.append(Kind(name, build, high, shaken))
        return build

    return register


def written(name: str, about: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function that writes a file itself: path -> (input, outputs), or None without numbers."""

    def register(build: Callable[..., Any]) -> Callable[..., Any]:
        KINDS.append(Kind(name, build, writes_itself=True))
        return build

    return register


def record(out: Path, keras: Any) -> int:
    """Write all kinds of this recipe into a folder; return how many failed."""
    failed = 0
    for one in KINDS:
        np.random.seed(0)
        keras.backend.clear_session()
        try:
            if (out / one.name).is_dir():
                shutil.rmtree(str(out / one.name))  # TensorFlow 1 does not write into it again
            numbers = one.write(out / one.name)
        except Exception:  # the others are worth having
            traceback.print_exc()
            print("FAILED", one.name)
            failed += 1
            continue
        if numbers is not None:
            named = {f"y{i}": y for i, y in enumerate(numbers[1])}
            np.savez(str(out / one.name) + ".ref.npz", x=numbers[0], **named)
        print("wrote", one.name)
    return failed


def shake(model: Any) -> Any:
    """Give biases and statistics numbers as if the model had been trained; kernels stay as they began."""
    for variable in model.weights:
        called, shape = variable.name, [int(side) for side in variable.shape]
        if len(shape) > 1 or "count" in called:
            continue
        value = np.random.normal(0.0, 0.2, shape)
        if "variance" in called or "gamma" in called or "stddev" in called:
            value = np.random.uniform(0.5, 1.5, shape)
        assign(variable, value)
    return model


def assign(variable: Any, value: Any) -> None:
    """Set a variable: of TensorFlow 2, or in the session of Keras on TensorFlow 1."""
    import tensorflow as tf

    if tf.__version__.startswith("2"):
        variable.assign(value)
    else:
        (sys.modules.get("keras") or tf.keras).backend.set_value(variable, value)


def numbers_of(model: Any, high: float) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return a random picture and what the model makes of it; all other inputs are zeros."""
    tensors = (
        model.input if isinstance(getattr(model, "input", None), dict) else dict(enumerate(model.inputs))
    )
    pictures = [key for key in tensors if len(tensors[key].shape) > 2] or list(tensors)
    given = {key: batch_for(tensor, high if key == pictures[0] else 0) for key, tensor in tensors.items()}
    several = given if isinstance(model.input, dict) else list(given.values())
    outputs = model.predict(several if len(given) > 1 else given[pictures[0]], verbose=0)
    if isinstance(outputs, dict):
        outputs = list(outputs.values())
    return given[pictures[0]], [np.asarray(y) for y in (outputs if isinstance(outputs, list) else [outputs])]


def batch_for(tensor: Any, high: float) -> np.ndarray:
    """Return two random inputs of a model, from 0 to a number; sides that it leaves open are 32."""
    shape = [2] + [
        32 if side is None or str(side) in ("?", "None") else int(side) for side in tensor.shape[1:]
    ]
    as_numpy = getattr(tensor.dtype, "as_numpy_dtype", None) or np.dtype(str(tensor.dtype)).type
    return np.random.uniform(0, high, shape).astype(as_numpy)


def save(model: Any, path: Path, high: float) -> tuple[np.ndarray, list[np.ndarray]]:
    """Save a model as the end of the name says, and return its numbers."""
    numbers = numbers_of(model, high)
    if path.suffix == ".json":
        path.write_text(model.to_json())
        model.save_weights(str(path.with_name(path.stem + "-weights.h5")))
    elif path.name.endswith("-export"):
        model.export(str(path))
    elif path.name.endswith("-savedmodel"):
        model.save(str(path), save_format="tf")
    else:
        model.save(str(path))
    return numbers


def run(keras: Any) -> None:
    """Write this recipe's files into the folder that the command line names, and end the program."""
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    sys.exit(1 if record(out, keras) else 0)
