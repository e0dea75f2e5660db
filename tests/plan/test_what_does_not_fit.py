"""What a spec asks of files and of networks that they do not have, said at its key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fvcli.media import NamedFiles
from fvcli.models import ModelFacts
from fvcli.models.graph import Node
from fvcli.plan import make_plan
from fvcli.spec import parse_document, validate
from tests.helpers.running import fvcli, write_spec

ARRAYS: Mapping[str, tuple[int, ...]] = {
    "flat.npy": (32,),
    "long.npy": (33,),
    "three.npy": (3, 32),
    "thin.npy": (2, 2, 31),
    "small.npy": (2, 3, 32),
    "exact.npy": (32, 32, 32),
    "tall.npy": (33, 1, 32),
    "wide.npy": (1, 33, 32),
}


@pytest.mark.parametrize(
    ("job", "said"),
    [
        ("objective: {kind: tensor_direction, tensor: small.npy}", None),
        ("objective: {kind: tensor_direction, tensor: exact.npy}", None),
        ("objective: {kind: match, activations: exact.npy}", None),
        (
            "objective: {kind: tensor_direction, tensor: three.npy}",
            "objective.tensor: an array of 3 x 32 does not fit stem_bn; it should be h x w x 32",
        ),
        (
            "objective: {kind: tensor_direction, tensor: thin.npy}",
            "objective.tensor: an array of 2 x 2 x 31 does not fit stem_bn; it should be h x w x 32",
        ),
        *(
            (
                f"objective: {{kind: tensor_direction, tensor: {name}.npy}}",
                f"objective.tensor: an array of {size} positions does not fit stem_bn, which has 32 x 32",
            )
            for name, size in (("tall", "33 x 1"), ("wide", "1 x 33"))
        ),
        (
            "objective: {kind: match, activations: small.npy}",
            "objective.activations: an array of 2 x 3 positions does not fit stem_bn, which has 32 x 32",
        ),
        ("objective: direction, vectors: [{file: three.npy, rows: 0-2}]", None),
        ("objective: direction, vectors: [{file: flat.npy, rows: 0}]", None),
        (
            "objective: direction, vectors: [{random: 1}, {file: long.npy}]",
            "vectors: a vector of 33 numbers (long.npy) does not fit stem_bn, which has 32 channels",
        ),
        (
            "objective: direction, vectors: [{random: 1}, [1, 2]]",
            "vectors: a vector of 2 numbers (vectors[1]) does not fit stem_bn, which has 32 channels",
        ),
        (
            "objective: direction, vectors: [{random: 1}, {file: three.npy, rows: [0, 3]}]",
            "vectors[1].rows: three has no row 3; it has 0-2",
        ),
        (
            "objective: direction, vectors: [{file: flat.npy, rows: 0-1}]",
            "vectors[0].rows: flat has no row 1; it has 0-0",
        ),
    ],
)
def test_arrays_are_held_against_the_layer(tmp_path: Path, job: str, said: str | None) -> None:
    for name, shape in ARRAYS.items():
        np.save(tmp_path / name, np.ones(shape, np.float32))
    text = f"model: efficientnet-lite0\njobs:\n- {{name: a, layer: stem_bn, size_px: 64, {job}}}\n"
    spec = write_spec(tmp_path, text)
    result = fvcli("plan", spec)
    assert result.stderr == ("" if said is None else f"Error: {spec}:3: jobs[0].{said}\n")
    assert result.exit_code == (0 if said is None else 2)


def said_of(facts: ModelFacts, job: str, files: NamedFiles | None = None) -> list[str]:
    """Return what is wrong with a job for a network, by its key."""
    document = parse_document(f"model: mine\njobs:\n- {{name: a, {job}}}\n", "spec")
    document.data["model"] = "efficientnet-lite0"
    spec, positions = validate(document)
    document.raise_problems()
    assert spec is not None
    _, problems = make_plan(spec, positions, facts, files or NamedFiles())
    return [f"{'.'.join(map(str, problem.path[2:]))}: {problem.message}" for problem in problems]


def test_a_network_may_have_no_classes_and_layers_without_channels(facts: ModelFacts) -> None:
    nodes = (*facts.nodes, Node("shape", "shape", ("stem",), 0, None))
    mine = replace(facts, name="mine", nodes=nodes, logits=None, labels=())
    assert said_of(mine, "objective: class_logit, classes: [1]") == [
        "objective: mine has no class output; name one with model.logits"
    ]
    assert said_of(mine, "layer: shape, channels: 0") == ["layer: shape has no channels to render (shape)"]


@pytest.mark.parametrize(
    ("channels", "options", "said"),
    [
        (1, "parameterization: fourier", None),
        (1, "parameterization: maco", None),
        (2, "parameterization: maco", "maco needs one or three channels; mine takes 2 channels"),
        (
            1,
            "parameterization: {kind: fourier, alpha: true}",
            "alpha needs a network that takes colours; mine takes 1 channel",
        ),
        (
            1,
            "parameterization: {kind: maco, spectrum: photos}",
            "a spectrum of photos has colours; mine takes 1 channel",
        ),
        (
            4,
            "parameterization: {kind: generator, path: a.keras}",
            "a generator makes colours; mine takes 4 channels",
        ),
    ],
)
def test_a_network_of_other_channels_refuses_what_makes_colours(
    facts: ModelFacts, channels: int, options: str, said: str | None
) -> None:
    mine = replace(facts, name="mine", input_channels=channels)
    files = NamedFiles(
        sums={"photos": "0" * 64, "a.keras": "1" * 64}, places={"photos": "/photos", "a.keras": "/a.keras"}
    )
    found = said_of(mine, f"layer: stem_bn, channels: 0, {options}", files)
    assert [line for line in found if line.startswith("parameterization")] == (
        [f"parameterization: {said}"] if said else []
    )
