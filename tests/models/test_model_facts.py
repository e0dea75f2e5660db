"""The smallest picture for some layers of a network."""

from __future__ import annotations

import pytest

from fvcli.models import ModelFacts
from fvcli.models.choice import Preprocessing
from fvcli.models.graph import Node, Window


def network(*, pool: int) -> ModelFacts:
    """A network for 32 px, whose last pooling takes so many positions of the eight that are left."""
    nodes = (
        Node("first", "conv", ("input",), 8, Window((3, 3))),
        Node("second", "conv", ("first",), 8, Window((3, 3), (4, 4))),
        Node("pool", "average_pool", ("second",), 8, Window((pool, pool), (pool, pool), padding="valid")),
        Node("flat", "flatten", ("pool",), 8, None, (1, 1), bound=True),
        Node("classes", "dense", ("flat",), 10, None),
    )
    return ModelFacts("net", nodes, 3, (32, 32), Preprocessing(), (), "classes", "random", "0" * 64)


@pytest.mark.parametrize(
    ("layer", "least"), [("first", 4), ("second", 4), ("pool", 32), ("flat", 1), ("classes", 1)]
)
def test_a_layer_before_the_last_pooling_takes_smaller_pictures(layer: str, least: int) -> None:
    facts = network(pool=8)
    assert facts.min_size_px == 32
    assert facts.least_px([layer]) == least
    assert facts.least_px(["first", "pool"]) == 32


def test_a_network_with_positions_to_spare_has_one_smallest_picture() -> None:
    facts = network(pool=2)
    assert facts.min_size_px == facts.least_px(["first"]) == facts.least_px(["pool"]) == 8
    assert facts.least_px(["classes"]) == 1
