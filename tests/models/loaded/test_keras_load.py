"""Loading Keras models: all that Keras writes gives the same network, and all that fails is one line."""

from __future__ import annotations

import json
import shutil
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from fvcli.errors import FvcliError
from fvcli.models.files import keras_file
from fvcli.models.loaded.keras_model.load import load_keras, load_weights
from tests.helpers.keras_archives import look_here

PICTURES = np.random.default_rng(0).random((2, 8, 8, 3), dtype="f4")
MODELS = ("bn_googlenet_abm.keras", "squeezenet_v10_dc.keras")
FORMS = ("m.keras", "m.h5", "m.hdf5", "m.weights.h5", "old.h5")


@pytest.fixture(autouse=True)
def near(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Look into HDF5 files in this process, but for the real ones."""
    if "data_dir" not in request.fixturenames:
        monkeypatch.setattr(keras_file, "look_in_subprocess", look_here)


def network(filters: int = 4, units: int = 2, blocks: int = 1) -> keras.Model:
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(filters, 3, name="conv", activation="relu")(image)
    for number in range(blocks):
        x = keras.layers.Conv2D(filters, 3, name=f"block{number}", padding="same")(x)
        x = keras.layers.BatchNormalization(name=f"norm{number}")(x)
    inner = keras.Sequential(
        [keras.Input(x.shape[1:]), keras.layers.Flatten(), keras.layers.Dense(units, name="units")],
        name="inner",
    )
    return keras.Model(image, keras.layers.Dense(3, name="top")(inner(x)), name="network")


def chain() -> keras.Model:
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((8, 8, 3)), layers.SeparableConv2D(4, 3), layers.Flatten(), layers.Dense(2, name="top")]
    )


def with_parts() -> keras.Model:
    """A network of layers that have layers, and states of random generators."""
    layers = keras.layers
    image = keras.Input((8, 8, 3))
    x = layers.Reshape((16, 12))(layers.RandomFlip()(layers.Dropout(0.5)(image)))
    x = layers.MultiHeadAttention(2, 4, name="attention")(x, x)
    return keras.Model(image, layers.Bidirectional(layers.LSTM(3), name="both")(x))


def save(model: keras.Model, folder: Path) -> None:
    """Write a model, with weights of its own, in every form that Keras writes or wrote."""
    rng = np.random.default_rng(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.set_weights([rng.uniform(0.1, 1, weight.shape) for weight in model.weights])
        for name in FORMS[:3]:
            model.save(folder / name)
        model.save_weights(folder / "m.weights.h5")
    (folder / "m.json").write_text(model.to_json())
    with h5py.File(folder / "m.h5") as whole, h5py.File(folder / "old.h5", "w") as old:
        (folder / "old.json").write_text(whole.attrs["model_config"])
        for name, group in whole["model_weights"].items():
            whole.copy(group, old, name)
        old.attrs.update(whole["model_weights"].attrs)


@pytest.fixture(scope="module", params=[network, chain, with_parts], ids=lambda build: build.__name__)
def saved(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, np.ndarray]:
    """A folder of a model in every form, and what it computes."""
    folder = tmp_path_factory.mktemp("saved")
    model = request.param()
    save(model, folder)
    return folder, outputs(model)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of one network in every form."""
    place = tmp_path_factory.mktemp("network")
    save(network(), place)
    return place


def outputs(model: keras.Model) -> np.ndarray:
    return np.asarray(model(PICTURES, training=False).numpy())


def refusal(call: Callable[..., Any], *arguments: Any) -> str:
    """Return the message of a refusal, which is one line."""
    with pytest.raises(FvcliError) as caught:
        call(*arguments)
    text = str(caught.value)
    assert text.isprintable()
    assert len(text) < 700
    return text


# What Keras writes


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_network(name: str, saved: tuple[Path, np.ndarray]) -> None:
    folder, expected = saved
    is_whole = "weights" not in name and "old" not in name
    model = load_keras(folder / name, architecture=None if is_whole else folder / "m.json")
    np.testing.assert_array_equal(outputs(model), expected)
    assert not model.compiled


@pytest.mark.parametrize(
    ("form", "name"),
    [("m.h5", "h.model"), ("m.h5", "h"), ("m.h5", "H.HDF5"), ("m.h5", "h.keras"), ("m.keras", "k.h5")],
)
def test_a_model_is_read_by_what_is_in_the_file(
    form: str, name: str, saved: tuple[Path, np.ndarray], tmp_path: Path
) -> None:
    folder, expected = saved
    shutil.copy(folder / form, tmp_path / name)
    np.testing.assert_array_equal(outputs(load_keras(tmp_path / name)), expected)


@pytest.mark.parametrize("name", FORMS)
def test_weights_of_every_form_fit_a_model(name: str, saved: tuple[Path, np.ndarray]) -> None:
    folder, expected = saved
    model = load_keras(folder / "m.json", weights=folder / name)
    np.testing.assert_array_equal(outputs(model), expected)
    model.set_weights([0 * weight for weight in model.get_weights()])
    load_weights(model, folder / name)
    np.testing.assert_array_equal(outputs(model), expected)


def test_a_description_of_keras_2(saved: tuple[Path, np.ndarray]) -> None:
    folder, expected = saved
    assert "module" not in json.loads((folder / "old.json").read_text())
    model = load_keras(folder / "old.h5", architecture=folder / "old.json")
    np.testing.assert_array_equal(outputs(model), expected)


@pytest.mark.parametrize("name", ["m.weights.h5", "old.h5"])
def test_the_layout_is_known_by_what_is_in_the_file(name: str, folder: Path, tmp_path: Path) -> None:
    """Keras itself goes by the name, and Keras 2 named what it liked."""
    renamed = tmp_path / ("x.h5" if "weights" in name else "x.weights.h5")
    shutil.copy(folder / name, renamed)
    np.testing.assert_array_equal(
        outputs(load_keras(renamed, architecture=folder / "m.json")), outputs(load_keras(folder / "m.keras"))
    )


def test_weights_may_replace_those_of_a_file(folder: Path, tmp_path: Path) -> None:
    other = network()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other.save_weights(tmp_path / "w.weights.h5")
    model = load_keras(folder / "m.keras", weights=tmp_path / "w.weights.h5")
    np.testing.assert_array_equal(outputs(model), outputs(other))


@pytest.mark.parametrize("name", MODELS)
def test_real_models_load(name: str, data_dir: Path) -> None:
    path = data_dir / "models" / name
    model = load_keras(path)
    with (
        zipfile.ZipFile(path) as archive,
        archive.open("model.weights.h5") as file,
        h5py.File(file) as weights,
    ):
        first = weights["layers/conv2d/vars/0"][:]
    np.testing.assert_array_equal(model.weights[0].numpy(), first)
    load_weights(model, path)


# Code


def with_code(mark: str) -> keras.Model:
    """A network with a layer whose code leaves a mark when it is run, which is when the layer is used."""
    layers = keras.layers
    code = layers.Lambda(lambda x: (__import__("pathlib").Path(mark).touch(), x)[1], name="evil")
    image = keras.Input((8, 8, 3))
    return keras.Model(image, layers.Conv2D(2, 3)(code(image)))


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m.json"])
def test_code_in_a_file_is_never_run(name: str, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    save(with_code(str(mark)), tmp_path)
    mark.unlink()
    message = refusal(load_keras, tmp_path / name, tmp_path / "old.h5" if name == "m.json" else None)
    assert message.startswith(f"{tmp_path / name}: layer 'evil' is of the class Lambda")
    assert "`model: {factory: module:function}`" in message
    assert not mark.exists()
    keras.models.load_model(tmp_path / "m.keras", safe_mode=False)
    assert mark.exists()  # it would have been run


def test_weights_are_taken_from_a_file_whose_code_is_not_run(tmp_path: Path) -> None:
    """A factory builds the model anew, and needs what its file has learned."""
    image = keras.Input((8, 8, 3))
    build = lambda x: keras.Model(image, keras.layers.Dense(2)(keras.layers.Lambda(abs)(x)))  # noqa: E731
    first, second = build(image), build(image)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first.save(tmp_path / "m.keras")
    load_weights(second, tmp_path / "m.keras")
    np.testing.assert_array_equal(outputs(first), outputs(second))


# Weights of another network

IN_CONV = "layer 'conv': its weights are (3, 3, 3, 4), (4,), but"
IN_INNER = "its weights are (144, 2), (2,), but (144, 7), (7,) in the file"
OTHERS: list[tuple[Callable[[], keras.Model], str, str]] = [  # with the words for the two layouts
    (lambda: network(filters=5), f"{IN_CONV} (3, 3, 3, 5), (5,)", f"{IN_CONV} (3, 3, 3, 5), (5,)"),
    (lambda: network(units=7), f"layer 'units': {IN_INNER}", f"layer 'inner': {IN_INNER}"),
    (lambda: network(blocks=0), "layer 'block0'", "(4,), but (144, 2), (2,) in the file's layer 'inner'"),
    (lambda: network(blocks=2), "the file has weights at 'layers/batch_normalization_1/vars/0'", "'block1'"),
    (chain, f"{IN_CONV} none", f"{IN_CONV} (3, 3, 3, 1), (1, 1, 3, 4), (4,)"),
]


@pytest.fixture(scope="module", params=OTHERS)
def other(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A folder of another network, and what is said of it."""
    build, words, old_words = request.param
    place = tmp_path_factory.mktemp("other")
    save(build(), place)
    return place, words, old_words


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m.weights.h5", "old.h5"])
def test_weights_of_another_network(name: str, other: tuple[Path, str, str], folder: Path) -> None:
    place, words, old_words = other
    message = refusal(load_keras, folder / "m.json", place / name)
    assert message.startswith(f"{place / name}: ")
    assert (old_words if name in {"m.h5", "old.h5"} else words) in message


def test_one_weight_of_another_shape(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "m.weights.h5", tmp_path / "m.weights.h5")
    with h5py.File(tmp_path / "m.weights.h5", "a") as file:
        del file["layers/batch_normalization/vars/2"]
        file["layers/batch_normalization/vars/2"] = np.ones(9, "f4")
    message = refusal(load_keras, folder / "m.keras", tmp_path / "m.weights.h5")
    assert "layer 'norm0': its moving_mean is (4,), but (9,) in the file" in message


def test_a_kernel_that_a_layer_and_its_part_both_list(tmp_path: Path) -> None:
    """Give weights to a SpectralNormalization, which are stored twice."""
    conv = keras.layers.Conv2D(2, 3, bias_initializer="ones")
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.SpectralNormalization(conv)])
    model.save_weights(tmp_path / "m.weights.h5")
    kernel = conv.kernel.numpy()
    conv.kernel.assign(0 * kernel)
    load_weights(model, tmp_path / "m.weights.h5")
    assert np.array_equal(conv.kernel.numpy(), kernel)


def test_a_whole_model_with_the_weights_of_another(folder: Path, tmp_path: Path) -> None:
    save(network(units=7), tmp_path)
    with zipfile.ZipFile(folder / "m.keras") as archive, zipfile.ZipFile(tmp_path / "x.keras", "w") as mixed:
        for name in ("config.json", "metadata.json"):
            mixed.writestr(name, archive.read(name))
        mixed.write(tmp_path / "m.weights.h5", "model.weights.h5")
    with h5py.File(tmp_path / "m.h5", "a") as file:
        file.attrs["model_config"] = (folder / "old.json").read_text()
    assert "layer 'units': its weights are (144, 2), (2,), but (144, 7), (7,)" in refusal(
        load_keras, tmp_path / "x.keras"
    )
    assert "layer 'inner': its weights are (144, 2), (2,), but (144, 7), (7,)" in refusal(
        load_keras, tmp_path / "m.h5"
    )


# What Keras finds out


def spoiled(folder: Path, tmp_path: Path, name: str, **settings: Any) -> Path:
    """Write the older description with other settings of its first layer."""
    config = json.loads((folder / "old.json").read_text())
    layer = config["config"]["layers"][1]
    layer["class_name"] = settings.pop("class_name", layer["class_name"])
    layer["config"] |= settings
    (tmp_path / "m.json").write_text(json.dumps(config))
    shutil.copy(folder / "m.h5", tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "a") as file:
        file.attrs["model_config"] = json.dumps(config)
    return tmp_path / name


@pytest.mark.parametrize("name", ["m.h5", "m.json"])
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"class_name": "MyLayer"}, "it uses 'MyLayer', which is not part of Keras"),
        ({"activation": "my_act"}, "it uses 'my_act', which is not part of Keras"),
        ({"filters": -1}, "filters=-1"),
        ({"kernel_size": "many"}, "many"),
        ({"sleep": 3}, "sleep"),
        ({"filters": 2**60}, "Keras cannot load it ("),
    ],
)
def test_what_keras_cannot_build(
    settings: dict[str, Any], words: str, name: str, folder: Path, tmp_path: Path
) -> None:
    path = spoiled(folder, tmp_path, name, **settings)
    message = refusal(load_keras, path, folder / "m.weights.h5")
    assert message.startswith(f"{path}: ")
    assert words in message


def test_a_description_of_no_model(folder: Path, tmp_path: Path) -> None:
    layer = json.loads((folder / "m.json").read_text())["config"]["layers"][1]
    (tmp_path / "m.json").write_text(json.dumps(layer))
    assert "describes a Conv2D, not a model" in refusal(load_keras, tmp_path / "m.json", folder / "m.keras")


def test_what_is_missing_is_asked_for(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "m.pb").touch()
    assert "give its architecture as JSON" in refusal(load_keras, folder / "m.weights.h5")
    assert "give its architecture as JSON" in refusal(load_keras, folder / "old.h5")
    assert "give the file of the weights" in refusal(load_keras, folder / "m.json")
    assert "an empty file, not an HDF5 file of Keras's" in refusal(load_keras, tmp_path / "m.pb")


class Own(keras.Model):
    """A model that is a class of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.top = keras.layers.Dense(2)

    def call(self, x: Any) -> Any:
        return self.top(keras.ops.mean(x, (1, 2)))


def test_a_model_of_a_class_of_its_own_takes_weights(folder: Path, tmp_path: Path) -> None:
    first, second = Own(), Own()
    expected = outputs(first)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first.save_weights(tmp_path / "m.weights.h5")
    assert "not yet been built" in refusal(load_weights, second, tmp_path / "m.weights.h5")
    outputs(second)
    load_weights(second, tmp_path / "m.weights.h5")
    np.testing.assert_array_equal(outputs(second), expected)
    assert "Keras cannot load it (Layer 'dense" in refusal(load_weights, second, folder / "m.weights.h5")
