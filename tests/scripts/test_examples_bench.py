"""What scripts/bench examples prints."""

from __future__ import annotations

from benchmark.examples import LAYERS, _table

from fvcli.models import ModelFacts


def test_the_table_has_medians_and_spreads() -> None:
    bare = [{"stream_s": s} for s in (0.01, 0.02, 0.04)]
    ours = [
        {"stream_s": s, "blocks_s": blocks_s, "finish_s_a_unit": 0.03}
        for s, blocks_s in ((0.011, 0.02), (0.02, 0.03), (0.05, 0.06))
    ]
    last = _table({"2 layers": {"bare": bare, "examples": ours}}).splitlines()[-1]
    assert last == (
        "| 2 layers | 20.0 (10.0 to 40.0) | 20.0 (11.0 to 50.0) | 1.10 (1.00 to 1.25) "
        "| 30.0 (20.0 to 60.0) | 1.50 (1.50 to 2.00) | 30.0 (30.0 to 30.0) |"
    )


def test_the_layers_are_there(facts: ModelFacts) -> None:
    known = {node.name for node in facts.nodes}
    for name, layers in LAYERS.items():
        assert known.issuperset(layers)
        assert len(set(layers)) == int(name.split()[0])
