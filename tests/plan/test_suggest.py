"""Which layers are suggested: before an activation, spread by depth; the starter and README name the same."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from fvcli.errors import UsageError
from fvcli.models import ModelChoice, ModelFacts, describe
from fvcli.models.graph import Node, Window
from fvcli.plan import make_plan
from fvcli.plan.suggest import jobs_block, starter_of, suggest_layers
from tests.helpers.specs import STARTER, spec_of_text

ROOT = Path(__file__).parents[2]
THREE, HALF = Window((3, 3)), Window((3, 3), (2, 2))


def names(facts: ModelFacts) -> list[str]:
    return [one.layer.name for one in suggest_layers(facts)]


def chain(facts: ModelFacts, *parts: tuple[str, str, int, Window], first: str = "input") -> ModelFacts:
    """Return a network of layers one behind the other."""
    before = [first, *(name for name, *_ in parts)]
    nodes = [
        Node(name, kind, (below,), *rest) for (name, kind, *rest), below in zip(parts, before, strict=False)
    ]
    return replace(facts, nodes=tuple(nodes), logits=None, labels=(), branches={}, aliases={})


# ---- known networks


def test_efficientnet(facts: ModelFacts) -> None:
    found = suggest_layers(facts)
    assert [(one.layer.name, one.shows, one.reason) for one in found] == [
        ("block2_expand_bn", "edges", "before relu6, sees 11 px"),
        ("block4_expand_bn", "textures", "before relu6, sees 35 px"),
        ("block6_expand_bn", "patterns", "before relu6, sees 83 px"),
        ("block9_expand_bn", "parts", "before relu6, sees 211 px"),
        ("block12_expand_bn", "objects", "before relu6, sees 403 px"),
        ("head_bn", "objects", "before relu6, sees 851 px"),
    ]
    assert found[-1].share == pytest.approx(1.0, abs=0.01)


def test_googlenet_joins_pre_activations() -> None:
    facts = describe(ModelChoice("inceptionv1", weights="random"))
    mixed = [f"mixed{block}_pre_relu" for block in ("3a", "4a", "4c", "5a", "5b")]
    assert names(facts) == ["conv2d2_pre_relu", *mixed]
    assert suggest_layers(facts)[1].reason == "joins the branches of a module, sees 59 px"


# ---- families


def test_of_conv_relu_the_convolution(facts: ModelFacts) -> None:
    parts = [
        (f"{kind}{i}", kind, 16, HALF if kind == "conv" else Window())
        for i in range(4)
        for kind in ("conv", "relu")
    ]
    assert names(chain(facts, *parts)) == ["conv2", "conv3"]


def test_of_conv_bn_relu_the_bn(facts: ModelFacts) -> None:
    kinds = ("conv", "batch_norm", "silu")
    parts = [
        (f"{kind}{i}", kind, 16, HALF if kind == "conv" else Window()) for i in range(4) for kind in kinds
    ]
    assert names(chain(facts, *parts)) == ["batch_norm2", "batch_norm3"]


def test_of_a_transformer_the_mlp(facts: ModelFacts) -> None:
    parts: list[tuple[str, str, int, Window]] = [("embed", "conv", 32, Window((16, 16), (16, 16)))]
    for i in range(12):
        parts += [(f"attend{i}", "attention", 32, Window()), (f"norm{i}", "layer_norm", 32, Window())]
        parts += [
            (f"mlp{i}", "dense", 128, Window()),
            (f"gelu{i}", "gelu", 128, Window()),
            (f"out{i}", "dense", 32, Window()),
        ]
    assert names(chain(facts, *parts)) == [f"mlp{i}" for i in (0, 2, 4, 7, 9, 11)]


def test_branches_without_their_bottlenecks(facts: ModelFacts) -> None:
    nodes = [Node("stem", "conv", ("input",), 32, HALF), Node("stem_relu", "relu", ("stem",), 32)]
    nodes += [Node("narrow", "conv", ("stem_relu",), 8), Node("narrow_relu", "relu", ("narrow",), 8)]
    nodes += [
        Node("wide", "conv", ("narrow_relu",), 32, Window((5, 5), (2, 2))),
        Node("wide_relu", "relu", ("wide",), 32),
    ]
    nodes += [
        Node("side", "conv", ("stem_relu",), 24, Window((5, 5), (2, 2))),
        Node("side_relu", "relu", ("side",), 24),
    ]
    nodes += [Node("join", "concat", ("wide_relu", "side_relu"), 56)]
    network = replace(facts, nodes=tuple(nodes), logits=None, branches={}, aliases={})
    assert names(network) == ["join"]
    before = Node("join_before", "concat", ("wide", "side"), 56)
    assert names(replace(network, nodes=(*nodes, before))) == ["join_before"]


def test_fire_modules_are_joined_in_the_order_of_depth(facts: ModelFacts) -> None:
    nodes, below = [Node("stem", "conv", ("input",), 32, Window((5, 5), (2, 2)))], "stem"
    for i in range(3):
        nodes += [
            Node(f"squeeze{i}", "conv", (below,), 8),
            Node(f"squeeze{i}_relu", "relu", (f"squeeze{i}",), 8),
        ]
        for side in (3, 1):
            kernel = Window((side, side))
            nodes.append(Node(f"wide{i}_{side}", "conv", (f"squeeze{i}_relu",), 16 << i, kernel))
            nodes.append(Node(f"wide{i}_{side}_relu", "relu", (f"wide{i}_{side}",), 16 << i))
        nodes.append(Node(f"fire{i}", "concat", (f"wide{i}_1_relu", f"wide{i}_3_relu"), 32 << i))
        below = f"fire{i}"
    assert names(replace(facts, nodes=tuple(nodes), logits=None, branches={}, aliases={})) == [
        "fire0",
        "fire1",
        "fire2",
    ]


def test_a_skip_connection_is_no_module(facts: ModelFacts) -> None:
    """As in a U-Net or a DenseNet: what is joined there is also what the other part was made of."""
    nodes = [Node("down", "conv", ("input",), 16, Window((9, 9))), Node("down_relu", "relu", ("down",), 16)]
    nodes += [Node("deep", "conv", ("down_relu",), 16, THREE), Node("deep_relu", "relu", ("deep",), 16)]
    nodes += [Node("skip", "concat", ("down_relu", "deep_relu"), 32)]
    network = replace(facts, nodes=tuple(nodes), logits=None, branches={}, aliases={})
    assert names(network) == ["down", "deep"]


def test_what_is_computed_later_but_sees_less_comes_first(facts: ModelFacts) -> None:
    nodes = [Node("far", "conv", ("input",), 16, Window((31, 31))), Node("far_relu", "relu", ("far",), 16)]
    nodes += [Node("near", "conv", ("input",), 16, Window((9, 9))), Node("near_relu", "relu", ("near",), 16)]
    nodes += [Node("sum", "add", ("far_relu", "near_relu"), 16)]
    assert names(replace(facts, nodes=tuple(nodes), logits=None, branches={}, aliases={})) == ["near", "far"]


def test_layers_that_a_job_could_not_tell_apart_have_jobs_of_different_names(facts: ModelFacts) -> None:
    network = chain(
        facts, ("a/b", "conv", 17, Window((9, 9))), ("a b", "conv", 9, THREE), ("ä", "conv", 9, THREE)
    )
    jobs = yaml.safe_load(jobs_block(suggest_layers(network)))["jobs"]
    assert [job["name"] for job in jobs] == ["a-b-edges", "a-b-edges-2", "edges"]
    assert [job["channels"] for job in jobs] == [{"every": 3}, {"every": 2}, {"every": 2}]


def test_of_depthwise_filters_and_gates_none(facts: ModelFacts) -> None:
    found = {one for one in names(facts) if "dw" in one}
    assert found == set()
    squeeze = (
        Node("pool", "global_pool", ("block9_expand",), 672, None),
        Node("gate", "conv", ("pool",), 672),
        Node("gate_relu", "relu", ("gate",), 672),
    )
    assert names(replace(facts, nodes=(*facts.nodes, *squeeze))) == names(facts)


def test_without_activations_the_best_there_is(facts: ModelFacts) -> None:
    network = chain(facts, ("a", "conv", 16, Window((9, 9))), ("b", "conv", 16, THREE))
    assert [one.reason for one in suggest_layers(network)] == [
        "no activation behind it, but nothing better, sees 9 px",
        "no activation behind it, but nothing better, sees 11 px",
    ]
    assert suggest_layers(chain(facts, ("few", "conv", 3, THREE))) == []


def test_the_answer_is_no_layer_to_look_at(facts: ModelFacts) -> None:
    """A convolution that has a channel a class, a ReLU and a mean are the classes."""
    parts = [
        ("a", "conv", 16, Window((9, 9))),
        ("a_relu", "relu", 16, Window()),
        ("answer", "conv", 1000, THREE),
    ]
    parts += [("answer_relu", "relu", 1000, Window()), ("mean", "global_pool", 1000, Window())]
    assert names(replace(chain(facts, *parts), logits="mean")) == ["a"]


# ---- to paste


@pytest.mark.parametrize("name", ["efficientnet-lite0", "efficientnet-lite2", "inceptionv1"])
def test_jobs_can_be_planned(name: str) -> None:
    facts = describe(ModelChoice(name, weights="random"))
    found = suggest_layers(facts)
    for text in (f"model: {name}\n" + jobs_block(found), starter_of(STARTER, name, facts)):
        spec = spec_of_text(text)
        plan, problems = make_plan(spec, range(len(spec.jobs)), facts)
        assert problems == []
        assert plan is not None
        assert [*dict.fromkeys(unit.layer for unit in plan.units)] == [one.layer.name for one in found]
        assert all(sum(unit.layer == one.layer.name for unit in plan.units) == 8 for one in found)
        assert plan.model.name == name


def test_names_that_yaml_would_misread(facts: ModelFacts) -> None:
    network = chain(
        facts, ("a: b, {c}", "conv", 9, Window((9, 9))), ("null", "conv", 9, THREE), ("3e4", "conv", 9, THREE)
    )
    jobs = yaml.safe_load(jobs_block(suggest_layers(network)))["jobs"]
    assert [job["layer"] for job in jobs] == ["a: b, {c}", "null", "3e4"]
    assert [job["name"] for job in jobs] == ["a-b-c-edges", "null-edges", "3e4-edges"]


def test_a_starter_for_a_path_with_backslashes_and_a_wide_input(facts: ModelFacts) -> None:
    network = replace(chain(facts, ("some", "conv", 9, THREE)), native_size_px=(96, 128))
    starter = yaml.safe_load(starter_of(STARTER, r"C:\1\net.keras", network))
    assert starter["model"] == r"C:\1\net.keras"
    assert starter["render"]["size_px"] == [96, 128]


def test_a_starter_for_a_model_without_layers_is_refused(facts: ModelFacts) -> None:
    with pytest.raises(UsageError, match=r"few\.h5: no layer has 8 channels or more"):
        starter_of(STARTER, "few.h5", chain(facts, ("few", "conv", 3, THREE)))


# ---- all pages name the same


def test_the_starter_the_readme_and_the_quickstart_name_what_is_suggested(facts: ModelFacts) -> None:
    suggested = set(names(facts))
    for page in (STARTER, (ROOT / "README.md").read_text(), (ROOT / "configs/quickstart.yaml").read_text()):
        named = set(re.findall(r"layer: (block\w+)", page))
        assert named
        assert named <= suggested
