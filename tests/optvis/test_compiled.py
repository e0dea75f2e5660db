"""Compiled functions leave nothing behind: no registered gradients, and no graphs."""

from __future__ import annotations

import gc
import importlib
import sys
from types import ModuleType

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.eager import context
from tensorflow.python.framework.ops import gradient_registry

from fvcli.optvis.compiled import compiled
from fvcli.optvis.relu import relu


def by_a_loop(x: tf.Tensor) -> tf.Tensor:
    """Take three steps up the gradient of a redirected ReLU6, and of TensorFlow's own swish."""

    def step(i, x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(tf.nn.silu(relu(x, redirect=True, max_value=6.0)))
        return i + 1, x + tape.gradient(loss, x)

    return tf.while_loop(lambda i, _: i < 3, step, (tf.constant(0), x))[1]


def functions() -> int:
    gc.collect()
    return sum(not name.startswith("__wrapped__") for name in context.context().list_function_names())


def test_what_was_compiled_is_gone_once_it_is_dropped() -> None:
    x = tf.constant(np.linspace(-2, 7, 12, dtype=np.float32)[None])
    expected = by_a_loop(x).numpy()
    before, known = functions(), set(gradient_registry.list())
    for _ in range(3):
        function = compiled(by_a_loop)
        np.testing.assert_array_equal(function(x).numpy(), expected)
        np.testing.assert_array_equal(function(x).numpy(), expected)  # without what was registered
        assert function.experimental_get_tracing_count() == 1
        del function
    assert set(gradient_registry.list()) == known
    assert functions() == before


def test_what_others_registered_stays_and_an_error_leaves_nothing() -> None:
    @tf.RegisterGradient("CustomGradient-of-somebody")
    def _gradient(_op, upstream):
        return upstream

    def failing(x: tf.Tensor) -> tf.Tensor:
        relu(x, redirect=True)
        raise ValueError("on purpose")

    known = set(gradient_registry.list())
    with pytest.raises(ValueError, match="on purpose"):
        compiled(failing)(tf.zeros([1, 2]))
    assert set(gradient_registry.list()) == known
    assert "CustomGradient-of-somebody" in known


def test_a_tensorflow_without_this_registry_only_keeps_more(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("fvcli.optvis.compiled")
    with monkeypatch.context() as other:
        other.setitem(sys.modules, "tensorflow.python.framework.ops", ModuleType("ops"))
        importlib.reload(module)
    try:
        x = tf.ones([1, 2])
        np.testing.assert_array_equal(module.compiled(by_a_loop)(x).numpy(), by_a_loop(x).numpy())
    finally:
        importlib.reload(module)
