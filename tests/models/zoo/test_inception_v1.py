"""InceptionV1: what it is made of, what its layers are called, and what is said without weights."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fvcli.errors import FvcliError, UsageError
from fvcli.models import ModelChoice, ModelFacts, describe
from fvcli.models.zoo.inception_names import aliases
from fvcli.models.zoo.inception_nodes import CAFFE, LUCID, TORCHVISION, VARIANTS, branches, nodes
from tests.helpers.running import fvcli, write_spec

NAME = "inceptionv1"
BLOCKS = ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b")
RANDOM = ModelChoice(NAME, weights="random")
DEPTHS = dict(zip(BLOCKS, (256, 480, 508, 512, 512, 528, 832, 832, 1024), strict=True))
PARTS = ("1x1", "3x3_bottleneck", "3x3", "5x5_bottleneck", "5x5", "pool", "pool_reduce")
LOGITS = "softmax2_pre_activation"


@pytest.fixture(scope="module")
def random_facts() -> ModelFacts:
    return describe(RANDOM)


@pytest.fixture(params=VARIANTS, ids=lambda variant: variant.name)
def variant(request: pytest.FixtureRequest):
    return request.param


# ---- layers


def lucid_layers() -> list[str]:
    """List the layers of Inception5h that fvcli has, as its graph and Lucid call them."""
    names = ["conv2d0_pre_relu", "conv2d0", "maxpool0", "localresponsenorm0"]
    names += ["conv2d1_pre_relu", "conv2d1", "conv2d2_pre_relu", "conv2d2", "localresponsenorm1", "maxpool1"]
    for block in BLOCKS:
        names += {"4a": ["maxpool4"], "5a": ["maxpool10"]}.get(block, [])
        for part in PARTS:
            names += [f"mixed{block}_{part}_pre_relu"] if part != "pool" else []
            names.append(f"mixed{block}_{part}")
        names += [f"mixed{block}_pre_relu", f"mixed{block}"]
    return [*names, "avgpool0", LOGITS, "softmax2"]


def test_layers_of_lucid(random_facts: ModelFacts) -> None:
    assert [node.name for node in random_facts.nodes] == lucid_layers()


def test_all_variants_have_lucids_layers(variant) -> None:
    missing = set(lucid_layers()) - {node.name for node in nodes(variant)}
    assert missing == ({"localresponsenorm0", "localresponsenorm1"} if variant == TORCHVISION else set())


def test_depths(variant) -> None:
    widths = {node.name: node.channels for node in nodes(variant)}
    expected = DEPTHS if variant == LUCID else DEPTHS | {"4a": 512}
    assert {block: widths[f"mixed{block}"] for block in BLOCKS} == expected
    assert widths[LOGITS] == widths["softmax2"] == (1008 if variant == LUCID else 1000)
    assert variant != LUCID or sum(expected.values()) == 5484


def test_branches(variant) -> None:
    found = branches(variant)
    assert found["mixed3a"] == {"1x1": 0, "3x3": 64, "5x5": 192, "pool": 224}
    three = 396 if variant == LUCID else 400
    assert found["mixed4a"] == {"1x1": 0, "3x3": 192, "5x5": three, "pool": three + 48}
    widths = {node.name: node.channels for node in nodes(variant)}
    for block in BLOCKS:
        firsts = list(found[f"mixed{block}"].values())
        parts = [f"mixed{block}_{part}" for part in ("1x1", "3x3", "5x5", "pool_reduce")]
        assert np.diff([*firsts, widths[f"mixed{block}"]]).tolist() == [widths[part] for part in parts]
        assert found[f"mixed{block}_pre_relu"] == found[f"mixed{block}"]


def test_aliases_lead_to_layers_and_hide_none(variant) -> None:
    names = {node.name for node in nodes(variant)}
    found = aliases(nodes(variant))
    assert set(found.values()) <= names
    assert not names.intersection(found)
    lrn = {"pool1/norm1", "conv2/norm2"}
    assert set(found) == set(aliases(nodes(CAFFE))) - (lrn if variant == TORCHVISION else set())


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("inception (4a)", "mixed4a"),
        ("inception_4a", "mixed4a"),
        ("inception_4a/output", "mixed4a"),
        ("inception4a", "mixed4a"),
        ("inception_3b/1x1", "mixed3b_1x1"),
        ("inception_3b/3x3_reduce", "mixed3b_3x3_bottleneck"),
        ("inception_3b/5x5_reduce", "mixed3b_5x5_bottleneck"),
        ("inception_5b/pool", "mixed5b_pool"),
        ("inception_5b/pool_proj", "mixed5b_pool_reduce"),
        ("inception4e.branch1", "mixed4e_1x1"),
        ("inception4e.branch2", "mixed4e_3x3"),
        ("inception4e.branch2.0", "mixed4e_3x3_bottleneck"),
        ("inception4e.branch2.1", "mixed4e_3x3"),
        ("inception4e.branch3.1", "mixed4e_5x5"),
        ("inception4e.branch4.0", "mixed4e_pool"),
        ("inception4e.branch4.1", "mixed4e_pool_reduce"),
        ("mixed4d_3x3_bottleneck_pre_relu/conv", "mixed4d_3x3_bottleneck_pre_relu"),
        ("conv1/7x7_s2", "conv2d0"),
        ("conv2/3x3_reduce", "conv2d1"),
        ("conv2/3x3", "conv2d2"),
        ("conv1", "conv2d0"),
        ("conv2", "conv2d1"),
        ("conv3", "conv2d2"),
        ("pool1/3x3_s2", "maxpool0"),
        ("pool4/3x3_s2", "maxpool10"),
        ("pool5/7x7_s1", "avgpool0"),
        ("loss3/classifier", LOGITS),
        ("fc", LOGITS),
    ],
)
def test_alias(random_facts: ModelFacts, alias: str, name: str) -> None:
    assert random_facts.aliases[alias] == name


def test_shapes_at_the_native_size(variant) -> None:
    facts = replace(describe(RANDOM), nodes=nodes(variant))
    at = facts.layers_at(224, 224)
    sides = {"conv2d0": 112, "maxpool0": 56, "conv2d2": 56, "maxpool1": 28, "mixed3b": 28, "maxpool4": 14}
    sides |= {"mixed4a": 14, "mixed4e": 14, "maxpool10": 7, "mixed5a": 7, "mixed5b": 7, "avgpool0": 1}
    assert {name: (at[name].height, at[name].width) for name in sides} == {
        name: (side, side) for name, side in sides.items()
    }
    assert facts.min_size_px == 32


def test_receptive_fields(variant) -> None:
    """By hand: size += (side - 1) * stride so far; a module's is that of its widest branch."""
    at = replace(describe(RANDOM), nodes=nodes(variant)).layers_at(224, 224)
    fields = {"conv2d0": 7, "maxpool0": 11, "conv2d1": 11, "conv2d2": 19, "maxpool1": 27}
    fields |= {"mixed3a_1x1": 27, "mixed3a_3x3": 43, "mixed3a_pool_reduce": 43}
    widest = 2 if variant == TORCHVISION else 4
    three_b = 27 + 2 * widest * 8
    fields |= {"mixed3a": 27 + widest * 8, "mixed3b": three_b, "maxpool4": three_b + 2 * 8}
    fields |= {"mixed4a": three_b + 2 * 8 + widest * 16}
    four_e = three_b + 2 * 8 + 5 * widest * 16
    pooled = four_e + (1 if variant == TORCHVISION else 2) * 16
    fields |= {"mixed4e": four_e, "maxpool10": pooled, "mixed5b": pooled + 2 * widest * 32}
    assert {name: at[name].receptive_field_px for name in fields} == {n: (f, f) for n, f in fields.items()}
    strides = {"conv2d0": 2, "maxpool0": 4, "mixed3a": 8, "mixed4a": 16, "mixed5b": 32}
    assert {name: at[name].stride_px[0] for name in strides} == strides
    assert at["avgpool0"].receptive_field_px is None


def test_where_fields_begin(variant) -> None:
    """The first convolution reaches 3 rows of zeros up in Caffe; of 5 that SAME needs, 2 are above."""
    at = replace(describe(RANDOM), nodes=nodes(variant)).layers_at(224, 224)
    begin = -2 if variant == LUCID else -3
    expected = {"conv2d0": begin, "maxpool0": begin, "conv2d2": begin - 4, "maxpool1": begin - 4}
    assert {name: at[name].offset_px for name in expected} == {n: (o, o) for n, o in expected.items()}


# ---- weights files


def refusal(path: Path) -> FvcliError:
    with pytest.raises(FvcliError) as caught:
        describe(ModelChoice(NAME, weights=str(path)))
    assert len(str(caught.value).splitlines()) == 1
    assert str(caught.value).startswith(f"{path}: ")
    return caught.value


def test_files_that_are_none(tmp_path: Path) -> None:
    assert "No such file" in str(refusal(tmp_path / "nowhere.pb"))
    unknown = tmp_path / "weights.h5"
    unknown.write_bytes(b"")
    assert "Lucid's .pb, Caffe's .caffemodel or torchvision's .pth" in str(refusal(unknown))


@pytest.mark.parametrize("weights", [None, "imagenet"])
def test_no_weights(weights: str | None) -> None:
    with pytest.raises(UsageError) as caught:
        describe(ModelChoice(NAME, weights=weights))
    text = str(caught.value)
    for words in (
        "not distributed with pip",
        "InceptionV1.pb",
        "inception5h.zip",
        "bvlc_googlenet.caffemodel",
    ):
        assert words in text
    assert "googlenet-1378be20.pth" in text
    assert text.endswith("model: {name: inceptionv1, weights: FILE}")
    assert len(text.splitlines()) == 1


# ---- Lucid's graph


def test_classes_of_lucid_go_by_number(random_facts: ModelFacts, tmp_path: Path) -> None:
    assert random_facts.labels[:2] == ("0", "1")
    assert len(random_facts.labels) == 1008
    assert "model.labels" in random_facts.remarks[0]
    path = tmp_path / "labels.txt"
    path.write_text("\n".join(["dummy", *(f"class {i}" for i in range(1, 1001))]) + "\n")
    named = describe(replace(RANDOM, labels=str(path)))
    assert named.labels[:2] == ("dummy", "class 1")
    assert named.labels[1000:1003] == ("class 1000", "1001", "1002")
    assert len(named.labels) == 1008
    assert not named.remarks


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\n" * 999, "there are 999 names for 1008 classes"),
        ("a\n" * 1009, "there are 1009 names for 1008 classes"),
        (None, "No such file"),
    ],
)
def test_labels_that_do_not_fit(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "labels.txt"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError, match=said) as caught:
        describe(replace(RANDOM, labels=str(path)))
    assert str(caught.value).startswith("model.labels: ")
    with pytest.raises(UsageError, match="not in ImageNet's order"):
        describe(replace(RANDOM, labels="imagenet"))


def test_logits_of_ones_own_choice() -> None:
    assert describe(replace(RANDOM, logits="softmax2")).logits == "softmax2"
    assert describe(replace(RANDOM, logits="loss3/classifier")).logits == LOGITS
    with pytest.raises(UsageError, match="mixed4a is no layer whose output is a vector"):
        describe(replace(RANDOM, logits="mixed4a"))


# ---- from outside


def test_layers_need_no_weights() -> None:
    listed = {layer["name"]: layer for layer in json.loads(fvcli("layers", NAME, "--json").stdout)}
    assert list(listed) == lucid_layers()
    assert listed["mixed4a"]["branches"] == {
        "1x1": [0, 192],
        "3x3": [192, 396],
        "5x5": [396, 444],
        "pool": [444, 508],
    }
    assert listed["mixed4a"]["aliases"] == [
        *("inception (4a)", "inception_4a", "inception_4a/output", "inception4a")
    ]
    (row,) = (row for row in fvcli("layers", NAME).stdout.splitlines() if row.startswith("mixed4a "))
    assert row.endswith("1x1 0-191, 3x3 192-395, 5x5 396-443, pool 444-507 (also: inception (4a), ...)")


def test_it_is_listed() -> None:
    (listed,) = (row for row in json.loads(fvcli("models", "--json").stdout) if row["name"] == NAME)
    assert not listed["installed"]
    assert listed["native_size_px"] == 224
    assert ".caffemodel" in listed["install"]


SPEC = """\
model: {name: inceptionv1, weights: random}
render: {size_px: 72, steps: 8, batch_size: 2}
jobs:
  - {name: four, layer: LAYER, channels: [3, 200]}
"""


def unit_keys(tmp_path: Path, layer: str) -> list[str]:
    spec = write_spec(tmp_path, SPEC.replace("LAYER", layer))
    plan = json.loads(fvcli("plan", spec, "--json").stdout)
    return [unit["key"] for unit in plan["units"]]


def test_other_names_of_a_layer_give_the_same_units(tmp_path: Path) -> None:
    keys = unit_keys(tmp_path, "mixed4a")
    assert len(keys) == 2
    assert unit_keys(tmp_path, "inception (4a)") == unit_keys(tmp_path, "inception4a") == keys
    assert unit_keys(tmp_path, "mixed4b") != keys


def test_spec_without_weights_says_where_they_are(tmp_path: Path) -> None:
    text = SPEC.replace("{name: inceptionv1, weights: random}", NAME).replace("LAYER", "mixed4a")
    result = fvcli("plan", write_spec(tmp_path, text))
    assert result.exit_code == 2
    assert "InceptionV1.pb" in result.stderr
