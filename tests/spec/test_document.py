"""The document of a spec: what --set changes in it, and where its problems are said to be."""

from __future__ import annotations

import pytest

from fvcli.spec import Document, SpecError, parse_document
from fvcli.spec.optimizers import Adam
from fvcli.spec.parameterizations import Pixel
from fvcli.spec.transforms import Jitter, Pad
from tests.helpers.specs import MINIMAL, Data, spec_of, spec_of_text, with_job

# ---- --set


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("render.steps=5", MINIMAL | {"render": {"steps": 5}}),
        ("render.transforms=[]", MINIMAL | {"render": {"transforms": []}}),
        ("render={steps: 5, seed: 1}", MINIMAL | {"render": {"steps": 5, "seed": 1}}),
        ("jobs.a.channels=0-3", with_job(channels="0-3")),
        ("jobs.0.channels=[1, 2]", with_job(channels=[1, 2])),
        ("jobs[0].steps=7", with_job(steps=7)),
        ("jobs.a.name=b", with_job(name="b")),
        ("jobs.a.objective=neuron", with_job(objective="neuron")),
        ("model=efficientnet-lite1", MINIMAL | {"model": "efficientnet-lite1"}),
        (
            "model.weights=my.pth",
            MINIMAL | {"model": {"name": "efficientnet-lite0", "weights": "my.pth"}},
        ),
        ("output.grid.columns=4", MINIMAL | {"output": {"grid": {"columns": 4}}}),
        ("render.memory_gb=5e-2", MINIMAL | {"render": {"memory_gb": 0.05}}),
        ("version=1", MINIMAL),
    ],
)
def test_set(override: str, expected: Data) -> None:
    assert spec_of(MINIMAL, override) == spec_of(expected)


def test_set_below_shorthands() -> None:
    data = with_job(objective="neuron", optimizer="adam", parameterization="pixel")
    overrides = ["jobs.a.objective.row=3", "jobs.a.objective.column=0"]
    overrides += ["jobs.a.optimizer.learning_rate=0.1", "jobs.a.parameterization.std=0.5"]
    (job,) = spec_of(data, *overrides).jobs
    assert job.objective.model_dump(exclude_unset=True) == {"kind": "neuron", "row": 3, "column": 0}
    assert job.optimizer == Adam(learning_rate=0.1)
    assert job.parameterization == Pixel(std=0.5)


def test_set_in_lists() -> None:
    data = with_job(transforms=[{"kind": "pad", "px": 3}, {"kind": "jitter", "px": 2}])
    assert spec_of(data, "jobs.a.transforms.1.px=9").jobs[0].transforms == (Pad(px=3), Jitter(px=9))


def test_last_set_wins() -> None:
    assert spec_of(MINIMAL, "render.steps=5", "render.steps=6").render.steps == 6


def test_set_of_a_job_named_by_digits() -> None:
    data = MINIMAL | {"jobs": [{"name": "1", "layer": "stem"}, {"name": "0", "layer": "stem"}]}
    assert spec_of(data, "jobs.1.steps=5").jobs[1].steps == 5  # a position comes first


def test_set_does_not_reach_through_aliases() -> None:
    text = "model: m\njobs:\n  - &a {name: a, layer: x, objective: {kind: neuron}}\n  - {name: b, layer: x}\n"
    text += "render: &r {transforms: [{kind: pad, px: 3}]}\n"
    spec = spec_of_text(text, "jobs.a.objective.row=1", "jobs.a.objective.column=1")
    assert spec.jobs[1].objective.kind == "channel"


# ---- places and messages


def test_document_places() -> None:
    document = parse_document("a:\n  b: [1,\n    2]\n", "s.yaml", ["c.d=3", "a.b.0=7"])
    assert document.place(("a", "b", 1)) == "s.yaml:3"
    assert document.place(("a", "b", 0)) == "--set a.b.0=7"
    assert document.place(("a", "x", "y")) == "s.yaml:1"
    assert document.place(("c", "d", "e")) == "--set c.d=3"
    assert document.data == {"a": {"b": [7, 2]}, "c": {"d": 3}}


def test_all_problems_are_raised_together() -> None:
    document = Document("s.yaml", {}, {})
    document.raise_problems()
    with pytest.raises(SpecError) as caught:
        spec_of(MINIMAL | {"x": 1, "y": 2, "jobs": []})
    assert len(caught.value.lines) == 3


def test_places_of_what_was_replaced() -> None:
    document = parse_document("a: {b: 1}\nobjective: neuron\n", "s.yaml", ["a={b: 2}", "objective.row=3"])
    assert document.place(("a", "b")) == "--set a={b: 2}"
    assert document.place(("objective",)) == "--set objective.row=3"
    assert document.place(("objective", "kind")) == "s.yaml:2"
