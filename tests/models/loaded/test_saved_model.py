"""TensorFlow SavedModels: equal to the models that they were made of, and looked through before."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from fvcli.errors import FvcliError
from fvcli.models import ModelChoice, load
from fvcli.models.loaded.model import LoadedModel
from tests.helpers.running import fvcli, write_spec
from tests.helpers.tensorflow_graphs import SIDE_PX, keras_network, weights

LAYERS = ("conv", "norm", "relu", "depthwise", "both", "pool", "sum", "mean", "top")


@pytest.fixture(scope="module")
def network() -> keras.Model:
    return keras_network()


@pytest.fixture(scope="module")
def folders(network: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The network as either Keras or TensorFlow saves it."""
    folder = tmp_path_factory.mktemp("saved")
    network.export(folder / "exported", verbose=False)
    tf.saved_model.save(network, folder / "saved")
    return {"exported": folder / "exported", "saved": folder / "saved"}


def loaded(folder: Path, **choice: Any) -> LoadedModel:
    return load(ModelChoice(path=str(folder), **{"value_range": (-1.0, 1.0), **choice}))


@pytest.mark.parametrize("how", ["exported", "saved"])
def test_layers_are_the_keras_models(how: str, folders: dict[str, Path], network: keras.Model) -> None:
    model = loaded(folders[how])
    pictures = np.random.default_rng(1).random((2, SIDE_PX, SIDE_PX, 3), np.float32)
    parts = keras.Model(network.input, [network.get_layer(name).output for name in LAYERS])
    for name, expected in zip(LAYERS, parts(2 * pictures - 1), strict=True):
        found = model.activations(pictures, name)
        np.testing.assert_allclose(found.reshape(expected.shape), expected, atol=3e-6, err_msg=name)


@pytest.mark.parametrize("how", ["exported", "saved"])
def test_facts(how: str, folders: dict[str, Path], network: keras.Model) -> None:
    facts = loaded(folders[how]).facts
    assert facts.native_size_px == (SIDE_PX, SIDE_PX)
    assert facts.logits == "top/BiasAdd"
    assert facts.parameters == network.count_params()
    names = [node.name for node in facts.nodes]
    assert names[0].startswith("conv/")
    assert not [name for name in names if "StatefulPartitionedCall" in name]
    assert facts.aliases["relu"] == "relu/Relu6"


def test_layers_without_names_of_their_own(tmp_path: Path) -> None:
    """Keras numbers such layers, and numbers them again when it exports them."""
    image = keras.Input((8, 8, 3))
    pooled = image
    for _ in range(2):
        pooled = keras.layers.MaxPooling2D(name="pool" if pooled is image else "pool_1")(pooled)
    keras.Model(image, pooled).export(tmp_path / "model", verbose=False)
    assert set(loaded(tmp_path / "model").facts.aliases) == {"pool", "pool_1"}


def test_the_sum_is_of_names_and_bytes(folders: dict[str, Path], tmp_path: Path) -> None:
    sha256 = loaded(folders["exported"]).facts.weights_sha256
    copy = shutil.copytree(folders["exported"], tmp_path / "copy")
    assert loaded(copy, sha256=sha256.upper()).facts.weights_sha256 == sha256
    (copy / "assets" / "more").write_text("")
    with pytest.raises(FvcliError, match=r"^model\.sha256: "):
        loaded(copy, sha256=sha256)


def test_a_model_of_tensorflow_1(tmp_path: Path) -> None:
    kernel = weights(3, 3, 3, 4)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, (None, 8, 8, 3), name="image")
        variable = tf.compat.v1.get_variable("kernel", initializer=kernel, use_resource=True)
        y = tf.nn.relu(tf.nn.conv2d(x, variable, 1, "SAME", name="conv"), name="relu")
        session.run(tf.compat.v1.global_variables_initializer())
        builder = tf.compat.v1.saved_model.Builder(str(tmp_path / "old"))
        info = tf.compat.v1.saved_model.build_tensor_info
        signature = tf.compat.v1.saved_model.build_signature_def(
            {"image": info(x)}, {"y": info(y)}, "predict"
        )
        builder.add_meta_graph_and_variables(session, ["serve"], {"serving_default": signature})
        builder.save()
    model = loaded(tmp_path / "old")
    pictures = np.random.default_rng(1).random((2, 8, 8, 3), np.float32)
    expected = tf.nn.relu(tf.nn.conv2d(2 * pictures - 1, kernel, 1, "SAME"))
    np.testing.assert_allclose(model.activations(pictures, "relu"), expected, atol=1e-6)


# ---- refusals


class Scaled(tf.Module):
    """A function of pictures, and a variable."""

    def __init__(self, call: Callable[[tf.Tensor], tf.Tensor]) -> None:
        self.gain = tf.Variable(2.0)
        self._call = call

    @tf.function
    def call(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": self._call(image) * self.gain}


def module(call: Callable[[tf.Tensor], tf.Tensor], folder: Path, *names: str) -> Path:
    """Save a function of pictures under some names."""
    made = Scaled(call)
    shape = tf.TensorSpec((None, 8, 8, 3), tf.float32, name="image")
    concrete = made.call.get_concrete_function(shape)
    tf.saved_model.save(made, str(folder), signatures=dict.fromkeys(names, concrete))
    return folder


def writing(target: Path) -> Callable[[tf.Tensor], tf.Tensor]:
    def call(x: tf.Tensor) -> tf.Tensor:
        tf.io.write_file(str(target), "x")
        return tf.nn.relu(x)

    return call


def test_a_function_that_writes_a_file(tmp_path: Path) -> None:
    folder = module(writing(tmp_path / "written"), tmp_path / "model", "serving_default")
    with pytest.raises(FvcliError, match="is a WriteFile, which reaches out of the graph"):
        loaded(folder)
    assert not (tmp_path / "written").exists()


class Table(tf.Module):
    """A model with a table, which is filled when it is loaded."""

    def __init__(self, keys: tf.Tensor) -> None:
        values = tf.lookup.KeyValueTensorInitializer(keys, tf.constant([1.0, 2.0]))
        self.table = tf.lookup.StaticHashTable(values, 0.0)

    @tf.function(input_signature=[tf.TensorSpec((None, 8, 8, 3), tf.float32, name="image")])
    def call(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": tf.nn.relu(image * 3.0)}


def test_what_is_not_computed_does_not_matter(tmp_path: Path) -> None:
    """TensorFlow fills tables when it loads a model, with a function of the model. Here it is never run."""
    table = Table(tf.constant(["a", "b"]))
    tf.saved_model.save(table, str(tmp_path / "table"), signatures=table.call)

    def change(graph: Any) -> None:
        names = {f.signature.name: f for f in graph.graph_def.library.function}
        filling = next(f for name, f in names.items() if "initializer" in name)
        filling.node_def.add(name="bad", op="WriteFile", input=["name", "content"])

    changed(tmp_path / "table", change)
    assert loaded(tmp_path / "table").facts.nodes[-1].kind == "relu"


def test_which_signature_it_is(tmp_path: Path) -> None:
    assert loaded(module(tf.nn.relu, tmp_path / "one", "its_own")).facts.nodes
    assert loaded(module(tf.nn.relu, tmp_path / "default", "serving_default", "other")).facts.nodes
    several = module(tf.nn.relu, tmp_path / "several", "one", "other")
    with pytest.raises(FvcliError, match="its signatures are several: one ") as caught:
        loaded(several)
    assert "one (image float32 [?, 8, 8, 3] -> y float32 [?, 8, 8, 3])" in str(caught.value)
    assert str(caught.value).endswith(
        f"model: {{path: {several}, signature: one}}; on the command line: --set model.signature=one"
    )
    assert loaded(several, signature="other").facts.nodes
    with pytest.raises(FvcliError, match=r"^model\.signature: .* has none that is called 'third'"):
        loaded(several, signature="third")


class Parts(tf.Module):
    """A model without signatures: with functions, one of which was traced for training, too."""

    def __init__(self) -> None:
        self.gain = tf.Variable(2.0)

    @tf.function
    def __call__(self, image: tf.Tensor, training: bool = False) -> tf.Tensor:
        return tf.nn.relu(image) * (self.gain if not training else 100.0)

    @tf.function
    def negative(self, image: tf.Tensor) -> tf.Tensor:
        return tf.nn.relu(-image)


def test_functions_serve_where_there_is_no_signature(tmp_path: Path) -> None:
    made, shape = Parts(), tf.TensorSpec((None, 8, 8, 3), tf.float32)
    for training in (True, False):
        made.__call__.get_concrete_function(shape, training=training)
    made.negative.get_concrete_function(shape)
    tf.saved_model.save(made, str(tmp_path / "parts"))
    pictures = np.random.default_rng(1).random((2, 8, 8, 3), np.float32)
    for signature, expected in ((None, np.maximum(2 * pictures - 1, 0) * 2), ("negative", None)):
        model = loaded(tmp_path / "parts", signature=signature)
        wanted = np.maximum(1 - 2 * pictures, 0) if expected is None else expected
        found = model.activations(pictures, model.facts.nodes[-1].name)
        np.testing.assert_allclose(found, wanted, atol=1e-6)


class Normalizing(tf.Module):
    """A function that Python tells whether to normalize."""

    @tf.function
    def __call__(self, image: tf.Tensor, normalize: bool = True) -> tf.Tensor:
        return tf.nn.relu(image / 127.5 - 1.0 if normalize else image)


def test_a_function_that_was_traced_in_several_ways(tmp_path: Path) -> None:
    made, shape = Normalizing(), tf.TensorSpec((None, 8, 8, 3), tf.float32)
    made.__call__.get_concrete_function(shape, normalize=True)
    tf.saved_model.save(made, str(tmp_path / "one"))
    assert len(loaded(tmp_path / "one").facts.nodes) == 3
    made.__call__.get_concrete_function(shape, normalize=False)
    tf.saved_model.save(made, str(tmp_path / "two"))
    with pytest.raises(FvcliError, match=r"several ways: normalize=(True; normalize=False|F.*True)"):
        loaded(tmp_path / "two")


def test_nothing_that_serves(tmp_path: Path) -> None:
    empty = tf.Module()
    empty.gain = tf.Variable(1.0)
    tf.saved_model.save(empty, str(tmp_path / "empty"))
    with pytest.raises(FvcliError, match="it has no signature and no function to call"):
        loaded(tmp_path / "empty")


def test_only_a_saved_model_has_signatures() -> None:
    with pytest.raises(FvcliError, match=r"^model\.signature: only a SavedModel has signatures"):
        load(ModelChoice("efficientnet-lite0", signature="logits"))


def test_a_variable_in_parts(tmp_path: Path) -> None:
    """As TensorFlow 1 trained them on several machines."""
    kernel = weights(3, 3, 3, 4)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, (None, 8, 8, 3), name="image")
        parts = tf.compat.v1.fixed_size_partitioner(2, axis=3)
        variable = tf.compat.v1.get_variable(
            "kernel", kernel.shape, initializer=tf.zeros_initializer(), partitioner=parts
        )
        y = tf.nn.conv2d(x, tf.concat(list(variable), 3), 1, "SAME", name="conv")
        session.run([part.assign(kernel[..., 2 * i : 2 * i + 2]) for i, part in enumerate(variable)])
        tf.compat.v1.saved_model.simple_save(session, str(tmp_path / "parts"), {"x": x}, {"y": y})
    model = loaded(tmp_path / "parts")
    pictures = np.random.default_rng(1).random((2, 8, 8, 3), np.float32)
    expected = tf.nn.conv2d(2 * pictures - 1, kernel, 1, "SAME")
    np.testing.assert_allclose(model.activations(pictures, "conv"), expected, atol=1e-5)


def without_variables(folder: Path) -> None:
    shutil.rmtree(folder / "variables")


def with_half_the_variables(folder: Path) -> None:
    (file,) = folder.glob("variables/*.data-*")
    file.write_bytes(file.read_bytes()[:100])


def cut_short(folder: Path) -> None:
    file = folder / "saved_model.pb"
    file.write_bytes(file.read_bytes()[:-20])


def emptied(folder: Path) -> None:
    (folder / "saved_model.pb").write_bytes(b"")


def removed(folder: Path) -> None:
    (folder / "saved_model.pb").unlink()


def changed(folder: Path, change: Callable[[Any], None]) -> None:
    file = folder / "saved_model.pb"
    saved = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    change(saved.meta_graphs[0])
    file.write_bytes(saved.SerializeToString())


def with_a_wrong_number(folder: Path) -> None:
    def change(graph: Any) -> None:
        for child in graph.object_graph_def.nodes[0].children:
            child.node_id = 1 << 20

    changed(folder, change)


def with_an_unknown_type(folder: Path) -> None:
    def change(graph: Any) -> None:
        for info in graph.signature_def["serving_default"].inputs.values():
            info.dtype = 77

    changed(folder, change)


DAMAGES = {
    with_a_wrong_number: "a damaged SavedModel",
    with_an_unknown_type: "a damaged SavedModel",
    without_variables: "a damaged SavedModel",
    with_half_the_variables: "a damaged SavedModel",
    cut_short: "is cut short",
    emptied: "holds no graph",
    removed: "there is no saved_model.pb in it",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_folders(damage: Callable[[Path], None], folders: dict[str, Path], tmp_path: Path) -> None:
    folder = shutil.copytree(folders["exported"], tmp_path / "model")
    damage(folder)
    with pytest.raises(FvcliError, match=DAMAGES[damage]) as caught:
        loaded(folder)
    assert str(caught.value).isprintable()


def test_the_file_in_the_folder(folders: dict[str, Path]) -> None:
    with pytest.raises(FvcliError, match="give the folder that it is in"):
        loaded(folders["exported"] / "saved_model.pb")


# ---- the command line


def test_a_render(folders: dict[str, Path], tmp_path: Path) -> None:
    spec = f"""\
model: {{path: {folders["exported"]}, value_range: [-1, 1]}}
render: {{size_px: 32, steps: 8, batch_size: 2}}
jobs:
  - {{name: a, layer: norm, channels: [0, 5]}}
"""
    result = fvcli("render", write_spec(tmp_path, spec), "-o", tmp_path / "run")
    assert result.exit_code == 0, result.output
    found = [json.loads(path.read_text())["score"] for path in tmp_path.glob("run/units/**/*.json")]
    assert len(found) == 2
    assert all(score["end"] > score["start"] for score in found)


def test_the_layers_of_a_folder_are_listed(folders: dict[str, Path]) -> None:
    result = fvcli("layers", folders["exported"])
    assert result.exit_code == 0, result.output
    assert "depthwise/Relu" in result.output
    assert "(also: depthwise)" in result.output


def test_nodes_are_listed_though_nothing_can_be_rendered(tmp_path: Path) -> None:
    folder = module(tf.nn.relu, tmp_path / "model", "serving_default")
    result = fvcli("layers", folder, "--nodes", "--match", "Relu", "--json")
    assert result.exit_code == 0, result.output
    (node,) = json.loads(result.output)
    assert node["name"].endswith("/Relu")
    assert (node["op"], node["dtype"], node["shape"]) == ("Relu", "float32", [None, 8, 8, 3])
    assert len(node["reads"]) == 1
    folder = module(writing(tmp_path / "written"), tmp_path / "writes", "serving_default")
    assert "WriteFile" in fvcli("layers", folder, "--nodes").output
    assert not (tmp_path / "written").exists()
    assert fvcli("layers", folder, "--nodes", "--size", "8").exit_code == 2
    assert "is no TensorFlow graph" in fvcli("layers", "efficientnet-lite0", "--nodes").output
