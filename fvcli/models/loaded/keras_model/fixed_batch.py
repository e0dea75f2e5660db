"""Let networks that were built for one number of pictures take any number.

    built for 4, and given 6 pictures:    0 1 2 3 | 4 5 5 5    makes    0 1 2 3 4 5

Most layers take any number anyway. What does not, such as keras.ops.reshape(x, (4, -1)), gets as many as it
was built for at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from fvcli.errors import UsageError
from fvcli.models.loaded.keras_model.axes import constants_of
from fvcli.optvis.calls import Compute

BUILD_FOR_ANY = "build the model with keras.Input(shape), without a batch size"
FORGETS = "_fvcli_forgets"  # an attribute of layers that had a memory, for a model that is laid open again


def for_any_batch(
    compute: Compute, node: Any, shapes: Sequence[Sequence[int | None]], name: str, built: int | None
) -> Compute:
    """Return how a call is computed for any number of pictures.

    Args:
        compute: How it is computed.
        node: The call, as Keras has it.
        shapes: Of the tensors that ``compute`` gets, without the batch.
        name: Of the layer.
        built: How many pictures the model was built for; None: any.

    Raises:
        UsageError: It makes pictures of a batch depend on each other, or on their place in it.
    """
    if built is None or all(tensor.shape[0] != built for tensor in node.input_tensors):
        return compute
    if built > 1 and any(_differs(array, built) for array in constants_of(node)):
        raise UsageError(
            f"layer {name} has another constant for each of the {built} pictures of a batch", BUILD_FOR_ANY
        )
    dtypes = [tensor.dtype for tensor in node.input_tensors]
    specs = [tf.TensorSpec([None, *shape], _computed_in(d)) for shape, d in zip(shapes, dtypes, strict=True)]
    if _takes(compute, specs, built + 1):
        return compute
    if not _takes(compute, specs, built):
        raise UsageError(
            f"layer {name} does not keep the pictures of a batch apart (the model was built for {built})",
            BUILD_FOR_ANY,
        )
    return lambda values: _in_parts(compute, values, built)


def _computed_in(dtype: str) -> str:
    return "float32" if "float" in dtype else dtype


def _differs(array: Any, built: int) -> bool:
    """Tell whether an array has a row for each picture, and not the same for all."""
    rows = np.asarray(array)
    return rows.ndim > 1 and rows.shape[0] == built and not np.array_equal(rows, rows[:1].repeat(built, 0))


def _takes(compute: Compute, specs: Sequence[tf.TensorSpec], batch: int) -> bool:
    """Tell whether a call makes as many results of a number of pictures."""
    given = [tf.TensorSpec([batch, *spec.shape[1:]], spec.dtype) for spec in specs]
    traced = tf.function(lambda *values: compute(values), autograph=False)
    try:
        made = traced.get_concrete_function(*given).structured_outputs
    except Exception:  # TensorFlow and Keras raise all kinds
        return False
    return all(part.shape.rank and part.shape[0] == batch for part in tf.nest.flatten(made))


def _in_parts(compute: Compute, values: Sequence[tf.Tensor], built: int) -> Any:
    """Compute as many pictures at a time as the call was built for; the last one stands for what lacks."""
    count = values[0].shape[0]
    lacking = -count % built
    filled = [tf.concat([value, *[value[-1:]] * lacking], 0) for value in values]
    starts = range(0, count + lacking, built)
    parts = [compute([value[start : start + built] for value in filled]) for start in starts]
    return tf.nest.map_structure(lambda *made: tf.concat(made, 0)[:count], *parts)


def forget_states(model: keras.Model) -> list[str]:
    """Let recurrent layers begin each time with empty states; return the names of those that did not."""
    names = []
    for layer in model._flatten_layers():
        if getattr(layer, "stateful", False) is True:
            layer.stateful = False
            object.__setattr__(layer, FORGETS, True)
        if hasattr(layer, FORGETS):
            names.append(layer.name)
    return names
