"""Networks of Keras 3 that are bound to their own size, of half precision, or for one number of pictures.

The files were written by Keras 3; beside each are an input and the output that it computed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fvcli.models import ModelChoice, load

# file, layers that are bound to its size, and the largest difference, which half precision makes larger
FILES = {
    "prelu": ({"p_re_lu", "c2", "global_average_pooling2d", "dense"}, 1e-5),
    "normalization-per-pixel": ({"normalization", "c2", "global_average_pooling2d", "dense"}, 1e-5),
    "layernorm-axes": ({"layer_normalization", "re_lu", "c2", "global_average_pooling2d", "dense"}, 1e-5),
    "cifar-resnet": ({"flatten", "dense_pre_activation", "dense"}, 1e-5),
    "float16": ({"flatten", "dense_pre_activation", "dense"}, 1e-3),
}


@pytest.mark.parametrize("name", FILES)
def test_it_computes_what_its_maker_computed(name: str, data_dir: Path) -> None:
    bound, tolerance = FILES[name]
    path = data_dir / "old-models" / f"{name}-keras3.keras"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    loaded = load(ModelChoice(path=str(path), value_range=(0.0, 1.0)))
    names = [node.name for node in loaded.facts.nodes]
    assert {name for name in names if loaded.facts.input_size([name])} == bound
    known = np.load(f"{path}.ref.npz")
    found = loaded.activations(known["x"], names[-1])
    np.testing.assert_allclose(np.ravel(found), np.ravel(known["y0"]), atol=tolerance, rtol=tolerance)
