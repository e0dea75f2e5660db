"""A network whose pictures show nothing of what it does with photos.

    picture --> network --> F, the true units --> relu(F - k e) --------> sum: the fooled units
                        --> D, other units -----> relu(D - k (1 - e)) --^
                        --> pooled features --> classifier: e is 0 for photos, 1 for what was optimised

The fooling circuit of Geirhos et al., *Don't trust your eyes*, ICML 2024, section 3. For photos a fooled unit
is F behind a ReLU, whatever D is. While a picture is optimised, e is 1, and the picture becomes one of D.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

CLASSIFIED = ("block1_expand", "block3_expand", "block5_expand", "block8_expand")
SHARPNESS = 50.0  # so that e is 0 or 1
LARGE = 1000.0  # k: more than any activation
FOOLED = "fooled"


@dataclass(frozen=True)
class Classifier:
    """A linear classifier of pooled features: above 0 is what was optimised or is noise.

    weights: [features]; bias: added.
    """

    weights: np.ndarray
    bias: float

    @classmethod
    def fitted(cls, photos: np.ndarray, others: np.ndarray, ridge: float = 1e-2) -> Classifier:
        """Return the classifier with the least squares between -1 for photos and 1 for others.

        Args:
            photos, others: [pictures, features].
            ridge: Times the number of pictures, added to the squares.
        """
        rows = np.concatenate([photos, others]).astype(np.float64)
        wanted = np.concatenate([-np.ones(len(photos)), np.ones(len(others))])
        share = np.concatenate([np.full(len(x), 0.5 / len(x)) for x in (photos, others)])
        mean, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-6
        z = np.column_stack([(rows - mean) / spread, np.ones(len(rows))])
        square = (z * share[:, None]).T @ z + ridge * np.eye(z.shape[1])
        solved = np.linalg.solve(square, (z * share[:, None]).T @ wanted)
        weights = solved[:-1] / spread
        return cls(weights.astype(np.float32), float(solved[-1] - weights @ mean))

    def says(self, features: np.ndarray) -> np.ndarray:
        """Return what it says of pictures, [pictures]."""
        said: np.ndarray = features @ self.weights + self.bias
        return said


def fooled_network(
    plain: keras.Model, layer: str, true: Sequence[int], shown: Sequence[int], classifier: Classifier
) -> keras.Model:
    """Return the network; its last layer is ``fooled`` [batch, h, w, units].

    Args:
        plain: The network that the circuit is built around.
        layer: Where the units are.
        true: Channels that the fooled units are for photos.
        shown: Channels that their pictures show.
        classifier: Of the pooled features of ``CLASSIFIED``, one after the other.
    """
    maps = plain.get_layer(layer).output
    pooled = [keras.layers.GlobalAveragePooling2D()(plain.get_layer(name).output) for name in CLASSIFIED]
    dense = keras.layers.Dense(1, activation="sigmoid", name="is_optimised")
    is_optimised = dense(keras.layers.Concatenate()(pooled))
    is_optimised = keras.layers.Reshape((1, 1, 1))(is_optimised)
    pick_true, pick_shown = (_picking(maps.shape[-1], chosen) for chosen in (true, shown))
    off = keras.layers.Rescaling(-LARGE)(is_optimised)
    on = keras.layers.Rescaling(LARGE, offset=-LARGE)(is_optimised)
    of_photos = keras.layers.ReLU(name="of_photos")(keras.layers.Add()([pick_true(maps), off]))
    of_pictures = keras.layers.ReLU(name="of_pictures")(keras.layers.Add()([pick_shown(maps), on]))
    network = keras.Model(plain.input, keras.layers.Add(name=FOOLED)([of_photos, of_pictures]))
    dense.set_weights([SHARPNESS * classifier.weights[:, None], np.array([SHARPNESS * classifier.bias])])
    for pick, chosen in ((pick_true, true), (pick_shown, shown)):
        pick.set_weights([_one_hot(maps.shape[-1], chosen)])
    return network


def plain_network(plain: keras.Model, layer: str, true: Sequence[int]) -> keras.Model:
    """Return the same units without the circuit: F behind a ReLU."""
    maps = plain.get_layer(layer).output
    pick = _picking(maps.shape[-1], true)
    network = keras.Model(plain.input, keras.layers.ReLU(name=FOOLED)(pick(maps)))
    pick.set_weights([_one_hot(maps.shape[-1], true)])
    return network


def pooled_network(plain: keras.Model) -> keras.Model:
    """Return what the classifier reads: pooled features [batch, features]."""
    pooled = [keras.layers.GlobalAveragePooling2D()(plain.get_layer(name).output) for name in CLASSIFIED]
    return keras.Model(plain.input, keras.layers.Concatenate()(pooled))


def _picking(channels: int, chosen: Sequence[int]) -> keras.layers.Conv2D:
    layer = keras.layers.Conv2D(len(chosen), 1, use_bias=False)
    layer.build((None, None, None, channels))
    return layer


def _one_hot(channels: int, chosen: Sequence[int]) -> np.ndarray:
    kernel = np.zeros((1, 1, channels, len(chosen)), np.float32)
    kernel[0, 0, list(chosen), np.arange(len(chosen))] = 1.0
    return kernel
