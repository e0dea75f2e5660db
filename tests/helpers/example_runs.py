"""Dataset examples of a small network, and the same worked out with NumPy alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import keras
import numpy as np

from fvcli.media import read_pixels
from tests.helpers.user_models import plain

SIDE_PX = 64
BLOCK = 64  # pictures of a part, so that a few hundred are several
UNITS = {"first": [0, 1, 2, 3, 5, 7], "second": list(range(12)), "classes": [1, 8]}
LOGITS = "classes_pre_activation"


def write_network_spec(folder: Path, name: str = "spec.yaml") -> Path:
    """Save the network beside a spec of 20 of its units, and of one that reads two channels."""
    if not (folder / "net.keras").exists():
        plain(SIDE_PX).save(folder / "net.keras")
    jobs = [
        {"name": "first", "layer": "first", "channels": UNITS["first"]},
        {"name": "second", "layer": "second", "channels": UNITS["second"]},
        {"name": "kinds", "objective": "class_logit", "classes": UNITS["classes"]},
        {"name": "both", "layer": "first", "objective": "direction", "vectors": [{"channels": [0, 1]}]},
    ]
    model = {"path": str(folder / "net.keras"), "value_range": [0, 1]}
    spec = folder / name
    spec.write_text(json.dumps({"model": model, "jobs": jobs}))
    return spec


def examples_files(run: Path) -> dict[str, bytes]:
    """Return all files of examples, by their places."""
    folder = run / "examples"
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@dataclass
class Twin:
    """What a layer's units say of pictures, with all maps in memory.

    network: Path of the network.
    layer: Its name in Keras.
    channels: The units.
    pictures: Files.
    """

    network: Path
    layer: str
    channels: list[int]
    pictures: list[Path]

    @cached_property
    def maps(self) -> np.ndarray:
        """Activations [pictures, h, w, units]."""
        model = keras.models.load_model(self.network)
        pixels = np.stack([read_pixels(path, (SIDE_PX, SIDE_PX)) for path in self.pictures]) / np.float32(255)
        cut = keras.Model(model.inputs, model.get_layer(self.layer).output)
        found = np.asarray(cut.predict(pixels, verbose=0))
        maps = found if found.ndim == 4 else found[:, None, None]
        return maps[..., self.channels]

    @cached_property
    def values(self) -> np.ndarray:
        """Maxima over positions [pictures, units]."""
        return self.maps.max(axis=(1, 2))

    def positions(self, picture: int, unit: int) -> tuple[int, int]:
        """Return row and column of the maximum."""
        found = np.unravel_index(self.maps[picture, ..., unit].argmax(), self.maps.shape[1:3])
        return int(found[0]), int(found[1])
