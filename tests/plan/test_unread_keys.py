"""Every key of render, set for every method: it is read, or it is refused where it is written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fvcli.models import ModelFacts
from fvcli.plan import make_plan
from fvcli.plan.unread_keys import NOT_READ
from fvcli.spec import parse_document, validate
from fvcli.spec.mistakes.problems import dotted
from fvcli.spec.schema import Render
from tests.plan.test_unit_drafts import FILES

Data = dict[str, Any]
BASE: Data = {"name": "a", "layer": "stem_bn", "objective": "layer", "pictures": "photos"}
METHODS: dict[str, Data] = {
    "dream": {"recipe": "deepdream"},
    "steepest": {"steepest": "l2"},
}
# A value of each key; where a method reads the key, it gives another plan.
VALUES: Data = {
    **{"recipe": "lucid", "size_px": 96, "save_px": 448, "steps": 7, "seed": 1, "seeds": [1]},
    **{"views": 2, "start": "noise", "attention": True, "octaves": {"count": 2}, "steepest": "l_inf"},
    **{"save_at": [0], "animation": {"format": "gif"}, "redirect_steps": 3, "early_stop": 0.5},
    **{"canvas": "whole", "precision": "bfloat16", "batch_size": 3, "memory_gb": 0.01},
    **{"parameterization": {"kind": "pixel", "squash": "clip"}, "transforms": ["flip"]},
    **{"optimizer": "adam", "penalties": ["l1"], "regularizers": ["gaussian_blur"]},
    "references": "photos",
}
READ = {
    "dream": {"recipe", "size_px", "steps", "seed", "seeds", "start", "octaves", "steepest", "save_at"}
    | {"animation", "batch_size", "memory_gb"},
    "steepest": {"recipe", "size_px", "start", "steepest", "batch_size", "memory_gb"},
}


def said_of(facts: ModelFacts, data: Data, carried: frozenset[str] = frozenset()) -> list[str]:
    """Return what is wrong with a spec, each with its place."""
    document = parse_document(json.dumps({"model": "efficientnet-lite0", **data}), "spec.yaml")
    spec, positions = validate(document)
    document.raise_problems()
    assert spec is not None
    _, problems = make_plan(spec, positions, facts, FILES, carried=carried)
    return [f"{dotted(problem.path)}: {problem.message}" for problem in problems]


def test_there_is_a_value_for_each_key() -> None:
    assert VALUES.keys() == Render.model_fields.keys()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("key", VALUES)
@pytest.mark.parametrize("level", ["render", "jobs[0]", "jobs[0].variants[0]"])
def test_a_key_is_read_or_refused(facts: ModelFacts, method: str, key: str, level: str) -> None:
    written = {**METHODS[method], key: VALUES[key]}
    spec = {
        "render": {"render": written, "jobs": [BASE]},
        "jobs[0]": {"jobs": [BASE | written]},
        "jobs[0].variants[0]": {"jobs": [BASE | {"variants": [{"name": "v", **written}]}]},
    }[level]
    refused = [line for line in said_of(facts, spec) if line.startswith(f"{level}.{key}")]
    assert bool(refused) == (key not in READ[method]), refused


def test_every_method_says_what_it_does_not_read() -> None:
    assert NOT_READ.keys() == {"ascent", *METHODS}
    assert all(set(keys) <= Render.model_fields.keys() for keys in NOT_READ.values())


@pytest.mark.parametrize("key", [key for key in VALUES if key not in READ["dream"]])
def test_what_another_job_reads_all_may_share(facts: ModelFacts, key: str) -> None:
    """A variant or a job that is an optimisation reads what a dream beside it does not."""
    caricature = {"name": "b", "layer": "stem_bn", "objective": "caricature", "pictures": "photos"}
    images = {"parameterization": "pixel"} if key == "regularizers" else {}
    images |= {"save_px": {"parameterization": "fourier", "size_px": 96}}.get(key, {})
    shared = {"render": images | {key: VALUES[key]}, "jobs": [BASE | METHODS["dream"], caricature]}
    assert not [line for line in said_of(facts, shared) if "does not use" in line]
    overridden = caricature | {key: VALUES[key]}
    alone = said_of(facts, shared | {"jobs": [BASE | METHODS["dream"], overridden]})
    assert [line.partition(":")[0] for line in alone if "does not use" in line][:1] == [
        f"render.{key}" + (".squash" if key == "parameterization" else "")
    ]


def test_the_message_says_what_to_write_instead(facts: ModelFacts) -> None:
    (said,) = said_of(facts, {"render": METHODS["dream"] | {"optimizer": "adam"}, "jobs": [BASE]})
    assert said == (
        "render.optimizer: a dream does not use it; leave it out "
        "(how far a step goes is octaves: {rates: [0.012, 0.006]})"
    )


@pytest.mark.parametrize(
    ("render", "place"),
    [
        ({"recipe": "deepdraw", "steps": 7}, "render.steps"),
        ({"recipe": "deepdraw", "parameterization": {"kind": "pixel", "std": 0.1}}, None),
        ({"recipe": "deepdream", "parameterization": {"kind": "pixel", "std": 0.1}}, ".std"),
        ({"octaves": {"count": 2, "each": [{"scale": 1, "steps": 2}]}}, "render.octaves.count"),
        ({"recipe": "deepdream", "animation": {"frames": 20}}, "render.animation.frames"),
        ({"recipe": "deepdream", "animation": {"every": 3}}, None),
    ],
)
def test_options_that_others_make_idle(facts: ModelFacts, render: Data, place: str | None) -> None:
    job = {key: value for key, value in BASE.items() if key != "pictures" or "deepdream" in render.values()}
    said = [line.partition(": ")[0] for line in said_of(facts, {"render": render, "jobs": [job]})]
    assert len(said) == (place is not None)
    assert not place or said[0].endswith(place)


def test_a_picture_may_carry_what_nothing_reads(facts: ModelFacts) -> None:
    """Pictures carry all settings that are in their keys, those of a dream's optimizer among them."""
    render = METHODS["dream"] | {"optimizer": "adam", "penalties": []}
    assert len(said_of(facts, {"render": render, "jobs": [BASE]})) == 2
    carried = frozenset({"optimizer", "penalties"})
    assert said_of(facts, {"render": render, "jobs": [BASE]}, carried) == []
