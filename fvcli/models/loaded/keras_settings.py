"""Load networks with Keras as it comes, whatever a user's keras.json or program has set."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import keras

from fvcli.errors import FvcliError

FLOAT, LAYOUT, BACKEND = "float32", "channels_last", "tensorflow"


@contextlib.contextmanager
def plain_settings() -> Iterator[None]:
    """Build layers in float32 with channels last; what was set before is set again at the end.

    Raises:
        FvcliError: Keras computes with something else than TensorFlow in this process.
    """
    if keras.config.backend() != BACKEND:
        message = f"Keras computes with {keras.config.backend()} in this process, and fvcli with TensorFlow"
        raise FvcliError(message, f"set KERAS_BACKEND={BACKEND} before Keras is imported")
    before = keras.config.floatx(), keras.config.image_data_format(), keras.config.dtype_policy()
    _set(FLOAT, LAYOUT, keras.DTypePolicy(FLOAT))
    try:
        yield
    finally:
        _set(*before)


def _set(floats: str, layout: str, policy: keras.DTypePolicy) -> None:
    keras.config.set_floatx(floats)
    keras.config.set_image_data_format(layout)
    keras.config.set_dtype_policy(policy)
