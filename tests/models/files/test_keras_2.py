"""Descriptions of Keras 2, and what Keras 3 reads instead of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fvcli.errors import FvcliError
from fvcli.models.files.keras_2.layer_settings import upsamples_from_corners
from fvcli.models.files.keras_config import parse_config

OWN = "fvcli>hard_sigmoid_keras_2"


def layer(kind: str, *reads: Any, name: str = "x", **settings: Any) -> dict[str, Any]:
    calls = [list(reads)] if reads else []
    return {"class_name": kind, "config": {"name": name, **settings}, "name": name, "inbound_nodes": calls}


def image(*shape: int) -> dict[str, Any]:
    return layer("InputLayer", name="image", batch_input_shape=[None, *shape], dtype="float32", ragged=False)


def model(*layers: dict[str, Any], output: Any = None, kind: str = "Functional") -> dict[str, Any]:
    output = output or [[layers[-1]["name"], 0, 0]]
    config = {
        "name": "model",
        "layers": [*layers],
        "input_layers": [["image", 0, 0]],
        "output_layers": output,
    }
    return {"class_name": kind, "config": config}


def rewritten(description: dict[str, Any], version: str = "2.4.0") -> dict[str, Any]:
    config: dict[str, Any] = parse_config(json.dumps(description), "m.h5", version)["config"]
    return config


def settings_of(kind: str, version: str = "2.4.0", **settings: Any) -> dict[str, Any]:
    """Return what becomes of the settings of one layer."""
    made = rewritten(model(image(8, 8, 3), layer(kind, ["image", 0, 0, {}], **settings)), version)
    config: dict[str, Any] = made["layers"][1]["config"]
    return {key: value for key, value in config.items() if key != "name"}


@pytest.mark.parametrize("package", ["keras", "tf_keras"])
def test_the_package_tf_keras_is_keras_2(package: str) -> None:
    own = {"module": f"{package}.src.engine.functional", "registered_name": "Functional"}
    made = parse_config(json.dumps({**model(image(8, 8, 3)), **own}), "m.keras", "2.18.0")
    assert (made["module"], made["class_name"]) == ("keras.src.models.functional", "Functional")
    other = {**own, "module": f"my_{own['module']}"}
    with pytest.raises(FvcliError, match=rf"is of the class 'my_{package}.src.engine.functional.Functional'"):
        parse_config(json.dumps({**model(image(8, 8, 3)), **other}), "m.keras", "2.18.0")


@pytest.mark.parametrize(
    ("kind", "settings", "expected"),
    [
        ("DepthwiseConv2D", {"kernel_size": [3, 3], "groups": 1}, {"kernel_size": [3, 3]}),
        ("Conv2D", {"filters": 4, "groups": 2}, {"filters": 4, "groups": 2}),
        ("Dense", {"units": 2, "kernel_initializer": {"class_name": "Mine"}}, {"units": 2}),
        ("Dense", {"units": 2, "activity_regularizer": "l2", "bias_constraint": 1}, {"units": 2}),
        (
            "Dense",
            {"dtype": {"class_name": "Policy", "config": {"name": "mixed_float16"}}},
            {"dtype": "mixed_float16"},
        ),
        ("Dense", {"dtype": {"class_name": "PolicyV1", "config": {"name": "float64"}}}, {"dtype": "float64"}),
        ("Dense", {"dtype": None, "units": 3}, {"units": 3}),
        ("BatchNormalization", {"axis": [3], "fused": True, "renorm": True}, {"axis": 3}),
        ("BatchNormalizationV1", {"axis": {"class_name": "__tuple__", "items": [1]}}, {"axis": 1}),
        ("SyncBatchNormalization", {"axis": -1}, {"axis": -1}),
        ("LeakyReLU", {"alpha": {"type": "ndarray", "value": 0.25}}, {"negative_slope": 0.25}),
        (
            "LSTM",
            {"units": 4, "time_major": False, "implementation": 2, "recurrent_activation": "tanh"},
            {"units": 4, "recurrent_activation": "tanh"},
        ),
        ("LocallyConnected1D", {"implementation": 2}, {"implementation": 2}),
        ("Rescaling", {"scale": 0.5}, {"scale": 0.5, "offset": 0.0}),  # of TensorFlow 2.2
        ("GRU", {"units": 4}, {"units": 4, "reset_after": False}),
        ("GRU", {"units": 4, "reset_after": True}, {"units": 4, "reset_after": True}),
        (
            "Embedding",
            {"input_dim": 5, "output_dim": 2, "input_length": 9},
            {"input_dim": 5, "output_dim": 2},
        ),
        ("RandomHeight", {"factor": 0.2, "interpolation": "bilinear", "seed": None}, {}),
        ("RandomFlip", {"mode": "horizontal", "rng_type": "stateful"}, {"mode": "horizontal"}),
        ("MultiHeadAttention", {"num_heads": 2, "query_shape": [None, 4, 8]}, {"num_heads": 2}),
        ("Activation", {"activation": "softmax_v2"}, {"activation": "softmax"}),
        (
            "UpSampling2D",
            {"size": [2, 2], "interpolation": "bilinear"},
            {"size": [2, 2], "interpolation": "bilinear"},
        ),
    ],
)
def test_settings(kind: str, settings: dict[str, Any], expected: dict[str, Any]) -> None:
    assert settings_of(kind, **settings) == expected


def test_functions_with_another_meaning_get_another_name() -> None:
    assert settings_of("Dense", activation="hard_sigmoid")["activation"]["config"] == OWN
    written = {"module": "builtins", "class_name": "function", "config": "hard_sigmoid"}
    assert settings_of("Activation", activation=written)["activation"]["config"] == OWN
    assert settings_of("LSTM", units=2)["recurrent_activation"]["config"] == OWN
    assert settings_of("LSTM", units=2, recurrent_activation="sigmoid")["recurrent_activation"] == "sigmoid"
    inner = settings_of("Bidirectional", layer=layer("GRU", recurrent_activation="hard_sigmoid"))["layer"]
    assert inner["config"]["recurrent_activation"]["config"] == OWN
    assert inner["config"]["reset_after"] is False


@pytest.mark.parametrize(
    ("version", "description", "expected"),
    [
        ("2.2.4", "", True),
        ("2.3.1", "", True),
        ("2.4.0", "", False),
        ("2.15.0", "", False),
        ("2", "", False),
        ("2.1.6-tf", "", True),
        ("2.2.4-tf", '"InputLayer" {}', True),
        ("2.2.4-tf", '"InputLayer" "ragged": false', False),
        ("2.3.0-tf", '"InputLayer"', False),
    ],
)
def test_bilinear_upsampling_began_at_corners(version: str, description: str, expected: bool) -> None:
    assert upsamples_from_corners(version, description) is expected


def test_a_layer_that_begins_at_corners_is_another_one() -> None:
    up = layer("UpSampling2D", ["image", 0, 0, {}], size=[2, 2], interpolation="bilinear")
    (_, made) = rewritten(model(image(8, 8, 3), up), "2.2.4")["layers"]
    assert (made["module"], made["registered_name"]) == ("fvcli", "fvcli>UpSampling2D")
    assert made["config"]["from_corners"] is True


@pytest.mark.parametrize(
    ("kind", "settings", "words"),
    [
        ("LSTM", {"time_major": True}, "a LSTM with time_major: True"),
        ("DepthwiseConv2D", {"groups": 2}, "with groups: 2"),
        ("BatchNormalization", {"axis": [1, 3]}, "over axes [1, 3]"),
        ("CuDNNLSTM", {}, "one kind of GPU"),
        ("RandomCrop", {"height": 4, "width": 4}, "in inference as well"),
        ("TFOpLambda", {"function": "io.read_file"}, "tf.io.read_file of TensorFlow, which is none"),
        ("TFOpLambda", {"function": "nn.dropout"}, "not be the same twice"),
        ("TFOpLambda", {"function": "numpy_function"}, "which is none of the functions"),
    ],
)
def test_what_keras_3_cannot_do(kind: str, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(FvcliError) as refused:
        settings_of(kind, **settings)
    assert words in str(refused.value)
    assert "layer 'x'" in str(refused.value)


def test_files_of_keras_1_are_refused_with_the_way_out() -> None:
    with pytest.raises(FvcliError, match=r"Keras '1.2.2', which is not read.*keras==2.2.4"):
        rewritten(model(image(8, 8, 3)), "1.2.2")


@pytest.mark.parametrize(
    "broken", [{"class_name": "Functional"}, {"class_name": "Sequential"}, model(layer("Dense"))]
)
def test_a_damaged_description(broken: dict[str, Any]) -> None:
    with pytest.raises(FvcliError, match="damaged"):
        rewritten(
            {"config": {}, **broken}
            if "config" not in broken
            else {**broken, "config": {**broken["config"], "layers": 3}}
        )


# ---- what reads what


def reads(made: dict[str, Any], name: str) -> tuple[Any, Any]:
    """Return the first argument and the keywords of a layer's only call, tensors as [layer, call, output]."""
    (call,) = next(one for one in made["layers"] if one["name"] == name)["inbound_nodes"]
    return _plain(call["args"][0]), _plain(call["kwargs"])


def _plain(value: Any) -> Any:
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        return value["config"]["keras_history"]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def test_several_inputs_and_keywords() -> None:
    made = rewritten(
        model(
            image(8, 8, 3),
            layer("Conv2D", ["image", 0, 0, {}], name="a"),
            layer("Add", ["image", 0, 0, {}], ["a", 0, 0], name="b"),
            layer("BatchNormalization", ["b", 0, 0, {"training": False}], name="c"),
            layer("MultiHeadAttention", ["c", 0, 0, {"value": ["a", 0, 0]}], name="d"),
            layer("LSTM", ["d", 0, 0, {}], ["a", 0, 0, {}], ["b", 0, 0, {}], name="e"),
            output=["e", 0, 0],
        )
    )
    assert reads(made, "a") == (["image", 0, 0], {})
    assert reads(made, "b") == ([["image", 0, 0], ["a", 0, 0]], {})
    assert reads(made, "c") == (["b", 0, 0], {"training": False})
    assert reads(made, "d") == (["c", 0, 0], {"value": ["a", 0, 0]})
    assert reads(made, "e") == (["d", 0, 0], {"initial_state": [["a", 0, 0], ["b", 0, 0]]})
    assert (made["input_layers"], made["output_layers"]) == (["image", 0, 0], ["e", 0, 0])


def test_calls_of_inner_models_are_counted_from_0() -> None:
    inner = model(image(8, 8, 3), layer("Conv2D", ["image", 0, 0, {}], name="conv"), kind="Model")
    twice = {**inner, "name": "inner", "inbound_nodes": [[["image", 0, 0, {}]], [["inner", 1, 0, {}]]]}
    chain = {
        "class_name": "Sequential",
        "config": {"name": "chain", "layers": [layer("Dropout", rate=0.5)]},
        "inbound_nodes": [[["inner", 2, 0, {}]]],
        "name": "chain",
    }
    made = rewritten(model(image(8, 8, 3), twice, chain, output=[["chain", 1, 0], ["inner", 2, 0]]))
    calls = next(one for one in made["layers"] if one["name"] == "inner")["inbound_nodes"]
    assert [_plain(call["args"][0]) for call in calls] == [["image", 0, 0], ["inner", 0, 0]]
    assert reads(made, "chain") == (["inner", 1, 0], {})
    assert made["output_layers"] == [
        ["chain", 0, 0],
        ["inner", 2, 0],
    ]  # of functional ones Keras 3 takes 1 away


def test_dictionaries_of_inputs_and_outputs() -> None:
    description = model(
        image(8, 8, 3), layer("Conv2D", ["image", 0, 0, {}], name="a"), output={"map": ["a", 0, 0]}
    )
    description["config"]["layers"][1]["inbound_nodes"] = [{"left": ["image", 0, 0, {}]}]
    made = rewritten(description)
    assert reads(made, "a") == ({"left": ["image", 0, 0]}, {})
    assert made["output_layers"] == {"map": ["a", 0, 0]}


def test_functions_of_tensorflow() -> None:
    scaled = {
        **layer("TFOpLambda", function="math.truediv", name="scaled"),
        "inbound_nodes": [["image", 0, 0, {"y": 127.5, "name": None}]],
    }
    turned = {
        **layer("TFOpLambda", function="math.subtract", name="turned"),
        "inbound_nodes": [["_CONSTANT_VALUE", -1, 1.0, {"y": ["scaled", 0, 0]}]],
    }
    made = rewritten(model(image(8, 8, 3), scaled, turned))
    assert [one["registered_name"] for one in made["layers"]] == [None, *["fvcli>TensorFlowFunction"] * 2]
    assert made["layers"][1]["config"]["settings"] == {"y": 127.5}
    assert reads(made, "scaled") == (["image", 0, 0], {})
    assert reads(made, "turned") == (1.0, {"y": ["scaled", 0, 0]})


def test_names_with_a_slash() -> None:
    made = rewritten(model(image(8, 8, 3), layer("Conv2D", ["image", 0, 0, {}], name="a/b")))
    assert made["layers"][1]["name"] == "a\u2215b" == made["layers"][1]["config"]["name"]
    assert made["output_layers"] == ["a\u2215b", 0, 0]


# ---- sequential models


@pytest.mark.parametrize(
    ("config", "first"),
    [
        ({"name": "m", "layers": [layer("Conv2D", batch_input_shape=[None, 9, 9, 3])]}, "x_input"),
        ({"name": "m", "layers": [layer("Conv2D")], "build_input_shape": [None, 9, 9, 3]}, "x_input"),
        ({"name": "m", "layers": [model(image(9, 9, 3))]}, "model_input"),
        ([layer("Conv2D", batch_input_shape=[None, 9, 9, 3])], "x_input"),
        ({"name": "m", "layers": [image(9, 9, 3)]}, "image"),
    ],
)
def test_a_sequential_model_begins_with_its_input(config: Any, first: str) -> None:
    made = rewritten(
        {
            "class_name": "Sequential",
            "config": {"name": "outer", "layers": [{"class_name": "Sequential", "config": config}]},
        }
    )
    inner = made["layers"][-1]["config"]["layers"]
    assert inner[0]["class_name"] == "InputLayer"
    assert inner[0]["config"]["name"] == first
    assert inner[0]["config"]["batch_shape"] == [None, 9, 9, 3]


def test_sequential_models_before_keras_2_2_3_have_no_names() -> None:
    dense = {"class_name": "Dense", "config": {"name": "dense", "units": 2}}
    inner = {"class_name": "Sequential", "config": [dense]}
    each = {"class_name": "TimeDistributed", "config": {"name": "each", "layer": inner}}
    made = rewritten({"class_name": "Sequential", "config": [inner, inner, each]}, "2.1.6")
    assert made["name"] == "sequential"
    first, second, third = (layer["config"] for layer in made["layers"])
    names = [first["name"], second["name"], third["layer"]["config"]["name"]]
    assert names == ["sequential_1", "sequential_2", "sequential_3"]
    assert third["layer"]["config"]["layers"][0]["config"] == {"name": "dense", "units": 2}


SCALE = "keras.src.applications.inception_resnet_v2"


@pytest.mark.parametrize("where", [{}, {"module": SCALE}, {"module": f"tf_{SCALE}"}, {"module": "mine"}])
def test_inception_resnets_own_layer_is_keras_own(where: dict[str, str]) -> None:
    both = [["image", 0, 0, {}], ["image", 0, 0, {}]]
    scale = {**layer("Custom>CustomScaleLayer", *both, scale=0.2), **where}
    if where.get("module") == "mine":
        with pytest.raises(FvcliError, match="layer 'x' is of the class"):
            rewritten(model(image(8, 8, 3), scale))
        return
    made = rewritten(model(image(8, 8, 3), scale))["layers"][1]
    assert (made["module"], made["class_name"], made["registered_name"]) == (SCALE, "CustomScaleLayer", None)
    assert made["config"]["scale"] == 0.2


@pytest.mark.parametrize("kind", ["LayerScale", "StochasticDepth"])
def test_layers_of_convnext_are_where_keras_3_has_them(kind: str) -> None:
    made = rewritten(model(image(8, 8, 3), layer(kind, ["image", 0, 0, {}])))["layers"][1]
    assert (made["module"], made["class_name"]) == ("keras.src.applications.convnext", kind)
