"""What a spec may not have meant, although nothing in it is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from fvcli.models import ModelFacts
from fvcli.plan.notes import notes_on
from tests.helpers.plans import spec_and_plan_of
from tests.plan.test_unit_drafts import FILES, text_of

Data = dict[str, Any]
NEURON: Data = {"name": "a", "layer": "block4_expand_bn", "channels": [2], "objective": "neuron"}
DREAM: Data = {"name": "d", "layer": "stem_bn", "recipe": "deepdream", "pictures": "photos"}
WHOLE = "and the whole picture is optimised"


def said_of(facts: ModelFacts, *jobs: Data, **render: Any) -> list[str]:
    spec, plan = spec_and_plan_of(text_of(*jobs, **{"size_px": 224, **render}), facts, FILES)
    return notes_on(spec, plan, facts)


def at(row: int, column: int, name: str = "a") -> Data:
    return NEURON | {"name": name, "objective": {"kind": "neuron", "row": row, "column": column}}


def test_a_neuron_at_the_border_is_told_where_the_spec_asks_for_its_part(facts: ModelFacts) -> None:
    jobs = [at(1, 8), at(7, 7, "b")]
    assert said_of(facts, *jobs, canvas="seen") == [
        f"canvas: seen has no effect on a/neuron-0002-r001-c008, {WHOLE}: "
        "the neuron sees the border of the picture"
    ]
    assert said_of(facts, *jobs) == []  # the recipe says it, and nobody asked


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"canvas": "whole"}, None),
        ({"layer": "block9_expand_bn", "size_px": 96}, "the neuron sees the border of the picture"),
        ({"size_px": 64}, "its part of 68 x 68 px is most of the picture"),
        ({"layer": "head_bn"}, "the neuron sees the border of the picture"),
        ({"layer": "pool"}, "a neuron of pool sees the whole picture"),
        ({"parameterization": "cppn"}, "a cppn picture cannot be cut"),
        ({"transforms": []}, "it needs transforms of a single affine"),
        ({"views": 2}, "attention and views look at the whole picture"),
        ({"diversity": {}}, "what is optimised together or compared with a picture is whole"),
        ({"start": "picture", "pictures": "photos"}, "what is optimised together or compared with a picture"),
        (
            {"objective": "direction_neuron", "vectors": [{"random": 0}], "channels": None},
            "only the objective neuron knows what part of the picture it needs",
        ),
        (
            {"objective": "channel"},
            "only the objective neuron knows what part of the picture it needs",
        ),
    ],
)
def test_each_reason_is_said(facts: ModelFacts, changes: Data, reason: str | None) -> None:
    job = {key: value for key, value in (NEURON | changes).items() if value is not None}
    said = said_of(facts, job, canvas="seen")
    assert len(said) == (reason is not None)
    assert not reason or reason in said[0]


def test_what_neurons_of_another_job_are_told_channels_need_not_heed(facts: ModelFacts) -> None:
    channels = {"name": "c", "layer": "stem_bn", "channels": [2]}
    assert said_of(facts, NEURON, channels, canvas="seen") == []
    assert len(said_of(facts, channels, canvas="seen")) == 1
    assert len(said_of(facts, NEURON, channels | {"canvas": "seen"})) == 1
    variants = [{"name": "x", "canvas": "seen"}, {"name": "y", "canvas": "whole"}]
    assert len(said_of(facts, channels | {"variants": variants})) == 1


@pytest.mark.parametrize(
    ("changes", "is_told"),
    [
        ({}, True),
        ({"channels": "0-8"}, True),
        ({"channels": "0-7"}, False),
        ({"objective": "layer"}, False),
        ({"recipe": "default", "start": "picture"}, False),
    ],
)
def test_dreams_of_all_channels_are_told(facts: ModelFacts, changes: Data, is_told: bool) -> None:
    said = said_of(facts, DREAM | changes)
    assert len(said) == is_told
    assert not is_told or said[0].endswith("for one dream of the whole layer write objective: layer")


def test_films_of_the_pictures_between_two_units_may_be_meant_as_one_morph(facts: ModelFacts) -> None:
    ends = {
        end: {"kind": "channel", "layer": "stem_bn", "channel": i} for i, end in enumerate(("from", "to"))
    }
    morph = {"name": "m", "objective": {"kind": "interpolate", "count": 3, **ends}}
    told = "job m: each of 3 pictures gets a film of its optimisation; "
    write = "for one morph through all of them write animation: {of: interpolation}"
    assert said_of(facts, morph, animation={"format": "gif"}) == [told + write]
    assert said_of(facts, morph | {"animation": {"of": "interpolation"}}) == []
    assert said_of(facts, morph) == []
