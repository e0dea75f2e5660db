"""InceptionV1's three weights files: how each is read, and what the network computes from it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from fvcli.errors import FvcliError, UsageError
from fvcli.models import ModelChoice, describe, load
from fvcli.models.graph import Window
from fvcli.models.loaded.keras_model.lay_open import lay_open
from fvcli.models.loaded.model import LoadedModel
from fvcli.models.zoo.inception_nodes import VARIANTS
from tests.helpers import inception_files as files
from tests.helpers.inception_files import Tensors
from tests.helpers.running import fvcli, write_spec
from tests.helpers.torch_bytes import write_pth

NAME = "inceptionv1"
RANDOM = ModelChoice(NAME, weights="random")
LOGITS = "softmax2_pre_activation"
SIDE_HEADS = ("nn0", "loss1", "aux1")
OTHER_NETWORK = "the file belongs to another network"
SIZES = [(224, 224), (97, 150), (131, 98), (65, 64), (33, 47)]


@dataclass(frozen=True)
class Form:
    """One of the three kinds of weights files, with weights that nobody learnt."""

    tensors: Callable[[], Tensors]
    write: Callable[[Path, Tensors], Path]
    forward: Callable[[Tensors, np.ndarray], Tensors]
    suffix: str
    last: str  # the name of the last array


FORMS = {
    "lucid": Form(files.lucid_tensors, files.write_pb, files.lucid_forward, ".pb", "softmax2_b"),
    "caffe": Form(
        *(files.caffe_tensors, files.write_caffemodel, files.caffe_forward),
        *(".caffemodel", "loss3/classifier 1"),
    ),
    "torchvision": Form(
        *(files.torchvision_tensors, write_pth, files.torchvision_forward), ".pth", "fc.bias"
    ),
}


@dataclass(frozen=True, repr=False)  # a failing test would print the whole network
class Written:
    """A weights file, what is in it, and the network that was loaded from it."""

    form: Form
    path: Path
    tensors: Tensors
    loaded: LoadedModel


@pytest.fixture(scope="module", params=FORMS)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Written:
    form = FORMS[request.param]
    tensors = form.tensors()
    path = form.write(tmp_path_factory.mktemp("weights") / f"net{form.suffix}", tensors)
    return Written(form, path, tensors, load(ModelChoice(NAME, weights=str(path))))


@pytest.fixture(params=VARIANTS, ids=lambda variant: variant.name)
def variant(request: pytest.FixtureRequest):
    return request.param


# ---- layers


def test_layers_of_keras_are_the_nodes(written: Written) -> None:
    facts, model = written.loaded.facts, written.loaded.keras_model
    laid = lay_open(model)
    assert {node.name: node for node in laid.nodes} == {node.name: node for node in facts.nodes}
    assert laid.channels == 3
    assert model.count_params() == facts.parameters
    norms = [la for la in model.layers if "BatchNorm" in type(la).__name__]
    assert {norm.epsilon for norm in norms} <= {1e-3}
    assert {node.window for node in laid.nodes if node.kind == "lrn"} <= {Window()}


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_shapes_of_every_layer(written: Written, size: tuple[int, int]) -> None:
    found = written.loaded.keras_model.compute_output_shape((1, *size, 3))
    at = written.loaded.facts.layers_at(*size)
    expected = {
        name: (la.height, la.width, la.channels) if la.stride_px else (la.channels,)
        for name, la in at.items()
    }
    assert {name: tuple(shape[1:]) for name, shape in found.items()} == expected


def test_known_numbers_of_parameters(variant) -> None:
    """Caffe's GoogLeNet without its side heads is known to have 6,998,552."""
    known = {"lucid": 7_066_380, "caffe": 6_998_552, "torchvision": 6_639_464}
    assert sum(array.size for array in as_keras(FORMS[variant.name].tensors())) == known[variant.name]


# ---- weights files


def prints_of(arrays: list[np.ndarray]) -> list[tuple[tuple[int, ...], str]]:
    """Return shape and hash of each array, in an order that does not depend on the list's."""
    return sorted((a.shape, hashlib.sha256(np.ascontiguousarray(a).tobytes()).hexdigest()) for a in arrays)


def as_keras(tensors: Tensors) -> list[np.ndarray]:
    """Return every array of the network in Keras layout."""
    used = {key: array for key, array in tensors.items() if not key.startswith(SIDE_HEADS)}
    return [
        array if key.endswith(("_w", "_b")) else array.transpose(2, 3, 1, 0) if array.ndim == 4 else array.T
        for key, array in used.items()
    ]


def test_weights_arrive_exactly(written: Written) -> None:
    found = written.loaded.keras_model.get_weights()
    assert prints_of(found) == prints_of(as_keras(written.tensors))


def test_activations_are_those_of_an_independent_computation(written: Written) -> None:
    pictures = np.random.default_rng(1).uniform(0, 1, (2, 224, 224, 3)).astype(np.float32)
    expected = written.form.forward(written.tensors, pictures)
    for layer, key in (("mixed4d", "mixed4d"), (LOGITS, "logits")):
        found = written.loaded.activations(pictures, layer)
        assert_close(found, expected[key].reshape(found.shape))


@pytest.mark.parametrize("size", [(97, 150), (66, 63)], ids=str)
def test_activations_at_other_sizes(written: Written, size: tuple[int, int]) -> None:
    pictures = np.random.default_rng(2).uniform(0, 1, (1, *size, 3)).astype(np.float32)
    expected = written.form.forward(written.tensors, pictures)
    assert_close(written.loaded.activations(pictures, "inception (5b)"), expected["mixed5b"])


def assert_close(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.shape == expected.shape
    assert expected.max() > 1
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


def test_pre_activations_are_joined(written: Written) -> None:
    pictures = np.random.default_rng(3).uniform(0, 1, (1, 64, 64, 3)).astype(np.float32)
    before = written.loaded.activations(pictures, "mixed4a_pre_relu")
    assert before.min() < 0
    np.testing.assert_array_equal(np.maximum(before, 0), written.loaded.activations(pictures, "mixed4a"))


def test_facts_of_a_file(written: Written) -> None:
    facts = describe(ModelChoice(NAME, weights=str(written.path)))
    assert facts == written.loaded.facts
    assert facts.weights == str(written.path)
    assert facts.weights_sha256 == hashlib.sha256(written.path.read_bytes()).hexdigest()
    assert facts.logits == LOGITS
    assert len(facts.labels) == {node.name: node.channels for node in facts.nodes}[LOGITS]
    takes = {
        ".pb": "RGB, from -117 to 138",
        ".caffemodel": "BGR, from 0 to 255, minus (104, 117, 123)",
        ".pth": "RGB, from -1 to 1",
    }
    assert str(facts.preprocessing) == takes[written.form.suffix]


def test_sum_of_a_file(written: Written) -> None:
    found = describe(ModelChoice(NAME, weights=str(written.path))).weights_sha256
    assert describe(ModelChoice(NAME, str(written.path), found.upper())).weights_sha256 == found
    with pytest.raises(UsageError, match=r"SHA-256 is \w+\.\.\., expected 0000"):
        describe(ModelChoice(NAME, str(written.path), "0" * 64))


def refusal(path: Path) -> FvcliError:
    with pytest.raises(FvcliError) as caught:
        describe(ModelChoice(NAME, weights=str(path)))
    assert len(str(caught.value).splitlines()) == 1
    assert str(caught.value).startswith(f"{path}: ")
    return caught.value


def damaged(form: Form, tmp_path: Path, **arrays: np.ndarray) -> Path:
    tensors = form.tensors()
    for key, array in arrays.items():
        assert key in tensors
        tensors[key] = array
    return form.write(tmp_path / f"other{form.suffix}", tensors)


@pytest.mark.parametrize(
    ("name", "key", "shape", "said"),
    [
        (
            *("lucid", "mixed4a_3x3_w", (3, 3, 96, 208)),
            "mixed4a_3x3_pre_relu has a weight of shape (3, 3, 96, 208), expected (3, 3, 96, 204)",
        ),
        ("lucid", "softmax2_b", (1000,), f"{LOGITS} has a bias of shape (1000,), expected (1008,)"),
        (
            *("caffe", "inception_4a/3x3 0", (204, 96, 3, 3)),
            "mixed4a_3x3_pre_relu has a weight of shape (3, 3, 96, 204), expected (3, 3, 96, 208)",
        ),
        (
            *("torchvision", "inception3a.branch3.1.conv.weight", (32, 16, 5, 5)),
            "mixed3a_5x5_conv has a weight of shape (5, 5, 16, 32), expected (3, 3, 16, 32)",
        ),
        (
            *("torchvision", "conv1.bn.running_var", (63,)),
            "conv2d0_pre_relu has a running_var of shape (63,), expected (64,)",
        ),
    ],
)
def test_the_first_layer_that_does_not_fit_is_named(
    tmp_path: Path, name: str, key: str, shape: tuple[int, ...], said: str
) -> None:
    form = FORMS[name]
    wrong = {key: np.zeros(shape, np.float32)} | {form.last: np.zeros(7, np.float32)}
    if key == form.last:
        wrong = {key: np.zeros(shape, np.float32)}
    error = refusal(damaged(form, tmp_path, **wrong))
    assert error.message.endswith(f": layer {said}")
    assert error.hint == OTHER_NETWORK


@pytest.mark.parametrize("name", FORMS)
def test_missing_array(tmp_path: Path, name: str) -> None:
    form = FORMS[name]
    tensors = form.tensors()
    del tensors[form.last]
    error = refusal(form.write(tmp_path / f"other{form.suffix}", tensors))
    key = form.last.replace(" 1", ".bias")
    assert error.message.endswith(f": it has no tensor {key} for layer {LOGITS}")
    assert error.hint == OTHER_NETWORK


@pytest.mark.parametrize("share", [0, 0.001, 0.3, 0.9, 0.999])
def test_file_that_was_cut(written: Written, tmp_path: Path, share: float) -> None:
    content = written.path.read_bytes()
    path = tmp_path / f"cut{written.form.suffix}"
    path.write_bytes(content[: int(len(content) * share)])
    refusal(path)


@pytest.mark.parametrize("suffix", [form.suffix for form in FORMS.values()])
def test_file_of_another_kind(written: Written, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"renamed{suffix}"
    path.write_bytes(written.path.read_bytes())
    if suffix == written.form.suffix:
        assert describe(ModelChoice(NAME, weights=str(path))).weights == str(path)
    else:
        refusal(path)


def test_file_of_another_network(tmp_path: Path) -> None:
    path = files.write_pb(tmp_path / "mobile.pb", {"MobilenetV1/Conv2d_0/weights": np.zeros(3, np.float32)})
    assert refusal(path).message.endswith(": it has no tensor conv2d0_w for layer conv2d0_pre_relu")


@pytest.mark.parametrize("suffix", [".PB", ".CaffeModel", ".pt"])
def test_other_suffixes(tmp_path: Path, suffix: str) -> None:
    name = {".PB": "lucid", ".CaffeModel": "caffe", ".pt": "torchvision"}[suffix]
    path = FORMS[name].write(tmp_path / f"net{suffix}", FORMS[name].tensors())
    assert describe(ModelChoice(NAME, weights=str(path))).name == NAME


# ---- Lucid's graph


def test_graph_that_was_imported_into_another(tmp_path: Path) -> None:
    tensors = files.lucid_tensors()
    path = files.write_pb(tmp_path / "import.pb", tensors, "a/import/", bias=1.5)
    loaded = load(ModelChoice(NAME, weights=str(path)))
    assert prints_of(loaded.keras_model.get_weights()) == prints_of(as_keras(tensors))
    assert loaded.keras_model.get_layer("localresponsenorm0").settings["bias"] == 1.5


def test_settings_of_the_normalization_are_the_files(tmp_path: Path) -> None:
    path = files.write_pb(tmp_path / "g.pb", files.lucid_tensors(), beta=0.25)
    settings = load(ModelChoice(NAME, weights=str(path))).keras_model.get_layer("localresponsenorm1").settings
    assert settings == pytest.approx({"depth_radius": 5, "bias": 2.0, "alpha": 1e-4, "beta": 0.25})


def test_settings_of_the_normalization_where_no_file_says_them() -> None:
    settings = load(RANDOM).keras_model.get_layer("localresponsenorm1").settings
    assert settings == {"depth_radius": 5, "bias": 2.0, "alpha": 1e-4, "beta": 0.5}


@pytest.mark.parametrize(("key", "value"), [("beta", float("nan")), ("bias", float("inf"))])
def test_impossible_settings_of_the_normalization(tmp_path: Path, key: str, value: float) -> None:
    path = files.write_pb(tmp_path / "g.pb", files.lucid_tensors(), **{key: value})
    assert "layer localresponsenorm0 has impossible settings" in str(refusal(path))


def test_graph_in_half_precision(tmp_path: Path) -> None:
    halved = {key: array.astype(np.float16) for key, array in files.lucid_tensors().items()}
    path = files.write_pb(tmp_path / "half.pb", halved)
    found = load(ModelChoice(NAME, weights=str(path))).keras_model.get_weights()
    assert {array.dtype for array in found} == {np.dtype(np.float32)}
    expected = {key: array.astype(np.float32) for key, array in halved.items()}
    assert prints_of(found) == prints_of(as_keras(expected))


def test_normalization_by_hand() -> None:
    """Krizhevsky's formula, in NumPy."""
    from fvcli.models.loaded.keras_model.lrn import LRN

    maps = np.random.default_rng(0).normal(0, 50, (2, 3, 4, 13)).astype(np.float32)
    squares = np.pad(np.square(maps, dtype=np.float64), [(0, 0)] * 3 + [(5, 5)])
    sums = sum(squares[..., i : i + 13] for i in range(11))
    found = LRN(5, 2.0, 1e-4, 0.5)(maps)
    np.testing.assert_allclose(found, maps / np.sqrt(2 + 1e-4 * sums), rtol=1e-5)


# ---- from outside


def test_describing_loads_no_tensorflow(written: Written) -> None:
    code = f"""
import sys
from fvcli.models import ModelChoice, describe, list_models
list_models()
for weights in ("random", {str(written.path)!r}):
    describe(ModelChoice("{NAME}", weights=weights)).layers_at(224, 224)
print([name for name in ("tensorflow", "keras") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


SPEC = """\
model: {name: inceptionv1, weights: random}
render: {size_px: 72, steps: 8, batch_size: 2}
jobs:
  - {name: four, layer: LAYER, channels: [3, 200]}
"""


def test_render(tmp_path: Path) -> None:
    run = tmp_path / "run"
    spec = write_spec(tmp_path, SPEC.replace("LAYER", "inception (4a)"))
    result = fvcli("render", spec, "-o", run)
    assert result.exit_code == 0, result.output
    sidecars = [json.loads(path.read_text()) for path in sorted(run.glob("units/**/*.json"))]
    assert [sidecar["unit"] for sidecar in sidecars] == [{"channel": 3}, {"channel": 200}]
    for sidecar in sidecars:
        assert sidecar["layer"] == "mixed4a"
        assert sidecar["score"]["end"] > sidecar["score"]["start"]
