"""Estimates of memory, held against peaks that were measured with ``scripts/bench memory``."""

from __future__ import annotations

from typing import Any

import pytest

from fvcli.models import ModelFacts
from fvcli.plan.memory import memory_of, most_of
from tests.helpers.plans import Data, plan_of

MIDDLE = {"name": "a", "layer": "block4_expand_bn", "channels": 0}
DEEP = MIDDLE | {"layer": "head_bn"}
SHALLOW = MIDDLE | {"layer": "stem_bn"}
FACTOR = 1.5


@pytest.mark.parametrize(
    ("job", "at_once", "peak_mb"),
    [
        (SHALLOW | {"size_px": 64}, 1, 810),
        (DEEP | {"size_px": 64}, 1, 1222),
        (SHALLOW | {"size_px": 224}, 1, 727),
        (MIDDLE | {"size_px": 224}, 1, 890),
        (DEEP | {"size_px": 224}, 1, 1620),
        (DEEP | {"size_px": 224, "recipe": "lucid"}, 1, 1368),
        (SHALLOW | {"size_px": 1000}, 1, 1042),
        (MIDDLE | {"size_px": 1000}, 1, 2041),
        (DEEP | {"size_px": 1000}, 1, 3073),
        (MIDDLE | {"size_px": 1000, "recipe": "lucid"}, 1, 1943),
        (MIDDLE | {"size_px": 1000, "recipe": "naive"}, 1, 1948),
        (MIDDLE | {"size_px": 224, "recipe": "cppn"}, 1, 1001),
        (MIDDLE | {"size_px": 224, "recipe": "untrained-prior"}, 1, 1010),
        (MIDDLE | {"size_px": 1000, "recipe": "untrained-prior"}, 1, 3780),
        (MIDDLE | {"size_px": 512, "recipe": "maco"}, 1, 3427),
        (MIDDLE | {"size_px": 224, "diversity": {"count": 4}}, 1, 980),
    ],
)
def test_an_estimate_is_near_the_peak(facts: ModelFacts, job: Data, at_once: int, peak_mb: float) -> None:
    estimated = most_of(plan_of(facts, [job]).programs, facts, at_once).total_bytes / 1e6
    assert peak_mb / FACTOR < estimated < peak_mb * FACTOR


def test_weights_count_while_loading_and_what_lies_below_a_layer_while_compiling(facts: ModelFacts) -> None:
    """EfficientNet-Lite0 has 4.65 million parameters (Google, 2020), most of which lie behind block4."""
    (middle,) = plan_of(facts, [MIDDLE]).programs
    (deep,) = plan_of(facts, [DEEP]).programs
    all_weights = 4 * 4_650_000  # bytes
    assert memory_of(deep, facts).loading_bytes == pytest.approx(720e6 + 5 * all_weights, rel=0.01)
    assert memory_of(middle, facts).network_bytes == pytest.approx(720e6 + 2.2 * all_weights, rel=0.01)
    assert memory_of(middle, facts).compiling_bytes < 10e6
    assert memory_of(deep, facts).compiling_bytes > 400e6


def test_what_is_rendered_at_once_counts_and_the_largest_program_decides(facts: ModelFacts) -> None:
    plan = plan_of(facts, [SHALLOW | {"name": "s"}, DEEP | {"size_px": 512}])
    small, large = (memory_of(program, facts) for program in plan.programs)
    assert (small.loading_bytes, small.network_bytes) == (large.loading_bytes, large.network_bytes)
    assert small.ascent_bytes < large.ascent_bytes
    most = most_of(plan.programs, facts, 2)
    assert most.program is plan.programs[1]
    assert most.total_bytes == most_of(plan.programs, facts, 1).total_bytes + large.ascent_bytes


def test_views_targets_groups_and_paintings_take_more(facts: ModelFacts) -> None:
    def ascent(**more: Any) -> int:
        (program,) = plan_of(facts, [MIDDLE | more]).programs
        return memory_of(program, facts).ascent_bytes

    plain = ascent()
    assert ascent(diversity={"count": 4}) == 4 * plain
    assert 3 * plain < ascent(views=4) < 4 * plain
    assert ascent(parameterization="cppn") > 2 * plain
    assert ascent(parameterization="deep_image_prior") > 2 * plain
    assert ascent(objective="neuron", canvas="seen") < plain
