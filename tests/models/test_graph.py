"""Facts of layers by hand: shapes, offsets, bytes, multiplications."""

from __future__ import annotations

import pickle

import pytest

from fvcli.models import ModelFacts
from fvcli.models.graph import Node, Window, ancestors, layer_facts, multiplications


def test_branches_that_do_not_meet_have_no_size() -> None:
    """An odd side, of which one branch keeps one position less than the other."""
    nodes = [
        Node("same", "conv", ("input",), 4, Window((2, 2), (2, 2), padding="same")),
        Node("valid", "conv", ("input",), 4, Window((2, 2), (2, 2), padding="valid")),
        Node("sum", "add", ("same", "valid"), 4),
    ]
    assert layer_facts(nodes, (8, 8))["sum"].height == 4
    assert layer_facts(nodes, (9, 9))["sum"].height == 0


def test_activation_bytes(facts: ModelFacts) -> None:
    stem = 112 * 112 * 32 * 4
    assert facts.activation_bytes(["stem_conv"], 224, 224) == stem
    assert facts.activation_bytes(["stem_bn"], 224, 224) == 2 * stem
    assert facts.activation_bytes(["stem_bn", "stem_conv"], 224, 224) == 2 * stem
    assert facts.activation_bytes(["block0_dw"], 224, 224) == 6 * stem
    assert facts.activation_bytes(["stem"], 112, 448) == 3 * stem
    whole = sum(layer.output_bytes for layer in facts.layers_at(224, 224).values())
    assert facts.activation_bytes(["logits"], 224, 224) == whole
    assert facts.activation_bytes([], 224, 224) == 0


def test_ancestors() -> None:
    inputs = {"a": ("input",), "b": ("a",), "c": ("b", "a"), "d": ("a",)}
    assert ancestors(inputs, ["c"]) == {"input", "a", "b", "c"}
    assert ancestors(inputs, ["d", "b"]) == {"input", "a", "b", "d"}


def test_multiplications_by_hand(facts: ModelFacts) -> None:
    at = facts.layers_at(224, 224)

    def count(*names: str) -> int:
        return multiplications(facts.nodes, at, set(names), 3)

    assert count("stem_conv") == 112 * 112 * 3 * 3 * 3 * 32
    assert count("stem_conv", "stem_bn", "stem") == count("stem_conv")
    assert count("block0_dw_conv") == 112 * 112 * 3 * 3 * 32
    assert count("block0_project_conv") == 112 * 112 * 32 * 16
    assert count("logits") == 1280 * 1000
    assert count("stem_conv", "logits") == count("stem_conv") + count("logits")
    assert count("pool", "block2_add") == count() == 0
    small = facts.layers_at(112, 224)
    assert multiplications(facts.nodes, small, {"stem_conv"}, 3) == count("stem_conv") // 2


def test_facts_of_one_layer() -> None:
    facts = layer_facts([Node("a", "conv", ("input",), 5, Window((3, 3), (2, 2)))], (7, 8))
    assert list(facts) == ["a"]
    assert (facts["a"].height, facts["a"].width, facts["a"].output_bytes) == (4, 4, 4 * 4 * 5 * 4)


def test_facts_of_layers_are_worked_out_once_and_cannot_be_changed(facts: ModelFacts) -> None:
    at = facts.layers_at(96, 64)
    assert dict(at) == layer_facts(facts.nodes, (96, 64))
    assert facts.layers_at(96, 64)["head"] is at["head"]
    assert facts.layers_at(64, 96)["stem"] != at["stem"]
    with pytest.raises(TypeError):
        del at["head"]  # type: ignore[attr-defined]
    again = pickle.loads(pickle.dumps(facts))
    assert again == facts
    assert again.layers_at(96, 64) == at


# ---- Keras


def test_offsets_by_hand(facts: ModelFacts) -> None:
    """A 3 x 3 convolution with stride 2: of an even side it pads behind only, of an odd one on both sides."""
    at = facts.layers_at(224, 225)
    assert at["stem"].offset_px == (0, -1)
    assert at["block0_dw"].offset_px == (-2, -3)  # one position of 2 px further
    assert at["block0_project_bn"].offset_px == (-2, -3)
    assert all(max(layer.offset_px) <= 0 for layer in at.values())
    assert (
        facts.layers_at(224, 224)["block2_add"].offset_px == facts.layers_at(448, 224)["block2_add"].offset_px
    )
