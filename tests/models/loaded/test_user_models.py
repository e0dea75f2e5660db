"""Networks that people bring: what their layers are called and compute, and that they can be rendered."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from fvcli.errors import FvcliError, UsageError
from fvcli.media import read_picture
from fvcli.models import ModelChoice, describe, load
from fvcli.models.loaded.keras_model.lay_open import lay_open
from fvcli.optvis.network import Network
from tests.helpers.networks import as_network
from tests.helpers.running import fvcli, write_spec
from tests.helpers.user_models import BUILDERS, CLASSES, trains_in_inference

# model, lines of the spec's model beside its path, what its jobs are: every row renders eight steps
RENDERED = {
    "plain": ("", ["layer: second_bn", "{objective: class_logit, classes: 0-1}"]),
    "small_pictures": ("", ["layer: conv2_pre_activation", "objective: class_probability"]),
    "small_pictures at another size": ("", ["layer: hidden_pre_activation, size_px: [48, 40]"]),
    "nested": ("", ["layer: backbone/block_3_expand_BN"]),
    "twice_nested": ("value_range: [0, 255]", ["layer: body/backbone/block_6_project_BN"]),
    "shared": ("", ["layer: twice@2", "layer: inner@2/deep_bn"]),
    "several": ("fill: {age: 0.5}, logits: size", ["layer: gated", "objective: class_logit"]),
    "channels_first": (
        "",
        ["layer: both", "layer: b, objective: neuron"],
    ),
    "grey": ("", ["layer: second_bn"]),
    "five_channels": ("", ["layer: second_bn"]),
    "vision_transformer": (
        "",
        ["layer: encoder1_mlp1", "layer: encoder2, objective: neuron"],
    ),
    "stock_transformer": ("", ["layer: encoder1", "objective: class_logit"]),
    "mixed_precision": ("", ["layer: second_bn"]),
    "training_layers": ("", ["layer: second_bn", "objective: class_logit"]),
    "encoder_decoder": ("size_px: 32", ["layer: up1", "layer: mask"]),
}
# The mean of a channel that learnt nothing is next to nothing, and what transforms do at the border is more.
STEADILY = "transforms: [], optimizer: {kind: adam, learning_rate: 0.02}"
REDIRECTED = {"small_pictures", "nested"}  # in their first steps, for which a program is compiled once more
CUSTOM = {"vision_transformer"}  # has layers that are not Keras's own


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every network that Keras's own layers make."""
    folder = tmp_path_factory.mktemp("models")
    for name, build in BUILDERS.items():
        if name not in CUSTOM:
            build().save(folder / f"{name}.keras")
    return folder


def job(i: int, what: str) -> str:
    asked = what.strip("{}")
    units = "classes: [0, 1]" if "class_" in asked else "channels: [0, 1]"
    asked = asked.replace("classes: 0-1, ", "").replace(", classes: 0-1", "")
    return f"  - {{name: j{i}, {asked}, {units}}}\n"


@pytest.mark.parametrize("row", RENDERED)
def test_eight_steps_raise_the_score(row: str, saved: Path, tmp_path: Path) -> None:
    name = row.split(" ", maxsplit=1)[0]
    more, jobs = RENDERED[row]
    where = f"factory: tests.helpers.user_models:{name}" if name in CUSTOM else f"path: {saved}/{name}.keras"
    facts = [where, more] if "value_range" in more else [where, "value_range: [-1, 1]", more]
    text = f"model: {{{', '.join(filter(None, facts))}}}\n"
    redirected = "" if row in REDIRECTED else "redirect_steps: 0, "
    text += f"render: {{steps: 8, {redirected}early_stop: 0, {STEADILY}}}\njobs:\n"
    text += "".join(job(i, what) for i, what in enumerate(jobs))
    spec = write_spec(tmp_path, text)
    allowed = ["--allow-code"] if name in CUSTOM else []
    result = fvcli("render", spec, "-o", tmp_path / "run", *allowed)
    assert result.exit_code == 0, result.output
    sidecars = sorted((tmp_path / "run/units").glob("*/*.json"))
    assert len(sidecars) == 2 * len(jobs)
    for path in sidecars:
        known = json.loads(path.read_text())
        assert known["status"] == "done", known
        assert known["score"]["end"] > known["score"]["start"], known
    assert (tmp_path / "run/grids/j0.png").exists()


@pytest.mark.parametrize("name", sorted(BUILDERS.keys() - {"nested", "plain", "grey"}))
def test_laid_open_a_network_computes_what_keras_does(name: str) -> None:
    """All outputs, from pictures and what other inputs are filled with."""
    model = BUILDERS[name]()
    laid = lay_open(model, fill={"age": 0.5} if name == "several" else None)
    size = [side or 32 for side in laid.size_px]
    pictures = tf.random.stateless_uniform((2, *size, laid.channels), (1, 2))
    reading = Network(laid.graph, (0.0, 1.0))(pictures, redirect=False)
    given = tf.transpose(pictures, (0, 3, 1, 2)) if name == "channels_first" else pictures
    others = [tf.fill((2, 2), 0.5)] if name == "several" else []
    expected = tf.nest.flatten(keras_outputs(model, [given, *others]))
    assert len(laid.outputs) == len(expected)
    for output, values in zip(laid.outputs, expected, strict=True):
        found = reading(output).numpy()
        np.testing.assert_allclose(found.ravel(), np.ravel(values), rtol=2e-4, atol=2e-4)


def keras_outputs(model: keras.Model, inputs: list[tf.Tensor]) -> object:
    """Run the model itself; one with channels first cannot run on a CPU, but a compiled one can."""
    run = tf.function(lambda *x: model(list(x) if len(x) > 1 else x[0], training=False), jit_compile=True)
    return run(*inputs)


@pytest.mark.parametrize(
    "name", ["small_pictures", "shared", "several", "channels_first", "encoder_decoder", "vision_transformer"]
)
def test_facts_are_the_shapes_of_what_is_computed(name: str, saved: Path) -> None:
    choice = (
        {"factory": f"tests.helpers.user_models:{name}"}
        if name in CUSTOM
        else {"path": f"{saved}/{name}.keras"}
    )
    if name == "encoder_decoder":
        choice |= {"size_px": (32, 32)}
    loaded = load(ModelChoice(**choice, value_range=(0.0, 1.0)), allow_code=True)
    facts = loaded.facts
    sizes = [facts.native_size_px, (40, 56)]
    for size in sizes:
        at = facts.layers_at(*size)
        pictures = tf.random.stateless_uniform((1, *size, facts.input_channels), (3, 4))
        for layer, known in at.items():
            if not known.channels:
                continue
            network = loaded.network(input_px=facts.input_size([layer]))
            found = network(pictures, redirect=False)(layer).shape
            assert tuple(found) == (1, known.height, known.width, known.channels), (layer, size)


# ---- names


def names(build: str) -> list[str]:
    return [node.name for node in lay_open(BUILDERS[build]()).nodes]


def test_nested_layers_are_named_by_their_path() -> None:
    found = names("twice_nested")
    assert "body/backbone/block_6_project_BN" in found
    assert found.index("scaled") < found.index("body/backbone/Conv1") < found.index("mean")
    laid = lay_open(BUILDERS["twice_nested"]())
    assert laid.aliases == {"body": "body/out", "body/backbone": "body/backbone/out_relu"}


def test_shared_layers_are_named_by_their_call() -> None:
    found = names("shared")
    assert [name for name in found if name.startswith("twice")] == [
        *("twice_pre_activation", "twice", "twice@2_pre_activation", "twice@2")
    ]
    assert "inner/deep_conv" in found
    assert "inner@2/deep_conv" in found


def test_pre_activations_have_a_name() -> None:
    found = names("small_pictures")
    assert found[:3] == ["conv1_pre_activation", "conv1", "pool1"]
    assert "hidden_pre_activation" in found
    loaded = as_network(BUILDERS["small_pictures"]())
    reading = loaded(tf.random.stateless_uniform((1, 32, 32, 3), (1, 2)), redirect=False)
    np.testing.assert_allclose(reading("conv1"), np.maximum(reading("conv1_pre_activation"), 0))


def test_logits_are_before_the_softmax(saved: Path) -> None:
    facts = load(ModelChoice(path=f"{saved}/plain.keras", value_range=(0.0, 1.0))).facts
    assert facts.logits == "classes_pre_activation"
    assert facts.labels == tuple(map(str, range(CLASSES)))


# ---- what is said


def remarks(saved: Path, name: str, **more: object) -> str:
    return " ".join(load(ModelChoice(path=f"{saved}/{name}.keras", **more)).facts.remarks)


def test_what_was_dealt_with_is_said(saved: Path) -> None:
    assert "half precision" in remarks(saved, "mixed_precision")
    assert "input age (2,) is filled with 0.5" in remarks(saved, "several", fill={"age": 0.5})
    assert (
        "the network takes pictures of any size; render.size_px says theirs, and without it they have "
        "224 x 224 px, at which layers are described (set model.size_px: 96 to change that)"
    ) in remarks(saved, "encoder_decoder")
    assert "any size" not in remarks(saved, "encoder_decoder", size_px=(96, 96))


def test_training_batch_normalization_is_refused(tmp_path: Path) -> None:
    trains_in_inference().save(tmp_path / "trains.keras")
    text = f"model: {tmp_path}/trains.keras\njobs: [{{name: a, layer: conv}}]\n"
    result = fvcli("plan", write_spec(tmp_path, text))
    assert result.exit_code == 2
    assert "norm is a BatchNormalization called with training=True" in result.stderr
    assert "other pictures of the batch" in result.stderr


def test_subclassed_models_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.py").write_text(
        "import keras\n"
        "class Mine(keras.Model):\n    def call(self, x):\n        return x\n"
        "def build():\n    return Mine()\n"
    )
    monkeypatch.chdir(tmp_path)
    text = "model: {factory: 'mine:build'}\njobs: [{name: a, layer: conv}]\n"
    result = fvcli("plan", write_spec(tmp_path, text), "--allow-code")
    assert result.exit_code == 2
    assert "subclassed" in result.stderr
    assert "keras.Model(inputs, outputs)" in result.stderr


def test_code_runs_only_where_it_is_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "marks.py").write_text("open('ran', 'w').close()\ndef build(): raise RuntimeError('no')\n")
    monkeypatch.chdir(tmp_path)
    spec = write_spec(tmp_path, "model: {factory: 'marks:build'}\njobs: [{name: a, layer: conv}]\n")
    for command in (["plan", spec], ["render", spec, "-o", tmp_path / "run"], ["layers", spec]):
        result = fvcli(*command)
        assert result.exit_code == 2
        assert "--allow-code" in result.stderr
        assert not (tmp_path / "ran").exists()
    result = fvcli("plan", spec, "--allow-code")
    assert "failed with RuntimeError: no" in result.stderr
    assert (tmp_path / "ran").exists()


# ---- five channels in a picture


def test_five_channels_are_saved_side_by_side(saved: Path, tmp_path: Path) -> None:
    text = f"model: {{path: {saved}/five_channels.keras, value_range: [-1, 1]}}\n"
    text += "render: {steps: 1}\njobs: [{name: a, layer: second_bn, channels: [3]}]\n"
    assert fvcli("render", write_spec(tmp_path, text), "-o", tmp_path / "run").exit_code == 0
    png = tmp_path / "run/units/a/channel-0003.png"
    pixels = read_picture(png)
    assert pixels.shape == (48, 48, 5)
    loaded = load(ModelChoice(path=f"{saved}/five_channels.keras", value_range=(-1.0, 1.0)))
    known = json.loads(png.with_suffix(".json").read_text())
    score = loaded.activations(pixels[None] / 255, "second_bn")[..., 3].mean()
    assert score == pytest.approx(known["score"]["saved"], rel=1e-4)


# ---- loading once


def test_twenty_jobs_load_the_model_once(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To plan and to render, all of them; and a second run without anything missing loads it to plan only."""
    loads = []
    real = keras.models.load_model
    monkeypatch.setattr(keras.models, "load_model", lambda *a, **k: loads.append(a) or real(*a, **k))
    jobs = "".join(f"  - {{name: j{i}, layer: second_bn, channels: [{i % 16}]}}\n" for i in range(20))
    text = f"model: {{path: {saved}/plain.keras, value_range: [-1, 1]}}\nrender: {{steps: 1}}\njobs:\n{jobs}"
    result = fvcli("render", write_spec(tmp_path, text), "-o", tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert len(list((tmp_path / "run/units").glob("*/*.png"))) == 20
    assert len(loads) == 1


def test_a_changed_file_is_loaded_again(tmp_path: Path) -> None:
    path = tmp_path / "mine.keras"
    BUILDERS["plain"]().save(path)
    first = load(ModelChoice(path=str(path), value_range=(0.0, 1.0))).facts
    BUILDERS["grey"]().save(path)
    second = load(ModelChoice(path=str(path), value_range=(0.0, 1.0))).facts
    assert (first.input_channels, second.input_channels) == (3, 1)
    assert first.weights_sha256 != second.weights_sha256


def test_a_picture_of_an_own_model_can_be_rendered_again(saved: Path, tmp_path: Path) -> None:
    """The guessed preprocessing is in the picture, too."""
    text = f"model: {saved}/several.keras\nrender: {{steps: 2}}\n"
    text += "jobs: [{name: a, layer: gated, channels: 1}]\n"
    result = fvcli("render", write_spec(tmp_path, text), "-o", tmp_path / "run")
    assert "preprocessing guessed" in result.stderr
    png = tmp_path / "run/units/a/channel-0001.png"
    again = fvcli("render", "--from", png, "-o", tmp_path / "again")
    assert again.exit_code == 0, again.output
    assert "guessed" not in again.stderr
    assert (tmp_path / "again/units/a/channel-0001.png").read_bytes() == png.read_bytes()


# ---- mistakes in what a spec says of a model

MISTAKES = {
    "path: {0}/plain.keras, mean: [1, 2]": "model.mean: 2 numbers for 3 channels: give one, or 3",
    "path: {0}/plain.keras, std: [1, 2, 3, 4]": "model.std: 4 numbers for 3 channels",
    "path: {0}/grey.keras, channel_order: BGR": "model.channel_order: BGR with 1 channels",
    "path: {0}/plain.keras, size_px: 80": "model.size_px: the network takes a height of 64 px, not 80",
    "path: {0}/plain.keras, logits: nothing": "model.logits: nothing is no layer: the last that could be are",
    "path: {0}/plain.keras, fill: {{age: 1}}": "model.fill: age is no input beside the picture's",
    "path: {0}/several.keras, fill: {{image: 1}}": "model.fill: image is no input beside the picture's",
    "path: {0}/several.keras, input: picture": "model.input: there is no input 'picture': its inputs are",
    "path: {0}/several.keras, input: age": "model.input: age (2,) takes no picture",
    "path: {0}/plain.keras, labels: imagenet": "model.labels: ImageNet has 1000 classes, and the model 10",
    "path: {0}/plain.keras, labels: {0}/no.txt": "No such file",
    "path: {0}/plain.keras, sha256: {1}": "SHA-256 is",
    "path: {0}/plain.keras, name: vgg16": "takes one of name, path and factory, and here is name and path",
    "weights: random": "a model takes one of name, path and factory, and here is none",
    "path: {0}/plain.keras, value_range: [1, 0]": "write the smaller number first",
    "path: {0}/plain.keras, std: 0": "greater than 0",
    "path: {0}/plain.keras, data_format: NCHW": "channels_first",
    "path: {0}/channels_first.keras, data_format: channels_last": "the network's layers have channels_first",
}


@pytest.mark.parametrize("model", MISTAKES)
def test_mistakes_are_said_in_one_line(model: str, saved: Path, tmp_path: Path) -> None:
    text = f"model: {{{model.format(saved, '0a' * 32)}}}\njobs: [{{name: a, layer: first}}]\n"
    spec = write_spec(tmp_path, text)
    result = fvcli("plan", spec)
    assert result.exit_code == 2, result.output
    [line] = result.stderr.splitlines()
    assert line.startswith(f"Error: {spec}:1: model")
    assert MISTAKES[model] in line


# ---- what came up when others tried


def test_layers_may_have_any_name() -> None:
    """TensorFlow takes few characters in the names of its scopes, and Keras any."""
    image = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(4, 3, name="a b")(image)
    x = keras.layers.Activation("tanh", name="größe @2")(x)
    model = keras.Model(image, keras.layers.GlobalAveragePooling2D(name="gap *")(x))
    for _ in range(2):  # also when it was laid open before
        assert [node.name for node in lay_open(model).nodes] == ["a b", "größe @2", "gap *"]
    network = as_network(model)
    run = tf.function(lambda x: network(x, redirect=False)("gap *"))
    assert run(tf.zeros((2, 16, 16, 3))).shape == (2, 1, 1, 4)


def test_filled_inputs_are_as_many_as_pictures() -> None:
    image, places = keras.Input((16, 16, 3), name="image"), keras.Input((16, 16, 2), name="places")
    joined = keras.layers.Concatenate(name="joined")([image, places])
    tower = keras.layers.Conv2D(4, 3, name="conv")
    other = keras.layers.Conv2D(4, 3, name="other")(places)
    model = keras.Model([image, places], [tower(joined), other])
    laid = lay_open(model, picture="image", fill={"places": 0.25})
    assert [(node.name, node.bound) for node in laid.nodes] == [("joined", True), ("conv", False)]
    assert "left out, because they do not see the picture: other" in laid.remarks
    reading = Network(laid.graph, (0.0, 1.0))(tf.zeros((3, 16, 16, 3)), redirect=False)
    np.testing.assert_array_equal(reading("joined")[2, 0, 0], [0, 0, 0, 0.25, 0.25])


def test_functions_of_keras_ops() -> None:
    """Slices of channels and poolings see what they see; what is no number cannot be climbed."""
    image = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(4, 3, name="conv")(image)
    x = keras.ops.max_pool(x[..., :2], 2)
    x = keras.ops.where(x > 0, x, x * 2)
    model = keras.Model(image, keras.ops.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]))
    nodes = {node.kind: node for node in lay_open(model).nodes}
    assert nodes["max_pool"].window is not None
    assert not nodes["where"].bound
    assert nodes["other (Greater)"].channels == 0
    assert nodes["other (Pad)"].bound


def test_logits_are_before_a_softmax_that_is_reshaped(tmp_path: Path) -> None:
    image = keras.Input((16, 16, 3))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(image))
    x = keras.layers.Softmax()(keras.layers.Dense(5, name="evidence")(x))
    keras.Model(image, keras.layers.Reshape((5,))(x)).save(tmp_path / "m.keras")
    choice = ModelChoice(path=str(tmp_path / "m.keras"), value_range=(0.0, 1.0))
    assert load(choice).facts.logits == "evidence"


def test_grey_pictures_without_channels(tmp_path: Path) -> None:
    image = keras.Input((20, 24))
    x = keras.layers.Conv2D(4, 3, name="conv")(keras.layers.Reshape((20, 24, 1))(image))
    keras.Model(image, x).save(tmp_path / "m.keras")
    text = f"model: {{path: {tmp_path}/m.keras, value_range: [0, 1]}}\nrender: {{steps: 2}}\n"
    text += "jobs: [{name: a, layer: conv, channels: 0}]\n"
    assert fvcli("render", write_spec(tmp_path, text), "-o", tmp_path / "run").exit_code == 0
    assert read_picture(tmp_path / "run/units/a/channel-0000.png").shape == (20, 24, 1)


def test_one_open_side_leaves_the_other_as_it_is(tmp_path: Path) -> None:
    image = keras.Input((None, 48, 3))
    keras.Model(image, keras.layers.Conv2D(4, 3, name="conv")(image)).save(tmp_path / "m.keras")
    choice = {"path": str(tmp_path / "m.keras"), "value_range": (0.0, 1.0)}
    assert load(ModelChoice(**choice)).facts.native_size_px == (224, 48)
    assert load(ModelChoice(**choice, size_px=(64, 48))).facts.native_size_px == (64, 48)
    with pytest.raises(UsageError, match="takes a width of 48 px, not 64"):
        load(ModelChoice(**choice, size_px=(64, 64)))


def test_layers_of_a_spec_without_jobs(saved: Path, tmp_path: Path) -> None:
    spec = write_spec(tmp_path, f"model: {{path: {saved}/several.keras, fill: {{age: 1}}}}\n")
    listed = json.loads(fvcli("layers", spec, "--json").stdout)
    assert "gated" in {layer["name"] for layer in listed}


def test_a_folder_that_is_taken_for_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_model").mkdir()
    assert "for the file of that name write ./my_model" in fvcli("layers", "my_model").stderr


@pytest.mark.parametrize(
    ("shape", "layer", "words"),
    [
        ((8, 8, 17), lambda: keras.layers.Conv2D(4, 3), "an input of 17 channels is hardly a picture"),
        ((8, 8, 16), lambda: keras.layers.Conv2D(4, 3), None),
        ((8, 5), lambda: keras.layers.LSTM(4), "it may be text or sound"),
        ((8, 5), lambda: keras.layers.Dense(4), None),
    ],
)
def test_what_is_hardly_a_picture_is_remarked(
    shape: tuple[int, ...], layer: Callable[[], keras.Layer], words: str | None, tmp_path: Path
) -> None:
    image = keras.Input(shape)
    keras.Model(image, layer()(image)).save(tmp_path / "m.keras")
    remarks = " ".join(describe(ModelChoice(path=str(tmp_path / "m.keras"))).remarks)
    assert ("hardly a picture" in remarks or "text or sound" in remarks) is (words is not None)
    assert (words or "") in remarks


def test_a_layer_that_cannot_be_computed_is_told_with_its_file_in_a_line(tmp_path: Path) -> None:
    image = keras.Input((3, 8, 8))
    scaled = keras.layers.Rescaling([1.0, 2.0, 3.0], name="three")(image)  # of columns, of which there are 8
    path = tmp_path / "m.keras"
    keras.Model(image, keras.layers.Conv2D(2, 3, data_format="channels_first")(scaled)).save(path)
    with pytest.raises(FvcliError) as caught:
        load(ModelChoice(path=str(path)))
    begin = f"{path}: layer three (Rescaling) cannot be computed: Incompatible shapes"
    assert str(caught.value).startswith(begin)
    assert "{" not in str(caught.value)
