"""Ascents of recipes on the default network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fvcli.optvis.ascent import Ascent, Recipe
from fvcli.optvis.objectives import Objective, channel
from fvcli.optvis.streams import stream
from fvcli.plan import Program, make_plan
from fvcli.spec import parse_document, validate
from fvcli.worker.builders import build_recipe
from tests.helpers.networks import as_network

SHALLOW = "block1_expand_bn"


# ---- Lucid's recipe, restated
#
# Nothing below uses the package's mathematics: the same recipe once more, plainly, one step after the
# other, from the formulas of Lucid 0.3.10.

MIDDLE = "block4_expand_bn"


BATCH = 3


def program_of(text: str, facts) -> Program:
    """Plan a spec and return its only program."""
    document = parse_document(text, "test")
    spec, positions = validate(document)
    document.raise_problems()
    plan, problems = make_plan(spec, positions, facts)
    assert not problems
    (program,) = plan.programs
    return program


def recipe_of(name: str, size_px: Sequence[int], facts) -> Recipe:
    text = f"""
        model: efficientnet-lite0
        render: {{recipe: {name}, size_px: {list(size_px)}, batch_size: {BATCH}}}
        jobs: [{{name: job, layer: {SHALLOW}, channels: [0]}}]
    """
    return build_recipe(program_of(text, facts), facts.input_channels)


def ascent_of(model, layer: str, recipe: Recipe, jit_compile: bool = False) -> Ascent:
    def objective(units) -> Objective:
        return channel(layer, units["index"]) * units["sign"]

    return Ascent(as_network(model), objective, recipe, jit_compile=jit_compile)


def units(*index: int, sign: float = 1.0) -> dict[str, np.ndarray]:
    return {"index": np.array(index, np.int32), "sign": np.full(len(index), sign, np.float32)}


def streams_of(names: Sequence[str]) -> list[np.random.Generator]:
    return [stream(0, name) for name in names]
