"""Effects on classes: which layers have them by their weights, which by gradients, and which have none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from fvcli.models import ModelChoice, load
from fvcli.models.loaded.weights import randomize
from fvcli.worker.examples.effects import Effects
from tests.helpers.user_models import plain, small_pictures, stock_transformer


def one_by_one() -> keras.Model:
    """A map of one position that is flattened, and dropout, to dense layers without activation."""
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(6, 8, name="last")(image)
    x = layers.Dropout(0.5, name="drop")(layers.Flatten(name="flat")(x))
    x = layers.Dense(5, name="between")(x)
    return randomized(keras.Model(image, layers.Dense(4, name="logits")(x)))


def most() -> keras.Model:
    """The maximum over positions, which is not linear."""
    image = keras.Input((8, 8, 3), name="image")
    x = layers.GlobalMaxPooling2D(name="most")(layers.Conv2D(6, 3, name="last")(image))
    return randomized(keras.Model(image, layers.Dense(4, name="logits")(x)))


def randomized(model: keras.Model) -> keras.Model:
    randomize(model)
    return model


def one_logit() -> keras.Model:
    """The same with one logit, as networks have it that say yes or no."""
    image = keras.Input((8, 8, 3), name="image")
    x = layers.GlobalMaxPooling2D(name="most")(layers.Conv2D(6, 3, name="last")(image))
    return randomized(keras.Model(image, layers.Dense(1, name="logits")(x)))


Made = Callable[..., Effects]


@pytest.fixture
def effects(tmp_path: Path) -> Made:
    def make(build: Callable[[], keras.Model], *names: str, logits: str | None = None) -> Effects:
        built = build()
        built.save(tmp_path / "net.keras")
        model = load(ModelChoice(path=str(tmp_path / "net.keras"), value_range=(0, 1), logits=logits))
        return Effects(model, {name: [0, 2, 3] for name in names}, model.facts.native_size_px)

    return make


def test_a_linear_way_is_told_by_numbers(effects: Made) -> None:
    found = effects(one_by_one, "last", "flat", "between", "logits")
    assert set(found.by_weights) == {"0", "1", "2"}
    assert not found.need_pictures
    model = one_by_one()
    first, second = (model.get_layer(name).get_weights()[0] for name in ("between", "logits"))
    for number in ("0", "1"):
        expected = (first @ second)[[0, 2, 3]]
        np.testing.assert_allclose(found.by_weights[number], expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.by_weights["2"], second[[0, 2, 3]], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("build", "layer"),
    [
        (most, "last"),
        (small_pictures, "pool2"),
        (small_pictures, "conv2"),
        (stock_transformer, "encoder1_add1"),
    ],
)
def test_other_ways_are_not_taken_for_linear(
    build: Callable[[], keras.Model], layer: str, effects: Made
) -> None:
    found = effects(build, layer)
    assert found.by_weights == {}
    assert found.need_pictures
    side = {most: 8}.get(build, 32)
    pictures = [np.random.default_rng(i).integers(0, 256, (side, side, 3), np.uint8) for i in range(9)]
    classes, [scores] = found.of(pictures)
    assert classes.shape == (9,)
    assert scores.shape == (9, 3)
    assert np.abs(scores).max() > 0
    alone = found.of(pictures[8:])[1][0]
    np.testing.assert_allclose(alone, scores[8:], rtol=1e-4, atol=1e-6)


def test_a_convolution_below_its_normalization_has_effects_too(effects: Made) -> None:
    found = effects(plain, "second_conv", "second_bn", "second")
    assert set(found.by_weights) == {"2"}
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    _, scores = found.of([picture])
    assert np.abs(scores[0]).max() > 0
    assert np.abs(scores[1]).max() > 0
    assert scores[2].shape == (0, 3)


def test_of_one_logit_the_effect_is_on_the_logit_itself(effects: Made, tmp_path: Path) -> None:
    found = effects(one_logit, "last", logits="logits")
    pictures = [np.random.default_rng(i).integers(0, 256, (8, 8, 3), np.uint8) for i in range(3)]
    classes, [scores] = found.of(pictures)
    model = keras.models.load_model(tmp_path / "net.keras")
    most = keras.Model(model.inputs[0], model.get_layer("most").output)(np.stack(pictures) / np.float32(255))
    weights = model.get_layer("logits").get_weights()[0][:, 0]
    assert classes.tolist() == [0, 0, 0]
    np.testing.assert_allclose(scores, (np.asarray(most) * weights)[:, [0, 2, 3]], rtol=1e-4, atol=1e-6)
    assert np.abs(scores).max() > 0
