"""The spec of an atlas: at most nine layers, four kinds of jobs, names that say both, sizes that fit."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from fvcli.errors import UsageError
from fvcli.models import ModelChoice, ModelFacts, describe
from fvcli.models.graph import Node, Window
from fvcli.plan import Plan
from fvcli.plan.atlas_jobs import KINDS, atlas_layers, atlas_size, atlas_spec, job_names, kind_of_job
from fvcli.plan.suggest import suggest_layers
from tests.helpers.atlas_specs import planned
from tests.helpers.specs import spec_of_text

THREE, HALF = Window((3, 3)), Window((3, 3), (2, 2))


def small(facts: ModelFacts, side: int, channels: int = 3, *, bound: bool = False) -> ModelFacts:
    """Return facts of a network of three convolutions with ReLUs."""
    nodes, below = [], "input"
    for i in range(3):
        nodes += [
            Node(f"conv{i}", "conv", (below,), 16, HALF, bound=bound and i > 0),
            Node(f"relu{i}", "relu", (f"conv{i}",), 16, Window()),
        ]
        below = f"relu{i}"
    own = {"nodes": tuple(nodes), "native_size_px": (side, side), "input_channels": channels}
    return replace(facts, **own, logits=None, labels=(), branches={}, aliases={})


def by_job(plan: Plan) -> Counter[str]:
    return Counter(unit.job for unit in plan.units)


@pytest.mark.parametrize("name", ["efficientnet-lite0", "efficientnet-lite1"])
def test_nine_layers_of_a_known_network_in_four_ways(name: str) -> None:
    facts = describe(ModelChoice(name))
    layers = atlas_layers(facts)
    assert len(layers) == 9
    assert {one.layer.name for one in suggest_layers(facts)} & {one.layer.name for one in layers}
    plan, remarks = planned(atlas_spec(name, facts), facts)
    assert remarks == []
    assert Counter(map(kind_of_job, by_job(plan))) == dict.fromkeys(KINDS, 9)
    found = by_job(plan)
    short = job_names([one.layer.name for one in layers])
    assert short[-1] == "head"
    for base, one in zip(short, layers, strict=True):
        count = -(-one.layer.channels // 16)
        kinds = [found[f"{base}-{kind}"] for kind in ("channel", "neuron", "negative", "diversity")]
        assert kinds == [count, count, count, 4 * count]
    assert {(p.height_px, p.width_px) for p in plan.programs} == {(224, 224)}


def test_what_each_kind_renders(facts: ModelFacts) -> None:
    plan, _ = planned(atlas_spec("efficientnet-lite0", facts), facts)
    told = {
        kind_of_job(unit.job): (unit.objective, unit.sign, plan.programs[unit.program].members)
        for unit in plan.units
        if unit.job.startswith("block4-")
    }
    assert told == {
        "channel": ("channel", 1, 1),
        "neuron": ("neuron", 1, 1),
        "negative": ("channel", -1, 1),
        "diversity": ("channel", 1, 4),
    }
    couplings = {c.layer for p in plan.programs for c in p.couplings}
    assert "block4_expand" in couplings
    assert "block4_expand_bn" not in couplings


def test_one_number_makes_all_jobs_smaller(facts: ModelFacts) -> None:
    text = atlas_spec("efficientnet-lite0", facts)
    assert text.count("every: 1}") == 1
    few, _ = planned(text.replace("every: 1}", "every: 144}"), facts)
    assert by_job(few)["block2-neuron"] == 1
    assert by_job(few)["head-negative"] == 9


@pytest.mark.parametrize(
    ("side", "channels", "size"), [(28, 1, 64), (64, 3, 64), (224, 3, 224), (600, 3, 224)]
)
def test_sizes_are_sensible(facts: ModelFacts, side: int, channels: int, size: int) -> None:
    network = small(facts, side, channels)
    plan, remarks = planned(atlas_spec("net.keras", network), network)
    assert remarks == []
    assert {(p.height_px, p.width_px) for p in plan.programs} == {(size, size)}


def test_layers_that_take_one_size_get_it(facts: ModelFacts) -> None:
    assert atlas_size(small(facts, 28, bound=True), ["conv1"]) == (28, 28)
    wide = replace(small(facts, 28), native_size_px=(300, 600))
    assert atlas_size(wide, ["conv1"]) == (112, 224)


def test_a_layer_of_one_position_has_no_neurons(facts: ModelFacts) -> None:
    network = small(facts, 224)
    pooled = (
        Node("mean", "global_pool", ("relu2",), 16, None),
        Node("hidden", "dense", ("mean",), 64, None),
        Node("gelu", "gelu", ("hidden",), 64, None),
    )
    maps = [replace(node, kind="sigmoid") if node.kind == "relu" else node for node in network.nodes]
    alone = replace(network, nodes=(*maps, *pooled))
    plan, remarks = planned(atlas_spec("net.keras", alone), alone)
    assert remarks == []
    assert set(by_job(plan)) == {"hidden-channel", "hidden-negative", "hidden-diversity"}


def test_networks_without_a_layer_are_refused(facts: ModelFacts) -> None:
    narrow = small(facts, 64)
    narrow = replace(narrow, nodes=tuple(replace(node, channels=3) for node in narrow.nodes), path="few.h5")
    with pytest.raises(UsageError, match=r"few\.h5: no layer has 8 channels or more"):
        atlas_spec("few.h5", narrow)


@pytest.mark.parametrize(
    ("layers", "names"),
    [
        (["block4_expand_bn", "head_bn"], ["block4", "head"]),
        (["mixed3a_pre_relu", "mixed4a_pre_relu"], ["mixed3a", "mixed4a"]),
        (["conv4_block6_add"], ["conv4_block6"]),
        (["block4_conv3_pre_activation"], ["block4"]),
        (["block4_conv1_pre_activation", "block4_conv3_pre_activation"],) * 2,
        (["a/b/BiasAdd", "c/FusedBatchNormV3"], ["a-b", "c"]),
        (["net/conv_bn", "NET/conv_bn"], ["net-conv_bn", "NET-conv_bn-2"]),
        (["bn", "_bn"], ["bn", "bn-2"]),
    ],
)
def test_names_of_jobs_are_short_and_never_the_same(layers: list[str], names: list[str]) -> None:
    assert job_names(layers) == names


def test_any_text_may_be_a_model(facts: ModelFacts) -> None:
    name = 'a "b": {c}.keras'
    text = atlas_spec(name, facts, ["one", ""])
    assert "# one\n#\n" in text
    spec = spec_of_text(text)
    assert spec.model.path == name
    assert len(spec.jobs) == 36
