"""What parameterizations make of files: a generator's pictures in their range."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from fvcli.media.file_facts import file_sha256
from fvcli.spec import parameterizations as of_spec
from fvcli.worker.parameterizations import _generator


@pytest.mark.parametrize("low_high", [(0.0, 1.0), (-1.0, 1.0), (-1.0, 3.0), (0.0, 255.0)])
def test_a_generators_range_becomes_black_to_white(tmp_path: Path, low_high: tuple[float, float]) -> None:
    """This one repeats its code as the three colours of a pixel."""
    code = keras.Input((3,))
    keras.Model(code, keras.layers.Reshape((1, 1, 3))(code)).save(tmp_path / "g.keras")
    low, high = low_high
    path = tmp_path / "g.keras"
    image = of_spec.Generator(
        kind="generator", path=str(path), sha256=file_sha256(path), value_range=low_high
    )
    codes = tf.constant([[low, (low + high) / 2, high]], tf.float32)
    picture = _generator(image, (1, 1)).to_image((codes,))
    np.testing.assert_allclose(picture, [[[[0.0, 0.5, 1.0]]]], atol=1e-6)
