"""Which layers are looked at."""

from __future__ import annotations

from fvcli.models import ModelFacts
from fvcli.trust.layers import judge_layers, path_layers


def test_a_judge_looks_at_four_depths(facts: ModelFacts) -> None:
    assert judge_layers(facts) == ("block4_expand", "block8_expand", "block12_expand", "head")


def test_the_way_is_looked_at_in_the_last_layers_below(facts: ModelFacts) -> None:
    assert path_layers(facts, ["block4_expand_bn"], 3) == ("block2_add", "block3_expand", "block3_dw")
    assert path_layers(facts, ["stem_bn"]) == ()
    assert path_layers(facts, ["block0_dw_bn"]) == ("stem",)
