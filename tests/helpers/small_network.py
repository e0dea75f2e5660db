"""A spec of a network of two layers: with it processes start in half the time."""

from __future__ import annotations

from pathlib import Path

from tests.helpers.running import write_spec

LAYER = "second"
CHANNELS = 8
SPEC = """\
model: {{path: "{folder}/net.keras", value_range: [0, 1]}}
render: {{size_px: {size_px}, steps: {steps}, redirect_steps: 0, batch_size: {batch_size}}}
jobs:
  - {{name: edges, layer: second, channels: 0-{last}}}
"""


def save_small_network(path: Path) -> Path:
    """Save a network of two convolutions, the same each time."""
    import keras

    keras.utils.set_random_seed(0)
    pictures = keras.Input((None, None, 3))
    features = keras.layers.Conv2D(8, 5, padding="same", activation="relu", name="first")(pictures)
    channels = keras.layers.Conv2D(CHANNELS, 5, padding="same", name=LAYER)(features)
    keras.Model(pictures, channels).save(path)
    return path


def small_network_spec(
    folder: Path, units: int = 3, *, steps: int = 4, batch_size: int = 1, size_px: int = 48
) -> Path:
    """Write the spec and its network; as many batches as units, unless batch_size says otherwise."""
    save_small_network(folder / "net.keras")
    text = SPEC.format(folder=folder, size_px=size_px, steps=steps, batch_size=batch_size, last=units - 1)
    return write_spec(folder, text)
