"""Variants of a plan: each changes what it says and nothing else, or is left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fvcli.golden.variants import BASE, WEIGHTS, Variant, concerned, variants_of
from fvcli.models import ModelFacts
from fvcli.plan import Plan
from tests.helpers.plans import EVERY_KIND
from tests.helpers.plans_of_files import plan_of

Data = dict[str, Any]
EDGES: Data = {"name": "edges", "layer": "stem_bn", "channels": [0, 30, 31]}
FOURIER = {"kind": "fourier", "decay_power": 1.5}
JITTER = [{"kind": "pad", "px": 4}, {"kind": "jitter", "px": 8}, {"kind": "jitter", "px": 2}]
STEEPEST: Data = {"name": "steep", "layer": "stem_bn", "channels": [3], "steepest": "l2"}
SEEN: Data = {"pictures": "cup.jpg"}
DREAM: Data = {"name": "dream", "layer": "stem_bn", "objective": "layer", "recipe": "deepdream", **SEEN}
NOISE = ["one thread", "two threads an operation", "other batches", "oneDNN off", "XLA"]
REAL = ["learning rate -2 %", "decay power x 0.98", "jitter -1 px", "other seed", "other channel"]


def plain(facts: ModelFacts, *jobs: Data, **render: Any) -> Plan:
    how: Data = {"parameterization": FOURIER, "transforms": JITTER, "batch_size": 6} | render
    return plan_of(facts, *(jobs or (EDGES,)), **how)


def variants(plan: Plan, facts: ModelFacts, layer: str | None = "stem_conv") -> dict[str, Variant]:
    return {variant.name: variant for variant in variants_of(plan, facts, layer, {})}


def settings_of(plan: Plan) -> list[dict[str, Any]]:
    return [program.settings.model_dump(mode="json") for program in plan.programs]


# ---- which there are


def test_all_of_a_plan_that_they_all_concern(facts: ModelFacts) -> None:
    found = variants_of(plain(facts), facts, "stem_conv", {})
    assert [variant.name for variant in found] == [*NOISE, *REAL, WEIGHTS]
    assert [variant.kind for variant in found] == ["same"] * 3 + ["cpu"] * 2 + ["real"] * 6
    assert [variant.is_real for variant in found] == [False] * 5 + [True] * 6
    assert WEIGHTS == "one layer's weights ±1 %"
    assert [variant.name for variant in variants_of(plain(facts), facts, None, {})] == [*NOISE, *REAL]


@pytest.mark.parametrize(
    ("jobs", "render", "left_out"),
    [
        ([], {"transforms": []}, {"jitter -1 px"}),
        ([], {"transforms": [{"kind": "jitter", "px": 1}, {"kind": "pad", "px": 4}]}, {"jitter -1 px"}),
        ([], {"parameterization": {"kind": "pixel"}}, {"decay power x 0.98"}),
        ([], {"parameterization": {"kind": "fourier", "decay_power": 0}}, {"decay power x 0.98"}),
        ([{"name": "l", "layer": "stem_bn", "objective": "layer"}], {}, {"other channel"}),
        (
            [DREAM],
            {},
            {"learning rate -2 %", "decay power x 0.98", "jitter -1 px", "other channel"},
        ),
        ([STEEPEST | SEEN], {}, {*REAL} - {"other channel"}),
        ([STEEPEST | SEEN, EDGES], {}, set()),
    ],
)
def test_what_does_not_concern_a_plan_is_left_out(
    facts: ModelFacts, jobs: list[Data], render: Data, left_out: set[str]
) -> None:
    if len(jobs) == 1 and "pictures" in jobs[0]:  # which reads no keys of optimisations
        plan = plan_of(facts, *jobs, **({"steps": None, "seed": None} if "steepest" in jobs[0] else {}))
    else:
        plan = plain(facts, *jobs, **render)
    found = [name for name in variants(plan, facts) if name not in NOISE]
    assert found == [name for name in [*REAL, WEIGHTS] if name not in left_out]


def test_the_base_is_the_plan_itself(facts: ModelFacts) -> None:
    plan = plain(facts)
    assert BASE.plan(plan) is plan
    assert (BASE.environment, BASE.worker, BASE.kind, BASE.is_real) == ({}, {}, "same", False)


# ---- noise


def test_noise_changes_no_picture(facts: ModelFacts) -> None:
    plan = plain(facts, EDGES, STEEPEST | SEEN)
    found = variants(plan, facts)
    for name in NOISE:
        assert concerned(plan, replace(found[name].plan(plan), programs=plan.programs)) == frozenset()
        assert found[name].plan(plan).units == plan.units
    assert {name: (found[name].environment, found[name].worker) for name in NOISE} == {
        "one thread": ({}, {"lanes": 1}),
        "two threads an operation": ({}, {"lanes": 1, "threads": 2}),
        "other batches": ({}, {"lanes": 1, "other_batches": True}),
        "oneDNN off": ({"TF_ENABLE_ONEDNN_OPTS": "0"}, {}),
        "XLA": ({"TF_XLA_FLAGS": "--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit"}, {}),
    }
    assert [name for name in NOISE if found[name].plan(plan) != plan] == ["other batches"]


@pytest.mark.parametrize(
    ("batch_size", "count", "half"),
    [(6, None, 3), (7, None, 3), (1, None, 1), (6, 3, 3), (12, 3, 6), (15, 3, 6), (4, 4, 4)],
)
def test_other_batches_are_half_as_large_in_whole_groups(
    facts: ModelFacts, batch_size: int, count: int | None, half: int
) -> None:
    more = {} if count is None else {"diversity": {"count": count}}
    plan = plain(facts, EDGES | more, batch_size=batch_size)
    (program,) = plan.programs
    assert program.batch_size == batch_size
    changed = variants(plan, facts)["other batches"].plan(plan)
    assert changed == replace(plan, programs=(replace(program, batch_size=half),))


@pytest.mark.parametrize(("batch_size", "at_once", "halved"), [(6, 4, 12), (7, 4, 12), (1, 4, 2), (1, 1, 1)])
def test_other_batches_are_half_as_large_on_a_gpu(
    facts: ModelFacts, batch_size: int, at_once: int, halved: int
) -> None:
    plan = plain(facts, batch_size=batch_size)
    of_gpu = replace(plan, programs=(replace(plan.programs[0], gpu_batches=at_once),))
    changed = variants(of_gpu, facts)["other batches"].plan(of_gpu)
    assert [program.gpu_pictures for program in changed.programs] == [halved]


def test_threads_are_no_variant_on_a_gpu(facts: ModelFacts) -> None:
    found = [variant.name for variant in variants_of(plain(facts), facts, None, {}, on_gpu=True)]
    assert found == [*NOISE[2:], *REAL]


# ---- real changes


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("learning rate -2 %", ("optimizer", "learning_rate"), 0.049),
        ("decay power x 0.98", ("parameterization", "decay_power"), 1.47),
        ("jitter -1 px", ("transforms", 1, "px"), 7),
        ("other seed", ("seed",), 12),
    ],
)
def test_a_change_changes_one_key(facts: ModelFacts, name: str, path: tuple[Any, ...], value: Any) -> None:
    plan = plain(facts, seed=11, optimizer={"kind": "adam", "learning_rate": 0.05})
    (program,) = plan.programs
    variant = variants(plan, facts)[name]
    changed = variant.plan(plan)
    (expected,) = settings_of(plan)
    inner = expected
    for key in path[:-1]:
        inner = inner[key]
    assert inner[path[-1]] != value
    inner[path[-1]] = pytest.approx(value)
    assert settings_of(changed) == [expected]
    settings = changed.programs[0].settings
    assert changed == replace(plan, programs=(replace(program, settings=settings),))
    assert (variant.environment, variant.worker) == ({}, {})


@pytest.mark.parametrize("px", [1.0, 1.5, 8.0])
def test_an_affine_shifts_less(facts: ModelFacts, px: float) -> None:
    chain = [
        {"kind": "jitter", "px": 1},
        {"kind": "affine", "degrees": 5.0, "scales": [0.95, 1.05], "shift_px": px, "crop_px": 8},
        {"kind": "jitter", "px": 4},
    ]
    plan = plain(facts, transforms=chain)
    (found,) = settings_of(variants(plan, facts)["jitter -1 px"].plan(plan))
    shifts = [found["transforms"][0]["px"], found["transforms"][1]["shift_px"], found["transforms"][2]["px"]]
    assert shifts == ([1, px - 1, 4] if px > 1 else [1, 1.0, 3])


@pytest.mark.parametrize("kind", ["adam", "lion", "gradient", "nadam"])
def test_every_optimizer_has_a_learning_rate(facts: ModelFacts, kind: str) -> None:
    plan = plain(facts, optimizer={"kind": kind, "learning_rate": 2.0})
    (found,) = settings_of(variants(plan, facts)["learning rate -2 %"].plan(plan))
    assert found["optimizer"]["learning_rate"] == pytest.approx(1.96)
    assert found["optimizer"]["kind"] == kind


def test_other_weights_are_said_of_each_program(facts: ModelFacts) -> None:
    plan = plain(facts, EDGES, EDGES | {"name": "slow", "steps": 24})
    variant = variants(plan, facts)[WEIGHTS]
    assert variant.worker == {"layer": "stem_conv", "share": 0.01}
    changed = variant.plan(plan)
    (sha256,) = {program.weights_sha256 for program in changed.programs}
    assert sha256 not in {program.weights_sha256 for program in plan.programs}
    back = (replace(one, weights_sha256=plan.programs[0].weights_sha256) for one in changed.programs)
    assert replace(changed, programs=tuple(back)) == plan
    other = variants(plan, facts, "block0_dw_conv")[WEIGHTS].plan(plan)
    assert other.programs[0].weights_sha256 != sha256


def test_other_channels_are_the_next_ones_and_the_last_is_followed_by_the_first(facts: ModelFacts) -> None:
    """Of 32 channels and 1000 classes."""
    logits = {"name": "dogs", "objective": "class_logit", "classes": [207, 999]}
    layer = {"name": "l", "layer": "stem_bn", "objective": "layer"}
    plan = plain(facts, EDGES, logits, layer)
    changed = variants(plan, facts)["other channel"].plan(plan)
    assert [unit.terms[0].index for unit in plan.units] == [0, 30, 31, 207, 999, -1]
    assert [unit.terms[0].index for unit in changed.units] == [1, 31, 0, 208, 0, -1]
    back = (
        replace(unit, terms=(replace(unit.terms[0], index=was.terms[0].index),))
        for was, unit in zip(plan.units, changed.units, strict=True)
    )
    assert replace(changed, units=tuple(back)) == plan
    assert concerned(plan, changed) == {unit.path for unit in plan.units if unit.job != "l"}


def test_other_channels_are_in_range_whatever_is_asked(facts: ModelFacts) -> None:
    jobs = [job | {"name": f"j{i}"} for i, job in enumerate(EVERY_KIND)]
    plan = plan_of(facts, *jobs)
    channels = {node.name: node.channels for node in facts.nodes}
    changed = variants(plan, facts)["other channel"].plan(plan)
    for was, now in zip(plan.units, changed.units, strict=True):
        for old, new in zip(was.terms, now.terms, strict=True):
            assert replace(new, index=old.index) == old
            assert (new.index == -1) == (old.index == -1)
            assert new.index < channels[new.layer]
            assert new.index != old.index or old.index == -1


def test_of_a_layer_of_one_channel_there_is_no_other(facts: ModelFacts) -> None:
    nodes = tuple(replace(node, channels=1) if node.name == "stem_bn" else node for node in facts.nodes)
    one = EDGES | {"channels": [0]}
    assert "other channel" not in variants(plain(facts, one), replace(facts, nodes=nodes))
    assert "other channel" in variants(plain(facts, one), facts)


# ---- whom it concerns


def test_concerned_are_units_of_another_program_or_with_other_terms(facts: ModelFacts) -> None:
    plan = plain(facts, EDGES, STEEPEST | SEEN)
    edges = {unit.path for unit in plan.units if unit.job == "edges"}
    everything = edges | {"steep/cup-channel-0003"}
    assert {unit.path for unit in plan.units} == everything
    expected = dict.fromkeys(REAL, edges) | {"other channel": everything, WEIGHTS: everything}
    for name, variant in variants(plan, facts).items():
        if variant.is_real:
            assert concerned(plan, variant.plan(plan)) == expected[name], name
    assert concerned(plan, plan) == frozenset()


@given(st.sets(st.integers(0, 2)))
def test_concerned_are_those_whose_program_changed_wherever_it_stands(
    facts: ModelFacts, which: set[int]
) -> None:
    jobs = [EDGES | {"name": f"j{i}", "steps": 16 + i} for i in range(3)]
    plan = plan_of(facts, *jobs)
    programs = tuple(
        replace(program, recipe="other") if i in which else program for i, program in enumerate(plan.programs)
    )
    after = replace(plan, programs=programs)
    assert concerned(plan, after) == {unit.path for unit in plan.units if int(unit.job[1]) in which}


@pytest.mark.parametrize(("said", "name", "flag"), [("0", "on", "1"), ("1", "off", "0"), (None, "off", "0")])
def test_onednn_is_turned_round(facts: ModelFacts, said: str | None, name: str, flag: str) -> None:
    environment = {} if said is None else {"TF_ENABLE_ONEDNN_OPTS": said}
    found = variants_of(plain(facts), facts, None, environment)
    assert [dict(one.environment) for one in found if one.name == f"oneDNN {name}"] == [
        {"TF_ENABLE_ONEDNN_OPTS": flag}
    ]
