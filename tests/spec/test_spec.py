"""The spec: defaults, shorthands, inheritance, overrides, JSON Schema, recipes and the starter."""

from __future__ import annotations

import importlib.resources
import itertools
import json
import re
import subprocess
import sys
import typing
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from fvcli.models import ModelFacts
from fvcli.plan import Plan, make_plan
from fvcli.spec import Document, Spec, SpecError, json_schema, parse_document, validate
from fvcli.spec.channels import Channels
from fvcli.spec.optimizers import Adam
from fvcli.spec.parameterizations import Fourier, Pixel
from fvcli.spec.problems import did_you_mean, dotted, one_line
from fvcli.spec.recipes import RECIPES, resolve
from fvcli.spec.schema import Render
from fvcli.spec.transforms import Affine, Crop, Jitter, Pad, Rotate, Scale
from fvcli.spec.yaml_text import parse_yaml

Data = dict[str, Any]
MINIMAL: Data = {"model": "efficientnet-lite0", "jobs": [{"name": "a", "layer": "stem_bn"}]}
STARTER = importlib.resources.files("fvcli.spec").joinpath("starter.yaml").read_text()
ROOT = Path(__file__).parents[2]
BAD_SPECS = ROOT / "tests" / "data" / "bad_specs"


def spec_of(data: Data, *overrides: str) -> Spec:
    return spec_of_text(json.dumps(data), *overrides)


def spec_of_text(text: str, *overrides: str) -> Spec:
    document = parse_document(text, "spec.yaml", overrides)
    spec, positions = validate(document)
    document.raise_problems()
    assert spec is not None
    assert positions == list(range(len(spec.jobs)))
    return spec


def with_job(**changes: Any) -> Data:
    return MINIMAL | {"jobs": [MINIMAL["jobs"][0] | changes]}


def resolved(data: Data, *overrides: str, native_size_px: int = 224) -> Render:
    spec = spec_of(data, *overrides)
    return resolve(spec.jobs[0], spec.render, (native_size_px, native_size_px))


def plan_of(spec: Spec, facts: ModelFacts) -> Plan:
    plan, problems = make_plan(spec, range(len(spec.jobs)), facts)
    assert problems == []
    return plan


# ---- defaults and shorthands


def test_defaults() -> None:
    spec = spec_of(MINIMAL)
    assert spec.version == 1
    assert (spec.model.name, spec.model.weights, spec.model.sha256) == (
        "efficientnet-lite0",
        None,
        None,
    )
    assert spec.render == Render()
    assert spec.output.grid.columns == "auto"
    assert spec.output.grid.labels is True
    (job,) = spec.jobs
    assert job.objective.kind == "channel"
    assert job.sign == "positive"
    assert job.channels is None
    assert job.classes is None


def test_what_is_left_open_comes_from_the_default_recipe() -> None:
    settings = resolved(MINIMAL, native_size_px=240)
    assert settings.recipe == "default"
    assert settings.size_px == (240, 240)
    for key in Render.model_fields:
        if key not in {"recipe", "size_px"}:
            assert getattr(settings, key) == getattr(RECIPES["default"], key)


@pytest.mark.parametrize(
    ("short", "long"),
    [
        (MINIMAL | {"model": "x"}, MINIMAL | {"model": {"name": "x"}}),
        (with_job(objective="neuron"), with_job(objective={"kind": "neuron"})),
        (with_job(objective="class_logit"), with_job(objective={"kind": "class_logit"})),
        (with_job(optimizer="adam"), with_job(optimizer={"kind": "adam"})),
        (with_job(parameterization="pixel"), with_job(parameterization={"kind": "pixel"})),
        (MINIMAL | {"render": {"optimizer": "lion"}}, MINIMAL | {"render": {"optimizer": {"kind": "lion"}}}),
        (with_job(channels=3), with_job(channels=[3])),
        (with_job(channels="0-2"), with_job(channels=[0, 1, 2])),
        (with_job(channels="all"), with_job(channels={"every": 1})),
    ],
)
def test_shorthand(short: Data, long: Data) -> None:
    assert spec_of(short) == spec_of(long)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (7, Channels(indices=(7,))),
        ("7", Channels(indices=(7,))),
        ("0-3", Channels(indices=(0, 1, 2, 3))),
        ("5-5", Channels(indices=(5,))),
        ("3, 0-1 ,9", Channels(indices=(3, 0, 1, 9))),
        ("4 - 6", Channels(indices=(4, 5, 6))),
        ([3, 17], Channels(indices=(3, 17))),
        ([17, 3], Channels(indices=(17, 3))),
        ([3, "8-10"], Channels(indices=(3, 8, 9, 10))),
        ("all", Channels(every=1)),
        ({"every": 8}, Channels(every=8)),
    ],
)
def test_channels(written: Any, expected: Channels) -> None:
    assert spec_of(with_job(channels=written)).jobs[0].channels == expected


@pytest.mark.parametrize("written", [7, "0-3", [3, 17], "all", {"every": 8}, [3, "8-10"]])
def test_channels_and_back(written: Any) -> None:
    spec = spec_of(with_job(channels=written))
    data = spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert spec_of(data) == spec


def test_specs_are_frozen() -> None:
    spec = spec_of(MINIMAL)
    with pytest.raises(ValidationError, match="frozen"):
        spec.jobs[0].name = "b"  # type: ignore[misc]


@pytest.mark.parametrize("size", [8, 224, 8192, [64, 96]])
def test_sizes(size: Any) -> None:
    expected = tuple(size) if isinstance(size, list) else (size, size)
    assert resolved(with_job(size_px=size)).size_px == expected


@pytest.mark.parametrize("number", [1, 1.0, "1.0", "1e0"])
def test_whole_numbers_are_numbers(number: Any) -> None:
    text = f"model: m\nrender: {{memory_gb: {number}}}\njobs: [{{name: a, layer: x}}]\n"
    assert spec_of_text(text).render.memory_gb == 1.0


# ---- job over render over recipe


@pytest.mark.parametrize(
    ("key", "low", "high"),
    [
        ("recipe", "lucid", "distill"),
        ("size_px", 96, 128),
        ("steps", 5, 6),
        ("seed", 7, 8),
        ("parameterization", "pixel", {"kind": "fourier", "std": 0.5}),
        ("transforms", [{"kind": "pad", "px": 2}], []),
        ("optimizer", "adam", "lion"),
        ("redirect_steps", 3, 0),
        ("save_px", 448, [448, 336]),
        ("penalties", [{"kind": "l1", "weight": 0.1}], ["blur"]),
        ("regularizers", [{"kind": "decay", "rate": 0.1}], ["gaussian_blur"]),
        ("views", 4, 2),
        ("start", "picture", "noise"),
        ("attention", True, False),
        ("octaves", {"count": 3}, {"count": 2}),
        ("steepest", "l2", "full"),
        ("save_at", [0, 4], [8]),
        ("animation", {"format": "gif"}, {"format": "webp"}),
        ("early_stop", 0.5, 0),
        ("canvas", "whole", "seen"),
        ("precision", "float16", "bfloat16"),
        ("batch_size", 9, 10),
        ("memory_gb", 0.25, 0.5),
    ],
)
def test_job_overrides_render_overrides_recipe(key: str, low: Any, high: Any) -> None:
    by_render = resolved(MINIMAL | {"render": {key: low}})
    by_job = resolved(with_job(**{key: low}))
    by_both = resolved(with_job(**{key: high}) | {"render": {key: low}})
    assert by_render == by_job
    assert getattr(by_render, key) != getattr(resolved(MINIMAL), key)
    assert by_both == resolved(with_job(**{key: high}))
    assert getattr(by_both, key) != getattr(by_render, key)


def test_every_key_of_render_is_inherited() -> None:
    """The test above has a row for each."""
    mark = next(m for m in test_job_overrides_render_overrides_recipe.pytestmark if m.name == "parametrize")
    assert {row[0] for row in mark.args[1]} == set(Render.model_fields)


def test_render_settings_survive_the_recipe_of_a_job() -> None:
    settings = resolved(with_job(recipe="lucid") | {"render": {"steps": 9}})
    assert settings.steps == 9
    assert settings.transforms == RECIPES["lucid"].transforms


def test_null_is_left_out() -> None:
    assert resolved(with_job(steps=None) | {"render": {"steps": 5}}).steps == 5


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


def test_dotted() -> None:
    assert dotted(("jobs", 0, "objective", "terms", 1)) == "jobs[0].objective.terms[1]"
    assert dotted(()) == ""


def test_one_line() -> None:
    assert one_line("a\nb\x1b[0m\u2028 é") == "a\\nb\\x1b[0m\\u2028 é"


def test_places_of_what_was_replaced() -> None:
    document = parse_document("a: {b: 1}\nobjective: neuron\n", "s.yaml", ["a={b: 2}", "objective.row=3"])
    assert document.place(("a", "b")) == "--set a={b: 2}"
    assert document.place(("objective",)) == "--set objective.row=3"
    assert document.place(("objective", "kind")) == "s.yaml:2"


def test_did_you_mean() -> None:
    assert did_you_mean("stepz", ["steps", "seed"]) == " (did you mean steps?)"
    assert did_you_mean("xyz", ["steps"], "or else") == " (or else)"
    assert did_you_mean("xyz", []) == ""


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


def test_the_reference_is_up_to_date() -> None:
    script = ROOT / "scripts" / "reference"
    done = subprocess.run([sys.executable, script, "--check"], check=False)
    assert done.returncode == 0, "write it anew: .venv/bin/python scripts/reference"


# ---- recipes


def test_recipes_are_the_recipes_of_the_schema() -> None:
    words = [
        word
        for choice in typing.get_args(Render.model_fields["recipe"].annotation)
        for word in typing.get_args(choice)
    ]
    assert words == list(RECIPES)


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_are_complete_and_valid(name: str) -> None:
    recipe = RECIPES[name]
    left_open = {key for key in Render.model_fields if getattr(recipe, key) is None}
    asked_for = {"save_px", "octaves", "steepest", "save_at", "animation"}  # which no recipe does by itself
    asked_for -= {"octaves"} if name.startswith("deep") else set()
    assert left_open == {"recipe", "size_px", "batch_size"} | asked_for
    assert Render.model_validate(json.loads(recipe.model_dump_json(exclude_none=True))) == recipe


def test_lucid() -> None:
    """Lucid 0.3.10: render_vis with param.image and standard_transforms."""
    lucid = RECIPES["lucid"]
    assert lucid.steps == 513  # thresholds=(512,) and a loop over range(513)
    assert lucid.redirect_steps == 17  # global_step 0 to 16
    assert lucid.optimizer == Adam(learning_rate=0.05, beta1=0.9, beta2=0.999, epsilon=1e-8)
    assert lucid.parameterization == Fourier(decorrelate=True, std=0.01, decay_power=1.0)
    pad, jitter, scale, rotate, last = lucid.transforms or ()
    assert pad == Pad(px=12, mode="constant", value=0.5)
    assert jitter == Jitter(px=8)
    assert isinstance(scale, Scale)
    assert scale.factors == tuple(1 + (i - 5) / 50.0 for i in range(11))
    assert scale.factors == pytest.approx([0.9, 0.92, 0.94, 0.96, 0.98, 1, 1.02, 1.04, 1.06, 1.08, 1.1])
    assert isinstance(rotate, Rotate)
    assert list(rotate.degrees) == [*range(-10, 11), 0, 0, 0, 0, 0]
    assert len(rotate.degrees) == 26
    assert last == Jitter(px=4)


def test_distill() -> None:
    """The footnote of the article on how its pictures were made."""
    distill = RECIPES["distill"]
    assert distill.steps == 2560
    assert isinstance(distill.optimizer, Adam)
    assert distill.optimizer.learning_rate == 0.05
    assert isinstance(distill.parameterization, Fourier)
    assert distill.parameterization.decorrelate is True
    assert distill.transforms == (
        Pad(px=16),
        Jitter(px=16),
        Scale(factors=(1, 0.975, 1.025, 0.95, 1.05)),
        Rotate(degrees=(-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5)),
        Jitter(px=8),
        Crop(px=16),  # "crop padding": as much as was added
    )


@pytest.mark.parametrize("name", ["lucid", "distill"])
def test_recipes_of_other_systems_have_nothing_of_ours(name: str) -> None:
    recipe = RECIPES[name]
    assert (recipe.early_stop, recipe.canvas, recipe.precision) == (0.0, "whole", "float32")


def test_default_recipe_is_quick() -> None:
    default = RECIPES["default"]
    assert 3 * (default.steps or 0) < (RECIPES["lucid"].steps or 0)
    assert all(isinstance(transform, Affine) for transform in default.transforms or ())


# ---- the starter


def uncommented(text: str) -> str:
    """Take the # off the lines that hold keys: jobs and settings that wait to be used."""
    return re.sub(r"^(\s+)# (- |  |steps:|size_px:|seed:)", r"\1\2", text, flags=re.MULTILINE)


@pytest.mark.parametrize("change", [str, uncommented])
def test_starter(facts: ModelFacts, change) -> None:
    spec = spec_of_text(change(STARTER))
    plan = plan_of(spec, facts)
    assert {unit.job for unit in plan.units} == {job.name for job in spec.jobs}


def test_starter_uncommented_has_more_jobs() -> None:
    few, many = spec_of_text(STARTER), spec_of_text(uncommented(STARTER))
    assert {job.name for job in many.jobs} - {job.name for job in few.jobs} == {"opposites", "mixed"}
    assert many.render.steps == 64


def test_starter_says_what_there_is() -> None:
    """Names in the comments of the starter are names of the schema."""
    objectives = ("channel", "neuron", "layer", "class_logit", "class_probability")
    for word in itertools.chain(("default", "lucid", "distill"), objectives):
        assert word in STARTER


@pytest.mark.parametrize(
    ("objective", "recipe"),
    [
        ("class_logit", "classes"),
        ("class_probability", "classes"),
        ({"kind": "sum", "terms": [{"kind": "class_logit", "class": 1}, {"kind": "class_logit"}]}, "classes"),
        ({"kind": "sum", "terms": [{"kind": "class_logit", "class": 1}, {"kind": "channel"}]}, "default"),
        ("neuron", "default"),
    ],
)
def test_classes_have_a_recipe_of_their_own(objective: Any, recipe: str) -> None:
    assert resolved(with_job(objective=objective)).recipe == recipe
    assert resolved(with_job(objective=objective), "render.recipe=lucid").recipe == "lucid"


def test_small_pictures_of_classes_are_shifted_less() -> None:
    affine, noise = resolved(with_job(objective="class_logit"), native_size_px=64).transforms or ()
    assert (affine.shift_px, affine.crop_px) == (8, 8)
    assert noise == RECIPES["classes"].transforms[1]


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
