"""The JSON Schema takes and refuses what fvcli does; tests/docs/test_reference.py tests what it says."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from fvcli.spec import Spec, SpecError, json_schema
from fvcli.spec.yaml_text import parse_yaml
from tests.helpers.specs import MINIMAL, STARTER, Data, spec_of, with_job

ROOT = Path(__file__).parents[2]
BAD_SPECS = ROOT / "tests" / "data" / "bad_specs"


# ---- JSON Schema

GOOD: list[Data] = [
    MINIMAL,
    MINIMAL | {"version": 1, "model": {"name": "m", "weights": "w.pth", "sha256": "0a" * 32}},
    MINIMAL | {"render": {"size_px": [64, 96], "steps": 3, "optimizer": {"kind": "adam", "beta1": 0}}},
    MINIMAL | {"output": {"grid": {"columns": 3, "labels": False}}},
    *[with_job(channels=channels) for channels in (3, "3", "0-3", "1, 4-6", "all", [1, "2-3"], {"every": 2})],
    with_job(objective="neuron"),
    with_job(objective={"kind": "neuron", "row": 3, "column": 0}),
    with_job(objective={"kind": "sum", "terms": [{"kind": "class_logit", "class": "tabby", "weight": -1}]}),
    with_job(classes=[3, "tabby"], sign="negative", recipe="lucid"),
    with_job(transforms=[{"kind": "affine", "scales": [0.5, 1]}, {"kind": "rotate", "degrees": [-3, 0.5]}]),
    with_job(transforms=[{"kind": "pad", "px": 3}, {"kind": "crop", "px": 3}]),
    with_job(parameterization={"kind": "pixel", "std": 1}, steps=None, size_px=None),
]
BAD: list[Data] = [
    {},
    {"model": "m"},
    {"jobs": MINIMAL["jobs"]},
    MINIMAL | {"jobs": []},
    MINIMAL | {"jobs": {}},
    MINIMAL | {"version": 2},
    MINIMAL | {"extra": 1},
    MINIMAL | {"render": None},
    MINIMAL | {"render": {"step": 1}},
    MINIMAL | {"output": {"grid": {"columns": "many"}}},
    with_job(name="a/b"),
    with_job(name=3),
    with_job(steps=0),
    with_job(steps="3"),
    with_job(steps=True),
    with_job(size_px=4),
    with_job(size_px=[224]),
    with_job(channels="0-x"),
    with_job(channels=[]),
    with_job(channels=-1),
    with_job(channels=[-1]),
    with_job(channels=["x"]),
    with_job(channels={"every": 0}),
    with_job(channels=True),
    with_job(channels=2.5),
    with_job(objective="sum"),
    MINIMAL | {"version": True},
    MINIMAL | {"model": {"name": "m", "weights": ""}},
    with_job(objective={"kind": "nothing"}),
    with_job(objective={"kind": "neuron", "rows": 3}),
    with_job(objective="chanel"),
    with_job(objective={"kind": "sum", "terms": []}),
    with_job(optimizer="sgd"),
    with_job(optimizer={"kind": "adam", "beta1": 1}),
    with_job(transforms=[{"kind": "pad"}]),
    with_job(transforms=[{"kind": "sepia"}]),
    with_job(transforms=[{"kind": "crop"}]),
    with_job(transforms=[{"kind": "crop", "px": 0}]),
    with_job(classes=[]),
    with_job(recipe="lucd"),
    with_job(sign=1),
]


@pytest.fixture(scope="module")
def checker() -> jsonschema.Draft202012Validator:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("data", GOOD, ids=str)
def test_schema_takes_what_is_good(checker: jsonschema.Draft202012Validator, data: Data) -> None:
    spec_of(data)
    assert [error.message for error in checker.iter_errors(data)] == []


@pytest.mark.parametrize("data", BAD, ids=str)
def test_schema_refuses_what_is_bad(checker: jsonschema.Draft202012Validator, data: Data) -> None:
    with pytest.raises(SpecError):
        spec_of(data)
    assert not checker.is_valid(data)


def test_schema_takes_the_starter(checker: jsonschema.Draft202012Validator) -> None:
    checker.validate(parse_yaml(STARTER).data)


def test_schema_is_json() -> None:
    schema = json_schema()
    assert json.loads(json.dumps(schema)) == schema
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert set(schema["required"]) == {"model", "jobs"}
    assert "class" in schema["$defs"]["ClassLogitObjective"]["properties"]
    names = schema["$defs"]["Job"]["properties"]["objective"]["anyOf"][0]["enum"]
    assert {"channel", "neuron", "layer", "class_logit", "direction", "style"} <= set(names)
    assert not {"sum", "product", "interpolate", "tensor_direction"} & set(names)  # which need more


# ---- bad specs are bad for the schema's reader, too


@pytest.mark.parametrize("stem", ["steps_text", "unknown_key_render", "jobs_empty", "version", "beta"])
def test_bad_specs_are_bad_for_editors(checker: jsonschema.Draft202012Validator, stem: str) -> None:
    assert not checker.is_valid(parse_yaml((BAD_SPECS / f"{stem}.yaml").read_text()).data)


@pytest.mark.parametrize(
    ("written", "meant"), [("tabby", ("tabby",)), (281, (281,)), (["tabby", 3], ("tabby", 3))]
)
def test_classes_may_be_one(written: object, meant: tuple[object, ...]) -> None:
    job = {"name": "a", "objective": "class_logit", "classes": written}
    spec = Spec.model_validate({"model": "efficientnet-lite0", "jobs": [job]})
    assert spec.jobs[0].classes == meant
    jsonschema.validate({"model": "efficientnet-lite0", "jobs": [job]}, json_schema())
