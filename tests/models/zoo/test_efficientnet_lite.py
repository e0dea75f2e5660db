"""EfficientNet-Lite: layers, receptive fields and weights, as published; no TensorFlow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from fvcli.errors import FvcliError
from fvcli.models import ModelChoice, ModelFacts, describe, weights_in_use
from fvcli.models.files.torch_file import read_tensors
from fvcli.models.graph import multiplications
from tests.helpers.torch_bytes import write_pth

if TYPE_CHECKING:
    pass

NAMES = ("efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2")
# model: native side, trainable parameters, parameters with the moving statistics, residual blocks, blocks
KNOWN = {
    NAMES[0]: (224, 4_652_008, 4_694_024, {2, 4, 6, 7, 9, 10, 12, 13, 14}, 16),
    NAMES[1]: (240, 5_416_680, 5_470_344, {2, 3, 5, 6, 8, 9, 10, 12, 13, 14, 16, 17, 18, 19}, 21),
    NAMES[2]: (260, 6_092_072, 6_150_168, {2, 3, 5, 6, 8, 9, 10, 12, 13, 14, 16, 17, 18, 19}, 21),
}
SHA256 = {
    NAMES[0]: "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    NAMES[1]: "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    NAMES[2]: "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
}


@pytest.fixture(scope="module")
def all_facts() -> dict[str, ModelFacts]:
    return {name: describe(ModelChoice(name)) for name in NAMES}


def expected_names(blocks: int, residual: set[int]) -> list[str]:
    def conv(name: str) -> list[str]:
        return [f"{name}_conv", f"{name}_bn", name]

    names = conv("stem")
    for i in range(blocks):
        names += conv(f"block{i}_expand") if i else []
        names += [*conv(f"block{i}_dw"), f"block{i}_project_conv", f"block{i}_project_bn"]
        names += [f"block{i}_add"] if i in residual else []
    return [*names, *conv("head"), "pool", "logits"]


# ---- facts


@pytest.mark.parametrize("name", NAMES)
def test_layer_names(all_facts: dict[str, ModelFacts], name: str) -> None:
    *_, residual, blocks = KNOWN[name]
    assert [node.name for node in all_facts[name].nodes] == expected_names(blocks, residual)


@pytest.mark.parametrize("name", NAMES)
def test_describe(all_facts: dict[str, ModelFacts], name: str) -> None:
    facts = all_facts[name]
    assert facts.name == name
    assert facts.native_size_px == (KNOWN[name][0], KNOWN[name][0])
    assert facts.preprocessing.ends == ((-1.0,), (1.0,))
    assert facts.weights_sha256 == SHA256[name]
    assert facts.weights == "imagenet"
    assert len(facts.labels) == facts.layers_at(224, 224)[facts.logits].channels == 1000
    at_least = facts.layers_at(facts.min_size_px, facts.min_size_px)
    assert min(layer.height for layer in at_least.values()) == 1


def test_shapes_at_the_native_size(facts: ModelFacts) -> None:
    """The table of feature shapes of Lite0 at 224 px."""
    at = facts.layers_at(224, 224)
    widths = {"stem": (112, 32), "block0_project_bn": (112, 16), "head": (7, 1280)}
    stages = [((1, 2), 56, 24), ((3, 4), 28, 40), ((5, 6, 7), 14, 80)]
    stages += [((8, 9, 10), 14, 112), ((11, 12, 13, 14), 7, 192), ((15,), 7, 320)]
    widths |= {f"block{i}_project_bn": (side, width) for blocks, side, width in stages for i in blocks}
    assert {name: (at[name].height, at[name].channels) for name in widths} == widths
    assert all(layer.height == layer.width for layer in at.values())
    assert (at["pool"].height, at["pool"].channels) == (1, 1280)


def test_expansion_is_six(facts: ModelFacts) -> None:
    at = facts.layers_at(224, 224)
    for i in range(1, 16):
        source = at[at[f"block{i}_expand_conv"].inputs[0]]
        assert at[f"block{i}_expand_bn"].channels == 6 * source.channels == at[f"block{i}_dw_bn"].channels


def test_receptive_fields(facts: ModelFacts) -> None:
    """By hand: size += (kernel - 1) * stride so far."""
    at = facts.layers_at(224, 224)
    by_hand = {"stem_conv": 3, "stem": 3, "block0_dw": 7, "block0_project_bn": 7, "block1_expand": 7}
    by_hand |= {"block1_dw": 11, "block2_add": 19, "block3_dw": 35, "block4_add": 67}
    assert {name: at[name].receptive_field_px for name in by_hand} == {
        name: (side, side) for name, side in by_hand.items()
    }
    assert [at[name].stride_px[0] for name in ("stem", "block1_dw", "block4_add", "block7_add", "head")] == [
        *(2, 4, 8, 16, 32)
    ]
    assert at["pool"].receptive_field_px is None
    assert at["logits"].stride_px is None


def test_multiplications(all_facts: dict[str, ModelFacts]) -> None:
    """Published for Lite0, Lite1 and Lite2 at their own sizes: 407, 631 and 899 million."""
    for name, published in zip(NAMES, (407e6, 631e6, 899e6), strict=True):
        facts = all_facts[name]
        at = facts.layers_at(*facts.native_size_px)
        found = multiplications(facts.nodes, at, set(at), 3)
        assert found == pytest.approx(published, rel=0.06), name


def test_own_copy_of_the_weights(facts: ModelFacts) -> None:
    path = str(weights_in_use()[NAMES[0]])
    assert describe(ModelChoice(NAMES[0], path, SHA256[NAMES[0]])) == replace(facts, weights=path)


@pytest.fixture(scope="module")
def own_tensors() -> dict[str, np.ndarray]:
    content = Path(str(weights_in_use()[NAMES[0]])).read_bytes()
    return {key: array for key, array in read_tensors(content, "w.pth").items() if array.dtype == np.float32}


def test_own_weights_without_counters(own_tensors: dict[str, np.ndarray], tmp_path: Path) -> None:
    path = write_pth(tmp_path / "own.pth", own_tensors)
    assert describe(ModelChoice(NAMES[0], str(path))).weights == str(path)


@pytest.mark.parametrize(
    ("key", "shape", "said"),
    [
        ("_fc.weight", (1000, 1281), "logits has a weight of shape (1281, 1000), expected (1280, 1000)"),
        ("_fc.bias", (999,), "logits has a bias of shape (999,), expected (1000,)"),
        ("_fc.bias", (1000, 1), "logits has a bias of shape (1000, 1), expected (1000,)"),
        ("_bn0.weight", (31,), "stem_bn has a weight of shape (31,), expected (32,)"),
        ("_bn0.bias", (1,), "stem_bn has a bias of shape (1,), expected (32,)"),
        ("_bn1.running_mean", (1281,), "head_bn has a running_mean of shape (1281,), expected (1280,)"),
        ("_bn1.running_var", (2, 640), "head_bn has a running_var of shape (2, 640), expected (1280,)"),
        ("_conv_stem.weight", (32, 27), "stem_conv has a weight of shape (32, 27), expected (3, 3, 3, 32)"),
    ],
)
def test_every_array_must_fit(
    own_tensors: dict[str, np.ndarray], tmp_path: Path, key: str, shape: tuple[int, ...], said: str
) -> None:
    path = write_pth(tmp_path / "own.pth", own_tensors | {key: np.ones(shape, np.float32)})
    with pytest.raises(FvcliError) as caught:
        describe(ModelChoice(NAMES[0], str(path)))
    assert caught.value.message == f"{path}: layer {said}"
    assert caught.value.hint == "the file belongs to another network"
