"""EfficientNet-Lite in Keras: the facts again from the network itself, and photos named right."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from fvcli.engines.import_tensorflow import importing_tensorflow
from fvcli.models import ModelChoice, ModelFacts, describe, load

if TYPE_CHECKING:
    import keras

NAMES = ("efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2")
# model: native side, trainable parameters, parameters with the moving statistics, residual blocks, blocks
KNOWN = {
    NAMES[0]: (224, 4_652_008, 4_694_024, {2, 4, 6, 7, 9, 10, 12, 13, 14}, 16),
    NAMES[1]: (240, 5_416_680, 5_470_344, {2, 3, 5, 6, 8, 9, 10, 12, 13, 14, 16, 17, 18, 19}, 21),
    NAMES[2]: (260, 6_092_072, 6_150_168, {2, 3, 5, 6, 8, 9, 10, 12, 13, 14, 16, 17, 18, 19}, 21),
}
PHOTOS = (
    "0005_n01496331.jpg",
    "0045_n01692333.jpg",
    "0165_n02089078.jpg",
    "0365_n02480495.jpg",
    "0405_n02692877.jpg",
    "0525_n03160309.jpg",
    "0605_n03584254.jpg",
    "0685_n03841143.jpg",
    "0805_n04254680.jpg",
    "0925_n07584110.jpg",
)
SIZES = [(224, 224), (97, 131), (32, 32), (33, 64)]


@pytest.fixture(scope="module")
def all_facts() -> dict[str, ModelFacts]:
    return {name: describe(ModelChoice(name)) for name in NAMES}


@pytest.fixture(scope="module", params=NAMES)
def any_model(request: pytest.FixtureRequest) -> keras.Model:
    if request.param == NAMES[0]:
        return request.getfixturevalue("model")
    with importing_tensorflow():
        return load(ModelChoice(request.param)).keras_model


# ---- Keras


def cut_at(model: keras.Model, layer: str) -> keras.Model:
    import keras

    return keras.Model(model.input, model.output[layer])


def test_parameters(any_model: keras.Model) -> None:
    import keras

    _, trainable, with_statistics, *_ = KNOWN[any_model.name]
    assert any_model.count_params() == with_statistics
    statistics = sum(
        int(np.prod(weight.shape))
        for layer in any_model.layers
        if isinstance(layer, keras.layers.BatchNormalization)
        for weight in (layer.moving_mean, layer.moving_variance)
    )
    assert with_statistics - statistics == trainable
    assert any_model.trainable_weights == []


def test_layers_of_keras(any_model: keras.Model, all_facts: dict[str, ModelFacts]) -> None:
    import keras

    names = [node.name for node in all_facts[any_model.name].nodes]
    assert [layer.name for layer in any_model.layers] == ["input", *names]
    assert list(any_model.output) == names
    norms = [la for la in any_model.layers if isinstance(la, keras.layers.BatchNormalization)]
    assert {norm.epsilon for norm in norms} == {1e-3}
    assert {layer.max_value for layer in any_model.layers if isinstance(layer, keras.layers.ReLU)} == {6.0}
    assert any_model.input.shape == (None, None, None, 3)


def assert_shapes(facts: ModelFacts, shapes: dict[str, tuple[int, ...]], height: int, width: int) -> None:
    at = facts.layers_at(height, width)
    expected = {
        name: (layer.height, layer.width, layer.channels) if layer.stride_px else (layer.channels,)
        for name, layer in at.items()
    }
    assert shapes == expected


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_shapes_of_every_layer(model: keras.Model, facts: ModelFacts, size: tuple[int, int]) -> None:
    found = model(np.zeros((1, *size, 3), np.float32))
    assert_shapes(facts, {name: tuple(value.shape[1:]) for name, value in found.items()}, *size)


@pytest.mark.parametrize("size", [(240, 240), (97, 131)], ids=str)
def test_computed_shapes(
    any_model: keras.Model, all_facts: dict[str, ModelFacts], size: tuple[int, int]
) -> None:
    found = any_model.compute_output_shape((1, *size, 3))
    assert_shapes(all_facts[any_model.name], {name: tuple(value[1:]) for name, value in found.items()}, *size)


@pytest.mark.parametrize("layer", ["stem_bn", "block0_project_bn", "block2_add", "block4_add"])
def test_receptive_field_is_what_the_gradient_reaches(
    model: keras.Model, facts: ModelFacts, layer: str
) -> None:
    """The input's gradient of one central position is not zero on a square of just that side."""
    import tensorflow as tf

    fact = facts.layers_at(224, 224)[layer]
    side = (2 * fact.receptive_field_px[0] // fact.stride_px[0] + 2) * fact.stride_px[0]
    draw = np.random.default_rng(0)
    images = tf.Variable(draw.uniform(-1, 1, (4, side, side, 3)).astype(np.float32))
    direction = draw.normal(size=fact.channels).astype(np.float32)
    cut = cut_at(model, layer)
    with tf.GradientTape() as tape:
        output = cut(images)
        middle = output.shape[1] // 2
        score = tf.reduce_sum(output[:, middle, middle] * direction)
    reached = np.abs(tape.gradient(score, images).numpy()).max(axis=(0, 3)) > 0
    for axis in (0, 1):
        (places,) = np.nonzero(reached.any(axis=axis))
        assert 0 < places[0] <= places[-1] < side - 1
        assert places[-1] - places[0] + 1 == fact.receptive_field_px[0]


@pytest.mark.parametrize("size", [(96, 96), (97, 97), (98, 101), (110, 131)], ids=str)
@pytest.mark.parametrize(
    "layer", ["stem_bn", "block0_dw_bn", "block1_dw_bn", "block2_add", "block3_project_bn"]
)
def test_offset_is_where_the_gradient_begins(
    model: keras.Model, facts: ModelFacts, layer: str, size: tuple[int, int]
) -> None:
    """Of some positions within: the pixels that matter are offset + position * stride and a field further."""
    import tensorflow as tf

    fact = facts.layers_at(*size)[layer]
    draw = np.random.default_rng(0)
    images = tf.Variable(draw.uniform(-1, 1, (4, *size, 3)).astype(np.float32))
    direction = draw.normal(size=fact.channels).astype(np.float32)
    cut = cut_at(model, layer)
    for row, column in ((fact.height // 2, fact.width // 2), (fact.height // 2 - 1, fact.width // 2 + 1)):
        with tf.GradientTape() as tape:
            score = tf.reduce_sum(cut(images)[:, row, column] * direction)
        reached = np.abs(tape.gradient(score, images).numpy()).max(axis=(0, 3)) > 0
        for axis, position in ((0, row), (1, column)):
            (places,) = np.nonzero(reached.any(axis=1 - axis))
            begin = fact.offset_px[axis] + position * fact.stride_px[0]
            assert (places[0], places[-1]) == (begin, begin + fact.receptive_field_px[0] - 1)


def test_position_outside_the_field_does_not_matter(model: keras.Model, facts: ModelFacts) -> None:
    """A pixel that no position of the receptive field covers cannot change the activation."""
    image = np.random.default_rng(1).uniform(-1, 1, (1, 64, 64, 3)).astype(np.float32)
    changed = image.copy()
    changed[:, 40:, 40:] = 0
    cut = cut_at(model, "block2_add")
    np.testing.assert_array_equal(cut(image)[0, 0, 0], cut(changed)[0, 0, 0])


def test_photos(model: keras.Model, data_dir: Path) -> None:
    with (data_dir / "images" / "labels.csv").open(newline="") as file:
        labels = {row["file"]: int(row["class_index"]) for row in csv.DictReader(file)}
    photos = []
    for name in PHOTOS:
        with Image.open(data_dir / "images" / name) as image:
            photos.append(np.asarray(image.convert("RGB"))[16:240, 16:240])
    batch = np.stack(photos).astype(np.float32) / 127.5 - 1
    logits = cut_at(model, "logits")(batch).numpy()
    assert logits.argmax(axis=1).tolist() == [labels[name] for name in PHOTOS]
