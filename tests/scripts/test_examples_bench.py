"""What scripts/bench examples prints."""

from __future__ import annotations

from benchmark.examples import LAYERS, _table

from fvcli.models import ModelFacts


def test_the_table_has_medians_and_spreads() -> None:
    bare = [{"s_a_picture": s, "cpu_s_a_picture": 2 * s, "end_s": 0.0} for s in (0.01, 0.02, 0.04)]
    ours = [{"s_a_picture": s, "cpu_s_a_picture": 2 * s, "end_s": 3.0} for s in (0.011, 0.02, 0.05)]
    last = _table({"2 layers": {"bare": bare, "examples": ours}}).splitlines()[-1]
    assert last == (
        "| 2 layers | 50.0 (25.0 to 100.0) | 50.0 (20.0 to 90.9) | 1.10 (1.00 to 1.25) "
        "| 1.10 (1.00 to 1.25) | 3.0 (3.0 to 3.0) |"
    )


def test_the_layers_are_there(facts: ModelFacts) -> None:
    known = {node.name for node in facts.nodes}
    for name, layers in LAYERS.items():
        assert known.issuperset(layers)
        assert len(set(layers)) == int(name.split()[0])
